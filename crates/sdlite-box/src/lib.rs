//! All programs in one, by the name that it is called by: as busybox is.

mod install;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, Command};
use sd_tools::{print_usage, say};

/// What a program does with its arguments, of which the first is its name. Returns the exit status.
type Main = fn(Vec<OsString>) -> u8;

/// The programs, and beside ours systemd's that they are.
pub const PROGRAMS: [(&str, Main); 11] = [
    ("sd-activate", sd_activate::cli::main),
    ("sdctl", sd_activate::sdctl::main),
    ("sd-notify", sd_tools::notify::main),
    ("sd-cat", sd_tools::cat::main),
    ("sd-proxy", sd_tools::proxy::main),
    ("systemd-socket-activate", sd_activate::cli::main),
    ("systemctl", sd_activate::sdctl::main),
    ("journalctl", sd_activate::sdctl::main),
    ("systemd-notify", sd_tools::notify::main),
    ("systemd-cat", sd_tools::cat::main),
    ("systemd-socket-proxyd", sd_tools::proxy::main),
];

/// Exit statuses: for what has none of its own, and that of a shell that does not find a command.
const FAILURE: u8 = 1;
const NOT_FOUND: u8 = 127;

const AFTER_HELP: &str = "\
Called by the name of one of its programs, as by a link, it is that program.

--install makes the links, and leaves alone whatever else has one of these names.";

/// Does what the arguments, of which the first is the program's name, ask for. Returns the exit status.
pub fn main(mut arguments: Vec<OsString>) -> u8 {
    if let Some(program) = arguments.first().and_then(|name| program(name)) {
        return program(arguments);
    }
    // Its own name, or one that somebody has given it: then the first argument says.
    if let Some(program) = arguments.get(1).filter(|name| !is_path(name)).and_then(|name| program(name)) {
        arguments.remove(0);
        return program(arguments);
    }
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return print_usage(&error),
    };
    if let Some(directory) = matches.get_one::<OsString>("install") {
        return install::links(Path::new(directory)).unwrap_or_else(|error| {
            say(error);
            FAILURE
        });
    }
    match matches.get_one::<OsString>("program") {
        Some(name) => {
            say(format_args!("There is no program {} in sdlite.", name.to_string_lossy()));
            NOT_FOUND
        }
        None => {
            let names: String = PROGRAMS.iter().map(|(name, _)| format!("{name}\n")).collect();
            let _ = std::io::stdout().write_all(names.as_bytes());
            0
        }
    }
}

/// The options.
pub fn command() -> Command {
    Command::new("sdlite")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .about("All programs of libsdlite in one.")
        .override_usage("sdlite [PROGRAM [ARGUMENT]...]\n       sdlite --install DIR")
        .after_help(AFTER_HELP)
        .arg(
            Arg::new("install")
                .long("install")
                .value_name("DIR")
                .value_parser(ValueParser::os_string())
                .conflicts_with("program")
                .help("Make a link for each program in a directory"),
        )
        .arg(Arg::new("version").long("version").action(ArgAction::Version).help("Print version string and exit"))
        .arg(
            Arg::new("program")
                .value_name("PROGRAM")
                .num_args(1..)
                .trailing_var_arg(true)
                .value_parser(ValueParser::os_string())
                .help("The program to be, and its arguments; without one, the programs are listed"),
        )
}

/// The program of a name, or of a path's last part.
fn program(name: &OsStr) -> Option<Main> {
    let name = Path::new(name).file_name()?;
    PROGRAMS.iter().find(|(other, _)| name == *other).map(|(_, main)| *main)
}

fn is_path(name: &OsStr) -> bool {
    name.as_encoded_bytes().contains(&b'/')
}
