//! The protocol of the control socket: Varlink, messages of JSON that each end in a zero byte.
//!
//! `frame` cuts bytes into messages, `call` reads and writes calls and replies, and `request` says what is asked. What is
//! told of a unit is made in `properties`, of the log in `log`. No system call is made here, but to find the socket's path.

pub mod call;
pub mod frame;
pub mod log;
pub mod properties;
pub mod request;

use std::env;
use std::path::PathBuf;

use crate::glob;

/// The interface's name.
pub const INTERFACE: &str = "org.libsdlite.Manager";
/// What it offers, in Varlink's own language.
pub const DESCRIPTION: &str = include_str!("org.libsdlite.Manager.varlink");
/// The interface that every Varlink service has.
pub const SERVICE: &str = "org.varlink.service";
/// What that offers.
pub const SERVICE_DESCRIPTION: &str = include_str!("org.varlink.service.varlink");

/// The variable that names another path for the control socket.
pub const VARIABLE: &str = "SD_ACTIVATE_CONTROL";

/// Where the control socket is, unless an option says so: `$SD_ACTIVATE_CONTROL`; below /run for root, and for others and the
/// user's units below `$XDG_RUNTIME_DIR`. None where that is not set.
pub fn path(user: bool) -> Option<PathBuf> {
    let given = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = given(VARIABLE) {
        return Some(path);
    }
    let is_root = nix::unistd::geteuid().is_root();
    let directory = if is_root && !user { Some("/run".into()) } else { given("XDG_RUNTIME_DIR") };
    directory.map(|directory| directory.join("sd-activate/control"))
}

/// Whether a name matches a pattern of fnmatch(3).
pub fn matches(pattern: &str, name: &str) -> bool {
    glob::matches(pattern, name, 0)
}
