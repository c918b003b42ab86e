use core::ffi::{c_char, c_int};

use libc::uid_t;
use sdlite_core::login::user::{self, Field};

use super::{return_string, return_strings, write};
use crate::abi::{IntoC, optional};
use crate::memory::{Memory, Strings};

/// Tells the state of a user: "offline", "lingering" if there are only services, "online", "active" if one of the sessions is in
/// the foreground, or "closing" if only processes of ended sessions are left.
///
/// ret_state: receives the state. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: uid is one of the two that are no user, (uid_t) -1 and 65535.
/// -EIO: the file of the user does not say it.
/// -EBADMSG, -E2BIG: the file is binary, or larger than 64 MiB. -EINVAL: it is not UTF-8.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /run/systemd/users/.
///
/// See sd_uid_get_state(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_uid_get_state(uid: uid_t, ret_state: *mut *mut c_char) -> c_int {
    let mut state = Memory::new();
    let found = user::state(uid, &mut state);
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { return_string(found, state, ret_state) }
}

/// Tells the primary session of a user: the oldest graphical one or, if there is none, the oldest.
///
/// ret_display: receives the id of the session. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_uid_get_state(), with -ENODATA in place of -EIO.
///
/// See sd_uid_get_display(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_uid_get_display(uid: uid_t, ret_display: *mut *mut c_char) -> c_int {
    let mut session = Memory::new();
    let found = user::display(uid, &mut session);
    // SAFETY: the caller gave NULL or a pointer to a char *.
    unsafe { return_string(found, session, ret_display) }
}

/// Tells since when a user has been logged in.
///
/// ret_usec: receives the microseconds since the epoch, of CLOCK_REALTIME. May be NULL.
///
/// Returns 0, or a negative errno as sd_uid_get_state(), and:
///
/// -ENXIO: the user is not logged in: the state is neither "online" nor "active".
/// -EINVAL, -ERANGE: the file of the user has something else there.
///
/// See sd_uid_get_login_time(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_uid_get_login_time(uid: uid_t, ret_usec: *mut u64) -> c_int {
    let usec = user::login_time(uid, &mut Memory::new());
    // SAFETY: the caller gave NULL or a pointer to a uint64_t.
    usec.map(|usec| unsafe { write(usec, ret_usec) }).into_c()
}

/// Tells whether a user has a session on a seat.
///
/// require_active: if not zero, the session has to be the active one.
/// seat: the name of the seat. NULL for the one of the session that this process belongs to.
///
/// Returns 1 or 0, or a negative errno:
///
/// -EINVAL: uid is one of the two that are no user, (uid_t) -1 and 65535, or seat is not the name of a file.
/// -ENODATA: seat is NULL, and this process belongs to no session, or the session to no seat.
/// -EBADMSG, -E2BIG: the file of the seat is binary, or larger than 64 MiB. -EINVAL: it is not UTF-8.
/// -ENOMEM: there is not enough memory.
/// Any error of reading /run/systemd/seats/, except that 0 is returned where there is no such seat.
///
/// See sd_uid_is_on_seat(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_uid_is_on_seat(uid: uid_t, require_active: c_int, seat: *const c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string.
    user::is_on_seat(uid, require_active != 0, unsafe { optional(seat) }, &mut Memory::new()).into_c()
}

/// Tells the sessions of a user.
///
/// require_active: positive for those in the foreground, 0 for those that are not closing, negative for all.
/// ret_sessions: receives a NULL-terminated array of ids; NULL if there are none. The caller has to free() each string and the
/// array. May be NULL.
///
/// Returns the number of sessions, or a negative errno as sd_uid_get_state(), but no -EIO.
///
/// See sd_uid_get_sessions(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_uid_get_sessions(
    uid: uid_t,
    require_active: c_int,
    ret_sessions: *mut *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char **.
    unsafe { list(uid, Field::Sessions, require_active, ret_sessions) }
}

/// Tells the seats on which a user has sessions.
///
/// require_active: as for sd_uid_get_sessions().
/// ret_seats: receives a NULL-terminated array of names; NULL if there are none. The caller has to free() each string and the
/// array. May be NULL.
///
/// Returns the number of seats, or a negative errno as sd_uid_get_state(), but no -EIO.
///
/// See sd_uid_get_seats(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_uid_get_seats(
    uid: uid_t,
    require_active: c_int,
    ret_seats: *mut *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to a char **.
    unsafe { list(uid, Field::Seats, require_active, ret_seats) }
}

/// # Safety
///
/// `ret` is NULL or there is room for a pointer.
#[inline(never)]
unsafe fn list(uid: uid_t, field: Field, require_active: c_int, ret: *mut *mut *mut c_char) -> c_int {
    let mut list = Strings::new();
    let found = user::list(uid, field, require_active, &mut Memory::new(), &mut list);
    // SAFETY: as the caller promises.
    unsafe { return_strings(found, list, ret) }
}
