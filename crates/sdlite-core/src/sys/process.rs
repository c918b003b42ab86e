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

/// PIDFD_GET_INFO of ioctl(2): the process that a pidfd refers to.
pub(crate) fn pidfd_get_pid(pidfd: c_int) -> Result<libc::pid_t> {
    /// `struct pidfd_info` as Linux 6.13 had it first; later kernels take that too.
    #[repr(C)]
    struct Info {
        mask: u64,
        cgroup: u64,
        pid: u32,
        others: [u32; 11],
    }
    const PIDFD_INFO_PID: u64 = 1;
    let mut info = Info { mask: PIDFD_INFO_PID, cgroup: 0, pid: 0, others: [0; 11] };
    // SAFETY: no more is written than the size, which the request names.
    check(unsafe { libc::ioctl(pidfd, libc::_IOWR::<Info>(0xff, 11), &raw mut info) })?;
    Ok(info.pid as libc::pid_t)
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
