//! The processes of a unit: those in its control group, and where it has none, those that descend from what was executed for it.

use std::collections::BTreeSet;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::World;
use super::children::{Traits, lineage, process, processes_of};
use super::groups::Groups;
use crate::engine::{Engine, Event, Level, Process, UnitId};
use crate::error::{Error, errno};
use crate::exec::Plan;
use crate::spec::{Kind, UnitName, UnitSpec};

impl World {
    fn groups(&self) -> Option<&Groups> {
        self.units.as_ref()?.groups.as_ref()
    }

    /// Has a command be executed in its unit's control group.
    pub(super) fn join_group(&mut self, plan: &mut Plan, unit: &UnitName) -> Result<(), Error> {
        let Some(groups) = self.units.as_mut().and_then(|units| units.groups.as_mut()) else { return Ok(()) };
        let failed = |error| Error::Group { unit: unit.to_string(), error: errno(error) };
        groups.open(unit).map(|group| plan.join(group)).map_err(failed)
    }

    /// The unit that a process is of: the one that it was executed for, the one whose control group it is in, or where there are no
    /// groups the one that it descends from.
    pub(super) fn unit_of(&self, engine: &Engine, pid: Pid) -> Option<UnitId> {
        let owner = |pid| self.orphans.owner(engine, pid);
        owner(pid).or_else(|| match self.groups() {
            Some(groups) => engine.find(&groups.names().unit_of(pid)?),
            None => lineage(pid).into_iter().find_map(owner),
        })
    }

    /// Limits what a unit's control group may use, as far as that can be; what cannot be is said, and the unit is started all the
    /// same, as by systemd.
    pub(super) fn limit_group(&mut self, engine: &Engine, id: UnitId, unit: &UnitSpec) {
        let Some(resources) = unit.exec().map(|exec| &exec.resources) else { return };
        let failed: Vec<String> = match self.groups() {
            Some(groups) => {
                let failed = groups.limit(&unit.name, resources).into_iter();
                failed.map(|(attribute, error)| format!("{attribute} cannot be set: {error}")).collect()
            }
            None => {
                let attributes = resources.attributes().into_iter();
                attributes.map(|(name, _)| format!("{name} cannot be set without a control group")).collect()
            }
        };
        for message in failed {
            self.log(engine, id, Level::Notice, &format!("{}: {message}", unit.name));
        }
    }

    /// What there is of a service.
    pub(super) fn inspect(&mut self, engine: &Engine, id: UnitId, executed: &[Pid]) -> Event {
        self.note_orphans(engine, &[]);
        let processes = if self.has_children { self.processes(engine, id, executed) } else { Vec::new() };
        let ports = engine.passed(id);
        let sockets = ports.iter().filter_map(|port| Some((*port, self.ports.get(port)?)));
        let unlinked = sockets.filter(|(_, socket)| socket.is_unlinked()).map(|(port, _)| port).collect();
        Event::Inspected { service: id, processes, unlinked }
    }

    fn processes(&self, engine: &Engine, id: UnitId, executed: &[Pid]) -> Vec<Process> {
        if let (Some(groups), Some(name)) = (self.groups(), engine.name(id)) {
            return groups.processes(name).into_iter().map(process).collect();
        }
        let ports = engine.passed(id);
        let sockets = ports.iter().filter_map(|port| self.ports.get(port)?.name_in_proc()).collect();
        let invocation = self.units.as_ref().map(|units| units.invocation(id).unwrap_or_default());
        let owner = |pid| self.orphans.owner(engine, pid);
        let is_others = |pid| owner(pid).is_some_and(|owner| owner != id);
        let is_its = |pid| owner(pid) == Some(id);
        processes_of(&Traits { is_others: &is_others, is_its: &is_its, executed, sockets, invocation })
    }

    /// Says which processes an earlier run of a unit has left, before the first command of this one. Those that nothing would
    /// have ended keep it from being started.
    pub(super) fn tell_of_left_over(&mut self, engine: &Engine, id: UnitId, unit: &UnitSpec) -> Result<(), Error> {
        let left = match self.groups() {
            Some(groups) => groups.processes(&unit.name),
            None => self.orphans.of(id),
        };
        for Process { pid, name, .. } in left.iter().copied().map(process) {
            let message = format!(
                "{}: Found left-over process {pid} ({name}) in control group while starting unit. Ignoring.",
                unit.name
            );
            self.log(engine, id, Level::Warning, &message);
            let message =
                "This usually indicates unclean termination of a previous run, or service implementation deficiencies.";
            self.log(engine, id, Level::Warning, message);
        }
        let Kind::Service(service) = &unit.kind else { return Ok(()) };
        let ends_all = service.kill.reaches_all(true);
        if left.is_empty() || service.kill.send_sigkill || !ends_all {
            return Ok(());
        }
        let message = format!(
            "{}: Will not start SendSIGKILL=no service of type KillMode=control-group or mixed while processes exist",
            unit.name
        );
        self.log(engine, id, Level::Warning, &message);
        Err(Error::Busy)
    }

    /// Sends all processes of a unit SIGKILL, those included that they make until it arrives.
    pub(super) fn kill_all(&self, engine: &Engine, id: UnitId, executed: &[Pid]) {
        if let (Some(groups), Some(name)) = (self.groups(), engine.name(id)) {
            // Since Linux 5.14.
            if groups.kill(name) {
                return;
            }
        }
        let mut killed = BTreeSet::new();
        loop {
            let mut found = self.processes(engine, id, executed);
            found.retain(|process| killed.insert(process.pid));
            if found.is_empty() {
                return;
            }
            for process in found {
                // It can only fail where the process has ended.
                let _ = kill(process.pid, Signal::SIGKILL);
            }
        }
    }

    /// Removes a unit's control group; where processes are left in there, once they have ended.
    pub(super) fn remove_group(&mut self, unit: &UnitName) {
        let Some(units) = &mut self.units else { return };
        if units.groups.as_ref().is_some_and(|groups| !groups.remove(unit)) {
            units.left_groups.insert(unit.clone());
        }
    }

    /// Processes have ended: the groups that they were left in may be empty now.
    pub(super) fn remove_left_groups(&mut self) {
        if let Some((groups, left)) =
            self.units.as_mut().and_then(|units| Some((units.groups.as_ref()?, &mut units.left_groups)))
        {
            left.retain(|unit| !groups.remove(unit));
        }
    }
}
