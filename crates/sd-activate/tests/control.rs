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

use common::SDCTL;
use common::units::Units;

const SOCKET: &str = "[Unit]\nDescription=A Socket\n[Socket]\nListenStream=127.0.0.1:PORT\n";
const SERVICE: &str = "[Unit]\nDescription=A Service\nRequires=a.socket\n[Service]\nExecStart=SERVICE serve\n";

/// `a.socket`, and the service that it starts.
fn socket_and_service() -> Units {
    Units::new(&[("a.socket", SOCKET), ("a.service", SERVICE)])
}

/// The exit status, and what is printed to either side.
fn sdctl(units: &Units, arguments: &[&str]) -> (Option<i32>, String, String) {
    units.ask(arguments)
}
