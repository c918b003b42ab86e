//! Every option and every kind of socket unit, read back from the kernel.

use std::ffi::c_int;
use std::fs;
use std::mem::size_of;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::SockType;
use sdlite_test_support::scratch;

use super::*;
use crate::address::Address;
use crate::spec::{BindIpv6Only, Origin, Protocol, Timestamping, UnitName};

fn spec(change: impl FnOnce(&mut SocketSpec)) -> SocketSpec {
    let mut spec = SocketSpec::new(&UnitName::new("test.socket").expect("a name"));
    spec.remove_on_stop = true;
    change(&mut spec);
    spec
}

/// The umask is the whole process's: tests that set it take turns.
static UMASK: Mutex<()> = Mutex::new(());

fn open(endpoint: Endpoint, spec: &SocketSpec) -> Result<Socket, Error> {
    let _turn = UMASK.lock().unwrap_or_else(PoisonError::into_inner);
    Socket::open(&Listen { endpoint, origin: Origin::option("test") }, spec)
}

fn listening(text: &str, socket_type: SockType, spec: &SocketSpec) -> Socket {
    open(Endpoint::Socket { address: address(text), socket_type }, spec).expect("a socket")
}

/// Any port will do: 0, which is none to `--listen=`.
fn address(text: &str) -> Address {
    match text.parse() {
        Ok(SocketAddr::V4(inet)) => Address::Inet(inet),
        Ok(SocketAddr::V6(inet6)) => Address::Inet6(inet6),
        Err(_) => Address::parse(text.as_ref()).expect("an address"),
    }
}

fn option(socket: &Socket, level: c_int, option: c_int) -> c_int {
    let mut value: c_int = -1;
    let mut size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointers are to an int and to its size.
    let asked =
        unsafe { libc::getsockopt(socket.as_fd().as_raw_fd(), level, option, (&raw mut value).cast(), &raw mut size) };
    assert_eq!(asked, 0, "getsockopt({level}, {option}): {}", std::io::Error::last_os_error());
    value
}

