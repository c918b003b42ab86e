use core::ffi::{c_char, c_int};
use core::ptr;

use sdlite_core::id128::{self, Id128};
use sdlite_core::{Errno, Result};

use crate::abi::{IntoC, optional, sd_id128_t};

/// Writes an ID as 32 hexadecimal digits, in lower case.
///
/// s: room for SD_ID128_STRING_MAX characters, with the zero byte at the end.
///
/// Returns s.
///
/// See sd_id128_to_string(3).
/// cbindgen:ptrs-as-arrays=[[s; SDLITE_STATIC SD_ID128_STRING_MAX]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_to_string(id: sd_id128_t, s: *mut c_char) -> *mut c_char {
    // SAFETY: the caller gave NULL or room for the digits and a zero byte.
    unsafe { write(&id128::to_string(&id.into()), s) }
}

/// Writes an ID as a UUID: 32 hexadecimal digits, in lower case, in groups of 8, 4, 4, 4 and 12, with hyphens between them.
///
/// s: room for SD_ID128_UUID_STRING_MAX characters, with the zero byte at the end.
///
/// Returns s.
///
/// See sd_id128_to_uuid_string(3).
/// cbindgen:ptrs-as-arrays=[[s; SDLITE_STATIC SD_ID128_UUID_STRING_MAX]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_to_uuid_string(id: sd_id128_t, s: *mut c_char) -> *mut c_char {
    // SAFETY: the caller gave NULL or room for the digits, the hyphens and a zero byte.
    unsafe { write(&id128::to_uuid_string(&id.into()), s) }
}

/// Reads an ID: 32 hexadecimal digits, or a UUID of them, in upper or lower case.
///
/// ret: receives the ID. May be NULL, to check the text only.
///
/// Returns 0, or -EINVAL if s is NULL or is not such a text.
///
/// See sd_id128_from_string(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_from_string(s: *const c_char, ret: *mut sd_id128_t) -> c_int {
    // SAFETY: the caller gave NULL or a C string, and NULL or a pointer to an ID.
    unsafe { give(optional(s).ok_or(Errno::INVAL).and_then(|s| id128::from_string(s.to_bytes())), ret) }
}

/// Compares an ID with a text, as sd_id128_from_string() reads it.
///
/// s: may be NULL, which is no ID.
///
/// Returns 1 if the text is that ID, 0 if it is another, or -EINVAL if it is no ID.
///
/// See sd_id128_string_equal(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_string_equal(s: *const c_char, id: sd_id128_t) -> c_int {
    // SAFETY: the caller gave NULL or a C string.
    let Some(s) = (unsafe { optional(s) }) else { return 0 };
    id128::from_string(s.to_bytes()).map(|text| c_int::from(text == Id128::from(id))).into_c()
}

/// Makes a new ID, a random UUID (version 4).
///
/// ret: receives it.
///
/// Returns 0, or a negative errno: -EINVAL if ret is NULL, or the error of open(2) or read(2) for /dev/urandom, which is read
/// if getrandom(2) fails.
///
/// See sd_id128_randomize(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_randomize(ret: *mut sd_id128_t) -> c_int {
    if ret.is_null() {
        return Err::<c_int, _>(Errno::INVAL).into_c();
    }
    // SAFETY: the caller gave a pointer to an ID.
    unsafe { give(id128::randomize(), ret) }
}

/// Tells the ID of this machine, from /etc/machine-id. Do not show it outside of the machine: what you can show is made by
/// sd_id128_get_machine_app_specific().
///
/// The file is read once: later calls return the same ID.
///
/// ret: receives the ID. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -ENOENT: the file does not exist.
/// -ENOMEDIUM: the file is empty, or the ID is all zeros.
/// -ENOPKG: the file says "uninitialized".
/// -EUCLEAN: the file does not hold 32 hexadecimal digits alone; -EINVAL if what it holds is as long as that word.
/// Any other error of open(2) or read(2).
///
/// See sd_id128_get_machine(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_get_machine(ret: *mut sd_id128_t) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to an ID.
    unsafe { give(id128::machine(), ret) }
}

/// Tells the ID of this boot, a random UUID that the kernel makes.
///
/// It is read once, from /proc/sys/kernel/random/boot_id: later calls return the same ID.
///
/// ret: receives the ID. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -ENOSYS: /proc is not mounted.
/// -ENOMEDIUM: the file is empty, or the ID is all zeros.
/// -EUCLEAN or -EINVAL: the file does not hold a UUID alone.
/// Any other error of open(2) or read(2).
///
/// See sd_id128_get_boot(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_get_boot(ret: *mut sd_id128_t) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to an ID.
    unsafe { give(id128::boot(), ret) }
}

