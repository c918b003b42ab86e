//! The verbs that have something done: `start`, `stop`, `kill` and the like.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::client::{Client, Error, named};
use super::options::{Common, Options};
use super::unit::Unit;
use super::{FAILURE, NOT_INSTALLED, connect, expand, say, say_error, warn};
use crate::control::call::{Failure, Reply};
use crate::control::request::method;
use crate::engine::Verb;
use crate::spec::Signal;

/// Exit statuses of systemctl(1).
const NOT_IMPLEMENTED: u8 = 3;
const NO_PERMISSION: u8 = 4;

/// So many units are asked for at a time, each on a connection of its own: none waits for another's job.
const AT_ONCE: usize = 16;

/// The verb of this name.
pub fn verb(name: &str) -> Option<Verb> {
    Some(match name {
        "start" => Verb::Start,
        "stop" => Verb::Stop,
        "restart" => Verb::Restart,
        "try-restart" | "condrestart" => Verb::TryRestart,
        "reload" => Verb::Reload,
        "reload-or-restart" => Verb::ReloadOrRestart,
        "try-reload-or-restart" | "reload-or-try-restart" | "force-reload" | "condreload" => Verb::TryReloadOrRestart,
        _ => return None,
    })
}

/// Has it done with the units. Returns the exit status.
pub fn run(program: &str, name: &str, verb: Verb, options: &Options) -> Result<u8, Error> {
    if name == "start" && options.units.iter().any(|unit| super::names::is_pattern(unit)) {
        say(format_args!(
            "Warning: {program} start called with a glob pattern.\n\
             Hint: unit globs expand to loaded units, so start will usually have no effect."
        ));
    }
    let units = expand(&options.common, &options.units)?;
    let mut status = 0;
    for some in units.chunks(AT_ONCE) {
        let mut asked = Vec::new();
        for unit in some {
            let mut client = connect(&options.common)?;
            let mut parameters = named(unit);
            if options.no_block {
                parameters.insert("noBlock".to_owned(), true.into());
            }
            client.send(method(verb), parameters, false)?;
            asked.push((unit, client));
        }
        for (unit, mut client) in asked {
            let failed = match client.receive()? {
                Reply::Returns(told) | Reply::Continues(told) => {
                    ended(program, unit, told["result"].as_str(), &mut client)
                }
                Reply::Fails(failure) => refused(program, name, unit, &failure),
            };
            status = if status == 0 { failed } else { status };
        }
    }
    if verb == Verb::Stop && !options.no_warn && !options.common.quiet {
        warn_of_triggers(&options.common, &units)?;
    }
    Ok(status)
}

/// What is said of a job that has ended so. Returns the exit status.
fn ended(program: &str, unit: &str, result: Option<&str>, client: &mut Client) -> u8 {
    match result {
        // A condition that is not met is no mistake.
        None | Some("done" | "skipped") => return 0,
        Some("canceled") => say_error(format_args!("Job for {unit} canceled.")),
        Some("timeout") => say_error(format_args!("Job for {unit} timed out.")),
        Some("dependency") => {
            say_error(format_args!("A dependency job for {unit} failed. See '{} -e' for details.", logs(program)));
        }
        Some("assert") => say_error(format_args!("Assertion failed on job for {unit}.")),
        Some("invalid") => say_error(format_args!("{unit} is not active, cannot reload.")),
        Some(_) => failed(program, unit, client),
    }
    FAILURE
}

fn failed(program: &str, unit: &str, client: &mut Client) {
    let told = client.call("GetUnit", named(unit)).map(|told| Unit::new(told["unit"].clone()));
    let result = told.as_ref().map_or("", |unit| unit.text("Result")).to_owned();
    if !unit.ends_with(".service") {
        return say_error(format_args!("Job failed. See \"{} -e\" for details.", logs(program)));
    }
    let reason = match result.as_str() {
        "resources" => Some("of unavailable resources or another system error"),
        "protocol" => Some("the service did not take the steps required by its unit configuration"),
        "timeout" => Some("a timeout was exceeded"),
        "exit-code" => Some("the control process exited with error code"),
        "signal" => Some("a fatal signal was delivered to the control process"),
        "core-dump" => Some("a fatal signal was delivered causing the control process to dump core"),
        "watchdog" => Some("the service failed to send watchdog ping"),
        "start-limit-hit" => Some("start of the service was attempted too often"),
        _ => None,
    };
    match reason {
        Some(reason) => say_error(format_args!("Job for {unit} failed because {reason}.")),
        None => say_error(format_args!("Job for {unit} failed.")),
    }
    let logs = logs(program);
    say_error(format_args!("See \"{program} status {unit}\" and \"{logs} -eu {unit}\" for details."));
    if result == "start-limit-hit" {
        say_error(format_args!(
            "To force a start use \"{program} reset-failed {unit}\"\nfollowed by \"{program} start {unit}\" again."
        ));
    }
}

