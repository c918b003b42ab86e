//! What a `.socket` unit is: systemd.socket(5).

use std::ffi::c_int;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::time::Duration;

use nix::libc::mode_t;
use nix::sys::socket::SockType;
use serde::{Deserialize, Serialize};

use super::{Command, ExecSpec, Kill, Origin, Phase, RateLimit, Timeout, UnitName};
use crate::address::Address;
use crate::saved;

/// A socket unit. An option that is `None` is left as the kernel has it.
#[derive(Clone, Debug)]
pub struct SocketSpec {
    /// ListenStream=, ListenDatagram= and their siblings, in the order in which they are passed; never empty.
    pub listen: Vec<Listen>,
    /// Accept=: a service for each connection.
    pub accept: bool,
    /// Service=, or the service of the same name; with Accept=yes the template of the same name.
    pub service: UnitName,
    /// FileDescriptorName=, or the unit's name.
    pub descriptor_name: String,

    /// SocketProtocol=.
    pub protocol: Option<Protocol>,
    /// BindIPv6Only=.
    pub bind_ipv6_only: BindIpv6Only,
    /// Backlog=.
    pub backlog: u32,
    /// BindToDevice=: an interface's name.
    pub bind_to_device: Option<String>,
    /// FreeBind=.
    pub free_bind: bool,
    /// Transparent=.
    pub transparent: bool,
    /// ReusePort=.
    pub reuse_port: bool,

    /// SocketUser=: a name or a number.
    pub user: Option<String>,
    /// SocketGroup=: a name or a number.
    pub group: Option<String>,
    /// SocketMode=.
    pub mode: mode_t,
    /// DirectoryMode=.
    pub directory_mode: mode_t,
    /// Symlinks=.
    pub symlinks: Vec<PathBuf>,
    /// RemoveOnStop=.
    pub remove_on_stop: bool,
    /// Writable=, for ListenSpecial=.
    pub writable: bool,

    /// KeepAlive=.
    pub keep_alive: bool,
    /// KeepAliveTimeSec=.
    pub keep_alive_time: Option<Duration>,
    /// KeepAliveIntervalSec=.
    pub keep_alive_interval: Option<Duration>,
    /// KeepAliveProbes=.
    pub keep_alive_probes: Option<u32>,
    /// NoDelay=.
    pub no_delay: bool,
    /// DeferAcceptSec=.
    pub defer_accept: Option<Duration>,
    /// TCPCongestion=.
    pub tcp_congestion: Option<String>,
    /// Priority=.
    pub priority: Option<c_int>,
    /// ReceiveBuffer=, in bytes.
    pub receive_buffer: Option<usize>,
    /// SendBuffer=, in bytes.
    pub send_buffer: Option<usize>,
    /// IPTOS=.
    pub ip_tos: Option<c_int>,
    /// IPTTL=.
    pub ip_ttl: Option<c_int>,
    /// Mark=.
    pub mark: Option<c_int>,
    /// Broadcast=.
    pub broadcast: bool,
    /// PassCredentials=.
    pub pass_credentials: bool,
    /// PassSecurity=.
    pub pass_security: bool,
    /// PassPacketInfo=.
    pub pass_packet_info: bool,
    /// Timestamping=.
    pub timestamping: Timestamping,

    /// PipeSize=, of a FIFO, in bytes.
    pub pipe_size: Option<usize>,
    /// MessageQueueMaxMessages=.
    pub message_queue_max_messages: Option<i64>,
    /// MessageQueueMessageSize=, in bytes.
    pub message_queue_message_size: Option<i64>,

    /// FlushPending=.
    pub flush_pending: bool,
    /// MaxConnections=.
    pub max_connections: u32,
    /// MaxConnectionsPerSource=; `None` is no limit.
    pub max_connections_per_source: Option<u32>,
    /// TriggerLimitIntervalSec= and TriggerLimitBurst=: beyond it the socket fails.
    pub trigger_limit: RateLimit,
    /// PollLimitIntervalSec= and PollLimitBurst=: beyond it the socket rests until the interval is over.
    pub poll_limit: RateLimit,

    /// ExecStartPre=.
    pub start_pre: Vec<Command>,
    /// ExecStartPost=.
    pub start_post: Vec<Command>,
    /// ExecStopPre=.
    pub stop_pre: Vec<Command>,
    /// ExecStopPost=.
    pub stop_post: Vec<Command>,
    /// TimeoutSec=, of each of these commands.
    pub timeout: Timeout,
    /// What these commands run in.
    pub exec: ExecSpec,
    /// How they are ended.
    pub kill: Kill,
}

