//! A unit as `systemd --test` prints it: the same names of properties, each with its values.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use nix::libc;
use nix::sys::socket::SockType;
use sd_activate::address::Address;
use sd_activate::spec::{
    BindIpv6Only, Command, CpuWeight, DirectorySet, Endpoint, ExecSpec, FailureMode, FileMode, Input, JobMode,
    KeyringMode, Kill, KillMode, Kind, NotifyAccess, Output, Preserve, Protocol, Resources, Restart, ServiceSpec,
    ServiceType, SocketSpec, Timeout, Timestamping, UnitSpec,
};
use sd_activate::unit::time;

/// Properties, and the values of each.
pub type Properties = BTreeMap<String, Vec<String>>;

/// Those that are dependencies.
pub const RELATIONS: &[&str] = &[
    "Requires",
    "Requisite",
    "Wants",
    "Upholds",
    "BindsTo",
    "PartOf",
    "Conflicts",
    "Before",
    "After",
    "OnSuccess",
    "OnFailure",
    "PropagatesReloadTo",
    "ReloadPropagatedFrom",
    "PropagatesStopTo",
    "StopPropagatedFrom",
];

/// A unit's properties.
pub fn describe(unit: &UnitSpec) -> Properties {
    let mut all = Properties::new();
    let one = |all: &mut Properties, name: &str, value: String| {
        all.insert(name.to_owned(), vec![value]);
    };
    one(&mut all, "Description", unit.title().to_owned());
    let path = |path: &std::path::PathBuf| path.display().to_string();
    all.insert("Fragment Path".to_owned(), unit.fragment.iter().map(path).collect());
    all.insert("DropIn Path".to_owned(), unit.drop_ins.iter().map(path).collect());
    all.insert("Alias".to_owned(), unit.aliases.iter().map(ToString::to_string).collect());
    one(&mut all, "StopWhenUnneeded", yes(unit.stop_when_unneeded));
    one(&mut all, "RefuseManualStart", yes(unit.refuse_manual_start));
    one(&mut all, "RefuseManualStop", yes(unit.refuse_manual_stop));
    let collected = if unit.collect_failed { "inactive-or-failed" } else { "inactive" };
    one(&mut all, "Garbage Collection Mode", collected.to_owned());
    one(&mut all, "IgnoreOnIsolate", yes(unit.jobs.outlives_isolation));
    for (name, mode) in [("OnSuccessJobMode", unit.jobs.on_success), ("OnFailureJobMode", unit.jobs.on_failure)] {
        let (word, _) = JobMode::WORDS.iter().find(|(_, known)| *known == mode).unwrap();
        one(&mut all, name, (*word).to_owned());
    }
    let actions = &unit.end_actions;
    for (name, action, status) in [
        ("Success Action", actions.success, actions.success_status),
        ("Failure Action", actions.failure, actions.failure_status),
    ] {
        all.insert(name.to_owned(), action.iter().map(|action| action.word().to_owned()).collect());
        all.insert(format!("{name} Exit Status"), status.iter().map(ToString::to_string).collect());
    }
    for relation in RELATIONS {
        let related = unit.dependencies.iter().filter(|found| format!("{:?}", found.relation) == *relation);
        let mut names: Vec<String> = related.map(|found| found.unit.to_string()).collect();
        if let Kind::Service(service) = &unit.kind {
            // systemd adds these for Sockets=.
            let sockets = service.sockets.iter().map(ToString::to_string);
            names.extend(sockets.filter(|_| ["Wants", "After"].contains(relation)));
        }
        names.sort();
        names.dedup();
        // A unit cannot depend on itself.
        names.retain(|name| name != unit.name.as_str());
        all.insert((*relation).to_owned(), names);
    }
    for (prefix, assertion) in [("Condition", false), ("Assert", true)] {
        for condition in unit.conditions.iter().filter(|condition| condition.assertion == assertion) {
            let name = format!("{:?}", condition.test).replace("Cpus", "CPUs").replace("OsRelease", "OSRelease");
            let (triggering, negated) = (mark(condition.triggering, "|"), mark(condition.negated, "!"));
            let value = format!("{triggering}{negated}{}", condition.parameter);
            all.entry(format!("{prefix}{name}")).or_default().push(value);
        }
    }
    match &unit.kind {
        Kind::Socket(socket) => describe_socket(&mut all, socket),
        Kind::Service(service) => describe_service(&mut all, service),
        Kind::Target => (),
    }
    // What follows a newline in a value cannot be told from a further property.
    for value in all.values_mut().flatten() {
        value.truncate(value.find('\n').unwrap_or(value.len()));
    }
    all
}

