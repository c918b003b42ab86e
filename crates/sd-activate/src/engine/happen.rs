//! What comes of each event: mostly, a unit is told of it.

use std::mem;

use super::event::{Event, Port, UnitId};
use super::service::Happening;
use super::socket;
use super::turn::{Taker, Timer, Turn};
use super::unit::Machine;
use super::view::Verb;
use super::{Action, Engine, Form};
use crate::error::Error;

impl Engine {
    pub(super) fn happen(&mut self, event: Event, turn: &mut Turn) {
        match event {
            Event::Begun => self.begin(turn),
            Event::Time => self.time_passes(turn),
            Event::Signal { signal, by_kernel } => self.signal(signal, by_kernel, turn),
            Event::Requested { request, verb, unit } => self.requested(request, verb, unit, turn),

            Event::Opened(id, ports) => {
                self.ports.extend(ports.iter().map(|port| (*port, id)));
                self.tell_socket(id, socket::Happening::Opened(ports), turn);
            }
            Event::NotOpened(id, error) => self.tell_socket(id, socket::Happening::NotOpened(error), turn),
            Event::Incoming(port) => self.incoming(port, turn),
            Event::HungUp(port) => {
                if let Some(name) = self.name_of(port) {
                    turn.say(format_args!("The socket at {name} was shut down (shutdown(2)): it is opened anew."));
                    turn.act(Action::Reopen(port));
                }
            }
            Event::Reopened(port) => turn.act(Action::Watch(port)),
            Event::NotReopened(port, error) => self.lose(port, error, turn),

            Event::Checked(id, unmet) => self.checked(id, unmet.as_ref(), turn),
            Event::Executed(id, pid) => {
                self.tell(id, Happening::Executed(pid), || socket::Happening::Executed(pid), turn);
            }
            Event::NotExecuted(id, error) => {
                if !self.hold(id, &error, turn) {
                    self.tell(
                        id,
                        Happening::NotExecuted(error.clone()),
                        || socket::Happening::NotExecuted(error),
                        turn,
                    );
                }
            }
            Event::Notified { sender, unit, notification, claim } => {
                self.tell_service(unit, Happening::Notified(sender, notification, claim), turn);
            }
            Event::Connected(pid) => {
                turn.owned.push((pid, Taker::Connection));
                self.connections.connected(pid);
            }
            Event::Accepted { port, source, instance } => self.accepted(port, source, instance, turn),
            Event::NotConnected(port, error) => self.connections.not_connected(port, error, turn),
            Event::Forgotten(id) => self.connections.forgotten(id),

            Event::Ended(pid, end) => match self.owners.remove(&pid) {
                Some(Taker::Service(id)) => {
                    self.tell(id, Happening::Ended(pid, end), || socket::Happening::Ended(pid, end), turn);
                }
                Some(Taker::Connection) => self.connections.ended(pid, end, turn),
                None => (),
            },
            Event::Suspended(pid, signal) => {
                if let Some(id) = self.owner(pid) {
                    self.tell_service(id, Happening::Suspended(pid, signal), turn);
                }
            }
            Event::Stored { unit, count, full } => {
                if let Some(Machine::Service(service)) = self.units.get_mut(&unit).map(|unit| &mut unit.machine) {
                    service.stored(count, full, turn);
                }
            }
            Event::PidFileRead(id, read) => self.tell_service(id, Happening::PidFileRead(read), turn),
            Event::Inspected { service, mut processes, unlinked } => {
                let its = Taker::Service(service);
                processes.retain(|process| self.owners.get(&process.pid).is_none_or(|owner| *owner == its));
                if self.service(service).is_some() {
                    self.tell_service(service, Happening::Found(processes), turn);
                } else {
                    self.tell_socket(service, socket::Happening::Found(processes), turn);
                }
                self.settle(turn);
                let runs = self.service(service).is_some_and(|service| service.runs());
                if !runs && !turn.ends() {
                    self.reopen(unlinked, turn);
                }
            }
        }
    }

