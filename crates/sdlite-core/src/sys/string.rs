//! What the C library does with strings: numbers, errors, the place of a byte.

use core::ffi::{CStr, c_char, c_int};
use core::mem::MaybeUninit;
use core::ptr;

use crate::{Errno, Result};

/// The text from the byte of that number on; empty where there are not so many.
pub(crate) fn tail(text: &CStr, from: usize) -> &CStr {
    let tail = text.to_bytes_with_nul().get(from..).filter(|tail| !tail.is_empty());
    // SAFETY: a part of a C string that has its end is one.
    tail.map_or(c"", |tail| unsafe { CStr::from_bytes_with_nul_unchecked(tail) })
}

/// The text up to the first zero byte, which is put into the last place if there is no other. There has to be a last place.
pub(crate) fn terminated(bytes: &mut [u8]) -> &CStr {
    match bytes {
        [.., last] => *last = 0,
        [] => return c"",
    }
    // SAFETY: there is a zero byte.
    unsafe { CStr::from_ptr(bytes.as_ptr().cast()) }
}

/// The text up to the first zero byte.
pub(crate) fn c_str(bytes: &[u8]) -> Option<&CStr> {
    let text = bytes.get(..=memchr(bytes, 0)?)?;
    // SAFETY: it ends in the first zero byte.
    Some(unsafe { CStr::from_bytes_with_nul_unchecked(text) })
}

/// strtoll(3) of the whole text.
#[cfg(target_pointer_width = "64")]
pub(crate) fn strtoll(text: &CStr, base: c_int) -> Result<i64> {
    // SAFETY: `text` is a C string, `end` a pointer to a pointer.
    converted(text, 0, |end| unsafe { libc::strtoll(text.as_ptr(), end, base) })
}

/// strtoull(3) of the text up to a byte that has to follow.
pub(crate) fn strtoull(text: &CStr, base: c_int, end: u8) -> Result<u64> {
    // SAFETY: `text` is a C string, `end` a pointer to a pointer.
    converted(text, end, |end| unsafe { libc::strtoull(text.as_ptr(), end, base) })
}

// What libsystemd reads as a long is one of these; where that has 32 bits, another number is out of range.
#[cfg(target_pointer_width = "64")]
pub(crate) use self::{strtoll as strtol, strtoull as strtoul};

/// strtol(3) of the whole text.
#[cfg(target_pointer_width = "32")]
pub(crate) fn strtol(text: &CStr, base: c_int) -> Result<i64> {
    // SAFETY: `text` is a C string, `end` a pointer to a pointer.
    converted(text, 0, |end| unsafe { libc::strtol(text.as_ptr(), end, base) }).map(i64::from)
}

/// strtoul(3) of the text up to a byte that has to follow.
#[cfg(target_pointer_width = "32")]
pub(crate) fn strtoul(text: &CStr, base: c_int, end: u8) -> Result<u64> {
    // SAFETY: `text` is a C string, `end` a pointer to a pointer.
    converted(text, end, |end| unsafe { libc::strtoul(text.as_ptr(), end, base) }).map(u64::from)
}

fn converted<T>(text: &CStr, expected_end: u8, convert: impl FnOnce(*mut *mut c_char) -> T) -> Result<T> {
    let mut end = ptr::null_mut();
    Errno::clear();
    let number = convert(&raw mut end);
    // Out of range comes before rubbish behind the digits.
    Errno::last_if_any()?;
    // SAFETY: the conversion ended within the text.
    let whole = !ptr::eq(end, text.as_ptr()) && unsafe { end.cast::<u8>().read() } == expected_end;
    if whole { Ok(number) } else { Err(Errno::INVAL) }
}

/// strerror_r(3), as POSIX has it. A text that is too long is cut.
pub(crate) fn strerror_r(error: c_int, room: &mut [MaybeUninit<u8>]) -> &CStr {
    // SAFETY: no more than the size given is written, and what is written is a C string.
    unsafe {
        libc::strerror_r(error, room.as_mut_ptr().cast(), room.len());
        CStr::from_ptr(room.as_ptr().cast())
    }
}

/// The name of the program without its directory, as the C library keeps it.
///
/// # Safety
///
/// The program does not set it anew during `'a`.
pub(crate) unsafe fn program_invocation_short_name<'a>() -> &'a [u8] {
    unsafe extern "C" {
        static mut program_invocation_short_name: *const c_char;
    }
    // SAFETY: the C library sets it before main; a program that sets it anew has to leave a C string there.
    unsafe { CStr::from_ptr(program_invocation_short_name) }.to_bytes()
}

/// Where `byte` first stands. The C library's memchr(3) looks at many bytes at once.
pub(crate) fn memchr(bytes: &[u8], byte: u8) -> Option<usize> {
    // SAFETY: the pointer is to that many bytes.
    let found = unsafe { libc::memchr(bytes.as_ptr().cast(), c_int::from(byte), bytes.len()) };
    (!found.is_null()).then(|| found.addr() - bytes.as_ptr().addr())
}
