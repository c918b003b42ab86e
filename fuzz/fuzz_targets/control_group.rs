//! What the path of a control group says, stated a second time: on the list of its parts.

use std::ffi::c_int;

type Result<T> = std::result::Result<T, c_int>;

/// The path that is in the file of a process.
pub fn path(file: &[u8]) -> Result<&[u8]> {
    let mut lines = file.split(|byte| b"\n\r\0".contains(byte));
    // Behind the number of the hierarchy and the controllers.
    let line = lines.find(|line| line.starts_with(b"0:") && line[2..].contains(&b':')).ok_or(libc::ENODATA)?;
    let path = line.splitn(3, |byte| *byte == b':').nth(2).unwrap_or_default();
    if path.starts_with(b"/../") { Err(libc::EUNATCH) } else { Ok(path.strip_suffix(b" (deleted)").unwrap_or(path)) }
}

/// The parts of a path below the one of the manager.
pub struct Told<'a>(Vec<&'a [u8]>);

impl<'a> Told<'a> {
    /// Of what is in the file of the process, and in that of process 1.
    pub fn new(own: &'a [u8], init: &'a [u8]) -> Result<Self> {
        let (path, root) = (path(own)?, path(init)?);
        let root = root.strip_suffix(b"/init.scope").unwrap_or(root);
        Ok(Self(parts(below(path, root).unwrap_or(path)).collect()))
    }

    pub fn session(&self) -> Result<Vec<u8>> {
        found(unit(&self.0).and_then(session_of_scope))
    }

    pub fn unit(&self) -> Result<Vec<u8>> {
        found(unit(&self.0))
    }

    pub fn user_unit(&self) -> Result<Vec<u8>> {
        found(of_user(&self.0).and_then(unit))
    }

    pub fn slice(&self) -> Result<Vec<u8>> {
        Ok(slice(&self.0)?.to_vec())
    }

    pub fn user_slice(&self) -> Result<Vec<u8>> {
        Ok(slice(of_user(&self.0).ok_or(libc::ENODATA)?)?.to_vec())
    }

    pub fn owner(&self) -> Result<Vec<u8>> {
        let uid = between(slice(&self.0)?, b"user-", b".slice");
        found(uid.filter(|uid| is_uid(uid)))
    }
}

fn found(text: Option<&[u8]>) -> Result<Vec<u8>> {
    text.map(<[u8]>::to_vec).ok_or(libc::ENODATA)
}

/// The parts of a path that slashes are between.
fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
}

/// What is behind `root` and a slash, if the path begins with it. Dots count for nothing, two of them are refused.
fn below<'a>(path: &'a [u8], root: &[u8]) -> Option<&'a [u8]> {
    let is_part = |part: &[u8]| part != b".." && part.len() <= 255;
    if root.is_empty() || path.starts_with(b"/") != root.starts_with(b"/") {
        return None;
    }
    let mut rest = path;
    let mut expected = parts(root).filter(|part| *part != b".");
    loop {
        while let [b'/', behind @ ..] | [b'.', b'/', behind @ ..] = rest {
            rest = behind;
        }
        if rest == b"." {
            rest = b"";
        }
        let part = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
        match expected.next() {
            _ if !is_part(part) => return None,
            Some(expected) if expected != part => return None,
            Some(_) => rest = &rest[part.len()..],
            None => break,
        }
    }
    let (before, _) = path.split_at(path.len() - rest.len());
    before.ends_with(b"/").then(|| &path[before.len() - 1..])
}

/// The first part that is no slice, if it is another unit.
fn unit<'a>(parts: &[&'a [u8]]) -> Option<&'a [u8]> {
    let unit = unescaped(parts.iter().find(|part| !is_slice(part))?);
    kind(unit).filter(|kind| *kind != "slice").map(|_| unit)
}

/// The last of the slices that come first.
fn slice<'a>(parts: &[&'a [u8]]) -> Result<&'a [u8]> {
    let mut slice = &b"-.slice"[..];
    for part in parts.iter().filter(|part| **part != b".") {
        match *part {
            part if part == b".." || part.len() > 255 => return Err(libc::EINVAL),
            part if is_slice(part) => slice = unescaped(part),
            _ => break,
        }
    }
    Ok(slice)
}

/// What is below the manager of a user, or a session.
fn of_user<'a, 'b>(parts: &'b [&'a [u8]]) -> Option<&'b [&'a [u8]]> {
    let slices = parts.iter().take_while(|part| is_slice(part)).count();
    let (manager, rest) = parts[slices..].split_first()?;
    let is_manager = between(manager, b"user@", b".service").is_some_and(is_uid);
    (is_manager || session_of_scope(manager).is_some()).then_some(rest)
}

fn session_of_scope(unit: &[u8]) -> Option<&[u8]> {
    between(unit, b"session-", b".scope").filter(|id| !id.is_empty() && id.iter().all(u8::is_ascii_alphanumeric))
}

fn between<'a>(text: &'a [u8], before: &[u8], behind: &[u8]) -> Option<&'a [u8]> {
    text.strip_prefix(before)?.strip_suffix(behind)
}

/// A number as it is written, that of nobody aside.
pub fn is_uid(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.parse::<u32>().is_ok_and(|uid| uid.to_string() == text && ![0xffff, u32::MAX].contains(&uid))
}

fn is_slice(part: &[u8]) -> bool {
    let part = unescaped(part);
    kind(part) == Some("slice") && !part.contains(&b'@')
}

fn unescaped(part: &[u8]) -> &[u8] {
    if let [b'_', rest @ ..] = part { rest } else { part }
}

/// The kind of unit that has this name.
fn kind(name: &[u8]) -> Option<&str> {
    const KINDS: [&str; 11] =
        ["service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope"];
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || ":-_.\\@".contains(char);
    let name = std::str::from_utf8(name).ok().filter(|name| name.len() <= 255 && name.chars().all(is_allowed))?;
    let (stem, kind) = name.rsplit_once('.')?;
    let is_whole = match stem.split_once('@') {
        Some((template, instance)) => !template.is_empty() && !instance.is_empty(),
        None => !stem.is_empty(),
    };
    (is_whole && KINDS.contains(&kind)).then_some(kind)
}