type Place = (&'static str, SockType);
type Change = fn(&mut SocketSpec);

#[test]
#[rustfmt::skip]
fn every_option_is_what_the_kernel_tells_afterwards() {
    use libc::{
        IP_FREEBIND, IP_PKTINFO, IP_TOS, IP_TTL, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDPLITE, IPV6_FREEBIND,
        IPV6_RECVPKTINFO, IPV6_UNICAST_HOPS, IPV6_V6ONLY, SO_BROADCAST, SO_KEEPALIVE, SO_PASSCRED, SO_PASSSEC, SO_PRIORITY,
        SO_PROTOCOL, SO_RCVBUF, SO_REUSEADDR, SO_REUSEPORT, SO_SNDBUF, SO_TIMESTAMP, SO_TIMESTAMPNS, SOL_SOCKET,
        TCP_DEFER_ACCEPT, TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_NODELAY,
    };
    const TCP: Place = ("127.0.0.1:0", SockType::Stream);
    const TCP6: Place = ("[::1]:0", SockType::Stream);
    const ANY6: Place = ("[::]:0", SockType::Stream);
    const UDP: Place = ("127.0.0.1:0", SockType::Datagram);
    const UDP6: Place = ("[::1]:0", SockType::Datagram);
    const UNIX: Place = ("@sd-activate-options", SockType::Datagram);
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let cases: &[(&str, Place, Change, c_int, c_int, c_int)] = &[
        ("SO_REUSEADDR, always", TCP, |_| (), SOL_SOCKET, SO_REUSEADDR, 1),
        ("KeepAlive", TCP, |spec| spec.keep_alive = true, SOL_SOCKET, SO_KEEPALIVE, 1),
        (
            "KeepAliveTimeSec",
            TCP,
            |spec| spec.keep_alive_time = Some(Duration::from_secs(77)),
            IPPROTO_TCP,
            TCP_KEEPIDLE,
            77,
        ),
        (
            "KeepAliveIntervalSec",
            TCP,
            |spec| spec.keep_alive_interval = Some(Duration::from_secs(7)),
            IPPROTO_TCP,
            TCP_KEEPINTVL,
            7,
        ),
        ("KeepAliveProbes", TCP, |spec| spec.keep_alive_probes = Some(3), IPPROTO_TCP, TCP_KEEPCNT, 3),
        ("NoDelay", TCP, |spec| spec.no_delay = true, IPPROTO_TCP, TCP_NODELAY, 1),
        ("Broadcast", UDP, |spec| spec.broadcast = true, SOL_SOCKET, SO_BROADCAST, 1),
        ("PassCredentials", UNIX, |spec| spec.pass_credentials = true, SOL_SOCKET, SO_PASSCRED, 1),
        ("PassSecurity", UNIX, |spec| spec.pass_security = true, SOL_SOCKET, SO_PASSSEC, 1),
        ("PassPacketInfo", UDP, |spec| spec.pass_packet_info = true, IPPROTO_IP, IP_PKTINFO, 1),
        ("PassPacketInfo, IPv6", UDP6, |spec| spec.pass_packet_info = true, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1),
        ("Timestamping=us", UDP, |spec| spec.timestamping = Timestamping::Microseconds, SOL_SOCKET, SO_TIMESTAMP, 1),
        ("Timestamping=ns", UDP, |spec| spec.timestamping = Timestamping::Nanoseconds, SOL_SOCKET, SO_TIMESTAMPNS, 1),
        ("Priority", TCP, |spec| spec.priority = Some(5), SOL_SOCKET, SO_PRIORITY, 5),
        ("IPTOS", TCP, |spec| spec.ip_tos = Some(0x10), IPPROTO_IP, IP_TOS, 0x10),
        ("IPTTL", TCP, |spec| spec.ip_ttl = Some(9), IPPROTO_IP, IP_TTL, 9),
        ("IPTTL, IPv6", TCP6, |spec| spec.ip_ttl = Some(9), IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9),
        ("ReusePort", TCP, |spec| spec.reuse_port = true, SOL_SOCKET, SO_REUSEPORT, 1),
        ("FreeBind", TCP, |spec| spec.free_bind = true, IPPROTO_IP, IP_FREEBIND, 1),
        ("FreeBind, IPv6", TCP6, |spec| spec.free_bind = true, IPPROTO_IPV6, IPV6_FREEBIND, 1),
        ("BindIPv6Only=both", ANY6, |spec| spec.bind_ipv6_only = BindIpv6Only::Both, IPPROTO_IPV6, IPV6_V6ONLY, 0),
        (
            "BindIPv6Only=ipv6-only",
            TCP6,
            |spec| spec.bind_ipv6_only = BindIpv6Only::Ipv6Only,
            IPPROTO_IPV6,
            IPV6_V6ONLY,
            1,
        ),
        (
            "SocketProtocol=udplite",
            UDP,
            |spec| spec.protocol = Some(Protocol::UdpLite),
            SOL_SOCKET,
            SO_PROTOCOL,
            IPPROTO_UDPLITE,
        ),
        // What the kernel tells is twice what it was asked for.
        ("ReceiveBuffer", UDP, |spec| spec.receive_buffer = Some(70_000), SOL_SOCKET, SO_RCVBUF, 140_000),
        ("SendBuffer", UDP, |spec| spec.send_buffer = Some(70_000), SOL_SOCKET, SO_SNDBUF, 140_000),
    ];
    let is_here = |address: &str| !address.starts_with("[::1]") || sdlite_test_support::has_ipv6();
    for (name, (address, socket_type), change, level, number, expected) in cases.iter().filter(|case| is_here(case.1.0)) {
        let socket = listening(address, *socket_type, &spec(change));
        assert_eq!(option(&socket, *level, *number), *expected, "{name}");
    }

    // It is rounded to what the kernel's retransmissions amount to.
    let socket = listening("127.0.0.1:0", SockType::Stream, &spec(|spec| spec.defer_accept = seconds(3)));
    assert!((1..=30).contains(&option(&socket, IPPROTO_TCP, TCP_DEFER_ACCEPT)));
}

#[test]
fn options_that_only_root_may_set_are_set_by_root() {
    // SAFETY: takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        return sdlite_test_support::left_out("root, for Mark=, Transparent= and BindToDevice=");
    }
    let stream = SockType::Stream;
    let marked = listening("127.0.0.1:0", stream, &spec(|spec| spec.mark = Some(42)));
    assert_eq!(option(&marked, libc::SOL_SOCKET, libc::SO_MARK), 42);
    let transparent = listening("127.0.0.1:0", stream, &spec(|spec| spec.transparent = true));
    assert_eq!(option(&transparent, libc::IPPROTO_IP, libc::IP_TRANSPARENT), 1);
    let bound = listening("127.0.0.1:0", stream, &spec(|spec| spec.bind_to_device = Some("lo".into())));
    assert_eq!(text_option(&bound, libc::SOL_SOCKET, libc::SO_BINDTODEVICE), "lo");
    let large = listening("127.0.0.1:0", SockType::Datagram, &spec(|spec| spec.receive_buffer = Some(64 << 20)));
    assert_eq!(option(&large, libc::SOL_SOCKET, libc::SO_RCVBUF), 128 << 20, "beyond the kernel's limit");
}

