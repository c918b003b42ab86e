//! Where the daemons run: with the drop-in, in namespaces of their own, and what they are seen to do there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use sdlite_test_support as support;
use support::activation::{children, eventually, kill, try_connect};
use support::debian;

/// How long one message may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where libsdlite is installed, where the daemons' packages are unpacked, and where Debian's libsystemd is.
pub const PREFIX: &str = "prefix";
pub const ROOT: &str = "root";
pub const LIBSYSTEMD: &str = "libsystemd";

/// One daemon's surroundings: /run/NAME is its own directory.
pub struct Machine {
    /// Where libsdlite is installed.
    prefix: PathBuf,
    /// Where the packages are unpacked.
    root: PathBuf,
    /// Where Debian's libsystemd is.
    libsystemd: PathBuf,
    directory: PathBuf,
    notified: UnixDatagram,
}

impl Machine {
    /// `unpacked` has what main.rs puts there.
    pub fn new(name: &str, unpacked: &Path) -> Self {
        let directory = Path::new("/run").join(name);
        fs::create_dir(&directory).expect("a /run of our own");
        let notified = receiver(&directory.join("notify"));
        let [prefix, root, libsystemd] = [PREFIX, ROOT, LIBSYSTEMD].map(|directory| unpacked.join(directory));
        Self { prefix, root, libsystemd, directory, notified }
    }

    /// The name of a file in the daemon's directory.
    pub fn path(&self, name: &str) -> String {
        self.directory.join(name).to_str().expect("text").to_owned()
    }

    /// Writes a file, and answers its name.
    pub fn write(&self, name: &str, content: &str) -> String {
        fs::write(self.path(name), content).expect("a file in /run");
        self.path(name)
    }

    /// The drop-in: a directory with its libsystemd.so.0.
    pub fn drop_in(&self) -> PathBuf {
        self.prefix.join("lib/sdlite")
    }

    /// The same of Debian's libsystemd.
    pub fn libsystemd(&self) -> PathBuf {
        debian::libraries(&self.libsystemd).pop().expect("libsystemd0, unpacked")
    }

    /// A shared library, or a module, from the unpacked packages.
    pub fn library(&self, name: &str) -> PathBuf {
        let mut places = debian::libraries(&self.root).into_iter().map(|directory| directory.join(name));
        places.find(|path| path.is_file()).unwrap_or_else(|| panic!("{name} is in none of the unpacked packages"))
    }

    /// A program that ends by itself, such as a client, from the unpacked packages, on the drop-in.
    pub fn client(&self, name: &str, arguments: &[&str]) -> Command {
        self.client_on(&self.drop_in(), name, arguments)
    }

