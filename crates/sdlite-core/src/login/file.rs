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
            check(bytes.get(start..end))?;
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
                check(name)?;
                wanted = names.iter().position(|wanted| Some(wanted.as_bytes()) == name);
                (end, blanks) = (start, None);
                State::BeforeValue
            }
            (State::Name, _) => State::Name,
            (State::BeforeValue, b' ' | b'\t') => State::BeforeValue,
            (State::BeforeValue, b'\'') => State::SingleQuotes,
            (State::BeforeValue, b'"') => State::DoubleQuotes,
            (State::BeforeValue | State::Value, b'\\') => State::Escape,
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

/// Names and values are UTF-8, with no noncharacters of Unicode in it.
fn check(bytes: Option<&[u8]>) -> Result<()> {
    let text = core::str::from_utf8(bytes.unwrap_or_default()).map_err(|_| Errno::INVAL)?;
    let is_no_character = |c: char| matches!(u32::from(c), 0xfdd0..=0xfdef) || u32::from(c) & 0xfffe == 0xfffe;
    if text.chars().any(is_no_character) { Err(Errno::INVAL) } else { Ok(()) }
}
