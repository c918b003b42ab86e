//! The verbs that work on unit files: `cat`, `is-enabled`, `enable`, `disable`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Map;

use super::client::{Client, Error};
use super::install::{Directories, Installer};
use super::names::unit_name;
use super::options::Options;
use super::style::{Colour, Style};
use super::{FAILURE, connect, jobs, print, say, say_error};
use crate::engine::Verb;
use crate::spec::{Scope, UnitName};
use crate::unit::files::{Files, Found};
use crate::unit::path::unit_path;

/// The unit files that a manager looks at, or would.
pub struct Disk {
    directories: Directories,
    scope: Scope,
}

impl Disk {
    /// Those of the manager that is asked; without one, those that it would look at.
    fn new(options: &Options) -> Self {
        match connect(&options.common) {
            Ok(mut client) if options.root.is_none() => Self::of_manager(options, &mut client),
            _ => Self::of_path(options, None, options.common.user),
        }
    }

    /// Those of this manager.
    pub fn of_manager(options: &Options, client: &mut Client) -> Self {
        let Ok(told) = client.call("Describe", Map::new()) else {
            return Self::of_path(options, None, options.common.user);
        };
        let path = told["unitPath"].as_array().into_iter().flatten().filter_map(|it| it.as_str());
        Self::of_path(options, Some(path.map(PathBuf::from).collect()), told["user"] == true)
    }

    fn of_path(options: &Options, path: Option<Vec<PathBuf>>, user: bool) -> Self {
        let scope = if user { Scope::user() } else { Scope::system() };
        let path = path.unwrap_or_else(|| unit_path(&scope));
        let (mut persistent, runtime) = if user {
            (scope.configuration.join("systemd/user"), scope.runtime.join("systemd/user"))
        } else {
            ("/etc/systemd/system".into(), "/run/systemd/system".into())
        };
        // Where the usual directory is not looked at, links there would do nothing.
        if let (false, Some(first)) = (path.contains(&persistent), path.first()) {
            persistent.clone_from(first);
        }
        let root = options.root.clone().unwrap_or_else(|| "/".into());
        Self { directories: Directories { root, path, persistent, runtime }, scope }
    }

    /// Whether a unit is enabled, in the word that systemctl has for it.
    pub fn state(&self, name: &str) -> Option<&'static str> {
        Installer::new(&self.directories, &self.scope).state(&UnitName::new(name)?)
    }
}

fn names(options: &Options) -> Vec<UnitName> {
    options.units.iter().filter_map(|unit| UnitName::new(&unit_name(unit, say))).collect()
}

/// `is-enabled`.
pub fn is_enabled(options: &Options) -> Result<u8, Error> {
    const ENABLED: [&str; 7] = ["enabled", "enabled-runtime", "static", "alias", "indirect", "generated", "transient"];
    let disk = Disk::new(options);
    let mut status = FAILURE;
    for name in names(options) {
        let Some(state) = disk.state(name.as_str()) else {
            say_error(format_args!("Failed to get unit file state for {name}: No such file or directory"));
            return Ok(FAILURE);
        };
        if !options.common.quiet {
            print(&[state.to_owned()]);
        }
        if ENABLED.contains(&state) {
            status = 0;
        }
    }
    Ok(status)
}

/// `enable` and `disable`.
pub fn enable(program: &str, options: &Options, enable: bool) -> Result<u8, Error> {
    let disk = Disk::new(options);
    let mut installer = Installer::new(&disk.directories, &disk.scope);
    (installer.runtime, installer.force) = (options.runtime, options.force);
    let names = names(options);
    let done = if enable { installer.enable(&names) } else { installer.disable(&names) };
    if !options.common.quiet || !done {
        installer.said.iter().for_each(say);
    }
    if !done {
        return Ok(FAILURE);
    }
    if options.root.is_some() {
        return Ok(0);
    }
    if !options.no_reload {
        // Where there is no manager, the next one reads what is there then.
        if let Ok(mut client) = connect(&options.common) {
            client.call("Reload", Map::new())?;
        }
    }
    match (options.now, enable) {
        (false, _) => Ok(0),
        (true, true) => jobs::run(program, "start", Verb::Start, options),
        (true, false) => jobs::run(program, "stop", Verb::Stop, options),
    }
}

/// `cat`.
pub fn cat(options: &Options) -> Result<u8, Error> {
    let disk = Disk::new(options);
    let files = Files::read(disk.directories.path.clone());
    let mut parts = Vec::new();
    let mut status = 0;
    for name in super::expand(&options.common, &options.units)?.iter().filter_map(|name| UnitName::new(name)) {
        match files.find(&name) {
            Found::File(name, path) => {
                let mut names = vec![name.clone()];
                names.extend(files.aliases(&name));
                parts.push(with_path(&path));
                parts.extend(files.drop_ins(&names).iter().map(|path| with_path(path)));
            }
            Found::Masked(_) => parts.push(format!("# Unit {name} is masked.\n").into_bytes()),
            Found::Nothing => {
                say_error(format_args!("No files found for {name}."));
                status = FAILURE;
            }
        }
    }
    let _ = std::io::stdout().write_all(&parts.join(&b'\n'));
    Ok(status)
}

/// A file's path, as a comment, and what it says.
fn with_path(path: &Path) -> Vec<u8> {
    let comment = Style::of_stdout().paint(Colour::Blue, format_args!("# {}", path.display()));
    let mut text = format!("{comment}\n").into_bytes();
    text.extend(fs::read(path).unwrap_or_default());
    text
}
