//! A proxy that is passed sockets, and sockets of any kind.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use sdlite_test_support::activation::{eventually, kill};
use sdlite_test_support::passing;

use crate::common::Original;

/// What is executed, before the arguments.
pub type Program = &'static [&'static str];

pub const OURS: Program = &[env!("CARGO_BIN_EXE_sd-proxy")];
const THEIRS: &str = "/lib/systemd/systemd-socket-proxyd";

/// How long a side waits for anything before it counts as never.
const PATIENCE: Duration = Duration::from_secs(20);

/// The original, where it is installed.
pub fn original() -> Option<Program> {
    found().as_ref().map(|(program, _)| &**program)
}

/// Whether the original is of a release that does what 262 does.
pub fn is_newest() -> bool {
    found().as_ref().is_some_and(|(_, release)| *release >= 258)
}

fn found() -> &'static Option<(Vec<&'static str>, u32)> {
    static FOUND: OnceLock<Option<(Vec<&'static str>, u32)>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let original = Original::find(THEIRS)?;
        let words = original.command().iter().map(|word| &*word.display().to_string().leak());
        Some((words.collect(), original.version))
    })
}

/// A process that was passed descriptors, with what it says. It is killed when dropped.
pub struct Proxy {
    process: Child,
    said: File,
}

impl Proxy {
    pub fn start<A: AsRef<std::ffi::OsStr>>(
        program: Program,
        arguments: impl IntoIterator<Item = A>,
        passed: &[OwnedFd],
    ) -> Self {
        let said = tempfile();
        let mut command = passing::command(program[0], passed);
        command.args(&program[1..]).args(arguments);
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said.try_clone().unwrap());
        Self { process: command.spawn().expect("a shell"), said }
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end: its exit status, or a signal below zero.
    pub fn status(&mut self) -> i32 {
        let status = eventually("the proxy's end", || self.process.try_wait().expect("its state"));
        status.code().unwrap_or_else(|| -status.signal().expect("a signal"))
    }

    /// Sends it SIGTERM, and waits for its end.
    pub fn stop(&mut self) -> i32 {
        kill(self.pid(), libc::SIGTERM);
        self.status()
    }

    /// What it has said.
    pub fn output(&self) -> String {
        std::fs::read_to_string(format!("/proc/self/fd/{}", self.said.as_raw_fd())).expect("its output")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A file that has no name.
fn tempfile() -> File {
    let directory = sdlite_test_support::scratch();
    File::options().read(true).append(true).create(true).open(directory.path().join("said")).expect("a file")
}

/// A kind of socket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Tcp,
    Tcp6,
    Unix,
    Abstract,
}

/// A socket that listens.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection.
pub enum Connection {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    /// One that is named by its number in this directory, where it has a name.
    pub fn open(kind: Kind, directory: &Path, number: usize) -> Self {
        match kind {
            Kind::Tcp => Self::Tcp(TcpListener::bind("127.0.0.1:0").expect("a port")),
            Kind::Tcp6 => Self::Tcp(TcpListener::bind("[::1]:0").expect("a port")),
            Kind::Unix => Self::Unix(UnixListener::bind(directory.join(number.to_string())).expect("a path")),
            Kind::Abstract => {
                let name = format!("{}/{number}", directory.display());
                let address = SocketAddr::from_abstract_name(name).expect("a name");
                Self::Unix(UnixListener::bind_addr(&address).expect("a name that nobody has"))
            }
        }
    }

    /// As the proxy is told it.
    pub fn target(&self) -> String {
        match self {
            Self::Tcp(listener) => {
                let address = listener.local_addr().expect("its address");
                format!("{}:{}", address.ip(), address.port())
            }
            Self::Unix(listener) => {
                let address = listener.local_addr().expect("its address");
                match address.as_pathname() {
                    Some(path) => path.display().to_string(),
                    None => format!("@{}", String::from_utf8_lossy(address.as_abstract_name().expect("a name"))),
                }
            }
        }
    }

    pub fn connect(&self) -> Connection {
        let connection = match self {
            Self::Tcp(listener) => TcpStream::connect(listener.local_addr().expect("its address")).map(Connection::Tcp),
            Self::Unix(listener) => {
                UnixStream::connect_addr(&listener.local_addr().expect("its address")).map(Connection::Unix)
            }
        };
        connection.expect("a connection").patient()
    }

    /// A connection, once there is one.
    pub fn accept(&self) -> Connection {
        let mut poll = libc::pollfd { fd: self.fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one element, which is there for the call.
        let ready = unsafe { libc::poll(&raw mut poll, 1, PATIENCE.as_millis() as libc::c_int) };
        assert_eq!(ready, 1, "nobody connects");
        let connection = match self {
            Self::Tcp(listener) => listener.accept().map(|(connection, _)| Connection::Tcp(connection)),
            Self::Unix(listener) => listener.accept().map(|(connection, _)| Connection::Unix(connection)),
        };
        connection.expect("a connection").patient()
    }

    fn fd(&self) -> RawFd {
        match self {
            Self::Tcp(listener) => listener.as_raw_fd(),
            Self::Unix(listener) => listener.as_raw_fd(),
        }
    }

    /// Once more, for the proxy.
    pub fn passed(&self) -> OwnedFd {
        match self {
            Self::Tcp(listener) => listener.try_clone().expect("a descriptor").into(),
            Self::Unix(listener) => listener.try_clone().expect("a descriptor").into(),
        }
    }
}

impl Connection {
    fn patient(self) -> Self {
        match &self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(PATIENCE)),
            Self::Unix(stream) => stream.set_read_timeout(Some(PATIENCE)),
        }
        .expect("a duration that is not zero");
        self
    }

    /// Once more: for another thread.
    pub fn again(&self) -> Self {
        match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone().expect("a descriptor")),
            Self::Unix(stream) => Self::Unix(stream.try_clone().expect("a descriptor")),
        }
    }

    /// Ends what it sends.
    pub fn end(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// Closes it so that the other side gets a reset.
    pub fn reset(self) {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let fd = match &self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        };
        let size = size_of::<libc::linger>() as libc::socklen_t;
        // SAFETY: a descriptor that is open, and a pointer to that many bytes.
        unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), size) };
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
