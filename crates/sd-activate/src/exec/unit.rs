//! How the commands of a unit are executed: systemd.exec(5).

use std::ffi::{CString, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::signal::SigSet;
use nix::sys::stat::Mode;

use super::block::About;
use super::confine::outside;
use super::credentials::Accounts;
use super::find::USUAL_PATH;
use super::ipc::IpcOwner;
use super::keyring::Keyring;
use super::manager::Manager;
use super::plan::{Plan, Surroundings};
use super::scheduling::Scheduled;
use super::step::Step;
use super::subject::Subject;
use super::terminal::Terminal;
use super::{expand, find, streams, subject};
use crate::error::{Error, errno, reason};
use crate::spec::{Command, ExecSpec, Kind, Phase, UnitSpec};

/// How the commands of a unit are executed.
pub struct UnitPlan {
    /// The unit.
    pub unit: Arc<UnitSpec>,
    /// What they have in common with those of other units.
    pub manager: Arc<Manager>,
    /// The names of the descriptors that are passed.
    pub names: Vec<Vec<u8>>,
    /// Whether they are passed for one connection, with `$REMOTE_ADDR` and `$REMOTE_PORT`.
    pub remote: bool,
}

/// What a command is executed for.
pub struct Circumstances {
    /// The setting that it stands in.
    pub phase: Phase,
    /// What it is told of the unit as it is now: `$MAINPID`, `$SERVICE_RESULT` and the others of "Environment Variables in
    /// Spawned Processes" that depend on that.
    pub variables: Vec<(OsString, OsString)>,
    /// What the log reads from: [`Output::Journal`](crate::spec::Output::Journal). Where there is no log, its streams are this
    /// process's.
    pub journal: Option<Arc<OwnedFd>>,
}

impl Circumstances {
    /// Those of a command that is told nothing.
    pub fn of(phase: Phase) -> Self {
        Self { phase, variables: Vec::new(), journal: None }
    }

    /// What it is told by this name.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.to_str())
    }
}

impl UnitPlan {
    /// What the unit says of all its commands.
    pub fn exec(&self) -> &ExecSpec {
        self.unit.exec().expect("a target has no commands, and no plan")
    }

    /// Lays out how a command is executed. Files are read, users looked up and directories made now.
    pub fn lay_out(&self, command: &Command, circumstances: &Circumstances) -> Result<Plan, Error> {
        let exec = self.exec();
        let accounts = self.accounts(exec)?;
        let streams = self.streams(exec, circumstances)?;
        let directories = self.make_directories(exec, accounts.owner())?;
        let home = self.home(exec);
        let about = About {
            account: accounts.user.as_ref(),
            home: home.as_ref(),
            streams: &streams,
            directories: &directories,
        };
        let environment = self.environment(exec, circumstances, &about)?;
        let arguments =
            if command.expand { expand::expand(&command.arguments, &environment) } else { command.arguments.clone() };
        let root = exec.root_directory.as_deref().filter(|_| self.changes_root(circumstances.phase));
        let paths = self.find(exec, command, circumstances.phase, root)?;
        let credentials = accounts.credentials(command.privileges);
        let confined = self.confine(exec, command.privileges, credentials.as_ref(), &directories, root)?;
        let surroundings = Surroundings {
            mask: SigSet::empty(),
            default_signals: self.manager.ignored.clone(),
            idle: None,
            ignore_sigpipe: exec.ignore_sigpipe,
            session: true,
            terminal: terminal(exec)?,
            list: self.lists_descriptors(circumstances.phase, &streams),
            // That filter is the memory's, which must not be this process's.
            patient: streams.patient || exec.scheduling.coredump_filter.is_some(),
            streams: streams.list,
            non_blocking: match &self.unit.kind {
                Kind::Service(service) => Some(service.non_blocking),
                _ => None,
            },
            limits: exec.limits.clone(),
            umask: Some(Mode::from_bits_truncate(exec.umask)),
            oom_score_adjust: exec.oom_score_adjust.map(|adjustment| adjustment.to_string()),
            nice: exec.nice,
            scheduled: Scheduled::from(&exec.scheduling),
            keyring: Keyring::of(exec.keyring, accounts.named(), circumstances.variable("INVOCATION_ID")),
            credentials,
            confined,
            root: root.map(text).transpose()?,
            directory: Some(self.working_directory(exec, &accounts, circumstances.phase)?),
            shell: false,
            subject: Some(Subject::new(&self.unit, circumstances.phase, command)),
        };
        Plan::new(&paths, &arguments, &environment, surroundings)
    }

