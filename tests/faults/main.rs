//! Every system call of every function, made to fail in every way that it can: what comes of it, here and in libsystemd.

mod differences;
mod documented;
mod errnos;
mod expected;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use errnos::Fault;
use sdlite_test_support as support;
use support::calls::{Call, Case, Observed, Program, Run, Usual, cases};
use support::trace;

/// The injections for a fault, and those of any case that it does not take the place of.
fn injections(usual: &Usual, call: &Call, fault: Fault) -> Vec<String> {
    let always = usual.always.iter().filter(|(variant, _)| *variant != call.variant);
    let always = always.map(|(_, injection)| injection.clone());
    always.chain([fault.injection(&call.variant, call.number)]).collect()
}

/// A fault at a system call of a case.
#[derive(Clone, Copy)]
struct Trial<'a> {
    case: usize,
    call: &'a Call,
    fault: Fault,
}

impl Trial<'_> {
    fn case(&self) -> &'static Case {
        &cases()[self.case]
    }

    fn text(&self) -> String {
        let fault = match self.fault {
            Fault::Error(errno) => errno.name.to_owned(),
            Fault::Errors(errno) => format!("{} each time", errno.name),
            Fault::Returns(value) => format!("returns {value}"),
        };
        format!("{}: {} {}: {fault}", self.case().text(), self.call.name, self.call.nth + 1)
    }
}

fn trials(usual: &[Usual]) -> Vec<Trial<'_>> {
    let mut trials = Vec::new();
    for (case, usual) in usual.iter().enumerate().filter(|(case, _)| cases()[*case].is_here()) {
        for call in &usual.calls {
            if usual.always.iter().any(|(variant, injection)| *variant == call.variant && injection.contains("error="))
            {
                continue;
            }
            let faults = errnos::faults(&call.name, call.result, call.nth == 0);
            // A file that ends early is another file: that is compared elsewhere.
            let of_login = documented::is_of_login(cases()[case].function());
            let faults = faults.into_iter().filter(|fault| !(of_login && matches!(fault, Fault::Returns(_))));
            trials.extend(faults.map(|fault| Trial { case, call, fault }));
        }
    }
    trials
}

