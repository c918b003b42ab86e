//! Descriptors of any kind.

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::ptr;

use super::check;
use super::message::{IoSlice, whole};
use crate::{Errno, Result};

/// A descriptor of this library's own, closed when dropped.
pub(crate) struct OwnedFd(pub(super) c_int);

impl OwnedFd {
    pub(crate) fn raw(&self) -> c_int {
        self.0
    }

    pub(crate) fn into_raw(self) -> c_int {
        core::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for OwnedFd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours and nobody else closes it.
        unsafe { close(self.0) };
    }
}

/// close(2).
///
/// # Safety
///
/// The descriptor is the caller's own, and nobody uses it any more.
pub(crate) unsafe fn close(fd: c_int) {
    // SAFETY: it takes a number; the rest is the caller's promise.
    unsafe { libc::close(fd) };
}

/// Sets FD_CLOEXEC, the one flag there is to set, so that there is nothing to read first.
pub(crate) fn set_cloexec(fd: c_int) -> Result<()> {
    // SAFETY: F_SETFD takes an int and touches no memory.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) }).map(drop)
}

/// open(2) with O_PATH, close-on-exec.
pub(crate) fn open_path(path: &CStr) -> Result<OwnedFd> {
    // SAFETY: `path` is a C string.
    check(unsafe { libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) }).map(OwnedFd)
}

/// The two ends of a pipe.
pub(crate) struct Pipe {
    pub(crate) read: OwnedFd,
    pub(crate) write: OwnedFd,
}

/// pipe2(2), close-on-exec.
pub(crate) fn pipe() -> Result<Pipe> {
    let mut ends = [-1; 2];
    // SAFETY: the pointer is to room for two descriptors.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    let [read, write] = ends.map(OwnedFd);
    Ok(Pipe { read, write })
}

/// memfd_create(2), close-on-exec, of a file that can be sealed.
pub(crate) fn memfd_create(name: &CStr) -> Result<OwnedFd> {
    // SAFETY: `name` is a C string.
    check(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) }).map(OwnedFd)
}

/// writev(2). EIO where only a part was written.
pub(crate) fn writev(fd: &OwnedFd, pieces: &[IoSlice<'_>]) -> Result<()> {
    // SAFETY: the pieces are valid iovecs, laid out as those.
    whole(unsafe { libc::writev(fd.raw(), pieces.as_ptr().cast(), pieces.len() as c_int) }, pieces)
}

/// F_ADD_SEALS of fcntl(2).
pub(crate) fn add_seals(fd: &OwnedFd, seals: c_int) -> Result<()> {
    // SAFETY: F_ADD_SEALS takes an int and touches no memory.
    check(unsafe { libc::fcntl(fd.raw(), libc::F_ADD_SEALS, seals) }).map(drop)
}

/// mq_getattr(3), for its answer alone: whether this is a POSIX message queue. The C library's own function is not called
/// because older ones have it in a library of its own.
pub(crate) fn mq_getattr(fd: c_int) -> Result<()> {
    let mut attributes = MaybeUninit::<libc::mq_attr>::uninit();
    // SAFETY: the pointer for new attributes is NULL, the one for the present ones is to room for them.
    let result =
        unsafe { libc::syscall(libc::SYS_mq_getsetattr, fd, ptr::null::<libc::mq_attr>(), attributes.as_mut_ptr()) };
    if result == -1 { Err(Errno::last()) } else { Ok(()) }
}