fn describe_socket(all: &mut Properties, socket: &SocketSpec) {
    let mut one = |name: &str, value: String| {
        all.insert(name.to_owned(), vec![value]);
    };
    one(
        "BindIPv6Only",
        match socket.bind_ipv6_only {
            BindIpv6Only::Default => "default",
            BindIpv6Only::Both => "both",
            BindIpv6Only::Ipv6Only => "ipv6-only",
        }
        .to_owned(),
    );
    one("Backlog", socket.backlog.min(i32::MAX as u32).to_string());
    one("SocketMode", octal(socket.mode));
    one("DirectoryMode", octal(socket.directory_mode));
    for (name, value) in [
        ("KeepAlive", socket.keep_alive),
        ("NoDelay", socket.no_delay),
        ("FreeBind", socket.free_bind),
        ("Transparent", socket.transparent),
        ("Broadcast", socket.broadcast),
        ("PassCredentials", socket.pass_credentials),
        ("PassSecurity", socket.pass_security),
        ("PassPacketInfo", socket.pass_packet_info),
        ("RemoveOnStop", socket.remove_on_stop),
        ("Writable", socket.writable),
    ] {
        one(name, yes(value));
    }
    one("FileDescriptorName", socket.descriptor_name.clone());
    one("TriggerLimitIntervalSec", microseconds(Some(socket.trigger_limit.interval)));
    one("TriggerLimitBurst", socket.trigger_limit.burst.to_string());
    one(
        "SocketProtocol",
        match socket.protocol {
            None => "ip",
            Some(Protocol::UdpLite) => "udplite",
            Some(Protocol::Sctp) => "sctp",
            Some(Protocol::Mptcp) => "mptcp",
        }
        .to_owned(),
    );
    one("TimeoutSec", microseconds(socket.timeout));
    // It prints the other one, with Accept=yes.
    if !socket.accept {
        one("FlushPending", yes(socket.flush_pending));
    }
    let mut some = |name: &str, value: Option<String>| {
        all.insert(name.to_owned(), value.into_iter().collect());
    };
    some("BindToDevice", socket.bind_to_device.clone());
    some("SocketUser", socket.user.clone());
    some("SocketGroup", socket.group.clone());
    some("TCPCongestion", socket.tcp_congestion.clone());
    some("Priority", socket.priority.filter(|priority| *priority >= 0).map(|priority| priority.to_string()));
    some("ReceiveBuffer", socket.receive_buffer.filter(|size| *size > 0).map(|size| size.to_string()));
    some("SendBuffer", socket.send_buffer.filter(|size| *size > 0).map(|size| size.to_string()));
    some("IPTOS", socket.ip_tos.map(|value| value.to_string()));
    some("IPTTL", socket.ip_ttl.filter(|value| *value >= 0).map(|value| value.to_string()));
    some("Mark", socket.mark.filter(|value| *value >= 0).map(|value| value.to_string()));
    some("PipeSize", socket.pipe_size.filter(|size| *size > 0).map(|size| size.to_string()));
    let positive = |value: Option<i64>| value.filter(|value| *value > 0).map(|value| value.to_string());
    some("MessageQueueMaxMessages", positive(socket.message_queue_max_messages));
    some("MessageQueueMessageSize", positive(socket.message_queue_message_size));
    some(
        "KeepAliveTimeSec",
        socket
            .keep_alive_time
            .filter(|time| !time.is_zero())
            .map(|time| microseconds(Some(time).filter(|time| *time < Duration::MAX))),
    );
    let timestamping = match socket.timestamping {
        Timestamping::Off => None,
        Timestamping::Microseconds => Some("us".to_owned()),
        Timestamping::Nanoseconds => Some("ns".to_owned()),
    };
    some("Timestamping", timestamping);
    for name in [
        "ListenStream",
        "ListenDatagram",
        "ListenSequentialPacket",
        "ListenFIFO",
        "ListenSpecial",
        "ListenMessageQueue",
    ] {
        all.insert(name.to_owned(), Vec::new());
    }
    for listen in &socket.listen {
        let (name, value) = endpoint(&listen.endpoint);
        all.entry(name.to_owned()).or_default().push(value);
    }
    for (name, list) in [
        ("ExecStartPre", &socket.start_pre),
        ("ExecStartPost", &socket.start_post),
        ("ExecStopPre", &socket.stop_pre),
        ("ExecStopPost", &socket.stop_post),
    ] {
        all.insert(name.to_owned(), list.iter().map(command).collect());
    }
    describe_exec(all, &socket.exec, &socket.kill);
}

