//! The command line of systemd-socket-activate(1), and `--once`: a socket unit and a service, built from options.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches};
use nix::sys::socket::SockType;

use super::connect::Connect;
use super::names;
use crate::address::Address;
use crate::engine::Once;
use crate::error::Error;
use crate::spec::{
    Command, Endpoint, Input, Kind, Listen, Origin, Output, Privileges, RateLimit, ServiceSpec, ServiceType,
    SocketSpec, UnitName, UnitSpec,
};
use crate::unit::{time, value::Invalid};

/// What is passed on from this process's own environment: nothing else, as with systemd-socket-activate.
const PASSED_ON: [&str; 6] = ["TERM", "COLORTERM", "NO_COLOR", "PATH", "USER", "HOME"];

/// As often as it likes.
pub(super) const NO_LIMIT: RateLimit = RateLimit { interval: Duration::ZERO, burst: 0 };

/// What the command line asks for.
#[derive(Debug)]
pub struct Activation {
    /// Where to listen.
    pub socket: SocketSpec,
    /// What to start.
    pub service: ServiceSpec,
    /// The names of the descriptors. One stands for every descriptor.
    pub names: Vec<Vec<u8>>,
    /// How often it is started.
    pub once: Once,
    /// Where the service listens, if it opens its own port.
    pub connect: Option<Connect>,
}

impl Activation {
    /// What is executed.
    pub fn command(&self) -> &Command {
        &self.service.start[0]
    }

    /// What is asked for as units: the socket, and its service.
    pub fn units(&self) -> (Arc<UnitSpec>, Arc<UnitSpec>) {
        let socket = UnitSpec::new(unit_name(), Kind::Socket(Arc::new(self.socket.clone())));
        let mut service = UnitSpec::new(self.socket.service.clone(), Kind::Service(Arc::new(self.service.clone())));
        // It is started as often as somebody comes.
        service.start_limit = NO_LIMIT;
        (Arc::new(socket), Arc::new(service))
    }

    /// Whether descriptors are passed as standard input and output.
    pub fn is_inetd(&self) -> bool {
        self.service.exec.standard_input == Input::Socket
    }
}

const AFTER_HELP: &str = "\
UNIT is the path of a unit's file, or a name that is looked for on the unit path: see
sd-activate --verify --help.

ADDRESS is a port (of all IPv6 addresses, and IPv4 ones unless the sysctl net.ipv6.bindv6only
is 1), ADDRESS:PORT, [IPv6]:PORT, /PATH, @ABSTRACT or vsock:CID:PORT.

File descriptors from sd_listen_fds() are passed through, before those listened on.

The service's environment holds TERM, COLORTERM, NO_COLOR, PATH, USER and HOME, the variables
of sd_listen_fds(3), and what --setenv= adds: -E LD_LIBRARY_PATH passes that on.

When the service exits, by itself or by a signal, its sockets stay open and the next
connection starts it again. It is started at most 15 times in 2s, as with PollLimitBurst=15
and PollLimitIntervalSec=2s in systemd.socket(5): after that, connections wait until the 2s
have passed. None is refused.

Every signal that can be is passed on to the service, which has a process group of its own.
SIGTERM, SIGINT and SIGQUIT stop sd-activate too: it waits for the service to end, removes the
socket files in the file system, and ends; with --accept it stops listening first. A service
that still runs after 90s has survived, and all goes on. Another signal ends sd-activate
where it ends the service.

A service that opens its own port, and takes no socket, is started with --connect=ADDRESS,
where it listens: what connects to --listen= is passed on, once it does. With --idle=TIME it is
stopped when nobody has been connected for so long; the next connection starts it again.

Where $NOTIFY_SOCKET is set, READY=1 is sent once it listens (sd_notify(3)).

Exit status: 0 when stopped by a signal while no service ran; otherwise that of the service
that ran last, 128 and the signal's number where a signal ended it (0 where that was the
signal passed on); 1 where listening failed; 127 for a command not found, 126 for one that
cannot be executed.";

/// Why there are no options: what is wrong with them, or a text that was asked for.
#[derive(Debug)]
pub struct NotOptions(clap::Error);

impl NotOptions {
    /// Prints it. Returns the exit status.
    pub fn print(&self) -> u8 {
        sd_tools::print_usage(&self.0)
    }
}

