//! `sd-activate --verify UNIT…`: what is wrong with units, and what of them is not honoured here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches};

use super::FAILURE;
use crate::log::say;
use crate::unit::load::Loader;
use crate::unit::path::{self, unit_path};
use crate::unit::specifier::Scope;
use crate::unit::verify::{Wanted, verify};

/// The options that take a value, which may be an argument of its own.
const WITH_VALUE: [&str; 2] = ["--unit-path", "--ignore"];

/// Whether the arguments ask for it: `--verify` among the options, before anything else.
pub fn is_asked_for(arguments: &[OsString]) -> bool {
    let mut rest = arguments.iter().skip(1);
    let is_option = |argument: &&OsString| *argument != "--" && argument.to_string_lossy().starts_with("--");
    while let Some(argument) = rest.next().filter(is_option) {
        if argument == "--verify" {
            return true;
        }
        if WITH_VALUE.iter().any(|option| argument == option) {
            rest.next();
        }
    }
    false
}

/// Verifies units. Returns the exit status.
pub fn main(arguments: Vec<OsString>) -> u8 {
    match options().try_get_matches_from(arguments) {
        Ok(matches) => run(&matches),
        Err(error) => {
            let _ = error.print();
            error.use_stderr().into()
        }
    }
}

fn options() -> clap::Command {
    clap::Command::new("sd-activate")
        .about("Say what is wrong with units, and what of them is not honoured here.")
        .override_usage("sd-activate --verify [OPTIONS] UNIT...")
        .after_help("Exit status: 0 where all can be started, 1 where something is wrong or refused.")
        .arg(Arg::new("verify").long("verify").action(ArgAction::SetTrue).help("Verify units, and start none"))
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
            Arg::new("units")
                .value_name("UNIT")
                .value_parser(ValueParser::os_string())
                .num_args(1..)
                .required(true)
                .help("A unit's name, or the path of its file"),
        )
}

fn run(matches: &ArgMatches) -> u8 {
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
    let ignored = matches.get_many::<String>("ignore").unwrap_or_default().cloned();
    let (diagnostics, good) = verify(&Loader::new(scope, directories, ignored), &names);
    for diagnostic in diagnostics {
        say(diagnostic);
    }
    if good { status } else { FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_counts_where_options_stand_only() {
        let cases: [(&[&str], bool); 6] = [
            (&["sd-activate", "--verify", "a.socket"], true),
            (&["sd-activate", "--user", "--verify", "a.socket"], true),
            (&["sd-activate", "--unit-path", "/a", "--ignore=User", "--verify", "a.socket"], true),
            (&["sd-activate", "-l", "80", "program", "--verify"], false),
            (&["sd-activate", "--", "--verify"], false),
            (&["sd-activate"], false),
        ];
        for (arguments, expected) in cases {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            assert_eq!(is_asked_for(&arguments), expected, "{arguments:?}");
        }
    }
}
