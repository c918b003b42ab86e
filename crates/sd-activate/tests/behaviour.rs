//! What sd-activate does beyond systemd-socket-activate(1), and where things go wrong.

mod common;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use common::{
    ACTIVATOR, Activator, Directory, ask, children, connect, eventually, free_port, kill, pid, service, start, talk,
};

/// sd-activate, listening on `port`, with `options` and a service that does `what`.
fn activate(directory: &Directory, port: u16, options: &[&str], what: &[&str]) -> Activator {
    let address = format!("127.0.0.1:{port}");
    let service = service().to_str().unwrap();
    let arguments = [&["-l", &address], options, &[service], what].concat();
    start(directory, arguments)
}

/// The exit status and the output of sd-activate where it ends by itself.
fn fails(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(ACTIVATOR).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_next_connection_starts_a_service_that_has_exited() {
    let directory = Directory::new();
    let port = free_port();
    let mut activator = activate(&directory, port, &[], &["serve"]);
    assert_eq!(children(activator.pid()), [], "started before the first connection");

    let mut seen = Vec::new();
    for end in ["exit 0", "exit 3", "kill 9", "kill 11", "kill 34"] {
        let service = pid(port);
        assert_eq!(pid(port), service, "one process serves all connections");
        assert!(!seen.contains(&service));
        seen.push(service);
        ask(port, end);
    }
    let service = pid(port);
    kill(service, libc::SIGKILL);
    // Until it is gone, it might still take the next connection along.
    eventually("its end", || (!children(activator.pid()).contains(&service)).then_some(()));
    assert_ne!(pid(port), service);
    assert!(activator.stop().success());
}

#[test]
fn connections_made_while_the_service_is_down_are_served() {
    let directory = Directory::new();
    let port = free_port();
    // Each start of it serves one connection; the limit of starts is reached on the way.
    let mut activator = activate(&directory, port, &[], &["one"]);
    let clients: Vec<_> = (0..25).map(|_| thread::spawn(move || ask(port, "x"))).collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), "hello\n");
    }
    assert!(activator.stop().success());
}

#[test]
fn a_service_that_does_not_accept_is_not_started_without_pause() {
    let directory = Directory::new();
    let port = free_port();
    let log = directory.text("log");
    let mut activator = activate(&directory, port, &[], &["refuse", &log]);
    let starts = || fs::read(&log).map_or(0, |log| log.len());

    let begin = Instant::now();
    let _connection = connect(port);
    activator.says("PollLimitBurst=");
    assert_eq!(starts(), 15);
    eventually("more starts", || (starts() > 15).then_some(()));
    assert!(begin.elapsed() >= Duration::from_millis(1900), "{:?}", begin.elapsed());
    assert!(activator.is_running());
    // The service may be running, and then end by itself before it gets the signal.
    assert!(matches!(activator.stop().code(), Some(0 | 3)));
}

#[test]
fn started_now_it_does_not_wait_for_a_connection() {
    let directory = Directory::new();
    let port = free_port();
    let mut activator = activate(&directory, port, &["--now"], &["serve"]);
    let first = eventually("start", || children(activator.pid()).first().copied());
    ask(port, "exit 0");
    assert_ne!(pid(port), first);
    assert!(activator.stop().success());
}

#[test]
fn started_once_its_exit_status_is_that_of_the_service() {
    let directory = Directory::new();
    for (end, status) in [("exit 0", 0), ("exit 5", 5), ("kill 9", 137), ("kill 15", 143)] {
        let port = free_port();
        let mut activator = activate(&directory, port, &["--once"], &["serve"]);
        ask(port, end);
        assert_eq!(activator.wait().code(), Some(status), "{end}");
    }
}

#[test]
fn signals_to_stop_are_passed_on_and_the_service_is_waited_for() {
    let directory = Directory::new();
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let port = free_port();
        let note = directory.text(&format!("note-{signal}"));
        let mut activator = activate(&directory, port, &[], &["serve", &note]);
        pid(port);
        activator.signal(signal);
        assert_eq!(activator.wait().code(), Some(7));
        assert_eq!(fs::read_to_string(note).unwrap(), format!("stopped by {signal:02}\n"));
        TcpListener::bind(("127.0.0.1", port)).expect("nobody listens any more");
    }
}

#[test]
fn a_stopped_service_that_dies_of_the_signal_counts_as_success() {
    let directory = Directory::new();
    let port = free_port();
    let mut activator = activate(&directory, port, &[], &["serve"]);
    pid(port);
    assert!(activator.stop().success());
}

