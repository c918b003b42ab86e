//! Accept=yes: a service for each connection. That of a unit is a unit of its own; with the command line's form, it is a process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::event::{End, Instance, Port, UnitId};
use super::job::JobKind;
use super::socket;
use super::turn::{Timer, Turn};
use super::unit::{Machine, Unit};
use super::view::{ActiveState, Answer, JobResult, Refusal};
use super::{Action, Engine, Form, Subject};
use crate::error::Error;
use crate::saved;
use crate::spec::{Signal, UnitSpec};

/// How long to wait where descriptors, memory or processes have run out.
const PAUSE: Duration = Duration::from_millis(100);
/// How long not to say so again.
const SILENCE: Duration = Duration::from_secs(10);
/// How many instances that have failed are kept, so that it can be seen why.
const KEPT: usize = 100;

/// What connections wait for, and the processes of the command line's form.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Connections {
    /// The command, with the command line's form.
    subject: Option<Subject>,
    #[serde(with = "saved")]
    running: BTreeSet<Pid>,
    /// Whether a service ran before.
    ran: bool,
    /// The ports to go on with when a shortage is over, while there is one. The first has a connection that was accepted.
    waiting: Option<Vec<Port>>,
    /// When the user was told of a shortage.
    #[serde(with = "saved")]
    told: Option<Instant>,
    /// The instances that are kept though their connections are over: they have failed, or stay active with RemainAfterExit=.
    kept: BTreeSet<UnitId>,
    /// The instances that are no units any more, until what their end has come to is done.
    #[serde(with = "saved")]
    leaving: BTreeMap<UnitId, Arc<UnitSpec>>,
}

