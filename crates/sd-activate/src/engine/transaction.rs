//! The jobs that come of one that is asked for: what a unit requires and wants is started with it, what conflicts with it is
//! stopped, and what requires it is stopped with it.

use std::collections::BTreeMap;

use super::event::UnitId;
use super::graph::{is_related, related};
use super::job::{Job, JobKind, Progress};
use super::turn::{Level, Timer, Turn};
use super::unit::Unit;
use super::view::{Answer, JobResult, Refusal, RefusalKind, RequestId};
use super::{Action, Engine};
use crate::spec::{JobMode, Relation, Timeout, UnitName, UnitType};

/// Jobs that are made together.
#[derive(Clone, Debug)]
struct Transaction {
    mode: JobMode,
    /// Each is needed for what was asked, or only wanted.
    jobs: BTreeMap<UnitId, (JobKind, bool)>,
    /// What there is to say of jobs that there are none of.
    warnings: Vec<(UnitId, String)>,
}

impl Engine {
    /// Makes a job for a unit, and those that come of it. An error says why there can be none.
    pub(super) fn enqueue(
        &mut self,
        id: UnitId,
        kind: JobKind,
        request: Option<RequestId>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        self.enqueue_in_mode(id, kind, JobMode::Replace, turn)?;
        match (request, self.units.get_mut(&id).and_then(|unit| unit.job.as_mut())) {
            (Some(request), Some(job)) => job.requests.push(request),
            (Some(request), None) => turn.act(Action::Answer(request, Answer::Ended(JobResult::Done))),
            (None, _) => (),
        }
        Ok(())
    }

    /// The same, where the job goes along with others as it is said there.
    pub(super) fn enqueue_in_mode(
        &mut self,
        id: UnitId,
        kind: JobKind,
        mode: JobMode,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let mut transaction = Transaction { mode, jobs: BTreeMap::new(), warnings: Vec::new() };
        self.plan(id, kind, true, &mut transaction)?;
        if mode == JobMode::Isolate {
            self.plan_isolation(id, &mut transaction)?;
        }
        self.may_replace(id, kind, &transaction)?;
        for (unit, warning) in transaction.warnings {
            turn.log(unit, Level::Warning, warning);
        }
        if mode == JobMode::Flush {
            let others =
                self.units.iter().filter(|(id, unit)| unit.job.is_some() && !transaction.jobs.contains_key(id));
            for other in others.map(|(id, _)| *id).collect::<Vec<_>>() {
                self.finish(other, JobResult::Canceled, turn);
            }
        }
        for (unit, (kind, _)) in transaction.jobs {
            self.install(unit, kind, mode, turn);
        }
        Ok(())
    }

    /// An error says which job there is that is not to give way.
    fn may_replace(&self, id: UnitId, kind: JobKind, transaction: &Transaction) -> Result<(), Refusal> {
        for (other, (planned, _)) in &transaction.jobs {
            let Some(job) = &self.units[other].job else { continue };
            if job.kind.merged(*planned).is_none() && (job.irreversible || transaction.mode == JobMode::Fail) {
                let why = format!(
                    "Transaction for {}/{} is destructive ({} has '{}' job queued, but '{}' is included in transaction).",
                    self.units[&id].name,
                    kind.word(),
                    self.units[other].name,
                    job.kind.word(),
                    planned.word()
                );
                return Err(Refusal { kind: RefusalKind::Destructive, why });
            }
        }
        Ok(())
    }

    /// Stops all that is not started with the unit, unless it says otherwise.
    fn plan_isolation(&self, id: UnitId, transaction: &mut Transaction) -> Result<(), Refusal> {
        if !self.units[&id].spec.jobs.may_be_isolated {
            return Err("Operation refused, unit may not be isolated.".to_owned().into());
        }
        for (other, unit) in &self.units {
            let goes_on = unit.spec.jobs.outlives_isolation || unit.active().is_inactive_or_failed();
            if !goes_on && !transaction.jobs.contains_key(other) {
                self.plan(*other, JobKind::Stop, false, transaction)?;
            }
        }
        Ok(())
    }

