//! Jobs: units are started, stopped, restarted and reloaded, with what belongs to them, one after the other where that is said.
//!
//! What is asked for becomes a [`transaction`](super::transaction): the job of the unit, and those of others that come of it. Each
//! unit has one job at most. A job runs as soon as no other has to come before it, and ends when its unit is as it was to become.

use serde::{Deserialize, Serialize};

use super::Engine;
use super::event::UnitId;
use super::follow::NEEDS;
use super::graph::{is_called, related};
use super::messages;
use super::turn::{Level, Timer, Turn};
use super::unit::{Machine, Unit};
use super::view::{ActiveState, Answer, JobResult, RequestId};
use super::{Action, Form};
use crate::spec::{Condition, Kind, Relation};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum JobKind {
    Start,
    Stop,
    /// Stop, and then start.
    Restart,
    Reload,
    /// Look whether it is active: Requisite=.
    Verify,
}

/// A job, until it has ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) id: u32,
    pub(super) kind: JobKind,
    pub(super) progress: Progress,
    /// No other job takes its place.
    pub(super) irreversible: bool,
    /// It waits for no other job.
    pub(super) ignores_order: bool,
    /// Whom its end is told.
    pub(super) requests: Vec<RequestId>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Progress {
    /// Others come before it.
    Waiting,
    /// The unit's conditions are being checked.
    Checking,
    /// The unit changes.
    Running,
}

impl JobKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Verify => "verify-active",
        }
    }

    pub(super) fn stops(self) -> bool {
        matches!(self, Self::Stop | Self::Restart)
    }

    pub(super) fn starts(self) -> bool {
        matches!(self, Self::Start | Self::Restart)
    }

    /// The job that does both; none where they contradict each other.
    pub(super) fn merged(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, other) if one == other => Some(one),
            (Self::Stop, _) | (_, Self::Stop) => None,
            (Self::Verify, other) | (other, Self::Verify) => Some(other),
            (Self::Restart, _) | (_, Self::Restart) => Some(Self::Restart),
            _ => Some(Self::Start),
        }
    }
}

impl Engine {
    /// Runs every job that no other has to come before.
    pub(super) fn run_jobs(&mut self, turn: &mut Turn) -> bool {
        let mut runnable: Vec<UnitId> = self.waiting.values().copied().filter(|id| self.may_run(*id)).collect();
        if runnable.is_empty() && !self.waiting.is_empty() && self.waiting.len() == self.jobs {
            // They wait for each other.
            runnable.extend(self.waiting.first_key_value().map(|(_, id)| *id));
            for id in &runnable {
                let name = &self.units[id].name;
                turn.say(format_args!("{name}: Found ordering cycle: its job runs first. Look at After= and Before=."));
            }
        }
        // What is to be active may be started meanwhile.
        runnable.sort_by_key(|id| self.units[id].job.as_ref().is_some_and(|job| job.kind == JobKind::Verify));
        let mut ran = false;
        for id in runnable {
            ran |= self.run_job(id, turn);
        }
        ran
    }

    /// Whether no other job has to come before that of a unit: others that it is started after, or stopped before; what stops comes
    /// before what starts.
    fn may_run(&self, id: UnitId) -> bool {
        let unit = &self.units[&id];
        let Some(job) = &unit.job else { return false };
        if job.ignores_order {
            return true;
        }
        let has_job = |id: UnitId| self.units.get(&id).is_some_and(|unit| unit.job.is_some());
        let stops = |id: UnitId| self.units[&id].job.as_ref().is_some_and(|job| job.kind.stops());
        if self.ordered(id, Relation::Before, Relation::After).chain(self.connections_of(id, unit)).any(stops) {
            return false;
        }
        if job.kind.stops() && !unit.active().is_inactive_or_failed() {
            return true;
        }
        let socket = unit.connection.as_ref().map(|(socket, _)| *socket);
        !self.ordered(id, Relation::After, Relation::Before).chain(socket).any(has_job)
    }

