//! All connections: they come, go on, and go.

mod connecting;

use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::epoll::{EpollEvent, EpollFlags};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockaddrLike, SockaddrStorage, accept4, getsockname, getsockopt, sockopt,
};

use super::Error;
use super::connection::{Connection, State};
use super::options::Settings;
use super::pipe::Pipes;
use super::poll::{Events, Poll, Subject};
use super::resolve::Resolver;
use super::slots::{Key, Slots};
use crate::say;

/// How long nobody is accepted where descriptors or memory have run out.
const PAUSE: Duration = Duration::from_secs(1);

/// What every connected socket is watched for: changes alone are told.
const CHANGES: EpollFlags = EpollFlags::EPOLLIN.union(EpollFlags::EPOLLRDHUP).union(EpollFlags::EPOLLET);
/// That of TCP tells that it takes more only where it has refused to. A unix socket tells it each time that its peer has read, and
/// is watched for it only once it has refused.
const CHANGES_AND_ROOM: EpollFlags = CHANGES.union(EpollFlags::EPOLLOUT);

struct Listener {
    socket: OwnedFd,
    is_unix: bool,
}

/// The proxy.
pub struct Server {
    settings: Settings,
    poll: Poll,
    listeners: Vec<Listener>,
    resolver: Resolver,
    connections: Slots<Connection>,
    pipes: Pipes,
    timers: BTreeSet<(Instant, Key)>,
    /// Those that want another turn.
    again: BTreeSet<Key>,
    /// Since when there is no connection any more. None before the first, as in the original.
    idle_since: Option<Instant>,
    /// Until when nobody is accepted.
    paused: Option<Instant>,
}

