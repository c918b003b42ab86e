//! Streams of lines, each of which becomes an entry: what sd_journal_stream_fd(3) opens, and the standard output and error of
//! services.
//!
//! The bytes are anybody's, and come in pieces of any size. No line is kept that is longer than [`LINE_MAX`].

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::entry::Fields;
use super::priority::Priority;
use super::syslog::trim_end;
use crate::saved;

/// A longer line becomes several entries: LineMax= of journald.conf(5).
pub const LINE_MAX: usize = 48 * 1024;

/// No header of a stream is longer.
const HEADER_MAX: usize = 16 * 1024;

/// What the names of a line's fields take, and the values that are always short.
const ROOM: usize = 128;

/// What a stream says of itself before its first line, in seven lines: the identifier, the unit, which is the manager's to know, the
/// priority, whether lines may begin with theirs, and three ways of forwarding, which there are none of here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// SYSLOG_IDENTIFIER; empty for none.
    #[serde(with = "saved")]
    pub identifier: Vec<u8>,
    /// Of lines that do not say theirs.
    pub priority: Priority,
    /// A line may begin with `<N>`.
    pub level_prefix: bool,
}

impl Header {
    const LINES: usize = 7;

    fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let mut next = || lines.next().ok_or(Malformed);
        let (identifier, _unit) = (next()?.to_vec(), next()?);
        let priority = Priority::parse(next()?).ok_or(Malformed)?;
        let level_prefix = boolean(next()?)?;
        for _ in 0..3 {
            boolean(next()?)?;
        }
        Ok(Self { identifier, priority, level_prefix })
    }
}

fn boolean(text: &[u8]) -> Result<bool, Malformed> {
    match text.to_ascii_lowercase().as_slice() {
        b"1" | b"yes" | b"y" | b"true" | b"t" | b"on" => Ok(true),
        b"0" | b"no" | b"n" | b"false" | b"f" | b"off" => Ok(false),
        _ => Err(Malformed),
    }
}

/// It is no stream for the journal: whoever sent this is to be disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A stream, as far as it has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stream {
    header: Option<Header>,
    /// What has come of a header or a line that is not complete.
    #[serde(with = "saved")]
    buffer: Vec<u8>,
}

/// Why a line ended, where that was not a newline: `_LINE_BREAK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Break {
    Newline,
    Nul,
    LineMax,
    Eof,
    PidChange,
}

impl Stream {
    /// A stream that begins with a header.
    pub fn new() -> Self {
        Self { header: None, buffer: Vec::new() }
    }

    /// A stream of the manager's own making, which has none.
    pub fn with_header(header: Header) -> Self {
        Self { header: Some(header), buffer: Vec::new() }
    }

