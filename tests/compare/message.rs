//! Messages: formats of printf(3), and texts of all kinds.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::mixed::{Mixed, Values, mixed, some};
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
    Mixed(Mixed),
}

/// What a call has for it.
pub enum Argument {
    Number(*const c_char, c_int),
    String(*const c_char, CString),
    WideString(*const c_char, Vec<libc::wchar_t>),
    Mixed(Values),
}

/// Calls a function that has a variable number of arguments: the first few, the format, and what that takes.
macro_rules! variadic {
    ($function:expr, $($before:expr),*; $argument:expr) => {
        match $argument {
            Argument::Number(format, number) => $function($($before,)* *format, *number),
            Argument::String(format, string) => $function($($before,)* *format, string.as_ptr()),
            Argument::WideString(format, string) => $function($($before,)* *format, string.as_ptr()),
            Argument::Mixed(values) => with_values!($function, $($before),*; values; 0),
        }
    };
}
pub(crate) use variadic;

impl Message {
    /// Where the format takes no argument, there is one all the same: C ignores it.
    pub fn argument(&self) -> Argument {
        match self {
            Self::Null => Argument::Number(ptr::null(), 0),
            Self::Plain(format) => Argument::String(format.as_ptr(), c"not to be seen".to_owned()),
            Self::String(format, text) => Argument::String(format.as_ptr(), text.string()),
            Self::Number(format, number) => Argument::Number(format.as_ptr(), *number),
            Self::WideString(format, string) => Argument::WideString(format.as_ptr(), [string, &[0][..]].concat()),
            Self::Mixed(mixed) => Argument::Mixed(mixed.values()),
        }
    }
}

/// With texts of up to so many bytes.
pub fn messages(longest: usize) -> impl Strategy<Value = Message> {
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
    let wide = vec(prop_oneof![3 => 32..127 as libc::wchar_t, 1 => any::<libc::wchar_t>()], 0..6);
    prop_oneof![
        1 => Just(Message::Null),
        4 => select(PLAIN).prop_map(Message::Plain),
        12 => (mostly(4, c"%s", STRING), texts(longest)).prop_map(|(format, text)| Message::String(format, text)),
        3 => (select(NUMBER), any::<i32>()).prop_map(|(format, number)| Message::Number(format, number)),
        1 => (select(WIDE), wide).prop_map(|(format, string)| Message::WideString(format, string)),
        6 => mixed("", some()).prop_map(Message::Mixed),
    ]
}
