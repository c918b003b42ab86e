//! What holds, whatever happens.

use super::processes::Nature;
use super::world::{Connection, Watched, World};
use crate::engine::job::{JobKind, Progress};
use crate::engine::turn::Timer;
use crate::engine::unit::{Machine, Unit};
use crate::engine::*;
use crate::spec::{KillMode, Kind, Preserve};

/// What does not hold, and how that shows.
pub(super) type Broken = Result<(), String>;
pub(super) type Invariant = fn(&World) -> Broken;

/// What holds after each event, when all has been done that comes of it.
const ALWAYS: [(&str, Invariant); 11] = [
    ("a socket that is active listens at all its ports", sockets_listen),
    ("what is not active listens nowhere", others_do_not_listen),
    ("who comes to a socket that listens is heard", listeners_hear),
    ("the service of a socket that runs is up, or will be", sockets_that_run_are_served),
    ("a connection that was accepted has its unit, and the unit has it", connections_have_units),
    ("a socket knows how many connections it has", connections_are_counted),
    ("a job that runs is for a unit that changes", jobs_go_on),
    ("no answer is awaited any more", nothing_is_awaited),
    ("what is counted is what there is", counts_are_right),
    ("what is stored is kept as long as FileDescriptorStorePreserve= says", stores_are_kept),
    ("a service knows that it is to stop", services_know_of_stops),
];

pub(super) fn always(world: &World) -> Broken {
    for (sentence, holds) in ALWAYS {
        holds(world).map_err(|how| format!("It does not hold that {sentence}: {how}."))?;
    }
    Ok(())
}

/// Once time has passed, what was due has been done, unless something was executed that failed at once: nothing spins.
pub(super) fn no_timer_is_left(world: &World, has_executed: bool) -> Broken {
    let due = world.engine.deadline().filter(|deadline| *deadline <= world.now);
    ensure(due.is_none_or(|due| due == world.now && has_executed), || "a timer stays in the past".to_owned())
}

/// A service has one main process at most.
pub(super) fn one_main(world: &World, id: UnitId) -> Broken {
    let its =
        world.processes.iter().filter(|(_, process)| process.unit == id && process.is_main() && process.is_alive());
    // What could not be ended, or was not to be, stays.
    let mains = its.filter(|(_, process)| process.nature != Nature::Stuck).count();
    ensure(mains <= 1 || world.sparing.contains(&id) || leaves_processes(&world.engine.units[&id]), || {
        format!("{} has {mains} main processes", world.engine.units[&id].name)
    })
}

/// A unit that was stopped is over, and leaves no process.
pub(super) fn stopped(world: &World, id: UnitId) -> Broken {
    let Some(unit) = world.engine.units.get(&id) else { return Ok(()) };
    let left = world.processes.iter().find(|(_, process)| {
        process.unit == id && process.is_alive() && process.command.is_some() && process.nature != Nature::Stuck
    });
    ensure(left.is_none() || world.sparing.contains(&id) || leaves_processes(unit), || {
        format!("{} has stopped, and leaves {left:?}", unit.name)
    })
}

/// TriggerLimitBurst= and PollLimitBurst=, with their intervals. Somebody has come to a socket: whether that has triggered its
/// service, and whether it was counted.
pub(super) fn trigger(world: &mut World, id: UnitId, triggers: bool, counted: bool) -> Broken {
    let Some(Kind::Socket(socket)) = world.engine.spec(id).map(|unit| unit.kind.clone()) else { return Ok(()) };
    let without_limits = socket.trigger_limit.interval.is_zero() && socket.poll_limit.interval.is_zero();
    ensure(counted || !triggers || without_limits, || format!("{id:?} triggers, and that is not counted"))?;
    if !counted {
        return Ok(());
    }
    let allowed = world.triggers.allows(id, world.now, socket.trigger_limit);
    ensure(allowed, || format!("{id:?} triggers more often than TriggerLimitBurst= allows"))?;
    let allowed = world.polls.allows(id, world.now, socket.poll_limit);
    ensure(allowed, || format!("{id:?} triggers more often than PollLimitBurst= allows"))
}

/// MaxConnections= and MaxConnectionsPerSource=: a service gets a connection. What runs goes on if they are lowered.
pub(super) fn connection_given(world: &World, id: UnitId) -> Broken {
    let Connection { socket, source } = &world.connections[&id];
    let Some(Kind::Socket(spec)) = world.engine.spec(*socket).map(|unit| unit.kind.clone()) else { return Ok(()) };
    let all = world.connections.values().filter(|connection| connection.socket == *socket);
    let of_source = all.clone().filter(|connection| connection.source == *source).count();
    let (all, most) = (all.count(), spec.max_connections as usize);
    ensure(all <= most, || format!("there are {all} connections, and MaxConnections= allows {most}"))?;
    let most = spec.max_connections_per_source.map_or(usize::MAX, |most| most as usize);
    ensure(of_source <= most, || {
        format!("there are {of_source} of {source}, and MaxConnectionsPerSource= allows {most}")
    })
}

