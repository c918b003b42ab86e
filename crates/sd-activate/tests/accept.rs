//! What a connection costs with `--accept`, and what becomes of it where there is no room.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::Command;

use common::{ACTIVATOR, Activator, Directory, children, connect, eventually, free_port, service};
use sdlite_test_support as support;

/// A service for each connection, standard input or not.
const OPTIONS: [&[&str]; 2] = [&["--accept"], &["--accept", "--inetd"]];

/// sd-activate on `port` under strace with `options`; its trace is called `trace`.
fn trace(directory: &Directory, port: u16, strace: &[&str], options: &[&str]) -> Activator {
    trace_with_more(directory, port, strace, options, 0)
}

/// The same with `more` sockets besides.
fn trace_with_more(directory: &Directory, port: u16, strace: &[&str], options: &[&str], more: usize) -> Activator {
    let mut command = Command::new("strace");
    // -D: sd-activate is the child of this process, and strace is out of the way.
    command.args(["-D", "-o", &directory.text("trace")]).args(strace).arg(ACTIVATOR);
    for number in 0..more {
        command.args(["-l", &directory.text(&number.to_string())]);
    }
    command.args(["-l", &format!("127.0.0.1:{port}")]).args(options).arg(service()).arg("connection");
    Activator::run(directory, command).listening(1 + more)
}

/// A connection, and the process id of its service.
fn served(connection: TcpStream) -> (BufReader<TcpStream>, String) {
    let mut connection = BufReader::new(connection);
    let mut pid = String::new();
    connection.read_line(&mut pid).expect("the service's process id");
    (connection, pid.trim_end().to_owned())
}

#[test]
fn connections_wait_where_processes_or_descriptors_have_run_out() {
    if !support::has("strace", "strace") {
        return;
    }
    for options in OPTIONS {
        for (fault, message) in [
            ("clone:error=EAGAIN:when=1..2", "Failed to fork: Resource temporarily unavailable"),
            ("clone:error=ENOMEM:when=2", "Failed to fork: Cannot allocate memory"),
            ("accept4:error=EMFILE:when=1..3", "Too many open files"),
            ("accept4:error=ENOBUFS:when=2", "No buffer space available"),
        ] {
            let directory = Directory::new();
            let port = free_port();
            let mut activator = trace(&directory, port, &[&format!("--inject={fault}")], options);
            let connections: Vec<_> = (0..4).map(|_| connect(port)).collect();
            let mut pids: Vec<_> = connections.into_iter().map(|connection| served(connection).1).collect();
            pids.sort_unstable();
            pids.dedup();
            assert_eq!(pids.len(), 4, "{fault}: each has a service: {pids:?}");
            assert_eq!(activator.output().matches(message).count(), 1, "{fault}: said once: {}", activator.output());
            assert!(activator.stop().success());
            let trace = fs::read_to_string(directory.path("trace")).unwrap();
            assert!(trace.contains("(INJECTED)"), "{fault}: {trace}");
        }
    }
}

#[test]
fn a_connection_costs_sixteen_system_calls_at_the_most() {
    if !support::has("strace", "strace") {
        return;
    }
    // However many sockets there are.
    for (options, more) in [(OPTIONS[0], 0), (OPTIONS[1], 0), (OPTIONS[0], 300)] {
        let directory = Directory::new();
        let port = free_port();
        // Without fcntl(2): a debug build asks whether what it closes is open. Without sigaction(2): one more for each signal that
        // whoever runs the tests ignores.
        let strace = ["-f", "--trace=!fcntl,rt_sigaction"];
        let mut activator = trace_with_more(&directory, port, &strace, options, more);
        let own_pid = activator.pid().to_string();
        let mut pids = Vec::new();
        for _ in 0..3 {
            pids.push(served(connect(port)).1);
            eventually("the end of the service", || children(activator.pid()).is_empty().then_some(()));
        }
        assert!(activator.stop().success());
        let ended = format!("{own_pid} +++ exited");
        let trace = eventually("the end of the trace", || {
            let trace = fs::read_to_string(directory.path("trace")).unwrap();
            trace
                .lines()
                .any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").starts_with(&ended))
                .then_some(trace)
        });

        let own = calls(&trace, &own_pid);
        let connection = ["epoll_wait", "accept4", "clone", "close", "epoll_wait", "read", "wait4", "wait4"];
        let first = own.iter().position(|call| *call == "epoll_wait").expect("a wait");
        assert_eq!(own[first..first + 3 * connection.len()], [connection; 3].concat(), "{options:?}");

        let expected: &[&str] = match (options.contains(&"--inetd"), support::has_pidfs()) {
            (true, _) => &["prctl", "getppid", "setpgid", "dup2", "dup2", "rt_sigprocmask", "execve"],
            (false, true) => {
                &["prctl", "getppid", "setpgid", "dup2", "pidfd_open", "fstat", "rt_sigprocmask", "execve"]
            }
            (false, false) => &["prctl", "getppid", "setpgid", "dup2", "rt_sigprocmask", "execve"],
        };
        for pid in pids {
            let calls = calls(&trace, &pid);
            let executed = calls.iter().position(|call| *call == "execve").expect("an execve");
            assert_eq!(calls[..=executed], *expected, "{options:?}");
        }
    }
}

/// The system calls of a process, in their order.
fn calls<'a>(trace: &'a str, pid: &str) -> Vec<&'a str> {
    let call = |line: &'a str| {
        let (caller, call) = line.split_once(' ')?;
        // One that another process's interrupts stands there twice: "clone(… <unfinished ...>", "<... clone resumed>".
        let (name, _) = call.trim_start().split_once('(')?;
        // What other C libraries and architectures have for the same.
        let name = match name {
            "epoll_pwait" => "epoll_wait",
            "dup3" => "dup2",
            "newfstatat" | "fstat64" | "statx" => "fstat",
            name => name,
        };
        (caller == pid && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')).then_some(name)
    };
    trace.lines().filter_map(call).collect()
}
