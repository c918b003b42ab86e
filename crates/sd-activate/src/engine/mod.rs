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
mod event;
mod foreground;
mod graph;
mod job;
mod lifecycle;
mod limit;
mod messages;
mod request;
mod service;
mod socket;
mod stopping;
mod turn;
mod unit;
mod verdict;
pub mod view;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{self, Display, Formatter};
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use nix::unistd::Pid;

pub use action::Action;
pub use event::{End, Event, Instance, Notification, Port, Process, UnitId};
pub use turn::Level;
pub use view::{ActiveState, Answer, CommandStatus, JobResult, Refusal, RefusalKind, RequestId, Verb, View, Whom};

use connections::Connections;
use graph::Graph;
use job::JobKind;
use service::{Happening, Service};
use socket::Triggered;
use turn::{Taker, Timer, Turn};
use unit::{Machine, Unit};

use crate::error::Error;
use crate::spec::{Kind, LoadState, Signal, UnitName, UnitSpec};

/// What is managed, and so what becomes of all when a service has ended, and what a signal means.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A command, as systemd-socket-activate(1) has it: it stands for this process. Signals are passed on, and where it ends
    /// because of one, all does.
    Command(Once),
    /// Units: a signal stops all of them.
    Units,
}

/// How often a command is started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Once {
    /// It is started at once.
    pub now: bool,
    /// It is started once only.
    pub once: bool,
}

/// What messages call a service.
#[derive(Clone, Debug)]
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
#[derive(Debug)]
pub struct Engine {
    form: Form,
    units: BTreeMap<UnitId, Unit>,
    next_unit: usize,
    graph: Graph,
    /// The sockets that ports are of. Nobody's are closed.
    ports: HashMap<Port, UnitId>,
    /// The units that are started at once.
    wanted: Vec<UnitId>,
    /// The only one of them, where there was one.
    only: Option<UnitId>,
    connections: Connections,
    owners: HashMap<Pid, Taker>,
    timers: BTreeSet<(Instant, Timer)>,
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
            ports: HashMap::new(),
            wanted: Vec::new(),
            only: None,
            connections: Connections::default(),
            owners: HashMap::new(),
            timers: BTreeSet::new(),
            next_job: 1,
            jobs: 0,
            waiting: BTreeMap::new(),
            ended_jobs: Vec::new(),
            alive: 0,
            begun: false,
            asked: false,
            stopping: false,
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

    /// What a unit is.
    pub fn spec(&self, id: UnitId) -> Option<&Arc<UnitSpec>> {
        self.units.get(&id).map(|unit| &unit.spec)
    }

    /// What a unit is called.
    pub fn name(&self, id: UnitId) -> Option<&UnitName> {
        self.units.get(&id).map(|unit| &unit.name)
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

    /// The unit that a process is of.
    pub fn owner(&self, pid: Pid) -> Option<UnitId> {
        match self.owners.get(&pid)? {
            Taker::Service(id) => Some(*id),
            Taker::Connection => None,
        }
    }

    /// Whether no job is under way.
    pub fn is_settled(&self) -> bool {
        self.begun && self.jobs == 0
    }

    /// What is to be done, now that this has happened.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut turn = Turn::new(now, self.form);
        self.happen(event, &mut turn);
        self.settle(&mut turn);
        self.failed |= turn.failed;
        self.timers.extend(mem::take(&mut turn.timers));
        self.owners.extend(mem::take(&mut turn.owned));
        if !turn.ends() {
            turn.actions.extend(self.end().map(Action::Exit));
        }
        turn.actions
    }

