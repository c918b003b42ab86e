//! activated.c in Rust, over the C library.

use std::ffi::{c_char, c_int};
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::FromRawFd;

unsafe extern "C" {
    fn sd_listen_fds(unset_environment: c_int) -> c_int;
    fn sd_is_socket_inet(fd: c_int, family: c_int, kind: c_int, listening: c_int, port: u16) -> c_int;
    fn sd_journal_print(priority: c_int, format: *const c_char, ...) -> c_int;
}

const SD_LISTEN_FDS_START: c_int = 3;
const AF_INET: c_int = 2;
const SOCK_STREAM: c_int = 1;
const LOG_INFO: c_int = 6;

fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    let (passed, inet, logged) = unsafe {
        let passed = sd_listen_fds(1);
        let inet = sd_is_socket_inet(SD_LISTEN_FDS_START, AF_INET, SOCK_STREAM, 1, port);
        let logged = sd_journal_print(LOG_INFO, c"Passed on port %d: %d".as_ptr(), c_int::from(port), passed);
        (passed, inet, logged)
    };
    let listener = unsafe { TcpListener::from_raw_fd(SD_LISTEN_FDS_START) };
    let (mut client, _) = listener.accept().unwrap();
    writeln!(client, "sd_listen_fds {passed}, sd_is_socket_inet {inet}, sd_journal_print {logged}").unwrap();
}
