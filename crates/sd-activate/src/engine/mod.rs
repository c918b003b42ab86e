//! What is done when something happens. No system call is made here, and no clock is read: an [event](Event) and the time go
//! in, [actions](Action) come out, so that all of it can be tried without a process.
//!
//! The engine manages units: each goes through the states of its type, in `socket` and `service`, each with a table of them. What is
//! to become of units is a matter of their `job`s; how they have to do with each other is in `graph`. After each event,
//! [`Engine::step`] compares what units are with what they were, and so jobs end, and what depends on a unit follows it.
//! Connections of sockets with Accept=yes are in `connections`.

mod action;
mod announce;
mod commands;
mod connections;
mod ending;
mod event;
mod follow;
mod foreground;
mod graph;
mod happen;
mod install;
mod job;
mod kill;
mod lifecycle;
mod limit;
mod listening;
mod main_process;
mod messages;
mod notification;
mod request;
mod restore;
mod service;
mod settle;
mod socket;
mod stopping;
mod transaction;
mod turn;
mod unit;
mod verdict;
pub mod view;
mod watchdog;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

pub use action::Action;
pub use event::{Claim, Claimed, End, Event, Instance, PidFileError, Port, Process, UnitId};
pub use notification::{Notification, Report, Told, Watchdog};
pub use turn::Level;
pub use view::{ActiveState, Answer, CommandStatus, JobResult, Refusal, RefusalKind, RequestId, Verb, View, Whom};

use connections::Connections;
use graph::Graph;
use service::Service;
use turn::{Taker, Timer, Turn};
use unit::{Machine, Unit};

use crate::saved;
use crate::spec::{Kind, LoadState, Relation, ServiceType, UnitName, UnitSpec};

/// What is managed, and so what becomes of all when a service has ended, and what a signal means.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Form {
    /// A command, as systemd-socket-activate(1) has it: it stands for this process. Signals are passed on, and where it ends
    /// because of one, all does.
    Command(Once),
    /// Units: a signal stops all of them.
    Units,
}

/// How often a command is started.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Once {
    /// It is started at once.
    pub now: bool,
    /// It is started once only.
    pub once: bool,
}

/// What messages call a service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its description, or its command line.
    pub title: String,
    /// An exit status that has a likely reason, and that reason: said once.
    pub hint: Option<(u8, String)>,
}

impl Display for Subject {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        // A unit without a description has no other title than its name.
        if self.title == self.name {
            formatter.write_str(&self.name)
        } else {
            write!(formatter, "{} - {}", self.name, self.title)
        }
    }
}

/// Everything that is listened on and may run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Engine {
    form: Form,
    units: BTreeMap<UnitId, Unit>,
    next_unit: usize,
    /// Made of the units anew.
    #[serde(skip)]
    graph: Graph,
    /// The sockets that ports are of. Nobody's are closed.
    ports: BTreeMap<Port, UnitId>,
    /// The units that are started at once.
    wanted: Vec<UnitId>,
    /// The only one of them, where there was one.
    only: Option<UnitId>,
    connections: Connections,
    #[serde(with = "saved")]
    owners: BTreeMap<Pid, Taker>,
    #[serde(with = "saved")]
    timers: BTreeSet<(Instant, Timer)>,
    /// The same, by what there is to do: each is due once.
    #[serde(skip)]
    due: BTreeMap<Timer, Instant>,
    next_job: u32,
    /// How many jobs there are.
    jobs: usize,
    /// The jobs that wait for others, by their numbers.
    waiting: BTreeMap<u32, UnitId>,
    /// Units whose job has ended in this step.
    ended_jobs: Vec<UnitId>,
    /// How many sockets and services are neither inactive nor failed.
    alive: usize,
    /// Whether it has begun.
    begun: bool,
    /// Whether something was asked: who stops units may start others, and so all goes on when none is left.
    asked: bool,
    /// Whether all is to end.
    stopping: bool,
    /// The exit status then, where FailureAction= or the like has given it.
    status: Option<u8>,
    /// Whether a unit has failed.
    failed: bool,
}

