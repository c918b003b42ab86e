//! The same command lines for systemd-cat(1) and for sd-cat: the journal gets the same.

#[path = "../common/mod.rs"]
mod common;
mod random;

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Original, without_numbers, words};
use sdlite_test_support::{scratch, with_run};

const OURS: &str = env!("CARGO_BIN_EXE_sd-cat");
const ORIGINAL: &str = "systemd-cat";

/// The arguments, and standard input.
const CASES: &[(&[&str], &str)] = &[
    (&["echo", "hi"], ""),
    (&[], "a\nb"),
    (&[], ""),
    (&["-t", "id", "-p", "err"], "a\n<3>b\nc\n"),
    (&["cat"], "what the command reads"),
    (&["-t", "id", "sh", "-c", "echo o; echo e >&2"], ""),
    (&["-p", "3", "--stderr-priority=5", "sh", "-c", "echo o; echo e >&2"], ""),
    (&["-p", "3", "--stderr-priority=3", "sh", "-c", "echo o; echo e >&2"], ""),
    (&["--stderr-priority=debug", "sh", "-c", "echo o; echo e >&2"], ""),
    (&["sh", "-c", "echo o; readlink /proc/self/fd/1 /proc/self/fd/2"], ""),
    (&["--level-prefix=no", "true"], ""),
    (&["--level-prefix=0", "-t", "x"], "<3>a"),
    (&["--level-prefix=TRUE", "true"], ""),
    (&["--level-prefix", "on", "true"], ""),
    (&["--level-prefix=maybe", "true"], ""),
    (&["--level-prefix=", "true"], ""),
    (&["-p", "emerg", "true"], ""),
    (&["-p", "debug", "true"], ""),
    (&["-p", "0", "true"], ""),
    (&["-p", "7", "true"], ""),
    (&["-p", "03", "true"], ""),
    (&["-p", " 3", "true"], ""),
    (&["-p", "8", "true"], ""),
    (&["-p", "-1", "true"], ""),
    (&["-p", "3.0", "true"], ""),
    (&["-p", "", "true"], ""),
    (&["-p", "ERR", "true"], ""),
    (&["-p", "warn", "true"], ""),
    (&["-p", "nonsense", "true"], ""),
    (&["--stderr-priority=x", "true"], ""),
    (&["-p", "3", "-p", "5", "true"], ""),
    (&["-p", "x", "-p", "5", "true"], ""),
    (&["-t", "a", "-t", "b", "true"], ""),
    (&["-t", "", "true"], ""),
    (&["-t", "a b", "true"], ""),
    (&["-t", "a\nb", "true"], ""),
    (&["-tx", "-p3", "echo", "-t", "--help"], ""),
    (&["--ident=x", "--prio=3", "true"], ""),
    (&["--", "echo", "--", "x"], ""),
    (&["false"], ""),
    (&["sh", "-c", "exit 7"], ""),
    (&["sh", "-c", "kill -9 $$"], ""),
    (&["no-such-command"], ""),
    (&["/"], ""),
    (&[""], ""),
    (&["--", "-x"], ""),
];

/// Those of newer releases, and since which.
const NEWER: &[(u32, &[&str], &str)] = &[
    (256, &["--namespace=ns", "echo", "x"], ""),
    (256, &["--namespace=nope", "true"], ""),
    (256, &["--namespace=a/b", "true"], ""),
    (256, &["--namespace=", "true"], ""),
    (258, &["sh", "-c", "test $JOURNAL_STREAM = $(stat -L -c %d:%i /proc/self/fd/2)"], ""),
    (258, &["--stderr-priority=3", "sh", "-c", "test $JOURNAL_STREAM = $(stat -L -c %d:%i /proc/self/fd/2)"], ""),
];

/// What is wrong in the words of whoever reads options.
const UNUSABLE: &[&[&str]] = &[&["-x"], &["--nonsense"], &["-t"], &["--level-prefix"], &["--version=1"], &["-p"]];

/// What becomes of a command line: status, words, and what the journal gets in each stream.
fn observe(
    command: &[impl AsRef<std::ffi::OsStr>],
    arguments: &[&str],
    input: &str,
    journal: bool,
) -> Option<Vec<String>> {
    let run = scratch();
    let mut streams = Vec::new();
    for directory in ["journal", "journal.ns"].iter().filter(|_| journal) {
        let directory = run.path().join("systemd").join(directory);
        fs::create_dir_all(&directory).expect("a directory");
        let listener = UnixListener::bind(directory.join("stdout")).expect("a socket");
        listener.set_nonblocking(true).expect("a socket");
        streams.push(listener);
    }
    let written = scratch();
    let written = written.path().join("input");
    fs::write(&written, input).expect("a file");
    let mut inside = with_run(run.path())?;
    inside.args(command).args(arguments).stdin(Stdio::from(File::open(&written).expect("what was written")));
    let output = inside.output().expect("unshare");
    let mut observed = words(&output);
    for (listener, name) in streams.iter().zip(["default", "ns"]) {
        // It was written before the program ended, and fits into the buffer.
        while let Ok((mut stream, _)) = listener.accept() {
            let mut text = Vec::new();
            stream.set_nonblocking(false).expect("a socket");
            stream.read_to_end(&mut text).expect("what was sent");
            let text = String::from_utf8_lossy(&text).into_owned();
            // Sockets have numbers of their own.
            observed.push(format!("{name} {}", if text.contains("socket:") { without_numbers(&text) } else { text }));
        }
    }
    Some(observed)
}

#[test]
fn the_journal_gets_what_systemd_cat_gives_it() {
    let Some(original) = Original::find(ORIGINAL) else { return };
    let newer =
        NEWER.iter().filter(|(since, ..)| *since <= original.version).map(|(_, arguments, input)| (*arguments, *input));
    for (arguments, input) in CASES.iter().copied().chain(newer) {
        for journal in [true, false] {
            let Some(theirs) = observe(original.command(), arguments, input, journal) else { return };
            let ours = observe(&[OURS], arguments, input, journal).expect("as before");
            // 252 ends this message differently.
            let alike = |mut lines: Vec<String>| {
                if original.version < 258 && arguments.iter().any(|argument| argument.starts_with("--level-prefix")) {
                    lines.retain(|line| !line.starts_with("stderr Failed to parse boolean"));
                }
                lines
            };
            assert_eq!(alike(ours), alike(theirs), "{arguments:?}, journal {journal}");
        }
    }
}

#[test]
fn what_only_newer_releases_have_is_there() {
    for (_, arguments, input) in NEWER {
        let Some(ours) = observe(&[OURS], arguments, input, true) else { return };
        let is_refused = arguments
            .iter()
            .any(|argument| argument.contains("nope") || argument.contains('/') && !argument.contains(' '));
        let expected = if is_refused { "exit status: 1" } else { "exit status: 0" };
        assert_eq!(ours[0], expected, "{arguments:?}: {ours:?}");
    }
}

#[test]
fn what_systemd_cat_does_not_understand_is_refused() {
    let Some(original) = Original::find(ORIGINAL) else { return };
    for arguments in UNUSABLE {
        let status = |command: &Path, before: &[std::path::PathBuf]| {
            Command::new(command).args(before).args(*arguments).output().expect("a program").status
        };
        let [command, before @ ..] = original.command() else { panic!("a command") };
        assert_eq!(status(Path::new(OURS), &[]), status(command, before), "{arguments:?}");
        assert_eq!(status(Path::new(OURS), &[]).code(), Some(1), "{arguments:?}");
    }
}
