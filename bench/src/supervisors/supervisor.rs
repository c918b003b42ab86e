//! Who supervises, and how each is told what to do: as its documentation says, and with nothing that slows it down.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use sdlite_test_support::run;

use super::root::{CONFIGURATION, REPORT, SERVICE};

/// What is to be supervised.
pub struct Task {
    /// What each service does, and with which argument.
    pub role: Role,
    pub services: usize,
    /// Whether the supervisor holds a socket for each.
    pub sockets: bool,
}

#[derive(Clone, Copy)]
pub enum Role {
    Wait,
    /// So many connections, then it kills itself; with 0 it never does.
    Serve(u64),
    Orphans(u64),
}

pub struct Supervisor {
    pub name: &'static str,
    /// What stops it, with all services.
    pub stop: fn() -> i32,
    /// Writes what it is configured with into a directory, which is named otherwise inside, and answers its command. None where it
    /// does nothing of the kind.
    command: fn(&Task, &Path) -> Option<Vec<String>>,
}

pub const OURS: &str = "sd-activate";
pub const NOBODY: &str = "the service alone";
const NO_SHELL: &str = "#!/usr/bin/execlineb -P\n";

/// Ours are the first.
pub static SUPERVISORS: [Supervisor; 12] = [
    Supervisor { name: OURS, stop: terminate, command: sd_activate },
    Supervisor { name: "sd-activate -l", stop: terminate, command: sd_activate_command },
    Supervisor { name: "systemd-socket-activate", stop: terminate, command: systemd_socket_activate },
    Supervisor { name: "systemd", stop: halt, command: systemd },
    Supervisor { name: "s6", stop: terminate, command: s6 },
    Supervisor { name: "s6 with s6-fdholder", stop: terminate, command: s6_with_fdholder },
    Supervisor { name: "runit", stop: proceed, command: runit },
    Supervisor { name: "docker-systemctl-replacement", stop: terminate, command: systemctl },
    Supervisor { name: "tini", stop: terminate, command: |task, _| init(task, "tini") },
    Supervisor { name: "catatonit", stop: terminate, command: |task, _| init(task, "catatonit") },
    Supervisor { name: "dumb-init", stop: terminate, command: |task, _| init(task, "dumb-init") },
    Supervisor { name: NOBODY, stop: terminate, command: |task, _| alone(task).then(|| service(task, 0)) },
];

impl Supervisor {
    pub fn command(&self, task: &Task, directory: &Path) -> Option<Vec<String>> {
        (self.command)(task, directory)
    }
}

/// Where the socket of a service is, inside.
pub fn socket(number: usize) -> String {
    format!("{CONFIGURATION}/.socket{number}")
}

fn terminate() -> i32 {
    libc::SIGTERM
}

/// systemd takes SIGTERM for something else.
fn halt() -> i32 {
    libc::SIGRTMIN() + 3
}

/// runit begins its last stage, where a file says so.
fn proceed() -> i32 {
    libc::SIGCONT
}

fn alone(task: &Task) -> bool {
    task.services == 1 && !task.sockets
}

fn service(task: &Task, number: usize) -> Vec<String> {
    let what = match task.role {
        Role::Wait => vec!["wait".to_owned()],
        Role::Serve(count) => vec!["serve".to_owned(), socket(number), count.to_string()],
        Role::Orphans(count) => vec!["orphans".to_owned(), count.to_string()],
    };
    [SERVICE, REPORT].map(str::to_owned).into_iter().chain(what).collect()
}

fn words(command: &[&str]) -> Option<Vec<String>> {
    Some(command.iter().map(|&word| word.to_owned()).collect())
}

/// What is forked and waited for, and no more.
fn init(task: &Task, program: &str) -> Option<Vec<String>> {
    let mut command = words(&[&format!("/usr/bin/{program}"), "--"])?;
    command.extend(service(task, 0));
    alone(task).then_some(command)
}

/// Units, with nothing that a container has no need of, and a target that wants them.
fn units(task: &Task, directory: &Path, restart: &str) {
    let write = |name: &str, text: String| fs::write(directory.join(name), text).expect("a unit");
    // So that systemd starts nothing else before.
    let unit =
        "[Unit]\nDefaultDependencies=no\nConflicts=shutdown.target\nBefore=shutdown.target\nStartLimitIntervalSec=0\n";
    let mut wanted = Vec::new();
    for number in 0..task.services {
        let command = service(task, number).join(" ");
        write(&format!("bench{number}.service"), format!("{unit}[Service]\nExecStart={command}\n{restart}"));
        if task.sockets {
            let limits = "TriggerLimitIntervalSec=0\nPollLimitIntervalSec=0";
            let listen = socket(number);
            write(&format!("bench{number}.socket"), format!("{unit}[Socket]\nListenStream={listen}\n{limits}\n"));
        }
        wanted.push(format!("bench{number}.{}", if task.sockets { "socket" } else { "service" }));
    }
    write("bench.target", format!("{unit}Wants={}\n", wanted.join(" ")));
}

const AGAIN: &str = "Restart=always\nRestartSec=0\n";

