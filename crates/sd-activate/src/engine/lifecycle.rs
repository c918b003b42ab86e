//! A service from its start to its end: what the table of [`Service::step`](super::service::Service::step) names, but for what
//! stops it. Each function answers with the state that it leads to.

use std::mem;
use std::time::Instant;

use super::notification::{Report, Told};
use super::service::{Happening, Service, State};
use super::turn::{Level, Timer, Turn};
use super::verdict::{Outcome, is_restarted};
use super::view::JobResult;
use super::{Action, Form};
use crate::spec::{CommandId, Phase, Preserve, RestartMode, ServiceType, Signal, Timeout};

impl Service {
    pub(super) fn start(&mut self, turn: &mut Turn) -> State {
        if !mem::take(&mut self.scheduled) {
            self.restarts = 0;
        }
        self.announcer.starts();
        if self.start_limit.rest(turn.now).is_some() {
            self.log(Level::Warning, "Start request repeated too quickly.", turn);
            self.result.worsen(Outcome::StartLimitHit);
            turn.failed = true;
            turn.given_up.push(self.id);
            turn.act(Action::CleanUp { unit: self.id, restarts: false });
            self.discard_store(false, turn);
            return self.over(turn);
        }
        self.start_limit.count(turn.now);
        self.invocations += 1;
        (self.result, self.reload_result) = (Outcome::Success, Outcome::Success);
        (self.stopping, self.restarting) = (false, false);
        (self.main_end, self.main_status, self.awaits_pid_file) = (None, None, false);
        (self.report, self.watchdog_deadline) = (Report::default(), None);
        (self.reloads_since, self.active_since) = (None, None);
        self.records.clear();
        self.enter(Phase::Condition, turn)
    }

    /// Executes the first command of a setting, or goes on where there is none.
    pub(super) fn enter(&mut self, phase: Phase, turn: &mut Turn) -> State {
        if phase == Phase::StartPost {
            self.watch(turn);
        }
        self.go_on(CommandId { phase, index: 0 }, turn)
    }

    /// Executes this command, or goes on where there is none.
    pub(super) fn go_on(&mut self, command: CommandId, turn: &mut Turn) -> State {
        if command.index < self.spec.commands(command.phase).len() {
            return self.execute(command, turn);
        }
        match command.phase {
            Phase::Condition => self.enter(Phase::StartPre, turn),
            Phase::StartPre => self.enter(Phase::Start, turn),
            Phase::Start if self.spec.service_type == ServiceType::Forking => self.find_main(turn),
            Phase::Start => {
                // With no command at all, others see that it has been started.
                self.state = State::Start;
                self.enter(Phase::StartPost, turn)
            }
            // With no command there, it was read before.
            Phase::StartPost if command.index > 0 && self.spec.pid_file.is_some() => self.find_main(turn),
            Phase::Reload if self.spec.pid_file.is_some() || self.is_headless() => self.find_main(turn),
            Phase::Reload if self.spec.service_type == ServiceType::NotifyReload => self.await_reloading(turn),
            Phase::StartPost | Phase::Reload => self.settle(turn),
            Phase::Stop | Phase::StopPre => self.signal(State::StopSigterm, Outcome::Success, turn),
            Phase::StopPost => self.signal(State::FinalSigterm, Outcome::Success, turn),
        }
    }

    /// The main process is executed: whether the service has started with that depends on its type.
    pub(super) fn main_executed(&mut self, turn: &mut Turn) -> State {
        match self.spec.service_type {
            // What could not be executed has not started, except that Type=simple does not know.
            ServiceType::Exec if self.main.is_none() => State::Start,
            ServiceType::Simple | ServiceType::Exec | ServiceType::Idle => self.enter(Phase::StartPost, turn),
            ServiceType::Oneshot | ServiceType::Notify | ServiceType::NotifyReload | ServiceType::Forking => {
                State::Start
            }
        }
    }

