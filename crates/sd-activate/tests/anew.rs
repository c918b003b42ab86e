//! `sdctl daemon-reexec`: sd-activate executes itself anew, and everything goes on.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use common::units::Units;
use common::{ACTIVATOR, Activator, connect, eventually, kill, pid};

const SOCKET: &str = "[Unit]\nDescription=A Socket\n[Socket]\nListenStream=127.0.0.1:PORT\n";
const SERVICE: &str = "[Service]\nExecStart=SERVICE serve\n";

fn shown(units: &Units, unit: &str, property: &str) -> String {
    units.ask(&["show", "-P", property, unit]).1.trim_end().to_owned()
}

fn reexecute(units: &Units) {
    assert_eq!(units.ask(&["daemon-reexec"]), (Some(0), String::new(), String::new()));
}

/// The descriptors of a process, as /proc has them; the state of before is no longer among them.
fn descriptors(process: u32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{process}/fd")).unwrap().flatten();
    let mut links: Vec<_> =
        entries.filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned())).collect();
    links.sort_unstable();
    links
}

/// How many there are once nobody asks who has asked before.
fn settled_descriptors(process: u32) -> usize {
    let mut last = 0;
    eventually("descriptors that stay", || {
        thread::sleep(Duration::from_millis(50));
        let now = descriptors(process).len();
        (std::mem::replace(&mut last, now) == now).then_some(now)
    })
}

#[test]
fn services_connections_jobs_timers_and_streams_go_on_when_it_is_executed_anew() {
    let units = Units::new(&[
        ("a.socket", SOCKET),
        ("a.service", SERVICE),
        ("each.socket", "[Socket]\nListenStream=DIRECTORY/each\nAccept=yes\n"),
        ("each@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n"),
        (
            "lines.service",
            "[Service]\nExecStart=/bin/sh -c 'printf half; until test -e DIRECTORY/go; do sleep 0.01; done; echo whole'\n",
        ),
        (
            "slow.service",
            "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'until test -e DIRECTORY/go; do sleep 0.01; done'\n",
        ),
        ("restarts.service", "[Service]\nExecStart=/bin/sh -c 'exit 3'\nRestart=always\nRestartSec=10s\n"),
        ("notify.service", "[Service]\nType=notify\nExecStart=SERVICE notify\n"),
        ("late.service", "[Service]\nType=notify\nTimeoutStartSec=10s\nExecStart=/bin/sleep 1000\n"),
    ]);
    let mut activator = units.start(&["a.socket", "each.socket", "lines.service", "restarts.service"], 2);
    let first = pid(units.port);
    // It is served as long as it is open, and no other is.
    let mut open = BufReader::new(connect(units.port));
    let mut each = UnixStream::connect(units.directory.path("each")).unwrap();
    each.write_all(b"before ").unwrap();
    activator.says("restarts.service: Failed with result 'exit-code'.");
    let wait = |arguments: &[&str]| -> Child { units.sdctl(arguments).stderr(Stdio::piped()).spawn().unwrap() };
    let (mut job, mut late) = (wait(&["start", "slow.service"]), wait(&["start", "late.service"]));
    eventually("its start", || (shown(&units, "slow.service", "SubState") == "start").then_some(()));
    eventually("its start", || (shown(&units, "late.service", "SubState") == "start").then_some(()));
    let mut follow =
        units.sdctl(&["logs", "-f", "-o", "cat", "-u", "lines.service"]).stdout(Stdio::piped()).spawn().unwrap();
    let properties = ["ActiveState", "SubState", "MainPID", "NRestarts", "NAccepted"];
    let all = ["a.socket", "a.service", "each.socket", "lines.service", "slow.service", "restarts.service"];
    let told = || all.map(|unit| properties.map(|property| shown(&units, unit, property)));
    // What is told of a moment is exact to what passes between two looks at the clock: on a busy machine, that is much.
    let since = || shown(&units, "a.service", "ActiveEnterTimestampMonotonic").parse::<u64>().unwrap();
    let (before, since_before) = (told(), since());
    let open_before = settled_descriptors(activator.pid());

    for _ in 0..3 {
        reexecute(&units);
    }
    assert_eq!(told(), before);
    assert!(since().abs_diff(since_before) < 100_000, "{} {since_before}", since());
    assert_eq!(settled_descriptors(activator.pid()), open_before);
    open.get_mut().write_all(b"pid\n").unwrap();
    let mut answer = String::new();
    open.read_line(&mut answer).unwrap();
    assert_eq!(answer.split_whitespace().next(), Some(first.to_string().as_str()), "a connection of before");
    drop(open);
    assert_eq!(pid(units.port), first, "the service that ran");
    each.write_all(b"after").unwrap();
    each.shutdown(std::net::Shutdown::Write).unwrap();
    let mut echo = String::new();
    each.read_to_string(&mut echo).unwrap();
    assert_eq!(echo, "before after");

    fs::write(units.directory.path("go"), "").unwrap();
    assert!(job.wait().unwrap().success(), "who waits for a job is told its end");
    assert_eq!(late.wait().unwrap().code(), Some(1), "a timeout that was running");
    assert!(
        activator.output().contains("late.service: start operation timed out. Terminating."),
        "{}",
        activator.output()
    );
    let mut line = String::new();
    BufReader::new(follow.stdout.take().unwrap()).read_line(&mut line).unwrap();
    follow.kill().unwrap();
    follow.wait().unwrap();
    activator.says("halfwhole");
    eventually("its restart", || (shown(&units, "restarts.service", "NRestarts") != "0").then_some(()));
    assert_eq!(units.ask(&["start", "notify.service"]).0, Some(0), "notifications are heard");

    let log = units.ask(&["logs", "-o", "cat"]).1;
    assert_eq!(log.matches("Reexecuting.").count(), 3, "{log}");
    assert!(log.contains("Listening on a.socket - A Socket."), "what was logged before: {log}");
    assert!(log.contains("halfwhole"), "{log}");
    let found = |pid: u32| {
        let names = |text: String| text.split('\0').filter_map(|it| Some(it.split_once('=')?.0.to_owned())).collect();
        let names: Vec<String> = names(fs::read_to_string(format!("/proc/{pid}/environ")).unwrap());
        (names, descriptors(pid).len())
    };
    let found_before = found(first);
    kill(first, libc::SIGKILL);
    activator.says("a.service: Failed with result 'signal'.");
    let second = pid(units.port);
    assert_ne!(second, first);
    assert_eq!(found(second), found_before, "the service of a manager that was executed anew finds what others find");
    activator.stop();
    assert!(!units.directory.path("control").exists());
    assert!(activator.output().contains("Closed a.socket - A Socket."), "{}", activator.output());
}

