//! The same service under systemd-socket-activate(1) and under sd-activate: there is no difference.

mod common;

use std::fs;
use std::net::{Ipv6Addr, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use common::{ACTIVATOR, Activator, Directory, eventually, free_port, service, talk};
use sdlite_test_support::{has, has_ipv6, has_pidfs};

const ORIGINAL: &str = "systemd-socket-activate";

/// The differences that are meant.
const INTENDED: &[Intended] = &[
    Intended {
        why: "LISTEN_PIDFDID is from systemd 258 on",
        when: |case| has_pidfs() && !case.is_inetd(),
        ours: Some("variable LISTEN_PIDFDID=own"),
        theirs: |line| line == "variable LISTEN_PIDFDID=own",
    },
    Intended {
        why: "the original becomes the service, so that whoever kills the one kills the other",
        when: |case| !case.is_accepting(),
        ours: Some("death signal 15"),
        theirs: |line| line == "death signal 0",
    },
    Intended {
        why: "in a process group of its own, what is sent to that of sd-activate reaches the service once",
        when: |_| true,
        ours: Some("session leader 0, group leader 1"),
        theirs: |line| line == "session leader 0, group leader 0",
    },
    Intended {
        why: "the original closes what else it was left open only where it opens a socket itself",
        when: |case| case.listens_on() == 0,
        ours: None,
        theirs: |line| {
            line.strip_prefix("descriptor ")
                .is_some_and(|rest| !["0:", "1:", "2:", "3:"].iter().any(|kept| rest.starts_with(kept)))
        },
    },
];

struct Intended {
    why: &'static str,
    when: fn(&Case) -> bool,
    /// The line that only sd-activate has.
    ours: Option<&'static str>,
    /// The lines that only the original has.
    theirs: fn(&str) -> bool,
}

/// How to connect.
#[derive(Clone, Copy)]
enum Client {
    Tcp,
    Tcp6,
    Udp,
    Unix,
    UnixDatagram,
    Abstract,
    /// To the abstract socket, of type SOCK_SEQPACKET.
    Seqpacket,
}

struct Case {
    name: &'static str,
    /// PORT, PORT2, PATH and NAME stand for addresses that are free; a path is below DIRECTORY.
    options: &'static [&'static str],
    client: Client,
    /// What else the service's arguments are.
    arguments: &'static [&'static str],
    before: Before,
}

/// What the activator is given.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    /// Signals that are ignored, and one that is blocked.
    Signals,
    /// A mask for new files that lets nothing through.
    Umask,
    /// A limit of descriptors below the usual.
    Limit,
    /// An open descriptor that is nobody's business.
    Descriptor,
    /// A socket at descriptor 3, with LISTEN_FDS.
    Socket,
}

impl Case {
    const fn new(name: &'static str, options: &'static [&'static str], client: Client) -> Self {
        Self { name, options, client, arguments: &[], before: Before::Nothing }
    }

    const fn arguments(self, arguments: &'static [&'static str]) -> Self {
        Self { arguments, ..self }
    }

    const fn before(self, before: Before) -> Self {
        Self { before, ..self }
    }

    fn is_accepting(&self) -> bool {
        self.options.iter().any(|option| option.starts_with("-a") || option.starts_with("--acc"))
    }

    /// How many sockets it opens.
    fn listens_on(&self) -> usize {
        self.options.iter().filter(|option| option.contains("PORT") || ["PATH", "@NAME"].contains(option)).count()
    }

    /// Whether the machine has what it takes.
    fn is_here(&self) -> bool {
        let needs_ipv6 =
            matches!(self.client, Client::Tcp6) || self.options.iter().any(|option| option.contains("[::"));
        !needs_ipv6 || has_ipv6()
    }

    fn is_inetd(&self) -> bool {
        self.options.contains(&"--inetd")
    }
}

