//! Where libsystemd does something else upon the same fault, and why that is so.

use sdlite_test_support::calls::{Case, answer};
use sdlite_test_support::libsystemd_has;

use crate::Trial;
use crate::documented::is_of_login;
use crate::errnos::Fault;

/// The releases of libsystemd that do so, by the version node that the first or the next one has.
enum Releases {
    All,
    Before(&'static str),
    Since(&'static str),
}
use Releases::{Before, Since};

/// A kind of difference.
pub struct Difference {
    pub why: &'static str,
    releases: Releases,
    /// Whether it shows only where processes have ids.
    pub needs_pidfs: bool,
    explains: fn(&Case, &Trial<'_>, i32) -> bool,
}

const EVERYWHERE: Difference =
    Difference { why: "", releases: Releases::All, needs_pidfs: false, explains: |_, _, _| false };

const DIFFERENCES: &[Difference] = &[
    Difference {
        why: "the send buffer is raised only when a message did not fit, which is then sent again",
        explains: |_, trial, _| {
            let errno = trial.fault.errno().map_or(0, |errno| errno.number);
            let too_large = matches!(errno, libc::EMSGSIZE | libc::ENOBUFS | libc::EAGAIN);
            trial.call.name == "setsockopt" || trial.call.name == "sendmsg" && too_large
        },
        ..EVERYWHERE
    },
    Difference {
        why: "close(2) of a socket or a pipe does not fail; if it did, libsystemd would keep errno, and crash at EBADF",
        explains: |_, trial, _| trial.call.name == "close",
        ..EVERYWHERE
    },
    Difference {
        why: "who gets ENOTSOCK need not ask once more whether it is a socket, for then it is none",
        explains: |case, trial, _| {
            let no_socket = trial.fault.errno().is_some_and(|errno| errno.number == libc::ENOTSOCK);
            case.function().starts_with("sd_is_socket") && no_socket
        },
        ..EVERYWHERE
    },
    Difference {
        why: "a datagram is sent whole or not at all; libsystemd does not look at how much of it was",
        explains: |_, trial, theirs| {
            trial.call.name == "sendmsg" && matches!(trial.fault, Fault::Returns(_)) && theirs >= 0
        },
        ..EVERYWHERE
    },
    Difference {
        why: "a journal entry for which there is no memory is not cut",
        explains: |_, trial, theirs| {
            trial.call.name == "writev" && matches!(trial.fault, Fault::Returns(_)) && theirs == 0
        },
        ..EVERYWHERE
    },
    Difference {
        why: "whether the kernel has ids is not asked first, but only where a descriptor has none",
        releases: Since("LIBSYSTEMD_258"),
        needs_pidfs: true,
        explains: |case, trial, _| case.function() == "sd_pidfd_get_inode_id" && trial.call.name == "fstatfs",
    },
    Difference {
        why: "control groups are not read by stdio, which asks whether a file is a terminal; pidfds are asked which process it is",
        explains: |case, trial, _| is_of_login(case.function()) && trial.call.name == "ioctl",
        ..EVERYWHERE
    },
    Difference {
        why: "since 258, four functions ask a socket for the number of its peer alone, not for its pidfd",
        releases: Since("LIBSYSTEMD_258"),
        explains: |case, trial, _| {
            let number = ["user_unit", "slice", "user_slice", "machine_name"];
            let peer = case.function().strip_prefix("sd_peer_get_");
            peer.is_some_and(|peer| number.contains(&peer)) && trial.call.name == "getsockopt"
        },
        ..EVERYWHERE
    },
    Difference {
        why: "before 258, sockets are not asked for a pidfd of their peer",
        releases: Before("LIBSYSTEMD_258"),
        explains: |case, trial, _| {
            let unknown =
                trial.fault.errno().is_some_and(|errno| matches!(errno.number, libc::ENOPROTOOPT | libc::EOPNOTSUPP));
            case.function().starts_with("sd_peer_") && trial.call.name == "getsockopt" && unknown
        },
        ..EVERYWHERE
    },
    Difference {
        why: "memfd_create(2) is not asked for flags that older kernels do not know, and so not again without them",
        explains: |_, trial, theirs| trial.call.name == "memfd_create" && theirs == 0,
        ..EVERYWHERE
    },
    Difference {
        why: "before 253, what is no ID is EINVAL or EIO, and nobody asks whether /proc is mounted",
        releases: Before("LIBSYSTEMD_253"),
        explains: |case, trial, theirs| {
            let is_no_id = matches!(trial.fault, Fault::Returns(_)) && matches!(-theirs, libc::EINVAL | libc::EIO);
            case.function().starts_with("sd_id128_") && (is_no_id || case.answer == -libc::ENOSYS)
        },
        ..EVERYWHERE
    },
    Difference {
        why: "an ID is not made of the time and the like, nor of what came in part, where the kernel gives no random one",
        explains: |case, trial, theirs| {
            case.function() == "sd_id128_randomize" && matches!(&*trial.call.name, "openat" | "read") && theirs == 0
        },
        ..EVERYWHERE
    },
    Difference {
        why: "before 258, LISTEN_PIDFDID means nothing, and stays set",
        releases: Before("LIBSYSTEMD_258"),
        needs_pidfs: true,
        explains: |case, _, _| case.given.contains("passed_to"),
    },
    Difference {
        why: "before 257, NOTIFY_SOCKET stays set where descriptors have run out",
        releases: Before("LIBSYSTEMD_257"),
        explains: |case, trial, _| case.function().ends_with("barrier") && trial.call.name == "pipe2",
        ..EVERYWHERE
    },
];

/// Those that the libsystemd which is compared with is expected to show.
pub fn here() -> Vec<&'static Difference> {
    let is_here = |difference: &&Difference| match difference.releases {
        Releases::All => true,
        Before(node) => !libsystemd_has(node),
        Since(node) => libsystemd_has(node),
    };
    DIFFERENCES.iter().filter(is_here).collect()
}

impl Difference {
    /// Whether it is by this that libsystemd printed those lines.
    pub fn explains(&self, trial: &Trial<'_>, theirs: &[String]) -> bool {
        (self.explains)(trial.case(), trial, answer(theirs))
    }
}

/// Whether libsystemd did something else.
pub fn differ(ours: &[String], theirs: &[String]) -> bool {
    let keeps = |lines: &[String]| lines.iter().any(|line| line == "errno kept");
    let others = |lines: &[String]| lines.iter().filter(|line| !line.starts_with("errno")).cloned().collect::<Vec<_>>();
    // Where they leave errno as it was, so does this.
    others(ours) != others(theirs) || keeps(theirs) && !keeps(ours)
}
