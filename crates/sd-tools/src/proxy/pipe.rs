//! Pipes that splice(2) moves through.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

/// How much a pipe holds, where the kernel allows it. Twice what systemd-socket-proxyd has, for up to half the system calls. More
/// than that gains little, and so much waits in the kernel for each receiver that is slow.
pub const SIZE: usize = 512 << 10;

/// How many empty pipes are kept.
const SPARE: usize = 2;

/// A pipe, and how much is in it.
#[derive(Debug)]
pub struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    held: usize,
}

impl Pipe {
    /// Moves in what a socket has received: so much; 0 at its end.
    pub fn fill(&mut self, from: &OwnedFd) -> Result<usize, Errno> {
        let count = spliced(from, &self.writer, SIZE)?;
        self.held += count;
        Ok(count)
    }

    /// Moves out what a socket takes. Whether it is empty now.
    pub fn drain(&mut self, to: &OwnedFd) -> Result<bool, Errno> {
        let count = spliced(&self.reader, to, self.held)?;
        self.held = self.held.saturating_sub(count);
        Ok(self.held == 0)
    }
}

fn spliced(from: &OwnedFd, to: &OwnedFd, count: usize) -> Result<usize, Errno> {
    splice(from, None, to, None, count, SpliceFFlags::SPLICE_F_MOVE | SpliceFFlags::SPLICE_F_NONBLOCK)
}

/// Empty pipes, for whoever moves something.
#[derive(Debug, Default)]
pub struct Pipes(Vec<Pipe>);

impl Pipes {
    /// An empty pipe.
    ///
    /// # Errors
    ///
    /// Those of pipe2(2).
    pub fn take(&mut self) -> Result<Pipe, Errno> {
        if let Some(pipe) = self.0.pop() {
            return Ok(pipe);
        }
        let (reader, writer) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
        // A user may not have many that large: the usual size does as well.
        let _ = fcntl(&reader, FcntlArg::F_SETPIPE_SZ(SIZE as i32));
        Ok(Pipe { reader, writer, held: 0 })
    }

    /// Takes an empty pipe back. One that is not is closed.
    pub fn give_back(&mut self, pipe: Pipe) {
        if pipe.held == 0 && self.0.len() < SPARE {
            self.0.push(pipe);
        }
    }
}
