use core::ffi::{c_char, c_int, c_uint};

use libc::{pid_t, uid_t};
use sdlite_core::Result;
use sdlite_core::login::session::{self, Field, Number};

use super::{return_string, return_strings, write};
use crate::abi::{IntoC, optional};
use crate::memory::{Memory, Strings};

/// Tells whether a session is active: in the foreground of its seat.
///
/// session: the id of the session. NULL for the one that this process belongs to.
///
/// Returns 1 or 0, or a negative errno:
///
/// -EINVAL: session is not an id that a session can have.
/// -ENXIO: there is no such session.
/// -ENODATA: session is NULL, and this process belongs to none.
/// -EIO: the file of the session does not say it.
/// -EBADMSG, -E2BIG: the file is binary, or larger than 64 MiB. -EINVAL: it is not UTF-8.
/// -ENOMEM: there is not enough memory.
/// Any other error of reading /run/systemd/sessions/.
///
/// See sd_session_is_active(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_is_active(session: *const c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string.
    session::is_active(unsafe { optional(session) }, &mut Memory::new()).into_c()
}

/// Tells whether a session is one from another host.
///
/// session: as for sd_session_is_active().
///
/// Returns as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_is_remote(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_is_remote(session: *const c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string.
    session::is_remote(unsafe { optional(session) }, &mut Memory::new()).into_c()
}

/// Tells the state of a session: "online", "active" in the foreground, or "closing".
///
/// session: as for sd_session_is_active().
/// ret_state: receives the state. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active().
///
/// See sd_session_get_state(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_state(session: *const c_char, ret_state: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::STATE, ret_state) }
}

/// Tells the user of a session.
///
/// session: as for sd_session_is_active().
/// ret_uid: receives the user. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), and:
///
/// -EINVAL, -ERANGE: the file of the session has something else there.
///
/// See sd_session_get_uid(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_uid(session: *const c_char, ret_uid: *mut uid_t) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a uid_t.
    unsafe { number(session, Number::Uid, |uid| write(uid as _, ret_uid)) }
}

/// Tells the name of the user of a session.
///
/// session: as for sd_session_is_active().
/// ret_username: receives the name. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_get_username(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_username(session: *const c_char, ret_username: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::USERNAME, ret_username) }
}

/// Tells the seat that a session is at. Not every session is at one.
///
/// session: as for sd_session_is_active().
/// ret_seat: receives the name of the seat. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_get_seat(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_seat(session: *const c_char, ret_seat: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::SEAT, ret_seat) }
}

/// Tells when a session began.
///
/// session: as for sd_session_is_active().
/// ret_usec: receives the microseconds since the epoch, of CLOCK_REALTIME. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), and:
///
/// -EINVAL, -ERANGE: the file of the session has something else there.
///
/// See sd_session_get_start_time(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_start_time(session: *const c_char, ret_usec: *mut u64) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a uint64_t.
    unsafe { number(session, Number::StartTime, |usec| write(usec, ret_usec)) }
}

/// Tells the PAM service that registered a session.
///
/// session: as for sd_session_is_active().
/// ret_service: receives the name of the service. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_get_service(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_service(session: *const c_char, ret_service: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::SERVICE, ret_service) }
}

/// Tells the type of a session: "x11", "wayland", "tty", "mir", "web" or "unspecified".
///
/// session: as for sd_session_is_active().
/// ret_type: receives the type. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_get_type(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_type(session: *const c_char, ret_type: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::TYPE, ret_type) }
}

/// Tells the class of a session: "user", "greeter", "lock-screen" and others.
///
/// session: as for sd_session_is_active().
/// ret_clazz: receives the class. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_get_class(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_class(session: *const c_char, ret_clazz: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::CLASS, ret_clazz) }
}

/// Tells the desktop that runs in a session, as in $XDG_CURRENT_DESKTOP.
///
/// session: as for sd_session_is_active().
/// ret_desktop: receives the name of the desktop. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_get_desktop(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_desktop(session: *const c_char, ret_desktop: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::DESKTOP, ret_desktop) }
}

