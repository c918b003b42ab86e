//! A unit for each connection.

use super::managed::{Managed, unit};
use super::*;

const EXECUTES: &str = "[Service]\nExecStart=/bin/a\n";

/// A socket that accepts connections, and its port.
fn accepting(settings: &str) -> (Managed, Port) {
    let text = format!("[Socket]\nListenStream=1\nAccept=yes\n{settings}");
    let mut units = Managed::new(&[("a.socket", &text)]);
    units.start("a.socket");
    let [Action::Watch(port)] = units.done[..] else { panic!("{:?}", units.done) };
    units.done.clear();
    units.log();
    (units, port)
}

/// Somebody comes from there: the service, if one is started.
fn connect(units: &mut Managed, port: Port, number: usize, source: &str) -> Option<String> {
    units.happen(Event::Incoming(port));
    if units.done.pop() != Some(Action::Accept(port)) {
        return None;
    }
    let name = format!("a@{number}-{source}.service");
    let text = "[Unit]\nDescription=One\n[Service]\nExecStart=/bin/a\n";
    let instance = Instance { spec: unit(&name, text), peer: source.to_owned() };
    units.happen(Event::Accepted { port, source: source.to_owned(), instance });
    units.engine.find(&UnitName::new(&name).unwrap()).map(|_| name)
}

#[test]
fn each_connection_has_a_unit_that_is_forgotten_when_it_is_inactive() {
    let (mut units, port) = accepting("");
    let one = connect(&mut units, port, 0, "1.1.1.1").unwrap();
    let id = units.id(&one);
    assert_eq!(units.done[0], Action::Give(id));
    assert_eq!(units.log(), ["Started a@0-1.1.1.1.service - One (1.1.1.1)."]);
    let view = units.engine.view(units.id("a.socket"));
    assert_eq!((view.accepted, view.connections, view.sub), (1, 1, "listening"));
    assert_eq!(units.engine.view(id).triggered_by, [UnitName::new("a.socket").unwrap()]);
    units.end(&one, CLEAN);
    assert_eq!(units.log(), ["a@0-1.1.1.1.service: Deactivated successfully."]);
    assert_eq!(units.done.last(), Some(&Action::Forget(id)));
    assert_eq!(units.engine.units().count(), 1);
    let view = units.engine.view(units.id("a.socket"));
    assert_eq!((view.accepted, view.connections), (1, 0));
}

#[test]
fn it_is_known_what_the_unit_of_a_connection_was_until_what_it_leaves_is_removed() {
    let (mut units, port) = accepting("PollLimitBurst=0\nTriggerLimitBurst=0\nMaxConnections=200\n");
    let one = connect(&mut units, port, 0, "1.1.1.1").unwrap();
    let id = units.id(&one);
    units.end(&one, CLEAN);
    assert_eq!(units.cleaned, [one]);
    assert!(units.engine.spec(id).is_none(), "then it is forgotten");
    // An old one that fails after a hundred others.
    let old = connect(&mut units, port, 1, "1.1.1.1").unwrap();
    for number in 2..102 {
        let one = connect(&mut units, port, number, "1.1.1.1").unwrap();
        units.end(&one, End::Exited(1));
    }
    units.end(&old, End::Exited(1));
    assert_eq!(units.cleaned.last(), Some(&old));
    assert_eq!(units.cleaned.len(), 102);
}

#[test]
fn a_unit_of_a_connection_that_has_failed_is_kept_until_that_is_reset_or_there_are_too_many() {
    let (mut units, port) = accepting("PollLimitBurst=0\nTriggerLimitBurst=0\n");
    for number in 0..101 {
        let one = connect(&mut units, port, number, "1.1.1.1").unwrap();
        units.end(&one, End::Exited(1));
        assert_eq!(units.engine.view(units.id("a.socket")).connections, 0);
    }
    assert_eq!(units.engine.units().count(), 101, "the socket, and the last hundred");
    assert_eq!(units.state("a@100-1.1.1.1.service"), "failed failed");
    units.ask(Verb::ResetFailed, "a@100-1.1.1.1.service");
    assert_eq!(units.engine.units().count(), 100);
}

#[test]
fn a_unit_of_a_connection_that_is_skipped_is_forgotten_with_the_connection() {
    let (mut units, port) = accepting("");
    units.met = false;
    units.happen(Event::Incoming(port));
    let text = "[Unit]\nConditionPathExists=/nope\n[Service]\nExecStart=/bin/a\n";
    let instance = Instance { spec: unit("a@0.service", text), peer: String::new() };
    units.happen(Event::Accepted { port, source: String::new(), instance });
    assert!(matches!(units.done.last(), Some(Action::Forget(_))), "{:?}", units.done);
    assert_eq!(units.engine.units().count(), 1);
}