impl Connections {
    /// Those of a command.
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject: Some(subject), ..Self::default() }
    }

    /// How much is known of them.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.running.len() + self.kept.len() + self.leaving.len()
    }

    pub(super) fn runs(&self) -> bool {
        !self.running.is_empty()
    }

    /// What a unit was, as long as there is something to be done for it.
    pub(super) fn leaving(&self, id: UnitId) -> Option<&Arc<UnitSpec>> {
        self.leaving.get(&id)
    }

    pub(super) fn forgotten(&mut self, id: UnitId) {
        self.leaving.remove(&id);
    }

    /// Has a port wait, where there is a shortage.
    fn waits(&mut self, port: Port) -> bool {
        self.waiting.as_mut().map(|waiting| waiting.push(port)).is_some()
    }

    pub(super) fn connected(&mut self, pid: Pid) {
        self.ran = true;
        self.running.insert(pid);
    }

    pub(super) fn not_connected(&mut self, port: Port, error: Error, turn: &mut Turn) {
        match &error {
            error if error.is_shortage() => (),
            // The socket's own error, and not the connection's.
            Error::Accept { .. } => {
                turn.say(error);
                return turn.act(Action::Reopen(port));
            }
            _ if self.ran || matches!(turn.form, Form::Units) => return turn.say(error),
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

    pub(super) fn ended(&mut self, pid: Pid, end: End, turn: &mut Turn) {
        self.running.remove(&pid);
        // A line for every connection would cost as much as the connection.
        if end != End::Exited(0) {
            turn.say(format_args!("Child {pid} {end}"));
        }
        let hint =
            self.subject.as_mut().and_then(|subject| subject.hint.take_if(|(status, _)| end == End::Exited(*status)));
        turn.say_any(hint.map(|(_, hint)| hint));
    }

    /// Sends all of them a signal.
    pub(super) fn pass_on(&self, signal: Signal, turn: &mut Turn) {
        turn.actions.extend(self.running.iter().map(|pid| Action::Kill(*pid, signal)));
    }
}

impl Engine {
    /// Somebody has come to a port.
    pub(super) fn incoming(&mut self, port: Port, turn: &mut Turn) {
        let Some(id) = self.ports.get(&port).copied() else { return };
        let Some(Machine::Socket(socket)) = self.units.get(&id).map(|unit| &unit.machine) else { return };
        if socket.spec.accept && self.connections.waits(port) {
            return turn.act(Action::Ignore(port));
        }
        self.tell_socket(id, socket::Happening::Incoming(port), turn);
    }

    /// There may be room again.
    pub(super) fn shortage_is_over(&mut self, turn: &mut Turn) {
        let waiting = self.connections.waiting.take().unwrap_or_default();
        if let Some(first) = waiting.first() {
            turn.act(if self.ports.contains_key(first) { Action::Accept(*first) } else { Action::HangUp });
        }
        let listens = |port: &Port| self.ports.get(port).is_some_and(|id| self.units[id].sub_state() == "listening");
        turn.actions.extend(waiting.into_iter().filter(listens).map(Action::Watch));
    }

    /// A connection was accepted: its service is added, and started.
    pub(super) fn accepted(&mut self, port: Port, source: String, instance: Instance, turn: &mut Turn) {
        let Some(id) = self.ports.get(&port).copied() else { return turn.act(Action::HangUp) };
        // What is to be stopped starts nothing any more.
        let Some(unit) = self.units.get_mut(&id).filter(|unit| !unit.is_to_stop()) else {
            return turn.act(Action::HangUp);
        };
        let Machine::Socket(socket) = &mut unit.machine else { return turn.act(Action::HangUp) };
        if !socket.accept(&source, turn) {
            return turn.act(Action::HangUp);
        }
        let service = self.add_instance(instance, (id, source));
        turn.act(Action::Give(service));
        if let Err(Refusal { why, .. }) = self.enqueue(service, JobKind::Start, None, turn) {
            let name = &self.units[&id].name;
            turn.say(format_args!("{name}: Failed to queue service startup job: {why}"));
            self.forget_instance(service, ActiveState::Inactive, turn);
        }
    }

    /// Has the connection of a service wait that could not be started, where there was no room for it.
    pub(super) fn hold(&mut self, id: UnitId, error: &Error, turn: &mut Turn) -> bool {
        let has_run = self.service(id).is_some_and(|service| service.ran);
        let Some((socket, _)) = self.units.get(&id).and_then(|unit| unit.connection.as_ref()) else { return false };
        let Some(port) = self.ports.iter().find(|(_, of)| *of == socket).map(|(port, _)| *port) else { return false };
        // One connection is held at most: it would take the place of another, or go to the service of another socket.
        if has_run || !error.is_shortage() || self.connections.waiting.is_some() {
            return false;
        }
        turn.act(Action::Hold(id));
        if let Some(job) = self.units.get_mut(&id).and_then(|unit| unit.job.take()) {
            self.jobs -= 1;
            self.waiting.remove(&job.id);
            let answer = |request| Action::Answer(request, Answer::Ended(JobResult::Canceled));
            turn.actions.extend(job.requests.into_iter().map(answer));
        }
        self.alive -= usize::from(!self.units[&id].seen.0.is_inactive_or_failed());
        let needed = self.needed_by(id);
        self.remove(id, turn);
        for other in needed {
            self.stop_unneeded(other, turn);
        }
        self.connections.not_connected(port, error.clone(), turn);
        true
    }

    /// Forgets a service whose connection is over; it is kept where it has failed. One that is started again goes on with the same
    /// connection.
    pub(super) fn forget_instance(&mut self, id: UnitId, active: ActiveState, turn: &mut Turn) {
        let Some(unit) = self.units.get(&id).filter(|_| !turn.restarts(id)) else { return };
        if unit.connection.is_none() {
            // One that had failed and was started again by hand, or that has stayed active.
            if active == ActiveState::Inactive && self.is_at_rest(id) && self.connections.kept.remove(&id) {
                self.leave(id, turn);
            }
            return;
        }
        let is_kept = active == ActiveState::Failed && !unit.spec.collect_failed;
        if !is_kept && unit.job.is_some() {
            return;
        }
        // Before all else that there is to do: whoever has connected waits for it.
        turn.actions.insert(0, Action::Disconnect(id));
        if is_kept {
            let oldest = self.connections.kept.iter().copied().find(|id| self.is_at_rest(*id));
            if let Some(oldest) = oldest.filter(|_| self.connections.kept.len() >= KEPT) {
                self.forget_kept(oldest);
            }
            self.keep(id);
            turn.act(Action::Forget(id));
        } else {
            self.remove(id, turn);
        }
    }

    /// Closes the connection of a service that stays active though its processes have ended, as RemainAfterExit= says.
    pub(super) fn disconnect(&mut self, id: UnitId, turn: &mut Turn) {
        if self.units.get(&id).is_some_and(|unit| unit.connection.is_some()) {
            self.keep(id);
            turn.actions.insert(0, Action::Disconnect(id));
        }
    }

    /// Keeps an instance whose connection is over.
    fn keep(&mut self, id: UnitId) {
        self.release(id);
        self.connections.kept.insert(id);
    }

    /// Forgets an instance that is kept though its connection is over, unless it was started again; whether it is one.
    pub(super) fn forget_kept(&mut self, id: UnitId) -> bool {
        let kept = self.is_at_rest(id) && self.connections.kept.remove(&id);
        if kept {
            self.discard(id);
        }
        kept
    }

    /// Whether a unit is over, and no job is to change that.
    fn is_at_rest(&self, id: UnitId) -> bool {
        self.units.contains_key(&id) && !self.goes_on(id)
    }

    fn remove(&mut self, id: UnitId, turn: &mut Turn) {
        self.release(id);
        self.leave(id, turn);
    }

    /// Forgets an instance when what its end has come to is done.
    fn leave(&mut self, id: UnitId, turn: &mut Turn) {
        turn.act(Action::Forget(id));
        if let Some(unit) = self.discard(id) {
            self.connections.leaving.insert(id, unit.spec);
        }
    }

    /// An instance has no connection any more, and its socket counts one less.
    fn release(&mut self, id: UnitId) {
        let Some((socket, source)) = self.units.get_mut(&id).and_then(|unit| unit.connection.take()) else { return };
        if let Some(Machine::Socket(socket)) = self.units.get_mut(&socket).map(|unit| &mut unit.machine) {
            socket.release(&source);
        }
    }

    fn discard(&mut self, id: UnitId) -> Option<Unit> {
        let unit = self.units.remove(&id)?;
        self.graph.remove(id, &unit);
        Timer::of(id).into_iter().for_each(|timer| self.clear_timer(timer));
        Some(unit)
    }
}
