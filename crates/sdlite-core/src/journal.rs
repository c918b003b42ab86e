//! sd_journal_print(3) and its siblings: entries for the journal, each one datagram in its native protocol.

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicI32, Ordering};

use crate::sys::{self, Address, Control, IoSlice, OwnedFd};
use crate::text::{self, Text};
use crate::{Errno, Result, large_message};

/// Where in the source a message comes from.
#[derive(Clone, Copy)]
pub struct Location<'a> {
    /// `CODE_FILE=` and the file's name.
    pub file: &'a [u8],
    /// `CODE_LINE=` and the number.
    pub line: &'a [u8],
    /// The name of the function and nothing else.
    pub function: &'a [u8],
}

/// sd_journal_print(3): sends the message, its trailing white space cut, then the priority and the location.
pub fn print(priority: c_int, message: &[u8], location: Option<Location<'_>>) -> Result<()> {
    let priority = [priority_digit(priority)?];
    let message = trim_end(message);
    if message.is_empty() {
        return Ok(());
    }
    let mut room = Room::<32, 5>::new();
    let mut entry = Entry::new(&mut room);
    entry.named(b"MESSAGE=", &[message])?;
    entry.named(b"PRIORITY=", &[&priority])?;
    entry.location(location)?;
    entry.send()
}

/// sd_journal_send(3): sends the location and then the fields, their trailing white space cut.
pub fn send<'a>(fields: impl Iterator<Item = &'a [u8]>, location: Option<Location<'a>>) -> Result<()> {
    let mut room = Room::<PIECES_MAX, BINARY_MAX>::new();
    let mut entry = Entry::new(&mut room);
    entry.location(location)?;
    for field in fields {
        entry.field(trim_end(field))?;
    }
    entry.send()
}

/// sd_journal_sendv(3): sends the fields as they are, and then the location. None is a field that points nowhere.
pub fn sendv<'a>(fields: impl Iterator<Item = Option<&'a [u8]>>, location: Option<Location<'a>>) -> Result<()> {
    let mut room = Room::<PIECES_MAX, BINARY_MAX>::new();
    let mut entry = Entry::new(&mut room);
    for field in fields {
        entry.field(field.ok_or(Errno::INVAL)?)?;
    }
    if entry.used == 0 {
        return Err(Errno::INVAL);
    }
    entry.location(location)?;
    entry.send()
}

/// sd_journal_perror(3): sends the location and the text of errno, with `message` before it.
pub fn perror(message: &[u8], location: Option<Location<'_>>) -> Result<()> {
    let saved = Errno::save();
    let error = saved.number();
    let mut reason = text::room::<256>();
    let reason = sys::strerror_r(error, &mut reason);
    let mut digits = text::room::<24>();
    let mut number = Text::new(&mut digits);
    let number = number.push(b"ERRNO=").push_decimal(error).finish()?;
    let separator: &[u8] = if message.is_empty() { b"" } else { b": " };

    let mut room = Room::<32, 5>::new();
    let mut entry = Entry::new(&mut room);
    entry.location(location)?;
    entry.field(b"PRIORITY=3")?;
    entry.named(b"MESSAGE=", &[message, separator, reason.to_bytes()])?;
    entry.field(number.to_bytes())?;
    saved.restore();
    entry.send()
}

/// sd_journal_stream_fd(3): a stream whose lines become entries under `identifier`, and where `level_prefix` says so, with
/// the priority that a line begins with, such as `<3>`.
pub fn stream_fd(namespace: Option<&CStr>, identifier: &[u8], priority: c_int, level_prefix: bool) -> Result<c_int> {
    let saved = Errno::save();
    let stream = open_stream(namespace, identifier, priority, level_prefix);
    saved.restore();
    stream.map(OwnedFd::into_raw)
}

fn open_stream(namespace: Option<&CStr>, identifier: &[u8], priority: c_int, level_prefix: bool) -> Result<OwnedFd> {
    let priority = [priority_digit(priority)?];
    if namespace.is_some_and(|namespace| !is_namespace(namespace.to_bytes())) {
        return Err(Errno::INVAL);
    }
    let level_prefix: &[u8] = if level_prefix { b"1" } else { b"0" };
    let socket = sys::socket(libc::AF_UNIX, libc::SOCK_STREAM)?;
    match namespace {
        None => sys::connect(&socket, &STDOUT)?,
        Some(namespace) => connect_namespace(&socket, namespace)?,
    }
    sys::shutdown(&socket, libc::SHUT_RD)?;
    large_message::raise_send_buffer(socket.raw());
    // The identifier, the unit, which journald finds out by itself, the priority, whether lines may say their own, and
    // three ways of forwarding.
    let header = [identifier, b"\n\n", &priority, b"\n", level_prefix, b"\n0\n0\n0\n"].map(IoSlice::new);
    sys::sendmsg(socket.raw(), None, &header, &Control::new())?;
    Ok(socket)
}

