//! The options of systemd-socket-proxyd(8), and three more.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::target::Target;
use crate::end::{self, Failure};
use crate::span::{SECOND, span};
use crate::{last, program, value};

/// How many connections there may be at a time where nothing is said.
const CONNECTIONS_MAX: u32 = 256;

/// What the command line says.
#[derive(Debug)]
pub struct Settings {
    /// Where connections go.
    pub target: Target,
    /// How many there may be at a time.
    pub connections_max: u32,
    /// How long to go on without a connection; None is for ever.
    pub exit_idle_time: Option<Duration>,
    /// How long to try again where nobody listens yet; None is for ever.
    pub wait: Option<Duration>,
    /// How long a connection may be silent; None is for ever.
    pub idle: Option<Duration>,
    /// Whether a header of the PROXY protocol goes first.
    pub proxy_protocol: bool,
}

const AFTER_HELP: &str = "\
HOST is a name or an address, [IPv6] in brackets or without; without PORT it is port 80. SOCKET
is a path, or @NAME of an abstract socket.

The sockets to accept connections from are passed in, as sd_listen_fds(3) describes it: by a
socket unit of systemd or of sd-activate. What one side sends reaches the other, in both
directions; where one side ends what it sends, the other can still answer.

Times are those of systemd.time(7): 30, \"5min 20s\", infinity.

Exit status: 0 after --exit-idle-time=, otherwise 1.";

/// The options.
pub fn command() -> Command {
    program("sd-proxy")
        .about("Bidirectionally proxy local sockets to another (possibly remote) socket.")
        .override_usage("sd-proxy [OPTIONS] HOST[:PORT]\n       sd-proxy [OPTIONS] SOCKET")
        .after_help(AFTER_HELP)
        .arg(
            value("connections-max", "NUMBER")
                .short('c')
                .help("Set the maximum number of connections at a time; 256 without it"),
        )
        .arg(value("exit-idle-time", "TIME").help("Exit when without a connection for this duration"))
        .arg(value("wait", "TIME").help("Where nobody listens yet, try again for this duration instead of failing"))
        .arg(value("idle", "TIME").help("Close a connection on which nothing has moved for this duration"))
        .arg(value("proxy-protocol", "VERSION").help("Tell the other side who connects, by the PROXY protocol: v2"))
        .arg(
            Arg::new("target")
                .value_name("HOST[:PORT]|SOCKET")
                .value_parser(ValueParser::os_string())
                .action(ArgAction::Append)
                .num_args(0..)
                .help("Where connections go"),
        )
}

/// Reads the command line.
///
/// # Errors
///
/// What is wrong with it, or a text that it asks for.
pub fn parse(arguments: Vec<OsString>) -> Result<Settings, Failure> {
    let matches = end::parse(command(), arguments)?;
    let connections_max = text(&matches, "connections-max", |text| match number(text) {
        Some(0) => Err(Failure::refused("Connection limit is too low.")),
        Some(number) => Ok(number),
        None => Err(not_parsed("connections-max", text)),
    })?;
    let proxy_protocol = text(&matches, "proxy-protocol", |text| match text {
        "v2" => Ok(true),
        _ => Err(Failure::refused(format!("--proxy-protocol={text}: there is v2 only."))),
    })?;
    let (exit_idle_time, idle) = (time(&matches, "exit-idle-time", None)?, time(&matches, "idle", None)?);
    let wait = time(&matches, "wait", Some(Duration::ZERO))?;
    let mut targets = matches.get_many::<OsString>("target").unwrap_or_default();
    let target = targets.next().ok_or_else(|| Failure::refused("Not enough parameters."))?;
    if targets.next().is_some() {
        return Err(Failure::refused("Too many parameters."));
    }
    Ok(Settings {
        target: Target::new(target),
        connections_max: connections_max.unwrap_or(CONNECTIONS_MAX),
        exit_idle_time,
        wait,
        idle,
        proxy_protocol: proxy_protocol.unwrap_or(false),
    })
}

/// What an option was given last, as text.
fn text<T>(matches: &ArgMatches, name: &str, read: impl Fn(&str) -> Result<T, Failure>) -> Result<Option<T>, Failure> {
    last(matches, name, |text| read(text.to_str().ok_or_else(|| not_parsed(name, &text.to_string_lossy()))?))
}

/// A time; the `usual` one where the option is not there.
fn time(matches: &ArgMatches, name: &str, usual: Option<Duration>) -> Result<Option<Duration>, Failure> {
    let time = text(matches, name, |text| span(text, SECOND).map_err(|_| not_parsed(name, text)))?;
    Ok(time.unwrap_or(usual))
}

fn not_parsed(name: &str, value: &str) -> Failure {
    Failure::refused(format!("Failed to parse --{name}= argument: {value}"))
}

/// A number as strtoul(3) reads it in base 0.
fn number(text: &str) -> Option<u32> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r']);
    let (base, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    u32::from_str_radix(digits, base).ok()
}
