//! The header of the PROXY protocol, version 2, which sd-proxy sends: a reader of it has the addresses of the connection.
//!
//! The input: who has connected and what to, each as its family, a byte, and its bytes: an IPv4 or IPv6 address and a port, or a
//! unix socket's length, path or name.
#![no_main]

use std::mem::offset_of;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use libfuzzer_sys::fuzz_target;
use nix::sys::socket::{SockaddrLike, SockaddrStorage};
use sd_tools::proxy::header::between;

const UNIX_PATH: usize = 108;

/// An address, as a header has it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Address {
    Ip(SocketAddr),
    Unix([u8; UNIX_PATH]),
}

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    let given = [given(&mut rest), given(&mut rest)];
    let header = between(given[0].as_ref().map(|(address, _)| address), given[1].as_ref().map(|(address, _)| address));
    let expected = match given.map(|given| given.map(|(_, address)| address)) {
        [Some(Address::Ip(one)), Some(Address::Ip(other))] if one.is_ipv4() != other.is_ipv4() => None,
        [Some(one @ Address::Ip(_)), Some(other @ Address::Ip(_))] => Some((one, other)),
        [Some(one @ Address::Unix(_)), Some(other @ Address::Unix(_))] => Some((one, other)),
        _ => None,
    };
    assert_eq!(read(&header), expected);
});

/// The first so many bytes, and zeros where there are not so many.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (bytes, after) = rest.split_at(N.min(rest.len()));
    *rest = after;
    let mut taken = [0; N];
    taken[..bytes.len()].copy_from_slice(bytes);
    taken
}

/// An address, as the kernel gives it and as a header has it.
fn given(rest: &mut &[u8]) -> Option<(SockaddrStorage, Address)> {
    let [family] = take(rest);
    match family % 4 {
        0 => None,
        1 => {
            let address = SocketAddr::from((take::<4>(rest), u16::from_be_bytes(take(rest))));
            Some((address.into(), Address::Ip(address)))
        }
        2 => {
            let (octets, port) = (take::<16>(rest), u16::from_be_bytes(take(rest)));
            let address = SocketAddrV6::new(Ipv6Addr::from(octets), port, 7, 3);
            // One of IPv4 by an IPv6 socket.
            let seen = match octets {
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => SocketAddr::from(([a, b, c, d], port)),
                // Scope and flow are of this machine alone.
                _ => SocketAddr::from((octets, port)),
            };
            Some((address.into(), Address::Ip(seen)))
        }
        _ => {
            let [length] = take(rest);
            let bytes = take::<UNIX_PATH>(rest);
            let bytes = &bytes[..usize::from(length) % (UNIX_PATH + 1)];
            // A zero byte ends a path, but no abstract name, which begins with one.
            let path = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            let name = if bytes.starts_with(&[0]) { bytes } else { path };
            let mut padded = [0; UNIX_PATH];
            padded[..name.len()].copy_from_slice(name);
            Some((unix(name), Address::Unix(padded)))
        }
    }
}

/// A unix socket's address, as getpeername(2) gives it.
fn unix(name: &[u8]) -> SockaddrStorage {
    let mut address = libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path: [0; UNIX_PATH] };
    address.sun_path.iter_mut().zip(name).for_each(|(to, from)| *to = *from as libc::c_char);
    // Behind a path it counts the zero byte, for which there is no room behind the longest.
    let is_path = !matches!(name, [] | [0, ..]);
    let length = offset_of!(libc::sockaddr_un, sun_path) + (name.len() + usize::from(is_path)).min(UNIX_PATH);
    // SAFETY: it is an address of this family, and so long.
    let storage = unsafe { SockaddrStorage::from_raw((&raw const address).cast(), Some(length as libc::socklen_t)) };
    storage.expect("a unix socket's address")
}

/// A reader of headers, after "2.2. Binary header format (version 2)" of the protocol's description.
fn read(header: &[u8]) -> Option<(Address, Address)> {
    assert_eq!(header[..12], [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
    assert_eq!(header[12] >> 4, 2, "version");
    let addresses = &header[16..];
    assert_eq!(usize::from(header[14]) * 256 + usize::from(header[15]), addresses.len());
    let (family, transport) = (header[13] >> 4, header[13] & 15);
    let is_known = u8::from(family != 0);
    assert_eq!(
        (header[12] & 15, transport),
        (is_known, is_known),
        "on behalf of somebody, and a stream, where it is known"
    );
    let port = |at: usize| u16::from(addresses[at]) << 8 | u16::from(addresses[at + 1]);
    match (family, addresses.len()) {
        (0, 0) => None,
        (1, 12) => {
            let ip = |at: usize| <[u8; 4]>::try_from(&addresses[at..at + 4]).expect("four bytes");
            Some((Address::Ip((ip(0), port(8)).into()), Address::Ip((ip(4), port(10)).into())))
        }
        (2, 36) => {
            let ip = |at: usize| <[u8; 16]>::try_from(&addresses[at..at + 16]).expect("sixteen bytes");
            Some((Address::Ip((ip(0), port(32)).into()), Address::Ip((ip(16), port(34)).into())))
        }
        (3, 216) => {
            let path = |at: usize| addresses[at..at + UNIX_PATH].try_into().expect("108 bytes");
            Some((Address::Unix(path(0)), Address::Unix(path(UNIX_PATH))))
        }
        other => panic!("family and length {other:?}"),
    }
}
