//! Another process, and one that has ended.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::thread;

use libc::SOCK_STREAM;

use crate::sockets::{self, State};
use crate::sys;

/// Where the other process listens, in the current directory.
const SOCKET: &[u8] = b"other-process";

/// A process that does nothing, for as long as this one lives.
pub fn other() -> libc::pid_t {
    static PID: OnceLock<libc::pid_t> = OnceLock::new();
    *PID.get_or_init(|| {
        let socket = sockets::unix(SOCK_STREAM, Some(SOCKET), State::Bound).expect("a socket");
        let (reader, writer) = sys::pipe().expect("a pipe");
        let pid = sys::fork_until_we_end(|| {
            sys::listen(&socket).expect("listen");
            drop(writer);
            loop {
                thread::park();
            }
        });
        // The pipe ends when it listens.
        File::from(reader).read_to_end(&mut Vec::new()).expect("a pipe");
        pid
    })
}

/// A socket whose peer is the other process.
pub fn connected_to_other() -> io::Result<OwnedFd> {
    other();
    let address = sockets::unix_address(SOCKET);
    let socket = sys::socket(libc::AF_UNIX, SOCK_STREAM, 0)?;
    sys::connect(&socket, &address)?;
    Ok(socket)
}

/// A pidfd of a process that has ended, and has been waited for.
pub fn pidfd_of_ended() -> io::Result<OwnedFd> {
    let pid = sys::fork_until_we_end(|| {});
    let pidfd = sys::pidfd_open(pid);
    sys::wait(pid)?;
    pidfd
}
