//! Where libsystemd does something else upon the same fault, and why that is so.

use crate::cases::{CASES, Case};
use crate::errnos::Fault;
use crate::{Trial, answer};

/// The releases of libsystemd that do so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Releases {
    All,
    Before258,
    Since258,
}
use Releases::{All, Before258, Since258};

/// A kind of difference.
pub struct Difference {
    pub why: &'static str,
    pub releases: Releases,
    explains: fn(&Case, &Trial<'_>, i32) -> bool,
}

pub const DIFFERENCES: &[Difference] = &[
    Difference {
        why: "the send buffer is raised only when a message did not fit, which is then sent again",
        releases: All,
        explains: |_, trial, _| {
            let errno = trial.fault.errno().map_or(0, |errno| errno.number);
            let too_large = matches!(errno, libc::EMSGSIZE | libc::ENOBUFS | libc::EAGAIN);
            trial.call.name == "setsockopt" || trial.call.name == "sendmsg" && too_large
        },
    },
    Difference {
        why: "close(2) of a socket or a pipe does not fail; if it did, libsystemd would keep errno, and crash at EBADF",
        releases: All,
        explains: |_, trial, _| trial.call.name == "close",
    },
    Difference {
        why: "who gets ENOTSOCK need not ask once more whether it is a socket, for then it is none",
        releases: All,
        explains: |case, trial, _| {
            let no_socket = trial.fault.errno().is_some_and(|errno| errno.number == libc::ENOTSOCK);
            case.function().starts_with("sd_is_socket") && no_socket
        },
    },
    Difference {
        why: "a datagram is sent whole or not at all; libsystemd does not look at how much of it was",
        releases: All,
        explains: |_, trial, theirs| {
            trial.call.name == "sendmsg" && matches!(trial.fault, Fault::Returns(_)) && theirs >= 0
        },
    },
    Difference {
        why: "a journal entry for which there is no memory is not cut",
        releases: All,
        explains: |_, trial, theirs| {
            trial.call.name == "writev" && matches!(trial.fault, Fault::Returns(_)) && theirs == 0
        },
    },
    Difference {
        why: "whether the kernel has ids is not asked first, but only where a descriptor has none",
        releases: Since258,
        explains: |case, trial, _| case.function() == "sd_pidfd_get_inode_id" && trial.call.name == "fstatfs",
    },
    Difference {
        why: "memfd_create(2) is not asked for flags that older kernels do not know, and so not again without them",
        releases: All,
        explains: |_, trial, theirs| trial.call.name == "memfd_create" && theirs == 0,
    },
    Difference {
        why: "before 258, LISTEN_PIDFDID means nothing, and stays set",
        releases: Before258,
        explains: |case, _, _| case.given.contains("passed_to"),
    },
    Difference {
        why: "before 258, NOTIFY_SOCKET stays set where descriptors have run out",
        releases: Before258,
        explains: |case, trial, _| case.function().ends_with("barrier") && trial.call.name == "pipe2",
    },
];

impl Difference {
    /// Whether the libsystemd that is compared with is expected to do so.
    pub fn is_here(&self, has_258: bool) -> bool {
        self.releases == All || (self.releases == Since258) == has_258
    }
}

/// Whether libsystemd did something else.
pub fn differ(ours: &[String], theirs: &[String]) -> bool {
    let keeps = |lines: &[String]| lines.iter().any(|line| line == "errno kept");
    let others = |lines: &[String]| lines.iter().filter(|line| !line.starts_with("errno")).cloned().collect::<Vec<_>>();
    // Where they leave errno as it was, so does this.
    others(ours) != others(theirs) || keeps(theirs) && !keeps(ours)
}

/// Which of the differences it is, if it is one of them.
pub fn known(trial: &Trial<'_>, theirs: &[String], has_258: bool) -> Option<usize> {
    DIFFERENCES.iter().position(|it| it.is_here(has_258) && (it.explains)(&CASES[trial.case], trial, answer(theirs)))
}
