//! Starting the service: everything that can be done once is done before the first connection.

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int, c_void};
use std::fs;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::SigSet;
use nix::sys::wait::waitpid;
use nix::unistd::{AccessFlags, Pid, eaccess};
use sdlite_core::pidfd;

use crate::environment::{Environment, Value};
use crate::error::Error;
use crate::listen::LISTEN_FDS_START;
use crate::options::Options;
use crate::signals::{Signals, set_default};

/// What execvp(3) searches where PATH is not set.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// What the service has for a stack until it is executed. It calls the C library's wrappers of system calls, nothing else.
const STACK_SIZE: usize = 64 * 1024;

/// Room for the digits of a 64-bit number, and the zero byte behind them.
const DIGITS: usize = 21;

/// The file that a command names.
pub fn find(command: &OsStr) -> Result<PathBuf, Error> {
    if command.as_bytes().contains(&b'/') {
        let path = PathBuf::from(command);
        return match executable(&path) {
            Ok(()) => Ok(path),
            Err(Errno::ENOENT | Errno::ENOTDIR) => Err(Error::NotFound { command: command.into() }),
            Err(error) => Err(Error::NotExecutable { command: path, error }),
        };
    }

    let directories = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    let mut refused = None;
    for directory in std::env::split_paths(&directories).filter(|_| !command.is_empty()) {
        let path = directory.join(command);
        match executable(&path) {
            Ok(()) => return Ok(path),
            Err(Errno::ENOENT | Errno::ENOTDIR) => (),
            Err(error) => refused = refused.or(Some((path, error))),
        }
    }
    match refused {
        Some((command, error)) => Err(Error::NotExecutable { command, error }),
        None => Err(Error::NotFound { command: command.into() }),
    }
}

fn executable(path: &Path) -> Result<(), Errno> {
    let metadata = fs::metadata(path).map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    if metadata.is_dir() {
        return Err(Errno::EISDIR);
    }
    eaccess(path, AccessFlags::X_OK)
}

/// A command that is ready to be executed.
pub struct Service {
    path: CString,
    /// Held for the pointers below.
    _strings: Vec<CString>,
    arguments: Vec<*const c_char>,
    /// The same after `/bin/sh` and the path, for scripts without `#!`, as execvp(3) starts them.
    shell_arguments: Vec<*const c_char>,
    variables: Vec<*const c_char>,
    pid: Option<NumberVariable>,
    pidfd_id: Option<NumberVariable>,
    mask: SigSet,
    default_signals: Vec<c_int>,
    inetd: bool,
    own_pid: libc::pid_t,
    stack: Vec<u8>,
}

impl Service {
    /// Makes `path` ready.
    pub fn new(path: &Path, environment: &Environment, options: &Options, signals: &Signals) -> Result<Self, Error> {
        let text = |text: &OsStr| CString::new(text.as_bytes()).map_err(|_| Error::ZeroByte);
        let path = text(path.as_os_str())?;
        let mut strings = Vec::new();

        let mut arguments = Vec::new();
        for argument in &options.command {
            let argument = text(argument)?;
            arguments.push(argument.as_ptr());
            strings.push(argument);
        }
        let mut shell_arguments = vec![SHELL.as_ptr(), path.as_ptr()];
        shell_arguments.extend(arguments.iter().skip(1));
        arguments.push(ptr::null());
        shell_arguments.push(ptr::null());

        let (mut pid, mut pidfd_id) = (None, None);
        let mut variables = Vec::new();
        for (name, value) in environment {
            match value {
                Value::Fixed(value) => {
                    let mut assignment = OsString::from(name);
                    assignment.push("=");
                    assignment.push(value);
                    let assignment = text(&assignment)?;
                    variables.push(assignment.as_ptr());
                    strings.push(assignment);
                }
                Value::Pid => variables.push(pid.insert(NumberVariable::new(name)).as_ptr()),
                Value::PidfdId => variables.push(pidfd_id.insert(NumberVariable::new(name)).as_ptr()),
            }
        }
        variables.push(ptr::null());

        Ok(Self {
            path,
            _strings: strings,
            arguments,
            shell_arguments,
            variables,
            pid,
            pidfd_id,
            // The original executes the service in its own place, but forks for each connection and cleans up after it.
            mask: if options.accept { SigSet::empty() } else { signals.inherited.mask },
            default_signals: if options.accept { signals.inherited.ignored.clone() } else { Vec::new() },
            inetd: options.inetd,
            own_pid: std::process::id() as libc::pid_t,
            stack: vec![0; STACK_SIZE],
        })
    }

    /// Starts it. `socket` is what it is passed beyond that which already stands where the service looks for it.
    ///
    /// Every descriptor that is not meant for the service has to be close-on-exec.
    pub fn start(&mut self, socket: Option<impl AsFd>) -> Result<Pid, Error> {
        let top = self.stack.as_mut_ptr_range().end;
        // A stack grows downwards from an address that is a multiple of 16.
        let top = top.wrapping_sub(top.addr() % 16);
        let mut launch = Launch {
            socket: socket.as_ref().map(|socket| socket.as_fd().as_raw_fd()),
            pid: 0,
            error: 0,
            service: self,
        };
        let launch = &raw mut launch;

        // vfork(2) is what this amounts to, but on a stack of its own: the service cannot spoil the one that this
        // function returns on. Neither can it be a `fork`, which copies page tables for every connection.
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_CHILD_SETTID | libc::SIGCHLD;
        // SAFETY: the stack is not used otherwise and large enough. The memory is shared, but because of CLONE_VFORK this
        // process, which has one thread, goes on only when the service was executed or is gone, so `launch` is not used
        // by two at once. `execute` neither allocates nor panics nor returns. No signal handler is installed that could
        // run in the service.
        let pid = unsafe {
            let (no_parent_tid, no_tls) = (ptr::null_mut::<libc::pid_t>(), ptr::null_mut::<c_void>());
            let child_tid = &raw mut (*launch).pid;
            libc::clone(execute, top.cast::<c_void>(), flags, launch.cast::<c_void>(), no_parent_tid, no_tls, child_tid)
        };
        let pid = Errno::result(pid).map_err(Error::Fork)?;
        // SAFETY: `launch` is this function's own again.
        let error = unsafe { (*launch).error };
        if error != 0 {
            let _ = waitpid(Pid::from_raw(pid), None);
            return Err(self.not_executed(Errno::from_raw(error)));
        }
        Ok(Pid::from_raw(pid))
    }

