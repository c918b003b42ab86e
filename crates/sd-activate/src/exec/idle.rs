//! Type=idle: a service waits, before anything else is done for it, until no job is under way any more but
//! those of such services.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd::pipe2;

use crate::saved::{Descriptor, Saved};

/// As long it waits at most, in milliseconds: systemd.service(5).
const PATIENCE: libc::c_int = 5000;

/// What services wait for: that this process closes its end of a pipe.
#[derive(Debug)]
pub struct Idle {
    end: OwnedFd,
    held: OwnedFd,
}

impl Saved for Idle {
    type Form = (Descriptor, Descriptor);

    fn save(&self) -> Self::Form {
        let Self { end, held } = self;
        (end.save(), held.save())
    }

    fn restore((end, held): Self::Form) -> Option<Self> {
        Some(Self { end: OwnedFd::restore(end)?, held: OwnedFd::restore(held)? })
    }
}

impl Idle {
    /// Jobs are under way, until this is dropped.
    pub fn new() -> Result<Self, Errno> {
        let (end, held) = pipe2(OFlag::O_CLOEXEC)?;
        Ok(Self { end, held })
    }

    /// Waits for that in a process of its own, whose copies of both ends are closed when it is executed.
    pub(super) fn wait(&self) {
        let mut end = libc::pollfd { fd: self.end.as_raw_fd(), events: 0, revents: 0 };
        // SAFETY: the copy is this process's, and nothing in it uses it any more; then, one pollfd, valid for writes.
        unsafe {
            libc::close(self.held.as_raw_fd());
            libc::poll(&mut end, 1, PATIENCE);
        }
    }
}
