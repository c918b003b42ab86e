//! What holds of units that have to do with each other. Relations that are loaded while units run are those of what comes next, and so
//! this is looked at as long as nothing was loaded.

use std::collections::BTreeMap;

use super::invariants::{Broken, Invariant, ensure};
use super::world::World;
use crate::engine::graph::related;
use crate::engine::turn::Timer;
use crate::engine::unit::{Machine, Unit};
use crate::engine::*;
use crate::spec::Relation;

/// What holds after each event.
const ALWAYS: [(&str, Invariant); 4] = [
    ("a unit that is bound to an inactive one does not stay active", bound_units_stop),
    ("of units that conflict one is active", rivals_stop),
    ("what an active unit upholds is active, or will be", upheld_units_start),
    ("with StopWhenUnneeded= a unit that nobody needs stops", unneeded_units_stop),
];

/// Who needs a unit.
const NEEDS: [Relation; 5] =
    [Relation::Requires, Relation::Requisite, Relation::Wants, Relation::BindsTo, Relation::Upholds];

/// Who is stopped, and started again, with a unit.
const GO_ALONG: [Relation; 4] = [Relation::Requires, Relation::Requisite, Relation::BindsTo, Relation::PartOf];

pub(super) fn always(world: &World) -> Broken {
    for (sentence, holds) in ALWAYS.iter().filter(|_| !world.has_reloaded && !world.engine.stopping) {
        holds(world).map_err(|how| format!("It does not hold that {sentence}: {how}."))?;
    }
    Ok(())
}

/// Takes note of what is done.
pub(super) fn note(world: &mut World, action: &Action) {
    match action {
        Action::Open(id) | Action::Check(id) | Action::Execute { unit: id, .. } => {
            world.begun.insert(*id);
        }
        Action::Log { unit, message, .. } if message.contains(": Failed to enqueue ") => {
            world.refused.insert(*unit);
        }
        _ => (),
    }
}

/// What each unit is.
pub(super) fn states(world: &World) -> BTreeMap<UnitId, ActiveState> {
    world.engine.units.iter().map(|(id, unit)| (*id, unit.active())).collect()
}

/// OnFailure= and OnSuccess=: units were like this before, and what those have that have ended is started. What depends on others may not
/// be.
pub(super) fn followers_start(world: &World, before: &BTreeMap<UnitId, ActiveState>) -> Broken {
    for (id, unit) in world.engine.units.iter().filter(|_| !world.has_reloaded && !world.engine.stopping) {
        let Some(was) = before.get(id) else { continue };
        let relation = match unit.active() {
            ActiveState::Failed if *was != ActiveState::Failed => Relation::OnFailure,
            ActiveState::Inactive if was.is_active_or_reloading() => Relation::OnSuccess,
            _ => continue,
        };
        for (follower, other) in named(world, unit, relation) {
            let is_free = is_free(world, other);
            let is_at_limit = match &other.machine {
                Machine::Service(service) => service.start_limit.rest(world.now).is_some(),
                Machine::Socket(_) => true,
                Machine::Target(_) => false,
            };
            let has_been = other.changes.inactive_enter == Some(world.now);
            let started = other.is_up() || other.job.is_some() || world.begun.contains(&follower) || has_been;
            let prevented = !is_free || is_at_limit || world.refused.contains(id);
            ensure(started || prevented, || {
                format!("{} has ended, {}, and {} is {}", unit.name, unit.sub_state(), other.name, other.sub_state())
            })?;
        }
    }
    Ok(())
}

/// Whether a unit has to do with others only by its order, and as what follows them.
fn is_free(world: &World, unit: &Unit) -> bool {
    use Relation::{After, Before, OnFailure, OnSuccess};
    let is_loose = |relation: Relation| matches!(relation, After | Before | OnFailure | OnSuccess);
    let binds = |from: &Unit, to: Option<&Unit>| {
        let mut bound = from.spec.dependencies.iter().filter(|dependency| !is_loose(dependency.relation));
        bound.any(|dependency| to.is_none_or(|to| to.name == dependency.unit))
    };
    !binds(unit, None) && !world.engine.units.values().any(|other| binds(other, Some(unit)))
}

/// The units that are to stop if this is asked of a unit.
pub(super) fn stopped_with(world: &World, verb: Verb, id: UnitId) -> Vec<UnitId> {
    let Some(unit) = world.engine.units.get(&id).filter(|_| !world.has_reloaded) else { return Vec::new() };
    let mut others = Vec::new();
    if matches!(verb, Verb::Stop | Verb::Restart) {
        others.extend(GO_ALONG.iter().flat_map(|relation| naming(world, unit, *relation)));
    }
    if matches!(verb, Verb::Start | Verb::Restart) {
        others.extend(named(world, unit, Relation::Conflicts));
    }
    if verb == Verb::Stop {
        others.extend(naming(world, unit, Relation::StopPropagatedFrom));
        others.extend(named(world, unit, Relation::PropagatesStopTo));
    }
    others.retain(|(_, other)| other.is_up());
    others.into_iter().map(|(id, _)| id).collect()
}

