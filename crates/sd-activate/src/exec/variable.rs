//! Variables whose value is not known before a service is started.

use std::ffi::{OsStr, c_char};
use std::os::unix::ffi::OsStrExt;

/// Room for the digits of a 64-bit number, and the zero byte behind them.
const DIGITS: usize = 21;
/// Room for an IPv6 address with an interface, and the zero byte behind it.
const ROOM: usize = 64;

/// `NAME=` and room for a value: a number that the service writes itself, or a text about its connection.
pub(super) struct OwnVariable {
    text: Box<[u8]>,
    start: usize,
}

impl OwnVariable {
    pub(super) fn new(name: &OsStr) -> Self {
        let mut text = Vec::with_capacity(name.len() + 1 + ROOM);
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        let start = text.len();
        text.resize(start + ROOM, 0);
        Self { text: text.into_boxed_slice(), start }
    }

    pub(super) fn as_ptr(&self) -> *const c_char {
        self.text.as_ptr().cast()
    }

    pub(super) fn set_text(&mut self, value: &str) {
        let room = &mut self.text[self.start..];
        let length = value.len().min(room.len() - 1);
        room[..length].copy_from_slice(&value.as_bytes()[..length]);
        room[length..].fill(0);
    }

    pub(super) fn set(&mut self, number: u64) {
        let mut digits = [0u8; DIGITS];
        let mut rest = number;
        let mut count = 0;
        for digit in &mut digits {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
            if rest == 0 {
                break;
            }
        }
        let room = self.text.iter_mut().skip(self.start);
        let number = digits.iter().take(count).rev().chain(std::iter::repeat(&0));
        for (byte, digit) in room.zip(number) {
            *byte = *digit;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn numbers_are_written_over_those_before_them() {
        let mut variable = OwnVariable::new(OsStr::new("A"));
        for number in [u64::MAX, 0, 1234567890, 7] {
            variable.set(number);
            let text = CStr::from_bytes_until_nul(&variable.text).unwrap().to_str().unwrap();
            assert_eq!(text, format!("A={number}"));
        }
    }
}
