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
    let mut room = text::room::<{ libc::PATH_MAX as usize }>();
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

/// A file in which values are made of what stands for them, in place: they, and a zero byte, are never longer.
struct File<'a> {
    bytes: &'a mut [u8],
    /// What comes next.
    at: usize,
    /// The end of the value.
    end: usize,
}

/// Those values that are asked for gather at the start.
fn parse(bytes: &mut [u8], names: [&str; 2]) -> Result<[Range<usize>; 2]> {
    let mut values = [0..0, 0..0];
    if sys::memchr(bytes, 0).is_some() {
        return Err(Errno::BADMSG);
    }
    let mut file = File { bytes, at: 0, end: 0 };
    let mut start = 0;
    while let Some(byte) = file.next() {
        let first = file.at - 1;
        let last = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'#' | b';' => file.skip(b'\n'),
            _ => file.skip(b'='),
        };
        if last != Some(b'=') {
            continue;
        }
        let name = file.bytes.get(first..file.at - 1).map(trim_end);
        is_text(name)?;
        file.end = start;
        let wanted = names.iter().position(|wanted| Some(wanted.as_bytes()) == name);
        file.value();
        is_text(file.bytes.get(start..file.end))?;
        if let Some(value) = wanted.and_then(|wanted| values.get_mut(wanted)) {
            *value = start..file.end;
            file.push(0);
            start = file.end;
        }
    }
    Ok(values)
}

impl File<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    /// Passes over all up to the end of the line, or to a byte that comes before it, and that too.
    fn skip(&mut self, to: u8) -> Option<u8> {
        loop {
            let byte = self.next()?;
            if byte == to || matches!(byte, b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    #[inline(never)]
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.end) {
            *place = byte;
        }
        self.end += 1;
    }

    /// A value: parts in quotes, and what is not in quotes up to the end of the line.
    fn value(&mut self) {
        while let Some(byte) = self.next() {
            match byte {
                b'\n' | b'\r' => return,
                b' ' | b'\t' => {}
                b'\'' => self.single_quotes(),
                b'"' => self.double_quotes(),
                _ => {
                    self.at -= 1;
                    return self.unquoted();
                }
            }
        }
    }

    fn single_quotes(&mut self) {
        while let Some(byte) = self.next() {
            match byte {
                b'\'' => return,
                _ => self.push(byte),
            }
        }
    }

    fn double_quotes(&mut self) {
        while let Some(byte) = self.next() {
            match byte {
                b'"' => return,
                b'\\' => match self.next() {
                    None | Some(b'\n') => {}
                    Some(byte) => {
                        if !matches!(byte, b'"' | b'\\' | b'`' | b'$') {
                            self.push(b'\\');
                        }
                        self.push(byte);
                    }
                },
                _ => self.push(byte),
            }
        }
    }

    /// The blanks at its end do not belong to it.
    fn unquoted(&mut self) {
        let mut end = self.end;
        while let Some(byte) = self.next() {
            match byte {
                b'\n' | b'\r' => break,
                b' ' | b'\t' => {
                    self.push(byte);
                    continue;
                }
                b'\\' => match self.next() {
                    None | Some(b'\n' | b'\r') => {}
                    Some(byte) => self.push(byte),
                },
                _ => self.push(byte),
            }
            end = self.end;
        }
        self.end = end;
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