#[test]
fn units_are_loaded_anew_and_what_is_gone_stays_what_it_was() {
    let units = Units::new(&[
        ("a.socket", SOCKET),
        ("a.service", SERVICE),
        ("gone.socket", "[Socket]\nListenStream=DIRECTORY/gone\nRemoveOnStop=yes\n"),
        ("gone.service", "[Service]\nExecStart=SERVICE one\nRestart=on-failure\nRestartSec=0\n"),
        ("broken.service", "[Service]\nExecStart=/bin/sleep 1000\n"),
    ]);
    let mut activator = units.start(&["a.socket", "gone.socket", "broken.service"], 2);
    let file = |name: &str| units.directory.path("units").join(name);
    fs::remove_file(file("gone.socket")).unwrap();
    fs::remove_file(file("gone.service")).unwrap();
    fs::write(file("broken.service"), "[Service]\nType=nonsense\n").unwrap();
    fs::write(
        file("a.service"),
        format!("[Unit]\nDescription=Another\n{}", SERVICE.replace("SERVICE", common::service().to_str().unwrap())),
    )
    .unwrap();
    let broken = shown(&units, "broken.service", "MainPID");
    for _ in 0..2 {
        reexecute(&units);
    }
    let told = |unit: &str, property: &str| shown(&units, unit, property);
    assert_eq!(told("a.service", "Description"), "Another");
    assert_eq!(
        (told("gone.socket", "LoadState"), told("gone.socket", "SubState")),
        ("not-found".into(), "listening".into())
    );
    assert_eq!((told("broken.service", "ActiveState"), told("broken.service", "MainPID")), ("active".into(), broken));
    let mut stream = UnixStream::connect(units.directory.path("gone")).unwrap();
    stream.write_all(b"x").unwrap();
    assert_eq!(told("gone.service", "LoadState"), "not-found");
    activator.stop();
    assert!(!units.directory.path("gone").exists(), "its file is removed as its unit has said");
}

/// Has two files in memory and the end of a pipe stored, and says what of that it was passed. With SIGUSR1 it takes the first one out,
/// and with SIGUSR2 it closes the other end of the pipe.
const STORING: &str = r#"
import os, signal, socket

def tell(text, *descriptors):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
        socket.send_fds(manager, [text.encode()], descriptors)

names = os.environ.get("LISTEN_FDNAMES", "").split(":") if "LISTEN_FDS" in os.environ else []
passed = {name: 3 + place for place, name in enumerate(names)}
told = [f"{name}={os.pread(passed[name], 9, 0).decode()}" for name in sorted(passed) if name != "pipe"]
held = None
if not passed:
    for name in ("one", "two"):
        descriptor = os.memfd_create(name)
        os.write(descriptor, f"file-{name}".encode())
        tell(f"FDSTORE=1\nFDNAME={name}", descriptor)
    end, held = os.pipe()
    tell("FDSTORE=1\nFDNAME=pipe", end)
    os.close(end)
signal.signal(signal.SIGUSR1, lambda *_: tell("FDSTOREREMOVE=1\nFDNAME=one"))
signal.signal(signal.SIGUSR2, lambda *_: os.close(held))
tell("STATUS=" + " ".join(told) + "\nREADY=1")
while True:
    signal.pause()
"#;

