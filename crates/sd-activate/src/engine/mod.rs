//! What is done when something happens. No system call is made here, and no clock is read: an [event](Event) and the time go
//! in, [actions](Action) come out, so that all of it can be tried without a process.
//!
//! A service for all connections (Accept=no) is in `service`, with a table of its states; services for one connection
//! each (Accept=yes) are in `connections`.

mod action;
mod announce;
mod commands;
mod connections;
mod event;
mod foreground;
mod incoming;
mod lifecycle;
mod limit;
mod service;
mod stopping;
mod turn;
mod verdict;
pub mod view;
mod words;

use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Instant;
use std::{iter, mem};

use nix::unistd::Pid;

pub use action::Action;
pub use event::{End, Event, Notification, Port, Process, ServiceId};
pub use turn::Level;
pub use view::{ActiveState, Answer, CommandStatus, JobResult, RequestId, UnitId, Verb, View, Whom};

use connections::{Accepting, Connections};
use limit::Limit;
use service::{Happening, Service};
use turn::{Taker, Timer, Turn};

use crate::error::Error;
use crate::spec::{RateLimit, ServiceSpec, Signal, SocketSpec, UnitSpec};

/// What is managed, and so what becomes of all when a service has ended, and what a signal means.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A command, as systemd-socket-activate(1) has it: it stands for this process. Signals are passed on, and where it ends
    /// because of one, all does.
    Command(Once),
    /// Units: a signal stops all of them.
    Units,
}

/// How often a command is started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Once {
    /// It is started at once.
    pub now: bool,
    /// It is started once only.
    pub once: bool,
}

/// What messages call a service.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its description, or its command line.
    pub title: String,
    /// An exit status that has a likely reason, and that reason: said once.
    pub hint: Option<(u8, String)>,
}

impl Display for Subject {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        // A unit without a description has no other title than its name.
        if self.title == self.name {
            formatter.write_str(&self.name)
        } else {
            write!(formatter, "{} - {}", self.name, self.title)
        }
    }
}

/// Everything that is listened on and may run.
#[derive(Debug)]
pub struct Engine {
    form: Form,
    units: Vec<Known>,
    ports: Vec<Listener>,
    services: Vec<Service>,
    /// The services that are started at once.
    wanted: Vec<ServiceId>,
    connections: Connections,
    owners: HashMap<Pid, Taker>,
    timers: BTreeSet<(Instant, Timer)>,
    /// Whether all is to end.
    stopping: bool,
    /// Whether a unit has failed.
    failed: bool,
}

/// A unit, and its service where it is one that may run.
#[derive(Debug)]
struct Known {
    spec: Arc<UnitSpec>,
    service: Option<ServiceId>,
}

/// A port.
#[derive(Debug)]
struct Listener {
    /// What messages call it.
    name: String,
    taker: Taker,
}

