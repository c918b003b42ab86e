//! The rest of sd-daemon(3).

use super::{Case, call};

const EBADF: i32 = -libc::EBADF;

#[rustfmt::skip]
pub const CASES: &[Case] = &[
    call("sd_booted()", 0, "stat"),

    call("sd_watchdog_enabled(0, NULL)", 0, ""),
    call("sd_watchdog_enabled(0, NULL)", 1, "").given("watchdog(NULL)"),
    call("sd_watchdog_enabled(1, &usec)", 0, "getpid").given("watchdog(\"1\")"),

    call("sd_pidfd_get_inode_id(pidfd, &usec)", 0, "fstatfs, fstat"),
    call("sd_pidfd_get_inode_id(null, &usec)", EBADF, "fstatfs, getpid, pidfd_open, fstatfs, close"),
    call("sd_pidfd_get_inode_id(-1, &usec)", EBADF, ""),
];
