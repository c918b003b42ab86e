//! Sockets that are not, or no longer, what somebody can connect to.

mod common;

use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use common::{ACTIVATOR, Activator, Directory, ask, eventually, free_port, service, start, talk};
use sdlite_test_support::has;

/// `activator` with `socket` at descriptor 3, passed as sd_listen_fds(3) has it.
fn passing(activator: &str, socket: OwnedFd, arguments: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    // The shell knows its own process id beforehand.
    command.args(["-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"", "sh", activator]).args(arguments);
    // SAFETY: dup2 and fcntl are async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            let descriptor = socket.as_raw_fd();
            // At 3 already, it must be told to stay.
            let done = if descriptor == 3 { libc::fcntl(3, libc::F_SETFD, 0) } else { libc::dup2(descriptor, 3) };
            if done < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
        });
    }
    command
}

#[test]
fn a_socket_that_the_service_shuts_down_is_opened_anew() {
    let directory = Directory::new();
    let (port, path) = (free_port(), directory.text("socket"));
    let program = service().to_str().unwrap();
    let address = format!("127.0.0.1:{port}");
    let mut activator = start(&directory, ["-l", &address, program, "shutdown"]);
    for _ in 0..3 {
        // Refused at the moment when it is opened anew.
        eventually("an answer", || {
            let connection = std::net::TcpStream::connect(&address).ok()?;
            talk(connection, "x").ok().filter(|answer| answer == "hello\n")
        });
    }
    assert!(activator.stop().success());
    assert_eq!(activator.output().matches("Spawned ").count(), 3, "{}", activator.output());

    let mut activator = start(&directory, ["-l", &path, program, "shutdown"]);
    three_services_answer(&mut activator, &path);
    assert!(!fs::exists(&path).unwrap());
}

/// Three who connect, one after another, each get an answer, and each from a service of their own.
fn three_services_answer(activator: &mut Activator, path: &str) {
    for _ in 0..3 {
        eventually("an answer", || {
            let connection = UnixStream::connect(path).ok()?;
            talk(connection, "x").ok().filter(|answer| answer == "hello\n")
        });
    }
    assert!(activator.stop().success());
    assert_eq!(activator.output().matches("Spawned ").count(), 3, "{}", activator.output());
}

#[test]
fn a_socket_that_was_passed_in_and_is_shut_down_ends_it_and_it_says_why() {
    let directory = Directory::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let program = service().to_str().unwrap();
    let command = passing(ACTIVATOR, listener.into(), &[program, "shutdown"]);
    let mut activator = Activator::run(&directory, command).listening(1);
    assert_eq!(ask(port, "x"), "hello\n");
    assert_eq!(activator.wait().code(), Some(1));
    let output = activator.output();
    assert!(output.contains("was shut down"), "{output}");
    assert_eq!(output.matches("Spawned ").count(), 1, "{output}");
}

#[test]
fn a_socket_whose_file_the_service_removes_gets_another() {
    let directory = Directory::new();
    let path = directory.text("socket");
    let program = service().to_str().unwrap();
    let mut activator = start(&directory, ["-l", &path, program, "unlink", &path]);
    three_services_answer(&mut activator, &path);
}

#[test]
fn what_nobody_can_connect_to_is_refused() {
    let directory = Directory::new();
    let file = directory.path("file");
    fs::write(&file, "x").unwrap();
    let mut activators = vec![ACTIVATOR];
    activators.extend(has("systemd-socket-activate", "systemd").then_some("systemd-socket-activate"));
    for path in [file.as_path(), "/dev/null".as_ref(), "/".as_ref()] {
        for activator in &activators {
            let output = passing(activator, File::open(path).unwrap().into(), &["true"]).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{activator}: {path:?}");
            if *activator == ACTIVATOR {
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(said.contains("Descriptor 3 is a file that nobody can connect to"), "{path:?}: {said}");
            }
        }
    }
}

#[test]
fn a_service_may_have_streams_and_datagrams_at_the_same_port() {
    let directory = Directory::new();
    let address = format!("127.0.0.1:{}", free_port());
    let path = directory.text("socket");
    let arguments = ["--listen-datagram", &address, "-l", &address, "--listen-datagram", &path];
    let activator = {
        let mut command = Command::new(ACTIVATOR);
        command.args(arguments).arg(service()).arg("one");
        Activator::run(&directory, command)
    };
    let mut activator = activator.listening(3);
    let order = activator.output();
    assert!(order.contains(&format!("Listening on {address} as 3.\nListening on {address} as 4.\n")), "{order}");

    let stream = std::net::TcpStream::connect(&address).unwrap();
    assert_eq!(talk(stream, "x").unwrap(), "hello\n");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.send_to(b"x", &address).unwrap();
    let mut answer = [0; 100];
    let length = socket.recv(&mut answer).unwrap();
    assert_eq!(&answer[..length], b"hello\n");
    let socket = UnixDatagram::bind(directory.path("client")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.send_to(b"x", &path).unwrap();
    let length = socket.recv(&mut answer).unwrap();
    assert_eq!(&answer[..length], b"hello\n");
    assert!(matches!(activator.stop().code(), Some(0)));

    let output = Command::new(ACTIVATOR).args(["-a", "--listen-datagram", "1", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn who_has_started_it_is_told_when_it_listens() {
    let directory = Directory::new();
    let (first, second) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    for (number, options) in [&[][..], &["--accept"], &["--inetd", "--accept"]].into_iter().enumerate() {
        let path = directory.path(&format!("notify-{number}"));
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut command = Command::new(ACTIVATOR);
        command.args(["-l", &first, "-l", &second]).args(options).arg(service()).arg("serve");
        command.env("NOTIFY_SOCKET", path);
        let mut activator = Activator::run(&directory, command);
        let mut state = [0; 200];
        let length = manager.recv(&mut state).unwrap();
        let state = String::from_utf8_lossy(&state[..length]);
        assert_eq!(state, format!("READY=1\nSTATUS=Listening on {first}, {second}."));
        std::net::TcpStream::connect(&second).expect("it listens");
        activator.stop();
    }
}

#[test]
fn a_library_path_that_is_not_passed_on_is_spoken_of_where_the_service_fails() {
    for (options, status, spoken) in [
        (&[][..], "127", true),
        (&["-E", "LD_LIBRARY_PATH"], "127", false),
        (&[], "1", false),
        (&["--accept"], "127", true),
    ] {
        let directory = Directory::new();
        let port = free_port();
        let mut command = Command::new(ACTIVATOR);
        command.args(["-l", &format!("127.0.0.1:{port}")]).args(options).arg(service()).args(["status", status]);
        command.env("LD_LIBRARY_PATH", "/nonexistent");
        let mut activator = Activator::run(&directory, command).listening(1);
        let _connection = common::connect(port);
        activator.says(&format!("died with code {status}"));
        activator.stop();
        let output = activator.output();
        assert_eq!(output.contains("add -E LD_LIBRARY_PATH"), spoken, "{options:?}, {status}: {output}");
    }
}
