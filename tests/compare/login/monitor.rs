//! sd_login_monitor_new(3) and what is done with a monitor: what wakes it, and what does not.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::fd::RawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::{io, ptr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::content::FileOf;
use crate::bytes::Bytes;
use crate::compare::{Comparison, Difference, Function};
use crate::strategy::mostly;
use crate::sys;

/// Few cases, each of many changes: the kernel takes some milliseconds to close an inotify.
pub const SD_LOGIN_MONITOR_NEW: Function =
    Function { name: "sd_login_monitor_new", share: 1, needs_namespace: true, compare };

/// What is compared along with it.
pub const OTHERS: [&str; 5] = [
    "sd_login_monitor_unref",
    "sd_login_monitor_flush",
    "sd_login_monitor_get_fd",
    "sd_login_monitor_get_events",
    "sd_login_monitor_get_timeout",
];

/// It is a pointer, to nobody knows what.
type Monitor = *mut c_void;

/// The functions of one library.
#[derive(Clone, Copy)]
struct Library {
    new: unsafe extern "C" fn(*const c_char, *mut Monitor) -> c_int,
    unref: unsafe extern "C" fn(Monitor) -> Monitor,
    flush: unsafe extern "C" fn(Monitor) -> c_int,
    get_fd: unsafe extern "C" fn(Monitor) -> c_int,
    get_events: unsafe extern "C" fn(Monitor) -> c_int,
    get_timeout: unsafe extern "C" fn(Monitor, *mut u64) -> c_int,
}

impl Library {
    /// libsystemd, and this one.
    fn both(comparison: &Comparison<'_>) -> [Self; 2] {
        let libraries = comparison.libraries;
        // SAFETY: the signatures are those of the manual.
        unsafe {
            let new = libraries.functions("sd_login_monitor_new");
            let [unref, flush, get_fd, get_events, get_timeout] = OTHERS;
            let (unref, flush) = (libraries.functions(unref), libraries.functions(flush));
            let (get_fd, get_events) = (libraries.functions(get_fd), libraries.functions(get_events));
            let get_timeout = libraries.functions(get_timeout);
            [0, 1].map(|i| Self {
                new: new[i],
                unref: unref[i],
                flush: flush[i],
                get_fd: get_fd[i],
                get_events: get_events[i],
                get_timeout: get_timeout[i],
            })
        }
    }
}

/// What is done to a file or a directory.
#[derive(Clone, Copy, Debug)]
enum Change {
    Create,
    Write,
    WriteNothing,
    Read,
    Replace,
    Rename,
    MoveAway,
    MoveIn,
    Remove,
    Protect,
    Link,
    Symlink,
    MakeDirectory,
    RemoveDirectory,
    MoveDirectory,
    ProtectDirectory,
    List,
}

const CHANGES: &[Change] = {
    use Change::*;
    &[
        Create,
        Create,
        Write,
        Write,
        WriteNothing,
        Read,
        Replace,
        Rename,
        MoveAway,
        MoveIn,
        Remove,
        Remove,
        Protect,
        Link,
        Symlink,
        MakeDirectory,
        RemoveDirectory,
        MoveDirectory,
        ProtectDirectory,
        List,
    ]
};

/// Directories whose changes wake a monitor, and such that are nothing to any.
const DIRECTORIES: &[&str] = &[
    FileOf::Session.directory(),
    FileOf::User.directory(),
    FileOf::Seat.directory(),
    FileOf::Machine.directory(),
    "/run/systemd",
    "/run/systemd/inhibit",
];

const NAMES: &[&str] = &["c1", "1000", "seat0", "m", ".#c1", "c1~", "a.ref", "unit:m.scope", "sessions", "seats"];

#[derive(Clone, Debug)]
struct Step {
    change: Change,
    directory: &'static str,
    name: &'static str,
    flush: bool,
}

#[derive(Debug)]
struct Case {
    /// None is NULL.
    category: Option<Bytes>,
    wanted: bool,
    /// Directories that are not there when the monitor is made.
    missing: Vec<&'static str>,
    steps: Vec<Step>,
    timeout_wanted: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    const OTHERS: &[&str] =
        &["", "seats", "sessio", "SEAT", "user", "users", "machines", "seat ", "seat,uid", "größe", "null"];
    let named = |names: &'static [&'static str]| select(names).prop_map(|name| Some(super::bytes(name)));
    let category =
        prop_oneof![4 => Just(None), 12 => named(&["seat", "session", "uid", "machine"]), 1 => named(OTHERS)];
    let flush = prop::bool::weighted(0.7);
    let step = (select(CHANGES), select(DIRECTORIES), select(NAMES), flush)
        .prop_map(|(change, directory, name, flush)| Step { change, directory, name, flush });
    let missing = prop_oneof![4 => Just(Vec::new()), 1 => vec(select(DIRECTORIES), 1..5)];
    let mostly_true = || mostly(9, true, &[false]);
    (category, mostly_true(), missing, vec(step, 0..60), mostly_true()).prop_map(
        |(category, wanted, missing, steps, timeout_wanted)| Case { category, wanted, missing, steps, timeout_wanted },
    )
}

/// All that a monitor answers, in order.
#[derive(Debug, PartialEq)]
enum Event {
    Untouched,
    Fd {
        number: RawFd,
        status_flags: Option<c_int>,
        is_inotify: bool,
    },
    Events(c_int),
    Timeout(c_int, u64),
    /// What poll(2) finds.
    Awake(i16),
    Flushed(c_int),
    Gone {
        null: bool,
        closed: bool,
    },
    OfNull([c_int; 5]),
}

