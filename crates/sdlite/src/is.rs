use std::ffi::{CString, c_int};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;

use sdlite_core::is;

use crate::Result;
use crate::error::{answer, c_path};

/// An address family: `AF_INET` and the others of socket(2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressFamily(c_int);

impl AddressFamily {
    /// IPv4
    pub const INET: Self = Self(libc::AF_INET);
    /// IPv6
    pub const INET6: Self = Self(libc::AF_INET6);
    /// Local sockets
    pub const UNIX: Self = Self(libc::AF_UNIX);
    /// Messages from the kernel
    pub const NETLINK: Self = Self(libc::AF_NETLINK);
    /// Virtual machines and their host
    pub const VSOCK: Self = Self(libc::AF_VSOCK);

    /// Another number of `<sys/socket.h>`.
    pub const fn from_raw(family: c_int) -> Self {
        Self(family)
    }
}

/// A type of sockets: `SOCK_STREAM` and the others of socket(2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SocketType(c_int);

impl SocketType {
    /// A stream of bytes, as TCP has it
    pub const STREAM: Self = Self(libc::SOCK_STREAM);
    /// Messages, as UDP has them
    pub const DGRAM: Self = Self(libc::SOCK_DGRAM);
    /// Messages in a connection
    pub const SEQPACKET: Self = Self(libc::SOCK_SEQPACKET);
    /// Packets of the layer below
    pub const RAW: Self = Self(libc::SOCK_RAW);

    /// Another number of `<sys/socket.h>`.
    pub const fn from_raw(kind: c_int) -> Self {
        Self(kind)
    }
}

/// What a local socket is bound to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnixName<'a> {
    /// Nothing.
    Unnamed,
    /// A path.
    Path(&'a Path),
    /// A name in the abstract namespace, without the zero byte in front.
    Abstract(&'a [u8]),
}

/// Whether this is a FIFO: sd_is_fifo(3). If `path` is given, it must be the FIFO at that path.
///
/// # Errors
///
/// The error of stat(2). If nothing is at the path, the answer is no.
pub fn is_fifo(fd: BorrowedFd<'_>, path: Option<&Path>) -> Result<bool> {
    answer(is::is_fifo(fd.as_raw_fd(), optional(path)?.as_deref()))
}

/// Whether this is a regular file or a character device: sd_is_special(3). If `path` is given, it must be the one at that
/// path.
///
/// # Errors
///
/// The error of stat(2). If nothing is at the path, the answer is no.
pub fn is_special(fd: BorrowedFd<'_>, path: Option<&Path>) -> Result<bool> {
    answer(is::is_special(fd.as_raw_fd(), optional(path)?.as_deref()))
}

/// Whether this is a socket of this family and this type, and whether it listens or does not, as asked: sd_is_socket(3).
/// None matches all.
///
/// # Errors
///
/// `EINVAL`: the family or the type is negative.
pub fn is_socket(
    fd: BorrowedFd<'_>,
    family: Option<AddressFamily>,
    kind: Option<SocketType>,
    listening: Option<bool>,
) -> Result<bool> {
    answer(is::is_socket(fd.as_raw_fd(), any_family(family), any_kind(kind), any_state(listening)))
}

/// Whether this is an IPv4 or IPv6 socket that is bound to this port: sd_is_socket_inet(3). None and port 0 match all.
///
/// # Errors
///
/// `EINVAL`: the family is another one, or the type is negative.
pub fn is_socket_inet(
    fd: BorrowedFd<'_>,
    family: Option<AddressFamily>,
    kind: Option<SocketType>,
    listening: Option<bool>,
    port: u16,
) -> Result<bool> {
    answer(is::is_socket_inet(fd.as_raw_fd(), any_family(family), any_kind(kind), any_state(listening), port))
}

/// Whether this is a socket that is bound to this address: sd_is_socket_sockaddr(3). None matches all, and so does a port,
/// a flow label or a scope of 0.
///
/// # Errors
///
/// `EINVAL`: the type is negative.
pub fn is_socket_sockaddr(
    fd: BorrowedFd<'_>,
    kind: Option<SocketType>,
    address: SocketAddr,
    listening: Option<bool>,
) -> Result<bool> {
    let port = address.port().to_be_bytes();
    // sockaddr_in and sockaddr_in6 of netinet/in.h.
    let address = match address {
        SocketAddr::V4(address) => [&family(libc::AF_INET)[..], &port, &address.ip().octets(), &[0; 8]].concat(),
        SocketAddr::V6(address) => [
            &family(libc::AF_INET6)[..],
            &port,
            &address.flowinfo().to_ne_bytes(),
            &address.ip().octets(),
            &address.scope_id().to_ne_bytes(),
        ]
        .concat(),
    };
    answer(is::is_socket_sockaddr(fd.as_raw_fd(), any_kind(kind), Some(&address), any_state(listening)))
}

/// Whether this is a local socket that is bound to this name: sd_is_socket_unix(3). None matches all.
///
/// # Errors
///
/// `EINVAL`: the type is negative, or the path has a zero byte in it.
pub fn is_socket_unix(
    fd: BorrowedFd<'_>,
    kind: Option<SocketType>,
    listening: Option<bool>,
    name: Option<UnixName<'_>>,
) -> Result<bool> {
    let (fd, kind, listening) = (fd.as_raw_fd(), any_kind(kind), any_state(listening));
    let is_named = |name| answer(is::is_socket_unix(fd, kind, listening, name));
    match name {
        None => is_named(None),
        Some(UnixName::Unnamed) => is_named(Some(is::UnixName::Unnamed)),
        Some(UnixName::Path(path)) => is_named(Some(is::UnixName::Path(c_path(path)?.as_bytes_with_nul()))),
        Some(UnixName::Abstract(name)) => is_named(Some(is::UnixName::Abstract(&[b"\0", name].concat()))),
    }
}

/// Whether this is a POSIX message queue: sd_is_mq(3). If `name` is given, it must be the queue of that name.
///
/// # Errors
///
/// * `EINVAL`: the name does not begin with a slash.
/// * The error of stat(2) for the queue of that name below /dev/mqueue.
pub fn is_mq(fd: BorrowedFd<'_>, name: Option<&Path>) -> Result<bool> {
    answer(is::is_mq(fd.as_raw_fd(), optional(name)?.as_deref()))
}

fn optional(path: Option<&Path>) -> Result<Option<CString>> {
    path.map(c_path).transpose()
}

fn any_family(family: Option<AddressFamily>) -> c_int {
    family.map_or(0, |family| family.0)
}

fn any_kind(kind: Option<SocketType>) -> c_int {
    kind.map_or(0, |kind| kind.0)
}

fn any_state(listening: Option<bool>) -> c_int {
    listening.map_or(-1, c_int::from)
}

fn family(family: c_int) -> [u8; size_of::<libc::sa_family_t>()] {
    (family as libc::sa_family_t).to_ne_bytes()
}
