//! The same answers as libsystemd: random environments, descriptors and arguments go to the installed libsystemd.so.0 and
//! to this library, in one process, and everything that can be observed is compared.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `SDLITE_CASES` | how many cases in all, each one call compared; 2_300_000 if not set |
//! | `SDLITE_SEED` | the seed to begin with; random if not set, printed at the start and with a difference |
//! | `SDLITE_FUNCTION` | the one function to compare, or with a `*` behind, those whose names begin so; all of them if not set |
//! | `SDLITE_REFERENCE` | the library to compare with; libsystemd.so.0 if not set |
//! | `SDLITE_LIBRARY` | the library to compare; the libsdlite.so of `make` if not set |
//!
//! A difference comes with the seed that leads to it within the first few thousand cases of its function, and is shrunk to
//! the smallest case that shows it.
//!
//! The table of results has a row for every function of the headers: one that the reference does not have says so. Below
//! it stands by what is known to differ, and in how many cases: see `known`.
//!
//! `make check-newest` does this with the newest release that Debian has.
//!
//! Each function is compared in a child process, in a mount namespace of its own where that can be had, so that
//! environment, descriptors, /run and /dev/mqueue are the test's alone. A function more is a module with a strategy for its
//! cases and a way to call it, and a line in the table below.

mod bytes;
mod child;
mod compare;
mod daemon;
mod datagram;
mod descriptors;
mod entry;
mod environment;
mod id128;
mod id128_get;
mod is_file;
mod is_mq;
mod is_socket;
mod journal;
mod journal_fields;
mod journald;
mod keyring;
mod known;
mod library;
mod listen;
mod location;
mod login;
mod manager;
mod message;
mod mixed;
mod namespace;
mod notify;
mod observe;
mod paths;
mod processes;
mod report;
mod run;
mod sockets;
mod strategy;
mod stream;
mod sys;
mod zoo;

use std::collections::BTreeSet;

use compare::Function;
use sdlite_test_support as support;

const FUNCTIONS: &[Function] = &[
    listen::SD_LISTEN_FDS,
    listen::SD_LISTEN_FDS_WITH_NAMES,
    is_file::SD_IS_FIFO,
    is_file::SD_IS_SPECIAL,
    is_socket::SD_IS_SOCKET,
    is_socket::SD_IS_SOCKET_INET,
    is_socket::SD_IS_SOCKET_SOCKADDR,
    is_socket::SD_IS_SOCKET_UNIX,
    is_mq::SD_IS_MQ,
    journal::SD_JOURNAL_PRINT,
    journal::SD_JOURNAL_PRINTV,
    journal::SD_JOURNAL_PRINT_WITH_LOCATION,
    journal::SD_JOURNAL_PRINTV_WITH_LOCATION,
    journal_fields::SD_JOURNAL_SENDV,
    journal_fields::SD_JOURNAL_SENDV_WITH_LOCATION,
    journal_fields::SD_JOURNAL_SEND,
    journal_fields::SD_JOURNAL_SEND_WITH_LOCATION,
    journal_fields::SD_JOURNAL_PERROR,
    journal_fields::SD_JOURNAL_PERROR_WITH_LOCATION,
    stream::SD_JOURNAL_STREAM_FD,
    stream::SD_JOURNAL_STREAM_FD_WITH_NAMESPACE,
    notify::SD_NOTIFY,
    notify::SD_PID_NOTIFY,
    notify::SD_PID_NOTIFY_WITH_FDS,
    notify::SD_NOTIFYF,
    notify::SD_PID_NOTIFYF,
    notify::SD_PID_NOTIFYF_WITH_FDS,
    notify::SD_NOTIFY_BARRIER,
    notify::SD_PID_NOTIFY_BARRIER,
    daemon::SD_WATCHDOG_ENABLED,
    daemon::SD_BOOTED,
    daemon::SD_PIDFD_GET_INODE_ID,
    id128::SD_ID128_TO_STRING,
    id128::SD_ID128_TO_UUID_STRING,
    id128::SD_ID128_FROM_STRING,
    id128::SD_ID128_STRING_EQUAL,
    id128::SD_ID128_RANDOMIZE,
    id128::SD_ID128_GET_APP_SPECIFIC,
    id128_get::SD_ID128_GET_MACHINE,
    id128_get::SD_ID128_GET_BOOT,
    id128_get::SD_ID128_GET_INVOCATION,
    id128_get::SD_ID128_GET_MACHINE_APP_SPECIFIC,
    id128_get::SD_ID128_GET_BOOT_APP_SPECIFIC,
    id128_get::SD_ID128_GET_INVOCATION_APP_SPECIFIC,
    login::monitor::SD_LOGIN_MONITOR_NEW,
];

fn functions() -> Vec<&'static Function> {
    FUNCTIONS.iter().chain(&login::FUNCTIONS).collect()
}

#[test]
fn answers_are_those_of_libsystemd() {
    run::compare_all(&functions());
}

#[test]
fn every_function_is_compared() {
    let names = functions().into_iter().map(|function| function.name).chain(login::monitor::OTHERS);
    let compared: BTreeSet<_> = names.map(str::to_owned).collect();
    assert_eq!(compared, support::functions());
}
