//! sd-login.h. In all of it, what a function hands out it writes only where it succeeds, and not where the pointer is NULL.

mod list;
mod machine;
mod monitor;
mod peer;
mod pidfd;
mod process;
mod seat;
mod session;
mod user;

use core::ffi::{c_char, c_int};
use core::ptr;

use sdlite_core::Result;

use crate::abi::IntoC;
use crate::memory::{Memory, Numbers, Strings};

/// Hands out a value.
///
/// # Safety
///
/// `ret` is NULL or there is room for a `T`.
unsafe fn write<T>(value: T, ret: *mut T) {
    if !ret.is_null() {
        // SAFETY: as the caller promises.
        unsafe { ret.write(value) };
    }
}

/// Hands out what was found as a string.
///
/// # Safety
///
/// As for `write`.
#[inline(never)]
unsafe fn return_string(found: Result<()>, text: Memory, ret: *mut *mut c_char) -> c_int {
    let string = found.and_then(|()| if ret.is_null() { Ok(ptr::null_mut()) } else { text.into_string() });
    // SAFETY: as the caller promises.
    string.map(|string| unsafe { write(string, ret) }).into_c()
}

/// Hands out a list, or NULL where none was found, and returns how many strings are in it.
///
/// # Safety
///
/// As for `write`.
#[inline(never)]
unsafe fn return_strings(found: Result<bool>, mut list: Strings, ret: *mut *mut *mut c_char) -> c_int {
    let count = list.count();
    let ended = found.and_then(|found| list.end().map(|()| found));
    // SAFETY: as the caller promises.
    ended.map(|found| unsafe { write_strings(found, list, ret) }).map(|()| count).into_c()
}

/// # Safety
///
/// As for `write`.
unsafe fn write_strings(found: bool, list: Strings, ret: *mut *mut *mut c_char) {
    if !ret.is_null() {
        // SAFETY: as the caller promises.
        unsafe { ret.write(if found { list.into_raw() } else { ptr::null_mut() }) };
    }
}

/// Hands out a list, or NULL where none was found, and returns how many numbers are in it.
///
/// # Safety
///
/// As for `write`.
#[inline(never)]
unsafe fn return_numbers(found: Result<bool>, mut list: Numbers, ret: *mut *mut u32) -> c_int {
    let count = list.count();
    let ended = found.and_then(|found| list.end().map(|()| found));
    // SAFETY: as the caller promises.
    ended.map(|found| unsafe { write_numbers(found, list, ret) }).map(|()| count).into_c()
}

/// # Safety
///
/// As for `write`.
unsafe fn write_numbers(found: bool, list: Numbers, ret: *mut *mut u32) {
    if !ret.is_null() {
        // SAFETY: as the caller promises.
        unsafe { ret.write(if found { list.into_raw() } else { ptr::null_mut() }) };
    }
}
