//! Names of services for one connection each, as systemd gives them.

use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{SockaddrStorage, getpeername, getsockname, getsockopt, sockopt};

use crate::spec::UnitName;
use crate::spec::name::escape;

/// Who has connected.
pub struct Peer {
    /// `$REMOTE_ADDR`.
    pub address: String,
    /// `$REMOTE_PORT`.
    pub port: String,
    /// What stands in the instance's name behind its number.
    shown: String,
}

impl Peer {
    /// The other side of a connection.
    pub fn of(connection: &impl AsFd) -> Self {
        let descriptor = connection.as_fd().as_raw_fd();
        let remote = getpeername::<SockaddrStorage>(descriptor).ok();
        let local = getsockname::<SockaddrStorage>(descriptor).ok();
        match (local.and_then(inet), remote.and_then(inet)) {
            (Some((own, own_port)), Some((address, port))) => {
                let shown = format!("{own}:{own_port}-{address}:{port}");
                Self { address, port: port.to_string(), shown }
            }
            _ => {
                let credentials = getsockopt(&connection.as_fd(), sockopt::PeerCredentials).ok();
                let shown = credentials.map(|peer| format!("{}-{}", peer.pid(), peer.uid())).unwrap_or_default();
                Self { address: String::new(), port: String::new(), shown }
            }
        }
    }

    /// The name of the service for it, the how-manieth it is.
    pub fn instance(&self, template: &UnitName, number: u64) -> String {
        let plain = format!("{number}-{}", self.shown);
        let name = template.instantiate(&plain).or_else(|| template.instantiate(&escape(plain.as_bytes())));
        name.map_or_else(|| template.to_string(), |name| name.to_string())
    }
}

/// An address and a port. An IPv4 address that is reached by an IPv6 socket is one.
fn inet(address: SockaddrStorage) -> Option<(String, u16)> {
    if let Some(inet) = address.as_sockaddr_in() {
        return Some((inet.ip().to_string(), inet.port()));
    }
    let inet6 = address.as_sockaddr_in6()?;
    let address = inet6.ip().to_ipv4_mapped().map_or_else(|| inet6.ip().to_string(), |inet| inet.to_string());
    Some((address, inet6.port()))
}