impl Engine {
    /// There are no units yet.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            units: BTreeMap::new(),
            next_unit: 0,
            graph: Graph::default(),
            ports: BTreeMap::new(),
            wanted: Vec::new(),
            only: None,
            connections: Connections::default(),
            owners: BTreeMap::new(),
            timers: BTreeSet::new(),
            due: BTreeMap::new(),
            next_job: 1,
            jobs: 0,
            waiting: BTreeMap::new(),
            ended_jobs: Vec::new(),
            alive: 0,
            begun: false,
            asked: false,
            stopping: false,
            status: None,
            failed: false,
        }
    }

    /// That of a command: a service, and its socket, which listens at so many ports already.
    pub fn of_command(
        once: Once,
        socket: Arc<UnitSpec>,
        ports: usize,
        service: Arc<UnitSpec>,
        subject: Subject,
    ) -> Self {
        let mut engine = Self::new(Form::Command(once));
        engine.connections = Connections::new(subject.clone());
        let service = engine.add_called(service, subject.clone());
        let socket = engine.add_called(socket, subject);
        let ports: Vec<Port> = (0..ports).map(Port).collect();
        engine.ports.extend(ports.iter().map(|port| (*port, socket)));
        if let Some(Machine::Socket(socket)) = engine.units.get_mut(&socket).map(|unit| &mut unit.machine) {
            socket.begin_with(ports);
        }
        if once.now {
            engine.want(service);
        }
        engine
    }

    /// Adds a unit.
    pub fn add(&mut self, spec: Arc<UnitSpec>) -> UnitId {
        let subject = Subject { name: spec.name.to_string(), title: spec.title().to_owned(), hint: None };
        self.add_called(spec, subject)
    }

    /// Adds the service of a connection: systemd says who has connected in its description.
    fn add_instance(&mut self, instance: Instance, connection: (UnitId, String)) -> UnitId {
        let Instance { spec, peer } = instance;
        let name = &spec.name;
        let title = match &spec.description {
            Some(description) if peer.is_empty() => description.clone(),
            Some(description) => format!("{description} ({peer})"),
            None if peer.is_empty() => name.to_string(),
            None => peer,
        };
        let subject = Subject { name: name.to_string(), title, hint: None };
        let id = self.add_called(spec, subject);
        if let Some(unit) = self.units.get_mut(&id) {
            unit.connection = Some(connection);
        }
        id
    }

    fn add_called(&mut self, spec: Arc<UnitSpec>, subject: Subject) -> UnitId {
        let id = UnitId(self.next_unit);
        self.next_unit += 1;
        let unit = Unit::new(id, spec, subject);
        self.graph.add(id, &unit);
        self.units.insert(id, unit);
        id
    }

    /// Gives a unit other settings, as `systemctl daemon-reload` does, or notes that it cannot be loaded any more. What runs goes on.
    pub fn replace(&mut self, id: UnitId, load: LoadState, spec: Option<Arc<UnitSpec>>) {
        let Some(unit) = self.units.get_mut(&id) else { return };
        unit.load = load;
        if let Some(spec) = spec {
            self.graph.remove(id, unit);
            unit.replace(spec);
            self.graph.add(id, unit);
        }
    }

    /// Has a unit started at once.
    pub fn want(&mut self, unit: UnitId) {
        self.wanted.push(unit);
    }

    /// What a unit is, or was until [`Action::Forget`] has come to [`Event::Forgotten`].
    pub fn spec(&self, id: UnitId) -> Option<&Arc<UnitSpec>> {
        self.units.get(&id).map(|unit| &unit.spec).or_else(|| self.connections.leaving(id))
    }

    /// What a unit is called, or was until then.
    pub fn name(&self, id: UnitId) -> Option<&UnitName> {
        let leaving = || self.connections.leaving(id).map(|spec| &spec.name);
        self.units.get(&id).map(|unit| &unit.name).or_else(leaving)
    }

    /// The ports that a service is passed, in this order: those of the sockets that are for it, and of those that it names.
    pub fn passed(&self, id: UnitId) -> Vec<Port> {
        let mut ports = Vec::new();
        for socket in self.sockets_of(id) {
            if let Some(Machine::Socket(socket)) = self.units.get(&socket).map(|unit| &unit.machine) {
                ports.extend_from_slice(&socket.ports);
            }
        }
        ports
    }

    /// The socket that a port is of.
    pub fn socket(&self, port: Port) -> Option<UnitId> {
        self.ports.get(&port).copied()
    }

    /// How many connections a socket has accepted.
    pub fn count_accepted(&self, id: UnitId) -> u64 {
        match self.units.get(&id).map(|unit| &unit.machine) {
            Some(Machine::Socket(socket)) => socket.accepted,
            _ => 0,
        }
    }

    /// Whether a unit has not ended.
    pub fn is_alive(&self, id: UnitId) -> bool {
        self.units.get(&id).is_some_and(|unit| !unit.active().is_inactive_or_failed())
    }

    /// The unit that a process is of.
    pub fn owner(&self, pid: Pid) -> Option<UnitId> {
        self.owners.get(&pid)?.unit()
    }

    /// The units of all processes that are known to be theirs.
    pub fn owners(&self) -> impl Iterator<Item = UnitId> {
        self.owners.values().filter_map(|taker| taker.unit())
    }

    /// Whether no job is under way.
    pub fn is_settled(&self) -> bool {
        self.begun && self.jobs == 0
    }

    /// Whether it was told that everything is open.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether all units are being stopped.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Whether no job is under way that services of Type=idle wait for: any but theirs.
    pub fn is_idle(&self) -> bool {
        let is_idle = |unit: &Unit| matches!(&unit.spec.kind, Kind::Service(service) if service.service_type == ServiceType::Idle);
        self.jobs == 0 || self.units.values().filter(|unit| unit.job.is_some()).all(is_idle)
    }

    /// What is to be done, now that this has happened.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut turn = Turn::new(now, self.form);
        self.happen(event, &mut turn);
        self.settle(&mut turn);
        self.failed |= turn.failed;
        self.set_timers(mem::take(&mut turn.timers));
        self.owners.extend(mem::take(&mut turn.owned));
        for action in &turn.actions {
            if let Action::Close(port) = action {
                self.ports.remove(port);
            }
        }
        if !turn.ends() {
            turn.actions.extend(self.end().map(Action::Exit));
        }
        turn.actions
    }

    /// Each of these is due then, and not when it was before.
    fn set_timers(&mut self, timers: Vec<(Instant, Timer)>) {
        for (at, timer) in timers {
            if timer.unit().is_none_or(|id| self.units.contains_key(&id)) {
                self.clear_timer(timer);
                self.due.insert(timer, at);
                self.timers.insert((at, timer));
            }
        }
    }

    fn clear_timer(&mut self, timer: Timer) {
        if let Some(at) = self.due.remove(&timer) {
            self.timers.remove(&(at, timer));
        }
    }

    /// When the next [`Event::Time`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn service(&self, id: UnitId) -> Option<&Service> {
        match &self.units.get(&id)?.machine {
            Machine::Service(service) => Some(service),
            _ => None,
        }
    }

    /// The sockets that are for a service, and those that it names, by their names.
    fn sockets_of(&self, id: UnitId) -> Vec<UnitId> {
        let Some(unit) = self.units.get(&id) else { return Vec::new() };
        let Kind::Service(service) = &unit.spec.kind else { return Vec::new() };
        let mut sockets = self.triggers_of(unit);
        sockets.extend(service.sockets.iter().filter_map(|name| self.graph.find(name)));
        sockets.sort_by(|one, other| self.units[one].name.cmp(&self.units[other].name));
        sockets.dedup();
        sockets
    }

    /// The sockets that start a service.
    fn triggers_of(&self, unit: &Unit) -> Vec<UnitId> {
        let mut triggers = self.graph.relatives(unit, &[Relation::Before]);
        triggers.retain(|id| match &self.units[id].spec.kind {
            Kind::Socket(socket) => !socket.accept && graph::is_called(unit, &socket.service),
            _ => false,
        });
        triggers
    }
}

#[cfg(test)]
mod tests;
