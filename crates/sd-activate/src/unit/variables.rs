//! Environment=, EnvironmentFile= and their siblings.

use super::draft::Draft;
use super::given::Given;
use super::quoting::Escapes;
use super::value::{self, Invalid};
use crate::spec::EnvironmentFile;

/// Sets variables. One that is set again keeps its place.
pub fn environment(draft: &mut Draft, given: &Given<'_>) -> Result<(), Invalid> {
    let environment = &mut draft.exec.environment;
    if given.is_empty() {
        environment.clear();
    }
    for text in given.words(Escapes::DecodeStrictly) {
        match text.split_once('=').filter(|(name, _)| value::is_variable(name)) {
            Some((name, value)) => match environment.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = value.into(),
                None => environment.push((name.to_owned(), value.into())),
            },
            None => given.say(not_a_variable(&text)),
        }
    }
    Ok(())
}

/// What there is to say of what is no variable.
pub fn not_a_variable(text: &str) -> Invalid {
    Invalid::new(format_args!(
        "\"{text}\" is no variable: a name has letters, digits and _, begins with no digit, and stands before the ="
    ))
}

/// Adds a file to those that are read.
pub fn environment_file(draft: &mut Draft, given: &Given<'_>) -> Result<(), Invalid> {
    let files = &mut draft.exec.environment_files;
    let Some(text) = given.assigned()? else {
        files.clear();
        return Ok(());
    };
    let (optional, path) = text.strip_prefix('-').map_or((false, text.as_str()), |path| (true, path));
    let path = value::absolute_path(path)?;
    files.push(EnvironmentFile { path, optional, origin: given.origin.clone() });
    Ok(())
}
