//! Random command lines.

use proptest::prelude::*;
use proptest::sample::select;

use crate::common::{Original, random};
use crate::{ORIGINAL, OURS, observe};

/// Options that are right, as getopt_long(3) reads them.
const RIGHT: &[&[&str]] = &[
    &["-t", "x"],
    &["-tx"],
    &["-t", ""],
    &["-t", "--"],
    &["--identifier=a b"],
    &["--id", "a\nb"],
    &["--identifier", "-p"],
    &["-p", "err"],
    &["-p0"],
    &["-p", "07"],
    &["--priority=debug"],
    &["--prio", "3"],
    &["--stderr-priority=3"],
    &["--stderr-priority", "emerg"],
    &["--std=notice"],
    &["--level-prefix=no"],
    &["--level-prefix", "1"],
    &["--lev=ON"],
];

/// What is wrong, and is the only thing that is.
const WRONG: &[&[&str]] = &[
    &["-p", "8"],
    &["-p", "x"],
    &["-p", ""],
    &["--priority=-1"],
    &["--stderr-priority=x"],
    &["--level-prefix=maybe"],
    &["--level-prefix="],
    &["--nonsense"],
    &["-x"],
    &["-tx=", "-y"],
    &["--help"],
    &["-h"],
    &["--version"],
];

const COMMANDS: &[&[&str]] = &[
    &[],
    &["--"],
    &["true"],
    &["false"],
    &["echo", "-t", "--help"],
    &["--", "echo", "--", "x"],
    &["sh", "-c", "echo o; echo e >&2"],
    &["sh", "-c", "echo '<3>o'; cat; exit 7"],
    &["sh", "-c", "kill -9 $$"],
    &["no-such-command", "x"],
    &["/"],
    &[""],
    &["--", "-x"],
];

fn words() -> impl Strategy<Value = Vec<String>> {
    let right = proptest::collection::vec(select(RIGHT), 0..5);
    let wrong = prop_oneof![5 => Just(None), 1 => select(WRONG).prop_map(Some)];
    (right, wrong, any::<prop::sample::Index>(), select(COMMANDS)).prop_map(|(mut parts, wrong, at, command)| {
        let at = at.index(parts.len() + 1);
        parts.splice(at..at, wrong);
        parts.into_iter().chain([command]).flatten().map(|word| (*word).to_owned()).collect()
    })
}

#[test]
fn random_command_lines_write_what_systemd_cat_writes() {
    let Some(original) = Original::find(ORIGINAL) else { return };
    random(words(), |arguments| {
        let Some(theirs) = observe(original.command(), arguments, "a\n<3>b", true) else { return Ok(()) };
        let ours = observe(&[OURS], arguments, "a\n<3>b", true).expect("as before");
        // Its words about options, and the text that --help asks for, are its own.
        let is_own = |line: &String| {
            let usage = WRONG.iter().any(|wrong| wrong.iter().all(|word| arguments.contains(word)));
            usage && (line.starts_with("stdout ") || line.starts_with("stderr "))
        };
        let seen = |lines: Vec<String>| lines.into_iter().filter(|line| !is_own(line)).collect::<Vec<_>>();
        prop_assert_eq!(seen(ours), seen(theirs), "sd-cat left");
        Ok(())
    });
}
