//! Where things happen: what is waited for comes in as [events](Event), and the [actions](Action) that the engine answers
//! with are carried out. One thread, and one epoll(7).

mod children;
mod holder;
mod instance;
mod journal;
mod notifications;
mod notify;
mod poll;
mod signals;
mod sockets;
mod terminal;

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::signal::kill;
use nix::sys::socket::{SockFlag, accept4, getsockopt, sockopt};
use nix::unistd::{Pid, getpid};
use sdlite_core::listen::LISTEN_FDS_START;

pub use children::adopt_orphans;
pub use journal::Journal;
pub use notifications::Notifications;
pub use signals::{Inherited, Signals};
pub use sockets::{Socket, passed};

use children::{Reaped, left_behind, reap};
use instance::Peer;
use notifications::is_ready;
use poll::{Key, Poll, Tells};
use signals::Received;

use crate::engine::{Action, Engine, Event, Port, ServiceId};
use crate::error::Error;
use crate::exec::{Plan, UnitPlan};
use crate::log::say;
use crate::spec::{Command, SocketSpec, UnitName};

/// How a service is started.
pub enum Starter {
    /// Always in the same way.
    Plan(Box<Plan>),
    /// By the commands of a unit, which are laid out when they are executed.
    Unit {
        /// How they are executed.
        plan: Box<UnitPlan>,
        /// ExecStart=.
        commands: Vec<Command>,
        /// The stream of the log that they write to.
        stream: usize,
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
}

/// What carrying an action out comes to.
enum Outcome {
    Nothing,
    Event(Event),
    Exit(u8),
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
        for stream in 0..journal.streams() {
            self.poll.add(Key::Log(stream), journal.reader(stream), Tells::Always).map_err(Error::Wait)?;
        }
        self.poll.add(Key::Notification, &notifications, Tells::Always).map_err(Error::Wait)?;
        (self.journal, self.notifications) = (Some(journal), Some(notifications));
        Ok(())
    }

    /// Adds a service. It has the number that [`Engine::add_service`] gives it.
    pub fn add_service(&mut self, starter: Starter) {
        self.services.push(Service { starter, ports: Vec::new() });
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
        notify::notify(&format!("READY=1\nSTATUS=Listening on {}.", addresses.join(", ")));

        let mut now = Instant::now();
        let mut events = VecDeque::from([Event::Begun]);
        loop {
            while let Some(event) = events.pop_front() {
                if let Some(status) = self.carry_out_all(&mut engine, now, event)? {
                    self.journal.iter_mut().for_each(Journal::drain);
                    return Ok(status);
                }
            }
            let ready = self.poll.wait(now, engine.deadline())?;
            now = Instant::now();
            if engine.deadline().is_some_and(|deadline| deadline <= now) {
                events.push_back(Event::Time);
            }
            for (key, flags) in ready {
                match key {
                    Key::Log(stream) => {
                        let _ = self.journal.as_mut().map(|journal| journal.read(stream));
                    }
                    Key::Notification => events.extend(self.notified()),
                    Key::Signal => self.receive(&mut events),
                    Key::Port(port) => events.push_back(self.tell(port, flags)),
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
                    Reaped::Child(pid, end) => events.push_back(Event::Ended(pid, end)),
                    Reaped::Stopped(pid, signal) => events.push_back(Event::Suspended(pid, signal)),
                    rest => break self.has_children = rest == Reaped::AllRun,
                }
            },
        }
    }

