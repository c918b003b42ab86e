//! What each function costs: its system calls, counted.

use std::fmt::Write;
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use sdlite_test_support as support;
use support::trace::{between_marks, counted, names};

/// A call in C, between two marks in the trace of syscalls.c.
struct Case {
    /// What is done before.
    given: &'static str,
    call: &'static str,
    answer: i32,
    /// In the order in which they are made; the same call several times in a row is counted.
    costs: &'static str,
    compared: Compared,
}

enum Compared {
    /// libsystemd needs as many system calls or more.
    All,
    /// Releases before 258 do less.
    Since258,
    /// libsystemd needs one less: it asks first whether it is a socket, and only for what is none that ends it.
    OneLess,
    /// libsystemd remembers from an earlier case who it is, or finds the flag that it set then.
    Not,
}
use Compared::{All, Not, OneLess, Since258};

const fn case(given: &'static str, call: &'static str, answer: i32, costs: &'static str, compared: Compared) -> Case {
    Case { given, call, answer, costs, compared }
}

const E2BIG: i32 = -libc::E2BIG;
const EBADF: i32 = -libc::EBADF;
const EINVAL: i32 = -libc::EINVAL;
const ENOENT: i32 = -libc::ENOENT;
const EPROTO: i32 = -libc::EPROTO;
const ETIMEDOUT: i32 = -libc::ETIMEDOUT;

