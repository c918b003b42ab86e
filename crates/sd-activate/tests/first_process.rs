//! sd-activate as the first process of a container, as root and as an ordinary user; and a user's manager.

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use common::units::Units;
use common::{ACTIVATOR, Activator, SDCTL, children, eventually, kill};
use sdlite_test_support::left_out;

const NOBODY: u32 = 65534;
const SERVICE: &str = "[Service]\nExecStart=sleep 1000\n";

/// Who sd-activate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Root,
    /// An ordinary user, who is root in a user namespace.
    Nobody,
}

impl Who {
    /// What is put before a command for it to be the first process of a PID namespace.
    fn container(self) -> Command {
        let mut command = Command::new("setpriv");
        if self == Self::Nobody {
            let user = NOBODY.to_string();
            command.args([
                "--reuid",
                &user,
                "--regid",
                &user,
                "--clear-groups",
                "unshare",
                "--user",
                "--map-root-user",
            ]);
        } else {
            command.arg("unshare");
        }
        command.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
        command
    }

    fn here() -> Vec<Self> {
        let may = |who: &Self| {
            let output = who.container().arg("true").output();
            let may = output.is_ok_and(|output| output.status.success());
            if !may {
                left_out(match who {
                    Self::Root => "the right to make PID namespaces (CAP_SYS_ADMIN)",
                    Self::Nobody => "the right of ordinary users to make user namespaces",
                });
            }
            may
        };
        [Self::Root, Self::Nobody].into_iter().filter(may).collect()
    }

    /// What sdctl answers to the same user.
    fn ask(self, units: &Units, arguments: &[&str]) -> String {
        let mut command = Command::new("setpriv");
        if self == Self::Nobody {
            let user = NOBODY.to_string();
            command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
        }
        let output = command.arg(SDCTL).arg("--control").arg(units.directory.path("control")).args(arguments).output();
        String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
    }

    /// sd-activate in a container, and its number outside.
    fn start(self, units: &Units, unit: &str) -> (Activator, u32) {
        let command = units.command_behind(self.container(), &[unit]);
        if self == Self::Nobody {
            give(units.directory.as_ref());
        }
        let activator = Activator::run(&units.directory, command);
        let first = eventually("its start", || {
            let first = *children(activator.pid()).first()?;
            fs::read_to_string(format!("/proc/{first}/comm")).ok()?.starts_with("sd-activate").then_some(first)
        });
        (activator, first)
    }
}

/// Makes a directory nobody's, with all that is in it.
fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path()));
    }
}

#[test]
fn each_signal_that_stops_a_container_stops_all() {
    for who in Who::here() {
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGRTMIN() + 3] {
            let units = Units::new(&[("a.service", SERVICE)]);
            let (mut activator, first) = who.start(&units, "a.service");
            activator.says("Started a.service");
            kill(first, signal);
            assert_eq!(activator.wait().code(), Some(0), "{who:?} {signal}: {}", activator.output());
            assert!(activator.output().contains("Stopped a.service"), "{who:?} {signal}");
        }
    }
}

#[test]
fn sighup_has_the_units_read_anew_and_the_others_do_nothing() {
    for who in Who::here() {
        let units = Units::new(&[("a.service", SERVICE)]);
        let (mut activator, first) = who.start(&units, "a.service");
        activator.says("Started a.service");
        let changed = format!("[Unit]\nDescription=Another\n{SERVICE}");
        fs::write(units.directory.path("units/a.service"), changed).unwrap();
        for signal in [libc::SIGUSR1, libc::SIGUSR2, libc::SIGPIPE, libc::SIGRTMIN() + 4] {
            kill(first, signal);
        }
        assert_eq!(who.ask(&units, &["show", "-P", "Description", "a.service"]), "a.service\n");
        kill(first, libc::SIGHUP);
        eventually("Description=", || {
            (who.ask(&units, &["show", "-P", "Description", "a.service"]) == "Another\n").then_some(())
        });
        assert_eq!(who.ask(&units, &["is-active", "a.service"]), "active\n");
        kill(first, libc::SIGTERM);
        assert_eq!(activator.wait().code(), Some(0));
    }
}

#[test]
fn the_exit_status_is_that_of_the_only_service() {
    for who in Who::here() {
        for (command, expected) in [("exit 7", 7), ("kill -KILL $$$$", 128 + 9), ("exit 0", 0)] {
            let units = Units::new(&[("a.service", &format!("[Service]\nExecStart=/bin/sh -c '{command}'\n"))]);
            if who == Who::Nobody {
                give(units.directory.as_ref());
            }
            let output = units.command_behind(who.container(), &["a.service"]).output().unwrap();
            assert_eq!(output.status.code(), Some(expected), "{who:?} {command}: {output:?}");
        }
    }
}

/// A unit that ends all when it fails, with another beside it.
fn ending(action: &str) -> Units {
    let failing =
        format!("[Unit]\nAfter=b.service\nFailureAction={action}\n[Service]\nExecStart=/bin/sh -c 'exit 7'\n");
    let both = "[Unit]\nWants=a.service b.service\n";
    Units::new(&[("a.service", &failing), ("b.service", SERVICE), ("both.target", both)])
}

