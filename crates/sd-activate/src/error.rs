//! What ends the activator early, or keeps a service from being started, and what it is about.

use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::os::fd::RawFd;
use std::path::PathBuf;

use nix::errno::Errno;
pub use sd_tools::error::{errno, reason};

use crate::account::Unknown;
use crate::address::Address;
use crate::exec::Step;

/// An error, with what it is about. Its text says what to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// Options that do not go together, or that lack something.
    Options(&'static str),
    /// What `--setenv=` does not take.
    Assignment(OsString),
    /// An argument or a variable that no program can be given.
    ZeroByte,
    /// The descriptors passed in cannot be had.
    Passed(Errno),
    /// No address.
    Address {
        /// As it was given.
        text: OsString,
        /// What is wrong with it.
        error: Errno,
    },
    /// An address that cannot be listened on.
    Listen {
        /// The address; none where it is something else than a socket.
        address: Option<Address>,
        /// Why not.
        error: Errno,
        /// The process that has it, and that one's name, where it can be told.
        holder: Option<(libc::pid_t, String)>,
    },
    /// Something else to listen on that cannot be opened.
    Open {
        /// The setting, and what it says.
        what: String,
        /// Why not.
        error: Errno,
    },
    /// A socket that cannot be used.
    Prepare {
        /// Its descriptor, as the service has it.
        descriptor: RawFd,
        /// Why not.
        error: Errno,
    },
    /// Something passed in that nobody can connect to: a regular file, or the like.
    NotASocket {
        /// Its descriptor, as the service has it.
        descriptor: RawFd,
    },
    /// A socket that was shut down, and cannot be opened anew, having been passed in.
    ShutDown {
        /// Its descriptor, as the service has it.
        descriptor: RawFd,
    },
    /// A socket that is to accept connections, and does not.
    NotListening {
        /// Its descriptor, as the service has it.
        descriptor: RawFd,
    },
    /// A connection that cannot be accepted.
    Accept {
        /// The descriptor of the socket, as the service has it.
        descriptor: RawFd,
        /// Why not.
        error: Errno,
    },
    /// A command that is nowhere to be found.
    NotFound {
        /// As it was given.
        command: PathBuf,
    },
    /// What a command names as its interpreter is nowhere to be found.
    InterpreterNotFound {
        /// The file.
        command: PathBuf,
    },
    /// A command that is there but cannot be executed.
    NotExecutable {
        /// The file.
        command: PathBuf,
        /// Why not.
        error: Errno,
    },
    /// A unit that cannot be started.
    Unit {
        /// The unit.
        unit: String,
        /// Why not.
        reason: String,
    },
    /// SocketUser= or SocketGroup= of a unit that cannot be had.
    Account {
        /// The setting.
        setting: &'static str,
        /// The name or number.
        name: String,
        /// Why not.
        unknown: Unknown,
    },
    /// A command that a unit can do without, and that is not there.
    Skipped {
        /// The file.
        command: PathBuf,
    },
    /// A step before the execution of a unit's command has failed.
    Step {
        /// Which.
        step: Step,
        /// The setting and its value, and where it is written.
        what: String,
        /// Why.
        reason: String,
    },
    /// A setting of a unit that cannot be carried out.
    Setting {
        /// The setting and its value, and where it is written.
        what: String,
        /// Why not.
        reason: String,
    },
    /// Processes of a unit exist that it may not run beside: EBUSY.
    Busy,
    /// A unit cannot have its control group.
    Group {
        /// The unit.
        unit: String,
        /// Why.
        error: Errno,
    },
    /// No process can be had for a service.
    Fork(Errno),
    /// Signals cannot be waited for.
    Signals(Errno),
    /// Connections cannot be waited for.
    Wait(Errno),
    /// What was open before this process was executed anew is not.
    NotOpen,
}

impl Error {
    /// Whether descriptors, memory or processes have run out: it may go away by itself.
    pub fn is_shortage(&self) -> bool {
        let (Self::Fork(error) | Self::Group { error, .. } | Self::Accept { error, .. }) = self else { return false };
        matches!(error, Errno::EAGAIN | Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM)
    }

    /// The same about a command of a unit, whatever the message calls that.
    pub fn of_command(self, what: String) -> Self {
        let reason = match &self {
            Self::NotFound { command } => format!(
                "Failed to execute '{}': command not found. Install it, or give the path of one that is there.",
                command.display()
            ),
            other => other.to_string(),
        };
        Self::Step { step: Step::Exec, what, reason }
    }

    /// The exit status of the process that systemd would have had fail because of this, where it would have had one:
    /// "Process Exit Codes" in systemd.exec(5).
    pub fn exit_status(&self) -> Option<u8> {
        match self {
            Self::Skipped { .. } => Some(0),
            Self::Step { step, .. } => Some(step.status()),
            Self::NotFound { .. } | Self::InterpreterNotFound { .. } | Self::NotExecutable { .. } => {
                Some(Step::Exec.status())
            }
            _ => None,
        }
    }
}

