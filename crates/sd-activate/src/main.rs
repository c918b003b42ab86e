//! Starts services by socket activation where no systemd runs: systemd-socket-activate(1), and a service that has ended
//! is started again.

#![cfg_attr(not(test), no_main)]

mod accept;
mod address;
mod children;
mod environment;
mod error;
mod listen;
mod options;
mod pidfd;
mod serve;
mod signals;
mod spawn;
#[allow(dead_code, unused_imports, reason = "what reads units fills it")]
mod spec;
mod wait;

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

use error::{Failure, reason};
use listen::Sockets;
use options::Options;
use signals::Inherited;
use spawn::Service;

/// What programs that use select(2) can bear: as the original, every service gets this for each connection.
const FD_SETSIZE: rlim_t = 1024;

/// The C library's entry. Before Rust's own `main`, SIGPIPE would be ignored, and whether it had been before would be
/// lost: the service is to find it as it was.
///
/// # Safety
///
/// `arguments` points to `count` C strings.
#[cfg_attr(not(test), unsafe(export_name = "main"))]
#[cfg_attr(test, expect(dead_code, reason = "the test harness brings its own"))]
unsafe extern "C" fn start(count: c_int, arguments: *const *const c_char) -> c_int {
    let arguments = (0..usize::try_from(count).unwrap_or(0)).map(|index| {
        // SAFETY: the caller's promise.
        let argument = unsafe { CStr::from_ptr(*arguments.add(index)) };
        OsStr::from_bytes(argument.to_bytes()).to_owned()
    });
    let status = options::parse(arguments.collect::<Vec<OsString>>()).and_then(|options| {
        run(&options).map_err(|failure| {
            failure.report();
            failure.status
        })
    });
    c_int::from(status.unwrap_or_else(|status| status))
}

fn run(options: &Options) -> Result<u8, Failure> {
    // Before anything is opened: a socket must not become standard output.
    open_standard_descriptors();
    let assignments = environment::assignments(&options.setenv)?;
    let path = spawn::find(options.program())?;

    let no_signals = |error| Failure::new(format_args!("Failed to wait for signals: {}", reason(error)));
    let inherited = Inherited::block().map_err(no_signals)?;
    let sockets = Sockets::open(options)?;
    let signals = inherited.watch().map_err(no_signals)?;

    let environment = environment::build(options, sockets.len(), pidfd::has_pidfs(), assignments);
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
