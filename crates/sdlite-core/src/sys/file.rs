//! Files and directories.

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;

use super::{OwnedFd, check};
use crate::{Errno, Result};

/// open(2) for reading, close-on-exec.
pub(crate) fn open(path: &CStr, flags: c_int) -> Result<OwnedFd> {
    // SAFETY: `path` is a C string.
    check(unsafe { libc::open(path.as_ptr(), flags | libc::O_RDONLY | libc::O_CLOEXEC) }).map(OwnedFd)
}

/// read(2), up to as many bytes as there is room for; none at the end.
pub(crate) fn read(fd: c_int, room: &mut [MaybeUninit<u8>]) -> Result<&[u8]> {
    // SAFETY: no more than the room is written.
    let len = unsafe { libc::read(fd, room.as_mut_ptr().cast(), room.len()) };
    filled(room, len)
}

/// The same over what is there; how many bytes.
pub(crate) fn read_over(fd: c_int, room: &mut [u8]) -> Result<usize> {
    // SAFETY: `read` writes bytes alone, and these may have any value.
    let room = unsafe { &mut *(&raw mut *room as *mut [MaybeUninit<u8>]) };
    read(fd, room).map(<[u8]>::len)
}

/// readlink(2): as much of where a link leads as there is room for.
pub(crate) fn readlink<'a>(path: &CStr, room: &'a mut [MaybeUninit<u8>]) -> Result<&'a [u8]> {
    // SAFETY: `path` is a C string; no more than the room is written.
    let len = unsafe { libc::readlink(path.as_ptr(), room.as_mut_ptr().cast(), room.len()) };
    filled(room, len)
}

/// getdents64(2): records of the next entries of a directory, none at its end.
pub(crate) fn getdents<'a>(directory: &OwnedFd, room: &'a mut [MaybeUninit<u8>]) -> Result<&'a [u8]> {
    // SAFETY: no more than the room is written.
    let len = unsafe { libc::syscall(libc::SYS_getdents64, directory.raw(), room.as_mut_ptr(), room.len()) };
    filled(room, len as libc::ssize_t)
}

/// What a call says to have written.
fn filled(room: &[MaybeUninit<u8>], len: libc::ssize_t) -> Result<&[u8]> {
    let len = usize::try_from(len).map_err(|_| Errno::last())?;
    let bytes = room.get(..len).ok_or(Errno::IO)?;
    // SAFETY: as many bytes have been written.
    Ok(unsafe { &*(&raw const *bytes as *const [u8]) })
}
