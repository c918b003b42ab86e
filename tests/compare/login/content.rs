//! What stands in the files below /run/systemd, from what a daemon writes to what nobody would.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::strategy::mostly;

/// The kinds of files, each in a directory of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FileOf {
    Session,
    User,
    Seat,
    Machine,
}

impl FileOf {
    pub const fn directory(self) -> &'static str {
        match self {
            Self::Session => "/run/systemd/sessions",
            Self::User => "/run/systemd/users",
            Self::Seat => "/run/systemd/seats",
            Self::Machine => "/run/systemd/machines",
        }
    }

    /// The file that most cases ask for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "c1",
            Self::User => "1000",
            Self::Seat => "seat0",
            Self::Machine => "m",
        }
    }

    #[rustfmt::skip]
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Session => &[
                "UID", "USER", "ACTIVE", "IS_DISPLAY", "STATE", "REMOTE", "TYPE", "ORIGINAL_TYPE", "CLASS", "SCOPE",
                "FIFO", "SEAT", "TTY", "DISPLAY", "REMOTE_HOST", "REMOTE_USER", "SERVICE", "DESKTOP", "VTNR",
                "POSITION", "LEADER", "AUDIT", "REALTIME", "MONOTONIC", "CONTROLLER", "EXTRA_DEVICE_ACCESS",
            ],
            Self::User => &[
                "NAME", "STATE", "STOPPING", "RUNTIME", "DISPLAY", "REALTIME", "MONOTONIC", "SESSIONS", "SEATS",
                "ACTIVE_SESSIONS", "ONLINE_SESSIONS", "ACTIVE_SEATS", "ONLINE_SEATS",
            ],
            Self::Seat => &[
                "IS_SEAT0", "CAN_MULTI_SESSION", "CAN_TTY", "CAN_GRAPHICAL", "ACTIVE", "ACTIVE_UID", "SESSIONS",
                "UIDS",
            ],
            Self::Machine => &["NAME", "SCOPE", "SERVICE", "ROOT", "ID", "LEADER", "CLASS", "REALTIME", "NETIF"],
        }
    }
}

#[rustfmt::skip]
const NUMBERS: &[&str] = &[
    "1000", "0", "1", "1001", "7", "63", "64", "65534", "65535", "65536", "2147483647", "2147483648", "4294967294",
    "4294967295", "4294967296", "18446744073709551615", "18446744073709551616", "9223372036854775808", "-1", "-0",
    "+1000", "01000", "0x10", "0b11", "0o17", "1e3", "1000.0", " 1000", "1000 ", "1_000", "1s", "", "x", "١",
];

#[rustfmt::skip]
const BOOLEANS: &[&str] = &[
    "1", "0", "yes", "no", "true", "false", "on", "off", "y", "n", "t", "f", "YES", "oN", "True", "2", "-1", "01",
    "1 ", " 0", "", "maybe", "enable",
];

#[rustfmt::skip]
const TEXTS: &[&str] = &[
    "active", "online", "closing", "offline", "lingering", "seat0", "seat-1", "c1", "c2", "1", "tty1", ":0", "user",
    "greeter", "GNOME", "ubuntu:GNOME", "größe", "with space", " leading", "trailing ", "a=b", "a\tb", "#x", ";x", "~",
    "$HOME", "`x`", "a/b", "../x", ".", "n/a", "\u{1f980}", "\x01", "\x7f", "a\rb", "\\x41", "\\101", "\\n", "\\",
    "\\\\", "\"", "'", "a\"b\"c", "a'b'c", "\\\"", "\\'", "\\u00e4", "\\x20\\x00",
];

#[rustfmt::skip]
const LISTS: &[&str] = &[
    "c1", "1 2 3", "1", "c1 c2", "seat0", "seat0 seat1", "seat-x seat0", "1000", "1000 1001", "0 1000", "1000 1000",
    "1001 1000", "10001", "100", " 1  2 ", "1\t2", "1,2", "1 x 2", "1 -1", "1 4294967295", "65535", "1 0x2", "a/b c",
    "../c1", "ü", "0", "00 01", "c1 c1", "\\x31", "'1 2' 3", "\\\"1 2\\\" 3", "1 \\", "x", "seat0x xseat0 seat", " ",
    "2147483647 2147483648", "camera gpu", "a-b_c",
];

/// The values that a field is likely to have.
fn values(field: &str) -> &'static [&'static str] {
    match field {
        "UID" | "VTNR" | "LEADER" | "REALTIME" | "MONOTONIC" | "ACTIVE_UID" | "POSITION" | "AUDIT" => NUMBERS,
        "ACTIVE" | "REMOTE" | "IS_DISPLAY" | "IS_SEAT0" | "STOPPING" => BOOLEANS,
        field if field.starts_with("CAN_") => BOOLEANS,
        field if field.ends_with('S') && !field.ends_with("CLASS") => LISTS,
        "NETIF" => LISTS,
        _ => TEXTS,
    }
}