fn endpoint(endpoint: &Endpoint) -> (&'static str, String) {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    match endpoint {
        Endpoint::Socket { address, socket_type } => {
            let socket_type = match address {
                Address::Vsock { socket_type: Some(own), .. } => own,
                _ => socket_type,
            };
            let name = match socket_type {
                SockType::Datagram => "ListenDatagram",
                SockType::SeqPacket => "ListenSequentialPacket",
                _ => "ListenStream",
            };
            (name, shown(address))
        }
        Endpoint::Fifo(fifo) => ("ListenFIFO", path(fifo)),
        Endpoint::Special(special) => ("ListenSpecial", path(special)),
        Endpoint::MessageQueue(name) => ("ListenMessageQueue", name.clone()),
        Endpoint::Netlink { family, groups } => {
            let name = NETLINK_FAMILIES.iter().find(|(_, number)| number == family).map(|(name, _)| (*name).to_owned());
            let family = name.unwrap_or_else(|| family.to_string());
            ("ListenNetlink", format!("{family} {groups}"))
        }
    }
}

/// Those that systemd has a name for.
const NETLINK_FAMILIES: [(&str, i32); 18] = [
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

fn shown(address: &Address) -> String {
    match address {
        Address::Port(port) => format!("[::]:{port}"),
        Address::Inet(inet) => inet.to_string(),
        Address::Inet6(inet6) => format!("[{}]:{}", inet6.ip(), inet6.port()),
        Address::Path(path) => escaped(path),
        Address::Abstract(name) => format!("@{}", escaped(name)),
        Address::Vsock { cid: u32::MAX, port, .. } => format!("vsock::{port}"),
        Address::Vsock { cid, port, .. } => format!("vsock:{cid}:{port}"),
        #[allow(unreachable_patterns, reason = "kinds of addresses that come later")]
        other => format!("{other:?}"),
    }
}

/// As systemd prints names that anything may be in.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' | b'\'' | b'"' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            byte => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text
}

