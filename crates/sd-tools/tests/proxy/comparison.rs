//! The same clients and the same backends with systemd-socket-proxyd(8) and with sd-proxy: there is no difference but those that
//! are meant.

use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use sdlite_test_support::activation::eventually;
use sdlite_test_support::{has_ipv6, scratch};

use crate::proxy::{Connection, Kind, Listener, OURS, Proxy, is_newest, original};
use crate::session::Step::{End, Much, Pause, Receive, ReceiveAll, Reset, Send};
use crate::session::{Step, play, through};

use Kind::{Abstract, Tcp, Tcp6, Unix};

const MEGABYTES: usize = 5_000_000;

struct Session {
    name: &'static str,
    kinds: (Kind, Kind),
    options: &'static [&'static str],
    client: &'static [Step],
    backend: &'static [Step],
}

const fn session(
    name: &'static str,
    kinds: (Kind, Kind),
    client: &'static [Step],
    backend: &'static [Step],
) -> Session {
    Session { name, kinds, options: &["--exit-idle-time=0"], client, backend }
}

const ASK: &[Step] = &[Send("question"), Receive(6), Send("again"), ReceiveAll];
const ANSWER: &[Step] = &[Receive(8), Send("answer"), Receive(5), Send("bye")];

const SESSIONS: &[Session] = &[
    session("TCP to TCP", (Tcp, Tcp), ASK, ANSWER),
    session("TCP to a path", (Tcp, Unix), ASK, ANSWER),
    session("TCP to an abstract name", (Tcp, Abstract), ASK, ANSWER),
    session("a path to TCP", (Unix, Tcp), ASK, ANSWER),
    session("a path to a path", (Unix, Unix), ASK, ANSWER),
    session("an abstract name to TCP", (Abstract, Tcp), ASK, ANSWER),
    session("IPv6 to IPv6", (Tcp6, Tcp6), ASK, ANSWER),
    session("IPv6 to a path", (Tcp6, Unix), ASK, ANSWER),
    session(
        "the backend speaks first",
        (Tcp, Tcp),
        &[Receive(5), Send("hello"), ReceiveAll],
        &[Send("ready"), Receive(5)],
    ),
    session("nobody speaks, the client leaves", (Tcp, Tcp), &[Pause(50)], &[ReceiveAll]),
    session("nobody speaks, the backend leaves", (Tcp, Tcp), &[ReceiveAll], &[Pause(50)]),
    session("the client sends and leaves at once", (Tcp, Tcp), &[Send("message")], &[ReceiveAll]),
    session("the same from a path", (Unix, Unix), &[Send("message")], &[ReceiveAll]),
    session("the client ends what it sends", (Tcp, Tcp), &[Send("message"), End, ReceiveAll], &[ReceiveAll]),
    session("the backend ends what it sends", (Tcp, Tcp), &[ReceiveAll], &[Send("message"), End, ReceiveAll]),
    session("much goes up", (Tcp, Tcp), &[Much(MEGABYTES), Receive(2)], &[Receive(MEGABYTES), Send("ok"), ReceiveAll]),
    session(
        "much goes down",
        (Tcp, Tcp),
        &[Receive(MEGABYTES), Send("ok"), ReceiveAll],
        &[Much(MEGABYTES), Receive(2)],
    ),
    session("much goes down to a path", (Unix, Tcp), &[ReceiveAll], &[Much(MEGABYTES)]),
    session("much goes up to a path", (Tcp, Unix), &[Much(MEGABYTES)], &[ReceiveAll]),
    session("much goes from path to path", (Unix, Unix), &[Much(MEGABYTES)], &[ReceiveAll]),
    session("the backend is slow", (Tcp, Tcp), &[Much(MEGABYTES)], &[Pause(300), Receive(MEGABYTES), ReceiveAll]),
    session("the client is slow", (Unix, Unix), &[Pause(300), ReceiveAll], &[Much(MEGABYTES)]),
    session("the client is cut off", (Tcp, Tcp), &[Send("a"), Receive(1), Reset], &[Receive(1), Send("b"), ReceiveAll]),
    session(
        "the backend is cut off",
        (Tcp, Tcp),
        &[Send("a"), Receive(1), ReceiveAll],
        &[Receive(1), Send("b"), Pause(50), Reset],
    ),
];