    /// When the next [`Event::Time`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn happen(&mut self, event: Event, turn: &mut Turn) {
        match event {
            Event::Begun => self.begin(turn),
            Event::Time => self.time_passes(turn),
            Event::Signal { signal, by_kernel } => self.signal(signal, by_kernel, turn),
            Event::Requested { request, verb, unit } => self.requested(request, verb, unit, turn),

            Event::Opened(id, ports) => {
                self.ports.extend(ports.iter().map(|port| (*port, id)));
                self.tell_socket(id, socket::Happening::Opened(ports), turn);
            }
            Event::NotOpened(id, error) => self.tell_socket(id, socket::Happening::NotOpened(error), turn),
            Event::Incoming(port) => self.incoming(port, turn),
            Event::HungUp(port) => {
                if let Some(name) = self.name_of(port) {
                    turn.say(format_args!("The socket at {name} was shut down (shutdown(2)): it is opened anew."));
                    turn.act(Action::Reopen(port));
                }
            }
            Event::Reopened(port) => turn.act(Action::Watch(port)),
            Event::NotReopened(port, error) => self.lose(port, error, turn),

            Event::Checked(id, unmet) => self.checked(id, unmet.as_ref(), turn),
            Event::Executed(id, pid) => {
                self.tell(id, Happening::Executed(pid), || socket::Happening::Executed(pid), turn);
            }
            Event::NotExecuted(id, error) => {
                if !self.hold(id, &error, turn) {
                    self.tell(
                        id,
                        Happening::NotExecuted(error.clone()),
                        || socket::Happening::NotExecuted(error),
                        turn,
                    );
                }
            }
            Event::Notified { sender, lineage, notification } => {
                let owner = [sender].iter().chain(&lineage).find_map(|pid| self.owner(*pid));
                if let Some(id) = owner {
                    self.tell_service(id, Happening::Notified(sender, notification), turn);
                }
            }
            Event::Connected(pid) => {
                turn.owned.push((pid, Taker::Connection));
                self.connections.connected(pid);
            }
            Event::Accepted { port, source, instance } => self.accepted(port, source, instance, turn),
            Event::NotConnected(port, error) => self.connections.not_connected(port, error, turn),

            Event::Ended(pid, end) => match self.owners.remove(&pid) {
                Some(Taker::Service(id)) => {
                    self.tell(id, Happening::Ended(pid, end), || socket::Happening::Ended(pid, end), turn);
                }
                Some(Taker::Connection) => self.connections.ended(pid, end, turn),
                None => (),
            },
            Event::Suspended(pid, signal) => {
                if let Some(id) = self.owner(pid) {
                    self.tell_service(id, Happening::Suspended(pid, signal), turn);
                }
            }
            Event::Inspected { service, mut processes, unlinked } => {
                let its = Taker::Service(service);
                processes.retain(|process| self.owners.get(&process.pid).is_none_or(|owner| *owner == its));
                self.tell_service(service, Happening::Found(processes), turn);
                self.settle(turn);
                let runs = self.service(service).is_some_and(|service| service.runs());
                if !runs && !turn.ends() {
                    self.reopen(unlinked, turn);
                }
            }
        }
    }

    fn begin(&mut self, turn: &mut Turn) {
        self.begun = true;
        if let Form::Command(_) = self.form {
            let ids: Vec<UnitId> = self.units.keys().copied().collect();
            for id in ids {
                if let Some(Machine::Socket(socket)) = self.units.get(&id).map(|unit| &unit.machine) {
                    let ports = socket.ports.clone();
                    self.tell_socket(id, socket::Happening::Opened(ports), turn);
                }
            }
        }
        let wanted = mem::take(&mut self.wanted);
        self.only = wanted.first().copied().filter(|_| wanted.len() == 1);
        for id in wanted {
            if let Err(reason) = self.ask(Verb::Start, id, None, turn) {
                let name = &self.units[&id].name;
                turn.say(format_args!("Failed to start {name}: {}", reason.why));
                turn.failed = true;
            }
        }
    }

    fn time_passes(&mut self, turn: &mut Turn) {
        while let Some(due) = self.timers.first().copied().filter(|(at, _)| *at <= turn.now) {
            self.timers.remove(&due);
            match due.1 {
                Timer::Rest(id) => self.tell_socket(id, socket::Happening::RestOver, turn),
                Timer::Service(id) => self.tell(id, Happening::TimeUp, || socket::Happening::TimeUp, turn),
                Timer::Shortage => self.connections.shortage_is_over(turn),
            }
        }
    }

    /// Tells a unit, whatever it is.
    fn tell(
        &mut self,
        id: UnitId,
        happening: Happening,
        of_socket: impl FnOnce() -> socket::Happening,
        turn: &mut Turn,
    ) {
        let Some(unit) = self.units.get_mut(&id) else { return };
        match &mut unit.machine {
            Machine::Service(service) => service.step(happening, turn),
            Machine::Socket(socket) => {
                let happening = of_socket();
                socket.step(happening, turn);
            }
            Machine::Target(_) => (),
        }
        turn.touched.push(id);
    }

    fn tell_service(&mut self, id: UnitId, happening: Happening, turn: &mut Turn) {
        if let Some(Machine::Service(service)) = self.units.get_mut(&id).map(|unit| &mut unit.machine) {
            service.step(happening, turn);
            turn.touched.push(id);
        }
    }

    fn tell_socket(&mut self, id: UnitId, happening: socket::Happening, turn: &mut Turn) {
        if let Some(Machine::Socket(socket)) = self.units.get_mut(&id).map(|unit| &mut unit.machine) {
            socket.step(happening, turn);
            turn.touched.push(id);
        }
    }

    fn service(&self, id: UnitId) -> Option<&Service> {
        match &self.units.get(&id)?.machine {
            Machine::Service(service) => Some(service),
            _ => None,
        }
    }

    /// What messages call a port.
    fn name_of(&self, port: Port) -> Option<String> {
        let socket = self.ports.get(&port)?;
        Some(match self.form {
            Form::Command(_) => port.to_string(),
            Form::Units => self.units.get(socket)?.name.to_string(),
        })
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
        let mut namers = self.graph.namers(unit);
        namers.retain(|id| match &self.units[id].spec.kind {
            Kind::Socket(socket) => !socket.accept && graph::is_called(unit, &socket.service),
            _ => false,
        });
        namers
    }

    /// Has all come of what has happened that does: jobs end and others run, and what depends on a unit follows it.
    fn settle(&mut self, turn: &mut Turn) {
        while !turn.ends() {
            for id in mem::take(&mut turn.triggered) {
                self.trigger(id, turn);
            }
            for id in mem::take(&mut turn.given_up) {
                self.tell_sockets(id, Triggered::LimitHit, turn);
            }
            for id in mem::take(&mut turn.touched) {
                self.compare(id, turn);
            }
            for id in mem::take(&mut self.ended_jobs) {
                self.job_has_ended(id, turn);
            }
            let mut quiet = turn.triggered.is_empty() && turn.touched.is_empty() && self.ended_jobs.is_empty();
            if quiet && !turn.later.is_empty() {
                let (id, happening) = turn.later.remove(0);
                self.tell_service(id, happening, turn);
                quiet = false;
            }
            if quiet && !self.run_jobs(turn) {
                return;
            }
        }
    }

    /// What comes of a unit's being another than it was.
    fn compare(&mut self, id: UnitId, turn: &mut Turn) {
        let Some(unit) = self.units.get_mut(&id) else { return };
        let Some(old) = unit.has_changed(turn.now) else { return };
        let new = unit.seen.0;
        let (was_over, is_over) = (old.is_inactive_or_failed(), new.is_inactive_or_failed());
        if !matches!(unit.machine, Machine::Target(_)) {
            self.alive = self.alive + usize::from(was_over && !is_over) - usize::from(!was_over && is_over);
        }
        let restarts = unit.seen.1 == "auto-restart";
        self.note_change(id, turn);
        if !was_over && (is_over || new == ActiveState::Deactivating || restarts) {
            self.stop_bound(id, turn);
        }
        if is_over {
            self.stop_what_it_needed(id, turn);
        } else {
            self.stop_unneeded(id, turn);
        }
        self.tell_of_service(id, turn);
        if is_over {
            self.forget_instance(id, new, turn);
        }
    }

    fn job_has_ended(&mut self, id: UnitId, turn: &mut Turn) {
        if self.units.contains_key(&id) {
            self.stop_what_it_needed(id, turn);
            self.stop_unneeded(id, turn);
            self.tell_of_service(id, turn);
        }
    }

    /// Tells the sockets of a service what has become of it, unless a job goes on with it.
    fn tell_of_service(&mut self, id: UnitId, turn: &mut Turn) {
        let Some(unit) = self.units.get(&id) else { return };
        if unit.job.is_some() || !matches!(unit.machine, Machine::Service(_)) {
            return;
        }
        match unit.seen.1 {
            "dead" | "failed" | "auto-restart" => self.tell_sockets(id, Triggered::Over, turn),
            // Who comes now has it started again as soon as that is done.
            "final-sigterm" | "final-sigkill" if matches!(self.form, Form::Units) => {
                self.tell_sockets(id, Triggered::Over, turn);
            }
            "running" => self.tell_sockets(id, Triggered::Runs, turn),
            _ => (),
        }
    }

    fn tell_sockets(&mut self, service: UnitId, triggered: Triggered, turn: &mut Turn) {
        let Some(unit) = self.units.get(&service) else { return };
        for socket in self.triggers_of(unit) {
            // What is to be stopped listens no more.
            if self.units[&socket].job.as_ref().is_none_or(|job| job.kind != JobKind::Stop) {
                self.tell_socket(socket, socket::Happening::Service(triggered), turn);
            }
        }
    }

    /// Starts the service of a socket.
    fn trigger(&mut self, id: UnitId, turn: &mut Turn) {
        let Some(unit) = self.units.get(&id) else { return };
        let Machine::Socket(socket) = &unit.machine else { return };
        // What is to be stopped starts nothing any more.
        if unit.job.as_ref().is_some_and(|job| job.kind == JobKind::Stop) {
            return;
        }
        let service = socket.spec.service.clone();
        let started = match self.graph.find(&service) {
            Some(service) if self.units[&service].is_up() || self.units[&service].job.is_some() => Ok(()),
            Some(service) => self.enqueue(service, JobKind::Start, None, turn),
            None => Err(format!("Unit {service} not found.")),
        };
        if let Err(reason) = started {
            self.tell_socket(id, socket::Happening::NotTriggered(reason), turn);
        }
    }

    fn signal(&mut self, signal: Signal, by_kernel: bool, turn: &mut Turn) {
        let number = signal.number();
        // The kernel sends SIGHUP where the terminal is gone, and nobody could send SIGINT any more.
        let stops =
            matches!(number, libc::SIGTERM | libc::SIGINT | libc::SIGQUIT) || number == libc::SIGHUP && by_kernel;
        match self.form {
            Form::Command(_) => {
                if stops {
                    self.accept_no_more(turn);
                }
                self.connections.pass_on(signal, turn);
                let ids: Vec<UnitId> = self.units.keys().copied().collect();
                for id in ids {
                    self.tell_service(id, Happening::PassOn { signal, stops }, turn);
                }
            }
            Form::Units if stops => self.stop_all(turn),
            Form::Units => (),
        }
        let services = || self.units.values().filter(|unit| matches!(unit.machine, Machine::Service(_)));
        let runs = self.connections.runs() || services().any(|unit| !unit.active().is_inactive_or_failed());
        // With a command, whether all ends depends on how that does, where it runs.
        self.stopping |= stops && (matches!(self.form, Form::Units) || !runs || self.connections.runs());
        match number {
            libc::SIGTSTP => turn.act(Action::Suspend),
            libc::SIGCONT | libc::SIGURG | libc::SIGWINCH => (),
            _ if stops => (),
            _ => match self.form {
                Form::Command(_) if runs => (),
                Form::Command(_) => turn.say(format_args!("No service runs that {signal} could be passed on to.")),
                Form::Units => turn.say(format_args!("{signal} is ignored: SIGTERM stops the units.")),
            },
        }
    }

    /// The exit status, once there is nothing more to do.
    fn end(&self) -> Option<u8> {
        match self.form {
            Form::Command(_) => {
                let runs =
                    self.connections.runs() || self.units.keys().any(|id| self.service(*id).is_some_and(Service::runs));
                (self.stopping && !runs).then_some(0)
            }
            Form::Units if !self.begun || self.alive > 0 || self.jobs > 0 => None,
            Form::Units if self.stopping => Some(0),
            Form::Units => (!self.asked).then(|| self.exit_status()),
        }
    }

    /// The exit status of units that have ended by themselves: where only one service was asked for, that of its process.
    fn exit_status(&self) -> u8 {
        let only = self.only.and_then(|id| self.service(id)).filter(|service| service.ran);
        let status = only.and_then(|service| service.main_end).map_or(1, End::status);
        if self.failed { status.max(1) } else { 0 }
    }

    /// Services that serve all connections have their ports until they have ended; nobody else will serve the others.
    fn accept_no_more(&mut self, turn: &mut Turn) {
        let accepts = |unit: &UnitId| matches!(&self.units[unit].spec.kind, Kind::Socket(socket) if socket.accept);
        let mut ports: Vec<Port> =
            self.ports.iter().filter(|(_, socket)| accepts(socket)).map(|(port, _)| *port).collect();
        ports.sort_unstable();
        for port in ports {
            self.ports.remove(&port);
            turn.act(Action::Close(port));
        }
    }

    /// Makes files anew that are gone.
    fn reopen(&self, unlinked: Vec<Port>, turn: &mut Turn) {
        for port in unlinked {
            if let Some(name) = self.name_of(port) {
                turn.say(format_args!("The file of the socket at {name} is gone: it is made anew."));
                turn.act(Action::Reopen(port));
            }
        }
    }

    /// Gives a port up.
    fn lose(&mut self, port: Port, error: Error, turn: &mut Turn) {
        let Some(socket) = self.ports.remove(&port) else { return };
        if let Form::Command(_) = self.form {
            if self.ports.is_empty() {
                return turn.act(Action::Fail(error));
            }
        }
        turn.say(error);
        self.tell_socket(socket, socket::Happening::Lost(port), turn);
    }
}

#[cfg(test)]
mod tests;