const CASES: &[Case] = &[
    Case::new("port", &["-l", "PORT"], Client::Tcp),
    Case::new("port, reached by IPv6", &["-l", "PORT"], Client::Tcp6),
    Case::new("IPv4 address", &["-l", "127.0.0.1:PORT"], Client::Tcp),
    Case::new("IPv4 address with interface", &["-l", "127.0.0.1:PORT%lo"], Client::Tcp),
    Case::new("any IPv4 address", &["-l", "0.0.0.0:PORT"], Client::Tcp),
    Case::new("IPv6 address", &["-l", "[::1]:PORT"], Client::Tcp6),
    Case::new("any IPv6 address", &["-l", "[::]:PORT"], Client::Tcp),
    Case::new("IPv6 address with interface", &["-l", "[::1]:PORT%lo"], Client::Tcp6),
    Case::new("path", &["-l", "PATH"], Client::Unix),
    Case::new("path, no bits left for new files", &["-l", "PATH"], Client::Unix).before(Before::Umask),
    Case::new("abstract", &["-l", "@NAME"], Client::Abstract),
    Case::new("datagram, port", &["-d", "-l", "PORT"], Client::Udp),
    Case::new("datagram, address", &["--datagram", "-l", "127.0.0.1:PORT"], Client::Udp),
    Case::new("datagram, path", &["-d", "-l", "PATH"], Client::UnixDatagram),
    Case::new("seqpacket", &["--seqpacket", "-l", "@NAME"], Client::Seqpacket),
    Case::new("several", &["-l", "127.0.0.1:PORT", "-l", "@NAME", "-l", "PATH"], Client::Tcp),
    Case::new("several, the last one connected to", &["-l", "127.0.0.1:PORT", "-l", "PATH"], Client::Unix),
    Case::new("one name", &["-l", "127.0.0.1:PORT", "--fdname=a"], Client::Tcp),
    Case::new("one name for several", &["-l", "127.0.0.1:PORT", "-l", "@NAME", "--fdname=a"], Client::Tcp),
    Case::new("names", &["-l", "127.0.0.1:PORT", "-l", "@NAME", "--fdname=a:b"], Client::Tcp),
    Case::new("names in options", &["-l", "127.0.0.1:PORT", "-l", "@NAME", "--fdname=a", "--fdname=b"], Client::Tcp),
    Case::new("too many names", &["-l", "127.0.0.1:PORT", "--fdname=a:b:c"], Client::Tcp),
    Case::new("empty name", &["-l", "127.0.0.1:PORT", "--fdname="], Client::Tcp),
    Case::new("names with empty ones", &["-l", "127.0.0.1:PORT", "-l", "@NAME", "--fdname=:a::b:"], Client::Tcp),
    Case::new(
        "variables",
        &[
            "-l",
            "127.0.0.1:PORT",
            "-E",
            "A=1",
            "-E",
            "LANG",
            "-E",
            "UNSET",
            "-E",
            "EMPTY=",
            "--setenv=B=x=y",
            "-E",
            "A=2",
        ],
        Client::Tcp,
    ),
    Case::new(
        "variables that are passed anyway",
        &["-l", "127.0.0.1:PORT", "-E", "HOME=/elsewhere", "-E", "LISTEN_FDS=1", "-E", "LISTEN_FDNAMES=x"],
        Client::Tcp,
    ),
    Case::new("inetd", &["--inetd", "-l", "127.0.0.1:PORT"], Client::Tcp),
    Case::new("inetd, names", &["--inetd", "-l", "127.0.0.1:PORT", "--fdname=a"], Client::Tcp),
    Case::new("inetd, datagram", &["--inetd", "-d", "-l", "127.0.0.1:PORT"], Client::Udp),
    Case::new("accept", &["-a", "-l", "127.0.0.1:PORT"], Client::Tcp),
    Case::new("accept, port", &["--accept", "-l", "PORT"], Client::Tcp),
    Case::new("accept, port, reached by IPv6", &["-a", "-l", "PORT"], Client::Tcp6),
    Case::new("accept, path", &["-a", "-l", "PATH"], Client::Unix),
    Case::new("accept, abstract", &["-a", "-l", "@NAME"], Client::Abstract),
    Case::new("accept, seqpacket", &["-a", "--seqpacket", "-l", "@NAME"], Client::Seqpacket),
    Case::new("accept, several", &["-a", "-l", "127.0.0.1:PORT", "-l", "PATH"], Client::Unix),
    Case::new("accept, name", &["-a", "-l", "127.0.0.1:PORT", "--fdname=a"], Client::Tcp),
    Case::new("accept, names", &["-a", "-l", "127.0.0.1:PORT", "--fdname=a:b"], Client::Tcp),
    Case::new("accept, inetd", &["-a", "--inetd", "-l", "127.0.0.1:PORT"], Client::Tcp),
    Case::new("accept, inetd, path", &["-a", "--inetd", "-l", "PATH"], Client::Unix),
    Case::new("arguments", &["-l", "127.0.0.1:PORT"], Client::Tcp)
        .arguments(&["-a", "--", "--listen", "", "x y", "-h"]),
    Case::new("short options together", &["-al127.0.0.1:PORT", "-EA=1"], Client::Tcp),
    Case::new("shortened options", &["--acc", "--lis=127.0.0.1:PORT", "--"], Client::Tcp),
    Case::new("hexadecimal port", &["-l", "127.0.0.1:HEXPORT"], Client::Tcp),
    Case::new("signals", &["-l", "127.0.0.1:PORT"], Client::Tcp).before(Before::Signals),
    Case::new("signals, accept", &["-a", "-l", "127.0.0.1:PORT"], Client::Tcp).before(Before::Signals),
    Case::new("limit", &["-l", "127.0.0.1:PORT"], Client::Tcp).before(Before::Limit),
    Case::new("limit, accept", &["-a", "-l", "127.0.0.1:PORT"], Client::Tcp).before(Before::Limit),
    Case::new("descriptor", &["-l", "127.0.0.1:PORT"], Client::Tcp).before(Before::Descriptor),
    Case::new("descriptor, accept", &["-a", "-l", "127.0.0.1:PORT"], Client::Tcp).before(Before::Descriptor),
    Case::new("socket", &[], Client::Abstract).before(Before::Socket),
    Case::new("socket and another", &["-l", "127.0.0.1:PORT"], Client::Tcp).before(Before::Socket),
    Case::new("socket and another, names", &["-l", "127.0.0.1:PORT", "--fdname=a:b"], Client::Tcp)
        .before(Before::Socket),
    Case::new("socket, inetd", &["--inetd"], Client::Abstract).before(Before::Socket),
    Case::new("socket, accept", &["-a"], Client::Abstract).before(Before::Socket),
];

