//! What the original has not.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use sdlite_test_support::activation::{eventually, free_port};
use sdlite_test_support::{has, not_here, scratch};

use crate::proxy::{Connection, Kind, Listener, OURS, Proxy};
use crate::session::Step::{Much, Pause, Receive, ReceiveAll, Send};
use crate::session::{play, through};

#[test]
fn a_backend_that_does_not_listen_yet_is_waited_for() {
    let (directory, port) = (scratch(), free_port());
    let path = directory.path().join("late");
    for target in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), path.display().to_string()] {
        let outside = Listener::open(Kind::Tcp, directory.path(), 0);
        let mut proxy = Proxy::start(OURS, ["--wait=20s", &target], &[outside.passed()]);
        let client = outside.connect();
        client.again().write_all(b"question").expect("a connection");
        thread::sleep(Duration::from_millis(100));
        let inside = if target.starts_with('/') {
            Listener::Unix(std::os::unix::net::UnixListener::bind(&path).expect("a path"))
        } else {
            Listener::Tcp(TcpListener::bind(("127.0.0.1", port)).expect("the port"))
        };
        assert_eq!(play(inside.accept(), &[Receive(8), Send("answer")]), ["\"question\""], "{target}");
        assert_eq!(play(client, &[ReceiveAll]), ["\"answer\", end"], "{target}");
        assert_eq!((proxy.stop(), proxy.output()), (-libc::SIGTERM, String::new()), "{target}");
    }
}

/// Where a socket gets the port as its own that it connects to, TCP connects it to itself.
#[test]
fn a_proxy_is_not_its_own_backend() {
    if !has("/usr/sbin/ip", "iproute2") {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        return not_here("the right to make a network namespace");
    }
    let directory = scratch();
    let outside = Listener::open(Kind::Unix, directory.path(), 0);
    let one_port = "ip link set lo up && echo 9000 9000 >/proc/sys/net/ipv4/ip_local_port_range && exec \"$@\"";
    let command = ["--net", "sh", "-c", one_port, "sh", OURS[0], "--wait=300ms", "127.0.0.1:9000"];
    let proxy = Proxy::start(&["unshare"], command, &[outside.passed()]);
    assert_eq!(play(outside.connect(), &[ReceiveAll]), ["\"\", end"]);
    // Once it has been used, the one port is not free for a while.
    assert_eq!(proxy.output(), "Failed to connect to remote host: Cannot assign requested address\n");
}

#[test]
fn who_waits_for_a_backend_is_cut_off_in_the_end_and_it_is_said() {
    let outside = Listener::open(Kind::Tcp, scratch().path(), 0);
    let proxy = Proxy::start(OURS, ["--wait=300ms", "127.0.0.1:1"], &[outside.passed()]);
    let before = Instant::now();
    assert_eq!(play(outside.connect(), &[ReceiveAll]), ["\"\", end"]);
    assert!(before.elapsed() >= Duration::from_millis(250), "{:?}", before.elapsed());
    assert_eq!(proxy.output(), "Failed to connect to remote host: Connection refused\n");
}

#[test]
fn a_backend_that_does_not_get_to_accept_loses_nobody() {
    let directory = scratch();
    let outside = Listener::open(Kind::Unix, directory.path(), 0);
    let inside = Listener::open(Kind::Unix, directory.path(), 1);
    // SAFETY: a descriptor that listens; it is told to hold one connection beside the one that waits.
    unsafe { libc::listen(inside.passed().as_raw_fd(), 0) };
    let proxy = Proxy::start(OURS, [inside.target()], &[outside.passed()]);
    let clients: Vec<Connection> = (0..20).map(|_| outside.connect()).collect();
    thread::sleep(Duration::from_millis(100));
    for _ in &clients {
        drop(inside.accept());
    }
    for client in clients {
        assert_eq!(play(client, &[ReceiveAll]), ["\"\", end"]);
    }
    assert_eq!(proxy.output(), "");
}

#[test]
fn a_connection_is_closed_on_which_nothing_moves() {
    const IDLE: &[&str] = &["--idle=1500ms", "--exit-idle-time=0"];
    let before = Instant::now();
    let outcome = through(
        OURS,
        IDLE,
        (Kind::Tcp, Kind::Unix),
        &[Send("a"), Pause(800), Send("b"), Pause(800), Send("c"), ReceiveAll],
        &[Receive(3), ReceiveAll],
    );
    assert!(before.elapsed() >= Duration::from_millis(3000), "{:?}", before.elapsed());
    assert_eq!((outcome.client, outcome.status), (vec!["\"\", end".to_owned()], 0));
    assert_eq!(outcome.backend, ["\"abc\"", "\"\", end"]);
}