/// What is said where there can be no job. Returns the exit status.
fn refused(program: &str, name: &str, unit: &str, failure: &Failure) -> u8 {
    let mut message = failure.text("message").unwrap_or(&failure.error).to_owned();
    if failure.name() == "NoSuchUnit" && name == "stop" {
        message = format!("Unit {unit} not loaded.");
    }
    say_error(format_args!("Failed to {name} {unit}: {message}"));
    let (status, is_explained) = match failure.name() {
        "NoSuchUnit" => (NOT_INSTALLED, true),
        "JobTypeNotApplicable" => (NOT_IMPLEMENTED, true),
        "OnlyByDependency" | "TransactionIsDestructive" => (NO_PERMISSION, false),
        "LoadFailed" => (FAILURE, message.ends_with("is masked.")),
        _ => (FAILURE, true),
    };
    if !is_explained {
        say_error(format_args!("See system logs and '{program} status {unit}' for details."));
    }
    status
}

fn logs(program: &str) -> &'static str {
    if program == "systemctl" { "journalctl" } else { "sdctl logs" }
}

/// Says which active units may start again what was stopped.
fn warn_of_triggers(common: &Common, stopped: &[String]) -> Result<(), Error> {
    let mut client = connect(common)?;
    for unit in stopped {
        let Ok(told) = client.call("GetUnit", named(unit)) else { continue };
        let mut active = BTreeSet::new();
        for other in Unit::new(told["unit"].clone()).list("TriggeredBy") {
            let told = client.call("GetUnit", named(other));
            let others = told.map(|told| Unit::new(told["unit"].clone()));
            if !stopped.iter().any(|unit| unit == other) && others.is_ok_and(|other| other.is_active()) {
                active.insert(other.to_owned());
            }
        }
        if !active.is_empty() {
            warn(format_args!("Warning: Stopping {unit}, but it can still be activated by:"));
            active.iter().for_each(|other| warn(format_args!("  {other}")));
        }
    }
    Ok(())
}

/// `kill`.
pub fn kill(options: &Options) -> Result<u8, Error> {
    let Some(signal) = Signal::parse(&options.signal) else {
        say_error(format_args!("Failed to parse signal string \"{}\".", options.signal));
        return Ok(FAILURE);
    };
    let mut client = connect(&options.common)?;
    let mut status = 0;
    for unit in expand(&options.common, &options.units)? {
        let mut parameters = named(&unit);
        parameters.insert("signal".to_owned(), signal.number().into());
        parameters.insert("whom".to_owned(), options.kill_whom.as_str().into());
        if !each(client.call("KillUnit", parameters), &unit, "Failed to kill unit")? {
            status = FAILURE;
        }
    }
    Ok(status)
}

/// `reset-failed`.
pub fn reset_failed(options: &Options) -> Result<u8, Error> {
    let mut client = connect(&options.common)?;
    if options.units.is_empty() {
        return client.call("ResetFailed", Map::new()).map(|_| 0);
    }
    let mut status = 0;
    for unit in expand(&options.common, &options.units)? {
        let told = client.call("ResetFailedUnit", named(&unit));
        if !each(told, &unit, "Failed to reset failed state of unit")? {
            status = FAILURE;
        }
    }
    Ok(status)
}

/// Says what went wrong with a unit; other errors end all. Whether nothing did.
fn each(told: Result<Value, Error>, unit: &str, what: &str) -> Result<bool, Error> {
    match told {
        Ok(_) => Ok(true),
        Err(Error::Failure(failure)) => {
            let message = match failure.name() {
                "NoSuchUnit" => format!("Unit {unit} not loaded."),
                _ => failure.text("message").unwrap_or(&failure.error).to_owned(),
            };
            say_error(format_args!("{what} {unit}: {message}"));
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
