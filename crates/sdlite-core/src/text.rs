//! Short texts for the kernel, put together on the stack. snprintf(3) would do, but it alone is five times the size of what a
//! static program takes from here.

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;

use crate::{Errno, Result};

/// Room for `N` bytes.
pub(crate) const fn room<const N: usize>() -> [MaybeUninit<u8>; N] {
    [MaybeUninit::uninit(); N]
}

/// A C string in the making.
pub(crate) struct Text<'a> {
    room: &'a mut [MaybeUninit<u8>],
    /// Goes on counting where there is no room left.
    len: usize,
}

impl<'a> Text<'a> {
    pub(crate) fn new(room: &'a mut [MaybeUninit<u8>]) -> Self {
        Self { room, len: 0 }
    }

    #[inline(never)]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> &mut Self {
        for byte in bytes {
            if let Some(room) = self.room.get_mut(self.len) {
                room.write(*byte);
            }
            self.len += 1;
        }
        self
    }

    pub(crate) fn push_decimal(&mut self, number: c_int) -> &mut Self {
        if number < 0 {
            self.push(b"-");
        }
        self.push_unsigned(number.unsigned_abs())
    }

    pub(crate) fn push_unsigned(&mut self, number: u32) -> &mut Self {
        let mut digits = [b'0'; 10];
        let mut first = digits.len();
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            first -= 1;
            if rest == 0 {
                break;
            }
        }
        self.push(digits.get(first..).unwrap_or_default())
    }

    /// The finished string; ENAMETOOLONG where there was no room for it.
    #[inline(never)]
    pub(crate) fn finish(&mut self) -> Result<&CStr> {
        self.push(b"\0");
        let bytes = self.room.get(..self.len).ok_or(Errno::NAMETOOLONG)?;
        // SAFETY: as many bytes have been written.
        let bytes = unsafe { &*(&raw const *bytes as *const [u8]) };
        // SAFETY: the last of them is the zero; nobody pushes another.
        Ok(unsafe { CStr::from_bytes_with_nul_unchecked(bytes) })
    }
}

/// The place of a word in a list of words with a space between them, in any case or in its own.
#[inline(never)]
pub(crate) fn place(word: &[u8], words: &[u8], in_any_case: bool) -> Option<usize> {
    let is_it = |known: &[u8]| if in_any_case { known.eq_ignore_ascii_case(word) } else { known == word };
    words.split(|byte| *byte == b' ').position(is_it)
}

/// What is before and behind the last dot.
pub(crate) fn suffix(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let (stem, suffix) = name.split_at_checked(name.iter().rposition(|byte| *byte == b'.')?)?;
    Some((stem, suffix.get(1..)?))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Text, room};
    use crate::Errno;
    use core::ffi::c_int;

    #[test]
    fn numbers_are_written_as_printf_writes_them() {
        for number in [0, 7, 10, 4711, -1, c_int::MAX, c_int::MIN] {
            let mut room = room::<16>();
            let mut text = Text::new(&mut room);
            let text = text.push(b"n").push_decimal(number).finish().map(|text| text.to_string_lossy().into_owned());
            assert_eq!(text, Ok(std::format!("n{number}")));
        }
    }

    #[test]
    fn there_has_to_be_room_for_the_end() {
        assert_eq!(Text::new(&mut room::<4>()).push(b"abc").finish(), Ok(c"abc"));
        assert_eq!(Text::new(&mut room::<4>()).push(b"abcd").finish(), Err(Errno::NAMETOOLONG));
        assert_eq!(Text::new(&mut room::<0>()).finish(), Err(Errno::NAMETOOLONG));
    }
}
