//! The example programs do what the tutorial says: by hand, activated, and with a process for each connection.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sdlite_c_examples::{MYCLIENT, MYSERVICE, MYSERVICE_ACCEPT};
use sdlite_test_support as support;
use support::activation::{activate, children, connect, eventually, exchange, free_port, kill, try_connect};
use support::{TempDir, scratch, text};

/// As long as the service's buffer.
const FULL: [u8; 1024] = [b'x'; 1024];

/// The three programs, linked with the library.
struct Programs(TempDir);

impl Programs {
    fn new() -> Self {
        let directory = scratch();
        let programs = [("myservice", MYSERVICE), ("myservice-accept", MYSERVICE_ACCEPT), ("myclient", MYCLIENT)];
        for (name, object) in programs {
            support::compile(Path::new(object), &directory.path().join(name), [""; 0]);
        }
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn client(&self, port: u16) -> Child {
        let mut client = Command::new(self.path("myclient"));
        client.arg(port.to_string()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        client.spawn().expect("myclient")
    }
}

/// Ends with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a client printed, which has to have been answered three times, and each time the same: that.
fn answered(client: Child) -> String {
    let output = client.wait_with_output().expect("myclient");
    assert!(output.status.success(), "{}", text(&output));
    let printed = String::from_utf8(output.stdout).expect("text");
    let answer = printed.lines().nth(1).and_then(|line| line.strip_prefix("Message received from server: "));
    let answer = answer.unwrap_or_else(|| panic!("no answer: {printed}")).to_owned();
    let round = format!("Message sent to server: Hello, Server!\nMessage received from server: {answer}\n");
    assert_eq!(printed, round.repeat(3));
    answer
}

/// The answers to a message that fills the buffer, and to one after it.
fn answers_to_a_full_buffer(mut connection: TcpStream) -> [String; 2] {
    [&FULL[..], b"Hello, Server!"].map(|message| exchange(&mut connection, message))
}

#[test]
fn myservice_started_by_hand_opens_the_port_and_answers() {
    let programs = Programs::new();
    let port = free_port();
    let start = || {
        let mut command = Command::new(programs.path("myservice"));
        Service(command.arg(port.to_string()).stdin(Stdio::null()).spawn().expect("myservice"))
    };
    let service = start();
    let mut connection = eventually("myservice listens", || try_connect(port));
    assert_eq!(exchange(&mut connection, b"Hello, Server!"), "Hello, client!");

    // The port is free again at once, although this connection was closed by the service's side.
    drop(service);
    let _service = start();
    let connection = eventually("the next myservice listens", || try_connect(port));
    assert_eq!(answers_to_a_full_buffer(connection), ["Hello, client!", "Hello, client!"]);
    assert_eq!(answered(programs.client(port)), "Hello, client!");
}

#[test]
fn myservice_is_started_by_the_first_connection_and_after_a_crash_by_the_next() {
    let programs = Programs::new();
    let port = free_port();
    let directory = scratch();
    let activator = activate(&directory, port, &[&programs.path("myservice"), &port.to_string()]);
    assert_eq!(children(activator.pid()), [0; 0], "nobody has connected");

    assert_eq!(answered(programs.client(port)), "Hello, client!");
    let [first] = children(activator.pid())[..] else { panic!("one service: {}", activator.output()) };
    assert_eq!(answers_to_a_full_buffer(connect(port)), ["Hello, client!", "Hello, client!"]);
    assert_eq!(children(activator.pid()), [first], "the same serves every client");

    kill(first, libc::SIGKILL);
    eventually("the service is gone", || children(activator.pid()).is_empty().then_some(()));
    assert_eq!(exchange(&mut connect(port), b"Hello, Server!"), "Hello, client!");
    let [second] = children(activator.pid())[..] else { panic!("one service: {}", activator.output()) };
    assert_ne!(first, second);
}

#[test]
fn myservice_accept_is_started_for_each_connection_and_ends_with_it() {
    let programs = Programs::new();
    let port = free_port();
    let directory = scratch();
    let activator = activate(&directory, port, &[&"--accept", &"--inetd", &programs.path("myservice-accept")]);
    assert_eq!(children(activator.pid()), [0; 0], "nobody has connected");

    let clients = [programs.client(port), programs.client(port)];
    let services = eventually("each client has its service", || {
        let services = children(activator.pid());
        (services.len() == 2).then_some(services)
    });
    let answers: BTreeSet<String> = clients.map(answered).into();
    assert_eq!(answers, services.iter().map(|service| format!("Hello, client!_{service}")).collect());
    eventually("the services are gone", || children(activator.pid()).is_empty().then_some(()));

    let [full, next] = answers_to_a_full_buffer(connect(port));
    assert_eq!(full, next);
    assert!(full.starts_with("Hello, client!_") && !answers.contains(&full), "{full}");

    // One that is killed takes no other connection with it.
    let mut connections = [connect(port), connect(port)];
    let [killed, other] = connections.each_mut().map(|connection| exchange(connection, b"Hello, Server!"));
    kill(killed.trim_start_matches("Hello, client!_").parse().expect("a process"), libc::SIGKILL);
    let [mut gone, mut stays] = connections;
    assert_eq!(gone.read(&mut [0; 1]).expect("the end of the connection"), 0);
    assert_eq!(exchange(&mut stays, b"Hello, Server!"), other);
}
