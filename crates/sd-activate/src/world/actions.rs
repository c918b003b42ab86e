//! Carrying out what the engine has answered.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{SockFlag, accept4};
use nix::unistd::{Pid, getpid};
use sdlite_core::id128;
use sdlite_core::listen::LISTEN_FDS_START;

use super::children::{Traits, processes_of};
use super::instance::Peer;
use super::journal::{Opened, Unit};
use super::poll::{Key, Tells};
use super::{Socket, Starter, Taker, World, terminal};
use crate::engine::{Action, Event, Port, ServiceId};
use crate::error::Error;
use crate::exec::Circumstances;
use crate::log::say;
use crate::spec::{CommandId, NotifyAccess, Phase, ServiceSpec};

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
            Action::Execute { unit, command, invocation, variables } => {
                match self.execute(unit, command, invocation, variables) {
                    Ok(pid) => Event::Executed(unit, pid),
                    Err(error) => Event::NotExecuted(unit, error),
                }
            }
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
            Action::Inspect(id, executed) => self.inspect(id, &executed),
            Action::Remove(path) => {
                let _ = std::fs::remove_file(path);
                return Ok(Outcome::Nothing);
            }
            Action::Say(message) => {
                match &mut self.journal {
                    Some(journal) => journal.say(&message),
                    None => say(message),
                }
                return Ok(Outcome::Nothing);
            }
            Action::Log { unit, level, message } => {
                let service = &self.services[unit.0];
                match (&mut self.journal, &service.starter) {
                    (Some(journal), Starter::Unit { plan, .. }) => {
                        let invocation = service.invocation.as_ref().map(|(_, id)| id.as_str());
                        journal.say_of(
                            &Unit::new(plan.unit.name.as_str(), invocation, &plan.exec().log),
                            level,
                            &message,
                        );
                    }
                    _ => say(message),
                }
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
        invocation: u64,
        variables: Vec<(&'static str, String)>,
    ) -> Result<Pid, Error> {
        let phase = command.phase;
        let service = &mut self.services[id.0];
        let sockets = service.ports.iter().filter_map(|port| self.ports[port.0].0.as_ref()).map(AsFd::as_fd);
        let pid = match &mut service.starter {
            Starter::Plan(plan) => plan.start(sockets)?,
            Starter::Unit { plan, service: spec } => {
                if service.invocation.as_ref().is_none_or(|(number, _)| *number != invocation) {
                    service.invocation = Some((invocation, new_invocation_id()?));
                }
                let id = service.invocation.as_ref().map(|(_, id)| id.as_str());
                let command = &spec.commands(phase)[command.index];
                let opened = self.journal.as_mut().map(|journal| journal.open_for(plan, command, id)).transpose();
                let opened = opened.map_err(Error::Fork)?;
                let notify = self.notifications.as_ref().filter(|_| is_heard(spec, phase));
                let notify = notify.map(|notifications| ("NOTIFY_SOCKET".into(), notifications.address().clone()));
                let id = id.map(|id| ("INVOCATION_ID".into(), id.into()));
                let told = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
                let told = told.chain(notify).chain(id).chain(opened.iter().flat_map(Opened::variable));
                let circumstances = Circumstances {
                    phase,
                    variables: told.collect(),
                    journal: opened.as_ref().map(|opened| opened.writer.clone()),
                };
                let started = plan.lay_out(command, &circumstances).and_then(|mut plan| plan.start(sockets));
                if let (Some(journal), Some(opened)) = (&mut self.journal, opened) {
                    match started {
                        Ok(pid) => journal.set_pid(opened.number, pid),
                        Err(_) => journal.close(opened.number),
                    }
                }
                started?
            }
        };
        self.has_children = true;
        Ok(pid)
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

    fn inspect(&self, id: ServiceId, executed: &[Pid]) -> Event {
        let service = &self.services[id.0];
        let sockets = || service.ports.iter().filter_map(|port| Some((*port, self.ports[port.0].0.as_ref()?)));
        let processes = if self.has_children {
            let invocation = service.invocation.as_ref().map(|(_, invocation)| invocation.as_str());
            let sockets = sockets().filter_map(|(_, socket)| socket.name_in_proc()).collect();
            processes_of(&Traits { executed, sockets, invocation })
        } else {
            Vec::new()
        };
        let unlinked = sockets().filter(|(_, socket)| socket.is_unlinked()).map(|(port, _)| port).collect();
        Event::Inspected { service: id, processes, unlinked }
    }
}

fn new_invocation_id() -> Result<String, Error> {
    let id = id128::randomize().map_err(|error| Error::Fork(Errno::from_raw(error.number())))?;
    Ok(String::from_utf8_lossy(&id128::to_string(&id)).into_owned())
}

/// Whether a command is told where to notify: the main process wherever anybody is heard, the others where they are.
fn is_heard(service: &ServiceSpec, phase: Phase) -> bool {
    match service.notify_access {
        NotifyAccess::None => false,
        NotifyAccess::Main => phase == Phase::Start,
        NotifyAccess::Exec | NotifyAccess::All => true,
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
