//! sd_journal_sendv(3), sd_journal_send(3) and sd_journal_perror(3), each with and without a location: what arrives at the
//! journal's socket.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::compare::{Comparison, Difference, Function};
use crate::entry::{self, Pointers, errnos};
use crate::message::{Text, texts};
use crate::mixed::{Mixed, Values, all, mixed, with_values};
use crate::strategy::mostly;

const fn function(name: &'static str, share: u64, compare: fn(&Comparison<'_>) -> Result<(), Difference>) -> Function {
    Function { name, share, needs_namespace: true, compare }
}

pub const SD_JOURNAL_SENDV: Function = function("sd_journal_sendv", 40, sendv);
pub const SD_JOURNAL_SENDV_WITH_LOCATION: Function =
    function("sd_journal_sendv_with_location", 30, sendv_with_location);
pub const SD_JOURNAL_SEND: Function = function("sd_journal_send", 30, send);
pub const SD_JOURNAL_SEND_WITH_LOCATION: Function = function("sd_journal_send_with_location", 30, send_with_location);
pub const SD_JOURNAL_PERROR: Function = function("sd_journal_perror", 20, perror);
pub const SD_JOURNAL_PERROR_WITH_LOCATION: Function =
    function("sd_journal_perror_with_location", 20, perror_with_location);

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
    // About as many as an entry has room for.
    let many = prop_oneof![(500..520_usize, select(&["A=b", "A="][..])), (195..210_usize, Just("A=\n"))];
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

/// What a call takes, with the bytes that the fields point to.
struct Fields {
    _bytes: Vec<Option<Vec<u8>>>,
    iov: Vec<libc::iovec>,
    /// Another number than that of the fields is one that says there are none, or NULL is given.
    n: Option<c_int>,
}

impl Fields {
    fn new((fields, n): &(Vec<Field>, Option<c_int>)) -> Self {
        let bytes: Vec<_> = fields.iter().map(Field::bytes).collect();
        let iovec = |(field, bytes): (&Field, &Option<Vec<u8>>)| match (field, bytes) {
            (Field::Null(length), _) => libc::iovec { iov_base: ptr::null_mut(), iov_len: *length },
            (_, bytes) => {
                let bytes = bytes.as_deref().unwrap_or_default();
                libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
            }
        };
        let iov = fields.iter().zip(&bytes).map(iovec).collect();
        Self { _bytes: bytes, iov, n: *n }
    }

    fn arguments(&self) -> (*const libc::iovec, c_int) {
        match self.n {
            None => (self.iov.as_ptr(), self.iov.len() as c_int),
            Some(1) => (ptr::null(), 1),
            Some(n) => (self.iov.as_ptr(), n),
        }
    }
}

/// # Safety
///
/// `F` is a pointer to a function of C that `call` calls with what it takes.
unsafe fn compare_sendv<F: Copy>(
    comparison: &Comparison<'_>,
    with_location: bool,
    call: impl Fn(F, Pointers, &Fields) -> c_int,
) -> Result<(), Difference> {
    let cases = ((fields(), mostly(30, None, &[Some(-1), Some(1), Some(c_int::MIN)])), errnos());
    // SAFETY: as the caller promises.
    unsafe { entry::compare(comparison, cases, with_location, Fields::new, call) }
}

fn sendv(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const libc::iovec, c_int) -> c_int;
    let call = |sendv: Signature, _: Pointers, fields: &Fields| {
        let (iov, n) = fields.arguments();
        // SAFETY: there are as many fields, or NULL.
        unsafe { sendv(iov, n) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_sendv(comparison, false, call) }
}

