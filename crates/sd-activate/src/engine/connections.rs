//! Accept=yes: a service for each connection.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::event::{End, Port};
use super::turn::{Timer, Turn};
use super::verdict::Outcome;
use super::{Action, Form, Subject};
use crate::error::Error;
use crate::spec::{ServiceSpec, Signal};

/// How long to wait where descriptors, memory or processes have run out.
const PAUSE: Duration = Duration::from_millis(100);
/// How long not to say so again.
const SILENCE: Duration = Duration::from_secs(10);

/// The services that run, and the connections that wait for one.
#[derive(Debug, Default)]
pub(super) struct Connections {
    sockets: Vec<Accepting>,
    running: HashMap<Pid, Connection>,
    /// The ports to go on with when a shortage is over, while there is one. The first has a connection that was accepted.
    waiting: Option<Vec<Port>>,
    /// When the user was told of a shortage.
    told: Option<Instant>,
    /// When the time is up in which those should have ended that were told to.
    deadline: Option<Instant>,
}

/// A socket that connections are accepted on.
#[derive(Debug)]
pub(super) struct Accepting {
    /// The service that is started for each of them.
    pub(super) service: ServiceSpec,
    pub(super) subject: Subject,
    /// MaxConnections=.
    pub(super) most: u32,
    /// How many there are.
    count: u32,
    /// Whether a service ran before.
    ran: bool,
}

/// A connection that is served.
#[derive(Debug)]
struct Connection {
    /// Which of the sockets it was accepted on.
    socket: usize,
    /// Its service's name.
    name: String,
}

impl Accepting {
    pub(super) fn new(service: ServiceSpec, subject: Subject, most: u32) -> Self {
        Self { service, subject, most, count: 0, ran: false }
    }

    /// What messages call the service of a connection.
    fn instance(&self, name: &str) -> Subject {
        let title = if self.subject.title == self.subject.name { name } else { &self.subject.title };
        Subject { name: name.to_owned(), title: title.to_owned(), hint: None }
    }
}

impl Connections {
    /// Adds a socket, and numbers it.
    pub(super) fn add(&mut self, socket: Accepting) -> usize {
        self.sockets.push(socket);
        self.sockets.len() - 1
    }

    pub(super) fn runs(&self) -> bool {
        !self.running.is_empty()
    }

    pub(super) fn incoming(&mut self, socket: usize, port: Port, name: &str, turn: &mut Turn) {
        if let Some(waiting) = &mut self.waiting {
            waiting.push(port);
            return turn.act(Action::Ignore(port));
        }
        let accepting = &self.sockets[socket];
        if accepting.count < accepting.most {
            return turn.act(Action::Accept(port));
        }
        let most = accepting.most;
        turn.say(format_args!("{name}: Too many incoming connections ({most}), dropping connection."));
        turn.act(Action::Refuse(port));
    }

    pub(super) fn connected(&mut self, socket: usize, pid: Pid, name: String, turn: &mut Turn) {
        let accepting = &mut self.sockets[socket];
        accepting.ran = true;
        accepting.count += 1;
        if matches!(turn.form, Form::Units) {
            turn.say_any(turn.form.started(&accepting.instance(&name)));
        }
        self.running.insert(pid, Connection { socket, name });
    }

    pub(super) fn not_connected(&mut self, socket: usize, port: Port, error: Error, turn: &mut Turn) {
        match &error {
            error if error.is_shortage() => (),
            // The socket's own error, and not the connection's.
            Error::Accept { .. } => {
                turn.say(error);
                return turn.act(Action::Reopen(port));
            }
            _ if self.sockets[socket].ran || matches!(turn.form, Form::Units) => return turn.say(error),
            _ => return turn.act(Action::Fail(error)),
        }
        self.waiting.get_or_insert_default().push(port);
        turn.act(Action::Ignore(port));
        turn.after(PAUSE, Timer::Shortage);
        // Where connections keep it at a limit, every other one runs into it.
        if self.told.is_none_or(|told| turn.now.duration_since(told) >= SILENCE) {
            self.told = Some(turn.now);
            turn.say(error);
            turn.say("Connections wait until there is room again.");
        }
    }

    pub(super) fn shortage_is_over(&mut self, turn: &mut Turn) {
        let waiting = self.waiting.take().unwrap_or_default();
        turn.actions.extend(waiting.iter().copied().take(1).map(Action::Accept));
        turn.actions.extend(waiting.into_iter().map(Action::Watch));
    }

    pub(super) fn ended(&mut self, pid: Pid, end: End, turn: &mut Turn) {
        let Some(connection) = self.running.remove(&pid) else { return };
        let accepting = &mut self.sockets[connection.socket];
        accepting.count -= 1;
        match turn.form {
            // A line for every connection would cost as much as the connection.
            Form::Command(_) if end != End::Exited(0) => turn.say(format_args!("Child {pid} {end}")),
            Form::Command(_) => (),
            Form::Units => {
                let subject = accepting.instance(&connection.name);
                let outcome = Outcome::of(&accepting.service, end);
                turn.say_any(turn.form.ended(&subject, end, outcome));
                turn.say_any(turn.form.dead(&subject, outcome));
            }
        }
        if let Some((_, hint)) = accepting.subject.hint.take_if(|(status, _)| end == End::Exited(*status)) {
            turn.say(hint);
        }
    }

    /// Sends all of them a signal.
    pub(super) fn pass_on(&self, signal: Signal, turn: &mut Turn) {
        turn.actions.extend(self.running.keys().map(|pid| Action::Kill(*pid, signal)));
    }

    /// Has all of them end, as their unit says.
    pub(super) fn stop(&mut self, turn: &mut Turn) {
        for (pid, connection) in &self.running {
            turn.act(Action::Kill(*pid, self.sockets[connection.socket].service.kill.signal));
        }
        let timeouts = self.running.values().map(|connection| self.sockets[connection.socket].service.timeout_stop);
        let longest = timeouts.max_by_key(|timeout| timeout.unwrap_or(Duration::MAX)).flatten();
        self.deadline = longest.and_then(|timeout| turn.now.checked_add(timeout));
        turn.timers.extend(self.deadline.map(|deadline| (deadline, Timer::Connections)));
    }

    pub(super) fn time_is_up(&mut self, turn: &mut Turn) {
        if self.deadline.is_some_and(|deadline| deadline <= turn.now) {
            self.pass_on(Signal::KILL, turn);
        }
    }
}
