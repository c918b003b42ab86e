//! sd_journal_sendv(3), sd_journal_send(3), sd_journal_perror(3) and sd_journal_stream_fd(3): what arrives at the journal.

use std::ffi::{CStr, CString, c_char, c_int};
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::ptr;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::compare::{Comparison, Difference, Function};
use crate::journal::first_calls;
use crate::journald::{Journal, Place, journals};
use crate::message::{Text, texts};
use crate::observe::Before;
use crate::strategy::mostly;
use crate::sys;

pub const SD_JOURNAL_SENDV: Function =
    Function { name: "sd_journal_sendv", share: 4, needs_namespace: true, compare: sendv };
pub const SD_JOURNAL_SEND: Function =
    Function { name: "sd_journal_send", share: 3, needs_namespace: true, compare: send };
pub const SD_JOURNAL_PERROR: Function =
    Function { name: "sd_journal_perror", share: 2, needs_namespace: true, compare: perror };
pub const SD_JOURNAL_STREAM_FD: Function =
    Function { name: "sd_journal_stream_fd", share: 1, needs_namespace: true, compare: stream_fd };

#[derive(Clone, Debug)]
enum Field {
    Text(Text),
    Named(&'static str, Text),
    Raw(Bytes),
    Null(usize),
}

fn fields() -> impl Strategy<Value = Vec<Field>> {
    const NAMES: &[&str] =
        &["A=", "PRIORITY=", "SYSLOG_IDENTIFIER=", "SYSLOG_IDENTIFIER", "a b=", "\n=", "A\nB=", "=", "", "CODE_FILE="];
    let field = prop_oneof![
        60 => (mostly(30, "MESSAGE=", NAMES), texts(400_000)).prop_map(|(name, text)| Field::Named(name, text)),
        30 => vec(any::<u8>(), 0..40).prop_map(|bytes| Field::Raw(Bytes([b"X=", &bytes[..]].concat()))),
        1 => texts(3000).prop_map(Field::Text),
        1 => vec(any::<u8>(), 0..20).prop_map(|bytes| Field::Raw(Bytes(bytes))),
        1 => (0..3_usize).prop_map(Field::Null),
    ];
    let many = (500..520_usize, select(&["A=b", "A=\n", "A="][..]));
    let many = many.prop_map(|(n, field)| vec![Field::Raw(Bytes(field.into())); n]);
    prop_oneof![40 => vec(field, 0..6), 1 => many]
}

impl Field {
    fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.string().into_bytes()),
            Self::Named(name, text) => Some([name.as_bytes(), text.string().as_bytes()].concat()),
            Self::Raw(bytes) => Some(bytes.0.clone()),
            Self::Null(_) => None,
        }
    }
}

fn before<'a>(comparison: &'a Comparison<'_>, place: &Place, journal: Journal, errno: c_int) -> Before<'a> {
    comparison.descriptors.install([]);
    place.make(journal);
    Before { errno, ..comparison.before() }
}

fn errnos() -> impl Strategy<Value = c_int> {
    mostly(4, libc::ENOENT, &[0, libc::EAGAIN, libc::EINTR, 4711, i32::MAX])
}

fn sendv(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const libc::iovec, c_int) -> c_int;
    let place = Place::new(comparison.libraries);
    let first = libc::iovec { iov_base: c"A=b".as_ptr().cast_mut().cast(), iov_len: 3 };
    // SAFETY: the signature is that of the manual.
    let functions: [Signature; 2] = unsafe { comparison.libraries.functions(comparison.name) };
    // SAFETY: there is one field.
    first_calls(functions.map(|sendv| move || unsafe { sendv(&raw const first, 1) }));
    let cases = (fields(), journals(), errnos(), mostly(30, 0, &[-1, 1, c_int::MIN]));
    let observe = |sendv: Signature, (fields, journal, errno, n): &(Vec<Field>, Journal, c_int, c_int)| {
        let bytes: Vec<_> = fields.iter().map(Field::bytes).collect();
        let iovec = |(field, bytes): (&Field, &Option<Vec<u8>>)| match (field, bytes) {
            (Field::Null(length), _) => libc::iovec { iov_base: ptr::null_mut(), iov_len: *length },
            (_, bytes) => {
                let bytes = bytes.as_deref().unwrap_or_default();
                libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
            }
        };
        let iov: Vec<_> = fields.iter().zip(&bytes).map(iovec).collect();
        // Another number than that of the fields is one that says there are none, or NULL is given.
        let (iov, n) = match *n {
            0 => (iov.as_ptr(), iov.len() as c_int),
            1 => (ptr::null(), 1),
            n => (iov.as_ptr(), n),
        };
        // SAFETY: there are as many fields, or NULL.
        before(comparison, &place, *journal, *errno).observe(|| unsafe { sendv(iov, n) }, |_| place.received())
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases, observe) }
}

