//! What the engine is told.

use std::fmt::{self, Display, Formatter};

use std::os::fd::RawFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::unistd::Pid;
use sdlite_core::listen::LISTEN_FDS_START;
use serde::{Deserialize, Serialize};

use super::notification::Notification;
use super::view::{RequestId, Verb};
use crate::error::Error;
use crate::saved;
use crate::spec::{Condition, Signal, UnitSpec, status};

/// A descriptor that is listened on: one of those that a socket unit has. The number is its place among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Port(pub usize);

impl Display for Port {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "fd {}", LISTEN_FDS_START + self.0 as RawFd)
    }
}

/// A unit, by the order in which they were made known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitId(pub usize);

/// A service for one connection.
#[derive(Clone, Debug)]
pub struct Instance {
    /// What it is.
    pub spec: Arc<UnitSpec>,
    /// What tells it from the others: who has connected.
    pub peer: String,
}

/// Something that has happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Everything is open.
    Begun,
    /// Time has passed: to be told whenever [`Engine::deadline`](super::Engine::deadline) is over.
    Time,
    /// A signal has come for this process.
    Signal {
        /// Which.
        signal: Signal,
        /// The kernel has sent it, not a process: the terminal.
        by_kernel: bool,
    },
    /// Something was asked of a unit: to be answered by [`Action::Answer`](super::Action::Answer).
    Requested {
        /// What the answer is to name.
        request: RequestId,
        /// What is asked.
        verb: Verb,
        /// Of whom.
        unit: UnitId,
    },

    /// A socket listens at these ports, in the order of its unit.
    Opened(UnitId, Vec<Port>),
    /// A socket cannot listen.
    NotOpened(UnitId, Error),
    /// A connection, a datagram or other data waits at a port. A port of a service for all connections tells that once,
    /// until it is watched again.
    Incoming(Port),
    /// Nobody can connect to a port any more: it was shut down.
    HungUp(Port),
    /// A port listens anew.
    Reopened(Port),
    /// A port cannot be opened anew.
    NotReopened(Port, Error),

    /// The conditions of a unit were checked: the one that keeps it from being started, if one does.
    Checked(UnitId, Option<Condition>),
    /// A command of a unit runs.
    Executed(UnitId, Pid),
    /// A command of a unit could not be executed.
    NotExecuted(UnitId, Error),
    /// A process has said something by sd_notify(3).
    Notified {
        /// Which process.
        sender: Pid,
        /// Whose process that is.
        unit: UnitId,
        /// What it has said.
        notification: Box<Notification>,
        /// What is known of the process that it says is the main one.
        claim: Option<Claim>,
    },
    /// With the command line's form: a service runs for a connection that was accepted.
    Connected(Pid),
    /// With units: a connection was accepted.
    Accepted {
        /// Where.
        port: Port,
        /// Who has connected, as MaxConnectionsPerSource= counts: an address, or a user.
        source: String,
        /// The service for it.
        instance: Instance,
    },
    /// A connection could not be accepted, or no service be started for it; then it waits.
    NotConnected(Port, Error),
    /// The connection of a unit is closed: there is nothing more to be done for the unit.
    Forgotten(UnitId),

    /// A child has ended, by itself a service's or one that was left to this process.
    Ended(Pid, End),
    /// A child was stopped by a signal.
    Suspended(Pid, Signal),
    /// PIDFile= of a service was read: what it says, or why that cannot be told.
    PidFileRead(UnitId, Result<Claim, PidFileError>),
    /// Of a service, so many descriptors are stored.
    Stored {
        /// The service.
        unit: UnitId,
        /// How many.
        count: usize,
        /// Whether there was no room for others.
        full: bool,
    },
    /// What there is of a service.
    Inspected {
        /// The service.
        service: UnitId,
        /// Its processes, the oldest first.
        processes: Vec<Process>,
        /// Its ports whose file is gone.
        unlinked: Vec<Port>,
    },
}

/// A process that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Which.
    pub pid: Pid,
    /// Its name: that of its program, mostly.
    pub name: String,
    /// Whether it is a child of this process, which then hears of its end.
    pub is_child: bool,
    /// Whether it has ended, and nobody has been told.
    pub is_zombie: bool,
}

/// A process that is said to be the main one of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which.
    #[serde(with = "saved")]
    pub pid: Pid,
    /// What it is.
    pub claimed: Claimed,
    /// Whether root says so: who is believed of a process that is not known to be the service's.
    pub trusted: bool,
}

/// What a process is that is said to be the main one of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claimed {
    /// It runs.
    Running,
    /// There is no such process, or it has ended.
    Gone,
    /// This process.
    Manager,
}

/// Why it cannot be told what PIDFile= says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PidFileError {
    /// It cannot be opened.
    Open(Errno),
    /// It holds no number of a process.
    Parse(Errno),
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// With an exit status.
    Exited(u8),
    /// By a signal.
    Killed(Signal),
    /// By a signal, with a core dump.
    Dumped(Signal),
}

impl End {
    /// The exit status that a shell would give.
    pub fn status(self) -> u8 {
        match self {
            Self::Exited(status) => status,
            Self::Killed(signal) | Self::Dumped(signal) => {
                u8::try_from(signal.number()).unwrap_or(u8::MAX).saturating_add(128)
            }
        }
    }

    /// The exit status after a signal was passed on. What SuccessExitStatus= of systemd.service(5) counts as success is 0.
    pub fn status_when_stopped(self) -> u8 {
        const CLEAN: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::TERM, Signal::PIPE];
        if CLEAN.iter().any(|signal| self.is_by(*signal)) { 0 } else { self.status() }
    }

    /// Whether it was killed by `signal`.
    pub fn is_by(self, signal: Signal) -> bool {
        matches!(self, Self::Killed(by) | Self::Dumped(by) if by == signal)
    }

    /// `exited`, `killed` or `dumped`: `$EXIT_CODE` of systemd.exec(5).
    pub fn code(self) -> &'static str {
        match self {
            Self::Exited(_) => "exited",
            Self::Killed(_) => "killed",
            Self::Dumped(_) => "dumped",
        }
    }

    /// `1` or `TERM`: `$EXIT_STATUS` of systemd.exec(5).
    pub fn short_status(self) -> String {
        match self {
            Self::Exited(status) => status.to_string(),
            Self::Killed(signal) | Self::Dumped(signal) => signal.to_string().trim_start_matches("SIG").to_owned(),
        }
    }

    /// `code=exited, status=1/FAILURE`, as systemd has it.
    pub fn described(self) -> String {
        let (number, name) = match self {
            Self::Exited(code) => (code.into(), status::name(code).unwrap_or("n/a").to_owned()),
            Self::Killed(signal) | Self::Dumped(signal) => (signal.number(), self.short_status()),
        };
        format!("code={}, status={number}/{name}", self.code())
    }
}

impl Display for End {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited(status) => write!(formatter, "died with code {status}"),
            Self::Killed(_) | Self::Dumped(_) => write!(formatter, "died with signal {}", self.short_status()),
        }
    }
}
