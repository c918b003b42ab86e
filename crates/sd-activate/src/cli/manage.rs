//! Units are started, and run until a signal stops them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Arc;

use super::open_standard_descriptors;
use crate::address::Address;
use crate::engine::{Engine, Form, ServiceId, Subject};
use crate::error::Error;
use crate::exec::{Circumstances, Manager, UnitPlan};
use crate::log::say;
use crate::spec::{
    Endpoint, Kind, NotifyAccess, Phase, Relation, Scope, ServiceSpec, SocketSpec, UnitName, UnitSpec, UnitType,
};
use crate::unit::diagnostic::Level;
use crate::unit::load::{Loaded, Loader};
use crate::unit::pending::pending;
use crate::world::{self, Asking, Inherited, Journal, Notifications, Settings, Socket, Starter, Taker, World};

/// Starts these units, and what starts with them. Returns the exit status.
pub fn run(loader: &Loader, names: &[UnitName], scope: Scope, log: Settings, asking: Asking) -> Result<u8, Error> {
    Units::load(loader, names)?.run(scope, log, asking)
}

/// The units that are started, with all that they need.
struct Units {
    /// All that were loaded.
    loaded: BTreeMap<UnitName, Arc<UnitSpec>>,
    /// The sockets that are listened on.
    sockets: BTreeSet<UnitName>,
    /// The services that are started at once.
    services: BTreeSet<UnitName>,
}

impl Units {
    fn load(loader: &Loader, names: &[UnitName]) -> Result<Self, Error> {
        let loaded = loader.load_all(names);
        for unit in &loaded {
            let said = unit.diagnostics.iter().filter(|said| said.level != Level::NoEffect);
            // What only orders units that do not exist here is not missed.
            said.filter(|_| unit.spec.is_some() || names.contains(&unit.name)).for_each(say);
        }
        let found = |unit: Loaded| unit.spec.map(|spec| (unit.name, Arc::new(spec)));
        let mut units = Self {
            loaded: loaded.into_iter().filter_map(found).collect(),
            sockets: BTreeSet::new(),
            services: BTreeSet::new(),
        };
        for name in names {
            units.start(name)?;
        }
        for name in units.sockets.iter().chain(&units.services) {
            units.check(name)?;
        }
        Ok(units)
    }

    fn unit(&self, name: &UnitName) -> Result<&UnitSpec, Error> {
        self.loaded.get(name).map(Arc::as_ref).ok_or_else(|| Error::Unit {
            unit: name.to_string(),
            reason: "it cannot be started, for the reasons above".to_owned(),
        })
    }

    /// Starts a unit, and what starts with it.
    fn start(&mut self, name: &UnitName) -> Result<(), Error> {
        let unit = self.unit(name)?;
        let known = |name: &&UnitName| self.loaded.contains_key(*name);
        let with_it = [Relation::Requires, Relation::Wants, Relation::BindsTo].map(|relation| unit.related(relation));
        let mut others: Vec<_> = with_it.into_iter().flatten().filter(known).cloned().collect();
        let new = match &unit.kind {
            Kind::Socket(_) => self.sockets.insert(name.clone()),
            Kind::Service(service) => {
                others.extend(service.sockets.iter().filter(known).cloned());
                self.services.insert(name.clone())
            }
            Kind::Target => !others.is_empty(),
        };
        for other in others.iter().filter(|other| new && *other != name) {
            self.start(other)?;
        }
        Ok(())
    }

    /// Whether all that a unit says can be carried out.
    fn check(&self, name: &UnitName) -> Result<(), Error> {
        let unit = self.unit(name)?;
        for other in unit.related(Relation::Conflicts) {
            if self.sockets.contains(other) || self.services.contains(other) {
                let reason = format!("it conflicts with {other}: start one of them");
                return Err(Error::Unit { unit: name.to_string(), reason });
            }
        }
        let service = match &unit.kind {
            Kind::Socket(socket) => Some(self.unit(&service_of(socket)?)?),
            _ => None,
        };
        for unit in [Some(unit), service].into_iter().flatten() {
            if let Some(said) = pending(unit).first() {
                return Err(Error::Unit { unit: unit.name.to_string(), reason: said.to_string() });
            }
        }
        Ok(())
    }