fn send(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char, ...) -> c_int;
    /// Each takes a string.
    const STRINGS: &[&CStr] =
        &[c"%s", c"A=%s\n", c"%s=x", c"A=%.3s", c"SYSLOG_IDENTIFIER=%s", c"A=%3000s|", c"A=%s%%", c"A=\n%s ", c"=%s"];
    /// Each takes an int and a double.
    const NUMBERS: &[&CStr] = &[c"B=%5d|%g", c"B=%c%lf", c"%d=%a", c"B=%-5x|%e ", c"B=%hhd%%%G\n", c"%d %f"];
    let place = Place::new(comparison.libraries);
    // SAFETY: the signature is that of the manual.
    let functions: [Signature; 2] = unsafe { comparison.libraries.functions(comparison.name) };
    let none = ptr::null::<c_char>();
    // SAFETY: there is one field, and the end.
    first_calls(functions.map(|send| move || unsafe { send(c"A=b".as_ptr(), none) }));
    let formats = (mostly(1, c"MESSAGE=%s", STRINGS), mostly(1, c"PRIORITY=%d %f", NUMBERS), 0..3_u32);
    let cases = (formats, texts(400_000), -300..300_i32, journals(), errnos());
    type Case<'a> = ((&'a CStr, &'a CStr, u32), Text, c_int, Journal, c_int);
    let observe = |send: Signature, case: &Case<'_>| {
        let ((string, numbers, order), text, number, journal, errno) = case;
        let text: CString = text.string();
        let (string, numbers, text, real) = (string.as_ptr(), numbers.as_ptr(), text.as_ptr(), f64::from(*number));
        // SAFETY: each format has what it takes behind it, and the end is NULL.
        let call = || unsafe {
            match order {
                0 => send(string, text, none),
                1 => send(string, text, numbers, *number, real, c"C=c".as_ptr(), none),
                _ => send(numbers, *number, real, string, text, string, text, none),
            }
        };
        before(comparison, &place, *journal, *errno).observe(call, |_| place.received())
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases, observe) }
}

fn perror(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char) -> c_int;
    let place = Place::new(comparison.libraries);
    // SAFETY: the signature is that of the manual.
    let functions: [Signature; 2] = unsafe { comparison.libraries.functions(comparison.name) };
    // SAFETY: NULL stands for no message.
    first_calls(functions.map(|perror| move || unsafe { perror(ptr::null()) }));
    let message = proptest::option::weighted(0.9, texts(250_000));
    let cases = (message, 0..200_i32, journals());
    let observe = |perror: Signature, (message, errno, journal): &(Option<Text>, c_int, Journal)| {
        let before = before(comparison, &place, *journal, *errno);
        let message = comparison.place(message.as_ref().map(|message| message.string().into_bytes()));
        // SAFETY: the message is NULL or a string.
        before.observe(|| unsafe { perror(message) }, |_| place.received())
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases, observe) }
}

fn stream_fd(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char, c_int, c_int) -> c_int;
    let place = Place::new(comparison.libraries);
    let listener = UnixListener::bind("/run/Listens/stdout").expect("a socket");
    listener.set_nonblocking(true).expect("a socket that does not block");
    let identifier = proptest::option::weighted(0.9, texts(60_000));
    let cases = (identifier, prop_oneof![9 => 0..8_i32, 1 => any::<i32>()], mostly(1, 0, &[1, -1]), journals());
    type Case = (Option<Text>, c_int, c_int, Journal);
    let observe = |stream: Signature, (identifier, priority, prefix, journal): &Case| {
        let before = before(comparison, &place, *journal, 0);
        let identifier = comparison.place(identifier.as_ref().map(|identifier| identifier.string().into_bytes()));
        // SAFETY: the identifier is NULL or a string.
        before.observe(
            || unsafe { stream(identifier, *priority, *prefix) },
            |fd| {
                let flags = sys::status_flags(fd).ok();
                if fd >= 0 {
                    sys::close(fd);
                }
                let received = listener.accept().ok().map(|(mut connection, _)| {
                    let mut received = Vec::new();
                    connection.read_to_end(&mut received).expect("what was sent");
                    Bytes(received)
                });
                (flags, received)
            },
        )
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run(&cases, observe) }
}
