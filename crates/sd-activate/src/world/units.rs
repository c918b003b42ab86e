//! What units need to be loaded, opened and executed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, LazyLock};

use nix::errno::Errno;
use nix::unistd::Pid;
use sdlite_core::id128;
use serde::{Deserialize, Serialize};

use super::groups::Groups;
use super::instance::{Peer, Template};
use super::journal::{Opened, Unit};
use super::poll::{Key, Tells};
use super::sockets::SavedSocket;
use super::{Journal, Notifications, Socket, World};
use crate::engine::{Engine, Event, Level, Port, UnitId};
use crate::error::Error;
use crate::exec::{Circumstances, Idle, IpcOwner, Manager, UnitPlan};
use crate::log::say;
use crate::saved::{Descriptor, Saved};
use crate::spec::{Command, CommandId, Kind, Log, NotifyAccess, Phase, ServiceType, SocketSpec, UnitName, UnitSpec};
use crate::unit::load::Loader;

/// What units need.
pub struct Units {
    /// From where they are loaded.
    pub loader: Loader,
    /// What their commands have in common.
    manager: Arc<Manager>,
    /// The sockets that were passed to this process, until a unit with their address takes them.
    pub passed: Vec<Socket>,
    /// Those that a unit has taken and given back: who has passed them has them open as well, and so they cannot be opened anew.
    pub(super) given_back: Vec<Socket>,
    /// The control groups of units, where there are any.
    pub(super) groups: Option<Groups>,
    /// Those that could not be removed, as processes are left in them.
    pub(super) left_groups: HashSet<UnitName>,
    /// The templates of services for one connection each.
    pub(super) templates: HashMap<UnitName, Template>,
    /// The connections that services are for.
    pub(super) connections: BTreeMap<UnitId, Connection>,
    /// `$INVOCATION_ID` of units, and the how-manieth that is.
    invocations: BTreeMap<UnitId, (u64, String)>,
}

/// A connection that was accepted, and who has connected.
pub(super) struct Connection {
    pub(super) descriptor: OwnedFd,
    pub(super) peer: Peer,
}

/// A connection, as it is written down.
#[derive(Serialize, Deserialize)]
pub struct SavedConnection {
    descriptor: Descriptor,
    peer: Peer,
}

impl Saved for Connection {
    type Form = SavedConnection;

    fn save(&self) -> SavedConnection {
        let Self { descriptor, peer } = self;
        SavedConnection { descriptor: descriptor.save(), peer: peer.clone() }
    }

    fn restore(SavedConnection { descriptor, peer }: SavedConnection) -> Option<Self> {
        Some(Self { descriptor: OwnedFd::restore(descriptor)?, peer })
    }
}

/// What there is open for units, as it is written down.
#[derive(Serialize, Deserialize)]
pub struct SavedUnits {
    passed: Vec<SavedSocket>,
    given_back: Vec<SavedSocket>,
    left_groups: HashSet<UnitName>,
    connections: Vec<(UnitId, SavedConnection)>,
    invocations: Vec<(UnitId, (u64, String))>,
}

impl Units {
    /// Writes down what cannot be loaded anew.
    pub fn save(&self) -> SavedUnits {
        let Self {
            loader: _,
            manager: _,
            passed,
            given_back,
            groups: _,
            left_groups,
            templates: _,
            connections,
            invocations,
        } = self;
        SavedUnits {
            passed: passed.save(),
            given_back: given_back.save(),
            left_groups: left_groups.clone(),
            connections: connections.save(),
            invocations: invocations.save(),
        }
    }

    /// The same again.
    pub fn restore(state: SavedUnits, loader: Loader, manager: Manager) -> Option<Self> {
        let SavedUnits { passed, given_back, left_groups, connections, invocations } = state;
        Some(Self {
            given_back: Saved::restore(given_back)?,
            left_groups,
            connections: Saved::restore(connections)?,
            invocations: Saved::restore(invocations)?,
            ..Self::new(loader, manager, Saved::restore(passed)?)
        })
    }
}