    fn run(self, scope: Scope, log: Settings, asking: Asking) -> Result<u8, Error> {
        open_standard_descriptors();
        let mut passed = world::passed()?;
        let inherited = Inherited::block().map_err(Error::Signals)?;
        world::adopt_orphans();
        let notifications = Notifications::open().map_err(Error::Wait)?;
        let mut sockets = BTreeMap::new();
        for name in &self.sockets {
            sockets.insert(name, open(name, self.socket(name)?, &mut passed)?);
        }
        for socket in &passed {
            let address = socket.address().unwrap_or_else(|| "a descriptor".to_owned());
            say(format_args!("{address} was passed, but is no unit's here: it is closed."));
        }
        drop(passed);

        let signals = inherited.watch().map_err(Error::Signals)?;
        let ignored = signals.inherited.ignored.clone();
        let manager = Manager::new(scope, ignored)?;
        let journal = Journal::new(log).map_err(Error::Wait)?;
        let mut planner = Planner { journal, notify: notifications.address().clone(), manager: Arc::new(manager) };
        let mut engine = Engine::new(Form::Units);
        let mut world = World::new(signals)?;
        let mut ids: BTreeMap<UnitName, ServiceId> = BTreeMap::new();
        for name in self.all_services()? {
            let (unit, service) = self.service(&name)?;
            let id = engine.add_service(service.clone(), unit.start_limit, subject(unit));
            if self.services.contains(&name) {
                engine.want(id);
            }
            let names = self.names_of_descriptors(&name, &sockets)?;
            world.add_service(planner.starter(unit, service, names)?);
            ids.insert(name, id);
        }
        for (name, open) in sockets {
            let (unit, socket) = (self.unit(name)?, self.socket(name)?);
            let names = vec![name.to_string(); open.len()];
            let service = service_of(socket)?;
            planner.journal.say(&format!("Listening on {}.", subject(unit)));
            let taker = match ids.get(&service) {
                Some(id) => {
                    engine.add_socket(socket, names, *id);
                    Taker::Service(*id)
                }
                None => {
                    let (unit, spec) = self.service(&service)?;
                    engine.add_accepting(socket, names, spec.clone(), subject(unit));
                    Taker::Each {
                        plan: Box::new(planner.connection(unit, spec, socket)?),
                        template: service.template(),
                    }
                }
            };
            world.add_socket(socket.clone(), open, taker)?;
        }
        for (name, spec) in &self.loaded {
            engine.know(spec.clone(), ids.get(name).copied());
        }
        world.listen_to_units(planner.journal, notifications)?;
        world.listen_to_control(asking)?;
        world.run(engine)
    }

    /// The services that there are once: those that are started, and those that take all that comes to a socket.
    fn all_services(&self) -> Result<BTreeSet<UnitName>, Error> {
        let mut all = self.services.clone();
        for name in &self.sockets {
            let socket = self.socket(name)?;
            if !socket.accept {
                all.insert(service_of(socket)?);
            }
        }
        Ok(all)
    }

    /// The names of the descriptors that a service is passed: those of all its sockets, in the order of their ports.
    fn names_of_descriptors(
        &self,
        service: &UnitName,
        sockets: &BTreeMap<&UnitName, Vec<Socket>>,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let mut names = Vec::new();
        for (name, open) in sockets {
            let socket = self.socket(name)?;
            if !socket.accept && service_of(socket)? == *service {
                names.extend(vec![socket.descriptor_name.clone().into_bytes(); open.len()]);
            }
        }
        Ok(names)
    }

