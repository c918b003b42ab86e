//! Scale to zero: services that open their own port are started by the first connection, and stopped when nobody is connected.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `SDLITE_CASES` | how often the service is stopped under load; if not set, a few times |

mod common;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use common::units::Units;
use common::{ACTIVATOR, Activator, Directory, compiled, connect, eventually, free_port, runs};
use sdlite_test_support::has;
use sdlite_test_support::random::number;

const CLIENTS: usize = 4;

/// sd-activate with a server behind it.
struct Served {
    activator: Activator,
    port: u16,
    _directory: Directory,
}

impl Served {
    fn start(options: &[&str], server: &[&str]) -> Self {
        let (directory, port, own) = (Directory::new(), free_port(), free_port().to_string());
        let (listen, connect) = (format!("127.0.0.1:{port}"), format!("--connect=127.0.0.1:{own}"));
        let program = compiled("server").to_str().expect("a path").to_owned();
        let arguments = [&["-l", &listen, &connect], options, &[&*program, &*own], server].concat();
        let activator = common::start(&directory, arguments);
        Self { activator, port, _directory: directory }
    }

    /// What the server answers.
    fn ask(&self, message: &str) -> String {
        let mut connection = connect(self.port);
        exchange(&mut connection, message)
    }
}

/// The answer; what is wrong where there is none.
fn exchange(connection: &mut (impl Read + Write), message: &str) -> String {
    if let Err(error) = connection.write_all(message.as_bytes()) {
        return format!("not sent: {error}");
    }
    let mut answer = [0; 300];
    match connection.read(&mut answer) {
        Ok(0) => "cut off".to_owned(),
        Ok(length) => String::from_utf8_lossy(&answer[..length]).into_owned(),
        Err(error) => error.to_string(),
    }
}

/// The process that has answered.
fn pid(answer: &str) -> u32 {
    let pid = answer.split_once(' ').and_then(|(pid, _)| pid.parse().ok());
    pid.unwrap_or_else(|| panic!("no answer: {answer}"))
}

#[test]
fn the_first_connection_starts_the_server_and_the_last_one_stops_it() {
    let mut served = Served::start(&["--idle=200ms"], &["300"]);
    assert!(!served.activator.output().contains("Started"), "{}", served.activator.output());
    let first = pid(&served.ask("hello"));
    eventually("its end", || (!runs(first)).then_some(()));
    served.activator.says("Stopped server.service.");
    let mut connection = connect(served.port);
    let second = pid(&exchange(&mut connection, "hello"));
    assert_ne!(first, second);
    // Who is connected keeps it, however silent.
    thread::sleep(Duration::from_millis(600));
    assert_eq!(exchange(&mut connection, "still there"), format!("{second} still there"));
    assert_eq!(served.activator.stop().code(), Some(0), "{}", served.activator.output());
    assert!(!runs(second));
}

#[test]
fn without_idle_the_server_stays() {
    let served = Served::start(&[], &[]);
    let first = pid(&served.ask("hello"));
    thread::sleep(Duration::from_millis(300));
    assert_eq!(served.ask("again"), format!("{first} again"));
}

#[test]
fn who_is_connected_to_a_server_that_crashes_is_cut_off_and_the_next_one_finds_another() {
    let served = Served::start(&["--idle=10s"], &[]);
    let mut connection = connect(served.port);
    let first = pid(&exchange(&mut connection, "hello"));
    let end = exchange(&mut connection, "crash");
    assert!(end == "cut off" || end.contains("reset"), "{end}");
    served.activator.says("server.service: Main process exited, code=exited, status=3/");
    assert_ne!(pid(&served.ask("hello")), first);
}

#[test]
fn who_waits_for_a_server_that_does_not_listen_is_cut_off_and_it_is_said() {
    let served = Served::start(&["--wait=300ms", "--idle=100ms"], &["60000"]);
    let end = served.ask("hello");
    assert!(end == "cut off" || end.contains("reset"), "{end}");
    served.activator.says("sd-proxy");
    served.activator.says("Failed to connect to remote host: Connection refused");
    served.activator.says("Stopped server.service.");
}

#[test]
fn options_that_do_not_go_together_are_refused_and_it_is_said() {
    let together = "With --connect= the service opens its own port, and is passed no socket: ";
    let cases: [(&[&str], &str); 11] = [
        (&["-l", "1", "--connect=2", "--accept"], together),
        (&["-l", "1", "--connect=2", "--inetd"], together),
        (&["-l", "1", "--connect=2", "--once"], together),
        (&["-l", "1", "--connect=2", "--now"], together),
        (&["-l", "1", "--connect=2", "--fdname=a"], together),
        (&["-l", "1", "-d", "--connect=2"], together),
        (&["-l", "1", "--idle=5"], "--idle= and --wait= go with --connect=ADDRESS"),
        (&["--connect=2"], "No sockets to listen on specified."),
        (&["-l", "8080", "--connect=127.0.0.1:8080"], "--connect= names what --listen= listens on"),
        (&["-l", "@a", "--connect=@a"], "--connect= names what --listen= listens on"),
        (&["-l", "1", "--connect=2", "--idle=soon"], "is no time span"),
    ];
    for (options, said) in cases {
        let output = std::process::Command::new(ACTIVATOR).args(options).arg("true").output().expect("sd-activate");
        let text = sdlite_test_support::text(&output);
        assert!(output.status.code() == Some(1) && text.contains(said), "{options:?}: {}: {text}", output.status);
    }
    let output = std::process::Command::new(ACTIVATOR)
        .args(["-l", "@sd-activate-never", "--connect=2", "no-such-program"])
        .output();
    assert_eq!(output.expect("sd-activate").status.code(), Some(127));
}

