//! The engine, as another process had it: `daemon-reexec`.

use std::sync::Arc;

use super::Engine;
use super::event::{End, UnitId};
use super::graph::Graph;
use super::turn::{Taker, Timer};
use super::unit::{Machine, Unit};
use crate::saved::as_it_is;
use crate::spec::{Kind, SocketSpec, UnitName, UnitSpec};

as_it_is!(End, Taker, Timer, UnitId);

impl Engine {
    /// Gives units that were written down the settings that they had: `read` makes them of what is known of each.
    pub fn equip(&mut self, mut read: impl FnMut(&UnitSpec) -> Option<UnitSpec>) {
        self.graph = Graph::default();
        self.due = self.timers.iter().map(|(at, timer)| (*timer, *at)).collect();
        for (id, unit) in &mut self.units {
            if let Some(spec) = read(&unit.spec) {
                unit.spec = Arc::new(spec);
            }
            unit.equip();
            self.graph.add(*id, unit);
        }
    }
}

impl Unit {
    /// Has its machine know its settings.
    fn equip(&mut self) {
        match (&mut self.machine, &self.spec.kind) {
            (Machine::Socket(socket), Kind::Socket(spec)) => socket.spec = spec.clone(),
            (Machine::Service(service), Kind::Service(spec)) => service.spec = spec.clone(),
            _ => (),
        }
        self.seen = (self.active(), self.sub_state());
    }
}

/// The settings of a socket until it is equipped.
pub(super) fn unknown() -> Arc<SocketSpec> {
    Arc::new(SocketSpec::new(&UnitName::new("unknown.socket").expect("a name")))
}
