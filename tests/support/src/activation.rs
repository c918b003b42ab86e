//! Services that are started in earnest: by sd-activate, upon a connection.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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

/// sd-activate of the release build, listening on a port of 127.0.0.1. What it has started ends with it.
pub struct Activator {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Activator {
    /// Gives `arguments` to sd-activate, of which the last ones are the service and its own.
    pub fn start(port: u16, arguments: &[&dyn AsRef<OsStr>]) -> Self {
        let folder = crate::scratch();
        let output = File::create(folder.path().join("output")).expect("a file for what it says");
        let process = Command::new(crate::release().join("sd-activate"))
            .args(["-l", &format!("127.0.0.1:{port}")])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("the file once more"))
            .stderr(output)
            .spawn()
            .expect("sd-activate, which was built");
        let mut activator = Self { process, port, folder };
        eventually("sd-activate listens", || {
            let ended = activator.process.try_wait().expect("its state");
            assert!(ended.is_none(), "sd-activate: {}", activator.output());
            activator.output().contains("Listening on").then_some(())
        });
        activator
    }

    /// A connection to what it listens on.
    pub fn connect(&self) -> TcpStream {
        connect(self.port).unwrap_or_else(|| panic!("no connection: {}", self.output()))
    }

    /// What a service sends that says something by itself and closes the connection.
    pub fn answer(&self) -> String {
        let mut answer = String::new();
        let result = self.connect().read_to_string(&mut answer);
        result.unwrap_or_else(|error| panic!("no answer: {error}: {}", self.output()));
        answer
    }

    /// The processes of the services that run.
    pub fn services(&self) -> Vec<u32> {
        children(self.process.id())
    }

    /// What it and its services have said.
    pub fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("output")).unwrap_or_default()
    }
}

/// What a program answers that sd-activate starts upon a connection. Its argument is the port.
pub fn activated(program: &Path, options: &[&str]) -> String {
    let port = free_port();
    let port_text = port.to_string();
    // Once, so that the client of a program that crashes does not wait for the next one.
    let options = ["--once"].iter().chain(options).map(|option| option as &dyn AsRef<OsStr>);
    let arguments: Vec<_> = options.chain([&program as &dyn AsRef<OsStr>, &port_text]).collect();
    Activator::start(port, &arguments).answer()
}

impl Drop for Activator {
    fn drop(&mut self) {
        // Its services get SIGTERM when it is gone, but for those that must be gone with it the wait is here.
        let services = self.services();
        let _ = self.process.kill();
        let _ = self.process.wait();
        for service in services {
            kill(service);
        }
    }
}

/// kill -9.
pub fn kill(process: u32) {
    // SAFETY: it takes numbers alone.
    unsafe { libc::kill(process as libc::pid_t, libc::SIGKILL) };
}

/// The children of a process that run: where the kernel has no list of them, too.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let processes = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    let is_child = |process: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // The name, in parentheses, may have anything in it.
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
        fields.next().is_some_and(|state| !"ZX".contains(state)) && fields.next() == Some(&parent.to_string())
    };
    processes.filter(is_child).collect()
}

/// A connection to a port of 127.0.0.1, that gives up in the end where nobody answers.
pub fn connect(port: u16) -> Option<TcpStream> {
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
