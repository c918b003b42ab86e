//! Where things happen: what is waited for comes in as [events](Event), and the [actions](crate::engine::Action) that the engine answers
//! with are carried out. One thread, and one epoll(7).

mod actions;
mod children;
mod control;
mod holder;
mod instance;
mod journal;
mod notifications;
mod notify;
mod poll;
mod requests;
mod signals;
mod sockets;
mod terminal;

use std::collections::VecDeque;
use std::os::fd::{OwnedFd, RawFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::{getsockopt, sockopt};
use sdlite_core::listen::LISTEN_FDS_START;

pub use children::adopt_orphans;
pub use journal::{Journal, Settings};
pub use notifications::{Notifications, parse as parse_notification};
pub use requests::Asking;
pub use signals::{Inherited, Signals};
pub use sockets::{Socket, passed};

use actions::Outcome;
use children::{Reaped, lineage, reap};
use poll::{Key, Poll, Tells};
use requests::Asked;
use signals::Received;

use crate::engine::{Engine, Event, Port, ServiceId};
use crate::error::Error;
use crate::exec::{Plan, UnitPlan};
use crate::spec::{ServiceSpec, SocketSpec, UnitName};

/// How a service is started.
pub enum Starter {
    /// Always in the same way.
    Plan(Box<Plan>),
    /// By the commands of a unit, which are laid out when they are executed.
    Unit {
        /// How they are executed.
        plan: Box<UnitPlan>,
        /// What they are.
        service: Box<ServiceSpec>,
    },
}

/// Who serves what comes to a socket.
pub enum Taker {
    /// A service that takes all.
    Service(ServiceId),
    /// A service for each connection.
    Each {
        /// How it is started.
        plan: Box<Plan>,
        /// The template that each is an instance of.
        template: Option<UnitName>,
    },
}

/// Everything that is open.
pub struct World {
    poll: Poll,
    signals: Signals,
    journal: Option<Journal>,
    notifications: Option<Notifications>,
    asked: Option<Asked>,
    services: Vec<Service>,
    sockets: Vec<(SocketSpec, Taker)>,
    /// By their numbers. None where one was closed; and which of the sockets each belongs to.
    ports: Vec<(Option<Socket>, usize)>,
    /// A connection that was accepted, but no service could be started for it.
    held: Option<OwnedFd>,
    /// How many connections units have accepted.
    accepted: u64,
    /// Whether children run, those that services have left behind included.
    has_children: bool,
}

struct Service {
    starter: Starter,
    ports: Vec<Port>,
    /// `$INVOCATION_ID` of a unit, and the how-manieth that is.
    invocation: Option<(u64, String)>,
}

impl World {
    /// Only signals are waited for.
    pub fn new(signals: Signals) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::Wait)?;
        poll.add(Key::Signal, &signals, Tells::Always).map_err(Error::Wait)?;
        Ok(Self {
            poll,
            signals,
            journal: None,
            notifications: None,
            asked: None,
            services: Vec::new(),
            sockets: Vec::new(),
            ports: Vec::new(),
            held: None,
            accepted: 0,
            has_children: false,
        })
    }

    /// Has what units write come to the log, and what they notify of be heard.
    pub fn listen_to_units(&mut self, journal: Journal, notifications: Notifications) -> Result<(), Error> {
        self.poll.add(Key::Log, &journal, Tells::Always).map_err(Error::Wait)?;
        self.poll.add(Key::Notification, &notifications, Tells::Always).map_err(Error::Wait)?;
        (self.journal, self.notifications) = (Some(journal), Some(notifications));
        Ok(())
    }

    /// Adds a service. It has the number that [`Engine::add_service`] gives it.
    pub fn add_service(&mut self, starter: Starter) {
        self.services.push(Service { starter, ports: Vec::new(), invocation: None });
    }

    /// Adds what is open of a socket. Its ports have the numbers that the engine gives them.
    pub fn add_socket(&mut self, spec: SocketSpec, sockets: Vec<Socket>, taker: Taker) -> Result<(), Error> {
        for socket in sockets {
            let port = Port(self.ports.len());
            self.wait_for(port, &socket)?;
            self.ports.push((Some(socket), self.sockets.len()));
            if let Taker::Service(id) = &taker {
                self.services[id.0].ports.push(port);
            }
        }
        self.sockets.push((spec, taker));
        Ok(())
    }

    fn wait_for(&self, port: Port, socket: &Socket) -> Result<(), Error> {
        let descriptor = LISTEN_FDS_START + port.0 as RawFd;
        self.poll.add(Key::Port(port), socket, Tells::Never).map_err(|error| match error {
            Errno::EPERM => Error::NotASocket { descriptor },
            error => Error::Prepare { descriptor, error },
        })
    }

    /// Runs until the engine ends it. Returns the exit status.
    pub fn run(mut self, mut engine: Engine) -> Result<u8, Error> {
        let addresses: Vec<_> = self.ports.iter().filter_map(|(socket, _)| socket.as_ref()?.address()).collect();
        let status = if addresses.is_empty() {
            String::new()
        } else {
            format!("\nSTATUS=Listening on {}.", addresses.join(", "))
        };
        notify::notify(&format!("READY=1{status}"));

        let mut now = Instant::now();
        let mut events = VecDeque::from([Event::Begun]);
        loop {
            while let Some(event) = events.pop_front() {
                if let Some(status) = self.carry_out_all(&mut engine, now, event)? {
                    return Ok(status);
                }
            }
            events.extend(self.go_on_with_clients(&engine));
            let deadline = if events.is_empty() && !self.is_due() { engine.deadline() } else { Some(now) };
            let ready = self.poll.wait(now, deadline)?;
            now = Instant::now();
            if engine.deadline().is_some_and(|deadline| deadline <= now) {
                events.push_back(Event::Time);
            }
            for (key, flags) in ready {
                match key {
                    Key::Log => self.journal.iter_mut().for_each(|journal| journal.turn(now)),
                    Key::Notification => events.extend(self.notified(&engine)),
                    Key::Signal => self.receive(&mut events),
                    Key::Port(port) => events.push_back(self.tell(port, flags)),
                    Key::Client(client) => events.extend(self.go_on_with(client, flags, &engine)),
                    Key::Control => self.let_in(),
                }
            }
        }
    }

    /// Tells the engine of an event, and of what comes of that. The exit status where it ends.
    fn carry_out_all(&mut self, engine: &mut Engine, now: Instant, event: Event) -> Result<Option<u8>, Error> {
        let mut actions = VecDeque::from(engine.step(now, event));
        while let Some(action) = actions.pop_front() {
            match self.carry_out(action)? {
                Outcome::Nothing => (),
                Outcome::Event(event) => actions.extend(engine.step(now, event)),
                Outcome::Exit(status) => return Ok(Some(status)),
            }
        }
        Ok(None)
    }

    fn receive(&mut self, events: &mut VecDeque<Event>) {
        match self.signals.next() {
            None => (),
            Some(Received::Other { signal, by_kernel }) => events.push_back(Event::Signal { signal, by_kernel }),
            Some(Received::Child) => loop {
                match reap() {
                    Reaped::Child(pid, end) => {
                        self.journal.iter_mut().for_each(|journal| journal.ended(pid));
                        events.push_back(Event::Ended(pid, end));
                    }
                    Reaped::Stopped(pid, signal) => events.push_back(Event::Suspended(pid, signal)),
                    rest => break self.has_children = rest == Reaped::AllRun,
                }
            },
        }
    }

    fn notified(&self, engine: &Engine) -> Option<Event> {
        let (sender, state) = self.notifications.as_ref()?.receive()?;
        let lineage = if engine.owner(sender).is_some() { Vec::new() } else { lineage(sender) };
        Some(Event::Notified { sender, lineage, notification: notifications::parse(&state) })
    }

    /// What is to be told of a port that has something to tell.
    fn tell(&self, port: Port, flags: EpollFlags) -> Event {
        let (socket, _) = &self.ports[port.0];
        let is_socket = || getsockopt(socket.as_ref()?, sockopt::SockType).ok();
        if flags.contains(EpollFlags::EPOLLHUP) && (!flags.contains(EpollFlags::EPOLLIN) || is_socket().is_some()) {
            return Event::HungUp(port);
        }
        Event::Incoming(port)
    }
}
