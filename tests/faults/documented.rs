//! What has to come of a fault: as a rule, its errno. The exceptions are rules of the headers, or what a call is made for.

use sdlite_test_support::calls::Case;

use crate::errnos::Fault;

/// What comes of a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The errno of what failed, and nothing sent after it.
    Fails,
    /// What would have come without the fault.
    Unaffected,
    /// As that, but it is sent in this process's own name.
    AsItself,
    Answers(i32),
    /// Something else entirely.
    Prints(&'static [&'static str]),
}
use Outcome::{Answers, AsItself, Fails, Prints, Unaffected};

/// What comes of `fault` at the system call of that name; `nth` is 0 for the first of them.
pub fn outcome(case: &Case, name: &str, nth: usize, fault: Fault) -> Outcome {
    let function = case.function();
    let errno = fault.errno().map_or(0, |errno| errno.number);
    let once = !matches!(fault, Fault::Errors(_));
    let in_listen_fds = function.starts_with("sd_listen_fds");
    let in_is = function.starts_with("sd_is_");
    let not_open = in_is && case.answer == -libc::EBADF;
    let notifies = function.contains("notif");
    let gets_boot = function.starts_with("sd_id128_get_boot");
    let too_large = matches!(errno, libc::EMSGSIZE | libc::ENOBUFS);
    match name {
        // What strace does not let close is another writing end, besides the manager's.
        "close" if case.call.contains("barrier") && case.answer == 1 && nth == 1 => Answers(-libc::ETIMEDOUT),
        // Nothing hangs on it.
        "close" | "munmap" => Unaffected,
        _ if is_of_login(function) => of_login(case, name, nth, errno),
        // malloc(3) has another way to get memory than the one that fails.
        "mmap" | "brk" => Unaffected,
        // They cannot fail. Where they did, both answers would be 0.
        "getresuid" | "getresgid" => Unaffected,
        // Without a larger send buffer, the largest messages for the manager do not fit.
        "setsockopt" if notifies && !once => Answers(-libc::EMSGSIZE),
        "setsockopt" => Unaffected,

        // There is a device too.
        "getrandom" => Unaffected,
        "read" if errno == libc::EINTR => Unaffected,
        "read" if errno == 0 && function == "sd_id128_randomize" => Answers(-libc::EIO),
        // No text, and one with zero bytes in front.
        "read" if matches!(fault, Fault::Returns(0)) => Answers(-libc::ENOMEDIUM),
        "read" if errno == 0 => Answers(-libc::EUCLEAN),
        // There is no such key, or whoever asks may not do so.
        "request_key" if matches!(errno, libc::EACCES | libc::ENOKEY | libc::ENOSYS | libc::EPERM) => {
            Answers(-libc::ENXIO)
        }
        "keyctl" if errno == 0 => Answers(-libc::EUCLEAN),
        // Where it cannot be told, /proc is mounted and has no such file.
        "openat" if case.answer == -libc::ENOSYS && errno == libc::ENOENT => Unaffected,
        "openat" if gets_boot && nth == 1 => Answers(-libc::ENOENT),
        "fstatfs" if gets_boot => Answers(-libc::ENOENT),

        // Where the id cannot be had, the variable is ignored.
        "pidfd_open" | "fstatfs" | "fstat" if in_listen_fds && case.answer == 0 => {
            Prints(&["answer 3", "flagged 3", "flagged 4", "flagged 5"])
        }
        "pidfd_open" | "fstatfs" | "fstat" if in_listen_fds => Unaffected,
        // Where it cannot be told whether there are ids, there are none.
        "pidfd_open" => Answers(-libc::EOPNOTSUPP),
        "fstatfs" if nth == 1 => Answers(-libc::EOPNOTSUPP),

        "stat" if errno == libc::ENOENT && function == "sd_booted" => Answers(0),
        "stat"
            if matches!(function, "sd_is_fifo" | "sd_is_special") && matches!(errno, libc::ENOENT | libc::ENOTDIR) =>
        {
            Answers(0)
        }
        // Of what is not open or is no socket, that is what is told.
        "getsockopt" if not_open && errno != libc::ENOTSOCK => Unaffected,
        "getsockopt" if in_is && case.call.contains("(null, ") => Unaffected,
        "getsockopt" | "getsockname" if in_is && errno == libc::ENOTSOCK => Answers(0),
        "mq_getsetattr" if errno == libc::EBADF && !not_open => Answers(0),

        // The next port: what is no socket of AF_VSOCK has none.
        "bind" if errno == libc::EADDRINUSE && once => Answers(-libc::EINVAL),
        // Who is not privileged goes without.
        "bind" if matches!(errno, libc::EACCES | libc::EPERM) => Unaffected,
        // With a larger send buffer.
        "sendmsg" if notifies && too_large && once && nth == 0 => Unaffected,
        // Sent or written in part.
        "sendmsg" | "writev" if errno == 0 => Answers(-libc::EIO),
        // Who may not speak for another process speaks for itself.
        "sendmsg" if case.has_credentials() && once => AsItself,
        // There is no journal.
        "sendmsg" if case.sends_to_journal() && errno == libc::ENOENT => Answers(0),
        // With a larger send buffer, or as a file.
        "sendmsg" if case.sends_to_journal() && (too_large || errno == libc::EAGAIN) && once && nth < 2 => Unaffected,
        // The other side has nothing to say.
        "recvfrom" if errno == 0 => Answers(-libc::EPROTO),
        // The time is over.
        "ppoll" if errno == 0 => Answers(-libc::ETIMEDOUT),
        _ => Fails,
    }
}