#[rustfmt::skip]
const CASES: &[Case] = &[
    case("", "sd_listen_fds(0)", 0, "", All),
    case("passed(\"3\", NULL)", "sd_listen_fds(0)", 3, "getpid, 3 fcntl", All),
    case("", "sd_listen_fds(0)", 3, "getpid, 3 fcntl", Not),
    case("passed(\"1\", NULL)", "sd_listen_fds(0)", 1, "getpid, fcntl", All),
    case("passed(\"3\", NULL)", "sd_listen_fds(1)", 3, "getpid, 3 fcntl", All),
    case("passed(\"4\", NULL)", "sd_listen_fds(0)", EBADF, "getpid, 4 fcntl", All),
    case("passed_to(0, \"3\")", "sd_listen_fds(0)", 3, "getpid, pidfd_open, fstatfs, fstat, close, 3 fcntl", Since258),
    case("passed_to(1, \"3\")", "sd_listen_fds(0)", 0, "getpid, pidfd_open, fstatfs, fstat, close", Not),
    case("passed(\"3\", NULL); setenv(\"LISTEN_PID\", \"1\", 1)", "sd_listen_fds(0)", 0, "getpid", Not),

    case("passed(\"3\", NULL)", "sd_listen_fds_with_names(0, NULL)", 3, "getpid, 3 fcntl", All),
    case("passed(\"3\", NULL)", "sd_listen_fds_with_names(0, &names)", 3, "getpid, 3 fcntl", All),
    case("passed(\"3\", \"a:b:c\")", "sd_listen_fds_with_names(1, &names)", 3, "getpid, 3 fcntl", All),
    case("passed(\"3\", \"a\")", "sd_listen_fds_with_names(1, &names)", EINVAL, "getpid, 3 fcntl", All),

    case("", "sd_is_fifo(fifo, NULL)", 1, "fstat", All),
    case("", "sd_is_fifo(fifo, \"fifo\")", 1, "fstat, stat", All),
    case("", "sd_is_fifo(null, \"fifo\")", 0, "fstat", All),
    case("", "sd_is_fifo(closed, NULL)", EBADF, "fstat", All),
    case("", "sd_is_fifo(-1, NULL)", EBADF, "", All),

    case("", "sd_is_special(null, NULL)", 1, "fstat", All),
    case("", "sd_is_special(null, \"/dev/null\")", 1, "fstat, stat", All),
    case("", "sd_is_special(fifo, \"/dev/null\")", 0, "fstat", All),
    case("", "sd_is_special(closed, NULL)", EBADF, "fstat", All),
    case("", "sd_is_special(-1, NULL)", EBADF, "", All),

    case("", "sd_is_socket(stream, 0, 0, -1)", 1, "fstat", All),
    case("", "sd_is_socket(stream, AF_UNIX, 0, -1)", 1, "getsockname", All),
    case("", "sd_is_socket(stream, 0, SOCK_STREAM, -1)", 1, "getsockopt", All),
    case("", "sd_is_socket(stream, 0, 0, 1)", 1, "getsockopt", All),
    case("", "sd_is_socket(stream, AF_UNIX, SOCK_STREAM, 1)", 1, "2 getsockopt, getsockname", All),
    case("", "sd_is_socket(stream, AF_UNIX, SOCK_DGRAM, 1)", 0, "getsockopt", All),
    case("", "sd_is_socket(stream, AF_UNIX, SOCK_STREAM, 0)", 0, "2 getsockopt", All),
    case("", "sd_is_socket(null, 0, 0, -1)", 0, "fstat", All),
    case("", "sd_is_socket(null, AF_UNIX, SOCK_STREAM, 1)", 0, "getsockopt", All),
    case("", "sd_is_socket(closed, AF_UNIX, SOCK_STREAM, 1)", EBADF, "getsockopt, fstat", OneLess),
    case("", "sd_is_socket(-1, AF_UNIX, SOCK_STREAM, 1)", EBADF, "", All),

    case("", "sd_is_socket_inet(tcp, 0, 0, -1, 0)", 1, "getsockname", All),
    case("", "sd_is_socket_inet(tcp, AF_INET, SOCK_STREAM, 1, 0)", 1, "2 getsockopt, getsockname", All),
    case("", "sd_is_socket_inet(tcp, AF_INET, SOCK_STREAM, 1, 1)", 0, "2 getsockopt, getsockname", All),
    case("", "sd_is_socket_inet(null, AF_INET, SOCK_STREAM, 1, 0)", 0, "getsockopt", All),

    case("", "sd_is_socket_sockaddr(tcp, 0, (void *) &inet, sizeof inet, -1)", 1, "getsockname", All),
    case("", "sd_is_socket_sockaddr(tcp, SOCK_STREAM, (void *) &inet, sizeof inet, 1)", 1, "2 getsockopt, getsockname", All),
    case("", "sd_is_socket_sockaddr(null, SOCK_STREAM, (void *) &inet, sizeof inet, 1)", 0, "getsockopt", All),

    case("", "sd_is_socket_unix(stream, 0, -1, NULL, 0)", 1, "getsockname", All),
    case("", "sd_is_socket_unix(stream, SOCK_STREAM, 1, \"stream\", 0)", 1, "2 getsockopt, getsockname", All),
    case("", "sd_is_socket_unix(stream, SOCK_STREAM, 1, \"other\", 0)", 0, "2 getsockopt, getsockname", All),
    case("", "sd_is_socket_unix(null, SOCK_STREAM, 1, \"stream\", 0)", 0, "getsockopt", All),

    case("", "sd_is_mq(queue, NULL)", 1, "mq_getsetattr", All),
    // That one is there only where /dev/mqueue is mounted.
    case("", "sd_is_mq(queue, \"/sdlite-no-such-queue\")", ENOENT, "mq_getsetattr, stat", All),
    case("", "sd_is_mq(null, NULL)", 0, "mq_getsetattr, fstat", All),
    case("", "sd_is_mq(closed, NULL)", EBADF, "mq_getsetattr, fstat", OneLess),

    case("unsetenv(\"NOTIFY_SOCKET\")", "sd_notify(0, \"READY=1\")", 0, "", All),
    case("", "sd_notify(0, \"READY=1\")", 1, "socket, getresuid, getresgid, sendmsg, close", All),
    case("", "sd_notify(1, \"READY=1\")", 1, "socket, getresuid, getresgid, sendmsg, close", All),
    case("", "sd_notify(0, text(300 * 1000))", 1, "socket, getresuid, getresgid, sendmsg, setsockopt, sendmsg, close", All),
    case("", "sd_notify(0, NULL)", EINVAL, "", All),
    case("setenv(\"NOTIFY_SOCKET\", \"x\", 1)", "sd_notify(0, \"READY=1\")", EPROTO, "", Since258),
    case("setenv(\"NOTIFY_SOCKET\", \"/\", 1)", "sd_notify(0, \"READY=1\")", EINVAL, "", All),
    case("", "sd_notifyf(0, \"MAINPID=%d\", 1)", 1, "socket, getresuid, getresgid, sendmsg, close", All),
    case("", "sd_pid_notify(1, 0, \"READY=1\")", 1, "socket, getresuid, getresgid, getpid, sendmsg, close", All),
    case("", "sd_pid_notify(self, 0, \"READY=1\")", 1, "socket, getresuid, getresgid, getpid, sendmsg, close", All),
    case("", "sd_pid_notifyf(1, 0, \"MAINPID=%d\", 1)", 1, "socket, getresuid, getresgid, getpid, sendmsg, close", All),
    case("", "sd_pid_notify_with_fds(0, 0, \"FDSTORE=1\", (int[]) { 20, 21 }, 2)", 1, "socket, getresuid, getresgid, sendmsg, close", All),
    case("", "sd_pid_notify_with_fds(0, 0, \"FDSTORE=1\", many, 253)", 1, "socket, getresuid, getresgid, sendmsg, close", All),
    case("", "sd_pid_notify_with_fds(0, 0, \"FDSTORE=1\", many, 254)", E2BIG, "", Since258),
    case("", "IF_THERE(sd_pid_notifyf_with_fds, 0, 0, many, 2, \"FDSTORE=%d\", 1)", 1, "socket, getresuid, getresgid, sendmsg, close", Since258),
    case("", "sd_notify_barrier(0, 0)", ETIMEDOUT, "pipe2, socket, getresuid, getresgid, sendmsg, 2 close, ppoll, close", All),
    case("", "IF_THERE(sd_pid_notify_barrier, 1, 0, 0)", ETIMEDOUT, "pipe2, socket, getresuid, getresgid, getpid, sendmsg, 2 close, ppoll, close", Since258),
    case("", "sd_booted()", 0, "stat", All),
    case("", "sd_watchdog_enabled(0, NULL)", 0, "", All),
    case("setenv(\"WATCHDOG_USEC\", \"5\", 1)", "sd_watchdog_enabled(0, NULL)", 1, "", All),
    case("setenv(\"WATCHDOG_PID\", \"1\", 1)", "sd_watchdog_enabled(1, &usec)", 0, "getpid", Not),
    case("", "IF_THERE(sd_pidfd_get_inode_id, pidfd, &usec)", 0, "fstatfs, fstat", Since258),
    case("", "IF_THERE(sd_pidfd_get_inode_id, -1, &usec)", EBADF, "", Since258),

    case("", "(opened = sd_journal_stream_fd(\"me\", LOG_INFO, 1)) >= 0", 1, "socket, connect, shutdown, setsockopt, sendmsg", All),
    case("", "sd_journal_stream_fd(\"me\", 8, 1)", EINVAL, "", All),
    case("", "IF_THERE(sd_journal_stream_fd_with_namespace, \"no\", \"me\", LOG_INFO, 1)", ENOENT, "socket, connect, close", Since258),
    case("", "IF_THERE(sd_journal_stream_fd_with_namespace, \"*\", \"me\", LOG_INFO, 1)", EINVAL, "", Since258),

    case("", "sd_journal_print(LOG_INFO, \" \")", 0, "", All),
    case("", "sd_journal_print(8, \"hello\")", EINVAL, "", All),
    case("", "sd_journal_sendv(fields, 0)", EINVAL, "", All),
    case("", "sd_journal_sendv(fields, 2)", 0, "socket, sendmsg", All),
    case("", "sd_journal_sendv(fields, 2)", 0, "sendmsg", All),
    case("", "(sd_journal_sendv)(fields, 2)", 0, "sendmsg", All),
    case("", "sd_journal_send(\"MESSAGE=%d\", 1, \"A=%s\", \"b\", NULL)", 0, "sendmsg", All),
    case("", "sd_journal_send(\"MESSAGE=%s\", text(4000), NULL)", 0, "sendmsg", All),
    case("", "sd_journal_perror(\"what\")", 0, "sendmsg", All),
    case("", "sd_journal_print(LOG_INFO, \"another\")", 0, "sendmsg", All),
    case("", "(sd_journal_print)(LOG_INFO, \"without a location\")", 0, "sendmsg", All),
    case("", "sd_journal_print(LOG_INFO, \"%s\", text(4000))", 0, "sendmsg", All),
];

