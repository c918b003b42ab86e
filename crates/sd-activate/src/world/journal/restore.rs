//! The log, as another process had it: `daemon-reexec`.

use std::collections::BTreeMap;

use nix::errno::Errno;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::sender::{SavedSenders, Senders};
use super::sockets::{SavedSockets, Sockets};
use super::source::{SavedSource, Source};
use super::standard_error::{SavedError, StandardError};
use super::{Book, Journal, Settings};
use crate::log::ring::{Ring, SavedRing};
use crate::saved::{self, Saved};

/// What was logged, and what is read from.
#[derive(Serialize, Deserialize)]
pub struct SavedJournal {
    sockets: Option<SavedSockets>,
    /// Each has its number.
    streams: Vec<Option<SavedSource>>,
    #[serde(with = "saved")]
    of_processes: BTreeMap<Pid, Option<usize>>,
    senders: SavedSenders,
    ring: SavedRing,
    error: SavedError,
}

impl Journal {
    /// Writes it down.
    pub fn save(&self) -> SavedJournal {
        let Self {
            epoll: _,
            sources: _,
            timer: _,
            paused: _,
            waits: _,
            sockets,
            closed_until: _,
            streams,
            free: _,
            of_processes,
            connections: _,
            senders,
            room: _,
            book: Book { ring, error },
        } = self;
        SavedJournal {
            sockets: sockets.save(),
            streams: streams.iter().map(Saved::save).collect(),
            of_processes: of_processes.clone(),
            senders: senders.save(),
            ring: ring.save(),
            error: error.save(),
        }
    }

    /// The same again.
    pub fn restore(state: SavedJournal, settings: Settings) -> Result<Self, Errno> {
        let SavedJournal { sockets, streams, of_processes, senders, ring, error } = state;
        let mut journal = Self::new(Settings { sockets: false, ..settings })?;
        journal.book =
            Book { ring: Ring::restore(ring, settings.buffer), error: StandardError::restore(error, settings.format) };
        (journal.of_processes, journal.senders) = (of_processes, Senders::restore(senders));
        for (number, source) in streams.into_iter().enumerate() {
            journal.streams.push(None);
            match source.and_then(Source::restore) {
                Some(source) => journal.add_as(number, source)?,
                None => journal.free.push(number),
            }
        }
        if let Some(sockets) = sockets {
            let restored = Sockets::restore(sockets).ok_or(Errno::EBADF)?;
            journal.listen_to(restored)?;
        }
        journal.flush();
        Ok(journal)
    }
}