    /// The main process has ended before the service had started: that of Type=oneshot has done its work.
    pub(super) fn ended_while_starting(&mut self, outcome: Outcome, turn: &mut Turn) -> State {
        match (self.spec.service_type, outcome) {
            (ServiceType::Oneshot, Outcome::Success) => {
                self.go_on(CommandId { phase: Phase::Start, index: self.main_index + 1 }, turn)
            }
            (ServiceType::Notify | ServiceType::NotifyReload, Outcome::Success) => {
                self.signal(State::StopSigterm, Outcome::Protocol, turn)
            }
            // That is seen when its command has ended, or PIDFile= is there.
            (ServiceType::Forking, _) if self.control.is_some() || self.awaits_pid_file => State::Start,
            _ => self.signal(State::StopSigterm, outcome, turn),
        }
    }

    /// It has started or reloaded; or its main process has ended, now or meanwhile.
    pub(super) fn settle(&mut self, turn: &mut Turn) -> State {
        self.deadline = None;
        let goes_on = match self.spec.service_type {
            ServiceType::Forking => self.main_end.is_none() && !self.others.is_empty(),
            // That of Type=simple that could not be executed is about to be told.
            _ => self.main_end.is_none() && !self.spec.start.is_empty(),
        };
        if self.main.is_some() && self.report.told == Some(Told::Reloading) {
            return self.reloads_by_itself(turn);
        }
        if self.main.is_some() || goes_on {
            self.limit_runtime(turn);
            return State::Running;
        }
        if self.result != Outcome::Success {
            return self.signal(State::StopSigterm, Outcome::Success, turn);
        }
        if self.spec.remain_after_exit {
            return State::Exited;
        }
        self.enter(Phase::Stop, turn)
    }

    pub(super) fn reload(&mut self, turn: &mut Turn) -> State {
        self.reload_result = Outcome::Success;
        self.announcer.reloads();
        if let Some(main) = self.main.filter(|_| self.spec.service_type == ServiceType::NotifyReload) {
            (self.reloads_since, self.report.told) = (Some(turn.now), None);
            turn.act(Action::Kill(main, self.spec.reload_signal));
        }
        self.enter(Phase::Reload, turn)
    }

    pub(super) fn reload_takes_too_long(&mut self, turn: &mut Turn) -> State {
        self.log(Level::Warning, "Reload operation timed out. Killing reload process.", turn);
        (self.reload_result, self.reloads_since) = (Outcome::Timeout, None);
        // Nobody waits for it any more.
        turn.actions.extend(self.control.take().map(|control| Action::Kill(control, Signal::KILL)));
        self.settle(turn)
    }

    /// Nothing of it is left.
    pub(super) fn dead(&mut self, turn: &mut Turn) -> State {
        (self.deadline, self.watchdog_deadline) = (None, None);
        // What could not be ended is no process of its next start.
        (self.main, self.control, self.command) = (None, None, None);
        self.others.clear();
        self.monitors.clear();
        match turn.form {
            Form::Command(form) => self.command_is_over(form, turn),
            Form::Units => self.unit_is_over(turn),
        }
    }

    fn unit_is_over(&mut self, turn: &mut Turn) -> State {
        let restarts = !self.stopping && !self.is_to_stop && is_restarted(&self.spec, self.result, self.main_end);
        let state = self.over(turn);
        if self.is_to_stop {
            self.announcer.stops();
            self.announcer.is_silent();
        }
        turn.act(Action::CleanUp { unit: self.id, restarts: restarts || self.restarting });
        self.discard_store(restarts || self.restarting, turn);
        if self.stopping {
            return state;
        }
        if restarts && self.restarts_directly() {
            return self.restart_later(turn);
        }
        turn.failed |= state == State::Failed;
        if restarts {
            turn.later.push((self.id, Happening::Restart));
        }
        state
    }

    /// Says how it was. The state is that which a unit is left in.
    fn over(&mut self, turn: &mut Turn) -> State {
        match self.result {
            Outcome::Success => {
                self.log(Level::Info, "Deactivated successfully.", turn);
                State::Dead
            }
            Outcome::ExecCondition => {
                self.log(Level::Info, format_args!("Skipped due to '{}'.", self.result.word()), turn);
                State::Dead
            }
            failure => {
                self.log(Level::Warning, format_args!("Failed with result '{}'.", failure.word()), turn);
                State::Failed
            }
        }
    }