    /// The same, on the libsystemd.so.0 that is in this directory.
    pub fn client_on(&self, libsystemd: &Path, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["20", "env", &self.libraries(libsystemd)]).arg(debian::program(name, &self.root));
        command.args(arguments).current_dir(&self.directory);
        command
    }

    /// Where programs find their libraries: LD_LIBRARY_PATH.
    fn libraries(&self, libsystemd: &Path) -> String {
        let directories = [libsystemd.to_path_buf()].into_iter().chain(debian::libraries(&self.root));
        let path = env::join_paths(directories).expect("directories without colons").into_string().expect("text");
        format!("LD_LIBRARY_PATH={path}")
    }

    /// What the daemon finds in its environment.
    fn environment(&self) -> [String; 3] {
        let notify = format!("NOTIFY_SOCKET={}", self.path("notify"));
        [self.libraries(&self.drop_in()), "LD_BIND_NOW=1".into(), notify]
    }

    fn spawn(&self, command: &mut Command, name: &str) -> (Child, String) {
        let said = self.path(&name.replace('/', "-")) + ".output";
        let output = File::create(&said).expect("a file for what it says");
        let command = command.current_dir(&self.directory).stdin(Stdio::piped());
        command.stdout(output.try_clone().expect("the file once more")).stderr(output);
        (command.spawn().expect("a daemon"), said)
    }

    /// Starts a daemon.
    pub fn start(&self, name: &str, arguments: &[&str]) -> Service<'_> {
        self.start_with(&[], name, arguments)
    }

    /// Starts a daemon that has these variables, too, in its environment.
    pub fn start_with(&self, variables: &[&str], name: &str, arguments: &[&str]) -> Service<'_> {
        let mut command = Command::new("env");
        command.args(self.environment()).args(variables).arg(debian::program(name, &self.root)).args(arguments);
        let (process, said) = self.spawn(&mut command, name);
        Service { process, machine: self, said, listens: None }
    }

    /// Has sd-activate listen on these addresses, and start a daemon upon the first connection.
    pub fn activate(&self, listen: &[&str], name: &str, arguments: &[&str]) -> Service<'_> {
        self.activate_program(listen, &debian::program(name, &self.root), name, arguments)
    }

    /// The same of a program that is installed with libsdlite.
    pub fn activate_own(&self, listen: &[&str], name: &str, arguments: &[&str]) -> Service<'_> {
        self.activate_program(listen, &self.prefix.join("bin").join(name), name, arguments)
    }

    fn activate_program(&self, listen: &[&str], program: &Path, name: &str, arguments: &[&str]) -> Service<'_> {
        let mut command = Command::new(self.prefix.join("bin/sd-activate"));
        // Once: a daemon that ends is an error, and not to be started again.
        command.arg("--once");
        command.args(self.environment().iter().flat_map(|assignment| ["-E", assignment]));
        command.args(listen.iter().flat_map(|address| ["-l", address]));
        command.arg(program).args(arguments);
        let listens = listen.iter().map(|&address| address.to_owned()).collect();
        let (process, said) = self.spawn(&mut command, name);
        let service = Service { process, machine: self, said, listens: Some(listens) };
        eventually("sd-activate listens", || {
            (service.output().matches("Listening on").count() == listen.len()).then_some(())
        });
        service
    }
}

/// A socket for datagrams to which everybody may write.
pub fn receiver(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).expect("a socket in /run");
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("a socket that is ours");
    socket.set_read_timeout(Some(PATIENCE)).expect("a duration that is not zero");
    socket
}

/// A daemon that runs; it ends when dropped.
pub struct Service<'a> {
    process: Child,
    machine: &'a Machine,
    /// The file with what it says.
    said: String,
    /// What sd-activate, which `process` then is, listens on.
    listens: Option<Vec<String>>,
}

