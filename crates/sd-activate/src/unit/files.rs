//! What lies on the unit path: each directory is read once, and of its files only those are looked at that somebody looks for.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::path::normal;
use crate::spec::UnitName;

/// So many links may lead from a name to a file.
const LINKS_MAX: usize = 16;

/// What there is on the unit path.
pub struct Files {
    path: Vec<PathBuf>,
    units: HashMap<UnitName, Entry>,
    /// The names that lead to another.
    aliases: Vec<UnitName>,
    /// The directories `NAME.d`, `NAME.wants` and `NAME.requires`, and in which of the path's directories they are.
    directories: HashMap<String, Vec<usize>>,
}

/// What a unit's name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// A file, on the unit path or elsewhere. Whether it is empty is not known.
    File(PathBuf),
    /// Another name.
    Alias(UnitName),
    /// A link to /dev/null.
    Masked(PathBuf),
}

/// A unit that was looked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Its own name, which may be another one, and its file.
    File(UnitName, PathBuf),
    /// It is masked, by this file.
    Masked(PathBuf),
    /// There is none.
    Nothing,
}

impl Files {
    /// Reads the directories. Those that are not there, or that may not be read, are as good as empty.
    pub fn read(path: Vec<PathBuf>) -> Self {
        let mut files = Self { path, units: HashMap::new(), aliases: Vec::new(), directories: HashMap::new() };
        for index in 0..files.path.len() {
            let Ok(entries) = fs::read_dir(&files.path[index]) else { continue };
            for entry in entries.flatten() {
                files.add(index, &entry);
            }
        }
        files
    }

    /// The directories.
    pub fn path(&self) -> &[PathBuf] {
        &self.path
    }

    fn add(&mut self, index: usize, entry: &DirEntry) {
        let Ok(name) = entry.file_name().into_string() else { return };
        if [".d", ".wants", ".requires"].iter().any(|suffix| name.ends_with(suffix)) {
            self.directories.entry(name).or_default().push(index);
            return;
        }
        // The first one wins.
        if let Some(unit) = UnitName::new(&name).filter(|unit| !self.units.contains_key(unit)) {
            if let Some(found) = self.entry(entry, &unit) {
                if matches!(found, Entry::Alias(_)) {
                    self.aliases.push(unit.clone());
                }
                self.units.insert(unit, found);
            }
        }
    }

    fn entry(&self, entry: &DirEntry, unit: &UnitName) -> Option<Entry> {
        let path = entry.path();
        let kind = entry.file_type().ok()?;
        if kind.is_symlink() {
            let target = normal(&path.parent()?.join(fs::read_link(&path).ok()?));
            if target == Path::new("/dev/null") {
                return Some(Entry::Masked(path));
            }
            // A link to a place on the unit path is another name, whether or not there is something.
            if self.path.iter().any(|directory| target.starts_with(normal(directory))) {
                let alias = UnitName::new(target.file_name()?.to_str()?)?;
                return Some(if alias == *unit { Entry::File(path) } else { alias_of(unit, alias)? });
            }
        }
        (kind.is_file() || kind.is_symlink() && path.is_file()).then_some(Entry::File(path))
    }

    /// The file of a unit, through other names and by way of its template.
    pub fn find(&self, name: &UnitName) -> Found {
        match self.follow(name) {
            Found::File(_, path) if is_empty(&path) => Found::Masked(path),
            found => found,
        }
    }

    /// The same, without a look at the file.
    fn follow(&self, name: &UnitName) -> Found {
        let mut name = name.clone();
        for _ in 0..LINKS_MAX {
            let template = name.template();
            let entry = self.units.get(&name).or_else(|| self.units.get(template.as_ref()?));
            match entry {
                None => return Found::Nothing,
                Some(Entry::Masked(path)) => return Found::Masked(path.clone()),
                Some(Entry::File(path)) => return Found::File(name, path.clone()),
                Some(Entry::Alias(target)) => {
                    let instance = name.instance().filter(|instance| !instance.is_empty());
                    name = instance.and_then(|instance| target.instantiate(instance)).unwrap_or_else(|| target.clone());
                }
            }
        }
        Found::Nothing
    }

    /// The other names that lead to a unit.
    pub fn aliases(&self, name: &UnitName) -> Vec<UnitName> {
        // A template's other names are not those of an instance that has a file of its own.
        let own_file = self.units.contains_key(name) && !name.is_template();
        let links = self.aliases.iter().filter(|alias| !(own_file && alias.is_template()));
        let instance = name.instance().filter(|instance| !instance.is_empty());
        let names = links
            .map(|alias| instance.and_then(|instance| alias.instantiate(instance)).unwrap_or_else(|| alias.clone()));
        let leads_there = |alias: &UnitName| matches!(self.follow(alias), Found::File(target, _) if target == *name);
        let mut aliases: Vec<UnitName> = names.filter(|alias| alias != name).filter(leads_there).collect();
        aliases.sort();
        aliases.dedup();
        aliases
    }

