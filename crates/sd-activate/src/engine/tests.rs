//! The engine, without a process.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::Pid;

use super::*;
use crate::error::Error;
use crate::spec::{CommandId, Phase, RateLimit, ServiceSpec, Signal, SocketSpec, UnitName};

const SERVICE: UnitId = UnitId(0);
const SOCKET: UnitId = UnitId(1);
const TIMEOUT: Duration = Duration::from_secs(90);

/// An engine, its clock, and what it has done last.
struct Trial {
    engine: Engine,
    now: Instant,
    next_pid: i32,
}

impl Trial {
    fn new(accept: bool, ports: usize, once: Once) -> Self {
        let mut socket = SocketSpec::new(&UnitName::new("a.socket").unwrap());
        (socket.accept, socket.max_connections) = (accept, u32::MAX);
        socket.poll_limit = RateLimit { interval: Duration::from_secs(2), burst: 3 };
        socket.trigger_limit.burst = 0;
        let spec = ServiceSpec {
            service_type: crate::spec::ServiceType::Exec,
            start: commands(1),
            timeout_stop: Some(TIMEOUT),
            ..ServiceSpec::default()
        };
        Self::with(Form::Command(once), &socket, ports, spec, RateLimit { interval: TIMEOUT, burst: 0 })
    }

    fn with(form: Form, socket: &SocketSpec, ports: usize, service: ServiceSpec, start_limit: RateLimit) -> Self {
        let socket =
            Arc::new(UnitSpec::new(UnitName::new("a.socket").unwrap(), Kind::Socket(Arc::new(socket.clone()))));
        let mut service = UnitSpec::new(UnitName::new("a.service").unwrap(), Kind::Service(Arc::new(service)));
        (service.start_limit, service.description) = (start_limit, Some("A".to_owned()));
        let service = Arc::new(service);
        let numbers: Vec<usize> = (0..ports).collect();
        let hint = Some((127, "a hint".to_owned()));
        let subject = Subject { name: "a.service".into(), title: "A".into(), hint };
        let engine = match form {
            Form::Command(once) => Engine::of_command(once, socket, ports, service, subject),
            Form::Units => {
                let mut engine = Engine::new(form);
                assert_eq!(engine.add(service), SERVICE);
                let socket = engine.add(socket);
                engine.want(socket);
                engine
            }
        };
        let mut trial = Self { engine, now: Instant::now(), next_pid: 100 };
        let begun = trial.step(Event::Begun);
        let watched = match form {
            Form::Command(_) => begun,
            Form::Units => {
                assert_eq!(begun, [Action::Open(SOCKET)]);
                trial.step(Event::Opened(SOCKET, numbers.iter().copied().map(Port).collect()))
            }
        };
        assert_eq!(watched[..ports], watch(&numbers));
        trial
    }

    fn one(ports: usize) -> Self {
        Self::new(false, ports, Once::default())
    }

    fn each() -> Self {
        Self::new(true, 2, Once::default())
    }

    /// What is done then, but for what is said.
    fn step(&mut self, event: Event) -> Vec<Action> {
        let actions = self.engine.step(self.now, event).into_iter();
        actions
            .filter(|action| !matches!(action, Action::Say(_) | Action::Log { .. } | Action::CleanUp { .. }))
            .collect()
    }

    /// What is said then.
    fn said(&mut self, event: Event) -> String {
        let actions = self.engine.step(self.now, event).into_iter();
        let text = |action| match action {
            Action::Say(text) | Action::Log { message: text, .. } => Some(text),
            _ => None,
        };
        actions.filter_map(text).collect::<Vec<_>>().join("\n")
    }

    /// Lets time pass: what is due is done.
    fn pass(&mut self, time: Duration) -> Vec<Action> {
        self.now += time;
        if self.engine.deadline().is_some_and(|deadline| deadline <= self.now) {
            self.step(Event::Time)
        } else {
            Vec::new()
        }
    }

