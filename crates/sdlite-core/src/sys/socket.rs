//! Sockets.

use core::ffi::c_int;
use core::mem::{MaybeUninit, size_of};

use super::{Address, OwnedFd, SocketAddress, check};
use crate::{Errno, Result};

/// socket(2), close-on-exec.
pub(crate) fn socket(family: c_int, kind: c_int) -> Result<OwnedFd> {
    // SAFETY: it takes numbers alone.
    check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) }).map(OwnedFd)
}

/// connect(2).
pub(crate) fn connect(socket: &OwnedFd, to: &Address) -> Result<()> {
    // SAFETY: the pointer is to an address of that size.
    check(unsafe { libc::connect(socket.raw(), to.as_ptr(), to.len()) }).map(drop)
}

/// bind(2).
pub(crate) fn bind(socket: &OwnedFd, to: &Address) -> Result<()> {
    // SAFETY: the pointer is to an address of that size.
    check(unsafe { libc::bind(socket.raw(), to.as_ptr(), to.len()) }).map(drop)
}

/// shutdown(2) of the reading or the writing side: SHUT_RD, SHUT_WR.
pub(crate) fn shutdown(socket: &OwnedFd, side: c_int) -> Result<()> {
    // SAFETY: it takes numbers alone.
    check(unsafe { libc::shutdown(socket.raw(), side) }).map(drop)
}

/// recv(2) of one byte: whether there was one, or the other side has closed.
pub(crate) fn recv_byte(socket: &OwnedFd) -> Result<bool> {
    let mut byte = 0u8;
    // SAFETY: the pointer is to room for one byte.
    let received = unsafe { libc::recv(socket.raw(), (&raw mut byte).cast(), 1, libc::MSG_NOSIGNAL) };
    if received == -1 { Err(Errno::last()) } else { Ok(received != 0) }
}

/// A socket option that is an int.
pub(crate) fn getsockopt(fd: c_int, level: c_int, option: c_int) -> Result<c_int> {
    let mut value: c_int = 0;
    let mut size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointers are to an int and to its size, no more than which is written.
    check(unsafe { libc::getsockopt(fd, level, option, (&raw mut value).cast(), &raw mut size) })?;
    Ok(value)
}

/// SO_PEERPIDFD: a pidfd of the process at the other end, close-on-exec.
pub(crate) fn peer_pidfd(fd: c_int) -> Result<OwnedFd> {
    // Of the architectures that Rust has, one numbers them otherwise.
    const SO_PEERPIDFD: c_int = if cfg!(target_arch = "sparc64") { 0x56 } else { 77 };
    getsockopt(fd, libc::SOL_SOCKET, SO_PEERPIDFD).map(OwnedFd)
}

/// SO_PEERCRED: the process at the other end.
pub(crate) fn peer_pid(fd: c_int) -> Result<libc::pid_t> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the pointers are to a ucred and to its size, no more than which is written.
    check(unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut credentials).cast(), &raw mut size)
    })?;
    Ok(credentials.pid)
}

/// Sets a socket option that is an int.
pub(crate) fn setsockopt(fd: c_int, level: c_int, option: c_int, value: c_int) -> Result<()> {
    let size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointer is to an int, and that is the size given.
    check(unsafe { libc::setsockopt(fd, level, option, (&raw const value).cast(), size) }).map(drop)
}

/// getsockname(2).
pub(crate) fn getsockname(fd: c_int) -> Result<SocketAddress> {
    let mut storage = MaybeUninit::<libc::sockaddr_storage>::uninit();
    let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the pointers are to room for an address and to its size, no more than which is written.
    check(unsafe { libc::getsockname(fd, storage.as_mut_ptr().cast(), &raw mut len) })?;
    // SAFETY: as many bytes have been written as the length says, where it is no larger than the room.
    Ok(unsafe { SocketAddress::new(storage, len as usize) })
}
