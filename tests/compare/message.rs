//! Messages: formats of printf(3), and texts of all kinds.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::strategy::mostly;

/// A text, mostly of a few pieces, sometimes of one that is repeated.
#[derive(Clone, Debug)]
pub enum Text {
    Pieces(Vec<&'static str>),
    Raw(Bytes),
    Long { start: &'static str, length: usize, end: &'static str },
}

impl Text {
    pub fn string(&self) -> CString {
        let bytes = match self {
            Self::Pieces(pieces) => pieces.concat().into_bytes(),
            Self::Raw(bytes) => bytes.0.clone(),
            Self::Long { start, length, end } => {
                let filler = length.saturating_sub(start.len() + end.len());
                let filler = &b"0123456789abcde,".repeat(filler / 16 + 1)[..filler];
                [start.as_bytes(), filler, end.as_bytes()].concat()
            }
        };
        CString::new(bytes).expect("no zero byte is generated")
    }
}

/// Texts of up to so many bytes.
pub fn texts(longest: usize) -> impl Strategy<Value = Text> {
    const PIECES: &[&str] = &[
        "hello",
        "a message",
        "=",
        "x=y",
        "\n",
        "\n\n",
        " ",
        "\t",
        "\r",
        "\r\n",
        "\x0b",
        "\x0c",
        " \n\t\r ",
        "\u{a0}",
        "größe",
        "\u{1f980}",
        "\x1b[1m",
        "\x7f",
        "%",
        "%s",
        "%n",
        "MESSAGE=",
        "PRIORITY=3",
        "first\nsecond",
        "\nSYSLOG_IDENTIFIER=me\n",
        "",
    ];
    const ENDS: &[&str] = &["", "\n", " ", "x\n\n", "\ny", "z  \t"];
    let end = mostly(2, "", ENDS);
    let near = prop_oneof![Just(2048_usize), Just(4096), Just(212_992), Just(1 << 20)];
    let length = prop_oneof![
        20 => 2030..2060_usize,
        4 => 0..9000_usize,
        4 => (near, 0..40_usize).prop_map(|(near, more)| near + more - 20),
        1 => 0..3_000_000_usize,
    ];
    prop_oneof![
        12 => vec(select(PIECES), 0..6).prop_map(Text::Pieces),
        3 => vec(1..=255_u8, 0..40).prop_map(|bytes| Text::Raw(Bytes(bytes))),
        1 => (length, end).prop_map(move |(length, end)| Text::Long { start: "", length: length.min(longest), end }),
    ]
}

/// A format with what it takes.
#[derive(Clone, Debug)]
pub enum Message {
    Null,
    Plain(&'static CStr),
    String(&'static CStr, Text),
    Number(&'static CStr, c_int),
    WideString(&'static CStr, Vec<libc::wchar_t>),
}

/// What stands behind the format in a call.
pub enum Argument {
    Number(c_int),
    String(CString),
    WideString(Vec<libc::wchar_t>),
}

impl Message {
    /// NULL, or the format.
    pub fn format(&self) -> *const c_char {
        match self {
            Self::Null => ptr::null(),
            Self::Plain(format) | Self::String(format, _) | Self::Number(format, _) | Self::WideString(format, _) => {
                format.as_ptr()
            }
        }
    }

    /// One where the format takes none as well: C ignores it.
    pub fn argument(&self) -> Argument {
        match self {
            Self::Null | Self::Plain(_) => Argument::String(c"not to be seen".to_owned()),
            Self::String(_, text) => Argument::String(text.string()),
            Self::Number(_, number) => Argument::Number(*number),
            Self::WideString(_, string) => Argument::WideString([string, &[0][..]].concat()),
        }
    }
}

pub fn messages() -> impl Strategy<Value = Message> {
    const PLAIN: &[&CStr] = &[
        c"",
        c"hello",
        c"100%%",
        c"%%",
        c"%m",
        c"%m: %m",
        c" %m\n",
        c"\n",
        c" \t\r\n",
        c"  x  ",
        c"a\nb",
        c"%%s",
        c"%",
        c"%5%",
        c"x%",
        c"MESSAGE=x",
        c"\x0b",
        c"\xff\xfe",
        c"%-3000m|",
        c"%3000m",
    ];
    const STRING: &[&CStr] = &[c"%s\n", c" %s", c"%s%%", c"%s: %m", c"%.5s", c"%3000s", c"%-3000s", c"%s\xff", c"<%s>"];
    const NUMBER: &[&CStr] =
        &[c"%d", c"%5d|", c"%-5d", c"%x", c"%c", c"%2040d", c"%-2048d", c"%lc", c"%2147483648d", c"ab %2147483648d"];
    const WIDE: &[&CStr] = &[c"%ls", c"before %ls behind", c"%S", c"%.3ls"];
    let wide = vec(prop_oneof![3 => 32..127_i32, 1 => any::<i32>()], 0..6);
    prop_oneof![
        1 => Just(Message::Null),
        4 => select(PLAIN).prop_map(Message::Plain),
        12 => (mostly(4, c"%s", STRING), texts(3_000_000)).prop_map(|(format, text)| Message::String(format, text)),
        3 => (select(NUMBER), any::<i32>()).prop_map(|(format, number)| Message::Number(format, number)),
        1 => (select(WIDE), wide).prop_map(|(format, string)| Message::WideString(format, string)),
    ]
}
