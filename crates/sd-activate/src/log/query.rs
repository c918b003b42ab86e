//! Which entries are asked for, as the options of journalctl(1) say it.
//!
//! ```
//! use sd_activate::log::query::Query;
//! use sd_activate::log::ring::Ring;
//!
//! let ring = Ring::new(4 << 20);
//! // logs -u myservice -p warning -n 10
//! let query = Query { units: vec!["myservice.service".to_owned()], priority: 4, lines: Some(10), ..Query::default() };
//! for (_place, entry) in query.of(&ring) {
//!     println!("{:?}", entry.last("MESSAGE"));
//! }
//! // logs -f goes on from there, again and again. What is dropped by then cannot be shown: say how many that are.
//! let place = ring.end();
//! let _lost = ring.dropped().saturating_sub(place);
//! let _new: Vec<_> = ring.from(place).filter(|(_, entry)| query.has(entry)).collect();
//! ```

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::ring::{Place, Ring};
use crate::glob;

/// What is asked for. By default that is everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// `--unit=`: what any of these has written, and what the manager has said of it. Names with their suffixes, or patterns of
    /// glob(7). None: of all, and of what is in no unit.
    pub units: Vec<String>,
    /// `--identifier=`: with any of these as SYSLOG_IDENTIFIER. None: with any.
    pub identifiers: Vec<String>,
    /// `--priority=`: as important as that, or more so.
    pub priority: u8,
    /// `--since=`: not before, in microseconds since 1970.
    pub since: Option<u64>,
    /// `--until=`: not after.
    pub until: Option<u64>,
    /// `FIELD=VALUE`, all of them.
    pub matches: Vec<(String, Vec<u8>)>,
    /// `--after-cursor=`: only what came after the entry there.
    pub after: Option<Cursor>,
    /// `--lines=`: only so many of the newest.
    pub lines: Option<usize>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            units: Vec::new(),
            identifiers: Vec::new(),
            priority: 7,
            since: None,
            until: None,
            matches: Vec::new(),
            after: None,
            lines: None,
        }
    }
}

impl Query {
    /// Whether this is one of the entries, be it one of the newest and after the cursor or not.
    pub fn has(&self, entry: &Entry) -> bool {
        let time = entry.timestamp.realtime;
        self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time <= until)
            && entry.priority() <= self.priority
            && (self.units.is_empty() || self.units.iter().any(|unit| is_of(entry, unit)))
            && (self.identifiers.is_empty() || self.identifiers.iter().any(|it| holds(entry, "SYSLOG_IDENTIFIER", it)))
            && self.matches.iter().all(|(name, value)| holds(entry, name, value))
    }

    /// The entries of the log, each with its place. The oldest comes first.
    pub fn of<'a>(&self, ring: &'a Ring) -> Vec<(Place, &'a Entry)> {
        let start = self.after.map_or(0, |cursor| cursor.place + 1);
        let found = ring.from(start).rev().filter(|(_, entry)| self.has(entry));
        let mut found: Vec<_> = found.take(self.lines.unwrap_or(usize::MAX)).collect();
        found.reverse();
        found
    }
}

/// Whether it was written by this unit, or is what the manager says of it. A service cannot make itself the manager: names that
/// begin with an underscore are not its to send.
fn is_of(entry: &Entry, unit: &str) -> bool {
    let own = |value: &[u8]| fits(unit, value);
    entry.last("_SYSTEMD_UNIT").is_some_and(own)
        || (entry.last("_TRANSPORT") == Some(b"driver") && entry.last("UNIT").is_some_and(own))
}

fn fits(pattern: &str, value: &[u8]) -> bool {
    if !pattern.contains(['*', '?', '[']) {
        return pattern.as_bytes() == value;
    }
    glob::matches(pattern, value, libc::FNM_NOESCAPE)
}

fn holds(entry: &Entry, name: &str, value: impl AsRef<[u8]>) -> bool {
    entry.all().any(|field| field == (name, value.as_ref()))
}

/// An entry's place in the log of one run of the manager: `s=ID;i=PLACE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Which log it is in.
    pub log: u128,
    /// The place there.
    pub place: Place,
}

impl Cursor {
    /// Reads one. What follows its two parts does not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let part = |name: &str| text.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let log = u128::from_str_radix(part("s")?, 16).ok()?;
        Some(Self { log, place: Place::from_str_radix(part("i")?, 16).ok()?.checked_sub(1)? })
    }
}

impl Display for Cursor {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "s={:032x};i={:x}", self.log, self.place + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::entry::{Fields, Timestamp};
    use super::*;

    /// Entries whose time is that in the first column.
    fn ring() -> Ring {
        let mut ring = Ring::new(1 << 20);
        for (time, fields) in [
            (10, "MESSAGE=a _SYSTEMD_UNIT=a.service PRIORITY=6 SYSLOG_IDENTIFIER=one"),
            (20, "MESSAGE=b _SYSTEMD_UNIT=b@1.service PRIORITY=3 SYSLOG_IDENTIFIER=two"),
            (30, "MESSAGE=said _TRANSPORT=driver UNIT=a.service"),
            (40, "MESSAGE=fake _TRANSPORT=journal UNIT=a.service PRIORITY=4"),
            (50, "MESSAGE=c _SYSTEMD_UNIT=a.service PRIORITY=7"),
        ] {
            let mut all = Fields::default();
            fields.split(' ').filter_map(|field| field.split_once('=')).for_each(|(name, value)| all.push(name, value));
            let timestamp = Timestamp { realtime: time, monotonic: time };
            ring.push(Entry { timestamp, fields: all, sender: Arc::default() });
        }
        ring
    }

    fn found(query: Query) -> String {
        let ring = ring();
        let message = |entry: &Entry| String::from_utf8_lossy(entry.last("MESSAGE").expect("one")).into_owned();
        query.of(&ring).into_iter().map(|(_, entry)| message(entry)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn entries_are_found_by_unit_priority_time_number_and_place() {
        let of = |unit: &str| Query { units: vec![unit.to_owned()], ..Query::default() };
        assert_eq!(found(Query::default()), "a b said fake c");
        assert_eq!(found(of("a.service")), "a said c");
        assert_eq!(found(of("b@*.service")), "b");
        assert_eq!(found(of("b@.service")), "");
        assert_eq!(found(Query { priority: 4, ..Query::default() }), "b fake");
        assert_eq!(found(Query { since: Some(20), until: Some(40), ..Query::default() }), "b said fake");
        assert_eq!(found(Query { lines: Some(2), ..of("a.service") }), "said c");
        assert_eq!(found(Query { lines: Some(0), ..Query::default() }), "");
        assert_eq!(found(Query { identifiers: vec!["two".into()], ..Query::default() }), "b");
        assert_eq!(found(Query { matches: vec![("PRIORITY".into(), b"4".into())], ..Query::default() }), "fake");
        assert_eq!(found(Query { after: Some(Cursor { log: 0, place: 2 }), ..Query::default() }), "fake c");
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        for cursor in [Cursor { log: 0, place: 0 }, Cursor { log: u128::MAX, place: 0x2a }] {
            assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }
        assert_eq!(Cursor::parse("s=1f;i=1;b=2;m=3"), Some(Cursor { log: 0x1f, place: 0 }));
        for text in ["", "s=1", "i=1", "s=x;i=1", "s=1;i=0", "s=1;i=fffffffffffffffff"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
