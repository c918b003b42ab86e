//! The C ABI: how Rust's results and C's pointers turn into each other.

use core::ffi::{CStr, c_char, c_int};

use sdlite_core::id128::Id128;
use sdlite_core::{Answer, Result, Unset};

/// An ID, as include/sd-id128.toml declares it. It goes by value, for which the words matter too.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types, reason = "as it is in C")]
pub union sd_id128_t {
    bytes: Id128,
    qwords: [u64; 2],
}

impl From<Id128> for sd_id128_t {
    fn from(bytes: Id128) -> Self {
        Self { bytes }
    }
}

impl From<sd_id128_t> for Id128 {
    fn from(id: sd_id128_t) -> Self {
        // SAFETY: every byte of the union is one of these.
        unsafe { id.bytes }
    }
}

/// What libsystemd's functions return: an answer, or a negative number of errno(3).
pub(crate) trait IntoC {
    fn into_c(self) -> c_int;
}

impl IntoC for Result<c_int> {
    fn into_c(self) -> c_int {
        self.unwrap_or_else(|error| -error.number())
    }
}

impl IntoC for Answer {
    fn into_c(self) -> c_int {
        match self {
            Ok(()) => 1,
            Err(no) => no.error().map_or(0, |error| -error.number()),
        }
    }
}

impl IntoC for Result<()> {
    fn into_c(self) -> c_int {
        self.map(|()| 0).into_c()
    }
}

/// A string that may be NULL.
///
/// # Safety
///
/// It is NULL or a C string that stays as it is for `'a`.
pub(crate) unsafe fn optional<'a>(string: *const c_char) -> Option<&'a CStr> {
    // SAFETY: as the caller promises.
    (!string.is_null()).then(|| unsafe { CStr::from_ptr(string) })
}

/// What an argument `unset_environment` asks for.
///
/// # Safety
///
/// Where it is not zero, no other thread uses the environment until the function that has it returns, as with unsetenv(3).
pub(crate) unsafe fn unset(unset_environment: c_int) -> Option<Unset> {
    // SAFETY: as the caller promises.
    (unset_environment != 0).then(|| unsafe { Unset::new() })
}

/// An array that may be NULL, which as the array of no elements it may be too. None is NULL, or a size that no array has.
///
/// # Safety
///
/// It is NULL or has `n` elements that stay as they are for `'a`.
pub(crate) unsafe fn array<'a, T>(elements: *const T, n: usize) -> Option<&'a [T]> {
    match (elements.is_null(), n) {
        (_, 0) => Some(&[]),
        (true, _) => None,
        (false, n) if n > isize::MAX as usize / size_of::<T>() => None,
        // SAFETY: as the caller promises.
        (false, n) => Some(unsafe { core::slice::from_raw_parts(elements, n) }),
    }
}
