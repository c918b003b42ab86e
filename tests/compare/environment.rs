//! Environments: the variables of sd_listen_fds(3), mostly right, in many spellings.

use std::ffi::{CString, c_char};
use std::{fmt, ptr};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::known::Known;
use crate::strategy::mostly;
use crate::sys;

#[derive(Clone, Debug)]
pub struct Environment {
    listen_pid: Option<Number>,
    listen_pidfdid: Option<Number>,
    listen_fds: Option<Number>,
    listen_fdnames: Option<Names>,
    /// Whatever else there is, before and behind.
    before: &'static [&'static str],
    behind: &'static [&'static str],
}

const OTHERS: &[&[&str]] = &[
    &[],
    &["PATH=/bin:/usr/bin"],
    &["HOME=/", "LISTEN_PIDX=1", "LISTEN_FD=2", "XLISTEN_FDS=3", "LISTEN_FDNAME=x"],
    &["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"],
    &["", "=", "=LISTEN_PID=1"],
    &["listen_pid=1", "LISTEN_PID =1"],
    // Variables twice: the first is the one that counts, and all of them are removed.
    &["LISTEN_FDS=1"],
    &["LISTEN_PID=1", "LISTEN_PID=2"],
    &["LISTEN_FDNAMES=a", "LISTEN_FDS=x"],
];

impl Environment {
    /// What the variables say about this process: the number of descriptors is `open`.
    fn strings(&self, open: usize) -> Vec<CString> {
        let number = |name: &str, number: &Option<Number>, right| {
            number.as_ref().map(|number| [name.as_bytes(), &number.text(right)].concat())
        };
        let names = self.listen_fdnames.as_ref().map(|names| [b"LISTEN_FDNAMES=", &*names.text(open)].concat());
        let variables = [
            number("LISTEN_PID=", &self.listen_pid, std::process::id().into()),
            number("LISTEN_PIDFDID=", &self.listen_pidfdid, own_pidfd_inode_id()),
            number("LISTEN_FDS=", &self.listen_fds, open as u64),
            names,
        ];
        let others = |others: &[&str]| others.iter().map(|other| other.as_bytes().to_vec()).collect::<Vec<_>>();
        let strings = [others(self.before), variables.into_iter().flatten().collect(), others(self.behind)].concat();
        strings.into_iter().map(|string| CString::new(string).expect("no zero byte is generated")).collect()
    }

    /// The difference that there is to older releases.
    pub fn known(&self) -> &'static [Known] {
        let numbers = [&self.listen_pid, &self.listen_pidfdid, &self.listen_fds];
        match self.listen_pidfdid {
            Some(_) => &[Known::Pidfdid],
            None => {
                numbers.into_iter().flatten().map(Number::known).find(|known| !known.is_empty()).unwrap_or_default()
            }
        }
    }

    pub fn install(&self, open: usize) -> Installed {
        Installed::new(self.strings(open))
    }
}

/// An environment in use, until dropped.
pub struct Installed {
    strings: Vec<CString>,
    array: Vec<*mut c_char>,
    previous: *mut *mut c_char,
}

unsafe extern "C" {
    static mut environ: *mut *mut c_char;
}

impl Installed {
    pub fn new(strings: Vec<CString>) -> Self {
        let mut array: Vec<_> = strings.iter().map(|string| string.as_ptr().cast_mut()).collect();
        array.push(ptr::null_mut());
        // SAFETY: the child has one thread. The array and its strings live until the old one is put back.
        let previous = unsafe { ptr::replace(&raw mut environ, array.as_mut_ptr()) };
        Self { strings, array, previous }
    }

    /// The environment as it is now, None where it is another array.
    pub fn variables(&self) -> Option<Vec<Bytes>> {
        // SAFETY: it is a pointer.
        if !ptr::eq(unsafe { environ }, self.array.as_ptr()) {
            return None;
        }
        // Read anew, as a function may have moved its elements.
        let string = |i: usize| -> *mut c_char {
            // SAFETY: there are as many elements.
            unsafe { self.array.as_ptr().add(i).read_volatile() }
        };
        let present = (0..self.array.len()).map(string).take_while(|string| !string.is_null());
        Some(present.map(|string| Bytes(self.bytes(string))).collect())
    }

