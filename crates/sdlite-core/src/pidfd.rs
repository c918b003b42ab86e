//! sd_pidfd_get_inode_id(3): ids of processes that, other than PIDs, are never used again.

use core::ffi::c_int;

use crate::{Errno, Result, sys};

/// PID_FS_MAGIC of the kernel: pidfds have had a file system of their own since Linux 6.9.
const PIDFS: u64 = 0x5049_4446;

/// sd_pidfd_get_inode_id(3): the inode id of the process that a pidfd refers to.
pub fn get_inode_id(pidfd: c_int) -> Result<u64> {
    if pidfd < 0 {
        return Err(Errno::BADF);
    }
    let kind = sys::file_system_type(pidfd);
    if kind == Ok(PIDFS) {
        return inode_id(pidfd);
    }
    // Where there are no ids, or it cannot be told, that comes before what is wrong with the descriptor.
    if !has_inode_ids() {
        return Err(Errno::OPNOTSUPP);
    }
    Err(kind.err().unwrap_or(Errno::BADF))
}

/// Whether the kernel has inode ids of processes: before Linux 6.9, the inode of a pidfd says nothing.
pub fn has_inode_ids() -> bool {
    sys::pidfd_open(sys::getpid()).and_then(|own| sys::file_system_type(own.raw())) == Ok(PIDFS)
}

/// The inode id of the process that a pidfd refers to, [where there are any](has_inode_ids): that is not asked again.
pub fn inode_id(pidfd: c_int) -> Result<u64> {
    Ok(sys::fstat(pidfd)?.inode())
}

/// pidfd_open(2). The descriptor is close-on-exec, and the caller's to close.
pub fn open(pid: libc::pid_t) -> Result<c_int> {
    sys::pidfd_open(pid).map(sys::OwnedFd::into_raw)
}

/// The inode id of a process.
pub(crate) fn inode_id_of(pid: libc::pid_t) -> Result<u64> {
    get_inode_id(sys::pidfd_open(pid)?.raw())
}
