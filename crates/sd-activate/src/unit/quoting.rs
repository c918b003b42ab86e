//! Words, as "Quoting" in systemd.syntax(7) describes them.

use std::mem;

/// What becomes of a backslash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escapes {
    /// C-style escapes are decoded; what is none stays as it is.
    Decode,
    /// C-style escapes are decoded; what is none is a mistake.
    DecodeStrictly,
    /// They are nothing special, and hide nothing.
    Keep,
    /// Each is left out, and what follows it stands for itself.
    Remove,
}

/// A word, and whether something in it looked like an escape but is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it says: any bytes, where an escape names them.
    pub bytes: Vec<u8>,
    /// How it is written.
    pub written: String,
    /// Whether there is a backslash in it that is no escape.
    pub unknown_escape: bool,
}

/// Why a text has no words, or no further ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A quotation mark has no counterpart.
    Unbalanced,
    /// A backslash starts none of the known escapes.
    UnknownEscape,
}

/// The words of a text, apart by white space.
pub fn words(text: &str, escapes: Escapes) -> impl Iterator<Item = Result<Word, Unreadable>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return None;
        }
        match word(rest, escapes) {
            Ok((found, following)) => {
                rest = following;
                Some(Ok(found))
            }
            Err(error) => {
                rest = "";
                Some(Err(error))
            }
        }
    })
}

/// A text without the backslashes that hide what follows them.
pub fn uncovered(text: &str) -> String {
    let mut uncovered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((character, following)) = first(rest) {
        let hidden = first(following).filter(|_| character == '\\');
        let (character, following) = hidden.unwrap_or((character, following));
        uncovered.push(character);
        rest = following;
    }
    uncovered
}

/// The parts of a text between blanks, where quotation marks are nothing special and a backslash hides what follows it. The last ends
/// the text where it hides nothing.
pub fn parts(text: &str) -> impl Iterator<Item = Result<String, Unreadable>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_blank);
        let mut part = String::new();
        while let Some((character, following)) = first(rest).filter(|(character, _)| !is_blank(*character)) {
            rest = following;
            if character == '\\' {
                let Some((hidden, following)) = first(following) else {
                    return Some(Err(Unreadable::UnknownEscape));
                };
                part.push(hidden);
                rest = following;
            } else {
                part.push(character);
            }
        }
        (!part.is_empty()).then_some(Ok(part))
    })
}

/// The parts of a text between colons, of which a backslash hides some. Other escapes stay.
pub fn between_colons(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some((character, following)) = first(rest) {
        rest = following;
        match first(following).filter(|_| character == '\\') {
            Some((hidden, following)) => {
                part.extend((hidden != ':').then_some(character));
                part.push(hidden);
                rest = following;
            }
            None if character == ':' => parts.push(mem::take(&mut part)),
            None => part.push(character),
        }
    }
    parts.push(part);
    parts
}

/// A text with its escapes decoded, of which each has to be a known one.
pub fn unescape(text: &str) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (decoded, following) = decode(after).ok_or(Unreadable::UnknownEscape)?;
        bytes.extend(decoded);
        rest = following;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// The first word of a text, and what follows it.
fn word(text: &str, escapes: Escapes) -> Result<(Word, &str), Unreadable> {
    let mut bytes = Vec::new();
    let mut unknown_escape = false;
    let mut quote = None;
    let mut rest = text;
    while let Some((character, following)) = first(rest) {
        if character == '\\' && escapes == Escapes::Remove {
            let (hidden, following) = first(following).unwrap_or((character, following));
            push(&mut bytes, hidden);
            rest = following;
            continue;
        }
        if character == '\\' && escapes != Escapes::Keep {
            if let Some((decoded, following)) = decode(following) {
                bytes.extend(decoded);
                rest = following;
                continue;
            }
            if escapes == Escapes::DecodeStrictly {
                return Err(Unreadable::UnknownEscape);
            }
            unknown_escape = true;
            // It stands for itself, and so does what follows, be it a blank or a quotation mark.
            push(&mut bytes, character);
            rest = following;
            if let Some((hidden, following)) = first(following) {
                push(&mut bytes, hidden);
                rest = following;
            }
            continue;
        }
        match character {
            '"' | '\'' if quote.is_none() => quote = Some(character),
            _ if quote == Some(character) => quote = None,
            _ if quote.is_none() && is_blank(character) => break,
            _ => push(&mut bytes, character),
        }
        rest = following;
    }
    if quote.is_some() {
        return Err(Unreadable::Unbalanced);
    }
    let written = text[..text.len() - rest.len()].to_owned();
    Ok((Word { bytes, written, unknown_escape }, rest))
}

/// The first character of a text, and what follows it.
fn first(text: &str) -> Option<(char, &str)> {
    let mut characters = text.chars();
    characters.next().map(|character| (character, characters.as_str()))
}

