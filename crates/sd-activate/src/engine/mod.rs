//! What is done when something happens. No system call is made here, and no clock is read: an [event](Event) and the time go
//! in, [actions](Action) come out, so that all of it can be tried without a process.
//!
//! A service for all connections (Accept=no) is in [`service`], with a table of its states; services for one connection
//! each (Accept=yes) are in [`connections`].

mod action;
mod connections;
mod event;
mod limit;
mod service;

use std::collections::{BTreeSet, HashMap};
use std::iter;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

pub use action::Action;
pub use event::{End, Event, Port, ServiceId};

use connections::Connections;
use service::{Happening, Service};

use crate::error::Error;
use crate::spec::{Signal, SocketSpec, Timeout};

/// What becomes of all when a service has ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Form {
    /// The service is started at once.
    pub now: bool,
    /// It is started once only.
    pub once: bool,
}

/// A service, as the engine has to know it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What messages call it.
    pub title: String,
    /// TimeoutStopSec=: after that, a signal that was to end it has not.
    pub timeout_stop: Timeout,
    /// An exit status that has a likely reason, and that reason: said once.
    pub hint: Option<(u8, String)>,
}

/// Everything that is listened on and may run.
#[derive(Debug)]
pub struct Engine {
    form: Form,
    /// Who takes what comes to each port.
    takers: Vec<Taker>,
    services: Vec<Service>,
    connections: Connections,
    owners: HashMap<Pid, Taker>,
    timers: BTreeSet<(Instant, Timer)>,
}

/// Who takes what comes to a port, and whose a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taker {
    Service(ServiceId),
    Connections,
    /// The port was closed.
    Nobody,
}

/// What there is to do at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// A service may be started again.
    Rest(ServiceId),
    /// A service should have ended by now.
    Stop(ServiceId),
    /// There may be room for connections again.
    Shortage,
}

/// What comes of one event.
#[derive(Debug)]
struct Turn {
    now: Instant,
    form: Form,
    actions: Vec<Action>,
    timers: Vec<(Instant, Timer)>,
    owned: Vec<(Pid, Taker)>,
}

impl Turn {
    fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    fn say(&mut self, message: impl ToString) {
        self.act(Action::Say(message.to_string()));
    }

    /// Whether everything ends with it.
    fn ends(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::Exit(_) | Action::Fail(_)))
    }

    fn after(&mut self, delay: Duration, timer: Timer) {
        if let Some(at) = self.now.checked_add(delay) {
            self.timers.push((at, timer));
        }
    }
}