/// Tells the ID that the service manager gave to this run of the service. It is in $INVOCATION_ID or, if that is not set or the
/// program is set-user-ID, in the key "invocation_id" of the kernel's keyrings.
///
/// It is read once: later calls return the same ID.
///
/// ret: receives the ID. May be NULL.
///
/// Returns 0, or a negative errno:
///
/// -ENXIO: there is none.
/// -ENOMEDIUM: the ID is all zeros.
/// -EUCLEAN: the variable or the key does not hold an ID.
/// -EPERM: the key is not root's, or others may change it.
/// Any other error of request_key(2) or keyctl(2).
///
/// See sd_id128_get_invocation(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_get_invocation(ret: *mut sd_id128_t) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to an ID.
    unsafe { give(id128::invocation(), ret) }
}

/// Derives the ID of an application from another ID, which nobody can find out from it.
///
/// It is a random UUID (version 4) of the first 128 bits of HMAC-SHA256, keyed by base, of app_id.
///
/// base: the ID to derive from.
/// app_id: the application; make it once, by sd_id128_randomize(), and keep it in the source code.
/// ret: receives the ID.
///
/// Returns 0, or a negative errno:
///
/// -EINVAL: ret is NULL.
/// -ENXIO: app_id is all zeros.
///
/// See sd_id128_get_app_specific(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_get_app_specific(
    base: sd_id128_t,
    app_id: sd_id128_t,
    ret: *mut sd_id128_t,
) -> c_int {
    if ret.is_null() {
        return Err::<c_int, _>(Errno::INVAL).into_c();
    }
    // SAFETY: the caller gave a pointer to an ID.
    unsafe { give(id128::app_specific(&base.into(), &app_id.into()), ret) }
}

/// Derives the ID of an application from the ID of this machine: see sd_id128_get_app_specific().
///
/// Returns 0, or an error of sd_id128_get_app_specific() or sd_id128_get_machine().
///
///     #define MY_APPLICATION SD_ID128_MAKE(c2,73,27,73,23,db,45,4e,a6,3b,b9,6e,79,b5,3e,97)
///
///     sd_id128_t id;
///     if (sd_id128_get_machine_app_specific(MY_APPLICATION, &id) >= 0)
///             printf("This machine is " SD_ID128_FORMAT_STR ".\n", SD_ID128_FORMAT_VAL(id));
///
/// See sd_id128_get_machine_app_specific(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_get_machine_app_specific(app_id: sd_id128_t, ret: *mut sd_id128_t) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to an ID.
    unsafe { give_app_specific(id128::machine, app_id, ret) }
}

/// Derives the ID of an application from the ID of this boot: see sd_id128_get_app_specific().
///
/// Returns 0, or an error of sd_id128_get_app_specific() or sd_id128_get_boot().
///
/// See sd_id128_get_boot_app_specific(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_get_boot_app_specific(app_id: sd_id128_t, ret: *mut sd_id128_t) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to an ID.
    unsafe { give_app_specific(id128::boot, app_id, ret) }
}

/// Derives the ID of an application from the ID of this run of the service: see sd_id128_get_app_specific().
///
/// Returns 0, or an error of sd_id128_get_app_specific() or sd_id128_get_invocation().
///
/// See sd_id128_get_invocation_app_specific(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_id128_get_invocation_app_specific(app_id: sd_id128_t, ret: *mut sd_id128_t) -> c_int {
    // SAFETY: the caller gave NULL or a pointer to an ID.
    unsafe { give_app_specific(id128::invocation, app_id, ret) }
}

/// Writes a text and the zero byte behind it.
///
/// # Safety
///
/// `s` is NULL, where nothing is written, or to room for these.
unsafe fn write(text: &[u8], s: *mut c_char) -> *mut c_char {
    if !s.is_null() {
        // SAFETY: as the caller promises; the text is on this library's stack.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr().cast(), s, text.len());
            s.add(text.len()).write(0);
        }
    }
    s
}

/// # Safety
///
/// `ret` is NULL, where nothing is written, or to an ID.
#[inline(never)]
unsafe fn give(id: Result<Id128>, ret: *mut sd_id128_t) -> c_int {
    if let (Ok(id), false) = (id, ret.is_null()) {
        // SAFETY: as the caller promises.
        unsafe { ret.write(id.into()) };
    }
    id.map(drop).into_c()
}

/// # Safety
///
/// As for `give`.
#[inline(never)]
unsafe fn give_app_specific(base: fn() -> Result<Id128>, app_id: sd_id128_t, ret: *mut sd_id128_t) -> c_int {
    if ret.is_null() {
        return Err::<c_int, _>(Errno::INVAL).into_c();
    }
    // SAFETY: as the caller promises.
    unsafe { give(base().and_then(|base| id128::app_specific(&base, &app_id.into())), ret) }
}
