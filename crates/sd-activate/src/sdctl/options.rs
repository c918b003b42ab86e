//! The command lines of systemctl(1) and journalctl(1).

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::log::output::Format;

/// What both take.
#[derive(Clone, Debug)]
pub struct Common {
    /// `--user`.
    pub user: bool,
    /// `--control=`: the control socket.
    pub control: Option<PathBuf>,
    /// `--quiet`.
    pub quiet: bool,
}

impl Common {
    fn of(matches: &ArgMatches) -> Self {
        Self {
            user: matches.get_flag("user"),
            control: matches.get_one::<PathBuf>("control").cloned(),
            quiet: matches.get_flag("quiet"),
        }
    }
}

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).overrides_with(name)
}

/// What is taken, and does nothing here.
fn hidden(name: &'static str) -> Arg {
    flag(name).hide(true)
}

fn value(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::Set).overrides_with(name)
}

fn list(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::Append).value_delimiter(',')
}

fn common(command: Command) -> Command {
    command
        .disable_version_flag(true)
        .infer_long_args(true)
        .arg(flag("user").help("Ask the manager of the user's units"))
        .arg(hidden("system").conflicts_with("user"))
        .arg(
            value("control")
                .value_name("PATH")
                .value_parser(ValueParser::path_buf())
                .help("The control socket of the manager that is asked"),
        )
        .arg(flag("quiet").short('q').help("Say less"))
        .arg(hidden("no-pager"))
        .arg(Arg::new("version").long("version").action(ArgAction::Version).help("Print version string and exit"))
        .version(env!("CARGO_PKG_VERSION"))
}

const VERBS: &str = "\
Verbs:
  start UNIT...                stop UNIT...                 restart UNIT...
  try-restart UNIT...          reload UNIT...               reload-or-restart UNIT...
  try-reload-or-restart UNIT...                             kill UNIT...
  status [UNIT|PID...]         show [UNIT...]               cat UNIT...
  is-active UNIT...            is-failed UNIT...            reset-failed [UNIT...]
  list-units [PATTERN...]      list-sockets [PATTERN...]    daemon-reload
  is-enabled UNIT...           enable UNIT...               disable UNIT...
  logs [OPTIONS]               what journalctl(1) does: see sdctl logs --help

UNIT is a unit's name; without a suffix it is that of a service.

The manager is asked through its control socket: /run/sd-activate/control for root, and
$XDG_RUNTIME_DIR/sd-activate/control for others and with --user; $SD_ACTIVATE_CONTROL or
--control= name another. enable, disable and is-enabled work on files.

Called by the name systemctl or journalctl, it is that. Exit statuses are those of systemctl(1).";

/// The command line of `sdctl` and `systemctl`.
pub fn systemctl(program: &'static str) -> Command {
    common(Command::new(program))
        .about("Ask and tell the manager of units that sd-activate is.")
        .override_usage(format!("{program} [OPTIONS] VERB [UNIT]..."))
        .after_help(VERBS)
        .arg(list("type").short('t').value_name("TYPE").help("List units of a type, or in a state"))
        .arg(list("state").value_name("STATE").help("List units in a state"))
        .arg(flag("failed").help("The same as --state=failed"))
        .arg(list("property").short('p').value_name("NAME").help("Show these properties alone"))
        .arg(list("value-of").short('P').value_name("NAME").hide(true))
        .arg(flag("value").help("Show values without names"))
        .arg(flag("all").short('a').help("Show inactive units, and properties without a value"))
        .arg(hidden("full").short('l'))
        .arg(value("lines").short('n').value_name("NUMBER").help("Lines of the log in status: 10"))
        .arg(value("output").short('o').value_name("FORMAT").help("How these are printed: see logs"))
        .arg(value("legend").value_name("BOOL").help("Print what the columns are"))
        .arg(flag("no-legend").help("The same as --legend=no"))
        .arg(flag("plain").help("Print no dots"))
        .arg(flag("show-types").help("List the types of sockets"))
        .arg(flag("no-block").help("Do not wait for the end of what is asked"))
        .arg(value("signal").short('s').value_name("SIGNAL").help("What kill sends: SIGTERM"))
        .arg(value("kill-whom").alias("kill-who").value_name("WHOM").help("Kill main, control or all: all"))
        .arg(flag("now").help("Start what is enabled, stop what is disabled"))
        .arg(flag("runtime").help("Enable or disable until the machine is booted again"))
        .arg(flag("force").short('f').help("Enable: replace links that lead elsewhere"))
        .arg(flag("no-reload").help("Do not have units read anew after enable or disable"))
        .arg(
            value("root")
                .value_name("DIR")
                .value_parser(ValueParser::path_buf())
                .help("Enable or disable units below another root directory"),
        )
        .arg(flag("no-warn").help("Do not warn of what may start a stopped unit again"))
        .arg(hidden("no-ask-password"))
        .arg(Arg::new("verb").value_name("VERB"))
        .arg(Arg::new("units").value_name("UNIT").num_args(0..).action(ArgAction::Append))
}