impl SocketSpec {
    /// A socket unit without settings: it listens nowhere yet.
    pub fn new(name: &UnitName) -> Self {
        let two_seconds = |burst| RateLimit { interval: Duration::from_secs(2), burst };
        Self {
            listen: Vec::new(),
            accept: false,
            service: name.with_suffix(".service"),
            descriptor_name: name.to_string(),
            protocol: None,
            bind_ipv6_only: BindIpv6Only::Default,
            backlog: u32::MAX,
            bind_to_device: None,
            free_bind: false,
            transparent: false,
            reuse_port: false,
            user: None,
            group: None,
            mode: 0o666,
            directory_mode: 0o755,
            symlinks: Vec::new(),
            remove_on_stop: false,
            writable: false,
            keep_alive: false,
            keep_alive_time: None,
            keep_alive_interval: None,
            keep_alive_probes: None,
            no_delay: false,
            defer_accept: None,
            tcp_congestion: None,
            priority: None,
            receive_buffer: None,
            send_buffer: None,
            ip_tos: None,
            ip_ttl: None,
            mark: None,
            broadcast: false,
            pass_credentials: false,
            pass_security: false,
            pass_packet_info: false,
            timestamping: Timestamping::Off,
            pipe_size: None,
            message_queue_max_messages: None,
            message_queue_message_size: None,
            flush_pending: false,
            max_connections: 64,
            max_connections_per_source: None,
            trigger_limit: two_seconds(20),
            poll_limit: two_seconds(15),
            start_pre: Vec::new(),
            start_post: Vec::new(),
            stop_pre: Vec::new(),
            stop_post: Vec::new(),
            timeout: Some(super::service::DEFAULT_TIMEOUT),
            exec: ExecSpec::default(),
            kill: Kill::default(),
        }
    }

    /// The commands of a setting.
    pub fn commands(&self, phase: Phase) -> &[Command] {
        match phase {
            Phase::StartPre => &self.start_pre,
            Phase::StartPost => &self.start_post,
            Phase::StopPre => &self.stop_pre,
            Phase::StopPost => &self.stop_post,
            Phase::Condition | Phase::Start | Phase::Reload | Phase::Stop => &[],
        }
    }

    /// The limits of a socket with Accept=yes, where its unit sets none.
    pub const ACCEPT_TRIGGER_BURST: u32 = 200;
    /// The same of PollLimitBurst=.
    pub const ACCEPT_POLL_BURST: u32 = 150;
}

/// Something to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// What it is.
    pub endpoint: Endpoint,
    /// Where it is written.
    pub origin: Origin,
}

/// The kinds of things to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Endpoint {
    /// ListenStream=, ListenDatagram= and ListenSequentialPacket=.
    Socket {
        /// Where.
        address: Address,
        /// Of which of the three types. That of a vsock address is its own where it has one.
        #[serde(with = "saved")]
        socket_type: SockType,
    },
    /// ListenFIFO=.
    Fifo(#[serde(with = "saved")] PathBuf),
    /// ListenSpecial=.
    Special(#[serde(with = "saved")] PathBuf),
    /// ListenNetlink=.
    Netlink {
        /// Its protocol: NETLINK_KOBJECT_UEVENT and the like.
        family: c_int,
        /// The multicast groups: a bit for each.
        groups: u32,
    },
    /// ListenMessageQueue=, with its slash.
    MessageQueue(String),
}

impl Endpoint {
    /// The setting.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Socket { socket_type: SockType::Datagram, .. } => "ListenDatagram",
            Self::Socket { socket_type: SockType::SeqPacket, .. } => "ListenSequentialPacket",
            Self::Socket { .. } => "ListenStream",
            Self::Fifo(_) => "ListenFIFO",
            Self::Special(_) => "ListenSpecial",
            Self::Netlink { .. } => "ListenNetlink",
            Self::MessageQueue(_) => "ListenMessageQueue",
        }
    }
}

impl Display for Endpoint {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}=", self.setting())?;
        match self {
            Self::Socket { address, .. } => write!(formatter, "{address}"),
            Self::Fifo(path) | Self::Special(path) => write!(formatter, "{}", path.display()),
            Self::Netlink { family, groups } => write!(formatter, "{family} {groups}"),
            Self::MessageQueue(name) => formatter.write_str(name),
        }
    }
}

/// SocketProtocol=.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// IPPROTO_UDPLITE.
    UdpLite,
    /// IPPROTO_SCTP.
    Sctp,
    /// IPPROTO_MPTCP; since release 257.
    Mptcp,
}

/// BindIPv6Only=.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindIpv6Only {
    /// As /proc/sys/net/ipv6/bindv6only has it.
    Default,
    /// IPv4 as well.
    Both,
    /// IPv6 alone.
    Ipv6Only,
}

/// Timestamping=.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamping {
    /// None.
    Off,
    /// SO_TIMESTAMP.
    Microseconds,
    /// SO_TIMESTAMPNS.
    Nanoseconds,
}
