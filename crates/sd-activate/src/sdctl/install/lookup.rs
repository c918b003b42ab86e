//! Which file a name stands for: below a root directory, of which links say nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::spec::UnitName;
use crate::unit::path::normal;

/// So many links may lead from a name to a file.
const LINKS_MAX: usize = 16;

/// Where units are, and where links to them are made.
#[derive(Clone, Debug)]
pub struct Directories {
    /// What stands before every path.
    pub root: PathBuf,
    /// The unit path.
    pub path: Vec<PathBuf>,
    /// Where links are made that stay.
    pub persistent: PathBuf,
    /// Where links are made that are gone when the machine is booted again.
    pub runtime: PathBuf,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file.
    File {
        /// Without the root.
        path: PathBuf,
        /// It is not on the unit path, but a link there leads to it.
        linked: Option<PathBuf>,
    },
    /// Another name, and the link that says so.
    Alias(UnitName, PathBuf),
    /// It is masked, by this.
    Masked(PathBuf),
    /// Nothing.
    Nothing,
}

impl Directories {
    /// A path below the root.
    pub fn below_root(&self, path: &Path) -> PathBuf {
        if self.root == Path::new("/") {
            return path.to_owned();
        }
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// What a name stands for, or its template.
    pub fn find(&self, name: &UnitName) -> Found {
        let template = name.template();
        let names = std::iter::once(name).chain(&template);
        let found = names.map(|known| self.find_exactly(known, name)).find(|found| *found != Found::Nothing);
        found.unwrap_or(Found::Nothing)
    }

    /// The same for the name in the end, whatever other names are between.
    pub fn resolve(&self, name: &UnitName) -> (UnitName, Found) {
        let mut name = name.clone();
        for _ in 0..LINKS_MAX {
            match self.find(&name) {
                Found::Alias(other, _) => name = other,
                found => return (name, found),
            }
        }
        (name, Found::Nothing)
    }

    fn find_exactly(&self, known: &UnitName, name: &UnitName) -> Found {
        for directory in &self.path {
            let path = directory.join(known.as_str());
            let Ok(metadata) = fs::symlink_metadata(self.below_root(&path)) else { continue };
            if metadata.is_file() {
                return if metadata.len() == 0 { Found::Masked(path) } else { Found::File { path, linked: None } };
            }
            let Ok(target) = fs::read_link(self.below_root(&path)) else { continue };
            let target = normal(&directory.join(target));
            if target == Path::new("/dev/null") {
                return Found::Masked(path);
            }
            if !self.path.iter().any(|directory| target.starts_with(normal(directory))) {
                return Found::File { path: target, linked: Some(path) };
            }
            let alias = target.file_name().and_then(|name| UnitName::new(name.to_str()?));
            match alias {
                Some(alias) if alias == *known => return Found::File { path: target, linked: None },
                Some(alias) => {
                    // An instance of one template is the same instance of the other.
                    let instance = name.instance().and_then(|instance| alias.instantiate(instance));
                    return Found::Alias(instance.unwrap_or(alias), path);
                }
                None => (),
            }
        }
        Found::Nothing
    }

    /// The links in a directory and those below it that say who wants or requires whom.
    pub fn links(&self, directory: &Path) -> Vec<PathBuf> {
        let entries = |directory: &Path| {
            let entries = fs::read_dir(self.below_root(directory)).into_iter().flatten().flatten();
            entries.map(|entry| directory.join(entry.file_name())).collect::<Vec<_>>()
        };
        let mut links = Vec::new();
        for path in entries(directory) {
            let is_list = [".wants", ".requires"].iter().any(|end| path.to_string_lossy().ends_with(end));
            if is_list {
                links.extend(entries(&path));
            } else {
                links.push(path);
            }
        }
        links.retain(|path| fs::symlink_metadata(self.below_root(path)).is_ok_and(|metadata| metadata.is_symlink()));
        links
    }
}
