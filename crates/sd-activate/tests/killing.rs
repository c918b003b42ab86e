//! How the processes of a unit are ended: systemd.kill(5), with control groups and without.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::units::Units;
use common::{Activator, children, eventually, kill, runs};
use sdlite_test_support::left_out;

/// How processes are known to be a unit's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By its control group.
    Group,
    /// By descent: no hierarchy of control groups can be seen.
    Descent,
}

impl Way {
    /// Those that there are here, and a word about the others.
    fn here() -> Vec<Self> {
        [Self::Group, Self::Descent].into_iter().filter(|way| way.is_here()).collect()
    }

    fn is_here(self) -> bool {
        let units = Units::new(&[("a.service", "[Service]\nExecStart=sleep 1000\n")]);
        let mut manager = self.start(&units, "a.service");
        manager.says("Started");
        let group = units.ask(&["show", "-P", "ControlGroup", "a.service"]).1;
        manager.stop();
        let found = if group.trim().is_empty() { Self::Descent } else { Self::Group };
        if found != self {
            left_out(match self {
                Self::Group => "a cgroup2 that may be written to",
                Self::Descent => "the right to hide cgroup2 (CAP_SYS_ADMIN)",
            });
        }
        found == self
    }

    fn start(self, units: &Units, unit: &str) -> Activator {
        let command = units.command(&[unit]);
        if self == Self::Group || !Path::new("/proc/self/cgroup").exists() {
            return Activator::run(&units.directory, command);
        }
        let hidden = r#"mount -t tmpfs none /sys/fs/cgroup; exec "$@""#;
        let may = Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success());
        if !may {
            return Activator::run(&units.directory, command);
        }
        let mut unshared = Command::new("unshare");
        unshared.args(["--mount", "sh", "-c", hidden, "sh"]);
        Activator::run(&units.directory, units.command_behind(unshared, &[unit]))
    }
}

fn pid_in(units: &Units, name: &str) -> u32 {
    eventually(name, || fs::read_to_string(units.directory.path(name)).ok()?.trim().parse().ok())
}

/// Writes a script of the shell beside the units.
fn script(units: &Units, name: &str, text: &str) {
    fs::write(units.directory.path(name), text.replace("DIRECTORY/", &units.directory.text(""))).unwrap();
}

/// Has a process write its number into this file and do nothing: one that leaves its parents, its session, its environment and
/// all that it has open.
const ESCAPE: &str =
    "env -i PATH=$$PATH setsid -f sh -c 'exec 0<&- 1>&- 2>&-; echo $$$$ >DIRECTORY/FILE; exec sleep 1000'";
/// The same with a child.
const CHILD: &str = "sh -c 'echo $$$$ >DIRECTORY/FILE; exec sleep 1000' &";

fn escape(file: &str) -> String {
    ESCAPE.replace("FILE", file).replace('\'', "\\'")
}

fn child(file: &str) -> String {
    CHILD.replace("FILE", file).replace('\'', "\\'")
}

/// A service with a child and a process that has escaped, and these settings.
fn service(settings: &str) -> Units {
    let (escape, child) = (escape("escaped"), child("child"));
    let start = format!("ExecStart=/bin/sh -c '{escape}; {child} echo $$$$ >DIRECTORY/main; exec sleep 1000'\n");
    Units::new(&[("a.service", &format!("[Service]\n{settings}\n{start}"))])
}

#[test]
fn a_stop_ends_whom_kill_mode_says() {
    for way in Way::here() {
        for (mode, main, others) in
            [("control-group", true, true), ("mixed", true, true), ("process", true, false), ("none", false, false)]
        {
            let units = service(&format!("KillMode={mode}\nTimeoutStopSec=5s"));
            let mut manager = way.start(&units, "a.service");
            let pids = ["main", "child", "escaped"].map(|name| pid_in(&units, name));
            units.ask(&["stop", "a.service"]);
            let ended = pids.map(|pid| !runs(pid));
            assert_eq!(ended, [main, others, others], "{way:?} {mode}: {}", manager.output());
            assert!(manager.stop().success());
            pids.into_iter().filter(|pid| runs(*pid)).for_each(|pid| kill(pid, libc::SIGKILL));
        }
    }
}

