//! Waiting for whatever comes first: a signal, or somebody at a port. What that costs does not depend on how many there are.

use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use serde::{Deserialize, Serialize};

use crate::engine::Port;
use crate::error::Error;

/// How many are told of at once.
const ROOM: usize = 64;

/// What is waited for. They are told of in this order: what a service says before that it has ended, and what ends it before
/// who would start it once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// What is written to the log.
    Log,
    /// What a service notifies of.
    Notification,
    /// A signal.
    Signal,
    /// That nobody is on the other side of a stored descriptor any more.
    Stored(usize),
    /// Somebody, or something, at a port.
    Port(Port),
    /// What somebody says who is connected to the control socket, or that there is room for what is told.
    Client(usize),
    /// Somebody at the control socket.
    Control,
}

impl Key {
    /// The highest bits say what it is, the others which.
    const SHIFT: u32 = 60;

    fn number(self) -> u64 {
        let (kind, which) = match self {
            Self::Log => (0, 0),
            Self::Notification => (1, 0),
            Self::Signal => (2, 0),
            Self::Stored(number) => (3, number),
            Self::Port(port) => (4, port.0),
            Self::Client(client) => (5, client),
            Self::Control => (6, 0),
        };
        kind << Self::SHIFT | which as u64
    }

    fn of(number: u64) -> Self {
        let which = (number & ((1 << Self::SHIFT) - 1)) as usize;
        match number >> Self::SHIFT {
            0 => Self::Log,
            1 => Self::Notification,
            2 => Self::Signal,
            3 => Self::Stored(which),
            4 => Self::Port(Port(which)),
            5 => Self::Client(which),
            _ => Self::Control,
        }
    }
}

/// How often it is told that something has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tells {
    /// As long as it is so.
    Always,
    /// Once, until it is watched again.
    Once,
    /// Not at all.
    Never,
    /// That there is nobody on the other side, and nothing else.
    HangUp,
    /// As long as there is room for what is to be written.
    Writable,
}

/// What is waited for.
pub struct Poll {
    epoll: Epoll,
    ready: [EpollEvent; ROOM],
}

impl Poll {
    /// Nothing is waited for.
    pub fn new() -> Result<Self, Errno> {
        Ok(Self { epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?, ready: [EpollEvent::empty(); ROOM] })
    }

    /// Makes something known.
    ///
    /// EPOLLHUP and EPOLLERR are told whether they are asked for or not, but not where it tells once and has done so.
    pub fn add(&self, key: Key, descriptor: impl AsFd, tells: Tells) -> Result<(), Errno> {
        self.epoll.add(descriptor, event(key, tells))
    }

    /// Says how often it tells.
    pub fn watch(&self, key: Key, descriptor: impl AsFd, tells: Tells) -> Result<(), Errno> {
        self.epoll.modify(descriptor, &mut event(key, tells))
    }

    /// Forgets it, before its descriptor is closed: a service may have the same open.
    pub fn remove(&self, descriptor: impl AsFd) -> Result<(), Errno> {
        self.epoll.delete(descriptor)
    }

    /// Waits, until `deadline` at the latest.
    pub fn wait(
        &mut self,
        now: Instant,
        deadline: Option<Instant>,
    ) -> Result<impl Iterator<Item = (Key, EpollFlags)> + Clone + use<>, Error> {
        let timeout = deadline.map_or(EpollTimeout::NONE, |deadline| {
            let rest = deadline.saturating_duration_since(now);
            // One more, for a fraction of a millisecond is none to epoll_wait(2).
            let rest = if rest.is_zero() { 0 } else { rest.as_millis() + 1 };
            EpollTimeout::try_from(rest.min(i32::MAX as u128) as i32).unwrap_or(EpollTimeout::NONE)
        });
        let count = match self.epoll.wait(&mut self.ready, timeout) {
            // Only a debugger interrupts it, for all that is waited for is blocked.
            Err(Errno::EINTR) => 0,
            Ok(count) => count,
            Err(error) => return Err(Error::Wait(error)),
        };
        self.ready[..count].sort_unstable_by_key(|event| Key::of(event.data()));
        let ready = self.ready.into_iter().take(count);
        Ok(ready.map(|event| (Key::of(event.data()), event.events())))
    }
}

fn event(key: Key, tells: Tells) -> EpollEvent {
    let flags = match tells {
        Tells::Always => EpollFlags::EPOLLIN,
        Tells::Once => EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT,
        Tells::Never => EpollFlags::EPOLLONESHOT,
        Tells::HangUp => EpollFlags::empty(),
        Tells::Writable => EpollFlags::EPOLLOUT,
    };
    EpollEvent::new(flags, key.number())
}
