//! `sdctl`: asks and tells the manager, with the verbs, words and exit statuses of systemctl(1); `sdctl logs` has the options of
//! journalctl(1). Called by one of these names, it is that.
//!
//! `options` reads command lines, `client` talks to the control socket. `jobs` has things done, `query` asks, `logs` reads the log, and
//! `files` works on unit files; `status`, `list` and `show` make lines of what was told.

mod client;
mod files;
pub mod install;
mod jobs;
mod list;
mod logs;
pub mod names;
pub mod options;
mod query;
mod show;
mod status;
mod style;
pub mod time;
mod unit;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sd_tools::{print_usage, say};
use serde_json::Map;

use client::{Client, Error};
use options::{Common, Options};
use unit::Unit;

use crate::control;

/// Exit statuses of systemctl(1): for what has none of its own, and where there is no such unit.
const FAILURE: u8 = 1;
const NOT_INSTALLED: u8 = 5;

/// Does what the arguments, of which the first is the program's name, ask for. Returns the exit status.
pub fn main(mut arguments: Vec<OsString>) -> u8 {
    // Whoever reads the output may go away, as with any other such program: without a word.
    crate::exec::set_default(libc::SIGPIPE);
    let name = arguments.first().and_then(|name| Path::new(name).file_name()).unwrap_or_default();
    if name == "journalctl" {
        return logs::main("journalctl", arguments);
    }
    let program = if name == "systemctl" { "systemctl" } else { "sdctl" };
    if let Some(place) = verb(&arguments).filter(|place| program == "sdctl" && arguments[*place] == "logs") {
        arguments.remove(place);
        return logs::main("sdctl logs", arguments);
    }
    let options = match Options::parse(program, arguments) {
        Ok(options) => options,
        Err(error) => return print_usage(&error),
    };
    run(program, &options).unwrap_or_else(|error| {
        say_error(error);
        FAILURE
    })
}

/// The place of the first argument that is no option, nor the value of one that may stand before `logs`.
fn verb(arguments: &[OsString]) -> Option<usize> {
    let is_value = |place: usize| arguments[place - 1] == "--control";
    (1..arguments.len()).find(|place| !arguments[*place].to_string_lossy().starts_with('-') && !is_value(*place))
}

fn run(program: &'static str, options: &Options) -> Result<u8, Error> {
    let has_units = !options.units.is_empty();
    if let Some(verb) = jobs::verb(&options.verb) {
        return if has_units { jobs::run(program, &options.verb, verb, options) } else { Ok(too_few()) };
    }
    match options.verb.as_str() {
        "kill" | "is-active" | "is-failed" | "is-enabled" | "enable" | "disable" | "cat" if !has_units => Ok(too_few()),
        "daemon-reload" | "daemon-reexec" if has_units => {
            say_error("Too many arguments.");
            Ok(FAILURE)
        }
        "kill" => jobs::kill(options),
        "reset-failed" => jobs::reset_failed(options),
        "status" => query::status(options),
        "show" => query::show(options),
        "is-active" => query::is_active(options),
        "is-failed" => query::is_failed(options),
        "list-units" => query::list_units(options),
        "list-sockets" => query::list_sockets(options),
        "cat" => files::cat(options),
        "is-enabled" => files::is_enabled(options),
        "enable" => files::enable(program, options, true),
        "disable" => files::enable(program, options, false),
        "daemon-reload" => connect(&options.common)?.call("Reload", Map::new()).map(|_| 0),
        "daemon-reexec" => connect(&options.common)?.call("Reexecute", Map::new()).map(|_| 0),
        verb => {
            say_error(format_args!("Unknown command verb {verb}."));
            Ok(FAILURE)
        }
    }
}

fn too_few() -> u8 {
    say_error("Too few arguments.");
    FAILURE
}

/// Connects to the manager that the options name.
fn connect(common: &Common) -> Result<Client, Error> {
    let path = common.control.clone().or_else(|| control::path(common.user)).ok_or(Error::Nowhere)?;
    Client::connect(&path)
}

/// The names that are given, and for each pattern the units that are loaded and match it.
fn expand(common: &Common, given: &[String]) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    for text in given {
        if names::is_pattern(text) {
            let all = all_units(&mut connect(common)?)?;
            let matching = all.iter().map(Unit::name).filter(|name| control::matches(text, name));
            names.extend(matching.map(str::to_owned));
        } else {
            names.push(names::unit_name(text, say));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

/// All units that are loaded.
fn all_units(client: &mut Client) -> Result<Vec<Unit>, Error> {
    let told = client.call("ListUnits", Map::new())?;
    Ok(told["units"].as_array().into_iter().flatten().cloned().map(Unit::new).collect())
}

/// Microseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros() as u64)
}

/// The same in red, on a terminal.
fn say_error(message: impl Display) {
    say_painted("0;1;31", message);
}

/// The same in yellow.
fn warn(message: impl Display) {
    say_painted("0;1;38;5;185", message);
}

fn say_painted(code: &str, message: impl Display) {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stderr().is_terminal() && !is_plain {
        say(format_args!("\x1b[{code}m{message}\x1b[0m"));
    } else {
        say(message);
    }
}

/// Writes lines to standard output.
fn print(lines: &[String]) {
    let mut text = lines.join("\n");
    if !lines.is_empty() {
        text.push('\n');
    }
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests;
