//! Randomness.

use core::ffi::{c_int, c_uint};

use super::check;
use crate::Result;

/// getrandom(2). By its number, as the C library's own may keep state for it.
pub(crate) fn getrandom(room: &mut [u8], flags: c_uint) -> Result<usize> {
    // SAFETY: the pointer is to that much room.
    let got = unsafe { libc::syscall(libc::SYS_getrandom, room.as_mut_ptr(), room.len(), flags) };
    check(got as c_int).map(|got| got as usize)
}
