//! Services for one connection each: their names, as systemd gives them, and what they are.

use std::collections::hash_map::Entry;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use nix::sys::socket::{SockaddrStorage, getpeername, getsockname, getsockopt, sockopt};

use serde::{Deserialize, Serialize};

use super::units::Units;
use crate::engine::Instance;
use crate::error::Error;
use crate::spec::name::escape;
use crate::spec::{UnitName, UnitSpec};

/// A template of services for one connection each.
pub(super) struct Template {
    /// That of an instance.
    spec: Arc<UnitSpec>,
    /// Whether it depends on the instance: otherwise, it is that of all.
    differs: bool,
}

impl Units {
    /// The template of a socket's services. An error says why there can be none.
    pub(super) fn template(&mut self, name: &UnitName) -> Result<&Template, Error> {
        let missing = |reason: &str| Error::Unit { unit: name.to_string(), reason: reason.to_owned() };
        match self.templates.entry(name.clone()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let instance = name.instantiate("0").ok_or_else(|| missing("it is no template"))?;
                let loaded = self.loader.load(&instance);
                let spec = loaded
                    .spec
                    .ok_or_else(|| missing("it is the template of a socket's services, and cannot be loaded"))?;
                Ok(entry.insert(Template { spec: Arc::new(spec), differs: loaded.uses_instance }))
            }
        }
    }

    /// The service for the connection that `peer` has made, the how-manieth it is.
    pub(super) fn instance(&mut self, template: &UnitName, number: u64, peer: &Peer) -> Result<Instance, Error> {
        let name = peer.instance(template, number).ok_or_else(|| Error::Unit {
            unit: template.to_string(),
            reason: "the name of an instance for a connection would be too long".to_owned(),
        })?;
        let found = self.template(template)?;
        let spec = if found.differs {
            let spec = self.loader.load(&name).spec.map(Arc::new);
            spec.ok_or_else(|| Error::Unit { unit: name.to_string(), reason: "it cannot be loaded".to_owned() })?
        } else {
            Arc::new(UnitSpec { name, ..UnitSpec::clone(&found.spec) })
        };
        Ok(Instance { spec, peer: peer.described.clone() })
    }
}

/// Who has connected.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Peer {
    /// `$REMOTE_ADDR`.
    pub address: String,
    /// `$REMOTE_PORT`.
    pub port: String,
    /// What stands in the instance's name behind its number.
    shown: String,
    /// As systemd describes it.
    described: String,
    /// As MaxConnectionsPerSource= counts: an address, or a user.
    pub source: String,
}

impl Peer {
    /// The other side of a connection; nothing of it, where that does not matter.
    pub fn of(connection: &impl AsFd, matters: bool) -> Self {
        if !matters {
            return Self::default();
        }
        let descriptor = connection.as_fd().as_raw_fd();
        let remote = getpeername::<SockaddrStorage>(descriptor).ok();
        let local = getsockname::<SockaddrStorage>(descriptor).ok();
        match (local.and_then(inet), remote.and_then(inet)) {
            (Some((own, own_port)), Some((address, port))) => {
                let (own_port, port) = (own_port.to_string(), port.to_string());
                let shown = [&*own, ":", &own_port, "-", &address, ":", &port].concat();
                let [begin, end] = if address.contains(':') { ["[", "]:"] } else { ["", ":"] };
                let described = [begin, &address, end, &port].concat();
                Self { source: address.clone(), address, port, shown, described }
            }
            _ => {
                let credentials = getsockopt(&connection.as_fd(), sockopt::PeerCredentials).ok();
                let shown = credentials.map(|peer| format!("{}-{}", peer.pid(), peer.uid())).unwrap_or_default();
                let described =
                    credentials.map(|peer| format!("PID {}/UID {}", peer.pid(), peer.uid())).unwrap_or_default();
                let source = credentials.map(|peer| format!("UID {}", peer.uid())).unwrap_or_default();
                Self { address: String::new(), port: String::new(), shown, described, source }
            }
        }
    }

    /// The name of the service for it, the how-manieth it is.
    fn instance(&self, template: &UnitName, number: u64) -> Option<UnitName> {
        let plain = [&*number.to_string(), "-", &self.shown].concat();
        template.instantiate(&plain).or_else(|| template.instantiate(&escape(plain.as_bytes())))
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