/// One that holds a socket is started by that.
fn restart(task: &Task) -> &'static str {
    if task.sockets || !matches!(task.role, Role::Serve(_)) { "" } else { AGAIN }
}

fn sd_activate(task: &Task, directory: &Path) -> Option<Vec<String>> {
    units(task, directory, restart(task));
    words(&["/bench/sd-activate", "bench.target"])
}

fn systemd(task: &Task, directory: &Path) -> Option<Vec<String>> {
    units(task, directory, restart(task));
    words(&["/lib/systemd/systemd", "--unit=bench.target", "--log-target=null", "--show-status=no"])
}

fn systemctl(task: &Task, directory: &Path) -> Option<Vec<String>> {
    units(task, directory, restart(task));
    // Otherwise it looks every five seconds at what has ended.
    let often = ["-c", "InitLoopSleep=1"];
    let program = ["/usr/bin/python3", "/opt/systemctl/systemctl2/systemctl3.py"];
    let mut command = words(&[&program[..], &often, &["init"]].concat())?;
    command.extend((0..task.services).map(|number| format!("bench{number}.service")));
    (!task.sockets).then_some(command)
}

/// All sockets are passed to one service.
fn socket_activate(program: &str, task: &Task) -> Option<Vec<String>> {
    let mut command = words(&[program])?;
    for number in 0..task.services {
        command.extend(["-l".to_owned(), socket(number)]);
    }
    command.extend(service(task, 0));
    task.sockets.then_some(command)
}

fn sd_activate_command(task: &Task, _: &Path) -> Option<Vec<String>> {
    socket_activate("/bench/sd-activate", task)
}

fn systemd_socket_activate(task: &Task, _: &Path) -> Option<Vec<String>> {
    socket_activate("/usr/bin/systemd-socket-activate", task)
}

fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a script");
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("a script that can be executed");
}

fn s6(task: &Task, directory: &Path) -> Option<Vec<String>> {
    for number in 0..task.services {
        let command = service(task, number).join(" ");
        script(&directory.join(format!("bench{number}/run")), &format!("{NO_SHELL}{command}\n"));
    }
    (!task.sockets).then(s6_svscan)
}

fn s6_svscan() -> Vec<String> {
    ["/usr/bin/s6-svscan", "-c", "1000", CONFIGURATION].map(str::to_owned).into()
}

/// A daemon holds the sockets; what has opened them starts the services, which ask for them each time that they start.
fn s6_with_fdholder(task: &Task, directory: &Path) -> Option<Vec<String>> {
    let holder = format!("{CONFIGURATION}/.holder");
    let rules = directory.join(".rules/uid/0");
    fs::create_dir_all(rules.join("env")).expect("a directory");
    fs::write(rules.join("allow"), "").expect("a rule");
    for right in ["STORE", "RETRIEVE"] {
        fs::write(rules.join(format!("env/S6_FDHOLDER_{right}_REGEX")), "^socket\n").expect("a rule");
    }
    let daemon = format!("{NO_SHELL}s6-fdholder-daemon -1 -n 1000 -i {CONFIGURATION}/.rules {holder}\n");
    script(&directory.join("holder/run"), &daemon);
    fs::write(directory.join("holder/notification-fd"), "1\n").expect("a file");

    let mut open = format!("#!/bin/sh -e\ns6-svwait -U {CONFIGURATION}/holder\n");
    for number in 0..task.services {
        let path = socket(number);
        let service_directory = format!("{CONFIGURATION}/bench{number}");
        open += &format!("s6-ipcserver-socketbinder -d -B -b 4096 {path} s6-fdholder-store {holder} socket{number}\n");
        open += &format!("s6-svc -u {service_directory}\n");
        let command = service(task, number).join(" ");
        let run = format!("{NO_SHELL}s6-fdholder-retrieve {holder} socket{number}\n{command}\n");
        script(&directory.join(format!("bench{number}/run")), &run);
        fs::write(directory.join(format!("bench{number}/down")), "").expect("a file");
    }
    script(&directory.join("open/run"), &format!("{open}exec s6-svc -O .\n"));
    task.sockets.then(s6_svscan)
}

/// With the three stages, as process 1.
fn runit(task: &Task, directory: &Path) -> Option<Vec<String>> {
    if task.sockets {
        return None;
    }
    for number in 0..task.services {
        let command = service(task, number).join(" ");
        script(&directory.join(format!("bench{number}/run")), &format!("#!/bin/sh\nexec {command}\n"));
    }
    let root = directory.ancestors().nth(2).expect("the root directory");
    let stages = root.join("etc/runit");
    // Debian's is asked to stop by that file.
    script(&stages.join("1"), "#!/bin/sh\n: >/run/runit.stopit && chmod 700 /run/runit.stopit\n");
    script(&stages.join("2"), &format!("#!/bin/sh\nexec runsvdir -P {CONFIGURATION}\n"));
    script(&stages.join("3"), &format!("#!/bin/sh\nexec sv -w 10 force-shutdown {CONFIGURATION}/*\n"));
    // runsvdir waits for a second where the directory has just been changed.
    run(Command::new("touch").args(["--date=yesterday"]).arg(directory));
    words(&["/sbin/runit"])
}
