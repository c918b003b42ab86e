//! Sockets of every kind, and arguments that ask for what they are, mostly.

use std::ffi::c_int;
use std::io;
use std::os::fd::{OwnedFd, RawFd};

use proptest::prelude::*;

use crate::sys;
use crate::zoo::keep;

/// What a socket is.
pub struct Facts {
    pub family: c_int,
    pub kind: c_int,
    pub listening: bool,
    pub address: Vec<u8>,
}

/// None where it is no socket.
pub fn facts(fd: RawFd) -> Option<Facts> {
    let kind = sys::socket_option(fd, libc::SO_TYPE).ok()?;
    let listening = sys::socket_option(fd, libc::SO_ACCEPTCONN).is_ok_and(|accepts| accepts != 0);
    let address = sys::getsockname(&sys::dup_above(fd, 0).ok()?).ok()?;
    let family = c_int::from(u16::from_ne_bytes(*address.first_chunk()?));
    Some(Facts { family, kind, listening, address })
}

#[derive(Clone, Copy, PartialEq)]
pub enum State {
    Unbound,
    Bound,
    Listening,
    ListeningUnbound,
    Connected,
    Accepted,
}

pub enum Address {
    V4Any,
    V4Loopback,
    V6Any,
    V6Loopback,
    V6Mapped,
    V6LinkLocal,
}

/// An address with port 0, which stands for one of the kernel's choice.
fn inet_address(address: &Address) -> Vec<u8> {
    let v4 = |address: [u8; 4]| [&family(libc::AF_INET)[..], &[0; 2], &address, &[0; 8]].concat();
    let v6 = |address: u128, scope: u32| {
        [&family(libc::AF_INET6)[..], &[0; 6], &address.to_be_bytes(), &scope.to_ne_bytes()].concat()
    };
    match address {
        Address::V4Any => v4([0; 4]),
        Address::V4Loopback => v4([127, 0, 0, 1]),
        Address::V6Any => v6(0, 0),
        Address::V6Loopback => v6(1, 0),
        Address::V6Mapped => v6(0xffff_7f00_0001, 0),
        // The loopback interface is the first everywhere.
        Address::V6LinkLocal => v6((0xfe80 << 112) + 1, 1),
    }
}

fn family(family: c_int) -> [u8; 2] {
    (family as u16).to_ne_bytes()
}

pub fn inet(kind: c_int, address: Address, state: State) -> io::Result<OwnedFd> {
    /// Addresses that no interface has are taken as well.
    const IPV6_FREEBIND: c_int = 78;
    let address = inet_address(&address);
    let family = c_int::from(u16::from_ne_bytes([address[0], address[1]]));
    let socket = sys::socket(family, kind, 0)?;
    if family == libc::AF_INET6 {
        sys::set_option(&socket, libc::IPPROTO_IPV6, IPV6_FREEBIND, 1)?;
    }
    in_state(socket, state, &address, || sys::socket(family, kind, 0))
}

pub fn unix_address(path: &[u8]) -> Vec<u8> {
    [&family(libc::AF_UNIX)[..], path].concat()
}

/// `path` as it stands in `sun_path`; an empty one has the kernel choose an abstract name.
pub fn unix(kind: c_int, path: Option<&[u8]>, state: State) -> io::Result<OwnedFd> {
    let socket = sys::socket(libc::AF_UNIX, kind, 0)?;
    let address = unix_address(path.unwrap_or_default());
    in_state(socket, state, &address, || sys::socket(libc::AF_UNIX, kind, 0))
}

fn in_state(
    socket: OwnedFd,
    state: State,
    address: &[u8],
    client: impl Fn() -> io::Result<OwnedFd>,
) -> io::Result<OwnedFd> {
    if !matches!(state, State::Unbound | State::ListeningUnbound) {
        sys::bind(&socket, address)?;
    }
    let listening = matches!(state, State::Listening | State::ListeningUnbound | State::Connected | State::Accepted);
    // Datagram sockets do not listen, and can be connected all the same.
    if listening && sys::listen(&socket).is_err() && state != State::Connected {
        return Err(io::Error::last_os_error());
    }
    if !matches!(state, State::Connected | State::Accepted) {
        return Ok(socket);
    }
    let client = client()?;
    sys::connect(&client, &sys::getsockname(&socket)?)?;
    let (this, that) = match state {
        State::Accepted => (sys::accept(&socket)?, client),
        _ => (client, socket),
    };
    keep(that)?;
    Ok(this)
}

/// A number that should be what the socket has.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    Right,
    Exactly(c_int),
}

impl Number {
    pub fn or(self, right: Option<c_int>) -> c_int {
        match self {
            Self::Right => right.unwrap_or(1),
            Self::Exactly(number) => number,
        }
    }
}

pub fn families() -> impl Strategy<Value = Number> {
    use libc::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, AF_VSOCK};
    const OTHERS: &[c_int] = &[AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_VSOCK, 3, 4, 65536 + 2, 65535, -1, -2];
    numbers(OTHERS)
}

pub fn types() -> impl Strategy<Value = Number> {
    use libc::{SOCK_CLOEXEC, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM};
    const WITH_FLAG: c_int = SOCK_STREAM | SOCK_CLOEXEC;
    const OTHERS: &[c_int] = &[SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, 4, 6, 7, WITH_FLAG, -1, -2, 65537];
    numbers(OTHERS)
}

/// The right one, 0, which matches any, or one of `others`.
fn numbers(others: &'static [c_int]) -> impl Strategy<Value = Number> {
    (0..30_usize, any::<i32>()).prop_map(move |(i, any)| match i {
        0..15 => Number::Right,
        15..23 => Number::Exactly(0),
        23..28 => Number::Exactly(others[any as usize % others.len()]),
        _ => Number::Exactly(any),
    })
}

/// Whether the socket listens, -1, which matches both, or anything.
pub fn listening() -> impl Strategy<Value = Number> {
    const NUMBERS: &[c_int] = &[c_int::MIN, -2, 0, 1, 2, 256, c_int::MAX];
    (0..24_usize, any::<i32>()).prop_map(|(i, any)| match i {
        0..12 => Number::Right,
        12..18 => Number::Exactly(-1),
        18..22 => Number::Exactly(NUMBERS[any as usize % NUMBERS.len()]),
        _ => Number::Exactly(any),
    })
}