    /// RestartMode=direct: others are not to hear of its end.
    pub(super) fn restarts_directly(&self) -> bool {
        self.spec.restart_mode == RestartMode::Direct
    }

    /// Restart= wants it started again, once all others have heard of its end.
    pub(super) fn restart_later(&mut self, turn: &mut Turn) -> State {
        self.wait_until(Some(self.spec.restart_delay(self.restarts)), turn);
        State::AutoRestart
    }

    /// Has a job made that starts it again: conditions are checked, and what belongs to it is started or restarted with it.
    pub(super) fn schedule_restart(&mut self, turn: &mut Turn) -> State {
        if self.is_to_stop {
            self.log(Level::Info, "Stop job pending for unit, skipping automatic restart.", turn);
            return State::AutoRestart;
        }
        self.restarts += 1;
        self.scheduled = true;
        self.log(Level::Info, format_args!("Scheduled restart job, restart counter is at {}.", self.restarts), turn);
        turn.restarts.push(self.id);
        State::AutoRestart
    }

    /// Whether the job is under way by which Restart= starts it, and it has not ended as others see.
    pub(super) fn is_about_to_restart(&self) -> bool {
        self.state == State::AutoRestart && self.scheduled && self.restarts_directly()
    }

    /// It waits no more for Restart=: it is stopped, or that job has come.
    pub(super) fn restart_no_more(&mut self, restart: bool, turn: &mut Turn) -> State {
        self.deadline = None;
        self.announcer.stops();
        if !restart {
            self.start_is_off(turn);
        }
        State::Dead
    }

    /// A job has ended that starts it, or another.
    pub(super) fn job_has_ended(&mut self, starts: bool, result: JobResult, turn: &mut Turn) {
        if matches!(result, JobResult::Canceled | JobResult::Timeout) {
            // What becomes of it is not that of a job any more.
            self.announcer.is_over();
        }
        if starts && self.active().is_inactive_or_failed() {
            self.start_is_off(turn);
        } else if starts && self.is_about_to_restart() {
            self.step(Happening::Stop { restart: false }, turn);
        }
        if result == JobResult::Canceled && self.state == State::AutoRestart {
            self.scheduled &= !starts;
            // Its time has come before, or while it was to stop.
            if !self.scheduled && !self.is_to_stop && self.deadline.is_none() {
                self.is_due(Some(turn.now), turn);
            }
        }
    }

    /// No job starts it again.
    pub(super) fn start_is_off(&mut self, turn: &mut Turn) {
        self.scheduled = false;
        self.discard_store(false, turn);
    }

    /// FileDescriptorStorePreserve=: whether what is stored is kept.
    fn discard_store(&self, restarts: bool, turn: &mut Turn) {
        let kept = match self.spec.descriptor_store_preserve {
            Preserve::No => false,
            Preserve::Restart => restarts,
            Preserve::Yes => true,
        };
        if self.stored > 0 && !kept {
            turn.act(Action::DiscardStore(self.id));
        }
    }

    /// It is as if it had never been started.
    pub(super) fn reset(&mut self, turn: &mut Turn) -> State {
        self.discard_store(false, turn);
        (self.result, self.reload_result, self.restarts, self.deadline) = (Outcome::Success, Outcome::Success, 0, None);
        if mem::take(&mut self.state) == State::AutoRestart {
            self.announcer.stops();
        }
        State::Dead
    }

    /// Has [`Happening::TimeUp`] told then.
    pub(super) fn wait_until(&mut self, timeout: Timeout, turn: &mut Turn) {
        self.is_due(timeout.and_then(|timeout| turn.now.checked_add(timeout)), turn);
    }

    /// Has it told at this moment.
    pub(super) fn is_due(&mut self, deadline: Option<Instant>, turn: &mut Turn) {
        self.deadline = deadline;
        turn.timers.extend(deadline.map(|deadline| (deadline, Timer::Service(self.id))));
    }
}
