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
            scope.spawn(|| (0..connections / in_flight).for_each(|_| exchange(port)));
        }
    });
    start.elapsed()
}

fn exchange(port: u16) {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
    connection.write_all(MESSAGE).expect("a connection that takes it");
    let mut answer = [0; MESSAGE.len() + 1];
    let mut length = 0;
    while let length_read @ 1.. = connection.read(&mut answer[length..]).expect("an answer") {
        length += length_read;
    }
    assert_eq!(&answer[..length], MESSAGE);
}