const FIELDS_OF_NOBODY: &[&str] =
    &["", " ", "X", "#", ";", "\t", "export ", "A B", "=", "\u{feff}", "\0", "UID ", "state", "_", "1"];

/// How a value stands in its line.
#[rustfmt::skip]
const STYLES: &[(&str, &str)] = &[
    ("\"", "\""), ("'", "'"), ("\"", ""), ("'", ""), ("", "\""), (" ", ""), ("", " "), (" \"", "\" "), ("\"\"", ""),
    ("\"a\"", ""), ("", "\"b\""), ("'a' \"", "\""), ("\\", ""), ("", "\\\n"), ("\\\n", ""), ("\\\n \t\n", ""), ("\"\\\n", "\""),
    ("\"", "\nbehind\""), ("'", "\nbehind'"), ("", " # no comment"), ("", "\r"), ("", "\0"), ("\0", ""), ("=", ""),
    ("$'", "'"), ("\"\\", "\""), ("'\\", "'"), ("", "\\"), ("\t", "\t"), ("\u{feff}", ""), ("\"", "\"#"),
];

const ENDS: &[&str] = &["\r\n", "", "\n\n", "\n \n", "\n#\n", "\n;x=1\n", "\r", "\0\n", "\nX\n", "\n=\n", "\n\\\n"];

/// One field, or a line that is none.
#[derive(Clone, Debug)]
struct Line {
    before: &'static str,
    field: &'static str,
    value: (u16, u16),
    /// A value that this field does not have.
    alien: bool,
    twice: bool,
    style: (&'static str, &'static str),
    end: &'static str,
    repeat: usize,
}

impl Line {
    fn write(&self, text: &mut Vec<u8>) {
        let pools = [NUMBERS, BOOLEANS, TEXTS, LISTS];
        let pool = if self.alien { pools[usize::from(self.value.1) % pools.len()] } else { values(self.field) };
        let value = pool[usize::from(self.value.0) % pool.len()];
        text.extend([self.before, self.field, "=", self.style.0].map(str::as_bytes).concat());
        text.extend(value.repeat(self.repeat).bytes());
        if self.twice {
            text.push(b' ');
            text.extend(pool[usize::from(self.value.1) % pool.len()].bytes());
        }
        text.extend([self.style.1, self.end].map(str::as_bytes).concat());
    }
}

fn lines(file: FileOf, reads: &'static [&'static str]) -> impl Strategy<Value = Line> {
    let own = if reads.is_empty() { file.fields() } else { reads };
    let field = prop_oneof![12 => select(own), 4 => select(file.fields()), 1 => select(FIELDS_OF_NOBODY)];
    // The first of the values are those of a daemon.
    let value = (prop_oneof![0..3_u16, any::<u16>()], any::<u16>());
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    let repeat = prop_oneof![600 => Just(1_usize), 4 => 2..600_usize, 1 => 600..20_000_usize];
    let before = mostly(20, "", &[" ", "\t", "X", "export ", "#", "; ", "\\", "\"", "'", "=", "\n\n", "\r", "\0"]);
    (before, field, value, flags, mostly(3, ("", ""), STYLES), mostly(8, "\n", ENDS), repeat).prop_map(
        |(before, field, value, (alien, twice), style, end, repeat)| Line {
            before,
            field,
            value,
            alien,
            twice,
            style,
            end,
            repeat,
        },
    )
}

/// What a file of that kind has, mostly fields that are read.
pub fn contents(file: FileOf, reads: &'static [&'static str]) -> impl Strategy<Value = Bytes> {
    let field = reads.first().copied().unwrap_or("STATE");
    let fields = vec(lines(file, reads), 0..6).prop_map(|lines| {
        let mut text = Vec::new();
        lines.iter().for_each(|line| line.write(&mut text));
        Bytes(text)
    });
    let byte = prop_oneof![6 => select(&b"\"'\\=\n #;\r\t$"[..]), 4 => select(&b"a1 0"[..]), 1 => any::<u8>()];
    let garbage = vec(byte, 0..24).prop_map(move |bytes| Bytes([field.as_bytes(), b"=", &bytes].concat()));
    let many = (500..3000_usize).prop_map(move |lines| {
        let filler = (0..lines).flat_map(|i| format!("FIELD{i}=value\n").into_bytes());
        Bytes(filler.chain(format!("{field}=1\n").into_bytes()).collect())
    });
    prop_oneof![2000 => fields, 300 => garbage, 1 => many]
}
