//! The jobs that come of one that is asked for: what a unit requires and wants is started with it, what conflicts with it is
//! stopped, and what requires it is stopped with it.

use std::collections::BTreeMap;

use super::event::UnitId;
use super::graph::{is_related, related};
use super::job::{Job, JobKind, Progress};
use super::turn::Turn;
use super::unit::Unit;
use super::view::{Answer, JobResult, RequestId};
use super::{Action, Engine};
use crate::spec::{Relation, UnitName, UnitType};

/// Jobs that are made together. Each is needed for what was asked, or only wanted.
#[derive(Clone, Debug, Default)]
struct Transaction(BTreeMap<UnitId, (JobKind, bool)>);

impl Engine {
    /// Makes a job for a unit, and those that come of it. An error says why there can be none.
    pub(super) fn enqueue(
        &mut self,
        id: UnitId,
        kind: JobKind,
        request: Option<RequestId>,
        turn: &mut Turn,
    ) -> Result<(), String> {
        let mut transaction = Transaction::default();
        self.plan(id, kind, true, &mut transaction)?;
        for (unit, (kind, _)) in transaction.0 {
            self.install(unit, kind, turn);
        }
        match (request, self.units.get_mut(&id).and_then(|unit| unit.job.as_mut())) {
            (Some(request), Some(job)) => job.requests.push(request),
            (Some(request), None) => turn.act(Action::Answer(request, Answer::Ended(JobResult::Done))),
            (None, _) => (),
        }
        Ok(())
    }

    /// Adds a job to a transaction, and what comes of it.
    fn plan(&self, id: UnitId, kind: JobKind, required: bool, transaction: &mut Transaction) -> Result<(), String> {
        let unit = &self.units[&id];
        match transaction.0.get_mut(&id) {
            None => (),
            Some((planned, needed)) => {
                let Some(merged) = planned.merged(kind) else {
                    if required && *needed {
                        let (one, other) = (planned.word(), kind.word());
                        return Err(format!(
                            "Transaction contains conflicting jobs '{one}' and '{other}' for {}. \
                             Probably contradicting requirement dependencies configured.",
                            unit.name
                        ));
                    }
                    if required {
                        (*planned, *needed) = (kind, true);
                    }
                    return Ok(());
                };
                *needed |= required;
                if *planned == merged {
                    return Ok(());
                }
                *planned = merged;
            }
        }
        transaction.0.entry(id).or_insert((kind, required));
        if kind.starts() {
            self.plan_start(unit, required, transaction)?;
        }
        if kind.stops() {
            for other in self.stopped_with(unit) {
                let restarts = kind == JobKind::Restart && self.units[&other].is_up();
                self.plan(other, if restarts { JobKind::Restart } else { JobKind::Stop }, required, transaction)?;
            }
        }
        Ok(())
    }

    fn plan_start(&self, unit: &Unit, required: bool, transaction: &mut Transaction) -> Result<(), String> {
        for relation in [Relation::Requires, Relation::BindsTo] {
            for name in related(&unit.spec, relation) {
                match self.graph.find(name) {
                    Some(other) => self.plan(other, JobKind::Start, required, transaction)?,
                    None if is_missed(name) => return Err(format!("Unit {name} not found.")),
                    None => (),
                }
            }
        }
        for other in related(&unit.spec, Relation::Wants).filter_map(|name| self.graph.find(name)) {
            let mut with_it = transaction.clone();
            // What is only wanted does not matter, if it cannot be.
            if self.plan(other, JobKind::Start, false, &mut with_it).is_ok() {
                *transaction = with_it;
            }
        }
        let conflicting = related(&unit.spec, Relation::Conflicts).filter_map(|name| self.graph.find(name));
        for other in conflicting.chain(self.relatives(unit, Relation::Conflicts)) {
            let other_unit = &self.units[&other];
            let starts =
                transaction.0.contains_key(&other) || other_unit.job.as_ref().is_some_and(|job| job.kind.starts());
            if starts || !other_unit.active().is_inactive_or_failed() {
                self.plan(other, JobKind::Stop, required, transaction)?;
            }
        }
        Ok(())
    }

    /// The units that say they stand in this relation to a unit.
    pub(super) fn relatives(&self, unit: &Unit, relation: Relation) -> Vec<UnitId> {
        let mut namers = self.graph.namers(unit);
        namers.retain(|id| is_related(&self.units[id], relation, unit));
        namers
    }

    /// The units that do not go on without a unit: active ones, and those that are being started.
    pub(super) fn stopped_with(&self, unit: &Unit) -> Vec<UnitId> {
        let relations = [Relation::Requires, Relation::BindsTo, Relation::PartOf];
        let mut others: Vec<UnitId> = relations.iter().flat_map(|relation| self.relatives(unit, *relation)).collect();
        let is_up = |other: &Unit| !other.active().is_inactive_or_failed() || other.job.is_some();
        others.retain(|other| is_up(&self.units[other]));
        others
    }

    /// Gives a unit a job, unless there is nothing to do. A job that contradicts it is canceled.
    pub(super) fn install(&mut self, id: UnitId, kind: JobKind, turn: &mut Turn) {
        let number = self.next_job;
        let Some(unit) = self.units.get_mut(&id) else { return };
        if let Some(job) = &mut unit.job {
            if let Some(merged) = job.kind.merged(kind) {
                if merged != job.kind {
                    (job.kind, job.progress) = (merged, Progress::Waiting);
                    self.waiting.insert(job.id, id);
                }
                return;
            }
            self.finish(id, JobResult::Canceled, turn);
        }
        let Some(unit) = self.units.get_mut(&id) else { return };
        let active = unit.active();
        let nothing_to_do = match kind {
            JobKind::Start => active.is_active_or_reloading(),
            JobKind::Stop => active.is_inactive_or_failed(),
            JobKind::Restart | JobKind::Reload => false,
        };
        if !nothing_to_do {
            self.next_job += 1;
            self.jobs += 1;
            unit.job = Some(Job { id: number, kind, progress: Progress::Waiting, requests: Vec::new() });
            self.waiting.insert(number, id);
        }
    }
}

/// Whether it is a unit that there should be, and not one that stands for the machine and its boot.
fn is_missed(name: &UnitName) -> bool {
    name.unit_type() != UnitType::Other && !name.is_of_boot()
}