/// Addresses that are free, the same ones for both.
struct Addresses {
    directory: Directory,
    port: u16,
    name: String,
}

impl Addresses {
    fn new() -> Self {
        let directory = Directory::new();
        let name = directory.path("name").display().to_string().replace('/', "-");
        Self { directory, port: free_port(), name }
    }

    fn path(&self) -> String {
        self.directory.text("a/socket")
    }

    fn fill_in(&self, option: &str) -> String {
        option
            .replace("HEXPORT", &format!("{:#x}", self.port))
            .replace("PORT", &self.port.to_string())
            .replace("PATH", &self.path())
            .replace("@NAME", &format!("@{}", self.name))
    }

    fn abstract_address(&self) -> std::os::unix::net::SocketAddr {
        use std::os::linux::net::SocketAddrExt;
        std::os::unix::net::SocketAddr::from_abstract_name(&self.name).unwrap()
    }
}

/// What the service found, and what it answered, under `activator`.
fn observe(activator: &str, case: &Case, addresses: &Addresses) -> Vec<String> {
    let dump = addresses.directory.path("dump");
    let _ = fs::remove_file(&dump);

    // The shell knows its own process id beforehand, which is what LISTEN_PID has to be.
    let mut command = Command::new("/bin/sh");
    let passing = if case.before == Before::Socket { "LISTEN_FDS=1 LISTEN_FDNAMES=theirs LISTEN_PID=$$ " } else { "" };
    command.args(["-c", &format!("{passing}exec \"$@\""), "sh", activator]);
    command.args(case.options.iter().map(|option| addresses.fill_in(option)));
    command.arg(service()).arg("dump").arg(&dump).args(case.arguments);
    command.env_clear();
    command.envs([("TERM", "dumb"), ("USER", "somebody"), ("HOME", "/nonexistent"), ("LANG", "C.UTF-8")]);
    command.envs([("LOGNAME", "somebody"), ("SHELL", "/bin/sh"), ("NOTIFY_SOCKET", "/nonexistent/notify")]);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let before = case.before;
    let socket = (before == Before::Socket)
        .then(|| std::os::unix::net::UnixListener::bind_addr(&addresses.abstract_address()).unwrap());
    // SAFETY: what is called is async-signal-safe, and changes nothing but the child.
    unsafe { command.pre_exec(move || prepare(before, socket.as_ref())) };

    let count = case.listens_on() + usize::from(case.before == Before::Socket);
    let mut activator = Activator::run(&addresses.directory, command).listening(count);
    let answer = connect(case.client, addresses);
    let found = eventually("a dump", || fs::read_to_string(&dump).ok());
    if activator.is_running() {
        activator.stop();
    }
    let _ = fs::remove_file(addresses.path());
    found.lines().map(str::to_owned).chain([format!("answer {answer:?}")]).collect()
}