impl Server {
    /// It listens on these sockets.
    pub fn new(settings: Settings, sockets: Vec<OwnedFd>) -> Result<Self, Error> {
        let broken = |errno| Error::Broken("wait for connections", errno);
        let (poll, resolver) = (Poll::new().map_err(broken)?, Resolver::new().map_err(broken)?);
        poll.add(Subject::Resolver, &resolver, EpollFlags::EPOLLIN).map_err(broken)?;
        let mut listeners = Vec::new();
        for (number, socket) in (0..).zip(sockets) {
            let flags = OFlag::from_bits_retain(fcntl(&socket, FcntlArg::F_GETFL).map_err(broken)?);
            fcntl(&socket, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map_err(broken)?;
            poll.add(Subject::Listener(number), &socket, EpollFlags::EPOLLIN).map_err(broken)?;
            let address = getsockname::<SockaddrStorage>(socket.as_raw_fd()).map_err(broken)?;
            listeners.push(Listener { socket, is_unix: address.family() == Some(AddressFamily::Unix) });
        }
        Ok(Self {
            settings,
            poll,
            listeners,
            resolver,
            connections: Slots::new(),
            pipes: Pipes::default(),
            timers: BTreeSet::new(),
            again: BTreeSet::new(),
            idle_since: None,
            paused: None,
        })
    }

    /// Goes on until there has been no connection for as long as it was told.
    pub fn run(mut self) -> Result<(), Error> {
        let mut events: Events = [EpollEvent::empty(); 64];
        loop {
            let happened = self.poll.wait(&mut events, self.next_time());
            for (subject, flags) in happened.map_err(|errno| Error::Broken("wait for connections", errno))? {
                self.happened(subject, flags);
            }
            for key in std::mem::take(&mut self.again) {
                self.turn(key);
            }
            self.time_passes();
            // Whoever has come meanwhile was accepted above; who comes now finds the sockets still open, and the next proxy.
            if self.is_to_end(Instant::now()) {
                return Ok(());
            }
        }
    }

    fn is_to_end(&self, now: Instant) -> bool {
        self.end().is_some_and(|end| end <= now)
    }

    fn end(&self) -> Option<Instant> {
        self.idle_since?.checked_add(self.settings.exit_idle_time?)
    }

    fn next_time(&self) -> Option<Instant> {
        if !self.again.is_empty() {
            return Some(Instant::now());
        }
        let timer = self.timers.first().map(|(time, _)| *time);
        [timer, self.end(), self.paused].into_iter().flatten().min()
    }

    fn time_passes(&mut self) {
        if self.timers.is_empty() && self.paused.is_none() {
            return;
        }
        let now = Instant::now();
        while let Some((_, key)) = self.timers.first().copied().filter(|(time, _)| *time <= now) {
            self.set_timer(key, None);
            self.time_is_up(key, now);
        }
        if self.paused.is_some_and(|until| until <= now) {
            self.resume();
        }
    }

    fn time_is_up(&mut self, key: Key, now: Instant) {
        let Some(connection) = self.connections.get(key) else { return };
        match &connection.state {
            State::Waiting(attempt) => {
                let attempt = attempt.clone();
                self.connect(key, attempt);
            }
            State::Open(open) => match self.settings.idle.and_then(|idle| open.moved.checked_add(idle)) {
                Some(end) if end <= now => self.remove(key),
                next => self.set_timer(key, next),
            },
            State::Resolving | State::Connecting(..) => {}
        }
    }

    fn set_timer(&mut self, key: Key, time: Option<Instant>) {
        let Some(connection) = self.connections.get(key) else { return };
        if let Some(before) = std::mem::replace(&mut connection.timer, time) {
            self.timers.remove(&(before, key));
        }
        self.timers.extend(time.map(|time| (time, key)));
    }

    fn happened(&mut self, subject: Subject, flags: EpollFlags) {
        match subject {
            Subject::Listener(number) => self.accept(number),
            Subject::Resolver => self.resolved(),
            Subject::Client(key) => self.client(key, flags),
            Subject::Backend(key) => self.backend(key, flags),
        }
    }

    fn accept(&mut self, number: u32) {
        let Some(listener) = self.listeners.get(number as usize) else { return };
        let accepted = accept4(listener.socket.as_raw_fd(), SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK);
        let client = match accepted {
            // SAFETY: accept4(2) has just opened it, and nobody else knows it.
            Ok(client) => unsafe { OwnedFd::from_raw_fd(client) },
            Err(errno @ (Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM)) => return self.pause(errno),
            // It has left again, or another process has it.
            Err(_) => return,
        };
        if self.connections.len() >= self.settings.connections_max as usize {
            say("Hit connection limit, refusing connection.");
            return;
        }
        let is_unix = listener.is_unix;
        let key = self.connections.insert(Connection::new(client));
        self.idle_since = None;
        self.start(key, is_unix);
    }

    fn client(&mut self, key: Key, flags: EpollFlags) {
        let Some(connection) = self.connections.get(key) else { return };
        match &mut connection.state {
            State::Open(open) => {
                open.client(flags);
                self.turn(key);
            }
            // Cut off. Who has sent something and left is not: that still goes to the backend.
            _ if flags.contains(EpollFlags::EPOLLERR) => self.remove(key),
            _ => connection.happened |= flags,
        }
    }

    fn backend(&mut self, key: Key, flags: EpollFlags) {
        let Some(connection) = self.connections.get(key) else { return };
        match &mut connection.state {
            State::Open(open) => {
                open.backend(flags);
                self.turn(key);
            }
            State::Connecting(attempt, backend) => match getsockopt(backend, sockopt::SocketError) {
                Ok(0) => {
                    self.connected(key);
                    self.backend(key, flags);
                }
                result => {
                    let attempt = attempt.clone();
                    self.connect_to_next(key, attempt, result.map_or_else(|errno| errno, Errno::from_raw));
                }
            },
            State::Resolving | State::Waiting(_) => {}
        }
    }

    fn turn(&mut self, key: Key) {
        let Some(connection) = self.connections.get(key) else { return };
        let State::Open(open) = &mut connection.state else { return };
        let turns = open.turn(&connection.client, &mut self.pipes);
        if turns.moved && self.settings.idle.is_some() {
            open.moved = Instant::now();
        }
        if turns.goes_on {
            self.again.insert(key);
        }
        let mut over = turns.over;
        for (blocked, subject, socket) in [
            (turns.client_blocked, Subject::Client(key), &connection.client),
            (turns.backend_blocked, Subject::Backend(key), &open.backend),
        ] {
            if blocked {
                let watched = self.poll.modify(subject, socket, CHANGES_AND_ROOM);
                over = over.or(watched.err().map(Err));
            }
        }
        match over {
            None => {}
            Some(Ok(()) | Err(Errno::ECONNRESET | Errno::ETIMEDOUT | Errno::EPIPE)) => self.remove(key),
            Some(Err(errno)) => self.fail(key, format_args!("Failed to pass on a connection: {}", errno.desc())),
        }
    }

    fn fail(&mut self, key: Key, why: impl std::fmt::Display) {
        if self.connections.get(key).is_some() {
            say(why);
            self.remove(key);
        }
    }

    fn remove(&mut self, key: Key) {
        self.set_timer(key, None);
        self.connections.remove(key);
        if self.connections.len() == 0 {
            self.idle_since = Some(Instant::now());
        }
        if self.paused.is_some() {
            self.resume();
        }
    }

    /// Nobody is accepted until there is room again.
    fn pause(&mut self, errno: Errno) {
        say(format_args!("Failed to accept a connection, and waits: {}", errno.desc()));
        self.paused = Some(Instant::now() + PAUSE);
        self.listen_for(EpollFlags::empty());
    }

    fn resume(&mut self) {
        self.paused = None;
        self.listen_for(EpollFlags::EPOLLIN);
    }

    fn listen_for(&self, flags: EpollFlags) {
        for (number, listener) in (0..).zip(&self.listeners) {
            // It fails only for what is not watched.
            let _ = self.poll.modify(Subject::Listener(number), &listener.socket, flags);
        }
    }
}