#[test]
fn what_escapes_ends_with_a_service_that_crashes_and_is_not_taken_for_that_of_another() {
    for way in Way::here() {
        let of = |file: &str| format!("[Service]\nExecStart=/bin/sh -c '{}; exec sleep 1000'\n", escape(file));
        let units = Units::new(&[
            ("all.target", "[Unit]\nWants=a.service b.service\n"),
            ("a.service", &of("a")),
            ("b.service", "[Service]\nExecStart=sleep 1000\n"),
            ("c.service", &of("c")),
        ]);
        let mut manager = way.start(&units, "all.target");
        let a = pid_in(&units, "a");
        manager.says("Reached target");
        units.ask(&["kill", "-s", "KILL", "--kill-whom=main", "a.service"]);
        manager.says("a.service: Failed with result 'signal'");
        assert_eq!(units.ask(&["is-active", "b.service"]).1, "active\n");
        // Whether it has left a.service or b.service, the group alone tells.
        assert_eq!(runs(a), way == Way::Descent);

        units.ask(&["stop", "b.service"]);
        units.ask(&["start", "c.service"]);
        let c = pid_in(&units, "c");
        units.ask(&["kill", "-s", "KILL", "--kill-whom=main", "c.service"]);
        eventually("its end", || (!runs(c)).then_some(()));
        assert!(manager.stop().code().is_some());
        eventually("all ends", || (!runs(a)).then_some(()));
    }
}

#[test]
fn each_signal_of_systemd_kill_is_sent_to_all() {
    // Both the main process and one that has escaped write down which signals come.
    let note = "for signal in TERM HUP INT USR1 QUIT; do trap \"echo $signal >>DIRECTORY/$1\" $signal; done\n\
                echo $$ >DIRECTORY/$1.pid\nwhile :; do sleep 0.02; done\n";
    let escape = "env -i PATH=$$PATH setsid -f sh DIRECTORY/note escaped";
    let start = format!("ExecStart=/bin/sh -c '{escape}; exec sh DIRECTORY/note main'\n");
    for way in Way::here() {
        for (settings, verb, expected) in [
            ("", "stop", "TERM"),
            ("KillSignal=INT", "stop", "INT"),
            ("KillSignal=INT\nSendSIGHUP=yes", "stop", "HUP INT"),
            ("RestartKillSignal=USR1", "restart", "USR1"),
            ("RestartKillSignal=USR1", "stop", "TERM"),
            ("FinalKillSignal=QUIT", "stop", "QUIT TERM"),
        ] {
            let unit = format!("[Service]\n{settings}\nTimeoutStopSec=1s\n{start}");
            let units = Units::new(&[("a.service", &unit)]);
            script(&units, "note", note);
            let mut manager = way.start(&units, "a.service");
            let pids = ["main.pid", "escaped.pid"].map(|name| pid_in(&units, name));
            units.ask(&[verb, "--no-block", "a.service"]);
            for file in ["main", "escaped"] {
                eventually(&format!("{way:?} {settings} {verb}: {expected}"), || {
                    let text = fs::read_to_string(units.directory.path(file)).unwrap_or_default();
                    let mut signals: Vec<_> = text.split_whitespace().collect();
                    signals.sort_unstable();
                    signals.dedup();
                    (signals.join(" ") == expected).then_some(())
                });
            }
            manager.signal(libc::SIGKILL);
            manager.wait();
            pids.into_iter().for_each(|pid| kill(pid, libc::SIGKILL));
        }
    }
}

#[test]
fn what_nothing_ends_keeps_a_service_without_sigkill_from_being_started() {
    let start = "ExecStart=/bin/sh -c 'setsid -f sh DIRECTORY/stubborn; exec sleep 1000'\n";
    for way in Way::here() {
        let unit = format!("[Service]\nSendSIGKILL=no\nTimeoutStopSec=200ms\n{start}");
        let units = Units::new(&[("a.service", &unit)]);
        script(&units, "stubborn", "trap '' TERM\necho $$ >DIRECTORY/escaped\nexec sleep 1000\n");
        let mut manager = way.start(&units, "a.service");
        let escaped = pid_in(&units, "escaped");
        units.ask(&["stop", "a.service"]);
        units.ask(&["start", "a.service"]);
        let output = manager.output();
        for line in [
            "State 'stop-sigterm' timed out. Skipping SIGKILL.",
            "State 'final-sigterm' timed out. Skipping SIGKILL. Entering failed mode.",
            &format!("Unit process {escaped} (sleep) remains running after unit stopped."),
            &format!("Found left-over process {escaped} (sleep) in control group while starting unit. Ignoring."),
            "Will not start SendSIGKILL=no service of type KillMode=control-group or mixed while processes exist",
            "Failed to run 'start' task: Device or resource busy",
            "Failed with result 'resources'.",
        ] {
            assert!(output.contains(line), "{way:?}: {line}: {output}");
        }
        manager.stop();
        assert!(runs(escaped));
        kill(escaped, libc::SIGKILL);
    }
}