impl Units {
    /// None is loaded.
    pub fn new(loader: Loader, manager: Manager, passed: Vec<Socket>) -> Self {
        let (given_back, left_groups, templates, connections, invocations) = Default::default();
        let (manager, groups) = (Arc::new(manager), Groups::find());
        Self { loader, manager, passed, given_back, groups, left_groups, templates, connections, invocations }
    }

    /// Whether a unit that was started so many times has executed a command since.
    fn is_begun(&self, id: UnitId, number: u64) -> bool {
        self.invocations.get(&id).is_some_and(|(known, _)| *known == number)
    }

    /// `$INVOCATION_ID` of a unit that was started so many times.
    fn begin_invocation(&mut self, id: UnitId, number: u64) -> Result<String, Error> {
        if let Some((_, invocation)) = self.invocations.get(&id).filter(|(known, _)| *known == number) {
            return Ok(invocation.clone());
        }
        let random = id128::randomize().map_err(|error| Error::Fork(Errno::from_raw(error.number())))?;
        let invocation = String::from_utf8_lossy(&id128::to_string(&random)).into_owned();
        self.invocations.insert(id, (number, invocation.clone()));
        Ok(invocation)
    }

    /// The same, while it runs.
    pub(super) fn invocation(&self, id: UnitId) -> Option<&str> {
        self.invocations.get(&id).map(|(_, invocation)| invocation.as_str())
    }

    /// The unit of an invocation.
    pub(super) fn unit_of_invocation(&self, invocation: &str) -> Option<UnitId> {
        self.invocations.iter().find(|(_, (_, known))| known == invocation).map(|(id, _)| *id)
    }

    /// The sockets of a unit: those that were passed with its addresses, and the others opened.
    fn open(&mut self, name: &UnitName, spec: &SocketSpec) -> Result<Vec<Socket>, Error> {
        let mut sockets = Vec::new();
        for listen in &spec.listen {
            let failed = |error: Error| {
                let setting = listen.endpoint.setting();
                Error::Unit { unit: name.to_string(), reason: format!("{}: {setting}=: {error}", listen.origin) }
            };
            let taken = [&mut self.passed, &mut self.given_back].into_iter().find_map(|passed| {
                let position = passed.iter().position(|socket| socket.is_for(&listen.endpoint))?;
                Some(passed.remove(position))
            });
            let socket = taken.map_or_else(|| Socket::open(listen, spec), Ok).map_err(failed)?;
            socket.prepare(Port(sockets.len()), spec.accept).map_err(failed)?;
            sockets.push(socket);
        }
        Ok(sockets)
    }
}

impl World {
    /// Has units be managed: what they write comes to the log, and what they notify of is heard.
    pub fn manage(&mut self, units: Units, mut journal: Journal, notifications: Notifications) -> Result<(), Error> {
        if let Some(groups) = &units.groups {
            journal.tell_units_by(groups.names().clone());
        }
        self.poll.add(Key::Log, &journal, Tells::Always).map_err(Error::Wait)?;
        self.poll.add(Key::Notification, &notifications, Tells::Always).map_err(Error::Wait)?;
        (self.units, self.journal, self.notifications) = (Some(units), Some(journal), Some(notifications));
        Ok(())
    }

    /// Opens what a socket listens on.
    pub(super) fn open(&mut self, engine: &Engine, id: UnitId) -> Event {
        let (Some(units), Some(unit)) = (&mut self.units, engine.spec(id)) else {
            return Event::Opened(id, Vec::new());
        };
        let Kind::Socket(spec) = &unit.kind else { return Event::Opened(id, Vec::new()) };
        let opened = units.open(&unit.name, spec).and_then(|sockets| {
            if spec.accept {
                units.template(&spec.service)?;
            }
            Ok(sockets)
        });
        let mut ports = Vec::new();
        for socket in match opened {
            Ok(sockets) => sockets,
            Err(error) => return Event::NotOpened(id, error),
        } {
            match self.add_port(socket) {
                Ok(port) => ports.push(port),
                Err(error) => return Event::NotOpened(id, error),
            }
        }
        Event::Opened(id, ports)
    }

