//! How the commands of a unit are executed: systemd.exec(5).

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::signal::SigSet;
use nix::sys::stat::Mode;
use nix::unistd::{Group, Uid, User, getgrouplist};

use super::environment::{self, Environment, Passing, Value};
use super::plan::{Credentials, Plan, Stream, Surroundings};
use super::{expand, find};
use crate::error::Error;
use crate::spec::{Command, ExecSpec, FileMode, Input, Output, Phase, Privileges, environment_file};

/// `$PATH` of services, and where commands without a path are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How the commands of a service are executed.
pub struct UnitPlan {
    /// The unit's name, for messages.
    pub name: String,
    /// What they run in.
    pub exec: ExecSpec,
    /// The names of the descriptors that are passed.
    pub names: Vec<Vec<u8>>,
    /// Whether they are passed for one connection, with `$REMOTE_ADDR` and `$REMOTE_PORT`.
    pub remote: bool,
    /// Where no settings say otherwise, it runs in this directory.
    pub directory: PathBuf,
    /// The signals that are ignored in this process, and not in services.
    pub ignored: Vec<libc::c_int>,
}

/// What a command is executed for.
pub struct Circumstances {
    /// The setting that it stands in.
    pub phase: Phase,
    /// What it is told of the unit as it is now: `$MAINPID`, `$SERVICE_RESULT` and the others of "Environment Variables in
    /// Spawned Processes" that depend on that.
    pub variables: Vec<(OsString, OsString)>,
    /// What the log reads from: [`Output::Journal`]. Where there is no log, its streams are this process's.
    pub journal: Option<Arc<OwnedFd>>,
}

impl Circumstances {
    /// Those of a command that is told nothing.
    pub fn of(phase: Phase) -> Self {
        Self { phase, variables: Vec::new(), journal: None }
    }
}

impl UnitPlan {
    /// Lays out how a command is executed. Files are read and users looked up now.
    pub fn lay_out(&self, command: &Command, circumstances: &Circumstances) -> Result<Plan, Error> {
        let user = self.user()?;
        let environment = self.environment(user.as_ref(), circumstances)?;
        let arguments =
            if command.expand { expand::expand(&command.arguments, &environment) } else { command.arguments.clone() };
        let path = self.find(&command.path)?;
        let streams = self.streams(circumstances.journal.as_ref())?;
        let passed = streams.iter().any(|stream| matches!(stream, Stream::Passed));
        let credentials =
            if command.privileges == Privileges::Restricted { self.credentials(user.as_ref())? } else { None };
        let surroundings = Surroundings {
            mask: SigSet::empty(),
            default_signals: self.ignored.clone(),
            ignore_sigpipe: self.exec.ignore_sigpipe,
            session: true,
            streams,
            list: !passed && !self.names.is_empty(),
            limits: self.exec.limits.clone(),
            umask: Some(Mode::from_bits_truncate(self.exec.umask)),
            nice: self.exec.nice,
            credentials,
            directory: Some(self.working_directory(user.as_ref())?),
        };
        Plan::new(&path, &arguments, &environment, surroundings)
    }

    fn find(&self, command: &Path) -> Result<PathBuf, Error> {
        if command.is_absolute() {
            return find::find(command.as_os_str());
        }
        let usual = || std::env::split_paths(PATH).collect();
        let directories = if self.exec.search_path.is_empty() { usual() } else { self.exec.search_path.clone() };
        find::find_in(directories, command.as_os_str())
    }

    fn environment(&self, user: Option<&User>, circumstances: &Circumstances) -> Result<Environment, Error> {
        let mut environment = Environment::new();
        let mut set = |name: &str, value: Value| environment::set(&mut environment, name.into(), value);
        let fixed = |value: &OsStr| Value::Fixed(value.to_owned());
        set("PATH", fixed(PATH.as_ref()));
        if let Some(user) = user {
            set("HOME", fixed(user.dir.as_os_str()));
            set("LOGNAME", fixed(user.name.as_ref()));
            set("USER", fixed(user.name.as_ref()));
            set("SHELL", fixed(user.shell.as_os_str()));
        }
        set("SYSTEMD_EXEC_PID", Value::Pid);
        let passed = self.exec.standard_input == Input::Socket;
        let passing =
            Passing { count: self.names.len(), names: &self.names, pidfs: sdlite_core::pidfd::has_inode_ids() };
        let own = environment::build(&self.exec, (!passed && passing.count > 0).then_some(&passing));
        for (name, value) in own {
            environment::set(&mut environment, name, value);
        }
        if self.remote {
            environment::set(&mut environment, "REMOTE_ADDR".into(), Value::Remote);
            environment::set(&mut environment, "REMOTE_PORT".into(), Value::Remote);
        }
        for (name, value) in &circumstances.variables {
            environment::set(&mut environment, name.clone(), Value::Fixed(value.clone()));
        }
        for file in &self.exec.environment_files {
            match std::fs::read(&file.path) {
                Ok(text) => {
                    for (name, value) in environment_file::parse(&text) {
                        environment::set(&mut environment, name.into(), Value::Fixed(value));
                    }
                }
                Err(_) if file.optional => (),
                Err(error) => return Err(self.cannot("EnvironmentFile=", file.path.display(), error)),
            }
        }
        environment
            .retain(|(name, value)| !self.exec.unset_environment.iter().any(|unset| is_unset(unset, name, value)));
        Ok(environment)
    }

