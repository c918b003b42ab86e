//! Journal entries: a decoder of the native journal protocol gives back the fields, through a datagram as through a memfd;
//! and an entry is refused exactly where the rule says so.
//!
//! The input: a byte of conditions, a number, and fields separated by zeroes.
#![no_main]

mod input;
mod kernel;

use std::ffi::CStr;
use std::io;

use kernel::Kernel;
use libfuzzer_sys::fuzz_target;
use sdlite_core::Errno;
use sdlite_core::journal::{self, Location};

const CALL: u8 = 3;
const WITH_LOCATION: u8 = 4;
const TOO_LARGE: u8 = 8;
const NO_BUFFERS: u8 = 16;
const REFUSED: u8 = 32;
const MANY: u8 = 64;

type Field = (Vec<u8>, Vec<u8>);

fuzz_target!(|data: &[u8]| {
    let [conditions, number, rest @ ..] = data else { return };
    let condition = |bit: u8| conditions & bit != 0;
    let mut fields: Vec<&[u8]> = rest.split(|byte| *byte == 0).collect();
    let location = condition(WITH_LOCATION).then(|| {
        let mut take = || if fields.len() > 1 { fields.remove(0) } else { b"" };
        Location { file: take(), line: take(), function: take() }
    });
    if condition(MANY) {
        // Some more than fit.
        fields = fields.iter().copied().cycle().take(fields.len() * usize::from(*number) * 4).collect();
    }
    let mut errors = Vec::new();
    if condition(REFUSED) {
        errors.push(libc::ECONNREFUSED);
    }
    if condition(TOO_LARGE) {
        errors.extend([libc::EMSGSIZE; 2]);
    }
    if condition(NO_BUFFERS) {
        errors.extend([libc::ENOBUFS; 2]);
    }
    let through_file = condition(TOO_LARGE) || condition(NO_BUFFERS);
    // The last comes first. What the memfd's message fails with comes back.
    let result = match (condition(TOO_LARGE) && condition(NO_BUFFERS), condition(REFUSED)) {
        (true, _) => Err(libc::EMSGSIZE),
        (false, true) => Err(libc::ECONNREFUSED),
        (false, false) => Ok(()),
    };
    let kernel = Kernel { errors, ..Kernel::default() };

    let message = fields.first().copied().unwrap_or_default();
    let priority = i32::from(*number as i8);
    set_errno(i32::from(*number));
    let (expected, (sent, kernel)) = match conditions & CALL {
        0 => (
            as_given(&fields, location).filter(|_| !fields.is_empty()),
            kernel::run(kernel, || journal::sendv(fields.iter().map(|field| Some(*field)), location)),
        ),
        1 => (trimmed(&fields, location), kernel::run(kernel, || journal::send(fields.iter().copied(), location))),
        2 => (print(priority, message, location), kernel::run(kernel, || journal::print(priority, message, location))),
        _ => (perror(*number, message, location), kernel::run(kernel, || journal::perror(message, location))),
    };
    assert_eq!(io::Error::last_os_error().raw_os_error(), Some(i32::from(*number)), "errno");

    let expected = expected.and_then(|entry| entry.finish());
    match expected {
        None => assert_eq!((sent.map_err(Errno::number), kernel.messages.len()), (Err(libc::EINVAL), 0)),
        // An empty message.
        Some(expected) if expected.is_empty() => assert_eq!((sent, kernel.messages.len()), (Ok(()), 0)),
        Some(expected) => {
            assert_eq!(sent.map_err(Errno::number), result);
            assert_eq!(kernel.messages.len(), if through_file { 3 } else { 1 });
            for message in &kernel.messages {
                assert_eq!(message.address[2..], *b"/run/systemd/journal/socket\0");
                assert_eq!(decoded(&message.bytes), expected);
            }
            assert_eq!(kernel.messages.last().is_some_and(|last| !last.control.is_empty()), through_file);
        }
    }
});

/// What an entry has to be.
#[derive(Default)]
struct Entry {
    fields: Vec<Field>,
    /// So many pieces libsystemd has for it, of which a system call takes 1024: two for a field, five where a length is
    /// in it, and one for each part of a value that the library puts together.
    pieces: usize,
}

