//! sd_notify(3) and its siblings.

use super::{Case, Compared::Since, call};

const E2BIG: i32 = -libc::E2BIG;
const EINVAL: i32 = -libc::EINVAL;
const EPROTO: i32 = -libc::EPROTO;
const ETIMEDOUT: i32 = -libc::ETIMEDOUT;

/// Instead of a virtual machine's host there is the peer that `connected` makes.
const HOST: &[&str] = &["socket:retval=30", "bind:retval=0", "connect:retval=0"];

#[rustfmt::skip]
pub const CASES: &[Case] = &[
    call("sd_notify(0, \"READY=1\")", 0, "").given("unsetenv(\"NOTIFY_SOCKET\")"),
    call("sd_notify(0, \"READY=1\")", 1, "socket, getresuid, getresgid, sendmsg, close"),
    call("sd_notify(1, \"READY=1\")", 1, "socket, getresuid, getresgid, sendmsg, close"),
    call("sd_notify(1, text(300 * 1000))", 1, "socket, getresuid, getresgid, sendmsg, setsockopt, sendmsg, close"),
    call("sd_notify(0, NULL)", EINVAL, ""),
    call("sd_notify(0, \"READY=1\")", EPROTO, "").given("to(\"x\")").compared(Since("LIBSYSTEMD_258")),
    call("sd_notify(0, \"READY=1\")", EINVAL, "").given("to(\"/\")"),
    call("sd_notify(1, \"READY=1\")", 1, "socket, bind, connect, getresuid, getresgid, sendmsg, shutdown, recvfrom, close").given("to(\"vsock-stream:2:1\"); connected(0)").compared(Since("LIBSYSTEMD_258")).always(HOST),
    call("sd_notify(1, \"READY=1\")", EPROTO, "socket, bind, connect, getresuid, getresgid, sendmsg, shutdown, recvfrom, close").given("to(\"vsock-seqpacket:2:1\"); connected(1)").compared(Since("LIBSYSTEMD_258")).always(HOST),

    call("sd_notifyf(1, \"MAINPID=%d\", 1)", 1, "socket, getresuid, getresgid, sendmsg, close"),
    call("sd_notifyf(1, \"STATUS=%s\", text(4000))", 1, "socket, getresuid, getresgid, sendmsg, close"),
    call("sd_notifyf(1, \"STATUS=%s\", text(300 * 1000))", 1, "mmap, socket, getresuid, getresgid, sendmsg, setsockopt, sendmsg, close, munmap"),

    call("sd_pid_notify(1, 1, \"READY=1\")", 1, "socket, getresuid, getresgid, getpid, sendmsg, close"),
    call("sd_pid_notify(self, 0, \"READY=1\")", 1, "socket, getresuid, getresgid, getpid, sendmsg, close"),
    call("sd_pid_notifyf(1, 1, \"MAINPID=%d\", 1)", 1, "socket, getresuid, getresgid, getpid, sendmsg, close"),
    call("sd_pid_notifyf(1, 1, \"STATUS=%s\", text(4000))", 1, "socket, getresuid, getresgid, getpid, sendmsg, close"),

    call("sd_pid_notify_with_fds(0, 0, \"FDSTORE=1\", many, 2)", 1, "socket, getresuid, getresgid, sendmsg, close"),
    call("sd_pid_notify_with_fds(0, 1, \"FDSTORE=1\", many, 253)", 1, "socket, getresuid, getresgid, sendmsg, close"),
    call("sd_pid_notify_with_fds(0, 0, \"FDSTORE=1\", many, 254)", E2BIG, "").compared(Since("LIBSYSTEMD_258")),
    call("sd_pid_notifyf_with_fds(0, 1, many, 2, \"FDSTORE=%d\", 1)", 1, "socket, getresuid, getresgid, sendmsg, close"),
    call("sd_pid_notifyf_with_fds(0, 1, many, 2, \"FDSTORE=%s\", text(4000))", 1, "socket, getresuid, getresgid, sendmsg, close"),

    call("sd_notify_barrier(1, 5 * 1000 * 1000)", 1, "pipe2, socket, getresuid, getresgid, sendmsg, 2 close, ppoll, close").given("to(RECEIVER)"),
    call("sd_notify_barrier(0, 0)", ETIMEDOUT, "pipe2, socket, getresuid, getresgid, sendmsg, 2 close, ppoll, close"),
    call("sd_pid_notify_barrier(1, 1, 0)", ETIMEDOUT, "pipe2, socket, getresuid, getresgid, getpid, sendmsg, 2 close, ppoll, close"),
];