    fn cannot(&self, setting: &str, what: impl ToString, error: impl ToString) -> Error {
        let what = format!("{setting}{}", what.to_string());
        Error::Setting { unit: self.name.clone(), what, reason: error.to_string() }
    }

    fn user(&self) -> Result<Option<User>, Error> {
        let Some(name) = &self.exec.user else { return Ok(None) };
        let found = match name.parse() {
            Ok(number) => User::from_uid(Uid::from_raw(number)),
            Err(_) => User::from_name(name),
        };
        match found {
            Ok(Some(user)) => Ok(Some(user)),
            Ok(None) => Err(self.cannot("User=", name, "there is no such user")),
            Err(error) => Err(self.cannot("User=", name, error)),
        }
    }

    fn group(&self, setting: &str, name: &str) -> Result<Group, Error> {
        let found = match name.parse() {
            Ok(number) => Group::from_gid(nix::unistd::Gid::from_raw(number)),
            Err(_) => Group::from_name(name),
        };
        match found {
            Ok(Some(group)) => Ok(group),
            Ok(None) => Err(self.cannot(setting, name, "there is no such group")),
            Err(error) => Err(self.cannot(setting, name, error)),
        }
    }

    fn credentials(&self, user: Option<&User>) -> Result<Option<Credentials>, Error> {
        let group = self.exec.group.as_ref().map(|name| self.group("Group=", name)).transpose()?;
        if user.is_none() && group.is_none() && self.exec.supplementary_groups.is_empty() {
            return Ok(None);
        }
        let uid = user.map_or(Uid::current(), |user| user.uid);
        let usual = user.map_or(nix::unistd::Gid::current(), |user| user.gid);
        let gid = group.map_or(usual, |group| group.gid);
        let mut groups = match user.and_then(|user| CString::new(user.name.as_str()).ok()) {
            Some(name) => getgrouplist(&name, gid).unwrap_or_default(),
            None => Vec::new(),
        };
        for name in &self.exec.supplementary_groups {
            groups.push(self.group("SupplementaryGroups=", name)?.gid);
        }
        Ok(Some(Credentials { uid, gid, groups }))
    }

    fn working_directory(&self, user: Option<&User>) -> Result<(CString, bool), Error> {
        let (path, optional) = match &self.exec.working_directory {
            None => (self.directory.clone(), false),
            Some(directory) => {
                let home = || user.map_or_else(|| self.directory.clone(), |user| user.dir.clone());
                (directory.path.clone().unwrap_or_else(home), directory.optional)
            }
        };
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::ZeroByte)?;
        Ok((path, optional))
    }

    fn streams(&self, journal: Option<&Arc<OwnedFd>>) -> Result<[Stream; 3], Error> {
        let input = match &self.exec.standard_input {
            Input::Null => {
                Stream::Open(self.open("StandardInput=", "/dev/null".as_ref(), File::options().read(true))?)
            }
            Input::Socket => Stream::Passed,
            Input::File(path) => Stream::Open(self.open("StandardInput=", path, File::options().read(true))?),
            other => return Err(self.not_yet("StandardInput=", other)),
        };
        let output = self.output("StandardOutput=", &self.exec.standard_output, &input, journal)?;
        let error = self.output("StandardError=", &self.exec.standard_error, &output, journal)?;
        Ok([input, output, error])
    }

    fn output(
        &self,
        setting: &str,
        output: &Output,
        before: &Stream,
        journal: Option<&Arc<OwnedFd>>,
    ) -> Result<Stream, Error> {
        Ok(match output {
            Output::Inherit => match before {
                Stream::Open(open) => Stream::Open(open.clone()),
                Stream::Passed => Stream::Passed,
                Stream::Kept => Stream::Kept,
            },
            Output::Null => Stream::Open(self.open(setting, "/dev/null".as_ref(), File::options().write(true))?),
            Output::Journal => journal.cloned().map_or(Stream::Kept, Stream::Open),
            Output::Socket => Stream::Passed,
            Output::File(path, mode) => {
                let mut options = File::options();
                options.create(true).write(true).mode(0o666);
                match mode {
                    FileMode::Overwrite => &mut options,
                    FileMode::Append => options.append(true),
                    FileMode::Truncate => options.truncate(true),
                };
                Stream::Open(self.open(setting, path, &options)?)
            }
            other => return Err(self.not_yet(setting, other)),
        })
    }

    fn open(&self, setting: &str, path: &Path, options: &std::fs::OpenOptions) -> Result<Arc<OwnedFd>, Error> {
        let file = options.open(path).map_err(|error| self.cannot(setting, path.display(), error))?;
        Ok(Arc::new(file.into()))
    }

    fn not_yet(&self, setting: &str, value: impl std::fmt::Debug) -> Error {
        self.cannot(setting, format!("{value:?}"), "this is not carried out yet")
    }
}

/// UnsetEnvironment=: `NAME`, or `NAME=VALUE` where it has just that value.
fn is_unset(unset: &OsStr, name: &OsStr, value: &Value) -> bool {
    let Value::Fixed(value) = value else { return unset == name };
    unset == name || unset.as_bytes() == [name.as_bytes(), b"=", value.as_bytes()].concat()
}
