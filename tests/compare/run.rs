//! All functions, as many at a time as there are processors, and the table at the end.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{env, ptr, thread};

use sdlite_test_support as support;
use support::random::number;

use crate::child::{Child, End, Task};
use crate::compare::{Counters, Function};
use crate::known;
use crate::library::Libraries;
use crate::report::{self, Row};

/// Says it even where the test harness keeps what a test says.
fn say(text: impl AsRef<str>) {
    let _ = io::stderr().write_all(text.as_ref().as_bytes());
}

/// Counters that children change, and this process sees.
fn shared_counters() -> &'static Counters {
    let (read_write, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
    // SAFETY: new memory, all zero, which are valid counters, and which is never given back.
    unsafe {
        let memory = libc::mmap(ptr::null_mut(), size_of::<Counters>(), read_write, shared, -1, 0);
        assert!(memory != libc::MAP_FAILED, "mmap");
        &*memory.cast()
    }
}

pub fn compare_all(functions: &[&'static Function]) {
    let Some(libraries) = Libraries::load() else { return };
    let cases = number("SDLITE_CASES").unwrap_or(2_300_000_u64);
    let seed = number("SDLITE_SEED").unwrap_or_else(|| RandomState::new().hash_one(()));
    let only = env::var("SDLITE_FUNCTION").ok();
    let is_asked_for = |function: &&Function| match &only {
        None => true,
        Some(only) => only.strip_suffix('*').map_or(function.name == only, |start| function.name.starts_with(start)),
    };
    let functions: Vec<_> = functions.iter().copied().filter(is_asked_for).collect();
    assert!(!functions.is_empty(), "SDLITE_FUNCTION names none of the functions");
    let (compared, absent): (Vec<&Function>, Vec<_>) =
        functions.into_iter().partition(|function| libraries.reference_has(function.name));
    let shares: u64 = compared.iter().map(|function| function.share).sum();
    let (reference, release) = (libraries.reference_path(), libraries.release());
    say(format!("{cases} cases, SDLITE_SEED={seed}, {} (LIBSYSTEMD_{release})\n", reference.display()));

    let scratch = support::scratch();
    let jobs = compared.iter().map(|function| {
        let (directory, counters) = (scratch.path().join(function.name), shared_counters());
        let cases = (cases * function.share).div_ceil(shares);
        Job { function, directory, cases, seed, counters }
    });
    let jobs: Vec<_> = jobs.collect();
    let mut outcome = Outcome::of(&jobs, &libraries);
    let absent = absent.iter().map(|function| Row {
        function: function.name,
        cases: 0,
        differences: 0,
        note: "not in the reference",
    });
    outcome.rows.extend(absent);

    for missing in &outcome.missing {
        support::not_here(&format!("for some cases {missing}"));
    }
    say(report::table(&outcome.rows));
    let known: Vec<_> = jobs.iter().map(|job| (job.function.name, &job.counters.known)).collect();
    let (table, absent) = known::table(release, &known);
    say(table);
    for needs in &outcome.left_out {
        support::left_out(needs);
    }
    assert!(outcome.rows.iter().all(|row| row.differences == 0), "the answers are not those of libsystemd");
    let whole = cases >= 1_000_000 && only.is_none() && outcome.left_out.is_empty();
    assert!(
        absent.is_empty() || !whole,
        "what is known to differ does not, and so is nothing to allow for: {absent:?}"
    );
}

struct Job {
    function: &'static Function,
    directory: std::path::PathBuf,
    cases: u64,
    seed: u64,
    counters: &'static Counters,
}

#[derive(Default)]
struct Outcome {
    rows: Vec<Row>,
    left_out: BTreeSet<String>,
    missing: BTreeSet<String>,
}

impl Outcome {
    fn of(jobs: &[Job], libraries: &Libraries) -> Self {
        let (mut outcome, mut progress) = (Self::default(), Progress::new(jobs));
        let mut waiting = jobs.iter().enumerate();
        let mut running: Vec<(usize, &Job, Child)> = Vec::new();
        let mut rows: Vec<Option<Row>> = jobs.iter().map(|_| None).collect();
        let processors = thread::available_parallelism().map_or(1, usize::from);
        loop {
            while running.len() < processors {
                let Some((i, job)) = waiting.next() else { break };
                running.push((i, job, job.start(libraries, None)));
            }
            if running.is_empty() {
                outcome.rows = rows.into_iter().flatten().collect();
                return outcome;
            }
            running.retain_mut(|(i, job, child)| match child.poll() {
                None => true,
                Some((end, missing)) => {
                    outcome.missing.extend(missing.lines().map(str::to_owned));
                    rows[*i] = Some(outcome.row(job, end, libraries));
                    false
                }
            });
            progress.show();
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn row(&mut self, job: &Job, end: End, libraries: &Libraries) -> Row {
        let (differences, note) = match end {
            End::Same => (0, ""),
            End::Different(report) => {
                say(format!("\n{report}\n"));
                (1, "")
            }
            End::LeftOut(needs) => {
                self.left_out.insert(needs);
                (0, "left out")
            }
            End::Killed(signal) => {
                job.report_killed(signal, libraries);
                (1, "")
            }
        };
        Row { function: job.function.name, cases: job.counters.done.load(Ordering::Relaxed), differences, note }
    }
}

impl Job {
    fn start(&self, libraries: &Libraries, trace: Option<u64>) -> Child {
        Child::start(&Task {
            function: self.function,
            libraries,
            directory: &if trace.is_some() { self.directory.join("again") } else { self.directory.clone() },
            cases: self.cases,
            seed: self.seed,
            counters: if trace.is_some() { shared_counters() } else { self.counters },
            trace,
        })
    }

    /// Runs it once more, up to the case that it was killed in.
    fn report_killed(&self, signal: i32, libraries: &Libraries) {
        let number = self.counters.done.load(Ordering::Relaxed);
        let mut again = self.start(libraries, Some(number));
        while again.poll().is_none() {
            thread::sleep(Duration::from_millis(20));
        }
        let (name, seed) = (self.function.name, self.seed);
        say(format!(
            "\n{name}: killed by signal {signal} in case {number} of SDLITE_SEED={seed}\n{}\n",
            again.last_words()
        ));
    }
}

/// How far it has come: a line that changes on a terminal, elsewhere one now and then.
struct Progress {
    counters: Vec<&'static Counters>,
    cases: u64,
    start: Instant,
    shown: Duration,
    terminal: bool,
}

impl Progress {
    fn new(jobs: &[Job]) -> Self {
        let counters = jobs.iter().map(|job| job.counters).collect();
        let cases = jobs.iter().map(|job| job.cases).sum();
        Self { counters, cases, start: Instant::now(), shown: Duration::ZERO, terminal: io::stderr().is_terminal() }
    }

    fn show(&mut self) {
        let now = self.start.elapsed();
        if now - self.shown < Duration::from_secs(if self.terminal { 1 } else { 60 }) {
            return;
        }
        self.shown = now;
        let done: u64 = self.counters.iter().map(|counters| counters.done.load(Ordering::Relaxed)).sum();
        let left = now.as_secs() * self.cases.saturating_sub(done) / done.max(1);
        let percent = 100 * done / self.cases;
        let text = format!("{percent} % of {} cases, about {}:{:02} min left", self.cases, left / 60, left % 60);
        say(if self.terminal { format!("\r{text}\x1b[K\r") } else { format!("{text}\n") });
    }
}
