//! sd_get_seats(3) and its siblings: the files that there are below /run/systemd.

use core::ffi::CStr;

use super::{Words, machine};
use crate::{Errno, Result, number, sys, text};

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
    pub(super) fn path(self) -> &'static CStr {
        match self {
            Self::Seats => c_str!(c"/run/systemd/seats/"),
            Self::Sessions => c_str!(c"/run/systemd/sessions/"),
            Self::Machines => c_str!(c"/run/systemd/machines/"),
            Self::Users => c_str!(c"/run/systemd/users/"),
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

/// sd_get_seats(3), sd_get_sessions(3), sd_get_machine_names(3). False where there are no files, whatever they are called.
#[inline(never)]
pub fn names(directory: Directory, names: &mut dyn Words) -> Result<bool> {
    let files = match sys::open(directory.path(), libc::O_DIRECTORY | libc::O_NONBLOCK) {
        Err(Errno::NOENT) => return Ok(false),
        files => files?,
    };
    let mut room = text::room::<4096>();
    let mut found = false;
    loop {
        let mut entries = match sys::getdents(&files, &mut room) {
            // It has been removed meanwhile.
            Err(Errno::NOENT) => &[],
            entries => entries?,
        };
        if entries.is_empty() {
            return Ok(found);
        }
        while let Some((kind, name, rest)) = entry(entries) {
            let is_file = matches!(kind, libc::DT_REG | libc::DT_LNK | libc::DT_UNKNOWN);
            if is_file && !is_hidden_or_backup(name.to_bytes()) {
                found = true;
                if directory.can_have(name) {
                    names.push(name)?;
                }
            }
            entries = rest;
        }
    }
}

/// sd_get_uids(3).
pub fn uids(users: &mut dyn FnMut(u32) -> Result<()>) -> Result<()> {
    names(Directory::Users, &mut |name: &CStr| users(number::uid(name)?)).map(drop)
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