const UNTOUCHED: u64 = 0x5d5d_5d5d;

fn compare(comparison: &Comparison<'_>) -> Result<(), Difference> {
    let libraries = Library::both(comparison);
    // SAFETY: they are pointers, and are not called as this.
    let symbols: [*const c_void; 2] = unsafe { comparison.libraries.functions(comparison.name) };
    let observe = |symbol: *const c_void, case: &Case| {
        let library = &libraries[usize::from(symbol != symbols[0])];
        comparison.descriptors.install([]);
        make_tree(&case.missing);
        let category = comparison.place(case.category.as_ref().map(|category| category.0.clone()));
        let untouched: Monitor = ptr::without_provenance_mut(0x5d);
        let monitor = Cell::new(untouched);
        let out = if case.wanted { monitor.as_ptr() } else { ptr::null_mut() };
        let before = comparison.before();
        // SAFETY: the category is NULL or a string, `out` is NULL or points to a pointer.
        before.observe(
            || unsafe { (library.new)(category, out) },
            |_| match monitor.get() {
                pointer if pointer == untouched => vec![Event::Untouched, of_null(library)],
                // SAFETY: the library has made it.
                monitor => unsafe { watch(library, monitor, case) },
            },
        )
    };
    // SAFETY: it is a pointer.
    unsafe { comparison.run_knowing(&cases(), observe, |_, _, _| &[]) }
}

fn of_null(library: &Library) -> Event {
    let null = ptr::null_mut();
    let mut timeout = 0;
    // SAFETY: all of them take NULL.
    Event::OfNull(unsafe {
        [
            (library.flush)(null),
            (library.get_fd)(null),
            (library.get_events)(null),
            (library.get_timeout)(null, &raw mut timeout),
            c_int::from((library.unref)(null).is_null()),
        ]
    })
}

/// # Safety
///
/// The monitor is one of that library, which nobody uses afterwards.
unsafe fn watch(library: &Library, monitor: Monitor, case: &Case) -> Vec<Event> {
    // SAFETY: as the caller promises, here and below.
    let (fd, events) = unsafe { ((library.get_fd)(monitor), (library.get_events)(monitor)) };
    let is_inotify =
        fs::read_link(format!("/proc/self/fd/{fd}")).is_ok_and(|link| link == Path::new("anon_inode:inotify"));
    let mut seen =
        vec![Event::Fd { number: fd, status_flags: sys::status_flags(fd).ok(), is_inotify }, Event::Events(events)];
    let mut timeout = UNTOUCHED;
    let out = if case.timeout_wanted { &raw mut timeout } else { ptr::null_mut() };
    // SAFETY: the pointer is NULL or to a number.
    let result = unsafe { (library.get_timeout)(monitor, out) };
    // SAFETY: the function has written a number, or nothing.
    seen.push(Event::Timeout(result, unsafe { (&raw const timeout).read_volatile() }));
    for step in &case.steps {
        // What cannot be done is not done for the other library either.
        let _ = step.apply();
        seen.push(Event::Awake(sys::poll_now(fd, events as i16)));
        if step.flush {
            // SAFETY: as above.
            seen.push(Event::Flushed(unsafe { (library.flush)(monitor) }));
            seen.push(Event::Awake(sys::poll_now(fd, events as i16)));
        }
    }
    // SAFETY: as above.
    let null = unsafe { (library.unref)(monitor) }.is_null();
    seen.push(Event::Gone { null, closed: sys::descriptor_flags(fd).is_none() });
    seen
}

/// The directories, each with a file of each name.
fn make_tree(missing: &[&str]) {
    let _ = fs::remove_dir_all("/run/systemd");
    for directory in DIRECTORIES.iter().filter(|directory| !missing.contains(directory)) {
        fs::create_dir_all(directory).expect("a directory");
    }
    for directory in &DIRECTORIES[..4] {
        if !missing.contains(directory) && Path::new(directory).exists() {
            fs::write(format!("{directory}/{}", NAMES[0]), "").expect("a file");
        }
    }
}

impl Step {
    fn apply(&self) -> io::Result<()> {
        let Self { directory, name, .. } = self;
        let path: PathBuf = [directory, name].iter().collect();
        let other = Path::new(directory).join("other");
        let elsewhere = Path::new("/run/systemd/elsewhere");
        match self.change {
            Change::Create => OpenOptions::new().write(true).create_new(true).open(path).map(drop),
            Change::Write => fs::write(path, "STATE=active\n"),
            Change::WriteNothing => OpenOptions::new().write(true).open(path).map(drop),
            Change::Read => fs::read(path).map(drop),
            Change::Replace => fs::write(&other, "").and_then(|()| fs::rename(other, path)),
            Change::Rename => fs::rename(path, other),
            Change::MoveAway => fs::rename(path, elsewhere),
            Change::MoveIn => File::create(elsewhere).and_then(|_| fs::rename(elsewhere, path)),
            Change::Remove => fs::remove_file(path),
            Change::Protect => fs::set_permissions(path, Permissions::from_mode(0o600)),
            Change::Link => fs::hard_link(path, other),
            Change::Symlink => symlink("c1", path),
            Change::MakeDirectory => fs::create_dir(path),
            Change::RemoveDirectory => fs::remove_dir_all(path),
            Change::MoveDirectory if directory.starts_with("/run/systemd/") => fs::rename(directory, elsewhere),
            Change::MoveDirectory => Ok(()),
            Change::ProtectDirectory => fs::set_permissions(directory, Permissions::from_mode(0o711)),
            Change::List => fs::read_dir(directory).map(|entries| assert!(entries.count() < 100)),
        }
    }
}
