use core::ffi::c_int;

use sdlite_core::{daemon, pidfd};

use crate::abi::{IntoC, symbol_version, unset};

symbol_version!(sd_pidfd_get_inode_id @ LIBSYSTEMD_258);
/// Tells the inode id of the process that a pidfd refers to, which other than a PID is never used again.
///
/// pidfd: as from pidfd_open(2).
/// ret: where to put the id; NULL if it is not wanted.
///
/// Returns 0, or a negative errno:
///
/// -EBADF: pidfd is not open, or no pidfd.
/// -EOPNOTSUPP: the kernel has no such ids, being older than Linux 6.9.
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

symbol_version!(sd_booted @ LIBSYSTEMD_209);
/// Tells whether the system was booted with systemd.
///
/// Returns 1 or 0, or a negative errno: what stat(2) of /run/systemd/system/ failed with, except for -ENOENT.
///
/// See sd_booted(3).
#[unsafe(no_mangle)]
pub extern "C" fn sd_booted() -> c_int {
    daemon::booted().into_c()
}

symbol_version!(sd_watchdog_enabled @ LIBSYSTEMD_209);
/// Tells whether the service manager expects to hear "WATCHDOG=1" by sd_notify(), and how often.
///
/// unset_environment: if not zero, $WATCHDOG_USEC and $WATCHDOG_PID are removed from the environment, whatever is returned.
/// usec: where to put the microseconds within which it does; NULL if they are not wanted. Notify it twice as often.
///
/// Returns 1 if it does, 0 if not, or a negative errno:
///
/// -EINVAL: a variable is not a number, or $WATCHDOG_USEC is 0 or the largest there is.
/// -ERANGE: a variable is a number that does not fit.
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
