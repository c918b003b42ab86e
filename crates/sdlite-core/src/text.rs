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

/// The place of a word in a list of words in lower case with a space between them.
#[inline(never)]
pub(crate) fn place(word: &[u8], words: &[u8], in_any_case: bool) -> Option<usize> {
    let same = |known: &u8, byte: &u8| *known == if in_any_case { byte.to_ascii_lowercase() } else { *byte };
    words
        .split(|byte| *byte == b' ')
        .position(|known| known.len() == word.len() && known.iter().zip(word).all(|(known, byte)| same(known, byte)))
}

/// What is before and behind the last dot.
pub(crate) fn suffix(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let (stem, suffix) = name.split_at_checked(name.iter().rposition(|byte| *byte == b'.')?)?;
    Some((stem, suffix.get(1..)?))
}

/// Whether this is UTF-8 that has no noncharacter of Unicode.
#[inline(never)]
pub(crate) fn is_utf8(mut bytes: &[u8]) -> bool {
    while let [first, rest @ ..] = bytes {
        // How many bytes follow, the bits of the first, and the smallest character that takes so many.
        let (more, bits, smallest) = match first {
            0x00..0x80 => (0, 0x7f, 0),
            0xc0..0xe0 => (1, 0x1f, 0x80),
            0xe0..0xf0 => (2, 0x0f, 0x800),
            0xf0..0xf8 => (3, 0x07, 0x1_0000),
            _ => return false,
        };
        let Some((following, rest)) = rest.split_at_checked(more) else { return false };
        let mut character = u32::from(first & bits);
        for byte in following {
            if byte & 0xc0 != 0x80 {
                return false;
            }
            character = character << 6 | u32::from(byte & 0x3f);
        }
        let is_character = match character {
            0xd800..0xe000 | 0xfdd0..0xfdf0 | 0x11_0000.. => false,
            character => character >= smallest && character & 0xfffe != 0xfffe,
        };
        if !is_character {
            return false;
        }
        bytes = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Text, is_utf8, room};
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

    /// Every text of up to four bytes would take long: those around each limit.
    #[test]
    fn utf8_is_what_rust_takes_for_it_without_noncharacters() {
        const BYTES: &[u8] = b"\x00\x7f\x80\x8f\x90\x9f\xa0\xb7\xbd\xbe\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xf7\xf8\xff";
        let expected = |text: &[u8]| {
            let is_character = |c: char| !matches!(u32::from(c), 0xfdd0..=0xfdef) && u32::from(c) & 0xfffe != 0xfffe;
            std::str::from_utf8(text).is_ok_and(|text| text.chars().all(is_character))
        };
        assert!(is_utf8(b""));
        for a in BYTES {
            for b in BYTES {
                for c in BYTES {
                    for d in BYTES {
                        let text = [*a, *b, *c, *d];
                        for len in 1..=4 {
                            assert_eq!(is_utf8(&text[..len]), expected(&text[..len]), "{:x?}", &text[..len]);
                        }
                    }
                }
            }
        }
    }
}
