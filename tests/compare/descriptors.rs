//! Descriptor tables: what is open from 3 on, and how.

use std::array;
use std::cell::Cell;
use std::ffi::c_int;
use std::os::fd::AsRawFd;

use proptest::prelude::*;

use crate::sys;
use crate::zoo::{self, Kind, Zoo};

/// SD_LISTEN_FDS_START.
pub const FIRST: c_int = 3;
/// How many are looked at.
pub const COUNT: usize = 12;
/// Below this number nothing is open but what a case asks for; what the test itself needs is above.
pub const OWN: c_int = 64;

/// What one number of the table is.
#[derive(Clone, Debug)]
pub enum Slot {
    Closed,
    Open { kind: Kind, cloexec: bool },
}

pub fn slots(kind: impl Strategy<Value = Kind>) -> impl Strategy<Value = Slot> {
    let open = (kind, any::<bool>()).prop_map(|(kind, cloexec)| Slot::Open { kind, cloexec });
    prop_oneof![19 => open, 1 => Just(Slot::Closed)]
}

/// A descriptor as argument: mostly one that is open.
#[derive(Clone, Debug)]
pub enum Argument {
    Open { kind: Kind, at: usize, cloexec: bool },
    Number(c_int),
}

impl Argument {
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Open { kind, .. } => Some(*kind),
            Self::Number(_) => None,
        }
    }
}

pub fn arguments(usual: fn(zoo::Class) -> bool) -> impl Strategy<Value = Argument> {
    let kind = prop_oneof![3 => zoo::kinds(usual), 1 => zoo::kinds(|_| true)];
    let open = (kind, 0..COUNT, any::<bool>()).prop_map(|(kind, at, cloexec)| Argument::Open { kind, at, cloexec });
    let number = prop_oneof![Just(-1), Just(c_int::MIN), Just(c_int::MAX), -3..0, FIRST..OWN, 1024..5000, i32::MIN..0];
    prop_oneof![24 => open, 1 => number.prop_map(Argument::Number)]
}

/// The part of the process's table that belongs to the case.
pub struct Descriptors<'a> {
    zoo: &'a Zoo,
    installed: Cell<[bool; COUNT]>,
    probe: c_int,
}

fn number(slot: usize) -> c_int {
    FIRST + slot as c_int
}

impl<'a> Descriptors<'a> {
    pub fn new(zoo: &'a Zoo) -> Self {
        let probe = sys::dup_above(0, OWN).or_else(|_| sys::memfd(c"probe")).expect("a descriptor");
        let probe = std::os::fd::IntoRawFd::into_raw_fd(sys::dup_above(probe.as_raw_fd(), OWN).expect("one above"));
        Self { zoo, installed: Cell::default(), probe }
    }

    /// Makes the table what `table` says; whatever stood there is gone.
    pub fn install(&self, table: impl IntoIterator<Item = (usize, Slot)>) {
        let mut installed = self.installed.take();
        let mut wanted = [false; COUNT];
        for (slot, what) in table {
            let Slot::Open { kind, cloexec } = what else { continue };
            let Some(fd) = self.zoo.descriptor(kind) else { continue };
            sys::dup_to(fd, number(slot), cloexec);
            wanted[slot] = true;
        }
        for (slot, installed) in installed.iter_mut().enumerate() {
            if *installed && !wanted[slot] {
                sys::close(number(slot));
            }
        }
        self.installed.set(wanted);
    }

    pub fn install_argument(&self, argument: &Argument) -> c_int {
        match *argument {
            Argument::Open { kind, at, cloexec } => {
                self.install([(at, Slot::Open { kind, cloexec })]);
                number(at)
            }
            Argument::Number(number) => {
                self.install([]);
                number
            }
        }
    }

    /// How many are open from the first on without a gap.
    pub fn open(&self) -> usize {
        self.installed.get().iter().take_while(|installed| **installed).count()
    }

    pub fn flags(&self) -> [Option<c_int>; COUNT] {
        array::from_fn(|slot| sys::descriptor_flags(number(slot)))
    }

    /// The number that the next descriptor would get.
    pub fn lowest_free(&self) -> c_int {
        sys::dup_above(self.probe, 0).map_or(-1, |fd| fd.as_raw_fd())
    }
}
