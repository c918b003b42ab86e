//! What a service finds when it is executed: what systemd gives, and nothing of what sd-activate has itself.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use common::units::Units;
use common::{Activator, eventually};
use nix::sys::resource::{Resource, getrlimit};
use sdlite_test_support::{has_pidfs, left_out};

/// sd-activate has this of its own: variables, descriptors, signals, a directory, a mask, a limit that all services inherit.
const SURROUNDINGS: &str = r#"
umask 077; cd /tmp; ulimit -S -n 4096
exec 8</dev/null 9<>/dev/null
export SECRET=1 NOTIFY_SOCKET=@nobody-listens WATCHDOG_USEC=60000000 LISTEN_PIDFDID=7 XDG_RUNTIME_DIR=/tmp
trap '' USR1 QUIT; exec "$@""#;

/// tests/units/probe.c, which writes down all that it finds.
fn probe() -> &'static Path {
    static PROBE: OnceLock<PathBuf> = OnceLock::new();
    PROBE.get_or_init(|| {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/units");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe");
        let files = ["probe.c", "dump.c", "descriptors.c", "attempts.c", "objects.c"].map(|name| sources.join(name));
        let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        let status = compiler.args(["-static", "-O1", "-o"]).arg(&program).args(files).status();
        assert!(status.expect("a C compiler (Debian: gcc), or $CC").success());
        program
    })
}

/// What a probe has found, field by field.
type Found = BTreeMap<String, String>;

fn found(units: &Units, label: &str) -> Found {
    let path = units.directory.path(label);
    let text = eventually(label, || fs::read_to_string(&path).ok().filter(|text| text.contains("\nroot ")));
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(field, value)| (field.to_owned(), value.to_owned())).collect()
}

/// The names between a prefix and the next dot.
fn names<'a>(found: &'a Found, prefix: &str) -> BTreeSet<&'a str> {
    let names = found.keys().filter_map(|field| field.strip_prefix(prefix));
    names.map(|name| name.split('.').next().unwrap_or(name)).collect()
}

/// What each command finds, whatever it is for.
fn is_clean(found: &Found, variables: &[&str], descriptors: &[&str], what: &str) {
    let mut expected: BTreeSet<&str> = ["INVOCATION_ID", "LANG", "PATH", "SYSTEMD_EXEC_PID"].into();
    expected.extend(variables);
    if variables.contains(&"LISTEN_FDS") {
        expected.extend(["LISTEN_FDNAMES", "LISTEN_PID"]);
        expected.extend(has_pidfs().then_some("LISTEN_PIDFDID"));
    }
    assert_eq!(names(found, "environment."), expected, "{what}");
    let open: BTreeSet<&str> = ["0", "1", "2"].iter().chain(descriptors).copied().collect();
    assert_eq!(names(found, "fd."), open, "{what}");

    let own = fs::read_to_string("/proc/self/status").unwrap();
    let own = |field: &str| {
        let value = own.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(":\t"));
        value.unwrap_or_default().replace('\t', " ").trim().to_owned()
    };
    let none = "0000000000000000".to_owned();
    let status = [
        ("Umask", "0022".to_owned()),
        ("Uid", own("Uid")),
        ("Gid", own("Gid")),
        ("Groups", own("Groups")),
        ("SigPnd", none.clone()),
        ("ShdPnd", none.clone()),
        ("SigBlk", none.clone()),
        // IgnoreSIGPIPE=
        ("SigIgn", "0000000000001000".to_owned()),
        ("SigCgt", none.clone()),
        ("CapInh", own("CapInh")),
        ("CapPrm", own("CapPrm")),
        ("CapEff", own("CapEff")),
        ("CapBnd", own("CapBnd")),
        ("CapAmb", own("CapAmb")),
        ("NoNewPrivs", own("NoNewPrivs")),
        ("Seccomp", own("Seccomp")),
    ];
    for (field, value) in &status {
        assert_eq!(found[&format!("status.{field}")].trim(), value, "{what}: {field}");
    }
    assert_eq!(names(found, "status."), status.iter().map(|(field, _)| *field).collect(), "{what}");

    let hard = getrlimit(Resource::RLIMIT_NOFILE).unwrap().1;
    assert_eq!(found["limit.NOFILE"], format!("4096 {}", hard as i64), "{what}");
    for (name, resource) in [
        ("CORE", Resource::RLIMIT_CORE),
        ("STACK", Resource::RLIMIT_STACK),
        ("MEMLOCK", Resource::RLIMIT_MEMLOCK),
        ("NPROC", Resource::RLIMIT_NPROC),
    ] {
        let (soft, hard) = getrlimit(resource).unwrap();
        assert_eq!(found[&format!("limit.{name}")], format!("{} {}", soft as i64, hard as i64), "{what}: {name}");
    }
    for (field, value) in [
        ("nice", "0"),
        ("scheduler", "0"),
        ("scheduler.priority", "0"),
        ("io.priority", "0"),
        ("timer-slack", "50000"),
        ("parent-death-signal", "15"),
        ("secure-bits", "0"),
        ("keep-capabilities", "0"),
        ("child-subreaper", "0"),
        ("personality", "0"),
        ("session-leader", "1"),
        ("group-leader", "1"),
        ("terminal", "none"),
        ("parent", "(the manager)"),
        ("directory", "/"),
        ("root", "/"),
    ] {
        assert_eq!(found[field], value, "{what}: {field}");
    }
}