#[test]
fn what_the_commands_of_a_socket_leave_ends_with_it_as_kill_mode_says() {
    for way in Way::here() {
        for (mode, ends) in [("control-group", true), ("mixed", true), ("process", false)] {
            let before = format!("ExecStartPre=/bin/sh -c '{}'\n", escape("escaped"));
            let socket = format!("[Socket]\nListenStream=DIRECTORY/socket\nKillMode={mode}\n{before}");
            let service = "[Service]\nExecStart=sleep 1000\n";
            let units = Units::new(&[("a.socket", &socket), ("a.service", service)]);
            let mut manager = way.start(&units, "a.socket");
            let escaped = pid_in(&units, "escaped");
            manager.says("Listening on");
            units.ask(&["stop", "a.socket"]);
            assert_eq!(!runs(escaped), ends, "{way:?} {mode}: {}", manager.output());
            manager.stop();
            kill(escaped, libc::SIGKILL);
        }
    }
}

#[test]
fn what_forks_without_end_is_ended() {
    // No signal but SIGKILL ends one of them.
    let bomb = "trap '' TERM\nwhile :; do setsid -f sh -c \"trap '' TERM; sleep 0.05; exec sleep 0.05\"; done\n";
    for way in Way::here() {
        let units = Units::new(&[("a.service", "[Service]\nTimeoutStopSec=300ms\nExecStart=/bin/sh DIRECTORY/bomb\n")]);
        script(&units, "bomb", bomb);
        let mut manager = way.start(&units, "a.service");
        manager.says("Started");
        std::thread::sleep(std::time::Duration::from_millis(300));
        units.ask(&["stop", "a.service"]);
        assert!(manager.output().contains("Killing process"), "{}", manager.output());
        assert!(children(manager.pid()).is_empty(), "{way:?}");
        manager.stop();
    }
}

#[test]
fn the_control_group_is_shown_and_is_gone_with_the_unit() {
    if !Way::Group.is_here() {
        return;
    }
    let units = service("");
    let mut manager = Way::Group.start(&units, "a.service");
    let [main, child, escaped] = ["main", "child", "escaped"].map(|name| pid_in(&units, name));
    eventually("its processes", || {
        let status = units.ask(&["status", "a.service"]).1;
        (status.matches("sleep 1000\n").count() == 3).then_some(())
    });
    let shown = units.ask(&["show", "-p", "ControlGroup", "-p", "TasksCurrent", "a.service"]).1;
    // In a container, the number of the PID namespace stands before that of the process.
    let group = format!("{}.slice/a.service", manager.pid());
    assert!(shown.lines().any(|line| line.starts_with("ControlGroup=") && line.ends_with(&group)), "{shown}");
    assert!(shown.contains("TasksCurrent=3\n"), "{shown}");
    let status = units.ask(&["status", &escaped.to_string()]).1;
    assert!(status.contains("a.service") && status.contains("      Tasks: 3\n"), "{status}");
    for pid in [main, child, escaped] {
        assert!(status.contains(&format!("─{pid} sleep 1000\n")), "{status}");
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        assert!(groups.lines().any(|line| line.starts_with("0::") && line.ends_with(&group)), "{groups}");
    }
    let path = shown.lines().find_map(|line| line.strip_prefix("ControlGroup=")).unwrap();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).unwrap().split(' ').nth(4).unwrap();
    let slice = Path::new(mount).join(path.trim_start_matches('/')).parent().unwrap().to_owned();
    assert!(slice.join("a.service").is_dir());
    units.ask(&["stop", "a.service"]);
    assert!(!slice.join("a.service").exists());
    assert!(manager.stop().success());
    assert!(!slice.exists());
}
