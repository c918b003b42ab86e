//! passwd(5) and group(5), as glibc reads them; lines that are no entries are passed over. Names that are no UTF-8 are nobody's.

use std::ffi::{CStr, CString, OsStr};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use nix::Result;
use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User};

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

/// The first user in /etc/passwd that is one.
///
/// # Errors
///
/// Those of reading the file. Where there is none, there are no users.
pub fn find_user(is_it: impl Fn(&User) -> bool) -> Result<Option<User>> {
    Ok(users(&read(PASSWD)?).find(is_it))
}

/// The first group in /etc/group that is one.
///
/// # Errors
///
/// As [`find_user`].
pub fn find_group(is_it: impl Fn(&Group) -> bool) -> Result<Option<Group>> {
    Ok(groups(&read(GROUP)?).find(is_it))
}

/// The groups in /etc/group that a user is in, after the one that it has by itself.
///
/// # Errors
///
/// As [`find_user`].
pub fn groups_of(user: &CStr, gid: Gid) -> Result<Vec<Gid>> {
    Ok(memberships(&read(GROUP)?, user, gid))
}

/// The same in this text.
pub fn memberships(text: &[u8], user: &CStr, gid: Gid) -> Vec<Gid> {
    let mut found = vec![gid];
    for group in groups(text) {
        let is_member = group.mem.iter().any(|member| member.as_bytes() == user.to_bytes());
        if is_member && !found.contains(&group.gid) {
            found.push(group.gid);
        }
    }
    found
}

fn read(path: &str) -> Result<Vec<u8>> {
    match fs::read(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO))),
    }
}

/// The users that a text in the format of passwd(5) has.
pub fn users(text: &[u8]) -> impl Iterator<Item = User> {
    lines(text).filter_map(user)
}

/// The groups that a text in the format of group(5) has.
pub fn groups(text: &[u8]) -> impl Iterator<Item = Group> {
    lines(text).filter_map(group)
}

/// Lines that may be entries. Those that begin with a sign are for the NIS.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_start);
    lines.filter(|line| !matches!(line, [] | [b'#' | b'+' | b'-', ..]) && !line.contains(&0))
}

fn user(line: &[u8]) -> Option<User> {
    let mut fields = line.splitn(7, |byte| *byte == b':');
    let mut next = || fields.next();
    let (name, passwd) = (name(next()?)?, string(next()?)?);
    let (uid, gid) = (Uid::from_raw(number(next()?)?), Gid::from_raw(number(next()?)?));
    let (gecos, dir, shell) = (string(next()?)?, path(next()?), path(next()?));
    Some(User { name, passwd, uid, gid, gecos, dir, shell })
}

fn group(line: &[u8]) -> Option<Group> {
    let mut fields = line.splitn(4, |byte| *byte == b':');
    let mut next = || fields.next();
    let (name, passwd, gid) = (name(next()?)?, string(next()?)?, Gid::from_raw(number(next()?)?));
    let members = next()?.split(|byte| *byte == b',').map(<[u8]>::trim_ascii_start).filter(|member| !member.is_empty());
    let mem = members.map(|member| String::from_utf8(member.to_vec()).ok()).collect::<Option<_>>()?;
    Some(Group { name, passwd, gid, mem })
}

fn name(field: &[u8]) -> Option<String> {
    String::from_utf8(field.to_vec()).ok().filter(|name| !name.is_empty())
}

fn string(field: &[u8]) -> Option<CString> {
    CString::new(field).ok()
}

fn path(field: &[u8]) -> PathBuf {
    OsStr::from_bytes(field).into()
}

/// Nothing but digits.
fn number(field: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(field).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text?.parse().ok()
}

#[cfg(test)]
mod tests;
