//! `enable`, `disable` and `is-enabled`: they work on files, as those of `systemctl --root=` do.

pub mod lookup;
mod section;

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

pub use lookup::{Directories, Found};
use section::Install;

use crate::spec::{Scope, UnitName};
use crate::unit::path::normal;

/// Units, and what is said of them.
pub struct Installer<'a> {
    /// Where they are.
    pub directories: &'a Directories,
    /// Whose they are.
    pub scope: &'a Scope,
    /// Links are made, or removed, that do not stay.
    pub runtime: bool,
    /// A link that leads elsewhere is replaced.
    pub force: bool,
    /// What was done and what is wrong.
    pub said: Vec<String>,
    failed: bool,
}

const NOTHING_TO_ENABLE: &str = "\
The unit files have no installation config (WantedBy=, RequiredBy=, Also=,
Alias= settings in the [Install] section, and DefaultInstance= for template
units). This means they are not meant to be enabled using systemctl.
 
Possible reasons for having this kind of units are:
• A unit may be statically enabled by being symlinked from another unit's
  .wants/ or .requires/ directory.
• A unit's purpose may be to act as a helper for some other unit which has
  a requirement dependency on it.
• A unit may be started when needed via activation (socket, path, timer,
  D-Bus, udev, scripted systemctl call, ...).
• In case of template units, the unit is meant to be enabled with some
  instance name specified.";

impl<'a> Installer<'a> {
    /// Nothing was done yet.
    pub fn new(directories: &'a Directories, scope: &'a Scope) -> Self {
        Self { directories, scope, runtime: false, force: false, said: Vec::new(), failed: false }
    }

