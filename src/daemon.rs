use core::ffi::c_int;

use sdlite_core::{daemon, pidfd};

use crate::abi::{IntoC, unset};

/// Tells the inode id of the process that a pidfd refers to. Unlike a PID, it is never used again.
///
/// pidfd: a descriptor of pidfd_open(2).
/// ret: receives the id. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EBADF: pidfd is not open, or is not a pidfd.
/// -EOPNOTSUPP: the kernel has no such ids. It is older than Linux 6.9.
///
/// See sd_pidfd_get_inode_id(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pidfd_get_inode_id(pidfd: c_int, ret: *mut u64) -> c_int {
    let id = pidfd::get_inode_id(pidfd);
    if let (Ok(id), false) = (id, ret.is_null()) {
        // SAFETY: the caller gave a pointer to a uint64_t.
        unsafe { ret.write(id) };
    }
    id.map(drop).into_c()
}

/// Tells whether systemd is the init system.
///
/// Returns 1 or 0, or a negative errno: any error of stat(2) for /run/systemd/system/ but ENOENT, for which the answer is 0.
///
/// See sd_booted(3).
#[unsafe(no_mangle)]
pub extern "C" fn sd_booted() -> c_int {
    daemon::booted().into_c()
}

/// Tells whether the service manager expects "WATCHDOG=1" messages from this process, and how often. See sd_notify().
///
/// unset_environment: if not zero, the function removes $WATCHDOG_USEC and $WATCHDOG_PID from the environment, also when it
/// fails.
/// usec: receives the longest time between two messages, in microseconds. Send one in half that time. May be NULL.
///
/// Returns 1 if it does, 0 if not, or a negative errno:
///
/// -EINVAL: a variable is not a number, or $WATCHDOG_USEC is 0 or UINT64_MAX.
/// -ERANGE: a variable is a number out of range.
///
/// See sd_watchdog_enabled(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_watchdog_enabled(unset_environment: c_int, usec: *mut u64) -> c_int {
    // SAFETY: as the caller promises.
    let interval = daemon::watchdog_enabled(unsafe { unset(unset_environment) });
    if let (Ok(Some(interval)), false) = (interval, usec.is_null()) {
        // SAFETY: the caller gave a pointer to a uint64_t.
        unsafe { usec.write(interval) };
    }
    interval.map(|interval| c_int::from(interval.is_some())).into_c()
}
