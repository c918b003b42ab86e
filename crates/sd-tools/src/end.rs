//! How the tools end: what they say, what they tell the service manager, and their exit status.

use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};

use clap::{ArgMatches, Command};
use nix::errno::Errno;
use sdlite_core::notify;

use crate::error::reason;
use crate::{FAILURE, say};

/// Why a tool did not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// What is said, and the number that the service manager is told.
    Said(String, Errno),
    /// What is wrong with the options, or a text that was asked for.
    Usage(clap::Error),
}

impl Failure {
    /// Options that say something wrong.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Said(message.into(), Errno::EINVAL)
    }

    /// Says it, and returns the exit status.
    pub(crate) fn report(&self) -> u8 {
        match self {
            Self::Said(message, _) => say(message),
            Self::Usage(error) => drop(error.print()),
        }
        self.status()
    }

    /// The exit status: 0 where a text was asked for.
    pub fn status(&self) -> u8 {
        self.errno().map_or(0, |_| FAILURE)
    }

    /// What the service manager is told.
    fn errno(&self) -> Option<Errno> {
        match self {
            Self::Said(_, errno) => Some(*errno),
            Self::Usage(error) => error.use_stderr().then_some(Errno::EINVAL),
        }
    }

    /// An action that failed, and why.
    pub(crate) fn of(what: impl Display, errno: Errno) -> Self {
        Self::Said(format!("{what}: {}", reason(errno)), errno)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(message, _) => f.write_str(message),
            Self::Usage(error) => error.fmt(f),
        }
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

/// The options that the arguments are.
pub(crate) fn parse(command: Command, arguments: Vec<OsString>) -> Result<ArgMatches, Failure> {
    Ok(command.try_get_matches_from(arguments)?)
}

/// Says what is wrong, and returns the exit status. As the originals do, it tells the service manager about a failure, and the
/// status, unless that is None: then the tool has done its work, and whoever called it goes on.
pub(crate) fn end(result: Result<Option<u8>, Failure>) -> u8 {
    let (errno, status) = match result {
        Ok(None) => return 0,
        Ok(Some(status)) => (None, status),
        Err(failure) => (failure.errno(), failure.report()),
    };
    if let Some(errno) = errno {
        tell(&format!("ERRNO={}", errno as i32));
    }
    tell(&format!("EXIT_STATUS={status}"));
    status
}

/// Tells the service manager, if there is one.
fn tell(state: &str) {
    let _ = notify::notify(0, None, Some(state.as_bytes()), Some(&[]));
}
