//! The header of the PROXY protocol, version 2: who has connected to what, for the other side.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{SockaddrStorage, UnixAddr, getpeername, getsockname};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, and a connection on behalf of somebody.
const PROXY: u8 = 0x21;
/// Version 2, and a connection of nobody else. HAProxy refuses one on behalf of somebody unspecified.
const LOCAL: u8 = 0x20;
const UNSPECIFIED: u8 = 0x00;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;
/// How many bytes a unix address has in the header.
const UNIX_PATH: usize = 108;

/// The header for an accepted connection.
pub(super) fn of(connection: &OwnedFd) -> Vec<u8> {
    let source = getpeername::<SockaddrStorage>(connection.as_raw_fd()).ok();
    let destination = getsockname::<SockaddrStorage>(connection.as_raw_fd()).ok();
    between(source.as_ref(), destination.as_ref())
}

/// The header for a connection of these two, of which either may not be known.
pub fn between(source: Option<&SockaddrStorage>, destination: Option<&SockaddrStorage>) -> Vec<u8> {
    let unix = |address: Option<&SockaddrStorage>| address.and_then(|address| Some(unix(address.as_unix_addr()?)));
    match (source.and_then(ip), destination.and_then(ip), unix(source), unix(destination)) {
        (Some(source), Some(destination), ..) => of_ip(source, destination),
        (_, _, Some(source), Some(destination)) => with(PROXY, UNIX_STREAM, &[&source, &destination]),
        _ => with(LOCAL, UNSPECIFIED, &[]),
    }
}

fn of_ip(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
    match (source.ip(), destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            with(PROXY, TCP_OVER_IPV4, &[&source.octets(), &destination.octets(), &ports])
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            with(PROXY, TCP_OVER_IPV6, &[&source.octets(), &destination.octets(), &ports])
        }
        // One socket has both of the same family.
        _ => with(LOCAL, UNSPECIFIED, &[]),
    }
}

fn with(command: u8, family: u8, parts: &[&[u8]]) -> Vec<u8> {
    let addresses = parts.concat();
    // At most 216.
    let length = (addresses.len() as u16).to_be_bytes();
    [&SIGNATURE[..], &[command, family], &length, &addresses].concat()
}

/// An address of IPv4 or IPv6; one of IPv4 that an IPv6 socket gave is IPv4.
fn ip(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(address) = address.as_sockaddr_in() {
        return Some(SocketAddr::V4((*address).into()));
    }
    let address = address.as_sockaddr_in6()?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

/// A path with zeros behind it, an abstract name with one before it; nothing but zeros where it has no name.
fn unix(address: &UnixAddr) -> [u8; UNIX_PATH] {
    let mut bytes = [0; UNIX_PATH];
    let (at, name) = match (address.path(), address.as_abstract()) {
        (Some(path), _) => (0, path.as_os_str().as_encoded_bytes()),
        (_, Some(name)) => (1, name),
        _ => return bytes,
    };
    bytes[at..].iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    bytes
}
