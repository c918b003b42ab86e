//! Who this process is.

use core::ffi::c_int;

use super::{OwnedFd, check};
use crate::Result;

/// This process.
pub(crate) fn getpid() -> libc::pid_t {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::getpid() }
}

/// pidfd_open(2).
pub(crate) fn pidfd_open(pid: libc::pid_t) -> Result<OwnedFd> {
    // SAFETY: it takes numbers alone.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    check(result as c_int).map(OwnedFd)
}

/// A real and an effective user or group.
pub(crate) struct Ids {
    pub(crate) real: u32,
    pub(crate) effective: u32,
}

impl Ids {
    fn of(call: unsafe extern "C" fn(*mut u32, *mut u32, *mut u32) -> c_int) -> Self {
        let [mut real, mut effective, mut saved] = [0; 3];
        // SAFETY: the pointers are to room for a number each, and then the call cannot fail.
        unsafe { call(&raw mut real, &raw mut effective, &raw mut saved) };
        Self { real, effective }
    }
}

/// getresuid(2): both answers for one call.
pub(crate) fn getresuid() -> Ids {
    Ids::of(libc::getresuid)
}

/// getresgid(2).
pub(crate) fn getresgid() -> Ids {
    Ids::of(libc::getresgid)
}