    /// Somebody comes, and the service runs.
    fn run(&mut self) -> Pid {
        assert_eq!(self.step(Event::Incoming(Port(0))), [self.execution(0)]);
        self.started()
    }

    /// A command of ExecStart= is executed, in the invocation that there is.
    fn execution(&self, index: usize) -> Action {
        Action::Execute {
            unit: SERVICE,
            command: CommandId { phase: Phase::Start, index },
            invocation: self.engine.service(SERVICE).unwrap().invocations,
            variables: Vec::new(),
        }
    }

    fn started(&mut self) -> Pid {
        let pid = self.pid();
        assert_eq!(self.step(Event::Executed(SERVICE, pid)), []);
        pid
    }

    fn connect(&mut self, port: Port) -> Pid {
        assert_eq!(self.step(Event::Incoming(port)), [Action::Accept(port)]);
        let pid = self.pid();
        assert_eq!(self.step(Event::Connected(pid)), []);
        pid
    }

    fn pid(&mut self) -> Pid {
        self.next_pid += 1;
        Pid::from_raw(self.next_pid)
    }

    /// The main process ends, and has left these behind.
    fn end(&mut self, pid: Pid, end: End, left: &[Pid]) -> Vec<Action> {
        let actions = self.step(Event::Ended(pid, end));
        assert!(matches!(actions[..], [Action::Inspect(SERVICE, _)]), "{actions:?}");
        self.left(left)
    }

    fn left(&mut self, left: &[Pid]) -> Vec<Action> {
        self.step(inspected(left))
    }

    fn signal(&mut self, number: i32) -> Vec<Action> {
        self.step(signal(number))
    }
}

/// These processes were found.
fn inspected(left: &[Pid]) -> Event {
    let process = |pid: &Pid| Process { pid: *pid, name: "a".to_owned(), is_child: true, is_zombie: false };
    Event::Inspected { service: SERVICE, processes: left.iter().map(process).collect(), unlinked: Vec::new() }
}

fn told_to_end(processes: &[Pid]) -> Vec<Action> {
    processes.iter().flat_map(|pid| [Action::Kill(*pid, Signal::TERM), Action::Kill(*pid, Signal::CONT)]).collect()
}

fn signal(number: i32) -> Event {
    Event::Signal { signal: Signal::new(number).unwrap(), by_kernel: false }
}

fn watch(ports: &[usize]) -> Vec<Action> {
    ports.iter().map(|port| Action::Watch(Port(*port))).collect()
}

const CLEAN: End = End::Exited(0);

#[test]
fn the_first_who_comes_starts_the_service_and_the_next_only_when_it_has_ended() {
    let mut trial = Trial::one(3);
    let first = trial.run();
    assert_eq!(trial.step(Event::Incoming(Port(2))), [], "it runs");
    assert_eq!(trial.end(first, CLEAN, &[]), watch(&[0, 2]), "those that have told are watched again, and only those");
    assert_eq!(trial.step(Event::Incoming(Port(1))), [trial.execution(0)]);
    let second = trial.started();
    assert_eq!(trial.end(second, CLEAN, &[]), watch(&[1]));
}

#[test]
fn what_is_started_at_once_is_started_again_by_those_who_come() {
    let mut trial = Trial::new(false, 1, Once { now: true, once: false });
    let first = trial.started();
    assert_eq!(trial.end(first, CLEAN, &[]), []);
    trial.run();
}

#[test]
fn what_is_started_once_ends_all_with_its_exit_status() {
    for (end, status) in [(CLEAN, 0), (End::Exited(5), 5), (End::Killed(Signal::TERM), 143)] {
        let mut trial = Trial::new(false, 1, Once { now: false, once: true });
        let main = trial.run();
        assert_eq!(trial.end(main, end, &[]), [Action::Exit(status)]);
    }
}

