//! The one program is each program, by a link and by its first argument.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use sdlite_test_support::{copy_program, run, scratch, text};

const BOX: &str = env!("CARGO_BIN_EXE_sdlite");

/// Each name, and what tells the program: the beginning of its help.
const HELP: [(&str, &str); 11] = [
    ("sd-activate", "Listen on sockets and launch child on connection."),
    ("sdctl", "Ask and tell the manager of units that sd-activate is."),
    ("sd-notify", "Notify the service manager about service status updates."),
    ("sd-cat", "Execute process with stdout/stderr connected to the journal."),
    ("sd-proxy", ""),
    ("systemd-socket-activate", "Listen on sockets and launch child on connection."),
    ("systemctl", "Ask and tell the manager of units that sd-activate is."),
    ("journalctl", ""),
    ("systemd-notify", "Notify the service manager about service status updates."),
    ("systemd-cat", "Execute process with stdout/stderr connected to the journal."),
    ("systemd-socket-proxyd", ""),
];

#[test]
fn each_link_is_its_program_and_so_is_the_first_argument() {
    let directory = scratch();
    run(Command::new(BOX).arg("--install").arg(directory.path()));
    let mut helps = Vec::new();
    for (name, expected) in HELP {
        let link = directory.path().join(name);
        let by_link = run(Command::new(&link).arg("--help"));
        assert!(text(&by_link).starts_with(expected), "{name}: {}", text(&by_link));
        let by_argument = run(Command::new(BOX).args([name, "--help"]));
        assert_eq!(text(&by_argument), text(&by_link), "{name}");
        helps.push(text(&by_link));
    }
    // The same program by both of its names, but for the names; systemctl and journalctl are two.
    assert_eq!((&helps[0], &helps[2], &helps[3], &helps[4]), (&helps[5], &helps[8], &helps[9], &helps[10]));
    assert_eq!(helps[1].replace("sdctl", "systemctl"), helps[6].replace("sdctl", "systemctl"));
    assert_ne!(helps[6], helps[7]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), HELP.len());

    let listed = run(&mut Command::new(BOX));
    let names: Vec<_> = HELP.iter().map(|(name, _)| *name).collect();
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().collect::<Vec<_>>(), names);
}

#[test]
fn a_program_has_its_own_arguments_and_exit_status() {
    let status = |arguments: &[&str]| Command::new(BOX).args(arguments).output().unwrap();
    // As the first argument, the name of a program is no path, and options behind it are the program's.
    assert_eq!(status(&["sd-notify", "--ready"]).status.code(), Some(1));
    assert_eq!(text(&status(&["sd-notify", "--ready"])), "No status data could be sent: $NOTIFY_SOCKET was not set\n");
    assert_eq!(status(&["sd-activate", "-l", "127.0.0.1:1", "no-such-command"]).status.code(), Some(127));
    let unknown = status(&["no-such-program", "--install", "/"]);
    assert_eq!(
        (unknown.status.code(), &*text(&unknown)),
        (Some(127), "There is no program no-such-program in sdlite.\n")
    );
    assert_eq!(status(&["--nonsense"]).status.code(), Some(1));
    assert_eq!(status(&["--help"]).status.code(), Some(0));
}

#[test]
fn links_are_made_once_and_nothing_is_overwritten() {
    let directory = scratch();
    let install = || Command::new(BOX).arg("--install").arg(directory.path()).output().unwrap();
    let systemctl = directory.path().join("systemctl");
    fs::write(&systemctl, "somebody's own").unwrap();
    symlink("/elsewhere", directory.path().join("sd-cat")).unwrap();
    for _ in 0..2 {
        let output = install();
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output);
        for name in ["systemctl", "sd-cat"] {
            let line = format!(
                "{} is there already, and something else: it stays as it is.",
                directory.path().join(name).display()
            );
            assert!(said.lines().any(|other| other == line), "{said}");
        }
        assert_eq!(said.lines().count(), 2, "{said}");
    }
    assert_eq!(fs::read_to_string(&systemctl).unwrap(), "somebody's own");
    assert_eq!(fs::read_link(directory.path().join("sd-cat")).unwrap(), Path::new("/elsewhere"));

    fs::remove_file(systemctl).unwrap();
    fs::remove_file(directory.path().join("sd-cat")).unwrap();
    for _ in 0..2 {
        let output = install();
        assert!(output.status.success() && text(&output).is_empty(), "{}", text(&output));
    }
    assert_eq!(fs::read_link(directory.path().join("sdctl")).unwrap(), Path::new(BOX));

    let nowhere = Command::new(BOX).args(["--install", "/nonexistent"]).output().unwrap();
    assert_eq!(text(&nowhere), "Failed to find /nonexistent: No such file or directory (os error 2)\n");
    assert_eq!(nowhere.status.code(), Some(1));
}

#[test]
fn beside_the_program_links_lead_there_wherever_both_are() {
    let directory = scratch();
    let copy = directory.path().join("box");
    copy_program(BOX, &copy);
    run(Command::new(&copy).arg("--install").arg(directory.path()));
    assert_eq!(fs::read_link(directory.path().join("sd-notify")).unwrap(), Path::new("box"));
    let status = Command::new(directory.path().join("systemd-notify")).arg("--version").status().unwrap();
    assert!(status.success());
}
