//! What is said of services with the command line's form: the words of systemd-socket-activate(1), where it has any.

use nix::unistd::Pid;

use super::event::End;
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
}