    fn socket(&self, name: &UnitName) -> Result<&SocketSpec, Error> {
        match &self.unit(name)?.kind {
            Kind::Socket(socket) => Ok(socket),
            _ => Err(Error::Unit { unit: name.to_string(), reason: "it is no socket".to_owned() }),
        }
    }

    fn service(&self, name: &UnitName) -> Result<(&UnitSpec, &ServiceSpec), Error> {
        let unit = self.unit(name)?;
        match &unit.kind {
            Kind::Service(service) => Ok((unit, service)),
            _ => Err(Error::Unit { unit: name.to_string(), reason: "it is no service".to_owned() }),
        }
    }
}

fn subject(unit: &UnitSpec) -> Subject {
    Subject { name: unit.name.to_string(), title: unit.title().to_owned(), hint: None }
}

/// The service of a socket: of one with Accept=yes, an instance that stands for all.
fn service_of(socket: &SocketSpec) -> Result<UnitName, Error> {
    let service = if socket.accept { socket.service.instantiate("0") } else { Some(socket.service.clone()) };
    service.filter(|name| name.unit_type() == UnitType::Service).ok_or_else(|| Error::Unit {
        unit: socket.service.to_string(),
        reason: "it is no service that a socket can have".to_owned(),
    })
}

/// The sockets of a unit: those that were passed with its addresses, and the others opened.
fn open(name: &UnitName, spec: &SocketSpec, passed: &mut Vec<Socket>) -> Result<Vec<Socket>, Error> {
    let mut sockets = Vec::new();
    for listen in &spec.listen {
        let failed =
            |error: Error| Error::Unit { unit: name.to_string(), reason: format!("{}: {error}", listen.origin) };
        let socket = match passed.iter().position(|socket| socket.is_for(&listen.endpoint)) {
            Some(position) => passed.remove(position),
            None => Socket::open(listen, spec).map_err(failed)?,
        };
        socket.prepare(crate::engine::Port(sockets.len()), spec.accept).map_err(failed)?;
        sockets.push(socket);
    }
    Ok(sockets)
}

/// What the plans of all units have in common.
struct Planner {
    journal: Journal,
    notify: OsString,
    manager: Arc<Manager>,
}

impl Planner {
    fn starter(&mut self, unit: &UnitSpec, service: &ServiceSpec, names: Vec<Vec<u8>>) -> Result<Starter, Error> {
        let plan = Box::new(self.plan(unit, names, false));
        Ok(Starter::Unit { plan, service: Box::new(service.clone()) })
    }

    /// For each of a socket's connections.
    fn connection(
        &mut self,
        unit: &UnitSpec,
        service: &ServiceSpec,
        socket: &SocketSpec,
    ) -> Result<crate::exec::Plan, Error> {
        let inet = |endpoint: &Endpoint| {
            let Endpoint::Socket { address, .. } = endpoint else { return false };
            matches!(address, Address::Port(_) | Address::Inet(_) | Address::Inet6(_))
        };
        let remote = socket.listen.iter().all(|listen| inet(&listen.endpoint));
        let plan = self.plan(unit, vec![b"connection".to_vec()], remote);
        match &service.start[..] {
            [command] => {
                let opened = self.journal.open_for(&plan, command, None).map_err(Error::Fork)?;
                let mut circumstances =
                    Circumstances { journal: Some(opened.writer), ..Circumstances::of(Phase::Start) };
                if service.notify_access != NotifyAccess::None {
                    circumstances.variables.push(("NOTIFY_SOCKET".into(), self.notify.clone()));
                }
                plan.lay_out(command, &circumstances)
            }
            _ => Err(Error::Unit {
                unit: unit.name.to_string(),
                reason: "with Accept=yes, more than one ExecStart= is not carried out yet".to_owned(),
            }),
        }
    }

    fn plan(&self, unit: &UnitSpec, names: Vec<Vec<u8>>, remote: bool) -> UnitPlan {
        UnitPlan { unit: Arc::new(unit.clone()), manager: self.manager.clone(), names, remote }
    }
}
