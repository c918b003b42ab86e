use std::ffi::CStr;
use std::fmt::{self, Write};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::{env, io};

use sdlite_core::{Errno, journal};

use crate::error::c_path;
use crate::{EntryError, Error, Result};

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

/// Where in the source a message comes from: the fields `CODE_FILE`, `CODE_LINE` and `CODE_FUNC`.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// The file: `file!()`.
    pub file: &'a str,
    /// The line: `line!()`.
    pub line: u32,
    /// The function, or its module: `module_path!()`.
    pub function: &'a str,
}

/// Logs a message to the journal: sd_journal_print(3). The macro of the same name formats the message and knows the
/// location.
///
/// White space at the end of the message is removed. The rest is one entry, also if it has several lines. An empty message is
/// not sent. If there is no journal, nothing happens.
///
/// # Errors
///
/// The error of socket(2), sendmsg(2) or memfd_create(2).
pub fn journal_print(priority: Priority, message: impl fmt::Display, location: Option<Location<'_>>) -> Result<()> {
    let mut field = String::new();
    // Writing to a String does not fail. If a Display does, the text so far is kept.
    let _ = write!(field, "{message}");
    let location = location.map(|at| (format!("CODE_FILE={}", at.file), format!("CODE_LINE={}", at.line), at.function));
    let location = location.as_ref().map(|(file, line, function)| journal::Location {
        file: file.as_bytes(),
        line: line.as_bytes(),
        function: function.as_bytes(),
    });
    Ok(journal::print(priority as i32, field.as_bytes(), location)?)
}

/// Logs a message to the journal, formatted as by [`println!`], with its place in the source.
///
/// It returns nothing, as programs can rarely do anything about an error here. The function
/// [`journal_print`](fn@crate::journal_print) returns it.
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

/// The longest name of a field that journald takes.
pub(crate) const NAME_MAX: usize = 64;

/// An entry of the journal, with fields of its own: sd_journal_sendv(3).
///
/// ```no_run
/// use sdlite::{Entry, Priority};
///
/// fn main() -> std::io::Result<()> {
///     let client = "192.0.2.1";
///     Entry::new(Priority::Warning, format_args!("{client} sends nonsense"))
///         .field("CLIENT", client)
///         .field("RECEIVED", b"\xff\n\x00")
///         .send()?;
///     Ok(())
/// }
/// ```
///
/// Fields with the same name are all kept. If there is no field `SYSLOG_IDENTIFIER`, the name of the program becomes one.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Each a name, `=` and a value.
    fields: Vec<Vec<u8>>,
    /// The first name that a field cannot have.
    wrong: Option<String>,
}

impl Entry {
    /// An entry with a message and a priority. The message is sent as it is.
    pub fn new(priority: Priority, message: impl fmt::Display) -> Self {
        let entry = Self { fields: Vec::new(), wrong: None };
        entry.field("MESSAGE", message.to_string()).field("PRIORITY", (priority as i32).to_string())
    }

    /// Adds a field. The value may be any bytes. The name takes 1 to 64 of A-Z, 0-9 and `_`, and the first is a letter. journald
    /// drops fields with other names, and [`send`](Self::send) refuses them.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if is_name(name) {
            self.fields.push([name.as_bytes(), b"=", value.as_ref()].concat());
        } else {
            self.wrong.get_or_insert_with(|| name.to_owned());
        }
        self
    }

    /// Adds where in the source it comes from.
    #[must_use]
    pub fn location(self, at: Location<'_>) -> Self {
        let entry = self.field("CODE_FILE", at.file).field("CODE_LINE", at.line.to_string());
        entry.field("CODE_FUNC", at.function)
    }

    /// Sends it. If there is no journal, nothing happens.
    ///
    /// # Errors
    ///
    /// * [`EntryError::FieldName`]: a field cannot have its name.
    /// * `EINVAL`: there are more than about 500 fields, or 200 with a line break in them.
    /// * The error of socket(2), sendmsg(2) or memfd_create(2).
    pub fn send(&self) -> std::result::Result<(), EntryError> {
        match &self.wrong {
            Some(name) => Err(EntryError::FieldName(name.clone())),
            None => Ok(journal::sendv(self.fields.iter().map(|field| Some(&**field)), None).map_err(Error::from)?),
        }
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    let valid = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
    name.len() <= NAME_MAX && name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(valid)
}

/// Opens a stream to the journal: sd_journal_stream_fd(3). Each line becomes an entry under `identifier`.
///
/// The entries have this priority. If `level_prefix` is true, a line can say its own by a prefix such as `<3>`.
///
/// ```no_run
/// use std::process::{Command, Stdio};
///
/// use sdlite::{Priority, journal_stream_fd};
///
/// fn main() -> std::io::Result<()> {
///     let log = journal_stream_fd("helper", Priority::Info, false)?;
///     Command::new("helper").stdout(Stdio::from(log)).spawn()?;
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// * `EINVAL`: the identifier has a line break in it.
/// * `ENOENT`: there is no journal.
/// * Another error of socket(2), connect(2) or sendmsg(2).
pub fn journal_stream_fd(identifier: &str, priority: Priority, level_prefix: bool) -> Result<OwnedFd> {
    stream(None, identifier, priority, level_prefix)
}

/// Like [`journal_stream_fd`], to the journal of a namespace: sd_journal_stream_fd_with_namespace(3). Units choose one with
/// `LogNamespace=`.
///
/// # Errors
///
/// As [`journal_stream_fd`], and `EINVAL` if a namespace cannot have this name.
pub fn journal_stream_fd_with_namespace(
    namespace: &str,
    identifier: &str,
    priority: Priority,
    level_prefix: bool,
) -> Result<OwnedFd> {
    stream(Some(&c_path(namespace.as_ref())?), identifier, priority, level_prefix)
}

fn stream(namespace: Option<&CStr>, identifier: &str, priority: Priority, level_prefix: bool) -> Result<OwnedFd> {
    // It is a line of the stream's header, and other lines follow.
    if identifier.contains('\n') {
        return Err(Errno::INVAL.into());
    }
    let fd = journal::stream_fd(namespace, identifier.as_bytes(), priority as i32, level_prefix)?;
    // SAFETY: it has just been opened, for the caller to own.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether the standard output or the standard error of this process goes to the journal: `$JOURNAL_STREAM` in
/// systemd.exec(5). A program can log to the journal if it does, and print to the terminal if it does not.
pub fn connected_to_journal() -> bool {
    let Some(stream) = env::var_os("JOURNAL_STREAM") else { return false };
    let is_stream = |fd: BorrowedFd<'_>| {
        let file = fd.try_clone_to_owned().map(File::from).and_then(|file| file.metadata());
        file.is_ok_and(|file| stream == *format!("{}:{}", file.dev(), file.ino()))
    };
    is_stream(io::stderr().as_fd()) || is_stream(io::stdout().as_fd())
}
