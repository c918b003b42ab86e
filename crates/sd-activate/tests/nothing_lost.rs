//! No connection is lost, whatever becomes of the service, of its units and of sd-activate.
//!
//! Eight clients connect without a pause while the service is killed and started again, its units are loaded anew, and sd-activate
//! is executed anew. What a service has accepted is the service's: so ours is killed by SIGKILL only while it has accepted
//! nothing, and answers what it has accepted before it heeds SIGTERM. All else has to be answered, by that service or by the
//! next.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `SDLITE_CASES` | how many connections, while the service is killed 100 times and the rest is done 20 times each; if not set, a few |

mod common;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::units::Units;
use common::{Activator, children, eventually, kill, runs};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::sys::time::{TimeVal, TimeValLike};
use sdlite_test_support::random::number;

const CLIENTS: usize = 8;
/// Who has not been answered by then is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a client connects to, or sends to.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Tcp,
    UnixStream,
    UnixPacket,
    Udp,
    UnixDatagram,
}

const ALL: [Kind; 5] = [Kind::Tcp, Kind::UnixStream, Kind::UnixPacket, Kind::Udp, Kind::UnixDatagram];
const CONNECTED: [Kind; 3] = [Kind::Tcp, Kind::UnixStream, Kind::UnixPacket];

/// What is done meanwhile.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Kill,
    Restart,
    Reload,
    Reexecute,
}

/// Where clients connect to, and what they have seen.
struct Clients<'a> {
    units: &'a Units,
    kinds: &'static [Kind],
    wanted: usize,
    answered: AtomicUsize,
    of_kinds: [AtomicUsize; ALL.len()],
    /// The service that has answered last, and how many others that was.
    service: AtomicU32,
    services: AtomicUsize,
    lost: Mutex<Vec<String>>,
    enough: AtomicBool,
}

impl Clients<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.units.directory.path(name)
    }

    /// Asks, and returns the answer.
    fn ask(&self, kind: Kind, question: &str, datagrams: &UnixDatagram) -> io::Result<String> {
        let mut answer = [0; 200];
        let length = match kind {
            Kind::Tcp => {
                let stream = TcpStream::connect(("127.0.0.1", self.units.port))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                converse(stream, question, &mut answer)?
            }
            Kind::UnixStream => {
                let stream = UnixStream::connect(self.path("stream"))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                converse(stream, question, &mut answer)?
            }
            Kind::UnixPacket => converse(File::from(packets(&self.path("packet"))?), question, &mut answer)?,
            Kind::Udp => {
                let socket = UdpSocket::bind("127.0.0.1:0")?;
                socket.set_read_timeout(Some(PATIENCE))?;
                socket.send_to(question.as_bytes(), ("127.0.0.1", self.units.port))?;
                socket.recv(&mut answer)?
            }
            Kind::UnixDatagram => {
                datagrams.send_to(question.as_bytes(), self.path("datagram"))?;
                datagrams.recv(&mut answer)?
            }
        };
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    /// Asks until it is enough.
    fn run(&self, number: usize) {
        let datagrams = UnixDatagram::bind(self.path(&format!("client-{number}"))).unwrap();
        datagrams.set_read_timeout(Some(PATIENCE)).unwrap();
        for count in number.. {
            if self.enough.load(Ordering::Relaxed) && self.answered.load(Ordering::Relaxed) >= self.wanted {
                return;
            }
            let kind = count % self.kinds.len();
            let question = format!("{number}-{count}");
            let begun = Instant::now();
            match self.ask(self.kinds[kind], &question, &datagrams) {
                Ok(answer) if answer.split_whitespace().next() == Some(&question) => {
                    let service = answer.split_whitespace().nth(1).and_then(|pid| pid.parse().ok()).unwrap_or(0);
                    if self.service.swap(service, Ordering::Relaxed) != service {
                        self.services.fetch_add(1, Ordering::Relaxed);
                    }
                    self.of_kinds[kind].fetch_add(1, Ordering::Relaxed);
                    self.answered.fetch_add(1, Ordering::Relaxed);
                }
                other => {
                    let lost = format!("{:?} {question}: {other:?} after {:?}", self.kinds[kind], begun.elapsed());
                    return self.lost.lock().unwrap().push(lost);
                }
            }
        }
    }
}

fn converse(mut stream: impl Read + Write, question: &str, answer: &mut [u8]) -> io::Result<usize> {
    stream.write_all(question.as_bytes())?;
    stream.read(answer)
}

/// A connection of SOCK_SEQPACKET.
fn packets(path: &Path) -> io::Result<OwnedFd> {
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    let patience = TimeVal::seconds(PATIENCE.as_secs() as i64);
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::ReceiveTimeout, &patience)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket)
}

/// How many connections, and how often each trouble.
fn amounts() -> (usize, [(Trouble, usize); 4]) {
    let cases = number("SDLITE_CASES");
    let (kills, others) = if cases.is_some() { (100, 20) } else { (10, 3) };
    let troubles =
        [(Trouble::Kill, kills), (Trouble::Restart, others), (Trouble::Reload, others), (Trouble::Reexecute, others)];
    (cases.unwrap_or(1000), troubles)
}

/// All troubles, one after the other in an order that is the same each time, but no pattern.
fn shuffled(amounts: [(Trouble, usize); 4]) -> Vec<Trouble> {
    let mut troubles: Vec<_> =
        amounts.into_iter().flat_map(|(trouble, count)| std::iter::repeat_n(trouble, count)).collect();
    let mut random = 1_u64;
    for place in (1..troubles.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        troubles.swap(place, (random >> 33) as usize % (place + 1));
    }
    troubles
}

