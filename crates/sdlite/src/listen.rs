use std::ffi::OsString;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::sync::atomic::{AtomicBool, Ordering};

use sdlite_core::Unset;
use sdlite_core::listen::{self, LISTEN_FDS_START, Names};

use crate::Result;

/// A descriptor that the service manager passed.
#[derive(Debug)]
pub struct ListenFd {
    /// The descriptor, which is close-on-exec. Turn it into a [`TcpListener`](std::net::TcpListener),
    /// [`UnixListener`](std::os::unix::net::UnixListener) or whatever the checks of this crate say that it is.
    pub fd: OwnedFd,
    /// Its name: what `FileDescriptorName=` of its socket unit says, or `unknown`.
    pub name: OsString,
}

/// The descriptors that the service manager passed, in the order of the socket unit: sd_listen_fds_with_names(3).
///
/// They are given away once: later calls find none, as the descriptors have an owner then. None were passed to a program
/// that was started by hand.
///
/// The variables stay in the environment. They name this process and so mean nothing to its children.
///
/// # Errors
///
/// * `EINVAL`: a variable is not a number, `$LISTEN_FDS` is not in the range of descriptors, or `$LISTEN_FDNAMES` does not
///   name as many descriptors as were passed.
/// * `ERANGE`: a variable is a number that does not fit.
/// * `EBADF`: one of the descriptors is not open.
pub fn listen_fds() -> Result<Vec<ListenFd>> {
    take(None)
}

/// Like [`listen_fds`], and removes `$LISTEN_PID`, `$LISTEN_PIDFDID`, `$LISTEN_FDS` and `$LISTEN_FDNAMES` from the
/// environment, whatever it returns.
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
    // The environment is read, and cleared, in any case.
    let passed = listen::listen_fds_with_names(unset, |names| Ok(owned(names)))?;
    let Some((_count, names)) = passed else { return Ok(Vec::new()) };
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let fds = LISTEN_FDS_START..;
    Ok(fds
        .zip(names)
        // SAFETY: the manager passed this descriptor to this process for it to own, it is open, and nobody has been given
        // it before.
        .map(|(fd, name)| ListenFd { fd: unsafe { OwnedFd::from_raw_fd(fd) }, name })
        .collect())
}

fn owned(names: Names<'_>) -> Vec<OsString> {
    names.map(|name| OsString::from_vec(name.bytes().collect())).collect()
}
