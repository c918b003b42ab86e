//! A day, and a connection every so often: nothing grows.
//!
//! `SDLITE_CONNECTIONS` says how many connections there are; 20,000 if it is not set.

use std::time::Duration;

use nix::unistd::Pid;
use sdlite_test_support::random::number;

use super::units::Text;
use super::world::World;
use crate::engine::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// So many connections are open at once.
const OPEN: usize = 5;

/// A service for all connections that ends after each, one for each connection that has timeouts, and one that fails and is started
/// again by hand now and then.
const UNITS: [(&str, &str); 5] = [
    ("a.socket", "[Socket]\nListenStream=/a\nPollLimitBurst=0\nTriggerLimitBurst=0\n"),
    ("a.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/x\nExecStopPost=/x\nRuntimeMaxSec=1week\n"),
    ("b.socket", "[Socket]\nListenStream=/b\nAccept=yes\nPollLimitBurst=0\nTriggerLimitBurst=0\n"),
    ("b@.service", "[Service]\nExecStart=/x\nExecStartPre=/x\nTimeoutStartSec=1week\nTimeoutStopSec=2weeks\n"),
    (
        "e.service",
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/x\nRestart=always\nRestartSec=50ms\nWatchdogSec=1h\n",
    ),
];

#[test]
fn after_a_day_of_connections_the_engine_knows_as_much_as_after_its_first_minutes() {
    let connections: u32 = number("SDLITE_CONNECTIONS").unwrap_or(20_000);
    let texts = UNITS.map(|(name, text)| Text { name, text: text.to_owned() });
    let mut world = World::fair(&texts).unwrap();
    for name in ["a.socket", "b.socket", "e.service"] {
        let unit = world.engine.find(&UnitName::new(name).unwrap()).unwrap();
        world.ask(Verb::Start, unit).unwrap();
    }

    let mut at_first = 0;
    for connection in 0..connections {
        let ports: Vec<Port> = world.ports.keys().copied().collect();
        let port = ports[connection as usize % ports.len()];
        world.ports.get_mut(&port).unwrap().waiting += 1;
        world.settle_down(OPEN);
        world.wait(DAY / connections).unwrap();
        let entries = entries(&world.engine);
        if connection < 1000 {
            at_first = at_first.max(entries);
        }
        assert!(entries <= at_first, "{entries} entries after {connection} connections, and {at_first} at first");
    }
}

/// How much the engine knows.
fn entries(engine: &Engine) -> usize {
    let Engine { units, graph, ports, wanted, connections, owners, timers, waiting, ended_jobs, .. } = engine;
    let of_units = units.len() + ports.len() + wanted.len() + waiting.len() + ended_jobs.len();
    of_units + graph.count() + connections.count() + owners.len() + timers.len()
}

impl World {
    /// All that can be done without time is done; of the main processes, so many stay.
    fn settle_down(&mut self, stay: usize) {
        loop {
            let command = |pid: &Pid| self.processes.get(*pid).is_some_and(|process| !process.is_main());
            let alive = self.processes.alive();
            if let Some(pid) = self.processes.ended().first() {
                self.reap(*pid).unwrap();
            } else if let Some(pid) = alive.iter().find(|pid| command(pid)) {
                self.processes.end(*pid, End::Exited(0));
            } else if alive.len() > stay {
                self.processes.end(alive[0], End::Exited(0));
            } else if let Some(port) = self.telling().first() {
                self.ports.get_mut(port).unwrap().waiting = 1;
                self.attend(*port).unwrap();
                if let Some(listening) = self.ports.get_mut(port) {
                    listening.waiting = 0;
                }
            } else {
                return;
            }
        }
    }
}
