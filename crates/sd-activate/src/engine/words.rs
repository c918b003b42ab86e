//! What is said of services: with the command line's form in the words of systemd-socket-activate(1), where it has any; of those
//! for one connection, in systemd's.

use nix::unistd::Pid;

use super::event::End;
use super::verdict::Outcome;
use super::{Form, Subject};

impl Form {
    /// It runs.
    pub(super) fn executed(self, subject: &Subject, main: Pid) -> Option<String> {
        matches!(self, Self::Command(_)).then(|| format!("Spawned '{}' as PID {main}.", subject.title))
    }

    /// Its main process has ended.
    pub(super) fn child_ended(self, main: Pid, end: End) -> Option<String> {
        matches!(self, Self::Command(_)).then(|| format!("Child {main} {end}"))
    }

    /// It is started.
    pub(super) fn started(self, subject: &Subject) -> Option<String> {
        matches!(self, Self::Units).then(|| format!("Started {subject}."))
    }

    /// Its main process has ended.
    pub(super) fn ended(self, subject: &Subject, end: End, outcome: Outcome) -> Option<String> {
        let told = matches!(self, Self::Units) && outcome != Outcome::Success;
        told.then(|| format!("{}: Main process exited, {}", subject.name, end.described()))
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
