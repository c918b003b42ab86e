//! The other side of the control socket.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::control::INTERFACE;
use crate::control::call::{Call, Failure, Reply};
use crate::control::frame::Frames;

/// The longest reply: there may be thousands of units.
const REPLY_MAX: usize = 64 * 1024 * 1024;

/// A connection to the manager.
pub struct Client {
    stream: UnixStream,
    frames: Frames,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Error {
    /// Nobody is there to be asked.
    Unreachable(PathBuf, io::Error),
    /// Where to ask is not known.
    Nowhere,
    /// The manager has ended, or closed the connection.
    Ended,
    /// What came is no reply.
    Nonsense,
    /// The manager says no.
    Failure(Failure),
}

impl Client {
    /// Connects.
    pub fn connect(path: &Path) -> Result<Self, Error> {
        let stream = UnixStream::connect(path).map_err(|error| Error::Unreachable(path.to_owned(), error))?;
        Ok(Self { stream, frames: Frames::new(REPLY_MAX) })
    }

    /// Calls a method, and waits for its reply.
    pub fn call(&mut self, method: &str, parameters: Map<String, Value>) -> Result<Value, Error> {
        self.send(method, parameters, false)?;
        match self.receive()? {
            Reply::Returns(parameters) | Reply::Continues(parameters) => Ok(parameters),
            Reply::Fails(failure) => Err(Error::Failure(failure)),
        }
    }

    /// Calls a method.
    pub fn send(&mut self, method: &str, parameters: Map<String, Value>, more: bool) -> Result<(), Error> {
        let call = Call { method: format!("{INTERFACE}.{method}"), parameters, more, oneway: false };
        self.stream.write_all(&call.message()).map_err(|_| Error::Ended)
    }

    /// A reply that has come already.
    pub fn received(&mut self) -> Result<Option<Reply>, Error> {
        match self.frames.take().map_err(|_| Error::Nonsense)? {
            Some(message) => Reply::parse(&message).map(Some).ok_or(Error::Nonsense),
            None => Ok(None),
        }
    }

    /// Waits for a reply.
    pub fn receive(&mut self) -> Result<Reply, Error> {
        let mut bytes = [0; 64 * 1024];
        loop {
            if let Some(reply) = self.received()? {
                return Ok(reply);
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(Error::Ended),
                Ok(length) => self.frames.push(&bytes[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(_) => return Err(Error::Ended),
            }
        }
    }
}

/// Parameters that are one name.
pub fn named(name: &str) -> Map<String, Value> {
    match json!({ "name": name }) {
        Value::Object(parameters) => parameters,
        _ => Map::new(),
    }
}

impl Display for Error {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(path, error) => {
                let path = path.display();
                match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => write!(
                        formatter,
                        "No sd-activate can be asked: nobody listens at {path}.\n\
                         Start one, as in: sd-activate myservice.socket. Or name its control socket with --control=PATH."
                    ),
                    io::ErrorKind::PermissionDenied => {
                        write!(formatter, "The control socket {path} is another user's: ask as that user, or as root.")
                    }
                    _ => write!(formatter, "Failed to connect to the control socket {path}: {error}"),
                }
            }
            Self::Nowhere => formatter.write_str(
                "No sd-activate can be asked: $XDG_RUNTIME_DIR is not set. Name its control socket with --control=PATH.",
            ),
            Self::Ended => formatter.write_str("sd-activate has closed the connection: it has ended, or too many ask."),
            Self::Nonsense => formatter.write_str("What answers at the control socket is no sd-activate of this release."),
            Self::Failure(failure) => {
                formatter.write_str(failure.text("message").unwrap_or(&failure.error))?;
                match failure.text("parameter") {
                    Some(parameter) => write!(formatter, " ({parameter})"),
                    None => Ok(()),
                }
            }
        }
    }
}