    /// Removes what the unit does not leave when it has stopped, or is about to be started again, and puts its terminal in order.
    pub fn clean_up(&self, restarts: bool) {
        let exec = self.exec();
        self.remove_directories(exec, restarts);
        self.remove_private(exec);
        if let Kind::Service(service) = &self.unit.kind {
            service.pid_file.iter().for_each(|path| drop(std::fs::remove_file(path)));
        }
        if let Ok(Some(terminal)) = terminal(exec) {
            // It may be gone by now.
            let _ = terminal.prepare();
        }
    }

    /// Whose IPC objects the unit does not leave.
    pub fn ipc_owner(&self) -> IpcOwner {
        let exec = self.exec();
        let Ok(accounts) = self.accounts(exec) else { return IpcOwner::default() };
        let (user, group) = accounts.named().unzip();
        IpcOwner {
            user: user.filter(|user| exec.user.is_some() && !user.is_root()),
            group: group.filter(|group| group.as_raw() != 0),
        }
    }

    /// Where a command's file may be: several places in another root directory, which is not looked into from here.
    fn find(
        &self,
        exec: &ExecSpec,
        command: &Command,
        phase: Phase,
        root: Option<&Path>,
    ) -> Result<Vec<PathBuf>, Error> {
        let is_absolute = command.path.is_absolute();
        let directories = match &exec.search_path {
            _ if is_absolute => Vec::new(),
            none if none.is_empty() => std::env::split_paths(USUAL_PATH).collect(),
            some => some.clone(),
        };
        if root.is_some() {
            let within = directories.iter().map(|directory| directory.join(&command.path));
            return Ok(if is_absolute { vec![command.path.clone()] } else { within.collect() });
        }
        let name = command.path.as_os_str();
        let found = if is_absolute { find::find(name) } else { find::find_in(directories, name) };
        found.map(|path| vec![path]).map_err(|error| match error {
            Error::NotFound { command: file } if command.ignore_failure => Error::Skipped { command: file },
            error => error.of_command(subject::what_command(&command.origin, phase, &command.path)),
        })
    }

    /// Whether RootDirectory= is for these commands.
    fn changes_root(&self, phase: Phase) -> bool {
        match &self.unit.kind {
            Kind::Service(service) => phase == Phase::Start || !service.root_directory_start_only,
            _ => true,
        }
    }

    /// The home directory of WorkingDirectory=~ without a user.
    fn home(&self, exec: &ExecSpec) -> Option<PathBuf> {
        let directory = exec.working_directory.as_ref()?;
        (directory.path.is_none() && exec.user.is_none()).then(|| self.manager.scope.home.clone())
    }

    fn working_directory(&self, exec: &ExecSpec, accounts: &Accounts, phase: Phase) -> Result<(CString, bool), Error> {
        let scope = &self.manager.scope;
        let (path, optional) = match &exec.working_directory {
            None if scope.user => (scope.home.as_path(), false),
            None => (Path::new("/"), false),
            Some(directory) => {
                let home = || match &accounts.user {
                    Some(user) => user.home.as_deref(),
                    None => Some(scope.home.as_path()),
                };
                let path = directory.path.as_deref().or_else(home).ok_or_else(|| Error::Step {
                    step: Step::Chdir,
                    what: self.what("WorkingDirectory", "~"),
                    reason: "the user has no home directory".to_owned(),
                })?;
                (path, directory.optional)
            }
        };
        // Outside of another root directory it is the one in there, too.
        let root = exec.root_directory.as_deref().filter(|_| !self.changes_root(phase));
        Ok((text(&outside(path, root))?, optional))
    }

    /// What messages call a setting: where it is written, its name and its value.
    pub(super) fn what(&self, setting: &str, value: &str) -> String {
        subject::what(&self.unit, setting, value)
    }

    /// The error of a setting that keeps a command from being executed at all.
    pub(super) fn setting(&self, setting: &'static str, value: &str, reason: &str) -> Error {
        Error::Setting { what: self.what(setting, value), reason: reason.to_owned() }
    }

    /// The error of a step that has failed.
    pub(super) fn step(&self, step: Step, setting: &'static str, value: &str, error: std::io::Error) -> Error {
        Error::Step { step, what: self.what(setting, value), reason: reason(errno(error)) }
    }
}

fn text(path: &Path) -> Result<CString, Error> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::ZeroByte)
}

/// What is done to the terminal before and after.
fn terminal(exec: &ExecSpec) -> Result<Option<Terminal>, Error> {
    let given = &exec.terminal;
    let size = (given.rows.unwrap_or_default(), given.columns.unwrap_or_default());
    if !given.reset && !given.vhangup && size == (0, 0) {
        return Ok(None);
    }
    Ok(Some(Terminal { path: streams::terminal(exec)?, reset: given.reset, vhangup: given.vhangup, size }))
}