fn text_option(socket: &Socket, level: c_int, option: c_int) -> String {
    let mut room = [0u8; 64];
    let mut size = room.len() as libc::socklen_t;
    // SAFETY: the pointers are to room, and to its size.
    let asked =
        unsafe { libc::getsockopt(socket.as_fd().as_raw_fd(), level, option, room.as_mut_ptr().cast(), &raw mut size) };
    assert_eq!(asked, 0);
    String::from_utf8_lossy(&room[..size as usize]).trim_end_matches('\0').to_owned()
}

#[test]
fn the_algorithm_of_tcp_is_the_one_that_was_asked_for() {
    let socket = listening("127.0.0.1:0", SockType::Stream, &spec(|spec| spec.tcp_congestion = Some("reno".into())));
    assert_eq!(text_option(&socket, libc::IPPROTO_TCP, libc::TCP_CONGESTION), "reno");
}

#[test]
fn an_option_that_cannot_be_set_is_told_and_the_socket_listens_all_the_same() {
    let spec = spec(|spec| spec.no_delay = true);
    let unix = listening("@sd-activate-told", SockType::Stream, &spec);
    let endpoint = &unix.opened_for().expect("its endpoint").endpoint;
    assert_eq!(options::set(&unix.descriptor, endpoint, &spec), [("NoDelay", Errno::EOPNOTSUPP)]);
}

#[test]
fn what_has_to_be_set_before_bind_is_an_error() {
    let endpoint = Endpoint::Socket { address: address("127.0.0.1:0"), socket_type: SockType::Stream };
    assert!(open(endpoint, &spec(|spec| spec.bind_to_device = Some("no-such-device".into()))).is_err());
}

#[test]
fn a_socket_has_its_modes_whatever_the_umask_and_its_links() {
    let directory = scratch();
    let path = directory.path().join("a/b/socket");
    let link = directory.path().join("c/link");
    let spec = spec(|spec| {
        spec.mode = 0o640;
        spec.directory_mode = 0o750;
        spec.symlinks = vec![link.clone()];
    });
    let opened = listening(path.to_str().expect("text"), SockType::Stream, &spec);
    assert_eq!(mode(&path), 0o640);
    for made in ["a", "a/b", "c"] {
        assert_eq!(mode(&directory.path().join(made)), 0o750, "{made}");
    }
    assert_eq!(fs::read_link(&link).expect("a link"), path);
    drop(opened);
    assert!(!path.exists() && fs::symlink_metadata(&link).is_err(), "RemoveOnStop=");
}

#[test]
fn without_remove_on_stop_the_file_stays() {
    let directory = scratch();
    let path = directory.path().join("socket");
    drop(listening(path.to_str().expect("text"), SockType::Stream, &spec(|spec| spec.remove_on_stop = false)));
    assert!(fs::symlink_metadata(&path).expect("it is there").file_type().is_socket());
}

#[test]
fn a_socket_has_its_owner() {
    // SAFETY: takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        return sdlite_test_support::left_out("root, for SocketUser= and SocketGroup=");
    }
    let directory = scratch();
    // The number of Debian's user and group `daemon` is 1.
    let cases = [
        (Some("daemon"), None, 1, 1),
        (Some("daemon"), Some("root"), 1, 0),
        (None, Some("daemon"), 0, 1),
        (Some("1"), None, 1, 1),
        (Some("0"), Some("1"), 0, 1),
    ];
    for (number, (user, group, uid, gid)) in cases.into_iter().enumerate() {
        let path = directory.path().join(number.to_string());
        let spec = spec(|spec| (spec.user, spec.group) = (user.map(str::to_owned), group.map(str::to_owned)));
        let _socket = listening(path.to_str().expect("text"), SockType::Stream, &spec);
        let file = fs::metadata(&path).expect("it is there");
        assert_eq!((file.uid(), file.gid()), (uid, gid), "{user:?} {group:?}");
    }
    let address = address(directory.path().join("no").to_str().expect("text"));
    for nobody in ["no-such-user", "4294000000"] {
        let nobody = spec(|spec| spec.user = Some(nobody.into()));
        let opened = open(Endpoint::Socket { address: address.clone(), socket_type: SockType::Stream }, &nobody);
        assert!(matches!(opened, Err(Error::Account { setting: "SocketUser", .. })));
    }
}