    /// Whether something is enabled, in the word that systemctl has for it. None where there is no such unit.
    pub fn state(&self, name: &UnitName) -> Option<&'static str> {
        let runtime = |path: &Path| path.starts_with(&self.directories.runtime);
        let (path, linked) = match self.directories.find(name) {
            Found::Nothing => return None,
            Found::Masked(path) => return Some(if runtime(&path) { "masked-runtime" } else { "masked" }),
            Found::Alias(..) => return Some("alias"),
            Found::File { path, linked } => (path, linked),
        };
        let install = self.install(name, &path);
        for (directory, word) in
            [(&self.directories.persistent, "enabled"), (&self.directories.runtime, "enabled-runtime")]
        {
            if self.is_enabled_in(directory, name, &install) {
                return Some(word);
            }
        }
        Some(match linked {
            Some(link) => {
                if runtime(&link) {
                    "linked-runtime"
                } else {
                    "linked"
                }
            }
            None if self.has_instance(name) => "indirect",
            None if install.has_links() => "disabled",
            None if !install.also.is_empty() => "indirect",
            None => "static",
        })
    }

    fn install(&self, name: &UnitName, path: &Path) -> Install {
        let mut files = vec![self.directories.below_root(path)];
        let names = [Some(name.clone()), name.template()];
        for name in names.iter().flatten() {
            for directory in &self.directories.path {
                let entries = fs::read_dir(self.directories.below_root(&directory.join(format!("{name}.d"))));
                let mut drop_ins: Vec<PathBuf> =
                    entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
                drop_ins.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
                drop_ins.sort();
                files.extend(drop_ins);
            }
        }
        Install::read(name, files.iter().map(PathBuf::as_path), self.scope)
    }

    /// Whether a link in this directory makes that others want the unit, or know it by another name.
    fn is_enabled_in(&self, directory: &Path, name: &UnitName, install: &Install) -> bool {
        if !self.directories.path.iter().any(|known| known == directory) {
            return false;
        }
        let wanted = link_name(name, install.default_instance.as_deref());
        self.directories.links(directory).iter().any(|link| {
            let is_list = link.parent() != Some(directory);
            let named = link.file_name().and_then(|name| name.to_str());
            if is_list {
                named == Some(wanted.as_str())
            } else {
                !name.is_template() && self.is_alias(link, directory, name)
            }
        })
    }

    /// Whether it is another name of the unit.
    fn is_alias(&self, link: &Path, directory: &Path, name: &UnitName) -> bool {
        let target = fs::read_link(self.directories.below_root(link)).map(|target| normal(&directory.join(target)));
        let target = target.ok().filter(|target| self.directories.path.iter().any(|known| target.starts_with(known)));
        let base = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        target.is_some_and(|target| base(&target).as_deref() == Some(name.as_str()) && base(&target) != base(link))
    }

    /// Whether an instance of this template is wanted.
    fn has_instance(&self, template: &UnitName) -> bool {
        let links = self.directories.links(&self.directories.persistent);
        template.is_template()
            && links.iter().filter_map(|link| unit_of(link)).any(|name| name.template().as_ref() == Some(template))
    }

    /// Enables units. Whether all were.
    pub fn enable(&mut self, names: &[UnitName]) -> bool {
        let mut queue: VecDeque<UnitName> = names.iter().cloned().collect();
        let mut seen = BTreeSet::new();
        let mut enabled = false;
        while let Some(asked) = queue.pop_front() {
            let Some((name, path)) = self.file_of(&asked) else { continue };
            if !seen.insert(name.clone()) {
                continue;
            }
            let install = self.install(&name, &path);
            enabled |= !install.is_empty();
            self.make_links(&name, &path, &install);
            queue.extend(install.also.iter().filter_map(|also| UnitName::new(also)));
        }
        if !enabled && !self.failed {
            self.said.push(NOTHING_TO_ENABLE.to_owned());
        }
        !self.failed
    }

    /// The unit's own name and file.
    fn file_of(&mut self, asked: &UnitName) -> Option<(UnitName, PathBuf)> {
        if let Found::Alias(_, link) = self.directories.find(asked) {
            if [&self.directories.persistent, &self.directories.runtime].iter().any(|it| link.starts_with(it)) {
                self.fail(format!("Failed to enable unit, refusing to operate on linked unit file {asked}."));
                return None;
            }
        }
        match self.directories.resolve(asked) {
            (name, Found::File { path, .. }) => Some((name, path)),
            (_, Found::Masked(path)) => {
                let path = self.shown(&path);
                self.fail(format!("Failed to enable unit, unit {path} is masked."));
                None
            }
            _ => {
                self.fail(format!("Failed to enable unit, unit {asked} does not exist."));
                None
            }
        }
    }

    fn make_links(&mut self, name: &UnitName, path: &Path, install: &Install) {
        let directory =
            if self.runtime { self.directories.runtime.clone() } else { self.directories.persistent.clone() };
        let before = self.failed;
        let mut links = Vec::new();
        for alias in &install.alias {
            links.push(match UnitName::new(alias) {
                Some(alias) => {
                    // Another template is a name of the same instance.
                    let instance = name.instance().and_then(|instance| alias.instantiate(instance));
                    self.link(&directory.join(instance.unwrap_or(alias).as_str()), path, false)
                }
                None => self.fail(format!("Failed to enable unit, invalid name \"{alias}\" in Alias= of {name}.")),
            });
        }
        for (list, end) in [(&install.wanted_by, "wants"), (&install.required_by, "requires")] {
            for other in list {
                links.push(self.link_from(&directory, other, end, name, path, install));
            }
        }
        // The first link tells, as with systemctl: that another cannot be made is said, and no more.
        self.failed = before || links.first() == Some(&Link::Failed);
    }

    /// Makes the link by which another unit wants or requires this one.
    fn link_from(
        &mut self,
        directory: &Path,
        other: &str,
        end: &str,
        name: &UnitName,
        path: &Path,
        install: &Install,
    ) -> Link {
        let Some(other) = UnitName::new(other) else {
            return self
                .fail(format!("Failed to enable unit, \"{other}\" in [Install] of {name} is no name of a unit."));
        };
        let link = link_name(name, install.default_instance.as_deref());
        // Every instance of a template can be wanted by the instance of the same name, and by nobody else.
        if link.is_template() && !other.is_template() {
            return self.fail(format!("Failed to enable {name}, destination unit {other} is a non-template unit."));
        }
        let made = self.link(&directory.join(format!("{other}.{end}")).join(link.as_str()), path, true);
        if self.directories.resolve(&other).1 == Found::Nothing {
            let path = self.shown(path);
            self.said.push(format!("Unit {path} is added as a dependency to a non-existent unit {other}."));
        }
        made
    }

    /// Makes a link, unless it is there.
    fn link(&mut self, link: &Path, path: &Path, replace: bool) -> Link {
        let (real, shown) = (self.directories.below_root(link), self.shown(link));
        match fs::read_link(&real) {
            Ok(target) if target == path => return Link::Made,
            Ok(target) if !replace && !self.force => {
                let target = target.display();
                return self.fail(format!(
                    "Failed to enable unit, file \"{shown}\" already exists and is a symlink to \"{target}\"."
                ));
            }
            Ok(_) => self.remove(link),
            Err(_) if fs::symlink_metadata(&real).is_ok() => {
                return self.fail(format!("Failed to enable unit, file \"{shown}\" already exists."));
            }
            Err(_) => (),
        }
        let made = real.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| symlink(path, &real));
        match made {
            Ok(()) => {
                self.said.push(format!("Created symlink {shown} → {}.", path.display()));
                Link::Made
            }
            Err(error) => self.fail(format!("Failed to enable unit, {shown}: {error}.")),
        }
    }

    /// Removes a link, and its directory if nothing else is in it.
    fn remove(&mut self, link: &Path) {
        let (real, shown) = (self.directories.below_root(link), self.shown(link));
        match fs::remove_file(&real) {
            Ok(()) => self.said.push(format!("Removed \"{shown}\".")),
            Err(error) => drop(self.fail(format!("Failed to disable unit, {shown}: {error}."))),
        }
        let directory = real.parent().filter(|directory| directory.extension().is_some());
        let _ = directory.map(fs::remove_dir);
    }

    /// Disables units. Whether none was in the way.
    pub fn disable(&mut self, names: &[UnitName]) -> bool {
        let mut queue: VecDeque<UnitName> = names.iter().cloned().collect();
        let mut disabled = BTreeSet::new();
        while let Some(asked) = queue.pop_front() {
            match self.directories.resolve(&asked) {
                (name, Found::File { path, .. }) => {
                    if disabled.insert(name.clone()) {
                        let install = self.install(&name, &path);
                        queue.extend(install.also.iter().filter_map(|also| UnitName::new(also)));
                    }
                }
                (_, Found::Masked(path)) => {
                    let path = self.shown(&path);
                    self.said.push(format!("Unit {path} is masked, ignoring."));
                }
                _ => self.said.push(format!("Failed to disable unit, unit {asked} does not exist.")),
            }
        }
        let directory = if self.runtime { &self.directories.runtime } else { &self.directories.persistent };
        for link in self.directories.links(directory) {
            let names = [unit_of(&link), self.target_of(&link)];
            let is_one = |name: &UnitName| {
                disabled.contains(name) || name.template().is_some_and(|template| disabled.contains(&template))
            };
            // A template's link leads to its file, whichever instance it is for: that alone says nothing.
            let own = names[0].as_ref().is_some_and(is_one);
            let other = names[1].as_ref().is_some_and(|name| disabled.contains(name));
            if own || other {
                self.remove(&link);
            }
        }
        !self.failed
    }

    /// The name of the file that a link leads to.
    fn target_of(&self, link: &Path) -> Option<UnitName> {
        unit_of(&fs::read_link(self.directories.below_root(link)).ok()?)
    }

    fn shown(&self, path: &Path) -> String {
        self.directories.below_root(path).display().to_string()
    }

    fn fail(&mut self, message: String) -> Link {
        self.said.push(message);
        self.failed = true;
        Link::Failed
    }
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// It is there.
    Made,
    /// It cannot be made.
    Failed,
}

fn unit_of(path: &Path) -> Option<UnitName> {
    UnitName::new(path.file_name()?.to_str()?)
}

/// The name of the link by which others want a unit: that of a template's default instance.
fn link_name(name: &UnitName, default_instance: Option<&str>) -> UnitName {
    default_instance.and_then(|instance| name.instantiate(instance)).unwrap_or_else(|| name.clone())
}
