//! `sdctl logs`, which is journalctl(1).

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};

use super::client::{Client, Error};
use super::names::unit_pattern;
use super::options::{LogOptions, format};
use super::style::Style;
use super::{FAILURE, connect, now, say, time};
use crate::control::call::Reply;
use crate::control::log::{Reading, from_json};
use crate::log::output::{Format, Printer};
use crate::log::query::{Cursor, Query};

/// So many lines come with `--follow` or `--lines`, and with `--pager-end`.
const LINES: usize = 10;
const LINES_TO_END: usize = 1000;

/// Does what the arguments ask for. Returns the exit status.
pub fn main(program: &'static str, arguments: Vec<OsString>) -> u8 {
    let options = match LogOptions::parse(program, arguments) {
        Ok(options) => options,
        Err(error) => return super::print_usage(&error),
    };
    let result = read(&options).and_then(|(reading, format)| {
        let mut client = connect(&options.common).map_err(|error| error.to_string())?;
        let mut printer = Printer::new(format).with_colours(Style::of_stdout().is_on());
        let mut to = BufWriter::new(io::stdout().lock());
        let count = print(&mut client, &reading, options.reverse, &mut printer, &mut to);
        let count = count.map_err(|error| error.to_string())?;
        if count == 0 && !options.common.quiet {
            say("-- No entries --");
        }
        Ok(())
    });
    result.map_or_else(
        |message| {
            say(message);
            FAILURE
        },
        |()| 0,
    )
}

/// What the options ask for, and how it is printed.
fn read(options: &LogOptions) -> Result<(Reading, Format), String> {
    let moment = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => time::moment(text, now()).map(Some).ok_or_else(|| format!("Failed to parse timestamp: {text}")),
    };
    let lines = match options.lines.as_deref() {
        Some("all") => None,
        Some(text) => Some(text.parse().map_err(|_| format!("Failed to parse lines '{text}'"))?),
        None if options.follow && !options.no_tail => Some(LINES),
        None if options.end => Some(LINES_TO_END),
        None => None,
    };
    let priority = match &options.priority {
        None => 7,
        Some(text) => priority(text).ok_or_else(|| format!("Unknown log level {text}"))?,
    };
    let matching = |text: &String| {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("Failed to add match '{text}': Invalid argument"))?;
        Ok((name.to_owned(), value.as_bytes().to_vec()))
    };
    let after =
        options.after.as_ref().map(|text| Cursor::parse(text).ok_or(format!("Failed to seek to cursor: {text}")));
    let format = format(options.output.as_deref())
        .ok_or_else(|| format!("Unknown output format '{}'.", options.output.as_deref().unwrap_or_default()))?;
    if options.reverse && options.follow {
        return Err("Please specify either --reverse or --follow, not both.".to_owned());
    }
    let query = Query {
        units: options.units.iter().map(|unit| unit_pattern(unit, say)).collect(),
        identifiers: options.identifiers.clone(),
        priority,
        since: moment(&options.since)?,
        until: moment(&options.until)?,
        matches: options.matches.iter().map(matching).collect::<Result<_, String>>()?,
        after: after.transpose()?,
        lines,
    };
    Ok((Reading { query, follow: options.follow }, format))
}

fn priority(text: &str) -> Option<u8> {
    const NAMES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
    let number = match text {
        "error" => Some(3),
        "warn" => Some(4),
        "panic" => Some(0),
        text => NAMES.iter().position(|name| *name == text),
    };
    number
        .or_else(|| text.parse().ok().filter(|number| *number < NAMES.len()))
        .and_then(|number| u8::try_from(number).ok())
}

/// Prints what is asked for. Returns how many entries there were.
pub fn print<W: Write>(
    client: &mut Client,
    reading: &Reading,
    reverse: bool,
    printer: &mut Printer,
    to: &mut W,
) -> Result<usize, Error> {
    client.send("ReadLog", reading.parameters(), true)?;
    let mut count = 0;
    let mut held = Vec::new();
    loop {
        let reply = match client.received()? {
            Some(reply) => reply,
            None => {
                to.flush().map_err(gone)?;
                client.receive()?
            }
        };
        let told = match reply {
            Reply::Continues(told) => told,
            Reply::Returns(_) => break,
            Reply::Fails(failure) => return Err(Error::Failure(failure)),
        };
        if let Some(dropped) = told["dropped"].as_u64().filter(|_| reading.follow) {
            say(format_args!("-- {dropped} entries were dropped before they were read --"));
        }
        let Some(entry) = from_json(&told["entry"]) else { continue };
        count += 1;
        if reverse {
            held.push(entry);
        } else {
            printer.write(&entry, to).map_err(gone)?;
        }
    }
    held.iter().rev().try_for_each(|entry| printer.write(entry, to).map_err(gone))?;
    to.flush().map_err(gone)?;
    Ok(count)
}

/// Nobody reads any more.
fn gone(_: io::Error) -> Error {
    Error::Ended
}