#[test]
fn a_fifo_is_made_with_its_mode_and_its_size() {
    let directory = scratch();
    let path = directory.path().join("a/fifo");
    let spec = spec(|spec| (spec.mode, spec.pipe_size) = (0o622, Some(8192)));
    let fifo = open(Endpoint::Fifo(path.clone()), &spec).expect("a FIFO");
    assert!(fs::metadata(&path).expect("it is there").file_type().is_fifo());
    assert_eq!(mode(&path), 0o622);
    // SAFETY: takes numbers.
    assert_eq!(unsafe { libc::fcntl(fifo.as_fd().as_raw_fd(), libc::F_GETPIPE_SZ) }, 8192);
    // Neither a reader nor a writer has to wait for the other.
    fs::OpenOptions::new().write(true).open(&path).expect("a writer");
    drop(fifo);
    assert!(!path.exists());

    fs::write(&path, "").expect("a file in its place");
    assert!(open(Endpoint::Fifo(path), &spec).is_err(), "a regular file is no FIFO");
}

#[test]
fn a_special_file_is_opened_as_it_may_be_written_or_not() {
    let directory = scratch();
    let path: PathBuf = directory.path().join("file");
    fs::write(&path, "").expect("a file");
    for (writable, mode) in [(false, OFlag::O_RDONLY), (true, OFlag::O_RDWR)] {
        let special = open(Endpoint::Special(path.clone()), &spec(|spec| spec.writable = writable)).expect("a file");
        let flags = OFlag::from_bits_retain(fcntl(special.as_fd(), FcntlArg::F_GETFL).expect("flags"));
        assert_eq!(flags & OFlag::O_ACCMODE, mode);
    }
    open(Endpoint::Special("/dev/null".into()), &spec(|_| ())).expect("a device");
    assert!(open(Endpoint::Special(directory.path().into()), &spec(|_| ())).is_err(), "a directory");
    assert!(open(Endpoint::Special(directory.path().join("none")), &spec(|_| ())).is_err());
}

#[test]
fn a_netlink_socket_has_its_protocol_and_its_groups() {
    let endpoint = Endpoint::Netlink { family: libc::NETLINK_ROUTE, groups: 5 };
    let netlink = open(endpoint, &spec(|spec| spec.pass_credentials = true)).expect("a socket");
    assert_eq!(option(&netlink, libc::SOL_SOCKET, libc::SO_PROTOCOL), libc::NETLINK_ROUTE);
    assert_eq!(option(&netlink, libc::SOL_SOCKET, libc::SO_PASSCRED), 1);
    let address: socket::NetlinkAddr = socket::getsockname(netlink.as_fd().as_raw_fd()).expect("an address");
    assert_eq!(address.groups(), 5);
}

#[test]
fn a_message_queue_has_its_limits() {
    let name = format!("/sd-activate-test-{}", std::process::id());
    let spec = spec(|spec| {
        spec.message_queue_max_messages = Some(3);
        spec.message_queue_message_size = Some(77);
    });
    let queue = open(Endpoint::MessageQueue(name.clone()), &spec).expect("a queue");
    // SAFETY: a structure of integers, for which zero is a value.
    let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
    let name = std::ffi::CString::new(name).expect("a name");
    // SAFETY: the pointers are to attributes, NULL and a C string.
    unsafe {
        let asked = libc::syscall(
            libc::SYS_mq_getsetattr,
            queue.as_fd().as_raw_fd(),
            ptr::null::<libc::mq_attr>(),
            &raw mut attributes,
        );
        assert_eq!((asked, libc::mq_unlink(name.as_ptr())), (0, 0));
    }
    assert_eq!((attributes.mq_maxmsg, attributes.mq_msgsize), (3, 77));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}
