//! What each row does where nothing fails.

use std::collections::BTreeMap;

use super::{Case, Observed, Program, Run, cases};
use crate::trace;

/// A system call of a row.
pub struct Call {
    /// As strace has it.
    pub variant: String,
    /// As in the manual.
    pub name: String,
    /// Of fcntl(2), which.
    operation: String,
    /// What it returned, where that is a number.
    pub result: Option<i64>,
    /// The how-manieth of its variant it is in the process, which is how strace counts.
    pub number: usize,
    /// The how-manieth of its name and operation in the row, from 0.
    pub nth: usize,
}

/// What a row does where nothing fails.
pub struct Usual {
    /// What the program prints.
    pub lines: Vec<String>,
    /// Its system calls.
    pub calls: Vec<Call>,
    /// What is injected in any case, each with its variant.
    pub always: Vec<(String, String)>,
}

impl Usual {
    /// The call of the same name at the same place as one of another program.
    pub fn call(&self, other: &Call) -> Option<&Call> {
        let place = |call: &Call| (call.name.clone(), call.operation.clone(), call.nth);
        self.calls.iter().find(|call| place(call) == place(other))
    }

    /// What the call returned.
    pub fn answer(&self) -> i32 {
        answer(&self.lines)
    }

    /// Its system calls, as the table has them.
    pub fn costs(&self) -> String {
        trace::counted(&self.calls.iter().map(|call| call.name.clone()).collect::<Vec<_>>())
    }
}

/// The number in one of the lines that the program prints.
pub fn answer(lines: &[String]) -> i32 {
    lines.iter().find_map(|line| line.strip_prefix("answer ")?.parse().ok()).unwrap_or(i32::MIN)
}

impl Program {
    /// What each row does, with what is always injected. None where nobody may have a /run of its own.
    pub fn usual(&self) -> Option<Vec<Usual>> {
        let run = |case| Run { case, ..Run::default() };
        let mut observed = self.run(&(0..cases().len()).map(run).collect::<Vec<_>>())?;
        let always: Vec<_> = cases().iter().zip(&observed).map(|(case, observed)| always(case, observed)).collect();
        let again = always.iter().enumerate().filter(|(_, always)| !always.is_empty());
        let again: Vec<Run> = again
            .map(|(case, always)| Run { injections: always.iter().map(|it| it.1.clone()).collect(), ..run(case) })
            .collect();
        for (run, injected) in again.iter().zip(self.run(&again)?) {
            observed[run.case] = injected;
        }
        let usual = observed.into_iter().zip(always);
        let usual = usual.map(|(observed, always)| Usual { calls: calls(&observed), lines: observed.lines, always });
        Some(usual.collect())
    }
}

/// What a row has injected in any case: not before it begins, which the trace shows.
fn always(case: &Case, observed: &Observed) -> Vec<(String, String)> {
    let before = trace::before_marks(&observed.trace);
    let injection = |injection: &&str| {
        let variant = injection.split(':').next().unwrap_or_default();
        let number = before.iter().filter(|call| call.variant == variant).count() + 1;
        (variant.to_owned(), format!("{injection}:when={number}+"))
    };
    case.always.iter().map(injection).collect()
}

fn calls(observed: &Observed) -> Vec<Call> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for call in trace::before_marks(&observed.trace) {
        *numbers.entry(call.variant).or_default() += 1;
    }
    let mut names: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let between = trace::between_marks(&observed.trace).next().unwrap_or_default();
    let calls = between.iter().map(|call| {
        let number = numbers.entry(call.variant).or_default();
        // A descriptor's flags are read and set by the same call.
        let operation = call.arguments.split([',', ')']).nth(1).filter(|_| call.name == "fcntl").unwrap_or_default();
        let nth = names.entry((call.name, operation)).or_default();
        *number += 1;
        *nth += 1;
        Call {
            variant: call.variant.to_owned(),
            name: call.name.to_owned(),
            operation: operation.to_owned(),
            result: call.result,
            number: *number,
            nth: *nth - 1,
        }
    });
    calls.collect()
}
