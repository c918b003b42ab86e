//! Services that are started in earnest: by sd-activate, upon a connection.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{str, thread};

use tempfile::TempDir;

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks until there is an answer.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A port that nobody had a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    listener.local_addr().expect("its number").port()
}

/// sd-activate, or another program that does its work, with everything it says. It is killed when dropped, and its services are.
pub struct Activator {
    process: Child,
    output: PathBuf,
}

impl Activator {
    /// `program` with `arguments`, once it listens. It ignores no signal, as it would where tests run in the background.
    pub fn start<A: AsRef<OsStr>>(
        program: impl AsRef<OsStr>,
        directory: impl AsRef<Path>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut command = Command::new("env");
        command.arg("--default-signal").arg(program).args(arguments);
        Self::run(directory, command).listening(1)
    }

    /// `command`, whatever becomes of it. What it says is written to a file in `directory`.
    pub fn run(directory: impl AsRef<Path>, mut command: Command) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let output = directory.as_ref().join(format!("output-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let file = File::options().append(true).create(true).open(&output).expect("a file for what it says");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("the file once more")).stderr(file);
        Self { process: command.spawn().expect("a program that can be run"), output }
    }

    /// Waits until it listens on `count` sockets.
    pub fn listening(mut self, count: usize) -> Self {
        eventually("listening", || {
            let output = self.output();
            assert!(self.is_running(), "ended: {output}");
            (output.matches("Listening on ").count() == count).then_some(())
        });
        self
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it and its services have said.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Waits until it has said this.
    pub fn says(&self, line: &str) {
        eventually(line, || self.output().contains(line).then_some(()));
    }

    /// Whether it has not yet ended.
    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().expect("its state").is_none()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        eventually("exit", || self.process.try_wait().expect("its state"))
    }

    /// Sends it SIGTERM, and waits for its end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(libc::SIGTERM);
        self.wait()
    }
}

impl Drop for Activator {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            // Its services get SIGTERM when it is gone, which not all of them heed.
            let services = children(self.pid());
            let _ = self.process.kill();
            let _ = self.process.wait();
            services.into_iter().for_each(|service| kill(service, libc::SIGKILL));
        }
    }
}

/// sd-activate of the release build, on a port of 127.0.0.1. The last of `arguments` are the service and its own.
pub fn activate(directory: &TempDir, port: u16, arguments: &[&dyn AsRef<OsStr>]) -> Activator {
    let listen = ["-l".to_owned(), format!("127.0.0.1:{port}")];
    let arguments = listen.iter().map(|argument| argument as &dyn AsRef<OsStr>).chain(arguments.iter().copied());
    Activator::start(crate::release().join("sd-activate"), directory, arguments.map(AsRef::as_ref))
}

/// What a program answers that is activated so, and says something by itself upon a connection. Its argument is the port.
pub fn activated(program: &Path, options: &[&str]) -> String {
    let (directory, port) = (crate::scratch(), free_port());
    let port_text = port.to_string();
    // Once, so that the client of a program that crashes does not wait for the next one.
    let options = ["--once"].iter().chain(options).map(|option| option as &dyn AsRef<OsStr>);
    let arguments: Vec<_> = options.chain([&program as &dyn AsRef<OsStr>, &port_text]).collect();
    let activator = activate(&directory, port, &arguments);
    let mut answer = String::new();
    let result = connect(port).read_to_string(&mut answer);
    result.unwrap_or_else(|error| panic!("no answer: {error}: {}", activator.output()));
    answer
}

/// Sends a signal to a process of the test's, where it has not ended by itself.
pub fn kill(process: u32, signal: i32) {
    // SAFETY: it takes numbers alone.
    let result = unsafe { libc::kill(process as libc::pid_t, signal) };
    let error = io::Error::last_os_error();
    assert!(result == 0 || error.raw_os_error() == Some(libc::ESRCH), "kill({process}, {signal}): {error}");
}

/// Whether a process runs: what has ended and was not waited for is none any more.
pub fn runs(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// The children of a process, zombies included: where the kernel has no list of them, too.
pub fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let processes = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    let is_child = |process: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // The name, in parentheses, may have anything in it.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        fields.split_ascii_whitespace().nth(1) == Some(&parent.to_string())
    };
    processes.filter(is_child).collect()
}

/// A connection to a port of 127.0.0.1, on which somebody listens; it gives up in the end where nobody answers.
pub fn connect(port: u16) -> TcpStream {
    try_connect(port).expect("a connection, not refused")
}

/// The same, where perhaps nobody listens.
pub fn try_connect(port: u16) -> Option<TcpStream> {
    let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    connection.set_read_timeout(Some(PATIENCE)).expect("a duration that is not zero");
    Some(connection)
}

/// The answer, which is at once on its way, to a message.
pub fn exchange(connection: &mut TcpStream, message: &[u8]) -> String {
    connection.write_all(message).expect("a connection that takes it");
    let mut answer = [0; 1024];
    let length = connection.read(&mut answer).expect("an answer");
    str::from_utf8(&answer[..length]).expect("a text").to_owned()
}
