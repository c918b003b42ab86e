//! Everything that an answer may depend on.

use std::ffi::CString;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::cgroup::{cgroups, of_session};
use super::content::{FileOf, contents};
use super::{Call, Takes, bytes};
use crate::bytes::Bytes;
use crate::environment::Installed;
use crate::observe::Before;
use crate::strategy::mostly;

/// The places that a case decides about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    /// The file of this kind that most cases ask for.
    File(FileOf),
    /// /proc/1/cgroup.
    Init,
    /// /proc/PID/cgroup of another process.
    Other,
}

/// What is at a path. No FIFO: whoever reads one waits for its writer.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    File(Bytes),
    Unreadable(Bytes),
    LinkTo(&'static str),
    Missing,
    Directory,
    Socket,
}

/// Where links lead to, seen from a directory below /run/systemd. `place` puts something at the last.
const TARGETS: &[&str] = &["nothing", "loop", "/", "/dev/null", "/proc/version", "../linked"];

fn nodes(contents: impl Strategy<Value = Bytes>) -> impl Strategy<Value = Node> {
    let other = prop_oneof![
        4 => Just(Node::Missing),
        1 => Just(Node::Directory),
        1 => Just(Node::Socket),
        1 => Just(Node::Unreadable(Bytes(b"STATE=active\n".to_vec()))),
        2 => select(TARGETS).prop_map(Node::LinkTo),
    ];
    prop_oneof![15 => contents.prop_map(Node::File), 1 => other]
}

/// What a directory has, and what it is itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    pub directory: Node,
    /// None where it is a directory.
    pub entries: Vec<(Bytes, Node)>,
    /// How many long names there are besides: more than are read at once.
    pub long: usize,
}

#[rustfmt::skip]
const ENTRIES: &[&str] = &[
    "c1", "1", "2", "10", "a", "Z", "seat0", "seat1", "seat-x", "m", "n", "m-n", "m.n", "1000", "0", "1001", "01000", "+1", "-1",
    "65535", "65536", "4294967294", "4294967295", "4294967296", "1000x", "0x10", ".hidden", ".host", "#c1", "c1~", "c1.ref",
    "c1.bak", "c1.swp", "c1.rpmnew", "c1.dpkg-old", "c1.dpkg-tmp", ".#c1", "lost+found", "unit:m.scope", "größe", "a b", "a:b",
    "\u{1}", "-", "aquota.user", "c1.ignore", "C1", "m_n", "-m", "c1.old", "..x", "seat", "Seat0", "x\ny",
];

#[rustfmt::skip]
const ENDS: &[&str] = &[
    "~", ".bak", ".old", ".new", ".swp", ".rpmnew", ".rpmsave", ".rpmorig", ".dpkg-old", ".dpkg-new", ".dpkg-tmp", ".dpkg-dist",
    ".dpkg-bak", ".dpkg-backup", ".dpkg-remove", ".ucf-new", ".ucf-old", ".ucf-dist", ".ignore", ".Bak", ".bakx", ".", ".bak.c1",
];

/// Names of files are any bytes but two.
fn file_names() -> impl Strategy<Value = Bytes> {
    let is_name = |byte: &u8| !matches!(byte, 0 | b'/');
    let raw = vec(any::<u8>().prop_filter("no name", is_name), 1..=9);
    let digits = vec(select(&b"0123456789"[..]), 1..=11);
    let of_host = vec(select(&b"aZ9-._"[..]), 1..=9);
    let with_end = (select(ENTRIES), select(ENDS)).prop_map(|(name, end)| [name, end].concat().into_bytes());
    let long = (select(&b"a0\xff"[..]), 60..=255_usize).prop_map(|(byte, long)| [byte].repeat(long));
    let other = prop_oneof![3 => raw, 2 => digits, 3 => of_host, 2 => with_end, 1 => long];
    let other = other.prop_filter("no name of a file", |name| !matches!(&**name, b"." | b".."));
    prop_oneof![3 => select(ENTRIES).prop_map(bytes), 2 => other.prop_map(Bytes)]
}

