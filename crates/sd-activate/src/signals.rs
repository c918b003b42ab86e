//! Signals: those for this process, and how the service is to find them.

use std::os::fd::{AsFd, BorrowedFd};
use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Signals that are passed on to the service.
const PASSED_ON: &[Signal] =
    &[Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2];

const LAST_SIGNAL: libc::c_int = 64;

/// The signals that this process waits for.
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

impl Inherited {
    /// Blocks the signals that are to be waited for.
    pub fn block() -> Result<Self, Errno> {
        let ignored: Vec<_> = (1..=LAST_SIGNAL).filter(|signal| is_ignored(*signal)).collect();

        let mut waited_for = SigSet::empty();
        waited_for.add(Signal::SIGCHLD);
        for signal in PASSED_ON {
            // As every command that a shell starts in the background: what it was told to ignore stays ignored.
            if !ignored.contains(&(*signal as libc::c_int)) {
                waited_for.add(*signal);
            }
        }
        // A reader of standard error who goes away ends neither this process nor the service.
        let mut blocked = waited_for;
        blocked.add(Signal::SIGPIPE);

        let mask = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        // Ignored, it would have the kernel throw exit statuses away.
        set_default(libc::SIGCHLD);
        Ok(Self { mask, ignored, waited_for })
    }

    /// Opens what they are read from: not before the sockets, whose descriptors are fixed, have theirs.
    pub fn watch(self) -> Result<Signals, Errno> {
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let descriptor = SignalFd::with_flags(&self.waited_for, flags)?;
        Ok(Signals { descriptor, inherited: self })
    }
}

impl Signals {
    /// The next signal, None where there is none now.
    pub fn next(&self) -> Option<Signal> {
        let information = self.descriptor.read_signal().ok()??;
        Signal::try_from(information.ssi_signo as libc::c_int).ok()
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

/// Back to the default disposition. Called between clone(2) and execve(2), too: it does not allocate.
pub fn set_default(signal: libc::c_int) {
    // SAFETY: all zeroes is a sigaction, and SIG_DFL needs no handler to be sound.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &action, ptr::null_mut());
    }
}