impl std::error::Error for Error {}

impl Display for Error {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(what) => formatter.write_str(what),
            Self::Assignment(text) => write!(
                formatter,
                "Cannot assign environment variable {}: a name has letters, digits and _ and begins with no digit, \
                 a value is UTF-8.",
                text.to_string_lossy()
            ),
            Self::ZeroByte => formatter.write_str("Arguments and variables cannot contain a zero byte."),
            Self::Passed(error) => write!(
                formatter,
                "Failed to read listening file descriptors from environment: {}. See $LISTEN_FDS and $LISTEN_PID.",
                reason(*error)
            ),
            Self::Address { text, error } => write!(
                formatter,
                "Failed to parse socket address {text:?}: {}. Give a port, ADDRESS:PORT, [IPv6]:PORT, /PATH or @ABSTRACT.",
                reason(*error)
            ),
            Self::Listen { address, error, holder } => {
                match address {
                    Some(address) => write!(formatter, "Failed to listen on {address}: {}", reason(*error))?,
                    None => write!(formatter, "Failed to listen: {}", reason(*error))?,
                }
                match holder {
                    Some((pid, name)) => write!(
                        formatter,
                        ". Another process listens there, {pid} ({name}): stop it, or listen on another address."
                    ),
                    None => formatter.write_str(listening_hint(*error)),
                }
            }
            Self::Open { what, error } => {
                write!(formatter, "{what} cannot be opened: {}{}", reason(*error), listening_hint(*error))
            }
            Self::Prepare { descriptor, error } => {
                write!(formatter, "Failed to prepare descriptor {descriptor}: {}", reason(*error))
            }
            Self::NotASocket { descriptor } => write!(
                formatter,
                "Descriptor {descriptor} is a file that nobody can connect to, such as a regular one or /dev/null. Pass a \
                 socket, or name an address with --listen=."
            ),
            Self::ShutDown { descriptor } => write!(
                formatter,
                "The socket at descriptor {descriptor} was shut down (shutdown(2)), and cannot be opened anew here: it was \
                 passed in, and is closed."
            ),
            Self::NotListening { descriptor } => write!(
                formatter,
                "Descriptor {descriptor} does not accept connections. It may not be combined with --accept."
            ),
            Self::Accept { descriptor, error } => {
                write!(formatter, "Failed to accept connection from fd {descriptor}: {}.", reason(*error))
            }
            Self::NotFound { command } => write!(
                formatter,
                "Failed to execute '{}': command not found. Give its path, or put its directory into $PATH.",
                command.display()
            ),
            Self::InterpreterNotFound { command } => write!(
                formatter,
                "Failed to execute '{}': its interpreter, after #! or in its ELF header, was not found.",
                command.display()
            ),
            Self::NotExecutable { command, error } => {
                let (command, hint) = (command.display(), executing_hint(*error));
                write!(formatter, "Failed to execute '{command}': {}{hint}.", reason(*error))
            }
            Self::Unit { unit, reason } => write!(formatter, "{unit}: {reason}"),
            Self::Account { setting, name, unknown } => write!(formatter, "{setting}={name}: {unknown}"),
            Self::Skipped { command } => {
                write!(formatter, "Executable {} missing, skipping: {}", command.display(), reason(Errno::ENOENT))
            }
            Self::Step { what, reason, .. } | Self::Setting { what, reason } => write!(formatter, "{what}: {reason}"),
            Self::Busy => formatter.write_str("Device or resource busy"),
            Self::Group { unit, error } => {
                write!(formatter, "Failed to make the control group of {unit}: {}", reason(*error))
            }
            Self::Fork(error) => write!(formatter, "Failed to fork: {}", reason(*error)),
            Self::Signals(error) => write!(formatter, "Failed to wait for signals: {}", reason(*error)),
            Self::NotOpen => {
                formatter.write_str("What was open before sd-activate was executed anew is not open any more.")
            }
            Self::Wait(error) => write!(formatter, "Failed to wait for connections: {}", reason(*error)),
        }
    }
}

fn listening_hint(error: Errno) -> &'static str {
    match error {
        Errno::EADDRINUSE => ". Another process listens there: stop it, or listen on another address.",
        Errno::EEXIST => ". What stands there is no socket: remove it, or listen on another path.",
        Errno::EADDRNOTAVAIL => ". No interface of this machine has it: listen on another address.",
        Errno::EACCES => ". Listen on a port from 1024 on, or on a path in a directory that may be written to.",
        Errno::EPROTONOSUPPORT | Errno::ESOCKTNOSUPPORT | Errno::EINVAL => {
            ". This kind of address may not have sockets of this type: see --datagram and --seqpacket."
        }
        _ => "",
    }
}

fn executing_hint(error: Errno) -> &'static str {
    match error {
        Errno::EACCES => ". Make it executable (chmod +x), or name its interpreter first",
        Errno::ENOEXEC => ". It was built for another kind of machine, or is damaged",
        _ => "",
    }
}
