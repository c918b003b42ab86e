//! Running activators, and talking to what they start.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]

pub mod machine;
pub mod units;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use sdlite_test_support::activation::{Activator, children, connect, eventually, free_port, kill, runs};
use sdlite_test_support::{TempDir, scratch};

pub const ACTIVATOR: &str = env!("CARGO_BIN_EXE_sd-activate");
pub const SDCTL: &str = env!("CARGO_BIN_EXE_sdctl");

/// The service of tests/service.c.
pub fn service() -> &'static Path {
    static SERVICE: OnceLock<PathBuf> = OnceLock::new();
    SERVICE.get_or_init(|| compiled("service"))
}

/// A program of this directory, compiled.
pub fn compiled(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = directory.join(format!("{name}-{}", unique()));
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

/// What no other thread and no other process of the tests has.
fn unique() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
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