    pub(super) fn begin(&mut self, turn: &mut Turn) {
        self.begun = true;
        if let Form::Command(_) = self.form {
            let ids: Vec<UnitId> = self.units.keys().copied().collect();
            for id in ids {
                if let Some(Machine::Socket(socket)) = self.units.get(&id).map(|unit| &unit.machine) {
                    let ports = socket.ports.clone();
                    self.tell_socket(id, socket::Happening::Opened(ports), turn);
                }
            }
        }
        let wanted = mem::take(&mut self.wanted);
        self.only = wanted.first().copied().filter(|_| wanted.len() == 1);
        for id in wanted {
            if let Err(reason) = self.ask(Verb::Start, id, None, turn) {
                let name = &self.units[&id].name;
                turn.say(format_args!("Failed to start {name}: {}", reason.why));
                turn.failed = true;
            }
        }
    }

    pub(super) fn time_passes(&mut self, turn: &mut Turn) {
        while let Some(due) = self.timers.first().copied().filter(|(at, _)| *at <= turn.now) {
            self.clear_timer(due.1);
            match due.1 {
                Timer::Rest(id) => self.tell_socket(id, socket::Happening::RestOver, turn),
                Timer::Service(id) => self.tell(id, Happening::TimeUp, || socket::Happening::TimeUp, turn),
                Timer::Watchdog(id) => self.tell_service(id, Happening::WatchdogDue, turn),
                Timer::PidFile(id) => self.tell_service(id, Happening::PidFileDue, turn),
                Timer::Job(id) => self.job_takes_too_long(id, turn),
                Timer::Follow(id) => self.follow(id, turn),
                Timer::Shortage => self.shortage_is_over(turn),
            }
        }
    }

    /// Tells a unit, whatever it is.
    pub(super) fn tell(
        &mut self,
        id: UnitId,
        happening: Happening,
        of_socket: impl FnOnce() -> socket::Happening,
        turn: &mut Turn,
    ) {
        let Some(unit) = self.units.get_mut(&id) else { return };
        match &mut unit.machine {
            Machine::Service(service) => service.step(happening, turn),
            Machine::Socket(socket) => {
                let happening = of_socket();
                socket.step(happening, turn);
            }
            Machine::Target(_) => (),
        }
        turn.touched.push(id);
    }

    pub(super) fn tell_service(&mut self, id: UnitId, happening: Happening, turn: &mut Turn) {
        if let Some(Machine::Service(service)) = self.units.get_mut(&id).map(|unit| &mut unit.machine) {
            service.step(happening, turn);
            turn.touched.push(id);
        }
    }

    pub(super) fn tell_socket(&mut self, id: UnitId, happening: socket::Happening, turn: &mut Turn) {
        if let Some(Machine::Socket(socket)) = self.units.get_mut(&id).map(|unit| &mut unit.machine) {
            socket.step(happening, turn);
            turn.touched.push(id);
        }
    }

    /// What messages call a port.
    pub(super) fn name_of(&self, port: Port) -> Option<String> {
        let socket = self.ports.get(&port)?;
        Some(match self.form {
            Form::Command(_) => port.to_string(),
            Form::Units => self.units.get(socket)?.name.to_string(),
        })
    }

    /// Makes files anew that are gone.
    pub(super) fn reopen(&self, unlinked: Vec<Port>, turn: &mut Turn) {
        for port in unlinked {
            if let Some(name) = self.name_of(port) {
                turn.say(format_args!("The file of the socket at {name} is gone: it is made anew."));
                turn.act(Action::Reopen(port));
            }
        }
    }

    /// Gives a port up.
    pub(super) fn lose(&mut self, port: Port, error: Error, turn: &mut Turn) {
        let Some(socket) = self.ports.remove(&port) else { return };
        if let Form::Command(_) = self.form {
            if self.ports.is_empty() {
                return turn.act(Action::Fail(error));
            }
        }
        turn.say(error);
        self.tell_socket(socket, socket::Happening::Lost(port), turn);
    }
}
