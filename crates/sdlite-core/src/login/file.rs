//! The files below /run/systemd: a line for each field, `NAME=value`, quoted as in a shell. They are replaced as a whole when
//! they change.

use core::ops::Range;

use super::{Buffer, keep};
use crate::text::{self, Text};
use crate::{Errno, Result, sys};

/// As much as libsystemd reads of a file.
const LARGEST: usize = (64 << 20) + 4095;

/// Leaves the value of one field in the buffer: nothing where it is not set.
#[inline(never)]
pub(super) fn field(directory: &str, file: &[u8], name: &str, buffer: &mut dyn Buffer) -> Result<()> {
    let [value, _] = &fields(directory, file, [name; 2], buffer)?;
    keep(buffer, 0, value);
    Ok(())
}

/// The value that stands there in the buffer, and the zero byte that ends it; empty where it is not set.
pub(super) fn value<'a>(buffer: &'a mut dyn Buffer, value: &Range<usize>) -> &'a mut [u8] {
    if value.is_empty() { &mut [] } else { buffer.bytes().get_mut(value.start..=value.end).unwrap_or_default() }
}

/// Finds where in the buffer the values of two fields are. They are empty if they are not set.
#[inline(never)]
pub(super) fn fields(
    directory: &str,
    file: &[u8],
    names: [&str; 2],
    buffer: &mut dyn Buffer,
) -> Result<[Range<usize>; 2]> {
    let mut room = text::room::<512>();
    let mut path = Text::new(&mut room);
    path.push(b"/run/systemd/").push(directory.as_bytes()).push(b"/").push(file);
    buffer.truncate(0);
    let file = sys::open(path.finish()?, 0)?;
    let mut room = text::room::<4096>();
    loop {
        let bytes = sys::read(file.raw(), &mut room)?;
        if bytes.is_empty() {
            return parse(buffer.bytes(), names);
        }
        buffer.push(bytes)?;
        if buffer.bytes().len() > LARGEST {
            return Err(Errno::TOOBIG);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Comment,
    BeforeName,
    Name,
    /// At the start of a value, or behind a part of it that was in quotes.
    BeforeValue,
    Value,
    Escape,
    SingleQuotes,
    DoubleQuotes,
    DoubleQuotesEscape,
}

/// Values are made of their lines in place: they, and a zero byte, are never longer. Those that are asked for gather at the
/// start.
fn parse(bytes: &mut [u8], names: [&str; 2]) -> Result<[Range<usize>; 2]> {
    let mut values = [0..0, 0..0];
    if sys::memchr(bytes, 0).is_some() {
        return Err(Errno::BADMSG);
    }
    let mut state = State::BeforeName;
    let mut name = 0;
    let mut wanted = None;
    // Where the value begins and ends, and where the blanks begin that end it and that nothing has escaped.
    let (mut start, mut end, mut blanks) = (0, 0, None);
    let mut at = 0;
    loop {
        let byte = bytes.get(at).copied();
        let ended = match (state, byte) {
            (State::Comment | State::BeforeName | State::Name, None) => return Ok(values),
            (_, None) | (State::BeforeValue | State::Value, Some(b'\n' | b'\r')) => true,
            _ => false,
        };
        if ended {
            if state == State::Value {
                end = blanks.unwrap_or(end);
            }
            is_text(bytes.get(start..end))?;
            if let Some(value) = wanted.and_then(|wanted: usize| values.get_mut(wanted)) {
                *value = start..end;
                if let Some(place) = bytes.get_mut(end) {
                    *place = 0;
                }
                start = end + 1;
            }
        }
        let Some(byte) = byte else { return Ok(values) };
        let mut escaped = None;
        let mut pushed = None;
        state = match (state, byte) {
            _ if ended => State::BeforeName,
            (State::Comment | State::Name, b'\n' | b'\r') => State::BeforeName,
            (State::Comment, _) => State::Comment,
            (State::BeforeName, b'#' | b';') => State::Comment,
            (State::BeforeName, b' ' | b'\t' | b'\n' | b'\r') => State::BeforeName,
            (State::BeforeName, _) => {
                name = at;
                State::Name
            }
            (State::Name, b'=') => {
                let name = bytes.get(name..at).map(trim_end);
                is_text(name)?;
                wanted = names.iter().position(|wanted| Some(wanted.as_bytes()) == name);
                (end, blanks) = (start, None);
                State::BeforeValue
            }
            (State::Name, _) => State::Name,
            (State::BeforeValue, b' ' | b'\t') => State::BeforeValue,
            (State::BeforeValue, b'\'') => State::SingleQuotes,
            (State::BeforeValue, b'"') => State::DoubleQuotes,
            (State::BeforeValue | State::Value, b'\\') => {
                blanks = None;
                State::Escape
            }
            (State::Value, b' ' | b'\t') => {
                blanks = blanks.or(Some(end));
                pushed = Some(byte);
                State::Value
            }
            (State::Escape, b'\n' | b'\r') => State::Value,
            (State::BeforeValue | State::Value | State::Escape, _) => {
                blanks = None;
                pushed = Some(byte);
                State::Value
            }
            (State::SingleQuotes, b'\'') | (State::DoubleQuotes, b'"') => State::BeforeValue,
            (State::DoubleQuotes, b'\\') => State::DoubleQuotesEscape,
            (State::DoubleQuotesEscape, b'\n') => State::DoubleQuotes,
            (State::DoubleQuotesEscape, _) => {
                if !matches!(byte, b'"' | b'\\' | b'`' | b'$') {
                    escaped = Some(b'\\');
                }
                pushed = Some(byte);
                State::DoubleQuotes
            }
            (State::SingleQuotes | State::DoubleQuotes, _) => {
                pushed = Some(byte);
                state
            }
        };
        for byte in escaped.into_iter().chain(pushed) {
            if let Some(place) = bytes.get_mut(end) {
                *place = byte;
            }
            end += 1;
        }
        at += 1;
    }
}

fn trim_end(mut name: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = name {
        name = rest;
    }
    name
}

fn is_text(bytes: Option<&[u8]>) -> Result<()> {
    if text::is_utf8(bytes.unwrap_or_default()) { Ok(()) } else { Err(Errno::INVAL) }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::parse;
    use crate::Errno;
    use std::string::String;

    /// The value of A, and of B, in a file.
    fn values(file: &[u8]) -> Result<[String; 2], Errno> {
        let mut bytes = file.to_vec();
        let values = parse(&mut bytes, ["A", "B"])?;
        Ok(values.map(|value| {
            assert!(value.is_empty() || bytes[value.end] == 0, "{value:?} of {bytes:?}");
            String::from_utf8_lossy(&bytes[value]).into_owned()
        }))
    }

    #[test]
    fn values_are_read_as_libsystemd_reads_them() {
        let cases: &[(&[u8], &str, &str)] = &[
            (b"", "", ""),
            (b"A", "", ""),
            (b"A=", "", ""),
            (b"A=a", "a", ""),
            (b"A=a\nB=b\n", "a", "b"),
            (b"B=b\nX=x\nA=a", "a", "b"),
            (b"A=a\rB=b\r\n", "a", "b"),
            (b"A=a\nA=b\n", "b", ""),
            (b"A=a\nA=\n", "", ""),
            (b"AA=a\nXA=a\nA B=c\nexport A=d\n", "", ""),
            (b" \tA \t=\t  a b \t\n", "a b", ""),
            (b"#A=a\\\n;A=b\n #A=c\nB=b#c ;d\n", "", "b#c ;d"),
            (b"A==a=b\n", "=a=b", ""),
            (b"A=\"a b\"'c d' e 'f'\n", "a bc de 'f'", ""),
            (b"A=\"a\\\"\\\\\\$\\`\\n\\\nb\nc\"\nB='a\\'b\n", "a\"\\$`\\n\u{62}\nc", "a\\b"),
            (b"A=a\\ \\n\\\"\\\\\\\nb\\\n", "a n\"\\b", ""),
            (b"A=a \\\n\nB=b  \\   \n", "a ", "b   "),
            (b"A='a\nB=b\n", "a\nB=b\n", ""),
            (b"A=\"a\\", "a", ""),
            (b"A=\x0ba\x0c\n", "\x0ba\x0c", ""),
            ("A=ä€\u{1f600}\n".as_bytes(), "ä€\u{1f600}", ""),
            (b"\xff\n#\xff\nA=a\n", "a", ""),
        ];
        for (file, a, b) in cases {
            assert_eq!(values(file), Ok([*a, *b].map(String::from)), "{}", String::from_utf8_lossy(file));
        }
    }

    #[test]
    fn a_file_that_is_no_text_is_refused() {
        for file in [&b"\0"[..], b"A=a\0", b"A=a\n\0"] {
            assert_eq!(values(file), Err(Errno::BADMSG), "{file:?}");
        }
        for file in [&b"A=\xff"[..], b"A=a\nX=\xc3\nB=b", b"\xff=a", b"A=\xed\xa0\x80\n", b"A=\xef\xbf\xbe\n"] {
            assert_eq!(values(file), Err(Errno::INVAL), "{file:?}");
        }
    }
}
