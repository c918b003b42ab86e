//! Units get the jobs of a [transaction](super::transaction), which take no longer than they may.

use super::Engine;
use super::event::UnitId;
use super::job::{Job, JobKind, Progress};
use super::turn::{Level, Timer, Turn};
use super::unit::Unit;
use super::view::JobResult;
use crate::spec::{JobMode, Timeout};

impl Engine {
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
        if changes_nothing(unit, kind) {
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

/// Whether a unit is already as a job would have it, and stays so.
pub(super) fn changes_nothing(unit: &Unit, kind: JobKind) -> bool {
    let active = unit.active();
    let is_so = match kind {
        JobKind::Start | JobKind::Verify => active.is_active_or_reloading(),
        JobKind::Stop => active.is_inactive_or_failed(),
        JobKind::Restart | JobKind::Reload => false,
    };
    is_so && unit.job.as_ref().is_none_or(|job| job.kind.merged(kind).is_some())
}
