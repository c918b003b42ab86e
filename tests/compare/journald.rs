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
    NoFolder,
    Symlink,
    RegularFile,
    Directory,
    /// Nobody has the socket open any more.
    Dead,
    StreamSocket,
}

pub fn journals() -> impl Strategy<Value = Journal> {
    use Journal::{Absent, Dead, Directory, NoFolder, RegularFile, StreamSocket, Symlink};
    const OTHERS: &[Journal] = &[Absent, NoFolder, Symlink, RegularFile, Directory, Dead, StreamSocket];
    mostly(9, Journal::Listens, OTHERS)
}

/// The place where the journal is, in a /run of this process's own.
pub struct Place {
    receiver: UnixDatagram,
    now: Cell<Journal>,
}

const FOLDER: &str = "/run/systemd/journal";

impl Place {
    pub fn new() -> Self {
        const FOLDERS: [&str; 7] =
            ["Listens", "Absent", "Symlink", "RegularFile", "Directory/socket", "Dead", "StreamSocket"];
        for folder in FOLDERS.iter().chain(&["systemd"]) {
            fs::create_dir_all(format!("/run/{folder}")).expect("a folder");
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
        Self { receiver, now: Cell::new(Journal::NoFolder) }
    }

    pub fn make(&self, journal: Journal) {
        if self.now.replace(journal) == journal {
            return;
        }
        let _ = fs::remove_file(FOLDER);
        if journal != Journal::NoFolder {
            symlink(format!("/run/{journal:?}"), FOLDER).expect("a symlink");
        }
    }

    pub fn received(&self) -> Vec<Received> {
        std::iter::from_fn(|| receive(&self.receiver)).collect()
    }
}