/// Clients come in bursts, with pauses about as long as the proxy waits before it exits: so some come just when it does.
#[test]
fn nobody_is_refused_or_cut_off_while_the_server_is_stopped_again_and_again() {
    let wanted = number("SDLITE_CASES").unwrap_or(5);
    let served = Served::start(&["--idle=30ms"], &["10"]);
    let (barrier, end) = (Barrier::new(CLIENTS), Instant::now() + Duration::from_secs(600));
    let (mut answered, mut servers) = (0, BTreeSet::new());
    let mut round = 0_u64;
    while servers.len() <= wanted {
        assert!(Instant::now() < end, "stopped {} times only", servers.len().saturating_sub(1));
        let pids: Vec<u32> = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS as u64)
                .map(|client| {
                    scope.spawn({
                        let (served, barrier) = (&served, &barrier);
                        move || burst(served, barrier, round * 31 + client)
                    })
                })
                .collect();
            clients.into_iter().flat_map(|client| client.join().expect("all are answered")).collect()
        });
        answered += pids.len();
        servers.extend(pids);
        // From before the proxy exits until after the server has ended.
        thread::sleep(Duration::from_micros(25_000 + round % 16 * 1_500));
        round += 1;
    }
    println!("{answered} connections, the server stopped {} times", servers.len() - 1);
}

/// A few connections one after the other. Who has answered.
fn burst(served: &Served, barrier: &Barrier, seed: u64) -> Vec<u32> {
    barrier.wait();
    let pause =
        |index: u64| Duration::from_micros((seed.wrapping_mul(6_364_136_223_846_793_005) >> 40) * (index + 1) % 20_000);
    let connection = |index| {
        thread::sleep(pause(index));
        let mut connection = connect(served.port);
        let answer = exchange(&mut connection, "hello");
        assert!(answer.ends_with(" hello"), "{answer}: {}", served.activator.output());
        pid(&answer)
    };
    (0..3).map(connection).collect()
}

/// The example of systemd-socket-proxyd(8), with StopWhenUnneeded= and --exit-idle-time= as it says below it.
const SOCKET: &str = "[Socket]\nListenStream=127.0.0.1:PORT\n[Install]\nWantedBy=sockets.target\n";
const PROXY: &str = "\
[Unit]
Requires=nginx.service
After=nginx.service
Requires=proxy-to-nginx.socket
After=proxy-to-nginx.socket
[Service]
ExecStart=PROXY OPTIONS 127.0.0.1:OWN
";
const NGINX: &str = "[Unit]\nStopWhenUnneeded=yes\n[Service]\nExecStart=SERVER OWN\nEXTRA\n";

#[test]
fn the_units_of_the_manual_page_work_with_both_proxies() {
    let original = "/lib/systemd/systemd-socket-proxyd";
    let ours = format!("@{ACTIVATOR} sd-proxy");
    // The original fails where the server does not listen yet, so its service is to be started only then.
    let ready = "ExecStartPost=/bin/sleep 0.3";
    let mut proxies = vec![(&*ours, "--wait=10s --exit-idle-time=100ms", "")];
    if has(original, "systemd") {
        proxies.push((original, "--exit-idle-time=100ms", ready));
    }
    for (proxy, options, extra) in proxies {
        let own = free_port().to_string();
        let server = compiled("server").to_str().expect("a path").to_owned();
        let text = |text: &str| {
            let text = text.replace("PROXY", proxy).replace("OPTIONS", options).replace("EXTRA", extra);
            text.replace("SERVER", &server).replace("OWN", &own)
        };
        let units = Units::new(&[
            ("proxy-to-nginx.socket", SOCKET),
            ("proxy-to-nginx.service", &text(PROXY)),
            ("nginx.service", &text(NGINX)),
        ]);
        let activator = units.start(&["proxy-to-nginx.socket"], 1);
        let mut before = 0;
        for _ in 0..3 {
            let server = pid(&exchange(&mut connect(units.port), "hello"));
            assert_ne!(server, before, "{}", activator.output());
            eventually("its end", || (!runs(server)).then_some(()));
            before = server;
        }
    }
}
