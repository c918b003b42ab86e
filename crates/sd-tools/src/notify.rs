//! `sd-notify`: systemd-notify.

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
    Command::new("sd-notify")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Notify the service manager about the status of a service.")
}
