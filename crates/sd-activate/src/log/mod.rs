//! The log: what services send, as entries, and what this process itself says.
//!
//! `journal`, `stream` and `syslog` read the three ways in which services log; what comes of each are the fields of entries.
//! `ring` keeps the newest, `output` prints them. No system call is made here but to write and to read the time zone.

pub mod command_line;
pub mod entry;
pub mod journal;
pub mod output;
pub mod priority;
pub mod query;
pub mod ring;
pub mod stream;
pub mod syslog;

pub use sd_tools::say;

/// Where a byte stands first. memchr(3) looks at many at once.
fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    // SAFETY: it reads these bytes, and no others.
    let found = unsafe { libc::memchr(bytes.as_ptr().cast(), libc::c_int::from(byte), bytes.len()) };
    (!found.is_null()).then(|| found.addr() - bytes.as_ptr().addr())
}