fn connect_namespace(socket: &OwnedFd, namespace: &CStr) -> Result<()> {
    let mut room = text::room::<256>();
    let mut path = Text::new(&mut room);
    let path = path.push(b"/run/systemd/journal.").push(namespace.to_bytes()).push(b"/stdout").finish()?;
    let mut address = Address::new();
    if address.set_path(path) {
        return sys::connect(socket, &address);
    }
    // An address has room for 107 bytes of path, and a descriptor has a short one.
    let file = sys::open_path(path)?;
    address.set_path(Text::new(&mut text::room::<32>()).push(b"/proc/self/fd/").push_decimal(file.raw()).finish()?);
    sys::connect(socket, &address)
}

/// What systemd-journald(8) takes for the name of a namespace: it becomes a part of file names and of a unit's name.
fn is_namespace(name: &[u8]) -> bool {
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b":-_.@".contains(byte);
    !name.is_empty() && name != b"." && name != b".." && name.len() <= 222 && name.iter().all(valid)
}

fn priority_digit(priority: c_int) -> Result<u8> {
    match priority {
        libc::LOG_EMERG..=libc::LOG_DEBUG => Ok(b'0' + priority as u8),
        _ => Err(Errno::INVAL),
    }
}

fn trim_end(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let end = text.iter().rposition(|byte| !blank(byte)).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

/// UIO_MAXIOV of the kernel: so many pieces go into one system call. libsystemd's entries end there too, in EINVAL.
const PIECES_MAX: usize = 1024;

/// A field with a length in it takes five of them.
const BINARY_MAX: usize = PIECES_MAX / 5;

/// What an entry needs on the stack.
struct Room<'a, const PIECES: usize, const BINARY: usize> {
    pieces: [MaybeUninit<IoSlice<'a>>; PIECES],
    lengths: [MaybeUninit<[u8; 8]>; BINARY],
}

impl<const PIECES: usize, const BINARY: usize> Room<'_, PIECES, BINARY> {
    fn new() -> Self {
        Self { pieces: [MaybeUninit::uninit(); PIECES], lengths: [MaybeUninit::uninit(); BINARY] }
    }
}

/// An entry on its way: the pieces of its datagram.
struct Entry<'a> {
    room: &'a mut [MaybeUninit<IoSlice<'a>>],
    used: usize,
    lengths: core::slice::IterMut<'a, MaybeUninit<[u8; 8]>>,
    has_identifier: bool,
}

impl<'a> Entry<'a> {
    fn new<const PIECES: usize, const BINARY: usize>(room: &'a mut Room<'a, PIECES, BINARY>) -> Self {
        Self { room: &mut room.pieces, used: 0, lengths: room.lengths.iter_mut(), has_identifier: false }
    }

    /// Adds a field `NAME=value` as the caller has it.
    fn field(&mut self, field: &'a [u8]) -> Result<()> {
        let newline = sys::memchr(field, b'\n');
        let equals = sys::memchr(field, b'=').filter(|equals| newline.is_none_or(|newline| *equals < newline));
        let (name, value) = match equals.and_then(|equals| field.split_at_checked(equals)) {
            Some((name @ [_, ..], [_equals, value @ ..])) => (name, value),
            _ => return Err(Errno::INVAL),
        };
        self.has_identifier |= name == b"SYSLOG_IDENTIFIER";
        match newline {
            None => self.pieces(&[field]),
            Some(_) => self.binary(name, &[value])?,
        }
        self.pieces(&[b"\n"]);
        Ok(())
    }

