//! Command lines, as "Command Lines" in systemd.service(5) describes them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::given::{Given, unreadable};
use super::quoting::{Escapes, Word, words};
use super::value::Invalid;
use crate::spec::{Command, Privileges};

/// Adds the commands of a line to a list. One that cannot be read ends the line, and is an error unless `-` stands before it.
pub fn parse(given: &Given<'_>, list: &mut Vec<Command>) -> Result<(), Invalid> {
    let mut words = words(given.value, Escapes::Decode).peekable();
    while let Some(first) = words.next() {
        // No path was read yet to which it would matter.
        let first = first.map_err(|error| unreadable(error, given.value))?;
        if first.written == ";" {
            continue;
        }
        let (prefixes, path) = prefixes(&first.bytes);
        let ignored = prefixes.ignore_failure;
        let mut arguments = Vec::new();
        while let Some(word) = words.next_if(|word| !word.as_ref().is_ok_and(|word| word.written == ";")) {
            let word = word.map_err(|error| severity(unreadable(error, given.value), ignored))?;
            arguments.push(argument(given, word).map_err(|error| severity(error, ignored))?);
        }
        list.push(command(given, prefixes, path, arguments).map_err(|error| severity(error, ignored))?);
    }
    Ok(())
}

fn severity(error: Invalid, ignored: bool) -> Invalid {
    if ignored { error } else { error.fatal() }
}

fn argument(given: &Given<'_>, word: Word) -> Result<OsString, Invalid> {
    if word.written == "\\;" {
        return Ok(";".into());
    }
    if word.unknown_escape {
        let written = &word.written;
        given.say(Invalid::new(format_args!(
            "{written} contains a backslash that starts no escape: write \\\\ for a single one"
        )));
    }
    // Escapes can name any byte.
    let mut argument = Vec::new();
    for chunk in word.bytes.utf8_chunks() {
        argument.extend(given.specifiers.expand(chunk.valid())?.into_bytes());
        argument.extend_from_slice(chunk.invalid());
    }
    Ok(OsString::from_vec(argument))
}

/// What stands before a path.
struct Prefixes {
    ignore_failure: bool,
    zeroth_argument: bool,
    expand: bool,
    privileges: Privileges,
}

/// Takes the prefixes off: each at most once, and one of `+`, `!` and `!!`.
fn prefixes(word: &[u8]) -> (Prefixes, &[u8]) {
    let mut found =
        Prefixes { ignore_failure: false, zeroth_argument: false, expand: true, privileges: Privileges::Restricted };
    let mut rest = word;
    // "!!" changes nothing where the kernel has ambient capabilities, which it has had since 4.3.
    let mut privileged = false;
    loop {
        rest = match rest {
            [b'-', rest @ ..] if !found.ignore_failure => {
                found.ignore_failure = true;
                rest
            }
            [b'@', rest @ ..] if !found.zeroth_argument => {
                found.zeroth_argument = true;
                rest
            }
            [b':', rest @ ..] if found.expand => {
                found.expand = false;
                rest
            }
            [b'+', rest @ ..] if !privileged => {
                (privileged, found.privileges) = (true, Privileges::Full);
                rest
            }
            [b'!', b'!', rest @ ..] if !privileged => {
                privileged = true;
                rest
            }
            [b'!', rest @ ..] if !privileged => {
                (privileged, found.privileges) = (true, Privileges::OwnCredentials);
                rest
            }
            rest => return (found, rest),
        };
    }
}

fn command(given: &Given<'_>, prefixes: Prefixes, path: &[u8], mut rest: Vec<OsString>) -> Result<Command, Invalid> {
    let written = String::from_utf8_lossy(path).into_owned();
    if written.is_empty() {
        return Err(Invalid::new("the path of the command is empty"));
    }
    let path = given.specifiers.expand(&written)?;
    let plain_name = !path.contains('/') && !matches!(path.as_str(), "" | "." | "..");
    if !path.starts_with('/') && !plain_name {
        return Err(Invalid::new(format_args!("{path} is neither an absolute path nor the mere name of a program")));
    }
    if path.ends_with('/') {
        return Err(Invalid::new(format_args!("{path} is a directory: give the path of a program")));
    }
    if path.chars().any(|character| character.is_control() || "\\\"'".contains(character)) {
        return Err(Invalid::new(format_args!(
            "the command {} contains control characters, quotation marks or backslashes",
            path.escape_debug()
        )));
    }
    let mut arguments = if prefixes.zeroth_argument { Vec::new() } else { vec![OsString::from(&path)] };
    arguments.append(&mut rest);
    if arguments.is_empty() {
        return Err(Invalid::new(format_args!("behind @{path} the zeroth argument is missing")));
    }
    Ok(Command {
        path: PathBuf::from(path),
        arguments,
        expand: prefixes.expand,
        ignore_failure: prefixes.ignore_failure,
        privileges: prefixes.privileges,
        origin: given.origin.clone(),
    })
}
