//! What the end of a process means for its service.

use serde::{Deserialize, Serialize};

use super::event::End;
use crate::spec::{ExitStatuses, Restart, ServiceSpec, ServiceType, Signal};

/// Result= of systemctl(1): how a service did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    Success,
    ExitCode,
    Signal,
    CoreDump,
    Timeout,
    /// It did not say in time that it is alive.
    Watchdog,
    /// It ended before it said READY=1.
    Protocol,
    /// What it takes to execute it was missing.
    Resources,
    StartLimitHit,
    /// ExecCondition= says that it is not to be started.
    ExecCondition,
}

impl Outcome {
    /// The word that systemd has for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ExitCode => "exit-code",
            Self::Signal => "signal",
            Self::CoreDump => "core-dump",
            Self::Timeout => "timeout",
            Self::Watchdog => "watchdog",
            Self::Protocol => "protocol",
            Self::Resources => "resources",
            Self::StartLimitHit => "start-limit-hit",
            Self::ExecCondition => "exec-condition",
        }
    }

    /// The first thing that goes wrong is what is told.
    pub(super) fn worsen(&mut self, outcome: Self) {
        if *self == Self::Success {
            *self = outcome;
        }
    }

    /// That of a main process.
    pub(super) fn of(spec: &ServiceSpec, end: End) -> Self {
        const CLEAN: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::TERM, Signal::PIPE];
        match end {
            End::Killed(signal) if spec.service_type != ServiceType::Oneshot && CLEAN.contains(&signal) => {
                Self::Success
            }
            _ => Self::of_command(spec, end),
        }
    }

    /// That of another process: one that does its work and exits.
    pub(super) fn of_command(spec: &ServiceSpec, end: End) -> Self {
        match end {
            End::Exited(0) => Self::Success,
            _ if is_among(&spec.success_exit_status, end) => Self::Success,
            End::Exited(_) => Self::ExitCode,
            End::Killed(_) => Self::Signal,
            End::Dumped(_) => Self::CoreDump,
        }
    }

    /// That of a process of ExecCondition=: what exits with 1 to 254 says no.
    pub(super) fn of_condition(spec: &ServiceSpec, end: End) -> Self {
        match (Self::of_command(spec, end), end) {
            (Self::ExitCode, End::Exited(1..=254)) => Self::ExecCondition,
            (outcome, _) => outcome,
        }
    }
}

fn is_among(statuses: &ExitStatuses, end: End) -> bool {
    match end {
        End::Exited(status) => statuses.statuses.contains(&status),
        End::Killed(signal) | End::Dumped(signal) => statuses.signals.contains(&signal),
    }
}

/// Restart= and its exceptions: the table in systemd.service(5). There is no `end` where there was no main process.
pub(super) fn is_restarted(spec: &ServiceSpec, outcome: Outcome, end: Option<End>) -> bool {
    if matches!(outcome, Outcome::StartLimitHit | Outcome::ExecCondition) {
        return false;
    }
    if end.is_some_and(|end| is_among(&spec.restart_prevent_exit_status, end)) {
        return false;
    }
    if end.is_some_and(|end| is_among(&spec.restart_force_exit_status, end)) {
        return true;
    }
    match spec.restart {
        Restart::No => false,
        Restart::OnWatchdog => outcome == Outcome::Watchdog,
        Restart::Always => true,
        Restart::OnSuccess => outcome == Outcome::Success,
        Restart::OnFailure => outcome != Outcome::Success,
        Restart::OnAbnormal => !matches!(outcome, Outcome::Success | Outcome::ExitCode),
        Restart::OnAbort => matches!(outcome, Outcome::Signal | Outcome::CoreDump),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_started_again_as_the_table_of_the_manual_says() {
        use Restart::*;
        let end = |number| End::Killed(Signal::new(number).unwrap());
        // The columns: clean exit, clean signal, unclean exit, unclean signal.
        let ends = [End::Exited(0), end(libc::SIGTERM), End::Exited(1), end(libc::SIGSEGV)];
        for (restart, expected, after_timeout) in [
            (No, [false, false, false, false], false),
            (Always, [true, true, true, true], true),
            (OnSuccess, [true, true, false, false], false),
            (OnFailure, [false, false, true, true], true),
            (OnAbnormal, [false, false, false, true], true),
            (OnAbort, [false, false, false, true], false),
            (OnWatchdog, [false, false, false, false], false),
        ] {
            let spec = ServiceSpec { restart, ..ServiceSpec::default() };
            let found = ends.map(|end| is_restarted(&spec, Outcome::of(&spec, end), Some(end)));
            assert_eq!(found, expected, "{restart:?}");
            assert_eq!(is_restarted(&spec, Outcome::Timeout, Some(ends[1])), after_timeout, "{restart:?}");
        }
    }

    #[test]
    fn exit_statuses_that_are_named_win() {
        let among = |status| ExitStatuses { statuses: [status].into(), ..ExitStatuses::default() };
        let spec = ServiceSpec {
            restart: Restart::OnFailure,
            success_exit_status: among(75),
            restart_prevent_exit_status: among(2),
            restart_force_exit_status: among(0),
            ..ServiceSpec::default()
        };
        for (status, restarted) in [(75, false), (2, false), (3, true), (0, true)] {
            let end = End::Exited(status);
            assert_eq!(is_restarted(&spec, Outcome::of(&spec, end), Some(end)), restarted, "{status}");
        }
        let oneshot = ServiceSpec { service_type: ServiceType::Oneshot, ..ServiceSpec::default() };
        assert_eq!(Outcome::of(&oneshot, End::Killed(Signal::TERM)), Outcome::Signal);
    }
}
