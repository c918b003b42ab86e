use std::ffi::{OsString, c_int};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use sdlite_core::listen::{self, LISTEN_FDS_START, Names};
use sdlite_core::{Errno, Unset};

use crate::Result;

/// A descriptor that the service manager passed.
#[derive(Debug)]
pub struct ListenFd {
    /// The descriptor. It is close-on-exec. Turn it into a [`TcpListener`](std::net::TcpListener), a
    /// [`UnixListener`](std::os::unix::net::UnixListener), or whatever [`is_socket`](crate::is_socket) and its siblings say.
    pub fd: OwnedFd,
    /// Its name: `FileDescriptorName=` of the socket unit, or `unknown`.
    pub name: OsString,
}

/// The descriptors that the service manager passed, in the order of the socket unit: sd_listen_fds_with_names(3).
///
/// Each descriptor has one owner, so they are given away once: later calls return none. A program that was started by hand
/// gets none.
///
/// The variables say which descriptors are this process's own, and that is believed. But a descriptor that is close-on-exec
/// already was not passed: this process has opened it, or C code has called sd_listen_fds(3) and owns it. It counts as not
/// open.
///
/// The variables stay in the environment. They name this process, so its children ignore them.
///
/// # Errors
///
/// * `EINVAL`: a variable is not a number, `$LISTEN_FDS` is not positive or too large, or `$LISTEN_FDNAMES` has more or fewer
///   names than there are descriptors.
/// * `ERANGE`: a number is too large, or negative.
/// * `EBADF`: one of the descriptors is not open.
pub fn listen_fds() -> Result<Vec<ListenFd>> {
    take(None)
}

/// Like [`listen_fds`], and removes `$LISTEN_PID`, `$LISTEN_PIDFDID`, `$LISTEN_FDS` and `$LISTEN_FDNAMES` from the
/// environment, also if it fails.
///
/// # Errors
///
/// As [`listen_fds`].
///
/// # Safety
///
/// As for [`std::env::remove_var`]: no other thread may be using the environment.
pub unsafe fn listen_fds_unset_environment() -> Result<Vec<ListenFd>> {
    // SAFETY: the caller's promise.
    take(Some(unsafe { Unset::new() }))
}

fn take(unset: Option<Unset>) -> Result<Vec<ListenFd>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.load(Ordering::Relaxed) {
        // What has these numbers now is somebody else's.
        if let Some(unset) = unset {
            listen::unset_environment(unset);
        }
        return Ok(Vec::new());
    }
    let end = end_of_inherited();
    let Some((count, names)) = listen::listen_fds_with_names(unset, |names| Ok(owned(names)))? else {
        return Ok(Vec::new());
    };
    if count > end - LISTEN_FDS_START {
        return Err(Errno::BADF.into());
    }
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let fds = LISTEN_FDS_START..;
    Ok(fds
        .zip(names)
        // SAFETY: the manager passed this descriptor to this process for it to own. It is open, nobody in this process has
        // opened it, as far as that can be told, and this function has not given it away before.
        .map(|(fd, name)| ListenFd { fd: unsafe { OwnedFd::from_raw_fd(fd) }, name })
        .collect())
}

/// The end of the descriptors that can have been passed. std, and most others, open theirs close-on-exec.
fn end_of_inherited() -> c_int {
    // An earlier call may have set the flags and then failed.
    static BEFORE: AtomicI32 = AtomicI32::new(0);
    // SAFETY: F_GETFD touches no memory.
    let is_inherited = |fd: c_int| unsafe { libc::fcntl(fd, libc::F_GETFD) } == 0;
    let end = (LISTEN_FDS_START..c_int::MAX).find(|fd| !is_inherited(*fd)).unwrap_or(c_int::MAX);
    BEFORE.fetch_max(end, Ordering::Relaxed).max(end)
}

fn owned(names: Names<'_>) -> Vec<OsString> {
    names.map(|name| OsString::from_vec(name.bytes().collect())).collect()
}
