//! sd_journal_print(3) and its siblings: entries for the journal, each one datagram in its native protocol.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicI32, Ordering};

use crate::sys::{self, IoSlice, UnixAddress};
use crate::{Errno, Result};

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

/// sd_journal_print(3): sends the field `MESSAGE=…`, its trailing white space cut, then `PRIORITY=…` and the location.
pub fn print(priority: c_int, message: &[u8], location: Option<Location<'_>>) -> Result<()> {
    const PREFIX: &[u8] = b"MESSAGE=";
    let priority = match priority {
        libc::LOG_EMERG..=libc::LOG_DEBUG => [b'0' + priority as u8],
        _ => return Err(Errno::INVAL),
    };
    let message = trim_end(message);
    if message.len() <= PREFIX.len() {
        return Ok(());
    }
    let mut room = [MaybeUninit::uninit(); 32];
    let mut lengths = [[0; 8]; 5];
    let mut entry = Entry::new(&mut room, &mut lengths);
    entry.field(b"", message)?;
    entry.field(b"PRIORITY=", &priority)?;
    if let Some(location) = location {
        entry.field(b"", location.file)?;
        entry.field(b"", location.line)?;
        entry.field(b"CODE_FUNC=", location.function)?;
    }
    entry.send()
}

fn trim_end(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let end = text.iter().rposition(|byte| !blank(byte)).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

/// An entry on its way: the pieces of its datagram, in room that the caller has on the stack.
struct Entry<'a> {
    room: &'a mut [MaybeUninit<IoSlice<'a>>],
    used: usize,
    lengths: core::slice::IterMut<'a, [u8; 8]>,
    has_identifier: bool,
}

impl<'a> Entry<'a> {
    fn new(room: &'a mut [MaybeUninit<IoSlice<'a>>], lengths: &'a mut [[u8; 8]]) -> Self {
        Self { room, used: 0, lengths: lengths.iter_mut(), has_identifier: false }
    }

    /// Adds a field `NAME=value`, which may come in two parts: `prefix` is empty or ends with the `=`.
    fn field(&mut self, prefix: &'a [u8], field: &'a [u8]) -> Result<()> {
        let newline = sys::memchr(field, b'\n');
        let (name, value) = match prefix {
            [name @ .., _equals] => (name, field),
            [] => {
                let equals = sys::memchr(field, b'=').filter(|equals| newline.is_none_or(|newline| *equals < newline));
                match equals.and_then(|equals| field.split_at_checked(equals)) {
                    Some((name @ [_, ..], [_equals, value @ ..])) => (name, value),
                    _ => return Err(Errno::INVAL),
                }
            }
        };
        self.has_identifier |= name == b"SYSLOG_IDENTIFIER";
        if newline.is_none() {
            self.pieces(&[prefix, field]);
        } else {
            // A value with a newline in it goes behind its length.
            let length = self.lengths.next().ok_or(Errno::INVAL)?;
            *length = (value.len() as u64).to_le_bytes();
            self.pieces(&[name, b"\n", length, value]);
        }
        self.pieces(&[b"\n"]);
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

    /// Sends the entry, under the name of the program where no field says otherwise.
    fn send(mut self) -> Result<()> {
        if !self.has_identifier {
            let name = sys::program_invocation_short_name();
            if is_plain(name) {
                self.field(b"SYSLOG_IDENTIFIER=", name)?;
            }
        }
        // More pieces than one system call takes.
        let pieces = self.room.get(..self.used).ok_or(Errno::INVAL)?;
        // SAFETY: as many as are used have been written.
        let pieces = unsafe { &*(&raw const *pieces as *const [IoSlice<'a>]) };
        send(pieces)
    }
}

/// Whether libsystemd takes the name of a program for an identifier: text, and nothing in it that a shell or a terminal
/// would not take as it is.
fn is_plain(name: &[u8]) -> bool {
    let Ok(name) = core::str::from_utf8(name) else { return false };
    let special = |c: char| c.is_ascii_control() || matches!(c, '"' | '\'' | '*' | '?' | '[' | '\\') || is_noncharacter(c);
    !name.is_empty() && !name.chars().any(special)
}

/// Unicode's code points that are no characters and never will be.
fn is_noncharacter(c: char) -> bool {
    matches!(u32::from(c), 0xfdd0..=0xfdef) || u32::from(c) & 0xfffe == 0xfffe
}

/// Where journald receives entries.
const JOURNAL: UnixAddress = UnixAddress::of_path(c"/run/systemd/journal/socket");

/// The socket all entries leave by, or -1 as long as none has. It is never closed, as other threads may be using it.
static SOCKET: AtomicI32 = AtomicI32::new(-1);

fn socket() -> Result<c_int> {
    let fd = SOCKET.load(Ordering::Acquire);
    if fd >= 0 {
        return Ok(fd);
    }
    let new = sys::unix_datagram_socket()?;
    match SOCKET.compare_exchange(-1, new.raw(), Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(new.into_raw()),
        // Another thread was faster: `new` is closed.
        Err(theirs) => Ok(theirs),
    }
}

fn send(pieces: &[IoSlice<'_>]) -> Result<()> {
    let fd = socket()?;
    let too_large = |sent: &Result<()>| matches!(sent, Err(Errno::MSGSIZE | Errno::NOBUFS | Errno::AGAIN));
    let mut sent = sys::sendmsg(fd, &JOURNAL, pieces, None);
    if too_large(&sent) {
        sys::raise_send_buffer(fd);
        sent = sys::sendmsg(fd, &JOURNAL, pieces, None);
    }
    if too_large(&sent) {
        let memfd = sys::sealed_memfd(c"journal-data", pieces)?;
        sent = sys::sendmsg(fd, &JOURNAL, &[], Some(memfd.raw()));
    }
    match sent {
        // There is no journal, and so nobody who would want to know.
        Err(Errno::NOENT) => Ok(()),
        sent => sent,
    }
}
