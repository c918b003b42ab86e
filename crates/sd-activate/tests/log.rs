//! The log: what programs log in every way that they have, where no journald runs. Each test has a /run and a /dev of its own.

mod common;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::eventually;
use common::machine::Machine;
use common::units::Units;
use sdlite_test_support::{has, release, run, soname_directory, source};
use serde_json::Value;

/// Starts a unit that ends by itself. The entries in the log.
fn entries_of(machine: &Machine, unit: &str) -> Option<Vec<Value>> {
    let mut activator = machine.start(&["--log-format=json"], unit)?;
    let status = activator.wait();
    assert!(status.success(), "{status}: {}", activator.output());
    Some(parse(&activator.output()))
}

fn parse(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

/// The fields of the entry with this message, with blanks between them; those that it lacks are `-`.
fn fields(entries: &[Value], message: &str, names: &[&str]) -> String {
    let entry = entries.iter().find(|entry| entry["MESSAGE"] == message);
    let entry = entry.unwrap_or_else(|| panic!("no \"{message}\": {entries:#?}"));
    let value = |name: &&str| entry[*name].as_str().unwrap_or("-").to_owned();
    names.iter().map(value).collect::<Vec<_>>().join(" ")
}

/// tests/log.c with a library.
fn program(name: &str, arguments: &[&dyn AsRef<OsStr>]) -> PathBuf {
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut compile = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compile.arg("-o").arg(&program).arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/log.c"));
    run(compile.args(arguments.iter().map(|argument| argument.as_ref())));
    program
}

/// Runs tests/log.c as a service, and looks at its entries.
fn logs_in_every_way(program: &std::path::Path, environment: &str) {
    let path = program.to_str().unwrap();
    let machine = Machine::new(&[(
        "a.service",
        &format!("[Service]\nEnvironment={environment}\nExecStart={path}\nLogExtraFields=EXTRA=1\n"),
    )]);
    let Some(mut activator) = machine.start(&["--log-format=json"], "a.service") else { return };
    activator.says("too large for a datagram");
    assert!(activator.stop().success());
    let entries = parse(&activator.output());
    let pid = fields(&entries, "from sd_journal_print", &["_PID"]);
    assert!(entries.iter().any(|entry| entry["MESSAGE"].as_str().unwrap().contains("Started a.service")));
    assert_ne!(pid, "1");

    let name = program.file_name().unwrap().to_str().unwrap();
    let names = ["_PID", "_COMM", "_EXE", "_CMDLINE", "_SYSTEMD_UNIT", "EXTRA", "_UID"];
    for (message, transport, priority, facility, identifier) in [
        ("from sd_journal_print", "journal", "5", "-", name),
        ("from sd_journal_send", "journal", "3", "-", name),
        ("too large for a datagram", "journal", "-", "-", name),
        ("from a stream", "stdout", "4", "-", "streamed"),
        ("at another level", "stdout", "7", "-", "streamed"),
        ("from syslog", "syslog", "2", "19", name),
    ] {
        let found = fields(&entries, message, &["_TRANSPORT", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER"]);
        assert_eq!(found, format!("{transport} {priority} {facility} {identifier}"), "{message}");
        let comm = &name[..name.len().min(15)];
        assert_eq!(fields(&entries, message, &names), format!("{pid} {comm} {path} {path} a.service 1 0"), "{message}");
        for field in ["_GID", "_HOSTNAME", "_BOOT_ID"] {
            assert_ne!(fields(&entries, message, &[field]), "-", "{message}: {field}");
        }
    }
    assert_eq!(fields(&entries, "from sd_journal_send", &["FIELD", "TWO"]), "x two\nlines");
    let large = entries.iter().find(|entry| entry["MESSAGE"] == "too large for a datagram").unwrap();
    assert!(large.as_object().unwrap().contains_key("LARGE"));
    for file in ["systemd/journal", "dev/log"] {
        assert!(machine.path(file).symlink_metadata().is_err(), "{file} is still there");
    }
}

#[test]
fn what_a_program_logs_through_libsystemd_has_the_fields_that_the_kernel_vouches_for() {
    if has("/usr/include/systemd/sd-journal.h", "libsystemd-dev") {
        logs_in_every_way(&program("log-systemd", &[&"-lsystemd"]), "");
    }
}

#[test]
fn what_a_program_logs_through_libsdlite_has_the_fields_that_the_kernel_vouches_for() {
    let include = format!("-I{}", source().join("include").display());
    let program = program("log-sdlite", &[&include, &release().join("libsdlite.so")]);
    logs_in_every_way(&program, &format!("LD_LIBRARY_PATH={}", soname_directory().display()));
}

#[test]
fn what_programs_log_that_end_at_once_is_their_units() {
    let python = "from systemd import journal; journal.send(\"from python\", FIELD=\"x\", PRIORITY=\"2\")";
    let daemon = nix::unistd::User::from_name("daemon").unwrap().filter(|_| nix::unistd::geteuid().is_root());
    let (user, uid) = daemon.map_or(("", 0), |daemon| ("User=daemon\n", daemon.uid.as_raw()));
    let machine = Machine::new(&[(
        "a.service",
        &format!(
            "[Service]\nType=oneshot\n{user}ExecStart=/usr/bin/logger -t lg -p user.err \"from logger\"\n\
             ExecStart=/usr/bin/logger --journald=DIRECTORY/entry\n\
             ExecStart=/usr/bin/systemd-cat -t cat -p warning echo \"from systemd-cat\"\n\
             ExecStart=/usr/bin/python3 -c '{python}'\n\
             ExecStart=/bin/sh -c 'echo from a child | cat; printf \"no end\"'\n"
        ),
    )]);
    for (program, package) in [
        ("/usr/bin/logger", "bsdutils"),
        ("/usr/bin/systemd-cat", "systemd"),
        ("/usr/lib/python3/dist-packages/systemd/journal.py", "python3-systemd"),
    ] {
        if !has(program, package) {
            return;
        }
    }
    fs::write(machine.0.directory.path("entry"), "MESSAGE=from a file\nOTHER=y\n").unwrap();
    let Some(entries) = entries_of(&machine, "a.service") else { return };
    for (message, expected) in [
        ("from logger", "syslog 3 lg - -"),
        ("from a file", "journal - logger - y"),
        ("from systemd-cat", "stdout 4 cat - -"),
        ("from python", "journal 2 python3 x -"),
        ("from a child", "stdout 6 sh - -"),
        ("no end", "stdout 6 sh - -"),
    ] {
        let found = fields(&entries, message, &["_TRANSPORT", "PRIORITY", "SYSLOG_IDENTIFIER", "FIELD", "OTHER"]);
        assert_eq!(found, expected, "{message}");
        assert_eq!(fields(&entries, message, &["_SYSTEMD_UNIT", "_UID"]), format!("a.service {uid}"), "{message}");
    }
    let position = |message: &str| entries.iter().position(|entry| entry["MESSAGE"] == message);
    assert_eq!(fields(&entries, "no end", &["_LINE_BREAK"]), "eof");
    assert!(position("no end") < position("Finished a.service."), "{entries:#?}");
    let child = fields(&entries, "from a child", &["_PID"]);
    assert_ne!(child, fields(&entries, "no end", &["_PID"]), "it has a process of its own");
}

#[test]
fn a_units_settings_say_how_its_lines_are_logged() {
    let machine = Machine::new(&[
        (
            "a.service",
            "[Service]\nType=oneshot\nSyslogIdentifier=me\nSyslogFacility=local2\nSyslogLevel=notice\nLogLevelMax=notice\n\
             LogExtraFields=ONE=1 \"TWO=a b\" LOWER=%N\nExecStart=/bin/sh -c 'echo plain; echo \"<6>dropped\"; echo \"<2>kept\"'\n\
             ExecStart=/usr/bin/logger -p user.info \"dropped as well\"\n",
        ),
        (
            "b.service",
            "[Service]\nType=oneshot\nSyslogLevelPrefix=no\nExecStart=/bin/sh -c 'echo \"<2>as it is\"; echo $$INVOCATION_ID'\n",
        ),
    ]);
    let Some(entries) = entries_of(&machine, "a.service") else { return };
    let names = ["PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "ONE", "TWO", "LOWER"];
    assert_eq!(fields(&entries, "plain", &names), "5 18 me 1 a b a");
    assert_eq!(fields(&entries, "kept", &names), "2 18 me 1 a b a");
    assert_eq!(entries.len(), 2, "what is less important is dropped, and so is what is said of the unit: {entries:#?}");
    fs::remove_dir_all(machine.path("dev")).unwrap();
    let entries = entries_of(&machine, "b.service").unwrap();
    assert_eq!(fields(&entries, "<2>as it is", &["PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER"]), "6 3 sh");
    let said = ["UNIT", "INVOCATION_ID", "PRIORITY", "_TRANSPORT"];
    let said = fields(&entries, "Finished b.service.", &said);
    let id = said
        .strip_prefix("b.service ")
        .and_then(|rest| rest.strip_suffix(" 6 driver"))
        .unwrap_or_else(|| panic!("{said}"));
    assert_eq!(fields(&entries, id, &["_SYSTEMD_INVOCATION_ID", "_SYSTEMD_UNIT"]), format!("{id} b.service"));
}

/// A service that logs in two ways.
const LOGGER: &str = "[Service]\nType=oneshot\nExecStart=/usr/bin/logger -t syslog heard\n\
                      ExecStart=/usr/bin/logger --journald=DIRECTORY/entry\n";

#[test]
fn sockets_that_a_predecessor_has_left_are_replaced() {
    let machine = Machine::new(&[("a.service", LOGGER)]);
    fs::write(machine.0.directory.path("entry"), "MESSAGE=entry\n").unwrap();
    fs::create_dir_all(machine.path("systemd/journal")).unwrap();
    for name in ["socket", "stdout", "dev-log"] {
        drop(UnixDatagram::bind(machine.path("systemd/journal").join(name)).unwrap());
    }
    let Some(entries) = entries_of(&machine, "a.service") else { return };
    assert_eq!(fields(&entries, "heard", &["_TRANSPORT"]), "syslog");
    assert_eq!(fields(&entries, "entry", &["_TRANSPORT"]), "journal");
    assert_eq!(fs::read_dir(machine.path("systemd/journal")).unwrap().count(), 0, "its own are removed");
}

#[test]
fn a_journald_that_listens_stays_the_one_that_does() {
    let machine = Machine::new(&[("a.service", LOGGER)]);
    fs::write(machine.0.directory.path("entry"), "MESSAGE=entry\n").unwrap();
    fs::create_dir_all(machine.path("systemd/journal")).unwrap();
    let journald = UnixDatagram::bind(machine.path("systemd/journal/socket")).unwrap();
    let Some(entries) = entries_of(&machine, "a.service") else { return };
    assert!(entries.iter().all(|entry| entry["_TRANSPORT"] != "journal"), "{entries:#?}");
    journald.set_nonblocking(true).unwrap();
    let mut entry = [0; 100];
    // What asks whether somebody listens sends nothing.
    let length = journald.recv(&mut entry).expect("the entry");
    assert!(entry[..length].starts_with(b"MESSAGE=entry\n"));
    assert_eq!(fs::read_dir(machine.path("systemd/journal")).unwrap().count(), 1);
}

#[test]
fn where_the_sockets_cannot_be_opened_that_is_said_once() {
    let machine = Machine::new(&[("a.service", "[Service]\nType=oneshot\nExecStart=/bin/echo heard\n")]);
    fs::create_dir_all(machine.path("systemd")).unwrap();
    fs::write(machine.path("systemd/journal"), "").unwrap();
    let Some(mut activator) = machine.start(&[], "a.service") else { return };
    assert!(activator.wait().success());
    let output = activator.output();
    assert_eq!(output.matches("/run/systemd/journal cannot be opened: ").count(), 1, "{output}");
    assert!(output.contains("]: heard\n"), "{output}");
}

#[test]
fn a_reader_of_standard_error_that_does_not_read_holds_up_no_service() {
    let script = "yes | head -c 4000000; echo last; : >DIRECTORY/done; cat DIRECTORY/go";
    let units = Units::new(&[("a.service", &format!("[Service]\nType=oneshot\nExecStart=/bin/sh -c '{script}'\n"))]);
    let go = units.directory.path("go");
    nix::unistd::mkfifo(&go, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut process = units.command(&["a.service"]).stderr(Stdio::piped()).spawn().unwrap();
    eventually("everything was written", || fs::exists(units.directory.path("done")).unwrap().then_some(()));
    let mut error = process.stderr.take().unwrap();
    let mut shown = vec![0; 1 << 16];
    // It is told as soon as it has read what is older.
    eventually("what it has missed", || {
        let length = error.read(&mut shown).unwrap();
        String::from_utf8_lossy(&shown[..length]).contains(" entries are missing there.").then_some(())
    });
    drop(File::options().write(true).open(go).unwrap());
    let mut rest = String::new();
    error.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("Finished a.service."), "{rest}");
    assert!(process.wait().unwrap().success());
}

#[test]
fn lines_begin_with_their_priority_where_a_journal_reads_them() {
    let units = Units::new(&[(
        "a.service",
        "[Service]\nType=oneshot\nSyslogIdentifier=me\nExecStart=/bin/sh -c 'echo \"<3>bad\"; echo good'\n",
    )]);
    let path = units.directory.path("error");
    let error = File::create(&path).unwrap();
    let metadata = error.metadata().unwrap();
    let stream = format!("{}:{}", metadata.dev(), metadata.ino());
    let mut command = units.command(&["a.service"]);
    assert!(command.env("JOURNAL_STREAM", stream).stderr(error).status().unwrap().success());
    let shown = fs::read_to_string(path).unwrap();
    for (start, end) in [("<3>me[", "]: bad"), ("<6>me[", "]: good"), ("<6>sd-activate[", "]: Finished a.service.")] {
        assert!(shown.lines().any(|line| line.starts_with(start) && line.ends_with(end)), "{shown}");
    }
}

#[test]
fn what_a_daemon_logs_that_has_left_its_parent_and_session_is_its_units() {
    let daemon = "(setsid logger -t daemon <DIRECTORY/go &); exec sleep 1000";
    let machine = Machine::new(&[("a.service", &format!("[Service]\nExecStart=/bin/sh -c '{daemon}'\n"))]);
    let go = machine.0.directory.path("go");
    nix::unistd::mkfifo(&go, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let Some(mut activator) = machine.start(&["--log-format=json"], "a.service") else { return };
    // It is still there when its line is read.
    let mut lines = File::options().write(true).open(go).unwrap();
    lines.write_all(b"from a daemon\n").unwrap();
    activator.says("from a daemon");
    activator.stop();
    let entries = parse(&activator.output());
    assert_eq!(fields(&entries, "from a daemon", &["_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER"]), "a.service daemon");
}

#[test]
fn the_logs_sockets_and_streams_go_on_when_it_is_executed_anew() {
    // A process that has ended before its line is read has no unit any more: the logger of the line that is asked for stays.
    let wait = "until test -e /run/go; do sleep 0.01; done";
    let journal = "printf 'MESSAGE=from the journal\\n' | logger --journald";
    let syslog = "{ echo from syslog; until test -e /run/read; do sleep 0.01; done; } | logger";
    let script = format!("logger from syslog; {journal}; {wait}; {journal}; {syslog}; echo done");
    let machine = Machine::new(&[("a.service", &format!("[Service]\nExecStart=/bin/sh -c \"{script}\"\n"))]);
    let Some(mut activator) = machine.start(&["--log-format=json"], "a.service") else { return };
    let count = |message: &str| parse(&activator.output()).iter().filter(|entry| entry["MESSAGE"] == message).count();
    eventually("what was logged before", || (count("from the journal") == 1).then_some(()));
    let control = machine.path("sd-activate/control");
    let mut sdctl = Command::new(common::SDCTL);
    sdctl.arg("--control").arg(&control);
    assert!(sdctl.arg("daemon-reexec").status().unwrap().success());
    fs::write(machine.path("go"), "").unwrap();
    eventually("what was logged after", || (count("from syslog") == 2).then_some(()));
    fs::write(machine.path("read"), "").unwrap();
    eventually("the end", || (count("done") == 1).then_some(()));
    assert_eq!((count("from syslog"), count("from the journal")), (2, 2));
    let entries = parse(&activator.output());
    let after = entries.iter().rev().filter(|entry| entry["MESSAGE"] == "from syslog").take(1);
    assert!(after.map(|entry| entry["_SYSTEMD_UNIT"].as_str()).eq([Some("a.service")]), "{entries:#?}");
    let status = activator.wait();
    assert!(status.success(), "{status}");
    for left in ["systemd/journal", "sd-activate/control"] {
        assert!(!machine.path(left).exists(), "{left}");
    }
}
