//! Services that flood this process with what they log or notify of. They do not keep it busy while there is something to do for others: for
//! who sleeps now and then, the kernel has a processor at once.

use std::time::{Duration, Instant};

use super::poll::Key;

/// Whoever has something to say in more than so many turns of such a time floods, and counts as one who does for as long again.
const TURNS: u32 = 64;
const TIME: Duration = Duration::from_millis(100);
/// So long after something was done for others the flood has only a turn now and then, and so long it waits for each.
const PAUSE: Duration = Duration::from_millis(2);

/// Where floods come from.
#[derive(Default)]
pub struct Floods {
    log: Source,
    notification: Source,
    /// Whether something is done for others in this turn.
    others: bool,
    /// For so long they come first.
    others_until: Option<Instant>,
}

#[derive(Default)]
struct Source {
    /// In how many turns it had something to say, and since when these are counted.
    turns: u32,
    since: Option<Instant>,
    floods: bool,
    /// It waits until then.
    until: Option<Instant>,
    /// It has waited, and has not had its turn since.
    has_waited: bool,
}

impl Floods {
    /// Takes note of who has something to say.
    pub fn note(&mut self, now: Instant, ready: impl Iterator<Item = Key>) {
        // That may have taken long.
        if std::mem::take(&mut self.others) {
            self.others_until = Some(now + PAUSE);
        }
        let (mut log, mut notification) = (false, false);
        for key in ready {
            match key {
                Key::Log => log = true,
                Key::Notification => notification = true,
                Key::Signal | Key::Port(_) | Key::Control => self.others = true,
                Key::Stored(_) | Key::Client(_) => (),
            }
        }
        self.log.note(now, log);
        self.notification.note(now, notification);
    }

    /// Whether one of those has to wait now. It is not to be waited for then, until it goes on.
    pub fn waits(&mut self, now: Instant, key: Key) -> bool {
        let others = self.others || self.others_until.is_some_and(|until| now < until);
        self.source(key).is_some_and(|source| {
            let goes_on = std::mem::take(&mut source.has_waited) || !source.floods || !others;
            source.until = (!goes_on).then(|| now + PAUSE);
            !goes_on
        })
    }

    /// Who goes on now.
    pub fn go_on(&mut self, now: Instant) -> impl Iterator<Item = Key> + use<> {
        let keys = [Key::Log, Key::Notification];
        keys.map(|key| self.source(key).is_some_and(|source| source.goes_on(now)).then_some(key)).into_iter().flatten()
    }

    /// Whether the log is flooded.
    pub fn is_flooded(&self) -> bool {
        self.log.floods
    }

    /// When the next one goes on.
    pub fn deadline(&self) -> Option<Instant> {
        self.log.until.into_iter().chain(self.notification.until).min()
    }

    fn source(&mut self, key: Key) -> Option<&mut Source> {
        match key {
            Key::Log => Some(&mut self.log),
            Key::Notification => Some(&mut self.notification),
            _ => None,
        }
    }
}

impl Source {
    fn note(&mut self, now: Instant, says: bool) {
        if self.since.is_none_or(|since| now - since >= TIME) {
            (self.floods, self.turns, self.since) = (self.turns > TURNS, 0, Some(now));
        }
        self.turns += u32::from(says);
        self.floods |= self.turns > TURNS;
        self.has_waited &= says || self.until.is_some();
    }

    fn goes_on(&mut self, now: Instant) -> bool {
        let is_over = self.until.take_if(|until| *until <= now).is_some();
        self.has_waited |= is_over;
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Port;

    /// Goes through turns of a tenth of a millisecond: in how many of them a log was read that always has something to say, and for how many
    /// it waited at most.
    fn turns(count: u32, others: bool) -> (u32, u32) {
        let (start, mut floods) = (Instant::now(), Floods::default());
        let (mut read, mut longest, mut waited, mut waits) = (0, 0, 0, false);
        for turn in 0..count {
            let now = start + turn * Duration::from_micros(100);
            waits &= floods.go_on(now).next().is_none();
            let ready = [(!waits).then_some(Key::Log), others.then_some(Key::Port(Port(0)))];
            floods.note(now, ready.into_iter().flatten());
            waits = waits || floods.waits(now, Key::Log);
            waited = if waits { waited + 1 } else { 0 };
            read += u32::from(!waits);
            longest = longest.max(waited);
        }
        (read, longest)
    }

    #[test]
    fn who_floods_waits_only_beside_others() {
        assert_eq!(turns(10_000, false), (10_000, 0));
    }

    #[test]
    fn who_floods_beside_others_has_a_turn_now_and_then() {
        let (read, longest) = turns(10_000, true);
        assert!((500..2000).contains(&read), "{read}");
        assert_eq!(longest, 20);
    }

    #[test]
    fn who_says_something_now_and_then_never_waits() {
        let (start, mut floods) = (Instant::now(), Floods::default());
        for turn in 0..1000 {
            let now = start + turn * Duration::from_millis(2);
            floods.note(now, [Key::Log, Key::Signal].into_iter());
            assert!(!floods.waits(now, Key::Log));
        }
    }
}