fn sendv_with_location(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature =
        unsafe extern "C" fn(*const c_char, *const c_char, *const c_char, *const libc::iovec, c_int) -> c_int;
    let call = |sendv: Signature, [file, line, func]: Pointers, fields: &Fields| {
        let (iov, n) = fields.arguments();
        // SAFETY: there are as many fields, or NULL.
        unsafe { sendv(file, line, func, iov, n) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_sendv(comparison, true, call) }
}

/// Formats, each for one field, and what they take.
#[derive(Debug)]
struct Formats {
    /// Takes the text.
    string: &'static CStr,
    text: Text,
    /// Takes the number as an int and as a double.
    numbers: &'static CStr,
    number: c_int,
    mixed: Mixed,
    order: u32,
}

/// The same in a call.
struct Arguments {
    string: *const c_char,
    text: CString,
    numbers: *const c_char,
    number: c_int,
    mixed: Values,
    order: u32,
}

fn formats() -> impl Strategy<Value = Formats> {
    const STRINGS: &[&CStr] =
        &[c"%s", c"A=%s\n", c"%s=x", c"A=%.3s", c"SYSLOG_IDENTIFIER=%s", c"A=%3000s|", c"A=%s%%", c"A=\n%s ", c"=%s"];
    const NUMBERS: &[&CStr] = &[c"B=%5d|%g", c"B=%c%lf", c"%d=%a", c"B=%-5x|%e ", c"B=%hhd%%%G\n", c"%d %f"];
    let (strings, numbers) = (mostly(1, c"MESSAGE=%s", STRINGS), mostly(1, c"PRIORITY=%d %f", NUMBERS));
    (strings, texts(400_000), numbers, -300..300_i32, mixed("MIXED=", all()), 0..5_u32).prop_map(
        |(string, text, numbers, number, mixed, order)| Formats { string, text, numbers, number, mixed, order },
    )
}

/// Calls sd_journal_send(3) with arguments before the fields, whose end is NULL.
macro_rules! send {
    ($send:expr, $($before:expr),*; $arguments:expr) => {{
        let Arguments { string, text, numbers, number, mixed, order } = $arguments;
        let (text, real, none) = (text.as_ptr(), f64::from(*number), ptr::null::<c_char>());
        match order {
            0 => $send($($before,)* *string, text, none),
            1 => $send($($before,)* *string, text, *numbers, *number, real, c"C=c".as_ptr(), none),
            2 => $send($($before,)* *numbers, *number, real, *string, text, *string, text, none),
            3 => with_values!($send, $($before),*; mixed; *numbers, *number, real, *string, text, none),
            _ => with_values!($send, $($before,)* *numbers, *number, real; mixed; *string, text, none),
        }
    }};
}

/// # Safety
///
/// `F` is a pointer to a function of C that `call` calls with what it takes.
unsafe fn compare_send<F: Copy>(
    comparison: &Comparison<'_>,
    with_location: bool,
    call: impl Fn(F, Pointers, &Arguments) -> c_int,
) -> Result<(), Difference> {
    let prepare = |formats: &Formats| Arguments {
        string: formats.string.as_ptr(),
        text: formats.text.string(),
        numbers: formats.numbers.as_ptr(),
        number: formats.number,
        mixed: formats.mixed.values(),
        order: formats.order,
    };
    // SAFETY: as the caller promises.
    unsafe { entry::compare(comparison, (formats(), errnos()), with_location, prepare, call) }
}

fn send(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char, ...) -> c_int;
    let call = |send: Signature, _: Pointers, arguments: &Arguments| {
        // SAFETY: each format has what it takes behind it.
        unsafe { send!(send, ; arguments) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_send(comparison, false, call) }
}

fn send_with_location(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char, *const c_char, *const c_char, *const c_char, ...) -> c_int;
    let call = |send: Signature, [file, line, func]: Pointers, arguments: &Arguments| {
        // SAFETY: each format has what it takes behind it.
        unsafe { send!(send, file, line, func; arguments) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_send(comparison, true, call) }
}

/// # Safety
///
/// `F` is a pointer to a function of C that `call` calls with what it takes.
unsafe fn compare_perror<F: Copy>(
    comparison: &Comparison<'_>,
    with_location: bool,
    call: impl Fn(F, Pointers, *const c_char) -> c_int,
) -> Result<(), Difference> {
    let cases = (proptest::option::weighted(0.9, texts(250_000)), -5..200_i32);
    let prepare = |message: &Option<Text>| comparison.place(message.as_ref().map(|text| text.string().into_bytes()));
    // SAFETY: as the caller promises.
    unsafe { entry::compare(comparison, cases, with_location, prepare, |f, location, text| call(f, location, *text)) }
}

fn perror(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char) -> c_int;
    // SAFETY: the signature is that of the manual, and the message is NULL or a string.
    unsafe { compare_perror(comparison, false, |perror: Signature, _, message| perror(message)) }
}

fn perror_with_location(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char, *const c_char, *const c_char, *const c_char) -> c_int;
    let call = |perror: Signature, [file, line, func]: Pointers, message| {
        // SAFETY: the message is NULL or a string.
        unsafe { perror(file, line, func, message) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare_perror(comparison, true, call) }
}