impl Entry {
    /// None where it is no field.
    fn push(&mut self, field: &[u8]) -> Option<()> {
        let equals = field.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&field[..equals], &field[equals + 1..]);
        if name.is_empty() || name.contains(&b'\n') {
            return None;
        }
        self.pieces += if value.contains(&b'\n') { 5 } else { 2 };
        self.fields.push((name.to_vec(), value.to_vec()));
        Some(())
    }

    fn push_parts(&mut self, name: &str, parts: &[&[u8]]) {
        let value = parts.concat();
        self.pieces += parts.len() + if value.contains(&b'\n') { 4 } else { 2 };
        self.fields.push((name.into(), value));
    }

    fn location(&mut self, location: Option<Location<'_>>) -> Option<()> {
        let Some(location) = location else { return Some(()) };
        self.push(location.file)?;
        self.push(location.line)?;
        let function = [b"CODE_FUNC=", location.function].concat();
        self.push(&function)
    }

    /// None where there are too many pieces.
    fn finish(mut self) -> Option<Vec<Field>> {
        if !self.fields.is_empty() && !self.fields.iter().any(|(name, _)| name == b"SYSLOG_IDENTIFIER") {
            self.push_parts("SYSLOG_IDENTIFIER", &[b"journal"]);
        }
        (self.pieces <= 1024).then_some(self.fields)
    }
}

fn as_given(fields: &[&[u8]], location: Option<Location<'_>>) -> Option<Entry> {
    let mut entry = Entry::default();
    for field in fields {
        entry.push(field)?;
    }
    entry.location(location)?;
    Some(entry)
}

fn trimmed(fields: &[&[u8]], location: Option<Location<'_>>) -> Option<Entry> {
    let mut entry = Entry::default();
    entry.location(location)?;
    for field in fields {
        entry.push(trim(field))?;
    }
    (!entry.fields.is_empty()).then_some(entry)
}

fn print(priority: i32, message: &[u8], location: Option<Location<'_>>) -> Option<Entry> {
    let mut entry = Entry::default();
    if !(0..=7).contains(&priority) {
        return None;
    }
    let message = trim(message);
    if !message.is_empty() {
        entry.push_parts("MESSAGE", &[message]);
        entry.push_parts("PRIORITY", &[priority.to_string().as_bytes()]);
        entry.location(location)?;
    }
    Some(entry)
}

fn perror(number: u8, message: &[u8], location: Option<Location<'_>>) -> Option<Entry> {
    let mut entry = Entry::default();
    entry.location(location)?;
    entry.push(b"PRIORITY=3")?;
    // SAFETY: one thread; a C string, until it is called again.
    let reason = unsafe { CStr::from_ptr(libc::strerror(number.into())) }.to_bytes();
    let separator: &[u8] = if message.is_empty() { b"" } else { b": " };
    entry.push_parts("MESSAGE", &[message, separator, reason]);
    entry.push(format!("ERRNO={number}").as_bytes())?;
    Some(entry)
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [before @ .., b' ' | b'\t' | b'\n' | b'\r'] = text {
        text = before;
    }
    text
}

/// The native journal protocol, as a receiver reads it.
fn decoded(mut bytes: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| *byte == b'\n').expect("a line has an end");
        let line = &bytes[..end];
        bytes = &bytes[end + 1..];
        match line.iter().position(|byte| *byte == b'=') {
            Some(equals) => fields.push((line[..equals].to_vec(), line[equals + 1..].to_vec())),
            None => {
                let (length, rest) = bytes.split_first_chunk::<8>().expect("a length");
                let (value, rest) = rest.split_at(u64::from_le_bytes(*length) as usize);
                let [b'\n', rest @ ..] = rest else { panic!("a newline behind the value") };
                fields.push((line.to_vec(), value.to_vec()));
                bytes = rest;
            }
        }
    }
    fields
}

fn set_errno(number: i32) {
    // SAFETY: errno is this thread's.
    unsafe { *libc::__errno_location() = number };
}