    fn notified(&self) -> Option<Event> {
        let (sender, state) = self.notifications.as_ref()?.receive()?;
        is_ready(&state).then_some(Event::Ready(sender))
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

    fn carry_out(&mut self, action: Action) -> Result<Outcome, Error> {
        let event = match action {
            Action::Watch(port) => {
                let always = self.sockets[self.ports[port.0].1].0.accept;
                self.watch(port, if always { Tells::Always } else { Tells::Once })?;
                return Ok(Outcome::Nothing);
            }
            Action::Ignore(port) => {
                self.watch(port, Tells::Never)?;
                return Ok(Outcome::Nothing);
            }
            Action::Reopen(port) => match self.reopen(port) {
                Ok(()) => Event::Reopened(port),
                Err(error) => Event::NotReopened(port, error),
            },
            Action::Close(port) => {
                self.close(port);
                return Ok(Outcome::Nothing);
            }
            Action::Start(id, command) => match self.start(id, command) {
                Ok(pid) => Event::Executed(id, pid),
                Err(error) => Event::NotExecuted(id, error),
            },
            Action::Accept(port) => match self.accept(port) {
                Ok(None) => return Ok(Outcome::Nothing),
                Ok(Some((pid, name))) => Event::Connected(port, pid, name),
                Err(error) => Event::NotConnected(port, error),
            },
            Action::Refuse(port) => {
                let _ = self.ports[port.0].0.as_ref().map(|socket| connection(socket, port));
                return Ok(Outcome::Nothing);
            }
            Action::Kill(pid, signal) => {
                // It can only fail where the process has ended; then SIGCHLD says so.
                // SAFETY: takes numbers. nix has no real-time signals.
                unsafe { libc::kill(pid.as_raw(), signal.number()) };
                return Ok(Outcome::Nothing);
            }
            Action::Inspect(id, main) => self.inspect(id, main),
            Action::Say(message) => {
                match &self.journal {
                    Some(journal) => journal.say(&message),
                    None => say(message),
                }
                return Ok(Outcome::Nothing);
            }
            Action::Suspend => {
                let _ = kill(getpid(), nix::sys::signal::Signal::SIGSTOP);
                return Ok(Outcome::Nothing);
            }
            Action::GiveTerminal(pid) => {
                terminal::give_to(pid);
                return Ok(Outcome::Nothing);
            }
            Action::TakeTerminal => {
                terminal::take_back();
                return Ok(Outcome::Nothing);
            }
            Action::Exit(status) => return Ok(Outcome::Exit(status)),
            Action::Fail(error) => return Err(error),
        };
        Ok(Outcome::Event(event))
    }

    fn watch(&self, port: Port, tells: Tells) -> Result<(), Error> {
        match &self.ports[port.0].0 {
            Some(socket) => self.poll.watch(Key::Port(port), socket, tells).map_err(Error::Wait),
            None => Ok(()),
        }
    }

    fn close(&mut self, port: Port) -> Option<Socket> {
        let socket = self.ports[port.0].0.take()?;
        let _ = self.poll.remove(&socket);
        Some(socket)
    }

    fn reopen(&mut self, port: Port) -> Result<(), Error> {
        let descriptor = LISTEN_FDS_START + port.0 as RawFd;
        // Closed before: otherwise, its address would be in use.
        let listen = self.close(port).and_then(|socket| socket.opened_for().cloned());
        let listen = listen.ok_or(Error::ShutDown { descriptor })?;
        let (spec, _) = &self.sockets[self.ports[port.0].1];
        let socket = Socket::open(&listen, spec)?;
        socket.prepare(port, spec.accept)?;
        self.wait_for(port, &socket)?;
        self.ports[port.0].0 = Some(socket);
        Ok(())
    }

    fn start(&mut self, id: ServiceId, command: usize) -> Result<Pid, Error> {
        let service = &mut self.services[id.0];
        let sockets = service.ports.iter().filter_map(|port| self.ports[port.0].0.as_ref()).map(AsFd::as_fd);
        match &mut service.starter {
            Starter::Plan(plan) => plan.start(sockets),
            Starter::Unit { plan, commands, stream } => {
                let pid = plan.lay_out(&commands[command])?.start(sockets)?;
                self.journal.iter_mut().for_each(|journal| journal.set_pid(*stream, pid));
                Ok(pid)
            }
        }
    }

    /// Starts a service for the next connection, and names it. None where that has gone again.
    fn accept(&mut self, port: Port) -> Result<Option<(Pid, String)>, Error> {
        let (socket, unit) = &self.ports[port.0];
        let (Some(socket), (_, Taker::Each { plan, template })) = (socket, &mut self.sockets[*unit]) else {
            return Ok(None);
        };
        let connection = match self.held.take() {
            Some(held) => Some(held),
            None => connection(socket, port)?,
        };
        let Some(connection) = connection else { return Ok(None) };
        let mut name = String::new();
        if let Some(template) = template {
            let peer = Peer::of(&connection);
            name = peer.instance(template, self.accepted);
            plan.set_remote(&peer.address, &peer.port);
        }
        let started = plan.start([connection.as_fd()]);
        if started.as_ref().is_err_and(Error::is_shortage) {
            self.held = Some(connection);
        }
        let pid = started?;
        self.accepted += 1;
        Ok(Some((pid, name)))
    }

    fn inspect(&self, id: ServiceId, main: Pid) -> Event {
        let service = &self.services[id.0];
        let sockets = || service.ports.iter().filter_map(|port| Some((*port, self.ports[port.0].0.as_ref()?)));
        let left = if self.has_children {
            // Those of a unit are in the session that it began with.
            let session = matches!(service.starter, Starter::Unit { .. }).then_some(main);
            left_behind(&sockets().filter_map(|(_, socket)| socket.name_in_proc()).collect::<Vec<_>>(), session)
        } else {
            Vec::new()
        };
        let unlinked = sockets().filter(|(_, socket)| socket.is_unlinked()).map(|(port, _)| port).collect();
        Event::Inspected { service: id, left, unlinked }
    }
}

/// The next connection, None where the one that was reported is gone.
fn connection(socket: &Socket, port: Port) -> Result<Option<OwnedFd>, Error> {
    match accept4(socket.as_fd().as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
        // SAFETY: accept4 has just opened it.
        Ok(connection) => Ok(Some(unsafe { OwnedFd::from_raw_fd(connection) })),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        // accept(2): errors that are the connection's own.
        Err(
            Errno::ECONNABORTED
            | Errno::ENETDOWN
            | Errno::EPROTO
            | Errno::ENOPROTOOPT
            | Errno::EHOSTDOWN
            | Errno::ENONET
            | Errno::EHOSTUNREACH
            | Errno::ENETUNREACH
            | Errno::EPERM,
        ) => Ok(None),
        Err(error) => Err(Error::Accept { descriptor: LISTEN_FDS_START + port.0 as RawFd, error }),
    }
}