#[test]
fn the_header_of_the_proxy_protocol_says_who_has_connected() {
    let (directory, signature) = (scratch(), b"\r\n\r\n\0\r\nQUIT\n\x21");
    for kind in [Kind::Tcp, Kind::Tcp6, Kind::Unix, Kind::Abstract] {
        if kind == Kind::Tcp6 && !sdlite_test_support::has_ipv6() {
            continue;
        }
        let number = kind as usize;
        let outside = Listener::open(kind, directory.path(), number);
        let inside = Listener::open(Kind::Tcp, directory.path(), 9);
        let _proxy = Proxy::start(OURS, ["--proxy-protocol=v2", &inside.target()], &[outside.passed()]);
        let mut client = outside.connect();
        client.write_all(b"first").expect("a connection");
        let expected: Vec<u8> = match (&client, &outside) {
            (Connection::Tcp(client), _) => {
                let (source, destination) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
                let octets = |ip| match ip {
                    std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
                    std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
                };
                let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
                let addresses = [octets(source.ip()), octets(destination.ip()), ports].concat();
                let family = if addresses.len() == 12 { 0x11 } else { 0x21 };
                [&[family, 0, addresses.len() as u8], &addresses[..]].concat()
            }
            (Connection::Unix(_), Listener::Unix(_)) => {
                let mut destination = outside.target().replacen('@', "\0", 1).into_bytes();
                destination.resize(108, 0);
                [&[0x31, 0, 216], &[0; 108][..], &destination].concat()
            }
            _ => unreachable!("both are of one kind"),
        };
        let mut received = vec![0; signature.len() + expected.len() + 5];
        inside.accept().read_exact(&mut received).expect("the header, and what the client sent");
        assert_eq!(received, [&signature[..], &expected, b"first"].concat(), "{kind:?}");
    }
}

#[test]
fn options_that_the_original_has_not_say_what_is_wrong() {
    for (option, said) in [
        ("--wait=x", "Failed to parse --wait= argument: x\n"),
        ("--idle=", "Failed to parse --idle= argument: \n"),
        ("--proxy-protocol=v1", "--proxy-protocol=v1: there is v2 only.\n"),
    ] {
        let mut proxy = Proxy::start(OURS, [option, "127.0.0.1:1"], &[]);
        assert_eq!((proxy.status(), proxy.output()), (1, said.to_owned()));
    }
}

/// A hundred clients that read nothing, and what the backend sends them: what waits is in the kernel, and this process does not grow.
/// An idle connection has no pipe.
#[test]
fn memory_and_descriptors_are_bounded() {
    let directory = scratch();
    let (outside, inside) =
        (Listener::open(Kind::Tcp, directory.path(), 0), Listener::open(Kind::Unix, directory.path(), 1));
    let proxy = Proxy::start(OURS, [inside.target()], &[outside.passed()]);
    let status = |field: &str| {
        let status = fs::read_to_string(format!("/proc/{}/status", proxy.pid())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field").to_owned();
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number")
    };
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", proxy.pid())).expect("its descriptors").count();
    let exchange = |client: &mut Connection, backend: &mut Connection| {
        client.write_all(b"a").expect("a connection");
        backend.read_exact(&mut [0]).expect("a byte");
    };
    let connect = || {
        let mut pair = (outside.connect(), inside.accept());
        exchange(&mut pair.0, &mut pair.1);
        pair
    };
    let first = connect();
    let (memory, few) = (status("VmRSS:"), descriptors());
    let pairs: Vec<_> = (0..100).map(|_| connect()).collect();
    assert_eq!(descriptors(), few + 200, "two for each connection");
    thread::scope(|scope| {
        for (client, backend) in &pairs {
            scope.spawn(|| play(backend.again(), &[Much(3_000_000)]));
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(500));
                assert_eq!(play(client.again(), &[Receive(3_000_000)]).len(), 1);
            });
        }
    });
    let grown = status("VmRSS:") - memory;
    assert!(grown < 256, "{grown} kB for a hundred connections");
    drop((pairs, first));
    eventually("the end of all", || (descriptors() <= few).then_some(()));
}
