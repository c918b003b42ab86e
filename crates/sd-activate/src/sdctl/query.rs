//! The verbs that ask: `status`, `show`, `is-active`, `is-failed`, `list-units`, `list-sockets`.

use std::collections::HashMap;
use std::io;

use serde_json::Map;

use super::client::{Client, Error, named};
use super::files::Disk;
use super::list::{Table, sockets, units};
use super::logs::print as print_log;
use super::options::{Options, format};
use super::show::{Wanted, lines as properties};
use super::status::{Surroundings, lines};
use super::style::Style;
use super::unit::Unit;
use super::{FAILURE, all_units, connect, expand, now, print, say_error};
use crate::control::log::Reading;
use crate::control::matches;
use crate::log::output::{Format, Printer};
use crate::log::query::Query;

/// Exit statuses of `status`: of what does not run, and of what does not exist.
const NOT_RUNNING: u8 = 3;
const UNKNOWN: u8 = 4;

/// So many lines of the log are shown.
const LINES: usize = 10;

/// A unit; None where there is none.
fn get(client: &mut Client, name: &str) -> Result<Option<Unit>, Error> {
    match client.call("GetUnit", named(name)) {
        Ok(told) => Ok(Some(Unit::new(told["unit"].clone())).filter(|unit| !unit.is_missing())),
        Err(Error::Failure(failure)) if failure.name() == "NoSuchUnit" => Ok(None),
        Err(error) => Err(error),
    }
}

/// `status`.
pub fn status(options: &Options) -> Result<u8, Error> {
    let count = match options.lines.as_deref() {
        None => LINES,
        Some(text) => match text.parse() {
            Ok(count) => count,
            Err(_) => {
                say_error(format_args!("Failed to parse lines '{text}'"));
                return Ok(FAILURE);
            }
        },
    };
    let Some(format) = format(options.output.as_deref()) else {
        say_error(format_args!("Unknown output '{}'.", options.output.as_deref().unwrap_or_default()));
        return Ok(FAILURE);
    };
    let mut client = connect(&options.common)?;
    if options.units.is_empty() {
        return overview(&mut client).map(|()| 0);
    }
    let known: HashMap<String, Unit> =
        all_units(&mut client)?.into_iter().map(|unit| (unit.name().to_owned(), unit)).collect();
    let disk = Disk::of_manager(options, &mut client);
    let mut status = 0;
    let mut shown = 0;
    for (name, unit) in wanted(options, &mut client)? {
        let Some(unit) = unit else {
            say_error(format_args!("Unit {name} could not be found."));
            status = if status == 0 { UNKNOWN } else { status };
            continue;
        };
        if shown > 0 {
            print(&[String::new()]);
        }
        shown += 1;
        let processes = client.call("GetUnitProcesses", named(unit.name()))?;
        let around = Surroundings {
            processes: processes["processes"].as_array().cloned().unwrap_or_default(),
            file_state: disk.state(unit.name()),
            others: &|name| known.get(name).cloned(),
            now: now(),
            style: Style::of_stdout(),
        };
        print(&lines(&unit, &around));
        print_log_of(&mut client, unit.name(), count, format)?;
        if !unit.is_active() && status == 0 {
            status = NOT_RUNNING;
        }
    }
    Ok(status)
}

/// The units whose names, patterns or processes were given.
fn wanted(options: &Options, client: &mut Client) -> Result<Vec<(String, Option<Unit>)>, Error> {
    let mut wanted = Vec::new();
    for given in &options.units {
        if let Ok(pid) = given.parse::<i32>() {
            let parameters = Map::from_iter([("pid".to_owned(), pid.into())]);
            let told = client.call("GetUnitByPID", parameters).map_err(|error| match error {
                Error::Failure(mut failure) => {
                    let message = failure.text("message").unwrap_or_default().to_owned();
                    let message = format!("Failed to get unit for PID {pid}: {message}");
                    failure.parameters.insert("message".to_owned(), message.into());
                    Error::Failure(failure)
                }
                error => error,
            })?;
            wanted.push((given.clone(), Some(Unit::new(told["unit"].clone()))));
            continue;
        }
        for name in expand(&options.common, std::slice::from_ref(given))? {
            let unit = get(client, &name)?;
            wanted.push((name, unit));
        }
    }
    Ok(wanted)
}

/// The last lines of the log of a unit.
fn print_log_of(client: &mut Client, unit: &str, count: usize, format: Format) -> Result<(), Error> {
    if count == 0 {
        return Ok(());
    }
    let query = Query { units: vec![unit.to_owned()], lines: Some(count), ..Query::default() };
    let reading = Reading { query, follow: false };
    let mut printer = Printer::new(format).with_colours(Style::of_stdout().is_on());
    let mut text = b"\n".to_vec();
    if print_log(client, &reading, false, &mut printer, &mut text)? > 0 {
        let _ = io::Write::write_all(&mut io::stdout(), &text);
    }
    Ok(())
}

