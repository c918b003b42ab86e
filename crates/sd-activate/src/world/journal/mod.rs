//! The log of units: what their processes write, and what is said of them. It is kept in memory, and shown on standard error.
//!
//! It is one descriptor to wait for, and each [turn](Journal::turn) does a bounded piece of work, whoever writes how much.

mod copies;
mod receive;
mod restore;
mod sender;
mod sockets;
mod source;
mod standard_error;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{AddressFamily, Shutdown, SockFlag, SockType, shutdown, socketpair};
use nix::sys::stat::fstat;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time::{self, clock_gettime};
use nix::unistd::Pid;

use super::groups::Names;
use crate::engine::Level;
use crate::exec::UnitPlan;
use crate::log::entry::{Entry, Fields, Timestamp};
use crate::log::output::Format;
use crate::log::priority::Priority;
use crate::log::ring::Ring;
use crate::log::stream::{Header, Stream};
use crate::spec::{Command, Log, Output, UnitName};

use copies::Copies;
use receive::Room;
use sender::{Sender, Senders};

pub use restore::SavedJournal;
pub use sender::Unit;
use sockets::{Absent, Sockets};
use source::Source;
use standard_error::StandardError;

/// So many streams and sockets are read from in one turn.
const READY: usize = 8;
/// What the names of fields take of what this process says, and the values that are always short.
const ROOM: usize = 112;
/// Whoever has not read standard error for so long counts as gone.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the command line says of the log.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `--log-buffer=`: how many bytes of it are kept in memory.
    pub buffer: usize,
    /// `--log-format=`: how it is shown on standard error.
    pub format: Option<Format>,
    /// Not with `--no-journal`: whether programs can log by themselves.
    pub sockets: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { buffer: 4 << 20, format: None, sockets: true }
    }
}

/// What there is of the log for a command.
pub struct Opened {
    unit: Rc<Unit>,
    /// The number of its stream, and what is written to, where an output of the command goes to the log.
    stream: Option<(usize, Arc<OwnedFd>)>,
    /// Whether its programs can reach the log's sockets as well.
    is_journal: bool,
}

impl Opened {
    /// What is written to.
    pub fn writer(&self) -> Option<Arc<OwnedFd>> {
        self.stream.as_ref().map(|(_, writer)| writer.clone())
    }

    /// `$JOURNAL_STREAM`: who finds it has entries with fields be read.
    pub fn variable(&self) -> Option<(OsString, OsString)> {
        let writer = self.stream.as_ref().filter(|_| self.is_journal).map(|(_, writer)| writer)?;
        let stream = fstat(writer).ok()?;
        Some(("JOURNAL_STREAM".into(), format!("{}:{}", stream.st_dev, stream.st_ino).into()))
    }
}

/// The log.
pub struct Journal {
    /// What there is to do: `sources`, and standard error where something waits to be written to it.
    epoll: Epoll,
    /// What entries come from.
    sources: Epoll,
    /// Ends the patience with the reader of standard error.
    timer: TimerFd,
    /// Nothing is read: standard error takes no more.
    paused: bool,
    /// Standard error is waited for.
    waits: bool,
    sockets: Option<Sockets>,
    /// No more streams are accepted until then.
    closed_until: Option<Instant>,
    streams: Vec<Option<Source>>,
    /// Those of their numbers that are free.
    free: Vec<usize>,
    /// The processes that units have started, and the number of the stream of each that has one.
    of_processes: BTreeMap<Pid, Option<usize>>,
    connections: usize,
    senders: Senders,
    room: Room,
    book: Book,
}

/// Where entries go.
struct Book {
    ring: Ring,
    error: StandardError,
}

/// What entries come from: which of the sources that are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Entries,
    Messages,
    Connections,
    Stream(usize),
}

impl Token {
    fn number(self) -> u64 {
        match self {
            Self::Entries => 0,
            Self::Messages => 1,
            Self::Connections => 2,
            Self::Stream(number) => number as u64 + 3,
        }
    }

    fn of(number: u64) -> Self {
        match number {
            0 => Self::Entries,
            1 => Self::Messages,
            2 => Self::Connections,
            stream => Self::Stream((stream - 3) as usize),
        }
    }
}

/// What there is to do.
const READ: u64 = 0;
const WRITE: u64 = 1;
const GIVE_UP: u64 = 2;

