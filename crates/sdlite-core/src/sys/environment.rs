//! Variables of the environment.

use core::ffi::{CStr, c_char};

/// The value of an environment variable.
///
/// # Safety
///
/// Nobody changes the environment during `'a`.
pub(crate) unsafe fn getenv<'a>(name: &CStr) -> Option<&'a CStr> {
    // SAFETY: `name` is a C string; the answer is NULL or a C string, valid as long as the environment stays as it is.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// The same, and None in a process that has more rights than who started it: one of a set-user-ID program, say.
///
/// # Safety
///
/// As for `getenv`.
pub(crate) unsafe fn secure_getenv<'a>(name: &CStr) -> Option<&'a CStr> {
    unsafe extern "C" {
        fn secure_getenv(name: *const c_char) -> *mut c_char;
    }
    // SAFETY: as in `getenv`.
    unsafe {
        let value = secure_getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// Removes an environment variable.
///
/// # Safety
///
/// Nobody else uses the environment meanwhile, nor a value that getenv(3) has returned.
pub(crate) unsafe fn unsetenv(name: &CStr) {
    // It fails for a name that is empty or has a `=` in it. There is none here.
    // SAFETY: `name` is a C string; the rest is the caller's promise.
    unsafe { libc::unsetenv(name.as_ptr()) };
}
