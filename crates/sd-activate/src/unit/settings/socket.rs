//! The settings of systemd.socket(5).

use std::ffi::{OsStr, c_int};

use nix::libc;
use nix::sys::socket::SockType;

use super::Unless::{Empty, Off};
use super::{Setting, confining_not_here, honoured, refused, set};
use crate::address::Address;
use crate::spec::{BindIpv6Only, Endpoint, Listen, Protocol, Timestamping, UnitName, UnitType};
use crate::unit::draft::Draft;
use crate::unit::given::Given;
use crate::unit::quoting::Escapes;
use crate::unit::value::{self, Invalid};

const BIND_IPV6_ONLY: &[(&str, BindIpv6Only)] =
    &[("default", BindIpv6Only::Default), ("both", BindIpv6Only::Both), ("ipv6-only", BindIpv6Only::Ipv6Only)];

const PROTOCOLS: &[(&str, Protocol)] =
    &[("udplite", Protocol::UdpLite), ("sctp", Protocol::Sctp), ("mptcp", Protocol::Mptcp)];

const TIMESTAMPING: &[(&str, Timestamping)] = &[
    ("off", Timestamping::Off),
    ("us", Timestamping::Microseconds),
    ("usec", Timestamping::Microseconds),
    ("µs", Timestamping::Microseconds),
    ("ns", Timestamping::Nanoseconds),
    ("nsec", Timestamping::Nanoseconds),
];

const TYPES_OF_SERVICE: &[(&str, c_int)] =
    &[("low-delay", 0x10), ("throughput", 0x08), ("reliability", 0x04), ("low-cost", 0x02)];

/// The names of netlink families, and their numbers.
const NETLINK_FAMILIES: &[(&str, c_int)] = &[
    ("route", libc::NETLINK_ROUTE),
    ("firewall", libc::NETLINK_FIREWALL),
    ("inet-diag", libc::NETLINK_INET_DIAG),
    ("nflog", libc::NETLINK_NFLOG),
    ("xfrm", libc::NETLINK_XFRM),
    ("selinux", libc::NETLINK_SELINUX),
    ("iscsi", libc::NETLINK_ISCSI),
    ("audit", libc::NETLINK_AUDIT),
    ("fib-lookup", libc::NETLINK_FIB_LOOKUP),
    ("connector", libc::NETLINK_CONNECTOR),
    ("netfilter", libc::NETLINK_NETFILTER),
    ("ip6-fw", libc::NETLINK_IP6_FW),
    ("dnrtmsg", libc::NETLINK_DNRTMSG),
    ("kobject-uevent", libc::NETLINK_KOBJECT_UEVENT),
    ("generic", libc::NETLINK_GENERIC),
    ("scsitransport", libc::NETLINK_SCSITRANSPORT),
    ("ecryptfs", libc::NETLINK_ECRYPTFS),
    ("rdma", libc::NETLINK_RDMA),
];

