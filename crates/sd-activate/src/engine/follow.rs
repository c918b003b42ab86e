//! What becomes of units because of what becomes of others: BindsTo=, Upholds=, StopWhenUnneeded=, OnFailure= and their like.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Engine;
use super::event::UnitId;
use super::graph::related;
use super::job::JobKind;
use super::limit::Limit;
use super::service::{Happening, Service};
use super::turn::{Level, Timer, Turn};
use super::unit::{Machine, Unit};
use super::view::{JobResult, Refusal};
use crate::saved::Word;
use crate::spec::{JobMode, RateLimit, Relation, UnitName};

/// What a unit needs others by.
pub(super) const NEEDS: [Relation; 5] =
    [Relation::Requires, Relation::Requisite, Relation::Wants, Relation::BindsTo, Relation::Upholds];

/// Beyond that, a unit is not started or stopped for a while because of what others are.
const FOLLOW_LIMIT: RateLimit = RateLimit { interval: Duration::from_secs(10), burst: 16 };

impl Engine {
    /// A unit has gone, or goes, without having been told to: what is bound to it goes with it, and what it propagates its stop to.
    pub(super) fn stop_bound(&mut self, id: UnitId, turn: &mut Turn) {
        let unit = &self.units[&id];
        let mut others = self.graph.relatives(unit, &[Relation::BindsTo]);
        others.extend(self.propagated(unit, Relation::PropagatesStopTo, Relation::StopPropagatedFrom));
        for other in others {
            if self.units[&other].is_up() {
                let _ = self.enqueue(other, JobKind::Stop, None, turn);
            }
        }
    }

    /// Stops a unit that is bound to one that is inactive and stays so: that was skipped, or has ended before this one was started.
    pub(super) fn stop_if_bound(&mut self, id: UnitId, turn: &mut Turn) {
        let unit = &self.units[&id];
        if unit.job.is_some() || !unit.active().is_active_or_reloading() {
            return;
        }
        let Some(other) = self.bound_to(unit).find(|other| !self.goes_on(*other)) else { return };
        let why = format!("Unit is bound to inactive unit {}, but not stopping", self.units[&other].name);
        if self.follows(id, &why, turn) {
            let _ = self.enqueue(id, JobKind::Stop, None, turn);
        }
    }

    /// What a unit is bound to and started after, where that is not active: then it is not started either.
    pub(super) fn bound_in_vain(&self, id: UnitId) -> Option<&UnitName> {
        let unit = &self.units[&id];
        let after = |other: &UnitId| self.ordered(id, Relation::After, Relation::Before).any(|one| one == *other);
        let inactive = |other: &UnitId| !self.units[other].active().is_active_or_reloading();
        let other = self.bound_to(unit).find(|other| inactive(other) && after(other))?;
        Some(&self.units[&other].name)
    }

    fn bound_to(&self, unit: &Unit) -> impl Iterator<Item = UnitId> {
        related(&unit.spec, Relation::BindsTo).filter_map(|name| self.graph.find(name))
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
        if self.graph.relatives(unit, &NEEDS).iter().any(wants) {
            return;
        }
        if self.follows(id, "Unit not needed anymore, but not stopping", turn) {
            let _ = self.enqueue(id, JobKind::Stop, None, turn);
        }
    }

    /// Those that a unit has needed may not be needed any more.
    pub(super) fn stop_what_it_needed(&mut self, id: UnitId, turn: &mut Turn) {
        for other in self.needed_by(id) {
            self.stop_unneeded(other, turn);
        }
    }

    /// What a unit needs.
    pub(super) fn needed_by(&self, id: UnitId) -> Vec<UnitId> {
        let unit = &self.units[&id];
        let names = NEEDS.iter().flat_map(|relation| related(&unit.spec, *relation));
        names.filter_map(|name| self.graph.find(name)).collect()
    }

    /// Starts a unit that is inactive, where one that is active upholds it.
    pub(super) fn uphold(&mut self, id: UnitId, turn: &mut Turn) {
        let Some(unit) = self.units.get(&id) else { return };
        if self.stopping || unit.job.is_some() || !unit.active().is_inactive_or_failed() || turn.restarts(id) {
            return;
        }
        let upholds =
            |other: &UnitId| self.units[other].active().is_active_or_reloading() && !self.units[other].is_to_stop();
        let Some(upholder) = self.graph.relatives(unit, &[Relation::Upholds]).into_iter().find(upholds) else { return };
        let (name, upholder) = (unit.name.clone(), &self.units[&upholder].name);
        let why = format!("Unit needs to be started because active unit {upholder} upholds it, but not starting");
        if !self.follows(id, &why, turn) {
            return;
        }
        if let Err(Refusal { why, .. }) = self.enqueue_in_mode(id, JobKind::Start, JobMode::Fail, turn) {
            turn.log(id, Level::Warning, format!("{name}: Failed to enqueue start job, ignoring: {why}"));
        }
    }

