//! What is mounted for a service, and what it may not write to: ReadOnlyPaths=, BindPaths= and their siblings.

use super::given::{Given, unreadable};
use super::quoting::{Escapes, between_colons, unescape};
use super::value::{self, Invalid};
use crate::spec::{BindPath, ConfinedPath};

/// ReadOnlyPaths= and its siblings.
pub fn paths(list: &mut Vec<ConfinedPath>, given: &Given<'_>) -> Result<(), Invalid> {
    if given.is_empty() {
        list.clear();
        return Ok(());
    }
    for word in given.plain_words(given.value, Escapes::Remove) {
        let text = word?;
        let (optional, rest) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
        let (in_root, rest) = rest.strip_prefix('+').map_or((false, rest), |rest| (true, rest));
        match given.specifiers.expand(rest).and_then(|path| value::absolute_path(&path)) {
            Ok(path) => list.push(ConfinedPath { path, optional, in_root }),
            Err(error) => given.say(error),
        }
    }
    Ok(())
}

/// TemporaryFileSystem=: a path each, perhaps with a colon and options.
pub fn temporary(list: &mut Vec<(std::path::PathBuf, String)>, given: &Given<'_>) -> Result<(), Invalid> {
    if given.is_empty() {
        list.clear();
        return Ok(());
    }
    for word in given.plain_words(given.value, Escapes::Remove) {
        let text = word?;
        let (path, options) = text.split_once(':').unwrap_or((&text, ""));
        let read = given.specifiers.expand(path).and_then(|path| value::absolute_path(&path));
        match read.and_then(|path| Ok((path, given.specifiers.expand(options)?))) {
            Ok(both) => list.push(both),
            Err(error) => given.say(error),
        }
    }
    Ok(())
}

/// BindPaths= and BindReadOnlyPaths=: a path each, perhaps with a colon and where it is mounted, and another and how.
pub fn binds(list: &mut Vec<BindPath>, given: &Given<'_>, read_only: bool) -> Result<(), Invalid> {
    if given.is_empty() {
        list.clear();
        return Ok(());
    }
    for word in given.plain_words(given.value, Escapes::Keep) {
        match bind(&word?, given, read_only) {
            Ok(bind) => list.push(bind),
            Err(error) => given.say(error),
        }
    }
    Ok(())
}

fn bind(text: &str, given: &Given<'_>, read_only: bool) -> Result<BindPath, Invalid> {
    let mut parts = between_colons(text).into_iter().map(|part| {
        let bytes = unescape(&part).map_err(|error| unreadable(error, &part))?;
        given.specifiers.expand(&String::from_utf8_lossy(&bytes))
    });
    let source = parts.next().transpose()?.unwrap_or_default();
    let (optional, source) = source.strip_prefix('-').map_or((false, source.as_str()), |rest| (true, rest));
    let source = value::absolute_path(source)?;
    let destination = match parts.next().transpose()? {
        Some(destination) if !destination.is_empty() => value::absolute_path(&destination)?,
        _ => source.clone(),
    };
    let recursive = match parts.next().transpose()?.as_deref() {
        None | Some("" | "rbind") => true,
        Some("norbind") => false,
        Some(other) => return Err(Invalid::new(format_args!("\"{other}\" is not known: give rbind or norbind"))),
    };
    Ok(BindPath { source, destination, optional, read_only, recursive })
}