    /// Takes what has come, and gives the fields of each line that is complete now.
    pub fn push(&mut self, mut bytes: &[u8], mut entry: impl FnMut(Fields)) -> Result<(), Malformed> {
        while self.header.is_none() {
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return self.push_header(bytes) };
            let (line, rest) = bytes.split_at(end + 1);
            self.push_header(line)?;
            bytes = rest;
            if self.buffer.iter().filter(|byte| **byte == b'\n').count() == Header::LINES {
                self.header = Some(Header::parse(&std::mem::take(&mut self.buffer))?);
            }
        }
        while !bytes.is_empty() {
            let room = LINE_MAX - self.buffer.len();
            match bytes.iter().take(room + 1).position(|byte| matches!(byte, b'\n' | 0)) {
                Some(end) => {
                    let ending = if bytes[end] == 0 { Break::Nul } else { Break::Newline };
                    self.line(&bytes[..end], ending, &mut entry);
                    bytes = &bytes[end + 1..];
                }
                None if bytes.len() > room => {
                    self.line(&bytes[..room], Break::LineMax, &mut entry);
                    bytes = &bytes[room..];
                }
                None => {
                    self.buffer.extend_from_slice(bytes);
                    bytes = &[];
                }
            }
        }
        Ok(())
    }

    /// Nothing more comes: what is left is a line, too.
    pub fn end(&mut self, mut entry: impl FnMut(Fields)) {
        if self.header.is_some() {
            self.line(b"", Break::Eof, &mut entry);
        }
    }

    /// Another process writes from now on: what is left of the one before is a line.
    pub fn change_writer(&mut self, mut entry: impl FnMut(Fields)) {
        if self.header.is_some() {
            self.line(b"", Break::PidChange, &mut entry);
        }
    }

    fn push_header(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() > HEADER_MAX { Err(Malformed) } else { Ok(()) }
    }

    /// The line that begins in the buffer is complete with this.
    fn line(&mut self, rest: &[u8], ending: Break, entry: &mut impl FnMut(Fields)) {
        let Some(header) = &self.header else { return };
        let begun = std::mem::take(&mut self.buffer);
        // Mostly it came as a whole.
        let line = if begun.is_empty() { Cow::Borrowed(rest) } else { Cow::Owned([&begun, rest].concat()) };
        // A line of white space alone stays as it is.
        let text = Some(trim_end(&line)).filter(|text| !text.is_empty()).unwrap_or(&line);
        let (priority, message) = match text {
            [b'<', level @ b'0'..=b'7', b'>', message @ ..] if header.level_prefix => {
                (header.priority.at_level(level - b'0'), message)
            }
            _ => (header.priority, text),
        };
        if message.is_empty() {
            return;
        }
        let mut fields = Fields::with_room(ROOM + header.identifier.len() + message.len());
        priority.add_to(&mut fields);
        if !header.identifier.is_empty() {
            fields.push("SYSLOG_IDENTIFIER", &header.identifier);
        }
        match ending {
            Break::Newline => {}
            Break::Nul => fields.push("_LINE_BREAK", "nul"),
            Break::LineMax => fields.push("_LINE_BREAK", "line-max"),
            Break::Eof => fields.push("_LINE_BREAK", "eof"),
            Break::PidChange => fields.push("_LINE_BREAK", "pid-change"),
        }
        fields.push("MESSAGE", message);
        entry(fields);
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "ident\n\n6\n1\n0\n0\n0\n";

    /// The lines as `priority identifier break|message`, where the bytes come in pieces of this size.
    fn in_pieces(bytes: &[u8], size: usize) -> Result<Vec<String>, Malformed> {
        let mut lines = Vec::new();
        let mut add = |fields: Fields| {
            let value = |name: &str| fields.iter().find(|field| field.0 == name).map(|field| field.1);
            let text = |name| value(name).map_or("-".into(), String::from_utf8_lossy);
            let [priority, facility] = ["PRIORITY", "SYSLOG_FACILITY"].map(text);
            let [identifier, ending, message] = ["SYSLOG_IDENTIFIER", "_LINE_BREAK", "MESSAGE"].map(text);
            lines.push(format!("{priority},{facility} {identifier} {ending}|{message}"));
        };
        let mut stream = Stream::new();
        for piece in bytes.chunks(size) {
            stream.push(piece, &mut add)?;
        }
        stream.end(&mut add);
        Ok(lines)
    }

    fn lines(text: &str) -> Result<Vec<String>, Malformed> {
        let whole = in_pieces(text.as_bytes(), usize::MAX);
        for size in [1, 2, 7] {
            assert_eq!(in_pieces(text.as_bytes(), size), whole, "in pieces of {size}: {text:?}");
        }
        whole
    }

    #[test]
    fn lines_are_read_as_journald_reads_them() {
        let cases: &[(&str, &[&str])] = &[
            ("line\n", &["6,- ident -|line"]),
            ("<3>prefixed\n", &["3,- ident -|prefixed"]),
            ("<29>facility\n<8>x\n<>\n", &["6,- ident -|<29>facility", "6,- ident -|<8>x", "6,- ident -|<>"]),
            ("<3><4>two\n<3>  kept\n <3>x\n", &["3,- ident -|<4>two", "3,- ident -|  kept", "6,- ident -| <3>x"]),
            ("\n\n<3>\n<3> \n", &[]),
            ("  lead and trail  \t\n", &["6,- ident -|  lead and trail"]),
            ("   \n\r\nx\r\r\n", &["6,- ident -|   ", "6,- ident -|\r", "6,- ident -|x"]),
            ("vt\x0b\x0c\n", &["6,- ident -|vt\x0b\x0c"]),
            ("nul\0end\n", &["6,- ident nul|nul", "6,- ident -|end"]),
            ("no end", &["6,- ident eof|no end"]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(
                lines(&format!("{HEADER}{text}")),
                Ok(expected.iter().map(|it| it.to_string()).collect()),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_line_that_is_too_long_becomes_several_entries() {
        let lengths = |length: usize| {
            let lines = lines(&format!("{HEADER}{}\n", "L".repeat(length))).expect("a stream");
            let line = |line: &String| line.split_once('|').map(|(of, text)| (of.contains("line-max"), text.len()));
            lines.iter().filter_map(line).collect::<Vec<_>>()
        };
        assert_eq!(lengths(LINE_MAX), [(false, LINE_MAX)]);
        assert_eq!(lengths(LINE_MAX + 1), [(true, LINE_MAX), (false, 1)]);
        assert_eq!(lengths(60_000), [(true, LINE_MAX), (false, 60_000 - LINE_MAX)]);
    }

    #[test]
    fn the_header_says_how_lines_are_read() {
        let cases = [
            ("ident\nunit.service\n9\n1\n0\n0\n0\n", Ok("1,1 ident -|x")),
            (" lead\t\n\n07\n yes \n0\n0\n0\n", Ok("7,- lead -|x")),
            (" \n\n999\noff\n0\n0\n0\n", Ok("7,124 - -|x")),
            ("\n\n4\n0\n0\n0\n0\n<3>", Ok("4,- - -|<3>x")),
            ("i\n\n6\n7\n0\n0\n0\n", Err(Malformed)),
            ("i\n\n6\n\n0\n0\n0\n", Err(Malformed)),
            ("i\n\n\n1\n0\n0\n0\n", Err(Malformed)),
            ("i\n\n-1\n1\n0\n0\n0\n", Err(Malformed)),
            ("i\n\n1000\n1\n0\n0\n0\n", Err(Malformed)),
            ("i\n\n6\n1\n0\n0\nx\n", Err(Malformed)),
        ];
        for (header, expected) in cases {
            assert_eq!(lines(&format!("{header}x\n")), expected.map(|line| vec![line.to_string()]), "{header:?}");
        }
        assert_eq!(lines(&"i".repeat(HEADER_MAX + 1)), Err(Malformed));
        assert_eq!(lines("ident\n"), Ok(vec![]));
    }
}
