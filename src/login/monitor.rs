use core::ffi::{c_char, c_int};
use core::ptr;

use sdlite_core::login::monitor;
use sdlite_core::{Errno, Result};

use crate::abi::{IntoC, optional};

/// A monitor. The address is a file descriptor and one more: there is nothing at it.
#[repr(C)]
pub struct Monitor([u8; 0]);

/// Makes a monitor, which a change of the sessions, users, seats or machines wakes up.
///
/// category: "seat", "session", "uid" or "machine" for changes of these; NULL for all.
/// ret: receives the monitor. The caller has to give it to sd_login_monitor_unref().
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: category is something else, or ret is NULL.
/// Any error of inotify_init1(2) and inotify_add_watch(2): -ENOENT if logind does not run.
///
/// See sd_login_monitor_new(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_login_monitor_new(category: *const c_char, ret: *mut *mut Monitor) -> c_int {
    if ret.is_null() {
        return Err::<(), _>(Errno::INVAL).into_c();
    }
    // SAFETY: the caller gave NULL or a C string.
    let monitor = monitor::open(unsafe { optional(category) });
    // SAFETY: the caller gave a pointer to a pointer.
    monitor.map(|fd| unsafe { ret.write(ptr::without_provenance_mut(fd as usize + 1)) }).into_c()
}

/// Closes a monitor and its file descriptor.
///
/// m: the monitor. NULL is ignored.
///
/// Returns NULL.
///
/// See sd_login_monitor_unref(3).
#[unsafe(no_mangle)]
pub extern "C" fn sd_login_monitor_unref(m: *mut Monitor) -> *mut Monitor {
    if let Ok(fd) = fd(m) {
        // SAFETY: the caller gave a monitor, which is not used any more.
        unsafe { monitor::close(fd) };
    }
    ptr::null_mut()
}

/// Makes a monitor that has been woken up sleep until the next change.
///
/// Returns 0, or a negative errno: -EINVAL if m is NULL, or any error of read(2).
///
/// See sd_login_monitor_flush(3).
#[unsafe(no_mangle)]
pub extern "C" fn sd_login_monitor_flush(m: *mut Monitor) -> c_int {
    fd(m).and_then(monitor::flush).into_c()
}

/// Tells the file descriptor of a monitor, for poll(2). It stays the monitor's.
///
/// Returns the file descriptor, or -EINVAL if m is NULL.
///
/// See sd_login_monitor_get_fd(3).
#[unsafe(no_mangle)]
pub extern "C" fn sd_login_monitor_get_fd(m: *mut Monitor) -> c_int {
    fd(m).into_c()
}

/// Tells what poll(2) has to wait for.
///
/// Returns POLLIN, or -EINVAL if m is NULL.
///
/// See sd_login_monitor_get_events(3).
#[unsafe(no_mangle)]
pub extern "C" fn sd_login_monitor_get_events(m: *mut Monitor) -> c_int {
    fd(m).map(|_| c_int::from(libc::POLLIN)).into_c()
}

/// Tells how long poll(2) may wait: for ever.
///
/// ret_timeout_usec: receives UINT64_MAX.
///
/// Returns 0, or -EINVAL if m or ret_timeout_usec is NULL.
///
/// See sd_login_monitor_get_timeout(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_login_monitor_get_timeout(m: *mut Monitor, ret_timeout_usec: *mut u64) -> c_int {
    let result = fd(m).and_then(|_| if ret_timeout_usec.is_null() { Err(Errno::INVAL) } else { Ok(()) });
    // SAFETY: the caller gave a pointer to a uint64_t.
    result.map(|()| unsafe { ret_timeout_usec.write(u64::MAX) }).into_c()
}

fn fd(monitor: *mut Monitor) -> Result<c_int> {
    match monitor.addr() {
        0 => Err(Errno::INVAL),
        fd => Ok((fd - 1) as c_int),
    }
}
