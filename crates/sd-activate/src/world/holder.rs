//! Who has an address that is in use.

use std::fs;

use super::children::{holds, processes};
use crate::address::Address;

/// A process that has an address, and its name. None where it cannot be told: other users' processes do not show theirs.
pub fn holder(address: &Address) -> Option<(libc::pid_t, String)> {
    let sockets = match address {
        Address::Port(port) => inet_sockets(*port),
        Address::Inet(inet) => inet_sockets(inet.port()),
        Address::Inet6(inet6) => inet_sockets(inet6.port()),
        Address::Path(path) => unix_sockets(&String::from_utf8_lossy(path)),
        Address::Abstract(name) => unix_sockets(&format!("@{}", String::from_utf8_lossy(name))),
        Address::Vsock { .. } => Vec::new(),
    };
    if sockets.is_empty() {
        return None;
    }
    let pid = processes().find(|pid| holds(*pid, &sockets))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some((pid, name.trim_end().to_owned()))
}

/// The sockets that are bound to a port and connected to none, of whatever address: as /proc/PID/fd names them.
fn inet_sockets(port: u16) -> Vec<String> {
    let local = format!(":{port:04X}");
    let bound = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (own, peer, inode) = (*fields.get(1)?, *fields.get(2)?, *fields.get(9)?);
        (own.ends_with(&local) && peer.ends_with(":0000")).then(|| format!("socket:[{inode}]"))
    };
    let tables = ["tcp", "tcp6", "udp", "udp6"].map(|table| fs::read_to_string(format!("/proc/net/{table}")));
    tables.iter().flatten().flat_map(|table| table.lines().filter_map(bound)).collect()
}

fn unix_sockets(name: &str) -> Vec<String> {
    let bound = |line: &str| {
        let inode = line.split_whitespace().nth(6)?;
        line.ends_with(&format!(" {name}")).then(|| format!("socket:[{inode}]"))
    };
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    table.lines().filter_map(bound).collect()
}
