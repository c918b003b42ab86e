//! What ends the activator early, and what it says.

use std::fmt::Display;
use std::io::Write;

/// Exit status for everything that has none of its own.
const FAILURE: u8 = 1;
/// Exit statuses that a shell, too, gives for a command that cannot be executed.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// A message for the user, and the exit status that goes with it.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub status: u8,
    message: String,
}

impl Failure {
    /// A failure with the general exit status.
    pub fn new(message: impl Display) -> Self {
        Self { status: FAILURE, message: message.to_string() }
    }

    /// `command` is nowhere to be found.
    pub fn not_found(command: impl Display) -> Self {
        Self {
            status: NOT_FOUND,
            message: format!(
                "Failed to execute '{command}': command not found. Give its path, or put its directory into $PATH."
            ),
        }
    }

    /// What `command` names as its interpreter is nowhere to be found.
    pub fn interpreter_not_found(command: impl Display) -> Self {
        Self {
            status: NOT_FOUND,
            message: format!(
                "Failed to execute '{command}': its interpreter, after #! or in its ELF header, was not found."
            ),
        }
    }

    /// `command` is there but cannot be executed.
    pub fn not_executable(command: impl Display, reason: impl Display) -> Self {
        Self { status: NOT_EXECUTABLE, message: format!("Failed to execute '{command}': {reason}.") }
    }

    /// Tells the user.
    pub fn report(&self) {
        say(&self.message);
    }
}

/// Writes one line to standard error.
pub fn say(message: impl Display) {
    // One write: lines of several processes stay whole. And `eprintln!` would panic where nobody reads any more.
    let _ = std::io::stderr().write_all(format!("{message}\n").as_bytes());
}

/// The C library's words for an error.
pub fn reason(error: nix::errno::Errno) -> String {
    let mut words = std::io::Error::from(error).to_string();
    if let Some(end) = words.find(" (os error") {
        words.truncate(end);
    }
    words
}
