//! FileDescriptorStoreMax=: descriptors that services have this process keep for them.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use serde::{Deserialize, Serialize};

use super::poll::{Key, Poll, Tells};
use crate::engine::{Event, UnitId};
use crate::saved::{Descriptor, Saved};

/// KCMP_FILE of kcmp(2).
const KCMP_FILE: libc::c_int = 0;

/// What services have stored.
#[derive(Default)]
pub struct Store {
    next: usize,
    /// By their numbers: the last one is passed first, as by systemd.
    stored: BTreeMap<usize, Stored>,
}

struct Stored {
    unit: UnitId,
    name: String,
    /// Whether it is removed when nobody is on the other side any more.
    polled: bool,
    descriptor: OwnedFd,
}

impl Store {
    /// Takes what is not stored yet, as long as there is room. What is polled is removed when nobody is on the other side any more.
    pub fn add(
        &mut self,
        unit: UnitId,
        offered: &mut Vec<OwnedFd>,
        name: String,
        poll: Option<&Poll>,
        max: u32,
    ) -> Event {
        let mut full = false;
        for descriptor in offered.drain(..) {
            if self.of(unit).any(|(_, stored)| is_same(stored, descriptor.as_fd())) {
                continue;
            }
            full = self.of(unit).count() >= max as usize;
            if full {
                break;
            }
            let stored = Stored { unit, name: name.clone(), polled: poll.is_some(), descriptor };
            if poll.is_none_or(|poll| stored.watch(self.next, poll).is_ok()) {
                self.stored.insert(self.next, stored);
                self.next += 1;
            }
        }
        self.told(unit, full)
    }

    /// Closes those of a service with this name, or all.
    pub fn remove(&mut self, unit: UnitId, name: Option<&str>, poll: &Poll) -> Event {
        self.stored.retain(|_, stored| {
            let kept = stored.unit != unit || name.is_some_and(|name| stored.name != name);
            if !kept {
                let _ = poll.remove(&stored.descriptor);
            }
            kept
        });
        self.told(unit, false)
    }

    /// Closes one that nobody is on the other side of.
    pub fn remove_at(&mut self, number: usize, poll: &Poll) -> Option<Event> {
        let stored = self.stored.remove(&number)?;
        let _ = poll.remove(&stored.descriptor);
        Some(self.told(stored.unit, false))
    }

    /// Those of a service, with their names.
    pub fn of(&self, unit: UnitId) -> impl Iterator<Item = (&str, BorrowedFd<'_>)> {
        let its = self.stored.values().rev().filter(move |stored| stored.unit == unit);
        its.map(|stored| (stored.name.as_str(), stored.descriptor.as_fd()))
    }

    /// Has it told which of them hang up.
    pub fn watch(&self, poll: &Poll) -> Result<(), Errno> {
        let mut polled = self.stored.iter().filter(|(_, stored)| stored.polled);
        polled.try_for_each(|(number, stored)| stored.watch(*number, poll))
    }

    fn told(&self, unit: UnitId, full: bool) -> Event {
        Event::Stored { unit, count: self.of(unit).count(), full }
    }
}

impl Stored {
    fn watch(&self, number: usize, poll: &Poll) -> Result<(), Errno> {
        match poll.add(Key::Stored(number), &self.descriptor, Tells::HangUp) {
            // A file, which cannot hang up.
            Err(Errno::EPERM) => Ok(()),
            other => other,
        }
    }
}

/// What is stored, in its order.
#[derive(Serialize, Deserialize)]
pub struct SavedStored {
    unit: UnitId,
    name: String,
    polled: bool,
    descriptor: Descriptor,
}

impl Saved for Store {
    type Form = Vec<SavedStored>;

    fn save(&self) -> Vec<SavedStored> {
        let saved = |Stored { unit, name, polled, descriptor }: &Stored| SavedStored {
            unit: *unit,
            name: name.clone(),
            polled: *polled,
            descriptor: descriptor.save(),
        };
        self.stored.values().map(saved).collect()
    }

    fn restore(form: Vec<SavedStored>) -> Option<Self> {
        let restored = |SavedStored { unit, name, polled, descriptor }| {
            Some(Stored { unit, name, polled, descriptor: OwnedFd::restore(descriptor)? })
        };
        let stored: BTreeMap<_, _> = form
            .into_iter()
            .enumerate()
            .map(|(number, saved)| Some((number, restored(saved)?)))
            .collect::<Option<_>>()?;
        Some(Self { next: stored.len(), stored })
    }
}

/// Whether two descriptors are the same open file. Where kcmp(2) may not be called, none are.
fn is_same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let own = std::process::id();
    // SAFETY: takes numbers.
    unsafe { libc::syscall(libc::SYS_kcmp, own, own, KCMP_FILE, one.as_raw_fd(), other.as_raw_fd()) == 0 }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use nix::unistd::{pipe, write};

    use super::*;

    const UNIT: UnitId = UnitId(1);

    fn counted(event: Event) -> (usize, bool) {
        match event {
            Event::Stored { unit: UNIT, count, full } => (count, full),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn descriptors_are_stored_once_each_as_many_as_may_be_and_passed_backwards() {
        let poll = Poll::new().unwrap();
        let mut store = Store::default();
        let file = || OwnedFd::from(File::open("/proc/self/exe").unwrap());
        let (end, _held) = pipe().unwrap();
        let twice = vec![end.try_clone().unwrap(), end];
        let add = |store: &mut Store, mut offered: Vec<OwnedFd>, name: &str| {
            let told = counted(store.add(UNIT, &mut offered, name.to_owned(), Some(&poll), 3));
            assert!(offered.is_empty());
            told
        };
        assert_eq!(add(&mut store, twice, "pipe"), (1, false));
        assert_eq!(add(&mut store, vec![file(), file(), file()], "files"), (3, true));
        let names: Vec<_> = store.of(UNIT).map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names, ["files", "files", "pipe"]);
        assert_eq!(store.of(UnitId(2)).count(), 0);
        assert_eq!(counted(store.remove(UNIT, Some("none"), &poll)), (3, false));
        assert_eq!(counted(store.remove(UNIT, Some("files"), &poll)), (1, false));
        assert_eq!(counted(store.remove(UNIT, None, &poll)), (0, false));
    }

    #[test]
    fn what_nobody_is_on_the_other_side_of_is_told_only_where_it_is_polled() {
        let mut poll = Poll::new().unwrap();
        let mut store = Store::default();
        let (end, held) = pipe().unwrap();
        let (unpolled, gone) = pipe().unwrap();
        drop(gone);
        store.add(UNIT, &mut vec![end], "one".to_owned(), Some(&poll), 9);
        store.add(UNIT, &mut vec![unpolled], "two".to_owned(), None, 9);
        let now = std::time::Instant::now();
        write(&held, b"x").unwrap();
        assert_eq!(poll.wait(now, Some(now)).unwrap().count(), 0, "that there is something to read is not told");
        drop(held);
        let keys: Vec<_> = poll.wait(now, Some(now)).unwrap().map(|(key, _)| key).collect();
        assert_eq!(keys, [Key::Stored(0)]);
        assert_eq!(store.remove_at(0, &poll).map(counted), Some((1, false)));
        assert!(store.remove_at(0, &poll).is_none());
    }
}
