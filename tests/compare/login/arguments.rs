//! What these functions are asked about: processes, descriptors, users, and names.

use std::ffi::{c_char, c_int};
use std::process;

use proptest::prelude::*;
use proptest::sample::select;

use super::Takes;
use crate::bytes::Bytes;
use crate::compare::Comparison;
use crate::strategy::mostly;
use crate::zoo::Class;
use crate::{descriptors, processes};

#[derive(Clone, Copy, Debug)]
pub enum Process {
    Own,
    Other,
    Number(i32),
}

#[derive(Clone, Debug)]
pub enum Argument {
    Nothing,
    Process(Process),
    Descriptor(descriptors::Argument),
    User { uid: u32, flag: c_int },
    Name(Option<Bytes>),
    UserAndName { uid: u32, flag: c_int, name: Option<Bytes> },
}

impl Argument {
    /// The number and the string that are passed.
    pub fn install(&self, comparison: &Comparison<'_>) -> (u32, *const c_char) {
        if !matches!(self, Self::Descriptor(_)) {
            comparison.descriptors.install([]);
        }
        let place = |name: &Option<Bytes>| comparison.place(name.as_ref().map(|name| name.0.clone()));
        let none = || comparison.place(None);
        match self {
            Self::Nothing => (0, none()),
            Self::Process(Process::Own) => (process::id(), none()),
            Self::Process(Process::Other) => (processes::other() as u32, none()),
            Self::Process(Process::Number(number)) => (*number as u32, none()),
            Self::Descriptor(fd) => (comparison.descriptors.install_argument(fd) as u32, none()),
            Self::User { uid, .. } => (*uid, none()),
            Self::Name(name) => (0, place(name)),
            Self::UserAndName { uid, name, .. } => (*uid, place(name)),
        }
    }

    /// Whether it is a name that is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Name(None))
    }

    pub fn flag(&self) -> c_int {
        match self {
            Self::User { flag, .. } | Self::UserAndName { flag, .. } => *flag,
            _ => 0,
        }
    }
}

const UIDS: &[u32] = &[0, 1, 1001, 65534, 65535, 65536, i32::MAX as u32, 1 << 31, u32::MAX - 1, u32::MAX];

fn uids() -> impl Strategy<Value = u32> {
    mostly(1, 1000, UIDS)
}

/// Names that there are, and such that there are not or cannot be.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "c1", "c2", "1", "seat0", "seat1", "seat-x", "m", "n", ".host", "host", "1000", "", ".", "..", "/", "c1/", "./c1", "../c1",
    "../sessions/c1", "c1/x", "a/b", "C1", "c-1", "c_1", "c.1", "c1 ", " c1", "c1\n", "c:1", "c@1", "c\u{e4}", "\x01", "\u{7f}",
    "seat", "seat.", "seat/0", "seat 0", "xseat0", "Seat0", "m.n", "m-n", "m_n", "-m", "m-", "m..n", ".m", "m.", "M", "unit:x.scope",
    "c1.ref", "#c1", "c1~", "d", "dangling", "loop",
];

fn names(usual: &'static str) -> impl Strategy<Value = Option<Bytes>> {
    let long = (60..70_usize, 250..260_usize, any::<bool>(), prop::bool::weighted(0.3)).prop_map(
        |(short, long, is_short, seat)| {
            let name = "a".repeat(if is_short { short } else { long });
            Some(Bytes(if seat { "seat".to_owned() + &name } else { name }.into_bytes()))
        },
    );
    let raw = proptest::collection::vec(1..=255_u8, 0..5).prop_map(|bytes| Some(Bytes(bytes)));
    let huge = Just(Some(Bytes(b"a".repeat(5000))));
    prop_oneof![
        40 => Just(Some(super::bytes(usual))),
        20 => Just(None),
        16 => select(NAMES).prop_map(|name| Some(super::bytes(name))),
        3 => long,
        2 => raw,
        1 => huge,
    ]
}

pub fn arguments(takes: Takes) -> BoxedStrategy<Argument> {
    let flag = || mostly(2, 0, &[1, 1, -1, -1, i32::MAX, i32::MIN]);
    match takes {
        Takes::All(_) => Just(Argument::Nothing).boxed(),
        Takes::Pid => {
            let number = prop_oneof![6 => Just(0), 2 => Just(-1), 2 => Just(1), 1 => -5..0_i32, 1 => Just(i32::MAX), 1 => Just(i32::MIN)];
            prop_oneof![
                4 => Just(Process::Own),
                4 => Just(Process::Other),
                4 => number.prop_map(Process::Number),
            ]
            .prop_map(Argument::Process)
            .boxed()
        }
        Takes::Pidfd => descriptors::arguments(|class| class == Class::Pidfd).prop_map(Argument::Descriptor).boxed(),
        Takes::Peer => descriptors::arguments(|class| class == Class::Unix).prop_map(Argument::Descriptor).boxed(),
        Takes::Uid => uids().prop_map(|uid| Argument::User { uid, flag: 0 }).boxed(),
        Takes::UidAndFlag => (uids(), flag()).prop_map(|(uid, flag)| Argument::User { uid, flag }).boxed(),
        Takes::UidFlagAndSeat => (uids(), flag(), names("seat0"))
            .prop_map(|(uid, flag, name)| Argument::UserAndName { uid, flag, name })
            .boxed(),
        Takes::Session | Takes::Seat | Takes::Machine => names(takes.file().name()).prop_map(Argument::Name).boxed(),
    }
}
