//! The jobs that come of one that is asked for: what a unit requires and wants is started with it, what conflicts with it is
//! stopped, and what requires it is stopped with it.

use std::collections::{BTreeMap, BTreeSet};

use super::event::UnitId;
use super::graph::related;
use super::install::changes_nothing;
use super::job::JobKind;
use super::turn::{Level, Turn};
use super::unit::Unit;
use super::view::{Answer, JobResult, Refusal, RefusalKind, RequestId};
use super::{Action, Engine};
use crate::spec::{JobMode, Relation, UnitName, UnitType};

/// Jobs that are made together.
#[derive(Clone, Debug)]
struct Transaction {
    mode: JobMode,
    /// Each is needed for what was asked, or only wanted.
    jobs: BTreeMap<UnitId, (JobKind, bool)>,
    /// Units that are not stopped, or not started, for what is only wanted: that contradicts another job.
    left_out: BTreeSet<(UnitId, bool)>,
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
        let mut transaction = self.plan_all(id, kind, mode)?;
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

    /// Makes a transaction, anew each time that a job has to be left out: with it goes what cannot do without.
    fn plan_all(&self, id: UnitId, kind: JobKind, mode: JobMode) -> Result<Transaction, Refusal> {
        let mut left_out = BTreeSet::new();
        loop {
            let before = left_out.len();
            let mut transaction = Transaction { mode, jobs: BTreeMap::new(), left_out, warnings: Vec::new() };
            let planned = self.plan(id, kind, true, &mut transaction);
            if transaction.left_out.len() == before {
                return planned.map(|()| transaction);
            }
            left_out = transaction.left_out;
        }
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
                self.plan_if_possible(*other, JobKind::Stop, transaction);
            }
        }
        Ok(())
    }

    /// Adds a job to a transaction, and what comes of it.
    fn plan(&self, id: UnitId, kind: JobKind, required: bool, transaction: &mut Transaction) -> Result<(), Refusal> {
        let unit = &self.units[&id];
        let is_left_out = transaction.left_out.contains(&(id, kind == JobKind::Stop));
        if !required && (is_left_out || disturbs(unit, kind, transaction.mode)) {
            return Err(contradiction(unit, kind, kind));
        }
        match transaction.jobs.get_mut(&id) {
            None => (),
            Some((planned, needed)) => {
                let Some(merged) = planned.merged(kind) else {
                    let refusal = contradiction(unit, *planned, kind);
                    // What is only wanted gives way. Where both are, who says that it conflicts with the other is started, and what is
                    // active stops.
                    let left_out = match (*needed, required) {
                        (true, true) => return Err(refusal),
                        (true, false) => kind == JobKind::Stop,
                        (false, true) => kind != JobKind::Stop,
                        (false, false) => !self.has_rival(unit, transaction) && unit.active().is_inactive_or_failed(),
                    };
                    transaction.left_out.insert((id, left_out));
                    return Err(refusal);
                };
                let is_needed_now = required && !*needed;
                *needed |= required;
                if *planned == merged && !is_needed_now {
                    return Ok(());
                }
                *planned = merged;
            }
        }
        let is_first = transaction.jobs.is_empty();
        transaction.jobs.entry(id).or_insert((kind, required));
        // Nothing comes of a job that there is nothing to do for, but for the one that is asked for.
        if !is_first && changes_nothing(unit, kind) {
            return Ok(());
        }
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
        for other in related(&unit.spec, Relation::Conflicts).filter_map(|name| self.graph.find(name)) {
            self.plan(other, JobKind::Stop, required, transaction)?;
        }
        for other in self.graph.relatives(unit, &[Relation::Conflicts]) {
            self.plan_if_possible(other, JobKind::Stop, transaction);
        }
        Ok(())
    }

    /// Whether a unit that is started says that it conflicts with this one.
    fn has_rival(&self, unit: &Unit, transaction: &Transaction) -> bool {
        let starts = |other: &UnitId| transaction.jobs.get(other).is_some_and(|(kind, _)| kind.starts());
        self.graph.relatives(unit, &[Relation::Conflicts]).iter().any(starts)
    }

    /// Adds a job that is only wanted, and does not matter if it cannot be.
    fn plan_if_possible(&self, id: UnitId, kind: JobKind, transaction: &mut Transaction) {
        let mut with_it = transaction.clone();
        match self.plan(id, kind, false, &mut with_it) {
            Ok(()) => *transaction = with_it,
            Err(_) => transaction.left_out = with_it.left_out,
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
        others.extend(self.graph.relatives(unit, &[from]));
        others.sort_unstable();
        others.dedup();
        others
    }

    /// Whether a unit is active, or may become so.
    pub(super) fn goes_on(&self, id: UnitId) -> bool {
        let unit = &self.units[&id];
        !unit.active().is_inactive_or_failed() || unit.job.is_some()
    }

    /// The units that do not go on without a unit: active ones, and those that are being started.
    pub(super) fn stopped_with(&self, unit: &Unit) -> Vec<UnitId> {
        let relations = [Relation::Requires, Relation::Requisite, Relation::BindsTo, Relation::PartOf];
        let mut others = self.graph.relatives(unit, &relations);
        others.retain(|other| self.goes_on(*other));
        others
    }
}

/// Whether a job that is only wanted is left out in a mode in which no job gives way: another does not agree, or what runs
/// would be stopped.
fn disturbs(unit: &Unit, kind: JobKind, mode: JobMode) -> bool {
    let contradicts = unit.job.as_ref().is_some_and(|job| job.kind.merged(kind).is_none());
    mode == JobMode::Fail && (contradicts || kind == JobKind::Stop && unit.is_up())
}

/// Why there cannot be both jobs for a unit.
fn contradiction(unit: &Unit, one: JobKind, other: JobKind) -> Refusal {
    let (one, other, name) = (one.word(), other.word(), &unit.name);
    let why = format!(
        "Transaction contains conflicting jobs '{one}' and '{other}' for {name}. \
         Probably contradicting requirement dependencies configured."
    );
    why.into()
}

/// Whether it is a unit that there should be, and not one that stands for the machine and its boot.
fn is_missed(name: &UnitName) -> bool {
    name.unit_type() != UnitType::Other && !name.is_of_boot()
}
