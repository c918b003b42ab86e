use core::ffi::{c_char, c_int};

use libc::uid_t;
use sdlite_core::login::list::{self, Directory};

use super::{return_numbers, return_strings};
use crate::memory::{Numbers, Strings};

/// Tells all seats.
///
/// ret_seats: receives a NULL-terminated array of names, in no order; NULL if there are none. The caller has to free() each
/// string and the array. May be NULL.
///
/// Returns the number of seats, or a negative errno:
///
/// -ENOMEM: there is not enough memory.
/// Any error of reading /run/systemd/seats/, except that 0 is returned where there is no such directory.
///
/// See sd_get_seats(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_get_seats(ret_seats: *mut *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char **.
    unsafe { names(Directory::Seats, ret_seats) }
}

/// Tells all sessions.
///
/// ret_sessions: receives a NULL-terminated array of ids, in no order; NULL if there are none. The caller has to free() each
/// string and the array. May be NULL.
///
/// Returns the number of sessions, or a negative errno as sd_get_seats().
///
/// See sd_get_sessions(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_get_sessions(ret_sessions: *mut *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char **.
    unsafe { names(Directory::Sessions, ret_sessions) }
}

/// Tells all users who are logged in.
///
/// ret_users: receives an array of users, in no order; NULL if there are none. The caller has to free() it. May be NULL.
///
/// Returns the number of users, or a negative errno as sd_get_seats().
///
/// See sd_get_uids(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_get_uids(ret_users: *mut *mut uid_t) -> c_int {
    let mut users = Numbers::new();
    let result = list::uids(&mut |user| users.push(user));
    let found = result.map(|()| users.count() > 0);
    // SAFETY: the caller gave NULL or a pointer to a uid_t *.
    unsafe { return_numbers(found, users, ret_users) }
}

/// Tells all virtual machines and containers that run.
///
/// ret_machines: receives a NULL-terminated array of names, in no order; NULL if there are none. The caller has to free() each
/// string and the array. May be NULL.
///
/// Returns the number of machines, or a negative errno as sd_get_seats().
///
/// See sd_get_machine_names(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_get_machine_names(ret_machines: *mut *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char **.
    unsafe { names(Directory::Machines, ret_machines) }
}

/// # Safety
///
/// `ret` is NULL or there is room for a pointer.
#[inline(never)]
unsafe fn names(directory: Directory, ret: *mut *mut *mut c_char) -> c_int {
    let mut names = Strings::new();
    let found = list::names(directory, &mut names);
    // SAFETY: as the caller promises.
    unsafe { return_strings(found, names, ret) }
}
