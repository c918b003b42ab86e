//! Values: what is true, numbers, sizes, modes, paths.

use std::fmt::Display;
use std::path::{Component, Path, PathBuf};

use nix::libc::mode_t;

use super::diagnostic::Level;
use crate::spec::number;

/// Why a value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What becomes of the unit: mostly a warning, and the assignment is ignored.
    pub level: Level,
    /// What is wrong with it, and what to write instead.
    pub message: String,
}

impl Invalid {
    /// An assignment that is ignored.
    pub fn new(message: impl Display) -> Self {
        Self { level: Level::Warning, message: message.to_string() }
    }

    /// What has no effect here, and why.
    pub fn no_effect(why: String) -> Self {
        Self { level: Level::NoEffect, message: why }
    }

    /// The same, but for which the unit must not be started.
    pub fn fatal(self) -> Self {
        Self { level: Level::Error, ..self }
    }
}

/// What is true or not.
pub fn boolean(text: &str) -> Result<bool, Invalid> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Ok(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Ok(false),
        _ => Err(Invalid::new(format_args!("\"{text}\" is not a boolean: give yes or no"))),
    }
}

/// A whole number within a range: decimal, after 0x hexadecimal, after 0o or a mere zero octal, after 0b binary.
pub fn integer<T: TryFrom<i128> + Display>(text: &str, least: T, most: T) -> Result<T, Invalid>
where
    i128: From<T>,
{
    let range = (i128::from(least), i128::from(most));
    let within = number::parse(text).filter(|number| (range.0..=range.1).contains(number));
    within
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| Invalid::new(format_args!("\"{text}\" is no number from {} to {}", range.0, range.1)))
}

/// Bytes, with the suffixes B, K, M, G, T, P and E to the base of 1024, fractions, and sums.
pub fn size(text: &str) -> Result<u64, Invalid> {
    let invalid = || Invalid::new(format_args!("\"{text}\" is no size in bytes: give one such as 4096, 64K or 1.5M"));
    let blanks = [' ', '\t', '\n', '\r'];
    let mut rest = text.trim_matches(blanks);
    if rest.is_empty() {
        return Err(invalid());
    }
    let (mut total, mut smallest) = (0u64, usize::MAX);
    while !rest.is_empty() {
        let (number, following) = digits(rest.strip_prefix('+').unwrap_or(rest));
        let (fraction, following) = following.strip_prefix('.').map_or(("", following), digits);
        let following = following.trim_start_matches(blanks);
        let suffix = SUFFIXES.iter().position(|suffix| following.starts_with(*suffix));
        rest = if suffix.is_some() { &following[1..] } else { following };
        // Each has to be smaller than the one before, and bytes without a suffix come last.
        let rank = suffix.map_or(0, |suffix| suffix + 1);
        if number.is_empty() || rank >= smallest {
            return Err(invalid());
        }
        smallest = rank;
        let unit = 1u64 << (10 * suffix.unwrap_or(0));
        let parts = if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse().unwrap_or(0.0) };
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        // The product is below the unit, so it fits.
        let bytes = bytes.and_then(|bytes| bytes.checked_add((parts * unit as f64) as u64));
        total = bytes.and_then(|bytes| bytes.checked_add(total)).ok_or_else(invalid)?;
        rest = rest.trim_start_matches(blanks);
    }
    Ok(total)
}

const SUFFIXES: [char; 7] = ['B', 'K', 'M', 'G', 'T', 'P', 'E'];

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()))
}

/// An access mode, in octal.
pub fn mode(text: &str) -> Result<mode_t, Invalid> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = digits.then(|| mode_t::from_str_radix(text, 8).ok()).flatten();
    value
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| Invalid::new(format_args!("\"{text}\" is no access mode: give one in octal, such as 0660")))
}

/// One of a few words.
pub fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, Invalid> {
    choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        Invalid::new(format_args!("\"{text}\" is not known: give one of {}", words.join(", ")))
    })
}

/// An absolute path, without superfluous slashes and dots; one with `..` is refused.
pub fn absolute_path(text: &str) -> Result<PathBuf, Invalid> {
    if !text.starts_with('/') {
        return Err(Invalid::new(format_args!("\"{text}\" is not an absolute path")));
    }
    normal_path(text)
}

/// A relative path, without superfluous slashes and dots; one with `..` is refused.
pub fn relative_path(text: &str) -> Result<PathBuf, Invalid> {
    if text.starts_with('/') {
        return Err(Invalid::new(format_args!("\"{text}\" is an absolute path: give one that is relative")));
    }
    normal_path(text)
}