    /// Adds a field of this library's own, its value in parts. `prefix` is its name and the `=`.
    fn named(&mut self, prefix: &'static [u8], value: &[&'a [u8]]) -> Result<()> {
        match prefix {
            [name @ .., _equals] if value.iter().any(|part| sys::memchr(part, b'\n').is_some()) => {
                self.binary(name, value)?;
            }
            _ => {
                self.pieces(&[prefix]);
                self.pieces(value);
            }
        }
        self.pieces(&[b"\n"]);
        Ok(())
    }

    /// The form for values with a newline in them: the length goes before it.
    fn binary(&mut self, name: &'a [u8], value: &[&'a [u8]]) -> Result<()> {
        let length: usize = value.iter().map(|part| part.len()).sum();
        let room = self.lengths.next().ok_or(Errno::INVAL)?;
        self.pieces(&[name, b"\n", room.write((length as u64).to_le_bytes())]);
        self.pieces(value);
        Ok(())
    }

    fn location(&mut self, location: Option<Location<'a>>) -> Result<()> {
        let Some(location) = location else { return Ok(()) };
        self.field(location.file)?;
        self.field(location.line)?;
        if sys::memchr(location.function, b'\n').is_some() {
            return self.named(b"CODE_FUNC=", &[location.function]);
        }
        // With the newline before it, the name is one piece: libsystemd, too, needs two for this field, and an entry can be
        // as long here as there.
        self.used = self.used.saturating_sub(1);
        self.pieces(&[b"\nCODE_FUNC=", location.function, b"\n"]);
        Ok(())
    }

    fn pieces(&mut self, pieces: &[&'a [u8]]) {
        for piece in pieces {
            if let Some(room) = self.room.get_mut(self.used) {
                room.write(IoSlice::new(piece));
            }
            self.used += 1;
        }
    }

    /// Sends the entry, under the name of the program where no field says otherwise. Leaves errno as it was.
    fn send(mut self) -> Result<()> {
        if self.used == 0 {
            return Err(Errno::INVAL);
        }
        if !self.has_identifier {
            // SAFETY: a program that sets its name does so before other threads log.
            let name = unsafe { sys::program_invocation_short_name() };
            if is_identifier(name) {
                self.named(b"SYSLOG_IDENTIFIER=", &[name])?;
            }
        }
        // More pieces than one system call takes.
        let pieces = self.room.get(..self.used).ok_or(Errno::INVAL)?;
        // SAFETY: as many as are used have been written.
        let pieces = unsafe { &*(&raw const *pieces as *const [IoSlice<'a>]) };
        let saved = Errno::save();
        let sent = send_pieces(pieces);
        saved.restore();
        sent
    }
}

/// Whether libsystemd takes the name of a program for an identifier: not with what a shell would not take as it is.
fn is_identifier(name: &[u8]) -> bool {
    let special = |byte: &u8| matches!(byte, b'\0'..=0x1f | 0x7f | b'"' | b'\'' | b'*' | b'?' | b'[' | b'\\');
    !name.is_empty() && !name.iter().any(special)
}

/// Where journald receives entries.
const JOURNAL: Address = Address::path(c"/run/systemd/journal/socket");

/// Where it receives streams of lines.
const STDOUT: Address = Address::path(c"/run/systemd/journal/stdout");

/// The socket all entries leave by, or -1 as long as none has. It is never closed, as other threads may be using it.
static SOCKET: AtomicI32 = AtomicI32::new(-1);

fn socket() -> Result<c_int> {
    let fd = SOCKET.load(Ordering::Acquire);
    if fd >= 0 {
        return Ok(fd);
    }
    let new = sys::socket(libc::AF_UNIX, libc::SOCK_DGRAM)?;
    match SOCKET.compare_exchange(-1, new.raw(), Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(new.into_raw()),
        // Another thread was faster: `new` is closed.
        Err(theirs) => Ok(theirs),
    }
}

fn send_pieces(pieces: &[IoSlice<'_>]) -> Result<()> {
    let fd = socket()?;
    let too_large = |sent: &Result<()>| matches!(sent, Err(Errno::MSGSIZE | Errno::NOBUFS | Errno::AGAIN));
    let mut sent = sys::sendmsg(fd, Some(&JOURNAL), pieces, &Control::new());
    if too_large(&sent) {
        large_message::raise_send_buffer(fd);
        sent = sys::sendmsg(fd, Some(&JOURNAL), pieces, &Control::new());
    }
    if too_large(&sent) {
        let memfd = large_message::sealed_memfd(pieces)?;
        let mut control = Control::new();
        control.push_rights(&[memfd.raw()]);
        sent = sys::sendmsg(fd, Some(&JOURNAL), &[], &control);
    }
    match sent {
        // There is no journal, and so nobody who would want to know.
        Err(Errno::NOENT) => Ok(()),
        sent => sent,
    }
}
