//! What is said of services, in each form: the command line's lines are those of systemd-socket-activate(1), where it has any;
//! units' are systemd's own.

use nix::unistd::Pid;

use super::event::End;
use super::verdict::Outcome;
use super::{Form, Subject};
use crate::spec::status;

impl Form {
    /// It runs. With the command line's form, that is said of processes.
    pub(super) fn executed(self, subject: &Subject, main: Pid) -> Option<String> {
        matches!(self, Self::Command(_)).then(|| format!("Spawned '{}' as PID {main}.", subject.title))
    }

    /// It is being started, and that may take long.
    pub(super) fn starting(self, subject: &Subject) -> Option<String> {
        matches!(self, Self::Units).then(|| format!("Starting {subject}..."))
    }

    /// It is started; or finished, which is the same for one that does its work by that.
    pub(super) fn started(self, subject: &Subject, finished: bool) -> Option<String> {
        let word = if finished { "Finished" } else { "Started" };
        matches!(self, Self::Units).then(|| format!("{word} {subject}."))
    }

    /// Its main process has ended.
    pub(super) fn ended(self, subject: &Subject, main: Pid, end: End, outcome: Outcome) -> Option<String> {
        match self {
            Self::Command(_) => Some(format!("Child {main} {end}")),
            Self::Units if outcome == Outcome::Success => None,
            Self::Units => Some(format!("{}: Main process exited, {}", subject.name, described(end))),
        }
    }

    /// Nothing of it is left.
    pub(super) fn dead(self, subject: &Subject, outcome: Outcome) -> Option<String> {
        match (self, outcome) {
            (Self::Command(_), _) => None,
            (Self::Units, Outcome::Success) => Some(format!("{}: Deactivated successfully.", subject.name)),
            (Self::Units, outcome) => Some(format!("{}: Failed with result '{}'.", subject.name, outcome.word())),
        }
    }
}

/// `code=exited, status=1/FAILURE`, as systemd has it.
fn described(end: End) -> String {
    match end {
        End::Exited(code) => format!("code=exited, status={code}/{}", status::name(code).unwrap_or("n/a")),
        End::Killed(signal) => {
            let name = signal.to_string();
            format!("code=killed, status={}/{}", signal.number(), name.trim_start_matches("SIG"))
        }
    }
}
