//! sd-activate's command line: options that were read and are written out again mean the same, what follows them is the
//! command untouched, and the service's environment holds what `--fdname=` and `--setenv=` say.
//!
//! The input: the arguments, one a line.
#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use libfuzzer_sys::fuzz_target;
use nix::sys::socket::SockType;
use sd_activate::environment::{self, Assignment, Environment, Value};
use sd_activate::options::{self, Options};

fuzz_target!(|data: &[u8]| {
    if data.contains(&0) {
        return;
    }
    let arguments: Vec<&OsStr> = data.split(|byte| *byte == b'\n').map(OsStr::from_bytes).collect();
    let Ok(options) = parse(&arguments) else { return };
    assert!(!options.command.is_empty() && arguments.ends_with(&as_slices(&options.command)), "{arguments:?}");
    let written = written(&options);
    let again = parse(&as_slices(&written)).expect("what is written out is read again");
    assert_eq!(format!("{again:?}"), format!("{options:?}"), "{arguments:?}");

    let Ok(assignments) = environment::assignments(&options.setenv) else { return };
    assigned(&options.setenv, &assignments);
    for count in [1, 3] {
        let environment = environment::build(&options, count, true, assignments.clone());
        passed(&options, count, &environment, &assignments);
    }
});

fn parse(arguments: &[&OsStr]) -> Result<Options, options::NotOptions> {
    options::parse([OsStr::new("sd-activate")].iter().chain(arguments).map(OsString::from).collect())
}

fn as_slices(texts: &[OsString]) -> Vec<&OsStr> {
    texts.iter().map(OsString::as_os_str).collect()
}

/// Every option in its long form.
fn written(options: &Options) -> Vec<OsString> {
    let mut arguments = Vec::new();
    for (name, values) in [("listen", &options.listen), ("setenv", &options.setenv), ("fdname", &options.fdnames)] {
        arguments.extend(values.iter().map(|value| {
            let mut argument = OsString::from(format!("--{name}="));
            argument.push(value);
            argument
        }));
    }
    let flags = [
        ("--datagram", options.socket_type == SockType::Datagram),
        ("--seqpacket", options.socket_type == SockType::SeqPacket),
        ("--accept", options.accept),
        ("--inetd", options.inetd),
        ("--now", options.now),
        ("--once", options.once),
    ];
    arguments.extend(flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag.into()));
    arguments.push("--".into());
    arguments.extend(options.command.iter().cloned());
    arguments
}

/// Each assignment is what was given, or where that is but a name, what it has here.
fn assigned(texts: &[OsString], assignments: &[Assignment]) {
    assert_eq!(texts.len(), assignments.len());
    for (text, (name, value)) in texts.iter().zip(assignments) {
        let name_bytes = name.as_bytes();
        assert!(name_bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'), "{text:?}");
        assert!(!name_bytes.is_empty() && !name_bytes[0].is_ascii_digit(), "{text:?}");
        if text.as_bytes().contains(&b'=') {
            assert_eq!([name_bytes, b"=", value.as_bytes()].concat(), text.as_bytes());
        } else {
            assert_eq!((text, std::env::var_os(name).unwrap_or_default()), (name, value.clone()));
        }
    }
}

/// What the service finds.
fn passed(options: &Options, count: usize, environment: &Environment, assignments: &[Assignment]) {
    let value = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    for (name, _) in environment {
        assert_eq!(environment.iter().filter(|(other, _)| other == name).count(), 1, "{name:?}");
    }
    for (name, _) in assignments {
        let last = assignments.iter().rfind(|(other, _)| other == name).map(|(_, value)| Value::Fixed(value.clone()));
        assert_eq!(environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()), last);
    }
    let assigned = |name: &str| assignments.iter().any(|(known, _)| known == name);

    let count = if options.accept { 1 } else { count };
    let expected = (!options.inetd).then(|| Value::Fixed(count.to_string().into()));
    assert!(assigned("LISTEN_FDS") || value("LISTEN_FDS") == expected.as_ref());
    let expected = (!options.inetd).then_some(Value::Pid);
    assert!(assigned("LISTEN_PID") || value("LISTEN_PID") == expected.as_ref());
    let expected = (!options.inetd).then_some(Value::PidfdId);
    assert!(assigned("LISTEN_PIDFDID") || value("LISTEN_PIDFDID") == expected.as_ref());
    let expected = names(&options.fdnames, count).filter(|_| !options.inetd).map(Value::Fixed);
    assert!(assigned("LISTEN_FDNAMES") || value("LISTEN_FDNAMES") == expected.as_ref(), "{options:?}");
}

/// The rule of `--fdname=`: names and colons; a list of none is one empty name, and a single name is everyone's.
fn names(lists: &[OsString], count: usize) -> Option<OsString> {
    let mut names: Vec<&[u8]> = Vec::new();
    for list in lists.iter().map(|list| list.as_bytes()) {
        match list.iter().all(|byte| *byte == b':') {
            true => names.push(b""),
            false => names.extend(list.split(|byte| *byte == b':').filter(|name| !name.is_empty())),
        }
    }
    match names[..] {
        [] => None,
        [name] => Some(OsString::from_vec(vec![name; count].join(&b':'))),
        _ => Some(OsString::from_vec(names.join(&b':'))),
    }
}
