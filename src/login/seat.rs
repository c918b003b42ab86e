use core::ffi::{c_char, c_int, c_uint};

use libc::uid_t;
use sdlite_core::login::seat;

use super::{write, write_numbers, write_strings};
use crate::abi::{IntoC, optional};
use crate::memory::{Memory, Numbers, Strings};

/// Tells the active session of a seat, and its user.
///
/// seat: the name of the seat. NULL for the one of the session that this process belongs to.
/// ret_session: receives the id of the session. The caller has to free() it. May be NULL.
/// ret_uid: receives the user. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: seat is not the name of a file.
/// -ENXIO: there is no such seat.
/// -ENODATA: no session is active, or the file of the seat does not say whose. Or seat is NULL, and this process belongs to no
/// session, or the session to no seat.
/// -EINVAL, -ERANGE, -ENXIO: the file of the seat has something that is no user.
/// -EBADMSG, -E2BIG: the file is binary, or larger than 64 MiB. -EINVAL: it is not UTF-8.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /run/systemd/seats/.
///
/// See sd_seat_get_active(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_seat_get_active(
    seat: *const c_char,
    ret_session: *mut *mut c_char,
    ret_uid: *mut uid_t,
) -> c_int {
    let mut session = Memory::new();
    // SAFETY: the caller gave NULL or a C string.
    let seat = unsafe { optional(seat) };
    let found = seat::active(seat, !ret_session.is_null(), !ret_uid.is_null(), &mut session);
    found
        .and_then(|uid| {
            // SAFETY: the caller gave NULL or a pointer to a char *, and NULL or a pointer to a uid_t.
            unsafe {
                if !ret_session.is_null() {
                    ret_session.write(session.into_string()?);
                }
                if let Some(uid) = uid {
                    write(uid, ret_uid);
                }
            }
            Ok(())
        })
        .into_c()
}

/// Tells the sessions on a seat, and their users.
///
/// seat: as for sd_seat_get_active().
/// ret_sessions: receives a NULL-terminated array of ids; NULL if there are none. The caller has to free() each string and the
/// array. May be NULL.
/// ret_uids: receives an array with the user of each session; NULL if there are none. The caller has to free() it. May be NULL.
/// ret_n_uids: receives the number of elements of that array. May be NULL.
///
/// Returns the number of sessions, or a negative errno as sd_seat_get_active(), but not -ENODATA if no session is there, and:
///
/// -EUCLEAN: ret_uids is not NULL, and the file of the seat has users, but not as many as sessions.
///
/// See sd_seat_get_sessions(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_seat_get_sessions(
    seat: *const c_char,
    ret_sessions: *mut *mut *mut c_char,
    ret_uids: *mut *mut uid_t,
    ret_n_uids: *mut c_uint,
) -> c_int {
    let (mut sessions, mut uids) = (Strings::new(), Numbers::new());
    // SAFETY: the caller gave NULL or a C string.
    let seat = unsafe { optional(seat) };
    let mut uid = |uid| uids.push(uid);
    let uids_wanted = (!ret_uids.is_null()).then_some(&mut uid as _);
    let found = seat::sessions(seat, &mut Memory::new(), &mut sessions, uids_wanted);
    let count = sessions.count();
    // Nothing fails once one of them is handed out.
    let ended = found.and_then(|found| sessions.end().and_then(|()| uids.end()).map(|()| found));
    let hand_out = |[sessions_found, uids_found]: [bool; 2]| {
        // SAFETY: the caller gave NULL or a pointer to a char **, to a uid_t *, and to an unsigned.
        unsafe {
            write_strings(sessions_found, sessions, ret_sessions);
            write_numbers(uids_found, uids, ret_uids);
            write(count.unsigned_abs(), ret_n_uids);
        }
        count
    };
    ended.map(hand_out).into_c()
}

/// Tells whether a seat can have several sessions. Every seat can.
///
/// seat: the function does not look at it.
///
/// Returns 1.
///
/// See sd_seat_get_active(3).
/// cbindgen:postfix=__attribute__((__deprecated__))
#[unsafe(no_mangle)]
#[expect(unused_variables, reason = "every seat can")]
pub extern "C" fn sd_seat_can_multi_session(seat: *const c_char) -> c_int {
    1
}

/// Tells whether a seat can show text consoles.
///
/// seat: as for sd_seat_get_active().
///
/// Returns 1 or 0, or a negative errno as sd_seat_get_active(), and:
///
/// -ENODATA: the file of the seat does not say it.
/// -EINVAL: the file of the seat has something else there.
///
/// See sd_seat_can_tty(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_seat_can_tty(seat: *const c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string.
    seat::can(unsafe { optional(seat) }, seat::TTY, &mut Memory::new()).into_c()
}

/// Tells whether a seat can show graphics.
///
/// seat: as for sd_seat_get_active().
///
/// Returns as sd_seat_can_tty().
///
/// See sd_seat_can_graphical(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_seat_can_graphical(seat: *const c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string.
    seat::can(unsafe { optional(seat) }, seat::GRAPHICAL, &mut Memory::new()).into_c()
}