#[test]
fn a_signal_that_the_service_survives_is_only_passed_on() {
    let directory = Directory::new();
    let port = free_port();
    let mut activator = activate(&directory, port, &[], &["serve"]);
    let service = pid(port);
    activator.signal(libc::SIGHUP);
    let hangup = format!("{service} {}\n", libc::SIGHUP);
    eventually("SIGHUP", || (ask(port, "pid") == hangup).then_some(()));
    activator.signal(libc::SIGUSR1);
    assert_eq!(activator.wait().code(), Some(128 + libc::SIGUSR1));
}

#[test]
fn where_the_activator_is_killed_the_service_ends() {
    let directory = Directory::new();
    let port = free_port();
    let mut activator = activate(&directory, port, &[], &["serve"]);
    pid(port);
    activator.signal(libc::SIGKILL);
    assert_eq!(activator.wait().signal(), Some(libc::SIGKILL));
    eventually("the address to be free", || TcpListener::bind(("127.0.0.1", port)).ok());
}

#[test]
fn signals_sent_at_any_moment_are_not_lost() {
    let directory = Directory::new();
    for delay in 0..20 {
        let port = free_port();
        let mut activator = activate(&directory, port, &[], &["one"]);
        let connection = connect(port);
        thread::sleep(Duration::from_micros(delay * 150));
        activator.stop();
        drop(connection);
    }
}

#[test]
fn socket_files_are_removed_but_those_of_others_are_not() {
    let directory = Directory::new();
    let (path, other) = (directory.text("a/b/socket"), directory.text("other"));
    let service = service().to_str().unwrap();
    let arguments = ["-l", &path, "-l", &other, service, "serve"];
    let mut activator = Activator::run(&directory, {
        let mut command = Command::new(ACTIVATOR);
        command.args(arguments);
        command
    })
    .listening(2);
    talk(UnixStream::connect(&path).unwrap(), "pid").unwrap();
    fs::remove_file(&other).unwrap();
    let _others = UnixListener::bind(&other).unwrap();
    assert!(activator.stop().success());
    assert!(!fs::exists(&path).unwrap());
    assert!(fs::exists(&other).unwrap());
}

#[test]
fn socket_files_of_dead_processes_are_replaced() {
    let directory = Directory::new();
    let path = directory.text("socket");
    drop(UnixListener::bind(&path).unwrap());
    let mut activator = start(&directory, ["-l", &path, service().to_str().unwrap(), "serve"]);
    assert!(!talk(UnixStream::connect(&path).unwrap(), "pid").unwrap().is_empty());
    assert!(activator.stop().success());
}

#[test]
fn an_address_in_use_is_named() {
    let directory = Directory::new();
    let (stream, datagram, file) = (directory.text("stream"), directory.text("datagram"), directory.text("file"));
    let listener = UnixListener::bind(&stream).unwrap();
    let _bound = UnixDatagram::bind(&datagram).unwrap();
    fs::write(&file, "").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = tcp.local_addr().map(|address| (tcp, address.to_string())).unwrap();

    for (address, reason) in [
        (&tcp.1, "Address already in use. Another process listens there"),
        (&stream, "Address already in use. Another process listens there"),
        (&datagram, "Address already in use. Another process listens there"),
        (&file, "File exists. What stands there is no socket"),
    ] {
        let (status, output) = fails(&["-l", address, "true"]);
        assert_eq!(status, Some(1), "{output}");
        assert!(output.contains(&format!("Failed to listen on {address}: {reason}")), "{output}");
        let named = output.contains(&format!("listens there, {} (", std::process::id()));
        assert_eq!(named, address != &file, "the process that has it: {output}");
        assert!(address.contains(':') || fs::exists(address).unwrap(), "{address} was removed");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "asking whether it is in use connected to it");
}

#[test]
fn a_failure_to_listen_removes_the_socket_files_made_before() {
    let directory = Directory::new();
    let path = directory.text("socket");
    let (status, output) = fails(&["-l", &path, "-l", "127.0.0.1:x", "true"]);
    assert_eq!(status, Some(1));
    assert!(output.contains("Failed to parse socket address \"127.0.0.1:x\": Invalid argument"), "{output}");
    assert!(!fs::exists(path).unwrap());
}