pub(super) const SOCKET: &[Setting] = &[
    honoured("ListenStream", |draft, given| listen(draft, given, |text| address(text, SockType::Stream))),
    honoured("ListenDatagram", |draft, given| listen(draft, given, |text| address(text, SockType::Datagram))),
    honoured("ListenSequentialPacket", |draft, given| listen(draft, given, |text| address(text, SockType::SeqPacket))),
    honoured("ListenFIFO", |draft, given| listen(draft, given, |text| value::absolute_path(text).map(Endpoint::Fifo))),
    honoured("ListenSpecial", |draft, given| {
        listen(draft, given, |text| value::absolute_path(text).map(Endpoint::Special))
    }),
    honoured("ListenNetlink", |draft, given| listen(draft, given, netlink)),
    honoured("ListenMessageQueue", |draft, given| listen(draft, given, message_queue)),
    refused("ListenUSBFunction", Empty),
    honoured("SocketProtocol", |draft, given| set(&mut draft.socket.protocol, given.one_of(PROTOCOLS).map(Some))),
    honoured("BindIPv6Only", |draft, given| {
        let boolean = given.boolean().map(|only| if only { BindIpv6Only::Ipv6Only } else { BindIpv6Only::Both });
        set(&mut draft.socket.bind_ipv6_only, boolean.or_else(|_| given.one_of(BIND_IPV6_ONLY)))
    }),
    honoured("Backlog", |draft, given| set(&mut draft.socket.backlog, given.unsigned())),
    honoured("BindToDevice", |draft, given| set(&mut draft.socket.bind_to_device, interface(given.value))),
    honoured("SocketUser", |draft, given| set(&mut draft.socket.user, given.user())),
    honoured("SocketGroup", |draft, given| set(&mut draft.socket.group, given.account())),
    honoured("SocketMode", |draft, given| set(&mut draft.socket.mode, given.mode())),
    honoured("DirectoryMode", |draft, given| set(&mut draft.socket.directory_mode, given.mode())),
    honoured("Accept", |draft, given| set(&mut draft.socket.accept, given.boolean())),
    honoured("Writable", |draft, given| set(&mut draft.socket.writable, given.boolean())),
    honoured("FlushPending", |draft, given| set(&mut draft.socket.flush_pending, given.boolean())),
    honoured("MaxConnections", |draft, given| set(&mut draft.socket.max_connections, given.unsigned())),
    honoured("MaxConnectionsPerSource", |draft, given| {
        let most = given.unsigned().map(|most| Some(most).filter(|most| *most > 0));
        set(&mut draft.socket.max_connections_per_source, most)
    }),
    honoured("KeepAlive", |draft, given| set(&mut draft.socket.keep_alive, given.boolean())),
    honoured("KeepAliveTimeSec", |draft, given| set(&mut draft.socket.keep_alive_time, given.seconds().map(Some))),
    honoured("KeepAliveIntervalSec", |draft, given| {
        set(&mut draft.socket.keep_alive_interval, given.seconds().map(Some))
    }),
    honoured("KeepAliveProbes", |draft, given| set(&mut draft.socket.keep_alive_probes, given.unsigned().map(Some))),
    honoured("NoDelay", |draft, given| set(&mut draft.socket.no_delay, given.boolean())),
    honoured("Priority", |draft, given| set(&mut draft.socket.priority, given.integer())),
    honoured("DeferAcceptSec", |draft, given| set(&mut draft.socket.defer_accept, given.seconds().map(Some))),
    honoured("ReceiveBuffer", |draft, given| set(&mut draft.socket.receive_buffer, given.size())),
    honoured("SendBuffer", |draft, given| set(&mut draft.socket.send_buffer, given.size())),
    honoured("IPTOS", |draft, given| set(&mut draft.socket.ip_tos, type_of_service(given))),
    honoured("IPTTL", |draft, given| set(&mut draft.socket.ip_ttl, given.integer())),
    honoured("Mark", |draft, given| set(&mut draft.socket.mark, given.integer())),
    honoured("ReusePort", |draft, given| set(&mut draft.socket.reuse_port, given.boolean())),
    confining_not_here("SmackLabel", Empty),
    confining_not_here("SmackLabelIPIn", Empty),
    confining_not_here("SmackLabelIPOut", Empty),
    confining_not_here("SELinuxContextFromNet", Off),
    honoured("PipeSize", |draft, given| set(&mut draft.socket.pipe_size, given.size())),
    honoured("MessageQueueMaxMessages", |draft, given| {
        set(&mut draft.socket.message_queue_max_messages, value::integer(given.value, i64::MIN, i64::MAX).map(Some))
    }),
    honoured("MessageQueueMessageSize", |draft, given| {
        set(&mut draft.socket.message_queue_message_size, value::integer(given.value, i64::MIN, i64::MAX).map(Some))
    }),
    honoured("FreeBind", |draft, given| set(&mut draft.socket.free_bind, given.boolean())),
    honoured("Transparent", |draft, given| set(&mut draft.socket.transparent, given.boolean())),
    honoured("Broadcast", |draft, given| set(&mut draft.socket.broadcast, given.boolean())),
    honoured("PassCredentials", |draft, given| set(&mut draft.socket.pass_credentials, given.boolean())),
    refused("PassPIDFD", Off).since(256),
    refused("AcceptFileDescriptors", super::Unless::OneOf(&["yes", "y", "true", "t", "on", "1"])).since(258),
    honoured("PassSecurity", |draft, given| set(&mut draft.socket.pass_security, given.boolean())),
    honoured("PassPacketInfo", |draft, given| set(&mut draft.socket.pass_packet_info, given.boolean())),
    honoured("Timestamping", |draft, given| {
        let boolean = given.boolean().map(|on| if on { Timestamping::Nanoseconds } else { Timestamping::Off });
        set(&mut draft.socket.timestamping, given.one_of(TIMESTAMPING).or(boolean))
    }),
    honoured("TCPCongestion", |draft, given| {
        draft.socket.tcp_congestion = Some(given.value.to_owned()).filter(|name| !name.is_empty());
        Ok(())
    }),
    honoured("ExecStartPre", |draft, given| given.commands(&mut draft.socket.start_pre)),
    honoured("ExecStartPost", |draft, given| given.commands(&mut draft.socket.start_post)),
    honoured("ExecStopPre", |draft, given| given.commands(&mut draft.socket.stop_pre)),
    honoured("ExecStopPost", |draft, given| given.commands(&mut draft.socket.stop_post)),
    honoured("TimeoutSec", |draft, given| set(&mut draft.socket.timeout, given.timeout())),
    honoured("Service", |draft, given| set(&mut draft.triggered, service(given).map(Some))),
    honoured("RemoveOnStop", |draft, given| set(&mut draft.socket.remove_on_stop, given.boolean())),
    honoured("Symlinks", |draft, given| {
        if given.is_empty() {
            draft.socket.symlinks.clear();
        }
        // Of a list with a mistake, what stands before it counts.
        for path in given.each_word(Escapes::Remove) {
            draft.socket.symlinks.push(value::absolute_path(&path?)?);
        }
        Ok(())
    }),
    honoured("FileDescriptorName", |draft, given| {
        set(&mut draft.descriptor_name, given.assigned()?.as_deref().map(value::descriptor_name).transpose())
    }),
    honoured("TriggerLimitIntervalSec", |draft, given| given.interval(&mut draft.socket.trigger_limit.interval)),
    honoured("TriggerLimitBurst", |draft, given| set(&mut draft.trigger_burst, given.unsigned().map(Some))),
    honoured("PollLimitIntervalSec", |draft, given| given.interval(&mut draft.socket.poll_limit.interval)).since(255),
    honoured("PollLimitBurst", |draft, given| set(&mut draft.poll_burst, given.unsigned().map(Some))).since(255),
    refused("DeferTrigger", Off).since(258),
    refused("DeferTriggerMaxSec", Empty).since(258),
    refused("PassFileDescriptorsToExec", Off).since(256),
];

