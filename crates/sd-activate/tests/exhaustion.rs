//! What runs out and comes back: descriptors, processes, memory, files, and the disk that the log is shown on. Nobody is lost who has come
//! meanwhile, nothing spins, and afterwards all is served again.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use common::units::Units;
use common::{Activator, children, eventually};
use sdlite_test_support::with_run;

/// A user that nobody is.
const USER: u32 = 54_321;
/// Clients, more than there is room for.
const CLIENTS: usize = 60;

/// A service for each connection, and one for all of them.
fn units() -> Units {
    Units::new(&[
        (
            "each.socket",
            "[Socket]\nListenStream=DIRECTORY/each\nAccept=yes\nMaxConnections=1000\nTriggerLimitIntervalSec=0\n",
        ),
        ("each@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\nStandardError=journal\n"),
        ("log.socket", "[Socket]\nListenStream=DIRECTORY/log\nAccept=yes\n"),
        ("log@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\nStandardOutput=journal\n"),
        ("one.socket", "[Socket]\nListenStream=DIRECTORY/one\n"),
        ("one.service", "[Service]\nExecStart=SERVICE one\n"),
    ])
}

/// Starts these units by a command that limits them.
fn limited(units: &Units, before: &[&str]) -> Activator {
    let mut limit = Command::new(before[0]);
    limit.args(&before[1..]);
    Activator::run(&units.directory, units.command_behind(limit, &["each.socket", "one.socket"])).listening(2)
}

/// Connects, and says something.
fn client(units: &Units) -> UnixStream {
    let mut stream = UnixStream::connect(units.directory.path("each")).expect("room in the kernel's queue");
    stream.write_all(b"x").expect("room");
    stream.set_nonblocking(true).expect("a socket");
    stream
}

/// What a service answers; nothing where it goes away instead.
fn ask(units: &Units, path: &str) -> String {
    let mut stream = UnixStream::connect(units.directory.path(path)).expect("room in the kernel's queue");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    let mut answer = [0; 100];
    let length = stream.write_all(b"x").and_then(|()| stream.read(&mut answer)).unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Whether it was answered.
fn is_answered(stream: &mut UnixStream) -> bool {
    match stream.read(&mut [0; 1]) {
        Ok(length) => {
            assert_eq!(length, 1, "a connection was lost");
            true
        }
        Err(_) => false,
    }
}

/// The processor time that a process has taken, in ticks of ten milliseconds.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("its name").1.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count()
}

/// Clients come until some of them have to wait, and go again, once there is more where that is not by itself. All are answered, and the
/// manager waits as well meanwhile.
fn those_who_came_meanwhile_are_served(units: &Units, activator: &Activator, give_more: impl FnOnce()) {
    let usual = descriptors(activator.pid());
    let mut waiting: Vec<UnixStream> = (0..CLIENTS).map(|_| client(units)).collect();
    activator.says("Connections wait until there is room again.");
    let mut asks: Child = units.sdctl(&["is-active", "each.socket"]).stdout(Stdio::null()).spawn().expect("sdctl");
    let before = ticks(activator.pid());
    thread::sleep(Duration::from_secs(1));
    let taken = ticks(activator.pid()) - before;
    assert!(taken < 50, "it spins: {taken} hundredths of a second in one");

    give_more();
    // Each that is answered goes, and lets another one in.
    eventually("answers for all", || {
        waiting.retain_mut(|stream| !is_answered(stream));
        waiting.is_empty().then_some(())
    });
    let status = eventually("an answer to sdctl", || asks.try_wait().expect("its state"));
    assert!(status.success(), "{status}");
    eventually("as many descriptors as before", || (descriptors(activator.pid()) <= usual).then_some(()));
    assert_eq!(ask(units, "one"), "hello\n");
}

#[test]
fn descriptors_run_out_and_come_back() {
    let units = units();
    let mut activator = limited(&units, &["prlimit", "--nofile=40:40"]);
    those_who_came_meanwhile_are_served(&units, &activator, || ());
    assert!(activator.stop().success(), "{}", activator.output());
}

