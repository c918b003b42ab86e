//! What comes of one event, and what it is about.

use std::fmt::{Display, Write};
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::event::UnitId;
use super::service::Happening;
use super::{Action, Form};

/// What most messages take behind a unit's name.
const MESSAGE: usize = 64;

/// Whose a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Taker {
    Service(UnitId),
    /// That of a connection, with the command line's form.
    Connection,
}

impl Taker {
    /// The unit.
    pub(super) fn unit(self) -> Option<UnitId> {
        match self {
            Self::Service(id) => Some(id),
            Self::Connection => None,
        }
    }
}

/// What there is to do at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Timer {
    /// Those who wait for a service may be let in again.
    Rest(UnitId),
    /// The time of a service's state may be up.
    Service(UnitId),
    /// A service may have to say that it is alive.
    Watchdog(UnitId),
    /// PIDFile= of a service may be there.
    PidFile(UnitId),
    /// The time of a unit's job is up.
    Job(UnitId),
    /// A unit may be started or stopped again because of what others are.
    Follow(UnitId),
    /// There may be room for connections again.
    Shortage,
}

impl Timer {
    /// All that a unit may have.
    pub(super) fn of(id: UnitId) -> [Self; 6] {
        [Self::Rest(id), Self::Service(id), Self::Watchdog(id), Self::PidFile(id), Self::Job(id), Self::Follow(id)]
    }

    /// Whose it is.
    pub(super) fn unit(self) -> Option<UnitId> {
        match self {
            Self::Rest(id)
            | Self::Service(id)
            | Self::Watchdog(id)
            | Self::PidFile(id)
            | Self::Job(id)
            | Self::Follow(id) => Some(id),
            Self::Shortage => None,
        }
    }
}

/// How important it is what is said: syslog(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// LOG_ERR.
    Error = libc::LOG_ERR as isize,
    /// LOG_WARNING.
    Warning = libc::LOG_WARNING as isize,
    /// LOG_NOTICE.
    Notice = libc::LOG_NOTICE as isize,
    /// LOG_INFO.
    Info = libc::LOG_INFO as isize,
}

/// What comes of one event.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) now: Instant,
    pub(super) form: Form,
    pub(super) actions: Vec<Action>,
    pub(super) timers: Vec<(Instant, Timer)>,
    pub(super) owned: Vec<(Pid, Taker)>,
    /// Units whose start limit was hit.
    pub(super) given_up: Vec<UnitId>,
    /// Services that Restart= starts again.
    pub(super) restarts: Vec<UnitId>,
    /// Sockets that somebody has come to, and whose service is to be started.
    pub(super) triggered: Vec<UnitId>,
    /// Units that something has happened to.
    pub(super) touched: Vec<UnitId>,
    pub(super) failed: bool,
    /// What is told to services when all have heard of what has come of this.
    pub(super) later: Vec<(UnitId, Happening)>,
}

impl Turn {
    /// Nothing has come of it yet.
    pub(super) fn new(now: Instant, form: Form) -> Self {
        Self {
            now,
            form,
            actions: Vec::new(),
            timers: Vec::new(),
            owned: Vec::new(),
            given_up: Vec::new(),
            restarts: Vec::new(),
            triggered: Vec::new(),
            touched: Vec::new(),
            failed: false,
            later: Vec::new(),
        }
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(super) fn say(&mut self, message: impl ToString) {
        self.act(Action::Say(message.to_string()));
    }

    /// Says something about a unit.
    pub(super) fn log(&mut self, unit: UnitId, level: Level, message: String) {
        self.act(Action::Log { unit, level, message });
    }

    /// Says something about a unit behind its name, in systemd's words; the command line's form has its own.
    pub(super) fn log_of(&mut self, unit: UnitId, name: &str, level: Level, message: impl Display) {
        if matches!(self.form, Form::Units) {
            let mut text = String::with_capacity(name.len() + MESSAGE);
            // There is nothing wrong with writing to memory.
            let _ = write!(text, "{name}: {message}");
            self.log(unit, level, text);
        }
    }

    /// Says it, if there is anything, where units are managed.
    pub(super) fn log_any(&mut self, unit: UnitId, message: Option<(Level, String)>) {
        if let (Form::Units, Some((level, message))) = (self.form, message) {
            self.log(unit, level, message);
        }
    }

    /// Whether Restart= starts a service again that is over.
    pub(super) fn restarts(&self, service: UnitId) -> bool {
        self.later.iter().any(|(id, happening)| *id == service && matches!(happening, Happening::Restart))
    }

    /// These processes are a service's.
    pub(super) fn own(&mut self, service: UnitId, processes: &[Pid]) {
        self.owned.extend(processes.iter().map(|pid| (*pid, Taker::Service(service))));
    }

    pub(super) fn say_any(&mut self, message: Option<String>) {
        self.actions.extend(message.map(Action::Say));
    }

    /// Whether everything ends with it.
    pub(super) fn ends(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::Exit(_) | Action::Fail(_)))
    }

    pub(super) fn after(&mut self, delay: Duration, timer: Timer) {
        if let Some(at) = self.now.checked_add(delay) {
            self.timers.push((at, timer));
        }
    }
}