/// Adds something to listen on, or forgets all of it where nothing is assigned.
fn listen(
    draft: &mut Draft,
    given: &Given<'_>,
    read: impl Fn(&str) -> Result<Endpoint, Invalid>,
) -> Result<(), Invalid> {
    match given.assigned()? {
        None => draft.socket.listen.clear(),
        Some(text) => draft.socket.listen.push(Listen { endpoint: read(&text)?, origin: given.origin.clone() }),
    }
    Ok(())
}

fn address(text: &str, socket_type: SockType) -> Result<Endpoint, Invalid> {
    let address = Address::parse(OsStr::new(text)).map_err(|error| {
        Invalid::new(format_args!(
            "\"{text}\" is no address ({}): give a port, ADDRESS:PORT, [IPv6]:PORT, /PATH, @ABSTRACT or vsock:CID:PORT",
            error.desc()
        ))
    })?;
    if let Address::Path(path) = &address {
        // systemd could not say which file systems it needs, and gives up.
        value::absolute_path(&String::from_utf8_lossy(path)).map_err(Invalid::fatal)?;
    }
    let sequential =
        matches!(address, Address::Path(_) | Address::Abstract(_) | Address::Vsock { socket_type: Some(_), .. });
    if socket_type == SockType::SeqPacket && !sequential {
        return Err(Invalid::new(format_args!("\"{text}\": only unix sockets can be sequential: use ListenStream=")));
    }
    Ok(Endpoint::Socket { address, socket_type })
}

/// A family's name or number, and perhaps a group.
fn netlink(text: &str) -> Result<Endpoint, Invalid> {
    let (family, group) = text.split_once([' ', '\t']).map_or((text, ""), |(family, group)| (family, group.trim()));
    let number = || value::integer(family, 0, c_int::MAX);
    let family = value::one_of(family, NETLINK_FAMILIES).or_else(|unknown| number().map_err(|_| unknown))?;
    let groups = if group.is_empty() { 0 } else { value::integer(group, 0, u32::MAX)? };
    Ok(Endpoint::Netlink { family, groups })
}

/// Whether a queue may have that name, mq_open(3) says.
fn message_queue(text: &str) -> Result<Endpoint, Invalid> {
    let path = value::absolute_path(text)?;
    Ok(Endpoint::MessageQueue(path.to_string_lossy().into_owned()))
}

/// The name of an interface; `*` and nothing are all of them.
fn interface(text: &str) -> Result<Option<String>, Invalid> {
    if matches!(text, "" | "*") {
        return Ok(None);
    }
    let valid = |byte: u8| matches!(byte, b'!'..=b'~') && !b":/%".contains(&byte);
    // One could be taken for an interface's index.
    let number = text.bytes().all(|byte| byte.is_ascii_digit()) || value::integer(text, 1, c_int::MAX).is_ok();
    if text.len() >= libc::IFNAMSIZ
        || !text.bytes().all(valid)
        || number
        || matches!(text, "." | ".." | "all" | "default")
    {
        return Err(Invalid::new(format_args!("\"{text}\" is no name of a network interface")));
    }
    Ok(Some(text.to_owned()))
}

fn type_of_service(given: &Given<'_>) -> Result<Option<c_int>, Invalid> {
    if given.is_empty() {
        return Ok(None);
    }
    let number = value::integer(given.value, 0, 255);
    number.or_else(|_| given.one_of(TYPES_OF_SERVICE)).map(Some)
}

fn service(given: &Given<'_>) -> Result<UnitName, Invalid> {
    let text = given.specifiers.expand_name(given.value)?;
    let name = UnitName::new(&text).filter(|name| name.unit_type() == UnitType::Service && !name.is_template());
    name.ok_or_else(|| Invalid::new(format_args!("\"{text}\" is no name of a service: it has to end in .service")))
}
