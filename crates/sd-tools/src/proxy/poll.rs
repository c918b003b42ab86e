//! epoll(7), and what its events are about.

use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::slots::Key;

/// What something has happened to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Subject {
    /// The listening socket with this number.
    Listener(u32),
    /// The resolver has an answer.
    Resolver,
    /// The socket of who has connected.
    Client(Key),
    /// The socket of a connection's other side.
    Backend(Key),
}

/// No place of a connection: there are never so many.
const NO_PLACE: u64 = 0x7fff_ffff;

impl Subject {
    fn token(self) -> u64 {
        match self {
            Self::Listener(number) => u64::from(number) << 32 | NO_PLACE << 1,
            Self::Resolver => NO_PLACE << 1 | 1,
            Self::Client(key) => u64::from(key.generation) << 32 | u64::from(key.place) << 1,
            Self::Backend(key) => u64::from(key.generation) << 32 | u64::from(key.place) << 1 | 1,
        }
    }

    fn of(token: u64) -> Self {
        let (high, place, low) = ((token >> 32) as u32, (token as u32) >> 1, token & 1);
        let key = Key { place, generation: high };
        match (u64::from(place), low) {
            (NO_PLACE, 0) => Self::Listener(high),
            (NO_PLACE, _) => Self::Resolver,
            (_, 0) => Self::Client(key),
            _ => Self::Backend(key),
        }
    }
}

/// What is waited for.
pub struct Poll(Epoll);

/// The events of one wait.
pub type Events = [EpollEvent; 64];

impl Poll {
    /// Nothing is waited for yet.
    ///
    /// # Errors
    ///
    /// Those of epoll_create1(2).
    pub fn new() -> Result<Self, Errno> {
        Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map(Self)
    }

    /// Waits for these events.
    ///
    /// # Errors
    ///
    /// Those of epoll_ctl(2).
    pub fn add(&self, subject: Subject, fd: impl AsFd, flags: EpollFlags) -> Result<(), Errno> {
        self.0.add(fd, EpollEvent::new(flags, subject.token()))
    }

    /// From now on for these.
    ///
    /// # Errors
    ///
    /// Those of epoll_ctl(2).
    pub fn modify(&self, subject: Subject, fd: impl AsFd, flags: EpollFlags) -> Result<(), Errno> {
        self.0.modify(fd, &mut EpollEvent::new(flags, subject.token()))
    }

    /// Waits until something happens, or until then; None is for ever.
    ///
    /// # Errors
    ///
    /// Those of epoll_wait(2), but not EINTR.
    pub fn wait<'a>(
        &self,
        events: &'a mut Events,
        until: Option<Instant>,
    ) -> Result<impl Iterator<Item = (Subject, EpollFlags)> + use<'a>, Errno> {
        // Rounded up: it is not to wake up before.
        let timeout = until.map(|until| {
            let rest = until.saturating_duration_since(Instant::now());
            i32::try_from(rest.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
        });
        let timeout =
            timeout.map_or(EpollTimeout::NONE, |timeout| EpollTimeout::try_from(timeout).unwrap_or(EpollTimeout::MAX));
        let count = match self.0.wait(events, timeout) {
            Err(Errno::EINTR) => 0,
            result => result?,
        };
        Ok(events.iter().take(count).map(|event| (Subject::of(event.data()), event.events())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_what_it_is_about() {
        let key = Key { place: 5, generation: u32::MAX };
        for subject in [Subject::Listener(7), Subject::Resolver, Subject::Client(key), Subject::Backend(key)] {
            assert_eq!(Subject::of(subject.token()), subject);
        }
    }
}
