//! Changes of directories.

use core::ffi::CStr;

use super::{OwnedFd, check};
use crate::Result;

/// inotify_init1(2), close-on-exec and never blocking.
pub(crate) fn inotify_init() -> Result<OwnedFd> {
    // SAFETY: it takes a number.
    check(unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) }).map(OwnedFd)
}

/// inotify_add_watch(2).
pub(crate) fn inotify_add_watch(inotify: &OwnedFd, path: &CStr, events: u32) -> Result<()> {
    // SAFETY: `path` is a C string.
    check(unsafe { libc::inotify_add_watch(inotify.raw(), path.as_ptr(), events) }).map(drop)
}
