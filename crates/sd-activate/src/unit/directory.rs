//! The directories that are made for a unit: RuntimeDirectory= and its siblings.

use super::given::{Given, unreadable};
use super::quoting::{Escapes, between_colons, unescape};
use super::value::{self, Invalid};
use crate::spec::DirectorySet;

/// Whether directories may have links to them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// As most may.
    Allowed,
    /// As those below /etc may not.
    Refused,
}

/// Paths that are relative, each perhaps with a colon and the path of a link to it.
pub fn directories(set: &mut DirectorySet, given: &Given<'_>, links: Links) -> Result<(), Invalid> {
    if given.is_empty() {
        // Their mode, too, is as if nothing had been said.
        *set = DirectorySet::default();
    }
    let checked = |text: &str| {
        let text = given.specifiers.expand(text)?;
        let path = value::relative_path(&text)?;
        if path.as_os_str().is_empty() {
            return Err(Invalid::new(format_args!("\"{text}\" is no path")));
        }
        if path.starts_with("private") {
            return Err(Invalid::new(format_args!("\"{text}\": \"private\" is taken by systemd itself")));
        }
        Ok(path)
    };
    for word in given.plain_words(given.value, Escapes::Keep) {
        let text = word?;
        let part = |text: String| {
            let bytes = unescape(&text).map_err(|error| unreadable(error, &text))?;
            String::from_utf8(bytes).map_err(|_| Invalid::new(format_args!("{text} is not UTF-8")))
        };
        let mut parts = between_colons(&text).into_iter().filter(|part| !part.is_empty());
        let path = part(
            parts.next().ok_or_else(|| Invalid::new(format_args!("\"{text}\" is no path: ignored from here on")))?,
        )?;
        let link = parts.next().map(part).transpose()?;
        if link.is_some() && links == Links::Refused {
            given.say(Invalid::new(format_args!("\"{path}\": these directories cannot have links")));
            continue;
        }
        match checked(&path).and_then(|path| Ok((path, link.as_deref().map(checked).transpose()?))) {
            Ok((path, link)) => set.directories.entry(path).or_default().extend(link),
            Err(error) => given.say(error),
        }
    }
    Ok(())
}
