//! RuntimeDirectory= and its siblings: directories that are made for a unit before its commands are executed, and removed when
//! it has stopped.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{Error as IoError, ErrorKind, Result as IoResult};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown, lchown, symlink};
use std::path::{Component, Path, PathBuf};

use nix::unistd::{Gid, Uid};

use super::step::Step;
use super::unit::UnitPlan;
use crate::error::Error;
use crate::log::say;
use crate::spec::{DirectorySet, ExecSpec, Preserve};

/// Of the directories on the way, whatever umask this process has.
const MODE_OF_PARENTS: u32 = 0o755;

/// The directories of a setting that were made.
pub(super) struct Made {
    /// The variable that tells of them.
    pub variable: &'static str,
    /// Their absolute paths, with colons between.
    pub paths: OsString,
    /// The same, each by itself.
    pub list: Vec<PathBuf>,
    /// Where they are in fact, if they are a dynamic user's, whom nobody else may share them with.
    pub private: Vec<PathBuf>,
}

/// To whom directories are given: what User= and Group= say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owner {
    pub uid: Option<Uid>,
    pub gid: Option<Gid>,
}

/// A setting, with where its directories are.
struct Place<'a> {
    setting: &'static str,
    variable: &'static str,
    step: Step,
    base: &'a Path,
    set: &'a DirectorySet,
    /// Whether they are in a directory that only root can look into, with links to them.
    private: bool,
}

/// That directory.
pub(super) const PRIVATE: &str = "private";
const MODE_OF_PRIVATE: u32 = 0o700;

impl UnitPlan {
    fn places<'a>(&'a self, exec: &'a ExecSpec) -> [Place<'a>; 5] {
        let (scope, directories) = (&self.manager.scope, &exec.directories);
        let place = |setting, variable, step, base, set| {
            let kept = !matches!(step, Step::RuntimeDirectory | Step::ConfigurationDirectory);
            Place { setting, variable, step, base, set, private: exec.confinement.dynamic_user && kept }
        };
        [
            place(
                "RuntimeDirectory",
                "RUNTIME_DIRECTORY",
                Step::RuntimeDirectory,
                &scope.runtime,
                &directories.runtime,
            ),
            place("StateDirectory", "STATE_DIRECTORY", Step::StateDirectory, &scope.state, &directories.state),
            place("CacheDirectory", "CACHE_DIRECTORY", Step::CacheDirectory, &scope.cache, &directories.cache),
            place("LogsDirectory", "LOGS_DIRECTORY", Step::LogsDirectory, &scope.logs, &directories.logs),
            place(
                "ConfigurationDirectory",
                "CONFIGURATION_DIRECTORY",
                Step::ConfigurationDirectory,
                &scope.configuration,
                &directories.configuration,
            ),
        ]
    }

    /// Makes all that are missing, and says what variables tell of them.
    pub(super) fn make_directories(&self, exec: &ExecSpec, owner: Owner) -> Result<Vec<Made>, Error> {
        let mut made = Vec::new();
        for place in self.places(exec).iter().filter(|place| !place.set.directories.is_empty()) {
            for (directory, links) in &place.set.directories {
                let failed =
                    |error: IoError| self.step(place.step, place.setting, &directory.display().to_string(), error);
                place.make(directory, owner).map_err(failed)?;
                links.iter().try_for_each(|link| place.link(directory, link)).map_err(failed)?;
            }
            let list: Vec<_> = place.set.directories.keys().map(|directory| place.base.join(directory)).collect();
            let paths = list.iter().map(|path| path.as_os_str()).collect::<Vec<_>>().join(":".as_ref());
            let private = place.set.directories.keys().filter(|_| place.private);
            let private = private.map(|directory| place.path(directory)).collect();
            made.push(Made { variable: place.variable, paths, list, private });
        }
        Ok(made)
    }

    /// Removes what is not kept when the unit has stopped, or is about to be started again.
    pub(super) fn remove_directories(&self, exec: &ExecSpec, restarts: bool) {
        let kept = match exec.directories.preserve {
            Preserve::No => false,
            Preserve::Restart => restarts,
            Preserve::Yes => true,
        };
        let [runtime, ..] = &self.places(exec);
        for (directory, links) in runtime.set.directories.iter().filter(|_| !kept) {
            for link in links.iter().map(|link| runtime.base.join(link)) {
                if link.is_symlink() {
                    let _ = fs::remove_file(link);
                }
            }
            let path = runtime.base.join(directory);
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    say(format_args!("{}: {} cannot be removed: {error}", self.unit.name, path.display()));
                }
                _ => (),
            }
        }
    }
}

