//! The command line of systemd-socket-activate(1), and `--once`.

use std::ffi::{OsStr, OsString};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use nix::sys::socket::SockType;

use crate::error::Error;

/// What the command line asks for.
#[derive(Debug)]
pub struct Options {
    /// The addresses to listen on, as given.
    pub listen: Vec<OsString>,
    /// The type of the sockets.
    pub socket_type: SockType,
    /// A process for each connection.
    pub accept: bool,
    /// The variables to pass: `NAME=VALUE`, or `NAME`.
    pub setenv: Vec<OsString>,
    /// The names of the descriptors: lists separated by colons.
    pub fdnames: Vec<OsString>,
    /// Descriptors are passed as standard input and output.
    pub inetd: bool,
    /// The service is started before the first connection.
    pub now: bool,
    /// The service is started once only.
    pub once: bool,
    /// The command and its arguments; never empty.
    pub command: Vec<OsString>,
}

impl Options {
    /// The command, without its arguments.
    pub fn program(&self) -> &OsStr {
        self.command.first().map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// The command and its arguments, for messages.
    pub fn command_line(&self) -> String {
        self.command.join(OsStr::new(" ")).to_string_lossy().into_owned()
    }
}

const AFTER_HELP: &str = "\
ADDRESS is a port (of all addresses, IPv6 and IPv4), ADDRESS:PORT, [IPv6]:PORT, /PATH,
@ABSTRACT or vsock:CID:PORT.

File descriptors from sd_listen_fds() are passed through, before those listened on.

The service's environment holds TERM, COLORTERM, NO_COLOR, PATH, USER and HOME, the variables
of sd_listen_fds(3), and what --setenv= adds.

When the service exits, by itself or by a signal, its sockets stay open and the next
connection starts it again. It is started at most 15 times in 2s, as with PollLimitBurst=15
and PollLimitIntervalSec=2s in systemd.socket(5): after that, connections wait until the 2s
have passed. None is refused.

SIGTERM and SIGINT are passed on to the service, then its exit is waited for and the socket
files in the file system are removed. SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are passed on too,
and end sd-activate where they end the service or none runs, or with --accept.

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
        let _ = self.0.print();
        // clap would exit with 2, the original exits with 1.
        self.0.use_stderr().into()
    }
}

/// Reads the command line.
pub fn parse(arguments: Vec<OsString>) -> Result<Options, NotOptions> {
    let mut matches = command().try_get_matches_from(arguments).map_err(NotOptions)?;
    Ok(options(&mut matches))
}

fn command() -> Command {
    let values = |name: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::Append)
            .value_parser(ValueParser::os_string())
            .allow_hyphen_values(true)
    };
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).overrides_with(name);

    Command::new("sd-activate")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .about("Listen on sockets and launch child on connection.")
        .override_usage("sd-activate [OPTIONS] COMMAND [ARGUMENT]...")
        .after_help(AFTER_HELP)
        // As getopt_long(3): a long option may be shortened.
        .infer_long_args(true)
        .arg(values("listen").short('l').value_name("ADDRESS").help("Listen for raw connections at ADDRESS"))
        .arg(
            flag("datagram").short('d').conflicts_with("seqpacket").help("Listen on datagram instead of stream socket"),
        )
        .arg(flag("seqpacket").help("Listen on SOCK_SEQPACKET instead of stream socket"))
        .arg(flag("accept").short('a').help("Spawn separate child for each connection"))
        .arg(values("setenv").short('E').value_name("NAME[=VALUE]").help("Pass an environment variable to children"))
        .arg(values("fdname").value_name("NAME[:NAME...]").help("Specify names for file descriptors"))
        .arg(flag("inetd").help("Enable inetd file descriptor passing protocol"))
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

fn options(matches: &mut ArgMatches) -> Options {
    let mut values = |name| matches.remove_many::<OsString>(name).map(Iterator::collect).unwrap_or_default();
    let (listen, setenv, fdnames, command) = (values("listen"), values("setenv"), values("fdname"), values("command"));
    let (datagram, seqpacket) = (matches.get_flag("datagram"), matches.get_flag("seqpacket"));
    Options {
        listen,
        socket_type: match (datagram, seqpacket) {
            (true, _) => SockType::Datagram,
            (_, true) => SockType::SeqPacket,
            _ => SockType::Stream,
        },
        accept: matches.get_flag("accept"),
        setenv,
        fdnames,
        inetd: matches.get_flag("inetd"),
        now: matches.get_flag("now"),
        once: matches.get_flag("once"),
        command,
    }
}

/// Whether the options go together.
pub fn check(options: &Options) -> Result<(), Error> {
    if options.accept && options.socket_type == SockType::Datagram {
        return Err(Error::Options(
            "Datagram sockets do not accept connections. The --datagram and --accept options may not be combined.",
        ));
    }
    if options.accept && options.now {
        return Err(Error::Options("--now cannot be used in conjunction with --accept."));
    }
    if options.accept && options.once {
        return Err(Error::Options("--once cannot be used in conjunction with --accept."));
    }
    Ok(())
}