#[test]
fn both_sides_see_the_same_as_through_the_original() {
    let Some(original) = original() else { return };
    for Session { name, kinds, options, client, backend } in SESSIONS {
        if [kinds.0, kinds.1].contains(&Tcp6) && !has_ipv6() {
            continue;
        }
        let [theirs, ours] = [original, OURS].map(|program| through(program, options, *kinds, client, backend));
        assert_eq!(ours, theirs, "{name}: sd-proxy left, the original right");
        assert_eq!(ours.status, 0, "{name}: {ours:?}");
    }
}

/// As in systemd 262. Through 252, what is said after the other side has ended is lost.
#[test]
fn a_side_that_has_ended_what_it_sends_is_still_answered() {
    const CLIENT: &[Step] = &[Send("question"), End, ReceiveAll];
    const BACKEND: &[Step] = &[ReceiveAll, Pause(50), Send("answer")];
    for kinds in [(Tcp, Tcp), (Unix, Unix), (Tcp, Unix)] {
        let ours = through(OURS, &["--exit-idle-time=0"], kinds, CLIENT, BACKEND);
        assert_eq!(
            (&*ours.client, &*ours.backend),
            (&["\"answer\", end".to_owned()][..], &["\"question\", end".to_owned()][..])
        );
        let Some(original) = original() else { continue };
        let theirs = through(original, &["--exit-idle-time=0"], kinds, CLIENT, BACKEND);
        if is_newest() {
            assert_eq!(ours, theirs);
        } else {
            assert_eq!(theirs.client, ["\"\", end"], "the row in docs/tools.md");
        }
    }
}

/// Where nobody is there to be connected to: targets, and what is said.
const NOWHERE: &[&str] = &[
    "127.0.0.1:1",
    "127.0.0.1",
    "127.0.0.1:0",
    "::1:1",
    "/nonexistent/socket",
    "@sd-proxy-nobody-listens",
    "@",
    "",
    ":1",
    "*:1",
    "no.such.host.invalid:1",
    "127.0.0.1:no-such-service",
    "localhost:1",
];

#[test]
fn a_client_is_cut_off_where_nobody_listens_and_the_same_is_said() {
    let Some(original) = original() else { return };
    let long = format!("/{}", "x".repeat(120));
    for target in NOWHERE.iter().copied().chain([&*long]) {
        let [theirs, ours] = [original, OURS].map(|program| {
            let outside = Listener::open(Tcp, scratch().path(), 0);
            let mut proxy = Proxy::start(program, ["--exit-idle-time=0", target], &[outside.passed()]);
            let seen = play(outside.connect(), &[ReceiveAll]);
            (seen, proxy.status(), proxy.output())
        });
        assert_eq!(ours, theirs, "{target:?}: sd-proxy left, the original right");
        assert!(ours.2.starts_with("Failed to ") || ours.2.starts_with("Specified "), "{target:?}: {}", ours.2);
    }
}

