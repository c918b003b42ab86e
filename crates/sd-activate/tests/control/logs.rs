//! `sdctl logs`.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::Value;

use super::common::units::Units;
use super::common::{ask, eventually, pid};
use super::{sdctl, socket_and_service};

fn talkative() -> Units {
    Units::new(&[
        ("a.socket", super::SOCKET),
        ("a.service", super::SERVICE),
        (
            "b.service",
            "[Service]\nExecStart=sh -c 'echo one; echo \"<3>two\"; printf \"three\\\\n<4>four\\\\n\"; exec sleep 1000'\nSyslogIdentifier=bee\n",
        ),
    ])
}

/// The messages of what these arguments print.
fn cat(units: &Units, arguments: &[&str]) -> Vec<String> {
    let (status, out, said) = sdctl(units, &[&["logs", "-o", "cat"], arguments].concat());
    assert_eq!(status, Some(0), "{arguments:?}: {said}");
    out.lines().map(str::to_owned).collect()
}

#[test]
fn entries_are_chosen_by_the_options_of_journalctl() {
    let units = talkative();
    let activator = units.start(&["a.socket", "b.service"], 1);
    eventually("all was logged", || cat(&units, &["-t", "bee"]).contains(&"four".to_owned()).then_some(()));
    assert_eq!(cat(&units, &["-t", "bee"]), ["one", "two", "three", "four"]);
    assert_eq!(cat(&units, &["-t", "bee", "-p", "err"]), ["two"]);
    assert_eq!(cat(&units, &["-t", "bee", "-p4"]), ["two", "four"]);
    assert_eq!(cat(&units, &["-t", "bee", "-n", "2"]), ["three", "four"]);
    assert_eq!(cat(&units, &["-t", "bee", "-n2", "-r"]), ["four", "three"]);
    assert_eq!(cat(&units, &["-t", "bee", "-e", "--no-pager"]), ["one", "two", "three", "four"]);
    assert_eq!(cat(&units, &["PRIORITY=4"]), ["four"]);
    assert_eq!(cat(&units, &["-u", "b", "-n1"]), cat(&units, &["--unit=b.service", "--lines=1"]));
    assert_eq!(cat(&units, &["-u", "b*", "-u", "nothing", "_TRANSPORT=stdout", "-n", "all"]).len(), 4);
    assert_eq!(cat(&units, &["-t", "bee", "--since=-1h", "--until=now"]).len(), 4);
    assert_eq!(cat(&units, &["-t", "bee", "--since", "tomorrow", "-q"]), [""; 0]);
    let about = cat(&units, &["-u", "b"]);
    assert!(about.contains(&"Started b.service.".to_owned()) && about.contains(&"one".to_owned()), "{about:?}");
    assert!(!cat(&units, &["-u", "a.socket"]).contains(&"one".to_owned()));

    let (_, json, _) = sdctl(&units, &["logs", "-t", "bee", "-n1", "-o", "json"]);
    let entry: Value = serde_json::from_str(&json).unwrap();
    let (_, main, _) = sdctl(&units, &["show", "-P", "MainPID", "b"]);
    assert_eq!(
        (&entry["MESSAGE"], &entry["PRIORITY"], &entry["_SYSTEMD_UNIT"]),
        (&"four".into(), &"4".into(), &"b.service".into())
    );
    assert_eq!(entry["_PID"], main.trim());
    let (_, short, _) = sdctl(&units, &["logs", "-t", "bee", "-n1"]);
    assert!(short.ends_with(&format!(" bee[{}]: four\n", main.trim())), "{short}");
    assert!(activator.output().contains(&short), "what is on standard error is the same");
}

#[test]
fn what_is_wrong_with_the_options_is_said_as_by_journalctl() {
    let units = socket_and_service();
    let _activator = units.start(&["a.socket"], 1);
    for (arguments, status, expected) in [
        (&["-u", "nothing"][..], 0, "-- No entries --\n"),
        (&["-q", "-u", "nothing"], 0, ""),
        (&["-p", "foo"], 1, "Unknown log level foo\n"),
        (&["-o", "foo"], 1, "Unknown output format 'foo'.\n"),
        (&["--since", "foo"], 1, "Failed to parse timestamp: foo\n"),
        (&["foo"], 1, "Failed to add match 'foo': Invalid argument\n"),
        (&["-n", "x"], 1, "Failed to parse lines 'x'\n"),
        (&["-r", "-f"], 1, "Please specify either --reverse or --follow, not both.\n"),
    ] {
        let (code, out, said) = sdctl(&units, &[&["logs"], arguments].concat());
        assert_eq!((code, said.as_str(), out.as_str()), (Some(status), expected, ""), "{arguments:?}");
    }
}

#[test]
fn what_comes_is_printed_as_it_comes() {
    let units = talkative();
    let mut activator = units.start(&["a.socket"], 1);
    let mut follower = units.sdctl(&["logs", "-f", "-n", "all", "-o", "cat", "-u", "a"]);
    let mut follower = follower.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap());
    let mut line = String::new();
    pid(units.port);
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "Started a.service - A Service.\n");
    ask(units.port, "exit 0");
    line.clear();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "a.service: Deactivated successfully.\n");

    assert!(activator.stop().success());
    assert_eq!(follower.wait().unwrap().code(), Some(1));
    let mut said = String::new();
    follower.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("it has ended"), "{said}");
}
