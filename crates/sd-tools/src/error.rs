//! Errors of the system: their numbers, and the C library's words for them.

use std::borrow::Borrow;

use nix::errno::Errno;

/// The number of an error.
pub fn errno(error: impl Borrow<std::io::Error>) -> Errno {
    error.borrow().raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// What strerror(3) says.
pub fn reason(error: Errno) -> String {
    let mut words = std::io::Error::from(error).to_string();
    if let Some(end) = words.find(" (os error") {
        words.truncate(end);
    }
    words
}