/// It was asked of a unit, and they stop, unless it was refused.
pub(super) fn stop(world: &World, request: RequestId, id: UnitId, others: &[UnitId]) -> Broken {
    if world.exited || matches!(&world.answer, Some((answered, Answer::Refused(_))) if *answered == request) {
        return Ok(());
    }
    for other in others.iter().filter_map(|other| world.engine.units.get(other)) {
        let is_to_stop = other.job.as_ref().is_some_and(|job| job.kind.stops());
        let has_stopped = !other.is_up() || other.changes.inactive_enter == Some(world.now);
        ensure(is_to_stop || has_stopped, || {
            format!("{id:?} is stopped, and {} does not stop with it, {}", other.name, other.sub_state())
        })?;
    }
    Ok(())
}

fn bound_units_stop(world: &World) -> Broken {
    for unit in resting(world) {
        for (id, other) in named(world, unit, Relation::BindsTo) {
            ensure(world.engine.goes_on(id), || {
                format!("{} is active, and {} is {}", unit.name, other.name, other.sub_state())
            })?;
        }
    }
    Ok(())
}

fn rivals_stop(world: &World) -> Broken {
    // As with systemd, what is upheld or OnSuccess= starts stops nobody, nor does what it requires; and nothing stops for a rival that
    // others go along with, as those may be what is started.
    let spares =
        |relation: &Relation| world.engine.units.values().any(|unit| unit.spec.related(*relation).next().is_some());
    if [Relation::Upholds, Relation::OnSuccess].iter().any(spares) {
        return Ok(());
    }
    let leads = |unit: &Unit| {
        let followed = GO_ALONG.iter().chain(&[Relation::StopPropagatedFrom]);
        let is_followed = followed.clone().any(|relation| !naming(world, unit, *relation).is_empty());
        is_followed || !named(world, unit, Relation::PropagatesStopTo).is_empty()
    };
    for unit in resting(world).filter(|unit| !leads(unit)) {
        for (_, other) in named(world, unit, Relation::Conflicts) {
            let both = other.active().is_active_or_reloading() && other.job.is_none() && !leads(other);
            ensure(!both, || format!("{} and {} are active", unit.name, other.name))?;
        }
    }
    Ok(())
}

fn upheld_units_start(world: &World) -> Broken {
    for unit in resting(world) {
        for (id, other) in named(world, unit, Relation::Upholds) {
            let starts = world.engine.goes_on(id) || world.engine.due.contains_key(&Timer::Follow(id));
            ensure(starts || world.refused.contains(&id), || {
                format!("{} is active, and {} is {}", unit.name, other.name, other.sub_state())
            })?;
        }
    }
    Ok(())
}

fn unneeded_units_stop(world: &World) -> Broken {
    for unit in resting(world).filter(|unit| unit.spec.stop_when_unneeded) {
        let mut others = NEEDS.iter().flat_map(|relation| naming(world, unit, *relation));
        ensure(others.any(|(id, _)| world.engine.goes_on(id)), || format!("nobody needs {}", unit.name))?;
    }
    Ok(())
}

/// The units that are active, and stay so, but for those that have followed others too often, and will do so again.
fn resting(world: &World) -> impl Iterator<Item = &Unit> {
    let rests = |(id, unit): &(&UnitId, &Unit)| {
        let follows = world.engine.due.contains_key(&Timer::Follow(**id));
        unit.active().is_active_or_reloading() && unit.job.is_none() && !follows
    };
    world.engine.units.iter().filter(rests).map(|(_, unit)| unit)
}

/// The units that a unit names in this relation.
fn named<'a>(world: &'a World, unit: &'a Unit, relation: Relation) -> Vec<(UnitId, &'a Unit)> {
    let ids = related(&unit.spec, relation).filter_map(|name| world.engine.find(name));
    ids.map(|id| (id, &world.engine.units[&id])).collect()
}

/// The units that name a unit in this relation.
fn naming<'a>(world: &'a World, unit: &Unit, relation: Relation) -> Vec<(UnitId, &'a Unit)> {
    let names = |other: &Unit| related(&other.spec, relation).any(|name| *name == unit.name);
    world.engine.units.iter().filter(|(_, other)| names(other)).map(|(id, other)| (*id, other)).collect()
}
