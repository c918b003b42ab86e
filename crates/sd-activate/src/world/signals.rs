//! Signals: those for this process, and how the service is to find them.

use std::os::fd::{AsFd, BorrowedFd};
use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal as Named};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use serde::{Deserialize, Serialize};

use crate::exec::set_default;
use crate::spec::Signal;

const LAST_SIGNAL: libc::c_int = 64;

/// The signals for this process: all that can be caught and were not ignored before.
///
/// They are blocked for good, and read from a descriptor: none can get lost between two looks at it, and as no handler is
/// installed, none can run in a service that shares this process's memory until it is executed.
pub struct Signals {
    descriptor: SignalFd,
    /// How this process was started.
    pub inherited: Inherited,
}

/// How this process was started.
pub struct Inherited {
    /// The signals that were blocked.
    pub mask: SigSet,
    /// The signals that were ignored.
    pub ignored: Vec<libc::c_int>,
    waited_for: SigSet,
}

/// A signal that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A child has ended.
    Child,
    /// Another.
    Other {
        /// Which.
        signal: Signal,
        /// The kernel has sent it, not a process.
        by_kernel: bool,
    },
}

impl Inherited {
    /// Blocks the signals.
    pub fn block() -> Result<Self, Errno> {
        let ignored: Vec<_> = (1..=LAST_SIGNAL).filter(|signal| is_ignored(*signal)).collect();
        let waited_for = all_but(&ignored);
        let mut blocked = waited_for;
        // A reader of standard error who goes away ends neither this process nor the service.
        blocked.add(Named::SIGPIPE);
        let mask = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        // Ignored, it would have the kernel throw exit statuses away.
        set_default(libc::SIGCHLD);
        Ok(Self { mask, ignored, waited_for })
    }

    /// Writes down what cannot be seen any more once they are blocked.
    pub fn save(&self) -> SavedSignals {
        let Self { mask, ignored, waited_for: _ } = self;
        SavedSignals { mask: mask.iter().map(|signal| signal as libc::c_int).collect(), ignored: ignored.clone() }
    }

    /// The same again; the signals are blocked.
    pub fn restore(SavedSignals { mask, ignored }: SavedSignals) -> Self {
        let mask = mask.into_iter().filter_map(|signal| Named::try_from(signal).ok()).collect();
        Self { mask, waited_for: all_but(&ignored), ignored }
    }

    /// Opens what they are read from: best after the sockets, which then mostly are where a service looks for them.
    pub fn watch(self) -> Result<Signals, Errno> {
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let descriptor = SignalFd::with_flags(&self.waited_for, flags)?;
        Ok(Signals { descriptor, inherited: self })
    }
}

/// How this process was started before it was executed anew.
#[derive(Serialize, Deserialize)]
pub struct SavedSignals {
    mask: Vec<libc::c_int>,
    ignored: Vec<libc::c_int>,
}

/// What is waited for. A signal that shows a fault of this process itself ends it although it is blocked.
fn all_but(ignored: &[libc::c_int]) -> SigSet {
    let mut waited_for = SigSet::all();
    // As every command that a shell starts in the background: what it was told to ignore stays ignored.
    for signal in ignored.iter().filter_map(|signal| Named::try_from(*signal).ok()) {
        waited_for.remove(signal);
    }
    waited_for.add(Named::SIGCHLD);
    waited_for
}

impl Signals {
    /// The next signal, None where there is none now.
    pub fn next(&self) -> Option<Received> {
        loop {
            let information = self.descriptor.read_signal().ok()??;
            let signal = Signal::new(information.ssi_signo as libc::c_int)?;
            return match signal.number() {
                libc::SIGCHLD => Some(Received::Child),
                // Its own: it has written to standard error, and nobody reads that any more. The kernel tells of it before SIGTERM
                // and SIGCHLD, each time that something is to be shown.
                libc::SIGPIPE if information.ssi_pid == std::process::id() => continue,
                _ => Some(Received::Other { signal, by_kernel: information.ssi_code == libc::SI_KERNEL }),
            };
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn is_ignored(signal: libc::c_int) -> bool {
    // SAFETY: all zeroes is a sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only asks; `action` is valid for writes. Numbers that are no signals get EINVAL and leave it.
    let asked = unsafe { libc::sigaction(signal, ptr::null(), &mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}
