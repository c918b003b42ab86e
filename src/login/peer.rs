use core::ffi::{c_char, c_int};

use libc::uid_t;
use sdlite_core::login::process::{Field, Process};

use super::process::{owner_uid, text};

/// Like sd_pid_get_session(), of the process at the other end of a socket.
///
/// fd: a connected socket of AF_UNIX.
/// ret_session: receives the id of the session. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_session(), and:
///
/// -ENXIO, in place of -ENODATA: the process belongs to no session.
/// -EBADF: fd is not open.
/// -ENOTSOCK: it is not a socket.
/// -ENODATA: it is not connected, or not of AF_UNIX.
/// -ESRCH: the process has ended.
///
/// See sd_peer_get_session(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_peer_get_session(fd: c_int, ret_session: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Peer(fd), Field::Session, ret_session) }
}

/// Like sd_pid_get_owner_uid(), of the process at the other end of a socket.
///
/// fd: a connected socket of AF_UNIX.
/// ret_uid: receives the user. May be NULL.
///
/// Returns as sd_pid_get_owner_uid(), with -ENXIO in place of -ENODATA, and for the socket as sd_peer_get_session().
///
/// See sd_peer_get_owner_uid(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_peer_get_owner_uid(fd: c_int, ret_uid: *mut uid_t) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a uid_t.
    unsafe { owner_uid(Process::Peer(fd), ret_uid) }
}

/// Like sd_pid_get_unit(), of the process at the other end of a socket.
///
/// fd: a connected socket of AF_UNIX.
/// ret_unit: receives the name of the unit. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_unit(), with -ENXIO in place of -ENODATA, and for the socket as sd_peer_get_session().
///
/// See sd_peer_get_unit(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_peer_get_unit(fd: c_int, ret_unit: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Peer(fd), Field::Unit, ret_unit) }
}

/// Like sd_pid_get_user_unit(), of the process at the other end of a socket.
///
/// fd: a connected socket of AF_UNIX.
/// ret_unit: receives the name of the unit. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_user_unit(), with -ENXIO in place of -ENODATA, and for the socket as sd_peer_get_session().
///
/// See sd_peer_get_user_unit(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_peer_get_user_unit(fd: c_int, ret_unit: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Peer(fd), Field::UserUnit, ret_unit) }
}

/// Like sd_pid_get_slice(), of the process at the other end of a socket.
///
/// fd: a connected socket of AF_UNIX.
/// ret_slice: receives the name of the slice, "-.slice" for the root. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_slice(), and for the socket as sd_peer_get_session().
///
/// See sd_peer_get_slice(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_peer_get_slice(fd: c_int, ret_slice: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Peer(fd), Field::Slice, ret_slice) }
}

/// Like sd_pid_get_user_slice(), of the process at the other end of a socket.
///
/// fd: a connected socket of AF_UNIX.
/// ret_slice: receives the name of the slice, "-.slice" for the root. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_user_slice(), with -ENXIO in place of -ENODATA, and for the socket as sd_peer_get_session().
///
/// See sd_peer_get_user_slice(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_peer_get_user_slice(fd: c_int, ret_slice: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Peer(fd), Field::UserSlice, ret_slice) }
}

/// Like sd_pid_get_machine_name(), of the process at the other end of a socket.
///
/// fd: a connected socket of AF_UNIX.
/// ret_machine: receives the name of the machine. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_machine_name(), with -ENXIO in place of -ENODATA, and for the socket as sd_peer_get_session().
///
/// See sd_peer_get_machine_name(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_peer_get_machine_name(fd: c_int, ret_machine: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Peer(fd), Field::MachineName, ret_machine) }
}

/// Like sd_pid_get_cgroup(), of the process at the other end of a socket.
///
/// fd: a connected socket of AF_UNIX.
/// ret_cgroup: receives the path below /sys/fs/cgroup, "/" for the root. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_cgroup(), and for the socket as sd_peer_get_session().
///
/// See sd_peer_get_cgroup(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_peer_get_cgroup(fd: c_int, ret_cgroup: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Peer(fd), Field::Cgroup, ret_cgroup) }
}