#[test]
fn a_service_rests_when_it_was_started_as_often_as_the_limit_allows() {
    let mut trial = Trial::one(1);
    for _ in 0..2 {
        let main = trial.run();
        assert_eq!(trial.end(main, CLEAN, &[]), watch(&[0]));
    }
    let main = trial.run();
    assert!(trial.said(Event::Ended(main, CLEAN)).contains("died with code 0"));
    assert!(trial.said(inspected(&[])).contains("started 3 times within 2s"));
    assert_eq!(trial.pass(Duration::from_millis(1999)), []);
    assert_eq!(trial.pass(Duration::from_millis(1)), watch(&[0]));
    trial.run();
}

#[test]
fn a_service_that_cannot_be_started_ends_all_the_first_time_and_later_does_not() {
    let error = Error::Fork(Errno::EAGAIN);
    let mut trial = Trial::one(1);
    trial.step(Event::Incoming(Port(0)));
    assert_eq!(trial.step(Event::NotExecuted(SERVICE, error.clone())), [Action::Fail(error.clone())]);

    let mut trial = Trial::one(1);
    let main = trial.run();
    trial.end(main, CLEAN, &[]);
    trial.step(Event::Incoming(Port(0)));
    assert_eq!(trial.step(Event::NotExecuted(SERVICE, error)), watch(&[0]));
}

#[test]
fn every_signal_is_passed_on_once() {
    for number in
        (1..=64).filter(|number| ![libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD, libc::SIGTSTP, 32, 33].contains(number))
    {
        let mut trial = Trial::one(1);
        let main = trial.run();
        assert_eq!(trial.signal(number), [Action::Kill(main, Signal::new(number).unwrap())]);
    }
    let mut trial = Trial::one(1);
    let main = trial.run();
    let stop = Signal::new(libc::SIGTSTP).unwrap();
    assert_eq!(trial.signal(libc::SIGTSTP), [Action::Kill(main, stop), Action::Suspend]);
}

#[test]
fn where_nothing_runs_only_what_is_to_stop_it_ends_it() {
    for (number, actions) in [
        (libc::SIGTERM, vec![Action::Exit(0)]),
        (libc::SIGINT, vec![Action::Exit(0)]),
        (libc::SIGQUIT, vec![Action::Exit(0)]),
        (libc::SIGTSTP, vec![Action::Suspend]),
        (libc::SIGHUP, vec![]),
        (libc::SIGUSR1, vec![]),
        (libc::SIGWINCH, vec![]),
        (libc::SIGRTMIN() + 3, vec![]),
    ] {
        for mut trial in [Trial::one(1), Trial::new(true, 0, Once::default())] {
            assert_eq!(trial.signal(number), actions, "{number}");
        }
    }
    let mut trial = Trial::one(1);
    assert_eq!(
        trial.step(Event::Signal { signal: Signal::HUP, by_kernel: true }),
        [Action::Exit(0)],
        "no terminal is left"
    );
}

#[test]
fn a_service_that_ends_after_a_signal_that_stops_is_the_last() {
    for number in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT] {
        for (end, status) in
            [(CLEAN, 0), (End::Exited(7), 7), (End::Killed(Signal::TERM), 0), (End::Killed(Signal::KILL), 137)]
        {
            let mut trial = Trial::one(1);
            let main = trial.run();
            trial.signal(number);
            assert_eq!(trial.end(main, end, &[]), [Action::Exit(status)]);
        }
    }
}

#[test]
fn a_service_that_survives_a_signal_is_started_again() {
    let mut trial = Trial::one(1);
    let main = trial.run();
    trial.signal(libc::SIGTERM);
    trial.pass(TIMEOUT);
    assert_eq!(trial.end(main, End::Exited(1), &[]), watch(&[0]), "it had time to end");

    for signal in [libc::SIGHUP, libc::SIGUSR1, libc::SIGWINCH] {
        let mut trial = Trial::one(1);
        let main = trial.run();
        trial.signal(signal);
        assert_eq!(trial.end(main, CLEAN, &[]), watch(&[0]));
    }
}