#[test]
fn what_a_service_has_stored_is_still_there_when_it_is_started_again_after_that() {
    let units = Units::new(&[(
        "store.service",
        "[Service]\nType=notify\nFileDescriptorStoreMax=3\nExecStart=/usr/bin/python3 DIRECTORY/storing.py\n",
    )]);
    fs::write(units.directory.path("storing.py"), STORING).unwrap();
    let mut activator = units.start(&["store.service"], 0);
    let is = |property: &str, value: &str| {
        eventually(value, || (shown(&units, "store.service", property) == value).then_some(()));
    };
    let signal = |signal: &str| {
        let signal = format!("--signal={signal}");
        assert_eq!(units.ask(&["kill", "--kill-whom=main", &signal, "store.service"]).0, Some(0));
    };
    is("ActiveState", "active");
    is("NFileDescriptorStore", "3");
    reexecute(&units);
    is("NFileDescriptorStore", "3");
    signal("USR2");
    is("NFileDescriptorStore", "2");

    assert_eq!(units.ask(&["restart", "store.service"]).0, Some(0));
    is("StatusText", "one=file-one two=file-two");
    reexecute(&units);
    signal("USR1");
    is("NFileDescriptorStore", "1");
    reexecute(&units);
    assert_eq!(units.ask(&["restart", "store.service"]).0, Some(0));
    is("StatusText", "two=file-two");
    assert!(activator.stop().success());
}

/// A copy of sd-activate that manages these units, for another program to take its place.
fn replaceable(units: &Units) -> (Activator, std::path::PathBuf) {
    let program = units.directory.path("sd-activate");
    install(Path::new(ACTIVATOR), &program);
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(&program).arg("--control").arg(units.directory.path("control"));
    command.arg("--no-journal").arg("--unit-path").arg(units.directory.path("units")).arg("a.socket");
    (Activator::run(&units.directory, command).listening(1), program)
}

/// Puts a program at the place of another, as an upgrade does. Written by this process, it could not be executed ("text file
/// busy") as long as a process that another test has just made has the file open, too.
fn install(program: &Path, place: &Path) {
    assert!(Command::new("install").arg(program).arg(place).status().unwrap().success());
}

fn replace(program: &Path, text: &[u8]) {
    let new = program.with_extension("new");
    fs::write(&new, text).unwrap();
    install(&new, program);
}

#[test]
fn a_program_that_cannot_go_on_from_there_is_not_executed_and_that_is_said() {
    let units = Units::new(&[("a.socket", SOCKET), ("a.service", SERVICE)]);
    let (mut activator, program) = replaceable(&units);
    let first = pid(units.port);
    let refused: [(&[u8], &str); 4] = [
        (b"#!/bin/sh\nexit 0\n", "it is no sd-activate."),
        (
            b"#!/bin/sh\necho 'The state has the form 1, and sd-activate 9 reads 2.' >&2; exit 1\n",
            "The state has the form 1, and sd-activate 9 reads 2.",
        ),
        (b"#!/nonexistent/interpreter\n", "No such file or directory"),
        (b"\x7fELF\0", "Exec format error"),
    ];
    for (text, why) in refused {
        replace(&program, text);
        let open = settled_descriptors(activator.pid());
        let (status, out, error) = units.ask(&["daemon-reexec"]);
        assert_eq!((status, out.as_str()), (Some(1), ""));
        assert!(error.contains(why) && error.contains(program.to_str().unwrap()), "{error}");
        assert!(activator.output().contains(why), "in the log");
        assert_eq!(pid(units.port), first);
        assert_eq!(settled_descriptors(activator.pid()), open);
    }
    install(Path::new(ACTIVATOR), &program);
    reexecute(&units);
    assert_eq!(pid(units.port), first, "the file by its path, whatever was there meanwhile");
    let executable = fs::read_link(format!("/proc/{}/exe", activator.pid())).unwrap();
    assert_eq!(executable, program);
    assert!(activator.stop().success());
}

#[test]
fn sockets_at_least_are_taken_over_where_the_state_is_not_understood_after_all() {
    let units = Units::new(&[("a.socket", SOCKET), ("a.service", SERVICE)]);
    let (mut activator, program) = replaceable(&units);
    let first = pid(units.port);
    // It says that it reads the state, and gets another one then, under the same number.
    let script = format!(
        "#!/usr/bin/python3\n\
         import fcntl, json, os, sys\n\
         if '--verify-state' in sys.argv:\n    print('sd-activate 9'); sys.exit(0)\n\
         fd = int(os.environ['SD_ACTIVATE_STATE'])\n\
         os.lseek(fd, 0, 0)\n\
         state = json.load(os.fdopen(fd, closefd=False))\n\
         state['version'] = 99\n\
         new = os.memfd_create('state', os.MFD_ALLOW_SEALING)\n\
         os.write(new, json.dumps(state).encode())\n\
         fcntl.fcntl(new, 1033, 15)\n\
         os.dup2(new, fd)\n\
         os.execv('{ACTIVATOR}', sys.argv)\n"
    );
    replace(&program, script.as_bytes());
    let _ = units.ask(&["daemon-reexec"]);
    activator.says("The state has the form 99");
    eventually("another service", || (pid(units.port) != first).then_some(()));
    kill(first, libc::SIGKILL);
    assert!(activator.stop().success());
}
