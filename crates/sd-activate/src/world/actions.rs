//! Carrying out what the engine has answered.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{SockFlag, accept4};
use nix::unistd::{Pid, getpid};
use sdlite_core::listen::LISTEN_FDS_START;

use super::children::left_behind;
use super::instance::Peer;
use super::journal::Opened;
use super::poll::{Key, Tells};
use super::{Socket, Starter, Taker, World, terminal};
use crate::engine::{Action, Event, Port, ServiceId};
use crate::error::Error;
use crate::exec::Circumstances;
use crate::log::say;
use crate::spec::CommandId;

/// What carrying an action out comes to.
pub(super) enum Outcome {
    Nothing,
    Event(Event),
    Exit(u8),
}

impl World {
    pub(super) fn carry_out(&mut self, action: Action) -> Result<Outcome, Error> {
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
            Action::Execute { unit, command, variables, .. } => match self.execute(unit, command, variables) {
                Ok(pid) => Event::Executed(unit, pid),
                Err(error) => Event::NotExecuted(unit, error),
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
                match &mut self.journal {
                    Some(journal) => journal.say(&message),
                    None => say(message),
                }
                return Ok(Outcome::Nothing);
            }
            // Nobody asks yet.
            Action::Answer(..) => return Ok(Outcome::Nothing),
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

    fn execute(
        &mut self,
        id: ServiceId,
        command: CommandId,
        variables: Vec<(&'static str, String)>,
    ) -> Result<Pid, Error> {
        let phase = command.phase;
        let service = &mut self.services[id.0];
        let sockets = service.ports.iter().filter_map(|port| self.ports[port.0].0.as_ref()).map(AsFd::as_fd);
        match &mut service.starter {
            Starter::Plan(plan) => plan.start(sockets),
            Starter::Unit { plan, service } => {
                let command = &service.commands(command.phase)[command.index];
                let opened = self.journal.as_mut().map(|journal| journal.open_for(plan, command)).transpose();
                let opened = opened.map_err(Error::Fork)?;
                let told = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
                let circumstances = Circumstances {
                    phase,
                    variables: told.chain(opened.iter().flat_map(Opened::variable)).collect(),
                    journal: opened.as_ref().map(|opened| opened.writer.clone()),
                };
                let started = plan.lay_out(command, &circumstances).and_then(|mut plan| plan.start(sockets));
                if let (Some(journal), Some(opened)) = (&mut self.journal, opened) {
                    match started {
                        Ok(pid) => journal.set_pid(opened.number, pid),
                        Err(_) => journal.close(opened.number),
                    }
                }
                started
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
