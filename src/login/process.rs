use core::ffi::{c_char, c_int};

use libc::{pid_t, uid_t};
use sdlite_core::login::process::{self, Field, Process};

use super::{return_string, write};
use crate::abi::IntoC;
use crate::memory::Memory;

/// Tells which login session a process belongs to.
///
/// pid: the process; 0 for this one.
/// ret_session: receives the id of the session. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: pid is negative.
/// -ESRCH: there is no such process.
/// -ENODATA: the process belongs to no session. Those of a user's service manager do not.
/// -EUNATCH: its control group is outside of the namespace of this process.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /proc/PID/cgroup.
///
/// See sd_pid_get_session(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_get_session(pid: pid_t, ret_session: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pid(pid), Field::Session, ret_session) }
}

/// Tells which user owns the session or the service manager that a process belongs to.
///
/// pid: the process; 0 for this one.
/// ret_uid: receives the user. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: pid is negative, or the path of the control group has a component that is ".." or too long.
/// -ESRCH: there is no such process.
/// -ENODATA: the process belongs to none, as the services of the system do.
/// -EUNATCH: its control group is outside of the namespace of this process.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /proc/PID/cgroup.
///
/// See sd_pid_get_owner_uid(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_get_owner_uid(pid: pid_t, ret_uid: *mut uid_t) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a uid_t.
    unsafe { owner_uid(Process::Pid(pid), ret_uid) }
}

/// Tells which unit of the system a process belongs to: a service, a scope.
///
/// pid: the process; 0 for this one.
/// ret_unit: receives the name of the unit. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: pid is negative.
/// -ESRCH: there is no such process.
/// -ENODATA: the process belongs to none, as threads of the kernel do.
/// -EUNATCH: its control group is outside of the namespace of this process.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /proc/PID/cgroup.
///
/// See sd_pid_get_unit(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_get_unit(pid: pid_t, ret_unit: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pid(pid), Field::Unit, ret_unit) }
}

/// Tells which unit of a user's service manager a process belongs to.
///
/// pid: the process; 0 for this one.
/// ret_unit: receives the name of the unit. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: pid is negative.
/// -ESRCH: there is no such process.
/// -ENODATA: the process belongs to none.
/// -EUNATCH: its control group is outside of the namespace of this process.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /proc/PID/cgroup.
///
/// See sd_pid_get_user_unit(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_get_user_unit(pid: pid_t, ret_unit: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pid(pid), Field::UserUnit, ret_unit) }
}

/// Tells which slice of the system a process is in.
///
/// pid: the process; 0 for this one.
/// ret_slice: receives the name of the slice, "-.slice" for the root. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: pid is negative, or the path of the control group has a component that is ".." or too long.
/// -ESRCH: there is no such process.
/// -ENODATA: it is in no control group of version 2.
/// -EUNATCH: its control group is outside of the namespace of this process.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /proc/PID/cgroup.
///
/// See sd_pid_get_slice(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_get_slice(pid: pid_t, ret_slice: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pid(pid), Field::Slice, ret_slice) }
}

/// Tells which slice of a user's service manager a process is in.
///
/// pid: the process; 0 for this one.
/// ret_slice: receives the name of the slice, "-.slice" for the root. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: pid is negative, or the path of the control group has a component that is ".." or too long.
/// -ESRCH: there is no such process.
/// -ENODATA: the process does not belong to a user's service manager or session.
/// -EUNATCH: its control group is outside of the namespace of this process.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /proc/PID/cgroup.
///
/// See sd_pid_get_user_slice(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_get_user_slice(pid: pid_t, ret_slice: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pid(pid), Field::UserSlice, ret_slice) }
}

/// Tells which virtual machine or container a process belongs to.
///
/// pid: the process; 0 for this one.
/// ret_machine: receives the name of the machine. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: pid is negative.
/// -ESRCH: there is no such process.
/// -ENODATA: the process belongs to no unit.
/// -ENOENT: the unit is not that of a machine. Any other error of readlink(2).
/// -EUNATCH: its control group is outside of the namespace of this process.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /proc/PID/cgroup.
///
/// See sd_pid_get_machine_name(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_get_machine_name(pid: pid_t, ret_machine: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pid(pid), Field::MachineName, ret_machine) }
}

/// Tells which control group a process is in.
///
/// pid: the process; 0 for this one.
/// ret_cgroup: receives the path below /sys/fs/cgroup, "/" for the root. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: pid is negative.
/// -ESRCH: there is no such process.
/// -ENODATA: it is in no control group of version 2.
/// -EUNATCH: its control group is outside of the namespace of this process.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /proc/PID/cgroup.
///
/// See sd_pid_get_cgroup(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_pid_get_cgroup(pid: pid_t, ret_cgroup: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { text(Process::Pid(pid), Field::Cgroup, ret_cgroup) }
}

/// # Safety
///
/// `ret` is NULL or there is room for a pointer.
#[inline(never)]
pub(super) unsafe fn text(process: Process, field: Field, ret: *mut *mut c_char) -> c_int {
    let mut text = Memory::new();
    let found = process::text(process, field, &mut text);
    // SAFETY: as the caller promises.
    unsafe { return_string(found, text, ret) }
}

/// # Safety
///
/// `ret` is NULL or there is room for a uid_t.
#[inline(never)]
pub(super) unsafe fn owner_uid(process: Process, ret: *mut uid_t) -> c_int {
    let uid = process::owner_uid(process, &mut Memory::new());
    // SAFETY: as the caller promises.
    uid.map(|uid| unsafe { write(uid, ret) }).into_c()
}