#[test]
fn the_time_to_end_begins_anew_with_another_signal() {
    let mut trial = Trial::one(1);
    let main = trial.run();
    trial.signal(libc::SIGTERM);
    trial.pass(TIMEOUT / 2);
    trial.signal(libc::SIGINT);
    trial.pass(TIMEOUT / 2);
    assert_eq!(trial.end(main, CLEAN, &[]), [Action::Exit(0)]);
}

#[test]
fn a_signal_that_the_service_dies_of_ends_all_but_not_one_of_a_run_before() {
    let mut trial = Trial::one(1);
    let main = trial.run();
    trial.signal(libc::SIGHUP);
    trial.signal(libc::SIGWINCH);
    assert_eq!(trial.end(main, End::Killed(Signal::HUP), &[]), [Action::Exit(0)]);

    let mut trial = Trial::one(1);
    let first = trial.run();
    trial.signal(libc::SIGHUP);
    trial.end(first, CLEAN, &[]);
    let second = trial.run();
    assert_eq!(trial.end(second, End::Killed(Signal::HUP), &[]), watch(&[0]));
}

#[test]
fn what_goes_into_the_background_is_the_service_until_it_ends() {
    let mut trial = Trial::one(2);
    let main = trial.run();
    let (daemon, helper) = (trial.pid(), trial.pid());
    assert_eq!(trial.end(main, CLEAN, &[daemon, helper]), []);
    assert_eq!(trial.step(Event::Incoming(Port(1))), [], "it runs");
    assert_eq!(trial.signal(libc::SIGHUP), [Action::Kill(daemon, Signal::HUP), Action::Kill(helper, Signal::HUP)]);
    assert_eq!(trial.step(Event::Ended(helper, CLEAN)), []);
    assert_eq!(trial.end(daemon, CLEAN, &[]), watch(&[0, 1]));
}

#[test]
fn what_a_service_that_crashed_has_left_is_ended_before_the_next_starts() {
    let mut trial = Trial::one(2);
    let main = trial.run();
    let (one, other, third) = (trial.pid(), trial.pid(), trial.pid());
    let crash = End::Killed(Signal::KILL);
    assert_eq!(trial.end(main, crash, &[one, other]), told_to_end(&[one, other]));
    assert_eq!(trial.step(Event::Incoming(Port(1))), []);
    assert_eq!(trial.step(Event::Ended(one, CLEAN)), []);
    assert_eq!(trial.pass(TIMEOUT), [Action::Inspect(SERVICE, vec![main])]);
    let killed = [Action::Kill(other, Signal::KILL), Action::KillAll(SERVICE, vec![main])];
    assert_eq!(trial.left(&[other]), killed);
    assert_eq!(trial.end(other, crash, &[third]), told_to_end(&[third]), "a child of those");
    assert_eq!(trial.end(third, CLEAN, &[]), watch(&[0, 1]));
}

#[test]
fn what_a_service_that_was_stopped_has_left_is_ended_before_all_ends() {
    let mut trial = Trial::one(1);
    let main = trial.run();
    let worker = trial.pid();
    trial.signal(libc::SIGTERM);
    assert_eq!(trial.end(main, CLEAN, &[worker]), told_to_end(&[worker]));
    assert_eq!(trial.end(worker, CLEAN, &[]), [Action::Exit(0)]);
}