/// What does not lead to an activation.
#[derive(Debug)]
pub enum Unusable {
    /// No options, or a text that was asked for.
    Options(NotOptions),
    /// Options that say something wrong.
    Error(Error),
}

impl From<Error> for Unusable {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Reads the command line.
pub fn parse(arguments: Vec<OsString>) -> Result<Activation, Unusable> {
    let matches = options().try_get_matches_from(arguments);
    Ok(activation(&mut matches.map_err(|error| Unusable::Options(NotOptions(error)))?)?)
}

/// The options.
pub fn options() -> clap::Command {
    let values = |name: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::Append)
            .value_parser(ValueParser::os_string())
            .allow_hyphen_values(true)
    };
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).overrides_with(name);

    let time = |name: &'static str| {
        Arg::new(name).long(name).value_name("TIME").overrides_with(name).value_parser(|text: &str| {
            time::span(text, time::SECOND).map(|_| text.to_owned()).map_err(|Invalid { message, .. }| message)
        })
    };

    clap::Command::new("sd-activate")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .about("Listen on sockets and launch child on connection.")
        .override_usage("sd-activate [OPTIONS] COMMAND [ARGUMENT]...\n       sd-activate [--user] [--unit-path=DIR[:DIR...]] [--verify] UNIT...")
        .after_help(AFTER_HELP)
        // As getopt_long(3): a long option may be shortened.
        .infer_long_args(true)
        .arg(
            // What is short for it in the original must not be short for --listen-datagram as well.
            values("listen")
                .short('l')
                .aliases(["l", "li", "lis", "list", "liste"])
                .value_name("ADDRESS")
                .help("Listen for raw connections at ADDRESS"),
        )
        .arg(
            values("listen-datagram")
                .value_name("ADDRESS")
                .help("Listen for datagrams at ADDRESS, besides what -l says"),
        )
        .arg(
            flag("datagram").short('d').conflicts_with("seqpacket").help("Listen on datagram instead of stream socket"),
        )
        .arg(flag("seqpacket").help("Listen on SOCK_SEQPACKET instead of stream socket"))
        .arg(flag("accept").short('a').help("Spawn separate child for each connection"))
        .arg(values("setenv").short('E').value_name("NAME[=VALUE]").help("Pass an environment variable to children"))
        .arg(values("fdname").value_name("NAME[:NAME...]").help("Specify names for file descriptors"))
        .arg(
            values("connect")
                .action(ArgAction::Set)
                .overrides_with("connect")
                .value_name("ADDRESS")
                .help("The service listens on ADDRESS itself: pass connections on to it"),
        )
        .arg(time("idle").help("Stop it when nobody has been connected for so long, with --connect="))
        .arg(time("wait").help("Wait so long until it listens, with --connect=; 90s without it"))
        .arg(flag("inetd").aliases(["i"]).help("Enable inetd file descriptor passing protocol"))
        .arg(flag("now").help("Start instantly instead of waiting for connection"))
        .arg(flag("once").help("Start the service once only, and exit with its exit status"))
        .arg(Arg::new("version").long("version").action(ArgAction::Version).help("Print version string and exit"))
        .arg(
            Arg::new("command")
                .action(ArgAction::Append)
                .value_parser(ValueParser::os_string())
                .value_name("COMMAND")
                .num_args(1..)
                .required(true)
                .trailing_var_arg(true)
                .help("The service to start, and its arguments"),
        )
}

fn activation(matches: &mut ArgMatches) -> Result<Activation, Error> {
    let connect = Connect::of(matches)?;
    let accept = matches.get_flag("accept");
    let once = Once { now: matches.get_flag("now"), once: matches.get_flag("once") };
    let socket_type = match (matches.get_flag("datagram"), matches.get_flag("seqpacket")) {
        (true, _) => SockType::Datagram,
        (_, true) => SockType::SeqPacket,
        _ => SockType::Stream,
    };
    if accept && once.now {
        return Err(Error::Options("--now cannot be used in conjunction with --accept."));
    }
    if accept && once.once {
        return Err(Error::Options("--once cannot be used in conjunction with --accept."));
    }

    // In the order of the command line, whichever option each has.
    let mut addresses = indexed(matches, "listen", socket_type);
    addresses.extend(indexed(matches, "listen-datagram", SockType::Datagram));
    addresses.sort_by_key(|(index, ..)| *index);
    if accept && addresses.iter().any(|(_, _, socket_type)| *socket_type == SockType::Datagram) {
        return Err(Error::Options(
            "Datagram sockets do not accept connections. --datagram and --listen-datagram= may not be combined with --accept.",
        ));
    }

    let mut values = |name| matches.remove_many::<OsString>(name).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    let (setenv, fdnames, command) = (values("setenv"), values("fdname"), values("command"));
    let listen = addresses.iter().map(|(_, text, socket_type)| listen_on(text, *socket_type));
    let listen = listen.collect::<Result<_, _>>()?;
    let variables = setenv.iter().map(|text| assign(text).ok_or_else(|| Error::Assignment(text.clone())));
    let variables = variables.collect::<Result<_, _>>()?;
    let service = service(command, matches.get_flag("inetd"), variables);
    Ok(Activation { socket: socket(listen, accept), service, names: names::read(&fdnames), once, connect })
}

