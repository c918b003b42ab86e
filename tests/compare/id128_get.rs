//! sd_id128_get_machine(3) and its siblings: IDs of files, of the environment and of the keyring, which both libraries remember.
//!
//! So each call is made in a process of its own, and there once more when what it read has gone.

use std::ffi::{CString, c_int};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::{env, fmt, fs, mem, ptr};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::bytes::Bytes;
use crate::compare::{Comparison, Difference, Function};
use crate::environment::Installed;
use crate::id128::{Id, ids, texts};
use crate::keyring::{self, Key};
use crate::known::Known;
use crate::observe::{Before, ERRNO, Observation};
use crate::strategy::mostly;
use crate::sys;

const fn function(name: &'static str, compare: fn(&Comparison<'_>) -> Result<(), Difference>) -> Function {
    Function { name, share: 10, needs_namespace: true, compare }
}

pub const SD_ID128_GET_MACHINE: Function = function("sd_id128_get_machine", |it| get(it, machine()));
pub const SD_ID128_GET_BOOT: Function = function("sd_id128_get_boot", |it| get(it, boot()));
pub const SD_ID128_GET_INVOCATION: Function = function("sd_id128_get_invocation", |it| get(it, invocation()));
pub const SD_ID128_GET_MACHINE_APP_SPECIFIC: Function =
    function("sd_id128_get_machine_app_specific", |it| get_app_specific(it, machine()));
pub const SD_ID128_GET_BOOT_APP_SPECIFIC: Function =
    function("sd_id128_get_boot_app_specific", |it| get_app_specific(it, boot()));
pub const SD_ID128_GET_INVOCATION_APP_SPECIFIC: Function =
    function("sd_id128_get_invocation_app_specific", |it| get_app_specific(it, invocation()));

const MACHINE: &str = "/etc/machine-id";
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// Where an ID comes from.
#[derive(Clone, Debug)]
enum Source {
    File {
        path: &'static str,
        what: What,
    },
    /// Nothing at all in /proc.
    NoProc,
    Service {
        /// `$INVOCATION_ID`.
        variable: Option<Bytes>,
        key: Option<Key>,
    },
}

/// What is at a path.
#[derive(Clone, Copy, Debug)]
enum Kind {
    File,
    LinkToFile,
    Nothing,
    Directory,
    LinkToNothing,
    LinkToItself,
    Socket,
}

#[derive(Clone, Debug)]
struct What {
    kind: Kind,
    content: Bytes,
}

fn files(path: &'static str) -> impl Strategy<Value = Source> {
    const OTHERS: &[Kind] =
        &[Kind::LinkToFile, Kind::Nothing, Kind::Directory, Kind::LinkToNothing, Kind::LinkToItself, Kind::Socket];
    (mostly(5, Kind::File, OTHERS), texts())
        .prop_map(move |(kind, content)| Source::File { path, what: What { kind, content } })
}

fn machine() -> impl Strategy<Value = Source> {
    files(MACHINE)
}

fn boot() -> impl Strategy<Value = Source> {
    prop_oneof![30 => files(BOOT), 1 => Just(Source::NoProc)]
}

fn invocation() -> impl Strategy<Value = Source> {
    /// Of root's keys, those that nobody can change.
    const PERMISSIONS: u32 = 0x0b0b_0000;
    let content = prop_oneof![
        8 => ids().prop_map(|id| id.bytes().to_vec()),
        1 => vec(any::<u8>(), 1..40),
    ];
    let permissions = prop_oneof![
        8 => Just(PERMISSIONS),
        1 => (0..32_u8).prop_map(|bit| PERMISSIONS ^ 1 << bit),
        1 => any::<u32>().prop_map(|bits| bits & 0x3f3f_3f3f | PERMISSIONS),
    ];
    let owner = [mostly(12, 0, &[1, 1000]), mostly(12, 0, &[1, 1000])];
    let key =
        (content, owner, permissions).prop_map(|(content, owner, permissions)| Key { content, owner, permissions });
    // A variable has no zero byte.
    let variable = texts().prop_map(|text| Bytes(text.0.into_iter().filter(|byte| *byte != 0).collect()));
    (option::of(variable), option::weighted(0.8, key)).prop_map(|(variable, key)| Source::Service { variable, key })
}

