//! What is laid out in memory before a service is started.

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::signal::SigSet;
use nix::sys::socket::UnixAddr;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid};

use super::confine::Confined;
use super::environment::{Environment, Value};
use super::idle::Idle;
use super::keyring::Keyring;
use super::scheduling::Scheduled;
use super::step::Step;
use super::subject::Subject;
use super::terminal::{Control, Terminal};
use super::variable::OwnVariable;
use crate::error::{Error, reason};
use crate::spec::ResourceLimit;

pub(super) const SHELL: &CStr = c"/bin/sh";

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
    /// What is done to its terminal before: TTYReset= and its siblings.
    pub terminal: Option<Terminal>,
    /// Standard input, output and error.
    pub streams: [Stream; 3],
    /// What it waits for first: Type=idle.
    pub idle: Option<Arc<Idle>>,
    /// Whether opening those may take as long as it likes: this process does not wait for it.
    pub patient: bool,
    /// Whether descriptors are passed from [`LISTEN_FDS_START`](sdlite_core::listen::LISTEN_FDS_START) on, and not as streams
    /// alone.
    pub list: bool,
    /// Whether those are O_NONBLOCK: NonBlocking=. None: as they are.
    pub non_blocking: Option<bool>,
    /// LimitNOFILE= and its siblings.
    pub limits: Vec<ResourceLimit>,
    /// UMask=.
    pub umask: Option<Mode>,
    /// OOMScoreAdjust=, as the kernel reads it.
    pub oom_score_adjust: Option<String>,
    /// Nice=.
    pub nice: Option<c_int>,
    /// CPUSchedulingPolicy= and its siblings, and others of the kind.
    pub scheduled: Scheduled,
    /// User=, Group= and SupplementaryGroups=.
    pub credentials: Option<Credentials>,
    /// KeyringMode=.
    pub keyring: Option<Keyring>,
    /// What confines it.
    pub confined: Confined,
    /// RootDirectory=.
    pub root: Option<CString>,
    /// WorkingDirectory=, and whether it may be missing.
    pub directory: Option<(CString, bool)>,
    /// Whether a script without `#!` is executed by the shell, as execvp(3) does.
    pub shell: bool,
    /// What messages call the steps that can fail, of a unit.
    pub subject: Option<Subject>,
}

impl Default for Surroundings {
    /// Those of this process.
    fn default() -> Self {
        Self {
            mask: SigSet::empty(),
            default_signals: Vec::new(),
            ignore_sigpipe: false,
            session: false,
            terminal: None,
            streams: [Stream::Kept, Stream::Kept, Stream::Kept],
            idle: None,
            patient: false,
            list: false,
            non_blocking: None,
            limits: Vec::new(),
            umask: None,
            oom_score_adjust: None,
            nice: None,
            scheduled: Scheduled::default(),
            keyring: None,
            credentials: None,
            confined: Confined::default(),
            root: None,
            directory: None,
            shell: false,
            subject: None,
        }
    }
}

/// What a standard stream is.
#[derive(Clone, Debug)]
pub enum Stream {
    /// What this process has there.
    Kept,
    /// A descriptor that is passed, by its place in their list.
    Passed(usize),
    /// Another that is open here.
    Open(Arc<OwnedFd>),
    /// The same as an earlier stream.
    Like(RawFd),
    /// A file, opened with these flags.
    File(CString, c_int),
    /// A connection to a socket.
    Connection(UnixAddr),
    /// A terminal, opened with these flags, and how it becomes the controlling one of the service, if it does.
    Terminal(CString, c_int, Option<Control>),
}

/// Who runs it.
#[derive(Debug)]
pub struct Credentials {
    /// The user, and the user's group or another. None where a prefix of the command says so.
    pub ids: Option<(Uid, Gid)>,
    /// All other groups.
    pub groups: Vec<Gid>,
}

