//! Calls that make every system call there is to fail.

use sdlite_test_support as support;

/// A call in C, for faults.c.
pub struct Case {
    /// What is done before.
    pub given: &'static str,
    pub call: &'static str,
    /// What it returns where nothing fails.
    pub answer: i32,
    /// What strace injects in any case, in the way of `inject=`.
    pub always: &'static [&'static str],
}

impl Case {
    /// The function that is called.
    pub fn function(&self) -> &'static str {
        let call = self.call.trim_start_matches("IF_THERE").trim_start_matches('(');
        match call.split([',', '(', ')']).next().unwrap_or_default() {
            "printv" => "sd_journal_printv",
            "printv_at" => "sd_journal_printv_with_location",
            function => function,
        }
    }

    /// Whether the kernel has what it takes: ids of processes.
    pub fn is_here(&self) -> bool {
        support::has_pidfs() || !(self.given.contains("passed_to") || self.call.contains("inode_id"))
    }

    pub fn sends_to_journal(&self) -> bool {
        self.function().starts_with("sd_journal_") && !self.function().contains("stream_fd")
    }

    /// Whether it is sent in another process's name.
    pub fn has_credentials(&self) -> bool {
        ["sd_pid_notify(1,", "sd_pid_notifyf(1,", "sd_pid_notify_barrier, 1,"]
            .iter()
            .any(|call| self.call.contains(call))
    }
}

const fn case(given: &'static str, call: &'static str, answer: i32) -> Case {
    Case { given, call, answer, always: &[] }
}

const fn injected(given: &'static str, call: &'static str, answer: i32, always: &'static [&'static str]) -> Case {
    Case { given, call, answer, always }
}

/// Nobody may have a larger send buffer.
const SMALL_BUFFER: &[&str] = &["setsockopt:error=EPERM"];

/// Instead of a virtual machine's host there is the peer that `connected` makes.
const HOST: &[&str] = &["socket:retval=30", "bind:retval=0", "connect:retval=0"];

