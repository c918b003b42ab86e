//! Sessions, users, seats and machines, and the units that processes belong to: sd-login(3).
//!
//! Who is at the other end of a connection, and is that person at the screen?
//!
//! ```no_run
//! use std::os::fd::AsFd;
//! use std::os::unix::net::UnixListener;
//!
//! use sdlite::login;
//!
//! fn main() -> std::io::Result<()> {
//!     let listener = UnixListener::bind("/run/example")?;
//!     for client in listener.incoming() {
//!         let client = client?;
//!         let process = login::of_peer(client.as_fd());
//!         match process.session()? {
//!             Some(session) if session.is_active()? => println!("{} at {:?}", session.username()?, session.seat()?),
//!             Some(session) => println!("{}, but not at the screen", session.username()?),
//!             None => println!("the unit {:?}", process.unit()?),
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! This asks no bus. The answers are in the files that systemd-logind or elogind writes below /run/systemd, and in the control
//! groups of processes. A function returns None if the file, or the control group, does not say anything about it.
//!
//! # Errors
//!
//! * `ENXIO`: there is no such session, seat, user or machine.
//! * `ESRCH`: there is no such process.
//! * `EINVAL`: a session, a seat or a machine cannot have this name, or a user or a process this number. Or an answer is not
//!   UTF-8.
//! * `EIO` or another number: a file is not as it should be, or cannot be read.

use std::ffi::{CStr, CString};
use std::time::{Duration, SystemTime};

use sdlite_core::login::list::{self, Directory};
use sdlite_core::login::{Buffer, Words};
use sdlite_core::{Errno, Result as CoreResult};

use crate::{Error, Result};

mod machine;
mod monitor;
mod process;
mod seat;
mod session;
mod user;

pub use machine::Machine;
pub use monitor::{Category, Monitor};
pub use process::{Process, of_peer, of_pid, of_pidfd};
pub use seat::Seat;
pub use session::Session;
pub use user::{Require, User};

/// Where the answers are put together.
#[derive(Default)]
struct Room(Vec<u8>);

impl Buffer for Room {
    fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }

    fn push(&mut self, bytes: &[u8]) -> CoreResult<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

/// The text that a call leaves in the room.
fn text(find: impl FnOnce(&mut Room) -> CoreResult<()>) -> Result<String> {
    let mut room = Room::default();
    find(&mut room)?;
    String::from_utf8(room.0).map_err(|_| Errno::INVAL.into())
}

/// The texts that a call hands out.
fn texts<T>(find: impl FnOnce(&mut Room, &mut dyn Words) -> CoreResult<T>) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    find(&mut Room::default(), &mut |text: &CStr| {
        texts.push(text.to_str().map_err(|_| Errno::INVAL)?.to_owned());
        Ok(())
    })?;
    Ok(texts)
}

/// The names of all files in a directory.
fn names(directory: Directory) -> Result<Vec<String>> {
    texts(|_, names| list::names(directory, names))
}

/// None for what is not there.
fn optional<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Err(error) if error.errno() == libc::ENODATA => Ok(None),
        found => found.map(Some),
    }
}

/// A name for C. One with a zero byte in it is none.
fn c_name(name: &str) -> Result<CString> {
    CString::new(name).map_err(|_| Error::from(Errno::INVAL))
}

fn time(microseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds)
}
