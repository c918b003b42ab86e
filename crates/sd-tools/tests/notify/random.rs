//! Random command lines.

use proptest::prelude::*;
use proptest::sample::select;

use crate::common::{Original, random};
use crate::{ORIGINAL, both, is_newest};

/// Options of systemd 252 that are right, as getopt_long(3) reads them.
const RIGHT: &[&[&str]] = &[
    &["--ready"],
    &["--read"],
    &["--pid"],
    &["--pid="],
    &["--pid=self"],
    &["--pid=parent"],
    &["--pid=auto"],
    &["--pid=1"],
    &["--p=self"],
    &["--uid=0"],
    &["--uid", "1"],
    &["--uid=nobody"],
    &["--u", "54321"],
    &["--status=x"],
    &["--status", "--ready"],
    &["--status="],
    &["--stat", "a b\nc"],
    &["--sta=\u{e4}"],
    &["--no-block"],
    &["--no"],
];

/// What newer releases have.
const NEWER: &[&[&str]] = &[
    &["--reloading"],
    &["--rel"],
    &["--stopping"],
    &["--sto"],
    &["--quiet"],
    &["-q"],
    &["--booted"],
    &["--b"],
    &["--fd=0"],
    &["--fd", "107"],
    &["--fd=0x6c"],
    &["--fdname=a"],
    &["--fdname", "a b"],
    &["--exec"],
    &[";"],
    &["--fork"],
    &["true"],
];

const ASSIGNMENTS: &[&[&str]] = &[
    &["A=1"],
    &["A=2"],
    &["AB=1"],
    &["A"],
    &["=x"],
    &["A="],
    &["a b=c"],
    &["A=b\nc"],
    &["\u{e4}=\u{f6}"],
    &["READY=2"],
    &["STATUS=7"],
    &["STATUS"],
    &[""],
    &["-"],
    &["--"],
];

/// What is wrong: the first of it is what the service manager is told.
const WRONG: &[&[&str]] = &[
    &["--pid=0"],
    &["--pid=abc"],
    &["--pid=99999999999"],
    &["--uid=no-such-user"],
    &["--uid="],
    &["--uid=4294967295"],
    &["--nonsense"],
    &["--ready=1"],
    &["-x"],
    &["-xh"],
    &["--help"],
    &["-h"],
    &["--version"],
];

fn words(newest: bool) -> impl Strategy<Value = Vec<String>> {
    let words = |table: &'static [&'static [&'static str]]| select(table).boxed();
    let newer = words(if newest { NEWER } else { RIGHT });
    let either = prop_oneof![4 => words(RIGHT), 3 => words(ASSIGNMENTS), 3 => newer];
    let wrong = prop_oneof![3 => Just(None), 1 => words(WRONG).prop_map(Some)];
    (proptest::collection::vec(either, 0..7), wrong, any::<prop::sample::Index>()).prop_map(
        move |(mut parts, wrong, at)| {
            // 252 has nothing against a message without anything.
            if !newest {
                parts.insert(0, &["--ready"]);
            }
            let at = at.index(parts.len() + 1);
            parts.splice(at..at, wrong);
            parts.concat().into_iter().map(str::to_owned).collect()
        },
    )
}

#[test]
fn random_command_lines_send_what_systemd_notify_sends() {
    let Some(original) = Original::find(ORIGINAL) else { return };
    let newest = is_newest(&original);
    random(words(newest), |arguments| {
        let (mut ours, mut theirs) = both(&original, arguments);
        // Of the newer options not all go together: then more than one thing is wrong, and either may be told.
        for message in ours.messages.iter_mut().chain(&mut theirs.messages).filter(|_| newest) {
            if message.starts_with("\"ERRNO=") {
                *message = "an error".to_owned();
            }
        }
        prop_assert_eq!((&ours.messages, &ours.status), (&theirs.messages, &theirs.status), "sd-notify left");
        Ok(())
    });
}
