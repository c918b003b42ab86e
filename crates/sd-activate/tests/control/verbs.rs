//! The verbs of systemctl: what they print, and their exit statuses, are those of release 252 for the same units.

use std::net::TcpListener;

use super::common::units::Units;
use super::common::{ask, children, eventually, kill, pid};
use super::{sdctl, socket_and_service};

fn various() -> Units {
    Units::new(&[
        ("a.socket", super::SOCKET),
        ("a.service", super::SERVICE),
        (
            "one.service",
            "[Unit]\nDescription=One Shot\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStartPre=/bin/true a\nExecStart=/bin/echo hello\n",
        ),
        ("fail.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n"),
        ("needs.service", "[Unit]\nRequires=fail.service\nAfter=fail.service\n[Service]\nExecStart=/bin/sleep 900\n"),
        ("slow.service", "[Service]\nType=notify\nTimeoutStartSec=300ms\nExecStart=/bin/sleep 900\n"),
        ("reload.service", "[Service]\nExecStart=/bin/sleep 900\nExecReload=/bin/true\n"),
        ("refuse.service", "[Unit]\nRefuseManualStart=yes\n[Service]\nExecStart=/bin/sleep 900\n"),
        ("cond.service", "[Unit]\nConditionPathExists=/nonexistent\n[Service]\nExecStart=/bin/sleep 900\n"),
        ("asrt.service", "[Unit]\nAssertPathExists=/nonexistent\n[Service]\nExecStart=/bin/sleep 900\n"),
        ("bad.service", "[Service]\nType=nonsense\n"),
        ("t@.service", "[Service]\nExecStart=/bin/sleep 1%i\n"),
        ("taken.socket", "[Socket]\nListenStream=127.0.0.1:PORT\nService=a.service\n"),
        ("other.service", "[Service]\nExecStart=/bin/sleep 900\n"),
        ("empty.service", ""),
    ])
}

