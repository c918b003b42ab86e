//! The inode id of a process's pidfd: LISTEN_PIDFDID of sd_listen_fds(3).

use std::mem::MaybeUninit;

use nix::errno::Errno;

/// The type of the file system that pidfds are on, since Linux 6.9.
const PID_FS_MAGIC: u64 = 0x5049_4446;

/// Whether the kernel has pidfs. Before it, the inode of a pidfd says nothing.
pub fn has_pidfs() -> bool {
    let Ok(pidfd) = open(std::process::id() as libc::pid_t) else { return false };
    let mut information = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `information` is valid for writes, and all zeroes is a statfs.
    let magic = unsafe {
        libc::fstatfs(pidfd, information.as_mut_ptr());
        libc::close(pidfd);
        information.assume_init().f_type
    };
    magic as u64 == PID_FS_MAGIC
}

/// The inode id of `pid`'s pidfd. Leaves a descriptor open, close-on-exec: it is called shortly before execve(2).
pub fn inode_id(pid: libc::pid_t) -> Result<u64, Errno> {
    let pidfd = open(pid)?;
    // statx, for fstat's inode numbers have 32 bits on some machines.
    let mut information = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the path is a C string, `information` is valid for writes.
    let asked =
        unsafe { libc::statx(pidfd, c"".as_ptr(), libc::AT_EMPTY_PATH, libc::STATX_INO, information.as_mut_ptr()) };
    Errno::result(asked)?;
    // SAFETY: all zeroes is a statx, and the kernel has filled it in.
    Ok(unsafe { information.assume_init() }.stx_ino)
}

fn open(pid: libc::pid_t) -> Result<libc::c_int, Errno> {
    // SAFETY: takes numbers only.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    Errno::result(pidfd).map(|pidfd| pidfd as libc::c_int)
}