#[test]
fn a_port_that_was_shut_down_or_whose_file_is_gone_is_opened_anew() {
    let mut trial = Trial::one(2);
    assert_eq!(trial.step(Event::HungUp(Port(1))), [Action::Reopen(Port(1))]);
    assert_eq!(trial.step(Event::Reopened(Port(1))), watch(&[1]));

    let main = trial.run();
    assert_eq!(trial.step(Event::Ended(main, CLEAN)), [Action::Inspect(SERVICE, vec![main])]);
    let inspected = || Event::Inspected { service: SERVICE, processes: Vec::new(), unlinked: vec![Port(1)] };
    assert_eq!(trial.step(inspected()), [watch(&[0]), vec![Action::Reopen(Port(1))]].concat());

    let main = trial.run();
    trial.signal(libc::SIGTERM);
    assert_eq!(trial.step(Event::Ended(main, CLEAN)), [Action::Inspect(SERVICE, vec![main])]);
    assert_eq!(trial.step(inspected()), [Action::Exit(0)], "nobody needs it any more");
}

#[test]
fn a_port_that_cannot_be_opened_anew_is_given_up_and_with_the_last_one_all() {
    let mut trial = Trial::one(2);
    let error = Error::ShutDown { descriptor: 3 };
    assert_eq!(trial.step(Event::NotReopened(Port(0), error.clone())), [Action::Close(Port(0))]);
    assert_eq!(trial.step(Event::HungUp(Port(0))), []);
    assert_eq!(trial.step(Event::NotReopened(Port(1), error.clone())), [Action::Fail(error)]);
}

#[test]
fn an_exit_status_that_has_a_likely_reason_is_explained_once() {
    for accept in [false, true] {
        let mut trial = Trial::new(accept, 1, Once::default());
        let explained = |trial: &mut Trial| {
            let pid = if accept { trial.connect(Port(0)) } else { trial.run() };
            let said = trial.said(Event::Ended(pid, End::Exited(127)));
            if !accept {
                trial.left(&[]);
            }
            assert!(said.contains(&format!("Child {pid} died with code 127")));
            said.contains("a hint")
        };
        assert_eq!([explained(&mut trial), explained(&mut trial)], [true, false]);
    }
}

#[test]
fn each_connection_has_its_service_until_a_signal_stops_all() {
    let mut trial = Trial::each();
    let (first, second) = (trial.connect(Port(0)), trial.connect(Port(1)));
    assert_eq!(trial.step(Event::Ended(first, End::Exited(1))), []);
    assert_eq!(trial.signal(libc::SIGUSR1), [Action::Kill(second, Signal::new(libc::SIGUSR1).unwrap())]);
    let stopped = [Action::Close(Port(0)), Action::Close(Port(1)), Action::Kill(second, Signal::TERM)];
    assert_eq!(trial.signal(libc::SIGTERM), stopped);
    assert_eq!(trial.step(Event::Incoming(Port(0))), [], "it came before that");
    assert_eq!(trial.step(Event::Ended(second, CLEAN)), [Action::Exit(0)]);
}

#[test]
fn connections_wait_where_there_is_no_room_and_are_served_when_there_is() {
    let mut trial = Trial::each();
    let error = Error::Fork(Errno::EAGAIN);
    assert_eq!(trial.step(Event::Incoming(Port(1))), [Action::Accept(Port(1))]);
    assert!(trial.said(Event::NotConnected(Port(1), error.clone())).contains("Failed to fork"));
    assert_eq!(trial.step(Event::Incoming(Port(0))), [Action::Ignore(Port(0))]);
    let again = [vec![Action::Accept(Port(1))], watch(&[1, 0])].concat();
    assert_eq!(trial.pass(Duration::from_millis(100)), again);
    assert_eq!(trial.said(Event::NotConnected(Port(1), error.clone())), "", "it was said");
    assert_eq!(trial.pass(Duration::from_millis(100)), [vec![Action::Accept(Port(1))], watch(&[1])].concat());
    trial.pass(Duration::from_secs(10));
    assert_ne!(trial.said(Event::NotConnected(Port(1), error)), "");
}

