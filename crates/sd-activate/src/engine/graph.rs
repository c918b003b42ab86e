//! How the units that are loaded have to do with each other.

use std::collections::HashMap;

use super::event::UnitId;
use super::unit::Unit;
use crate::spec::{Kind, Relation, UnitName, UnitSpec};

/// The names of units, and who names them.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Every name that a unit is known by.
    names: HashMap<UnitName, UnitId>,
    /// Those who say something about a unit of this name, whether it is loaded or not.
    named_by: HashMap<UnitName, Vec<UnitId>>,
}

impl Graph {
    /// Adds a unit.
    pub(super) fn add(&mut self, id: UnitId, unit: &Unit) {
        for name in std::iter::once(&unit.name).chain(&unit.spec.aliases) {
            self.names.insert(name.clone(), id);
        }
        for name in named(&unit.spec) {
            let namers = self.named_by.entry(name.clone()).or_default();
            if !namers.contains(&id) {
                namers.push(id);
            }
        }
    }

    /// Removes one.
    pub(super) fn remove(&mut self, id: UnitId, unit: &Unit) {
        for name in std::iter::once(&unit.name).chain(&unit.spec.aliases) {
            if self.find(name) == Some(id) {
                self.names.remove(name);
            }
        }
        for name in named(&unit.spec) {
            if let Some(namers) = self.named_by.get_mut(name) {
                namers.retain(|namer| *namer != id);
                if namers.is_empty() {
                    self.named_by.remove(name);
                }
            }
        }
    }

    /// How much it knows.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.names.len() + self.named_by.values().map(Vec::len).sum::<usize>()
    }

    /// The unit of this name, or known by it.
    pub(super) fn find(&self, name: &UnitName) -> Option<UnitId> {
        self.names.get(name).copied()
    }

    /// Those who say something about a unit.
    pub(super) fn namers(&self, unit: &Unit) -> Vec<UnitId> {
        let names = std::iter::once(&unit.name).chain(&unit.spec.aliases);
        let mut namers: Vec<UnitId> = names.filter_map(|name| self.named_by.get(name)).flatten().copied().collect();
        namers.sort_unstable();
        namers.dedup();
        namers
    }
}

/// The units that a unit says something about.
fn named(spec: &UnitSpec) -> Vec<&UnitName> {
    let mut names: Vec<&UnitName> = spec.dependencies.iter().map(|dependency| &dependency.unit).collect();
    match &spec.kind {
        Kind::Socket(socket) if !socket.accept => names.push(&socket.service),
        Kind::Service(service) => names.extend(&service.sockets),
        Kind::Socket(_) | Kind::Target => (),
    }
    names
}

/// The names of the units that stand in this relation to a unit, by what it says and by what follows from its type: a socket is
/// started before its service, and a service after the sockets that it names, which it wants.
pub(super) fn related(spec: &UnitSpec, relation: Relation) -> impl Iterator<Item = &UnitName> {
    let implied: &[UnitName] = match (&spec.kind, relation) {
        (Kind::Socket(socket), Relation::Before) if !socket.accept => std::slice::from_ref(&socket.service),
        (Kind::Service(service), Relation::Wants | Relation::After) => &service.sockets,
        _ => &[],
    };
    spec.related(relation).chain(implied)
}

/// Whether a unit says that it stands in this relation to another.
pub(super) fn is_related(unit: &Unit, relation: Relation, other: &Unit) -> bool {
    related(&unit.spec, relation).any(|name| is_called(other, name))
}

/// Whether a unit is known by a name.
pub(super) fn is_called(unit: &Unit, name: &UnitName) -> bool {
    unit.name == *name || unit.spec.aliases.contains(name)
}