    /// The drop-ins of a unit in the order in which they are read: by their names, each of which counts once.
    pub fn drop_ins(&self, names: &[UnitName]) -> Vec<PathBuf> {
        let mut found = BTreeMap::new();
        let by_name = names.iter().flat_map(|name| self.in_order(&drop_in_names(name), "d"));
        let by_type = names.first().map(|name| self.in_order(&[name.suffix()[1..].to_owned()], "d"));
        for directory in by_name.chain(by_type.into_iter().flatten()) {
            for (name, path) in entries(&directory) {
                if name.ends_with(".conf") && !name.starts_with('.') {
                    found.entry(name).or_insert(path);
                }
            }
        }
        found.into_values().filter(|path| !is_masked(path)).collect()
    }

    /// The units in the `.wants` or `.requires` directories of a unit, and the links that name them.
    pub fn linked(&self, names: &[UnitName], kind: &str) -> Vec<(UnitName, PathBuf)> {
        let mut found = BTreeMap::new();
        let by_name = names.iter().flat_map(|name| self.in_order(&drop_in_names(name), kind));
        let by_type = names.first().map(|name| self.in_order(&[name.suffix()[1..].to_owned()], kind));
        for directory in by_name.chain(by_type.into_iter().flatten()) {
            for (name, path) in entries(&directory) {
                if let Some(unit) = UnitName::new(&name).filter(|_| path.is_symlink()) {
                    found.entry(unit).or_insert(path);
                }
            }
        }
        found.into_iter().filter(|(_, path)| !is_masked(path)).collect()
    }

    /// The directories of these names, those of the path's first directory first.
    fn in_order(&self, names: &[String], kind: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for (rank, name) in names.iter().enumerate() {
            let name = format!("{name}.{kind}");
            for index in self.directories.get(&name).into_iter().flatten() {
                found.push((*index, rank, self.path[*index].join(&name)));
            }
        }
        found.sort();
        found.into_iter().map(|(_, _, path)| path).collect()
    }
}

/// A name that leads to another, provided that the two are of one type, and a template leads to a template.
fn alias_of(unit: &UnitName, alias: UnitName) -> Option<Entry> {
    let same_type = unit.suffix() == alias.suffix();
    let fitting = match (unit.instance(), alias.instance()) {
        (None, None) => true,
        (Some(""), Some(instance)) => instance.is_empty(),
        (Some(own), Some(instance)) => instance.is_empty() || instance == own,
        _ => false,
    };
    (same_type && fitting).then_some(Entry::Alias(alias))
}

/// What a unit's drop-in directories are called, the most special first: by its name and its template, and by what is left
/// of either when it is cut behind each dash.
fn drop_in_names(unit: &UnitName) -> Vec<String> {
    let suffix = unit.suffix();
    let prefixes: Vec<&str> = unit
        .prefix()
        .rmatch_indices('-')
        .map(|(dash, _)| &unit.prefix()[..=dash])
        .filter(|prefix| *prefix != unit.prefix())
        .collect();
    let mut names = vec![unit.to_string()];
    let template = unit.template();
    names.extend(template.iter().map(UnitName::to_string));
    names.extend(prefixes.iter().map(|prefix| format!("{prefix}{suffix}")));
    if let Some(instance) = unit.instance() {
        for prefix in prefixes {
            names.push(format!("{prefix}@{instance}{suffix}"));
            names.extend(template.as_ref().map(|_| format!("{prefix}@{suffix}")));
        }
    }
    names
}

/// The names in a directory, and their paths.
fn entries(directory: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path()))).collect()
}

/// Whether a file is empty, or a link to /dev/null.
fn is_masked(path: &Path) -> bool {
    fs::read_link(path).is_ok_and(|target| target == Path::new("/dev/null")) || is_empty(path)
}

fn is_empty(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_in_directories_are_named_as_systemd_names_them() {
        let cases: [(&str, &[&str]); 4] = [
            ("foo.socket", &["foo.socket"]),
            ("foo-bar-baz.service", &["foo-bar-baz.service", "foo-bar-.service", "foo-.service"]),
            ("foo-.service", &["foo-.service"]),
            (
                "a-b-c@i-.service",
                &[
                    "a-b-c@i-.service",
                    "a-b-c@.service",
                    "a-b-.service",
                    "a-.service",
                    "a-b-@i-.service",
                    "a-b-@.service",
                    "a-@i-.service",
                    "a-@.service",
                ],
            ),
        ];
        for (name, expected) in cases {
            assert_eq!(drop_in_names(&UnitName::new(name).unwrap()), expected, "{name}");
        }
    }
}