#[test]
fn each_verb_ends_as_that_of_systemctl() {
    let units = various();
    let _activator = units.start(&["a.socket"], 1);
    // In this order: what one leaves the next one finds.
    let cases: &[(&[&str], i32, &str, &str)] = &[
        (&["is-active", "a", "a.socket", "nope"], 0, "inactive\nactive\ninactive\n", ""),
        (&["is-active", "a", "nope"], 3, "inactive\ninactive\n", ""),
        (&["is-active", "-q", "a"], 3, "", ""),
        (&["is-failed", "a"], 1, "inactive\n", ""),
        (&["start", "nope"], 5, "", "Failed to start nope.service: Unit nope.service not found.\n"),
        (&["stop", "nope"], 5, "", "Failed to stop nope.service: Unit nope.service not loaded.\n"),
        (&["restart", "nope"], 5, "", "Failed to restart nope.service: Unit nope.service not found.\n"),
        (&["try-restart", "nope"], 5, "", "Failed to try-restart nope.service: Unit nope.service not found.\n"),
        (&["reload", "nope"], 5, "", "Failed to reload nope.service: Unit nope.service not found.\n"),
        (&["kill", "nope"], 1, "", "Failed to kill unit nope.service: Unit nope.service not loaded.\n"),
        (
            &["reset-failed", "nope"],
            1,
            "",
            "Failed to reset failed state of unit nope.service: Unit nope.service not loaded.\n",
        ),
        (&["status", "nope"], 4, "", "Unit nope.service could not be found.\n"),
        (&["cat", "nope"], 1, "", "No files found for nope.service.\n"),
        (&["start", "--no-block", "nope"], 5, "", "Failed to start nope.service: Unit nope.service not found.\n"),
        (&["start", "empty"], 1, "", "Failed to start empty.service: Unit empty.service is masked.\n"),
        (
            &["start", "a/b"],
            5,
            "",
            "Invalid unit name \"a/b\" escaped as \"a-b\" (maybe you should use systemd-escape?).\nFailed to start a-b.service: Unit a-b.service not found.\n",
        ),
        (
            &["start", "bad"],
            1,
            "",
            "Failed to start bad.service: Unit bad.service has a bad unit file setting.\nSee system logs and 'sdctl status bad.service' for details.\n",
        ),
        (
            &["start", "t@"],
            1,
            "",
            "Failed to start t@.service: Unit name t@.service is missing the instance name.\nSee system logs and 'sdctl status t@.service' for details.\n",
        ),
        (
            &["start", "refuse"],
            4,
            "",
            "Failed to start refuse.service: Operation refused, unit refuse.service may be requested by dependency only (it is configured to refuse manual start/stop).\nSee system logs and 'sdctl status refuse.service' for details.\n",
        ),
        (
            &["reload", "a"],
            3,
            "",
            "Failed to reload a.service: Job type reload is not applicable for unit a.service.\n",
        ),
        (&["reload", "reload"], 1, "", "reload.service is not active, cannot reload.\n"),
        (&["start", "cond"], 0, "", ""),
        (&["is-active", "cond"], 3, "inactive\n", ""),
        (&["start", "asrt"], 1, "", "Assertion failed on job for asrt.service.\n"),
        (&["start", "reload"], 0, "", ""),
        (&["reload", "reload"], 0, "", ""),
        (&["reload-or-restart", "reload"], 0, "", ""),
        (&["try-restart", "other"], 0, "", ""),
        (&["is-active", "other"], 3, "inactive\n", ""),
        (&["restart", "other", "t@5"], 0, "", ""),
        (&["is-active", "other", "t@5"], 0, "active\nactive\n", ""),
        (&["stop", "t@*"], 0, "", ""),
        (
            &["start", "fail"],
            1,
            "",
            "Job for fail.service failed because the control process exited with error code.\nSee \"sdctl status fail.service\" and \"sdctl logs -eu fail.service\" for details.\n",
        ),
        (&["is-failed", "fail"], 0, "failed\n", ""),
        (&["reset-failed", "fail"], 0, "", ""),
        (&["is-failed", "fail"], 1, "inactive\n", ""),
        (&["start", "needs"], 1, "", "A dependency job for needs.service failed. See 'sdctl logs -e' for details.\n"),
        (&["reset-failed"], 0, "", ""),
        (&["is-failed", "fail"], 1, "inactive\n", ""),
        (
            &["start", "slow"],
            1,
            "",
            "Job for slow.service failed because a timeout was exceeded.\nSee \"sdctl status slow.service\" and \"sdctl logs -eu slow.service\" for details.\n",
        ),
        (&["start", "taken.socket"], 1, "", "Job failed. See \"sdctl logs -e\" for details.\n"),
        (&["kill", "-s", "FOO", "other"], 1, "", "Failed to parse signal string \"FOO\".\n"),
        (
            &["kill", "--kill-whom=control", "other"],
            1,
            "",
            "Failed to kill unit other.service: No control process to kill\n",
        ),
        (
            &["start", "nonexist*"],
            0,
            "",
            "Warning: sdctl start called with a glob pattern.\nHint: unit globs expand to loaded units, so start will usually have no effect.\n",
        ),
        (&["start"], 1, "", "Too few arguments.\n"),
        (&["is-active"], 1, "", "Too few arguments.\n"),
        (&["daemon-reload", "a"], 1, "", "Too many arguments.\n"),
        (&["frobnicate"], 1, "", "Unknown command verb frobnicate.\n"),
        (&["list-units", "--type=foo"], 1, "", "Unknown unit type or load state 'foo'.\n"),
        (&["status", "-n", "x", "a"], 1, "", "Failed to parse lines 'x'\n"),
        (&["status", "-o", "foo", "a"], 1, "", "Unknown output 'foo'.\n"),
        (
            &["show", "nope", "-p", "LoadState", "-p", "ActiveState"],
            0,
            "ActiveState=inactive\nLoadState=not-found\n",
            "",
        ),
        (&["show", "-P", "Id", "other", "a"], 0, "other.service\n\na.service\n", ""),
    ];
    for (arguments, status, out, said) in cases {
        let expected = (Some(*status), (*out).to_owned(), (*said).to_owned());
        assert_eq!(sdctl(&units, arguments), expected, "{arguments:?}");
    }
}