/// How the manager is.
fn overview(client: &mut Client) -> Result<(), Error> {
    let told = client.call("Describe", Map::new())?;
    let units = all_units(client)?;
    let failed = units.iter().filter(|unit| unit.is_failed()).count();
    let jobs = units.iter().filter(|unit| unit.number("Job") > 0).count();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    print(&[
        format!("● sd-activate[{}]", told["pid"].as_u64().unwrap_or_default()),
        format!("    State: {}", if failed > 0 { "degraded" } else { "running" }),
        format!("    Units: {} loaded", units.len()),
        format!("     Jobs: {jobs} queued"),
        format!("   Failed: {failed} unit{}", plural(failed)),
    ]);
    Ok(())
}

/// `show`.
pub fn show(options: &Options) -> Result<u8, Error> {
    let mut client = connect(&options.common)?;
    let wanted = Wanted { properties: options.properties.clone(), all: options.all, value_only: options.value_only };
    if options.units.is_empty() {
        let told = client.call("Describe", Map::new())?;
        let directories: Vec<&str> =
            told["unitPath"].as_array().into_iter().flatten().filter_map(|it| it.as_str()).collect();
        let version = told["version"].as_str().unwrap_or_default();
        let manager = serde_json::json!({ "Version": version, "UnitPath": directories, "MainPID": told["pid"] });
        print(&properties(&Unit::new(manager), &wanted));
        return Ok(0);
    }
    for (number, name) in expand(&options.common, &options.units)?.iter().enumerate() {
        if number > 0 {
            print(&[String::new()]);
        }
        let unit = match client.call("GetUnit", named(name)) {
            Ok(told) => Unit::new(told["unit"].clone()),
            Err(Error::Failure(failure)) if failure.name() == "NoSuchUnit" => Unit::missing(name),
            Err(error) => return Err(error),
        };
        print(&properties(&unit, &wanted));
    }
    Ok(0)
}

/// `is-active`.
pub fn is_active(options: &Options) -> Result<u8, Error> {
    states(options, Unit::is_active, NOT_RUNNING)
}

/// `is-failed`.
pub fn is_failed(options: &Options) -> Result<u8, Error> {
    states(options, Unit::is_failed, FAILURE)
}

/// Prints the states of units. The exit status is 0 where one of them is as it is asked for.
fn states(options: &Options, is_so: impl Fn(&Unit) -> bool, otherwise: u8) -> Result<u8, Error> {
    let mut client = connect(&options.common)?;
    let mut status = otherwise;
    for name in expand(&options.common, &options.units)? {
        let unit = get(&mut client, &name)?;
        if !options.common.quiet {
            print(&[unit.as_ref().map_or("inactive", |unit| unit.text("ActiveState")).to_owned()]);
        }
        if unit.is_some_and(|unit| is_so(&unit)) {
            status = 0;
        }
    }
    Ok(status)
}

/// The units that patterns, `--type=` and `--state=` name.
fn listed(options: &Options) -> Result<Result<Vec<Unit>, u8>, Error> {
    const STATES: [&str; 6] = ["loaded", "not-found", "bad-setting", "error", "masked", "stub"];
    const TYPES: [&str; 3] = ["service", "socket", "target"];
    let (types, load): (Vec<_>, Vec<_>) = options.types.iter().partition(|name| TYPES.contains(&name.as_str()));
    if let Some(unknown) = load.iter().find(|name| !STATES.contains(&name.as_str())) {
        say_error(format_args!("Unknown unit type or load state '{unknown}'."));
        return Ok(Err(FAILURE));
    }
    let patterns: Vec<String> =
        options.units.iter().map(|pattern| super::names::unit_pattern(pattern, super::say)).collect();
    let mut units = all_units(&mut connect(&options.common)?)?;
    units.retain(|unit| {
        let name = unit.name();
        let is_of = |kind: &&String| name.rsplit('.').next() == Some(kind.as_str());
        let states = ["LoadState", "ActiveState", "SubState"].map(|property| unit.text(property));
        (patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name)))
            && (types.is_empty() || types.iter().any(is_of))
            && (load.is_empty() || load.iter().any(|state| *state == states[0]))
            && (options.states.is_empty() || options.states.iter().any(|state| states.contains(&state.as_str())))
    });
    Ok(Ok(units))
}

fn table(options: &Options) -> Table {
    Table {
        legend: options.legend,
        plain: options.plain,
        all: options.all,
        narrowed: !options.states.is_empty(),
        types: options.show_types,
        style: Style::of_stdout(),
    }
}

/// `list-units`.
pub fn list_units(options: &Options) -> Result<u8, Error> {
    let mut all = match listed(options)? {
        Ok(all) => all,
        Err(status) => return Ok(status),
    };
    if !options.all && options.states.is_empty() {
        all.retain(|unit| unit.text("ActiveState") != "inactive" || unit.number("Job") > 0);
    }
    // By their types, as systemctl lists them.
    let kind = |unit: &Unit| ["service", "socket", "target"].iter().position(|kind| unit.name().ends_with(kind));
    all.sort_by(|one, other| (kind(one), one.name()).cmp(&(kind(other), other.name())));
    print(&units(&all, table(options)));
    Ok(0)
}

/// `list-sockets`.
pub fn list_sockets(options: &Options) -> Result<u8, Error> {
    let mut all = match listed(options)? {
        Ok(all) => all,
        Err(status) => return Ok(status),
    };
    if !options.all && options.states.is_empty() {
        all.retain(Unit::is_active);
    }
    print(&sockets(&all, table(options)));
    Ok(0)
}
