//! Running activators, and talking to what they start.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use sdlite_test_support::activation::{eventually, free_port};

pub const ACTIVATOR: &str = env!("CARGO_BIN_EXE_sd-activate");

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(20);

/// The service of tests/service.c, compiled once.
pub fn service() -> &'static Path {
    static SERVICE: OnceLock<PathBuf> = OnceLock::new();
    SERVICE.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let program = directory.join(format!("service-{}", std::process::id()));
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let status = Command::new(compiler)
            .args(["-O1", "-Wall", "-Wno-unused-result", "-o"])
            .arg(&program)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service.c"))
            .status()
            .expect("a C compiler (Debian: gcc), or $CC");
        assert!(status.success(), "tests/service.c does not compile");
        // Whoever renames last wins; what is running keeps its own.
        let settled = directory.join("service");
        fs::rename(&program, &settled).unwrap();
        settled
    })
}

/// A directory of one test's own, removed with everything in it.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Short, for the names of sockets have to be.
        let path = std::env::temp_dir().join(format!("sda-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An activator that runs, with everything it says. It is killed when dropped.
pub struct Activator {
    child: Child,
    output: PathBuf,
}

impl Activator {
    /// sd-activate with `arguments`, once it listens. It ignores no signal, as it would where tests run in the background.
    pub fn start<A: AsRef<OsStr>>(directory: &Directory, arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new("env");
        command.arg("--default-signal").arg(ACTIVATOR).args(arguments);
        Self::run(directory, command).listening(1)
    }

    /// `command`, whatever becomes of it.
    pub fn run(directory: &Directory, mut command: Command) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let output = directory.path(&format!("output-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let file = File::options().append(true).create(true).open(&output).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Self { child: command.spawn().unwrap(), output }
    }

    /// Waits until it listens on `count` sockets.
    pub fn listening(mut self, count: usize) -> Self {
        eventually("listening", || {
            let output = self.output();
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("ended with {status}: {output}");
            }
            (output.matches("Listening on ").count() == count).then_some(())
        });
        self
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn signal(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    pub fn wait(&mut self) -> ExitStatus {
        eventually("exit", || self.child.try_wait().unwrap())
    }

    /// SIGTERM, and its exit status.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(libc::SIGTERM);
        self.wait()
    }
}

impl Drop for Activator {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Its children get SIGTERM by that.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

pub fn kill(pid: u32, signal: i32) {
    // SAFETY: takes numbers; the process is this test's own, and was not waited for.
    assert_eq!(unsafe { libc::kill(pid as libc::pid_t, signal) }, 0);
}

/// Sends a line, and reads until the other side closes.
pub fn talk(mut connection: impl Read + Write, line: &str) -> io::Result<String> {
    connection.write_all(line.as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

pub fn connect(port: u16) -> TcpStream {
    let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection, not refused");
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection
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

/// The children of `pid`, zombies included.
pub fn children(pid: u32) -> Vec<u32> {
    let parent = |entry: io::Result<fs::DirEntry>| {
        let child: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
        let parent: u32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        (parent == pid).then_some(child)
    };
    fs::read_dir("/proc").unwrap().filter_map(parent).collect()
}