    fn bytes(&self, string: *mut c_char) -> Vec<u8> {
        let ours = self.strings.iter().find(|ours| ptr::eq(ours.as_ptr(), string));
        ours.map_or_else(|| b"a string from elsewhere".to_vec(), |ours| ours.as_bytes().to_vec())
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // SAFETY: as in `new`.
        unsafe { environ = self.previous };
    }
}

/// A number as text: digits with something before, in the middle and behind, all of which is mostly empty.
#[derive(Clone)]
pub struct Number {
    value: Value,
    blanks: &'static str,
    base: Base,
    middle: &'static str,
    trailing: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Value {
    /// What makes the variable right, and so much more.
    Right(i8),
    /// The right one in the lower half of more bits: it must not be cut off.
    Wrapped(u32),
    Exactly(i128),
    /// None at all.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
enum Base {
    Decimal,
    Octal,
    Hexadecimal,
    Prefixed(&'static str, u8),
}

impl Number {
    pub fn text(&self, right: u64) -> Vec<u8> {
        let value = match self.value {
            Value::Right(more) => Some(i128::from(right) + i128::from(more)),
            Value::Wrapped(bit) => Some(i128::from(right) + (1 << bit)),
            Value::Exactly(value) => Some(value),
            Value::Nothing => None,
        };
        let minus = if value.is_some_and(|value| value < 0) { "-" } else { "" };
        let (prefix, digits) = value.map_or_else(Default::default, |value| {
            let value = value.unsigned_abs();
            match self.base {
                Base::Decimal => ("", format!("{value}")),
                Base::Octal => ("0", format!("{value:o}")),
                Base::Hexadecimal => ("0x", format!("{value:x}")),
                Base::Prefixed(prefix, 2) => (prefix, format!("{value:b}")),
                Base::Prefixed(prefix, 8) => (prefix, format!("{value:o}")),
                Base::Prefixed(prefix, _) => (prefix, format!("{value:X}")),
            }
        });
        // A sign that is given stands before the prefix, one that the number has behind: both places are tried.
        [self.blanks, prefix, self.middle, minus, &digits, self.trailing].concat().into_bytes()
    }
}

impl Number {
    /// The difference that there is to older releases.
    pub fn known(&self) -> &'static [Known] {
        let prefix = if let Base::Prefixed(prefix, _) = self.base { prefix } else { "" };
        let binary = [prefix, self.middle].iter().any(|text| text.eq_ignore_ascii_case("0b"));
        if binary { &[Known::Binary] } else { &[] }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, blanks, base, middle, trailing } = self;
        write!(f, "{blanks:?} {base:?} {middle:?} {value:?} {trailing:?}")
    }
}

pub fn number() -> impl Strategy<Value = Number> {
    const LIMITS: &[i128] = &[
        0,
        1,
        2,
        -1,
        -2,
        1 << 10,
        (1 << 15) - 1,
        (1 << 16) - 1,
        1 << 22,
        (1 << 31) - 5,
        (1 << 31) - 4,
        (1 << 31) - 3,
        (1 << 31) - 2,
        (1 << 31) - 1,
        1 << 31,
        -(1 << 31),
        -(1 << 31) - 1,
        (1 << 32) - 1,
        1 << 32,
        -(1 << 32),
        (1 << 63) - 1,
        1 << 63,
        -(1 << 63),
        -(1 << 63) - 1,
        (1 << 64) - 1,
        1 << 64,
        1 - (1 << 64),
        -(1 << 64),
        1 << 100,
    ];
    const BLANKS: &[&str] =
        &[" ", "\t", "\n", "\r", "\x0b", "\x0c", " \t\n\r", "+", "-", " +", "\x0b-", "0", "00", "\u{a0}", "x"];
    const BASES: &[Base] = &[
        Base::Octal,
        Base::Hexadecimal,
        Base::Prefixed("0X", 16),
        Base::Prefixed("0b", 2),
        Base::Prefixed("0B", 2),
        Base::Prefixed("0o", 8),
        Base::Prefixed("0O", 8),
        Base::Prefixed("0b", 10),
        Base::Prefixed("0o", 10),
    ];
    const MIDDLES: &[&str] = &["+", "-", " ", "\t+", "0", "0x", "0b", "0o", "_", "\x0b"];
    const TRAILING: &[&str] = &[" ", "\n", "\t", "\r", "\x0b", "x", ".", ".0", ",", "e0", "k", "L", " 1"];
    let value = prop_oneof![
        80 => Just(Value::Right(0)),
        6 => (-3..4_i8).prop_map(Value::Right),
        2 => select(&[31_u32, 32, 63, 64][..]).prop_map(Value::Wrapped),
        8 => select(LIMITS).prop_map(Value::Exactly),
        3 => any::<i64>().prop_map(|value| Value::Exactly(value.into())),
        1 => Just(Value::Nothing),
    ];
    (value, mostly(15, "", BLANKS), mostly(5, Base::Decimal, BASES), mostly(15, "", MIDDLES), mostly(15, "", TRAILING))
        .prop_map(|(value, blanks, base, middle, trailing)| Number { value, blanks, base, middle, trailing })
}

/// A list of names: the pieces, over and over again, as many as there are descriptors and so many more.
#[derive(Clone, Debug)]
enum Names {
    Listed { pieces: Vec<&'static str>, more: isize, trailing: &'static str },
    Raw(Bytes),
}

impl Names {
    fn text(&self, open: usize) -> Vec<u8> {
        match self {
            Self::Listed { pieces, more, trailing } => {
                let names = pieces.iter().copied().cycle().take(open.saturating_add_signed(*more));
                [names.collect::<Vec<_>>().join(":").as_bytes(), trailing.as_bytes()].concat()
            }
            Self::Raw(bytes) => bytes.0.clone(),
        }
    }
}

fn names() -> impl Strategy<Value = Names> {
    const PIECES: &[&str] = &[
        "http",
        "https",
        "unknown",
        "stored",
        "",
        "a",
        "my.socket",
        "with space",
        "a\\:b",
        "a\\\\",
        "\\",
        "\\\\\\:",
        "\"q\"",
        "'",
        "\"",
        "größe",
        "\u{1f980}",
        "\x01\x7f",
        "\\n",
        "\\x41",
        "\\\"",
        "a=b",
        "\\é",
        "\t",
        "\n",
        "connection",
        "a-name-that-is-longer-than-others-so-that-more-memory-is-needed-for-it-than-for-others-0123456789",
    ];
    let listed =
        (vec(select(PIECES), 1..=6), mostly(4, 0, &[-2, -1, 1, 2]), mostly(15, "", &["\\", ":", "\\\\", "::"]));
    let byte = prop_oneof![3 => select(&b":\\"[..]), 3 => select(&b"ab\"' "[..]), 1 => 1..=255_u8];
    prop_oneof![
        5 => listed.prop_map(|(pieces, more, trailing)| Names::Listed { pieces, more, trailing }),
        2 => vec(byte, 0..16).prop_map(|bytes| Names::Raw(Bytes(bytes))),
    ]
}

/// Environments, and the flag that says to remove the variables.
pub fn environments() -> impl Strategy<Value = (Environment, i32)> {
    let others = || mostly(2, OTHERS[1], OTHERS);
    let unset = prop_oneof![4 => Just(0), 4 => Just(1), 1 => any::<i32>()];
    let pidfdid = option::weighted(0.2, number());
    let fdnames = option::weighted(0.7, names());
    let pid = option::weighted(0.97, number());
    (others(), pid, pidfdid, option::weighted(0.97, number()), fdnames, others(), unset).prop_map(
        |(before, listen_pid, listen_pidfdid, listen_fds, listen_fdnames, behind, unset)| {
            (Environment { listen_pid, listen_pidfdid, listen_fds, listen_fdnames, before, behind }, unset)
        },
    )
}

/// 0 where pidfds are not on a file system of their own.
fn own_pidfd_inode_id() -> u64 {
    use std::os::unix::fs::MetadataExt;
    use std::sync::OnceLock;
    static ID: OnceLock<u64> = OnceLock::new();
    *ID.get_or_init(|| {
        let pidfd = sys::pidfd_open(std::process::id() as _).map(std::fs::File::from);
        pidfd.and_then(|pidfd| pidfd.metadata()).map_or(0, |metadata| metadata.ino())
    })
}
