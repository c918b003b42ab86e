//! The place where entries for the journal go, and what can be there.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixDatagram, UnixListener};

use proptest::prelude::*;

use crate::datagram::{Received, ask_for_credentials, receive};
use crate::strategy::mostly;

/// What is at /run/systemd/journal/socket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Journal {
    Listens,
    Absent,
    NoDirectory,
    Symlink,
    RegularFile,
    Directory,
    /// Nobody has the socket open any more.
    Dead,
    StreamSocket,
}

pub fn journals() -> impl Strategy<Value = Journal> {
    use Journal::{Absent, Dead, Directory, NoDirectory, RegularFile, StreamSocket, Symlink};
    const OTHERS: &[Journal] = &[Absent, NoDirectory, Symlink, RegularFile, Directory, Dead, StreamSocket];
    mostly(9, Journal::Listens, OTHERS)
}

/// The place where the journal is, in a /run of this process's own.
pub struct Place {
    receiver: UnixDatagram,
    now: Cell<Journal>,
}

const DIRECTORY: &str = "/run/systemd/journal";

impl Place {
    pub fn new() -> Self {
        const DIRECTORIES: [&str; 7] =
            ["Listens", "Absent", "Symlink", "RegularFile", "Directory/socket", "Dead", "StreamSocket"];
        for directory in DIRECTORIES.iter().chain(&["systemd"]) {
            fs::create_dir_all(format!("/run/{directory}")).expect("a directory");
        }
        let bind = |path: &str| UnixDatagram::bind(path).expect("a socket");
        let receiver = bind("/run/Listens/socket");
        drop(bind("/run/Dead/socket"));
        symlink("/run/Listens/socket", "/run/Symlink/socket").expect("a symlink");
        fs::write("/run/RegularFile/socket", "").expect("a file");
        let stream = UnixListener::bind("/run/StreamSocket/socket").expect("a socket");
        std::mem::forget(stream);
        ask_for_credentials(&receiver);
        receiver.set_nonblocking(true).expect("a socket that does not block");
        Self { receiver, now: Cell::new(Journal::NoDirectory) }
    }

    pub fn make(&self, journal: Journal) {
        if self.now.replace(journal) == journal {
            return;
        }
        let _ = fs::remove_file(DIRECTORY);
        if journal != Journal::NoDirectory {
            symlink(format!("/run/{journal:?}"), DIRECTORY).expect("a symlink");
        }
    }

    pub fn received(&self) -> Vec<Received> {
        std::iter::from_fn(|| receive(&self.receiver)).collect()
    }
}
