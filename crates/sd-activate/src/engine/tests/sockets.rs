//! The states of sockets, and what they have to do with their services. Each was seen with systemd 252.

use super::managed::Managed;
use super::*;

const FAILED: Option<Answer> = Some(Answer::Ended(JobResult::Failed));

fn port(units: &Managed, socket: &str) -> Port {
    let id = units.id(socket);
    let mut ports: Vec<_> = units.engine.ports.iter().filter(|(_, of)| **of == id).map(|(port, _)| *port).collect();
    assert_eq!(ports.len(), 1, "{socket}");
    ports.remove(0)
}

/// A socket that listens, and its service.
fn listening(service: &str) -> (Managed, Port) {
    let mut units = Managed::new(&[("a.socket", ""), ("a.service", service)]);
    units.start("a.socket");
    assert_eq!(units.state("a.socket"), "active listening");
    let port = port(&units, "a.socket");
    assert_eq!(units.done, [Action::Watch(port)]);
    units.done.clear();
    units.log();
    (units, port)
}

#[test]
fn a_socket_runs_while_its_service_does_and_is_not_listened_on_meanwhile() {
    let (mut units, port) = listening("");
    units.happen(Event::Incoming(port));
    assert_eq!(units.state("a.socket"), "active running");
    assert_eq!(units.executed(), ["a.service ExecStart"]);
    units.end("a.service", CLEAN);
    assert_eq!(units.state("a.socket"), "active listening");
    assert_eq!(units.done, [Action::Watch(port)]);
    units.start("a.service");
    assert_eq!(units.state("a.socket"), "active running", "started by somebody else");
    units.ask(Verb::Stop, "a.service");
    assert_eq!(units.state("a.socket"), "active listening");
    assert_eq!(units.ask(Verb::Stop, "a.socket"), Some(Answer::Ended(JobResult::Done)));
    assert_eq!(units.done.last(), Some(&Action::Close(port)));
    assert!(units.log().ends_with(&["a.socket: Deactivated successfully.".into(), "Closed a.socket.".into()]));
}

#[test]
fn a_socket_does_not_start_while_its_service_runs_or_is_missing() {
    let mut units = Managed::new(&[("a.socket", ""), ("a.service", ""), ("b.socket", "")]);
    units.start("a.service");
    units.log();
    assert_eq!(units.start("a.socket"), FAILED);
    assert_eq!(
        units.log(),
        ["a.socket: Socket service a.service already active, refusing.", "Failed to listen on a.socket.",]
    );
    assert_eq!(units.state("a.socket"), "inactive dead");
    assert_eq!(units.start("b.socket"), FAILED);
    assert_eq!(units.log()[0], "b.socket: Socket service b.service not loaded, refusing.");
}

#[test]
fn a_service_is_passed_the_ports_of_its_sockets_and_wants_those_that_it_names() {
    let mut units = Managed::new(&[
        ("z.socket", "[Socket]\nListenStream=/z\nService=a.service\n"),
        ("a.socket", ""),
        ("other.socket", "[Socket]\nListenStream=/o\n"),
        ("other.service", ""),
        ("a.service", "[Service]\nExecStart=/bin/a\nSockets=other.socket z.socket\n"),
    ]);
    units.start("a.socket");
    units.start("a.service");
    assert_eq!(units.state("other.socket"), "active listening", "Sockets= wants it");
    let ports = ["a.socket", "other.socket", "z.socket"].map(|socket| port(&units, socket));
    assert_eq!(units.engine.passed(units.id("a.service")), ports);
    let view = units.engine.view(units.id("a.service"));
    assert_eq!(view.triggered_by.iter().map(UnitName::as_str).collect::<Vec<_>>(), ["z.socket", "a.socket"]);
}

#[test]
fn a_socket_whose_service_is_started_too_often_fails_and_can_be_started_again() {
    let (mut units, port) = listening("[Unit]\nStartLimitBurst=2\n");
    for _ in 0..2 {
        units.happen(Event::Incoming(port));
        units.end("a.service", End::Exited(1));
    }
    units.happen(Event::Incoming(port));
    let log = units.log();
    assert!(log.ends_with(&["a.socket: Failed with result 'service-start-limit-hit'.".into()]), "{log:?}");
    assert!(log.contains(&"a.service: Start request repeated too quickly.".into()), "{log:?}");
    assert_eq!(units.state("a.socket"), "failed failed");
    assert_eq!(units.engine.view(units.id("a.socket")).result, "service-start-limit-hit");
    assert_eq!(units.start("a.socket"), Some(Answer::Ended(JobResult::Done)));
}

#[test]
fn a_socket_that_triggers_too_often_fails() {
    let text = "[Unit]\nConditionPathExists=/nope\n";
    let mut units = Managed::new(&[("a.socket", "[Socket]\nListenStream=/a\nPollLimitBurst=0\n"), ("a.service", text)]);
    units.met = false;
    units.start("a.socket");
    let port = port(&units, "a.socket");
    for _ in 0..20 {
        units.happen(Event::Incoming(port));
        assert_eq!(units.state("a.socket"), "active listening", "its service is skipped");
    }
    units.log();
    units.happen(Event::Incoming(port));
    assert_eq!(
        units.log(),
        [
            "a.socket: Trigger limit hit, refusing further activation.",
            "a.socket: Failed with result 'trigger-limit-hit'.",
        ]
    );
}

const COMMANDS: &str = "[Socket]\nListenStream=/a\nExecStartPre=/bin/p\nExecStartPost=/bin/q\nExecStopPre=/bin/r\n\
                        ExecStopPost=/bin/s\nTimeoutSec=5\n";

