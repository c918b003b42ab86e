//! Sockets of AF_INET, AF_INET6, AF_UNIX and AF_VSOCK: made, bound and listened on.

use std::ffi::{OsStr, c_int};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{
    self, AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, UnixAddr, VsockAddr,
};

use super::file::{Owner, SocketFile, with_modes};
use super::options;
use crate::address::Address;
use crate::error::errno;
use crate::spec::{BindIpv6Only, Protocol, SocketSpec};

type Bound = (OwnedFd, Option<SocketFile>);

/// A socket at this address, that of a path with its file.
pub(super) fn bind(address: &Address, socket_type: SockType, spec: &SocketSpec, owner: &Owner) -> Result<Bound, Errno> {
    let bound = match address {
        Address::Port(port) => {
            let every = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, *port, 0, 0);
            match bind_to(AddressFamily::Inet6, socket_type, &SockaddrIn6::from(every), spec) {
                // A kernel without IPv6.
                Err(Errno::EAFNOSUPPORT) if spec.bind_ipv6_only != BindIpv6Only::Ipv6Only => {
                    let every = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, *port);
                    bind_to(AddressFamily::Inet, socket_type, &SockaddrIn::from(every), spec)
                }
                bound => bound,
            }
        }
        Address::Inet(inet) => bind_to(AddressFamily::Inet, socket_type, &SockaddrIn::from(*inet), spec),
        Address::Inet6(inet6) => bind_to(AddressFamily::Inet6, socket_type, &SockaddrIn6::from(*inet6), spec),
        Address::Path(path) => return bind_path(Path::new(OsStr::from_bytes(path)), socket_type, spec, owner),
        Address::Abstract(name) => bind_to(AddressFamily::Unix, socket_type, &UnixAddr::new_abstract(name)?, spec),
        Address::Vsock { cid, port, socket_type: own } => {
            bind_to(AddressFamily::Vsock, own.unwrap_or(socket_type), &VsockAddr::new(*cid, *port), spec)
        }
    };
    Ok((bound?, None))
}

fn bind_to(
    family: AddressFamily,
    socket_type: SockType,
    address: &dyn SockaddrLike,
    spec: &SocketSpec,
) -> Result<OwnedFd, Errno> {
    let socket = open(family, socket_type, spec)?;
    options::set_before_bind(&socket, family, spec)?;
    socket::bind(socket.as_raw_fd(), address)?;
    start(socket, socket_type, spec)
}

fn open(family: AddressFamily, socket_type: SockType, spec: &SocketSpec) -> Result<OwnedFd, Errno> {
    const IPPROTO_MPTCP: c_int = 262;
    let is_internet = matches!(family, AddressFamily::Inet | AddressFamily::Inet6);
    let protocol = match spec.protocol.filter(|_| is_internet) {
        None => 0,
        Some(Protocol::UdpLite) => libc::IPPROTO_UDPLITE,
        Some(Protocol::Sctp) => libc::IPPROTO_SCTP,
        Some(Protocol::Mptcp) => IPPROTO_MPTCP,
    };
    // SAFETY: takes numbers. nix does not have all of these protocols.
    let socket = unsafe { libc::socket(family as c_int, socket_type as c_int | libc::SOCK_CLOEXEC, protocol) };
    // SAFETY: socket has just opened it.
    Errno::result(socket).map(|socket| unsafe { OwnedFd::from_raw_fd(socket) })
}

fn start(socket: OwnedFd, socket_type: SockType, spec: &SocketSpec) -> Result<OwnedFd, Errno> {
    if socket_type != SockType::Datagram {
        let backlog = c_int::try_from(spec.backlog).unwrap_or(c_int::MAX);
        // SAFETY: takes numbers. nix's Backlog has a limit of its own.
        Errno::result(unsafe { libc::listen(socket.as_raw_fd(), backlog) })?;
    }
    Ok(socket)
}

/// With DirectoryMode=, SocketMode= and Symlinks=, whatever umask this process has.
fn bind_path(path: &Path, socket_type: SockType, spec: &SocketSpec, owner: &Owner) -> Result<Bound, Errno> {
    let address = UnixAddr::new(path)?;
    let socket = open(AddressFamily::Unix, socket_type, spec)?;
    options::set_before_bind(&socket, AddressFamily::Unix, spec)?;
    with_modes(path, spec, || match socket::bind(socket.as_raw_fd(), &address) {
        Err(Errno::EADDRINUSE) => {
            remove_stale(path, &address)?;
            socket::bind(socket.as_raw_fd(), &address)
        }
        bound => bound,
    })?;
    let file = SocketFile::adopt(path, spec, owner)?;
    Ok((start(socket, socket_type, spec)?, Some(file)))
}

/// Removes a socket file that no socket is bound to any more.
fn remove_stale(path: &Path, address: &UnixAddr) -> Result<(), Errno> {
    use std::os::unix::fs::FileTypeExt;

    if !std::fs::symlink_metadata(path).map_err(errno)?.file_type().is_socket() {
        return Err(Errno::EEXIST);
    }
    // A datagram socket, for it never makes a connection: against a living stream socket it gets EPROTOTYPE.
    let probe = socket::socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    match socket::connect(probe.as_raw_fd(), address) {
        Err(Errno::ECONNREFUSED) => std::fs::remove_file(path).map_err(errno),
        _ => Err(Errno::EADDRINUSE),
    }
}
