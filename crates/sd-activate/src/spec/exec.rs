//! What the processes of a unit run in, and how they are ended: systemd.exec(5) and systemd.kill(5).

use std::collections::BTreeMap;
use std::ffi::{OsString, c_int};
use std::path::PathBuf;

use nix::libc::mode_t;
use nix::sys::resource::{Resource, rlim_t};

use super::{Confinement, Origin, Resources, Scheduling, Signal};

/// What a command of a unit is executed with.
#[derive(Clone, Debug)]
pub struct ExecSpec {
    /// User=: a name or a number.
    pub user: Option<String>,
    /// Group=: a name or a number; without it, the user's.
    pub group: Option<String>,
    /// SupplementaryGroups=: names or numbers, besides the user's.
    pub supplementary_groups: Vec<String>,

    /// ExecSearchPath=; where it is empty, systemd's own.
    pub search_path: Vec<PathBuf>,
    /// WorkingDirectory=; without it, the root directory, or the home directory of an ordinary user's manager.
    pub working_directory: Option<WorkingDirectory>,
    /// RootDirectory=.
    pub root_directory: Option<PathBuf>,
    /// UMask=.
    pub umask: mode_t,
    /// RuntimeDirectory= and its siblings.
    pub directories: Directories,

    /// Environment=: a variable that is set again keeps its place.
    pub environment: Vec<(String, OsString)>,
    /// EnvironmentFile=: read when the command is executed; they win over Environment=.
    pub environment_files: Vec<EnvironmentFile>,
    /// PassEnvironment=: names.
    pub pass_environment: Vec<String>,
    /// UnsetEnvironment=: `NAME` or `NAME=VALUE`, taken out last.
    pub unset_environment: Vec<OsString>,

    /// StandardInput=.
    pub standard_input: Input,
    /// StandardOutput=.
    pub standard_output: Output,
    /// StandardError=.
    pub standard_error: Output,
    /// StandardInputText= and StandardInputData=, for [`Input::Data`].
    pub input_data: Vec<u8>,
    /// TTYPath= and its siblings.
    pub terminal: Terminal,
    /// SyslogIdentifier= and its siblings.
    pub log: Log,

    /// LimitNOFILE= and its siblings.
    pub limits: Vec<ResourceLimit>,
    /// Nice=.
    pub nice: Option<c_int>,
    /// OOMScoreAdjust=.
    pub oom_score_adjust: Option<c_int>,
    /// IgnoreSIGPIPE=.
    pub ignore_sigpipe: bool,

    /// KeyringMode=.
    pub keyring: KeyringMode,
    /// RemoveIPC=.
    pub remove_ipc: bool,

    /// CPUSchedulingPolicy= and its siblings, and others of the kind.
    pub scheduling: Scheduling,
    /// MemoryMax= and its like, of its control group.
    pub resources: Resources,
    /// What confines it.
    pub confinement: Confinement,
}

impl Default for ExecSpec {
    fn default() -> Self {
        Self {
            user: None,
            group: None,
            supplementary_groups: Vec::new(),
            search_path: Vec::new(),
            working_directory: None,
            root_directory: None,
            umask: 0o022,
            directories: Directories::default(),
            environment: Vec::new(),
            environment_files: Vec::new(),
            pass_environment: Vec::new(),
            unset_environment: Vec::new(),
            standard_input: Input::Null,
            standard_output: Output::Journal,
            standard_error: Output::Inherit,
            input_data: Vec::new(),
            terminal: Terminal::default(),
            log: Log::default(),
            limits: Vec::new(),
            nice: None,
            oom_score_adjust: None,
            ignore_sigpipe: true,
            keyring: KeyringMode::Inherit,
            remove_ipc: false,
            scheduling: Scheduling::default(),
            resources: Resources::default(),
            confinement: Confinement::default(),
        }
    }
}

/// KeyringMode=: which session keyring a command has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringMode {
    /// The manager's: where nothing is said, with a user's manager.
    Inherit,
    /// One of its own: where nothing is said, otherwise.
    Private,
    /// The same, with the user's keyring in it.
    Shared,
}

/// WorkingDirectory=.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingDirectory {
    /// The path, below RootDirectory=; `None`, `~` in a unit, is the home directory of User=.
    pub path: Option<PathBuf>,
    /// `-` before it: no failure where it is missing.
    pub optional: bool,
}

/// EnvironmentFile=.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentFile {
    /// A path, or a pattern of glob(7).
    pub path: PathBuf,
    /// `-` before it: no failure where it is missing.
    pub optional: bool,
    /// Where it is written.
    pub origin: Origin,
}

/// The directories that are made for a unit.
#[derive(Clone, Debug, Default)]
pub struct Directories {
    /// RuntimeDirectory=, below /run.
    pub runtime: DirectorySet,
    /// StateDirectory=, below /var/lib.
    pub state: DirectorySet,
    /// CacheDirectory=, below /var/cache.
    pub cache: DirectorySet,
    /// LogsDirectory=, below /var/log.
    pub logs: DirectorySet,
    /// ConfigurationDirectory=, below /etc.
    pub configuration: DirectorySet,
    /// RuntimeDirectoryPreserve=.
    pub preserve: Preserve,
}