fn describe_service(all: &mut Properties, service: &ServiceSpec) {
    let mut one = |name: &str, value: String| {
        all.insert(name.to_owned(), vec![value]);
    };
    one(
        "Type",
        match service.service_type {
            ServiceType::Simple => "simple",
            ServiceType::Exec => "exec",
            ServiceType::Oneshot => "oneshot",
            ServiceType::Notify => "notify",
            ServiceType::NotifyReload => "notify-reload",
            ServiceType::Forking => "forking",
            ServiceType::Idle => "idle",
        }
        .to_owned(),
    );
    one(
        "Restart",
        match service.restart {
            Restart::No => "no",
            Restart::OnSuccess => "on-success",
            Restart::OnFailure => "on-failure",
            Restart::OnAbnormal => "on-abnormal",
            Restart::OnWatchdog => "on-watchdog",
            Restart::OnAbort => "on-abort",
            Restart::Always => "always",
        }
        .to_owned(),
    );
    one(
        "NotifyAccess",
        match service.notify_access {
            NotifyAccess::None => "none",
            NotifyAccess::Main => "main",
            NotifyAccess::Exec => "exec",
            NotifyAccess::All => "all",
        }
        .to_owned(),
    );
    for (name, mode) in
        [("TimeoutStartFailureMode", service.start_failure), ("TimeoutStopFailureMode", service.stop_failure)]
    {
        one(
            name,
            match mode {
                FailureMode::Terminate => "terminate",
                FailureMode::Abort => "abort",
                FailureMode::Kill => "kill",
            }
            .to_owned(),
        );
    }
    one("RemainAfterExit", yes(service.remain_after_exit));
    one("GuessMainPID", yes(service.guess_main_pid));
    one("RootDirectoryStartOnly", yes(service.root_directory_start_only));
    let restart = Some(service.restart_delay).filter(|delay| *delay != Duration::MAX);
    one("RestartSec", microseconds(restart));
    one("TimeoutStartSec", microseconds(service.timeout_start));
    one("TimeoutStopSec", microseconds(service.timeout_stop));
    all.insert("PIDFile".to_owned(), service.pid_file.iter().map(|path| path.display().to_string()).collect());
    for (name, list) in [
        ("ExecCondition", &service.condition),
        ("ExecStartPre", &service.start_pre),
        ("ExecStart", &service.start),
        ("ExecStartPost", &service.start_post),
        ("ExecReload", &service.reload),
        ("ExecStop", &service.stop),
        ("ExecStopPost", &service.stop_post),
    ] {
        all.insert(name.to_owned(), list.iter().map(command).collect());
    }
    describe_exec(all, &service.exec, &service.kill);
}