#[test]
fn each_call_makes_the_system_calls_it_needs_and_no_more_than_libsystemd() {
    let scratch = support::scratch();
    let scratch = scratch.path();
    if !support::has("strace", "strace") {
        return;
    }
    let is_here = |case: &&Case| {
        let for_root = ["setsockopt", "getresgid, getpid"].iter().any(|costs| case.costs.contains(costs));
        (support::has_pidfs() || !case.costs.contains("pidfd")) && (support::is_root_of_the_machine() || !for_root)
    };
    let cases: Vec<&Case> = CASES.iter().filter(is_here).collect();
    let lines: String = cases.iter().map(|case| format!("CASE({}, {});\n", case.given, case.call)).collect();
    fs::write(scratch.join("cases.h"), lines).expect("the cases");

    let source = support::source().join("tests/programs/syscalls.c");
    let include = format!("-I{}", scratch.display());
    let flags = [include.as_str(), "-Wall", "-Werror", "-lrt"];
    let program = scratch.join("ours");
    support::compile(&source, &program, flags);
    let Some(ours) = measure(&program) else { return };
    assert_eq!(ours.len(), cases.len(), "{ours:#?}");
    for (case, (answer, calls)) in cases.iter().zip(&ours) {
        assert_eq!((*answer, counted(calls).as_str()), (case.answer, case.costs), "{}; {}", case.given, case.call);
    }

    let program = scratch.join("theirs");
    if !support::compile_with_libsystemd(&source, &program, flags) {
        return;
    }
    let theirs = measure(&program).expect("what was there before");
    let mut table = String::from("| call | sdlite | libsystemd |\n| --- | --- | --- |\n");
    for (case, ((_, ours), (answer, theirs))) in cases.iter().zip(ours.iter().zip(&theirs)) {
        let call = if case.given.is_empty() { case.call.to_owned() } else { format!("{}; {}", case.given, case.call) };
        writeln!(table, "| {call} | {}: {} | {}: {} |", ours.len(), case.costs, theirs.len(), counted(theirs))
            .expect("memory");
        let most = match case.compared {
            All => theirs.len(),
            OneLess => theirs.len() + 1,
            Since258 if support::libsystemd_has("LIBSYSTEMD_258") => theirs.len(),
            Since258 | Not => continue,
        };
        assert_eq!(*answer, case.answer, "libsystemd's {call}");
        assert!(ours.len() <= most, "{call}: libsystemd needs only {}", counted(theirs));
    }
    println!("{table}");
}

/// Runs the program where the journal takes streams alone: for each case its answer, and the system calls it made.
fn measure(program: &Path) -> Option<Vec<(i32, Vec<String>)>> {
    let folder = support::scratch();
    let trace: PathBuf = folder.path().join("trace");
    let run = support::scratch();
    let stdout = run.path().join("systemd/journal/stdout");
    fs::create_dir_all(stdout.parent().expect("its folder")).expect("a folder");
    let _journal = UnixListener::bind(&stdout).expect("the socket of the journal for streams");
    let output = support::run(
        support::with_run(run.path())?
            .args(["strace", "-a1", "-o"])
            .arg(&trace)
            .arg(program)
            .current_dir(folder.path()),
    );
    let answers = String::from_utf8(output.stdout).expect("numbers");
    let answers = answers.lines().map(|answer| answer.parse().expect("a number"));
    let trace = fs::read_to_string(&trace).expect("a trace");
    Some(answers.zip(between_marks(&trace).map(|calls| names(&calls))).collect())
}
