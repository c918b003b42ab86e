//! Services and clients that take all that they can get: the others are served all the same, and nobody gets more than a share of a
//! turn. How long the others wait is measured by `make bench`.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use common::machine::Machine;
use common::{Activator, children, compiled, eventually};
use sdlite_test_support::has;

const FLOODS: [&str; 5] = ["processes", "lines", "entries", "large-entries", "notifications"];
/// The manager has no more in memory than that, in KiB: what is kept of the log, and room for what comes.
const MEMORY_MAX: u64 = 64 * 1024;

/// A service for each connection, and the floods.
fn machine() -> Machine {
    let flood = compiled("flood");
    let floods = FLOODS.map(|flood_of| {
        let text = format!("[Service]\nExecStart={} {flood_of}\nNotifyAccess=all\n", flood.display());
        (format!("{flood_of}.service"), text)
    });
    let each = [
        ("each.socket", "[Socket]\nListenStream=DIRECTORY/each\nAccept=yes\nTriggerLimitIntervalSec=0\n"),
        ("each@.service", "[Service]\nExecStart=SERVICE echo\n"),
    ];
    Machine::new(&floods.iter().map(|(name, text)| (name.as_str(), text.as_str())).chain(each).collect::<Vec<_>>())
}

/// Standard error that nobody would look at: it fills no disk.
const DISCARDED: &[&str] = &["sh", "-c", "exec \"$@\" 2>/dev/null", "sh"];
/// A pipe as standard error that somebody has open and does not read.
const NOT_READ: &[&str] = &["sh", "-c", "mkfifo /run/fifo && exec \"$@\" 2<>/run/fifo", "sh"];
/// A pipe as standard error that nobody has open any more.
const CLOSED: &[&str] = &["sh", "-c", "mkfifo /run/fifo && exec 9<>/run/fifo 2>/run/fifo 9<&- \"$@\"", "sh"];

/// Starts units, by sd-activate behind other commands.
fn start(machine: &Machine, before: &[&[&str]], units: &[&str]) -> Option<Activator> {
    let control = machine.0.directory.text("control");
    let command = machine.command_behind(&before.concat(), &["--control", &control], units)?;
    let activator = Activator::run(&machine.0.directory, command);
    eventually("listening", || (sdctl(machine, &["is-active", "each.socket"]) == "active\n").then_some(()));
    Some(activator)
}

fn sdctl(machine: &Machine, arguments: &[&str]) -> String {
    machine.0.ask(arguments).1
}

/// What the service answers.
fn ask(machine: &Machine) -> String {
    let mut stream = UnixStream::connect(machine.0.directory.path("each")).expect("room in the kernel's queue");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    stream.write_all(b"x").expect("room");
    let mut answer = [0; 100];
    match stream.read(&mut answer) {
        Ok(length) => String::from_utf8_lossy(&answer[..length]).into_owned(),
        Err(error) => error.to_string(),
    }
}

fn others_are_served(machine: &Machine, meanwhile: &str) {
    for _ in 0..20 {
        let answer = ask(machine);
        assert!(answer.starts_with("x "), "{meanwhile}: {answer:?}, {}", sdctl(machine, &["logs", "-n", "50"]));
    }
    assert_eq!(sdctl(machine, &["is-active", "each.socket"]), "active\n", "{meanwhile}");
}

/// The manager's own process, behind those that made the machine.
fn manager(activator: &Activator) -> u32 {
    eventually("the manager", || {
        let mut pid = activator.pid();
        while fs::read_to_string(format!("/proc/{pid}/comm")).ok()? != "sd-activate\n" {
            pid = *children(pid).first()?;
        }
        Some(pid)
    })
}

#[test]
fn services_that_flood_their_manager_are_stopped_and_others_served_meanwhile() {
    let machine = machine();
    let Some(mut activator) = start(&machine, &[DISCARDED], &["each.socket"]) else { return };
    let manager = manager(&activator);
    for flood in FLOODS {
        let unit = format!("{flood}.service");
        let (status, _, error) = machine.0.ask(&["start", &unit]);
        assert_eq!(status, Some(0), "{flood}: {error}");
        others_are_served(&machine, flood);
        assert_eq!(sdctl(&machine, &["is-active", &unit]), "active\n", "the flood is over");
        let (status, _, error) = machine.0.ask(&["stop", &unit]);
        assert_eq!(status, Some(0), "{flood}: {error}");
        eventually("only the manager", || children(manager).is_empty().then_some(()));
    }
    let status = fs::read_to_string(format!("/proc/{manager}/status")).unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let most: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
    // At the end of a process all is read at once that the kernel has queued: as many entries of 100 KB.
    let queued = fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen").unwrap();
    let most_allowed = MEMORY_MAX + 100 * queued.trim().parse::<u64>().unwrap();
    assert!(most < most_allowed, "{most} of {most_allowed} KiB");
    assert!(activator.stop().success(), "{}", activator.output());
}

