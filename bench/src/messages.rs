//! How many messages a second reach a receiver that does nothing but take them.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Child;

use sdlite_test_support as support;
use support::{run, scratch};

use crate::libraries::Release;
use crate::progress::progress;
use crate::statistics::median;
use crate::worker;

const ROUNDS: usize = 21;
const FUNCTIONS: [&str; 3] = ["sd_journal_print", "sd_journal_sendv", "sd_notify"];
const THREADS: [usize; 2] = [1, 2];

/// Where the receiver is, whichever function sends.
const SOCKET: &str = "/run/systemd/journal/socket";

pub struct Messages {
    pub function: &'static str,
    pub threads: usize,
    pub ours_per_second: f64,
    pub theirs_per_second: f64,
    /// As many times as with libsystemd.
    pub times_theirs: f64,
}

pub fn messages(release: &Release) -> Vec<Messages> {
    let directory = scratch();
    let ours = support::release().join("libsdlite.so");
    let mut rows = Vec::new();
    for function in FUNCTIONS {
        for threads in THREADS {
            let what = format!("Messages by {function}, {threads} in parallel, beside {}", release.name);
            let mut rounds = Vec::new();
            for round in 0..ROUNDS {
                progress(&what, round, ROUNDS);
                let theirs_first = round % 2 == 1;
                let libraries = if theirs_first { [&release.library, &ours] } else { [&ours, &release.library] };
                let mut sender = worker::command(&[], release, &[], directory.path());
                let _receiver = Receiver::start(release);
                sender.args(["send", function, &threads.to_string()]).args(libraries).env("NOTIFY_SOCKET", SOCKET);
                let rates = String::from_utf8(run(&mut sender).stdout).expect("numbers");
                let mut rates: Vec<_> = rates.lines().map(|rate| rate.parse::<f64>().expect("a number")).collect();
                if theirs_first {
                    rates.reverse();
                }
                rounds.push(rates);
            }
            let of = |which: usize| median(rounds.iter().map(|rates| rates[which]).collect());
            rows.push(Messages {
                function,
                threads,
                ours_per_second: of(0),
                theirs_per_second: of(1),
                times_theirs: median(rounds.iter().map(|rates| rates[0] / rates[1]).collect()),
            });
        }
    }
    rows
}

/// A process that takes what is sent. It ends when dropped.
struct Receiver(Child);

impl Receiver {
    fn start(release: &Release) -> Self {
        let directory = scratch();
        let mut command = worker::command(&[], release, &[&"receive"], directory.path());
        let socket = UnixDatagram::bind(SOCKET).expect("a socket in a /run of our own");
        Self(command.stdin(OwnedFd::from(socket)).spawn().expect("a receiver"))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