    /// Whether a unit is to follow others now, or has done so too often. Then that is said, in words that begin like this.
    fn follows(&mut self, id: UnitId, why: &str, turn: &mut Turn) -> bool {
        let Some(unit) = self.units.get_mut(&id) else { return false };
        let limit = unit.follows.get_or_insert_with(|| Limit::new(FOLLOW_LIMIT));
        let Some(until) = limit.rest(turn.now) else {
            limit.count(turn.now);
            return true;
        };
        if !self.due.contains_key(&Timer::Follow(id)) {
            let message = format!("{}: {why} since we tried this too often recently. Will retry later.", unit.name);
            turn.log(id, Level::Warning, message);
            self.set_timers(vec![(until, Timer::Follow(id))]);
        }
        false
    }

    /// A unit is started or stopped as others are that it has to do with.
    pub(super) fn follow(&mut self, id: UnitId, turn: &mut Turn) {
        if self.units.contains_key(&id) {
            self.uphold(id, turn);
            self.stop_unneeded(id, turn);
            self.stop_if_bound(id, turn);
        }
    }

    /// What a unit upholds that has become active.
    pub(super) fn uphold_others(&mut self, id: UnitId, turn: &mut Turn) {
        let upheld = related(&self.units[&id].spec, Relation::Upholds).filter_map(|name| self.graph.find(name));
        for other in upheld.collect::<Vec<_>>() {
            self.uphold(other, turn);
        }
    }

    /// Restart= starts a service again.
    pub(super) fn start_again(&mut self, id: UnitId, turn: &mut Turn) {
        if self.stopping {
            return self.tell_service(id, Happening::Stop { restart: false }, turn);
        }
        let directly = self.service(id).is_some_and(Service::restarts_directly);
        if directly && self.run_again(id) {
            return;
        }
        let kind = if directly { JobKind::Start } else { JobKind::Restart };
        if let Err(Refusal { why, .. }) = self.enqueue(id, kind, None, turn) {
            let name = &self.units[&id].name;
            turn.log(id, Level::Warning, format!("{name}: Failed to schedule restart job: {why}"));
            self.tell_service(id, Happening::Stop { restart: false }, turn);
        }
    }

    /// A unit has failed, or has ended otherwise: OnFailure= or OnSuccess=, unless Restart= starts it again.
    pub(super) fn start_followers(&mut self, id: UnitId, failed: bool, turn: &mut Turn) {
        let unit = &self.units[&id];
        let jobs = &unit.spec.jobs;
        let (relation, mode) =
            if failed { (Relation::OnFailure, jobs.on_failure) } else { (Relation::OnSuccess, jobs.on_success) };
        let followers: Vec<UnitName> = unit.spec.related(relation).cloned().collect();
        if turn.restarts(id) || followers.is_empty() || self.stopping {
            return;
        }
        let (name, told) = (unit.name.clone(), unit.told_to_followers());
        turn.log(id, Level::Info, format!("{name}: Triggering {relation:?}= dependencies."));
        for follower in followers {
            let started = match self.graph.find(&follower) {
                Some(follower) => {
                    self.tell_of_monitored(follower, &told);
                    self.enqueue_in_mode(follower, JobKind::Start, mode, turn)
                }
                None => Err(Refusal::not_found(&follower)),
            };
            if let Err(Refusal { why, .. }) = started {
                let message = format!("{name}: Failed to enqueue {relation:?}= job, ignoring: {why}");
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
        turn.later.retain(|(_, happening)| !matches!(happening, Happening::Restart));
        let ids: Vec<UnitId> = self.units.keys().copied().collect();
        for id in &ids {
            if self.units[id].job.as_ref().is_some_and(|job| job.kind != JobKind::Stop) {
                self.finish(*id, JobResult::Canceled, turn);
            }
        }
        for id in ids {
            self.install(id, JobKind::Stop, JobMode::Replace, turn);
        }
    }
}
