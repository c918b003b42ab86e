//! Every system call of the manager is made to fail in turn: it goes on, or ends and says why. It never hangs, spins, crashes, or
//! leaves a descriptor, a zombie or a service.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `SDLITE_CASES` | how many of the calls; about a hundred if not set, and `all` for all |

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::units::Units;
use common::{ACTIVATOR, Activator, children, runs, wrong_of};
use sdlite_test_support::has;
use sdlite_test_support::random::number;

const PATIENCE: Duration = Duration::from_secs(10);
/// Who has said what fails is asked for so long whether it goes on.
const AFTER_WORDS: Duration = Duration::from_millis(300);
/// Whoever makes so many more calls than usual spins. Without close_range(2), each descriptor that may be open is closed.
const MORE: usize = 70_000;

/// Calls that cannot fail, or only by a signal, of which there is none; whose failure is memory's or the process's own end; and close(2), which strace(1) has fail by leaving
/// the descriptor open.
const LEFT_OUT: [&str; 27] = [
    "arch_prctl",
    "brk",
    "clock_nanosleep",
    "close",
    "execve",
    "exit",
    "exit_group",
    "futex",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "gettid",
    "getuid",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_yield",
    "sigaltstack",
    "umask",
];

/// What a call fails with: what it may run out of, and what it is told for other reasons.
fn errors(call: &str) -> &'static [&'static str] {
    match call {
        "openat" | "open" | "socket" | "socketpair" | "accept4" | "epoll_create1" | "signalfd4" | "timerfd_create"
        | "memfd_create" | "pipe2" | "pidfd_open" => &["EMFILE", "ENOMEM"],
        "clone" | "clone3" | "fork" | "vfork" => &["EAGAIN", "ENOMEM"],
        "read" | "recvmsg" | "write" | "sendmsg" | "sendto" | "recvfrom" => &["EIO", "ENOMEM"],
        "epoll_wait" | "epoll_pwait" | "poll" | "ppoll" => &["EINTR", "ENOMEM"],
        "wait4" | "waitid" => &["EINTR"],
        _ => &["ENOMEM", "EPERM"],
    }
}

fn units() -> Units {
    Units::new(&[
        ("a.socket", "[Socket]\nListenStream=DIRECTORY/a\nRemoveOnStop=yes\nTriggerLimitIntervalSec=0\n"),
        ("a.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=SERVICE one DIRECTORY/mark\n"),
        ("each.socket", "[Socket]\nListenStream=DIRECTORY/each\nAccept=yes\nTriggerLimitIntervalSec=0\n"),
        ("each@.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=SERVICE echo DIRECTORY/mark\n"),
        (
            "runs.service",
            "[Service]\nExecStart=/bin/sh -c 'echo it runs; exec sleep 1000' DIRECTORY/mark\nUser=0\nExecStop=/bin/true\n\
             TimeoutStopSec=1\n",
        ),
    ])
}

/// How it was.
#[derive(Debug)]
struct Outcome {
    /// The system calls: the name of each.
    calls: Vec<String>,
    /// Those of them that could be made to fail, and how manieth of its name each is.
    eligible: Vec<(String, usize)>,
    descriptors: usize,
    problems: Vec<String>,
    output: String,
}

