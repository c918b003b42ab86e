//! One descriptor of each kind there is, made once and duplicated into the tables of the cases.

use std::ffi::{CStr, c_int};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::{fmt, io};

use libc::{AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM};
use libc::{O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR, O_WRONLY};
use proptest::prelude::*;
use proptest::sample::select;

use crate::descriptors::OWN;
use crate::sockets::{self, Address::*, Facts, State::*, inet, unix};
use crate::{processes, sys};

#[derive(Clone, Copy, PartialEq)]
pub enum Class {
    Fifo,
    /// Regular files and character devices.
    File,
    Queue,
    Inet,
    Unix,
    OtherSocket,
    Pidfd,
    Other,
}

struct Entry {
    name: &'static str,
    class: Class,
    path: Option<&'static CStr>,
    make: fn() -> io::Result<OwnedFd>,
}

const fn entry(class: Class, name: &'static str, make: fn() -> io::Result<OwnedFd>) -> Entry {
    Entry { name, class, path: None, make }
}

const fn file(class: Class, name: &'static str, path: &'static CStr, make: fn() -> io::Result<OwnedFd>) -> Entry {
    Entry { name, class, path: Some(path), make }
}

const ENTRIES: &[Entry] = &[
    file(Class::Fifo, "a FIFO", c"fifo", || sys::open(c"fifo", O_RDWR)),
    file(Class::Fifo, "a FIFO, reading end", c"fifo", || sys::open(c"fifo", O_RDONLY | O_NONBLOCK)),
    file(Class::Fifo, "a FIFO, O_PATH", c"fifo", || sys::open(c"fifo", O_PATH)),
    file(Class::Fifo, "a second FIFO", c"fifo2", || sys::open(c"fifo2", O_RDWR)),
    entry(Class::Fifo, "a pipe, reading end", || sys::pipe().map(|(reader, _)| reader)),
    entry(Class::Fifo, "a pipe, writing end", || sys::pipe().map(|(_, writer)| writer)),
    file(Class::File, "a file", c"file", || sys::open(c"file", O_RDONLY)),
    file(Class::File, "a file, writable", c"file", || sys::open(c"file", O_RDWR)),
    file(Class::File, "a file, O_PATH", c"file", || sys::open(c"file", O_PATH)),
    file(Class::File, "a second file", c"file2", || sys::open(c"file2", O_WRONLY)),
    entry(Class::File, "a memfd", || sys::memfd(c"memfd")),
    file(Class::File, "/dev/null", c"/dev/null", || sys::open(c"/dev/null", O_RDWR)),
    file(Class::File, "/dev/null, O_PATH", c"/dev/null", || sys::open(c"/dev/null", O_PATH)),
    file(Class::File, "/dev/zero", c"/dev/zero", || sys::open(c"/dev/zero", O_RDONLY)),
    file(Class::File, "another node of /dev/null, O_PATH", c"null", || sys::open(c"null", O_PATH)),
    file(Class::File, "a pseudo terminal", c"/dev/ptmx", || sys::open(c"/dev/ptmx", O_RDWR | libc::O_NOCTTY)),
    file(Class::Queue, "a queue", c"/dev/mqueue/a", || sys::mq_open(c"/a")),
    file(Class::Queue, "a second queue", c"/dev/mqueue/b", || sys::mq_open(c"/b")),
    file(Class::File, "a queue, opened as a file", c"/dev/mqueue/a", || sys::open(c"/dev/mqueue/a", O_RDONLY)),
    file(Class::File, "a queue, O_PATH", c"/dev/mqueue/a", || sys::open(c"/dev/mqueue/a", O_PATH)),
    file(Class::Other, "the directory of queues", c"/dev/mqueue", || sys::open(c"/dev/mqueue", O_DIRECTORY)),
    file(Class::Other, "a directory", c"directory", || sys::open(c"directory", O_DIRECTORY)),
    file(Class::Other, "a directory, O_PATH", c"directory", || sys::open(c"directory", O_PATH)),
    file(Class::Other, "a symlink, O_PATH", c"file.soft", || sys::open(c"file.soft", O_PATH | O_NOFOLLOW)),
    file(Class::Other, "a block device, O_PATH", c"block", || sys::open(c"block", O_PATH)),
    entry(Class::Other, "an epoll", sys::epoll),
    entry(Class::Other, "an eventfd", sys::eventfd),
    entry(Class::Other, "a timerfd", sys::timerfd),
    entry(Class::Other, "an inotify", sys::inotify),
    entry(Class::Pidfd, "a pidfd", || sys::pidfd_open(std::process::id() as _)),
    entry(Class::Pidfd, "a pidfd of another process", || sys::pidfd_open(processes::other())),
    entry(Class::Pidfd, "a pidfd of a process that has ended", processes::pidfd_of_ended),
    entry(Class::OtherSocket, "a netlink socket", || sys::socket(AF_NETLINK, SOCK_RAW, 0)),
    entry(Class::OtherSocket, "a vsock", || sys::socket(AF_VSOCK, SOCK_STREAM, 0)),
    entry(Class::OtherSocket, "a packet socket", || sys::socket(AF_PACKET, SOCK_DGRAM, 0)),
    entry(Class::Inet, "a raw socket", || sys::socket(AF_INET, SOCK_RAW, libc::IPPROTO_UDP)),
    entry(Class::Inet, "a raw socket of IPv6", || sys::socket(AF_INET6, SOCK_RAW, libc::IPPROTO_UDP)),
    entry(Class::Inet, "TCP", || inet(SOCK_STREAM, V4Any, Unbound)),
    entry(Class::Inet, "TCP, bound", || inet(SOCK_STREAM, V4Loopback, Bound)),
    entry(Class::Inet, "TCP, bound to any address", || inet(SOCK_STREAM, V4Any, Bound)),
    entry(Class::Inet, "TCP, listening", || inet(SOCK_STREAM, V4Loopback, Listening)),
    entry(Class::Inet, "TCP, listening unbound", || inet(SOCK_STREAM, V4Any, ListeningUnbound)),
    entry(Class::Inet, "TCP, connected", || inet(SOCK_STREAM, V4Loopback, Connected)),
    entry(Class::Inet, "TCP, accepted", || inet(SOCK_STREAM, V4Loopback, Accepted)),
    entry(Class::Inet, "UDP", || inet(SOCK_DGRAM, V4Any, Unbound)),
    entry(Class::Inet, "UDP, bound", || inet(SOCK_DGRAM, V4Loopback, Bound)),
    entry(Class::Inet, "UDP, bound to any address", || inet(SOCK_DGRAM, V4Any, Bound)),
    entry(Class::Inet, "TCP6", || inet(SOCK_STREAM, V6Any, Unbound)),
    entry(Class::Inet, "TCP6, bound", || inet(SOCK_STREAM, V6Loopback, Bound)),
    entry(Class::Inet, "TCP6, listening", || inet(SOCK_STREAM, V6Loopback, Listening)),
    entry(Class::Inet, "TCP6, listening at any address", || inet(SOCK_STREAM, V6Any, Listening)),
    entry(Class::Inet, "TCP6, listening at a mapped address", || inet(SOCK_STREAM, V6Mapped, Listening)),
    entry(Class::Inet, "TCP6, accepted at a mapped address", || inet(SOCK_STREAM, V6Mapped, Accepted)),
    entry(Class::Inet, "TCP6, accepted", || inet(SOCK_STREAM, V6Loopback, Accepted)),
    entry(Class::Inet, "UDP6, bound", || inet(SOCK_DGRAM, V6Loopback, Bound)),
    entry(Class::Inet, "UDP6, bound to a link-local address", || inet(SOCK_DGRAM, V6LinkLocal, Bound)),
    entry(Class::Inet, "TCP6, listening at a link-local address", || inet(SOCK_STREAM, V6LinkLocal, Listening)),
    entry(Class::Unix, "a stream", || unix(SOCK_STREAM, None, Unbound)),
    entry(Class::Unix, "a datagram socket", || unix(SOCK_DGRAM, None, Unbound)),
    entry(Class::Unix, "a seqpacket socket", || unix(SOCK_SEQPACKET, None, Unbound)),
    entry(Class::Unix, "a stream, bound", || unix(SOCK_STREAM, Some(b"stream"), Bound)),
    entry(Class::Unix, "a stream, listening", || unix(SOCK_STREAM, Some(b"listening"), Listening)),
    entry(Class::Unix, "a stream, connected", || unix(SOCK_STREAM, Some(b"connected"), Connected)),
    entry(Class::Unix, "a stream, accepted", || unix(SOCK_STREAM, Some(b"accepted"), Accepted)),
    entry(Class::Unix, "a datagram socket, bound", || unix(SOCK_DGRAM, Some(b"datagram"), Bound)),
    entry(Class::Unix, "a datagram socket, connected", || unix(SOCK_DGRAM, Some(b"peer"), Connected)),
    entry(Class::Unix, "a seqpacket socket, listening", || unix(SOCK_SEQPACKET, Some(b"seqpacket"), Listening)),
    entry(Class::Unix, "a stream, path with a zero", || unix(SOCK_STREAM, Some(b"z\0behind"), Bound)),
    entry(Class::Unix, "a stream, path of one byte", || unix(SOCK_STREAM, Some(b"s"), Listening)),
    entry(Class::Unix, "a stream, path of 106 bytes", || unix(SOCK_STREAM, Some(&[b'x'; 106]), Bound)),
    entry(Class::Unix, "a stream, path of 107 bytes", || unix(SOCK_STREAM, Some(&[b'x'; 107]), Listening)),
    entry(Class::Unix, "a stream, path of 108 bytes", || unix(SOCK_STREAM, Some(&[b'x'; 108]), Listening)),
    entry(Class::Unix, "a datagram socket, abstract", || unix(SOCK_DGRAM, Some(b"\0sdlite"), Bound)),
    entry(Class::Unix, "a stream, abstract with zeroes", || unix(SOCK_STREAM, Some(b"\0sd\0lite\0"), Listening)),
    entry(Class::Unix, "a stream, abstract, the empty name", || unix(SOCK_STREAM, Some(b"\0"), Listening)),
    entry(Class::Unix, "a stream, abstract of 108 bytes", || unix(SOCK_STREAM, Some(&[0; 108]), Listening)),
    entry(Class::Unix, "a stream, bound automatically", || unix(SOCK_STREAM, Some(b""), Bound)),
    entry(Class::Unix, "a pair of streams", || sys::socketpair(SOCK_STREAM).map(|(this, _)| this)),
    entry(Class::Unix, "a pair of datagram sockets", || {
        let (this, that) = sys::socketpair(SOCK_DGRAM)?;
        keep(that)?;
        Ok(this)
    }),
    entry(Class::Unix, "a stream, connected to another process", processes::connected_to_other),
    file(Class::Unix, "a socket's file, O_PATH", c"listening", || sys::open(c"listening", O_PATH)),
];

