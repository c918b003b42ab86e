//! Calls what the crates libsystemd-sys and systemd, which are made for libsystemd, have for daemons, logins and IDs. The test
//! that runs this is the manager, the journal and the login manager.

use std::ffi::CStr;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::ptr;

use libsystemd_sys::const_iovec;
use libsystemd_sys::daemon::*;
use libsystemd_sys::id128::{sd_id128_get_machine_app_specific, sd_id128_t, sd_id128_to_string};
use libsystemd_sys::login::{sd_get_sessions, sd_login_monitor_get_fd, sd_login_monitor_new, sd_login_monitor_unref};
use systemd::id128::Id128;
use systemd::login;

extern "C" {
    // The crate has these only together with what reads the journal, or not at all.
    fn sd_journal_sendv(fields: *const const_iovec, n: i32) -> i32;
    fn sd_journal_print(priority: i32, format: *const std::ffi::c_char, ...) -> i32;
}

fn main() {
    daemon();
    journal();
    logins();
    ids();
}

fn daemon() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::env::set_var("LISTEN_PID", std::process::id().to_string());
    std::env::set_var("LISTEN_FDS", "1");
    unsafe {
        assert_eq!(libc::dup2(listener.as_raw_fd(), 3), 3);
        assert_eq!(sd_listen_fds(0), 1);
        assert_eq!(sd_is_socket_inet(3, libc::AF_INET, libc::SOCK_STREAM, 1, port), 1);
        assert_eq!(sd_is_socket(3, libc::AF_UNIX, 0, -1), 0);
        assert_eq!(sd_is_fifo(3, ptr::null()), 0);
        assert_eq!(sd_watchdog_enabled(0, ptr::null_mut()), 0);
    }
    assert_eq!(systemd::daemon::listen_fds().unwrap().iter().collect::<Vec<_>>(), [3]);
    assert!(!systemd::daemon::booted().unwrap());
    assert!(systemd::daemon::notify([("STATUS", "From Rust")].iter()).unwrap());
    unsafe {
        assert_eq!(sd_listen_fds(1), 1);
        assert_eq!(sd_listen_fds(0), 0);
        assert_eq!(sd_notify(0, c"READY=1".as_ptr()), 1);
        assert_eq!(sd_pid_notify_with_fds(0, 1, c"FDSTORE=1\nFDNAME=web".as_ptr(), &3, 1), 1);
        assert_eq!(sd_notify(0, c"READY=1".as_ptr()), 0);
    }
}

fn journal() {
    let fields = ["MESSAGE=From Rust", "PRIORITY=5"];
    let fields = fields.map(|field| const_iovec { iov_base: field.as_ptr().cast(), iov_len: field.len() });
    unsafe {
        assert_eq!(sd_journal_sendv(fields.as_ptr(), 2), 0);
        assert_eq!(sd_journal_print(4, c"Printed from Rust: %d".as_ptr(), 7), 0);
    }
}

fn logins() {
    assert_eq!(login::get_sessions().unwrap(), ["7"]);
    assert_eq!(login::session_uid("7").unwrap(), 1000);
    assert_eq!(login::session_seat("7").unwrap(), "seat0");
    assert_eq!(login::session_start_time("7").unwrap(), 12345);
    assert!(login::session_uid("8").is_err());
    assert!(!login::process_cgroup(None).unwrap().is_empty());
    unsafe {
        assert_eq!(sd_get_sessions(ptr::null_mut()), 1);
        let mut monitor = ptr::null_mut();
        assert_eq!(sd_login_monitor_new(c"session".as_ptr(), &mut monitor), 0);
        assert!(sd_login_monitor_get_fd(monitor) >= 0);
        assert!(sd_login_monitor_unref(monitor).is_null());
    }
}

fn ids() {
    let text = "0102030405060708090a0b0c0d0e0f10";
    let id = Id128::from_cstr(text).unwrap();
    assert_eq!(id.to_string(), text);
    assert_ne!(Id128::from_random().unwrap(), Id128::from_random().unwrap());
    let own = Id128::from_boot_app_specific(&id).unwrap();
    assert_ne!(own, Id128::from_boot().unwrap());
    let mut machine = sd_id128_t { bytes: [0; 16] };
    let mut room = [0; 33];
    unsafe {
        assert_eq!(sd_id128_get_machine_app_specific(*id.as_raw(), &mut machine), 0);
        assert_eq!(CStr::from_ptr(sd_id128_to_string(machine, room.as_mut_ptr())).to_bytes().len(), 32);
    }
}