/// Tells the X11 display of a session.
///
/// session: as for sd_session_is_active().
/// ret_display: receives the display. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_get_display(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_display(session: *const c_char, ret_display: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::DISPLAY, ret_display) }
}

/// Tells the process that leads a session.
///
/// session: as for sd_session_is_active().
/// ret_leader: receives the process. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO, and:
///
/// -EINVAL, -ERANGE: the file of the session has something else there.
///
/// See sd_session_get_leader(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_leader(session: *const c_char, ret_leader: *mut pid_t) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a pid_t.
    unsafe { number(session, Number::Leader, |leader| write(leader as _, ret_leader)) }
}

/// Tells the host that a session comes from.
///
/// session: as for sd_session_is_active().
/// ret_remote_host: receives the name of the host. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_get_remote_host(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_remote_host(
    session: *const c_char,
    ret_remote_host: *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::REMOTE_HOST, ret_remote_host) }
}

/// Tells the user on the host that a session comes from. This is rarely known, and not to be relied on.
///
/// session: as for sd_session_is_active().
/// ret_remote_user: receives the name of the user. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_get_remote_user(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_remote_user(
    session: *const c_char,
    ret_remote_user: *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::REMOTE_USER, ret_remote_user) }
}

/// Tells the terminal of a session.
///
/// session: as for sd_session_is_active().
/// ret_tty: receives the name of the terminal. The caller has to free() it. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO.
///
/// See sd_session_get_tty(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_tty(session: *const c_char, ret_tty: *mut *mut c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char *.
    unsafe { text(session, session::TTY, ret_tty) }
}

/// Tells the virtual terminal of a session.
///
/// session: as for sd_session_is_active().
/// ret_vtnr: receives the number of the terminal. May be NULL.
///
/// Returns 0, or a negative errno as sd_session_is_active(), with -ENODATA in place of -EIO, and:
///
/// -EINVAL, -ERANGE: the file of the session has something else there.
///
/// See sd_session_get_vt(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_vt(session: *const c_char, ret_vtnr: *mut c_uint) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a unsigned.
    unsafe { number(session, Number::Vt, |vt| write(vt as _, ret_vtnr)) }
}

/// Tells to which devices a session has access beyond those of its seat: those that udev tagged with "xaccess-" and one of
/// these strings.
///
/// session: as for sd_session_is_active().
/// ret_ids: receives a NULL-terminated array of strings; NULL if there are none. The caller has to free() each string and the
/// array. May be NULL.
///
/// Returns the number of strings, or a negative errno as sd_session_is_active().
///
/// See sd_session_get_extra_device_access(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_session_get_extra_device_access(
    session: *const c_char,
    ret_ids: *mut *mut *mut c_char,
) -> c_int {
    let mut ids = Strings::new();
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to a char **.
    unsafe {
        let found = session::extra_device_access(optional(session), &mut Memory::new(), &mut ids);
        return_strings(found, ids, ret_ids)
    }
}

/// # Safety
///
/// `session` is NULL or a C string; `ret` is NULL or there is room for a pointer.
#[inline(never)]
unsafe fn text(session: *const c_char, field: Field, ret: *mut *mut c_char) -> c_int {
    let mut text = Memory::new();
    // SAFETY: as the caller promises.
    unsafe {
        let found = session::text(optional(session), field, &mut text);
        return_string(found, text, ret)
    }
}

/// What there is room for is what the field is: nothing is lost.
///
/// # Safety
///
/// `session` is NULL or a C string.
unsafe fn number(session: *const c_char, which: Number, write: impl FnOnce(u64)) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { found_number(session, which) }.map(write).into_c()
}

/// # Safety
///
/// `session` is NULL or a C string.
#[inline(never)]
unsafe fn found_number(session: *const c_char, which: Number) -> Result<u64> {
    // SAFETY: as the caller promises.
    session::number(unsafe { optional(session) }, which, &mut Memory::new())
}
