//! Where things happen: what is waited for comes in as [events](Event), and the [actions](Action) that the engine answers
//! with are carried out. One thread, and one epoll(7).

mod children;
mod holder;
mod notify;
mod poll;
mod signals;
mod sockets;
mod terminal;

use std::collections::VecDeque;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::signal::kill;
use nix::sys::socket::{SockFlag, accept4, getsockopt, sockopt};
use sdlite_core::listen::LISTEN_FDS_START;

pub use children::adopt_orphans;
pub use signals::{Inherited, Signals};
pub use sockets::{Socket, passed};

use children::{Reaped, holding, reap};
use poll::{Poll, Ready, Tells};
use signals::Received;

use crate::engine::{Action, Engine, Event, Port, ServiceId};
use crate::error::Error;
use crate::exec::Plan;
use crate::log::say;
use crate::spec::SocketSpec;

/// A socket unit, what is open for it, and how its service is started.
pub struct Unit {
    /// What it is.
    pub spec: SocketSpec,
    /// Its sockets.
    pub sockets: Vec<Socket>,
    /// How its service is started.
    pub plan: Plan,
}

/// Everything that is open.
pub struct World {
    poll: Poll,
    signals: Signals,
    services: Vec<Service>,
    /// By their numbers. None where one was closed.
    ports: Vec<(Option<Socket>, ServiceId)>,
    /// A connection that was accepted, but no service could be started for it.
    held: Option<OwnedFd>,
    /// Whether children run, those that services have left behind included.
    has_children: bool,
}

struct Service {
    spec: SocketSpec,
    plan: Plan,
    ports: Range<usize>,
}

/// What carrying an action out comes to.
enum Outcome {
    Nothing,
    Event(Event),
    Exit(u8),
}

impl World {
    /// Everything is open, but nothing is waited for.
    pub fn new(signals: Signals) -> Result<Self, Error> {
        let poll = Poll::new(&signals).map_err(Error::Wait)?;
        Ok(Self { poll, signals, services: Vec::new(), ports: Vec::new(), held: None, has_children: false })
    }

    /// Adds a unit. Its sockets and its service have the numbers that [`Engine::add`] gives them.
    pub fn add(&mut self, unit: Unit) -> Result<(), Error> {
        let id = ServiceId(self.services.len());
        let first = self.ports.len();
        for socket in unit.sockets {
            let port = Port(self.ports.len());
            self.wait_for(port, &socket)?;
            self.ports.push((Some(socket), id));
        }
        self.services.push(Service { spec: unit.spec, plan: unit.plan, ports: first..self.ports.len() });
        Ok(())
    }

    fn wait_for(&self, port: Port, socket: &Socket) -> Result<(), Error> {
        let descriptor = LISTEN_FDS_START + port.0 as RawFd;
        self.poll.add(port, socket).map_err(|error| match error {
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
                    return Ok(status);
                }
            }
            let ready = self.poll.wait(now, engine.deadline())?;
            now = Instant::now();
            if engine.deadline().is_some_and(|deadline| deadline <= now) {
                events.push_back(Event::Time);
            }
            // Signals before ports: what a signal ends is not started once more.
            for ready in ready {
                match ready {
                    Ready::Signal => self.receive(&mut events),
                    Ready::Port(port, flags) => events.extend(self.tell(port, flags)),
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
                    Reaped::Stopped(pid, signal) => events.push_back(Event::Stopped(pid, signal)),
                    rest => break self.has_children = rest == Reaped::AllRun,
                }
            },
        }
    }

    /// What is to be told of a port that has something to tell.
    fn tell(&self, port: Port, flags: EpollFlags) -> Option<Event> {
        let (socket, _) = &self.ports[port.0];
        let is_socket = || getsockopt(socket.as_ref()?, sockopt::SockType).ok();
        if flags.contains(EpollFlags::EPOLLHUP) && (!flags.contains(EpollFlags::EPOLLIN) || is_socket().is_some()) {
            return Some(Event::HungUp(port));
        }
        Some(Event::Incoming(port))
    }

    fn carry_out(&mut self, action: Action) -> Result<Outcome, Error> {
        let event = match action {
            Action::Watch(port) => {
                let always = self.services[self.ports[port.0].1.0].spec.accept;
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
            Action::Start(id) => match self.start(id) {
                Ok(pid) => Event::Started(id, pid),
                Err(error) => Event::NotStarted(id, error),
            },
            Action::Accept(port) => match self.accept(port) {
                Ok(None) => return Ok(Outcome::Nothing),
                Ok(Some(pid)) => Event::Connected(port, pid),
                Err(error) => Event::NotConnected(port, error),
            },
            Action::Kill(pid, signal) => {
                // It can only fail where the process has ended; then SIGCHLD says so.
                // SAFETY: takes numbers. nix has no real-time signals.
                unsafe { libc::kill(pid.as_raw(), signal.number()) };
                return Ok(Outcome::Nothing);
            }
            Action::Inspect(id) => self.inspect(id),
            Action::Say(message) => {
                say(message);
                return Ok(Outcome::Nothing);
            }
            Action::Suspend => {
                let _ = kill(nix::unistd::getpid(), nix::sys::signal::Signal::SIGSTOP);
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
            Some(socket) => self.poll.watch(port, socket, tells).map_err(Error::Wait),
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
        let spec = &self.services[self.ports[port.0].1.0].spec;
        let socket = Socket::open(&listen, spec)?;
        socket.prepare(port, spec.accept)?;
        self.wait_for(port, &socket)?;
        self.ports[port.0].0 = Some(socket);
        Ok(())
    }

    fn start(&mut self, id: ServiceId) -> Result<nix::unistd::Pid, Error> {
        let service = &mut self.services[id.0];
        let sockets = self.ports[service.ports.clone()].iter().filter_map(|(socket, _)| socket.as_ref());
        service.plan.start(sockets.map(AsFd::as_fd))
    }

    /// Starts a service for the next connection. None where that has gone again.
    fn accept(&mut self, port: Port) -> Result<Option<nix::unistd::Pid>, Error> {
        let (socket, id) = &self.ports[port.0];
        let Some(socket) = socket else { return Ok(None) };
        let connection = match self.held.take() {
            Some(held) => Some(held),
            None => connection(socket, port)?,
        };
        let Some(connection) = connection else { return Ok(None) };
        let started = self.services[id.0].plan.start([connection.as_fd()]);
        if started.as_ref().is_err_and(Error::is_shortage) {
            self.held = Some(connection);
        }
        started.map(Some)
    }

    fn inspect(&self, id: ServiceId) -> Event {
        let ports = self.services[id.0].ports.clone();
        let sockets = || ports.clone().filter_map(|index| Some((Port(index), self.ports[index].0.as_ref()?)));
        let left = if self.has_children {
            holding(&sockets().filter_map(|(_, socket)| socket.name_in_proc()).collect::<Vec<_>>())
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
