//! What the functions of sd-daemon.h, sd-login.h, sd-id128.h and the writing half of sd-journal.h do.
//!
//! Plain descriptors and [`CStr`](core::ffi::CStr)s come in, answers and [`Errno`]s go out. There is no C ABI here (that is
//! the package `libsdlite`) and no `std` type (that is the crate `sdlite`): both hold no decision of their own and call this.
//!
//! A descriptor is a number here, as in C: that it is the caller's to use is for the caller to see to. The crate `sdlite` has
//! std's types for that. Programs use that crate; the functions here change as the other two need them to.
//!
//! Nothing here panics, allocates or keeps state, except for [`journal`], which keeps the descriptor of its socket, and
//! [`id128`], which keeps the IDs that it has read.

#![no_std]

/// A C string that is alone in its section. The linker merges literals into one section, of which a static program that needs one
/// of them gets all.
macro_rules! c_str {
    ($text:literal) => {{
        const TEXT: &core::ffi::CStr = $text;
        static BYTES: [u8; TEXT.count_bytes() + 1] = match TEXT.to_bytes_with_nul().first_chunk() {
            Some(bytes) => *bytes,
            None => unreachable!(),
        };
        const {
            match core::ffi::CStr::from_bytes_with_nul(&BYTES) {
                Ok(text) => text,
                Err(_) => unreachable!(),
            }
        }
    }};
}

pub mod daemon;
mod environment;
mod errno;
pub mod id128;
pub mod is;
pub mod journal;
mod large_message;
pub mod listen;
pub mod login;
pub mod notify;
pub mod number;
pub mod pidfd;
mod sha256;
mod sys;
mod text;

pub use environment::Unset;
pub(crate) use errno::yes_if;
pub use errno::{Answer, Errno, No, Result};