/// Starts units, has clients served, loads units anew, executes sd-activate anew and stops it, with an injection of strace(1).
fn go(injection: Option<&str>, usual: usize) -> Outcome {
    let units = units();
    let mut command = Command::new("env");
    command.args(["--default-signal", "strace", "-D", "-o", &units.directory.text("trace")]);
    command.args(injection.map(|injection| format!("--inject={injection}")));
    command.arg(ACTIVATOR).arg("--control").arg(units.directory.path("control"));
    command.arg("--no-journal").arg("--unit-path").arg(units.directory.path("units"));
    command.args(["a.socket", "each.socket", "runs.service"]);
    let mut activator = Activator::run(&units.directory, command);
    let mut problems = Vec::new();
    let mut descriptors = 0;

    // Who starts it waits for that; where it ends by itself, all else is over.
    within(|| activator.output().matches("Listening on ").count() == 2 || !activator.is_running());
    for round in 0..3 {
        for (path, expected) in [("a", "hello\n"), ("each", "x ")] {
            let begun = Instant::now();
            let is_served = within(|| {
                let is_over = begun.elapsed() > AFTER_WORDS && says_why(&activator.output());
                is_over || !activator.is_running() || answers(&units, path).starts_with(expected)
            });
            if !is_served {
                problems.push(format!("round {round}: {path} does not answer, and nothing is said of that"));
            }
        }
        let verb = ["daemon-reload", "daemon-reexec", "reset-failed"][round];
        let mut sdctl = units.sdctl(&[verb]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if !within(|| sdctl.try_wait().unwrap().is_some()) {
            problems.push(format!("{verb} is not answered"));
            let _ = sdctl.kill();
            let _ = sdctl.wait();
        }
    }
    if activator.is_running() {
        let settles = within(|| children(activator.pid()).len() == 1);
        if !settles && !says_why(&activator.output()) {
            problems.push(format!("children: {:?}", children(activator.pid())));
        }
        let zombies: Vec<u32> = children(activator.pid()).into_iter().filter(|pid| !runs(*pid)).collect();
        if !within(|| !children(activator.pid()).into_iter().any(|pid| !runs(pid))) {
            problems.push(format!("zombies: {zombies:?}"));
        }
        // Who has asked goes away.
        within(|| {
            descriptors = fs::read_dir(format!("/proc/{}/fd", activator.pid())).map_or(0, Iterator::count);
            descriptors <= usual
        });
    }
    let ended_before = !activator.is_running();
    activator.signal(libc::SIGTERM);
    let mut status = None;
    if !within(|| !activator.is_running()) {
        problems.push("it does not stop".to_owned());
    } else {
        status = Some(activator.wait());
    }
    let output = activator.output();
    match status.map(|status| status.code()) {
        Some(None) => problems.push(format!("it crashed: {status:?}")),
        Some(Some(0)) if ended_before => problems.push("it ended with success".to_owned()),
        Some(Some(1..)) if !says_why(&output) => problems.push("it ended, and says not why".to_owned()),
        _ => (),
    }
    drop(activator);
    let mark = units.directory.text("mark");
    if !within(|| !is_left(&mark)) {
        problems.push("a service is left".to_owned());
    }
    let trace = fs::read_to_string(units.directory.path("trace")).unwrap_or_default();
    let (calls, eligible) = read(&trace, &units.directory.text("units"));
    Outcome { calls, eligible, descriptors, problems, output }
}

/// The names of all calls, and those that are made after the program was loaded.
fn read(trace: &str, directory: &str) -> (Vec<String>, Vec<(String, usize)>) {
    let (mut calls, mut eligible, mut counts) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut begun = false;
    for line in trace.lines() {
        let Some((name, rest)) = line.split_once('(') else { continue };
        if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            continue;
        }
        let count = counts.entry(name.to_owned()).or_insert(0);
        *count += 1;
        calls.push(name.to_owned());
        // What loads a program is not this program's.
        begun = if name == "execve" { false } else { begun || rest.contains(directory) };
        // The standard library asks for that alone whether a descriptor is open, and where it is not, there is a mistake.
        if begun && !LEFT_OUT.contains(&name) && !rest.contains("F_GETFD") {
            eligible.push((name.to_owned(), *count));
        }
    }
    (calls, eligible)
}

fn within(mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// What a client gets; nothing where it is not answered.
fn answers(units: &Units, path: &str) -> String {
    let Ok(mut stream) = UnixStream::connect(units.directory.path(path)) else { return String::new() };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let mut answer = [0; 100];
    let length = stream.write_all(b"x").and_then(|()| stream.read(&mut answer)).unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Whether something was said of what went wrong.
fn says_why(output: &str) -> bool {
    ["ail", "annot", "not ", "nobody can", "memory", "descriptors", "permitted"]
        .iter()
        .any(|word| output.contains(word))
}

/// Whether a process has this among its arguments.
fn is_left(mark: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(mark))
}

#[test]
fn whatever_system_call_fails_it_goes_on_or_ends_and_says_why() {
    if !has("strace", "strace") {
        return;
    }
    let usual = go(None, 0);
    assert!(usual.problems.is_empty(), "{usual:#?}");
    let trials: Vec<(&String, usize, &str)> = usual
        .eligible
        .iter()
        .flat_map(|(call, count)| errors(call).iter().map(move |error| (call, *count, *error)))
        .collect();
    let wanted = match std::env::var("SDLITE_CASES").as_deref() {
        Ok("all") => trials.len(),
        _ => number("SDLITE_CASES").unwrap_or(100),
    };
    let step = (trials.len() / wanted.max(1)).max(1);
    let chosen = trials.into_iter().step_by(step).collect::<Vec<_>>();
    let tried = chosen.len();
    let wrong = wrong_of(chosen.into_iter(), |trial| goes_wrong(trial, &usual));
    println!("{tried} trials with {} system calls, {} went wrong", usual.eligible.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Makes one system call fail. What is wrong then.
fn goes_wrong((call, count, error): (&String, usize, &str), usual: &Outcome) -> Option<String> {
    let injection = format!("{call}:error={error}:when={count}");
    let mut outcome = go(Some(&injection), usual.descriptors);
    if outcome.calls.len() > usual.calls.len() + MORE {
        outcome.problems.push(format!("it spins: {} calls, usually {}", outcome.calls.len(), usual.calls.len()));
    }
    if outcome.descriptors > usual.descriptors {
        outcome.problems.push(format!("{} descriptors, usually {}", outcome.descriptors, usual.descriptors));
    }
    (!outcome.problems.is_empty()).then(|| format!("{injection}: {:?}\n{}", outcome.problems, outcome.output))
}
