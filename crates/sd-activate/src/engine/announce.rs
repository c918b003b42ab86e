//! What is said of a service's start, stop and reload, in systemd's words: of its job, while it has one.

use serde::{Deserialize, Serialize};

use super::Form;
use super::service::{Service, State};
use super::turn::{Level, Turn};
use super::verdict::Outcome;
use super::view::ActiveState;
use crate::spec::ServiceType;

/// What was asked of a service, and whether its beginning was said.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Announcer(Option<(Job, bool)>);

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Job {
    Start,
    Stop,
    Reload,
}

impl Announcer {
    pub(super) fn starts(&mut self) {
        self.0 = Some((Job::Start, false));
    }

    pub(super) fn stops(&mut self) {
        if !matches!(self.0, Some((Job::Stop, _))) {
            self.0 = Some((Job::Stop, false));
        }
    }

    /// Nobody waits for that any more.
    pub(super) fn is_over(&mut self) {
        self.0 = None;
    }

    /// Its beginning is not said.
    pub(super) fn is_silent(&mut self) {
        self.0.iter_mut().for_each(|(_, said)| *said = true);
    }

    pub(super) fn reloads(&mut self) {
        self.0 = Some((Job::Reload, false));
    }
}

impl Service {
    /// Says what its state means for what was asked of it.
    pub(super) fn announce(&mut self, turn: &mut Turn) {
        let Some((job, said)) = self.announcer.0.filter(|_| self.awaited.is_none() && matches!(turn.form, Form::Units))
        else {
            return;
        };
        let subject = &self.subject;
        let finished = self.spec.service_type == ServiceType::Oneshot;
        let (level, message, ends) = match (job, self.active()) {
            (Job::Start, ActiveState::Activating) if self.spec.service_type == ServiceType::Idle => return,
            (Job::Start, ActiveState::Activating) if !said && self.state != State::AutoRestart => {
                (Level::Info, format!("Starting {subject}..."), false)
            }
            (Job::Start, ActiveState::Inactive) if self.result == Outcome::ExecCondition => {
                (Level::Info, format!("Condition check resulted in {subject} being skipped."), true)
            }
            (Job::Start, ActiveState::Active | ActiveState::Inactive) => {
                (Level::Info, format!("{} {subject}.", if finished { "Finished" } else { "Started" }), true)
            }
            (Job::Start, ActiveState::Failed) => (Level::Error, format!("Failed to start {subject}."), true),
            (Job::Stop, ActiveState::Deactivating) if !said => (Level::Info, format!("Stopping {subject}..."), false),
            (Job::Stop, ActiveState::Inactive | ActiveState::Failed) => {
                (Level::Info, format!("Stopped {subject}."), true)
            }
            (Job::Reload, ActiveState::Reloading) if !said => (Level::Info, format!("Reloading {subject}..."), false),
            (Job::Reload, ActiveState::Active) if self.reload_result == Outcome::Success => {
                (Level::Info, format!("Reloaded {subject}."), true)
            }
            (Job::Reload, ActiveState::Inactive) => (Level::Info, format!("Reloaded {subject}."), true),
            (Job::Reload, ActiveState::Active | ActiveState::Failed) => {
                (Level::Error, format!("Reload failed for {subject}."), true)
            }
            _ => return,
        };
        turn.log(self.id, level, message);
        self.announcer.0 = (!ends).then_some((job, true));
    }
}