/// FileDescriptorStoreMax=: so many descriptors are to be stored at most.
pub(super) fn store_is_as_large(world: &World, id: UnitId, max: usize) -> Broken {
    let Some(Kind::Service(service)) = world.engine.spec(id).map(|unit| &unit.kind) else { return Ok(()) };
    let allowed = service.descriptor_store_max as usize;
    ensure(max == allowed, || {
        format!("{max} descriptors are to be stored, and FileDescriptorStoreMax= allows {allowed}")
    })
}

/// When nobody does anything, each job ends, and whoever has asked is answered.
pub(super) fn at_rest(world: &World) -> Broken {
    let jobs = world.engine.units.values().filter_map(|unit| Some((&unit.name, unit.job.as_ref()?)));
    let jobs = jobs.filter(|(_, job)| job.id < world.old_jobs);
    let jobs: Vec<_> = jobs.map(|(name, job)| format!("{name} {job:?} {}", state(world, name))).collect();
    ensure(jobs.is_empty(), || format!("jobs do not end: {jobs:?}"))?;
    ensure(world.asked.is_empty(), || format!("nobody answers {:?}", world.asked))
}

/// When all is stopped, nothing is left.
pub(super) fn in_the_end(world: &World) -> Broken {
    let states: Vec<_> =
        world.engine.units.values().map(|unit| format!("{} {:?}", unit.name, unit.sub_state())).collect();
    ensure(world.exited, || format!("it does not end: {states:?}"))?;
    ensure(world.ports.is_empty(), || format!("it ends, and leaves open {:?}", world.ports))?;
    ensure(world.connections.is_empty(), || format!("it ends, and leaves {:?}", world.connections))?;
    world.engine.units.keys().try_for_each(|id| stopped(world, *id))?;
    ensure(world.engine.jobs == 0, || format!("it ends, and leaves {} jobs", world.engine.jobs))?;
    at_rest(world)
}

fn sockets_listen(world: &World) -> Broken {
    for (id, unit) in &world.engine.units {
        let Machine::Socket(socket) = &unit.machine else { continue };
        if unit.active() == ActiveState::Active {
            let open = |port: &Port| world.ports.get(port).is_some_and(|listening| listening.socket == *id);
            let listens = !socket.ports.is_empty() && socket.ports.iter().all(open);
            ensure(listens, || {
                format!("{} is {}, with {:?} of {:?}", unit.name, unit.sub_state(), socket.ports, world.ports)
            })?;
        }
    }
    Ok(())
}

fn others_do_not_listen(world: &World) -> Broken {
    for (port, listening) in &world.ports {
        let unit = &world.engine.units[&listening.socket];
        let has = matches!(&unit.machine, Machine::Socket(socket) if socket.ports.contains(port));
        let listens = has && !unit.active().is_inactive_or_failed();
        ensure(listens, || format!("{} is {}, and {port} is open", unit.name, unit.sub_state()))?;
    }
    for port in world.engine.ports.keys() {
        ensure(world.ports.contains_key(port), || format!("{port} is closed, and remembered"))?;
    }
    Ok(())
}

fn listeners_hear(world: &World) -> Broken {
    for (port, listening) in &world.ports {
        let unit = &world.engine.units[&listening.socket];
        let rests = |timer: &Timer| *timer == Timer::Rest(listening.socket) || *timer == Timer::Shortage;
        let hears = listening.watched != Watched::Never || world.engine.timers.iter().any(|(_, timer)| rests(timer));
        ensure(unit.sub_state() != "listening" || hears, || format!("{} does not watch {port}", unit.name))?;
    }
    Ok(())
}

fn sockets_that_run_are_served(world: &World) -> Broken {
    for unit in world.engine.units.values().filter(|unit| unit.sub_state() == "running") {
        let Machine::Socket(socket) = &unit.machine else { continue };
        let service = world.engine.graph.find(&socket.spec.service).map(|id| &world.engine.units[&id]);
        let is_up = |service: &Unit| service.job.is_some() || !service.active().is_inactive_or_failed();
        let served = service.is_some_and(is_up) || unit.job.is_some();
        ensure(served, || format!("{} runs, and {} does not", unit.name, socket.spec.service))?;
    }
    Ok(())
}

fn connections_have_units(world: &World) -> Broken {
    let waits = world.engine.timers.iter().any(|(_, timer)| *timer == Timer::Shortage);
    ensure(world.held.is_none() || waits, || "a connection is held, and nobody will ask for it".to_owned())?;
    for (id, connection) in &world.connections {
        let has = world.engine.units.get(id).is_some_and(|unit| unit.connection.is_some());
        ensure(has, || format!("nobody serves {connection:?}"))?;
    }
    for (id, unit) in world.engine.units.iter().filter(|(_, unit)| unit.connection.is_some()) {
        ensure(world.connections.contains_key(id), || format!("{} serves nobody", unit.name))?;
    }
    Ok(())
}