fn describe_exec(all: &mut Properties, exec: &ExecSpec, kill: &Kill) {
    let mut one = |name: &str, value: String| {
        all.insert(name.to_owned(), vec![value]);
    };
    one(
        "KillMode",
        match kill.mode {
            KillMode::ControlGroup => "control-group",
            KillMode::Mixed => "mixed",
            KillMode::Process => "process",
            KillMode::None => "none",
        }
        .to_owned(),
    );
    one(
        "KeyringMode",
        match exec.keyring {
            KeyringMode::Inherit => "inherit",
            KeyringMode::Private => "private",
            KeyringMode::Shared => "shared",
        }
        .to_owned(),
    );
    let Resources { amounts, cpu_weight, cpu_quota, cpu_quota_period, io_weight } = &exec.resources;
    for (name, attribute, unset) in [
        ("MemoryMin", "memory.min", 0),
        ("MemoryLow", "memory.low", 0),
        ("MemoryHigh", "memory.high", u64::MAX),
        ("MemoryMax", "memory.max", u64::MAX),
        ("MemorySwapMax", "memory.swap.max", u64::MAX),
    ] {
        one(name, amounts.get(attribute).unwrap_or(&unset).to_string());
    }
    // Where it is not set, that of the manager's configuration.
    amounts.get("pids.max").into_iter().for_each(|amount| one("TasksMax", amount.to_string()));
    let cpu_weight = cpu_weight.map_or(u64::MAX, |weight| match weight {
        CpuWeight::Idle => 0,
        CpuWeight::Share(share) => share.into(),
    });
    one("CPUWeight", cpu_weight.to_string());
    one("IOWeight", io_weight.map_or(u64::MAX, u64::from).to_string());
    one("CPUQuotaPerSecSec", microseconds(cpu_quota.map(|quota| Duration::from_micros(u64::from(quota) * 100))));
    one("CPUQuotaPeriodSec", microseconds(cpu_quota_period.filter(|period| *period != Duration::MAX)));
    one("KillSignal", kill.signal.to_string());
    one("RestartKillSignal", kill.restart_signal.unwrap_or(kill.signal).to_string());
    one("FinalKillSignal", kill.final_signal.to_string());
    one("SendSIGKILL", yes(kill.send_sigkill));
    one("SendSIGHUP", yes(kill.send_sighup));
    one("UMask", octal(exec.umask));
    one("IgnoreSIGPIPE", yes(exec.ignore_sigpipe));
    one("RootDirectory", exec.root_directory.as_deref().unwrap_or(Path::new("/")).display().to_string());
    one(
        "RuntimeDirectoryPreserve",
        match exec.directories.preserve {
            Preserve::No => "no",
            Preserve::Restart => "restart",
            Preserve::Yes => "yes",
        }
        .to_owned(),
    );
    if let Some(Some(path)) = exec.working_directory.as_ref().map(|directory| &directory.path) {
        one("WorkingDirectory", path.display().to_string());
    }
    if let Some(adjust) = exec.oom_score_adjust {
        one("OOMScoreAdjust", adjust.to_string());
    }
    if let Some(level) = exec.log.level_max {
        one("LogLevelMax", LEVELS[level as usize].to_owned());
    }
    if let Some(nice) = exec.nice {
        one("Nice", nice.to_string());
    }
    for limit in &exec.limits {
        let name = format!("{:?}", limit.resource).replace("RLIMIT_", "Limit");
        one(&name, limit.hard.to_string());
        one(&format!("{name}Soft"), limit.soft.to_string());
    }
    let logged = |output: &Output| {
        matches!(output, Output::Journal | Output::Kmsg | Output::JournalConsole | Output::KmsgConsole)
    };
    if logged(&exec.standard_output) || logged(&exec.standard_error) {
        one("SyslogLevel", LEVELS[exec.log.level as usize].to_owned());
    }
    streams(all, exec);
    let mut list = |name: &str, values: Vec<String>| {
        all.insert(name.to_owned(), values);
    };
    list("User", exec.user.iter().cloned().collect());
    list("Group", exec.group.iter().cloned().collect());
    let groups = exec.supplementary_groups.join(" ");
    list("SupplementaryGroups", Some(groups).filter(|groups| !groups.is_empty()).into_iter().collect());
    let text = |value: &std::ffi::OsStr| String::from_utf8_lossy(value.as_bytes()).into_owned();
    list("Environment", exec.environment.iter().map(|(name, value)| format!("{name}={}", text(value))).collect());
    let file =
        |file: &sd_activate::spec::EnvironmentFile| format!("{}{}", mark(file.optional, "-"), file.path.display());
    list("EnvironmentFile", exec.environment_files.iter().map(file).collect());
    list("LogExtraFields", exec.log.extra_fields.clone());
    list("TTYPath", exec.terminal.path.iter().map(|path| path.display().to_string()).collect());
    for (name, set) in [
        ("RuntimeDirectory", &exec.directories.runtime),
        ("StateDirectory", &exec.directories.state),
        ("CacheDirectory", &exec.directories.cache),
        ("LogsDirectory", &exec.directories.logs),
        ("ConfigurationDirectory", &exec.directories.configuration),
    ] {
        directories(all, name, set);
    }
}

fn streams(all: &mut Properties, exec: &ExecSpec) {
    let (input, file, name) = match &exec.standard_input {
        Input::Null => ("null", None, None),
        Input::Tty => ("tty", None, None),
        Input::TtyForce => ("tty-force", None, None),
        Input::TtyFail => ("tty-fail", None, None),
        Input::Data => ("data", None, None),
        Input::File(path) => ("file", Some(path), None),
        Input::Socket => ("socket", None, None),
        Input::Named(name) => ("fd", None, Some(name)),
    };
    all.insert("StandardInput".to_owned(), vec![input.to_owned()]);
    if let Some(path) = file {
        all.insert("StandardInputFile".to_owned(), vec![path.display().to_string()]);
    }
    if let Some(name) = name.filter(|name| *name != "stdin") {
        all.insert("StandardInputFileDescriptorName".to_owned(), vec![name.clone()]);
    }
    for (stream, output) in [("StandardOutput", &exec.standard_output), ("StandardError", &exec.standard_error)] {
        let word = match output {
            Output::Inherit => "inherit",
            Output::Null => "null",
            Output::Tty => "tty",
            Output::Journal => "journal",
            Output::Kmsg => "kmsg",
            Output::JournalConsole => "journal+console",
            Output::KmsgConsole => "kmsg+console",
            Output::File(_, FileMode::Overwrite) => "file",
            Output::File(_, FileMode::Append) => "append",
            Output::File(_, FileMode::Truncate) => "truncate",
            Output::Socket => "socket",
            Output::Named(_) => "fd",
        };
        all.insert(stream.to_owned(), vec![word.to_owned()]);
        if let Output::File(path, mode) = output {
            let suffix = match mode {
                FileMode::Overwrite => "File",
                FileMode::Append => "FileToAppend",
                FileMode::Truncate => "FileToTruncate",
            };
            all.insert(format!("{stream}{suffix}"), vec![path.display().to_string()]);
        }
    }
}

