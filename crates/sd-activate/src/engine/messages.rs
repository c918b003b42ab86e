//! What is said of jobs of sockets and targets, in systemd's words; services say themselves how they start and stop
//! ([`announce`](super::announce)).

use super::Subject;
use super::job::JobKind;
use super::turn::Level;
use super::unit::{Machine, Unit};
use super::view::JobResult;
use crate::spec::Condition;

/// A unit is being started, and that may take long.
pub(super) fn starting(unit: &Unit) -> Option<(Level, String)> {
    let Machine::Socket(socket) = &unit.machine else { return None };
    let commands = !socket.spec.start_pre.is_empty() || !socket.spec.start_post.is_empty();
    commands.then(|| (Level::Info, format!("Starting {}...", unit.subject())))
}

/// A unit is being stopped, and that may take long.
pub(super) fn stopping(unit: &Unit) -> Option<(Level, String)> {
    matches!(unit.machine, Machine::Socket(_)).then(|| (Level::Info, format!("Stopping {}...", unit.subject())))
}

/// A unit's job has ended.
pub(super) fn ended(unit: &Unit, kind: JobKind, result: JobResult) -> Option<(Level, String)> {
    let words = match (kind, result, &unit.machine) {
        (JobKind::Start, JobResult::Done, Machine::Socket(_)) => "Listening on",
        (JobKind::Start, JobResult::Failed, Machine::Socket(_)) => "Failed to listen on",
        (JobKind::Stop, JobResult::Done, Machine::Socket(_)) => "Closed",
        (JobKind::Start, JobResult::Done, Machine::Target(_)) => "Reached target",
        (JobKind::Stop, JobResult::Done, Machine::Target(_)) => "Stopped target",
        (JobKind::Start, JobResult::Failed, Machine::Target(_)) => "Failed to start",
        (JobKind::Start, JobResult::Dependency, _) => "Dependency failed for",
        (JobKind::Start, JobResult::Assert, _) => "Assertion failed for",
        (JobKind::Start, JobResult::Timeout, _) => "Timed out starting",
        (JobKind::Stop | JobKind::Restart, JobResult::Timeout, _) => "Timed out stopping",
        _ => return None,
    };
    let level = match result {
        JobResult::Failed | JobResult::Timeout => Level::Error,
        JobResult::Dependency | JobResult::Assert => Level::Warning,
        _ => Level::Info,
    };
    Some((level, format!("{words} {}.", unit.subject())))
}

/// A condition keeps a unit from being started.
pub(super) fn unmet(subject: &Subject, condition: &Condition) -> String {
    let Condition { test, parameter, negated, triggering, assertion, .. } = condition;
    if *assertion {
        return format!("{}: Starting requested but asserts failed.", subject.name);
    }
    if *triggering {
        return format!("{subject} was skipped because no trigger condition checks were met.");
    }
    let not = if *negated { "!" } else { "" };
    format!("{subject} was skipped because of an unmet condition check (Condition{test:?}={not}{parameter}).")
}
