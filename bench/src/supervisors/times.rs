//! How long it takes to start a service, and to stop it.

use std::fs;
use std::thread;
use std::time::Duration;

use sdlite_test_support as support;

use super::figures::{exchange, serving, start};
use super::root::{LIMIT, Root, SERVICE, now};
use super::supervisor::{Role, Supervisor, Task, socket};
use crate::progress::progress;

const ROUNDS: usize = 11;

/// How long something takes.
pub struct Time {
    pub milliseconds: f64,
    /// Of what it takes sd-activate, if that does it.
    pub of_ours: Option<f64>,
}

/// Of a round, or the shortest of many: what else the machine does only adds to it.
#[derive(Default)]
pub struct Times<T> {
    /// From executing the supervisor to the service.
    pub start: Option<T>,
    /// From executing it to the first answer.
    pub answer: Option<T>,
    /// From the signal that stops it to the service, and to the end of all.
    pub signal: Option<T>,
    pub end: Option<T>,
}

/// Each in turn, in many rounds; the first is ours.
pub fn times(root: &Root, supervisors: &[&Supervisor]) -> Vec<Times<Time>> {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        progress("Starts and stops", round, ROUNDS);
        rounds.push(supervisors.iter().map(|supervisor| once(root, supervisor)).collect::<Vec<_>>());
    }
    let shortest = |number: usize, which: fn(&Times<f64>) -> Option<f64>| {
        // What comes now and then does not come.
        let values: Option<Vec<_>> = rounds.iter().map(|round| which(&round[number])).collect();
        values.map(|values| values.into_iter().fold(f64::INFINITY, f64::min))
    };
    let time = |number, which| {
        let milliseconds = shortest(number, which)?;
        Some(Time { milliseconds, of_ours: shortest(0, which).map(|ours| milliseconds / ours) })
    };
    let row = |number| Times {
        start: time(number, |times| times.start),
        answer: time(number, |times| times.answer),
        signal: time(number, |times| times.signal),
        end: time(number, |times| times.end),
    };
    (0..supervisors.len()).map(row).collect()
}

fn once(root: &Root, supervisor: &Supervisor) -> Times<f64> {
    let milliseconds = |from: u64, to: u64| to.saturating_sub(from) as f64 / 1e6;
    let mut times = Times::default();
    if let Some(running) = start(root, supervisor, &Task { role: Role::Wait, services: 1, sockets: false }) {
        let start = milliseconds(running.executed, running.reported("started"));
        times.start = Some(start);
        // It may still have as much to do: as process 1 it gets no signal that it does not wait for.
        thread::sleep(Duration::from_secs_f64((2.0 * start + 100.0) / 1e3));
        let signalled = now();
        running.signal((supervisor.stop)());
        times.end = running.ended().map(|ended| milliseconds(signalled, ended));
        let report = running.next(Duration::from_millis(20));
        times.signal = report.map(|report| milliseconds(signalled, report.time));
    }
    if let Some(running) = serving(root, supervisor, 0) {
        let path = root.path(&socket(0));
        while exchange(&path).is_err() {
            assert!(now() - running.executed < LIMIT.as_nanos() as u64, "{}: no answer", supervisor.name);
            thread::sleep(Duration::from_micros(50));
        }
        times.answer = Some(milliseconds(running.executed, now()));
    }
    times
}

pub fn calls_to_start(root: &Root, supervisor: &Supervisor) -> Option<usize> {
    const TRACE: &str = "/bench/trace";
    support::has("strace", "strace");
    let directory = root.configuration();
    let command = supervisor.command(&Task { role: Role::Wait, services: 1, sockets: false }, &directory)?;
    // As a grandchild, so that the supervisor is process 1.
    let strace = ["/usr/bin/strace", "--daemonize", "--follow-forks", "--output", TRACE].map(str::to_owned);
    let running = root.start(&[&strace[..], &command].concat());
    running.reported("started");
    let trace = fs::read_to_string(root.path(TRACE)).expect("a trace");
    // `1 execve("/usr/bin/tini", ...`, and no signals, ends, or second halves.
    let calls = trace.lines().filter(|line| !line.contains(" resumed>") && line.contains('('));
    let executes = format!("execve(\"{SERVICE}\"");
    Some(calls.take_while(|line| !line.contains(&executes)).count())
}