impl Engine {
    /// Nothing listens yet.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            units: Vec::new(),
            ports: Vec::new(),
            services: Vec::new(),
            wanted: Vec::new(),
            connections: Connections::default(),
            owners: HashMap::new(),
            timers: BTreeSet::new(),
            stopping: false,
            failed: false,
        }
    }

    /// Makes a unit known, so that it can be told of.
    pub fn know(&mut self, spec: Arc<UnitSpec>, service: Option<ServiceId>) -> UnitId {
        self.units.push(Known { spec, service });
        UnitId(self.units.len() - 1)
    }

    /// Adds a service that takes what comes to its sockets.
    pub fn add_service(&mut self, spec: ServiceSpec, start_limit: RateLimit, subject: Subject) -> ServiceId {
        let id = ServiceId(self.services.len());
        self.services.push(Service::new(id, spec, start_limit, subject));
        id
    }

    /// Has a service started at once.
    pub fn want(&mut self, service: ServiceId) {
        self.wanted.push(service);
    }

    /// Adds the ports of a socket, which are numbered on, for a service that takes whatever comes.
    pub fn add_socket(&mut self, socket: &SocketSpec, names: impl IntoIterator<Item = String>, service: ServiceId) {
        let listener = |name| Listener { name, taker: Taker::Service(service) };
        self.ports.extend(names.into_iter().map(listener));
        let service = &mut self.services[service.0];
        service.incoming.poll_limit = Limit::new(socket.poll_limit);
        service.incoming.trigger_limit = Limit::new(socket.trigger_limit);
    }

    /// Adds the ports of a socket, which are numbered on, and of which each connection has a service of its own.
    pub fn add_accepting(
        &mut self,
        socket: &SocketSpec,
        names: impl IntoIterator<Item = String>,
        service: ServiceSpec,
        subject: Subject,
    ) {
        let taker = Taker::Connections(self.connections.add(Accepting::new(service, subject, socket.max_connections)));
        self.ports.extend(names.into_iter().zip(iter::repeat(taker)).map(|(name, taker)| Listener { name, taker }));
    }

    /// What is to be done, now that this has happened.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut turn = Turn::new(now, self.form);
        self.happen(event, &mut turn);
        while let Some((id, happening)) = turn.later.pop() {
            self.tell(id, happening, &mut turn);
        }
        for id in mem::take(&mut turn.given_up) {
            self.give_up(id, &mut turn);
        }
        self.failed |= turn.failed;
        self.timers.extend(mem::take(&mut turn.timers));
        self.owners.extend(mem::take(&mut turn.owned));
        if !turn.ends() {
            turn.actions.extend(self.end().map(Action::Exit));
        }
        turn.actions
    }

    /// When the next [`Event::Time`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn happen(&mut self, event: Event, turn: &mut Turn) {
        match event {
            Event::Begun => {
                turn.actions.extend((0..self.ports.len()).map(Port).map(Action::Watch));
                for id in mem::take(&mut self.wanted) {
                    self.tell(id, Happening::Start, turn);
                }
            }
            Event::Time => {
                while let Some(due) = self.timers.first().copied().filter(|(at, _)| *at <= turn.now) {
                    self.timers.remove(&due);
                    match due.1 {
                        Timer::Rest(id) => self.tell(id, Happening::RestOver, turn),
                        Timer::Service(id) => self.tell(id, Happening::TimeUp, turn),
                        Timer::Connections => self.connections.time_is_up(turn),
                        Timer::Shortage => self.connections.shortage_is_over(turn),
                    }
                }
            }
            Event::Signal { signal, by_kernel } => self.signal(signal, by_kernel, turn),
            Event::Requested { request, .. } => {
                turn.act(Action::Answer(request, Answer::Refused("There are no jobs yet".to_owned())));
            }

            Event::Incoming(port) => match self.ports[port.0].taker {
                Taker::Service(id) => self.tell(id, Happening::Incoming(port), turn),
                Taker::Connections(socket) => self.connections.incoming(socket, port, &self.ports[port.0].name, turn),
                Taker::Nobody => (),
            },
            Event::HungUp(port) if self.ports[port.0].taker == Taker::Nobody => (),
            Event::HungUp(port) => {
                let name = &self.ports[port.0].name;
                turn.say(format_args!("The socket at {name} was shut down (shutdown(2)): it is opened anew."));
                turn.act(Action::Reopen(port));
            }
            Event::Reopened(port) => turn.act(Action::Watch(port)),
            Event::NotReopened(port, error) => self.close(port, error, turn),

            Event::Executed(id, pid) => self.tell(id, Happening::Executed(pid), turn),
            Event::NotExecuted(id, error) => self.tell(id, Happening::NotExecuted(error), turn),
            Event::Notified { sender, lineage, notification } => {
                let owner = [sender].iter().chain(&lineage).find_map(|pid| self.owner(*pid));
                if let Some(id) = owner {
                    self.tell(id, Happening::Notified(sender, notification), turn);
                }
            }
            Event::Connected(port, pid, name) => {
                let taker = self.ports[port.0].taker;
                turn.owned.push((pid, taker));
                if let Taker::Connections(socket) = taker {
                    self.connections.connected(socket, pid, name, turn);
                }
            }
            Event::NotConnected(port, error) => {
                if let Taker::Connections(socket) = self.ports[port.0].taker {
                    self.connections.not_connected(socket, port, error, turn);
                }
            }

            Event::Ended(pid, end) => match self.owners.remove(&pid) {
                Some(Taker::Service(id)) => self.tell(id, Happening::Ended(pid, end), turn),
                Some(Taker::Connections(_)) => self.connections.ended(pid, end, turn),
                Some(Taker::Nobody) | None => (),
            },
            Event::Suspended(pid, signal) => {
                if let Some(id) = self.owner(pid) {
                    self.tell(id, Happening::Suspended(pid, signal), turn);
                }
            }
            Event::Inspected { service, mut processes, unlinked } => {
                let its = Taker::Service(service);
                processes.retain(|process| self.owners.get(&process.pid).is_none_or(|owner| *owner == its));
                self.tell(service, Happening::Found(processes), turn);
                for port in unlinked {
                    if !self.services[service.0].runs() && !turn.ends() {
                        let name = &self.ports[port.0].name;
                        turn.say(format_args!("The file of the socket at {name} is gone: it is made anew."));
                        turn.act(Action::Reopen(port));
                    }
                }
            }
        }
    }

    fn tell(&mut self, id: ServiceId, happening: Happening, turn: &mut Turn) {
        self.services[id.0].step(happening, turn);
    }

    /// The service that a process is known to be of.
    pub fn owner(&self, pid: Pid) -> Option<ServiceId> {
        match self.owners.get(&pid) {
            Some(Taker::Service(id)) => Some(*id),
            _ => None,
        }
    }

    fn signal(&mut self, signal: Signal, by_kernel: bool, turn: &mut Turn) {
        let number = signal.number();
        // The kernel sends SIGHUP where the terminal is gone, and nobody could send SIGINT any more.
        let stops =
            matches!(number, libc::SIGTERM | libc::SIGINT | libc::SIGQUIT) || number == libc::SIGHUP && by_kernel;
        if stops {
            self.accept_no_more(turn);
        }
        match self.form {
            Form::Command(_) => {
                self.connections.pass_on(signal, turn);
                self.tell_all(|| Happening::PassOn { signal, stops }, turn);
            }
            Form::Units if stops => {
                self.connections.stop(turn);
                self.tell_all(|| Happening::Stop { restart: false }, turn);
            }
            Form::Units => (),
        }
        let runs = self.connections.runs() || self.services.iter().any(Service::runs);
        // With a command, whether all ends depends on how that does, where it runs.
        self.stopping |= stops && (matches!(self.form, Form::Units) || self.services.is_empty() || !runs);
        match number {
            libc::SIGTSTP => turn.act(Action::Suspend),
            libc::SIGCONT | libc::SIGURG | libc::SIGWINCH => (),
            _ if stops => (),
            _ => match self.form {
                Form::Command(_) if runs => (),
                Form::Command(_) => turn.say(format_args!("No service runs that {signal} could be passed on to.")),
                Form::Units => turn.say(format_args!("{signal} is ignored: SIGTERM stops the units.")),
            },
        }
    }

    fn tell_all(&mut self, happening: impl Fn() -> Happening, turn: &mut Turn) {
        for service in &mut self.services {
            service.step(happening(), turn);
        }
    }

    /// The exit status, once there is nothing more to do.
    fn end(&self) -> Option<u8> {
        let rests = !self.connections.runs() && self.services.iter().all(Service::is_over);
        if !rests {
            return None;
        }
        let listens = self.ports.iter().any(|port| port.taker != Taker::Nobody);
        match self.form {
            _ if self.stopping => Some(0),
            Form::Command(_) => None,
            Form::Units => (!listens).then_some(self.failed.into()),
        }
    }

    /// Services that serve all connections have their ports until they have ended; nobody else will serve the others.
    fn accept_no_more(&mut self, turn: &mut Turn) {
        for (index, port) in self.ports.iter_mut().enumerate() {
            if matches!(port.taker, Taker::Connections(_)) {
                port.taker = Taker::Nobody;
                turn.act(Action::Close(Port(index)));
            }
        }
    }

    /// Closes the ports of a service that is not started any more.
    fn give_up(&mut self, id: ServiceId, turn: &mut Turn) {
        let mut names = BTreeSet::new();
        for (index, port) in self.ports.iter_mut().enumerate() {
            if port.taker == Taker::Service(id) {
                port.taker = Taker::Nobody;
                names.insert(&port.name);
                turn.actions.push(Action::Close(Port(index)));
            }
        }
        for name in names {
            let service = &self.services[id.0].subject.name;
            turn.say(format_args!("{name}: Closed, as {service} is not started any more."));
        }
    }

    /// Gives a port up.
    fn close(&mut self, port: Port, error: Error, turn: &mut Turn) {
        self.ports[port.0].taker = Taker::Nobody;
        if self.ports.iter().all(|port| port.taker == Taker::Nobody) {
            return turn.act(Action::Fail(error));
        }
        turn.say(error);
        turn.act(Action::Close(port));
    }
}

#[cfg(test)]
mod tests;
