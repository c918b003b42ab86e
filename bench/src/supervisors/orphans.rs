//! What orphans cost the one who reaps them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use sdlite_test_support as support;
use support::activation::kill;

use super::figures::start;
use super::root::{LIMIT, Root};
use super::supervisor::{NOBODY, Role, Supervisor, Task};

const ORPHANS: u64 = 10_000;
/// As many while system calls are counted, which takes long.
const COUNTED: u64 = 1_000;

pub struct Reaped {
    /// Of the supervisor's own, for each orphan, in microseconds.
    pub time: f64,
    pub system_calls: f64,
}

/// None where the one who would is the service itself, or where they stay zombies.
pub fn reaped(root: &Root, supervisor: &Supervisor) -> Option<Reaped> {
    let task = |count| Task { role: Role::Orphans(count), services: 1, sockets: false };
    if supervisor.name == NOBODY {
        return None;
    }
    let running = start(root, supervisor, &task(ORPHANS))?;
    running.reported("started");
    thread::sleep(Duration::from_millis(300));
    let (services, supervising) = running.services();
    let before = processor_time(&supervising);
    services.iter().for_each(|service| kill(*service, libc::SIGUSR1));
    let report = running.next(LIMIT)?;
    assert_eq!(report.what, "reaped");
    // Some is still to be done when the last is no zombie any more.
    thread::sleep(Duration::from_millis(100));
    let time = (processor_time(&supervising) - before) as f64 / 1e3 / ORPHANS as f64;
    drop(running);

    let running = start(root, supervisor, &task(COUNTED))?;
    running.reported("started");
    thread::sleep(Duration::from_millis(300));
    let (services, supervising) = running.services();
    let calls = system_calls(&supervising, || {
        services.iter().for_each(|service| kill(*service, libc::SIGUSR1));
        running.reported("reaped");
        thread::sleep(Duration::from_millis(100));
    });
    Some(Reaped { time, system_calls: calls as f64 / COUNTED as f64 })
}

/// Of all their threads, in nanoseconds.
fn processor_time(processes: &[u32]) -> u64 {
    let threads = |process: &u32| fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let time = |directory: PathBuf| -> Option<u64> {
        fs::read_to_string(directory.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    processes.iter().flat_map(threads).filter_map(|thread| time(thread.path())).sum()
}

/// How many these processes make while something happens.
fn system_calls(processes: &[u32], happens: impl FnOnce()) -> u64 {
    support::has("strace", "strace");
    let output = support::scratch();
    let calls = output.path().join("calls");
    let mut command = Command::new("strace");
    command.args(["--follow-forks", "--summary-only", "--output"]).arg(&calls);
    processes.iter().for_each(|process| {
        command.arg(format!("--attach={process}"));
    });
    let mut strace = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("strace");
    // A line for each that it has.
    let mut lines = BufReader::new(strace.stderr.take().expect("what it says")).lines();
    for _ in processes {
        lines.next().expect("a line").expect("text");
    }
    happens();
    kill(strace.id(), libc::SIGINT);
    strace.wait().expect("its status");
    let summary = fs::read_to_string(calls).expect("a summary");
    // `100.00    0.001234           1      1000           total`
    let total = summary.lines().find(|line| line.ends_with(" total")).map(str::split_ascii_whitespace);
    total.and_then(|mut fields| fields.nth(3)?.parse().ok()).unwrap_or(0)
}