impl Journal {
    /// An empty log.
    pub fn new(settings: Settings) -> Result<Self, Errno> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let sources = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        epoll.add(&sources.0, EpollEvent::new(EpollFlags::EPOLLIN, READ))?;
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, GIVE_UP))?;
        let mut journal = Self {
            epoll,
            sources,
            timer,
            paused: false,
            waits: false,
            sockets: None,
            closed_until: None,
            streams: Vec::new(),
            free: Vec::new(),
            of_processes: BTreeMap::new(),
            connections: 0,
            senders: Senders::new(),
            room: Room::new(),
            book: Book { ring: Ring::new(settings.buffer), error: StandardError::new(settings.format) },
        };
        if settings.sockets {
            journal.listen();
        }
        Ok(journal)
    }

    /// Opens the sockets that programs log to by themselves, unless a journald listens there.
    fn listen(&mut self) {
        let opened = Sockets::open();
        let opened = opened.and_then(|sockets| self.listen_to(sockets).map_err(|error| Absent::Failed(error.into())));
        match opened {
            Ok(()) | Err(Absent::Taken) => (),
            Err(Absent::Failed(error)) => self.say(&format!(
                "What programs log with sd_journal_print(3) and syslog(3) is not seen here: \
                 /run/systemd/journal cannot be opened: {error}."
            )),
        }
    }

    fn listen_to(&mut self, sockets: Sockets) -> Result<(), Errno> {
        let add = |socket: BorrowedFd, token: Token| {
            self.sources.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, token.number()))
        };
        add(sockets.entries.as_fd(), Token::Entries)?;
        add(sockets.streams.as_fd(), Token::Connections)?;
        if let Some(messages) = &sockets.messages {
            add(messages.socket.as_fd(), Token::Messages)?;
        }
        self.sockets = Some(sockets);
        Ok(())
    }

    /// The newest entries.
    pub fn ring(&self) -> &Ring {
        &self.book.ring
    }

    /// Opens a stream for one command of a unit, and whatever that starts, if an output goes to the log. When none of them has it open
    /// any more, it is closed by itself.
    ///
    /// Without an identifier of the unit's, entries have that of the program.
    pub fn open_for(&mut self, plan: &UnitPlan, command: &Command, invocation: Option<&str>) -> Result<Opened, Errno> {
        let exec = plan.exec();
        let log = &exec.log;
        let unit = Unit::new(plan.unit.name.as_str(), invocation, log).with_copies(Copies::of(exec));
        let unit = Rc::new(unit);
        let written = [&exec.standard_output, &exec.standard_error].into_iter().any(Output::is_logged);
        let stream = written.then(|| {
            let program = command.path.file_name().unwrap_or_default();
            let header = Header {
                identifier: log.identifier.as_ref().map_or(program.as_bytes(), String::as_bytes).to_vec(),
                priority: Priority::from(log.facility | log.level),
                level_prefix: log.level_prefix,
            };
            self.open(unit.clone(), header)
        });
        let stream = stream.transpose()?.map(|(number, writer)| (number, Arc::new(writer)));
        Ok(Opened { unit, stream, is_journal: self.sockets.is_some() })
    }

    fn open(&mut self, unit: Rc<Unit>, header: Header) -> Result<(usize, OwnedFd), Errno> {
        let (reader, writer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
        // As that of sd_journal_stream_fd(3), it has nothing to read.
        shutdown(writer.as_raw_fd(), Shutdown::Read)?;
        let number = self.add(Source::new(reader, Stream::with_header(header), Some(unit)))?;
        Ok((number, writer))
    }

    /// From now on it is told by a process's control group which unit it is of.
    pub fn tell_units_by(&mut self, groups: Names) {
        self.senders.tell_units_by(groups);
    }

    /// A command was started as this process.
    pub fn started(&mut self, opened: Opened, pid: Pid) {
        self.senders.started(pid, opened.unit);
        self.of_processes.insert(pid, opened.stream.map(|(number, _)| number));
    }

    /// A command was not started.
    pub fn not_started(&mut self, opened: Opened) {
        opened.stream.into_iter().for_each(|(number, _)| self.remove(number));
    }

    /// A process has ended: what it has written is read first. Where the log is flooded, what it has sent as entries may be behind the flood:
    /// that comes in its turn.
    pub fn ended(&mut self, pid: Pid, is_flooded: bool) {
        if let Some(number) = self.of_processes.remove(&pid) {
            let now = Instant::now();
            self.read_all(Token::Connections, now);
            let is_its = |source: &Option<Source>| source.as_ref().is_some_and(|source| source.is_written_by(pid));
            let connected: Vec<_> = (0..self.streams.len()).filter(|other| is_its(&self.streams[*other])).collect();
            connected
                .into_iter()
                .filter(|other| Some(*other) != number)
                .for_each(|other| self.read_all(Token::Stream(other), now));
            number.into_iter().for_each(|number| self.read_all(Token::Stream(number), now));
            if !is_flooded {
                self.read_all(Token::Messages, now);
                self.read_all(Token::Entries, now);
            }
            self.flush();
        }
        self.senders.ended(pid);
    }

    /// Does a piece of what there is to do.
    pub fn turn(&mut self, now: Instant) {
        // Mostly there is nothing else than to read.
        if !self.waits {
            self.read_some(now);
            self.flush();
            return;
        }
        let mut events = [EpollEvent::empty(); 3];
        let count = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        for event in &events[..count] {
            match event.data() {
                READ if !self.paused => self.read_some(now),
                GIVE_UP => {
                    let _ = self.timer.wait();
                    self.book.error.stall();
                }
                _ => (),
            }
        }
        self.flush();
    }

    fn read_some(&mut self, now: Instant) {
        let mut events = [EpollEvent::empty(); READY];
        let count = self.sources.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        for event in &events[..count] {
            self.read(Token::of(event.data()), now);
        }
    }

    /// Writes what this process says. Its unit, by which it is found, is the first that is named.
    pub fn say(&mut self, message: &str) {
        let mut words = message.split_ascii_whitespace().map(|word| word.trim_end_matches([':', '.', ',']));
        let unit = words.find(|word| UnitName::new(word).is_some());
        self.write(unit.map(|name| Unit::new(name, None, &Log::default())).as_ref(), Level::Info, message);
    }

    /// Writes what this process says about a unit.
    pub fn say_of(&mut self, unit: &Unit, level: Level, message: &str) {
        if unit.wants(level as u8) {
            self.write(Some(unit), level, message);
        }
    }

    fn write(&mut self, unit: Option<&Unit>, level: Level, message: &str) {
        let mut fields = Fields::with_room(ROOM + unit.map_or(0, Unit::size) + message.len());
        fields.push("PRIORITY", [b'0' + level as u8]);
        fields.push("SYSLOG_FACILITY", "3");
        fields.push("SYSLOG_IDENTIFIER", "sd-activate");
        unit.into_iter().for_each(|unit| unit.add_as_subject(&mut fields));
        fields.push("MESSAGE", message);
        self.book.add(fields, "driver", self.senders.own());
        self.flush();
    }

    /// Reads all that is there, and writes it.
    pub fn drain(&mut self) {
        let now = Instant::now();
        self.read_all(Token::Connections, now);
        for number in 0..self.streams.len() {
            self.read_all(Token::Stream(number), now);
        }
        self.read_all(Token::Messages, now);
        self.read_all(Token::Entries, now);
        self.flush();
    }

    /// Writes to standard error, and sees to what is to be waited for then.
    fn flush(&mut self) {
        let progress = self.book.error.flush();
        if let Some(missed) = self.book.error.recovered().filter(|missed| *missed > 0) {
            self.say(&format!("Standard error was not read: {missed} entries are missing there."));
        }
        let waits = self.book.error.waits();
        if waits != self.waits {
            let descriptor = self.book.error.descriptor();
            let _ = match waits {
                true => self.epoll.add(descriptor, EpollEvent::new(EpollFlags::EPOLLOUT, WRITE)),
                false => self.epoll.delete(descriptor),
            };
            self.waits = waits;
        }
        let full = self.book.error.is_full();
        if full != self.paused {
            let flags = if full { EpollFlags::empty() } else { EpollFlags::EPOLLIN };
            let _ = self.epoll.modify(&self.sources.0, &mut EpollEvent::new(flags, READ));
            self.paused = full;
            self.set_timer(full);
        } else if full && progress {
            self.set_timer(true);
        }
    }

    fn set_timer(&self, on: bool) {
        let _ = match on {
            true => {
                let patience = Expiration::OneShot(TimeSpec::from_duration(PATIENCE));
                self.timer.set(patience, TimerSetTimeFlags::empty())
            }
            false => self.timer.unset(),
        };
    }
}

impl AsFd for Journal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.drain();
        self.book.error.finish(PATIENCE.as_millis() as u16);
    }
}

impl Book {
    /// Adds an entry, unless its unit wants none of its priority.
    fn add(&mut self, mut fields: Fields, transport: &str, sender: &Sender) {
        fields.push("_TRANSPORT", transport);
        let entry = Entry { timestamp: now(), fields, sender: sender.fields.clone() };
        if entry.priority() <= sender.level_max {
            if transport == "stdout" {
                sender.copies.write(&entry);
            }
            self.error.print(&entry);
            self.ring.push(entry);
        }
    }
}

fn now() -> Timestamp {
    let microseconds =
        |clock: time::ClockId| clock_gettime(clock).map_or(0, |time| Duration::from(time).as_micros() as u64);
    let (realtime, monotonic) = (time::ClockId::CLOCK_REALTIME, time::ClockId::CLOCK_MONOTONIC);
    Timestamp { realtime: microseconds(realtime), monotonic: microseconds(monotonic) }
}
