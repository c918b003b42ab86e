//! What entries come from, and how much is read of it at once.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use nix::sys::socket::{SockFlag, UnixCredentials, accept4, getsockopt, setsockopt, sockopt};
use nix::unistd::Pid;

use serde::{Deserialize, Serialize};

use super::receive::{LENGTH_MAX, Received};
use super::sender::{Senders, Unit};
use super::{Book, Journal, Token};
use crate::log::stream::{Malformed, Stream};
use crate::log::{journal, syslog};
use crate::saved::{self, Descriptor, Saved};

/// So much is read from a stream at once,
pub(super) const PIECE: usize = 16 * 1024;
/// but of one with short lines about so many of these: it is the lines that take time.
pub(super) const LINES: usize = 128;
/// Less is never read.
const PIECE_MIN: usize = 256;
/// So many datagrams are read from a socket at once,
pub(super) const DATAGRAMS: usize = 64;
/// or so many bytes, and what goes beyond them with the last one.
const DATAGRAMS_LENGTH: usize = 64 * 1024;
/// How long none more are accepted, where there is no descriptor or memory for that.
const PAUSE: Duration = Duration::from_millis(100);
/// So many streams are connected to the log at most, as in systemd-journald(8).
const CONNECTIONS_MAX: usize = 4096;

/// A stream of lines.
pub struct Source {
    reader: OwnedFd,
    stream: Stream,
    /// The unit that it was opened for.
    unit: Option<Rc<Unit>>,
    /// Who has written last.
    writer: Option<UnixCredentials>,
    /// How much is read of it at once.
    piece: usize,
}

/// A stream: what has come of a line that is not complete, and whose it is.
#[derive(Serialize, Deserialize)]
pub struct SavedSource {
    reader: Descriptor,
    stream: Stream,
    #[serde(with = "saved")]
    unit: Option<Rc<Unit>>,
    /// PID, user and group.
    writer: Option<(libc::pid_t, libc::uid_t, libc::gid_t)>,
}

impl Saved for Source {
    type Form = SavedSource;

    fn save(&self) -> SavedSource {
        let Self { reader, stream, unit, writer, piece: _ } = self;
        let writer = writer.map(|writer| (writer.pid(), writer.uid(), writer.gid()));
        SavedSource { reader: reader.save(), stream: stream.clone(), unit: unit.clone(), writer }
    }

    fn restore(SavedSource { reader, stream, unit, writer }: SavedSource) -> Option<Self> {
        let writer = writer.map(|(pid, uid, gid)| libc::ucred { pid, uid, gid }.into());
        Some(Self { writer, ..Self::new(OwnedFd::restore(reader)?, stream, unit) })
    }
}

impl Source {
    /// A stream from which nothing was read yet.
    pub fn new(reader: OwnedFd, stream: Stream, unit: Option<Rc<Unit>>) -> Self {
        Self { reader, stream, unit, writer: None, piece: PIECE / 4 }
    }

    /// Whether this process has written last, or has connected it.
    pub fn is_written_by(&self, pid: Pid) -> bool {
        self.writer.is_some_and(|writer| writer.pid() == pid.as_raw())
    }
}

impl Journal {
    /// Adds a stream. Returns its number.
    pub(super) fn add(&mut self, source: Source) -> Result<usize, Errno> {
        // What is written tells whose process has written it.
        setsockopt(&source.reader, sockopt::PassCred, &true)?;
        let number = self.free.last().copied().unwrap_or(self.streams.len());
        if number == self.streams.len() {
            self.streams.push(None);
            self.free.push(number);
        }
        self.add_as(number, source)?;
        self.free.pop();
        Ok(number)
    }

    /// Adds a stream under a number that is free.
    pub(super) fn add_as(&mut self, number: usize, source: Source) -> Result<(), Errno> {
        let event = EpollEvent::new(EpollFlags::EPOLLIN, Token::Stream(number).number());
        self.sources.add(&source.reader, event)?;
        self.connections += usize::from(source.unit.is_none());
        self.streams[number] = Some(source);
        Ok(())
    }

    /// Forgets a stream.
    pub(super) fn remove(&mut self, number: usize) {
        let Some(source) = self.streams.get_mut(number).and_then(Option::take) else { return };
        // Before it is closed: a process that was just started may have it open for a moment.
        let _ = self.sources.delete(&source.reader);
        self.free.push(number);
        self.connections -= usize::from(source.unit.is_none());
    }

    /// Reads a piece. Its length, or how many datagrams it is; zero where there is nothing more for now.
    pub(super) fn read(&mut self, token: Token, now: Instant) -> usize {
        match token {
            Token::Stream(number) => self.read_stream(number, now),
            Token::Connections => self.accept(),
            Token::Entries | Token::Messages => self.read_datagrams(token, now),
        }
    }

    /// Reads all that is there now. What is written meanwhile has its time later: somebody may write for ever.
    pub(super) fn read_all(&mut self, token: Token, now: Instant) {
        let mut rest = match token {
            Token::Stream(number) => self.streams.get(number).and_then(Option::as_ref).map_or(0, Source::length),
            _ => self.sockets.as_ref().map_or(0, |sockets| sockets.queue_max),
        };
        loop {
            match self.read(token, now) {
                0 => return,
                // The end of a stream can only be seen after its last byte.
                _ if rest == 0 => return,
                length => rest = rest.saturating_sub(length),
            }
        }
    }

