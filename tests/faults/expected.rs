//! What a program has to print, given what it prints where nothing fails.

use sdlite_test_support::calls::{Case, Usual};

use crate::Trial;
use crate::documented::{Outcome, outcome};

/// What stands against `observed`, if anything does.
pub fn difference(usual: &Usual, trial: &Trial<'_>, observed: &[String]) -> Option<String> {
    let case = trial.case();
    let mut expected = expected(case, usual, trial);
    let mut observed: Vec<String> = observed.iter().filter_map(|line| comparable(case, line)).collect();
    if trial.call.name == "close" {
        // The one whose closing fails stays open.
        let kept = observed.iter().position(|line| !expected.contains(line) && line.starts_with("opened "));
        match kept {
            Some(kept) => drop(observed.remove(kept)),
            None => expected.retain(|line| !line.starts_with("closed ")),
        }
    }
    (expected != observed).then(|| format!("{observed:?} instead of {expected:?}"))
}

fn expected(case: &Case, usual: &Usual, trial: &Trial<'_>) -> Vec<String> {
    let call = trial.call;
    let outcome = outcome(case, &call.name, call.nth, trial.fault);
    let answer = match outcome {
        Outcome::Fails => -trial.fault.errno().map_or(0, |errno| errno.number),
        Outcome::Answers(answer) => answer,
        Outcome::Prints(lines) => return lines.iter().map(|line| (*line).to_owned()).collect(),
        Outcome::Unaffected | Outcome::AsItself => case.answer,
    };
    let unaffected = matches!(outcome, Outcome::Unaffected | Outcome::AsItself);
    let before = || usual.calls.iter().take_while(|other| !std::ptr::eq(*other, call));
    let sent = before().any(|call| call.name == "sendmsg" && call.result.is_some_and(|result| result >= 0));
    let flagged = before().filter(|call| call.name == "fcntl").count();
    let lines = usual.lines.iter().filter_map(|line| comparable(case, line)).filter_map(|line| {
        match line.split(' ').next().unwrap_or_default() {
            "answer" => Some(format!("answer {answer}")),
            _ if unaffected && outcome == Outcome::AsItself => Some(line.replace("as process 1", "as itself")),
            _ if unaffected => Some(line),
            "sent" => sent.then_some(line),
            // Those before the one that it failed for.
            "flagged" if call.name == "fcntl" => {
                let fd = line.chars().last().and_then(|digit| digit.to_digit(10)).unwrap_or_default();
                (fd as usize - 3 < flagged).then_some(line)
            }
            // The journal's socket stays, where there is one; what strace says is one is closed. So is what becomes no monitor.
            "opened" | "closed" => {
                (!matches!(&*call.name, "socket" | "inotify_init1" | "inotify_add_watch")).then_some(line)
            }
            "names:" | "a" | "word:" | "numbers:" | "users:" | "interfaces:" => None,
            _ => Some(line),
        }
    });
    lines.collect()
}

/// The lines where an allocation fails, given those where none does.
pub fn without_memory(case: &Case, usual: &[String]) -> Vec<String> {
    // The C library's own, of strerror(3), which does without.
    let unaffected = case.function().starts_with("sd_journal_perror");
    let lines = usual.iter().filter_map(|line| match line.split(' ').next().unwrap_or_default() {
        "no" => None,
        _ if unaffected => Some(line.clone()),
        "answer" => Some(format!("answer {}", -libc::ENOMEM)),
        "removed" | "flagged" => Some(line.clone()),
        "errno" if counts(case, line) => Some(line.clone()),
        _ => None,
    });
    lines.chain(["an allocation failed".to_owned()]).collect()
}

/// Whether a line is of importance: errno is only to these, which keep it whatever happens.
pub fn counts(case: &Case, line: &str) -> bool {
    case.function().starts_with("sd_journal_") || !line.starts_with("errno")
}

/// What a line has to be the same in, if it is of importance.
fn comparable(case: &Case, line: &str) -> Option<String> {
    // Where a file is sent instead of its content, that counts as the same.
    if let Some((message, rest)) = line.split_once(" descriptors, ").filter(|_| case.sends_to_journal()) {
        return Some(format!("{} {rest}", message.trim_end_matches(|byte: char| byte.is_ascii_digit())));
    }
    counts(case, line).then(|| line.to_owned())
}
