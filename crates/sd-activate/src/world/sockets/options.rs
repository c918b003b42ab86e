//! The options of sockets, socket(7), tcp(7) and their siblings: systemd.socket(5) has a setting for each.

use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname};

use crate::spec::{BindIpv6Only, Endpoint, SocketSpec, Timestamping};

/// What has to be set before bind(2): an error keeps the socket from being opened.
pub(super) fn set_before_bind(socket: &OwnedFd, family: AddressFamily, spec: &SocketSpec) -> Result<(), Errno> {
    let socket = socket.as_fd();
    let is_inet6 = family == AddressFamily::Inet6;
    let is_internet = is_inet6 || family == AddressFamily::Inet;
    set_int(socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    if is_inet6 && spec.bind_ipv6_only != BindIpv6Only::Default {
        let only = spec.bind_ipv6_only == BindIpv6Only::Ipv6Only;
        set_int(socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, only.into())?;
    }
    if !is_internet {
        return Ok(());
    }
    if spec.reuse_port {
        set_int(socket, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    if let Some(interface) = &spec.bind_to_device {
        set_bytes(socket, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, interface.as_bytes())?;
    }
    let by_family = |inet, inet6| if is_inet6 { (libc::IPPROTO_IPV6, inet6) } else { (libc::IPPROTO_IP, inet) };
    if spec.free_bind {
        let (level, option) = by_family(libc::IP_FREEBIND, libc::IPV6_FREEBIND);
        set_int(socket, level, option, 1)?;
    }
    if spec.transparent {
        let (level, option) = by_family(libc::IP_TRANSPARENT, libc::IPV6_TRANSPARENT);
        set_int(socket, level, option, 1)?;
    }
    Ok(())
}

/// Sets all other options. Without one that cannot be set the socket does its work all the same: these settings are told, with
/// the error.
pub(super) fn set(descriptor: &OwnedFd, endpoint: &Endpoint, spec: &SocketSpec) -> Vec<(&'static str, Errno)> {
    if !matches!(endpoint, Endpoint::Socket { .. } | Endpoint::Netlink { .. }) {
        return Vec::new();
    }
    let socket = descriptor.as_fd();
    let failed =
        |(setting, level, option, value)| set_int(socket, level, option, value).err().map(|error| (setting, error));
    let mut errors: Vec<_> = int_options(is_inet6(descriptor), spec).into_iter().filter_map(failed).collect();
    for (setting, size, force, option) in [
        ("ReceiveBuffer", spec.receive_buffer, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF),
        ("SendBuffer", spec.send_buffer, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF),
    ] {
        let Some(size) = size else { continue };
        let size = c_int::try_from(size).unwrap_or(c_int::MAX);
        // The kernel's limit is passed over where this process may do that.
        let set =
            set_int(socket, libc::SOL_SOCKET, force, size).or_else(|_| set_int(socket, libc::SOL_SOCKET, option, size));
        errors.extend(set.err().map(|error| (setting, error)));
    }
    if let Some(name) = &spec.tcp_congestion {
        let set = set_bytes(socket, libc::IPPROTO_TCP, libc::TCP_CONGESTION, name.as_bytes());
        errors.extend(set.err().map(|error| ("TCPCongestion", error)));
    }
    errors
}

/// Sets what a connection does not inherit from the socket that it came to. What cannot be set there could not be set here.
pub fn set_on_connection(connection: &OwnedFd, spec: &SocketSpec) {
    if let Some(priority) = spec.priority {
        let _ = set_int(connection.as_fd(), libc::SOL_SOCKET, libc::SO_PRIORITY, priority);
    }
}

/// The options that are numbers, as far as their settings are given: setting, level, option, value.
#[rustfmt::skip]
fn int_options(is_inet6: bool, spec: &SocketSpec) -> Vec<(&'static str, c_int, c_int, c_int)> {
    use libc::{IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET};
    let by_family = |inet, inet6| if is_inet6 { (IPPROTO_IPV6, inet6) } else { (IPPROTO_IP, inet) };
    let (packet_info_level, packet_info) = by_family(libc::IP_PKTINFO, libc::IPV6_RECVPKTINFO);
    let (hops_level, hops) = by_family(libc::IP_TTL, libc::IPV6_UNICAST_HOPS);
    let on = |is_on: bool| is_on.then_some(1);
    let timestamps = |which| on(spec.timestamping == which);
    let probes = spec.keep_alive_probes.map(|probes| c_int::try_from(probes).unwrap_or(c_int::MAX));
    let options = [
        ("KeepAlive",            SOL_SOCKET,        libc::SO_KEEPALIVE,     on(spec.keep_alive)),
        ("KeepAliveTimeSec",     IPPROTO_TCP,       libc::TCP_KEEPIDLE,     spec.keep_alive_time.map(seconds)),
        ("KeepAliveIntervalSec", IPPROTO_TCP,       libc::TCP_KEEPINTVL,    spec.keep_alive_interval.map(seconds)),
        ("KeepAliveProbes",      IPPROTO_TCP,       libc::TCP_KEEPCNT,      probes),
        ("DeferAcceptSec",       IPPROTO_TCP,       libc::TCP_DEFER_ACCEPT, spec.defer_accept.map(seconds)),
        ("NoDelay",              IPPROTO_TCP,       libc::TCP_NODELAY,      on(spec.no_delay)),
        ("Broadcast",            SOL_SOCKET,        libc::SO_BROADCAST,     on(spec.broadcast)),
        ("PassCredentials",      SOL_SOCKET,        libc::SO_PASSCRED,      on(spec.pass_credentials)),
        ("PassSecurity",         SOL_SOCKET,        libc::SO_PASSSEC,       on(spec.pass_security)),
        ("PassPacketInfo",       packet_info_level, packet_info,            on(spec.pass_packet_info)),
        ("Timestamping",         SOL_SOCKET,        libc::SO_TIMESTAMP,     timestamps(Timestamping::Microseconds)),
        ("Timestamping",         SOL_SOCKET,        libc::SO_TIMESTAMPNS,   timestamps(Timestamping::Nanoseconds)),
        ("Priority",             SOL_SOCKET,        libc::SO_PRIORITY,      spec.priority),
        ("Mark",                 SOL_SOCKET,        libc::SO_MARK,          spec.mark),
        ("IPTOS",                IPPROTO_IP,        libc::IP_TOS,           spec.ip_tos),
        ("IPTTL",                hops_level,        hops,                   spec.ip_ttl),
    ];
    options.into_iter().filter_map(|(setting, level, option, value)| Some((setting, level, option, value?))).collect()
}

/// What is less than a second counts as one, as systemd rounds it.
fn seconds(time: Duration) -> c_int {
    let up = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    c_int::try_from(up).unwrap_or(c_int::MAX)
}

fn is_inet6(socket: &OwnedFd) -> bool {
    let address = getsockname::<SockaddrStorage>(socket.as_raw_fd());
    address.is_ok_and(|address| address.family() == Some(AddressFamily::Inet6))
}

pub(super) fn set_int(socket: BorrowedFd<'_>, level: c_int, option: c_int, value: c_int) -> Result<(), Errno> {
    set_bytes(socket, level, option, &value.to_ne_bytes())
}

fn set_bytes(socket: BorrowedFd<'_>, level: c_int, option: c_int, value: &[u8]) -> Result<(), Errno> {
    let size = value.len() as libc::socklen_t;
    // SAFETY: the pointer is to as many bytes.
    Errno::result(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value.as_ptr().cast(), size) }).map(drop)
}