/// What is no socket to accept connections from, or no command line.
#[test]
fn what_is_refused_is_refused_in_the_same_words() {
    let Some(original) = original() else { return };
    let directory = scratch();
    let listening = || Listener::open(Tcp, directory.path(), 0).passed();
    let datagram = || OwnedFd::from(UdpSocket::bind("127.0.0.1:0").expect("a port"));
    let null = || OwnedFd::from(std::fs::File::open("/dev/null").expect("/dev/null"));
    let connected = || {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let client = std::net::TcpStream::connect(listener.local_addr().expect("its address")).expect("a connection");
        OwnedFd::from(client)
    };
    type Passed<'a> = Vec<&'a dyn Fn() -> OwnedFd>;
    let cases: [(&[&str], Passed<'_>); 21] = [
        (&[], vec![&listening]),
        (&["127.0.0.1:1", "127.0.0.1:2"], vec![&listening]),
        (&["127.0.0.1:1"], vec![]),
        (&["127.0.0.1:1"], vec![&datagram]),
        (&["127.0.0.1:1"], vec![&null]),
        (&["127.0.0.1:1"], vec![&connected]),
        (&["127.0.0.1:1"], vec![&listening, &datagram]),
        (&["-c", "0", "127.0.0.1:1"], vec![&listening]),
        (&["-c", "x", "127.0.0.1:1"], vec![&listening]),
        (&["-c", "-1", "127.0.0.1:1"], vec![&listening]),
        (&["-c", "", "127.0.0.1:1"], vec![&listening]),
        (&["-c", "08", "127.0.0.1:1"], vec![&listening]),
        (&["-c", "5 ", "127.0.0.1:1"], vec![&listening]),
        (&["-c5k", "127.0.0.1:1"], vec![&listening]),
        (&["--connections-max=4294967296", "127.0.0.1:1"], vec![&listening]),
        (&["--conn=x", "127.0.0.1:1"], vec![&listening]),
        (&["127.0.0.1:1", "--exit-idle-time=x"], vec![&listening]),
        (&["--exit-idle-time", "1 fortnight", "127.0.0.1:1"], vec![&listening]),
        (&["--exit-idle-time=-1", "127.0.0.1:1"], vec![&listening]),
        (&["-c", "0", "-c", "1", "127.0.0.1:1"], vec![&listening]),
        (&["--", "127.0.0.1:1", "-c", "5"], vec![&listening]),
    ];
    for (arguments, passed) in cases {
        let [theirs, ours] = [original, OURS].map(|program| {
            let passed: Vec<OwnedFd> = passed.iter().map(|open| open()).collect();
            let mut proxy = Proxy::start(program, arguments, &passed);
            (proxy.status(), proxy.output())
        });
        assert_eq!(ours, theirs, "{arguments:?}: sd-proxy left, the original right");
        assert_eq!(ours.0, 1, "{arguments:?}");
    }
    // The words of these are each program's own.
    for (arguments, status) in [(["--help"], 0), (["-h"], 0), (["--version"], 0), (["--bogus"], 1), (["-c"], 1)] {
        for program in [original, OURS] {
            assert_eq!(Proxy::start(program, arguments, &[]).status(), status, "{program:?} {arguments:?}");
        }
    }
}

#[test]
fn what_is_accepted_is_accepted_by_both() {
    let Some(original) = original() else { return };
    for options in [
        &["-c5"][..],
        &["-c", "0x10"],
        &["-c", "+5"],
        &["-c", " 5"],
        &["-c", "010"],
        &["--connections-m=7"],
        &["-c1", "-c2"],
    ] {
        for program in [original, OURS] {
            let outcome = through(program, options, (Tcp, Tcp), &[Send("a"), Receive(1)], &[Receive(1), Send("b")]);
            let expected = (vec!["\"b\"".to_owned()], -libc::SIGTERM);
            assert_eq!((outcome.client, outcome.status), expected, "{program:?} {options:?}");
        }
    }
}

#[test]
fn several_sockets_lead_to_the_same_target() {
    let Some(original) = original() else { return };
    let [theirs, ours] = [original, OURS].map(|program| {
        let directory = scratch();
        let outside = [Tcp, Unix, Abstract].map(|kind| Listener::open(kind, directory.path(), kind as usize));
        let inside = Listener::open(Tcp, directory.path(), 9);
        let passed: Vec<OwnedFd> = outside.iter().map(Listener::passed).collect();
        let _proxy = Proxy::start(program, [inside.target()], &passed);
        let backend = thread::spawn(move || [(); 3].map(|()| play(inside.accept(), ANSWER)));
        let clients = outside.map(|outside| play(outside.connect(), ASK));
        (clients, backend.join().expect("three transcripts"))
    });
    assert_eq!(ours, theirs);
}

#[test]
fn connections_beyond_the_limit_are_refused_and_it_is_said() {
    let Some(original) = original() else { return };
    // 252 lets in one more than its option says: see docs/tools.md.
    let theirs = if is_newest() { 2 } else { 3 };
    for (program, limit, accepted) in [(original, "-c2", theirs), (OURS, "-c2", 2), (OURS, "-c1", 1)] {
        let directory = scratch();
        let (outside, inside) = (Listener::open(Tcp, directory.path(), 0), Listener::open(Unix, directory.path(), 1));
        let mut proxy = Proxy::start(program, [limit, &*inside.target()], &[outside.passed()]);
        let mut clients: Vec<Connection> = (0..accepted).map(|_| outside.connect()).collect();
        let backends: Vec<Connection> = (0..accepted).map(|_| inside.accept()).collect();
        assert_eq!(play(outside.connect(), &[ReceiveAll]), ["\"\", end"], "{program:?} {limit}");
        eventually("what is said", || {
            proxy.output().contains("Hit connection limit, refusing connection.").then_some(())
        });
        for (client, backend) in clients.iter_mut().zip(&backends) {
            client.write_all(b"still there").expect("a connection");
            assert_eq!(play(backend.again(), &[Receive(11)]), ["\"still there\""], "{program:?} {limit}");
        }
        // One leaves, and there is room for another.
        drop((clients.pop(), backends));
        thread::sleep(Duration::from_millis(100));
        let client = outside.connect();
        let backend = inside.accept();
        drop(client);
        assert_eq!(play(backend, &[ReceiveAll]), ["\"\", end"], "{program:?} {limit}");
        assert_eq!(proxy.stop(), -libc::SIGTERM);
    }
}