#[test]
fn who_never_reads_holds_up_nobody() {
    let machine = machine();
    let Some(mut activator) = start(&machine, &[NOT_READ], &["each.socket", "lines.service"]) else { return };
    others_are_served(&machine, "nobody reads standard error");

    // Those who ask for the log, and do not read it.
    let followers: Vec<_> =
        (0..10).map(|_| machine.0.sdctl(&["logs", "-f"]).stdout(Stdio::piped()).spawn().expect("sdctl")).collect();
    followers.iter().for_each(|follower| common::kill(follower.id(), libc::SIGSTOP));
    others_are_served(&machine, "clients have stopped");
    for mut follower in followers {
        follower.kill().unwrap();
        follower.wait().unwrap();
    }
    others_are_served(&machine, "clients are gone");
    assert!(activator.stop().success(), "{}", activator.output());
}

#[test]
fn a_reader_of_standard_error_who_goes_away_during_a_flood_keeps_no_signal_away() {
    let machine = machine();
    let Some(mut activator) = start(&machine, &[CLOSED], &["each.socket", "lines.service"]) else { return };
    others_are_served(&machine, "nobody has standard error open");
    assert!(activator.stop().success(), "{}", activator.output());
}

/// Starts the service for each connection, and has the turns be written down, and how often they make a system call.
fn traced(machine: &Machine, trace: &str, call: &str) -> Option<Activator> {
    let calls = format!("trace={call},epoll_wait,epoll_pwait");
    start(machine, &[DISCARDED, &["strace", "-D", "-o", trace, "-e", &calls]], &["each.socket"])
}

/// How often a turn makes a system call at most.
fn most(trace: &str, call: &str) -> usize {
    let (trace, call) = (fs::read_to_string(trace).unwrap(), format!("{call}("));
    trace.split("epoll_").map(|turn| turn.matches(&call).count()).max().unwrap()
}

#[test]
fn processes_that_have_ended_are_reaped_in_shares() {
    if !has("strace", "strace") {
        return;
    }
    const SHARE: usize = 64;
    let machine = machine();
    let trace = machine.0.directory.text("trace");
    let Some(mut activator) = traced(&machine, &trace, "wait4") else { return };
    let manager = manager(&activator);
    machine.0.ask(&["start", "processes.service"]);
    common::kill(manager, libc::SIGSTOP);
    eventually("processes that have ended", || (children(manager).len() > 4 * SHARE).then_some(()));
    common::kill(manager, libc::SIGCONT);
    machine.0.ask(&["stop", "processes.service"]);
    eventually("only the manager", || children(manager).is_empty().then_some(()));
    assert_eq!(most(&trace, "wait4"), SHARE);
    assert!(activator.stop().success(), "{}", activator.output());
}

#[test]
fn a_flood_has_no_more_of_a_turn_than_its_share() {
    if !has("strace", "strace") {
        return;
    }
    /// What is read of the log's streams, of one socket of datagrams, and of notifications.
    const SHARE: usize = 8 + 64 + 1;
    let machine = machine();
    let trace = machine.0.directory.text("trace");
    let Some(mut activator) = traced(&machine, &trace, "recvmsg") else { return };
    // As long as no process ends, nothing has to be read to its end.
    for flood in ["lines", "entries", "large-entries", "notifications"] {
        machine.0.ask(&["start", &format!("{flood}.service")]);
    }
    let most = || most(&trace, "recvmsg");
    eventually("the floods", || (most() > 8).then_some(()));
    for _ in 0..20 {
        assert_eq!(sdctl(&machine, &["is-active", "lines.service"]), "active\n");
    }
    let most = most();
    assert!(most <= SHARE, "{most} in one turn");
    for flood in FLOODS {
        machine.0.ask(&["stop", &format!("{flood}.service")]);
    }
    assert!(activator.stop().success(), "{}", activator.output());
}
