use core::ffi::{c_char, c_int};

use libc::uid_t;
use sdlite_core::login::process::{Field, Process};

use super::process::{owner_uid, text};

/// Like sd_pid_get_session(), and the id of the process cannot become that of another one meanwhile.
///
/// pidfd: as from pidfd_open(2).
/// ret_session: receives the id of the session. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_session(), and:
///
/// -EBADF: pidfd is not open.
/// -ENOTTY: it is not a pidfd.
/// -ESRCH: the process has ended and has been waited for.
///
/// See sd_pidfd_get_session(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pidfd_get_session(pidfd: c_int, ret_session: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pidfd(pidfd), Field::Session, ret_session) }
}

/// Like sd_pid_get_owner_uid(), and the id of the process cannot become that of another one meanwhile.
///
/// pidfd: as from pidfd_open(2).
/// ret_uid: receives the user. May be NULL.
///
/// Returns as sd_pid_get_owner_uid(), and for the descriptor as sd_pidfd_get_session().
///
/// See sd_pidfd_get_owner_uid(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pidfd_get_owner_uid(pidfd: c_int, ret_uid: *mut uid_t) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a uid_t.
    unsafe { owner_uid(Process::Pidfd(pidfd), ret_uid) }
}

/// Like sd_pid_get_unit(), and the id of the process cannot become that of another one meanwhile.
///
/// pidfd: as from pidfd_open(2).
/// ret_unit: receives the name of the unit. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_unit(), and for the descriptor as sd_pidfd_get_session().
///
/// See sd_pidfd_get_unit(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pidfd_get_unit(pidfd: c_int, ret_unit: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pidfd(pidfd), Field::Unit, ret_unit) }
}

/// Like sd_pid_get_user_unit(), and the id of the process cannot become that of another one meanwhile.
///
/// pidfd: as from pidfd_open(2).
/// ret_unit: receives the name of the unit. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_user_unit(), and for the descriptor as sd_pidfd_get_session().
///
/// See sd_pidfd_get_user_unit(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pidfd_get_user_unit(pidfd: c_int, ret_unit: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pidfd(pidfd), Field::UserUnit, ret_unit) }
}

/// Like sd_pid_get_slice(), and the id of the process cannot become that of another one meanwhile.
///
/// pidfd: as from pidfd_open(2).
/// ret_slice: receives the name of the slice, "-.slice" for the root. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_slice(), and for the descriptor as sd_pidfd_get_session().
///
/// See sd_pidfd_get_slice(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pidfd_get_slice(pidfd: c_int, ret_slice: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pidfd(pidfd), Field::Slice, ret_slice) }
}

/// Like sd_pid_get_user_slice(), and the id of the process cannot become that of another one meanwhile.
///
/// pidfd: as from pidfd_open(2).
/// ret_slice: receives the name of the slice, "-.slice" for the root. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_user_slice(), and for the descriptor as sd_pidfd_get_session().
///
/// See sd_pidfd_get_user_slice(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pidfd_get_user_slice(pidfd: c_int, ret_slice: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pidfd(pidfd), Field::UserSlice, ret_slice) }
}

/// Like sd_pid_get_machine_name(), and the id of the process cannot become that of another one meanwhile.
///
/// pidfd: as from pidfd_open(2).
/// ret_machine: receives the name of the machine. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_machine_name(), and for the descriptor as sd_pidfd_get_session().
///
/// See sd_pidfd_get_machine_name(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pidfd_get_machine_name(pidfd: c_int, ret_machine: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pidfd(pidfd), Field::MachineName, ret_machine) }
}

/// Like sd_pid_get_cgroup(), and the id of the process cannot become that of another one meanwhile.
///
/// pidfd: as from pidfd_open(2).
/// ret_cgroup: receives the path below /sys/fs/cgroup, "/" for the root. The caller has to free() it. May be NULL.
///
/// Returns as sd_pid_get_cgroup(), and for the descriptor as sd_pidfd_get_session().
///
/// See sd_pidfd_get_cgroup(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pidfd_get_cgroup(pidfd: c_int, ret_cgroup: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pidfd(pidfd), Field::Cgroup, ret_cgroup) }
}
