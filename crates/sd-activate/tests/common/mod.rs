//! Running activators, and talking to what they start.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]

pub mod machine;
pub mod units;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

pub use sdlite_test_support::activation::{Activator, children, connect, eventually, free_port, kill, runs};
use sdlite_test_support::{TempDir, scratch};

pub const ACTIVATOR: &str = env!("CARGO_BIN_EXE_sd-activate");
pub const SDCTL: &str = env!("CARGO_BIN_EXE_sdctl");

/// The service of tests/service.c.
pub fn service() -> &'static Path {
    compiled("service")
}

/// A program of this directory, compiled once.
pub fn compiled(name: &'static str) -> &'static Path {
    static COMPILED: Mutex<BTreeMap<&str, &Path>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap();
    compiled.entry(name).or_insert_with(|| Box::leak(compile(name).into_boxed_path()))
}

fn compile(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = directory.join(format!("{name}-{}", std::process::id()));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(compiler)
        .args(["-O1", "-Wall", "-Wno-unused-result", "-o"])
        .arg(&program)
        .arg(format!("{}/tests/{name}.c", env!("CARGO_MANIFEST_DIR")))
        .status()
        .expect("a C compiler (Debian: gcc), or $CC");
    assert!(status.success(), "tests/{name}.c does not compile");
    // Whoever renames last wins; what is running keeps its own.
    let settled = directory.join(name);
    fs::rename(&program, &settled).unwrap();
    settled
}

/// Goes through all trials, many at a time, as a trial mostly waits for others. What went wrong.
pub fn wrong_of<T>(
    trials: impl Iterator<Item = T> + Send,
    goes_wrong: impl Fn(T) -> Option<String> + Sync,
) -> Vec<String> {
    let (left, wrong) = (Mutex::new(trials), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 * thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(trial) = left.lock().unwrap().next() else { break };
                    let problem = goes_wrong(trial);
                    wrong.lock().unwrap().extend(problem);
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

/// A directory of one test's own, removed with everything in it.
pub struct Directory(TempDir);

impl Directory {
    pub fn new() -> Self {
        Self(scratch())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().unwrap()
    }
}

impl AsRef<Path> for Directory {
    fn as_ref(&self) -> &Path {
        self.0.path()
    }
}

/// sd-activate with `arguments`, once it listens.
pub fn start<A: AsRef<OsStr>>(directory: &Directory, arguments: impl IntoIterator<Item = A>) -> Activator {
    Activator::start(ACTIVATOR, directory, arguments)
}

/// Sends a line, and reads until the other side closes.
pub fn talk(mut connection: impl Read + Write, line: &str) -> io::Result<String> {
    connection.write_all(line.as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

/// What the service on `port` answers to `line`; empty where it goes away instead.
pub fn ask(port: u16, line: &str) -> String {
    talk(connect(port), line).unwrap_or_default()
}

/// The process id of the service on `port`.
pub fn pid(port: u16) -> u32 {
    let answer = ask(port, "pid");
    answer.split_whitespace().next().and_then(|pid| pid.parse().ok()).unwrap_or_else(|| panic!("no pid: {answer:?}"))
}
