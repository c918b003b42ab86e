//! The static program, in a root directory that has nothing else but /dev/null, a service and its units. `make check-static` names it in
//! SDLITE_STATIC_BOX.

use std::env;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sdlite_test_support::activation::{Activator, connect, free_port};
use sdlite_test_support::{TempDir, copy_program, left_out, run, scratch, text};

/// Says who it is to whoever connects.
const SERVICE: &str = r#"
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
        for (;;) {
                int connection = accept(3, NULL, NULL);
                gid_t groups[10];
                int count = getgroups(10, groups);
                dprintf(connection, "user %d, group %d", getuid(), getgid());
                for (int i = 0; i < count; i++)
                        dprintf(connection, ", %d", groups[i]);
                close(connection);
        }
}
"#;

fn program() -> PathBuf {
    env::var_os("SDLITE_STATIC_BOX").expect("SDLITE_STATIC_BOX: make check-static sets it").into()
}

/// A root directory with the program, its links, a service and the users there.
fn root(program: &Path, port: u16) -> TempDir {
    let root = scratch();
    let path = |name: &str| root.path().join(name);
    for directory in ["dev", "etc", "run", "units"] {
        fs::create_dir(path(directory)).unwrap();
    }
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(path("dev/null"), "").unwrap();
    copy_program(program, &path("sdlite"));
    run(Command::new(path("sdlite")).arg("--install").arg(root.path()));
    fs::write(path("service.c"), SERVICE).unwrap();
    run(Command::new("cc").arg("-static").arg("-o").arg(path("service")).arg(path("service.c")));
    fs::write(path("etc/passwd"), "root:x:0:0::/:\napp:x:1234:1235::/:\n").unwrap();
    fs::write(path("etc/group"), "app:x:1235:\nmore:x:2345:root,app\nother:x:3456:root\n").unwrap();
    fs::write(path("units/app.socket"), format!("[Socket]\nListenStream=127.0.0.1:{port}\n")).unwrap();
    let service = "[Service]\nType=notify\nUser=app\nExecStart=/systemd-notify --exec --ready \\; /service\n";
    fs::write(path("units/app.service"), service).unwrap();
    root
}

#[test]
#[ignore = "make check-static runs it"]
fn it_needs_nothing_and_looks_nothing_up_that_it_cannot_load() {
    let program = program();
    let headers = text(&run(Command::new("readelf").args(["--program-headers", "--dynamic", "--wide"]).arg(&program)));
    assert!(!headers.contains("program interpreter") && !headers.contains("(NEEDED)"), "{headers}");
    let bytes = fs::read(&program).unwrap();
    // What glibc's functions that load libraries would read.
    assert!(!bytes.windows(13).any(|bytes| bytes == b"nsswitch.conf"), "something looks names up by nsswitch");
    println!("{}: {} bytes", program.display(), bytes.len());
    assert!(bytes.len() < 4_000_000, "{} bytes", bytes.len());
}

#[test]
#[ignore = "make check-static runs it"]
fn in_a_root_directory_of_its_own_it_runs_units_and_answers() {
    let program = program();
    if !nix::unistd::geteuid().is_root() {
        left_out("root, to change the root directory");
        return;
    }
    let port = free_port();
    let root = root(&program, port);
    let inside = |name: &str| {
        // As every container has it.
        let with_null = "mount --bind /dev/null \"$0/dev/null\" && exec chroot \"$0\" \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", with_null]).arg(root.path()).arg(name);
        command.env("SD_ACTIVATE_CONTROL", "/run/control");
        command
    };
    let mut manager = inside("/sd-activate");
    manager.args(["--unit-path=/units", "--no-journal", "app.socket"]);
    let mut manager = Activator::run(root.path(), manager).listening(1);
    let ask = |arguments: &[&str]| text(&inside("/sdctl").args(arguments).output().unwrap());
    assert_eq!(ask(&["is-active", "app.service"]), "inactive\n");

    let mut answer = String::new();
    connect(port).read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "user 1234, group 1235, 1235, 2345", "{}", manager.output());
    assert_eq!(ask(&["is-active", "app.service"]), "active\n");
    let status = text(&inside("/systemctl").args(["status", "app.service"]).output().unwrap());
    assert!(status.contains("Active: active (running)"), "{status}");

    // It executes itself anew, by the name that it was called by.
    assert_eq!(ask(&["daemon-reexec"]), "");
    assert_eq!(ask(&["is-active", "app.service"]), "active\n");
    assert!(manager.stop().success(), "{}", manager.output());
}

#[test]
#[ignore = "make check-static runs it"]
fn by_its_own_name_it_executes_itself_anew_as_well() {
    let program = program();
    let directory = scratch();
    let control = directory.path().join("control");
    fs::write(
        directory.path().join("a.socket"),
        format!("[Socket]\nListenStream={}/socket\n", directory.path().display()),
    )
    .unwrap();
    fs::write(directory.path().join("a.service"), "[Service]\nExecStart=sleep 1000\n").unwrap();
    let mut manager = Command::new(&program);
    manager
        .args(["sd-activate", "--no-journal", "--control"])
        .arg(&control)
        .arg("--unit-path")
        .arg(directory.path())
        .arg("a.socket");
    let mut manager = Activator::run(directory.path(), manager).listening(1);
    let output = Command::new(&program).args(["sdctl", "daemon-reexec", "--control"]).arg(&control).output().unwrap();
    assert!(output.status.success() && text(&output).is_empty(), "{}{}", text(&output), manager.output());
    assert!(manager.stop().success(), "{}", manager.output());
}
