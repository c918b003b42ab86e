//! What the fuzzer's bytes stand for.
#![allow(dead_code, reason = "not every target takes all of it")]

use std::ffi::CString;

/// The bytes up to the first zero: on the heap and no longer than that, so that reading on is noticed.
pub fn c_string(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap()
}

/// What stands before the first of these bytes, and what behind it.
pub fn split_at(bytes: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == separator) {
        Some(position) => (&bytes[..position], &bytes[position + 1..]),
        None => (bytes, &[]),
    }
}
