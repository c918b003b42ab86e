//! What a `.service` unit is: systemd.service(5).

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Command, ExecSpec, Kill, Phase, Preserve, Signal, Timeout, UnitName};

/// DefaultTimeoutStartSec= and DefaultTimeoutStopSec= of systemd-system.conf(5).
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(90);

/// A service unit.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// Type=, or what follows from the other settings.
    pub service_type: ServiceType,
    /// RemainAfterExit=.
    pub remain_after_exit: bool,

    /// ExecCondition=.
    pub condition: Vec<Command>,
    /// ExecStartPre=.
    pub start_pre: Vec<Command>,
    /// ExecStart=: one; none or more with Type=oneshot alone.
    pub start: Vec<Command>,
    /// ExecStartPost=.
    pub start_post: Vec<Command>,
    /// ExecReload=.
    pub reload: Vec<Command>,
    /// ExecStop=.
    pub stop: Vec<Command>,
    /// ExecStopPost=.
    pub stop_post: Vec<Command>,
    /// RootDirectoryStartOnly=: ExecStart= alone is in RootDirectory=.
    pub root_directory_start_only: bool,

    /// Restart=.
    pub restart: Restart,
    /// RestartSec=.
    pub restart_delay: Duration,
    /// RestartSteps=: in so many steps the delay grows to the longest one.
    pub restart_steps: u32,
    /// RestartMaxDelaySec=; `Duration::MAX` is none.
    pub restart_max_delay: Duration,
    /// RestartMode=.
    pub restart_mode: RestartMode,
    /// SuccessExitStatus=: besides 0 and, unless it is oneshot, SIGHUP, SIGINT, SIGTERM and SIGPIPE.
    pub success_exit_status: ExitStatuses,
    /// RestartPreventExitStatus=.
    pub restart_prevent_exit_status: ExitStatuses,
    /// RestartForceExitStatus=.
    pub restart_force_exit_status: ExitStatuses,

    /// TimeoutStartSec=, of each command that starts it and of its readiness.
    pub timeout_start: Timeout,
    /// TimeoutStopSec=, of each command that stops it and of its end.
    pub timeout_stop: Timeout,
    /// TimeoutAbortSec=, after WatchdogSignal=; without it, the same.
    pub timeout_abort: Option<Timeout>,
    /// TimeoutStartFailureMode=.
    pub start_failure: FailureMode,
    /// TimeoutStopFailureMode=.
    pub stop_failure: FailureMode,

    /// ReloadSignal=, with Type=notify-reload.
    pub reload_signal: Signal,
    /// WatchdogSec=: how often it has to say that it is alive.
    pub watchdog: Timeout,
    /// RuntimeMaxSec=.
    pub runtime_max: Timeout,
    /// RuntimeRandomizedExtraSec=: so much longer at most.
    pub runtime_extra: Duration,

    /// FileDescriptorStoreMax=.
    pub descriptor_store_max: u32,
    /// FileDescriptorStorePreserve=.
    pub descriptor_store_preserve: Preserve,
    /// NotifyAccess=, or what follows from other settings.
    pub notify_access: NotifyAccess,
    /// Sockets=: those whose descriptors it is passed, besides the socket of its own name.
    pub sockets: Vec<UnitName>,
    /// NonBlocking=: the passed descriptors are made O_NONBLOCK.
    pub non_blocking: bool,
    /// PIDFile=: which process is the main one, with Type=forking; removed after it has stopped.
    pub pid_file: Option<PathBuf>,
    /// GuessMainPID=: without that, with Type=forking, it is the only one that is left.
    pub guess_main_pid: bool,

    /// What its commands run in.
    pub exec: ExecSpec,
    /// How its processes are ended.
    pub kill: Kill,
}

impl Default for ServiceSpec {
    fn default() -> Self {
        Self {
            service_type: ServiceType::Simple,
            remain_after_exit: false,
            condition: Vec::new(),
            start_pre: Vec::new(),
            start: Vec::new(),
            start_post: Vec::new(),
            reload: Vec::new(),
            stop: Vec::new(),
            stop_post: Vec::new(),
            root_directory_start_only: false,
            restart: Restart::No,
            restart_delay: Duration::from_millis(100),
            restart_steps: 0,
            restart_max_delay: Duration::MAX,
            restart_mode: RestartMode::Normal,
            success_exit_status: ExitStatuses::default(),
            restart_prevent_exit_status: ExitStatuses::default(),
            restart_force_exit_status: ExitStatuses::default(),
            timeout_start: Some(DEFAULT_TIMEOUT),
            timeout_stop: Some(DEFAULT_TIMEOUT),
            timeout_abort: None,
            start_failure: FailureMode::Terminate,
            stop_failure: FailureMode::Terminate,
            reload_signal: Signal::HUP,
            watchdog: None,
            runtime_max: None,
            runtime_extra: Duration::ZERO,
            descriptor_store_max: 0,
            descriptor_store_preserve: Preserve::Restart,
            notify_access: NotifyAccess::None,
            sockets: Vec::new(),
            non_blocking: false,
            pid_file: None,
            guess_main_pid: true,
            exec: ExecSpec::default(),
            kill: Kill::default(),
        }
    }
}

