//! systemd's small tools where no systemd runs. Each module is a program: `main` does what its arguments ask for and returns the exit
//! status, `command` describes its options.
//!
//! It is a library for the programs, their tests and their manual pages, and promises nothing to others.

pub mod cat;
pub mod end;
pub mod entry;
pub mod error;
mod execute;
pub mod notify;
pub mod proxy;
pub mod span;

use std::ffi::{CString, OsStr, OsString};
use std::fmt::Display;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::end::Failure;

/// The exit status for everything that has none of its own.
pub(crate) const FAILURE: u8 = 1;

/// Writes one line to standard error.
pub fn say(message: impl Display) {
    // One write: lines of several processes stay whole. And `eprintln!` would panic where nobody reads any more.
    let _ = std::io::stderr().write_all(format!("{message}\n").as_bytes());
}

/// An argument as a C string, which it has been.
pub(crate) fn string(text: &OsStr) -> CString {
    CString::new(text.as_bytes()).unwrap_or_default()
}

/// Prints what is wrong with the options, or a text that was asked for. Returns the exit status.
pub fn print_usage(error: &clap::Error) -> u8 {
    let _ = error.print();
    // clap would exit with 2, the originals exit with 1.
    error.use_stderr().into()
}

/// A program's options, of which there is none yet but `--help` and `--version`.
pub(crate) fn program(name: &'static str) -> Command {
    Command::new(name)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        // As getopt_long(3): a long option may be shortened.
        .infer_long_args(true)
        .arg(Arg::new("version").long("version").action(ArgAction::Version).help("Print version string and exit"))
}

/// An option without a value.
pub(crate) fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).overrides_with(name)
}

/// An option with a value, which may be given more than once.
pub(crate) fn value(name: &'static str, value_name: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value_name)
        .action(ArgAction::Append)
        .value_parser(ValueParser::os_string())
        .allow_hyphen_values(true)
}

/// What an option was given last. As with getopt_long(3), all that it was given has to be right.
pub(crate) fn last<T>(
    matches: &ArgMatches,
    name: &str,
    mut read: impl FnMut(&OsStr) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    matches.get_many::<OsString>(name).unwrap_or_default().try_fold(None, |_, text| read(text).map(Some))
}
