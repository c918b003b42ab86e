use core::ffi::{c_char, c_int, c_uint};

use sdlite_core::notify;

use crate::abi::{IntoC, unset};
use crate::variadic::sdlite_notify;

/// Tells the service manager about the state of the service.
///
/// unset_environment: if not zero, the function removes $NOTIFY_SOCKET from the environment, also when it fails. Later calls
/// and child processes then notify nobody.
/// state: assignments such as "READY=1" and "STATUS=Serving 42 clients", one on each line.
///
/// Returns 1 if the state was sent, 0 if $NOTIFY_SOCKET is not set, or a negative errno:
///
/// -EINVAL: state is NULL, or $NOTIFY_SOCKET is incomplete.
/// -EPROTO: $NOTIFY_SOCKET is no address of a known kind.
/// -ENAMETOOLONG: $NOTIFY_SOCKET is longer than the path of a socket can be.
/// Any error of socket(2), connect(2) or sendmsg(2).
///
///     sd_notify(0, "READY=1\nSTATUS=Waiting for clients");
///
/// See sd_notify(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_notify(unset_environment: c_int, state: *const c_char) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { sd_pid_notify(0, unset_environment, state) }
}

/// Like sd_notify(), on behalf of another process.
///
/// pid: the process; 0 for the caller. If the caller has no privilege to send messages for this process, the message comes
/// from the caller.
///
/// See sd_pid_notify(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_notify(pid: libc::pid_t, unset_environment: c_int, state: *const c_char) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { sd_pid_notify_with_fds(pid, unset_environment, state, core::ptr::null(), 0) }
}

/// Like sd_pid_notify(), and passes file descriptors with the message, for example for FDSTORE=1.
///
/// fds: n_fds descriptors. They stay open in the caller. May be NULL if n_fds is 0.
///
/// Returns as sd_notify(), and:
///
/// -EINVAL: fds is NULL and n_fds is not 0.
/// -E2BIG: n_fds is more than 253.
/// -EBADF: one of the descriptors is not open.
///
/// See sd_pid_notify_with_fds(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_notify_with_fds(
    pid: libc::pid_t,
    unset_environment: c_int,
    state: *const c_char,
    fds: *const c_int,
    n_fds: c_uint,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { sdlite_notify(pid, unset_environment, state, fds, n_fds as usize) }
}

/// Like sd_notify(), with a state that is formatted as by printf(3).
///
/// Returns as sd_notify(), and -ENOMEM if the state cannot be formatted.
///
///     sd_notifyf(0, "MAINPID=%ld", (long) child);
///
/// See sd_notifyf(3).
/// cbindgen:postfix=__attribute__((__format__(__printf__, 2, 3)))
#[cfg(cbindgen)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_notifyf(unset_environment: c_int, format: *const c_char, _: ...) -> c_int {}

/// Like sd_pid_notify(), with a state that is formatted as by printf(3).
///
/// Returns as sd_notifyf(). See sd_pid_notifyf(3).
/// cbindgen:postfix=__attribute__((__format__(__printf__, 3, 4)))
#[cfg(cbindgen)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_notifyf(
    pid: libc::pid_t,
    unset_environment: c_int,
    format: *const c_char,
    _: ...
) -> c_int {
}

/// Like sd_pid_notify_with_fds(), with a state that is formatted as by printf(3).
///
/// Returns as sd_pid_notify_with_fds() and sd_notifyf(). See sd_pid_notifyf_with_fds(3).
/// cbindgen:postfix=__attribute__((__format__(__printf__, 5, 6)))
#[cfg(cbindgen)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_notifyf_with_fds(
    pid: libc::pid_t,
    unset_environment: c_int,
    fds: *const c_int,
    n_fds: usize,
    format: *const c_char,
    _: ...
) -> c_int {
}

/// Waits until the service manager has read all messages that were sent before. A process that exits right after
/// sd_notify() should call this first.
///
/// unset_environment: as for sd_notify().
/// timeout: how long to wait at most, in microseconds; UINT64_MAX for no limit.
///
/// Returns 1 if the manager has read them, 0 if $NOTIFY_SOCKET is not set, or a negative errno:
///
/// -ETIMEDOUT: the manager did not read them in this time.
/// -EINTR: a signal handler interrupted the wait.
/// Any error of sd_notify() or pipe2(2).
///
/// See sd_notify_barrier(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_notify_barrier(unset_environment: c_int, timeout: u64) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { sd_pid_notify_barrier(0, unset_environment, timeout) }
}

/// Like sd_notify_barrier(), on behalf of another process.
///
/// pid: as for sd_pid_notify().
///
/// See sd_pid_notify_barrier(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_notify_barrier(pid: libc::pid_t, unset_environment: c_int, timeout: u64) -> c_int {
    // SAFETY: as the caller promises.
    notify::barrier(pid, unsafe { unset(unset_environment) }, timeout).into_c()
}
