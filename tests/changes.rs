//! What sd-login answers while the files that it reads change: at each system call, in each way, here and in libsystemd.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sdlite_test_support as support;

/// What a daemon does: whoever reads has what was there before, or what is there now. Other changes show in between.
const WHOLE: &[&str] = &["replaced", "removed", "another added"];

/// The answers of a function while a file changes.
#[derive(Default)]
struct Answers {
    old: BTreeSet<String>,
    new: BTreeSet<String>,
    meanwhile: BTreeSet<String>,
}

impl Answers {
    fn mixed(&self) -> BTreeSet<&String> {
        let whole = |answer: &&String| self.old.contains(*answer) || self.new.contains(*answer);
        self.meanwhile.iter().filter(|answer| !whole(answer)).collect()
    }
}

/// Runs changes.c. The answers by function, change, and length of the file. None where nobody may have a /run of its own.
fn answers(program: &Path) -> Option<BTreeMap<[String; 3], Answers>> {
    let run = support::scratch();
    let output = support::run(support::with_run(run.path())?.arg(program)).stdout;
    let mut answers: BTreeMap<_, Answers> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output).lines() {
        let (case, answer) = line.split_once(": ").expect("a case and an answer");
        let [function, change, length, when] = *case.split(", ").collect::<Vec<_>>() else { panic!("{line}") };
        let answers = answers.entry([function, change, length].map(str::to_owned)).or_default();
        let answers = match when {
            "old" => &mut answers.old,
            "new" => &mut answers.new,
            _ => &mut answers.meanwhile,
        };
        answers.insert(answer.to_owned());
    }
    Some(answers)
}

#[test]
fn what_is_read_while_it_changes_is_old_or_new_and_no_other_mixture_than_libsystemds() {
    let directory = support::scratch();
    let source = support::source().join("tests/programs/changes.c");
    let [ours, theirs] = ["ours", "theirs"].map(|name| directory.path().join(name));
    support::compile(&source, &ours, ["-Wall", "-Wextra", "-Werror"]);
    let Some(ours) = answers(&ours) else { return };
    assert!(ours.len() > 100, "{} cases", ours.len());
    for (case, answers) in &ours {
        assert!(!WHOLE.contains(&&*case[1]) || answers.mixed().is_empty(), "{case:?}: {:?}", answers.mixed());
        assert!(!answers.meanwhile.is_empty(), "{case:?}");
    }

    if !support::compile_with_libsystemd(&source, &theirs, ["-Wall"]) {
        return;
    }
    let theirs = answers(&theirs).expect("what was there before");
    for (case, ours) in &ours {
        let theirs = &theirs[case];
        assert_eq!((&ours.old, &ours.new), (&theirs.old, &theirs.new), "{case:?}");
        // A long list is read in pieces, which are larger in libsystemd. Some of the names are there then.
        if case[0] == "sd_get_sessions" && case[2] == "long" {
            let known: BTreeSet<&str> = ours.old.iter().flat_map(|answer| answer.split(' ')).collect();
            let is_part = |answer: &&String| answer.split(' ').skip(1).all(|name| known.contains(name));
            assert!(ours.mixed().iter().all(is_part), "{case:?}: {:?}", ours.mixed());
        } else {
            assert!(
                ours.mixed().is_subset(&theirs.mixed()),
                "{case:?}: {:?}, libsystemd {:?}",
                ours.mixed(),
                theirs.mixed()
            );
        }
    }
}