/// The values of an option, each with its place on the command line.
fn indexed(matches: &ArgMatches, name: &str, socket_type: SockType) -> Vec<(usize, OsString, SockType)> {
    let values = matches.get_many::<OsString>(name).unwrap_or_default().cloned();
    let indices = matches.indices_of(name).into_iter().flatten();
    indices.zip(values).map(|(index, value)| (index, value, socket_type)).collect()
}

fn listen_on(text: &OsStr, socket_type: SockType) -> Result<Listen, Error> {
    let address = Address::parse(text).map_err(|error| Error::Address { text: text.to_owned(), error })?;
    Ok(Listen { endpoint: Endpoint::Socket { address, socket_type }, origin: Origin::option("--listen=") })
}

fn socket(listen: Vec<Listen>, accept: bool) -> SocketSpec {
    let usual = SocketSpec::new(&unit_name());
    SocketSpec {
        listen,
        accept,
        // As the original, whatever umask this process has.
        mode: 0o644,
        remove_on_stop: true,
        max_connections: u32::MAX,
        // A service that serves one connection and exits does nothing wrong.
        trigger_limit: NO_LIMIT,
        poll_limit: if accept { NO_LIMIT } else { usual.poll_limit },
        ..usual
    }
}

fn service(command: Vec<OsString>, inetd: bool, variables: Vec<(String, OsString)>) -> ServiceSpec {
    let mut service = ServiceSpec { service_type: ServiceType::Exec, ..ServiceSpec::default() };
    service.start.push(Command {
        path: command.first().map(PathBuf::from).unwrap_or_default(),
        arguments: command,
        expand: false,
        ignore_failure: false,
        privileges: Privileges::Restricted,
        origin: Origin::option("COMMAND"),
    });
    if inetd {
        (service.exec.standard_input, service.exec.standard_output) = (Input::Socket, Output::Socket);
    }
    service.exec.pass_environment = PASSED_ON.map(str::to_owned).to_vec();
    service.exec.environment = variables;
    service
}

fn unit_name() -> UnitName {
    UnitName::new("sd-activate.socket").expect("a valid name")
}

/// What `--setenv=` sets: `NAME=VALUE`, or the value that NAME has here, empty where it has none.
fn assign(assignment: &OsStr) -> Option<(String, OsString)> {
    let text = assignment.to_str()?;
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, value.into()),
        None => (text, std::env::var_os(text).unwrap_or_default()),
    };
    let starts = name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic());
    let goes_on = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    (starts && goes_on).then(|| (name.into(), value))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn variables_are_assigned_as_systemd_socket_activate_assigns_them() {
        type Case<'a> = (&'a [u8], Option<(&'a str, &'a str)>);
        let cases: &[Case<'_>] = &[
            (b"A=1", Some(("A", "1"))),
            (b"A=", Some(("A", ""))),
            (b"A=b=c", Some(("A", "b=c"))),
            (b"_a1=x y\n\x01", Some(("_a1", "x y\n\x01"))),
            (b"NOBODY_SETS_THIS", Some(("NOBODY_SETS_THIS", ""))),
            ("A=é".as_bytes(), Some(("A", "é"))),
            (b"A=\xff", None),
            (b"", None),
            (b"=x", None),
            (b"1A=b", None),
            (b"A B=c", None),
            (b"A-B=1", None),
            ("é=x".as_bytes(), None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(name, value)| (name.into(), value.into()));
            assert_eq!(assign(OsStr::from_bytes(text)), expected, "{text:?}");
        }
    }
}