fn with_commands() -> Managed {
    let mut units = Managed::new(&[("a.socket", COMMANDS), ("a.service", "")]);
    assert_eq!(units.start("a.socket"), None);
    assert_eq!(units.state("a.socket"), "activating start-pre");
    units
}

#[test]
fn the_commands_of_a_socket_are_executed_before_and_after_it_listens() {
    let mut units = with_commands();
    units.end("a.socket", CLEAN);
    assert_eq!(units.state("a.socket"), "activating start-post");
    units.end("a.socket", CLEAN);
    assert_eq!(units.state("a.socket"), "active listening");
    assert_eq!(units.ask(Verb::Stop, "a.socket"), None);
    assert_eq!(units.state("a.socket"), "deactivating stop-pre");
    units.end("a.socket", CLEAN);
    assert_eq!(units.state("a.socket"), "deactivating stop-post");
    assert!(units.done.iter().any(|action| matches!(action, Action::Close(_))), "it is closed before that");
    units.end("a.socket", CLEAN);
    assert_eq!(units.state("a.socket"), "inactive dead");
    assert_eq!(
        units.log(),
        [
            "Starting a.socket...",
            "Listening on a.socket.",
            "Stopping a.socket...",
            "a.socket: Deactivated successfully.",
            "Closed a.socket.",
        ]
    );
}

#[test]
fn a_command_of_a_socket_that_fails_fails_the_socket() {
    let mut units = with_commands();
    units.end("a.socket", End::Exited(1));
    assert_eq!(units.state("a.socket"), "failed failed", "there is nothing yet to be undone");
    assert_eq!(
        units.log(),
        [
            "Starting a.socket...",
            "a.socket: Control process exited, code=exited, status=1/FAILURE",
            "a.socket: Failed with result 'exit-code'.",
            "Failed to listen on a.socket.",
        ]
    );
    assert_eq!(units.answers, [Answer::Ended(JobResult::Failed)]);

    let mut units = with_commands();
    units.end("a.socket", CLEAN);
    units.end("a.socket", End::Exited(1));
    assert_eq!(units.state("a.socket"), "deactivating stop-pre");
    units.end("a.socket", End::Exited(1));
    units.end("a.socket", CLEAN);
    assert_eq!(units.state("a.socket"), "failed failed");
    let executed =
        ["ExecStartPre", "ExecStartPost", "ExecStopPre", "ExecStopPost"].map(|set| format!("a.socket {set}"));
    assert_eq!(units.executed(), executed);
}

#[test]
fn a_command_of_a_socket_that_takes_too_long_is_ended() {
    let mut units = with_commands();
    units.stubborn.insert(units.id("a.socket"));
    units.pass(Duration::from_secs(5));
    assert_eq!(units.state("a.socket"), "deactivating final-sigterm");
    units.pass(Duration::from_secs(5));
    assert_eq!(units.state("a.socket"), "failed failed");
    assert_eq!(
        units.log(),
        [
            "Starting a.socket...",
            "a.socket: Starting timed out. Terminating.",
            "a.socket: Stopping timed out (2). Killing.",
            "a.socket: Killing process 101 (a) with signal SIGKILL.",
            "a.socket: Control process exited, code=killed, status=9/KILL",
            "a.socket: Failed with result 'timeout'.",
            "Failed to listen on a.socket.",
        ]
    );

    let mut units = with_commands();
    units.ask(Verb::Stop, "a.socket");
    assert_eq!(units.answers[0], Answer::Ended(JobResult::Canceled));
    assert_eq!(units.state("a.socket"), "deactivating stop-post", "it was stopped while it started");
}

#[test]
fn a_socket_that_cannot_be_opened_fails_after_the_commands_that_stop_it() {
    let text = "[Socket]\nListenStream=/a\nExecStopPre=/bin/r\nExecStopPost=/bin/s\n";
    let mut units = Managed::new(&[("a.socket", text), ("a.service", "")]);
    units.busy.insert(units.id("a.socket"));
    assert_eq!(units.start("a.socket"), None);
    assert_eq!(units.state("a.socket"), "deactivating stop-pre");
    units.end("a.socket", CLEAN);
    units.end("a.socket", CLEAN);
    assert_eq!(units.answers, [Answer::Ended(JobResult::Failed)]);
    assert_eq!(units.engine.view(units.id("a.socket")).result, "resources");
    assert!(units.log()[0].contains("Address already in use"));
}

#[test]
fn what_waits_is_thrown_away_if_the_socket_says_so() {
    let text = "[Socket]\nListenStream=/a\nFlushPending=yes\n";
    let mut units = Managed::new(&[("a.socket", text), ("a.service", "")]);
    units.start("a.socket");
    let port = port(&units, "a.socket");
    assert_eq!(units.done, [Action::Flush(port), Action::Watch(port)]);
    units.happen(Event::Incoming(port));
    units.done.clear();
    units.end("a.service", CLEAN);
    assert_eq!(units.done, [Action::Flush(port), Action::Watch(port)], "and again, when its service has ended");
}

#[test]
fn a_socket_that_loses_its_port_before_it_listens_fails() {
    let mut units = with_commands();
    units.start("a.socket");
    units.end("a.socket", CLEAN);
    assert_eq!(units.state("a.socket"), "activating start-post");
    let port = port(&units, "a.socket");
    let error = Error::ShutDown { descriptor: 3 };
    units.happen(Event::NotReopened(port, error));
    assert_eq!(units.done.last(), Some(&Action::Close(port)));
    units.end("a.socket", CLEAN);
    assert_ne!(units.state("a.socket"), "active listening");
    assert_eq!(units.engine.view(units.id("a.socket")).result, "resources");
}
