//! After each event: units are compared with what they were before, until nothing more comes of that.

use std::mem;

use super::event::UnitId;
use super::job::JobKind;
use super::socket::{self, Triggered};
use super::turn::Turn;
use super::unit::Machine;
use super::view::{ActiveState, Refusal};
use super::{Action, Engine, Form};
use crate::spec::Relation;

impl Engine {
    /// Has all come of what has happened that does: jobs end and others run, and what depends on a unit follows it.
    pub(super) fn settle(&mut self, turn: &mut Turn) {
        while !turn.ends() {
            for id in mem::take(&mut turn.triggered) {
                self.trigger(id, turn);
            }
            for id in mem::take(&mut turn.restarts) {
                self.start_again(id, turn);
            }
            for id in mem::take(&mut turn.given_up) {
                self.tell_sockets(id, Triggered::LimitHit, turn);
                self.limit_was_hit(id, turn);
            }
            for id in mem::take(&mut turn.touched) {
                self.compare(id, turn);
            }
            for id in mem::take(&mut self.ended_jobs) {
                self.job_has_ended(id, turn);
            }
            let mut quiet = turn.restarts.is_empty()
                && turn.triggered.is_empty()
                && turn.touched.is_empty()
                && self.ended_jobs.is_empty();
            if quiet && !turn.later.is_empty() {
                let (id, happening) = turn.later.remove(0);
                self.tell_service(id, happening, turn);
                quiet = false;
            }
            if quiet && !self.run_jobs(turn) {
                return;
            }
        }
    }

    /// What comes of a unit's being another than it was.
    pub(super) fn compare(&mut self, id: UnitId, turn: &mut Turn) {
        let Some(unit) = self.units.get_mut(&id) else { return };
        let Some(old) = unit.has_changed(turn.now) else { return };
        let new = unit.seen.0;
        let is_told = unit.job.as_ref().is_some_and(|job| job.kind.stops());
        let (was_over, is_over) = (old.is_inactive_or_failed(), new.is_inactive_or_failed());
        if !matches!(unit.machine, Machine::Target(_)) {
            self.alive = self.alive + usize::from(was_over && !is_over) - usize::from(!was_over && is_over);
        }
        let restarts = unit.seen.1 == "auto-restart" && !unit.restarts_directly();
        self.note_change(id, turn);
        let failed = match new {
            ActiveState::Failed if old != ActiveState::Failed => Some(true),
            ActiveState::Inactive if !was_over => Some(false),
            _ => None,
        };
        if let Some(failed) = failed {
            self.start_followers(id, failed, turn);
            self.has_ended(id, failed, turn);
        }
        if !is_told && !was_over && (is_over || new == ActiveState::Deactivating || restarts) {
            self.stop_bound(id, turn);
        }
        if is_over {
            self.stop_what_it_needed(id, turn);
            self.uphold(id, turn);
        } else {
            self.stop_unneeded(id, turn);
            self.stop_if_bound(id, turn);
            self.uphold_others(id, turn);
        }
        self.tell_of_service(id, turn);
        if is_over {
            self.forget_instance(id, new, turn);
        }
        if self.units.get(&id).is_some_and(|unit| unit.seen.1 == "exited") {
            self.disconnect(id, turn);
        }
    }

    pub(super) fn job_has_ended(&mut self, id: UnitId, turn: &mut Turn) {
        if self.units.contains_key(&id) {
            self.stop_what_it_needed(id, turn);
            self.follow(id, turn);
            if self.units[&id].active().is_active_or_reloading() {
                self.uphold_others(id, turn);
            }
            self.tell_of_service(id, turn);
            // A socket that was to be stopped, and is not, has heard nothing of its service meanwhile.
            if let Machine::Socket(socket) = &self.units[&id].machine {
                if let Some(service) = self.graph.find(&socket.spec.service) {
                    self.tell_of_service(service, turn);
                }
            }
            // One that was skipped has not changed.
            let unit = &self.units[&id];
            let active = unit.active();
            if active.is_inactive_or_failed() {
                for other in self.graph.relatives(unit, &[Relation::BindsTo]) {
                    self.stop_if_bound(other, turn);
                }
                self.forget_instance(id, active, turn);
            }
        }
    }

    /// Tells the sockets of a service what has become of it, unless a job goes on with it.
    pub(super) fn tell_of_service(&mut self, id: UnitId, turn: &mut Turn) {
        let Some(unit) = self.units.get(&id) else { return };
        if unit.job.is_some() || !matches!(unit.machine, Machine::Service(_)) {
            return;
        }
        match unit.seen.1 {
            "dead" | "failed" | "auto-restart" => self.tell_sockets(id, Triggered::Over, turn),
            // Who comes now has it started again as soon as that is done.
            "final-sigterm" | "final-sigkill" if matches!(self.form, Form::Units) => {
                self.tell_sockets(id, Triggered::Over, turn);
            }
            "running" => self.tell_sockets(id, Triggered::Runs, turn),
            _ => (),
        }
    }

    pub(super) fn tell_sockets(&mut self, service: UnitId, triggered: Triggered, turn: &mut Turn) {
        let Some(unit) = self.units.get(&service) else { return };
        for socket in self.triggers_of(unit) {
            // What is to be stopped listens no more.
            if !self.units[&socket].is_to_stop() {
                self.tell_socket(socket, socket::Happening::Service(triggered), turn);
            }
        }
    }

    /// Starts the service of a socket.
    pub(super) fn trigger(&mut self, id: UnitId, turn: &mut Turn) {
        let Some(unit) = self.units.get(&id) else { return };
        let Machine::Socket(socket) = &unit.machine else { return };
        // What is to be stopped starts nothing any more. It listens until then, as somebody may want it to go on.
        if unit.is_to_stop() {
            turn.actions.extend(socket.ports.iter().copied().map(Action::Flush));
            return self.tell_socket(id, socket::Happening::Service(Triggered::Over), turn);
        }
        let service = socket.spec.service.clone();
        let started = match self.graph.find(&service) {
            Some(service) if self.units[&service].is_up() || self.units[&service].job.is_some() => Ok(()),
            Some(service) => self.enqueue(service, JobKind::Start, None, turn),
            None => Err(Refusal::not_found(&service)),
        };
        if let Err(Refusal { why, .. }) = started {
            self.tell_socket(id, socket::Happening::NotTriggered(why), turn);
        }
    }
}
