//! The socket itself: who may ask, how much, and that nobody keeps anybody waiting.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sd_activate::control::INTERFACE;
use sd_activate::control::call::{Call, Failure, Reply};
use serde_json::{Map, Value, json};

use super::common::eventually;
use super::common::units::Units;
use super::{SDCTL, sdctl, socket_and_service};

fn connect(units: &Units) -> UnixStream {
    let stream = UnixStream::connect(units.directory.path("control")).expect("the control socket");
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn send(stream: &mut UnixStream, method: &str, parameters: Value, more: bool) {
    let Value::Object(parameters) = parameters else { panic!("{parameters}") };
    let call = Call { method: method.to_owned(), parameters, more, oneway: false };
    stream.write_all(&call.message()).unwrap();
}

/// The next message. None where the other side has closed.
fn receive(stream: &mut UnixStream) -> Option<Reply> {
    let mut message = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).ok()? == 1 {
        if byte[0] == 0 {
            return Some(Reply::parse(&message).expect("a reply"));
        }
        message.push(byte[0]);
    }
    None
}

fn call(stream: &mut UnixStream, method: &str, parameters: Value) -> Reply {
    send(stream, method, parameters, false);
    receive(stream).expect("a reply")
}

/// Whether the other side closes the connection.
fn is_closed(mut stream: UnixStream) -> bool {
    receive(&mut stream).is_none()
}

#[test]
fn the_socket_is_its_users_alone_and_goes_with_the_manager() {
    let units = socket_and_service();
    let control = units.directory.path("control");
    // Left behind by one that was killed.
    drop(UnixListener::bind(&control).unwrap());
    let mut activator = units.start(&["a.socket"], 1);
    assert_eq!(fs::metadata(&control).unwrap().permissions().mode() & 0o777, 0o600);

    let mut other = units.command(&["a.socket"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    other.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!other.wait().unwrap().success(), "the port is taken");
    let line = format!("is that of another manager, process {}: sdctl asks that one.", activator.pid());
    assert!(said.contains(&line), "{said}");

    assert!(activator.stop().success());
    assert!(!control.exists());
    let (status, _, said) = sdctl(&units, &["status", "a"]);
    assert_eq!(status, Some(1));
    assert!(said.starts_with("No sd-activate can be asked: nobody listens at /"), "{said}");
}

#[test]
fn only_its_user_and_root_may_ask() {
    if !nix::unistd::geteuid().is_root() {
        return sdlite_test_support::left_out("root");
    }
    let units = socket_and_service();
    let _activator = units.start(&["a.socket"], 1);
    let control = units.directory.path("control");
    // Whatever the modes say.
    fs::set_permissions(units.directory.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&control, fs::Permissions::from_mode(0o666)).unwrap();
    let ask = |user: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(user).arg(SDCTL).arg("--control").arg(&control).args(["is-active", "a.socket"]);
        command.output().expect("setpriv (Debian: util-linux)")
    };
    assert_eq!(ask(&[]).stdout, b"active\n");
    // Where the program itself cannot be reached by others, that is no answer.
    let copy = Path::new("/tmp").join(format!("sdctl-{}", std::process::id()));
    // By a process of its own: nobody else has the copy open for writing then, so that it can be executed.
    assert!(Command::new("install").args([Path::new(SDCTL), &copy]).status().unwrap().success());
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--clear-groups"])
        .arg(&copy)
        .arg("--control")
        .arg(&control)
        .args(["is-active", "a.socket"])
        .output()
        .unwrap();
    fs::remove_file(&copy).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.stdout, b"", "{said}");
    assert!(said.contains("has closed the connection") || said.contains("another user's"), "{said}");
}

#[test]
fn it_introduces_itself_as_every_varlink_service_does() {
    let units = socket_and_service();
    let _activator = units.start(&["a.socket"], 1);
    let mut stream = connect(&units);
    let Reply::Returns(told) = call(&mut stream, "org.varlink.service.GetInfo", json!({})) else { panic!() };
    assert_eq!(
        (&told["product"], &told["interfaces"]),
        (&json!("sd-activate"), &json!(["org.varlink.service", INTERFACE]))
    );
    for interface in ["org.varlink.service", INTERFACE] {
        let parameters = json!({ "interface": interface });
        let reply = call(&mut stream, "org.varlink.service.GetInterfaceDescription", parameters);
        let Reply::Returns(told) = reply else { panic!("{reply:?}") };
        assert!(told["description"].as_str().unwrap().contains(&format!("\ninterface {interface}\n")), "{told}");
    }
    let failed = |error: &str, parameters: Value| {
        let Value::Object(parameters) = parameters else { panic!() };
        Reply::Fails(Failure { error: error.to_owned(), parameters })
    };
    let missing = failed("org.varlink.service.MethodNotFound", json!({ "method": "org.varlink.service.X" }));
    assert_eq!(call(&mut stream, "org.varlink.service.X", json!({})), missing);
    let invalid = failed("org.varlink.service.InvalidParameter", json!({ "parameter": "name" }));
    assert_eq!(call(&mut stream, &format!("{INTERFACE}.GetUnit"), json!({ "name": 1 })), invalid);
    let more = failed("org.varlink.service.ExpectedMore", Value::Object(Map::new()));
    assert_eq!(call(&mut stream, &format!("{INTERFACE}.ReadLog"), json!({})), more);
}

