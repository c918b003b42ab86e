//! Waiting for whatever comes first: a signal or a connection.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::Error;
use crate::signals::Signals;

/// What is waited for.
pub struct Waiter<'a> {
    /// The signals, and after them the sockets.
    descriptors: Vec<PollFd<'a>>,
    sockets: Vec<BorrowedFd<'a>>,
}

/// What has come.
pub struct Ready<'a, 'b> {
    /// A signal.
    pub signal: bool,
    polled: &'b [PollFd<'a>],
    sockets: &'b [BorrowedFd<'a>],
}

impl<'a> Waiter<'a> {
    /// For `signals` and `sockets`.
    pub fn new(signals: &'a Signals, sockets: impl Iterator<Item = BorrowedFd<'a>>) -> Self {
        let sockets: Vec<_> = sockets.collect();
        let all = std::iter::once(signals.as_fd()).chain(sockets.iter().copied());
        Self { descriptors: all.map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN)).collect(), sockets }
    }

    /// Waits for a signal.
    pub fn signals(&mut self, timeout: PollTimeout) -> Result<Ready<'a, '_>, Error> {
        self.wait(1, timeout)
    }

    /// Waits for a signal or a connection.
    pub fn signals_and_sockets(&mut self, timeout: PollTimeout) -> Result<Ready<'a, '_>, Error> {
        self.wait(self.descriptors.len(), timeout)
    }

    fn wait(&mut self, count: usize, timeout: PollTimeout) -> Result<Ready<'a, '_>, Error> {
        let (polled, _) = self.descriptors.split_at_mut(count);
        let ready = match poll(polled, timeout) {
            // Only a debugger interrupts it, for all that is waited for is blocked.
            Err(Errno::EINTR) | Ok(0) => false,
            Ok(_) => true,
            Err(error) => return Err(Error::Wait(error)),
        };
        let polled: &[_] = if ready { polled } else { &[] };
        let Some((signals, polled)) = polled.split_first() else {
            return Ok(Ready { signal: false, polled: &[], sockets: &[] });
        };
        Ok(Ready { signal: signals.any().unwrap_or(true), polled, sockets: &self.sockets })
    }
}

impl<'a> Ready<'a, '_> {
    /// The sockets that a connection, or an error, has come to.
    pub fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'a>> {
        self.polled
            .iter()
            .zip(self.sockets)
            .filter(|(polled, _)| polled.any().unwrap_or(true))
            .map(|(_, socket)| *socket)
    }
}
