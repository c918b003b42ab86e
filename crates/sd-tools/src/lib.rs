//! systemd's small tools where no systemd runs. Each module is a program: `main` does what its arguments ask for and returns the exit
//! status, `command` describes its options.
//!
//! It is a library for the programs, their tests and their manual pages, and promises nothing to others.

pub mod cat;
pub mod entry;
pub mod notify;
pub mod proxy;

use std::fmt::Display;
use std::io::Write;

/// The exit status for everything that has none of its own.
pub(crate) const FAILURE: u8 = 1;

/// Writes one line to standard error.
pub(crate) fn say(message: impl Display) {
    // One write: lines of several processes stay whole. And `eprintln!` would panic where nobody reads any more.
    let _ = std::io::stderr().write_all(format!("{message}\n").as_bytes());
}

/// Prints what is wrong with the options, or a text that was asked for. Returns the exit status.
pub(crate) fn print_usage(error: &clap::Error) -> u8 {
    let _ = error.print();
    // clap would exit with 2, the originals exit with 1.
    error.use_stderr().into()
}