#[test]
fn connections_beyond_a_limit_are_refused() {
    let (mut units, port) = accepting("MaxConnections=3\nMaxConnectionsPerSource=2\n");
    let first = connect(&mut units, port, 0, "1.1.1.1").unwrap();
    connect(&mut units, port, 1, "1.1.1.1").unwrap();
    units.log();
    assert_eq!(connect(&mut units, port, 2, "1.1.1.1"), None);
    assert_eq!(units.done.last(), Some(&Action::HangUp));
    assert_eq!(units.log(), ["a.socket: Too many incoming connections (3) from source 1.1.1.1, dropping connection."]);
    connect(&mut units, port, 2, "2.2.2.2").unwrap();
    units.log();
    units.happen(Event::Incoming(port));
    assert_eq!(units.done.pop(), Some(Action::Refuse(port)));
    assert_eq!(units.log(), ["a.socket: Too many incoming connections (3), dropping connection."]);
    units.end(&first, CLEAN);
    assert!(connect(&mut units, port, 3, "1.1.1.1").is_some());
}

#[test]
fn who_comes_too_often_waits_until_the_interval_is_over() {
    let (mut units, port) = accepting("PollLimitBurst=2\nMaxConnections=100\n");
    for number in 0..2 {
        connect(&mut units, port, number, "1.1.1.1").unwrap();
    }
    units.done.clear();
    units.happen(Event::Incoming(port));
    assert_eq!(units.done, [Action::Ignore(port)]);
    units.pass(Duration::from_secs(2));
    assert_eq!(units.done, [Action::Ignore(port), Action::Watch(port)]);
    assert!(connect(&mut units, port, 2, "1.1.1.1").is_some());
}

#[test]
fn the_services_of_connections_go_on_without_their_socket_and_stop_before_it_when_all_does() {
    let (mut units, port) = accepting("");
    let one = connect(&mut units, port, 0, "1.1.1.1").unwrap();
    units.ask(Verb::Stop, "a.socket");
    assert_eq!(units.state(&one), "active running");
    assert_eq!(units.state("a.socket"), "inactive dead");
    units.end(&one, CLEAN);

    let (mut units, port) = accepting("");
    let one = connect(&mut units, port, 0, "1.1.1.1").unwrap();
    units.stubborn.insert(units.id(&one));
    units.happen(signal(libc::SIGTERM));
    assert_eq!(units.state("a.socket"), "active listening");
    units.end(&one, CLEAN);
    assert_eq!(units.done.last(), Some(&Action::Exit(0)));
}

#[test]
fn a_connection_waits_where_there_is_no_process_for_its_service() {
    let (mut units, port) = accepting("");
    let step = |units: &mut Managed, event| {
        let said = |action: &Action| !matches!(action, Action::Say(_) | Action::Log { .. });
        units.engine.step(units.now, event).into_iter().filter(said).collect::<Vec<_>>()
    };
    assert_eq!(step(&mut units, Event::Incoming(port)), [Action::Accept(port)]);
    let instance = Instance { spec: unit("a@0.service", EXECUTES), peer: String::new() };
    let accepted = step(&mut units, Event::Accepted { port, source: String::new(), instance });
    let [Action::Give(id), Action::Execute { .. }] = accepted[..] else { panic!("{accepted:?}") };
    let waits = step(&mut units, Event::NotExecuted(id, Error::Fork(Errno::EAGAIN)));
    assert_eq!(waits, [Action::Hold(id), Action::Forget(id), Action::Ignore(port)]);
    assert_eq!(units.engine.units().count(), 1);
    assert_eq!(units.engine.view(units.id("a.socket")).connections, 0);
    units.now += Duration::from_millis(100);
    assert_eq!(step(&mut units, Event::Time), [Action::Accept(port), Action::Watch(port)]);
}

#[test]
fn of_connections_that_find_no_room_at_once_one_waits_and_the_services_of_the_others_fail() {
    let (mut units, port) = accepting("");
    let mut connect = |source: &str| {
        units.engine.step(units.now, Event::Incoming(port));
        let instance = Instance { spec: unit(&format!("a@{source}.service"), EXECUTES), peer: String::new() };
        units.engine.step(units.now, Event::Accepted { port, source: source.to_owned(), instance });
        units.id(&format!("a@{source}.service"))
    };
    let (first, second) = (connect("1"), connect("2"));
    let shortage = |id| Event::NotExecuted(id, Error::Fork(Errno::EAGAIN));
    assert!(units.engine.step(units.now, shortage(first)).contains(&Action::Hold(first)));
    assert!(!units.engine.step(units.now, shortage(second)).contains(&Action::Hold(second)));
    units.happen(Event::Inspected { service: second, processes: Vec::new(), unlinked: Vec::new() });
    assert_eq!(units.state("a@2.service"), "failed failed");
}