fn command(units: &Units, first: bool) -> Command {
    let mut command = Command::new(if first { "unshare" } else { "sh" });
    if first {
        command.args(["--pid", "--fork", "--mount-proc", "--kill-child", "sh"]);
    }
    command.args(["-c", SURROUNDINGS, "sh"]);
    units.command_behind(command, &["all.target"])
}

/// All kinds of commands, with 1000 sockets open in the manager.
fn units() -> Units {
    let run =
        |label: &str, acts: &str| format!("PROBE hygiene {label} {acts}\nStandardOutput=append:DIRECTORY/{label}\n");
    let many: String = (0..1000).map(|number| format!("ListenStream=@DIRECTORY/many-{number}\n")).collect();
    let before = format!("[Socket]\n{many}ExecStartPre={}", run("before", ""));
    let service = |settings: &str, exec: &str, label: &str, acts: &str| {
        format!("[Service]\n{settings}{exec}={}", run(label, acts))
    };
    let listen = |name: &str, settings: &str| format!("[Socket]\nListenStream=DIRECTORY/{name}.sock\n{settings}");
    let pause = "pause";
    let texts = [
        (
            "all.target",
            "[Unit]\nWants=many.socket two.service once.service notify.service forking.service stop.service\n\
                        Wants=each.socket\nAfter=many.socket\n"
                .to_owned(),
        ),
        ("many.socket", before),
        ("many.service", "[Service]\nExecStart=sleep 1000\n".to_owned()),
        ("one.socket", listen("one", "")),
        ("two.socket", listen("two", "")),
        ("one.service", "[Service]\nExecStart=sleep 1000\n".to_owned()),
        (
            "two.service",
            format!("[Unit]\nAfter=many.socket\n{}", service("Sockets=one.socket\n", "ExecStart", "two", pause)),
        ),
        ("each.socket", "[Socket]\nListenStream=127.0.0.1:PORT\nAccept=yes\n".to_owned()),
        ("each@.service", service("", "ExecStart", "each", pause)),
        ("once.service", format!("[Unit]\nAfter=many.socket\n{}", service("Type=oneshot\n", "ExecStart", "once", ""))),
        (
            "notify.service",
            format!(
                "[Unit]\nAfter=many.socket\n{}",
                service("Type=notify\n", "ExecStart", "notify", "notify:READY=1 pause")
            ),
        ),
        (
            "forking.service",
            format!("[Unit]\nAfter=many.socket\n{}", service("Type=forking\n", "ExecStart", "forking", "child")),
        ),
        (
            "stop.service",
            format!(
                "[Unit]\nAfter=many.socket\n{}",
                service("Type=oneshot\nExecStart=true\n", "ExecStopPost", "stop", "")
            ),
        ),
    ];
    let texts = texts.map(|(name, text)| (name, text.replace("PROBE", probe().to_str().unwrap())));
    Units::new(&texts.each_ref().map(|(name, text)| (*name, text.as_str())))
}

#[test]
fn each_kind_of_command_finds_what_systemd_gives_and_nothing_of_the_manager() {
    let may = Command::new("unshare").args(["--pid", "--fork", "--mount-proc", "true"]).output();
    let may_be_first = may.is_ok_and(|output| output.status.success());
    if !may_be_first {
        left_out("the right to make PID namespaces (CAP_SYS_ADMIN)");
    }
    for first in [false, true].into_iter().filter(|first| !first || may_be_first) {
        let units = units();
        let mut manager = Activator::run(&units.directory, command(&units, first));
        manager.says("Reached target");
        let _connection = TcpStream::connect(("127.0.0.1", units.port)).unwrap();
        for (label, variables, descriptors) in [
            ("before", &[][..], &[][..]),
            ("two", &["LISTEN_FDS"], &["one"]),
            ("each", &["LISTEN_FDS", "REMOTE_ADDR", "REMOTE_PORT"], &["connection"]),
            ("once", &[], &[]),
            ("notify", &["NOTIFY_SOCKET"], &[]),
            ("forking", &[], &[]),
            ("stop", &["EXIT_CODE", "EXIT_STATUS", "SERVICE_RESULT"], &[]),
        ] {
            is_clean(&found(&units, label), variables, descriptors, &format!("{label}, PID 1: {first}"));
        }
        if first {
            manager.signal(libc::SIGTERM);
        } else {
            manager.stop();
        }
    }
}
