//! What the commands of a unit's service are told, and which processes are its own.

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::units::Units;
use common::{Activator, eventually, kill, runs};

const SOCKET: &str = "[Socket]\nListenStream=127.0.0.1:PORT\nService=a.service\n";

/// Writes what a command is told into a file beside it.
const TELL: &str = r#"#!/bin/sh
echo "$1${MAINPID:+ MAINPID}${SERVICE_RESULT:+ $SERVICE_RESULT}${EXIT_CODE:+ $EXIT_CODE $EXIT_STATUS}" \
    "${LISTEN_FDS:+LISTEN_FDS}${NOTIFY_SOCKET:+NOTIFY_SOCKET}" >>"${0%/*}/told"
echo "$INVOCATION_ID" >>"${0%/*}/invocations"
"#;

/// Makes a program beside the units.
fn program(units: &Units, name: &str, text: &str) {
    let path = units.directory.path(name);
    fs::write(&path, text.replace("DIRECTORY/", &units.directory.text(""))).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

fn run(units: &Units, name: &str) -> Activator {
    Activator::run(&units.directory, units.command(&[name]))
}

fn read(path: impl AsRef<Path>) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(|line| line.trim_end().to_owned()).collect()
}

fn number_in(path: impl AsRef<Path>) -> u32 {
    eventually("a process", || read(path.as_ref()).first()?.parse().ok())
}

#[test]
fn each_command_is_told_what_systemd_tells_it() {
    for (access, control, main) in
        [("none", "", ""), ("main", "", "NOTIFY_SOCKET"), ("exec", "NOTIFY_SOCKET", "NOTIFY_SOCKET")]
    {
        let settings = ["Condition", "StartPre", "StartPost", "Stop", "StopPost"];
        let commands = settings.map(|name| format!("Exec{name}=DIRECTORY/tell {name}\n")).concat();
        let start = "ExecStart=/bin/sh -c 'DIRECTORY/tell Start; exec sleep 1000'\n";
        let wait = "ExecStartPost=/bin/sh -c 'until grep -q LISTEN_FDS DIRECTORY/told; do sleep 0.01; done'\n";
        let unit = format!("[Unit]\nRequires=a.socket\n[Service]\nNotifyAccess={access}\n{start}{wait}{commands}");
        let units = Units::new(&[("a.socket", SOCKET), ("a.service", &unit)]);
        program(&units, "tell", TELL);
        let mut activator = run(&units, "a.service");
        activator.says("Started a.service");
        assert!(activator.stop().success());
        let expected = [
            format!("Condition {control}"),
            format!("StartPre {control}"),
            format!("Start LISTEN_FDS{main}"),
            format!("StartPost MAINPID {control}"),
            format!("Stop MAINPID success {control}"),
            format!("StopPost success killed TERM {control}"),
        ];
        assert_eq!(read(units.directory.path("told")), expected.map(|line| line.trim_end().to_owned()), "{access}");
        let mut invocations = read(units.directory.path("invocations"));
        invocations.dedup();
        assert_eq!(invocations.len(), 1);
        assert!(invocations[0].len() == 32 && invocations[0].bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

/// Goes into a session of its own, where it has no descriptor of the service's.
const DAEMON: &str = "#!/bin/sh
setsid -f sh -c 'exec <&- >&- 2>&- 3>&-; sleep 1000 & echo $$ >DIRECTORY/pid; wait'
until test -s DIRECTORY/pid; do sleep 0.01; done
";

#[test]
fn what_has_left_session_and_sockets_is_ended_with_its_service() {
    for (mode, remains) in [("control-group", false), ("mixed", false), ("process", true)] {
        let unit = format!("[Service]\nType=oneshot\nKillMode={mode}\nExecStart=DIRECTORY/daemon\n");
        let units = Units::new(&[("a.service", &unit)]);
        program(&units, "daemon", DAEMON);
        let mut activator = run(&units, "a.service");
        let daemon = number_in(units.directory.path("pid"));
        assert_eq!(activator.wait().code(), Some(0), "{}", activator.output());
        let message = format!("a.service: Unit process {daemon} (sh) remains running after unit stopped.");
        assert_eq!(activator.output().contains(&message), remains, "{}", activator.output());
        assert_eq!(runs(daemon), remains, "{mode}");
        if remains {
            let children = fs::read_to_string(format!("/proc/{daemon}/task/{daemon}/children")).unwrap();
            children.split_whitespace().for_each(|child| kill(child.parse().unwrap(), libc::SIGKILL));
        }
    }
}

#[test]
fn a_oneshot_service_that_remains_is_stopped_by_its_commands() {
    let commands =
        "ExecStart=DIRECTORY/tell Start\nExecStop=DIRECTORY/tell Stop\nExecStopPost=DIRECTORY/tell StopPost\n";
    let unit = format!("[Service]\nType=oneshot\nRemainAfterExit=yes\nPIDFile=DIRECTORY/pid\n{commands}");
    let units = Units::new(&[("a.service", &unit)]);
    program(&units, "tell", TELL);
    fs::write(units.directory.path("pid"), "1\n").unwrap();
    let mut activator = run(&units, "a.service");
    activator.says("Finished a.service");
    assert!(fs::exists(units.directory.path("pid")).unwrap());
    assert!(activator.stop().success());
    assert_eq!(read(units.directory.path("told")), ["Start", "Stop success exited 0", "StopPost success exited 0"]);
    assert!(!fs::exists(units.directory.path("pid")).unwrap());
}

#[test]
fn a_child_of_the_main_process_may_notify_where_notify_access_says_so() {
    let start = "ExecStart=/bin/sh -c 'SERVICE notify & wait'\nTimeoutStartSec=500ms\n";
    for (access, started) in [("all", true), ("main", false)] {
        let units = Units::new(&[("a.service", &format!("[Service]\nType=notify\nNotifyAccess={access}\n{start}"))]);
        let mut activator = run(&units, "a.service");
        let line = if started { "Started a.service" } else { "Failed to start a.service" };
        activator.says(line);
        assert_ne!(activator.output().contains("but reception only permitted for main PID"), started);
        activator.stop();
    }
}