fn listings() -> impl Strategy<Value = Listing> {
    let entries = vec((file_names(), nodes(Just(Bytes::default()))), 0..8);
    let directory = prop_oneof![12 => Just(Node::Directory), 1 => nodes(Just(Bytes::default()))];
    (directory, entries, mostly(200, 0, &[20, 300])).prop_map(|(directory, entries, long)| Listing {
        directory,
        entries,
        long,
    })
}

#[derive(Debug)]
pub struct State {
    pub nodes: Vec<(At, Node)>,
    /// What /proc/self/cgroup says, where that matters.
    pub own_cgroup: Option<Bytes>,
    pub listing: Option<(FileOf, Listing)>,
    /// Whether the environment is that of a program in a session.
    in_session: bool,
}

impl State {
    pub fn environment(&self) -> Installed {
        if !self.in_session {
            return Before::usual_environment();
        }
        let variables = ["XDG_SESSION_ID=c1", "XDG_SEAT=seat0", "XDG_RUNTIME_DIR=/run/user/1000", "XDG_VTNR=7"];
        Installed::new(variables.map(|variable| CString::new(variable).expect("a string")).into())
    }
}

impl State {
    /// Has the file of the seat say nothing.
    pub fn empty_seat(&mut self) {
        for (_, node) in self.nodes.iter_mut().filter(|(at, _)| *at == At::File(FileOf::Seat)) {
            *node = Node::File(Bytes::default());
        }
    }

    /// Whether the file of a seat may have more users than any memory has room for that it takes for none.
    pub fn has_many_users(&self) -> bool {
        // The least that malloc(3) gives has room for as many.
        const ROOM: usize = 3 * size_of::<usize>() / size_of::<libc::uid_t>();
        let many = |content: &Bytes| {
            let users = content.0.windows(5).position(|window| window == b"UIDS=");
            users.is_some_and(|at| {
                content.0[at..].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count() > ROOM
            })
        };
        self.nodes.iter().any(|(_, node)| matches!(node, Node::File(content) if many(content)))
    }
}

pub fn states(call: &'static Call) -> BoxedStrategy<State> {
    let file = call.takes.file();
    let state = |nodes, own_cgroup| State { nodes, own_cgroup, listing: None, in_session: false };
    let content = move || nodes(contents(file, call.reads));
    // Where it is about this process, its session has to be found.
    let own = || prop_oneof![4 => Just(of_session("c1")), 1 => cgroups()];
    let session = || nodes(contents(FileOf::Session, &["SEAT"]));
    let states = match call.takes {
        Takes::All(file) => listings()
            .prop_map(move |listing| State { listing: Some((file, listing)), ..state(Vec::new(), None) })
            .boxed(),
        Takes::Pid | Takes::Pidfd | Takes::Peer => {
            (cgroups(), nodes(Just(Bytes::default())), nodes(Just(Bytes::default())))
                .prop_map(move |(cgroups, init, other)| {
                    let with =
                        |node, text: &Bytes| if let Node::File(_) = node { Node::File(text.clone()) } else { node };
                    let nodes = vec![(At::Init, with(init, &cgroups.init)), (At::Other, with(other, &cgroups.process))];
                    state(nodes, Some(cgroups.process))
                })
                .boxed()
        }
        Takes::Uid | Takes::UidAndFlag | Takes::Machine => {
            content().prop_map(move |node| state(vec![(At::File(file), node)], None)).boxed()
        }
        Takes::Session => (content(), own())
            .prop_map(move |(node, own)| {
                state(vec![(At::File(file), node), (At::Init, Node::File(own.init))], Some(own.process))
            })
            .boxed(),
        Takes::Seat | Takes::UidFlagAndSeat => (content(), session(), own())
            .prop_map(move |(node, session, own)| {
                let nodes = vec![
                    (At::File(file), node),
                    (At::File(FileOf::Session), session),
                    (At::Init, Node::File(own.init)),
                ];
                state(nodes, Some(own.process))
            })
            .boxed(),
    };
    let in_session = mostly(9, false, &[true]);
    (states, in_session).prop_map(|(state, in_session)| State { in_session, ..state }).boxed()
}