pub fn is_of_login(function: &str) -> bool {
    let about = ["pid_get_", "peer_get_", "uid_", "session_", "seat_", "machine_", "get_", "login_monitor_"];
    let about_pidfd = function.starts_with("sd_pidfd_get_") && function != "sd_pidfd_get_inode_id";
    about_pidfd || function.strip_prefix("sd_").is_some_and(|rest| about.iter().any(|about| rest.starts_with(about)))
}

/// The same, of sd-login(3): files that are not there mean something.
fn of_login(case: &Case, name: &str, nth: usize, errno: i32) -> Outcome {
    let function = case.function();
    let of_process = function.starts_with("sd_pid") || function.starts_with("sd_peer");
    // The control groups of the process and of process 1 come first where it is about this process.
    let of_cgroup = of_process || case.call.contains("(NULL") && nth < 2;
    match (name, errno) {
        ("openat", libc::ENOENT) if case.call.contains("(null, ") => Answers(-libc::EBADF),
        ("openat", libc::ENOENT) if of_cgroup => Answers(-libc::ESRCH),
        ("openat", libc::ENOENT) => match function {
            "sd_uid_get_state" => Prints(&["answer 0", "word: offline"]),
            "sd_uid_get_display" => Answers(-libc::ENODATA),
            "sd_get_uids" => Prints(&["answer 0", "users:"]),
            "sd_uid_get_sessions"
            | "sd_uid_get_seats"
            | "sd_get_seats"
            | "sd_get_sessions"
            | "sd_get_machine_names" => Prints(&["answer 0", "names:, which nobody will free"]),
            "sd_uid_is_on_seat" => Answers(0),
            _ => Answers(-libc::ENXIO),
        },
        // That is also what tells that a process is in none.
        ("openat", libc::ENXIO) if of_cgroup && !function.starts_with("sd_peer") && !function.ends_with("_cgroup") => {
            Answers(-libc::ENODATA)
        }
        // The directory has been removed meanwhile.
        ("getdents64", libc::ENOENT) if nth > 0 => Unaffected,
        ("getdents64", libc::ENOENT) if function == "sd_get_uids" => Prints(&["answer 0", "users:"]),
        ("getdents64", libc::ENOENT) => Prints(&["answer 0", "names:, which nobody will free"]),
        // An older kernel: there are other ways.
        ("ioctl", libc::ENOTTY | libc::EINVAL) | ("getsockopt", libc::ENOPROTOOPT | libc::EOPNOTSUPP) => Unaffected,
        // Nothing has happened.
        ("read", libc::EAGAIN) if function == "sd_login_monitor_flush" => Unaffected,
        _ => Fails,
    }
}