impl Source {
    fn environment(&self) -> Installed {
        let variable = match self {
            Self::Service { variable: Some(variable), .. } => Some([b"INVOCATION_ID=", &*variable.0].concat()),
            _ => None,
        };
        let strings = [Some(b"PATH=/bin".to_vec()), variable];
        Installed::new(strings.into_iter().flatten().map(|it| CString::new(it).expect("no zero byte")).collect())
    }

    fn make(&self) {
        match self {
            Self::File { path, what } => what.make(path),
            Self::NoProc => sys::mount(c"tmpfs", c"/proc", 0).expect("a /proc without anything in it"),
            Self::Service { key, .. } => {
                keyring::clear();
                key.iter().for_each(|key| key.add(c"invocation_id"));
            }
        }
    }

    fn remove(&self) {
        match self {
            Self::File { path, .. } => remove(path),
            Self::NoProc => sys::umount(c"/proc").expect("what was there before"),
            Self::Service { .. } => keyring::clear(),
        }
    }

    /// Whether libsystemd's second answer is not the first: what it had read of a key that is too short is then an ID.
    fn is_short_key(&self) -> bool {
        matches!(self, Self::Service { key: Some(key), .. } if key.content.len() < 16)
    }
}

impl What {
    fn make(&self, path: &str) {
        let made = match self.kind {
            Kind::File => fs::write(path, &self.content.0),
            Kind::LinkToFile => {
                fs::write("content", &self.content.0).and_then(|()| symlink(env::current_dir()?.join("content"), path))
            }
            Kind::Nothing => Ok(()),
            Kind::Directory => fs::create_dir(path),
            Kind::LinkToNothing => symlink("nothing", path),
            Kind::LinkToItself => symlink(path, path),
            Kind::Socket => UnixListener::bind(path).map(drop),
        };
        made.expect("a directory of the test's own");
    }
}

fn remove(path: &str) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir(path);
}

/// Both answers of a process, and what it leaves open.
#[derive(Clone, Copy, PartialEq)]
struct Answers {
    first: Answer,
    /// When what it had read has gone; None where it is not asked again.
    again: Option<Answer>,
    lowest_free: c_int,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Answer {
    result: c_int,
    id: Id,
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, again, lowest_free } = self;
        write!(f, "{first:?}, then {again:?}, and descriptor {lowest_free} is free")
    }
}

fn answer(wanted: bool, call: impl FnOnce(*mut Id) -> c_int) -> Answer {
    let mut id = Id::UNTOUCHED;
    let result = call(if wanted { &raw mut id } else { ptr::null_mut() });
    // SAFETY: it is an ID.
    Answer { result, id: unsafe { (&raw const id).read_volatile() } }
}

/// What a call is made with; not every function takes the application.
#[derive(Debug)]
struct Case {
    source: Source,
    app: Id,
    wanted: bool,
}

fn cases(source: impl Strategy<Value = Source>) -> impl Strategy<Value = Case> {
    (source, ids(), mostly(9, true, &[false])).prop_map(|(source, app, wanted)| Case { source, app, wanted })
}

fn get(comparison: &Comparison<'_>, source: impl Strategy<Value = Source>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(*mut Id) -> c_int;
    prepare();
    let observe = |get: Signature, case: &Case| {
        // SAFETY: the pointer is NULL or to an ID.
        observe(comparison, case, |ret| unsafe { get(ret) })
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run_knowing(&cases(source), observe, known) }
}

