//! How fast services are started upon connections.

use sdlite_test_support as support;

use crate::client;
use crate::peers::{Peers, SYSTEMD};
use crate::programs::Programs;
use crate::progress::progress;
use crate::statistics::median;

const ROUNDS: usize = 21;
const FIRST_ROUNDS: usize = 101;
/// Connections in a round, for each activator.
const CONNECTIONS: usize = 160;
const IN_FLIGHT: [usize; 2] = [1, 8];

/// A process for each connection.
pub struct Connections {
    pub activator: &'static str,
    pub in_flight: usize,
    pub per_second: f64,
    /// The time that a connection takes, of what it takes systemd-socket-activate.
    pub of_systemds_time: f64,
}

/// Each activator in turn, in many rounds.
pub fn connections(peers: &Peers) -> Vec<Connections> {
    let programs = Programs::new();
    let activators = peers.accepting(&programs.r#static("echo"));
    let systemd = activators.iter().position(|(name, _)| *name == SYSTEMD).expect("systemd-socket-activate");
    let mut rows = Vec::new();
    for in_flight in IN_FLIGHT {
        let measure = |round| {
            progress(&format!("Connections, {in_flight} in flight"), round, ROUNDS);
            let time = |port| client::connect(port, CONNECTIONS, in_flight).as_secs_f64();
            activators.iter().map(|(_, listening)| time(listening.port)).collect::<Vec<_>>()
        };
        let rounds: Vec<_> = (0..ROUNDS).map(measure).collect();
        rows.extend(activators.iter().enumerate().map(|(i, (activator, _))| Connections {
            activator,
            in_flight,
            per_second: CONNECTIONS as f64 / median(rounds.iter().map(|times| times[i]).collect()),
            of_systemds_time: median(rounds.iter().map(|times| times[i] / times[systemd]).collect()),
        }));
    }
    rows
}

/// A service that is not yet running.
pub struct FirstAnswer {
    pub activator: &'static str,
    pub microseconds: f64,
    /// The time from the connection to the answer, of what it is with systemd-socket-activate.
    pub of_systemds_time: f64,
}

/// Each activator in turn, started anew each time.
pub fn first_answers(peers: &Peers) -> Vec<FirstAnswer> {
    let programs = Programs::new();
    let archive = support::release().join("libsdlite.a");
    let service = programs.with_archive("serve", "musl-gcc", &archive);
    let mut rounds = Vec::new();
    for round in 0..FIRST_ROUNDS {
        progress("First answers", round, FIRST_ROUNDS);
        rounds.push(peers.activating(&service, |activator| client::exchange(activator.port).as_secs_f64()));
    }
    let systemd = rounds[0].iter().position(|(name, _)| *name == SYSTEMD).expect("systemd-socket-activate");
    let row = |(i, (activator, _)): (usize, &(&'static str, f64))| FirstAnswer {
        activator,
        microseconds: 1e6 * median(rounds.iter().map(|times| times[i].1).collect()),
        of_systemds_time: median(rounds.iter().map(|times| times[i].1 / times[systemd].1).collect()),
    };
    rounds[0].iter().enumerate().map(row).collect()
}
