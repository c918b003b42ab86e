//! What is told of a unit, and what is asked of it: the words are those of systemctl(1).

use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::event::UnitId;
use super::job::Progress;
use super::notification::Report;
use super::unit::{Machine, Unit};
use super::{End, Engine};
use crate::saved::{self, Word};
use crate::spec::{Kind, LoadState, Signal, UnitName, UnitSpec};

/// Something that was asked of a unit, until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// What is asked of a unit: the verb of systemctl(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the verb of this name")]
pub enum Verb {
    Start,
    Stop,
    Restart,
    TryRestart,
    Reload,
    ReloadOrRestart,
    TryReloadOrRestart,
    ResetFailed,
    /// `kill`, with its `--signal=` and `--kill-whom=`.
    Kill(Signal, Whom),
}

/// `--kill-whom=`: which of a unit's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whom {
    /// The main process.
    Main,
    /// The process of the command that starts, reloads or stops it.
    Control,
    /// All.
    All,
}

/// What became of what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its job has ended so, or there was nothing to do.
    Ended(JobResult),
    /// There can be no such job: why, in a sentence.
    Refused(Refusal),
}

/// Why there can be no job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of reason it is.
    pub kind: RefusalKind,
    /// The reason, in a sentence.
    pub why: String,
}

/// Kinds of reasons for which systemctl(1) has exit statuses of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The unit does not exist.
    NotFound,
    /// It could not be loaded.
    NotLoaded,
    /// It does not let itself be started or stopped by hand.
    OnlyByDependency,
    /// Another job is not to give way.
    Destructive,
    /// Units of this type, or with these settings, cannot do that.
    NotApplicable,
    /// Any other.
    Other,
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self { kind: RefusalKind::Other, why }
    }
}

impl Refusal {
    /// There is no such unit.
    pub(super) fn not_found(name: &UnitName) -> Self {
        Self { kind: RefusalKind::NotFound, why: format!("Unit {name} not found.") }
    }

    /// Why a unit cannot be started that was loaded with this result. None: it can.
    pub fn of_load(load: LoadState, name: &UnitName) -> Option<Self> {
        let (kind, why) = match load {
            LoadState::Loaded => return None,
            LoadState::NotFound => return Some(Self::not_found(name)),
            LoadState::Masked => (RefusalKind::NotLoaded, format!("Unit {name} is masked.")),
            LoadState::BadSetting => (RefusalKind::NotLoaded, format!("Unit {name} has a bad unit file setting.")),
            LoadState::Error => (RefusalKind::NotLoaded, format!("Unit {name} is not loaded properly.")),
            LoadState::Template => (RefusalKind::NotLoaded, format!("Unit name {name} is missing the instance name.")),
        };
        Some(Self { kind, why })
    }
}

/// How a job has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobResult {
    /// The unit is as it was to become.
    Done,
    /// The unit has failed.
    Failed,
    /// A unit that it requires has failed.
    Dependency,
    /// A condition is not met.
    Skipped,
    /// An assertion is not met.
    Assert,
    /// A unit to be reloaded is not active.
    Invalid,
    /// It took too long.
    Timeout,
    /// Another job has taken its place.
    Canceled,
}

impl JobResult {
    /// The word that systemd has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Dependency => "dependency",
            Self::Skipped => "skipped",
            Self::Assert => "assert",
            Self::Invalid => "invalid",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
        }
    }
}

/// ActiveState= of systemctl(1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the state of this name")]
pub enum ActiveState {
    Active,
    Reloading,
    #[default]
    Inactive,
    Failed,
    Activating,
    Deactivating,
}

impl ActiveState {
    /// The word that systemd has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Reloading => "reloading",
            Self::Inactive => "inactive",
            Self::Failed => "failed",
            Self::Activating => "activating",
            Self::Deactivating => "deactivating",
        }
    }

    /// Whether it is over, well or not.
    pub fn is_inactive_or_failed(self) -> bool {
        matches!(self, Self::Inactive | Self::Failed)
    }

    /// Whether others can make use of it.
    pub fn is_active_or_reloading(self) -> bool {
        matches!(self, Self::Active | Self::Reloading)
    }
}

/// When a unit has changed last: StateChangeTimestamp= and its siblings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Its active or sub state changed.
    #[serde(with = "saved")]
    pub state: Option<Instant>,
    /// It left "inactive" or "failed".
    #[serde(with = "saved")]
    pub inactive_exit: Option<Instant>,
    /// It became "active".
    #[serde(with = "saved")]
    pub active_enter: Option<Instant>,
    /// It left "active".
    #[serde(with = "saved")]
    pub active_exit: Option<Instant>,
    /// It became "inactive" or "failed".
    #[serde(with = "saved")]
    pub inactive_enter: Option<Instant>,
    /// Its conditions were checked, and whether they were met.
    #[serde(with = "saved")]
    pub condition: Option<(Instant, bool)>,
}

/// A job that a unit has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its number.
    pub id: u32,
    /// `start`, `stop`, `restart`, `reload`.
    pub kind: &'static str,
    /// Whether it is under way, and not waiting for others.
    pub running: bool,
}