    fn read_stream(&mut self, number: usize, now: Instant) -> usize {
        let Self { streams, room, senders, book, .. } = self;
        let Some(source) = streams.get_mut(number).and_then(Option::as_mut) else { return 0 };
        let length = match room.receive(&source.reader, source.piece) {
            Ok(received) => source.take(received, senders, book, now),
            Err(Errno::EAGAIN | Errno::EINTR) => return 0,
            Err(_) => Err(Malformed),
        };
        if !matches!(length, Ok(1..)) {
            self.remove(number);
        }
        length.unwrap_or(0)
    }

    fn read_datagrams(&mut self, token: Token, now: Instant) -> usize {
        let (mut count, mut total, mut too_long) = (0, 0, 0);
        while count < DATAGRAMS && total < DATAGRAMS_LENGTH {
            let Self { sockets: Some(sockets), room, senders, book, .. } = self else { break };
            let received = match (token, &sockets.messages) {
                (Token::Messages, Some(messages)) => room.receive(&messages.socket, LENGTH_MAX),
                (Token::Entries, _) => room.receive(&sockets.entries, LENGTH_MAX),
                _ => break,
            };
            let Ok(Received { bytes, credentials, cut, mut descriptors }) = received else { break };
            count += 1;
            too_long += usize::from(cut);
            let mut length = bytes.len();
            let Some(credentials) = credentials.filter(|_| !cut) else {
                total += length;
                continue;
            };
            let sender = senders.sender(&credentials, None, now);
            if token == Token::Messages {
                syslog::parse(bytes).into_iter().for_each(|fields| book.add(fields, "syslog", &sender));
            } else if descriptors.is_empty() {
                journal::parse(bytes, |fields| book.add(fields, "journal", &sender));
            } else if let (0, Some(file), true) = (length, descriptors.pop(), descriptors.is_empty()) {
                let bytes = room.read(file).unwrap_or_default();
                length = bytes.len();
                journal::parse(bytes, |fields| book.add(fields, "journal", &sender));
            }
            total += length;
            room.shrink(length);
        }
        if too_long > 0 {
            self.say(&format!(
                "Entries of more than {LENGTH_MAX} bytes were sent to the log: {too_long} were dropped."
            ));
        }
        count
    }

    /// Accepts connections with lines.
    fn accept(&mut self) -> usize {
        let mut count = 0;
        while count < DATAGRAMS {
            let Some(sockets) = &self.sockets else { break };
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            let reader = match accept4(sockets.streams.as_fd().as_raw_fd(), flags) {
                // SAFETY: accept4 has just opened it.
                Ok(reader) => unsafe { OwnedFd::from_raw_fd(reader) },
                Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
                    self.close_until(Instant::now() + PAUSE);
                    break;
                }
                Err(_) => break,
            };
            count += 1;
            if self.connections < CONNECTIONS_MAX {
                let writer = getsockopt(&reader, sockopt::PeerCredentials).ok();
                let _ = self.add(Source { writer, ..Source::new(reader, Stream::new(), None) });
            }
        }
        count
    }

    /// Has connections wait while there is a shortage of descriptors.
    fn close_until(&mut self, until: Instant) {
        self.watch_connections(EpollFlags::empty());
        self.closed_until = Some(until);
    }

    /// When connections may be accepted again, where there was a shortage.
    pub fn closed_until(&self) -> Option<Instant> {
        self.closed_until
    }

    /// Accepts connections again, when it is time for that.
    pub fn open_again(&mut self, now: Instant) {
        if self.closed_until.take_if(|until| *until <= now).is_some() {
            self.watch_connections(EpollFlags::EPOLLIN);
        }
    }

    fn watch_connections(&self, flags: EpollFlags) {
        if let Some(sockets) = &self.sockets {
            let _ = self.sources.modify(&sockets.streams, &mut EpollEvent::new(flags, Token::Connections.number()));
        }
    }
}

impl Source {
    /// Takes what was received. How much that was; 0 at the end.
    fn take(
        &mut self,
        received: Received<'_>,
        senders: &mut Senders,
        book: &mut Book,
        now: Instant,
    ) -> Result<usize, Malformed> {
        let writer = received.credentials.filter(|writer| writer.pid() > 0).or(self.writer);
        let Self { stream, unit, .. } = self;
        // Who it is takes reading files of /proc: only where there is an entry.
        let mut lines = 0;
        let mut add = |writer: Option<UnixCredentials>, fields| {
            lines += 1;
            let sender = senders.sender(&writer.unwrap_or_default(), unit.as_ref(), now);
            book.add(fields, "stdout", &sender);
        };
        if received.bytes.is_empty() {
            stream.end(|fields| add(self.writer.or(writer), fields));
            return Ok(0);
        }
        if writer != self.writer {
            stream.change_writer(|fields| add(self.writer.or(writer), fields));
            self.writer = writer;
        }
        stream.push(received.bytes, |fields| add(writer, fields))?;
        let length = received.bytes.len();
        self.piece = (length / lines.max(1) * LINES).clamp(PIECE_MIN, PIECE);
        Ok(length)
    }

    /// How many bytes wait in it.
    fn length(&self) -> usize {
        let mut length: libc::c_int = 0;
        // SAFETY: the pointer is to an int.
        unsafe { libc::ioctl(self.reader.as_raw_fd(), libc::FIONREAD, &raw mut length) };
        usize::try_from(length).unwrap_or(0)
    }
}