    /// The services of a socket's connections.
    fn connections_of(&self, id: UnitId, unit: &Unit) -> Vec<UnitId> {
        let accepts = matches!(&unit.machine, Machine::Socket(socket) if socket.spec.accept);
        if !accepts {
            return Vec::new();
        }
        let of_socket = |unit: &Unit| unit.connection.as_ref().is_some_and(|(socket, _)| *socket == id);
        self.units.iter().filter(|(_, unit)| of_socket(unit)).map(|(id, _)| *id).collect()
    }

    /// The units that stand in a relation to a unit, or say that it stands in the inverse one to them. A target comes after what it
    /// needs, unless one of them says otherwise.
    pub(super) fn ordered(
        &self,
        id: UnitId,
        relation: Relation,
        inverse: Relation,
    ) -> impl Iterator<Item = UnitId> + use<'_> {
        let unit = &self.units[&id];
        let targets = if relation == Relation::Before { self.graph.relatives(unit, &NEEDS) } else { Vec::new() };
        // What was named last is mostly the last to become active: who looks for one that is not has found it.
        let needed = unit.spec.dependencies.iter().rev().filter(move |dependency| {
            relation == Relation::After && is_target(unit) && NEEDS.contains(&dependency.relation)
        });
        let needed = needed.filter_map(|dependency| self.graph.find(&dependency.unit));
        let said = related(&unit.spec, relation).filter_map(|name| self.graph.find(name));
        (self.graph.relatives(unit, &[inverse]).into_iter().chain(said))
            .chain(targets.into_iter().filter(move |target| self.comes_after(*target, id)))
            .chain(needed.filter(move |other| self.comes_after(id, *other)))
            .filter(move |other| !is_called(&self.units[other], &unit.name))
    }

    /// Whether a unit is a target, and so comes after another that it needs: unless one of them says otherwise.
    fn comes_after(&self, id: UnitId, needed: UnitId) -> bool {
        let (target, other) = (&self.units[&id], &self.units[&needed]);
        is_target(target)
            && !self.graph.is_related(id, Relation::Before, other)
            && !self.graph.is_related(needed, Relation::After, target)
    }

    /// Runs a job; whether anything came of it.
    fn run_job(&mut self, id: UnitId, turn: &mut Turn) -> bool {
        let Some(unit) = self.units.get_mut(&id) else { return false };
        let (active, about_to_restart) = (unit.active(), unit.is_about_to_restart());
        let Some(job) = &mut unit.job else { return false };
        let number = job.id;
        match job.kind {
            JobKind::Start if active == ActiveState::Deactivating => return false,
            JobKind::Start if about_to_restart => self.start(id, turn),
            JobKind::Start | JobKind::Reload if active == ActiveState::Activating => job.progress = Progress::Running,
            JobKind::Start if active.is_active_or_reloading() => self.finish(id, JobResult::Done, turn),
            JobKind::Start => self.start(id, turn),
            JobKind::Stop if active.is_inactive_or_failed() => self.finish(id, JobResult::Done, turn),
            JobKind::Restart if active.is_inactive_or_failed() => {
                job.kind = JobKind::Start;
                return true;
            }
            JobKind::Stop | JobKind::Restart => {
                job.progress = Progress::Running;
                let restart = job.kind == JobKind::Restart;
                unit.stop(restart, turn);
                if unit.active() == ActiveState::Deactivating {
                    turn.log_any(id, messages::stopping(unit));
                }
                turn.touched.push(id);
            }
            // Of its own accord.
            JobKind::Reload if active == ActiveState::Reloading => return false,
            JobKind::Reload if active == ActiveState::Active => {
                job.progress = Progress::Running;
                unit.reload(turn);
                turn.touched.push(id);
                // Where there is nobody to be told, it is as it was.
                if unit.active() == ActiveState::Active {
                    let result = if unit.has_reloaded() { JobResult::Done } else { JobResult::Failed };
                    self.finish(id, result, turn);
                }
            }
            JobKind::Verify if active.is_active_or_reloading() => self.finish(id, JobResult::Done, turn),
            JobKind::Verify if active == ActiveState::Activating => return false,
            JobKind::Verify => {
                turn.log(id, Level::Notice, format!("{} is inactive.", unit.name));
                self.finish(id, JobResult::Skipped, turn);
            }
            JobKind::Reload => {
                let what = format!("{}: Unit cannot be reloaded because it is inactive.", unit.name);
                turn.log(id, Level::Notice, what);
                self.finish(id, JobResult::Invalid, turn);
            }
        }
        self.waiting.remove(&number);
        self.limit_running_job(id, turn);
        true
    }

    /// Starts a unit, once its conditions are met.
    fn start(&mut self, id: UnitId, turn: &mut Turn) {
        if let Some(reason) = self.refusal(&self.units[&id]) {
            turn.log(id, Level::Error, reason);
            return self.finish(id, JobResult::Failed, turn);
        }
        let Some(unit) = self.units.get_mut(&id) else { return };
        if unit.spec.conditions.is_empty() {
            return self.begin_start(id, turn);
        }
        unit.job.iter_mut().for_each(|job| job.progress = Progress::Checking);
        turn.act(Action::Check(id));
    }

    /// Why a socket does not listen now: its service takes what comes by itself, or is not there.
    fn refusal(&self, unit: &Unit) -> Option<String> {
        let Machine::Socket(socket) = &unit.machine else { return None };
        if socket.spec.accept || matches!(self.form, Form::Command(_)) {
            return None;
        }
        let (name, service) = (&unit.name, &socket.spec.service);
        match self.graph.find(service) {
            None => Some(format!("{name}: Socket service {service} not loaded, refusing.")),
            Some(id)
                if !self.units[&id].active().is_inactive_or_failed() && self.units[&id].seen.1 != "auto-restart" =>
            {
                Some(format!("{name}: Socket service {service} already active, refusing."))
            }
            Some(_) => None,
        }
    }

    /// The conditions of a unit were checked: that one is not met, if one is given.
    pub(super) fn checked(&mut self, id: UnitId, unmet: Option<&Condition>, turn: &mut Turn) {
        let Some(unit) = self.units.get_mut(&id) else { return };
        if unit.job.as_ref().is_none_or(|job| job.progress != Progress::Checking) {
            return;
        }
        unit.changes.condition = Some((turn.now, unmet.is_none()));
        let Some(condition) = unmet else { return self.begin_start(id, turn) };
        let (level, result) =
            if condition.assertion { (Level::Notice, JobResult::Assert) } else { (Level::Info, JobResult::Skipped) };
        turn.log(id, level, messages::unmet(&unit.subject(), condition));
        self.finish(id, result, turn);
    }

    fn begin_start(&mut self, id: UnitId, turn: &mut Turn) {
        if let Some(other) = self.bound_in_vain(id) {
            let message = format!("{}: Bound to unit {other}, but unit isn't active.", self.units[&id].name);
            turn.log(id, Level::Notice, message);
            return self.finish(id, JobResult::Dependency, turn);
        }
        let Some(unit) = self.units.get_mut(&id) else { return };
        unit.job.iter_mut().for_each(|job| job.progress = Progress::Running);
        turn.log_any(id, messages::starting(unit));
        unit.start(turn);
        // Where its start limit was hit, it is as it was.
        if unit.active().is_inactive_or_failed() {
            self.finish(id, JobResult::Failed, turn);
        }
        turn.touched.push(id);
    }

    /// Has the job that starts a unit do so once more, if it has one.
    pub(super) fn run_again(&mut self, id: UnitId) -> bool {
        let Some(job) = self.units.get_mut(&id).and_then(|unit| unit.job.as_mut()) else { return false };
        let starts = job.kind == JobKind::Start;
        if starts {
            job.progress = Progress::Waiting;
            self.waiting.insert(job.id, id);
        }
        starts
    }

    /// Ends a unit's job where that was its aim, or where that can no longer be reached.
    pub(super) fn note_change(&mut self, id: UnitId, turn: &mut Turn) {
        let Some(unit) = self.units.get_mut(&id) else { return };
        let ((active, sub), directly) = (unit.seen, unit.restarts_directly());
        let Some(job) = &mut unit.job else { return };
        if job.progress != Progress::Running {
            // It has ended by itself, while its job waited.
            if job.kind == JobKind::Stop && active.is_inactive_or_failed() {
                self.finish(id, JobResult::Done, turn);
            }
            return;
        }
        let result = match (job.kind, active) {
            (JobKind::Restart, ActiveState::Inactive | ActiveState::Failed) => {
                (job.kind, job.progress) = (JobKind::Start, Progress::Waiting);
                self.waiting.insert(job.id, id);
                turn.log_any(id, messages::ended(unit, JobKind::Stop, JobResult::Done));
                return;
            }
            (JobKind::Start, ActiveState::Active | ActiveState::Reloading | ActiveState::Inactive) => JobResult::Done,
            (JobKind::Start, ActiveState::Failed) => JobResult::Failed,
            (JobKind::Start, ActiveState::Activating) if sub == "auto-restart" && !directly => JobResult::Failed,
            (JobKind::Stop, ActiveState::Inactive | ActiveState::Failed) => JobResult::Done,
            (JobKind::Reload, ActiveState::Active) if unit.has_reloaded() => JobResult::Done,
            (JobKind::Reload, ActiveState::Active) => JobResult::Failed,
            (JobKind::Reload, ActiveState::Inactive | ActiveState::Failed) => JobResult::Failed,
            _ => return,
        };
        self.finish(id, result, turn);
    }

    /// Ends the job of a unit, and those of the units that cannot do without.
    pub(super) fn finish(&mut self, id: UnitId, result: JobResult, turn: &mut Turn) {
        let Some(unit) = self.units.get_mut(&id) else { return };
        let Some(job) = unit.job.take() else { return };
        unit.note_job();
        self.jobs -= 1;
        self.waiting.remove(&job.id);
        turn.log_any(id, messages::ended(unit, job.kind, result));
        for request in job.requests {
            turn.act(Action::Answer(request, Answer::Ended(result)));
        }
        if let Machine::Service(service) = &mut unit.machine {
            service.job_has_ended(job.kind.starts(), result, turn);
        }
        turn.touched.push(id);
        self.ended_jobs.push(id);
        self.clear_timer(Timer::Job(id));
        self.fail_dependents(id, job.kind, result, turn);
        if matches!(result, JobResult::Dependency | JobResult::Timeout) {
            let (name, kind) = (&self.units[&id].name, job.kind.word());
            let message = format!("{name}: Job {name}/{kind} failed with result '{}'.", result.word());
            turn.log(id, Level::Notice, message);
        }
    }

    /// Ends the jobs that start what cannot do without a unit, where that could not be started.
    fn fail_dependents(&mut self, id: UnitId, kind: JobKind, result: JobResult, turn: &mut Turn) {
        let failed =
            matches!(result, JobResult::Failed | JobResult::Dependency | JobResult::Timeout | JobResult::Assert);
        let relations: &[Relation] = match kind {
            JobKind::Start | JobKind::Restart if failed => {
                turn.failed = true;
                &[Relation::Requires, Relation::BindsTo, Relation::Requisite]
            }
            JobKind::Start | JobKind::Verify
                if matches!(result, JobResult::Done | JobResult::Skipped)
                    && self.units[&id].active().is_inactive_or_failed() =>
            {
                &[Relation::Requisite]
            }
            _ => return,
        };
        for relation in relations {
            for other in self.graph.relatives(&self.units[&id], &[*relation]) {
                let waits = |job: &Job| job.kind == JobKind::Start && (failed || job.progress != Progress::Running);
                if self.units[&other].job.as_ref().is_some_and(waits) {
                    self.finish(other, JobResult::Dependency, turn);
                }
            }
        }
    }
}

fn is_target(unit: &Unit) -> bool {
    matches!(unit.spec.kind, Kind::Target)
}