#[test]
fn a_stopped_service_may_be_started_again_by_its_socket_which_is_said() {
    let units = socket_and_service();
    let activator = units.start(&["a.socket"], 1);
    let first = pid(units.port);
    let warning = "Warning: Stopping a.service, but it can still be activated by:\n  a.socket\n";
    assert_eq!(sdctl(&units, &["stop", "a"]), (Some(0), String::new(), warning.to_owned()));
    assert_eq!(children(activator.pid()), [0; 0]);
    let second = pid(units.port);
    assert_ne!(first, second);
    let (_, main, _) = sdctl(&units, &["show", "-P", "MainPID", "a"]);
    assert_eq!(main.trim(), second.to_string());
    kill(second, libc::SIGKILL);
    eventually("the service has failed", || (sdctl(&units, &["is-failed", "a"]).0 == Some(0)).then_some(()));
    assert_ne!(pid(units.port), second);
    assert_eq!(sdctl(&units, &["kill", "-s", "KILL", "a"]).0, Some(0));
    eventually("it has failed again", || (sdctl(&units, &["is-failed", "a"]).0 == Some(0)).then_some(()));

    assert_eq!(sdctl(&units, &["stop", "a.socket", "a"]), (Some(0), String::new(), String::new()));
    drop(TcpListener::bind(("127.0.0.1", units.port)).expect("nobody listens any more"));
    assert_eq!(sdctl(&units, &["start", "a.socket"]).0, Some(0));
    assert!(pid(units.port) > 0);
    ask(units.port, "exit 0");
}

/// The lines, without what is different each time.
fn shown(units: &Units, arguments: &[&str]) -> String {
    let (_, out, said) = sdctl(units, arguments);
    assert_eq!(said, "", "{arguments:?}");
    let without = |line: &str| {
        let line = line.split(" since ").next().unwrap_or_default();
        line.split_whitespace()
            .map(|word| if word.parse::<u32>().is_ok() { "N" } else { word })
            .collect::<Vec<_>>()
            .join(" ")
    };
    let directory = units.directory.text("units");
    // Where there are control groups; what is shown of them is tested with these.
    let of_group =
        |line: &&str| line.starts_with("      Tasks: ") || line.starts_with("     CGroup: ") || line.contains('─');
    let out = out.replace(&directory, "UNITS");
    out.lines().filter(|line| !of_group(line)).map(|line| without(line) + "\n").collect()
}

#[test]
fn status_shows_what_that_of_systemctl_shows() {
    let units = various();
    let _activator = units.start(&["a.socket"], 1);
    assert_eq!(sdctl(&units, &["status", "a"]).0, Some(3));
    assert_eq!(
        shown(&units, &["status", "-n0", "a", "a.socket"]),
        format!(
            "○ a.service - A Service\nLoaded: loaded (UNITS/a.service; static)\nActive: inactive (dead)\nTriggeredBy: ● a.socket\n\n\
             ● a.socket - A Socket\nLoaded: loaded (UNITS/a.socket; static)\nActive: active (listening)\nTriggers: ● a.service\n\
             Listen: 127.0.0.1:{} (Stream)\n",
            units.port
        )
    );
    let main = pid(units.port);
    assert_eq!(
        shown(&units, &["status", "-n0", &main.to_string()]),
        "● a.service - A Service\nLoaded: loaded (UNITS/a.service; static)\nActive: active (running)\nTriggeredBy: ● a.socket\n\
         Main PID: N (service)\n"
    );
    assert_eq!(sdctl(&units, &["start", "one"]).0, Some(0));
    assert_eq!(
        shown(&units, &["status", "-n0", "one"]),
        "● one.service - One Shot\nLoaded: loaded (UNITS/one.service; static)\nActive: active (exited)\n\
         Process: N ExecStartPre=/bin/true a (code=exited, status=0/SUCCESS)\n\
         Process: N ExecStart=/bin/echo hello (code=exited, status=0/SUCCESS)\nMain PID: N (code=exited, status=0/SUCCESS)\n"
    );
    let (status, out, _) = sdctl(&units, &["status", "one"]);
    assert_eq!(status, Some(0));
    for line in ["Starting one.service - One Shot...", "Finished one.service - One Shot.", ": hello"] {
        assert!(out.contains(line), "{line} in {out}");
    }
    // What is wrong with a unit stands in its log.
    let _ = sdctl(&units, &["start", "bad"]);
    let (status, out, _) = sdctl(&units, &["status", "bad"]);
    assert_eq!(status, Some(3));
    assert!(out.contains("Loaded: bad-setting (Reason: Unit bad.service has a bad unit file setting.)"), "{out}");
    assert!(out.contains("/units/bad.service:2: warning: Type=: "), "{out}");
    assert!(sdctl(&units, &["status"]).1.contains("State: running"));
}

