//! What `sd-activate --verify UNIT…` says: all that is wrong with units, and what of them is not honoured here.

use std::collections::BTreeSet;
use std::path::{self, Path, PathBuf};

use super::diagnostic::{Diagnostic, Level};
use super::load::{Loaded, Loader, State};
use super::path::normal;
use crate::spec::{Kind, Relation, UnitName, UnitType};

/// A unit that is asked for: a name, or the path of a file.
pub struct Wanted {
    /// Its name.
    pub name: UnitName,
    /// The directory that it is in, which then comes before the unit path.
    pub directory: Option<PathBuf>,
}

impl Wanted {
    /// Reads an argument; `None` where it is no unit that there can be here.
    pub fn parse(argument: &Path) -> Option<Self> {
        let name = UnitName::new(argument.file_name()?.to_str()?).filter(|name| name.unit_type() != UnitType::Other)?;
        let directory = argument.parent().filter(|directory| !directory.as_os_str().is_empty());
        let absolute = |directory: &Path| path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        Some(Self { name, directory: directory.map(|directory| normal(&absolute(directory))) })
    }
}

/// What there is to say about units and all that starts with them, and whether they can be started.
pub fn verify(loader: &Loader, names: &[UnitName]) -> (Vec<Diagnostic>, bool) {
    // A template is looked at as one of its instances.
    let instance = |name: &UnitName| name.instantiate("instance").unwrap_or_else(|| name.clone());
    let names: Vec<UnitName> = names.iter().map(instance).collect();
    let units = loader.load_all(&names);
    let asked: BTreeSet<&UnitName> = names.iter().collect();
    let not_found = units.iter().filter(|unit| unit.state == State::NotFound && !unit.name.is_of_boot());
    let not_found: BTreeSet<&UnitName> = not_found.map(|unit| &unit.name).collect();

    let mut diagnostics = Vec::new();
    for unit in &units {
        if unit.state != State::NotFound || asked.contains(&unit.name) {
            diagnostics.extend(unit.diagnostics.iter().cloned());
        }
        diagnostics.extend(missing(unit, &not_found));
    }
    let good = diagnostics.iter().all(|diagnostic| diagnostic.level > Level::Refused);
    (diagnostics, good)
}

/// Units without which this one cannot be started.
fn missing(unit: &Loaded, not_found: &BTreeSet<&UnitName>) -> Vec<Diagnostic> {
    let Some(spec) = &unit.spec else { return Vec::new() };
    let error =
        |origin, message| Diagnostic { level: Level::Error, origin, unit: unit.name.clone(), setting: None, message };
    let mut missing = Vec::new();
    for dependency in &spec.dependencies {
        let needed = matches!(dependency.relation, Relation::Requires | Relation::Requisite | Relation::BindsTo);
        if needed && not_found.contains(&dependency.unit) {
            let message = format!("{:?}=: there is no {} on the unit path", dependency.relation, dependency.unit);
            missing.push(error(Some(dependency.origin.clone()), message));
        }
    }
    if let Kind::Socket(socket) = &spec.kind {
        let service = if socket.accept { socket.service.instantiate("0") } else { Some(socket.service.clone()) };
        if service.as_ref().is_some_and(|service| not_found.contains(service)) {
            let message = format!("there is no {} on the unit path, which the socket is for", socket.service);
            missing.push(error(spec.origin("Service").cloned(), message));
        }
    }
    missing
}
