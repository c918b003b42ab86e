//! Formats of printf(3) with several directives, and values of every kind that they take.

use std::ffi::{CString, c_char, c_int, c_longlong};
use std::ptr;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::message::{Text, texts};
use crate::strategy::mostly;

#[derive(Clone, Copy)]
enum Kind {
    Int,
    /// As long and size_t are.
    Word,
    Long,
    Real,
    String,
}

/// What stands behind a format, from the first to the last or the other way round: more than the registers take, and on 32
/// bits, what takes two words at even places and at odd ones.
const KINDS: [Kind; 10] = {
    use Kind::{Int, Long, Real, String, Word};
    [Int, String, Real, Long, Word, Real, Long, Int, Int, String]
};

impl Kind {
    fn directives(self) -> &'static [&'static str] {
        match self {
            // The last is a width or a precision for the next.
            Self::Int => {
                &["%d", "%5d|", "%-5x", "%c", "%hhd", "%+i", "%#o", "%u", "%08.3d", "%hd", "% d", "%hhu", "*", "*"]
            }
            Self::Word => &["%ld", "%zu", "%td", "%-20lx", "%p", "%zd", "%#lo"],
            Self::Long => &["%lld", "%llu", "%jd", "%qd", "%30llx|", "%jx"],
            Self::Real => &["%f", "%g", "%e", "%a", "%.3f", "%G", "%12.2lf", "%F", "%E"],
            Self::String => &["%s", "%.3s", "%20s", "%-20s|", "%.0s", "%2000.5s"],
        }
    }

    fn directives_with_number(self) -> &'static [&'static str] {
        match self {
            Self::Int => &["%*d", "%-*x", "%.*i"],
            Self::Word => &["%*ld", "%.*zu"],
            Self::Long => &["%*lld", "%0*llx"],
            Self::Real => &["%.*f", "%*g", "%.*e"],
            Self::String => &["%.*s", "%*s"],
        }
    }
}

/// A format with directives for the first `picks.len()` of the kinds, each with a text behind it.
fn format(start: &str, backwards: bool, picks: &[(u8, &str)]) -> CString {
    let kind = |i: usize| KINDS[if backwards { KINDS.len() - 1 - i } else { i }];
    let mut format = start.to_owned();
    let mut number = false;
    for (i, (pick, behind)) in picks.iter().enumerate() {
        let directives = if number { kind(i).directives_with_number() } else { kind(i).directives() };
        let directive = directives[usize::from(*pick) % directives.len()];
        number = directive == "*" && i + 1 < picks.len();
        match directive {
            "*" if number => {}
            "*" => format += "%d",
            directive => format.extend([directive, behind]),
        }
    }
    CString::new(format).expect("no zero byte in it")
}

#[derive(Clone, Debug)]
pub struct Mixed {
    format: CString,
    backwards: bool,
    numbers: (c_int, isize, c_longlong, f64),
    /// None is NULL.
    string: Option<Text>,
}

/// The format and what it takes, in a call.
pub struct Values {
    format: CString,
    pub backwards: bool,
    pub int: c_int,
    pub word: isize,
    pub long: c_longlong,
    pub real: f64,
    string: Option<CString>,
}

impl Mixed {
    pub fn values(&self) -> Values {
        let (int, word, long, real) = self.numbers;
        let string = self.string.as_ref().map(Text::string);
        Values { format: self.format.clone(), backwards: self.backwards, int, word, long, real, string }
    }
}

impl Values {
    pub fn format(&self) -> *const c_char {
        self.format.as_ptr()
    }

    pub fn string(&self) -> *const c_char {
        self.string.as_ref().map_or(ptr::null(), |string| string.as_ptr())
    }
}

/// Calls a function with arguments, then a format and its values in their order, then more arguments.
macro_rules! with_values {
    ($function:expr, $($before:expr),*; $v:expr; $($behind:expr),*) => {
        if $v.backwards {
            $function(
                $($before,)* $v.format(),
                $v.string(), $v.int, $v.int, $v.long, $v.real, $v.word, $v.long, $v.real, $v.string(), $v.int,
                $($behind),*
            )
        } else {
            $function(
                $($before,)* $v.format(),
                $v.int, $v.string(), $v.real, $v.long, $v.word, $v.real, $v.long, $v.int, $v.int, $v.string(),
                $($behind),*
            )
        }
    };
}
pub(crate) use with_values;

const TEXTS: &[&str] = &[" ", "|", "%%", "%m", "\n", "=", ": ", "größe", "\t ", "\n\n", "a\nb"];

/// Formats that begin with `start` and have directives for so many values.
pub fn mixed(start: &'static str, directives: impl Strategy<Value = usize>) -> impl Strategy<Value = Mixed> {
    let numbers = (mostly(1, -3, &[0, 5, 20, 2100, -2100, 65]), any::<isize>(), any::<c_longlong>(), any::<f64>());
    let picks = vec((any::<u8>(), mostly(1, "", TEXTS)), KINDS.len());
    let string = proptest::option::weighted(0.95, texts(9000));
    (any::<bool>(), numbers, string, picks, directives).prop_map(
        move |(backwards, numbers, string, picks, directives)| {
            let format = format(start, backwards, &picks[..directives]);
            Mixed { format, backwards, numbers, string }
        },
    )
}

/// As many as there are values.
pub fn all() -> impl Strategy<Value = usize> {
    Just(KINDS.len())
}

/// None of them, or more.
pub fn some() -> impl Strategy<Value = usize> {
    0..=KINDS.len()
}
