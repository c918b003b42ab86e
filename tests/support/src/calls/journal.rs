//! sd-journal(3), as far as it writes.

use super::{Case, Compared::Less, call};

const EINVAL: i32 = -libc::EINVAL;
const ENOENT: i32 = -libc::ENOENT;

/// Nobody may have a larger send buffer.
const SMALL_BUFFER: &[&str] = &["setsockopt:error=EPERM"];

#[rustfmt::skip]
pub const CASES: &[Case] = &[
    call("sd_journal_stream_fd(\"me\", LOG_INFO, 1)", 0, "socket, connect, shutdown, setsockopt, sendmsg").given("stream_expected = 1"),
    call("sd_journal_stream_fd(\"me\", 8, 1)", EINVAL, ""),
    call("sd_journal_stream_fd_with_namespace(NULL, \"me\", LOG_INFO, 1)", 0, "socket, connect, shutdown, setsockopt, sendmsg").given("stream_expected = 1"),
    call("sd_journal_stream_fd_with_namespace(namespace, \"me\", LOG_INFO, 1)", 0, "socket, openat, connect, close, shutdown, setsockopt, sendmsg").given("stream_expected = 1"),
    call("sd_journal_stream_fd_with_namespace(\"no\", \"me\", LOG_INFO, 1)", ENOENT, "socket, connect, close"),
    call("sd_journal_stream_fd_with_namespace(\"*\", \"me\", LOG_INFO, 1)", EINVAL, ""),

    call("sd_journal_sendv(fields, 0)", EINVAL, ""),
    call("(sd_journal_sendv)(fields, 2)", 0, "socket, sendmsg"),
    call("(sd_journal_sendv)(fields, 2)", 0, "sendmsg").given("logged_before()"),
    call("sd_journal_sendv(fields, 2)", 0, "sendmsg").given("logged_before()"),
    call("sd_journal_sendv_with_location(\"CODE_FILE=f\", \"CODE_LINE=1\", \"func\", fields, 2)", 0, "socket, sendmsg"),

    call("(sd_journal_send)(\"MESSAGE=%d\", 1, \"A=%s\", \"b\", NULL)", 0, "socket, sendmsg"),
    call("sd_journal_send(\"MESSAGE=%d\", 1, \"A=%s\", \"b\", NULL)", 0, "sendmsg").given("logged_before()"),
    call("(sd_journal_send)(\"MESSAGE=%s\", text(4000), NULL)", 0, "socket, sendmsg"),
    call("sd_journal_send(\"MESSAGE=%s\", text(4000), NULL)", 0, "sendmsg").given("logged_before()"),
    call("(sd_journal_send)(\"MESSAGE=%s\", text(300 * 1000), NULL)", 0, "mmap, socket, sendmsg, 2 setsockopt, sendmsg, memfd_create, writev, fcntl, sendmsg, close, munmap").always(SMALL_BUFFER),
    call("sd_journal_send_with_location(\"CODE_FILE=f\", \"CODE_LINE=1\", \"func\", \"MESSAGE=%d\", 1, NULL)", 0, "socket, sendmsg"),

    call("sd_journal_print(LOG_INFO, \" \")", 0, ""),
    call("sd_journal_print(8, \"hello\")", EINVAL, ""),
    call("(sd_journal_print)(LOG_INFO, \"hello\")", 0, "socket, sendmsg"),
    call("(sd_journal_print)(LOG_INFO, \"hello\")", 0, "sendmsg").given("logged_before()"),
    call("sd_journal_print(LOG_INFO, \"hello\")", 0, "sendmsg").given("logged_before()"),
    call("(sd_journal_print)(LOG_INFO, \"%s\", text(4000))", 0, "socket, sendmsg"),
    call("sd_journal_print(LOG_INFO, \"%s\", text(4000))", 0, "sendmsg").given("logged_before()"),
    call("(sd_journal_print)(LOG_INFO, \"%s\", text(300 * 1000))", 0, "mmap, socket, sendmsg, setsockopt, sendmsg, munmap"),
    call("(sd_journal_print)(LOG_INFO, \"%s\", text(300 * 1000))", 0, "mmap, socket, sendmsg, 2 setsockopt, sendmsg, memfd_create, writev, fcntl, sendmsg, close, munmap").compared(Less(3, "the text is on the stack, and the send buffer is raised before it is known to be too small")).always(SMALL_BUFFER),
    call("sd_journal_print_with_location(LOG_INFO, \"CODE_FILE=f\", \"CODE_LINE=1\", \"func\", \"%s\", text(4000))", 0, "socket, sendmsg"),
    call("printv(LOG_INFO, \"%s\", text(4000))", 0, "socket, sendmsg"),
    call("printv_at(\"CODE_FILE=f\", \"CODE_LINE=1\", \"func\", \"%s\", text(4000))", 0, "socket, sendmsg"),
    call("(sd_journal_perror)(\"what\")", 0, "socket, sendmsg"),
    call("sd_journal_perror(\"what\")", 0, "sendmsg").given("logged_before()"),
    call("sd_journal_perror_with_location(\"CODE_FILE=f\", \"CODE_LINE=1\", \"func\", \"what\")", 0, "socket, sendmsg"),
];
