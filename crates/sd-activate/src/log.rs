//! What this process itself says.

use std::fmt::Display;
use std::io::Write;

/// Writes one line to standard error.
pub fn say(message: impl Display) {
    // One write: lines of several processes stay whole. And `eprintln!` would panic where nobody reads any more.
    let _ = std::io::stderr().write_all(format!("{message}\n").as_bytes());
}