fn normal_path(text: &str) -> Result<PathBuf, Invalid> {
    const PATH_MAX: usize = 4096;
    let path = Path::new(text);
    if path.components().any(|component| component == Component::ParentDir) {
        return Err(Invalid::new(format_args!("\"{text}\" contains \"..\": give the path that is meant")));
    }
    if text.len() >= PATH_MAX {
        return Err(Invalid::new("the path is longer than 4095 bytes"));
    }
    Ok(path.components().filter(|component| *component != Component::CurDir).collect())
}

/// The name of a variable.
pub fn is_variable(name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(valid) && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// The name of a descriptor.
pub fn descriptor_name(text: &str) -> Result<String, Invalid> {
    let valid = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b':');
    if text.len() > 255 || !valid {
        return Err(Invalid::new(format_args!(
            "\"{text}\" is no name of a descriptor: give at most 255 printable ASCII characters without a colon"
        )));
    }
    Ok(text.to_owned())
}

/// The name or number of a user or group. Whether there is one is found out when it is needed.
pub fn account(text: &str) -> Result<String, Invalid> {
    let invalid =
        || Invalid::new(format_args!("\"{text}\" is neither the name of a user or group nor a number")).fatal();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // These two stand for "none".
        let number = text.parse::<u32>().ok().filter(|number| ![0xffff, u32::MAX].contains(number));
        let number = number.filter(|number| number.to_string() == text);
        return number.map(|number| number.to_string()).ok_or_else(invalid);
    }
    let valid = |character: char| !character.is_control() && !matches!(character, ':' | '/');
    let signed = text.starts_with('-') && text[1..].bytes().all(|byte| byte.is_ascii_digit());
    let dots = matches!(text, "." | "..");
    if !text.chars().all(valid) || signed || dots || text.trim() != text || text.len() > 255 {
        return Err(invalid());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_as_systemd_reads_them() {
        for text in ["1", "yes", "Y", "tRue", "t", "On"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["0", "NO", "n", "false", "F", "off"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "01", "yess", "2", "ja"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_read_as_systemd_reads_them() {
        let cases = [
            ("5", Some(5)),
            ("+5", Some(5)),
            ("-20", Some(-20)),
            ("0x5", Some(5)),
            ("-0x5", Some(-5)),
            ("010", Some(8)),
            ("0o10", Some(8)),
            ("0b10", Some(2)),
            ("0", Some(0)),
            ("-0", Some(0)),
            ("", None),
            ("+", None),
            ("0x", None),
            ("08", None),
            ("5a", None),
            (" 5", Some(5)),
            ("5 ", None),
            ("5K", None),
            ("100", None),
            ("-21", None),
        ];
        for (text, expected) in cases {
            assert_eq!(integer::<i32>(text, -20, 99).ok(), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_systemd_reads_them() {
        let cases = [
            ("0", Some(0)),
            ("2048B", Some(2048)),
            ("4K", Some(4096)),
            ("1.5K", Some(1536)),
            ("1 G", Some(1 << 30)),
            ("1E", Some(1 << 60)),
            ("1K1", Some(1025)),
            ("1K 5", Some(1029)),
            ("1M1K", Some(1_049_600)),
            ("1K1M", None),
            ("1K1K", None),
            ("1B1", Some(2)),
            ("+1", Some(1)),
            ("20E", None),
            ("99999999999G", None),
            ("", None),
            ("0x10", None),
            ("5KB", None),
            ("4k", None),
            ("-1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn modes_are_octal_and_at_most_7777() {
        for (text, expected) in [("0660", Some(0o660)), ("22", Some(0o22)), ("07777", Some(0o7777)), ("0", Some(0))] {
            assert_eq!(mode(text).ok(), expected, "{text}");
        }
        for text in ["", "888", "0o22", "10000", "-1", "+22", "rw"] {
            assert!(mode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_lose_what_is_superfluous() {
        for (text, expected) in [("/a/./b//c/", "/a/b/c"), ("/", "/"), ("//", "/"), ("/a b", "/a b")] {
            assert_eq!(absolute_path(text).unwrap().to_str(), Some(expected), "{text}");
        }
        for text in ["", "a", "/a/../b", "/..", "./a"] {
            assert!(absolute_path(text).is_err(), "{text}");
        }
        assert_eq!(relative_path("./e//f/").unwrap(), Path::new("e/f"));
    }

    #[test]
    fn users_and_groups_are_names_or_numbers() {
        for text in ["root", "0", "a b", "é", "1a", "_apt", "a.b-c$", ""] {
            assert_eq!(account(text).is_ok(), !text.is_empty(), "{text}");
        }
        for text in ["-1", "01", "65535", "4294967295", "a:b", "a/b", " a", "..", "a\nb"] {
            assert!(account(text).is_err_and(|error| error.level == Level::Error), "{text}");
        }
    }
}
