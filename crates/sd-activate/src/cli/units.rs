//! `sd-activate UNIT…`: units, from their files until a signal stops them; and `sd-activate --verify UNIT…`, which says what is
//! wrong with them, and what of them is not honoured here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches};

use super::{FAILURE, exit_status, manage};
use crate::control;
use crate::log::output::Format;
use crate::log::say;
use crate::spec::Scope;
use crate::unit::load::Loader;
use crate::unit::path::{self, unit_path};
use crate::unit::value;
use crate::unit::verify::{Wanted, verify};
use crate::world::anew::Itself;
use crate::world::{Asking, Settings};

/// The options that take a value, which may be an argument of its own.
const WITH_VALUE: [&str; 5] = ["--unit-path", "--ignore", "--log-buffer", "--log-format", "--control"];
/// Those that take none.
const WITHOUT_VALUE: [&str; 3] = ["--user", "--verify", "--no-journal"];

/// Whether the arguments ask for units: options that only units have, before anything else, or nothing but names of units.
pub fn are_asked_for(arguments: &[OsString]) -> bool {
    let mut rest = arguments.iter().skip(1).peekable();
    let is_option = |argument: &&OsString| *argument != "--" && argument.to_string_lossy().starts_with('-');
    while let Some(argument) = rest.next_if(is_option) {
        let argument = argument.to_string_lossy();
        let (option, value) =
            argument.split_once('=').map_or((&*argument, None), |(option, value)| (option, Some(value)));
        if option == "--verify" {
            return true;
        }
        if WITH_VALUE.contains(&option) {
            if value.is_none() {
                rest.next();
            }
        } else if !WITHOUT_VALUE.contains(&option) {
            return false;
        }
    }
    rest.peek().is_some() && rest.all(|unit| Wanted::parse(Path::new(unit)).is_some())
}

/// Does what the arguments ask for. Returns the exit status.
pub fn main(arguments: Vec<OsString>) -> u8 {
    let itself = Itself::new(&arguments);
    match options().try_get_matches_from(arguments) {
        Ok(matches) => run(&matches, itself),
        Err(error) => sd_tools::print_usage(&error),
    }
}

/// The options.
pub fn options() -> clap::Command {
    clap::Command::new("sd-activate")
        .about("Manage units in the foreground, until SIGTERM or SIGINT.")
        .override_usage("sd-activate [OPTIONS] UNIT...")
        .after_help(
            "Sockets are listened on, and start their services when somebody comes; services are started at once.\n\n\
             Exit status: 0 where a signal has stopped them, 1 where a unit has failed or cannot be started. With --verify, \
             0 where all can be started, 1 where something is wrong or refused.",
        )
        .arg(
            Arg::new("verify")
                .long("verify")
                .action(ArgAction::SetTrue)
                .help("Say what is wrong with units and what of them is not honoured here, and start none"),
        )
        .arg(
            Arg::new("unit-path")
                .long("unit-path")
                .value_name("DIR[:DIR...]")
                .value_parser(ValueParser::os_string())
                .help("Look for units in these directories alone"),
        )
        .arg(Arg::new("user").long("user").action(ArgAction::SetTrue).help("Look for the user's units"))
        .arg(
            Arg::new("ignore")
                .long("ignore")
                .value_name("SETTING")
                .action(ArgAction::Append)
                .help("Ignore a setting that would be refused; \"confinement\" is all that confine a service"),
        )
        .arg(
            Arg::new("log-buffer")
                .long("log-buffer")
                .value_name("SIZE")
                .value_parser(|size: &str| value::size(size).map_err(|invalid| invalid.message))
                .help("Keep so many bytes of the log in memory; 4M without it"),
        )
        .arg(
            Arg::new("log-format")
                .long("log-format")
                .value_name("FORMAT")
                .value_parser(Format::NAMES.map(|(name, _)| name))
                .help("Show the log so on standard error, as journalctl's --output= does; with \"prefix\" a line begins with its priority"),
        )
        .arg(
            Arg::new("control")
                .long("control")
                .value_name("PATH")
                .value_parser(ValueParser::path_buf())
                .help("Where sdctl asks: /run/sd-activate/control for root, otherwise below $XDG_RUNTIME_DIR"),
        )
        .arg(
            Arg::new("no-journal")
                .long("no-journal")
                .action(ArgAction::SetTrue)
                .help("Do not open /run/systemd/journal and /dev/log where no journald does"),
        )
        .arg(
            Arg::new("units")
                .value_name("UNIT")
                .value_parser(ValueParser::os_string())
                .num_args(1..)
                .required(true)
                .help("A unit's name, or the path of its file"),
        )
}

fn run(matches: &ArgMatches, itself: Itself) -> u8 {
    let scope = if matches.get_flag("user") { Scope::user() } else { Scope::system() };
    let mut directories: Vec<PathBuf> = Vec::new();
    let mut names = Vec::new();
    let mut status = 0;
    for argument in matches.get_many::<OsString>("units").unwrap_or_default() {
        match Wanted::parse(Path::new(argument)) {
            Some(wanted) => {
                names.push(wanted.name);
                directories.extend(wanted.directory);
            }
            None => {
                say(format_args!(
                    "{}: a unit's name ends in .socket, .service or .target.",
                    argument.to_string_lossy()
                ));
                status = FAILURE;
            }
        }
    }
    directories.extend(match matches.get_one::<OsString>("unit-path") {
        Some(given) => path::split(given),
        None => unit_path(&scope),
    });
    let directories = path::once(directories);
    let ignored = matches.get_many::<String>("ignore").unwrap_or_default().cloned();
    let path = matches.get_one::<PathBuf>("control").cloned().or_else(|| control::path(scope.user));
    let asking = Asking { path, unit_path: directories.clone(), user: scope.user, itself };
    let loader = Loader::new(scope.clone(), directories, ignored);
    if !matches.get_flag("verify") {
        return if status == 0 {
            exit_status(manage::run(loader, &names, scope, log_settings(matches), asking))
        } else {
            status
        };
    }
    let (diagnostics, good) = verify(&loader, &names);
    for diagnostic in diagnostics {
        say(diagnostic);
    }
    if good { status } else { FAILURE }
}

fn log_settings(matches: &ArgMatches) -> Settings {
    let given = matches.get_one::<u64>("log-buffer");
    let buffer = given.map_or(Settings::default().buffer, |size| usize::try_from(*size).unwrap_or(usize::MAX));
    Settings {
        buffer,
        format: matches.get_one::<String>("log-format").and_then(|name| Format::parse(name)),
        sockets: !matches.get_flag("no-journal"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_asked_for_by_their_options_or_their_names() {
        let cases: [(&[&str], bool); 14] = [
            (&["--verify", "a.socket"], true),
            (&["--verify", "a"], true),
            (&["--user", "--verify", "a.socket"], true),
            (&["--unit-path", "/a", "--ignore=User", "--verify", "a.socket"], true),
            (&["a.socket"], true),
            (&["./a.socket", "/b@c.service", "d.target"], true),
            (&["--unit-path=/a", "--user", "a.socket"], true),
            (&["--unit-path", "/a.socket"], false),
            (&["a.socket", "b"], false),
            (&["-l", "80", "a.service"], false),
            (&["-l", "80", "program", "--verify"], false),
            (&["--", "--verify"], false),
            (&["program.py"], false),
            (&[], false),
        ];
        for (arguments, expected) in cases {
            let arguments: Vec<OsString> = ["sd-activate"].iter().chain(arguments).map(OsString::from).collect();
            assert_eq!(are_asked_for(&arguments), expected, "{arguments:?}");
        }
    }
}