impl ServiceSpec {
    /// Whether it says READY=1 when it has started.
    pub fn says_ready(&self) -> bool {
        matches!(self.service_type, ServiceType::Notify | ServiceType::NotifyReload)
    }

    /// How long Restart= waits that has started it so many times: it grows by the same ratio with each of RestartSteps=.
    pub fn restart_delay(&self, restarts: u32) -> Duration {
        let Self { restart_delay: shortest, restart_max_delay: longest, restart_steps: steps, .. } = *self;
        if steps == 0 || longest == Duration::MAX || shortest.is_zero() || shortest >= longest {
            return shortest;
        }
        if restarts >= steps {
            return longest;
        }
        let ratio = longest.as_secs_f64() / shortest.as_secs_f64();
        let delay = shortest.as_secs_f64() * ratio.powf(f64::from(restarts) / f64::from(steps));
        Duration::try_from_secs_f64(delay).unwrap_or(longest)
    }

    /// Whether it can be reloaded.
    pub fn reloads(&self) -> bool {
        !self.reload.is_empty() || self.service_type == ServiceType::NotifyReload
    }

    /// The commands of a setting.
    pub fn commands(&self, phase: Phase) -> &[Command] {
        match phase {
            Phase::Condition => &self.condition,
            Phase::StartPre => &self.start_pre,
            Phase::Start => &self.start,
            Phase::StartPost => &self.start_post,
            Phase::Reload => &self.reload,
            Phase::Stop => &self.stop,
            Phase::StopPost => &self.stop_post,
            Phase::StopPre => &[],
        }
    }
}

/// Type=: when a service counts as started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceType {
    /// At once.
    Simple,
    /// When it is executed.
    Exec,
    /// When it has exited.
    Oneshot,
    /// When it says READY=1.
    Notify,
    /// The same; and it is reloaded by a signal, and says when that is done.
    NotifyReload,
    /// When it has exited, and left a daemon behind.
    Forking,
    /// At once; but it is executed when no job is under way any more.
    Idle,
}

/// Restart=: after which ends it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// None.
    No,
    /// A clean exit status or signal.
    OnSuccess,
    /// Any but that.
    OnFailure,
    /// An unclean signal, or a timeout.
    OnAbnormal,
    /// The watchdog's timeout.
    OnWatchdog,
    /// An unclean signal.
    OnAbort,
    /// Any.
    Always,
}

/// RestartMode=: what comes between the end of a service and its next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartMode {
    /// It is inactive or has failed, as others see.
    Normal,
    /// Others do not see that it has ended.
    Direct,
    /// The same as normal; then it is told so by $DEBUG_INVOCATION.
    Debug,
}

/// Exit statuses and signals that processes end with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExitStatuses {
    /// Exit statuses.
    pub statuses: BTreeSet<u8>,
    /// Signals.
    pub signals: BTreeSet<Signal>,
}

impl ExitStatuses {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.statuses.is_empty() && self.signals.is_empty()
    }
}

/// TimeoutStartFailureMode= and TimeoutStopFailureMode=: what a service gets whose time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureMode {
    /// KillSignal=, then FinalKillSignal=.
    Terminate,
    /// WatchdogSignal=, then FinalKillSignal=.
    Abort,
    /// FinalKillSignal=.
    Kill,
}

/// NotifyAccess=: whose notifications are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotifyAccess {
    /// Nobody's.
    None,
    /// The main process's.
    Main,
    /// Those of the main process and of the unit's other commands.
    Exec,
    /// Those of all processes of the unit.
    All,
}

impl NotifyAccess {
    /// The words for them, as NOTIFYACCESS= has them, too.
    pub const WORDS: &[(&str, Self)] =
        &[("none", Self::None), ("main", Self::Main), ("exec", Self::Exec), ("all", Self::All)];
}
