//! Entries for the journal, whichever function makes them: what is around the call, and what arrives at the socket.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt::Debug;
use std::os::fd::RawFd;
use std::ptr;

use proptest::prelude::*;

use crate::compare::{Comparison, Difference};
use crate::datagram::Received;
use crate::descriptors::{FIRST, OWN};
use crate::journald::{Journal, Place, journals};
use crate::known::Known;
use crate::location::{Location, locations};
use crate::observe::{Before, Observation};
use crate::report::side_by_side;
use crate::strategy::mostly;
use crate::sys;

type Entries = Observation<Vec<Received>>;

/// What a function is asked to write, and what else its answer may depend on.
#[derive(Debug)]
struct Case<W> {
    what: W,
    /// None where the function takes none.
    location: Option<Location>,
    journal: Journal,
    errno: c_int,
    program: &'static CStr,
}

/// Names of programs that make an identifier, and such that do not.
const PROGRAMS: &[&CStr] = &[
    c"a\nb",
    c"\x01",
    c"x\x7f",
    c"gr\xc3\xb6\xc3\x9fe",
    c"\xf0\x9f\xa6\x80",
    c"with space",
    c" x ",
    c"\t",
    c"a=b",
    c"a\\b",
    c"\"quoted\"",
    c"it's",
    c"$x",
    c"`x`",
    c"a;b",
    c"#",
    c"~",
    c"a]b",
    c"{a}",
    c"<a>",
    c"a|b&c",
    c"!",
    c"%s",
    c":",
];

/// Those that newer releases do not take any more, but for what is not UTF-8.
const PROGRAMS_ONCE_TAKEN: &[&CStr] = &[c"", c"x*", c"x?", c"[x", c"\xc2\x80", c"\xc2\x85", c"\xe2\x80\xa8"];

/// Not UTF-8, or with noncharacters.
const PROGRAMS_NOT_TEXT: &[&CStr] = &[c"\xff", c"a\xc3", c"\xed\xa0\x80", c"x\xef\xbf\xbf", c"\xef\xb7\x90"];

fn programs() -> impl Strategy<Value = &'static CStr> {
    let some = |programs| prop::sample::select(programs);
    prop_oneof![
        200 => Just(c"program"),
        30 => some(PROGRAMS),
        10 => some(PROGRAMS_ONCE_TAKEN),
        1 => some(PROGRAMS_NOT_TEXT),
    ]
}

/// What libsystemd's entries may differ by, alone or together, the fewest first.
const KNOWN: &[&[Known]] = &[
    &[Known::MemfdName],
    &[Known::MemfdSeal],
    &[Known::Program],
    &[Known::ProgramNotText],
    &[Known::MemfdName, Known::MemfdSeal],
    &[Known::Program, Known::MemfdName],
    &[Known::Program, Known::MemfdSeal],
    &[Known::ProgramNotText, Known::MemfdSeal],
    &[Known::Program, Known::MemfdName, Known::MemfdSeal],
];

/// By which differences alone libsystemd's entries are not ours.
fn known<W>(case: &Case<W>, theirs: &Entries, ours: &Entries) -> &'static [Known] {
    let identifier = [b"SYSLOG_IDENTIFIER=", case.program.to_bytes(), b"\n"].concat();
    let forget = |known: &Known, received: &mut Received| match known {
        Known::MemfdName => received.passed.iter_mut().for_each(|file| file.name.clear()),
        Known::MemfdSeal => received.passed.iter_mut().for_each(|file| {
            file.mode &= !0o111;
            file.seals = file.seals.map(|seals| seals & !libc::F_SEAL_EXEC);
        }),
        _ => {
            for bytes in received.passed.iter_mut().map(|file| &mut file.content).chain([&mut received.bytes]) {
                if let Some(rest) = bytes.0.strip_suffix(&*identifier) {
                    bytes.0.truncate(rest.len());
                }
            }
        }
    };
    let without = |known: &[Known], entries: &Entries| {
        let mut received = entries.output.clone();
        received.iter_mut().for_each(|received| known.iter().for_each(|known| forget(known, received)));
        received
    };
    // The longest entries have no room for the identifier.
    let too_many = |entries: &Entries| entries.result == -libc::EINVAL && entries.output.is_empty();
    let by = |known: &&&[Known]| {
        let of_program = known.iter().any(|known| matches!(known, Known::Program | Known::ProgramNotText));
        (theirs.agrees(ours) && without(known, theirs) == without(known, ours))
            || (of_program
                && too_many(theirs) != too_many(ours)
                && theirs.leaves_as(ours)
                && theirs.errno == ours.errno)
    };
    let may = |known: &Known| match known {
        Known::Program => PROGRAMS_ONCE_TAKEN.contains(&case.program),
        Known::ProgramNotText => PROGRAMS_NOT_TEXT.contains(&case.program),
        _ => true,
    };
    KNOWN.iter().filter(|known| known.iter().all(may)).find(by).copied().unwrap_or_default()
}