fn connections_are_counted(world: &World) -> Broken {
    for (id, unit) in &world.engine.units {
        let Machine::Socket(socket) = &unit.machine else { continue };
        let its = || world.connections.values().filter(|connection| connection.socket == *id);
        ensure(its().count() == socket.connections as usize, || {
            format!("{} counts {} connections of {}", unit.name, socket.connections, its().count())
        })?;
    }
    Ok(())
}

fn jobs_go_on(world: &World) -> Broken {
    use ActiveState::{Activating, Deactivating, Reloading};
    for unit in world.engine.units.values() {
        let Some(job) = unit.job.as_ref().filter(|job| job.progress == Progress::Running) else { continue };
        let goes_on = match job.kind {
            JobKind::Start => matches!(unit.active(), Activating | Deactivating),
            JobKind::Stop | JobKind::Restart => unit.active() == Deactivating,
            JobKind::Reload => matches!(unit.active(), Reloading | Activating | Deactivating),
            JobKind::Verify => false,
        };
        ensure(goes_on, || format!("{:?} of {}, which is {}", job.kind, unit.name, unit.sub_state()))?;
    }
    Ok(())
}

fn nothing_is_awaited(world: &World) -> Broken {
    for unit in world.engine.units.values() {
        let awaits = match &unit.machine {
            Machine::Socket(socket) => socket.awaits(),
            Machine::Service(service) => service.awaited.is_some(),
            Machine::Target(_) => false,
        };
        ensure(!awaits, || format!("{} awaits one, {}", unit.name, unit.sub_state()))?;
    }
    Ok(())
}

fn counts_are_right(world: &World) -> Broken {
    let engine = &world.engine;
    let jobs = engine.units.values().filter(|unit| unit.job.is_some()).count();
    ensure(engine.jobs == jobs, || format!("{} jobs, of {jobs}", engine.jobs))?;
    let waits = |unit: &Unit| unit.job.as_ref().is_some_and(|job| job.progress == Progress::Waiting);
    let waiting = engine.units.values().filter(|unit| waits(unit)).count();
    ensure(engine.waiting.len() == waiting, || format!("{:?} wait, of {waiting}", engine.waiting))?;
    let is_alive = |unit: &&Unit| !matches!(unit.machine, Machine::Target(_)) && !unit.active().is_inactive_or_failed();
    let alive = engine.units.values().filter(is_alive).count();
    ensure(engine.alive == alive, || format!("{} units are alive, of {alive}", engine.alive))?;
    for (pid, taker) in &engine.owners {
        ensure(world.processes.may_be(*pid), || format!("process {pid} of {taker:?} was reaped, and is remembered"))?;
    }
    Ok(())
}

fn stores_are_kept(world: &World) -> Broken {
    for (id, unit) in &world.engine.units {
        let Machine::Service(service) = &unit.machine else { continue };
        let stored = world.stored.get(id).copied().unwrap_or(0);
        ensure(service.stored == stored, || {
            format!("{} counts {} descriptors of {stored}", unit.name, service.stored)
        })?;
        let kept = service.spec.descriptor_store_preserve == Preserve::Yes || world.stored_before.contains(id);
        ensure(stored == 0 || !is_over(unit) || kept, || format!("{} is over, and keeps {stored}", unit.name))?;
    }
    Ok(())
}

fn services_know_of_stops(world: &World) -> Broken {
    for unit in world.engine.units.values() {
        let Machine::Service(service) = &unit.machine else { continue };
        ensure(service.is_to_stop == unit.is_to_stop(), || format!("{} does not know of its job", unit.name))?;
    }
    Ok(())
}

/// Whether a unit is over, and no job is to change that.
pub(super) fn is_over(unit: &Unit) -> bool {
    unit.active().is_inactive_or_failed() && unit.job.is_none()
}

/// Whether a unit may leave processes behind that could have been ended.
pub(super) fn leaves_processes(unit: &Unit) -> bool {
    let kill = match &unit.spec.kind {
        Kind::Service(service) => &service.kill,
        Kind::Socket(socket) => &socket.kill,
        Kind::Target => return false,
    };
    matches!(kill.mode, KillMode::Process | KillMode::None) || !kill.send_sigkill
}

fn state(world: &World, name: &UnitName) -> String {
    world.engine.graph.find(name).map_or_else(String::new, |id| world.engine.units[&id].sub_state().to_owned())
}

pub(super) fn ensure(holds: bool, how: impl FnOnce() -> String) -> Broken {
    if holds { Ok(()) } else { Err(how()) }
}
