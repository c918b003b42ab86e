//! WatchdogSec=, RuntimeMaxSec= and EXTEND_TIMEOUT_USEC=: a service that says nothing in time, or runs for too long.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::service::{Service, State};
use super::turn::{Level, Timer, Turn};
use super::verdict::Outcome;
use super::view::microseconds;
use crate::spec::span::duration;
use crate::spec::{Phase, Timeout};

impl Service {
    /// WatchdogSec=, as it is now.
    pub(super) fn watchdog(&self) -> Timeout {
        self.report.watchdog.unwrap_or(self.spec.watchdog).filter(|interval| *interval != Duration::MAX)
    }

    /// It is alive: the time until it has to say so again begins anew.
    pub(super) fn watch(&mut self, turn: &mut Turn) {
        self.report.alive = Some(turn.now);
        self.watchdog_deadline = self.watchdog().and_then(|interval| turn.now.checked_add(interval));
        turn.timers.extend(self.watchdog_deadline.map(|deadline| (deadline, Timer::Watchdog(self.id))));
    }

    /// Whether it should have said that it is alive.
    pub(super) fn is_overdue(&mut self, turn: &Turn) -> bool {
        self.watchdog_deadline.take_if(|deadline| *deadline <= turn.now).is_some()
    }

    pub(super) fn watchdog_runs_out(&mut self, turn: &mut Turn) -> State {
        let limit = duration(microseconds(self.watchdog().unwrap_or_default()), 1);
        self.log(Level::Error, format_args!("Watchdog timeout (limit {limit})!"), turn);
        self.signal(State::StopWatchdog, Outcome::Watchdog, turn)
    }

    /// WATCHDOG=trigger.
    pub(super) fn watchdog_is_triggered(&mut self, turn: &mut Turn) -> State {
        let status = self.report.status.as_deref().unwrap_or("<unset>");
        self.log(Level::Error, format_args!("Watchdog request (last status: {status})!"), turn);
        self.signal(State::StopWatchdog, Outcome::Watchdog, turn)
    }

    /// RuntimeMaxSec=, from when it has started on. A reload does not begin it anew.
    pub(super) fn limit_runtime(&mut self, turn: &mut Turn) {
        let since = *self.active_since.get_or_insert(turn.now);
        let limit = self.spec.runtime_max.map(|limit| limit.saturating_add(self.extra(turn)));
        self.is_due(limit.and_then(|limit| since.checked_add(limit)), turn);
    }

    /// RuntimeRandomizedExtraSec=: at random, as the moment it started at is.
    fn extra(&self, turn: &Turn) -> Duration {
        let mut hasher = DefaultHasher::new();
        (self.active_since.unwrap_or(turn.now), self.id).hash(&mut hasher);
        self.spec.runtime_extra.mul_f64((hasher.finish() % 1_000_000) as f64 / 1e6)
    }

    /// It may have run for too long.
    pub(super) fn runtime_is_over(&mut self, turn: &mut Turn) -> State {
        self.log(Level::Warning, "Service reached runtime time limit. Stopping.", turn);
        self.result.worsen(Outcome::Timeout);
        self.enter(Phase::Stop, turn)
    }

    /// EXTEND_TIMEOUT_USEC=: what it does now may take longer.
    pub(super) fn extend_deadline(&mut self, extension: Duration, turn: &mut Turn) {
        let (Some(deadline), Some(extended)) = (self.deadline, turn.now.checked_add(extension)) else { return };
        if deadline < extended {
            self.is_due(Some(extended), turn);
        }
    }
}
