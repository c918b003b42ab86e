//! What a unit is, once its text or the command line was read: immutable and typed.
//!
//! Each field names the setting that it comes from; what the setting means stands in systemd.unit(5), systemd.socket(5),
//! systemd.service(5), systemd.exec(5) and systemd.kill(5). Defaults are systemd's, so that a `Default` is a unit without
//! settings. Whoever fills these types has checked them: a port is a port, and a relative path is where one is allowed.
//! `Duration::MAX` is "infinity", where that makes sense; a [`Timeout`] says it by `None`.

pub mod capability;
mod command;
mod confine;
pub mod dynamic_user;
pub mod environment_file;
mod exec;
mod job;
pub mod name;
pub mod number;
mod resource;
mod scheduling;
mod scope;
mod service;
mod signal;
mod socket;
mod source;
pub mod span;
pub mod status;
pub mod system_call;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::saved;

pub use command::{Command, CommandId, Phase, Privileges};
pub use confine::{
    AddressFamilies, Architecture, BindPath, ConfinedPath, Confinement, Denial, ProtectHome, ProtectSystem, SystemCalls,
};
pub use exec::{
    Directories, DirectorySet, EnvironmentFile, ExecSpec, FileMode, Input, KeyringMode, Kill, KillMode, Log, Output,
    Preserve, ResourceLimit, Terminal, WorkingDirectory,
};
pub use job::{EndAction, EndActions, JobMode, Jobs};
pub use name::{UnitName, UnitType};
pub use resource::{CpuWeight, Resources, controller};
pub use scheduling::{CpuScheduling, IoScheduling, Scheduling};
pub use scope::Scope;
pub use service::{ExitStatuses, FailureMode, NotifyAccess, Restart, RestartMode, ServiceSpec, ServiceType};
pub use signal::Signal;
pub use socket::{BindIpv6Only, Endpoint, Listen, Protocol, SocketSpec, Timestamping};
pub use source::{Source, UnitFile};

/// A length of time after which something happens; `None`, "infinity" in a unit, is never.
pub type Timeout = Option<Duration>;

/// A unit.
#[derive(Clone, Debug)]
pub struct UnitSpec {
    /// Its name; an instance's holds the instance.
    pub name: UnitName,
    /// The other names that it is known by: links on the unit path.
    pub aliases: Vec<UnitName>,
    /// Description=.
    pub description: Option<String>,
    /// The file it was read from.
    pub fragment: Option<PathBuf>,
    /// The drop-ins that were read after that, in their order.
    pub drop_ins: Vec<PathBuf>,
    /// All of these, as they were read: its own, and the drop-ins.
    pub files: Arc<[UnitFile]>,
    /// Every dependency: those of `.wants/` and `.requires/` directories, then the others in the order in which they are written.
    pub dependencies: Vec<Dependency>,
    /// Condition…= and Assert…=.
    pub conditions: Vec<Condition>,
    /// StartLimitIntervalSec= and StartLimitBurst=.
    pub start_limit: RateLimit,
    /// SuccessAction= and its siblings.
    pub end_actions: EndActions,
    /// JobTimeoutSec=, OnFailureJobMode= and their siblings.
    pub jobs: Jobs,
    /// StopWhenUnneeded=.
    pub stop_when_unneeded: bool,
    /// RefuseManualStart=.
    pub refuse_manual_start: bool,
    /// RefuseManualStop=.
    pub refuse_manual_stop: bool,
    /// CollectMode=inactive-or-failed: nothing is kept of it after it failed.
    pub collect_failed: bool,
    /// What belongs to its type.
    pub kind: Kind,
    /// Where each setting was set last, by its name: for messages.
    pub origins: BTreeMap<&'static str, Origin>,
}

impl UnitSpec {
    /// A unit without settings.
    pub fn new(name: UnitName, kind: Kind) -> Self {
        Self {
            name,
            aliases: Vec::new(),
            description: None,
            fragment: None,
            drop_ins: Vec::new(),
            files: Arc::default(),
            dependencies: Vec::new(),
            conditions: Vec::new(),
            start_limit: RateLimit { interval: Duration::from_secs(10), burst: 5 },
            end_actions: EndActions::default(),
            jobs: Jobs::default(),
            stop_when_unneeded: false,
            refuse_manual_start: false,
            refuse_manual_stop: false,
            collect_failed: false,
            kind,
            origins: BTreeMap::new(),
        }
    }

    /// Where a setting was set last, if it was.
    pub fn origin(&self, setting: &str) -> Option<&Origin> {
        self.origins.get(setting)
    }

