//! Who listens, and starts a service upon a connection.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sdlite_test_support as support;
use support::activation::{eventually, free_port};
use support::{TempDir, debian, has, run, scratch};

pub const SD_ACTIVATE: &str = "sd-activate";
pub const UNITS: &str = "sd-activate, from units";
pub const SYSTEMD: &str = "systemd-socket-activate";
pub const INETD: &str = "openbsd-inetd";
const UCSPI_TCP: &str = "ucspi-tcp";

/// Where the activators are: what is installed, and Debian's packages, unpacked where nothing of them is started or enabled.
pub struct Peers {
    root: TempDir,
}

/// An activator that listens. It is killed when dropped.
pub struct Listening {
    pub process: Child,
    pub port: u16,
    _configuration: TempDir,
}

impl Peers {
    pub fn find() -> Self {
        has(SYSTEMD, "systemd");
        let root = scratch();
        debian::unpack_with_libraries(&[INETD, UCSPI_TCP], root.path())
            .unwrap_or_else(|error| panic!("no peers of sd-activate: {error}"));
        Self { root }
    }

    /// The names and versions of the others.
    pub fn versions(&self) -> Vec<String> {
        let systemd = run(Command::new(SYSTEMD).arg("--version")).stdout;
        // `systemd 252 (252.39-1~deb12u2)`
        let systemd = String::from_utf8_lossy(&systemd).split(' ').take(2).collect::<Vec<_>>().join(" ");
        let unpacked = [INETD, UCSPI_TCP].map(|package| {
            // Without its epoch, and without what Debian has changed.
            let version = debian::version(package, self.root.path());
            let version = version.split_once(':').map_or(&*version, |(_epoch, version)| version);
            format!("{package} {}", version.rsplit_once('-').map_or(version, |(upstream, _)| upstream))
        });
        [systemd].into_iter().chain(unpacked).collect()
    }

    /// Each, listening for connections for which it starts a process of `service`.
    pub fn accepting(&self, service: &Path) -> Vec<(&'static str, Listening)> {
        vec![
            (SD_ACTIVATE, self.start(|port, _| accepting(support::release().join(SD_ACTIVATE), port, service))),
            (UNITS, self.start(|port, directory| unit(port, directory, service, true))),
            (SYSTEMD, self.start(|port, _| accepting(SYSTEMD.into(), port, service))),
            (INETD, self.start(|port, directory| self.inetd(port, "nowait.1000000", directory, service))),
            ("tcpserver", self.start(|port, _| self.tcpserver(port, service))),
        ]
    }

    /// Starts each with a service that accepts by itself, and gives it to `measure` while that is not yet running. tcpserver
    /// has nothing of the kind.
    pub fn activating<T>(&self, service: &Path, measure: impl Fn(&Listening) -> T) -> Vec<(&'static str, T)> {
        let systemds = |activator: PathBuf| {
            self.start(|port, _| {
                let mut command = Command::new(activator);
                command.args(["-l", &format!("127.0.0.1:{port}")]).arg(service);
                command
            })
        };
        vec![
            (SD_ACTIVATE, measure(&systemds(support::release().join(SD_ACTIVATE)))),
            (UNITS, measure(&self.start(|port, directory| unit(port, directory, service, false)))),
            (SYSTEMD, measure(&systemds(SYSTEMD.into()))),
            (INETD, measure(&self.start(|port, directory| self.inetd(port, "wait", directory, service)))),
        ]
    }

    /// Starts what listens on a port, with files of its own in a directory.
    pub fn start(&self, command: impl FnOnce(u16, &Path) -> Command) -> Listening {
        let configuration = scratch();
        let port = free_port();
        let mut command = command(port, configuration.path());
        // What they say about each connection goes to where it costs least.
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut process = process.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        eventually(&format!("{command:?} listens"), || {
            let ended = process.try_wait().expect("its state");
            assert!(ended.is_none(), "{command:?}: {ended:?}");
            listens(port).then_some(())
        });
        Listening { process, port, _configuration: configuration }
    }

    fn inetd(&self, port: u16, wait: &str, directory: &Path, service: &Path) -> Command {
        let configuration = directory.join("inetd.conf");
        let service = service.display();
        fs::write(&configuration, format!("127.0.0.1:{port} stream tcp {wait} root {service} service\n"))
            .expect("inetd's configuration");
        let mut command = self.unpacked("inetd");
        command.arg("-i").arg(configuration);
        command
    }

    fn tcpserver(&self, port: u16, service: &Path) -> Command {
        let mut command = self.unpacked("tcpserver");
        // No names are looked up, neither of hosts nor of users.
        command.args(["-H", "-R", "-l", "localhost", "-c", "1000", "127.0.0.1"]).arg(port.to_string()).arg(service);
        command
    }

    fn unpacked(&self, name: &str) -> Command {
        let mut command = Command::new(debian::program(name, self.root.path()));
        let libraries = debian::libraries(self.root.path());
        command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries).expect("directories without colons"));
        command
    }
}

fn accepting(activator: PathBuf, port: u16, service: &Path) -> Command {
    let mut command = Command::new(activator);
    command.args(["-l", &format!("127.0.0.1:{port}"), "--accept", "--inetd"]).arg(service);
    command
}

/// sd-activate, with a socket and its service, and nothing else of what it would have in a container.
fn unit(port: u16, directory: &Path, service: &Path, accept: bool) -> Command {
    let no_limits = "PollLimitBurst=0\nTriggerLimitBurst=0\nMaxConnections=1000";
    let socket = format!("[Socket]\nListenStream=127.0.0.1:{port}\nAccept={accept}\n{no_limits}\n");
    let input = if accept { "StandardInput=socket\n" } else { "" };
    let name = if accept { "bench@.service" } else { "bench.service" };
    fs::write(directory.join("bench.socket"), socket).expect("a unit");
    fs::write(directory.join(name), format!("[Service]\nExecStart={}\n{input}", service.display())).expect("a unit");
    managing(directory, "bench.socket")
}

/// sd-activate with a unit of a directory, without the journal's sockets.
pub fn managing(directory: &Path, unit: &str) -> Command {
    let mut command = Command::new(support::release().join(SD_ACTIVATE));
    command.arg("--no-journal").arg(format!("--control={}", directory.join("control").display()));
    command.arg(format!("--unit-path={}", directory.display())).arg(unit);
    command
}

/// Whether somebody listens on a port: a connection, to find out, would start the service.
fn listens(port: u16) -> bool {
    const LISTEN: &str = "0A";
    let port = format!(":{port:04X}");
    let table = fs::read_to_string("/proc/net/tcp").expect("/proc");
    // sl local_address rem_address st
    table.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        fields.next().is_some_and(|address| address.ends_with(&port)) && fields.nth(1) == Some(LISTEN)
    })
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