/// A command that is ready to be executed.
pub struct Plan {
    /// The file. In another root directory it is not known in which of these it is found.
    pub(super) paths: Vec<CString>,
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
    /// The directory of its control group.
    pub(super) group: Option<OwnedFd>,
    /// The descriptors to pass, where this process has them.
    pub(super) passed: Vec<RawFd>,
}

impl Plan {
    /// Says of which connection a service is: of `$REMOTE_ADDR` and `$REMOTE_PORT`, where its environment has them.
    pub fn set_remote(&mut self, address: &str, port: &str) {
        for (variable, value) in self.remote.iter_mut().zip([address, port]) {
            variable.set_text(value);
        }
    }

    /// Has the service wait until no job is under way any more.
    pub fn wait_for_idleness(&mut self, idle: Arc<Idle>) {
        (self.surroundings.idle, self.surroundings.patient) = (Some(idle), true);
    }

    /// Has the service be in the control group whose directory this is.
    pub fn join(&mut self, group: OwnedFd) {
        self.group = Some(group);
    }

    /// Lays out how the first of the files that is there is executed.
    pub fn new(
        paths: &[PathBuf],
        command_line: &[OsString],
        environment: &Environment,
        surroundings: Surroundings,
    ) -> Result<Self, Error> {
        let text = |text: &OsStr| CString::new(text.as_bytes()).map_err(|_| Error::ZeroByte);
        let paths = paths.iter().map(|path| text(path.as_os_str())).collect::<Result<Vec<_>, _>>()?;
        let mut strings = Vec::with_capacity(command_line.len() + environment.len());

        let mut arguments = Vec::with_capacity(command_line.len() + 1);
        for argument in command_line {
            let argument = text(argument)?;
            arguments.push(argument.as_ptr());
            strings.push(argument);
        }
        let mut shell_arguments = Vec::with_capacity(command_line.len() + 2);
        shell_arguments.extend([SHELL.as_ptr(), paths.first().ok_or(Error::ZeroByte)?.as_ptr()]);
        shell_arguments.extend(arguments.iter().skip(1));
        arguments.push(ptr::null());
        shell_arguments.push(ptr::null());

        let (mut pids, mut pidfd_id) = (Vec::new(), None);
        let mut remote = Vec::new();
        let mut variables = Vec::with_capacity(environment.len() + 1);
        for (name, value) in environment {
            match value {
                Value::Fixed(value) => {
                    let assignment = assignment(name, value)?;
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
            paths,
            _strings: strings,
            arguments,
            shell_arguments,
            variables,
            pids,
            pidfd_id,
            remote,
            surroundings,
            group: None,
            passed: Vec::new(),
        })
    }

    /// The error for a command that was not executed.
    pub(super) fn not_executed(&self, step: Step, error: Errno) -> Error {
        match self.surroundings.subject.as_ref().and_then(|subject| subject.of(step)) {
            Some(what) if step != Step::Exec => {
                Error::Step { step, what, reason: step.hint(error).map_or_else(|| reason(error), str::to_owned) }
            }
            Some(what) => self.not_found(error).of_command(what),
            None => self.not_found(error),
        }
    }

    fn not_found(&self, error: Errno) -> Error {
        let command =
            self.paths.last().map(|path| PathBuf::from(OsStr::from_bytes(path.to_bytes()))).unwrap_or_default();
        match error {
            // The file was found before, so what is missing is what it names after #! or in its ELF header.
            Errno::ENOENT if self.surroundings.root.is_none() && command.exists() => {
                Error::InterpreterNotFound { command }
            }
            Errno::ENOENT => Error::NotFound { command },
            error => Error::NotExecutable { command, error },
        }
    }
}

/// `NAME=VALUE`, in one piece of memory.
fn assignment(name: &OsStr, value: &OsStr) -> Result<CString, Error> {
    let mut text = Vec::with_capacity(name.len() + value.len() + 2);
    text.extend_from_slice(name.as_bytes());
    text.push(b'=');
    text.extend_from_slice(value.as_bytes());
    CString::new(text).map_err(|_| Error::ZeroByte)
}
