//! What two sides do, and what each of them sees.

use std::hash::{DefaultHasher, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use crate::proxy::{Connection, Kind, Listener, Program, Proxy};

/// What a side does.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Send(&'static str),
    /// So many bytes.
    Much(usize),
    Receive(usize),
    /// Until the other side ends or fails.
    ReceiveAll,
    End,
    Reset,
    Pause(u64),
}

/// What a side sees: a line for each step that sees something.
pub type Transcript = Vec<String>;

/// Does the steps, and closes the connection.
pub fn play(mut connection: Connection, steps: &[Step]) -> Transcript {
    let mut seen = Transcript::new();
    for step in steps {
        match step {
            Step::Send(text) => seen.extend(sent(connection.write_all(text.as_bytes()))),
            Step::Much(count) => seen.extend(sent(connection.write_all(&bytes(*count)))),
            Step::Receive(count) => {
                let mut bytes = vec![0; *count];
                let result = connection.read_exact(&mut bytes);
                seen.push(result.map_or_else(|error| format!("{:?}", error.kind()), |()| summary(&bytes)));
            }
            Step::ReceiveAll => {
                let mut bytes = Vec::new();
                let result = connection.read_to_end(&mut bytes);
                let end = result.map_or_else(|error| format!("{:?}", error.kind()), |_| "end".to_owned());
                seen.push(format!("{}, {end}", summary(&bytes)));
            }
            Step::End => seen.extend(sent(connection.end())),
            Step::Reset => {
                connection.reset();
                return seen;
            }
            Step::Pause(milliseconds) => thread::sleep(Duration::from_millis(*milliseconds)),
        }
    }
    seen
}

fn sent(result: std::io::Result<()>) -> Option<String> {
    match result {
        Ok(()) => None,
        // Which of them depends on when it comes.
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
            Some("not sent".to_owned())
        }
        Err(error) => Some(format!("not sent: {error}")),
    }
}

/// Bytes that are different everywhere.
pub fn bytes(count: usize) -> Vec<u8> {
    (0..count as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

pub fn summary(bytes: &[u8]) -> String {
    if bytes.len() < 40 {
        return format!("{:?}", String::from_utf8_lossy(bytes));
    }
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("{} bytes, {:x}", bytes.len(), hasher.finish())
}

/// What the sides see through a proxy, and what the proxy says.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub client: Transcript,
    pub backend: Transcript,
    pub said: Vec<String>,
    pub status: i32,
}

/// One connection through a proxy, from a socket of the first kind to one of the second.
pub fn through(
    program: Program,
    options: &[&str],
    (from, to): (Kind, Kind),
    client: &[Step],
    backend: &'static [Step],
) -> Outcome {
    let directory = sdlite_test_support::scratch();
    let (outside, inside) = (Listener::open(from, directory.path(), 0), Listener::open(to, directory.path(), 1));
    let target = inside.target();
    let mut proxy = Proxy::start(program, options.iter().copied().chain([&*target]), &[outside.passed()]);
    let other = thread::spawn(move || play(inside.accept(), backend));
    let client = play(outside.connect(), client);
    let backend = other.join().expect("the backend's transcript");
    let ends = options.iter().any(|option| option.starts_with("--exit-idle-time"));
    let status = if ends { proxy.status() } else { proxy.stop() };
    Outcome { client, backend, said: proxy.output().lines().map(str::to_owned).collect(), status }
}