    fn not_executed(&self, error: Errno) -> Error {
        let command = PathBuf::from(OsStr::from_bytes(self.path.to_bytes()));
        match error {
            // The file was found before, so what is missing is what it names after #! or in its ELF header.
            Errno::ENOENT if command.exists() => Error::InterpreterNotFound { command },
            Errno::ENOENT => Error::NotFound { command },
            error => Error::NotExecutable { command, error },
        }
    }
}

const SHELL: &CStr = c"/bin/sh";

/// `NAME=` and room for a number, which the service writes itself.
struct NumberVariable {
    text: Box<[u8]>,
    start: usize,
}

impl NumberVariable {
    fn new(name: &OsStr) -> Self {
        let mut text = name.as_bytes().to_vec();
        text.push(b'=');
        let start = text.len();
        text.resize(start + DIGITS, 0);
        Self { text: text.into_boxed_slice(), start }
    }

    fn as_ptr(&self) -> *const c_char {
        self.text.as_ptr().cast()
    }

    fn set(&mut self, number: u64) {
        let mut digits = [0u8; DIGITS];
        let mut rest = number;
        let mut count = 0;
        for digit in &mut digits {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
            if rest == 0 {
                break;
            }
        }
        let room = self.text.iter_mut().skip(self.start);
        let number = digits.iter().take(count).rev().chain(std::iter::repeat(&0));
        for (byte, digit) in room.zip(number) {
            *byte = *digit;
        }
    }
}

/// What the two sides of clone(2) have in common.
struct Launch<'a> {
    service: &'a mut Service,
    socket: Option<RawFd>,
    /// The service's process id: the kernel stores it before the service runs, which saves a getpid(2). It does so in the
    /// service's memory, which is another one where qemu runs this for another kind of machine.
    pid: libc::pid_t,
    /// The number of the error that kept the service from being executed.
    error: c_int,
}

/// The service, until it is executed.
extern "C" fn execute(launch: *mut c_void) -> c_int {
    // SAFETY: `Service::start` passes a Launch, and does not touch it as long as this runs.
    let launch = unsafe { &mut *launch.cast::<Launch<'_>>() };
    let error = match launch.execute() {
        Ok(never) => match never {},
        Err(error) => error,
    };
    launch.error = error as c_int;
    // SAFETY: ends this process without running what belongs to the one whose memory it shares.
    unsafe { libc::_exit(127) }
}

impl Launch<'_> {
    fn execute(&mut self) -> Result<std::convert::Infallible, Errno> {
        // With this process gone, nobody would pass signals on, and the service would keep the address in use.
        nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)?;
        // SAFETY: takes nothing.
        if unsafe { libc::getppid() } != self.service.own_pid {
            return Err(Errno::ESRCH);
        }

        let service = &mut *self.service;
        for signal in &service.default_signals {
            set_default(*signal);
        }
        match (self.socket, service.inetd) {
            (Some(socket), true) => {
                duplicate(socket, libc::STDIN_FILENO)?;
                duplicate(socket, libc::STDOUT_FILENO)?;
            }
            (Some(socket), false) if socket != LISTEN_FDS_START => duplicate(socket, LISTEN_FDS_START)?,
            _ => (),
        }
        if let Some(variable) = &mut service.pid {
            variable.set(self.pid as u64);
        }
        if let Some(variable) = &mut service.pidfd_id {
            variable.set(pidfd_id(self.pid)?);
        }
        service.mask.thread_set_mask()?;

        let variables = service.variables.as_ptr();
        // SAFETY: a C string, and two arrays of C strings that end with a null pointer; all live as long as the service.
        unsafe { libc::execve(service.path.as_ptr(), service.arguments.as_ptr(), variables) };
        let error = Errno::last();
        if error == Errno::ENOEXEC {
            // SAFETY: as above.
            unsafe { libc::execve(SHELL.as_ptr(), service.shell_arguments.as_ptr(), variables) };
        }
        Err(error)
    }
}

/// The inode id of `pid`'s pidfd, which stays open until execve(2).
fn pidfd_id(pid: libc::pid_t) -> Result<u64, Errno> {
    pidfd::open(pid).and_then(pidfd::inode_id).map_err(|error| Errno::from_raw(error.number()))
}

fn duplicate(descriptor: RawFd, to: RawFd) -> Result<(), Errno> {
    // SAFETY: `to` is standard input, output, or LISTEN_FDS_START, which this process has to itself by the protocol.
    Errno::result(unsafe { libc::dup2(descriptor, to) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_over_those_before_them() {
        let mut variable = NumberVariable::new(OsStr::new("A"));
        for number in [u64::MAX, 0, 1234567890, 7] {
            variable.set(number);
            let text = CStr::from_bytes_until_nul(&variable.text).unwrap().to_str().unwrap();
            assert_eq!(text, format!("A={number}"));
        }
    }
}
