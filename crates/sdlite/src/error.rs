use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::{fmt, io};

use sdlite_core::{Answer, Errno};

/// A number of errno(3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(Errno);

/// What every fallible function here returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The number, as in `errno.h` and [`io::Error::raw_os_error`].
    pub fn errno(self) -> i32 {
        self.0.number()
    }
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self(errno)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::from_raw_os_error(error.errno())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&io::Error::from(*self), f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&io::Error::from(*self), f)
    }
}

impl std::error::Error for Error {}

/// Why an [`Entry`](crate::Entry) was not sent.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EntryError {
    /// A field cannot have this name.
    FieldName(String),
    /// The journal could not be reached.
    Send(Error),
}

impl From<Error> for EntryError {
    fn from(error: Error) -> Self {
        Self::Send(error)
    }
}

impl From<EntryError> for io::Error {
    fn from(error: EntryError) -> Self {
        match error {
            EntryError::FieldName(_) => Self::new(io::ErrorKind::InvalidInput, error),
            EntryError::Send(error) => error.into(),
        }
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldName(name) => write!(
                f,
                "{name:?} is not a name for a field of the journal: it takes 1 to 64 of A-Z, 0-9 and _, and the first is a letter"
            ),
            Self::Send(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EntryError {}

pub(crate) fn answer(answer: Answer) -> Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(no) => no.error().map_or(Ok(false), |error| Err(error.into())),
    }
}

/// The path for C. A path cannot have a zero byte in it: EINVAL, as in std.
pub(crate) fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Error(Errno::INVAL))
}
