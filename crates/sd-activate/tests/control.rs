//! `sdctl`, and the socket through which it asks.

mod common;

#[path = "control/install.rs"]
mod install;
#[path = "control/logs.rs"]
mod logs;
#[path = "control/protocol.rs"]
mod protocol;
#[path = "control/time.rs"]
mod time;
#[path = "control/verbs.rs"]
mod verbs;

use std::process::{Command, Stdio};

use common::units::Units;

const SDCTL: &str = env!("CARGO_BIN_EXE_sdctl");

const SOCKET: &str = "[Unit]\nDescription=A Socket\n[Socket]\nListenStream=127.0.0.1:PORT\n";
const SERVICE: &str = "[Unit]\nDescription=A Service\nRequires=a.socket\n[Service]\nExecStart=SERVICE serve\n";

/// `a.socket`, and the service that it starts.
fn socket_and_service() -> Units {
    Units::new(&[("a.socket", SOCKET), ("a.service", SERVICE)])
}

/// A command that asks the manager of these units.
fn command(units: &Units, arguments: &[&str]) -> Command {
    let mut command = Command::new(SDCTL);
    command.env("SD_ACTIVATE_CONTROL", units.directory.path("control")).env_remove("SYSTEMD_COLORS").args(arguments);
    command.stdin(Stdio::null());
    command
}

/// The exit status, and what is printed to either side.
fn sdctl(units: &Units, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command(units, arguments).output().expect("sdctl");
    let [out, error] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    (output.status.code(), out, error)
}