#[test]
fn a_service_for_a_connection_that_cannot_be_started_ends_all_the_first_time_and_later_does_not() {
    let error = Error::NotFound { command: "a".into() };
    let mut trial = Trial::each();
    assert_eq!(trial.step(Event::NotConnected(Port(0), error.clone())), [Action::Fail(error.clone())]);
    let mut trial = Trial::each();
    trial.connect(Port(0));
    assert_eq!(trial.step(Event::NotConnected(Port(0), error)), []);
    let error = Error::Accept { descriptor: 3, error: Errno::EINVAL };
    assert_eq!(trial.step(Event::NotConnected(Port(0), error)), [Action::Reopen(Port(0))]);
}

#[test]
fn a_service_that_was_stopped_for_want_of_the_terminal_gets_it_until_it_ends() {
    for (end, then) in [
        (CLEAN, watch(&[0])),
        (End::Killed(Signal::INT), vec![Action::Exit(0)]),
        (End::Exited(130), vec![Action::Exit(130)]),
    ] {
        let mut trial = Trial::one(1);
        let main = trial.run();
        let read = Signal::new(libc::SIGTTIN).unwrap();
        assert_eq!(trial.step(Event::Suspended(main, read)), [Action::GiveTerminal(main)]);
        assert_eq!(trial.step(Event::Ended(main, end)), [Action::TakeTerminal, Action::Inspect(SERVICE, vec![main])]);
        assert_eq!(trial.left(&[]), then);
    }
    let mut trial = Trial::one(1);
    let main = trial.run();
    let typed = Signal::new(libc::SIGTSTP).unwrap();
    assert_eq!(trial.step(Event::Suspended(main, typed)), [], "as it was told");
    trial.step(Event::Suspended(main, Signal::new(libc::SIGTTOU).unwrap()));
    assert_eq!(trial.step(Event::Suspended(main, typed)), [Action::TakeTerminal, Action::Suspend]);
}

/// A unit's service, and its socket with one port.
fn unit(service: ServiceSpec) -> Trial {
    let socket = SocketSpec::new(&UnitName::new("a.socket").unwrap());
    let start_limit = RateLimit { interval: Duration::from_secs(10), burst: 5 };
    Trial::with(Form::Units, &socket, 1, service, start_limit)
}

fn commands(count: usize) -> Vec<crate::spec::Command> {
    let command = crate::spec::Command {
        path: "/a".into(),
        arguments: vec!["/a".into()],
        expand: true,
        ignore_failure: false,
        privileges: crate::spec::Privileges::Restricted,
        origin: crate::spec::Origin::option("a"),
    };
    vec![command; count]
}

#[test]
fn a_unit_that_is_stopped_ends_and_with_the_last_one_all() {
    let mut trial = unit(ServiceSpec { start: commands(1), ..ServiceSpec::default() });
    let main = trial.run();
    assert_eq!(trial.signal(libc::SIGUSR1), [], "not for the service");
    assert_eq!(trial.signal(libc::SIGTERM), [Action::Inspect(SERVICE, vec![main])]);
    assert_eq!(trial.left(&[main]), told_to_end(&[main]));
    let stopped = [Action::Close(Port(0)), Action::Exit(0)];
    assert_eq!(trial.end(main, End::Killed(Signal::TERM), &[]), stopped, "the socket after its service");
    assert_eq!(unit(ServiceSpec::default()).signal(libc::SIGINT), stopped);
}

#[test]
fn a_unit_that_is_started_too_often_fails_and_closes_its_socket() {
    let mut trial = unit(ServiceSpec { start: commands(1), ..ServiceSpec::default() });
    for _ in 0..5 {
        let main = trial.run();
        assert_eq!(trial.end(main, CLEAN, &[]), watch(&[0]));
    }
    assert_eq!(trial.step(Event::Incoming(Port(0))), [Action::Close(Port(0)), Action::Exit(1)]);
}

mod connections;
mod dependencies;
mod ends;
mod jobs;
mod managed;
mod simulation;
mod sockets;
