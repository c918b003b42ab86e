//! sd-login(3): what systemd or elogind knows about sessions, users, seats and machines, from the files that they write below
//! /run/systemd, and from the control groups that processes are in.
//!
//! No bus is asked. What a function finds is put into a [`Buffer`] of the caller's, which is also its room to work in: what is
//! in it before is lost, what is in it after an error means nothing.

mod cgroup;
mod file;
pub mod list;
pub mod machine;
pub mod monitor;
pub mod process;
pub mod seat;
pub mod session;
pub mod user;
mod words;

use core::ffi::CStr;
use core::ops::Range;

pub use words::Words;

use crate::{Result, sys};

/// Memory of the caller's: files have no size that is known before.
pub trait Buffer {
    /// What is in it.
    fn bytes(&mut self) -> &mut [u8];

    /// Adds bytes at the end. ENOMEM where there is no memory for them.
    fn push(&mut self, bytes: &[u8]) -> Result<()>;

    /// Removes what is behind the first `len` bytes.
    fn truncate(&mut self, len: usize);
}

/// Keeps of what is behind the first bytes of the buffer nothing but one part.
#[inline(never)]
fn keep(buffer: &mut dyn Buffer, behind: usize, part: &Range<usize>) {
    let bytes = buffer.bytes();
    for (to, from) in (behind..).zip(part.clone()) {
        if let (Some(byte), Some(place)) = (bytes.get(from).copied(), bytes.get_mut(to)) {
            *place = byte;
        }
    }
    buffer.truncate(behind + part.len());
}

/// What is in the buffer, as a C string.
#[inline(never)]
fn c_str(buffer: &mut dyn Buffer) -> Result<&CStr> {
    buffer.push(b"\0")?;
    Ok(sys::terminated(buffer.bytes()))
}
