use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use sdlite_core::{Unset, daemon, pidfd};

use crate::Result;
use crate::error::answer;

/// Whether systemd runs as the init system: sd_booted(3).
///
/// # Errors
///
/// What stat(2) of /run/systemd/system/ failed with, except that where there is none the answer is no.
pub fn booted() -> Result<bool> {
    answer(daemon::booted())
}

/// The time within which the service manager wants to hear [`State::Watchdog`](crate::State::Watchdog), if it does:
/// sd_watchdog_enabled(3). Notify it twice as often.
///
/// ```no_run
/// use std::thread;
///
/// use sdlite::{State, notify, watchdog_enabled};
///
/// fn main() -> std::io::Result<()> {
///     if let Some(interval) = watchdog_enabled()? {
///         loop {
///             notify(&[State::Watchdog])?;
///             thread::sleep(interval / 2);
///         }
///     }
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// * `EINVAL`: a variable is not a number, or `$WATCHDOG_USEC` is 0 or the largest there is.
/// * `ERANGE`: a variable is a number that does not fit.
pub fn watchdog_enabled() -> Result<Option<Duration>> {
    interval(None)
}

/// Like [`watchdog_enabled`], and removes `$WATCHDOG_USEC` and `$WATCHDOG_PID` from the environment, whatever it returns.
///
/// # Errors
///
/// As [`watchdog_enabled`].
///
/// # Safety
///
/// As for [`std::env::remove_var`]: no other thread may be using the environment.
pub unsafe fn watchdog_enabled_unset_environment() -> Result<Option<Duration>> {
    // SAFETY: the caller's promise.
    interval(Some(unsafe { Unset::new() }))
}

fn interval(unset: Option<Unset>) -> Result<Option<Duration>> {
    Ok(daemon::watchdog_enabled(unset)?.map(Duration::from_micros))
}

/// The inode id of the process that a pidfd refers to, which other than a PID is never used again: sd_pidfd_get_inode_id(3).
///
/// # Errors
///
/// `EBADF` for a descriptor that is no pidfd, `EOPNOTSUPP` where the kernel has no such ids, being older than Linux 6.9.
pub fn pidfd_get_inode_id(pidfd: BorrowedFd<'_>) -> Result<u64> {
    Ok(pidfd::get_inode_id(pidfd.as_raw_fd())?)
}