/// What `systemctl` is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// What both commands take.
    pub common: Common,
    /// The verb.
    pub verb: String,
    /// The units, PIDs or patterns.
    pub units: Vec<String>,
    /// `--type=`.
    pub types: Vec<String>,
    /// `--state=`.
    pub states: Vec<String>,
    /// `--property=`.
    pub properties: Vec<String>,
    /// `--value`.
    pub value_only: bool,
    /// `--all`.
    pub all: bool,
    /// `--lines=`.
    pub lines: Option<String>,
    /// `--output=`.
    pub output: Option<String>,
    /// `--legend=`.
    pub legend: bool,
    /// `--plain`.
    pub plain: bool,
    /// `--show-types`.
    pub show_types: bool,
    /// `--no-block`.
    pub no_block: bool,
    /// `--signal=`.
    pub signal: String,
    /// `--kill-whom=`.
    pub kill_whom: String,
    /// `--now`.
    pub now: bool,
    /// `--runtime`.
    pub runtime: bool,
    /// `--force`.
    pub force: bool,
    /// `--no-reload`.
    pub no_reload: bool,
    /// `--root=`.
    pub root: Option<PathBuf>,
    /// `--no-warn`.
    pub no_warn: bool,
}

impl Options {
    /// Reads a command line.
    pub fn parse(program: &'static str, arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        let matches = systemctl(program).try_get_matches_from(arguments)?;
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let texts = |name: &str| matches.get_many::<String>(name).unwrap_or_default().cloned().collect::<Vec<_>>();
        let flag = |name: &str| matches.get_flag(name);
        let no = |value: &str| ["0", "no", "n", "false", "f", "off"].contains(&value.to_ascii_lowercase().as_str());
        let mut states = texts("state");
        if flag("failed") {
            states.push("failed".to_owned());
        }
        let mut properties = texts("property");
        properties.extend(texts("value-of"));
        Ok(Self {
            common: Common::of(&matches),
            verb: text("verb").unwrap_or_else(|| "list-units".to_owned()),
            units: texts("units"),
            types: texts("type"),
            states,
            properties,
            value_only: flag("value") || matches.contains_id("value-of"),
            all: flag("all"),
            lines: text("lines"),
            output: text("output"),
            legend: !flag("no-legend") && !flag("quiet") && !text("legend").is_some_and(|value| no(&value)),
            plain: flag("plain"),
            show_types: flag("show-types"),
            no_block: flag("no-block"),
            signal: text("signal").unwrap_or_else(|| "SIGTERM".to_owned()),
            kill_whom: text("kill-whom").unwrap_or_else(|| "all".to_owned()),
            now: flag("now"),
            runtime: flag("runtime"),
            force: flag("force"),
            no_reload: flag("no-reload"),
            root: matches.get_one::<PathBuf>("root").cloned(),
            no_warn: flag("no-warn"),
        })
    }
}

