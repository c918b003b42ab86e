//! How often things have happened, counted as the manuals say: an interval begins with the first that happens after the last one.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Instant;

use crate::spec::RateLimit;

/// Counts what is limited.
#[derive(Debug)]
pub(super) struct Counted<K>(HashMap<K, (Instant, u32)>);

impl<K: Eq + Hash> Counted<K> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// It happens once more: whether that was allowed.
    pub(super) fn allows(&mut self, key: K, now: Instant, rate: RateLimit) -> bool {
        let (since, count) = self.0.entry(key).or_insert((now, 0));
        if since.checked_add(rate.interval).is_some_and(|end| end <= now) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        rate.burst == 0 || rate.interval.is_zero() || *count <= rate.burst
    }

    /// It is as if it had never happened.
    pub(super) fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }
}
