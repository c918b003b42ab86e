//! One direction of a connection: what one socket receives, the other sends.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{Shutdown, shutdown};

use super::pipe::{Pipe, Pipes};

/// How often a pipe is filled before others have their turn.
const ROUNDS: usize = 8;

/// What has come of a turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Turn {
    /// There is nothing to read, or nobody who takes it.
    Waits,
    /// There is more: it wants another turn.
    GoesOn,
    /// The receiver takes nothing now: it is to be said when it does.
    Blocked,
    /// Nothing will move any more.
    Over,
    /// The connection has failed.
    Failed(Errno),
}

/// One direction.
#[derive(Debug, Default)]
pub struct Direction {
    /// Only while something is in it.
    pipe: Option<Pipe>,
    readable: bool,
    blocked: bool,
    over: bool,
    /// Whether something has moved since this was last asked.
    moved: bool,
}

impl Direction {
    /// The sender has sent, or has ended.
    pub fn is_readable(&mut self) {
        self.readable = true;
    }

    /// The receiver takes more.
    pub fn is_writable(&mut self) {
        self.blocked = false;
    }

    /// The receiver takes nothing any more.
    pub fn end(&mut self) {
        self.over = true;
        self.pipe = None;
    }

    /// Whether nothing will move any more.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether something has moved since this was last asked.
    pub fn has_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Moves what can be moved.
    pub fn turn(&mut self, from: &OwnedFd, to: &OwnedFd, pipes: &mut Pipes) -> Turn {
        for _ in 0..ROUNDS {
            if self.over {
                return Turn::Over;
            }
            if let Some(turn) = self.drain(to, pipes).or_else(|| self.fill(from, to, pipes)) {
                return turn;
            }
        }
        Turn::GoesOn
    }

    /// Empties the pipe. None where there is nothing in it any more.
    fn drain(&mut self, to: &OwnedFd, pipes: &mut Pipes) -> Option<Turn> {
        let pipe = self.pipe.as_mut()?;
        if self.blocked {
            return Some(Turn::Waits);
        }
        loop {
            match pipe.drain(to) {
                Ok(empty) => {
                    self.moved = true;
                    if empty {
                        pipes.give_back(self.pipe.take()?);
                        return None;
                    }
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    self.blocked = true;
                    return Some(Turn::Blocked);
                }
                // The receiver has closed, but may have sent something before it did: the other direction goes on.
                Err(Errno::EPIPE | Errno::ECONNRESET) => {
                    self.end();
                    return Some(Turn::Over);
                }
                Err(errno) => return Some(Turn::Failed(errno)),
            }
        }
    }

    /// Fills the pipe, which is empty. None where there is something in it now.
    fn fill(&mut self, from: &OwnedFd, to: &OwnedFd, pipes: &mut Pipes) -> Option<Turn> {
        if !self.readable {
            return Some(Turn::Waits);
        }
        let mut pipe = match pipes.take() {
            Ok(pipe) => pipe,
            Err(errno) => return Some(Turn::Failed(errno)),
        };
        let turn = match pipe.fill(from) {
            Ok(0) => {
                self.over = true;
                let _ = shutdown(to.as_raw_fd(), Shutdown::Write);
                Turn::Over
            }
            Ok(_) => {
                self.pipe = Some(pipe);
                return None;
            }
            Err(Errno::EINTR) => return None,
            Err(Errno::EAGAIN) => {
                self.readable = false;
                Turn::Waits
            }
            Err(errno) => Turn::Failed(errno),
        };
        pipes.give_back(pipe);
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_turn_ends_where_the_sender_never_does() {
        let endless = OwnedFd::from(File::open("/dev/zero").expect("a device"));
        let everything = OwnedFd::from(File::options().write(true).open("/dev/null").expect("a device"));
        let (mut direction, mut pipes) = (Direction::default(), Pipes::default());
        direction.is_readable();
        assert_eq!(direction.turn(&endless, &everything, &mut pipes), Turn::GoesOn);
        assert!(direction.has_moved());
    }
}
