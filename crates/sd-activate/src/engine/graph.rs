//! How the units that are loaded have to do with each other.

use std::collections::{BTreeMap, HashMap};

use super::event::UnitId;
use super::unit::Unit;
use crate::spec::{Kind, Relation, UnitName, UnitSpec};

/// The names of units, and who names them.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Every name that a unit is known by.
    names: HashMap<UnitName, UnitId>,
    /// Those who say something about a unit of this name, whether it is loaded or not, and what.
    named_by: HashMap<UnitName, BTreeMap<UnitId, Relations>>,
}

/// A set of relations.
#[derive(Clone, Copy, Debug, Default)]
struct Relations(u32);

impl Relations {
    fn add(&mut self, relation: Relation) {
        self.0 |= 1 << relation as u32;
    }

    fn has(self, relation: Relation) -> bool {
        self.0 & 1 << relation as u32 != 0
    }
}

impl Graph {
    /// Adds a unit.
    pub(super) fn add(&mut self, id: UnitId, unit: &Unit) {
        for name in std::iter::once(&unit.name).chain(&unit.spec.aliases) {
            self.names.insert(name.clone(), id);
        }
        for (relation, name) in said(&unit.spec) {
            self.named_by.entry(name.clone()).or_default().entry(id).or_default().add(relation);
        }
    }

    /// Removes one.
    pub(super) fn remove(&mut self, id: UnitId, unit: &Unit) {
        for name in std::iter::once(&unit.name).chain(&unit.spec.aliases) {
            if self.find(name) == Some(id) {
                self.names.remove(name);
            }
        }
        for (_, name) in said(&unit.spec) {
            if let Some(namers) = self.named_by.get_mut(name) {
                namers.remove(&id);
                if namers.is_empty() {
                    self.named_by.remove(name);
                }
            }
        }
    }

    /// How much it knows.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.names.len() + self.named_by.values().map(BTreeMap::len).sum::<usize>()
    }

    /// The unit of this name, or known by it.
    pub(super) fn find(&self, name: &UnitName) -> Option<UnitId> {
        self.names.get(name).copied()
    }

    /// The units that say they stand in one of these relations to a unit.
    pub(super) fn relatives(&self, unit: &Unit, relations: &[Relation]) -> Vec<UnitId> {
        let names = std::iter::once(&unit.name).chain(&unit.spec.aliases);
        let namers = names.filter_map(|name| self.named_by.get(name)).flatten();
        let are = namers.filter(|(_, said)| relations.iter().any(|relation| said.has(*relation)));
        let mut relatives: Vec<UnitId> = are.map(|(id, _)| *id).collect();
        relatives.sort_unstable();
        relatives.dedup();
        relatives
    }

    /// Whether a unit says that it stands in this relation to another.
    pub(super) fn is_related(&self, id: UnitId, relation: Relation, other: &Unit) -> bool {
        let mut names = std::iter::once(&other.name).chain(&other.spec.aliases);
        names.any(|name| self.named_by.get(name).and_then(|said| said.get(&id)).is_some_and(|said| said.has(relation)))
    }
}

/// What a unit says of others.
fn said(spec: &UnitSpec) -> impl Iterator<Item = (Relation, &UnitName)> {
    let said = spec.dependencies.iter().map(|dependency| (dependency.relation, &dependency.unit));
    let implied = [Relation::Before, Relation::Wants, Relation::After].into_iter();
    said.chain(implied.flat_map(|relation| self::implied(spec, relation).iter().map(move |name| (relation, name))))
}

/// The names of the units that stand in this relation to a unit, by what it says and by what follows from its type.
pub(super) fn related(spec: &UnitSpec, relation: Relation) -> impl Iterator<Item = &UnitName> {
    spec.related(relation).chain(implied(spec, relation))
}

/// A socket is started before its service, and a service after the sockets that it names, which it wants.
fn implied(spec: &UnitSpec, relation: Relation) -> &[UnitName] {
    match (&spec.kind, relation) {
        (Kind::Socket(socket), Relation::Before) if !socket.accept => std::slice::from_ref(&socket.service),
        (Kind::Service(service), Relation::Wants | Relation::After) => &service.sockets,
        _ => &[],
    }
}

/// Whether a unit is known by a name.
pub(super) fn is_called(unit: &Unit, name: &UnitName) -> bool {
    unit.name == *name || unit.spec.aliases.contains(name)
}
