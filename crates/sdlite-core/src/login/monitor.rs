//! sd_login_monitor_new(3): an inotify(7) descriptor for the directories whose files tell what has changed.

use core::ffi::{CStr, c_int};

use super::list::Directory;
use crate::{Errno, Result, sys, text};

/// sd_login_monitor_new(3): the descriptor, which is the caller's to close. `category` is `seat`, `session`, `uid`, `machine` or,
/// for all of these, None.
pub fn open(category: Option<&CStr>) -> Result<c_int> {
    // In the order of `DIRECTORIES`.
    const CATEGORIES: &[u8] = b"seat session uid machine";
    const DIRECTORIES: [Directory; 4] = [Directory::Seats, Directory::Sessions, Directory::Users, Directory::Machines];
    let inotify = sys::inotify_init()?;
    let wanted = match category {
        Some(category) => Some(text::place(category.to_bytes(), CATEGORIES, false).ok_or(Errno::INVAL)?),
        None => None,
    };
    for (place, directory) in DIRECTORIES.into_iter().enumerate() {
        if wanted.is_none_or(|wanted| wanted == place) {
            sys::inotify_add_watch(&inotify, directory.path(), libc::IN_MOVED_TO | libc::IN_DELETE)?;
        }
    }
    Ok(inotify.into_raw())
}

/// sd_login_monitor_unref(3).
///
/// # Safety
///
/// The monitor is the caller's own, and nobody uses it any more.
pub unsafe fn close(monitor: c_int) {
    // SAFETY: the caller's promise.
    unsafe { sys::close(monitor) };
}

/// sd_login_monitor_flush(3): forgets the changes up to now.
pub fn flush(monitor: c_int) -> Result<()> {
    let mut room = text::room::<4096>();
    loop {
        match sys::read(monitor, &mut room) {
            Ok([]) | Err(Errno::AGAIN) => return Ok(()),
            changes => changes.map(drop)?,
        }
    }
}
