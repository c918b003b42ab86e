//! From the command line to the exit status.

use std::ffi::OsString;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

use crate::error::Error;
use crate::listen::Sockets;
use crate::log::say;
use crate::options::{self, Options};
use crate::signals::Inherited;
use crate::spawn::{self, Service};
use crate::{accept, environment, serve};

/// Exit status for everything that has none of its own.
const FAILURE: u8 = 1;
/// Exit statuses that a shell, too, gives for a command that cannot be executed.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// What programs that use select(2) can bear: as the original, every service gets this for each connection.
const FD_SETSIZE: rlim_t = 1024;

/// Does what the arguments, of which the first is the program's name, ask for. Returns the exit status.
pub fn main(arguments: Vec<OsString>) -> u8 {
    let options = match options::parse(arguments) {
        Ok(options) => options,
        Err(not_options) => return not_options.print(),
    };
    run(&options).unwrap_or_else(|error| {
        say(&error);
        status(&error)
    })
}

fn status(error: &Error) -> u8 {
    match error {
        Error::NotFound { .. } | Error::InterpreterNotFound { .. } => NOT_FOUND,
        Error::NotExecutable { .. } => NOT_EXECUTABLE,
        _ => FAILURE,
    }
}

fn run(options: &Options) -> Result<u8, Error> {
    options::check(options)?;
    // Before anything is opened: a socket must not become standard output.
    open_standard_descriptors();
    let assignments = environment::assignments(&options.setenv)?;
    let path = spawn::find(options.program())?;

    let inherited = Inherited::block().map_err(Error::Signals)?;
    let sockets = Sockets::open(options)?;
    let signals = inherited.watch().map_err(Error::Signals)?;

    let pidfs = sdlite_core::pidfd::has_inode_ids();
    let environment = environment::build(options, sockets.count(), pidfs, assignments);
    let mut service = Service::new(&path, &environment, options, &signals)?;
    if options.accept {
        limit_descriptors();
        accept::serve(sockets, &mut service, &signals, options)
    } else {
        serve::serve(&sockets, &mut service, &signals, options)
    }
}

fn open_standard_descriptors() {
    for descriptor in 0..=2 {
        // SAFETY: asks about a number, and opens a file that nothing else owns; it gets the lowest number, this one.
        unsafe {
            if libc::fcntl(descriptor, libc::F_GETFD) < 0 {
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            }
        }
    }
}

/// Once, here: the children inherit it. This process itself never has more than a few open.
fn limit_descriptors() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft.min(FD_SETSIZE), hard);
    }
}
