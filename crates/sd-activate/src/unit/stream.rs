//! Standard input, output and error.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::draft::Draft;
use super::given::{Given, unreadable};
use super::quoting::unescape;
use super::value::{self, Invalid};
use crate::spec::{FileMode, Input, Output};

/// StandardInput=.
pub fn input(given: &Given<'_>) -> Result<Input, Invalid> {
    match given.value.split_once(':') {
        Some(("file", path)) => Ok(Input::File(value::absolute_path(&given.specifiers.expand(path)?)?)),
        Some(("fd", name)) => named(given, name, "stdin").map(Input::Named),
        _ => match given.value {
            "null" => Ok(Input::Null),
            "tty" => Ok(Input::Tty),
            "tty-force" => Ok(Input::TtyForce),
            "tty-fail" => Ok(Input::TtyFail),
            "data" => Ok(Input::Data),
            "socket" => Ok(Input::Socket),
            "fd" => Ok(Input::Named("stdin".to_owned())),
            other => Err(Invalid::new(format_args!(
                "\"{other}\" is not known: give one of null, tty, tty-force, tty-fail, data, file:PATH, socket, fd:NAME"
            ))),
        },
    }
}

/// StandardOutput= and StandardError=.
pub fn output(given: &Given<'_>, default_name: &str) -> Result<Output, Invalid> {
    let path = |path: &str| value::absolute_path(&given.specifiers.expand(path)?);
    match given.value.split_once(':') {
        Some(("file", text)) => Ok(Output::File(path(text)?, FileMode::Overwrite)),
        Some(("append", text)) => Ok(Output::File(path(text)?, FileMode::Append)),
        Some(("truncate", text)) => Ok(Output::File(path(text)?, FileMode::Truncate)),
        Some(("fd", name)) => named(given, name, default_name).map(Output::Named),
        _ => match given.value {
            "inherit" => Ok(Output::Inherit),
            "null" => Ok(Output::Null),
            "tty" => Ok(Output::Tty),
            "journal" => Ok(Output::Journal),
            "kmsg" => Ok(Output::Kmsg),
            "journal+console" => Ok(Output::JournalConsole),
            "kmsg+console" => Ok(Output::KmsgConsole),
            "socket" => Ok(Output::Socket),
            "fd" => Ok(Output::Named(default_name.to_owned())),
            "syslog" | "syslog+console" => {
                let new = given.value.replace("syslog", "journal");
                given.say(Invalid::new(format_args!("{} is obsolete and means {new}: give that", given.value)));
                Ok(if new == "journal" { Output::Journal } else { Output::JournalConsole })
            }
            other => Err(Invalid::new(format_args!(
                "\"{other}\" is not known: give one of inherit, null, tty, journal, kmsg, journal+console, kmsg+console, \
                 file:PATH, append:PATH, truncate:PATH, socket, fd:NAME"
            ))),
        },
    }
}

/// The name of a descriptor, which defaults to that of the stream.
fn named(given: &Given<'_>, name: &str, default: &str) -> Result<String, Invalid> {
    let name = given.specifiers.expand(name)?;
    if name.is_empty() { Ok(default.to_owned()) } else { value::descriptor_name(&name) }
}

/// Escapes are decoded, and a newline is added.
pub fn input_text(draft: &mut Draft, given: &Given<'_>) -> Result<(), Invalid> {
    if given.is_empty() {
        draft.exec.input_data.clear();
        return Ok(());
    }
    let text = unescape(given.value).map_err(|error| unreadable(error, given.value))?;
    let text = String::from_utf8(text).map_err(|_| Invalid::new("the text is not UTF-8: use StandardInputData="))?;
    draft.exec.input_data.extend(given.specifiers.expand(&text)?.into_bytes());
    draft.exec.input_data.push(b'\n');
    Ok(())
}

/// What is written in Base64, whatever blanks are in between.
pub fn base64(given: &Given<'_>) -> Result<Vec<u8>, Invalid> {
    let text: String = given.parts().collect();
    STANDARD.decode(text).map_err(|error| Invalid::new(format_args!("this is no Base64: {error}")))
}
