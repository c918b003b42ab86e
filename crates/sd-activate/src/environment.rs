//! What the service finds in its environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::error::Error;
use crate::log::say;
use crate::options::Options;

/// What is passed on from this process's own environment: nothing else, as with systemd-socket-activate.
const PASSED_ON: &[&str] = &["TERM", "COLORTERM", "NO_COLOR", "PATH", "USER", "HOME"];

/// The longest name of a descriptor.
const FDNAME_MAX: usize = 255;

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One for every start of the service.
    Fixed(OsString),
    /// The process id of the service.
    Pid,
    /// The inode id of a pidfd of the service.
    PidfdId,
}

/// The variables, in their order.
pub type Environment = Vec<(OsString, Value)>;

/// A name and a value.
pub type Assignment = (OsString, OsString);

/// The environment of a service that is passed `count` descriptors.
///
/// `pidfs` says whether LISTEN_PIDFDID can be had.
pub fn build(options: &Options, count: usize, pidfs: bool, assignments: Vec<Assignment>) -> Environment {
    let mut environment = Environment::new();
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            set(&mut environment, name.into(), Value::Fixed(value));
        }
    }

    let count = if options.accept { 1 } else { count };
    let names = names(&options.fdnames);
    if !options.inetd {
        set(&mut environment, "LISTEN_FDS".into(), Value::Fixed(count.to_string().into()));
        set(&mut environment, "LISTEN_PID".into(), Value::Pid);
        if pidfs {
            set(&mut environment, "LISTEN_PIDFDID".into(), Value::PidfdId);
        }
        if !names.is_empty() {
            set(&mut environment, "LISTEN_FDNAMES".into(), Value::Fixed(join(&names, count)));
        }
    } else if !names.is_empty() {
        say("--fdname= has no effect with --inetd present.");
    }

    for (name, value) in assignments {
        set(&mut environment, name, Value::Fixed(value));
    }
    environment
}

/// The variables that `--setenv=` asks for.
pub fn assignments(texts: &[OsString]) -> Result<Vec<Assignment>, Error> {
    texts.iter().map(|text| assign(text).ok_or_else(|| Error::Assignment(text.clone()))).collect()
}

/// A variable that is set again keeps its place.
fn set(environment: &mut Environment, name: OsString, value: Value) {
    match environment.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => environment.push((name, value)),
    }
}

/// What `--setenv=` sets: `NAME=VALUE`, or the value that NAME has here, empty where it has none.
fn assign(assignment: &OsStr) -> Option<Assignment> {
    let text = assignment.to_str()?;
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, value.into()),
        None => (text, std::env::var_os(text).unwrap_or_default()),
    };
    let starts = name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic());
    let goes_on = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    (starts && goes_on).then(|| (name.into(), value))
}

/// The names in lists separated by colons. Empty ones count only where a list holds nothing else.
fn names(lists: &[OsString]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    for list in lists {
        let before = names.len();
        let parts = list.as_bytes().split(|byte| *byte == b':').filter(|name| !name.is_empty());
        names.extend(parts.map(<[u8]>::to_vec));
        if names.len() == before {
            names.push(Vec::new());
        }
    }
    for name in &names {
        let printable = name.iter().all(|byte| (b' '..=b'~').contains(byte));
        if name.len() > FDNAME_MAX || !printable {
            let name = String::from_utf8_lossy(name);
            say(format_args!("File descriptor name {name:?} is not valid: up to 255 printable ASCII characters."));
        }
    }
    names
}

/// One name stands for every descriptor; any other number is passed as it is, and sd_listen_fds_with_names(3) objects.
fn join(names: &[Vec<u8>], count: usize) -> OsString {
    let repeated;
    let names = match names {
        [name] => {
            repeated = vec![name.clone(); count];
            &repeated
        }
        names => {
            if names.len() != count {
                say(format_args!(
                    "The number of fd names is different from the number of fds: {} vs {count}. \
                     Give one name, or as many as there are descriptors: sd_listen_fds_with_names() fails otherwise.",
                    names.len()
                ));
            }
            names
        }
    };
    OsStr::from_bytes(&names.join(&b':')).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_descriptors_are_joined_as_systemd_socket_activate_joins_them() {
        let cases: &[(&[&str], usize, &str)] = &[
            (&["a"], 1, "a"),
            (&["a"], 3, "a:a:a"),
            (&["a:b"], 3, "a:b"),
            (&["a", "b"], 3, "a:b"),
            (&["a:b:c:d"], 3, "a:b:c:d"),
            (&[""], 3, "::"),
            (&["a:"], 3, "a:a:a"),
            (&[":a"], 3, "a:a:a"),
            (&["a::b"], 2, "a:b"),
            (&["::"], 2, ":"),
            (&["", "a"], 2, ":a"),
            (&["a", ""], 2, "a:"),
            (&["a\\:b"], 2, "a\\:b"),
            (&["a b"], 2, "a b:a b"),
        ];
        for (lists, count, expected) in cases {
            let lists: Vec<OsString> = lists.iter().map(OsString::from).collect();
            assert_eq!(join(&names(&lists), *count), *expected, "{lists:?} for {count}");
        }
    }

    #[test]
    fn variables_are_assigned_as_systemd_socket_activate_assigns_them() {
        type Case<'a> = (&'a [u8], Option<(&'a str, &'a str)>);
        let cases: &[Case<'_>] = &[
            (b"A=1", Some(("A", "1"))),
            (b"A=", Some(("A", ""))),
            (b"A=b=c", Some(("A", "b=c"))),
            (b"_a1=x y\n\x01", Some(("_a1", "x y\n\x01"))),
            (b"NOBODY_SETS_THIS", Some(("NOBODY_SETS_THIS", ""))),
            ("A=é".as_bytes(), Some(("A", "é"))),
            (b"A=\xff", None),
            (b"", None),
            (b"=x", None),
            (b"1A=b", None),
            (b"A B=c", None),
            (b"A-B=1", None),
            ("é=x".as_bytes(), None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(name, value)| (name.into(), value.into()));
            assert_eq!(assign(OsStr::from_bytes(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn a_variable_that_is_set_again_keeps_its_place() {
        let mut environment = Environment::new();
        set(&mut environment, "A".into(), Value::Pid);
        set(&mut environment, "B".into(), Value::PidfdId);
        set(&mut environment, "A".into(), Value::Fixed("1".into()));
        assert_eq!(environment, [("A".into(), Value::Fixed("1".into())), ("B".into(), Value::PidfdId)]);
    }
}
