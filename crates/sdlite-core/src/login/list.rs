//! sd_get_seats(3) and its siblings: the files that there are below /run/systemd.

use core::ffi::CStr;

use super::{Words, machine};
use crate::text::{self, Text};
use crate::{Errno, Result, number, sys};

/// What there are lists of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    /// Seats.
    Seats,
    /// Sessions.
    Sessions,
    /// Virtual machines and containers.
    Machines,
    /// Users, by their ids.
    Users,
}

impl Directory {
    /// Its name below /run/systemd.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Seats => "seats",
            Self::Sessions => "sessions",
            Self::Machines => "machines",
            Self::Users => "users",
        }
    }

    fn can_have(self, name: &CStr) -> bool {
        match self {
            Self::Seats | Self::Sessions => true,
            Self::Machines => machine::is_name(name.to_bytes()),
            Self::Users => number::uid(name).is_ok(),
        }
    }
}

/// sd_get_seats(3), sd_get_sessions(3), sd_get_machine_names(3).
#[inline(never)]
pub fn names(directory: Directory, names: &mut dyn Words) -> Result<()> {
    let mut room = text::room::<32>();
    let mut path = Text::new(&mut room);
    let path = path.push(b"/run/systemd/").push(directory.name().as_bytes()).push(b"/").finish()?;
    let files = match sys::open(path, libc::O_DIRECTORY | libc::O_NONBLOCK) {
        Err(Errno::NOENT) => return Ok(()),
        files => files?,
    };
    let mut room = text::room::<4096>();
    loop {
        let mut entries = sys::getdents(&files, &mut room)?;
        if entries.is_empty() {
            return Ok(());
        }
        while let Some((kind, name, rest)) = entry(entries) {
            let is_file = matches!(kind, libc::DT_REG | libc::DT_LNK | libc::DT_UNKNOWN);
            if is_file && !is_hidden_or_backup(name.to_bytes()) && directory.can_have(name) {
                names.push(name)?;
            }
            entries = rest;
        }
    }
}

/// sd_get_uids(3).
pub fn uids(users: &mut dyn FnMut(u32) -> Result<()>) -> Result<()> {
    names(Directory::Users, &mut |name: &CStr| users(number::uid(name)?))
}

/// The kind and the name of the first of the entries that getdents64(2) writes, and the others.
fn entry(entries: &[u8]) -> Option<(u8, &CStr, &[u8])> {
    // Before it are the number of the inode and a position.
    let len = entries.get(16..)?.first_chunk()?;
    let (entry, rest) = entries.split_at_checked(u16::from_ne_bytes(*len).into())?;
    let (kind, name) = entry.get(18..)?.split_first()?;
    Some((*kind, sys::c_str(name)?, rest))
}

fn is_hidden_or_backup(name: &[u8]) -> bool {
    const NAMES: &[u8] = b"lost+found aquota.user aquota.group";
    const SUFFIXES: &[u8] = b"rpmnew rpmsave rpmorig dpkg-old dpkg-new dpkg-tmp dpkg-dist dpkg-bak dpkg-backup \
        dpkg-remove ucf-new ucf-old ucf-dist swp bak old new ignore";
    let is_backup = |suffix: &[u8]| text::place(suffix, SUFFIXES, false).is_some();
    matches!(name, [b'.', ..] | [.., b'~'])
        || text::place(name, NAMES, false).is_some()
        || text::suffix(name).is_some_and(|(_, suffix)| is_backup(suffix))
}