fn sdctl(units: &Units, arguments: &[&str]) -> String {
    let output = units.sdctl(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn descriptors(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

/// Has clients ask while there is trouble, each time that some more have been answered, and says how it was.
fn try_all(
    name: &str,
    units: &Units,
    activator: &Activator,
    kinds: &'static [Kind],
    trouble: impl Fn(&Clients, Trouble),
) {
    let (wanted, amounts) = amounts();
    let clients = Clients {
        units,
        kinds,
        wanted,
        answered: AtomicUsize::new(0),
        of_kinds: Default::default(),
        service: AtomicU32::new(0),
        services: AtomicUsize::new(0),
        lost: Mutex::default(),
        enough: AtomicBool::new(false),
    };
    let troubles = shuffled(amounts);
    let (open, begun) = (descriptors(activator.pid()), Instant::now());
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let clients = &clients;
            scope.spawn(move || clients.run(number));
        }
        for (count, next) in troubles.iter().enumerate() {
            let due = wanted * (count + 1) / (troubles.len() + 1);
            eventually("answers", || {
                let lost = !clients.lost.lock().unwrap().is_empty();
                (lost || clients.answered.load(Ordering::Relaxed) >= due).then_some(())
            });
            if clients.lost.lock().unwrap().is_empty() {
                trouble(&clients, *next);
            }
        }
        clients.enough.store(true, Ordering::Relaxed);
    });
    let lost = clients.lost.into_inner().unwrap();
    assert!(lost.is_empty(), "{lost:#?}\n{}", activator.output());
    let of_kinds: Vec<_> =
        kinds.iter().zip(&clients.of_kinds).map(|(kind, count)| format!("{kind:?} {count:?}")).collect();
    println!(
        "{name}: {:?} answered in {:?} by {:?} services, none lost: {}; {amounts:?}",
        clients.answered,
        begun.elapsed(),
        clients.services,
        of_kinds.join(", "),
    );
    // One, the stream of the service that runs now.
    eventually("no descriptor more", || (descriptors(activator.pid()) <= open + 1).then_some(()));
}

#[test]
fn no_connection_and_no_datagram_is_lost() {
    let units = Units::new(&[
        (
            "a.socket",
            "[Socket]\nListenStream=127.0.0.1:PORT\nListenStream=DIRECTORY/stream\nListenSequentialPacket=DIRECTORY/packet\n\
             ListenDatagram=127.0.0.1:PORT\nListenDatagram=DIRECTORY/datagram\n\
             TriggerLimitIntervalSec=0\nPollLimitIntervalSec=0\n",
        ),
        ("a.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=SERVICE careful DIRECTORY/lock\n"),
    ]);
    let mut activator = units.start(&["a.socket"], 1);
    try_all("Accept=no", &units, &activator, &ALL, |clients, trouble| match trouble {
        Trouble::Kill => kill_between(clients, &activator),
        Trouble::Restart => drop(sdctl(&units, &["restart", "a.service"])),
        Trouble::Reload => drop(sdctl(&units, &["daemon-reload"])),
        Trouble::Reexecute => drop(sdctl(&units, &["daemon-reexec"])),
    });
    assert!(activator.stop().success());
}

/// Kills the service while it has accepted nothing.
fn kill_between(clients: &Clients, activator: &Activator) {
    let path = clients.path("lock");
    eventually("a service to kill", || {
        if !clients.lost.lock().unwrap().is_empty() {
            return Some(());
        }
        let service = clients.service.load(Ordering::Relaxed);
        let file = File::options().write(true).open(&path).ok()?;
        let lock = Flock::lock(file, FlockArg::LockExclusive).ok()?;
        let is_there = children(activator.pid()).contains(&service) && runs(service);
        if is_there {
            kill(service, libc::SIGKILL);
        }
        drop(lock);
        is_there.then_some(())
    });
}

#[test]
fn no_connection_is_lost_where_each_has_a_service_of_its_own() {
    let units = Units::new(&[
        (
            "each.socket",
            "[Socket]\nListenStream=127.0.0.1:PORT\nListenStream=DIRECTORY/stream\nListenSequentialPacket=DIRECTORY/packet\n\
             Accept=yes\nMaxConnections=1000\nTriggerLimitIntervalSec=0\nPollLimitIntervalSec=0\n",
        ),
        ("each@.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=SERVICE echo\n"),
    ]);
    let mut activator = units.start(&["each.socket"], 1);
    // A connection of its own is what is killed or stopped: it is its service's, and ends with it. No other does.
    let with_own = |end: &dyn Fn(u32, u16)| {
        let mut own = TcpStream::connect(("127.0.0.1", units.port)).unwrap();
        own.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = [0; 200];
        own.write_all(b"own").unwrap();
        let length = own.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        end(answer.split_whitespace().nth(1).unwrap().parse().unwrap(), own.local_addr().unwrap().port());
        assert_eq!(own.read(&mut [0; 1]).unwrap_or(0), 0);
        let _ = own.shutdown(Shutdown::Both);
    };
    try_all("Accept=yes", &units, &activator, &CONNECTED, |_, trouble| match trouble {
        Trouble::Kill => with_own(&|pid, _| kill(pid, libc::SIGKILL)),
        Trouble::Restart => with_own(&|_, port| {
            let all = sdctl(&units, &["list-units", "--plain", "--no-legend", "each@*"]);
            let its = |unit: &&str| unit.ends_with(&format!(":{port}.service"));
            let unit = all.split_whitespace().find(its).unwrap_or_else(|| panic!("no {port}: {all}"));
            sdctl(&units, &["stop", unit]);
        }),
        Trouble::Reload => drop(sdctl(&units, &["daemon-reload"])),
        Trouble::Reexecute => drop(sdctl(&units, &["daemon-reexec"])),
    });
    assert!(activator.stop().success());
}
