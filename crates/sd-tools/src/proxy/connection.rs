//! One connection: who has connected, and where it goes.

use std::os::fd::OwnedFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use super::direction::{Direction, Turn};
use super::pipe::Pipes;
use super::target::Address;

/// A connection.
#[derive(Debug)]
pub struct Connection {
    /// Who has connected.
    pub client: OwnedFd,
    /// How far it is.
    pub state: State,
    /// When it is looked at again though nothing happens.
    pub timer: Option<Instant>,
    /// What has happened to the client's socket before the connection was open.
    pub happened: EpollFlags,
}

/// How far a connection is.
#[derive(Debug)]
pub enum State {
    /// The addresses of a name are being looked up.
    Resolving,
    /// Nobody listens at any address; they are tried again later.
    Waiting(Attempt),
    /// An address is being connected to.
    Connecting(Attempt, OwnedFd),
    /// What is sent is passed on.
    Open(Box<Open>),
}

/// The addresses to connect to.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// One after the other.
    pub addresses: Vec<Address>,
    /// Which of them is next.
    pub next: usize,
    /// Until when they are tried again; None is for ever.
    pub until: Option<Instant>,
}

/// Both directions of a connection.
#[derive(Debug)]
pub struct Open {
    /// The other side.
    pub backend: OwnedFd,
    /// When something moved last.
    pub moved: Instant,
    /// From the client to the backend.
    up: Direction,
    down: Direction,
}

/// What has come of a turn of both directions.
#[derive(Debug, Default)]
pub struct Turns {
    /// One of them wants another turn.
    pub goes_on: bool,
    /// The client takes nothing now.
    pub client_blocked: bool,
    /// The backend takes nothing now.
    pub backend_blocked: bool,
    /// Something has moved.
    pub moved: bool,
    /// It is over, or why it failed.
    pub over: Option<Result<(), Errno>>,
}

impl Connection {
    /// Somebody has connected.
    pub fn new(client: OwnedFd) -> Self {
        Self { client, state: State::Resolving, timer: None, happened: EpollFlags::empty() }
    }
}

impl Open {
    /// A connection that has just come about. Who connects mostly sends something at once, whether or not that was told yet.
    pub fn new(backend: OwnedFd, happened: EpollFlags, now: Instant) -> Self {
        let mut open = Self { backend, moved: now, up: Direction::default(), down: Direction::default() };
        open.client(happened | EpollFlags::EPOLLIN);
        open
    }

    /// Something has happened to the client's socket.
    pub fn client(&mut self, flags: EpollFlags) {
        happened(flags, &mut self.up, &mut self.down);
    }

    /// Something has happened to the backend's socket.
    pub fn backend(&mut self, flags: EpollFlags) {
        happened(flags, &mut self.down, &mut self.up);
    }

    /// Moves what can be moved, both ways.
    pub fn turn(&mut self, client: &OwnedFd, pipes: &mut Pipes) -> Turns {
        let up = self.up.turn(client, &self.backend, pipes);
        let down = self.down.turn(&self.backend, client, pipes);
        let failed = [up, down].into_iter().find_map(|turn| match turn {
            Turn::Failed(errno) => Some(Err(errno)),
            _ => None,
        });
        Turns {
            goes_on: up == Turn::GoesOn || down == Turn::GoesOn,
            client_blocked: down == Turn::Blocked,
            backend_blocked: up == Turn::Blocked,
            moved: self.up.has_moved() | self.down.has_moved(),
            over: failed.or_else(|| (self.up.is_over() && self.down.is_over()).then_some(Ok(()))),
        }
    }
}

/// Something has happened to the socket that one direction comes from, and the other goes to.
fn happened(flags: EpollFlags, from: &mut Direction, to: &mut Direction) {
    if flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
        from.is_readable();
    }
    if flags.contains(EpollFlags::EPOLLOUT) {
        to.is_writable();
    }
    // Nobody is there any more.
    if flags.contains(EpollFlags::EPOLLHUP) {
        to.end();
    }
}
