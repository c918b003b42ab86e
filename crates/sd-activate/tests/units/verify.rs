//! What `sd-activate --verify` prints, and its exit status.

use std::fs;
use std::path::Path;
use std::process::Command;

const SOCKET: &str = "[Unit]
Documentation=man:x(8)
[Socket]
ListenStream=/run/x
SocketMode=rw
Colour=blue
";

const SERVICE: &str = "[Unit]
After=network.target data.mount
Requires=missing.service
[Service]
ExecStart=/bin/true
RestrictFileSystems=ext4
PrivatePIDs=no
";

fn verify(directory: &Path, arguments: &[&str]) -> (i32, String) {
    verify_by(Command::new(env!("CARGO_BIN_EXE_sd-activate")), directory, arguments)
}

fn verify_by(mut command: Command, directory: &Path, arguments: &[&str]) -> (i32, String) {
    let output =
        command.arg("--verify").arg(format!("--unit-path={}", directory.display())).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap().replace(&format!("{}/", directory.display()), "");
    (output.status.code().unwrap(), text)
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let scratch = sdlite_test_support::scratch();
    let directory = scratch.path();
    fs::write(directory.join("x.socket"), SOCKET).unwrap();
    fs::write(directory.join("x.service"), SERVICE).unwrap();
    fs::create_dir(directory.join("x.service.d")).unwrap();
    fs::write(directory.join("x.service.d/a.conf"), "[Service]\nUser=a:b\n").unwrap();

    let (status, text) = verify(directory, &["x.socket"]);
    assert_eq!(text, "\
x.service:2: no effect: After=: data.mount: there are no .mount units here
x.service:6: refused: RestrictFileSystems=: not honoured here; --ignore=RestrictFileSystems or --ignore=confinement starts the service without it
x.service.d/a.conf:2: warning: x.service: User=: \"a:b\" is neither the name of a user or group nor a number; the rest of this drop-in is ignored
x.socket:2: no effect: Documentation=: it describes the unit
x.socket:5: warning: SocketMode=: \"rw\" is no access mode: give one in octal, such as 0660
x.socket:6: warning: Colour= is no setting of [Socket]; it is ignored
");
    assert_eq!(status, 1);

    let (status, text) = verify(directory, &["--ignore=confinement", "x.service"]);
    assert!(
        text.contains("x.service:6: no effect: RestrictFileSystems=: ignored, as --ignore=confinement says\n"),
        "{text}"
    );
    assert!(text.contains("x.service:3: error: Requires=: there is no missing.service on the unit path\n"), "{text}");
    assert_eq!(status, 1);

    fs::write(directory.join("missing.service"), "[Service]\nExecStart=/bin/true\n").unwrap();
    let (status, text) = verify(directory, &["--ignore=RestrictFileSystems", "x.socket"]);
    assert_eq!(status, 0, "{text}");
    assert_eq!(verify(directory, &["missing.service"]), (0, String::new()));

    fs::remove_file(directory.join("x.service")).unwrap();
    let (status, text) = verify(directory, &["x.socket"]);
    assert!(
        text.contains("x.socket: error: there is no x.service on the unit path, which the socket is for\n"),
        "{text}"
    );
    assert_eq!(status, 1);
    assert_eq!(
        verify(directory, &["y.socket"]),
        (1, "y.socket: error: there is no such unit on the unit path\n".to_owned())
    );
}

#[test]
fn what_this_process_may_not_do_is_refused_and_nothing_else() {
    let scratch = sdlite_test_support::scratch();
    let unit = "[Service]\nExecStart=/bin/true\nNoNewPrivileges=yes\nPrivateTmp=no\nPrivateTmp=yes\nProtectSystem=\nDynamicUser=yes\n";
    fs::write(scratch.path().join("x.service"), unit).unwrap();
    // Root, without the capability that this takes; nobody else has it.
    let mut without = Command::new("setpriv");
    without.arg("--inh-caps=-sys_admin");
    if nix::unistd::Uid::current().is_root() {
        without.arg("--bounding-set=-sys_admin");
    }
    without.arg(env!("CARGO_BIN_EXE_sd-activate"));
    let (status, text) = verify_by(without, scratch.path(), &["x.service"]);
    assert_eq!(status, 1, "{text}");
    let refused: Vec<&str> = text.lines().filter(|line| line.contains("refused")).collect();
    let takes = "it takes the capability CAP_SYS_ADMIN, which is not had here";
    assert_eq!(
        refused,
        [
            format!(
                "x.service:5: refused: PrivateTmp=: {takes}; --ignore=PrivateTmp or --ignore=confinement starts the service without it"
            ),
            format!("x.service:7: refused: DynamicUser=: {takes}; --ignore=DynamicUser starts the service without it"),
        ]
    );
}
