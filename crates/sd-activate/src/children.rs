//! The end of children.

use std::fmt::{self, Display, Formatter};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With an exit status.
    Exited(u8),
    /// By the signal of this number.
    Killed(u8),
}

impl End {
    /// The exit status that a shell would give.
    pub fn status(self) -> u8 {
        match self {
            Self::Exited(status) => status,
            Self::Killed(signal) => signal.saturating_add(128),
        }
    }

    /// The exit status after a signal was passed on. What SuccessExitStatus= of systemd.service(5) counts as success is 0.
    pub fn status_when_stopped(self) -> u8 {
        const CLEAN: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGPIPE];
        if CLEAN.iter().any(|signal| self.is_by(*signal)) { 0 } else { self.status() }
    }

    /// Whether it was killed by `signal`.
    pub fn is_by(self, signal: Signal) -> bool {
        self == Self::Killed(signal as u8)
    }
}

impl Display for End {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited(status) => write!(formatter, "died with code {status}"),
            Self::Killed(number) => match Signal::try_from(i32::from(number)) {
                Ok(signal) => write!(formatter, "died with signal {}", signal.as_str().trim_start_matches("SIG")),
                Err(_) => write!(formatter, "died with signal {number}"),
            },
        }
    }
}

/// The next child that has ended, None where there is none now.
///
/// Any child: process 1 of a container inherits those that others leave behind.
pub fn reap() -> Option<(Pid, End)> {
    let mut status = 0;
    // Not nix's waitpid: where a real-time signal has killed the child, it does not tell which child that was.
    let pid = loop {
        // SAFETY: `status` is valid for writes.
        let reaped = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
        match Errno::result(reaped) {
            Err(Errno::EINTR) => (),
            Err(_) | Ok(0) => return None,
            Ok(pid) => break pid,
        }
    };
    let end = if libc::WIFEXITED(status) {
        End::Exited(libc::WEXITSTATUS(status) as u8)
    } else {
        End::Killed(libc::WTERMSIG(status) as u8)
    };
    Some((Pid::from_raw(pid), end))
}
