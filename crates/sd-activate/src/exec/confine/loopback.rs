//! The loopback interface of a network namespace, between clone(2) and execve(2): nothing is allocated here.

use std::mem::zeroed;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

/// Has the interface work, which it does not by itself.
pub(super) fn bring_up() -> Result<(), Errno> {
    // SAFETY: takes numbers.
    let opened = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    // SAFETY: socket has just opened it.
    let socket = Errno::result(opened).map(|socket| unsafe { OwnedFd::from_raw_fd(socket) })?;
    // SAFETY: all zeroes are a request about no interface.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(*b"lo") {
        *place = byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: a request, which the kernel reads.
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }).map(drop)
}
