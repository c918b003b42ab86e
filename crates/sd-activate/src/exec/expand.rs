//! Variables in commands: "Command Lines" in systemd.service(5).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::environment::{Environment, Value};

/// The arguments with their variables replaced: `$NAME` as a word of its own becomes the words of its value, `${NAME}` the
/// value, wherever it stands. What is not set is empty, and `$$` is a `$`.
pub fn expand(arguments: &[OsString], environment: &Environment) -> Vec<OsString> {
    let mut expanded = Vec::new();
    for argument in arguments {
        match argument.as_bytes() {
            [b'$', name @ ..] if is_name(name) => {
                let words = value(name, environment).split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
                expanded.extend(words.map(|word| OsStr::from_bytes(word).to_owned()));
            }
            bytes => expanded.push(OsString::from_vec(within(bytes, environment))),
        }
    }
    expanded
}

fn within(mut rest: &[u8], environment: &Environment) -> Vec<u8> {
    let mut text = Vec::new();
    loop {
        rest = match rest {
            [] => return text,
            [b'$', b'$', behind @ ..] => {
                text.push(b'$');
                behind
            }
            [b'$', b'{', behind @ ..] => {
                let end = behind.iter().position(|byte| *byte == b'}').filter(|end| is_name(&behind[..*end]));
                match end {
                    Some(end) => {
                        text.extend(value(&behind[..end], environment));
                        &behind[end + 1..]
                    }
                    None => {
                        text.extend(b"${");
                        behind
                    }
                }
            }
            [byte, behind @ ..] => {
                text.push(*byte);
                behind
            }
        }
    }
}

fn is_name(name: &[u8]) -> bool {
    let starts = name.first().is_some_and(|byte| *byte == b'_' || byte.is_ascii_alphabetic());
    starts && name.iter().all(|byte| *byte == b'_' || byte.is_ascii_alphanumeric())
}

fn value<'a>(name: &[u8], environment: &'a Environment) -> &'a [u8] {
    match environment.iter().find(|(known, _)| known.as_bytes() == name) {
        Some((_, Value::Fixed(value))) => value.as_bytes(),
        _ => b"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_as_the_manual_says() {
        let environment = vec![
            ("ONE".into(), Value::Fixed("one".into())),
            ("TWO".into(), Value::Fixed(" two  three ".into())),
            ("EMPTY".into(), Value::Fixed("".into())),
        ];
        let cases: &[(&[&str], &[&str])] = &[
            (&["$ONE", "${ONE}", "$TWO", "${TWO}"], &["one", "one", "two", "three", " two  three "]),
            (&["a${ONE}b", "a$ONE", "${ONE}${ONE}"], &["aoneb", "a$ONE", "oneone"]),
            (&["$EMPTY", "${EMPTY}", "$UNSET", "x${UNSET}"], &["", "x"]),
            (&["$$ONE", "$$", "$", "${", "${1}", "${ONE", "$1"], &["$ONE", "$", "$", "${", "${1}", "${ONE", "$1"]),
        ];
        for (arguments, expected) in cases {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            assert_eq!(expand(&arguments, &environment), *expected, "{arguments:?}");
        }
    }
}
