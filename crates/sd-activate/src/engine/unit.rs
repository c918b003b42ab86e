//! A unit of whatever type, as jobs see it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Subject;
use super::event::UnitId;
use super::job::{Job, JobKind};
use super::limit::Limit;
use super::service::{self, Service};
use super::socket::{self, Socket};
use super::turn::Turn;
use super::verdict::Outcome;
use super::view::{ActiveState, Changes};
use crate::saved::{self, Word};
use crate::spec::{Kind, LoadState, UnitName, UnitSpec};

/// A unit that was loaded.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Unit {
    pub(super) name: UnitName,
    #[serde(with = "saved")]
    pub(super) spec: Arc<UnitSpec>,
    pub(super) load: LoadState,
    pub(super) machine: Machine,
    pub(super) job: Option<Job>,
    /// How often it was started or stopped because of what others are.
    pub(super) follows: Option<Limit>,
    pub(super) changes: Changes,
    /// The states that it was last seen in.
    #[serde(skip)]
    pub(super) seen: (ActiveState, &'static str),
    /// What messages call it.
    pub(super) title: String,
    /// Of a service for one connection: the socket that has accepted that, and who has connected.
    pub(super) connection: Option<(UnitId, String)>,
}

/// What goes through the states of its type.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Machine {
    Socket(Socket),
    Service(Service),
    /// A target, which is active or not.
    Target(bool),
}

impl Unit {
    pub(super) fn new(id: UnitId, spec: Arc<UnitSpec>, subject: Subject) -> Self {
        let title = subject.title.clone();
        let machine = match &spec.kind {
            Kind::Socket(socket) => Machine::Socket(Socket::new(id, socket.clone(), spec.start_limit, subject)),
            Kind::Service(service) => Machine::Service(Service::new(id, service.clone(), spec.start_limit, subject)),
            Kind::Target => Machine::Target(false),
        };
        let mut unit = Self {
            name: spec.name.clone(),
            spec,
            load: LoadState::Loaded,
            machine,
            job: None,
            follows: None,
            changes: Changes::default(),
            seen: (ActiveState::Inactive, ""),
            title,
            connection: None,
        };
        unit.seen = (unit.active(), unit.sub_state());
        unit
    }

    /// What messages call it.
    pub(super) fn subject(&self) -> Subject {
        Subject { name: self.name.to_string(), title: self.title.clone(), hint: None }
    }

    /// Other settings: what runs goes on as it is, and what comes next is as they say.
    pub(super) fn replace(&mut self, spec: Arc<UnitSpec>) {
        self.spec = spec;
        self.title = self.spec.title().to_owned();
        let subject = self.subject();
        match (&mut self.machine, &self.spec.kind) {
            (Machine::Socket(socket), Kind::Socket(spec)) => {
                socket.replace(spec.clone(), self.spec.start_limit, subject);
            }
            (Machine::Service(service), Kind::Service(spec)) => {
                (service.spec, service.subject) = (spec.clone(), subject);
                service.start_limit.set_rate(self.spec.start_limit);
            }
            _ => (),
        }
    }

    pub(super) fn active(&self) -> ActiveState {
        match &self.machine {
            Machine::Socket(socket) => socket.active(),
            Machine::Service(service) => service.active(),
            Machine::Target(true) => ActiveState::Active,
            Machine::Target(false) => ActiveState::Inactive,
        }
    }

    pub(super) fn sub_state(&self) -> &'static str {
        match &self.machine {
            Machine::Socket(socket) => socket.sub_state(),
            Machine::Service(service) => service.sub_state(),
            Machine::Target(true) => "active",
            Machine::Target(false) => "dead",
        }
    }

    /// Whether it is active, or becomes it.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.active(), ActiveState::Active | ActiveState::Reloading | ActiveState::Activating)
    }

    /// Whether it is to be stopped.
    pub(super) fn is_to_stop(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.kind == JobKind::Stop)
    }

    /// Its job is another one, or none.
    pub(super) fn note_job(&mut self) {
        let is_to_stop = self.is_to_stop();
        if let Machine::Service(service) = &mut self.machine {
            service.is_to_stop = is_to_stop;
        }
    }

    /// What is told of it to those that it starts by OnFailure= and OnSuccess=.
    pub(super) fn told_to_followers(&self) -> BTreeSet<(Word, String)> {
        let mut told = BTreeSet::new();
        if let Machine::Service(service) = &self.machine {
            told.insert(("MONITOR_SERVICE_RESULT", service.result.word().to_owned()));
            if let Some(end) = service.main_end {
                told.insert(("MONITOR_EXIT_CODE", end.code().to_owned()));
                told.insert(("MONITOR_EXIT_STATUS", end.short_status()));
            }
            told.insert(("MONITOR_UNIT", self.name.to_string()));
        }
        told
    }

    /// Whether others do not hear when it ends and Restart= starts it again.
    pub(super) fn restarts_directly(&self) -> bool {
        matches!(&self.machine, Machine::Service(service) if service.restarts_directly())
    }

    /// The same, and whether the job for that is under way.
    pub(super) fn is_about_to_restart(&self) -> bool {
        matches!(&self.machine, Machine::Service(service) if service.is_about_to_restart())
    }

    /// Whether it can be reloaded.
    pub(super) fn reloads(&self) -> bool {
        matches!(&self.spec.kind, Kind::Service(service) if service.reloads())
    }

    /// Whether it did that well, when it was told last.
    pub(super) fn has_reloaded(&self) -> bool {
        matches!(&self.machine, Machine::Service(service) if service.reload_result == Outcome::Success)
    }

    pub(super) fn start(&mut self, turn: &mut Turn) {
        match &mut self.machine {
            Machine::Socket(socket) => socket.step(socket::Happening::Start, turn),
            Machine::Service(service) => service.step(service::Happening::Start, turn),
            Machine::Target(active) => *active = true,
        }
    }

    /// Stops it, maybe to be started again at once.
    pub(super) fn stop(&mut self, restart: bool, turn: &mut Turn) {
        match &mut self.machine {
            Machine::Socket(socket) => socket.step(socket::Happening::Stop, turn),
            Machine::Service(service) => service.step(service::Happening::Stop { restart }, turn),
            Machine::Target(active) => *active = false,
        }
    }

    pub(super) fn reload(&mut self, turn: &mut Turn) {
        if let Machine::Service(service) = &mut self.machine {
            service.step(service::Happening::Reload, turn);
        }
    }

    pub(super) fn reset_failed(&mut self, turn: &mut Turn) {
        match &mut self.machine {
            Machine::Socket(socket) => socket.reset_failed(),
            Machine::Service(service) => {
                service.start_limit = Limit::new(service.start_limit.rate());
                service.step(service::Happening::ResetFailed, turn);
            }
            Machine::Target(_) => (),
        }
    }

    /// The states that it was in, where those have changed since it was last seen.
    pub(super) fn has_changed(&mut self, now: Instant) -> Option<ActiveState> {
        let states = (self.active(), self.sub_state());
        if states == self.seen {
            return None;
        }
        let (old, new) = (self.seen.0, states.0);
        self.seen = states;
        let changes = &mut self.changes;
        changes.state = Some(now);
        let over = ActiveState::is_inactive_or_failed;
        let active = ActiveState::is_active_or_reloading;
        if over(old) && !over(new) {
            changes.inactive_exit = Some(now);
        }
        if !over(old) && over(new) {
            changes.inactive_enter = Some(now);
        }
        if !active(old) && active(new) {
            changes.active_enter = Some(now);
        }
        if active(old) && !active(new) {
            changes.active_exit = Some(now);
        }
        Some(old)
    }
}
