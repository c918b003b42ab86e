//! The kernel's keyrings: keyrings(7). The C library has no functions for them.

use core::ffi::{CStr, c_char, c_int, c_long};
use core::ptr;

use super::check;
use crate::{Errno, Result};

/// The serial number of a key.
#[derive(Clone, Copy)]
pub(crate) struct Key(c_int);

/// request_key(2), which asks nobody to make one.
pub(crate) fn request_key(kind: &CStr, description: &CStr) -> Result<Key> {
    let nobody = ptr::null::<c_char>();
    // SAFETY: the pointers are to C strings, and NULL.
    let key = unsafe { libc::syscall(libc::SYS_request_key, kind.as_ptr(), description.as_ptr(), nobody, 0) };
    check(key as c_int).map(Key)
}

/// KEYCTL_DESCRIBE of keyctl(2): "type;uid;gid;permissions;description".
pub(crate) fn key_describe(key: Key, room: &mut [u8]) -> Result<&[u8]> {
    const KEYCTL_DESCRIBE: c_long = 6;
    let len = keyctl(KEYCTL_DESCRIBE, key, room)?;
    // What does not fit is not written, and the size needed comes back; the last byte is a zero.
    room.get(..len).and_then(|described| described.strip_suffix(b"\0")).ok_or(Errno::UCLEAN)
}

/// KEYCTL_READ of keyctl(2): the size of the key, of which as much is read as there is room for.
pub(crate) fn key_read(key: Key, room: &mut [u8]) -> Result<usize> {
    const KEYCTL_READ: c_long = 11;
    keyctl(KEYCTL_READ, key, room)
}

fn keyctl(operation: c_long, key: Key, room: &mut [u8]) -> Result<usize> {
    // SAFETY: both operations write no more than the last argument says.
    let size = unsafe { libc::syscall(libc::SYS_keyctl, operation, key.0, room.as_mut_ptr(), room.len()) };
    if size == -1 { Err(Errno::last()) } else { Ok(size as usize) }
}
