//! `sd-activate UNIT…`: units from their files, where no systemd runs.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Command;

use common::units::Units;
use common::{ACTIVATOR, Activator, ask, children, connect, eventually, kill, pid};

const SOCKET: &str = "[Unit]\nDescription=A Socket\n[Socket]\nListenStream=127.0.0.1:PORT\n";

/// The line that has this in it, from behind the host's name on.
fn line<'a>(output: &'a str, part: &str) -> &'a str {
    let line = output.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part}: {output}"));
    line.splitn(5, ' ').nth(4).unwrap_or(line)
}

#[test]
fn a_connection_starts_the_service_of_a_socket_and_again_when_it_has_ended() {
    let units = Units::new(&[
        ("a.socket", SOCKET),
        ("a.service", "[Unit]\nDescription=A Service\nRequires=a.socket\n[Service]\nExecStart=SERVICE serve\n"),
    ]);
    let mut activator = units.start(&["a.socket"], 1);
    assert_eq!(children(activator.pid()), [], "started before the first connection");
    let first = pid(units.port);
    assert_eq!(pid(units.port), first);
    ask(units.port, "exit 0");
    activator.says("a.service: Deactivated successfully.");
    let second = pid(units.port);
    assert_ne!(second, first);
    kill(second, libc::SIGKILL);
    activator.says("a.service: Failed with result 'signal'.");
    let third = pid(units.port);
    assert_ne!(third, second);

    assert!(activator.stop().success());
    TcpListener::bind(("127.0.0.1", units.port)).expect("nobody listens any more");
    let output = activator.output();
    let own = format!("sd-activate[{}]", activator.pid());
    assert_eq!(line(&output, "Listening"), format!("{own}: Listening on a.socket - A Socket."));
    assert_eq!(line(&output, "Started"), format!("{own}: Started a.service - A Service."));
    assert!(output.contains("a.service: Main process exited, code=killed, status=9/KILL"), "{output}");
    assert!(output.contains("Stopped a.service - A Service."), "{output}");
}

#[test]
fn each_connection_has_a_service_under_a_name_of_its_own() {
    let units = Units::new(&[
        ("a.socket", &format!("{SOCKET}Accept=yes\nMaxConnections=2\n")),
        ("a@.service", "[Service]\nExecStart=-SERVICE connection\nStandardInput=socket\nStandardError=journal\n"),
    ]);
    let mut activator = units.start(&["a.socket"], 1);
    let mut connections: Vec<_> = (0..2).map(|_| BufReader::new(connect(units.port))).collect();
    let mut pids = Vec::new();
    for (number, connection) in connections.iter_mut().enumerate() {
        let mut line = String::new();
        connection.read_line(&mut line).unwrap();
        pids.push(line.trim().parse::<u32>().unwrap());
        let (local, peer) = (connection.get_ref().peer_addr().unwrap(), connection.get_ref().local_addr().unwrap());
        activator.says(&format!("Started a@{number}-{local}-{peer}.service - {peer}."));
    }
    pids.sort_unstable();
    let mut running = children(activator.pid());
    running.sort_unstable();
    assert_eq!(running, pids);

    assert_eq!(BufReader::new(connect(units.port)).read_line(&mut String::new()).unwrap_or(0), 0, "one too many");
    activator.says("a.socket: Too many incoming connections (2), dropping connection.");
    connections.pop();
    activator.says(".service: Deactivated successfully.");
    let mut line = String::new();
    BufReader::new(connect(units.port)).read_line(&mut line).unwrap();
    assert!(!line.is_empty());
    assert!(activator.stop().success());
    assert_eq!(connections[0].read_line(&mut String::new()).unwrap_or(0), 0, "its service has ended before");
}

#[test]
fn a_service_that_notifies_has_started_when_it_says_so() {
    let units = Units::new(&[
        ("a.socket", SOCKET),
        ("a.service", "[Service]\nType=notify\nExecStart=SERVICE notify\n"),
        ("silent.service", "[Service]\nType=notify\nExecStart=SERVICE status 0\n"),
    ]);
    let mut activator = units.start(&["a.socket"], 1);
    pid(units.port);
    activator.says("Started a.service.");
    assert!(activator.output().contains("Starting a.service..."));
    assert!(activator.stop().success());

    let (status, output) = units.run(&["silent.service"]);
    assert_eq!(status, Some(1), "{output}");
    assert!(output.contains("silent.service: Failed with result 'protocol'."), "{output}");
}

#[test]
fn what_a_service_writes_is_in_the_log_under_its_name() {
    let script = "echo one; echo \"<3>two\" >&2; yes x | head -n 20000";
    let units = Units::new(&[(
        "a.service",
        &format!(
            "[Service]\nType=oneshot\nExecStart=/bin/sh -c '{script}'\nExecStart=/bin/echo five\nSyslogIdentifier=me\n"
        ),
    )]);
    let mut activator = Activator::run(&units.directory, units.command(&["a.service"]));
    assert_eq!(activator.wait().code(), Some(0));
    let output = activator.output();
    for part in ["one", "two", "five"] {
        let line = line(&output, &format!(": {part}"));
        let (identifier, _) = line.split_once('[').unwrap();
        assert_eq!((identifier, line.ends_with(&format!("]: {part}"))), ("me", true), "{output}");
    }
    assert_eq!(output.lines().filter(|line| line.ends_with("]: x")).count(), 20_000, "more than is read at once");
    assert!(output.contains("Finished a.service"), "{output}");
}

