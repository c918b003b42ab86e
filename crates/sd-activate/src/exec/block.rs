//! The environment variables of a unit's commands: "Environment Variables in Spawned Processes" in systemd.exec(5).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::directories::Made;
use super::environment::{self, Environment, Passing, Value};
use super::streams::Streams;
use super::unit::{Circumstances, UnitPlan};
use crate::account::Account;
use crate::error::{Error, errno};
use crate::glob;
use crate::spec::{EnvironmentFile, ExecSpec, Kind, environment_file};

/// What a command's variables tell of.
pub(super) struct About<'a> {
    /// User=.
    pub account: Option<&'a Account>,
    /// The home directory that it begins in, with WorkingDirectory=~.
    pub home: Option<&'a PathBuf>,
    /// Its standard streams.
    pub streams: &'a Streams,
    /// RuntimeDirectory= and its siblings.
    pub directories: &'a [Made],
}

impl UnitPlan {
    /// All variables of a command, each source over those before it.
    pub(super) fn environment(
        &self,
        exec: &ExecSpec,
        circumstances: &Circumstances,
        about: &About<'_>,
    ) -> Result<Environment, Error> {
        let mut environment = self.manager.environment.clone();
        if self.lists_descriptors(circumstances.phase, about.streams) {
            let pidfs = sdlite_core::pidfd::has_inode_ids();
            Passing { count: self.names.len(), names: &self.names, pidfs }.tell(&mut environment);
        }
        let mut set = |name: &str, value: &OsStr| {
            environment::set(&mut environment, name.into(), Value::Fixed(value.to_owned()));
        };
        if let Kind::Service(service) = &self.unit.kind {
            service.pid_file.iter().for_each(|path| set("PIDFILE", path.as_os_str()));
        }
        circumstances.variables.iter().for_each(|(name, value)| set(&name.to_string_lossy(), value));
        if let Some(home) = about.account.map_or(about.home, |account| account.home.as_ref()) {
            set("HOME", home.as_os_str());
        }
        if let Some(account) = about.account {
            set("LOGNAME", account.name.as_ref());
            set("USER", account.name.as_ref());
            account.shell.iter().for_each(|shell| set("SHELL", shell.as_os_str()));
        }
        if let Some(term) = &about.streams.term {
            set("TERM", term);
        }
        for made in about.directories {
            set(made.variable, &made.paths);
        }
        if self.remote {
            environment::set(&mut environment, "REMOTE_ADDR".into(), Value::Remote);
            environment::set(&mut environment, "REMOTE_PORT".into(), Value::Remote);
        }
        environment::set(&mut environment, "SYSTEMD_EXEC_PID".into(), Value::Pid);
        if circumstances.variable("WATCHDOG_USEC").is_some() {
            environment::set(&mut environment, "WATCHDOG_PID".into(), Value::Pid);
        }
        if let Ok(path) = std::env::join_paths(&exec.search_path) {
            if !path.is_empty() {
                environment::set(&mut environment, "PATH".into(), Value::Fixed(path));
            }
        }
        environment::pass_on(&mut environment, exec);
        environment::assign(&mut environment, exec);
        for file in &exec.environment_files {
            self.read(file, &mut environment)?;
        }
        environment.retain(|(name, value)| !exec.unset_environment.iter().any(|unset| is_unset(unset, name, value)));
        Ok(environment)
    }

    /// Sets what the files say that a pattern matches.
    fn read(&self, file: &EnvironmentFile, environment: &mut Environment) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::Setting {
            what: format!("{}: EnvironmentFile={}", file.origin, file.path.display()),
            reason: format!("{}: correct the path, or put a - before it where it may be missing", reason(&error)),
        };
        let paths = glob::paths(&file.path, false);
        if paths.is_empty() && !file.optional {
            return Err(failed(std::io::ErrorKind::NotFound.into()));
        }
        for path in paths {
            match std::fs::read(path) {
                Ok(text) => {
                    for (name, value) in environment_file::parse(&text) {
                        environment::set(environment, name.into(), Value::Fixed(value));
                    }
                }
                Err(_) if file.optional => (),
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => crate::error::reason(errno(error)),
    }
}

/// UnsetEnvironment=: `NAME`, or `NAME=VALUE` where it has just that value.
fn is_unset(unset: &OsStr, name: &OsStr, value: &Value) -> bool {
    let Value::Fixed(value) = value else { return unset == name };
    unset == name || unset.as_bytes() == [name.as_bytes(), b"=", value.as_bytes()].concat()
}
