//! How often something may happen.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::saved;
use crate::spec::RateLimit;

/// Counts what a [`RateLimit`] limits. An interval begins with the first that is counted after the last interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    rate: RateLimit,
    #[serde(with = "saved")]
    since: Option<Instant>,
    count: u32,
}

impl Limit {
    /// Nothing has happened yet.
    pub fn new(rate: RateLimit) -> Self {
        Self { rate, since: None, count: 0 }
    }

    /// How often it may happen.
    pub fn rate(&self) -> RateLimit {
        self.rate
    }

    /// From now on it may happen as often as that. What has happened counts.
    pub fn set_rate(&mut self, rate: RateLimit) {
        self.rate = rate;
    }

    /// It happens.
    pub fn count(&mut self, now: Instant) {
        if self.until().is_none_or(|end| end <= now) {
            self.since = Some(now);
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
    }

    /// Until when it may not happen again, if not at once.
    pub fn rest(&self, now: Instant) -> Option<Instant> {
        let unlimited = self.rate.burst == 0 || self.rate.interval.is_zero();
        self.until().filter(|end| !unlimited && *end > now && self.count >= self.rate.burst)
    }

    fn until(&self) -> Option<Instant> {
        self.since.and_then(|since| since.checked_add(self.rate.interval))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_limited_rests_once_the_burst_is_reached_and_goes_on_when_the_interval_is_over() {
        let interval = Duration::from_secs(2);
        let mut limit = Limit::new(RateLimit { interval, burst: 15 });
        let begin = Instant::now();
        for count in 0..15 {
            let now = begin + Duration::from_millis(count);
            assert_eq!(limit.rest(now), None);
            limit.count(now);
        }
        let end = begin + interval;
        assert_eq!(limit.rest(end - Duration::from_millis(1)), Some(end));
        assert_eq!(limit.rest(end), None);
        limit.count(end);
        assert_eq!(limit.rest(end), None, "a new interval");
    }

    #[test]
    fn where_interval_or_burst_is_zero_there_is_no_limit() {
        for (seconds, burst) in [(0, 1), (1, 0)] {
            let mut limit = Limit::new(RateLimit { interval: Duration::from_secs(seconds), burst });
            let now = Instant::now();
            limit.count(now);
            limit.count(now);
            assert_eq!(limit.rest(now), None);
        }
    }
}
