//! What is laid out in memory before a service is started.

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::signal::SigSet;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid};

use super::environment::{Environment, Value};
use super::variable::OwnVariable;
use crate::error::Error;
use crate::spec::ResourceLimit;

pub(super) const SHELL: &CStr = c"/bin/sh";

/// What the service has for a stack until it is executed. It calls the C library's wrappers of system calls, nothing else.
const STACK_SIZE: usize = 64 * 1024;

/// What a service finds that is not of its command.
#[derive(Debug)]
pub struct Surroundings {
    /// The signals that are blocked.
    pub mask: SigSet,
    /// The signals that are ignored here, and not there.
    pub default_signals: Vec<c_int>,
    /// Whether SIGPIPE is ignored there: IgnoreSIGPIPE=.
    pub ignore_sigpipe: bool,
    /// Whether it is the leader of a session of its own, and not only of a process group.
    pub session: bool,
    /// Standard input, output and error.
    pub streams: [Stream; 3],
    /// Whether descriptors are passed from [`LISTEN_FDS_START`](sdlite_core::listen::LISTEN_FDS_START) on, and not as streams
    /// alone.
    pub list: bool,
    /// LimitNOFILE= and its siblings.
    pub limits: Vec<ResourceLimit>,
    /// UMask=.
    pub umask: Option<Mode>,
    /// Nice=.
    pub nice: Option<c_int>,
    /// User=, Group= and SupplementaryGroups=.
    pub credentials: Option<Credentials>,
    /// WorkingDirectory=, and whether it may be missing.
    pub directory: Option<(CString, bool)>,
}

/// What a standard stream is.
#[derive(Debug)]
pub enum Stream {
    /// What this process has there.
    Kept,
    /// The descriptor that is passed.
    Passed,
    /// Another.
    Open(Arc<OwnedFd>),
}

/// Who runs it.
#[derive(Debug)]
pub struct Credentials {
    /// The user.
    pub uid: Uid,
    /// The user's group, or another.
    pub gid: Gid,
    /// All other groups.
    pub groups: Vec<Gid>,
}

/// A command that is ready to be executed.
pub struct Plan {
    pub(super) path: CString,
    /// Held for the pointers below.
    _strings: Vec<CString>,
    pub(super) arguments: Vec<*const c_char>,
    /// The same after `/bin/sh` and the path, for scripts without `#!`, as execvp(3) starts them.
    pub(super) shell_arguments: Vec<*const c_char>,
    pub(super) variables: Vec<*const c_char>,
    pub(super) pids: Vec<OwnVariable>,
    pub(super) pidfd_id: Option<OwnVariable>,
    /// `$REMOTE_ADDR` and `$REMOTE_PORT`.
    remote: Vec<OwnVariable>,
    pub(super) surroundings: Surroundings,
    /// The descriptors to pass, where this process has them.
    pub(super) passed: Vec<RawFd>,
    pub(super) own_pid: libc::pid_t,
    pub(super) stack: Vec<u8>,
}

impl Plan {
    /// Says of which connection a service is: of `$REMOTE_ADDR` and `$REMOTE_PORT`, where its environment has them.
    pub fn set_remote(&mut self, address: &str, port: &str) {
        for (variable, value) in self.remote.iter_mut().zip([address, port]) {
            variable.set_text(value);
        }
    }

    /// Lays out how `path`, which [`find`](super::find) has found, is executed.
    pub fn new(
        path: &Path,
        command_line: &[OsString],
        environment: &Environment,
        surroundings: Surroundings,
    ) -> Result<Self, Error> {
        let text = |text: &OsStr| CString::new(text.as_bytes()).map_err(|_| Error::ZeroByte);
        let path = text(path.as_os_str())?;
        let mut strings = Vec::new();

        let mut arguments = Vec::new();
        for argument in command_line {
            let argument = text(argument)?;
            arguments.push(argument.as_ptr());
            strings.push(argument);
        }
        let mut shell_arguments = vec![SHELL.as_ptr(), path.as_ptr()];
        shell_arguments.extend(arguments.iter().skip(1));
        arguments.push(ptr::null());
        shell_arguments.push(ptr::null());

        let (mut pids, mut pidfd_id) = (Vec::new(), None);
        let mut remote = Vec::new();
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
                Value::Pid => {
                    let variable = OwnVariable::new(name);
                    variables.push(variable.as_ptr());
                    pids.push(variable);
                }
                Value::Remote => {
                    let variable = OwnVariable::new(name);
                    variables.push(variable.as_ptr());
                    remote.push(variable);
                }
                Value::PidfdId => variables.push(pidfd_id.insert(OwnVariable::new(name)).as_ptr()),
            }
        }
        variables.push(ptr::null());

        Ok(Self {
            path,
            _strings: strings,
            arguments,
            shell_arguments,
            variables,
            pids,
            pidfd_id,
            remote,
            surroundings,
            passed: Vec::new(),
            own_pid: std::process::id() as libc::pid_t,
            stack: vec![0; STACK_SIZE],
        })
    }

    /// The error for a command that was not executed.
    pub(super) fn not_executed(&self, error: Errno) -> Error {
        let command = PathBuf::from(OsStr::from_bytes(self.path.to_bytes()));
        match error {
            // The file was found before, so what is missing is what it names after #! or in its ELF header.
            Errno::ENOENT if command.exists() => Error::InterpreterNotFound { command },
            Errno::ENOENT => Error::NotFound { command },
            error => Error::NotExecutable { command, error },
        }
    }
}
