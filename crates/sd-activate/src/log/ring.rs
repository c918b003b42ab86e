//! The log in memory: the newest entries, as many as there is room for.

use std::collections::VecDeque;
use std::sync::Arc;

use super::entry::Entry;

/// A number that only grows: the place of an entry among all that there ever were.
pub type Sequence = u64;

/// Entries in the order in which they came. Where there is no more room, the oldest go.
#[derive(Debug)]
pub struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// Bytes, roughly.
    size: usize,
    size_max: usize,
    /// The place of the first that is kept.
    first: Sequence,
}

impl Ring {
    /// An empty one, with room for so many bytes.
    pub fn new(size_max: usize) -> Self {
        Self { entries: VecDeque::new(), size: 0, size_max, first: 0 }
    }

    /// Adds an entry. One that is larger than all the room is not kept, but counted as dropped.
    pub fn push(&mut self, entry: Arc<Entry>) {
        self.size += entry.size();
        self.entries.push_back(entry);
        while self.size > self.size_max {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.size -= oldest.size();
            self.first += 1;
        }
    }

    /// How many entries are no longer there.
    pub fn dropped(&self) -> u64 {
        self.first
    }

    /// The place of the next entry that will come.
    pub fn end(&self) -> Sequence {
        self.first + self.entries.len() as Sequence
    }

    /// The entries from that place on; where it has been dropped, from the first that is kept. Each with its place.
    pub fn from(&self, place: Sequence) -> impl DoubleEndedIterator<Item = (Sequence, &Arc<Entry>)> {
        let skipped = place.saturating_sub(self.first).min(self.entries.len() as Sequence);
        let first = self.first + skipped;
        let kept = self.entries.range(skipped as usize..).enumerate();
        kept.map(move |(index, entry)| (first + index as Sequence, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Field, Timestamp};
    use super::*;

    fn entry(message: &str) -> Arc<Entry> {
        Arc::new(Entry { timestamp: Timestamp::default(), fields: vec![Field::new("MESSAGE", message)] })
    }

    fn messages(ring: &Ring, place: Sequence) -> Vec<(Sequence, String)> {
        let message = |entry: &Entry| String::from_utf8_lossy(entry.first("MESSAGE").expect("one")).into_owned();
        ring.from(place).map(|(place, entry)| (place, message(entry))).collect()
    }

    #[test]
    fn the_oldest_entries_go_where_there_is_no_more_room() {
        let mut ring = Ring::new(3 * entry("a").size());
        for message in ["a", "b", "c", "d"] {
            ring.push(entry(message));
        }
        assert_eq!((ring.dropped(), ring.end()), (1, 4));
        assert_eq!(messages(&ring, 0), [(1, "b".into()), (2, "c".into()), (3, "d".into())]);
        assert_eq!(messages(&ring, 3), [(3, "d".into())]);
        assert_eq!(messages(&ring, 4), []);
        assert_eq!(messages(&ring, 9), []);
    }

    #[test]
    fn an_entry_that_is_larger_than_the_room_is_dropped() {
        let mut ring = Ring::new(1000);
        ring.push(entry("a"));
        ring.push(entry(&"b".repeat(1000)));
        assert_eq!((ring.dropped(), ring.end(), messages(&ring, 0).len()), (2, 2, 0));
        ring.push(entry("c"));
        assert_eq!(messages(&ring, 0), [(2, "c".into())]);
    }
}
