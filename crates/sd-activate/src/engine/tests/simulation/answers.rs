//! What the world answers, now well and now badly.

use nix::errno::Errno;

use super::invariants;
use super::world::{Connection, Listening, Watched, World};
use crate::engine::event::{Claim, Claimed, PidFileError, Process};
use crate::engine::*;
use crate::error::Error;
use crate::spec::{CommandId, Kind, Phase};

impl World {
    pub(super) fn accepts(&self, port: Port) -> bool {
        let unit = self.engine.socket(port).and_then(|id| self.engine.spec(id));
        unit.is_some_and(|unit| matches!(&unit.kind, Kind::Socket(socket) if socket.accept))
    }

    pub(super) fn listen(&mut self, port: Port, socket: UnitId) {
        let listening = Listening { socket, watched: Watched::Never, waiting: 0, is_shut_down: false };
        self.ports.insert(port, listening);
    }

    pub(super) fn open(&mut self, id: UnitId) -> Result<Event, String> {
        let unit = self.engine.spec(id).cloned().ok_or("what is opened is no unit")?;
        let Kind::Socket(socket) = &unit.kind else { return Err("what is opened is no socket".to_owned()) };
        if !self.starting.remove(&id) && !self.starts.allows(id, self.now, unit.start_limit) {
            return Err(format!("{} is started more often than StartLimitBurst= allows", unit.name));
        }
        if self.one_of(10) {
            return Ok(Event::NotOpened(id, Error::ZeroByte));
        }
        let ports: Vec<Port> = (self.next_port..self.next_port + socket.listen.len()).map(Port).collect();
        self.next_port += ports.len();
        ports.iter().for_each(|port| self.listen(*port, id));
        Ok(Event::Opened(id, ports))
    }

    pub(super) fn execute(&mut self, id: UnitId, command: CommandId, invocation: u64) -> Result<Event, String> {
        let unit: Arc<UnitSpec> = self.engine.spec(id).cloned().ok_or("what is executed is no unit")?;
        self.executions += 1;
        let is_new = self.invocations.insert(id, invocation) != Some(invocation);
        let begins = is_new && (matches!(unit.kind, Kind::Service(_)) || command.phase == Phase::StartPre);
        if begins && matches!(unit.kind, Kind::Socket(_)) {
            self.starting.insert(id);
        }
        if begins && !self.starts.allows(id, self.now, unit.start_limit) {
            return Err(format!("{} is started more often than StartLimitBurst= allows", unit.name));
        }
        if self.one_of(12) {
            let error = match () {
                () if self.one_of(3) => Error::Fork(Errno::EAGAIN),
                () if self.one_of(2) => Error::NotFound { command: "/x".into() },
                () => Error::ZeroByte,
            };
            return Ok(Event::NotExecuted(id, error));
        }
        let nature = self.nature();
        let pid = self.processes.execute(id, command, nature);
        invariants::one_main(self, id)?;
        Ok(Event::Executed(id, pid))
    }

    pub(super) fn accept(&mut self, port: Port) -> Result<Option<Event>, String> {
        // Where the port is closed by now, so is a connection that was held.
        let held = self.held.take();
        let Some(socket) = self.engine.socket(port) else { return Ok(None) };
        if let Some(other) = held.as_ref().map(|held| held.socket).filter(|other| *other != socket) {
            return Err(format!("{socket:?} accepts a connection that is held for {other:?}"));
        }
        if held.is_none() {
            let Some(listening) = self.ports.get_mut(&port) else { return Ok(None) };
            // Who had come may have gone.
            let Some(others) = listening.waiting.checked_sub(1) else { return Ok(None) };
            if self.one_of(12) {
                let error = Error::Accept { descriptor: 3, error: Errno::EMFILE };
                return Ok(Some(Event::NotConnected(port, error)));
            }
            self.ports.entry(port).and_modify(|listening| listening.waiting = others);
        }
        let source = if self.one_of(2) { "1.1.1.1" } else { "2.2.2.2" };
        let held = held.unwrap_or(Connection { socket, source: source.to_owned() });
        let stem = self.engine.name(socket).map(ToString::to_string).unwrap_or_default().replace(".socket", "@");
        let name = format!("{stem}{}-{}.service", self.engine.count_accepted(socket), held.source);
        let spec = self.templates.get(&*format!("{stem}.service")).and_then(|template| template.load(&name));
        // It is closed where there is no service for it.
        let Some(spec) = spec else { return Ok(Some(Event::NotConnected(port, Error::ZeroByte))) };
        let source = held.source.clone();
        self.held = Some(held);
        Ok(Some(Event::Accepted {
            port,
            source: source.clone(),
            instance: Instance { spec: Arc::new(spec), peer: source },
        }))
    }

    pub(super) fn store(&mut self, unit: UnitId, max: usize) -> Result<Event, String> {
        invariants::store_is_as_large(self, unit, max)?;
        if self.engine.units[&unit].active().is_inactive_or_failed() {
            self.stored_before.insert(unit);
        }
        let stored = self.stored.entry(unit).or_default();
        let room = max.saturating_sub(*stored);
        *stored += self.offered.min(room);
        Ok(Event::Stored { unit, count: *stored, full: self.offered > room })
    }

    /// So many of those that are stored are closed.
    pub(super) fn unstore(&mut self, unit: UnitId, count: usize) -> Event {
        let stored = self.stored.entry(unit).or_default();
        *stored = stored.saturating_sub(count);
        if *stored == 0 {
            self.stored_before.remove(&unit);
        }
        Event::Stored { unit, count: *stored, full: false }
    }

    pub(super) fn read_pid_file(&mut self, id: UnitId) -> Event {
        let its = self.processes.iter().filter(|(_, process)| process.unit == id && process.is_alive()).last();
        let its = its.map(|(pid, _)| Claim { pid, claimed: Claimed::Running, trusted: false });
        let claim = its.filter(|_| !self.one_of(3));
        Event::PidFileRead(id, claim.ok_or(PidFileError::Open(Errno::ENOENT)))
    }

    pub(super) fn inspect(&mut self, id: UnitId) -> Event {
        let others = |pid: &Pid| self.engine.owner(*pid).is_some_and(|owner| owner != id);
        let its = self.processes.iter().filter(|(pid, process)| process.unit == id && !others(pid));
        let process = |(pid, process): (Pid, &super::processes::Process)| Process {
            pid,
            name: "x".to_owned(),
            is_child: process.is_child(),
            is_zombie: !process.is_alive(),
        };
        let processes = its.map(process).collect();
        let gone = self.one_of(10);
        let unlinked = self.engine.passed(id).into_iter().filter(|_| gone).collect();
        Event::Inspected { service: id, processes, unlinked }
    }
}