fn prepare(before: Before, socket: Option<&std::os::unix::net::UnixListener>) -> std::io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: plain system calls, on memory of this function.
    unsafe {
        match before {
            Before::Nothing => (),
            Before::Signals => {
                for signal in [libc::SIGPIPE, libc::SIGHUP, libc::SIGUSR1, libc::SIGCHLD, 40] {
                    libc::signal(signal, libc::SIG_IGN);
                }
                let mut blocked: libc::sigset_t = std::mem::zeroed();
                libc::sigemptyset(&mut blocked);
                libc::sigaddset(&mut blocked, libc::SIGUSR2);
                libc::sigprocmask(libc::SIG_BLOCK, &blocked, std::ptr::null_mut());
            }
            Before::Umask => {
                libc::umask(0o777);
            }
            Before::Limit => {
                libc::setrlimit(libc::RLIMIT_NOFILE, &libc::rlimit { rlim_cur: 500, rlim_max: 600 });
            }
            Before::Descriptor => {
                libc::dup2(2, 9);
            }
            Before::Socket => {
                let descriptor = socket.map_or(-1, AsRawFd::as_raw_fd);
                if descriptor != 3 {
                    libc::dup2(descriptor, 3);
                } else {
                    libc::fcntl(3, libc::F_SETFD, 0);
                }
            }
        }
    }
    Ok(())
}

fn connect(client: Client, addresses: &Addresses) -> String {
    const LINE: &str = "x";
    let patience = Some(Duration::from_secs(20));
    match client {
        Client::Tcp => talk(common::connect(addresses.port), LINE).unwrap(),
        Client::Tcp6 => talk(TcpStream::connect((Ipv6Addr::LOCALHOST, addresses.port)).unwrap(), LINE).unwrap(),
        Client::Unix => talk(UnixStream::connect(addresses.path()).unwrap(), LINE).unwrap(),
        Client::Abstract => talk(UnixStream::connect_addr(&addresses.abstract_address()).unwrap(), LINE).unwrap(),
        Client::Seqpacket => talk(seqpacket(&addresses.name), LINE).unwrap(),
        Client::Udp => {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_read_timeout(patience).unwrap();
            socket.connect(("127.0.0.1", addresses.port)).unwrap();
            socket.send(LINE.as_bytes()).unwrap();
            received(|text| socket.recv(text))
        }
        Client::UnixDatagram => {
            let socket = UnixDatagram::bind(addresses.directory.path("client")).unwrap();
            socket.set_read_timeout(patience).unwrap();
            socket.send_to(LINE.as_bytes(), addresses.path()).unwrap();
            let answer = received(|text| socket.recv(text));
            fs::remove_file(addresses.directory.path("client")).unwrap();
            answer
        }
    }
}

