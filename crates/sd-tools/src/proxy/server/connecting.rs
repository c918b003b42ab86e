//! From a connection that was accepted to one that goes on to somebody.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockaddrLike, SockaddrStorage, getpeername, getsockname, send, setsockopt, sockopt,
};

use super::super::connection::{Attempt, Connection, Open, State};
use super::super::header;
use super::super::poll::Subject;
use super::super::slots::Key;
use super::super::target::{Address, Target};
use super::{CHANGES, CHANGES_AND_ROOM, Server};

/// How long until an address is tried again at which nobody listens.
const RETRY: Duration = Duration::from_millis(20);

impl Server {
    /// Somebody was accepted: goes on to where they want to go.
    pub(super) fn start(&mut self, key: Key, is_unix: bool) {
        let Some(Connection { client, .. }) = self.connections.get(key) else { return };
        let flags = if is_unix { CHANGES } else { CHANGES_AND_ROOM };
        if let Err(errno) = self.poll.add(Subject::Client(key), &*client, flags) {
            return self.fail(key, format_args!("Failed to watch connection: {}", errno.desc()));
        }
        if !is_unix {
            // What comes in pieces goes out in the same pieces, at once.
            let _ = setsockopt(&*client, sockopt::TcpNoDelay, &true);
        }
        let address = match &self.settings.target {
            Target::Unix(Ok(address)) => Address::Unix(*address),
            Target::Ip(address) => Address::Ip(*address),
            Target::Unix(Err(errno)) => {
                let what = "Specified address doesn't fit in an AF_UNIX address, refusing";
                return self.fail(key, format_args!("{what}: {}", errno.desc()));
            }
            Target::Name { host, service } => {
                if let Err(error) = self.resolver.ask(key, host, service) {
                    self.fail(key, format_args!("Failed to resolve host: {error}"));
                }
                return;
            }
        };
        self.connect_to(key, vec![address]);
    }

    /// The addresses of names were found, or not.
    pub(super) fn resolved(&mut self) {
        self.resolver.heard();
        while let Some((key, answer)) = self.resolver.answer() {
            match answer {
                Ok(addresses) => self.connect_to(key, addresses),
                Err(error) => self.fail(key, format_args!("Failed to resolve host: {error}")),
            }
        }
    }

    fn connect_to(&mut self, key: Key, addresses: Vec<Address>) {
        let until = self.settings.wait.and_then(|wait| Instant::now().checked_add(wait));
        self.connect(key, Attempt { addresses, next: 0, until });
    }

    /// Connects to the next address, and if that fails to those behind it.
    pub(super) fn connect(&mut self, key: Key, mut attempt: Attempt) {
        let mut failed = Errno::EDESTADDRREQ;
        while let Some(address) = attempt.addresses.get(attempt.next) {
            match address.connect() {
                Ok((backend, connected)) => return self.connecting(key, attempt, backend, connected),
                Err(errno) => (failed, attempt.next) = (errno, attempt.next + 1),
            }
        }
        self.not_connected(key, attempt, failed);
    }

    /// An address has failed: connects to those behind it.
    pub(super) fn connect_to_next(&mut self, key: Key, mut attempt: Attempt, errno: Errno) {
        attempt.next += 1;
        if attempt.next < attempt.addresses.len() {
            self.connect(key, attempt);
        } else {
            self.not_connected(key, attempt, errno);
        }
    }

    fn connecting(&mut self, key: Key, attempt: Attempt, backend: OwnedFd, connected: bool) {
        let Some(connection) = self.connections.get(key) else { return };
        let flags = if connected { CHANGES } else { CHANGES_AND_ROOM };
        if let Err(errno) = self.poll.add(Subject::Backend(key), &backend, flags) {
            return self.fail(key, format_args!("Failed to watch connection: {}", errno.desc()));
        }
        connection.state = State::Connecting(attempt, backend);
        if connected {
            self.connected(key);
        }
    }

    /// No address is left: they are tried again, or the connection fails.
    fn not_connected(&mut self, key: Key, mut attempt: Attempt, errno: Errno) {
        let Some(connection) = self.connections.get(key) else { return };
        let retry = Instant::now() + RETRY;
        // A unix socket says EAGAIN where somebody listens who has others to accept first.
        if errno == Errno::EAGAIN || attempt.until.is_none_or(|until| retry < until) {
            attempt.next = 0;
            connection.state = State::Waiting(attempt);
            return self.set_timer(key, Some(retry));
        }
        self.fail(key, format_args!("Failed to connect to remote host: {}", errno.desc()));
    }

    /// Somebody listens: what is sent is passed on from now on.
    pub(super) fn connected(&mut self, key: Key) {
        let Some(connection) = self.connections.get(key) else { return };
        let State::Connecting(attempt, backend) = std::mem::replace(&mut connection.state, State::Resolving) else {
            return;
        };
        if is_itself(&backend) {
            drop(backend);
            return self.connect_to_next(key, attempt, Errno::ECONNREFUSED);
        }
        let now = Instant::now();
        if self.settings.proxy_protocol {
            let header = header::of(&connection.client);
            // The first bytes on a connection: there is room for them.
            if send(backend.as_raw_fd(), &header, MsgFlags::MSG_NOSIGNAL) != Ok(header.len()) {
                return self.fail(key, "Failed to send the PROXY protocol's header.");
            }
        }
        connection.state = State::Open(Box::new(Open::new(backend, connection.happened, now)));
        if let Some(idle) = self.settings.idle {
            self.set_timer(key, now.checked_add(idle));
        }
        self.turn(key);
    }
}

/// Whether a socket is connected to itself: TCP does that where nobody listens at a port of this machine, and the kernel gives the
/// socket that port as its own.
fn is_itself(socket: &OwnedFd) -> bool {
    let own = getsockname::<SockaddrStorage>(socket.as_raw_fd());
    let other = getpeername::<SockaddrStorage>(socket.as_raw_fd());
    own.is_ok_and(|own| own.family() != Some(AddressFamily::Unix) && Ok(own) == other)
}
