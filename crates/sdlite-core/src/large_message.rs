//! What a message needs that is too large for the kernel to take as it is.

use core::ffi::c_int;

use crate::Result;
use crate::sys::{self, IoSlice, OwnedFd};

/// As large a send buffer as libsystemd asks for. The kernel's own limit is passed over where this process may do that.
pub(crate) fn raise_send_buffer(fd: c_int) {
    const SIZE: c_int = 8 << 20;
    // A message that does not fit then either is the caller's to report.
    let _ = sys::setsockopt(fd, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, SIZE)
        .or_else(|_| sys::setsockopt(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, SIZE));
}

/// A file in memory that holds an entry of the journal, and that nobody can change any more.
pub(crate) fn sealed_memfd(pieces: &[IoSlice<'_>]) -> Result<OwnedFd> {
    let memfd = sys::memfd_create(c_str!(c"journal-data"))?;
    sys::writev(&memfd, pieces)?;
    // Not F_SEAL_EXEC: journald 252 refuses files with that from unprivileged processes.
    sys::add_seals(&memfd, libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE)?;
    Ok(memfd)
}
