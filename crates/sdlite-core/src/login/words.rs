//! Lists in values of fields: words with white space between them.

use core::ffi::CStr;

use super::Buffer;
use crate::{Errno, Result, sys};

/// What the elements of a list are handed to.
pub trait Words {
    /// Takes the next one.
    fn push(&mut self, word: &CStr) -> Result<()>;
}

impl<F: FnMut(&CStr) -> Result<()>> Words for F {
    fn push(&mut self, word: &CStr) -> Result<()> {
        self(word)
    }
}

/// How a list is to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it stands there.
    Plain,
    /// Without the words that were there before.
    Unique,
    /// A backslash takes the next byte as it is. EINVAL where there is none.
    Escaped,
}

/// Hands out each word of a list that ends in a zero byte. It is taken apart in place.
#[inline(never)]
pub(super) fn split(list: &mut [u8], kind: Kind, words: &mut dyn Words) -> Result<()> {
    let mut at = 0;
    while at < list.len() {
        let (start, mut end, mut escaped) = (at, at, false);
        while let Some(byte) = list.get(at).copied() {
            at += 1;
            match byte {
                0 if escaped => return Err(Errno::INVAL),
                _ if !escaped && is_separator(&byte) => break,
                b'\\' if !escaped && kind == Kind::Escaped => escaped = true,
                _ => {
                    if let Some(place) = list.get_mut(end) {
                        *place = byte;
                    }
                    end += 1;
                    escaped = false;
                }
            }
        }
        let Some((before, word)) = list.get_mut(..=end).and_then(|list| list.split_at_mut_checked(start)) else {
            break;
        };
        let word = sys::terminated(word);
        let known = kind == Kind::Unique && before.split(is_separator).any(|known| known == word.to_bytes());
        if !word.is_empty() && !known {
            words.push(word)?;
        }
    }
    Ok(())
}

/// The same of what is in the buffer. False where there is nothing at all.
#[inline(never)]
pub(super) fn split_all(buffer: &mut dyn Buffer, kind: Kind, words: &mut dyn Words) -> Result<bool> {
    if buffer.bytes().is_empty() {
        return Ok(false);
    }
    buffer.push(b"\0")?;
    split(buffer.bytes(), kind, words)?;
    Ok(true)
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Kind, split};
    use crate::Errno;
    use core::ffi::CStr;
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn words(list: &CStr, kind: Kind) -> Result<Vec<String>, Errno> {
        let mut words = Vec::new();
        split(&mut list.to_bytes_with_nul().to_vec(), kind, &mut |word: &CStr| {
            words.push(word.to_string_lossy().to_string());
            Ok(())
        })?;
        Ok(words)
    }

    #[test]
    fn lists_are_split_at_white_space() {
        let cases: &[(&CStr, &[&str])] = &[
            (c"", &[]),
            (c" \t", &[]),
            (c"a", &["a"]),
            (c" a  b\nc\rd\te ", &["a", "b", "c", "d", "e"]),
            (c"a\x0bb \\c \\", &["a\x0bb", "\\c", "\\"]),
            (c"\"a b\" 'c'", &["\"a", "b\"", "'c'"]),
        ];
        for (list, expected) in cases {
            assert_eq!(words(list, Kind::Plain).unwrap(), *expected, "{list:?}");
        }
    }

    #[test]
    fn what_was_there_before_can_be_left_out() {
        assert_eq!(words(c"a ab a b\nab c b", Kind::Unique).unwrap(), ["a", "ab", "b", "c"]);
    }

    #[test]
    fn a_backslash_can_take_the_next_byte_as_it_is() {
        assert_eq!(words(c"\\1 a\\ b \\\\", Kind::Escaped).unwrap(), ["1", "a b", "\\"]);
        assert_eq!(words(c"a b\\", Kind::Escaped), Err(Errno::INVAL));
    }
}
