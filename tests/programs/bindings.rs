//! Calls what the crate libsystemd-sys, which is made for libsystemd, has for daemons. The test that runs this is the manager
//! and the journal.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::ptr;

use libsystemd_sys::const_iovec;
use libsystemd_sys::daemon::*;
use libsystemd_sys::journal::sd_journal_sendv;

extern "C" {
    // The crate leaves out what formats.
    fn sd_journal_print(priority: i32, format: *const std::ffi::c_char, ...) -> i32;
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::env::set_var("LISTEN_PID", std::process::id().to_string());
    std::env::set_var("LISTEN_FDS", "1");
    let fields = ["MESSAGE=From Rust", "PRIORITY=5"];
    let fields = fields.map(|field| const_iovec { iov_base: field.as_ptr().cast(), iov_len: field.len() });
    unsafe {
        assert_eq!(libc::dup2(listener.as_raw_fd(), 3), 3);
        assert_eq!(sd_listen_fds(1), 1);
        assert_eq!(sd_listen_fds(0), 0);
        assert_eq!(sd_is_socket_inet(3, libc::AF_INET, libc::SOCK_STREAM, 1, port), 1);
        assert_eq!(sd_is_socket(3, libc::AF_UNIX, 0, -1), 0);
        assert_eq!(sd_is_fifo(3, ptr::null()), 0);
        assert_eq!(sd_booted(), 0);
        assert_eq!(sd_watchdog_enabled(0, ptr::null_mut()), 0);
        assert_eq!(sd_notify(0, c"READY=1".as_ptr()), 1);
        assert_eq!(sd_pid_notify_with_fds(0, 1, c"FDSTORE=1\nFDNAME=web".as_ptr(), &3, 1), 1);
        assert_eq!(sd_notify(0, c"READY=1".as_ptr()), 0);
        assert_eq!(sd_journal_sendv(fields.as_ptr(), 2), 0);
        assert_eq!(sd_journal_print(4, c"Printed from Rust: %d".as_ptr(), 7), 0);
    }
}