impl Service<'_> {
    /// Waits for READY=1.
    pub fn ready(&self) {
        let mut messages = String::new();
        while !messages.lines().any(|line| line == "READY=1") {
            let mut message = [0; 4096];
            let length = self.machine.notified.recv(&mut message);
            let length = length.unwrap_or_else(|error| panic!("no READY=1: {error}: {messages}{}", self.output()));
            messages += &String::from_utf8_lossy(&message[..length]);
            messages.push('\n');
        }
    }

    pub fn stdin(&mut self) -> ChildStdin {
        self.process.stdin.take().expect("a pipe that was not yet taken")
    }

    /// Connects to a port, or to a socket file, and sends something; the answer is complete when `complete` says so.
    pub fn ask(&self, address: &str, message: &[u8], complete: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut connection = self.connect(address);
        connection.write_all(message).expect("a connection that takes it");
        self.hear(&mut *connection, complete)
    }

    /// Reads until `complete` says that this is the answer.
    pub fn hear(&self, connection: &mut dyn Connection, complete: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut answer = Vec::new();
        while !complete(&answer) {
            let mut part = [0; 4096];
            match connection.read(&mut part) {
                Ok(length @ 1..) => answer.extend(&part[..length]),
                end => panic!("no answer: {end:?} after {:?}: {}", String::from_utf8_lossy(&answer), self.output()),
            }
        }
        answer
    }

    pub fn connect(&self, address: &str) -> Box<dyn Connection> {
        eventually(&format!("{address} is listened on: {}", self.output()), || {
            if address.starts_with('/') {
                let connection = UnixStream::connect(address).ok()?;
                connection.set_read_timeout(Some(PATIENCE)).expect("a duration that is not zero");
                return Some(Box::new(connection) as _);
            }
            let (_, port) = address.rsplit_once(':').expect("an address with a port");
            Some(Box::new(try_connect(port.parse().expect("a port"))?) as _)
        })
    }

    /// What it has said.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// The daemon itself.
    fn daemon(&self) -> u32 {
        let process = self.process.id();
        if self.listens.is_none() {
            return process;
        }
        *children(process).first().unwrap_or_else(|| panic!("it has ended: {}", self.output()))
    }

    /// Proves that the daemon, which has answered, has the drop-in loaded and no other libsystemd, and holds the sockets
    /// that sd-activate has made.
    pub fn proven(&self) {
        let daemon = self.daemon();
        let maps = fs::read_to_string(format!("/proc/{daemon}/maps")).expect("a daemon that runs");
        let ours = self.machine.drop_in().join("libsystemd.so.0").canonicalize().expect("the drop-in");
        let ours = ours.to_str().expect("text");
        assert!(maps.lines().any(|line| line.ends_with(ours)), "{ours} is not loaded: {maps}");
        assert!(!maps.contains("/libsystemd."), "another libsystemd is loaded: {maps}");

        let Some(listens) = &self.listens else { return };
        let passed = sockets(self.process.id());
        assert_eq!(passed.len(), listens.len(), "sd-activate's sockets: {passed:?}");
        let held = sockets(daemon);
        assert!(passed.iter().any(|socket| held.contains(socket)), "{passed:?} is not in {held:?}");
        // A port cannot be taken from sd-activate, but a socket file can be replaced by one of the daemon's own.
        let bound = fs::read_to_string("/proc/net/unix").expect("/proc");
        for path in listens.iter().filter(|path| path.starts_with('/')) {
            // Number: RefCount Protocol Flags Type St Inode Path
            let is_listening = |line: &&str| line.split_ascii_whitespace().nth(3) == Some("00010000");
            let lines: Vec<_> = bound.lines().filter(|line| line.ends_with(path)).filter(is_listening).collect();
            assert_eq!(lines.len(), 1, "{lines:?}");
        }
    }

    /// Waits until the drop-in is loaded, for a program that has nobody to answer.
    pub fn loaded(&self) {
        eventually("it is started", || {
            let maps = fs::read_to_string(format!("/proc/{}/maps", self.daemon())).unwrap_or_default();
            maps.contains("libsdlite").then_some(())
        });
        self.proven();
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        kill(self.process.id(), libc::SIGTERM);
        let end = Instant::now() + Duration::from_secs(3);
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        // What is left, such as children that ignore it, ends with the namespace of processes.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What can be read and written.
pub trait Connection: Read + Write {}

impl<T: Read + Write> Connection for T {}

/// The sockets that a process has open.
fn sockets(process: u32) -> Vec<PathBuf> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("a process that runs").flatten();
    let mut sockets: Vec<_> = descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok()).collect();
    sockets.retain(|link| link.as_os_str().as_encoded_bytes().starts_with(b"socket:"));
    sockets.sort();
    sockets.dedup();
    sockets
}

/// A command that runs what is added to it in namespaces of its own: with an empty /run, as if systemd had been started, and in
/// /etc and /usr/share what `root` has there, the users that the packages would have made, and an environment that is the same
/// for everybody. Only what Debian calls alternatives, such as cc, is the machine's own. Every process ends with it.
pub fn namespaces(root: &Path) -> Command {
    const SETUP: &str = "\
        mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/systemd/system /run/systemd/journal /run/etc && \
        if [ -d \"$0/etc\" ]; then cp -a \"$0/etc/.\" /run/etc; fi && \
        if [ -d /etc/alternatives ]; then cp -a /etc/alternatives /run/etc; fi && \
        echo 'root:*:0:0::/root:/bin/sh' >/run/etc/passwd && \
        printf '%s:*:%s:65534::/run:/bin/sh\\n' sshd 64901 _rpc 64902 guest 64903 polkitd 64904 nobody 65534 >>/run/etc/passwd && \
        printf 'root:*:0:\\nnogroup:*:65534:\\n' >/run/etc/group && \
        printf 'passwd: files\\ngroup: files\\nhosts: files\\n' >/run/etc/nsswitch.conf && \
        echo '127.0.0.1 localhost' >/run/etc/hosts && mount --bind /run/etc /etc && \
        if [ -d \"$0/usr/share\" ]; then mount --bind \"$0/usr/share\" /usr/share; fi && \
        exec env -i PATH=\"$PATH\" HOME=/run LC_ALL=C.UTF-8 \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", SETUP]);
    command.arg::<&OsStr>(root.as_ref());
    command
}
