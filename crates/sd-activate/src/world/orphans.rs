//! Whose the processes are that were left to this process, where no control group says it.
//!
//! What descends from a service is found in /proc. A daemon leaves its parents; when these have ended, it is a child of this
//! process: of a subreaper, or of process 1. Its session, its environment and its sockets mostly show whose it is, but it
//! may leave those as well. So it is looked at as soon as its parents end.

use std::collections::{BTreeMap, BTreeSet};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid, getsid};
use serde::{Deserialize, Serialize};

use super::World;
use super::children::{children, invocation};
use crate::engine::{Engine, UnitId};

/// Children of this process that others have executed, and their units; none where it cannot be told.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Orphans(BTreeMap<libc::pid_t, Option<UnitId>>);

impl Orphans {
    /// The unit that a process was executed for, or was left by.
    pub fn owner(&self, engine: &Engine, pid: Pid) -> Option<UnitId> {
        engine.owner(pid).or_else(|| self.0.get(&pid.as_raw()).copied().flatten())
    }

    /// The children that are a unit's.
    pub fn of(&self, unit: UnitId) -> BTreeSet<libc::pid_t> {
        self.0.iter().filter(|(_, its)| **its == Some(unit)).map(|(pid, _)| *pid).collect()
    }
}

impl World {
    /// Finds out whose the children are that are new, now that these have ended, of whom the engine has not heard yet.
    pub(super) fn note_orphans(&mut self, engine: &Engine, ended: &[Pid]) {
        let Some(units) = self.units.as_ref().filter(|units| units.groups.is_none()) else { return };
        let owner = |pid| self.orphans.owner(engine, pid);
        // To process 1, others leave processes as well: what somebody has executed in a container. Those begin no session.
        let is_first = getpid().as_raw() == 1;
        let mut found = Vec::new();
        for pid in if self.has_children { children() } else { Vec::new() } {
            let own = Pid::from_raw(pid);
            if owner(own).is_some() || self.orphans.0.contains_key(&pid) {
                continue;
            }
            let session = getsid(Some(own)).ok();
            let of_session = || session.and_then(owner);
            let of_invocation = || units.unit_of_invocation(&invocation(pid)?);
            // Whoever has just ended has left it.
            let of_parent = || only(ended.iter().filter_map(|ended| owner(*ended)));
            let of_all = || only(engine.owners()).filter(|_| !is_first);
            let by_others = || of_parent().or_else(of_all).filter(|_| !is_first || session == Some(own));
            found.push((pid, of_session().or_else(of_invocation).or_else(by_others)));
        }
        self.orphans.0.extend(found);
        for pid in ended {
            self.orphans.0.remove(&pid.as_raw());
        }
    }

    /// All ends: those too of which it cannot be told whose they are. What others leave to process 1 ends with that.
    pub(super) fn end_strangers(&mut self, engine: &Engine) {
        self.note_orphans(engine, &[]);
        for (pid, unit) in &self.orphans.0 {
            if unit.is_none() {
                // It can only fail where the process has ended.
                let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
            }
        }
    }
}

/// The only one that there is.
fn only(mut units: impl Iterator<Item = UnitId>) -> Option<UnitId> {
    let first = units.next()?;
    units.all(|unit| unit == first).then_some(first)
}