fn run(program: &Program, usual: &[Usual], trials: &[Trial<'_>]) -> Option<Vec<Observed>> {
    let run = |trial: &Trial<'_>| {
        let injections = injections(&usual[trial.case], trial.call, trial.fault);
        let traced = injections.iter().filter_map(|injection| Some(injection.split_once(':')?.0.to_owned())).collect();
        Run { case: trial.case, injections, traced, allocation: None }
    };
    let observed = program.run(&trials.iter().map(run).collect::<Vec<_>>())?;
    for (trial, observed) in trials.iter().zip(&observed) {
        let injected =
            |calls: &[trace::Call<'_>]| calls.iter().any(|call| call.injected && call.variant == trial.call.variant);
        let between = trace::between_marks(&observed.trace).next().unwrap_or_default();
        assert!(
            injected(&between) && !injected(&trace::before_marks(&observed.trace)),
            "{}: not there: {}\n{:#?}",
            trial.text(),
            observed.trace,
            observed.lines
        );
    }
    Some(observed)
}

/// The same faults in libsystemd.
fn compare(ours: &[(Trial<'_>, Observed)]) -> String {
    let Some(program) = Program::theirs() else { return String::new() };
    let usual = program.usual().expect("what was there before");
    let at = |trial: &Trial<'_>| usual[trial.case].call(trial.call);
    let in_both: Vec<_> =
        ours.iter().filter_map(|(trial, ours)| Some((Trial { call: at(trial)?, ..*trial }, ours))).collect();
    let trials: Vec<Trial<'_>> = in_both.iter().map(|(trial, _)| *trial).collect();
    let theirs = run(&program, &usual, &trials).expect("what was there before");

    let known = differences::here();
    let mut counts = vec![0; known.len()];
    let mut unknown = String::new();
    for ((trial, ours), theirs) in in_both.iter().zip(&theirs) {
        if !differences::differ(&ours.lines, &theirs.lines) {
            continue;
        }
        match known.iter().position(|known| known.explains(trial, &theirs.lines)) {
            Some(known) => counts[known] += 1,
            None => unknown += &format!("{}: {:?}, libsystemd {:?}\n", trial.text(), ours.lines, theirs.lines),
        }
    }
    assert!(unknown.is_empty(), "bugs, or rows for differences.rs:\n{unknown}");
    let mut report =
        format!("{} of them also in libsystemd, which differs at {}:\n", trials.len(), counts.iter().sum::<usize>());
    for (difference, count) in known.iter().zip(counts) {
        assert!(count > 0 || difference.needs_pidfs && !support::has_pidfs(), "never: {}", difference.why);
        report += &format!("{count:>6} {}\n", difference.why);
    }
    report
}

#[test]
fn every_function_is_called() {
    let called: BTreeSet<&str> = cases().iter().map(Case::function).collect();
    let functions = support::functions();
    let missing: Vec<_> = functions.iter().filter(|function| !called.contains(function.as_str())).collect();
    assert!(missing.is_empty(), "not in tests/support/src/calls/: {missing:?}");
}

#[test]
fn whatever_fails_the_documented_error_comes_back_and_nothing_is_left_behind() {
    if !support::has("strace", "strace") {
        return;
    }
    // SAFETY: it takes nothing and cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        return support::left_out("to be run by root, who may speak for other processes and have larger send buffers");
    }
    let program = Program::ours();
    let Some(usual) = program.usual() else { return };
    for (case, usual) in cases().iter().zip(&usual) {
        let is_answer = usual.answer() == case.answer || !case.is_here();
        assert!(is_answer, "{}: {:#?}", case.text(), usual.lines);
    }
    let trials = trials(&usual);
    let observed = run(&program, &usual, &trials).expect("what was there before");
    let observed: Vec<(Trial<'_>, Observed)> = trials.into_iter().zip(observed).collect();
    let mut wrong = String::new();
    for (trial, observed) in &observed {
        if let Some(difference) = expected::difference(&usual[trial.case], trial, &observed.lines) {
            wrong += &format!("{}: {difference}\n", trial.text());
        }
    }
    assert!(wrong.is_empty(), "not as documented:\n{wrong}");

    let calls: BTreeSet<&str> = observed.iter().map(|(trial, _)| trial.call.name.as_str()).collect();
    let functions: BTreeSet<&str> = cases().iter().map(Case::function).collect();
    let places: usize = usual.iter().map(|usual| usual.calls.len()).sum();
    let report = format!(
        "{} functions in {} cases make {places} system calls, {} different ones; {} faults, each as documented.\n{}",
        functions.len(),
        cases().len(),
        calls.len(),
        observed.len(),
        compare(&observed)
    );
    // Seen also where the test passes.
    write!(std::io::stderr(), "\n{report}").expect("stderr");
}

/// No case allocates so often; the last one of these never fails.
const ALLOCATIONS: usize = 16;

#[test]
fn without_memory_the_answer_is_enomem_and_nothing_leaks() {
    let program = Program::ours();
    let run = |allocation| move |case| Run { case, allocation: Some(allocation), ..Run::default() };
    let runs: Vec<Run> = (1..=ALLOCATIONS).flat_map(|allocation| (0..cases().len()).map(run(allocation))).collect();
    let Some(observed) = program.run(&runs) else { return };
    let (failing, usual) = observed.split_at(observed.len() - cases().len());
    for (case, usual) in cases().iter().zip(usual) {
        let expected = format!("answer {}", case.answer);
        let leaked = usual.lines.iter().any(|line| line.starts_with("leaked"));
        // What is always injected is not, here.
        let is_answer = usual.lines.contains(&expected) || !case.always.is_empty() || !case.is_here();
        assert!(is_answer && !leaked && !usual.failed(), "{}: {:#?}", case.call, usual.lines);
    }
    let mut failed = BTreeMap::new();
    for (run, observed) in runs.iter().zip(failing).filter(|(_, observed)| observed.failed()) {
        let (case, usual) = (&cases()[run.case], &usual[run.case]);
        *failed.entry(case.function()).or_insert(0) += 1;
        let lines: Vec<String> = observed.lines.iter().filter(|line| expected::counts(case, line)).cloned().collect();
        assert_eq!(lines, expected::without_memory(case, &usual.lines), "{}", case.call);
    }
    println!("Allocations that failed: {failed:#?}");
    for function in ["sd_listen_fds_with_names", "sd_notifyf", "sd_pid_notifyf", "sd_journal_print", "sd_journal_send"]
    {
        assert!(failed.contains_key(function), "{function}");
    }
}
