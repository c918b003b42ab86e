//! sd_journal_stream_fd(3), of a namespace or not: what arrives at the journal, and how the stream was opened.

use std::ffi::{c_char, c_int};
use std::io::Read;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::{Bytes, Guarded};
use crate::compare::{Comparison, Difference, Function};
use crate::journald::{Journal, Place, journals};
use crate::message::{Text, texts};
use crate::strategy::mostly;
use crate::sys;

pub const SD_JOURNAL_STREAM_FD: Function =
    Function { name: "sd_journal_stream_fd", share: 10, needs_namespace: true, compare: stream_fd };
pub const SD_JOURNAL_STREAM_FD_WITH_NAMESPACE: Function = Function {
    name: "sd_journal_stream_fd_with_namespace",
    share: 20,
    needs_namespace: true,
    compare: stream_fd_with_namespace,
};

#[derive(Debug)]
struct Case {
    namespace: Namespace,
    /// None is NULL.
    identifier: Option<Text>,
    priority: c_int,
    level_prefix: c_int,
    journal: Journal,
}

#[derive(Clone, Debug)]
enum Namespace {
    Null,
    /// `n` so many times.
    Long(usize),
    Named(&'static str),
    Raw(Bytes),
}

/// What belongs to a stream.
#[derive(Debug, PartialEq)]
struct Stream {
    /// None where the call has failed.
    status_flags: Option<c_int>,
    send_buffer: Option<c_int>,
    /// What reading from it gives, which is the end where that direction was shut.
    read: Option<Result<usize, Option<c_int>>>,
    /// What the journal has received until then.
    received: Option<Bytes>,
    credentials: Option<[u32; 3]>,
}

impl Namespace {
    fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Null => None,
            Self::Long(length) => Some(vec![b'n'; *length]),
            Self::Named(name) => Some(name.as_bytes().to_vec()),
            Self::Raw(bytes) => Some(bytes.0.clone()),
        }
    }
}

/// Namespaces whose journal there is.
const NAMESPACES: &[&str] = &["ns", "a:b-c_d.e@f", "0", ".hidden", "-", "..."];
const LENGTHS: &[usize] = &[1, 77, 78, 79, 80, 81, 100, 107, 221, 222];

fn namespaces() -> impl Strategy<Value = Namespace> {
    const OTHERS: &[&str] = &[
        "absent", "", ".", "..", "a/b", "/", "a b", "*", "a*", "größe", "a\n", "~", "%", "+", "a=b", "\\", "[", ",",
        "\x7f",
    ];
    prop_oneof![
        1 => Just(Namespace::Null),
        4 => select(NAMESPACES).prop_map(Namespace::Named),
        2 => select(OTHERS).prop_map(Namespace::Named),
        3 => select(LENGTHS).prop_map(Namespace::Long),
        1 => (0..300_usize).prop_map(Namespace::Long),
        1 => vec(1..=255_u8, 1..3).prop_map(|bytes| Namespace::Raw(Bytes(bytes))),
    ]
}

fn cases(namespaces: impl Strategy<Value = Namespace>) -> impl Strategy<Value = Case> {
    let identifier = option::weighted(0.9, texts(60_000));
    let priority = prop_oneof![9 => 0..8_i32, 1 => any::<i32>()];
    (namespaces, identifier, priority, mostly(1, 0, &[1, -1]), journals()).prop_map(
        |(namespace, identifier, priority, level_prefix, journal)| Case {
            namespace,
            identifier,
            priority,
            level_prefix,
            journal,
        },
    )
}

/// # Safety
///
/// `F` is a pointer to a function of C that `call` calls with what it takes.
unsafe fn compare<F: Copy>(
    comparison: &Comparison<'_>,
    namespaces: impl Strategy<Value = Namespace>,
    call: impl Fn(F, *const c_char, *const c_char, &Case) -> c_int,
) -> Result<(), Difference> {
    let place = Place::new();
    let listener = UnixListener::bind("/run/Listens/stdout").expect("a socket");
    listener.set_nonblocking(true).expect("a socket that does not block");
    let long = LENGTHS.iter().map(|length| "n".repeat(*length));
    for name in NAMESPACES.iter().map(ToString::to_string).chain(long) {
        symlink("/run/Listens", format!("/run/systemd/journal.{name}")).expect("a symlink");
    }
    let name_memory = Guarded::new();
    let observe = |function: F, case: &Case| {
        comparison.descriptors.install([]);
        place.make(case.journal);
        let string = |text: &Option<Text>| text.as_ref().map(|text| text.string().into_bytes());
        let identifier = comparison.place(string(&case.identifier));
        let namespace = case.namespace.bytes().map_or(std::ptr::null(), |name| name_memory.place_string(&name));
        comparison.before().observe(|| call(function, namespace, identifier, case), |fd| stream(fd, &listener))
    };
    // SAFETY: as the caller promises.
    unsafe { comparison.run(&cases(namespaces), observe) }
}

/// Looks at what a call has returned, and closes it.
fn stream(fd: RawFd, listener: &UnixListener) -> Stream {
    let status_flags = sys::status_flags(fd).ok();
    let send_buffer = sys::socket_option(fd, libc::SO_SNDBUF).ok();
    let read = status_flags.map(|_| sys::read_at_once(fd).map_err(|error| error.raw_os_error()));
    if status_flags.is_some() {
        sys::close(fd);
    }
    let connection = listener.accept().ok().map(|(connection, _)| connection);
    let credentials = connection.as_ref().map(|connection| sys::peer_credentials(connection.as_raw_fd()));
    let received = connection.map(|mut connection| {
        let mut received = Vec::new();
        connection.read_to_end(&mut received).expect("what was sent");
        Bytes(received)
    });
    Stream { status_flags, send_buffer, read, received, credentials }
}

fn stream_fd(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char, c_int, c_int) -> c_int;
    let call = |stream: Signature, _, identifier, case: &Case| {
        // SAFETY: the identifier is NULL or a string.
        unsafe { stream(identifier, case.priority, case.level_prefix) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare(comparison, Just(Namespace::Null), call) }
}

fn stream_fd_with_namespace(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char, *const c_char, c_int, c_int) -> c_int;
    let call = |stream: Signature, namespace, identifier, case: &Case| {
        // SAFETY: each is NULL or a string.
        unsafe { stream(namespace, identifier, case.priority, case.level_prefix) }
    };
    // SAFETY: the signature is that of the manual.
    unsafe { compare(comparison, namespaces(), call) }
}
