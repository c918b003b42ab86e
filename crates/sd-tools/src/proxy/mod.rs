//! `sd-proxy`: systemd-socket-proxyd(8). Connections that are made to the sockets it was passed go on to another one.
//!
//! One thread and one epoll(7). What is sent moves through pipes by splice(2), never through memory of this process. A connection
//! has a pipe only while something is in it. Where the target is a name, a thread asks for its addresses, at each connection
//! anew: the answer may change, and getaddrinfo(3) blocks.

mod connection;
mod direction;
pub mod header;
pub mod options;
mod pipe;
mod poll;
mod resolve;
mod server;
mod slots;
pub mod target;

use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use sdlite::{ListenFd, SocketType};

use self::options::Settings;
use self::server::Server;
use crate::{FAILURE, say};

pub use self::options::command;

/// Why it ends.
enum Error {
    /// The variables of sd_listen_fds(3) say something wrong.
    NotReceived(sdlite::Error),
    NoSockets,
    NoStream,
    /// A system call failed that every connection needs.
    Broken(&'static str, Errno),
}

impl Display for Error {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReceived(error) => write!(formatter, "Failed to receive sockets from parent: {error}."),
            Self::NoSockets => write!(formatter, "Didn't get any sockets passed in."),
            Self::NoStream => write!(formatter, "Passed in socket is not a stream socket."),
            Self::Broken(what, errno) => write!(formatter, "Failed to {what}: {}", errno.desc()),
        }
    }
}

/// Does what the arguments, of which the first is the program's name, ask for. Returns the exit status.
pub fn main(arguments: Vec<OsString>) -> u8 {
    let settings = match options::parse(arguments) {
        Ok(settings) => settings,
        Err(failure) => return failure.report(),
    };
    match run(settings) {
        Ok(()) => 0,
        Err(error) => {
            say(error);
            FAILURE
        }
    }
}

fn run(settings: Settings) -> Result<(), Error> {
    let sockets = sdlite::listen_fds().map_err(Error::NotReceived)?;
    if sockets.is_empty() {
        return Err(Error::NoSockets);
    }
    if !sockets.iter().all(is_stream) {
        return Err(Error::NoStream);
    }
    // SAFETY: no handler is installed. splice(2) to a socket that is closed there is to fail, and not to end this process.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) }.map_err(|errno| Error::Broken("ignore SIGPIPE", errno))?;
    allow_descriptors();
    Server::new(settings, sockets.into_iter().map(|socket| socket.fd).collect())?.run()
}

fn is_stream(socket: &ListenFd) -> bool {
    sdlite::is_socket(socket.fd.as_fd(), None, Some(SocketType::STREAM), Some(true)).unwrap_or(false)
}

/// As many descriptors as this process may have: a connection takes two, and up to four more while its receivers are slow.
fn allow_descriptors() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