impl Place<'_> {
    /// Where a directory is.
    fn path(&self, directory: &Path) -> PathBuf {
        if self.private { self.base.join(PRIVATE).join(directory) } else { self.base.join(directory) }
    }

    /// Moves a directory that is where it was before the unit had a dynamic user, or had none any more.
    fn move_here(&self, directory: &Path) -> IoResult<()> {
        let (public, private) = (self.base.join(directory), self.base.join(PRIVATE).join(directory));
        if self.private {
            make_parents(&self.base.join(PRIVATE))?;
            make_one(&self.base.join(PRIVATE), MODE_OF_PRIVATE)?;
            make_parents(&private)?;
            if public.is_dir() && !public.is_symlink() && !private.exists() {
                fs::rename(&public, &private)?;
            }
            return self.link(&Path::new(PRIVATE).join(directory), directory);
        }
        if public.is_symlink()
            && fs::canonicalize(&public).is_ok_and(|target| fs::canonicalize(&private).is_ok_and(|own| own == target))
        {
            fs::remove_file(&public)?;
            fs::rename(&private, &public)?;
        }
        Ok(())
    }

    fn make(&self, directory: &Path, owner: Owner) -> IoResult<()> {
        if !matches!(self.step, Step::RuntimeDirectory | Step::ConfigurationDirectory) {
            self.move_here(directory)?;
        }
        let path = self.path(directory);
        make_parents(&path)?;
        let is_new = make_one(&path, self.set.mode)?;
        if self.step == Step::ConfigurationDirectory {
            if is_new {
                return lchown(&path, owner.uid.map(Uid::as_raw), owner.gid.map(Gid::as_raw));
            }
            // What an administrator has made stays.
            let mode = fs::metadata(&path)?.mode() & 0o7777;
            if mode != self.set.mode {
                let (name, wanted) = (directory.display(), self.set.mode);
                say(format_args!(
                    "{} '{name}' already exists but the mode is different. (File system: {mode:o} {}Mode: {wanted:o})",
                    self.setting, self.setting
                ));
            }
            return Ok(());
        }
        // Neither a link nor anything else that stands there.
        let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
        let opened = File::options().read(true).custom_flags(flags).open(&path)?;
        let metadata = opened.metadata()?;
        let is_own = owner.uid.is_none_or(|uid| uid.as_raw() == metadata.uid())
            && owner.gid.is_none_or(|gid| gid.as_raw() == metadata.gid());
        if !is_own {
            let (uid, gid) = (owner.uid.map(Uid::as_raw), owner.gid.map(Gid::as_raw));
            give_contents(&path, uid, gid)?;
            fchown(&opened, uid, gid)?;
        }
        if metadata.mode() & 0o7777 != self.set.mode || !is_own {
            opened.set_permissions(Permissions::from_mode(self.set.mode))?;
        }
        Ok(())
    }

    /// Makes a link to a directory, relative to where it stands.
    fn link(&self, directory: &Path, link: &Path) -> IoResult<()> {
        let up = link.components().skip(1).map(|_| Component::ParentDir);
        let shared = directory.components().zip(link.components()).take_while(|(one, other)| one == other).count();
        let target: PathBuf = up.skip(shared).chain(directory.components().skip(shared)).collect();
        let path = self.base.join(link);
        make_parents(&path)?;
        match symlink(&target, &path) {
            Err(error)
                if error.kind() == ErrorKind::AlreadyExists && fs::read_link(&path).is_ok_and(|old| old == target) =>
            {
                Ok(())
            }
            made => made,
        }
    }
}

/// Makes the directories on the way to a path that are missing.
fn make_parents(path: &Path) -> IoResult<()> {
    let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) else { return Ok(()) };
    make_parents(parent)?;
    make_one(parent, MODE_OF_PARENTS).map(drop)
}

/// Makes a directory; whether it was missing.
fn make_one(path: &Path, mode: u32) -> IoResult<bool> {
    match fs::create_dir(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives all that a directory contains to another owner.
fn give_contents(directory: &Path, uid: Option<u32>, gid: Option<u32>) -> IoResult<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            give_contents(&entry.path(), uid, gid)?;
        }
        lchown(entry.path(), uid, gid)?;
    }
    Ok(())
}
