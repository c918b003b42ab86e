//! A client that keeps some connections in flight.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const MESSAGE: &[u8] = b"Hello!";

/// Makes so many connections, of which so many at a time are waiting for what they sent to come back; how long it took.
pub fn connect(port: u16, connections: usize, in_flight: usize) -> Duration {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..in_flight {
            scope.spawn(|| {
                for _ in 0..connections / in_flight {
                    exchange(port);
                }
            });
        }
    });
    start.elapsed()
}

/// Waits for the end of the connection, and answers how long it took to the first of the answer.
pub fn exchange(port: u16) -> Duration {
    let start = Instant::now();
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
    connection.write_all(MESSAGE).expect("a connection that takes it");
    let mut answer = [0; MESSAGE.len() + 1];
    let mut length = 0;
    let mut first = None;
    while let more @ 1.. = connection.read(&mut answer[length..]).expect("an answer") {
        first.get_or_insert_with(|| start.elapsed());
        length += more;
    }
    assert_eq!(&answer[..length], MESSAGE);
    first.expect("an answer")
}
