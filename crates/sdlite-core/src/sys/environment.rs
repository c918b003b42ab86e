//! Variables of the environment.

use core::ffi::CStr;

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