#[test]
fn units_and_sockets_are_listed() {
    let units = various();
    let _activator = units.start(&["a.socket"], 1);
    let rows = |arguments: &[&str]| {
        let (status, out, said) = sdctl(&units, &[arguments, &["--no-legend"]].concat());
        assert_eq!((status, said.as_str()), (Some(0), ""), "{arguments:?}");
        out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(rows(&["list-units"]), ["a.socket loaded active listening A Socket"]);
    assert_eq!(
        rows(&["list-units", "--all", "a*"]),
        ["a.service loaded inactive dead A Service", "a.socket loaded active listening A Socket"]
    );
    assert_eq!(rows(&["list-units", "-t", "service"]), [""; 0]);
    let _ = sdctl(&units, &["start", "fail"]);
    assert_eq!(rows(&["--failed"]), ["● fail.service loaded failed failed fail.service"]);
    assert_eq!(rows(&["list-units", "--state=failed", "--plain"]), ["fail.service loaded failed failed fail.service"]);
    assert_eq!(rows(&["list-sockets"]), [format!("127.0.0.1:{} a.socket a.service", units.port)]);
}

#[test]
fn units_are_read_anew() {
    let units = socket_and_service();
    let _activator = units.start(&["a.socket"], 1);
    let file = units.directory.path("units").join("a.service");
    let text = std::fs::read_to_string(&file).unwrap().replace("A Service", "Another");
    std::fs::write(&file, text).unwrap();
    std::fs::write(units.directory.path("units").join("new.service"), "[Service]\nExecStart=/bin/sleep 900\n").unwrap();
    assert_eq!(sdctl(&units, &["daemon-reload"]), (Some(0), String::new(), String::new()));
    assert_eq!(sdctl(&units, &["show", "-P", "Description", "a"]).1, "Another\n");
    assert_eq!(sdctl(&units, &["start", "new"]), (Some(0), String::new(), String::new()));
}

#[test]
fn by_another_name_it_is_systemctl_or_journalctl() {
    let units = socket_and_service();
    let _activator = units.start(&["a.socket"], 1);
    let run = |name: &str, arguments: &[&str]| {
        let link = units.directory.path(name);
        std::os::unix::fs::symlink(super::SDCTL, &link).unwrap();
        let mut command = std::process::Command::new(link);
        let output =
            command.env("SD_ACTIVATE_CONTROL", units.directory.path("control")).args(arguments).output().unwrap();
        (output.status.code(), [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()))
    };
    assert_eq!(run("systemctl", &["is-active", "a.socket"]), (Some(0), ["active\n".into(), String::new()]));
    let (status, [out, _]) = run("journalctl", &["-u", "a.socket", "-o", "cat", "--no-pager"]);
    assert_eq!((status, out.as_str()), (Some(0), "Listening on a.socket - A Socket.\n"));
    let help = units.sdctl(&["--help"]).output().unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().contains("logs [OPTIONS]"));
}

#[test]
fn a_socket_with_a_service_for_each_connection_shows_them_and_counts() {
    let units = Units::new(&[
        ("a.socket", &format!("{}Accept=yes\n", super::SOCKET)),
        ("a@.service", "[Service]\nExecStart=SERVICE connection\nStandardInput=socket\n"),
    ]);
    let _activator = units.start(&["a.socket"], 1);
    let connections = [0, 1].map(|_| super::common::connect(units.port));
    let instances = eventually("both have a service", || {
        let (_, out, _) = sdctl(&units, &["list-units", "--plain", "--no-legend", "a@*"]);
        let names: Vec<String> = out.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
        (names.len() == 2).then_some(names)
    });
    for (number, (name, connection)) in instances.iter().zip(&connections).enumerate() {
        let [local, peer] = [connection.peer_addr().unwrap(), connection.local_addr().unwrap()];
        assert_eq!(*name, format!("a@{number}-{local}-{peer}.service"));
        assert!(
            shown(&units, &["status", "-n0", name]).contains("Active: active (running)\nTriggeredBy: ● a.socket\n")
        );
    }
    let listen = format!("Listen: 127.0.0.1:{} (Stream)", units.port);
    assert_eq!(
        shown(&units, &["status", "-n0", "a.socket"]),
        format!(
            "● a.socket - A Socket\nLoaded: loaded (UNITS/a.socket; static)\nActive: active (listening)\n\
             Triggers: ● {}\n● {}\n{listen}\nAccepted: 2; Connected: 2;\n",
            instances[0], instances[1]
        )
    );
    drop(connections);
    let over = "Active: active (listening)\n".to_owned() + &listen + "\nAccepted: 2; Connected: 0;\n";
    eventually("both are over", || shown(&units, &["status", "-n0", "a.socket"]).ends_with(&over).then_some(()));
}