/// What errno is before a call, of functions that leave it alone.
pub fn errnos() -> impl Strategy<Value = c_int> {
    mostly(4, libc::ENOENT, &[0, libc::EAGAIN, libc::EINTR, -1, 4711, i32::MAX])
}

/// The program under another name, until dropped.
struct Program {
    _name: CString,
    previous: *const c_char,
}

impl Program {
    fn new(name: &CStr) -> Self {
        let name = name.to_owned();
        let previous = sys::replace_program_name(name.as_ptr());
        Self { _name: name, previous }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        sys::replace_program_name(self.previous);
    }
}

/// Has both libraries open the socket that they keep from their first entry on; both have to be of the same kind.
fn open_sockets(comparison: &Comparison<'_>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*const c_char) -> c_int;
    // SAFETY: the signature is that of the manual.
    let functions: [Signature; 2] = unsafe { comparison.libraries.functions("sd_journal_perror") };
    let [theirs, ours] = functions.map(|perror| {
        let open = |fd: &RawFd| sys::descriptor_flags(*fd).is_some();
        let before: Vec<RawFd> = (FIRST..OWN).filter(open).collect();
        // SAFETY: NULL stands for no message.
        let result = unsafe { perror(ptr::null()) };
        let new = (FIRST..OWN).filter(open).filter(|fd| !before.contains(fd));
        let sockets = new.map(|fd| {
            let option = |option| sys::socket_option(fd, option).expect("a socket");
            (sys::descriptor_flags(fd), sys::status_flags(fd).ok(), option(libc::SO_DOMAIN), option(libc::SO_TYPE))
        });
        (result, sockets.collect::<Vec<_>>())
    });
    assert_eq!((theirs.0, theirs.1.len()), (0, 1), "one socket is kept open");
    if ours == theirs {
        return Ok(());
    }
    let [theirs, ours] = [theirs, ours]
        .map(|(result, sockets)| vec![("result", format!("{result}")), ("sockets kept open", format!("{sockets:?}"))]);
    let observations = side_by_side(&theirs, &ours);
    Err(Difference(format!("{}: a difference in case 0; sd_journal_perror(NULL)\n{observations}", comparison.name)))
}

/// File, line and function; NULL for functions that take none.
pub type Pointers = [*const c_char; 3];

/// Compares what arrives by `call`, which is made with what `prepare` makes of a case. `cases` come with errno.
///
/// # Safety
///
/// `F` is a pointer to a function of C that `call` calls with what it takes.
pub unsafe fn compare<F: Copy, W: Debug, P>(
    comparison: &Comparison<'_>,
    cases: impl Strategy<Value = (W, c_int)>,
    with_location: bool,
    prepare: impl Fn(&W) -> P,
    call: impl Fn(F, Pointers, &P) -> c_int,
) -> Result<(), Difference> {
    let place = Place::new();
    open_sockets(comparison)?;
    let locations = prop_oneof![
        u32::from(with_location) => locations(comparison).prop_map(Some),
        u32::from(!with_location) => Just(None),
    ];
    let cases = (cases, locations, journals(), programs())
        .prop_map(|((what, errno), location, journal, program)| Case { what, location, journal, errno, program });
    let observe = |function: F, case: &Case<W>| {
        let _program = Program::new(case.program);
        let location = case.location.as_ref().map(Location::strings).unwrap_or_default();
        let what = prepare(&case.what);
        place.make(case.journal);
        let before = Before { errno: case.errno, ..comparison.before() };
        before.observe(|| call(function, location.pointers(), &what), |_| place.received())
    };
    // SAFETY: as the caller promises.
    unsafe { comparison.run_knowing(&cases, observe, known) }
}