    /// Executes a command of a unit.
    pub(super) fn execute_unit(
        &mut self,
        engine: &Engine,
        id: UnitId,
        command_id: CommandId,
        invocation: u64,
        variables: Vec<(&'static str, String)>,
    ) -> Result<Pid, Error> {
        let Some(unit) = engine.spec(id).cloned() else { return Err(Error::ZeroByte) };
        let Some(command) = command(&unit, command_id) else { return Err(Error::ZeroByte) };
        let phase = command_id.phase;
        let Some(plan) = self.unit_plan(engine, id, &unit) else { return Err(Error::ZeroByte) };
        if self.units.as_ref().is_some_and(|units| !units.is_begun(id, invocation)) {
            self.tell_of_left_over(engine, id, &unit)?;
            self.limit_group(engine, id, &unit);
        }
        let invocation = self.units.as_mut().map(|units| units.begin_invocation(id, invocation)).transpose()?;
        let told = invocation.as_deref();
        let opened = self.journal.as_mut().map(|journal| journal.open_for(&plan, command, told)).transpose();
        let opened = opened.map_err(Error::Fork)?;
        let notify = self.notifications.as_ref().filter(|_| is_heard(&unit, phase));
        let notify = notify.map(|notifications| ("NOTIFY_SOCKET".into(), notifications.address().clone()));
        let invocation = invocation.map(|invocation| ("INVOCATION_ID".into(), invocation.into()));
        let monitored = variables.iter().find(|(name, _)| *name == "MONITOR_UNIT");
        let monitored = monitored.and_then(|(_, name)| engine.find(&UnitName::new(name)?));
        let monitored = monitored.and_then(|id| self.units.as_ref()?.invocation(id));
        let monitored = monitored.map(|invocation| ("MONITOR_INVOCATION_ID".into(), invocation.into()));
        let told = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let told =
            told.chain(monitored).chain(notify).chain(invocation).chain(opened.iter().flat_map(Opened::variable));
        let circumstances =
            Circumstances { phase, variables: told.collect(), journal: opened.as_ref().and_then(Opened::writer) };
        let laid_out = plan.lay_out(command, &circumstances).and_then(|mut plan| {
            if waits_for_idleness(&unit, phase) {
                plan.wait_for_idleness(self.idleness()?);
            }
            self.join_group(&mut plan, &unit.name)?;
            Ok(plan)
        });
        let connection = self.units.as_ref().and_then(|units| units.connections.get(&id));
        let mut passed = match connection {
            Some(connection) => vec![connection.descriptor.as_fd()],
            None => {
                let ports = engine.passed(id).into_iter();
                ports.filter_map(|port| self.ports.get(&port)).map(AsFd::as_fd).collect()
            }
        };
        passed.extend(self.store.of(id).map(|(_, descriptor)| descriptor));
        let started = laid_out.and_then(|mut plan| {
            if let Some(Connection { peer, .. }) = connection {
                plan.set_remote(&peer.address, &peer.port);
            }
            self.launcher.start(&mut plan, passed)
        });
        if let (Some(journal), Some(opened)) = (&mut self.journal, opened) {
            match started {
                Ok(pid) => journal.started(opened, pid),
                Err(_) => journal.not_started(opened),
            }
        }
        started
    }

    /// What ends when no job is under way any more.
    fn idleness(&mut self) -> Result<Arc<Idle>, Error> {
        let idle = match self.idle.take() {
            Some(idle) => idle,
            None => Arc::new(Idle::new().map_err(Error::Fork)?),
        };
        Ok(self.idle.insert(idle).clone())
    }

    fn connection_of(&self, id: UnitId) -> Option<&Connection> {
        self.units.as_ref()?.connections.get(&id)
    }

    /// How the commands of a unit are executed; a target has none.
    pub(super) fn unit_plan(&self, engine: &Engine, id: UnitId, unit: &Arc<UnitSpec>) -> Option<UnitPlan> {
        unit.exec()?;
        let connection = self.connection_of(id);
        let of_port = |port| match &engine.spec(engine.socket(port)?)?.kind {
            Kind::Socket(socket) => Some(socket.descriptor_name.clone().into_bytes()),
            _ => None,
        };
        let mut names = match connection {
            Some(_) => vec![b"connection".to_vec()],
            None => engine.passed(id).into_iter().filter_map(of_port).collect(),
        };
        names.extend(self.store.of(id).map(|(name, _)| name.as_bytes().to_vec()));
        let remote = connection.is_some_and(|connection| !connection.peer.address.is_empty());
        Some(UnitPlan { unit: unit.clone(), manager: self.units.as_ref()?.manager.clone(), names, remote })
    }

    /// RemoveIPC= of a unit that has ended: what is another's too, while that goes on, stays.
    pub(super) fn remove_ipc(&self, engine: &Engine, id: UnitId, plan: &UnitPlan) {
        if !plan.exec().remove_ipc {
            return;
        }
        let mut owner = plan.ipc_owner();
        for other in engine.units().filter(|other| *other != id && engine.is_alive(*other)) {
            if owner == IpcOwner::default() {
                return;
            }
            let plan = engine.spec(other).and_then(|spec| self.unit_plan(engine, other, spec));
            owner = plan.map_or(owner, |plan| owner.without(plan.ipc_owner()));
        }
        owner.remove();
    }

    /// Says something about a unit.
    pub(super) fn log(&mut self, engine: &Engine, id: UnitId, level: Level, message: &str) {
        let Some(journal) = &mut self.journal else { return say(message) };
        let invocation = self.units.as_ref().and_then(|units| units.invocation(id));
        match (engine.name(id), engine.spec(id)) {
            (Some(name), Some(spec)) => {
                static NO_LOG: LazyLock<Log> = LazyLock::new(Log::default);
                let log = spec.exec().map_or(&*NO_LOG, |exec| &exec.log);
                journal.say_of(&Unit::new(name.as_str(), invocation, log), level, message);
            }
            // The engine has forgotten it by then: the message begins with its name.
            _ => journal.say(message),
        }
    }

    /// Forgets what there is for a unit.
    pub(super) fn forget(&mut self, id: UnitId) {
        if let Some(units) = &mut self.units {
            units.connections.remove(&id);
            units.invocations.remove(&id);
        }
    }

    /// Closes what was passed to this process and is no unit's.
    pub(super) fn close_passed(&mut self) {
        for socket in self.units.iter_mut().flat_map(|units| units.passed.drain(..)) {
            let address = socket.address().unwrap_or_else(|| "a descriptor".to_owned());
            say(format_args!("{address} was passed, but is no unit's here: it is closed."));
        }
    }
}

fn command(unit: &UnitSpec, command: CommandId) -> Option<&Command> {
    let commands = match &unit.kind {
        Kind::Service(service) => service.commands(command.phase),
        Kind::Socket(socket) => socket.commands(command.phase),
        Kind::Target => &[],
    };
    commands.get(command.index)
}

fn waits_for_idleness(unit: &UnitSpec, phase: Phase) -> bool {
    matches!(&unit.kind, Kind::Service(service) if service.service_type == ServiceType::Idle && phase == Phase::Start)
}

/// Whether a command is told where to notify: the main process wherever anybody is heard, the others where they are.
fn is_heard(unit: &UnitSpec, phase: Phase) -> bool {
    let Kind::Service(service) = &unit.kind else { return false };
    match service.notify_access {
        NotifyAccess::None => false,
        NotifyAccess::Main => phase == Phase::Start,
        NotifyAccess::Exec | NotifyAccess::All => true,
    }
}