#[test]
fn commands_that_cannot_be_executed_have_the_exit_status_of_a_shell() {
    let directory = Directory::new();
    let (plain, script) = (directory.text("plain"), directory.text("script"));
    fs::write(&plain, "").unwrap();
    fs::write(&script, "#!/nonexistent/interpreter\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");

    for (command, expected, message) in [
        ("/nonexistent/command", 127, "command not found"),
        ("no-such-command-anywhere", 127, "command not found"),
        (&plain, 126, "Permission denied"),
        ("/", 126, "Is a directory"),
    ] {
        let (status, output) = fails(&["-l", &address, command]);
        assert_eq!(status, Some(expected), "{output}");
        assert!(output.contains(&format!("Failed to execute '{command}': {message}")), "{output}");
        assert!(!output.contains("Listening"), "found out before anybody connects: {output}");
    }
    // What only execve(2) finds out.
    for options in [&[][..], &["-a"]] {
        let mut activator = start(&directory, [&["-l", &address], options, &[&*script]].concat());
        let _connection = connect(port);
        assert_eq!(activator.wait().code(), Some(127));
        assert!(activator.output().contains("its interpreter"), "{}", activator.output());
    }
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    for (arguments, message) in [
        (&["-a", "-d", "-l", "1", "true"][..], "Datagram sockets do not accept connections"),
        (&["-d", "--seqpacket", "-l", "1", "true"], "cannot be used with"),
        (&["-a", "--now", "-l", "1", "true"], "--now cannot be used in conjunction with --accept"),
        (&["-a", "--once", "-l", "1", "true"], "--once cannot be used in conjunction with --accept"),
        (&["--inetd", "-l", "@sda-1", "-l", "@sda-2", "true"], "--inetd only supported with a single file descriptor"),
        (&["-E", "1=2", "-l", "1", "true"], "Cannot assign environment variable 1=2"),
        (&["true"], "No sockets to listen on"),
        (&["-l", "1"], "COMMAND"),
        (&["--nonsense"], "--nonsense"),
    ] {
        let (status, output) = fails(arguments);
        assert_eq!(status, Some(1), "{arguments:?}");
        assert!(output.contains(message), "{arguments:?}: {output}");
    }
}

#[test]
fn help_and_version_succeed() {
    for option in ["-h", "--help", "--version"] {
        let output = Command::new(ACTIVATOR).arg(option).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty() && output.stderr.is_empty(), "{option}");
    }
}

#[test]
fn each_connection_gets_a_service_of_its_own_and_nothing_is_left_behind() {
    use std::io::{BufRead, BufReader};

    let directory = Directory::new();
    let port = free_port();
    for options in [&["-a"][..], &["-a", "--inetd"]] {
        let mut activator = activate(&directory, port, options, &["connection"]);
        let descriptors = || fs::read_dir(format!("/proc/{}/fd", activator.pid())).unwrap().count();
        let before = descriptors();

        let mut connections: Vec<_> = (0..100).map(|_| BufReader::new(connect(port))).collect();
        let mut pids: Vec<u32> = Vec::new();
        for connection in &mut connections {
            let mut line = String::new();
            connection.read_line(&mut line).unwrap();
            pids.push(line.trim().parse().unwrap());
        }
        pids.sort_unstable();
        pids.dedup();
        assert_eq!(pids.len(), 100);
        let mut running = children(activator.pid());
        running.sort_unstable();
        assert_eq!(running, pids);
        // The last service may answer before its connection is closed here.
        eventually("that connections are the services' alone", || (descriptors() == before).then_some(()));

        connections.truncate(3);
        eventually("the end of 97", || (children(activator.pid()).len() == 3).then_some(()));
        assert!(activator.stop().success());
        for connection in &mut connections {
            assert_eq!(connection.read_line(&mut String::new()).unwrap_or(0), 0, "the service has ended before");
        }
    }
}

#[test]
fn a_signal_that_was_ignored_before_stays_ignored() {
    use std::os::unix::process::CommandExt;

    let directory = Directory::new();
    let port = free_port();
    let mut command = Command::new(ACTIVATOR);
    command.args(["-l", &format!("127.0.0.1:{port}")]).arg(service()).arg("serve");
    // SAFETY: signal is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGINT, libc::SIG_IGN);
            Ok(())
        });
    }
    let mut activator = Activator::run(&directory, command).listening(1);
    let service = pid(port);
    activator.signal(libc::SIGINT);
    assert_eq!(pid(port), service);
    assert!(activator.is_running());
    assert!(activator.stop().success());
}