#[test]
fn calls_that_come_at_once_are_answered_in_their_order_and_those_without_a_reply_not() {
    let units = socket_and_service();
    let activator = units.start(&["a.socket"], 1);
    let mut stream = connect(&units);
    let mut bytes = Vec::new();
    for number in 0..50 {
        let name = format!("{}.service", number);
        let parameters = Map::from_iter([("name".to_owned(), name.into())]);
        let mut call =
            Call { method: format!("{INTERFACE}.GetUnit"), parameters, more: false, oneway: number % 2 == 1 };
        bytes.extend(call.message());
        call.method = format!("{INTERFACE}.Describe");
        bytes.extend(call.message());
    }
    stream.write_all(&bytes).unwrap();
    for number in (0..50).step_by(2) {
        let reply = receive(&mut stream).unwrap();
        assert!(format!("{reply:?}").contains(&format!("{number}.service")), "{reply:?}");
        let Some(Reply::Returns(told)) = receive(&mut stream) else { panic!() };
        assert_eq!(told["pid"], activator.pid());
    }
}

#[test]
fn what_is_no_call_ends_the_connection() {
    let units = socket_and_service();
    let _activator = units.start(&["a.socket"], 1);
    for message in [&b"x\0"[..], b"[]\0", b"\0", b"{\"method\":1}\0", &[b'x'; 70_000]] {
        let mut stream = connect(&units);
        // It may be closed before all of it is there.
        let _ = stream.write_all(message);
        assert!(is_closed(stream), "{:?}", String::from_utf8_lossy(&message[..10.min(message.len())]));
    }
    assert_eq!(sdctl(&units, &["is-active", "a.socket"]).0, Some(0));
}

#[test]
fn a_client_that_does_not_read_and_many_that_do_nothing_keep_nobody_waiting() {
    let units = Units::new(&[
        ("a.socket", super::SOCKET),
        ("a.service", super::SERVICE),
        (
            "loud.service",
            "[Service]\nExecStart=sh -c 'while :; do echo 0123456789012345678901234567890123456789; done'\n",
        ),
    ]);
    let activator = units.start(&["a.socket", "loud.service"], 1);
    let mut deaf = connect(&units);
    send(&mut deaf, &format!("{INTERFACE}.ReadLog"), json!({ "follow": true }), true);
    let mut insatiable = connect(&units);
    for _ in 0..2000 {
        insatiable.set_nonblocking(true).unwrap();
        let call =
            Call { method: format!("{INTERFACE}.ListUnits"), parameters: Map::new(), more: false, oneway: false };
        if insatiable.write_all(&call.message()).is_err() {
            break;
        }
    }
    let mut halves: Vec<UnixStream> = (0..30).map(|_| connect(&units)).collect();
    halves.iter_mut().for_each(|stream| stream.write_all(b"{\"method\":").unwrap());
    for _ in 0..5 {
        assert_eq!(sdctl(&units, &["is-active", "a.socket"]).1, "active\n");
        assert!(super::common::pid(units.port) > 0, "the socket still starts its service");
    }

    // One too many is sent away, until others have gone.
    let more: Vec<UnixStream> = (0..40).map(|_| connect(&units)).collect();
    assert!(is_closed(connect(&units)));
    let (status, _, said) = sdctl(&units, &["is-active", "a.socket"]);
    assert_eq!((status, said.contains("too many ask")), (Some(1), true), "{said}");
    drop((more, halves));
    eventually("there is room again", || (sdctl(&units, &["is-active", "a.socket"]).0 == Some(0)).then_some(()));

    // What was dropped meanwhile is said to who reads at last.
    let mut dropped = false;
    for _ in 0..200_000 {
        let Some(Reply::Continues(told)) = receive(&mut deaf) else { panic!("no more of the log") };
        if told["dropped"].as_u64().is_some_and(|count| count > 0) {
            dropped = true;
            break;
        }
    }
    assert!(dropped);
    drop(activator);
}
