//! What a call of each function costs.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use sdlite_test_support as support;
use support::trace::{between_marks, counted, names};
use support::{has, run, scratch};

use crate::libraries::Release;
use crate::progress::progress;
use crate::statistics::median;
use crate::worker;

const ROUNDS: usize = 11;

/// A typical call of a function.
pub struct Call {
    pub function: &'static str,
    pub ours: Cost,
    /// None where the release does not have it.
    pub theirs: Option<Cost>,
    /// The time that it takes, of what it takes libsystemd.
    pub of_their_time: Option<f64>,
}

pub struct Cost {
    /// With their names.
    pub system_calls: (usize, String),
    /// Not counting the kernel's. None where valgrind does not know a system call.
    pub instructions: Option<u64>,
    pub nanoseconds: f64,
}

/// All functions beside a release, with the C library that belongs to it.
pub fn calls(release: &Release) -> Vec<Call> {
    let mut rounds: Vec<HashMap<_, [Option<f64>; 2]>> = Vec::new();
    for round in 0..ROUNDS {
        progress(&format!("Time per call beside {}", release.name), round, ROUNDS);
        rounds.push(times(release, round % 2 == 1));
    }
    let [ours, theirs] = [&support::release().join("libsdlite.so"), &release.library].map(|library| {
        let system_calls = system_calls(release, library);
        (instructions(release, library), system_calls)
    });
    let row = |function| {
        let cost = |which: usize, (instructions, system_calls): &(Counts<u64>, Counts<(usize, String)>)| {
            Some(Cost {
                system_calls: system_calls.get(function)?.clone(),
                instructions: instructions.get(function).copied(),
                nanoseconds: median(rounds.iter().filter_map(|times| times[function][which]).collect()),
            })
        };
        let ratio = |times: &HashMap<_, [Option<f64>; 2]>| Some(times[function][0]? / times[function][1]?);
        let ratios: Vec<_> = rounds.iter().filter_map(ratio).collect();
        Call {
            function,
            ours: cost(0, &ours).expect("all functions in our library"),
            theirs: cost(1, &theirs),
            of_their_time: (!ratios.is_empty()).then(|| median(ratios)),
        }
    };
    worker::names().map(row).collect()
}

/// By the names of functions.
type Counts<T> = HashMap<String, T>;

fn system_calls(release: &Release, library: &Path) -> Counts<(usize, String)> {
    has("strace", "strace");
    let directory = scratch();
    let trace = directory.path().join("trace");
    let before = ["strace", "-a1", "-o", trace.to_str().expect("text")];
    let functions = once(&mut worker::command(&before, release, &[&"once", &library], directory.path()));
    let trace = fs::read_to_string(&trace).expect("a trace");
    let calls = between_marks(&trace).map(|calls| (calls.len(), counted(&names(&calls))));
    functions
        .into_iter()
        .zip(calls)
        .map(|((function, answer), calls)| {
            assert!(is_expected(answer), "{function}: {answer}");
            (function, calls)
        })
        .collect()
}

fn instructions(release: &Release, library: &Path) -> Counts<u64> {
    has("valgrind", "valgrind");
    let directory = scratch();
    let counts = directory.path().join("counts");
    let file = format!("--callgrind-out-file={}", counts.display());
    // The C function of that name is called in turn with one that does nothing, and with one of the library's.
    let options = ["--toggle-collect=measured", "--dump-after=measured"];
    // Its process id is the same always, as the functions read it from variables.
    let before = [&["unshare", "--pid", "--fork", "valgrind", "--tool=callgrind", &file][..], &options].concat();
    let functions = once(&mut worker::command(&before, release, &[&"once", &library], directory.path()));
    let total = |number: usize| {
        let dump = fs::read_to_string(format!("{}.{number}", counts.display())).expect("what callgrind has counted");
        let total = dump.lines().find_map(|line| line.strip_prefix("totals: ")).expect("a total");
        total.trim().parse::<u64>().expect("a number")
    };
    let count = |i: usize| total(2 * i + 2) - total(2 * i + 1);
    let functions = functions.into_iter().enumerate().filter(|(_, (_, answer))| is_expected(*answer));
    functions.map(|(i, (function, _))| (function, count(i))).collect()
}

/// Runs a worker that says which functions it has called, and with what answers.
fn once(command: &mut Command) -> Vec<(String, i32)> {
    let output = run(command);
    let line = |line: &str| {
        let (function, answer) = line.split_once(' ').expect("a function and its answer");
        (function.to_owned(), answer.parse().expect("a number"))
    };
    String::from_utf8_lossy(&output.stdout).lines().map(line).collect()
}

/// Nobody answers at the other side of the barrier.
fn is_expected(answer: i32) -> bool {
    answer >= 0 || answer == -libc::ETIMEDOUT
}

/// The time of a call of each function, ours and theirs, in nanoseconds.
fn times(release: &Release, theirs_first: bool) -> HashMap<&'static str, [Option<f64>; 2]> {
    let directory = scratch();
    let results = directory.path().join("criterion");
    let mut libraries = [&support::release().join("libsdlite.so"), &release.library];
    if theirs_first {
        libraries.reverse();
    }
    run(&mut worker::command(&[], release, &[&"time", &results, &libraries[0], &libraries[1]], directory.path()));
    let time = |function: &str, which: &str| {
        let estimates = fs::read(results.join(function).join(which).join("new/estimates.json")).ok()?;
        let estimates: serde_json::Value = serde_json::from_slice(&estimates).expect("JSON of Criterion");
        Some(estimates["median"]["point_estimate"].as_f64().expect("a number of nanoseconds"))
    };
    worker::names().map(|name| (name, ["libsdlite", "libsystemd"].map(|which| time(name, which)))).collect()
}