fn received(receive: impl FnOnce(&mut [u8]) -> std::io::Result<usize>) -> String {
    let mut text = [0; 100];
    let length = receive(&mut text).unwrap();
    String::from_utf8_lossy(&text[..length]).into_owned()
}

/// A connection of type SOCK_SEQPACKET, as a file.
fn seqpacket(name: &str) -> fs::File {
    use std::os::fd::{FromRawFd, OwnedFd};
    // SAFETY: the address is as long as is said, and begins with its zero byte; the descriptor is owned at once.
    let socket = unsafe {
        let mut address: libc::sockaddr_un = std::mem::zeroed();
        address.sun_family = libc::AF_UNIX as libc::sa_family_t;
        for (byte, character) in address.sun_path.iter_mut().skip(1).zip(name.bytes()) {
            *byte = character as libc::c_char;
        }
        let length = std::mem::offset_of!(libc::sockaddr_un, sun_path) + 1 + name.len();
        let socket = libc::socket(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0);
        let connected = libc::connect(socket, (&raw const address).cast(), length as libc::socklen_t);
        assert_eq!(connected, 0, "{}", std::io::Error::last_os_error());
        OwnedFd::from_raw_fd(socket)
    };
    fs::File::from(socket)
}

#[test]
fn a_service_finds_what_systemd_socket_activate_gives_it() {
    if !has(ORIGINAL, "systemd") {
        return;
    }
    for case in CASES.iter().filter(|case| case.is_here()) {
        let addresses = Addresses::new();
        let mut original = observe(ORIGINAL, case, &addresses);
        let mut ours = observe(ACTIVATOR, case, &addresses);
        for intended in INTENDED.iter().filter(|intended| (intended.when)(case)) {
            if let Some(expected) = intended.ours {
                let position = ours.iter().position(|line| line == expected);
                let position = position.unwrap_or_else(|| panic!("{}: no {expected} ({})", case.name, intended.why));
                ours.remove(position);
            }
            original.retain(|line| !(intended.theirs)(line));
        }
        assert_eq!(ours, original, "{}", case.name);
    }
}

#[test]
fn what_systemd_socket_activate_refuses_is_refused() {
    if !has(ORIGINAL, "systemd") {
        return;
    }
    const LONG: &str =
        "/tmp/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    for arguments in [
        &[][..],
        &["true"],
        &["-a", "true"],
        &["-l", "1"],
        &["-l"],
        &["--nonsense", "true"],
        &["-l", "1", "-d", "--seqpacket", "true"],
        &["-l", "1", "-a", "-d", "true"],
        &["-l", "127.0.0.1:1", "--seqpacket", "true"],
        &["-l", "192.0.2.1:1", "true"],
        &["-l", "0", "true"],
        &["-l", "-1", "true"],
        &["-l", "65536", "true"],
        &["-l", "080", "true"],
        &["-l", " 80", "true"],
        &["-l", "80x", "true"],
        &["-l", "", "true"],
        &["-l", "127.0.0.1", "true"],
        &["-l", "127.1:80", "true"],
        &["-l", "localhost:80", "true"],
        &["-l", "[::1]", "true"],
        &["-l", "::1", "true"],
        &["-l", "[::1]:80%nonsense", "true"],
        &["-l", "127.0.0.1:80%nonsense", "true"],
        &["-l", "80%lo", "true"],
        &["-l", "relative/path", "true"],
        &["-l", "/", "true"],
        &["-l", "@", "true"],
        &["-l", LONG, "true"],
        &["-l", "1", "-E", "=x", "true"],
        &["-l", "1", "-E", "1A=x", "true"],
        &["-l", "1", "-E", "A B=x", "true"],
        &["-l", "1", "-E", "", "true"],
    ] {
        let status = |activator| Command::new(activator).args(arguments).output().unwrap().status;
        assert_eq!(status(ACTIVATOR), status(ORIGINAL), "{arguments:?}");
        assert_eq!(status(ACTIVATOR).code(), Some(1), "{arguments:?}");
    }
}