fn get_app_specific(comparison: &Comparison<'_>, source: impl Strategy<Value = Source>) -> Result<(), Difference> {
    type Signature = unsafe extern "C" fn(Id, *mut Id) -> c_int;
    prepare();
    let observe = |get: Signature, case: &Case| {
        // SAFETY: the pointer is NULL or to an ID.
        observe(comparison, case, |ret| unsafe { get(case.app, ret) })
    };
    // SAFETY: the signature is that of the manual.
    unsafe { comparison.run_knowing(&cases(source), observe, known) }
}

/// Directories and a keyring of the test's own.
fn prepare() {
    for directory in [c"/etc", c"/proc/sys/kernel/random"] {
        sys::mount(c"tmpfs", directory, 0).expect("a directory of the test's own");
    }
    keyring::join();
}

/// Calls twice in a process of its own.
fn observe(comparison: &Comparison<'_>, case: &Case, call: impl Fn(*mut Id) -> c_int) -> Observation<Answers> {
    let source = &case.source;
    comparison.descriptors.install([]);
    source.make();
    let before = Before { environment: source.environment(), ..comparison.before() };
    let ask_again = !(source.is_short_key() && comparison.must_avoid(Known::IdShortKey));
    let told = sys::Shared::<Option<(Answers, c_int)>>::new(None);
    let call_twice = || {
        sys::set_errno(ERRNO);
        let first = answer(case.wanted, &call);
        let errno = sys::errno();
        source.remove();
        mem::forget(Installed::new(Vec::new()));
        let again = ask_again.then(|| answer(case.wanted, &call));
        let lowest_free = comparison.descriptors.lowest_free();
        told.set(Some((Answers { first, again, lowest_free }, errno)));
    };
    let call = || {
        sys::fork_and_wait(call_twice);
        let (answers, errno) = told.get().expect("a process that does not end before");
        sys::set_errno(errno);
        answers.first.result
    };
    before.observe(call, |_| told.get().expect("the same").0)
}

/// By what libsystemd's answers differ from ours, where each is as it is known.
fn known(case: &Case, theirs: &Observation<Answers>, ours: &Observation<Answers>) -> &'static [Known] {
    let (theirs_again, ours_again) = (theirs.output.again, ours.output.again);
    let first = known_of(case, theirs.output.first, ours.output.first);
    let again = match (theirs_again, ours_again) {
        (Some(theirs), Some(ours)) => known_of(case, theirs, ours),
        _ => Some(&[][..]),
    };
    match (first, again) {
        (Some(first), Some(again))
            if theirs.leaves_as(ours) && theirs.output.lowest_free == ours.output.lowest_free =>
        {
            if first.is_empty() {
                again
            } else {
                first
            }
        }
        _ => &[],
    }
}

/// By what one answer differs; None if that is not known.
fn known_of(case: &Case, theirs: Answer, ours: Answer) -> Option<&'static [Known]> {
    const EINVAL: c_int = -libc::EINVAL;
    const EIO: c_int = -libc::EIO;
    const ENOENT: c_int = -libc::ENOENT;
    const ENOMEDIUM: c_int = -libc::ENOMEDIUM;
    const ENOSYS: c_int = -libc::ENOSYS;
    const ENXIO: c_int = -libc::ENXIO;
    const EUCLEAN: c_int = -libc::EUCLEAN;
    let is_null = case.app == Id::new([0; 16]);
    match (theirs.result, ours.result) {
        _ if theirs == ours => Some(&[]),
        (EINVAL, _) if !case.wanted => Some(&[Known::IdNull]),
        (EINVAL | EIO, EUCLEAN) => Some(&[Known::IdErrors]),
        (ENOENT, ENOSYS) => Some(&[Known::IdNoProc]),
        (0, ENXIO) if is_null => Some(&[Known::IdApplication]),
        (0, ENOMEDIUM) => Some(&[Known::IdZeros]),
        _ => None,
    }
}
