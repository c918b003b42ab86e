//! How many entries a second come to the log: sd-activate's, and journald's.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sdlite_test_support as support;
use support::activation::{eventually, kill};
use support::{TempDir, has, run, scratch};

use crate::peers::SD_ACTIVATE;
use crate::process::computed;
use crate::programs::Programs;
use crate::progress::progress;
use crate::statistics::median;

const ROUNDS: usize = 9;
const JOURNALD: &str = "/lib/systemd/systemd-journald";
/// What is logged in a round, and how it is.
const WAYS: [(&str, u32, &str); 2] =
    [("lines", 200_000, "lines of a stream"), ("entries", 50_000, "`sd_journal_print()`")];

/// What is logged in one way.
pub struct Logged {
    pub way: &'static str,
    pub ours: Rate,
    pub theirs: Rate,
    /// As many times as with journald, by the clock on the wall, with what it takes whoever logs.
    pub times_theirs: f64,
    /// The same, in the time that the log itself computes.
    pub times_theirs_computed: f64,
}

/// How fast entries are taken.
#[derive(Clone, Copy)]
pub struct Rate {
    pub per_second: f64,
    /// What an entry costs the one who takes it.
    pub nanoseconds: f64,
}

pub fn logged() -> Vec<Logged> {
    has(JOURNALD, "systemd");
    let programs = Programs::new();
    let program = programs.with_archive("log", "gcc", &support::release().join("libsdlite.a"));
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        progress("Entries of the log", round, ROUNDS);
        let measure = |log: fn() -> Log| {
            let log = log();
            WAYS.map(|(way, count, _)| log.rate(&program, way, f64::from(count)))
        };
        rounds.push(if round % 2 == 0 {
            let ours = measure(Log::ours);
            [ours, measure(Log::theirs)]
        } else {
            let theirs = measure(Log::theirs);
            [measure(Log::ours), theirs]
        });
    }
    let row = |(i, (_, _, way)): (usize, &(&str, u32, &'static str))| {
        let of = |figure: &dyn Fn(&[[Rate; 2]; 2]) -> f64| median(rounds.iter().map(figure).collect());
        let rate = |which: usize| Rate {
            per_second: of(&|round| round[which][i].per_second),
            nanoseconds: of(&|round| round[which][i].nanoseconds),
        };
        Logged {
            way,
            ours: rate(0),
            theirs: rate(1),
            times_theirs: of(&|round| round[0][i].per_second / round[1][i].per_second),
            times_theirs_computed: of(&|round| round[1][i].nanoseconds / round[0][i].nanoseconds),
        }
    };
    WAYS.iter().enumerate().map(row).collect()
}

/// Who listens at /run/systemd/journal. It ends when dropped.
struct Log {
    process: Child,
    _files: TempDir,
}

impl Log {
    /// sd-activate, with a service that does nothing. What comes is kept in memory and written to a file.
    fn ours() -> Self {
        let files = scratch();
        let unit = files.path().join("idle.service");
        fs::write(&unit, "[Service]\nExecStart=/bin/sleep infinity\n").expect("a unit");
        let mut command = Command::new(support::release().join(SD_ACTIVATE));
        let error = File::create(files.path().join("error")).expect("a file");
        Self::start(command.arg(&unit).stderr(error), files)
    }

    /// journald, which keeps what comes in a file in memory, however much it is.
    fn theirs() -> Self {
        let configuration = PathBuf::from("/run/systemd/journald.conf.d");
        fs::create_dir_all(&configuration).expect("a directory in a /run of our own");
        let settings =
            "[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nReadKMsg=no\nAudit=no\nForwardToSyslog=no\n";
        fs::write(configuration.join("bench.conf"), settings).expect("a file");
        Self::start(Command::new(JOURNALD).stderr(Stdio::null()), scratch())
    }

    fn start(command: &mut Command, files: TempDir) -> Self {
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let process = process.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let listens = || UnixStream::connect("/run/systemd/journal/stdout").ok();
        eventually(&format!("{command:?} listens"), listens);
        Self { process, _files: files }
    }
}

impl Log {
    fn rate(&self, program: &Path, way: &str, count: f64) -> Rate {
        let before = computed(self.process.id());
        let output = run(Command::new(program).args([way, &count.to_string()])).stdout;
        let microseconds = String::from_utf8_lossy(&output).trim().parse::<f64>().expect("microseconds");
        Rate { per_second: count / microseconds * 1e6, nanoseconds: (computed(self.process.id()) - before) / count }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        kill(self.process.id(), libc::SIGTERM);
        let _ = self.process.wait();
        let _ = fs::remove_dir_all("/run/systemd/journal");
        let _ = fs::remove_dir_all("/run/log");
    }
}
