//! Random pieces, and ends at any moment.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use sdlite_test_support::scratch;

use crate::proxy::{Connection, Kind, Listener, OURS, Program, Proxy, original};
use crate::session::{bytes, summary};

use Ends::{AfterTheOther, First};

/// What one side sends: so many bytes, then after so many milliseconds the next.
#[derive(Clone, Debug)]
struct Sending(Vec<(usize, u64)>);

impl Sending {
    fn count(&self) -> usize {
        self.0.iter().map(|(count, _)| count).sum()
    }

    fn send(&self, mut to: Connection) {
        let bytes = bytes(self.count());
        let mut rest = &bytes[..];
        for (count, pause) in &self.0 {
            let (piece, following) = rest.split_at(*count);
            to.write_all(piece).expect("a connection that takes it");
            thread::sleep(Duration::from_millis(*pause));
            rest = following;
        }
    }
}

fn sending() -> impl Strategy<Value = Sending> {
    let size = prop_oneof![4 => 1..2000_usize, 2 => 2000..70_000_usize, 1 => 70_000..900_000_usize];
    proptest::collection::vec((size, prop_oneof![3 => Just(0), 1 => 1..4_u64]), 0..8).prop_map(Sending)
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Tcp), Just(Kind::Unix), Just(Kind::Abstract)]
}

/// Whether a side ends what it sends once it has sent it, or once it has received all that the other sends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    First,
    AfterTheOther,
}

/// What a side receives until the other ends, sending meanwhile.
fn side(mut connection: Connection, sending: &Sending, expected: usize, ends: Ends) -> String {
    let mut received = vec![0; expected];
    thread::scope(|scope| {
        let sender = connection.again();
        let sent = scope.spawn(move || {
            sending.send(sender.again());
            if ends == First {
                sender.end().expect("a connection to end");
            }
        });
        let result = connection.read_exact(&mut received);
        sent.join().expect("all is sent");
        result.map_or_else(|error| format!("{:?}", error.kind()), |()| summary(&received))
    })
}

/// What both sides receive through a proxy, and what comes behind it.
fn through(program: Program, kinds: (Kind, Kind), sendings: &[Sending; 2], ends: [Ends; 2]) -> [String; 2] {
    let directory = scratch();
    let (outside, inside) =
        (Listener::open(kinds.0, directory.path(), 0), Listener::open(kinds.1, directory.path(), 1));
    let _proxy = Proxy::start(program, [inside.target()], &[outside.passed()]);
    let (client, [up, down]) = (outside.connect(), sendings);
    thread::scope(|scope| {
        let backend = scope.spawn(|| {
            let mut connection = inside.accept();
            let received = side(connection.again(), down, up.count(), ends[1]);
            received + &rest(&mut connection, ends[0])
        });
        let received = side(client.again(), up, down.count(), ends[0]);
        let mut client = client;
        let received = received + &rest(&mut client, ends[1]);
        drop(client);
        [received, backend.join().expect("what the backend received")]
    })
}

/// What comes when all that was expected has come: the end, where the other has ended.
fn rest(connection: &mut Connection, other: Ends) -> String {
    if other == AfterTheOther {
        return String::new();
    }
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).map_or_else(|error| error.to_string(), |count| format!(", {count} more"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_pieces_arrive_as_through_the_original(
        kinds in (kind(), kind()), up in sending(), down in sending(),
    ) {
        let Some(original) = original() else { return Ok(()) };
        let sendings = [up, down];
        let [theirs, ours] =
            [original, OURS].map(|program| through(program, kinds, &sendings, [AfterTheOther; 2]));
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn random_pieces_and_ends_arrive_as_they_were_sent(
        kinds in (kind(), kind()), up in sending(), down in sending(),
        ends in prop_oneof![Just([First; 2]), Just([First, AfterTheOther]), Just([AfterTheOther, First])],
    ) {
        let ours = through(OURS, kinds, &[up.clone(), down.clone()], ends);
        let expected = |sending: &Sending, end: Ends| {
            summary(&bytes(sending.count())) + if end == First { ", 0 more" } else { "" }
        };
        prop_assert_eq!(ours, [expected(&down, ends[1]), expected(&up, ends[0])]);
    }
}