#[test]
fn a_service_that_is_started_again_goes_on_with_its_connection() {
    let (mut units, port) = accepting("");
    units.happen(Event::Incoming(port));
    let text = "[Unit]\nStartLimitBurst=2\n[Service]\nExecStart=/bin/a\nRestart=always\n";
    let instance = Instance { spec: unit("a@0-1.service", text), peer: "1".to_owned() };
    units.happen(Event::Accepted { port, source: "1".to_owned(), instance });
    let id = units.id("a@0-1.service");
    units.end("a@0-1.service", End::Exited(1));
    assert_eq!(units.state("a@0-1.service"), "activating auto-restart");
    assert_eq!(units.engine.view(units.id("a.socket")).connections, 1);
    units.pass(TIMEOUT);
    assert_eq!(units.state("a@0-1.service"), "active running");
    assert!(!units.done.contains(&Action::Forget(id)), "{:?}", units.done);
    units.happen(Event::Requested { request: RequestId(1), verb: Verb::Stop, unit: id });
    assert_eq!(units.done.last(), Some(&Action::Forget(id)));
    assert_eq!(units.engine.view(units.id("a.socket")).connections, 0);
}

#[test]
fn a_connection_is_closed_before_all_else_that_the_end_of_its_service_comes_to() {
    let (mut units, port) = accepting("");
    let one = connect(&mut units, port, 0, "1.1.1.1").unwrap();
    let id = units.id(&one);
    let (main, now) = (units.engine.view(id).main.unwrap(), Instant::now());
    assert_eq!(units.engine.step(now, Event::Ended(main, CLEAN)), [Action::Inspect(id, vec![main])]);
    let actions = units.engine.step(now, Event::Inspected { service: id, processes: vec![], unlinked: vec![] });
    let [Action::Disconnect(_), Action::Log { .. }, Action::CleanUp { .. }, Action::Forget(_)] = actions[..] else {
        panic!("{actions:?}")
    };
}

#[test]
fn a_service_that_stays_active_without_processes_gives_its_connection_up() {
    let (mut units, port) = accepting("MaxConnections=1\n");
    units.happen(Event::Incoming(port));
    let text = "[Service]\nExecStart=/bin/a\nRemainAfterExit=yes\n";
    let instance = Instance { spec: unit("a@0-1.service", text), peer: "1".to_owned() };
    units.happen(Event::Accepted { port, source: "1".to_owned(), instance });
    let id = units.id("a@0-1.service");
    units.done.clear();
    units.end("a@0-1.service", CLEAN);
    assert_eq!(units.state("a@0-1.service"), "active exited");
    assert_eq!(units.done, [Action::Disconnect(id)]);
    assert_eq!(units.engine.view(units.id("a.socket")).connections, 0);
    assert!(connect(&mut units, port, 1, "1").is_some(), "there is room for another");
    units.happen(Event::Requested { request: RequestId(1), verb: Verb::Stop, unit: id });
    assert_eq!(units.cleaned, ["a@0-1.service"]);
    assert!(units.engine.spec(id).is_none(), "then it is forgotten");
}

#[test]
fn a_socket_that_is_to_be_stopped_starts_nothing() {
    let text = "[Unit]\nBefore=b.service\n[Socket]\nListenStream=1\nAccept=yes\n";
    let mut units = Managed::new(&[("a.socket", text), ("b.service", "")]);
    units.start("a.socket");
    let [Action::Watch(port)] = units.done[..] else { panic!("{:?}", units.done) };
    units.start("b.service");
    let b = units.id("b.service");
    units.stubborn.insert(b);
    units.happen(Event::Requested { request: RequestId(1), verb: Verb::Stop, unit: b });
    units.ask(Verb::Stop, "a.socket");
    assert_eq!(units.state("a.socket"), "active listening", "b.service is stopped first");
    assert_eq!(connect(&mut units, port, 0, "1.1.1.1"), None);
    assert_eq!(units.done.last(), Some(&Action::HangUp));
}

#[test]
fn a_limit_that_is_set_by_a_reload_counts_the_connections_that_there_are() {
    let (mut units, port) = accepting("");
    let first = connect(&mut units, port, 0, "1.1.1.1").unwrap();
    let text = "[Socket]\nListenStream=1\nAccept=yes\nMaxConnectionsPerSource=1\n";
    let socket = units.id("a.socket");
    units.engine.replace(socket, LoadState::Loaded, Some(unit("a.socket", text)));
    assert_eq!(connect(&mut units, port, 1, "1.1.1.1"), None);
    units.end(&first, CLEAN);
    assert!(connect(&mut units, port, 1, "1.1.1.1").is_some());
    assert_eq!(connect(&mut units, port, 2, "1.1.1.1"), None);
}