    /// What its commands run in; a target has none.
    pub fn exec(&self) -> Option<&ExecSpec> {
        match &self.kind {
            Kind::Socket(socket) => Some(&socket.exec),
            Kind::Service(service) => Some(&service.exec),
            Kind::Target => None,
        }
    }

    /// What messages call it: its description, or its name where it has none.
    pub fn title(&self) -> &str {
        self.description.as_deref().unwrap_or(self.name.as_str())
    }

    /// The names of the units that stand in this relation to it.
    pub fn related(&self, relation: Relation) -> impl Iterator<Item = &UnitName> {
        self.dependencies.iter().filter(move |dependency| dependency.relation == relation).map(|found| &found.unit)
    }
}

/// What systemctl(1) calls the load state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadState {
    /// It can be started.
    Loaded,
    /// There is no such file.
    NotFound,
    /// It is a link to /dev/null, or empty.
    Masked,
    /// Something in it keeps it from being started.
    BadSetting,
    /// Its file cannot be read.
    Error,
    /// It is a template, of which only instances can be started.
    Template,
}

impl LoadState {
    /// The word that systemd has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::NotFound => "not-found",
            Self::Masked => "masked",
            Self::BadSetting => "bad-setting",
            Self::Error | Self::Template => "error",
        }
    }
}

/// What a unit of a type has of its own.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A `.socket` unit.
    Socket(Arc<SocketSpec>),
    /// A `.service` unit.
    Service(Arc<ServiceSpec>),
    /// A `.target` unit: it stands for what it wants and requires.
    Target,
}

/// Where something was written, for messages: `FILE:LINE`, or the option of the command line, which has no line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file, or the option.
    #[serde(with = "saved")]
    pub file: Arc<Path>,
    /// The line, the first of several that are continued; 0 for an option.
    pub line: u32,
}

impl Origin {
    /// An option of the command line.
    pub fn option(option: &str) -> Self {
        Self { file: Path::new(option).into(), line: 0 }
    }
}

impl Display for Origin {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}", self.file.display()),
            line => write!(formatter, "{}:{line}", self.file.display()),
        }
    }
}

/// How often something may happen: `burst` times within `interval`. Where either is zero, as often as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// …IntervalSec=.
    pub interval: Duration,
    /// …Burst=.
    pub burst: u32,
}

/// A unit that this one has to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// In which way.
    pub relation: Relation,
    /// The other one. It need not exist.
    pub unit: UnitName,
    /// Where that is said.
    pub origin: Origin,
}

/// The dependencies of systemd.unit(5) that are honoured; each is the setting of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Relation {
    /// Requires=, and what a `.requires/` directory holds.
    Requires,
    /// Wants=, and what a `.wants/` directory holds.
    Wants,
    /// Requisite=.
    Requisite,
    /// Upholds=.
    Upholds,
    /// BindsTo=.
    BindsTo,
    /// PartOf=.
    PartOf,
    /// PropagatesReloadTo=.
    PropagatesReloadTo,
    /// ReloadPropagatedFrom=.
    ReloadPropagatedFrom,
    /// PropagatesStopTo=.
    PropagatesStopTo,
    /// StopPropagatedFrom=.
    StopPropagatedFrom,
    /// Conflicts=.
    Conflicts,
    /// OnFailure=.
    OnFailure,
    /// OnSuccess=.
    OnSuccess,
    /// Before=.
    Before,
    /// After=.
    After,
}

/// A condition: what is not fulfilled keeps the unit from being started, an assertion with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What is asked.
    pub test: Test,
    /// What about.
    pub parameter: String,
    /// `!` before the parameter: the answer has to be no.
    pub negated: bool,
    /// `|` before the parameter: one such condition that is fulfilled is enough.
    pub triggering: bool,
    /// Assert…= rather than Condition…=.
    pub assertion: bool,
    /// Where that is said.
    pub origin: Origin,
}

/// What a condition asks: the name of its setting, without Condition or Assert before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the setting of this name in systemd.unit(5)")]
pub enum Test {
    Architecture,
    Capability,
    ControlGroupController,
    Cpus,
    DirectoryNotEmpty,
    Environment,
    FileIsExecutable,
    FileNotEmpty,
    Group,
    Host,
    KernelCommandLine,
    KernelVersion,
    Memory,
    OsRelease,
    PathExists,
    PathExistsGlob,
    PathIsDirectory,
    PathIsMountPoint,
    PathIsReadWrite,
    PathIsSymbolicLink,
    User,
    Virtualization,
}