#[test]
fn a_service_that_fails_ends_all_where_its_unit_says_so() {
    for action in ["exit", "exit-force"] {
        let stops = action == "exit";
        let check = |who: &str, status: Option<i32>, output: &str| {
            assert_eq!(status, Some(7), "{who} {action}: {output}");
            assert_eq!(output.contains("Stopped b.service."), stops, "{who} {action}: {output}");
        };
        for who in Who::here() {
            let units = ending(action);
            if who == Who::Nobody {
                give(units.directory.as_ref());
            }
            let output = units.command_behind(who.container(), &["both.target"]).output().unwrap();
            check(&format!("{who:?}"), output.status.code(), &String::from_utf8_lossy(&output.stderr));
        }
        let (status, output) = ending(action).run(&["both.target"]);
        check("not the first", status, &output);
    }
}

#[test]
fn what_others_leave_to_it_is_reaped_and_left_alone() {
    for who in Who::here() {
        let units = Units::new(&[("a.service", SERVICE)]);
        let (mut activator, first) = who.start(&units, "a.service");
        activator.says("Started a.service");
        // As `podman exec` does.
        let execute = |script: &str| {
            let target = first.to_string();
            let mut command = Command::new("nsenter");
            command.args(["--target", &target, "--pid", "--mount", "--", "sh", "-c", script]);
            assert!(command.status().unwrap().success(), "{script}");
        };
        execute("sleep 0.2 & sleep 1000 & setsid -f sleep 0.1");
        let sleeping = |argument: &str| {
            let is_it = |pid: &u32| {
                fs::read(format!("/proc/{pid}/cmdline"))
                    .is_ok_and(|line| line == format!("sleep\0{argument}\0").as_bytes())
            };
            children(first).into_iter().filter(is_it).count()
        };
        // That of the service, too.
        eventually("the end of the others", || (children(first).len() == 2 && sleeping("1000") == 2).then_some(()));
        who.ask(&units, &["restart", "a.service"]);
        eventually("both", || (sleeping("1000") == 2).then_some(()));
        who.ask(&units, &["stop", "a.service"]);
        assert_eq!(sleeping("1000"), 1, "{who:?}: {}", activator.output());
        kill(first, libc::SIGTERM);
        assert!(activator.wait().code().is_some());
    }
}

#[test]
fn the_manager_of_a_user_has_its_files_where_systemd_has_them() {
    let root = nix::unistd::geteuid().is_root();
    let units = Units::new(&[
        ("a.socket", "[Socket]\nListenStream=%t/a.sock\n"),
        ("a.service", "[Service]\nExecStart=sh -c 'exec sleep 1000'\n"),
    ]);
    let home = units.directory.path("home");
    let search = home.join(".config/systemd/user");
    fs::create_dir_all(&search).unwrap();
    for unit in ["a.socket", "a.service"] {
        fs::copy(units.directory.path("units").join(unit), search.join(unit)).unwrap();
    }
    let run = units.directory.path("run");
    fs::create_dir(&run).unwrap();
    if root {
        give(units.directory.as_ref());
    }
    let as_user = |program: &str| {
        let mut command = Command::new(if root { "setpriv" } else { "env" });
        if root {
            let user = NOBODY.to_string();
            command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "env"]);
        }
        command.args(["-i", "PATH=/usr/bin:/bin"]);
        command.args([format!("HOME={}", home.display()), format!("XDG_RUNTIME_DIR={}", run.display())]);
        command.arg(program).arg("--user");
        command
    };
    let mut command = as_user(ACTIVATOR);
    command.args(["--no-journal", "a.socket"]);
    let mut activator = Activator::run(&units.directory, command);
    eventually("the socket", || run.join("a.sock").exists().then_some(()));
    let ask = |arguments: &[&str]| {
        let output = as_user(SDCTL).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(ask(&["is-active", "a.socket"]), "active\n", "{}", activator.output());
    assert_eq!(ask(&["show", "-P", "FragmentPath", "a.service"]), format!("{}\n", search.join("a.service").display()));
    ask(&["start", "a.service"]);
    assert_eq!(ask(&["is-active", "a.service"]), "active\n", "{}", activator.output());
    let main = ask(&["show", "-P", "MainPID", "a.service"]);
    let environment = fs::read_to_string(format!("/proc/{}/environ", main.trim())).unwrap();
    for variable in ["MANAGERPID=", "XDG_RUNTIME_DIR=", "HOME="] {
        assert!(environment.split('\0').any(|it| it.starts_with(variable)), "{variable}: {environment}");
    }
    assert!(run.join("sd-activate").is_dir());
    assert!(activator.stop().success());
    assert!(!run.join("sd-activate/control").exists());
}

#[test]
fn two_containers_keep_their_services_apart() {
    for who in Who::here() {
        let units = [0, 1].map(|_| Units::new(&[("a.service", SERVICE)]));
        let [(mut one, first_of_one), (mut other, first_of_other)] =
            units.each_ref().map(|units| who.start(units, "a.service"));
        [&one, &other].into_iter().for_each(|manager| manager.says("Started a.service"));
        kill(first_of_one, libc::SIGTERM);
        assert_eq!(one.wait().code(), Some(0), "{who:?}: {}", one.output());
        assert_eq!(who.ask(&units[1], &["is-active", "a.service"]), "active\n", "{who:?}: {}", other.output());
        kill(first_of_other, libc::SIGTERM);
        assert_eq!(other.wait().code(), Some(0), "{who:?}: {}", other.output());
    }
}
