//! What tests do not take from whoever runs them.

use std::env;

/// Variables by which a service manager, make or somebody's profile would speak to what is tested.
const FOREIGN: &[&str] = &[
    // sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3), and what else systemd.exec(5) sets.
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "MANAGERPID",
    "SYSTEMD_EXEC_PID",
    // What make hands down when it runs the tests.
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "BINDIR",
    "DESTDIR",
    "INCLUDEDIR",
    "LIBDIR",
    "PREFIX",
    // What changes how shells and programs read and write.
    "CDPATH",
    "ENV",
    "GREP_COLORS",
    "LANGUAGE",
    "POSIXLY_CORRECT",
];

/// What is run before `main` of each test: the tests are then the same for everybody, and need not think of it.
extern "C" fn set() {
    const DONE: &str = "SDLITE_SURROUNDINGS";
    if env::var_os(DONE).is_some() {
        // A program that a test has started, perhaps with some of these variables.
        return;
    }
    // SAFETY: no other thread runs yet, and the mask is a number.
    unsafe {
        env::set_var(DONE, "set");
        for variable in FOREIGN {
            env::remove_var(variable);
        }
        // Messages in English.
        env::set_var("LC_ALL", "C.UTF-8");
        // Paths in it are part of command lines and of addresses of sockets.
        if !env::temp_dir().to_str().is_some_and(is_plain) {
            env::set_var("TMPDIR", "/tmp");
        }
        libc::umask(0o022);
    }
}

fn is_plain(directory: &str) -> bool {
    directory.len() < 40 && directory.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte))
}

#[used]
#[unsafe(link_section = ".init_array")]
static SET: extern "C" fn() = set;