/// Keeps a descriptor open, where it is in nobody's way.
pub fn keep(fd: OwnedFd) -> io::Result<RawFd> {
    sys::dup_above(fd.as_raw_fd(), OWN).map(IntoRawFd::into_raw_fd)
}

/// One of the kinds.
#[derive(Clone, Copy)]
pub struct Kind(usize);

impl Kind {
    /// A path of its file, where it has one.
    pub fn path(self) -> Option<&'static CStr> {
        ENTRIES[self.0].path
    }

    /// Whether it is open for nothing but its path.
    pub fn is_path_only(self) -> bool {
        ENTRIES[self.0].name.ends_with("O_PATH")
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", ENTRIES[self.0].name)
    }
}

pub fn kinds(of: fn(Class) -> bool) -> impl Strategy<Value = Kind> {
    let kinds = (0..ENTRIES.len()).filter(|i| of(ENTRIES[*i].class)).map(Kind);
    select(kinds.collect::<Vec<_>>())
}

pub struct Zoo(Vec<Option<(RawFd, Option<Facts>)>>);

impl Zoo {
    /// Makes one of each kind, in the current directory and where `paths` has put files. `missing` is told what the machine
    /// does not have; such a descriptor is closed in all cases.
    pub fn new(mut missing: impl FnMut(String)) -> Self {
        let make = |entry: &Entry| {
            let made = (entry.make)().and_then(keep);
            made.map(|fd| (fd, sockets::facts(fd))).map_err(|error| missing(format!("{}: {error}", entry.name))).ok()
        };
        Self(ENTRIES.iter().map(make).collect())
    }

    pub fn descriptor(&self, kind: Kind) -> Option<c_int> {
        self.0[kind.0].as_ref().map(|(fd, _)| *fd)
    }

    /// None where it is no socket.
    pub fn facts(&self, kind: Kind) -> Option<&Facts> {
        self.0[kind.0].as_ref().and_then(|(_, facts)| facts.as_ref())
    }
}
