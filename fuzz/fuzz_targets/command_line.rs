//! sd-activate's command line: options that were read and are written out again mean the same, what follows them is the
//! command untouched, and the service's environment holds what `--fdname=` and `--setenv=` say.
//!
//! The input: the arguments, one a line.
#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use libfuzzer_sys::fuzz_target;
use nix::sys::socket::SockType;
use sd_activate::cli::activate::{self, Activation, Unusable};
use sd_activate::cli::names;
use sd_activate::exec::environment::{self, Environment, Passing, Value};
use sd_activate::spec::Endpoint;

fuzz_target!(|data: &[u8]| {
    if data.contains(&0) {
        return;
    }
    let arguments: Vec<&OsStr> = data.split(|byte| *byte == b'\n').map(OsStr::from_bytes).collect();
    let Ok(activation) = parse(&arguments) else { return };
    let command = &activation.command().arguments;
    assert!(!command.is_empty() && arguments.ends_with(&as_slices(command)), "{arguments:?}");
    assert_eq!(Some(activation.command().path.as_os_str()), command.first().map(OsString::as_os_str));
    if let Some(written) = written(&activation) {
        let again = parse(&as_slices(&written)).expect("what is written out is read again");
        assert_eq!(format!("{again:?}"), format!("{activation:?}"), "{arguments:?}");
    }
    for count in [1, 3] {
        passed(&activation, count);
    }
});

fn parse(arguments: &[&OsStr]) -> Result<Activation, Unusable> {
    activate::parse([OsStr::new("sd-activate")].iter().chain(arguments).map(OsString::from).collect())
}

fn as_slices(texts: &[OsString]) -> Vec<&OsStr> {
    texts.iter().map(OsString::as_os_str).collect()
}

/// Every option in its long form. None where an address has no text, as it has bytes that would not print.
fn written(activation: &Activation) -> Option<Vec<OsString>> {
    let mut options: Vec<OsString> = Vec::new();
    let seqpacket = |socket_type: &SockType| *socket_type == SockType::SeqPacket;
    let mut types = Vec::new();
    for listen in &activation.socket.listen {
        let Endpoint::Socket { address, socket_type } = &listen.endpoint else { panic!("{listen:?}") };
        let option = if *socket_type == SockType::Datagram { "--listen-datagram" } else { "--listen" };
        let text = address.to_string();
        if text.contains('\\') {
            return None;
        }
        options.push(format!("{option}={text}").into());
        types.push(*socket_type);
    }
    for (name, value) in &activation.service.exec.environment {
        let mut option = OsString::from(format!("--setenv={name}="));
        option.push(value);
        options.push(option);
    }
    for name in &activation.names {
        options.push(OsString::from_vec([b"--fdname=", &name[..]].concat()));
    }
    let flags = [
        ("--seqpacket", types.iter().any(seqpacket)),
        ("--accept", activation.socket.accept),
        ("--inetd", activation.is_inetd()),
        ("--now", activation.once.now),
        ("--once", activation.once.once),
    ];
    options.extend(flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag.into()));
    options.push("--".into());
    options.extend(activation.command().arguments.iter().cloned());
    Some(options)
}

/// What the service finds.
fn passed(activation: &Activation, count: usize) {
    let names = names::of_each(activation.names.clone(), count);
    assert_eq!(names.len(), if activation.names.len() == 1 { count } else { activation.names.len() });
    for inetd in [false, true] {
        let passing = Passing { count, names: &names, pidfs: true };
        let environment = environment::build(&activation.service.exec, (!inetd).then_some(&passing));
        let listed = |text: OsString| (!inetd).then_some(Value::Fixed(text));
        let joined = OsString::from_vec(names.join(&b':'));
        is(&environment, activation, "LISTEN_FDS", listed(count.to_string().into()));
        is(&environment, activation, "LISTEN_PID", (!inetd).then_some(Value::Pid));
        is(&environment, activation, "LISTEN_PIDFDID", (!inetd).then_some(Value::PidfdId));
        is(&environment, activation, "LISTEN_FDNAMES", listed(joined).filter(|_| !names.is_empty()));
        for (name, _) in &environment {
            assert_eq!(environment.iter().filter(|(other, _)| other == name).count(), 1, "{name:?}");
        }
        for (name, _) in &activation.service.exec.environment {
            is(&environment, activation, name, None);
        }
    }
}

/// A variable is there once, with the value that `--setenv=` gives it last, or else this one.
fn is(environment: &Environment, activation: &Activation, name: &str, otherwise: Option<Value>) {
    let set = activation.service.exec.environment.iter().rfind(|(known, _)| known == name);
    let expected = set.map(|(_, value)| Value::Fixed(value.clone())).or(otherwise);
    let found = environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    assert_eq!(found, expected, "{name}");
}
