//! Carrying out what the engine has answered.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{SockFlag, accept4};
use nix::unistd::{Pid, getpid};
use sdlite_core::listen::LISTEN_FDS_START;

use super::instance::Peer;
use super::poll::{Key, Tells};
use super::sockets::set_on_connection;
use super::units::Connection;
use super::{Socket, World, pid_file, terminal};
use crate::conditions;
use crate::engine::{Action, Engine, Event, Port, UnitId};
use crate::error::Error;
use crate::reserve;
use crate::spec::{CommandId, Kind};

/// What carrying an action out comes to.
pub(super) enum Outcome {
    Nothing,
    Event(Event),
    Exit(u8),
}

impl World {
    pub(super) fn carry_out(&mut self, engine: &Engine, action: Action) -> Result<Outcome, Error> {
        let event = match action {
            Action::Watch(port) => {
                self.watch(port, if accepts(engine, port) { Tells::Always } else { Tells::Once })?;
                return Ok(Outcome::Nothing);
            }
            Action::Ignore(port) => {
                self.watch(port, Tells::Never)?;
                return Ok(Outcome::Nothing);
            }
            Action::Open(id) => self.open(engine, id),
            Action::Reopen(port) => match self.reopen(engine, port) {
                Ok(()) => Event::Reopened(port),
                Err(error) => Event::NotReopened(port, error),
            },
            Action::Close(port) => {
                let passed = self.close(port).filter(|socket| socket.opened_for().is_none());
                if let Some(units) = &mut self.units {
                    units.given_back.extend(passed);
                }
                return Ok(Outcome::Nothing);
            }
            Action::Flush(port) => {
                self.ports.get(&port).map(Socket::flush);
                return Ok(Outcome::Nothing);
            }
            Action::Check(id) => Event::Checked(id, engine.spec(id).and_then(|unit| conditions::unmet(unit)).cloned()),
            Action::Execute { unit, command, invocation, variables } => {
                match self.execute(engine, unit, command, invocation, variables) {
                    Ok(pid) => Event::Executed(unit, pid),
                    Err(error) => Event::NotExecuted(unit, error),
                }
            }
            Action::Accept(port) => match self.accept(engine, port) {
                Ok(None) => return Ok(Outcome::Nothing),
                Ok(Some(event)) => event,
                Err(error) => Event::NotConnected(port, error),
            },
            Action::Refuse(port) => {
                let _ = self.ports.get(&port).map(|socket| connection(socket, port));
                return Ok(Outcome::Nothing);
            }
            Action::Give(id) => {
                if let (Some(units), Some(held)) = (&mut self.units, self.held.take()) {
                    units.connections.insert(id, held);
                }
                return Ok(Outcome::Nothing);
            }
            Action::Hold(id) => {
                self.held = self.units.as_mut().and_then(|units| units.connections.remove(&id));
                return Ok(Outcome::Nothing);
            }
            Action::HangUp => {
                self.held = None;
                return Ok(Outcome::Nothing);
            }
            Action::Disconnect(id) => {
                self.units.as_mut().map(|units| units.connections.remove(&id));
                return Ok(Outcome::Nothing);
            }
            Action::Forget(id) => {
                self.forget(id);
                Event::Forgotten(id)
            }
            Action::Kill(pid, signal) => {
                // It can only fail where the process has ended; then SIGCHLD says so.
                // SAFETY: takes numbers. nix has no real-time signals.
                unsafe { libc::kill(pid.as_raw(), signal.number()) };
                return Ok(Outcome::Nothing);
            }
            Action::KillAll(id, executed) => {
                self.kill_all(engine, id, &executed);
                return Ok(Outcome::Nothing);
            }
            Action::Inspect(id, executed) => self.inspect(engine, id, &executed),
            Action::Store { unit, name, polled, max } => {
                self.store.add(unit, &mut self.offered, name, polled.then_some(&self.poll), max)
            }
            Action::Unstore { unit, name } => self.store.remove(unit, Some(&name), &self.poll),
            Action::DiscardStore(id) => self.store.remove(id, None, &self.poll),
            Action::ReadPidFile(id) => Event::PidFileRead(id, pid_file::read(engine, id)),
            Action::CleanUp { unit, restarts } => {
                let plan = engine.spec(unit).and_then(|spec| self.unit_plan(engine, unit, spec));
                if let Some(plan) = plan {
                    plan.clean_up(restarts);
                    self.remove_ipc(engine, unit, &plan);
                }
                if let Some(name) = engine.name(unit) {
                    self.remove_group(name);
                }
                return Ok(Outcome::Nothing);
            }
            Action::Say(message) => {
                self.say(&message);
                return Ok(Outcome::Nothing);
            }
            Action::Log { unit, level, message } => {
                self.log(engine, unit, level, &message);
                return Ok(Outcome::Nothing);
            }
            Action::Answer(request, answer) => {
                self.answer(request, answer);
                return Ok(Outcome::Nothing);
            }
            Action::Suspend => {
                let _ = kill(getpid(), Signal::SIGSTOP);
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

    pub(super) fn watch(&mut self, port: Port, tells: Tells) -> Result<(), Error> {
        let Some(socket) = self.ports.get(&port) else { return Ok(()) };
        match tells {
            Tells::Never => self.watched.remove(&port),
            tells => self.watched.insert(port, tells),
        };
        self.poll.watch(Key::Port(port), socket, tells).map_err(Error::Wait)
    }

    fn close(&mut self, port: Port) -> Option<Socket> {
        let socket = self.ports.remove(&port)?;
        self.watched.remove(&port);
        let _ = self.poll.remove(&socket);
        Some(socket)
    }

    fn reopen(&mut self, engine: &Engine, port: Port) -> Result<(), Error> {
        let descriptor = LISTEN_FDS_START + port.0 as RawFd;
        let lost = || Error::ShutDown { descriptor };
        // Closed before: otherwise, its address would be in use.
        let listen = self.close(port).and_then(|socket| socket.opened_for().cloned()).ok_or_else(lost)?;
        let unit = engine.socket(port).and_then(|id| engine.spec(id)).ok_or_else(lost)?;
        let Kind::Socket(spec) = &unit.kind else { return Err(lost()) };
        let socket = Socket::open(&listen, spec)?;
        socket.prepare(port, spec.accept)?;
        self.wait_for(port, &socket)?;
        self.ports.insert(port, socket);
        Ok(())
    }

    fn execute(
        &mut self,
        engine: &Engine,
        id: UnitId,
        command: CommandId,
        invocation: u64,
        variables: Vec<(&'static str, String)>,
    ) -> Result<Pid, Error> {
        let sockets = engine.passed(id);
        let pid = match &mut self.command {
            Some(plan) => {
                let sockets = sockets.iter().filter_map(|port| self.ports.get(port));
                self.launcher.start(plan, sockets.map(AsFd::as_fd))
            }
            None => self.execute_unit(engine, id, command, invocation, variables),
        }?;
        self.has_children = true;
        Ok(pid)
    }

    /// Accepts the next connection, and starts the command for it, or finds out what its service is. None where it has gone again.
    fn accept(&mut self, engine: &Engine, port: Port) -> Result<Option<Event>, Error> {
        if reserve::is_used() {
            return Err(Error::Accept { descriptor: LISTEN_FDS_START + port.0 as RawFd, error: Errno::ENOMEM });
        }
        // Where the port is closed by now, a connection that was held is so, too: it is not another socket's.
        let held = self.held.take();
        let (Some(socket), Some(id)) = (self.ports.get(&port), engine.socket(port)) else { return Ok(None) };
        let held = match held {
            Some(held) => held,
            None => match connection(socket, port)? {
                Some(descriptor) => Connection { peer: Peer::of(&descriptor, self.units.is_some()), descriptor },
                None => return Ok(None),
            },
        };
        if let Some(plan) = &mut self.command {
            let started = self.launcher.start(plan, [held.descriptor.as_fd()]);
            if started.as_ref().is_err_and(Error::is_shortage) {
                self.held = Some(held);
            }
            return Ok(Some(Event::Connected(started?)));
        }
        let (Some(units), Some(unit)) = (&mut self.units, engine.spec(id)) else { return Ok(None) };
        let Kind::Socket(spec) = &unit.kind else { return Ok(None) };
        let instance = units.instance(&spec.service, engine.count_accepted(id), &held.peer)?;
        set_on_connection(&held.descriptor, spec);
        let source = held.peer.source.clone();
        self.held = Some(held);
        Ok(Some(Event::Accepted { port, source, instance }))
    }
}

/// Whether connections are accepted at a port.
fn accepts(engine: &Engine, port: Port) -> bool {
    let unit = engine.socket(port).and_then(|id| engine.spec(id));
    unit.is_some_and(|unit| matches!(&unit.kind, Kind::Socket(socket) if socket.accept))
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