#[test]
fn a_service_finds_what_its_unit_says() {
    let units = Units::new(&[(
        "a.service",
        "[Service]\nType=oneshot\nEnvironment=A=1 \"B=x y\" C=3\nEnvironmentFile=DIRECTORY/file\nUnsetEnvironment=C\n\
             PassEnvironment=PASSED\nUMask=0027\nWorkingDirectory=DIRECTORY\nNice=5\nLimitNOFILE=100:200\n\
             StandardOutput=file:DIRECTORY/out\n\
             ExecStart=/bin/sh -c 'echo $$A ${B} $$C $$D $$PASSED; umask; pwd; nice; ulimit -n; ulimit -Hn; test $$$$ = $$SYSTEMD_EXEC_PID; \
             echo $$?; cat /proc/self/stat | cut -d\" \" -f6 | grep -qx $$$$; echo $$?' \n",
    )]);
    fs::write(units.directory.path("file"), "D=\"from a file\"\n").unwrap();
    let output = units.command(&["a.service"]).env("PASSED", "p").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let found = fs::read_to_string(units.directory.path("out")).unwrap();
    let directory = fs::canonicalize(units.directory.path("")).unwrap().display().to_string();
    assert_eq!(found, format!("1 x y from a file p\n0027\n{directory}\n5\n100\n200\n0\n0\n"));
}

#[test]
fn a_service_that_fails_is_restarted_until_the_limit_and_then_its_socket_closes() {
    let units = Units::new(&[
        ("a.socket", SOCKET),
        (
            "a.service",
            "[Unit]\nStartLimitBurst=3\n[Service]\nRestart=on-failure\nRestartSec=10ms\nExecStart=SERVICE status 3\n",
        ),
    ]);
    let mut activator = units.start(&["a.socket"], 1);
    let _connection = connect(units.port);
    assert_eq!(activator.wait().code(), Some(1), "nothing is left");
    let output = activator.output();
    assert_eq!(output.matches("Started a.service").count(), 3, "{output}");
    assert!(output.contains("restart counter is at 2."), "{output}");
    assert!(output.contains("code=exited, status=3/NOTIMPLEMENTED"), "{output}");
    assert!(output.contains("a.service: Start request repeated too quickly."), "{output}");
}

#[test]
fn a_service_that_does_not_stop_is_killed_with_all_that_it_has_left() {
    let script = "trap \"\" TERM; sleep 1000 & echo $$! >DIRECTORY/child; while :; do sleep 0.01; done";
    let units =
        Units::new(&[("a.service", &format!("[Service]\nExecStart=/bin/sh -c '{script}'\nTimeoutStopSec=300ms\n"))]);
    let mut activator = Activator::run(&units.directory, units.command(&["a.service"]));
    let child =
        eventually("a child", || fs::read_to_string(units.directory.path("child")).ok()?.trim().parse::<u32>().ok());
    assert!(activator.stop().success());
    assert!(!fs::exists(format!("/proc/{child}")).unwrap(), "its child, which ignored the signal too");
    assert!(activator.output().contains("a.service: Failed with result 'timeout'."), "{}", activator.output());
}

#[test]
fn a_socket_that_was_passed_is_that_of_the_unit_with_its_address() {
    let units = Units::new(&[("a.socket", SOCKET), ("a.service", "[Service]\nExecStart=SERVICE serve\n")]);
    let address = format!("127.0.0.1:{}", units.port);
    // The one who passes them is sd-activate too: what it starts is another one, with units.
    let mut command = Command::new("env");
    command.args(["--default-signal", ACTIVATOR, "-l", &address, "-l", &units.directory.text("other"), ACTIVATOR]);
    command.arg("--unit-path").arg(units.directory.path("units")).arg("a.socket");
    let mut activator = Activator::run(&units.directory, command).listening(2);
    pid(units.port);
    let output = activator.output();
    assert!(output.contains("Listening on a.socket - A Socket."), "{output}");
    assert!(output.contains("other was passed, but is no unit's here"), "{output}");
    activator.stop();
}

