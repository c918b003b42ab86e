//! sd_listen_fds(3).

use super::{Case, Compared::Since, call};

const EBADF: i32 = -libc::EBADF;
const EINVAL: i32 = -libc::EINVAL;

#[rustfmt::skip]
pub const CASES: &[Case] = &[
    call("sd_listen_fds(0)", 0, ""),
    call("sd_listen_fds(0)", 3, "getpid, 3 fcntl").given("passed(\"3\", NULL)"),
    call("sd_listen_fds(0)", 1, "getpid, fcntl").given("passed(\"1\", NULL)"),
    call("sd_listen_fds(1)", 3, "getpid, 3 fcntl").given("passed(\"3\", NULL)"),
    call("sd_listen_fds(0)", EBADF, "getpid, 4 fcntl").given("passed(\"4\", NULL)"),
    call("sd_listen_fds(0)", 0, "getpid").given("passed(\"3\", NULL); setenv(\"LISTEN_PID\", \"1\", 1)"),
    call("sd_listen_fds(1)", 3, "getpid, pidfd_open, fstatfs, fstat, close, 3 fcntl").given("passed_to(0, \"3\")").compared(Since("LIBSYSTEMD_258")),
    call("sd_listen_fds(0)", 0, "getpid, pidfd_open, fstatfs, fstat, close").given("passed_to(1, \"3\")").compared(Since("LIBSYSTEMD_258")),

    call("sd_listen_fds_with_names(0, NULL)", 3, "getpid, 3 fcntl").given("passed(\"3\", NULL)"),
    call("sd_listen_fds_with_names(0, &names)", 3, "getpid, 3 fcntl").given("passed(\"3\", NULL)"),
    call("sd_listen_fds_with_names(1, &names)", 3, "getpid, 3 fcntl").given("passed(\"3\", \"a:b:c\")"),
    call("sd_listen_fds_with_names(1, &names)", EINVAL, "getpid, 3 fcntl").given("passed(\"3\", \"a\")"),
    call("sd_listen_fds_with_names(1, &names)", 3, "getpid, pidfd_open, fstatfs, fstat, close, 3 fcntl").given("passed_to(0, \"3\"); setenv(\"LISTEN_FDNAMES\", \"a:b:\\\\:\", 1)").compared(Since("LIBSYSTEMD_258")),
];