    /// Adds a job to a transaction, and what comes of it.
    fn plan(&self, id: UnitId, kind: JobKind, required: bool, transaction: &mut Transaction) -> Result<(), Refusal> {
        let unit = &self.units[&id];
        match transaction.jobs.get_mut(&id) {
            None => (),
            Some((planned, needed)) => {
                let Some(merged) = planned.merged(kind) else {
                    if required && *needed {
                        let (one, other) = (planned.word(), kind.word());
                        return Err(Refusal::from(format!(
                            "Transaction contains conflicting jobs '{one}' and '{other}' for {}. \
                             Probably contradicting requirement dependencies configured.",
                            unit.name
                        )));
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
        transaction.jobs.entry(id).or_insert((kind, required));
        if matches!(transaction.mode, JobMode::IgnoreDependencies | JobMode::IgnoreRequirements) {
            return Ok(());
        }
        if kind.starts() {
            self.plan_start(unit, required, transaction)?;
        }
        if kind == JobKind::Stop {
            let others = self.propagated(unit, Relation::PropagatesStopTo, Relation::StopPropagatedFrom);
            for other in others.into_iter().filter(|other| self.goes_on(*other)) {
                self.plan(other, JobKind::Stop, required, transaction)?;
            }
        }
        if kind == JobKind::Reload {
            self.plan_reloads(unit, transaction);
        }
        if kind.stops() {
            for other in self.stopped_with(unit) {
                let restarts = kind == JobKind::Restart && self.units[&other].is_up();
                self.plan(other, if restarts { JobKind::Restart } else { JobKind::Stop }, required, transaction)?;
            }
        }
        Ok(())
    }

    fn plan_start(&self, unit: &Unit, required: bool, transaction: &mut Transaction) -> Result<(), Refusal> {
        for (relation, kind) in [
            (Relation::Requires, JobKind::Start),
            (Relation::BindsTo, JobKind::Start),
            (Relation::Requisite, JobKind::Verify),
        ] {
            for name in related(&unit.spec, relation) {
                match self.graph.find(name) {
                    Some(other) => self.plan(other, kind, required, transaction)?,
                    None if is_missed(name) => return Err(Refusal::not_found(name)),
                    None => (),
                }
            }
        }
        let wanted = related(&unit.spec, Relation::Wants).chain(related(&unit.spec, Relation::Upholds));
        for other in wanted.filter_map(|name| self.graph.find(name)) {
            self.plan_if_possible(other, JobKind::Start, transaction);
        }
        let conflicting = related(&unit.spec, Relation::Conflicts).filter_map(|name| self.graph.find(name));
        for other in conflicting.chain(self.relatives(unit, Relation::Conflicts)) {
            let other_unit = &self.units[&other];
            let starts =
                transaction.jobs.contains_key(&other) || other_unit.job.as_ref().is_some_and(|job| job.kind.starts());
            if starts || !other_unit.active().is_inactive_or_failed() {
                self.plan(other, JobKind::Stop, required, transaction)?;
            }
        }
        Ok(())
    }

    /// Adds a job that is only wanted, and does not matter if it cannot be.
    fn plan_if_possible(&self, id: UnitId, kind: JobKind, transaction: &mut Transaction) {
        let mut with_it = transaction.clone();
        if self.plan(id, kind, false, &mut with_it).is_ok() {
            *transaction = with_it;
        }
    }

    /// Reloads are propagated to units that are active.
    fn plan_reloads(&self, unit: &Unit, transaction: &mut Transaction) {
        for other in self.propagated(unit, Relation::PropagatesReloadTo, Relation::ReloadPropagatedFrom) {
            let name = &self.units[&other].name;
            if !self.units[&other].reloads() {
                let why = format!("Job type reload is not applicable for unit {name}.");
                transaction
                    .warnings
                    .push((other, format!("{name}: Cannot add dependency reload job, ignoring: {why}")));
            } else if self.units[&other].active().is_active_or_reloading() {
                self.plan_if_possible(other, JobKind::Reload, transaction);
            }
        }
    }

    /// The units that a job of a unit is propagated to, as that or they say.
    pub(super) fn propagated(&self, unit: &Unit, to: Relation, from: Relation) -> Vec<UnitId> {
        let mut others: Vec<UnitId> = related(&unit.spec, to).filter_map(|name| self.graph.find(name)).collect();
        others.extend(self.relatives(unit, from));
        others.sort_unstable();
        others.dedup();
        others
    }

    /// Whether a unit is active, or may become so.
    pub(super) fn goes_on(&self, id: UnitId) -> bool {
        let unit = &self.units[&id];
        !unit.active().is_inactive_or_failed() || unit.job.is_some()
    }

    /// The units that say they stand in this relation to a unit.
    pub(super) fn relatives(&self, unit: &Unit, relation: Relation) -> Vec<UnitId> {
        let mut namers = self.graph.namers(unit);
        namers.retain(|id| is_related(&self.units[id], relation, unit));
        namers
    }

    /// The units that do not go on without a unit: active ones, and those that are being started.
    pub(super) fn stopped_with(&self, unit: &Unit) -> Vec<UnitId> {
        let relations = [Relation::Requires, Relation::Requisite, Relation::BindsTo, Relation::PartOf];
        let mut others: Vec<UnitId> = relations.iter().flat_map(|relation| self.relatives(unit, *relation)).collect();
        others.retain(|other| self.goes_on(*other));
        others
    }

    /// Gives a unit a job, unless there is nothing to do. A job that contradicts it is canceled.
    pub(super) fn install(&mut self, id: UnitId, kind: JobKind, mode: JobMode, turn: &mut Turn) {
        let number = self.next_job;
        let Some(unit) = self.units.get_mut(&id) else { return };
        let irreversible = mode == JobMode::ReplaceIrreversibly;
        let ignores_order = mode == JobMode::IgnoreDependencies;
        if let Some(job) = &mut unit.job {
            if let Some(merged) = job.kind.merged(kind) {
                job.irreversible |= irreversible;
                job.ignores_order |= ignores_order;
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
            JobKind::Start | JobKind::Verify => active.is_active_or_reloading(),
            JobKind::Stop => active.is_inactive_or_failed(),
            JobKind::Restart | JobKind::Reload => false,
        };
        if nothing_to_do {
            return;
        }
        self.next_job += 1;
        self.jobs += 1;
        unit.job = Some(Job {
            id: number,
            kind,
            progress: Progress::Waiting,
            irreversible,
            ignores_order,
            requests: Vec::new(),
        });
        unit.note_job();
        self.waiting.insert(number, id);
        let timeout = unit.spec.jobs.timeout;
        self.limit_job(id, timeout, turn);
    }

    /// JobTimeoutSec= and JobRunningTimeoutSec=: whichever is over first.
    fn limit_job(&mut self, id: UnitId, timeout: Timeout, turn: &Turn) {
        let Some(at) = timeout.and_then(|timeout| turn.now.checked_add(timeout)) else { return };
        if self.due.get(&Timer::Job(id)).is_none_or(|due| at < *due) {
            self.set_timers(vec![(at, Timer::Job(id))]);
        }
    }

    /// A unit's job runs from now on, unless it has ended.
    pub(super) fn limit_running_job(&mut self, id: UnitId, turn: &Turn) {
        let Some(unit) = self.units.get(&id).filter(|unit| unit.job.is_some()) else { return };
        let timeout = unit.spec.jobs.running_timeout;
        self.limit_job(id, timeout, turn);
    }

    /// The time of a unit's job is up. The unit goes on as it does.
    pub(super) fn job_takes_too_long(&mut self, id: UnitId, turn: &mut Turn) {
        let Some(unit) = self.units.get(&id) else { return };
        let Some(job) = &unit.job else { return };
        let (name, kind, action) = (unit.name.clone(), job.kind.word(), unit.spec.end_actions.job_timeout);
        turn.log(id, Level::Warning, format!("{name}: Job {name}/{kind} timed out."));
        self.finish(id, JobResult::Timeout, turn);
        self.end_all(id, action, 1, "job timed out", turn);
    }
}

/// Whether it is a unit that there should be, and not one that stands for the machine and its boot.
fn is_missed(name: &UnitName) -> bool {
    name.unit_type() != UnitType::Other && !name.is_of_boot()
}
