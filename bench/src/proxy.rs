//! What passes through sd-proxy, beside systemd-socket-proxyd: bytes, messages, and the memory that it takes.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sdlite_test_support as support;
use support::activation::eventually;
use support::{has, passing};

use crate::process::{computed, resident};
use crate::progress::progress;
use crate::statistics::median;

const ROUNDS: usize = 9;
const ORIGINAL: &str = "/lib/systemd/systemd-socket-proxyd";
/// How many connections there are at a time.
const CONNECTIONS: [usize; 2] = [1, 100];
/// What passes in a round, over all connections: bytes one way, or messages there and back.
const BYTES: usize = 256 << 20;
const MESSAGES: usize = 5_000;
const BLOCK: usize = 64 << 10;
const MESSAGE: usize = 100;

/// What is passed on.
#[derive(Clone, Copy, PartialEq)]
enum Load {
    Bulk,
    Messages,
}

/// How it compares.
pub struct Proxied {
    pub what: String,
    /// sd-proxy's throughput, as many times the original's.
    pub throughput: f64,
    /// The time that it computes for the same, of the original's.
    pub computed: f64,
}

/// What sd-proxy takes of what the original takes.
pub struct Footprint {
    pub what: &'static str,
    pub ours: f64,
    pub theirs: f64,
    pub unit: &'static str,
}

/// All loads, each through both in turn.
pub fn proxied() -> Vec<Proxied> {
    has(ORIGINAL, "systemd");
    let backends = [Backend::start(sink), Backend::start(echo)];
    let mut rows = Vec::new();
    for (load, what) in [(Load::Bulk, "bulk, one way"), (Load::Messages, "messages of 100 bytes, there and back")] {
        let backend = &backends[load as usize];
        for connections in CONNECTIONS {
            let name = format!("{what}, {connections} at a time");
            let mut rounds = Vec::new();
            for round in 0..ROUNDS {
                progress(&format!("Proxy, {name}"), round, ROUNDS);
                let measure = |program: PathBuf| Proxy::start(program, backend.0).measure(load, connections);
                rounds.push(if round % 2 == 0 {
                    let ours = measure(ours());
                    [ours, measure(ORIGINAL.into())]
                } else {
                    let theirs = measure(ORIGINAL.into());
                    [measure(ours()), theirs]
                });
            }
            rows.push(Proxied {
                what: name,
                throughput: median(rounds.iter().map(|[ours, theirs]| theirs.0 / ours.0).collect()),
                computed: median(rounds.iter().map(|[ours, theirs]| ours.1 / theirs.1).collect()),
            });
        }
    }
    rows
}

/// With a hundred connections, over each of which something has gone.
pub fn footprints() -> Vec<Footprint> {
    has(ORIGINAL, "systemd");
    let backend = Backend::start(echo);
    let [ours, theirs] = [ours(), PathBuf::from(ORIGINAL)].map(|program| {
        let proxy = Proxy::start(program, backend.0);
        let mut connections: Vec<_> = (0..100).map(|_| proxy.connect()).collect();
        connections.iter_mut().for_each(|connection| exchange(connection, 1));
        [resident(proxy.process.id()), proxy.descriptors()]
    });
    let row = |i: usize, what, unit| Footprint { what, ours: ours[i], theirs: theirs[i], unit };
    vec![row(0, "resident memory with 100 connections", "KiB"), row(1, "descriptors with 100 connections", "")]
}

fn ours() -> PathBuf {
    support::release().join("sd-proxy")
}

/// Who is connected to, in this process.
struct Backend(SocketAddr);

impl Backend {
    /// Each connection has a thread. It goes on until this process ends.
    fn start(serve: fn(TcpStream)) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        thread::spawn(move || {
            for connection in listener.incoming() {
                let connection = connection.expect("a connection");
                thread::spawn(move || serve(connection));
            }
        });
        Self(address)
    }
}

/// Reads as much as it is told, and says so.
fn sink(mut connection: TcpStream) {
    let mut block = vec![0; BLOCK];
    let mut rest = u64::from_le_bytes(read(&mut connection));
    while rest > 0 {
        let count = connection.read(&mut block).expect("what was sent");
        assert!(count > 0, "cut off");
        rest -= count as u64;
    }
    connection.write_all(&[1]).expect("a connection that takes it");
}

fn echo(mut connection: TcpStream) {
    connection.set_nodelay(true).expect("a TCP socket");
    let mut message = [0; MESSAGE];
    while connection.read_exact(&mut message).is_ok() {
        connection.write_all(&message).expect("a connection that takes it");
    }
}

fn read<const N: usize>(connection: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    connection.read_exact(&mut bytes).expect("an answer");
    bytes
}

/// Sends so many bytes, and waits until all have arrived.
fn send(connection: &mut TcpStream, bytes: usize) {
    let block = vec![0; BLOCK];
    connection.write_all(&(bytes as u64).to_le_bytes()).expect("a connection that takes it");
    let mut rest = bytes;
    while rest > 0 {
        rest -= connection.write(&block[..rest.min(BLOCK)]).expect("a connection that takes it");
    }
    read::<1>(connection);
}

/// Sends so many messages, each after the answer to the one before.
fn exchange(connection: &mut TcpStream, messages: usize) {
    for _ in 0..messages {
        connection.write_all(&[7; MESSAGE]).expect("a connection that takes it");
        read::<MESSAGE>(connection);
    }
}

/// A proxy. It is killed when dropped.
struct Proxy {
    process: Child,
    address: SocketAddr,
}

impl Proxy {
    fn start(program: PathBuf, backend: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let sockets = [listener.into()];
        let mut command = passing::command(program, &sockets);
        command.arg(backend.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let proxy = Self { process: command.spawn().expect("a shell"), address };
        eventually("the proxy waits", || proxy.waits());
        proxy
    }

    /// Whether it is about to wait for connections.
    fn waits(&self) -> Option<()> {
        let epoll = |link: &PathBuf| fs::read_link(link).is_ok_and(|to| to.to_string_lossy().contains("eventpoll"));
        let links = fs::read_dir(format!("/proc/{}/fd", self.process.id())).ok()?.flatten().map(|link| link.path());
        links.into_iter().any(|link| epoll(&link)).then_some(())
    }

    fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(self.address).expect("a connection");
        connection.set_nodelay(true).expect("a TCP socket");
        connection.set_read_timeout(Some(Duration::from_secs(60))).expect("a duration that is not zero");
        connection
    }

    /// The time that a load takes, and the time that the proxy computes meanwhile.
    fn measure(&self, load: Load, connections: usize) -> (f64, f64) {
        let connections: Vec<_> = (0..connections).map(|_| self.connect()).collect();
        let (each, before, start) = (connections.len(), computed(self.process.id()), Instant::now());
        thread::scope(|scope| {
            for mut connection in connections {
                scope.spawn(move || match load {
                    Load::Bulk => send(&mut connection, BYTES / each),
                    Load::Messages => exchange(&mut connection, MESSAGES / each),
                });
            }
        });
        (start.elapsed().as_secs_f64(), computed(self.process.id()) - before)
    }

    fn descriptors(&self) -> f64 {
        fs::read_dir(format!("/proc/{}/fd", self.process.id())).expect("/proc").count() as f64
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
