//! `sd-cat`: systemd-cat.

use std::ffi::OsString;

use clap::Command;

use crate::{FAILURE, print_usage, say};

/// Does what the arguments, of which the first is the program's name, ask for. Returns the exit status.
pub fn main(arguments: Vec<OsString>) -> u8 {
    match command().try_get_matches_from(arguments) {
        Ok(_) => {
            say("Not there yet.");
            FAILURE
        }
        Err(error) => print_usage(&error),
    }
}

/// The options.
pub fn command() -> Command {
    Command::new("sd-cat")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Execute a command with its output connected to the journal.")
}
