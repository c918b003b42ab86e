//! Processes of this program that do what is measured, with the C library that belongs to the release it is compared with.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fs;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use criterion::Criterion;

use crate::libraries::Release;

/// The functions of a library, by their places in the table of calls.c.
#[repr(C)]
struct Functions {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn calls_prepare();
    fn calls_open(path: *const c_char) -> *const Functions;
    fn calls_name(i: usize) -> *const c_char;
    fn calls_has(functions: *const Functions, i: usize) -> c_int;
    fn calls_once(functions: *const Functions, i: usize) -> c_int;
    fn calls_repeat(functions: *const Functions, i: usize, times: u64) -> c_int;
    fn calls_time(functions: *const Functions, i: usize, times: u64) -> u64;
}

struct Library(*const Functions);

// SAFETY: it is only read, and what it points to is never freed.
unsafe impl Sync for Library {}

impl Library {
    fn open(path: &str) -> Self {
        let path = CString::new(path).expect("a path");
        // SAFETY: it is a string, and there always is an answer.
        Self(unsafe { calls_open(path.as_ptr()) })
    }

    /// Whether it is recent enough to have this function.
    fn has(&self, i: usize) -> bool {
        // SAFETY: the library is one that was opened, and `i` from the table.
        unsafe { calls_has(self.0, i) != 0 }
    }

    /// Calls a function once between marks in the trace, and nothing.
    fn call_once(&self, i: usize) -> c_int {
        // SAFETY: as above, and the function is there.
        unsafe { calls_once(self.0, i) }
    }

    /// Calls a function over and over, which has to succeed.
    fn repeat(&self, i: usize, times: u64) {
        // SAFETY: as above; the functions that are called so may be called by any thread.
        let answer = unsafe { calls_repeat(self.0, i, times) };
        assert!(answer >= 0, "{answer}");
    }

    /// How long so many calls take.
    fn time(&self, i: usize, times: u64) -> Duration {
        // SAFETY: as above.
        Duration::from_nanos(unsafe { calls_time(self.0, i, times) })
    }
}

/// The functions that are called, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    (0..).map_while(|i| {
        // SAFETY: it takes a number, and answers NULL or a string that stays.
        let name = unsafe { calls_name(i) };
        // SAFETY: as it is not NULL, it is that string.
        (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_str().expect("a name in C"))
    })
}

/// A command that runs this program's `main` below, in a /run and a directory that have nothing in them.
pub fn command(
    before: &[&str],
    release: &Release,
    arguments: &[&dyn AsRef<std::ffi::OsStr>],
    directory: &Path,
) -> Command {
    let _ = fs::remove_dir_all("/run/systemd");
    for directory in ["/run/systemd/journal", "/run/systemd/journal.a"] {
        fs::create_dir_all(directory).expect("a directory in /run");
    }
    let _ = fs::remove_file(directory.join("fifo"));
    let _ = fs::remove_file(directory.join("stream"));
    let program = std::env::current_exe().expect("this program");
    let words = before.iter().map(|word| word.into()).chain(release.linker()).chain([program, "worker".into()]);
    let words: Vec<std::path::PathBuf> = words.collect();
    let mut command = Command::new(&words[0]);
    // The same environment always, which the functions look through.
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.args(&words[1..]).args(arguments).current_dir(directory).stdin(pidfd());
    command
}

/// A pidfd, for the workers: valgrind does not know the system call to make one.
fn pidfd() -> OwnedFd {
    // SAFETY: it takes numbers.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, std::process::id(), 0) };
    assert!(pidfd >= 0, "a pidfd: {}", io::Error::last_os_error());
    // SAFETY: it is new, and nobody else's.
    unsafe { OwnedFd::from_raw_fd(pidfd as i32) }
}

/// What such a process does.
pub fn main(arguments: &[&str]) {
    match *arguments {
        ["once", library] => once(&Library::open(library)),
        ["time", directory, ref libraries @ ..] => {
            let libraries = libraries.iter().map(|path| (*path, Library::open(path)));
            time(directory, &libraries.collect::<Vec<_>>());
        }
        ["send", function, threads, ref libraries @ ..] => {
            let libraries: Vec<_> = libraries.iter().map(|path| Library::open(path)).collect();
            let function = names().position(|name| name == function).expect("one of the functions");
            send(function, threads.parse().expect("a number"), &libraries);
        }
        ["receive"] => receive(),
        _ => panic!("{arguments:?}"),
    }
}

/// Each call that the library has once; says what the answers are.
fn once(library: &Library) {
    // SAFETY: nobody else has descriptors yet.
    unsafe { calls_prepare() };
    for (i, name) in names().enumerate() {
        if library.has(i) {
            println!("{name} {}", library.call_once(i));
        }
    }
}

/// What Criterion knows a library by.
pub fn id(library: &str) -> &str {
    if library.contains("libsdlite") { "libsdlite" } else { "libsystemd" }
}

/// Each call as often as Criterion likes, the libraries in turn.
fn time(directory: &str, libraries: &[(&str, Library)]) {
    // SAFETY: nobody else has descriptors yet.
    unsafe { calls_prepare() };
    // Short, as what is said is what many rounds have in common.
    let mut criterion = Criterion::default()
        .without_plots()
        .output_directory(Path::new(directory))
        .warm_up_time(Duration::from_millis(20))
        .measurement_time(Duration::from_millis(60))
        .sample_size(10)
        .nresamples(1000);
    for (i, name) in names().enumerate() {
        let mut group = criterion.benchmark_group(name);
        for (which, library) in libraries.iter().filter(|(_, library)| library.has(i)) {
            group.bench_function(id(which), |bencher| bencher.iter_custom(|times| library.time(i, times)));
        }
        group.finish();
    }
}

/// Messages by each library in turn, so many threads sending at once: how many a second.
fn send(function: usize, threads: u64, libraries: &[Library]) {
    const MESSAGES: u64 = 6_000;
    for library in libraries {
        // As the receiver may not be running yet.
        library.repeat(function, 100);
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| library.repeat(function, MESSAGES / threads));
            }
        });
        println!("{}", MESSAGES as f64 / start.elapsed().as_secs_f64());
    }
}

/// Takes messages from the socket that is standard input.
fn receive() {
    let socket = io::stdin().as_fd().try_clone_to_owned().expect("standard input");
    let socket = UnixDatagram::from(socket);
    let mut message = [0; 4096];
    while socket.recv(&mut message).is_ok() {}
}
