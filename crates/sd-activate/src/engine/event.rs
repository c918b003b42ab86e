//! What the engine is told.

use std::fmt::{self, Display, Formatter};

use std::os::fd::RawFd;

use nix::unistd::Pid;
use sdlite_core::listen::LISTEN_FDS_START;

use super::view::{RequestId, UnitId, Verb};
use crate::error::Error;
use crate::spec::Signal;

/// A descriptor that is listened on: one of those that a socket unit has. The number is its place among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub usize);

impl Display for Port {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "fd {}", LISTEN_FDS_START + self.0 as RawFd)
    }
}

/// A service, by its place among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub usize);

/// Something that has happened.
#[derive(Clone, Debug, PartialEq)]
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

    /// A connection, a datagram or other data waits at a port. A port of a service for all connections tells that once,
    /// until it is watched again.
    Incoming(Port),
    /// Nobody can connect to a port any more: it was shut down.
    HungUp(Port),
    /// A port listens anew.
    Reopened(Port),
    /// A port cannot be opened anew.
    NotReopened(Port, Error),

    /// A service runs.
    Executed(ServiceId, Pid),
    /// A service could not be executed.
    NotExecuted(ServiceId, Error),
    /// A process has said READY=1.
    Ready(Pid),
    /// A service runs for a connection that was accepted. The last is the instance's name, of a unit.
    Connected(Port, Pid, String),
    /// A connection could not be accepted, or no service be started for it; then it waits.
    NotConnected(Port, Error),

    /// A child has ended, by itself a service's or one that was left to this process.
    Ended(Pid, End),
    /// A child was stopped by a signal.
    Suspended(Pid, Signal),
    /// What a service has left.
    Inspected {
        /// The service, whose main process has ended.
        service: ServiceId,
        /// The processes that hold one of its sockets.
        left: Vec<Pid>,
        /// Its ports whose file is gone.
        unlinked: Vec<Port>,
    },
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With an exit status.
    Exited(u8),
    /// By a signal.
    Killed(Signal),
}

impl End {
    /// The exit status that a shell would give.
    pub fn status(self) -> u8 {
        match self {
            Self::Exited(status) => status,
            Self::Killed(signal) => u8::try_from(signal.number()).unwrap_or(u8::MAX).saturating_add(128),
        }
    }

    /// The exit status after a signal was passed on. What SuccessExitStatus= of systemd.service(5) counts as success is 0.
    pub fn status_when_stopped(self) -> u8 {
        const CLEAN: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::TERM, Signal::PIPE];
        if CLEAN.iter().any(|signal| self.is_by(*signal)) { 0 } else { self.status() }
    }

    /// Whether it was killed by `signal`.
    pub fn is_by(self, signal: Signal) -> bool {
        self == Self::Killed(signal)
    }
}

impl Display for End {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited(status) => write!(formatter, "died with code {status}"),
            Self::Killed(signal) => {
                let name = signal.to_string();
                write!(formatter, "died with signal {}", name.trim_start_matches("SIG"))
            }
        }
    }
}