/// The directories of one such setting.
#[derive(Clone, Debug)]
pub struct DirectorySet {
    /// Relative paths, and the links to each, which stand beside it.
    pub directories: BTreeMap<PathBuf, Vec<PathBuf>>,
    /// …DirectoryMode=.
    pub mode: mode_t,
}

impl Default for DirectorySet {
    fn default() -> Self {
        Self { directories: BTreeMap::new(), mode: 0o755 }
    }
}

/// RuntimeDirectoryPreserve=: when runtime directories are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preserve {
    /// Never.
    #[default]
    No,
    /// Over a restart.
    Restart,
    /// Always.
    Yes,
}

/// StandardInput=.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// /dev/null.
    Null,
    /// A terminal, once nobody else controls it.
    Tty,
    /// A terminal, whoever controls it.
    TtyForce,
    /// A terminal that nobody controls, or a failure.
    TtyFail,
    /// [`ExecSpec::input_data`].
    Data,
    /// A file, or a socket's path, to which a connection is made.
    File(PathBuf),
    /// The socket that it was started for.
    Socket,
    /// The passed descriptor of this name.
    Named(String),
}

/// StandardOutput= and StandardError=.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The same as standard input; of standard error, as standard output.
    Inherit,
    /// /dev/null.
    Null,
    /// A terminal.
    Tty,
    /// The log.
    Journal,
    /// The kernel's log, besides.
    Kmsg,
    /// The console, besides the log.
    JournalConsole,
    /// The console, besides the kernel's log.
    KmsgConsole,
    /// A file, or a socket's path, to which a connection is made.
    File(PathBuf, FileMode),
    /// The socket that it was started for.
    Socket,
    /// The passed descriptor of this name.
    Named(String),
}

impl Output {
    /// Whether the log has it.
    pub fn is_logged(&self) -> bool {
        matches!(self, Self::Journal | Self::Kmsg | Self::JournalConsole | Self::KmsgConsole)
    }
}

/// How an output's file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMode {
    /// `file:`: at its start, without truncating it.
    Overwrite,
    /// `append:`.
    Append,
    /// `truncate:`.
    Truncate,
}

/// The terminal of [`Input::Tty`] and [`Output::Tty`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// TTYPath=; without it /dev/console.
    pub path: Option<PathBuf>,
    /// TTYReset=.
    pub reset: bool,
    /// TTYVHangup=.
    pub vhangup: bool,
    /// TTYRows=.
    pub rows: Option<u16>,
    /// TTYColumns=.
    pub columns: Option<u16>,
}

/// What is added to the lines that a unit's processes write to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// SyslogIdentifier=; without it, the name of the executed file.
    pub identifier: Option<String>,
    /// SyslogFacility=: LOG_DAEMON and so on.
    pub facility: c_int,
    /// SyslogLevel=: LOG_INFO and so on.
    pub level: c_int,
    /// SyslogLevelPrefix=: `<N>` at a line's start is its level.
    pub level_prefix: bool,
    /// LogLevelMax=: less important lines are dropped.
    pub level_max: Option<c_int>,
    /// LogExtraFields=: `FIELD=VALUE`.
    pub extra_fields: Vec<String>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            identifier: None,
            facility: libc::LOG_DAEMON,
            level: libc::LOG_INFO,
            level_prefix: true,
            level_max: None,
            extra_fields: Vec::new(),
        }
    }
}

/// One of LimitCPU= and its siblings; RLIM_INFINITY is "infinity".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceLimit {
    /// Which.
    pub resource: Resource,
    /// The soft limit.
    pub soft: rlim_t,
    /// The hard limit.
    pub hard: rlim_t,
}

/// How a unit's processes are ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// KillMode=.
    pub mode: KillMode,
    /// KillSignal=.
    pub signal: Signal,
    /// RestartKillSignal=; without it, the same.
    pub restart_signal: Option<Signal>,
    /// FinalKillSignal=.
    pub final_signal: Signal,
    /// WatchdogSignal=.
    pub watchdog_signal: Signal,
    /// SendSIGHUP=.
    pub send_sighup: bool,
    /// SendSIGKILL=: whether there is a final signal.
    pub send_sigkill: bool,
}

impl Kill {
    /// Whether a signal reaches all processes, and not only those of commands; the last one is SIGKILL.
    pub fn reaches_all(&self, last: bool) -> bool {
        match self.mode {
            KillMode::ControlGroup => true,
            KillMode::Mixed => last,
            KillMode::Process | KillMode::None => false,
        }
    }

    /// Whether SIGKILL reaches processes that no signal before it does.
    pub fn spares_until_sigkill(&self) -> bool {
        self.mode == KillMode::Mixed && self.send_sigkill
    }
}

impl Default for Kill {
    fn default() -> Self {
        Self {
            mode: KillMode::ControlGroup,
            signal: Signal::TERM,
            restart_signal: None,
            final_signal: Signal::KILL,
            watchdog_signal: Signal::ABRT,
            send_sighup: false,
            send_sigkill: true,
        }
    }
}

/// KillMode=: which of a unit's processes are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillMode {
    /// All.
    ControlGroup,
    /// The main process with the first signal, all with the last.
    Mixed,
    /// The main process.
    Process,
    /// None.
    None,
}
