//! What is measured of each supervisor.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::memory::{Memory, Size, memory, size};
use super::orphans::{Reaped, reaped};
use super::restart::{Restarted, restarted};
use super::root::{LIMIT, Root, Running};
use super::supervisor::{OURS, Role, SUPERVISORS, Supervisor, Task};
use super::times::{Time, Times, calls_to_start, times};
use crate::progress::progress;

const MANY: usize = 100;
const MESSAGE: &[u8] = b"Hello!";

pub struct Figures {
    pub name: &'static str,
    pub holds_sockets: bool,
    pub times: Times<Time>,
    /// System calls of all processes from executing the supervisor to executing the service.
    pub calls_to_start: Option<usize>,
    /// None where it never came to that.
    pub reaped: Option<Reaped>,
    /// With one service, with one and its socket, with a hundred, and with a hundred sockets.
    pub memory: [Option<Memory>; 4],
    pub size: Size,
    pub restarted: Option<Restarted>,
}

/// Of those with these names beside ours, or of all where there is none.
pub fn figures(root: &Root, names: &[&str]) -> Vec<Figures> {
    let wanted =
        |supervisor: &&Supervisor| names.is_empty() || supervisor.name == OURS || names.contains(&supervisor.name);
    let supervisors: Vec<_> = SUPERVISORS.iter().filter(wanted).collect();
    let times = times(root, &supervisors);
    let row = |(number, (&supervisor, times)): (usize, (&&Supervisor, Times<Time>))| {
        progress("Memory, orphans, restarts", number, supervisors.len());
        let waits = |services| Task { role: Role::Wait, services, sockets: false };
        let serves = |services| Task { role: Role::Serve(0), services, sockets: true };
        // It ends before the next begins.
        let holds_sockets = start(root, supervisor, &serves(1)).is_some();
        Figures {
            name: supervisor.name,
            holds_sockets,
            times,
            calls_to_start: calls_to_start(root, supervisor),
            reaped: reaped(root, supervisor),
            memory: [waits(1), serves(1), waits(MANY), serves(MANY)].map(|task| memory(root, supervisor, &task)),
            size: size(root, supervisor),
            restarted: restarted(root, supervisor),
        }
    };
    supervisors.iter().zip(times).enumerate().map(row).collect()
}

/// Starts it as process 1, if it does what is asked.
pub fn start<'a>(root: &'a Root, supervisor: &Supervisor, task: &Task) -> Option<Running<'a>> {
    let directory = root.configuration();
    let command = supervisor.command(task, &directory)?;
    Some(root.start(&command))
}

/// A socket of its own where the supervisor holds none.
pub fn serving<'a>(root: &'a Root, supervisor: &Supervisor, count: u64) -> Option<Running<'a>> {
    let task = |sockets| Task { role: Role::Serve(count), services: 1, sockets };
    start(root, supervisor, &task(true)).or_else(|| start(root, supervisor, &task(false)))
}

/// What a client does: it is answered, or not.
pub fn exchange(path: &Path) -> io::Result<()> {
    let mut connection = UnixStream::connect(path)?;
    connection.set_read_timeout(Some(LIMIT))?;
    connection.write_all(MESSAGE)?;
    let mut answer = [0; MESSAGE.len()];
    connection.read_exact(&mut answer)
}
