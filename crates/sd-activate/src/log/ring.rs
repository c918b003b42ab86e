//! The log in memory: the newest entries, as many as there is room for.
//!
//! Who reads it remembers the place up to which it has read, and asks for what comes [from](Ring::from) there: the next time, too.
//! A [`Query`](super::query::Query) says which entries.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Fields, Timestamp};
use crate::reserve;

/// A number that only grows: the place of an entry among all that there ever were.
pub type Place = u64;

/// Entries in the order in which they came. Where there is no more room, the oldest go. It takes memory as entries come, and no more where
/// that has run out.
#[derive(Debug)]
pub struct Ring {
    entries: VecDeque<Entry>,
    /// Bytes, roughly.
    size: usize,
    size_max: usize,
    /// The place of the first that is kept.
    first: Place,
}

impl Ring {
    /// An empty one, with room for so many bytes.
    pub fn new(size_max: usize) -> Self {
        Self { entries: VecDeque::new(), size: 0, size_max, first: 0 }
    }

    /// Adds an entry. One that is larger than all the room is not kept, but counted as dropped.
    pub fn push(&mut self, mut entry: Entry) {
        entry.fields.shrink();
        let room = if reserve::is_used() { self.size } else { self.size_max };
        self.size += entry.size() + beside(&entry, self.entries.back());
        self.entries.push_back(entry);
        while self.size > room {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.size -= oldest.size() + beside(&oldest, self.entries.front());
            self.first += 1;
        }
    }

    /// How many entries are no longer there: also the place of the first that is.
    pub fn dropped(&self) -> u64 {
        self.first
    }

    /// The place of the next entry that will come.
    pub fn end(&self) -> Place {
        self.first + self.entries.len() as Place
    }

    /// The entries from that place on; where it has been dropped, from the first that is kept. Each with its place.
    pub fn from(&self, place: Place) -> impl DoubleEndedIterator<Item = (Place, &Entry)> + ExactSizeIterator {
        let skipped = place.saturating_sub(self.first).min(self.entries.len() as Place);
        let first = self.first + skipped;
        let kept = self.entries.range(skipped as usize..).enumerate();
        kept.map(move |(index, entry)| (first + index as Place, entry))
    }
}

/// The entries of a log: each run of those that share the fields of their sender, with these.
#[derive(Serialize, Deserialize)]
pub struct SavedRing {
    first: Place,
    runs: Vec<(Fields, Vec<(Timestamp, Fields)>)>,
}

impl Ring {
    /// Writes it down.
    pub fn save(&self) -> SavedRing {
        let Self { entries, size: _, size_max: _, first } = self;
        let mut runs: Vec<(Fields, Vec<_>)> = Vec::new();
        let mut before = None;
        for entry in entries {
            let Entry { timestamp, fields, sender } = entry;
            if beside(entry, before) > 0 || before.is_none() {
                runs.push((Fields::clone(sender), Vec::new()));
            }
            runs.last_mut().into_iter().for_each(|(_, run)| run.push((*timestamp, fields.clone())));
            before = Some(entry);
        }
        SavedRing { first: *first, runs }
    }

    /// What was written down, in a log that has room for so many bytes.
    pub fn restore(SavedRing { first, runs }: SavedRing, size_max: usize) -> Self {
        let mut ring = Self { first, ..Self::new(size_max) };
        for (sender, run) in runs {
            let sender = Arc::new(sender);
            run.into_iter().for_each(|(timestamp, fields)| {
                ring.push(Entry { timestamp, fields, sender: sender.clone() });
            });
        }
        ring
    }
}

/// What the sender's fields add: entries of one sender that stand side by side share them.
fn beside(entry: &Entry, other: Option<&Entry>) -> usize {
    let shared = other.is_some_and(|other| Arc::ptr_eq(&entry.sender, &other.sender));
    if shared { 0 } else { entry.sender.size() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender() -> Arc<Fields> {
        Arc::new([("_COMM", b"sender".to_vec())].into_iter().collect())
    }

    fn entry(message: &str, sender: &Arc<Fields>) -> Entry {
        let fields = [("MESSAGE", message.into())].into_iter().collect();
        Entry { timestamp: Timestamp::default(), fields, sender: sender.clone() }
    }

    fn messages(ring: &Ring, place: Place) -> Vec<(Place, String)> {
        let message = |entry: &Entry| String::from_utf8_lossy(entry.first("MESSAGE").expect("one")).into_owned();
        ring.from(place).map(|(place, entry)| (place, message(entry))).collect()
    }

    #[test]
    fn the_oldest_entries_go_where_there_is_no_more_room() {
        let sender = sender();
        let mut ring = Ring::new(3 * entry("a", &sender).size() + sender.size());
        for message in ["a", "b", "c", "d"] {
            ring.push(entry(message, &sender));
        }
        assert_eq!((ring.dropped(), ring.end()), (1, 4));
        assert_eq!(messages(&ring, 0), [(1, "b".into()), (2, "c".into()), (3, "d".into())]);
        assert_eq!(messages(&ring, 3), [(3, "d".into())]);
        assert_eq!(messages(&ring, 4), []);
        assert_eq!(messages(&ring, 9), []);
    }

    #[test]
    fn what_was_written_down_is_read_as_it_was() {
        let (one, other) = (sender(), sender());
        let mut ring = Ring::new(5 * entry("m", &one).size());
        for (number, sender) in [&one, &one, &other, &one, &other, &other, &other, &one].into_iter().enumerate() {
            ring.push(entry(&number.to_string(), sender));
        }
        let written = serde_json::to_string(&ring.save()).expect("JSON");
        let read = Ring::restore(serde_json::from_str(&written).expect("a log"), ring.size_max);
        assert_eq!((read.size, read.first), (ring.size, ring.first));
        assert!(ring.first > 0, "some were dropped");
        assert_eq!(messages(&read, 0), messages(&ring, 0));
        assert_eq!(Ring::restore(ring.save(), 0).dropped(), ring.end(), "in less room");
    }

    #[test]
    fn an_entry_that_is_larger_than_the_room_is_dropped() {
        let mut ring = Ring::new(1000);
        ring.push(entry("a", &sender()));
        ring.push(entry(&"b".repeat(1000), &sender()));
        assert_eq!((ring.dropped(), ring.end(), messages(&ring, 0).len()), (2, 2, 0));
        ring.push(entry("c", &sender()));
        assert_eq!(messages(&ring, 0), [(2, "c".into())]);
    }

    #[test]
    fn what_entries_of_several_senders_take_is_given_back_to_the_last_byte() {
        let (one, other) = (sender(), sender());
        let mut ring = Ring::new(usize::MAX);
        for sender in [&one, &one, &other, &one, &other, &other] {
            ring.push(entry("m", sender));
        }
        assert_eq!(ring.size, 6 * entry("m", &one).size() + 4 * one.size(), "four runs");
        ring.size_max = 0;
        ring.push(entry("m", &one));
        assert_eq!((ring.size, ring.dropped()), (0, 7));
    }
}
