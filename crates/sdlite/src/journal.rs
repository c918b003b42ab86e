use std::fmt::{self, Write};

use sdlite_core::journal;

use crate::Result;

/// How much a message matters: syslog(3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(i32)]
pub enum Priority {
    /// The system is unusable.
    Emergency = libc::LOG_EMERG,
    /// Action must be taken immediately.
    Alert = libc::LOG_ALERT,
    /// Critical conditions.
    Critical = libc::LOG_CRIT,
    /// Error conditions.
    Error = libc::LOG_ERR,
    /// Warning conditions.
    Warning = libc::LOG_WARNING,
    /// Normal, but significant.
    Notice = libc::LOG_NOTICE,
    /// Informational.
    Info = libc::LOG_INFO,
    /// For debugging.
    Debug = libc::LOG_DEBUG,
}

/// Where in the source a message comes from: what becomes `CODE_FILE`, `CODE_LINE` and `CODE_FUNC`.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// The file: `file!()`.
    pub file: &'a str,
    /// The line: `line!()`.
    pub line: u32,
    /// The function, or at least its module: `module_path!()`.
    pub function: &'a str,
}

/// Logs a message to the journal: sd_journal_print(3). The macro of the same name formats the message and fills in the
/// location.
///
/// White space at the end of the message is cut; the rest, newlines included, is one entry. An empty message is none. Where
/// there is no journal, nothing happens.
///
/// # Errors
///
/// What socket(2), sendmsg(2) or memfd_create(2) failed with.
pub fn journal_print(priority: Priority, message: impl fmt::Display, location: Option<Location<'_>>) -> Result<()> {
    let mut field = String::new();
    // A String takes whatever is written; a Display that fails has said what it could.
    let _ = write!(field, "{message}");
    let location = location.map(|at| (format!("CODE_FILE={}", at.file), format!("CODE_LINE={}", at.line), at.function));
    let location = location.as_ref().map(|(file, line, function)| journal::Location {
        file: file.as_bytes(),
        line: line.as_bytes(),
        function: function.as_bytes(),
    });
    Ok(journal::print(priority as i32, field.as_bytes(), location)?)
}

/// Logs a message to the journal, formatted as by [`println!`], with the place in the source where this stands.
///
/// It has no result, as one rarely knows what to do about a log that cannot be written to; the function
/// [`journal_print`](fn@crate::journal_print) has.
///
/// ```no_run
/// # use sdlite::{Priority, journal_print};
/// let port = 8080;
/// journal_print!(Priority::Notice, "Listening on port {port}.");
/// ```
#[macro_export]
macro_rules! journal_print {
    ($priority:expr, $($message:tt)+) => {{
        let location = $crate::Location { file: ::core::file!(), line: ::core::line!(), function: ::core::module_path!() };
        let _ = $crate::journal_print($priority, ::core::format_args!($($message)+), ::core::option::Option::Some(location));
    }};
}