#[test]
fn processes_run_out_and_come_back() {
    if !nix::unistd::geteuid().is_root() {
        return sdlite_test_support::left_out("a user of its own: to be run by root");
    }
    let units = units();
    for path in [units.directory.path(""), units.directory.path("units")] {
        chown(&path, Some(USER), Some(USER)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Root is not limited.
    let user = USER.to_string();
    let user = ["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups", "prlimit", "--nproc=10:10"];
    let mut activator = limited(&units, &user);
    those_who_came_meanwhile_are_served(&units, &activator, || ());
    assert!(activator.stop().success(), "{}", activator.output());
}

/// Lets a process have so many bytes of memory of its own at most.
fn limit_memory(pid: u32, most: &str) {
    let status =
        Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--data={most}:unlimited")]).status();
    assert!(status.expect("prlimit").success());
}

/// What it has.
fn memory(pid: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let data = status.lines().find_map(|line| line.strip_prefix("VmData:")).expect("its memory");
    format!("{}000", data.trim().trim_end_matches(" kB"))
}

/// Starts the units, and a service that logs what is written to it.
fn logging(units: &Units) -> (Activator, UnixStream) {
    let activator = units.start(&["each.socket", "one.socket", "log.socket"], 3);
    let mut log = UnixStream::connect(units.directory.path("log")).unwrap();
    writeln!(log, "first").unwrap();
    activator.says("first");
    (activator, log)
}

#[test]
fn memory_runs_out_and_comes_back() {
    let units = units();
    let (mut activator, mut log) = logging(&units);
    limit_memory(activator.pid(), &memory(activator.pid()));
    // The log would take more.
    let line = "x".repeat(500);
    (0..4000).for_each(|_| writeln!(log, "{line}").unwrap());
    writeln!(log, "last").unwrap();
    activator.says("last");
    those_who_came_meanwhile_are_served(&units, &activator, || limit_memory(activator.pid(), "unlimited"));
    assert!(activator.stop().success(), "{}", activator.output());
}

#[test]
fn memory_that_even_the_reserve_does_not_give_ends_it_with_a_message() {
    let units = units();
    let (mut activator, mut log) = logging(&units);
    // Less than it has: what is given back is not to be had again.
    limit_memory(activator.pid(), "1");
    let line = "x".repeat(500);
    while writeln!(log, "{line}").is_ok() && activator.is_running() {}
    assert_eq!(activator.wait().signal(), Some(libc::SIGABRT), "{}", activator.output());
    let output = activator.output();
    assert!(output.contains("memory allocation of ") && output.contains(" bytes failed"), "{output}");
    eventually("the end of its service", || log.read(&mut [0; 1]).is_ok_and(|length| length == 0).then_some(()));
}

#[test]
fn a_disk_is_full_and_is_not_any_more() {
    let units = Units::new(&[
        ("each.socket", "[Socket]\nListenStream=DIRECTORY/each\nAccept=yes\n"),
        (
            "each@.service",
            "[Service]\nExecStart=SERVICE echo\nStandardOutput=append:/run/written/%i\nRuntimeDirectory=of-%i\n",
        ),
    ]);
    fs::create_dir(units.directory.path("run")).unwrap();
    let Some(mut machine) = with_run(&units.directory.path("run")) else { return };
    let full = "mount -t tmpfs -o nr_inodes=7 full /run && mkdir /run/written && touch /run/1 /run/2 /run/3 /run/4 /run/5 && \
                exec \"$@\"";
    machine.args(["sh", "-c", full, "sh"]);
    let mut activator = Activator::run(&units.directory, units.command_behind(machine, &["each.socket"])).listening(1);
    let manager = children(activator.pid()).first().copied().unwrap_or(activator.pid());
    let remove = |name| fs::remove_file(format!("/proc/{manager}/root/run/{name}")).unwrap();

    assert_eq!(ask(&units, "each"), "", "there is no room for its directory");
    activator.says("status=233/RUNTIME_DIRECTORY");
    remove("1");
    assert_eq!(ask(&units, "each"), "", "there is no room for its output");
    activator.says("status=209/STDOUT");
    remove("2");
    let answer = ask(&units, "each");
    assert!(answer.starts_with("x "), "{answer}: {}", activator.output());
    assert!(activator.stop().success(), "{}", activator.output());
}

#[test]
fn what_cannot_be_shown_because_the_disk_is_full_is_in_the_log_all_the_same() {
    let units = units();
    let mut command = units.command(&["each.socket", "one.socket"]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut manager = command.stdin(Stdio::null()).stderr(full).spawn().unwrap();
    let log = eventually("the log", || {
        let (status, log, _) = units.ask(&["logs", "-o", "cat"]);
        (status == Some(0) && log.matches("Listening on ").count() == 2).then_some(log)
    });
    assert!(log.contains("Listening on one.socket."), "{log}");
    assert_eq!(ask(&units, "one"), "hello\n");
    common::kill(manager.id(), libc::SIGTERM);
    assert!(eventually("its end", || manager.try_wait().unwrap()).success());
}