fn directories(all: &mut Properties, name: &str, set: &DirectorySet) {
    all.insert(format!("{name}Mode"), vec![octal(set.mode)]);
    all.insert(name.to_owned(), set.directories.keys().map(|path| path.display().to_string()).collect());
    let links = set
        .directories
        .iter()
        .flat_map(|(path, links)| links.iter().map(move |link| format!("{}:{}", path.display(), link.display())));
    all.insert(format!("{name}Symlink"), links.collect());
}

const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

fn mark(set: bool, mark: &str) -> &str {
    if set { mark } else { "" }
}

fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn octal(mode: libc::mode_t) -> String {
    format!("{mode:04o}")
}

fn microseconds(time: Timeout) -> String {
    time.map_or_else(|| "infinity".to_owned(), |time| time.as_micros().to_string())
}

/// The arguments, apart by what occurs in none.
fn command(command: &Command) -> String {
    let arguments: Vec<String> =
        command.arguments.iter().map(|argument| argument.as_bytes().escape_ascii().to_string()).collect();
    arguments.join(" | ")
}

/// What systemd prints, in the form in which it is described here.
pub fn normalize(name: &str, value: &str) -> Option<String> {
    if name.starts_with("Exec") && name != "ExecSearchPath" {
        let arguments: Vec<String> =
            unquote(value).iter().map(|argument| argument.escape_ascii().to_string()).collect();
        return Some(arguments.join(" | "));
    }
    if name.ends_with("Sec") {
        return Some(microseconds(time::span(value, time::SECOND).ok()?));
    }
    if RELATIONS.contains(&name) {
        let (unit, origin) = value.split_once(" (")?;
        let other = [".slice", ".mount", ".device"].iter().any(|suffix| unit.ends_with(suffix));
        return (origin.contains("origin-file") && !other).then(|| unit.to_owned());
    }
    if name.starts_with("Condition") || name.starts_with("Assert") {
        return value.strip_suffix(" untested").map(str::to_owned);
    }
    (value != "n/a").then(|| value.to_owned())
}

/// Arguments as systemd quotes them: for a shell, with C-style escapes within quotation marks.
pub fn unquote(text: &str) -> Vec<Vec<u8>> {
    let mut arguments = Vec::new();
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let mut argument = Vec::new();
        let mut quoted = false;
        while let [byte, following @ ..] = rest {
            rest = following;
            match byte {
                b'"' => quoted = !quoted,
                b' ' if !quoted => break,
                b'\\' if quoted => {
                    let octal = rest.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
                    let octal = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
                    if let Some(byte) = octal {
                        argument.push(byte);
                        rest = &rest[3..];
                    } else if let [escaped, following @ ..] = rest {
                        argument.push(match escaped {
                            b'a' => 7,
                            b'b' => 8,
                            b'f' => 12,
                            b'n' => b'\n',
                            b'r' => b'\r',
                            b't' => b'\t',
                            b'v' => 11,
                            other => *other,
                        });
                        rest = following;
                    }
                }
                byte => argument.push(*byte),
            }
        }
        arguments.push(argument);
    }
    arguments
}
