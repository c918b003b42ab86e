//! What many units cost: to load them, in memory, and for each connection.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use sdlite_test_support as support;
use support::{has, scratch};

use crate::client;
use crate::peers::{Peers, SD_ACTIVATE, SYSTEMD, managing};
use crate::process::resident;
use crate::programs::Programs;
use crate::progress::progress;
use crate::statistics::median;

const ROUNDS: usize = 9;
const ANALYZE: &str = "systemd-analyze";
/// Sockets, each with its service, that are loaded.
const LOADED: usize = 500;
const IN_MEMORY: usize = 100;
/// Sockets beside the one that is connected to.
const OTHERS: [usize; 2] = [10, 10_000];
const CONNECTIONS: usize = 160;

/// What was measured, and beside what.
pub struct Cost {
    pub what: &'static str,
    pub ours: f64,
    pub beside: &'static str,
    pub theirs: f64,
    pub unit: &'static str,
    /// The median of the ratios of rounds.
    pub ratio: f64,
    /// What the ratio is to be at most.
    pub aim: f64,
}

pub fn costs(peers: &Peers) -> Vec<Cost> {
    let mut costs = vec![loading(), memory(peers), many_sockets(peers)];
    costs.extend(first_answer());
    costs
}

fn cost(what: &'static str, beside: &'static str, unit: &'static str, aim: f64, rounds: &[[f64; 2]]) -> Cost {
    let of = |figure: &dyn Fn(&[f64; 2]) -> f64| median(rounds.iter().map(figure).collect());
    let ratio = of(&|round| round[0] / round[1]);
    Cost { what, ours: of(&|round| round[0]), beside, theirs: of(&|round| round[1]), unit, ratio, aim }
}

/// The article's service, from its units. None where systemd cannot be booted in a container here.
fn first_answer() -> Option<Cost> {
    progress("First answers beside systemd as PID 1", 0, 1);
    let mut command = Command::new(support::source().join("tests/systemd/check.sh"));
    let output = command.arg("first-answers").output().expect("tests/systemd/check.sh");
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(77) {
        support::not_here(&text);
        return None;
    }
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let round = |line: &str| {
        let mut figures = line.split(' ').map(|figure| figure.parse().ok());
        Some([figures.next()??, figures.next()??])
    };
    let rounds: Vec<[f64; 2]> = text.lines().filter_map(round).collect();
    Some(cost("the first answer of a service", "systemd as PID 1", "µs", 1.0, &rounds))
}

/// All of them are checked by each, and nothing is started.
fn loading() -> Cost {
    has(ANALYZE, "systemd");
    let directory = scratch();
    let mut names = Vec::new();
    for number in 0..LOADED {
        let socket = format!("[Unit]\nDescription=Socket {number}\n[Socket]\nListenStream=/run/bench/{number}\n");
        let service = "[Unit]\nDescription=A service\n[Service]\nExecStart=/bin/true\nEnvironment=A=b\n";
        for (suffix, text) in [("socket", &*socket), ("service", service)] {
            let name = directory.path().join(format!("bench{number}.{suffix}"));
            fs::write(&name, text).expect("a unit");
            names.push(name);
        }
    }
    let time = |command: &mut Command| {
        let start = Instant::now();
        let status = command.args(&names).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it runs");
        assert!(status.success(), "{command:?}");
        1e3 * start.elapsed().as_secs_f64()
    };
    let round = |round| {
        progress("Loading units", round, ROUNDS);
        let ours = time(Command::new(support::release().join(SD_ACTIVATE)).arg("--verify"));
        [ours, time(Command::new(ANALYZE).args(["verify", "--man=no"]))]
    };
    let rounds: Vec<_> = (0..ROUNDS).map(round).collect();
    cost("loading 1,000 units", "systemd-analyze verify", "ms", 0.1, &rounds)
}

/// Nobody has connected.
fn memory(peers: &Peers) -> Cost {
    let ours = peers.start(|port, directory| sockets(port, directory, "/bin/true".as_ref(), IN_MEMORY - 1));
    let theirs = peers.start(|port, _| {
        let mut command = Command::new(SYSTEMD);
        command.arg(format!("--listen=127.0.0.1:{port}")).arg("/bin/true");
        command
    });
    let round = [ours.process.id(), theirs.process.id()].map(resident);
    cost("resident memory with 100 sockets", "systemd-socket-activate with one", "KiB", 1.0, &[round])
}

/// With Accept=yes: a process is started for each.
fn many_sockets(peers: &Peers) -> Cost {
    let programs = Programs::new();
    let service = programs.r#static("echo");
    let [few, many] = OTHERS.map(|others| peers.start(|port, directory| sockets(port, directory, &service, others)));
    let round = |round| {
        progress("Connections beside many sockets", round, ROUNDS);
        [&many, &few]
            .map(|listening| client::connect(listening.port, CONNECTIONS, 1).as_secs_f64() * 1e6 / CONNECTIONS as f64)
    };
    let rounds: Vec<_> = (0..ROUNDS).map(round).collect();
    cost("a connection, beside 10,000 sockets", "beside 10", "µs", 1.1, &rounds)
}

/// A socket with Accept=yes, and others, of which each is a unit with a service.
fn sockets(port: u16, directory: &Path, service: &Path, others: usize) -> Command {
    let mut wanted = String::from("[Unit]\nWants=bench.socket");
    for number in 0..others {
        let unit = format!("[Socket]\nListenStream={}/{number}\n", directory.display());
        fs::write(directory.join(format!("other{number}.socket")), unit).expect("a unit");
        let unit = "[Service]\nExecStart=/bin/true\n";
        fs::write(directory.join(format!("other{number}.service")), unit).expect("a unit");
        write!(wanted, " other{number}.socket").expect("a string");
    }
    let socket = "Accept=yes\nPollLimitBurst=0\nTriggerLimitBurst=0\n";
    fs::write(directory.join("bench.socket"), format!("[Socket]\nListenStream=127.0.0.1:{port}\n{socket}"))
        .expect("a unit");
    let unit = format!("[Service]\nExecStart={}\nStandardInput=socket\n", service.display());
    fs::write(directory.join("bench@.service"), unit).expect("a unit");
    fs::write(directory.join("all.target"), wanted).expect("a unit");
    managing(directory, "all.target")
}
