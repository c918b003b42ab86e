use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use sdlite_core::{Unset, daemon, pidfd};

use crate::Result;
use crate::error::answer;

/// Whether systemd runs as the init system: sd_booted(3).
///
/// # Errors
///
/// The error of stat(2) for /run/systemd/system/. If that directory does not exist, the answer is no.
pub fn booted() -> Result<bool> {
    answer(daemon::booted())
}

/// How often the service manager expects [`State::Watchdog`](crate::State::Watchdog), if it does: sd_watchdog_enabled(3).
/// Send it twice as often.
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
/// * `EINVAL`: a variable is not a number, or `$WATCHDOG_USEC` is 0 or the largest 64-bit number.
/// * `ERANGE`: a number is too large, or negative.
pub fn watchdog_enabled() -> Result<Option<Duration>> {
    interval(None)
}

/// Like [`watchdog_enabled`], and removes `$WATCHDOG_USEC` and `$WATCHDOG_PID` from the environment, also if it fails.
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

/// The inode id of the process that a pidfd refers to: sd_pidfd_get_inode_id(3). Unlike a PID, it is never used again.
///
/// # Errors
///
/// * `EBADF`: the descriptor is not a pidfd.
/// * `EOPNOTSUPP`: the kernel is older than Linux 6.9 and has no such ids.
pub fn pidfd_get_inode_id(pidfd: BorrowedFd<'_>) -> Result<u64> {
    Ok(pidfd::get_inode_id(pidfd.as_raw_fd())?)
}
