//! What becomes of units because of what becomes of others: BindsTo= and StopWhenUnneeded=.

use super::Engine;
use super::event::UnitId;
use super::graph::related;
use super::job::JobKind;
use super::turn::Turn;
use super::view::JobResult;
use crate::spec::Relation;

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