/// The command line of `sdctl logs` and `journalctl`.
pub fn journalctl(program: &'static str) -> Command {
    common(Command::new(program))
        .about("Print what units have logged, and what the manager says of them.")
        .override_usage(format!("{program} [OPTIONS] [FIELD=VALUE]..."))
        .arg(list("unit").short('u').value_name("UNIT|PATTERN").help("Of this unit alone"))
        .arg(list("user-unit").value_name("UNIT").hide(true))
        .arg(list("identifier").short('t').value_name("NAME").help("With this identifier alone"))
        .arg(
            value("priority")
                .short('p')
                .value_name("PRIORITY")
                .help("As important as this, or more: err, warning, 0 to 7"),
        )
        .arg(value("since").short('S').value_name("TIME").help("Not before: \"2026-11-28 12:00\", yesterday, -1h"))
        .arg(value("until").short('U').value_name("TIME").help("Not after"))
        .arg(value("after-cursor").value_name("CURSOR").help("Only what came after this entry"))
        .arg(
            value("lines")
                .short('n')
                .value_name("NUMBER")
                .num_args(0..=1)
                .default_missing_value("10")
                .help("The last so many: 10 without a number, all"),
        )
        .arg(flag("follow").short('f').help("What will come, too"))
        .arg(flag("no-tail").help("With --follow, all that was before"))
        .arg(flag("pager-end").short('e').help("The last 1000"))
        .arg(flag("reverse").short('r').help("The newest first"))
        .arg(value("output").short('o').value_name("FORMAT").help("short, short-iso, cat, json"))
        .arg(hidden("boot").short('b'))
        .arg(hidden("catalog").short('x'))
        .arg(hidden("all").short('a'))
        .arg(hidden("no-full"))
        .arg(hidden("full").short('l'))
        .arg(Arg::new("matches").value_name("FIELD=VALUE").num_args(0..).action(ArgAction::Append))
}

/// What `journalctl` is to print.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// What both commands take.
    pub common: Common,
    /// `--unit=`.
    pub units: Vec<String>,
    /// `--identifier=`.
    pub identifiers: Vec<String>,
    /// `--priority=`.
    pub priority: Option<String>,
    /// `--since=`.
    pub since: Option<String>,
    /// `--until=`.
    pub until: Option<String>,
    /// `--after-cursor=`.
    pub after: Option<String>,
    /// `--lines=`.
    pub lines: Option<String>,
    /// `--follow`.
    pub follow: bool,
    /// `--no-tail`.
    pub no_tail: bool,
    /// `--pager-end`.
    pub end: bool,
    /// `--reverse`.
    pub reverse: bool,
    /// `--output=`.
    pub output: Option<String>,
    /// `FIELD=VALUE`.
    pub matches: Vec<String>,
}

impl LogOptions {
    /// Reads a command line.
    pub fn parse(program: &'static str, arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        let matches = journalctl(program).try_get_matches_from(arguments)?;
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let texts = |name: &str| matches.get_many::<String>(name).unwrap_or_default().cloned().collect::<Vec<_>>();
        Ok(Self {
            common: Common::of(&matches),
            units: [texts("unit"), texts("user-unit")].concat(),
            identifiers: texts("identifier"),
            priority: text("priority"),
            since: text("since"),
            until: text("until"),
            after: text("after-cursor"),
            lines: text("lines"),
            follow: matches.get_flag("follow"),
            no_tail: matches.get_flag("no-tail"),
            end: matches.get_flag("pager-end"),
            reverse: matches.get_flag("reverse"),
            output: text("output"),
            matches: texts("matches"),
        })
    }
}

/// The format of this name.
pub fn format(name: Option<&str>) -> Option<Format> {
    name.map_or(Some(Format::Short), Format::parse)
}