#[rustfmt::skip]
pub const CASES: &[Case] = &[
    case("passed(\"3\", NULL)", "sd_listen_fds(0)", 3),
    case("passed(\"3\", NULL)", "sd_listen_fds(1)", 3),
    case("passed_to(0, \"3\")", "sd_listen_fds(1)", 3),
    case("passed_to(1, \"3\")", "sd_listen_fds(0)", 0),
    case("passed(\"3\", NULL)", "sd_listen_fds_with_names(0, &names)", 3),
    case("passed(\"3\", \"a:b:c\")", "sd_listen_fds_with_names(1, &names)", 3),
    case("passed_to(0, \"3\"); setenv(\"LISTEN_FDNAMES\", \"a:b:\\\\:\", 1)", "sd_listen_fds_with_names(1, &names)", 3),

    case("", "sd_is_fifo(fifo, \"fifo\")", 1),
    case("", "sd_is_special(null, \"/dev/null\")", 1),
    case("", "sd_is_socket(stream, 0, 0, -1)", 1),
    case("", "sd_is_socket(stream, AF_UNIX, SOCK_STREAM, 1)", 1),
    case("", "sd_is_socket(closed, AF_UNIX, SOCK_STREAM, 1)", -libc::EBADF),
    case("", "sd_is_socket_inet(tcp, AF_INET, SOCK_STREAM, 1, 0)", 1),
    case("", "sd_is_socket_sockaddr(tcp, SOCK_STREAM, (void *) &inet, sizeof inet, 1)", 1),
    case("", "sd_is_socket_unix(stream, SOCK_STREAM, 1, \"stream\", 0)", 1),
    case("", "sd_is_mq(queue, NULL)", 1),
    // That one is there only where /dev/mqueue is mounted.
    case("", "sd_is_mq(queue, \"/sdlite-no-such-queue\")", -libc::ENOENT),

    case("", "sd_notify(0, \"READY=1\")", 1),
    case("", "sd_notify(1, \"READY=1\")", 1),
    case("", "sd_notify(1, text(300 * 1000))", 1),
    injected("to(\"vsock-stream:2:1\"); connected(0)", "sd_notify(1, \"READY=1\")", 1, HOST),
    injected("to(\"vsock-seqpacket:2:1\"); connected(1)", "sd_notify(1, \"READY=1\")", -libc::EPROTO, HOST),
    case("", "sd_notifyf(1, \"MAINPID=%d\", 1)", 1),
    case("", "sd_notifyf(1, \"STATUS=%s\", text(4000))", 1),
    case("", "sd_notifyf(1, \"STATUS=%s\", text(300 * 1000))", 1),
    case("", "sd_pid_notify(1, 1, \"READY=1\")", 1),
    case("", "sd_pid_notifyf(1, 1, \"MAINPID=%d\", 1)", 1),
    case("", "sd_pid_notifyf(1, 1, \"STATUS=%s\", text(4000))", 1),
    case("", "sd_pid_notify_with_fds(0, 1, \"FDSTORE=1\", many, 253)", 1),
    case("", "IF_THERE(sd_pid_notifyf_with_fds, 0, 1, many, 2, \"FDSTORE=%d\", 1)", 1),
    case("", "IF_THERE(sd_pid_notifyf_with_fds, 0, 1, many, 2, \"FDSTORE=%s\", text(4000))", 1),
    case("to(RECEIVER)", "sd_notify_barrier(1, 5 * 1000 * 1000)", 1),
    case("", "sd_notify_barrier(0, 0)", -libc::ETIMEDOUT),
    case("", "IF_THERE(sd_pid_notify_barrier, 1, 1, 0)", -libc::ETIMEDOUT),
    case("", "sd_booted()", 0),
    case("watchdog()", "sd_watchdog_enabled(1, &usec)", 0),
    case("", "IF_THERE(sd_pidfd_get_inode_id, pidfd, &usec)", 0),
    case("", "IF_THERE(sd_pidfd_get_inode_id, null, &usec)", -libc::EBADF),

    case("stream_expected = 1", "sd_journal_stream_fd(\"me\", LOG_INFO, 1)", 0),
    case("stream_expected = 1", "IF_THERE(sd_journal_stream_fd_with_namespace, NULL, \"me\", LOG_INFO, 1)", 0),
    case("stream_expected = 1", "IF_THERE(sd_journal_stream_fd_with_namespace, namespace, \"me\", LOG_INFO, 1)", 0),

    case("", "(sd_journal_sendv)(fields, 2)", 0),
    case("logged_before()", "(sd_journal_sendv)(fields, 2)", 0),
    case("", "sd_journal_sendv_with_location(\"CODE_FILE=f\", \"CODE_LINE=1\", \"func\", fields, 2)", 0),
    case("", "(sd_journal_send)(\"MESSAGE=%d\", 1, \"A=%s\", \"b\", NULL)", 0),
    case("", "(sd_journal_send)(\"MESSAGE=%s\", text(4000), NULL)", 0),
    injected("", "(sd_journal_send)(\"MESSAGE=%s\", text(300 * 1000), NULL)", 0, SMALL_BUFFER),
    case("", "sd_journal_send_with_location(\"CODE_FILE=f\", \"CODE_LINE=1\", \"func\", \"MESSAGE=%d\", 1, NULL)", 0),
    case("", "(sd_journal_print)(LOG_INFO, \"hello\")", 0),
    case("logged_before()", "(sd_journal_print)(LOG_INFO, \"hello\")", 0),
    case("", "(sd_journal_print)(LOG_INFO, \"%s\", text(4000))", 0),
    case("", "(sd_journal_print)(LOG_INFO, \"%s\", text(300 * 1000))", 0),
    injected("", "(sd_journal_print)(LOG_INFO, \"%s\", text(300 * 1000))", 0, SMALL_BUFFER),
    case("", "sd_journal_print_with_location(LOG_INFO, \"CODE_FILE=f\", \"CODE_LINE=1\", \"func\", \"%s\", text(4000))", 0),
    case("", "printv(\"%s\", text(4000))", 0),
    case("", "printv_at(\"%s\", text(4000))", 0),
    case("", "(sd_journal_perror)(\"what\")", 0),
    case("", "sd_journal_perror_with_location(\"CODE_FILE=f\", \"CODE_LINE=1\", \"func\", \"what\")", 0),
];