#[test]
fn a_socket_has_its_commands_executed_and_removes_its_file_when_it_stops() {
    let units = Units::new(&[
        (
            "a.socket",
            "[Socket]\nListenStream=DIRECTORY/socket\nSymlinks=DIRECTORY/link\nRemoveOnStop=yes\n\
             ExecStartPre=/bin/sh -c 'test -e DIRECTORY/socket || echo nothing yet'\n\
             ExecStartPost=/bin/sh -c 'test -S DIRECTORY/link && echo it listens'\n\
             ExecStopPre=/bin/sh -c 'test -S DIRECTORY/socket && echo it is stopped'\n\
             ExecStopPost=/bin/sh -c 'test -e DIRECTORY/link || echo it is gone'\n",
        ),
        ("a.service", "[Service]\nExecStart=SERVICE serve\n"),
    ]);
    let mut activator = units.start(&["a.socket"], 1);
    assert!(activator.stop().success());
    let output = activator.output();
    let parts =
        ["nothing yet", "it listens", "Listening on a.socket.", "it is stopped", "it is gone", "Closed a.socket."];
    let places: Vec<_> =
        parts.iter().map(|part| output.find(part).unwrap_or_else(|| panic!("{part}: {output}"))).collect();
    assert!(places.is_sorted(), "{output}");
}

#[test]
fn units_stop_in_the_inverse_of_the_order_in_which_they_start() {
    let units = Units::new(&[
        ("a.service", "[Service]\nExecStart=/bin/sleep 1000\n"),
        ("b.service", "[Unit]\nRequires=a.service\nAfter=a.service\n[Service]\nExecStart=/bin/sleep 1000\n"),
        ("c.target", "[Unit]\nRequires=b.service\nAfter=b.service\nConditionPathExists=/\n"),
        ("d.service", "[Unit]\nConditionPathExists=!/\n[Service]\nExecStart=/bin/sleep 1000\n"),
    ]);
    let mut activator = Activator::run(&units.directory, units.command(&["c.target", "d.service"]));
    activator.says("Reached target c.target.");
    assert!(activator.stop().success());
    let output = activator.output();
    let said = ["Started a.", "Started b.", "Reached target c.", "Stopped target c.", "Stopped b.", "Stopped a."];
    let places: Vec<_> =
        said.iter().map(|said| output.find(said).unwrap_or_else(|| panic!("{said}: {output}"))).collect();
    assert!(places.is_sorted(), "{output}");
    assert!(output.contains("d.service was skipped because of an unmet condition check (ConditionPathExists=!/)."));
}

#[test]
fn the_exit_status_of_the_only_service_is_that_of_all() {
    let units = Units::new(&[
        ("a.service", "[Service]\nExecStart=SERVICE status 7\n"),
        ("b.service", "[Service]\nExecStart=-SERVICE status 7\n"),
        ("c.service", "[Service]\nExecStart=/bin/sh -c 'kill -KILL $$$$'\n"),
    ]);
    for (names, status) in
        [(&["a.service"][..], 7), (&["b.service"], 0), (&["c.service"], 137), (&["a.service", "c.service"], 1)]
    {
        assert_eq!(units.run(names).0, Some(status), "{names:?}");
    }
}

#[test]
fn what_cannot_be_started_is_said_with_file_and_line() {
    let units = Units::new(&[
        ("a.socket", SOCKET),
        ("c.socket", SOCKET),
        ("d.service", "[Service]\nExecStart=/bin/true\nRootImage=/nonexistent\n"),
        ("e.service", "[Service]\nExecStart=/nonexistent/program\n"),
        ("f.service", "[Service]\nUser=no-such-user\nExecStart=/bin/true\n"),
        ("a.service", "[Service]\nExecStart=/bin/true\n"),
    ]);
    for (names, message) in [
        (&["nope.service"][..], "nope.service: error: there is no such unit"),
        (&["c.socket"], "c.socket: Socket service c.service not loaded, refusing."),
        (&["d.service"], "/units/d.service:3: refused: RootImage=: "),
        (
            &["e.service"],
            "/units/e.service:2: ExecStart=/nonexistent/program: Failed to execute '/nonexistent/program': command not found",
        ),
        (
            &["f.service"],
            "/units/f.service:2: User=no-such-user: there is no such user: create it, or name another user",
        ),
    ] {
        let (status, output) = units.run(names);
        assert_eq!(status, Some(1), "{names:?}: {output}");
        assert!(output.contains(message), "{names:?}: {output}");
    }
    let port = TcpListener::bind(("127.0.0.1", units.port)).unwrap();
    let (status, output) = units.run(&["a.socket"]);
    assert_eq!(status, Some(1));
    assert!(output.contains("/units/a.socket:4: ListenStream=: Failed to listen on 127.0.0.1:"), "{output}");
    drop(port);
}

#[test]
fn what_a_service_leaves_is_removed_while_a_target_is_active() {
    let units = Units::new(&[
        ("a.target", "[Unit]\nWants=a.service b.service\n"),
        ("a.service", "[Service]\nRemoveIPC=yes\nExecStart=/bin/true\n"),
        ("b.service", "[Service]\nExecStart=SERVICE serve\n"),
    ]);
    let mut activator = Activator::run(&units.directory, units.command(&["a.target"]));
    activator.says("Reached target");
    activator.says("a.service: Deactivated successfully.");
    assert!(activator.stop().success(), "{}", activator.output());
}