fn push(bytes: &mut Vec<u8>, character: char) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// What the escape stands for whose backslash has been read, and what follows it; `None` where there is no such escape.
fn decode(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut characters = text.chars();
    let byte = match characters.next()? {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        's' => b' ',
        character @ ('\\' | '"' | '\'') => character as u8,
        'x' => return number(characters.as_str(), 2, 16).and_then(|(value, rest)| byte(value, rest)),
        '0'..='7' => return number(text, 3, 8).and_then(|(value, rest)| byte(value, rest)),
        'u' => return number(characters.as_str(), 4, 16).and_then(|(value, rest)| code_point(value, rest)),
        'U' => return number(characters.as_str(), 8, 16).and_then(|(value, rest)| code_point(value, rest)),
        _ => return None,
    };
    Some((vec![byte], characters.as_str()))
}

/// A number of exactly so many digits, other than zero: no value may contain a zero byte.
fn number(text: &str, digits: usize, base: u32) -> Option<(u32, &str)> {
    let written = text.get(..digits)?;
    let valid = written.chars().all(|digit| digit.is_digit(base));
    let value = valid.then(|| u32::from_str_radix(written, base).ok())??;
    (value != 0).then_some((value, &text[digits..]))
}

fn byte(value: u32, rest: &str) -> Option<(Vec<u8>, &str)> {
    Some((vec![u8::try_from(value).ok()?], rest))
}

/// A code point in UTF-8; one half of a surrogate pair, too, gets its three bytes.
fn code_point(value: u32, rest: &str) -> Option<(Vec<u8>, &str)> {
    let continuation = |shift: u32| 0x80 | (value >> shift) as u8 & 0x3f;
    let bytes = match value {
        0xd800..=0xdfff => vec![0xe0 | (value >> 12) as u8, continuation(6), continuation(0)],
        value => char::from_u32(value)?.to_string().into_bytes(),
    };
    Some((bytes, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, escapes: Escapes) -> Result<Vec<Vec<u8>>, Unreadable> {
        words(text, escapes).map(|word| word.map(|word| word.bytes)).collect()
    }

    #[test]
    fn words_are_unquoted_as_systemd_unquotes_them() {
        let cases: &[(&str, Result<&[&str], Unreadable>)] = &[
            ("", Ok(&[])),
            (" \t ", Ok(&[])),
            ("a  b\tc", Ok(&["a", "b", "c"])),
            ("\"a b\" 'c d'", Ok(&["a b", "c d"])),
            ("\"a\"b a\"b c\"d \"\" ''", Ok(&["ab", "ab cd", "", ""])),
            ("\"it's\" 'say \"x\"'", Ok(&["it's", "say \"x\""])),
            ("a\\x41b \\u0041 \\U00000041 \\101", Ok(&["aAb", "A", "A", "A"])),
            ("a\\sb\\tc\\n\\\"\\'\\\\", Ok(&["a b\tc\n\"'\\"])),
            ("\"a\\\"b\" 'a\\'b'", Ok(&["a\"b", "a'b"])),
            ("\\q \\x4 \\400 \\u41 \\x00", Ok(&["\\q", "\\x4", "\\400", "\\u41", "\\x00"])),
            ("\\ x\\\\", Ok(&["\\ x\\"])),
            ("a\\", Ok(&["a\\"])),
            ("\"a", Err(Unreadable::Unbalanced)),
            ("a'b", Err(Unreadable::Unbalanced)),
            ("é\\u00e9", Ok(&["éé"])),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect());
            assert_eq!(read(text, Escapes::Decode), expected, "{text}");
        }
        assert_eq!(read("\\xff\\351", Escapes::Decode), Ok(vec![vec![0xff, 0xe9]]));
        assert_eq!(read("a\\q", Escapes::DecodeStrictly), Err(Unreadable::UnknownEscape));
    }

    #[test]
    fn escapes_that_are_kept_hide_nothing() {
        assert_eq!(
            read("a\\x2db \"c\\\" d", Escapes::Keep),
            Ok(vec![b"a\\x2db".to_vec(), b"c\\".to_vec(), b"d".to_vec()])
        );
    }

    #[test]
    fn a_backslash_can_stand_before_what_it_hides() {
        let cases: [(&str, &[&str]); 4] = [
            ("a b", &["a", "b"]),
            ("a\\ b c", &["a b", "c"]),
            ("a\\\\b \\x41", &["a\\b", "x41"]),
            ("\"a b\"", &["\"a", "b\""]),
        ];
        for (text, expected) in cases {
            let found: Result<Vec<_>, _> = parts(text).collect();
            assert_eq!(found, Ok(expected.iter().map(|part| (*part).to_owned()).collect()), "{text}");
        }
        let found: Vec<_> = parts("a b\\").collect();
        assert_eq!(found, [Ok("a".to_owned()), Err(Unreadable::UnknownEscape)]);
        for (text, expected) in [("a:b", ["a", "b"]), ("a\\:b:c\\:", ["a:b", "c:"]), ("a\\\\:b\\n", ["a\\\\", "b\\n"])]
        {
            assert_eq!(between_colons(text), expected, "{text}");
        }
    }
}