impl Engine {
    /// Nothing listens yet.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            takers: Vec::new(),
            services: Vec::new(),
            connections: Connections::default(),
            owners: HashMap::new(),
            timers: BTreeSet::new(),
        }
    }

    /// Adds a socket unit with so many ports, which are numbered on, and the service that it is for.
    pub fn add(&mut self, socket: &SocketSpec, ports: usize, subject: Subject) -> ServiceId {
        let id = ServiceId(self.services.len());
        let taker = if socket.accept { Taker::Connections } else { Taker::Service(id) };
        self.takers.extend(iter::repeat_n(taker, ports));
        if socket.accept {
            self.connections.hint = subject.hint.clone();
        }
        self.services.push(Service::new(id, socket.poll_limit, subject));
        id
    }

    /// What is to be done, now that this has happened.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut turn = Turn { now, form: self.form, actions: Vec::new(), timers: Vec::new(), owned: Vec::new() };
        self.happen(event, &mut turn);
        self.timers.extend(turn.timers);
        self.owners.extend(turn.owned);
        turn.actions
    }

    /// When the next [`Event::Time`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn happen(&mut self, event: Event, turn: &mut Turn) {
        match event {
            Event::Begun => {
                turn.actions.extend((0..self.takers.len()).map(Port).map(Action::Watch));
                if self.form.now {
                    for service in &mut self.services {
                        service.step(Happening::Wanted, turn);
                    }
                }
            }
            Event::Time => {
                while let Some(due) = self.timers.first().copied().filter(|(at, _)| *at <= turn.now) {
                    self.timers.remove(&due);
                    match due.1 {
                        Timer::Rest(id) => self.tell(id, Happening::RestOver, turn),
                        Timer::Stop(id) => self.tell(id, Happening::StopOver, turn),
                        Timer::Shortage => self.connections.shortage_is_over(turn),
                    }
                }
            }
            Event::Signal { signal, by_kernel } => self.signal(signal, by_kernel, turn),

            Event::Incoming(port) => match self.takers[port.0] {
                Taker::Service(id) => self.tell(id, Happening::Incoming(port), turn),
                Taker::Connections => self.connections.incoming(port, turn),
                Taker::Nobody => (),
            },
            Event::HungUp(port) => match self.takers[port.0] {
                Taker::Nobody => (),
                _ => {
                    turn.say(format_args!("The socket at {port} was shut down (shutdown(2)): it is opened anew."));
                    turn.act(Action::Reopen(port));
                }
            },
            Event::Reopened(port) => turn.act(Action::Watch(port)),
            Event::NotReopened(port, error) => self.close(port, error, turn),

            Event::Started(id, pid) => {
                turn.owned.push((pid, Taker::Service(id)));
                self.tell(id, Happening::Started(pid), turn);
            }
            Event::NotStarted(id, error) => self.tell(id, Happening::NotStarted(error), turn),
            Event::Connected(_, pid) => {
                turn.owned.push((pid, Taker::Connections));
                self.connections.connected(pid);
            }
            Event::NotConnected(port, error) => self.connections.not_connected(port, error, turn),

            Event::Ended(pid, end) => match self.owners.remove(&pid) {
                Some(Taker::Service(id)) => self.tell(id, Happening::Ended(pid, end), turn),
                Some(Taker::Connections) => self.connections.ended(pid, end, turn),
                Some(Taker::Nobody) | None => (),
            },
            Event::Stopped(pid, signal) => {
                if let Some(Taker::Service(id)) = self.owners.get(&pid).copied() {
                    self.tell(id, Happening::Stopped(pid, signal), turn);
                }
            }
            Event::Inspected { service, mut left, unlinked } => {
                left.retain(|pid| self.owners.get(pid).is_none_or(|owner| *owner == Taker::Service(service)));
                self.tell(service, Happening::Left(left), turn);
                for port in unlinked {
                    if !self.services[service.0].runs() && !turn.ends() {
                        turn.say(format_args!("The file of the socket at {port} is gone: it is made anew."));
                        turn.act(Action::Reopen(port));
                    }
                }
            }
        }
    }

    fn tell(&mut self, id: ServiceId, happening: Happening, turn: &mut Turn) {
        self.services[id.0].step(happening, turn);
    }

    fn signal(&mut self, signal: Signal, by_kernel: bool, turn: &mut Turn) {
        let number = signal.number();
        // The kernel sends SIGHUP where the terminal is gone, and nobody could send SIGINT any more.
        let stops =
            matches!(number, libc::SIGTERM | libc::SIGINT | libc::SIGQUIT) || number == libc::SIGHUP && by_kernel;
        if stops {
            self.accept_no_more(turn);
        }
        self.connections.signal(signal, stops, turn);
        for service in &mut self.services {
            service.step(Happening::Signal { signal, stops }, turn);
        }
        let runs = self.connections.runs() || self.services.iter().any(Service::runs);
        match number {
            libc::SIGTSTP => turn.act(Action::Suspend),
            _ if runs => (),
            _ if stops => turn.act(Action::Exit(0)),
            libc::SIGCONT | libc::SIGURG | libc::SIGWINCH => (),
            _ => turn.say(format_args!("No service runs that {signal} could be passed on to.")),
        }
    }

    /// Services that serve all connections have their ports until they have ended; nobody else will serve the others.
    fn accept_no_more(&mut self, turn: &mut Turn) {
        for (index, taker) in self.takers.iter_mut().enumerate() {
            if *taker == Taker::Connections {
                *taker = Taker::Nobody;
                turn.act(Action::Close(Port(index)));
            }
        }
    }

    /// Gives a port up.
    fn close(&mut self, port: Port, error: Error, turn: &mut Turn) {
        self.takers[port.0] = Taker::Nobody;
        if self.takers.iter().all(|taker| *taker == Taker::Nobody) {
            return turn.act(Action::Fail(error));
        }
        turn.say(error);
        turn.act(Action::Close(port));
    }
}

#[cfg(test)]
mod tests;
