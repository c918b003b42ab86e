//! The processes of the world: they descend from each other, and are reaped by their parents. Orphans are this process's children.

use std::collections::{BTreeMap, BTreeSet};

use nix::unistd::Pid;

use crate::engine::{End, UnitId};
use crate::spec::{CommandId, Phase, Signal};

/// A process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) unit: UnitId,
    /// The command that it was executed for; none where another process has made it.
    pub(super) command: Option<CommandId>,
    /// The other process that is its parent.
    parent: Option<Pid>,
    /// The group that it is in.
    group: Pid,
    pub(super) nature: Nature,
    /// How it has ended, where it is to be reaped here.
    pub(super) end: Option<End>,
}

/// What signals do to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// It ends by them.
    Mortal,
    /// It exits well when it is told to.
    Polite,
    /// It ends by SIGKILL only.
    Stubborn,
    /// The kernel does not let it end, as where it waits for a disk.
    Stuck,
}

impl Process {
    pub(super) fn is_alive(&self) -> bool {
        self.end.is_none()
    }

    pub(super) fn is_main(&self) -> bool {
        self.command.is_some_and(|command| command.phase == Phase::Start)
    }

    /// Whether this process hears of its end.
    pub(super) fn is_child(&self) -> bool {
        self.parent.is_none()
    }
}

/// All processes.
#[derive(Debug)]
pub(super) struct Processes {
    all: BTreeMap<Pid, Process>,
    /// Those that others have reaped, of which this process does not hear.
    gone: BTreeSet<Pid>,
    last: i32,
}

impl Processes {
    pub(super) fn new() -> Self {
        Self { all: BTreeMap::new(), gone: BTreeSet::new(), last: 100 }
    }

    fn add(&mut self, process: impl FnOnce(Pid) -> Process) -> Pid {
        self.last += 1;
        let pid = Pid::from_raw(self.last);
        self.all.insert(pid, process(pid));
        pid
    }

    /// A command is executed.
    pub(super) fn execute(&mut self, unit: UnitId, command: CommandId, nature: Nature) -> Pid {
        self.add(|group| Process { unit, command: Some(command), parent: None, group, nature, end: None })
    }

    /// A process makes another.
    pub(super) fn fork(&mut self, parent: Pid, nature: Nature) {
        let Process { unit, group, .. } = self.all[&parent];
        self.add(|_| Process { unit, command: None, parent: Some(parent), group, nature, end: None });
    }

    /// A process ends: its parent sees that, and those that it has made are this process's children from now on.
    pub(super) fn end(&mut self, pid: Pid, end: End) {
        for process in self.all.values_mut().filter(|process| process.parent == Some(pid)) {
            process.parent = None;
        }
        match self.all.get_mut(&pid) {
            Some(process) if process.is_child() => process.end = Some(end),
            _ => {
                self.all.remove(&pid);
                self.gone.insert(pid);
            }
        }
    }

    /// A signal is sent to a process, or to a group; whether there is one, or was as far as this process knows.
    pub(super) fn kill(&mut self, to: Pid, signal: Signal) -> bool {
        let of_group = |process: &Process| process.group.as_raw() == -to.as_raw();
        let targets: Vec<Pid> =
            self.all.iter().filter(|(pid, process)| **pid == to || of_group(process)).map(|(pid, _)| *pid).collect();
        for pid in &targets {
            let Process { nature, end, .. } = self.all[pid];
            let end = match nature {
                _ if end.is_some() || signal == Signal::CONT => None,
                Nature::Stuck => None,
                _ if signal == Signal::KILL => Some(End::Killed(signal)),
                Nature::Mortal => Some(End::Killed(signal)),
                Nature::Polite => Some(End::Exited(0)),
                Nature::Stubborn => None,
            };
            if let Some(end) = end {
                self.end(*pid, end);
            }
        }
        !targets.is_empty() || self.may_be(to)
    }

    /// A process that has ended is gone for good: how it has ended.
    pub(super) fn reap(&mut self, pid: Pid) -> Option<End> {
        self.all.remove(&pid)?.end
    }

    /// Whether a process runs or is to be reaped, as far as this process knows.
    pub(super) fn may_be(&self, pid: Pid) -> bool {
        self.all.contains_key(&pid) || self.gone.contains(&pid)
    }

    pub(super) fn get(&self, pid: Pid) -> Option<&Process> {
        self.all.get(&pid)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Pid, &Process)> {
        self.all.iter().map(|(pid, process)| (*pid, process))
    }

    pub(super) fn alive(&self) -> Vec<Pid> {
        self.iter().filter(|(_, process)| process.is_alive()).map(|(pid, _)| pid).collect()
    }

    /// Those that have ended.
    pub(super) fn ended(&self) -> Vec<Pid> {
        self.iter().filter(|(_, process)| !process.is_alive()).map(|(pid, _)| pid).collect()
    }
}
