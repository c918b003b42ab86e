//! Waiting for whatever comes first: a signal, or somebody at a port. What that costs does not depend on how many there are.

use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::engine::Port;
use crate::error::Error;

/// How many are told of at once.
const ROOM: usize = 64;
/// What stands for the signals where a port's number would.
const SIGNALS: u64 = u64::MAX;

/// What is waited for.
pub struct Poll {
    epoll: Epoll,
    ready: [EpollEvent; ROOM],
}

/// Something that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// A signal.
    Signal,
    /// Somebody, or something, at a port.
    Port(Port, EpollFlags),
}

/// How often a port tells that somebody waits there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// As long as it is so.
    Always,
    /// Once, until it is watched again.
    Once,
    /// Not at all.
    Never,
}

impl Poll {
    /// For the signals that are read from `signals`.
    pub fn new(signals: impl AsFd) -> Result<Self, Errno> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(signals, EpollEvent::new(EpollFlags::EPOLLIN, SIGNALS))?;
        Ok(Self { epoll, ready: [EpollEvent::empty(); ROOM] })
    }

    /// Makes a port known, which tells nothing yet.
    pub fn add(&self, port: Port, descriptor: impl AsFd) -> Result<(), Errno> {
        // EPOLLHUP and EPOLLERR are told whether they are asked for or not, but not where it tells once and has done so.
        self.epoll.add(descriptor, event(port, Tells::Never))
    }

    /// Says how often a port tells.
    pub fn watch(&self, port: Port, descriptor: impl AsFd, tells: Tells) -> Result<(), Errno> {
        self.epoll.modify(descriptor, &mut event(port, tells))
    }

    /// Forgets a port, before its descriptor is closed: a service may have the same socket open.
    pub fn remove(&self, descriptor: impl AsFd) -> Result<(), Errno> {
        self.epoll.delete(descriptor)
    }

    /// Waits, until `deadline` at the latest. Signals come before everything else.
    pub fn wait(
        &mut self,
        now: Instant,
        deadline: Option<Instant>,
    ) -> Result<impl Iterator<Item = Ready> + use<>, Error> {
        let timeout = deadline.map_or(EpollTimeout::NONE, |deadline| {
            // One more, for a fraction of a millisecond is none to epoll_wait(2).
            let rest = deadline.saturating_duration_since(now).as_millis();
            if rest == 0 && deadline <= now { EpollTimeout::ZERO } else { timeout(rest + 1) }
        });
        let count = match self.epoll.wait(&mut self.ready, timeout) {
            // Only a debugger interrupts it, for all that is waited for is blocked.
            Err(Errno::EINTR) => 0,
            Ok(count) => count,
            Err(error) => return Err(Error::Wait(error)),
        };
        let told = self.ready;
        let told = move || told.into_iter().take(count);
        let signal = told().any(|event| event.data() == SIGNALS).then_some(Ready::Signal);
        let ports = told().filter(|event| event.data() != SIGNALS);
        Ok(signal.into_iter().chain(ports.map(|event| Ready::Port(Port(event.data() as usize), event.events()))))
    }
}

fn event(port: Port, tells: Tells) -> EpollEvent {
    let flags = match tells {
        Tells::Always => EpollFlags::EPOLLIN,
        Tells::Once => EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT,
        Tells::Never => EpollFlags::EPOLLONESHOT,
    };
    EpollEvent::new(flags, port.0 as u64)
}

fn timeout(milliseconds: u128) -> EpollTimeout {
    EpollTimeout::try_from(milliseconds.min(i32::MAX as u128) as i32).unwrap_or(EpollTimeout::NONE)
}
