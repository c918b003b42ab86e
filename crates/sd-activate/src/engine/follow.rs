//! What becomes of units because of what becomes of others: BindsTo= and StopWhenUnneeded=.

use std::collections::BTreeSet;

use super::Engine;
use super::event::UnitId;
use super::graph::related;
use super::job::JobKind;
use super::service::Happening;
use super::turn::{Level, Turn};
use super::unit::Machine;
use super::view::{ActiveState, JobResult};
use crate::saved::Word;
use crate::spec::{Relation, UnitName};

/// What a unit needs others by.
const NEEDS: [Relation; 3] = [Relation::Requires, Relation::Wants, Relation::BindsTo];

impl Engine {
    /// A unit has gone, or goes, without having been told to: what is bound to it goes with it.
    pub(super) fn stop_bound(&mut self, id: UnitId, turn: &mut Turn) {
        let unit = &self.units[&id];
        if unit.job.as_ref().is_some_and(|job| job.kind.stops()) {
            return;
        }
        for other in self.relatives(unit, Relation::BindsTo) {
            if self.units[&other].is_up() {
                let _ = self.enqueue(other, JobKind::Stop, None, turn);
            }
        }
    }

    /// Stops a unit with StopWhenUnneeded= that nobody needs.
    pub(super) fn stop_unneeded(&mut self, id: UnitId, turn: &mut Turn) {
        let unit = &self.units[&id];
        let wants = |id: &UnitId| {
            let other = &self.units[id];
            other.is_up() || other.job.as_ref().is_some_and(|job| job.kind.starts())
        };
        let is_idle = unit.active().is_active_or_reloading() && unit.job.is_none();
        if !unit.spec.stop_when_unneeded || !is_idle {
            return;
        }
        if NEEDS.iter().flat_map(|relation| self.relatives(unit, *relation)).any(|other| wants(&other)) {
            return;
        }
        let _ = self.enqueue(id, JobKind::Stop, None, turn);
    }

    /// Those that a unit has needed may not be needed any more.
    pub(super) fn stop_what_it_needed(&mut self, id: UnitId, turn: &mut Turn) {
        let unit = &self.units[&id];
        let names = NEEDS.iter().flat_map(|relation| related(&unit.spec, *relation));
        for other in names.filter_map(|name| self.graph.find(name)).collect::<Vec<_>>() {
            self.stop_unneeded(other, turn);
        }
    }

    /// Restart= starts a service again.
    pub(super) fn start_again(&mut self, id: UnitId, turn: &mut Turn) {
        if let Err(reason) = self.enqueue(id, JobKind::Restart, None, turn) {
            let name = &self.units[&id].name;
            turn.log(id, Level::Warning, format_args!("{name}: Failed to schedule restart job: {reason}"));
            self.tell_service(id, Happening::Stop { restart: false }, turn);
        }
    }

    /// A unit is over, and Restart= does not start it again: OnFailure= or OnSuccess=.
    pub(super) fn start_followers(&mut self, id: UnitId, old: ActiveState, was_restarting: bool, turn: &mut Turn) {
        let unit = &self.units[&id];
        let relation = match unit.seen.0 {
            ActiveState::Failed if old != ActiveState::Failed => Relation::OnFailure,
            ActiveState::Inactive if !old.is_inactive_or_failed() && !was_restarting => Relation::OnSuccess,
            _ => return,
        };
        let followers: Vec<UnitName> = unit.spec.related(relation).cloned().collect();
        if turn.restarts(id) || followers.is_empty() || self.stopping {
            return;
        }
        let (name, told) = (unit.name.clone(), unit.told_to_followers());
        turn.log(id, Level::Info, format_args!("{name}: Triggering {relation:?}= dependencies."));
        for follower in followers {
            let started = match self.graph.find(&follower) {
                Some(follower) => {
                    self.tell_of_monitored(follower, &told);
                    self.enqueue(follower, JobKind::Start, None, turn)
                }
                None => Err(format!("Unit {follower} not found.")),
            };
            if let Err(reason) = started {
                let message = format!("{name}: Failed to enqueue {relation:?}= job, ignoring: {reason}");
                turn.log(id, Level::Warning, message);
            }
        }
    }

    fn tell_of_monitored(&mut self, follower: UnitId, told: &BTreeSet<(Word, String)>) {
        if let Some(Machine::Service(service)) = self.units.get_mut(&follower).map(|unit| &mut unit.machine) {
            if service.active().is_inactive_or_failed() {
                service.monitors.clone_from(told);
            }
        }
    }

    /// Stops all units, and nothing is started any more.
    pub(super) fn stop_all(&mut self, turn: &mut Turn) {
        self.stopping = true;
        let ids: Vec<UnitId> = self.units.keys().copied().collect();
        for id in &ids {
            if self.units[id].job.as_ref().is_some_and(|job| job.kind != JobKind::Stop) {
                self.finish(*id, JobResult::Canceled, turn);
            }
        }
        for id in ids {
            self.install(id, JobKind::Stop, turn);
        }
    }
}