/// A process that a command of a unit was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandStatus {
    /// The setting: `ExecStart`, `ExecStartPre` and so on.
    #[serde(with = "saved")]
    pub setting: Word,
    /// The how-manieth of the setting's commands.
    pub index: usize,
    /// Its process.
    #[serde(with = "saved")]
    pub pid: Pid,
    /// When that began.
    #[serde(with = "saved")]
    pub since: Instant,
    /// When and how it has ended, if it has.
    #[serde(with = "saved")]
    pub end: Option<(Instant, End)>,
}

/// What is told of a unit.
#[derive(Clone, Debug)]
pub struct View {
    /// Which it is.
    pub id: UnitId,
    /// Its name.
    pub name: UnitName,
    /// What it is; nothing where it could not be loaded.
    pub spec: Option<Arc<UnitSpec>>,
    /// Whether it was loaded, or why not.
    pub load: LoadState,
    /// ActiveState=.
    pub active: ActiveState,
    /// SubState=.
    pub sub: &'static str,
    /// When it has changed.
    pub changes: Changes,
    /// Its job.
    pub job: Option<JobView>,
    /// The main process of a service.
    pub main: Option<Pid>,
    /// The process of another of its commands.
    pub control: Option<Pid>,
    /// Result=: `success`, `exit-code` and so on.
    pub result: &'static str,
    /// The main process of a service, while it runs and after that.
    pub main_status: Option<CommandStatus>,
    /// The commands that were executed last, the main one among them.
    pub statuses: Vec<CommandStatus>,
    /// NRestarts= of a service.
    pub restarts: u32,
    /// NAccepted= of a socket with Accept=yes.
    pub accepted: u64,
    /// NConnections= of such a socket.
    pub connections: u32,
    /// The service of a socket.
    pub triggers: Vec<UnitName>,
    /// The sockets of a service.
    pub triggered_by: Vec<UnitName>,
    /// What a service has told of itself.
    pub report: Report,
    /// ReloadResult= of a service.
    pub reload_result: &'static str,
    /// How many descriptors are stored for a service.
    pub stored: usize,
}

impl View {
    /// What there is to tell of a unit that is not among those of the engine.
    pub fn not_loaded(name: UnitName, load: LoadState, spec: Option<Arc<UnitSpec>>) -> Self {
        let triggers = match spec.as_ref().map(|spec| &spec.kind) {
            Some(Kind::Socket(socket)) if !socket.accept => vec![socket.service.clone()],
            _ => Vec::new(),
        };
        Self {
            id: UnitId(usize::MAX),
            name,
            spec,
            load,
            active: ActiveState::Inactive,
            sub: "dead",
            changes: Changes::default(),
            job: None,
            main: None,
            control: None,
            result: "success",
            main_status: None,
            statuses: Vec::new(),
            restarts: 0,
            accepted: 0,
            connections: 0,
            triggers,
            triggered_by: Vec::new(),
            report: Report::default(),
            reload_result: "success",
            stored: 0,
        }
    }

    /// The other names that it is known by.
    pub fn aliases(&self) -> &[UnitName] {
        self.spec.as_ref().map_or(&[], |spec| &spec.aliases)
    }
}

impl Engine {
    /// All units.
    pub fn units(&self) -> impl Iterator<Item = UnitId> + '_ {
        self.units.keys().copied()
    }

    /// The unit of this name, or known by it.
    pub fn find(&self, name: &UnitName) -> Option<UnitId> {
        self.graph.find(name)
    }

    /// What there is to tell of a unit.
    pub fn view(&self, id: UnitId) -> View {
        let unit = &self.units[&id];
        let names = |ids: Vec<UnitId>| ids.iter().map(|id| self.units[id].name.clone()).collect();
        let mut view = View {
            id,
            active: unit.active(),
            sub: unit.sub_state(),
            changes: unit.changes,
            job: unit.job.as_ref().map(|job| JobView {
                id: job.id,
                kind: job.kind.word(),
                running: job.progress == Progress::Running,
            }),
            triggered_by: names(self.triggers_of(unit)),
            ..View::not_loaded(unit.name.clone(), unit.load, Some(unit.spec.clone()))
        };
        match &unit.machine {
            Machine::Service(service) => {
                (view.main, view.control) = (service.main, service.control);
                (view.result, view.restarts) = (service.result().word(), service.restarts);
                view.main_status.clone_from(&service.main_status);
                view.statuses.clone_from(&service.records);
                view.report.clone_from(&service.report);
                (view.reload_result, view.stored) = (service.reload_result.word(), service.stored);
                let socket = unit.connection.as_ref().and_then(|(socket, _)| self.units.get(socket));
                view.triggered_by.extend(socket.map(|socket| socket.name.clone()));
            }
            Machine::Socket(socket) => {
                (view.control, view.result) = (socket.control(), socket.result);
                view.statuses.clone_from(&socket.statuses);
                (view.accepted, view.connections) = (socket.accepted, socket.connections);
                if socket.spec.accept {
                    let of_it = |other: &&Unit| other.connection.as_ref().is_some_and(|(socket, _)| *socket == id);
                    view.triggers.extend(self.units.values().filter(of_it).map(|other| other.name.clone()));
                }
            }
            Machine::Target(_) => (),
        }
        view
    }
}

/// A length of time in microseconds, the longest of which is none.
pub fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
