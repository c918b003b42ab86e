//! What is known to differ from libsystemd. Each is a row of docs/compatibility.md.
//!
//! Where a case differs, its function's module says whether it is by some of these alone. That is counted and shown below the
//! table of functions, so that one which never occurs is noticed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// In the order of `KNOWN`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Known {
    Pidfdid,
    Binary,
    NotifyKind,
    NotifyVsock,
    NotifyDescriptors,
    NotifyUnset,
    NotifyEmpty,
    Program,
    ProgramNotText,
    MemfdName,
    MemfdSeal,
    LocationNull,
    IdErrors,
    IdNoProc,
    IdNull,
    IdZeros,
    IdApplication,
    IdShortKey,
    LoginErrno,
    LoginNull,
    MachineNull,
    SeatUsers,
    FileComment,
    FileBackslash,
    FileBlanks,
    PidfdPath,
    PidfdOwner,
    CgroupDots,
    CgroupLong,
    CgroupRoot,
    NameIgnored,
    Errno,
}

/// The releases that this has been tried with. Of those between two of them it is not known on which side they are.
const TRIED: [u32; 4] = [252, 254, 257, 262];

/// Releases of libsystemd.
#[derive(PartialEq, Eq)]
struct Releases {
    since: u32,
    before: u32,
}

const ALL: Releases = Releases { since: 0, before: u32::MAX };

const fn before(before: u32) -> Releases {
    Releases { before, ..ALL }
}

const fn since(since: u32) -> Releases {
    Releases { since, ..ALL }
}

const KNOWN: [(Releases, &str); 32] = [
    (before(258), "$LISTEN_PIDFDID is not looked at"),
    (Releases { since: 257, before: 262 }, "numbers may have 0b behind a vertical tab, a form feed or a sign"),
    (before(254), "$NOTIFY_SOCKET of an unknown kind is -EINVAL, not -EPROTO"),
    (before(257), "$NOTIFY_SOCKET cannot be vsock:, or fails with other errors"),
    (before(254), "more than 253 descriptors to pass are not -E2BIG"),
    (before(257), "$NOTIFY_SOCKET stays set where a state cannot be formatted"),
    (since(254), "an empty state is not sent where its credentials are refused"),
    (before(262), "program names with *, ? or [, empty ones, and control characters beyond ASCII identify an entry"),
    (since(262), "program names that are not UTF-8, or have noncharacters, do not identify an entry"),
    (before(262), "the memfd of a large entry has another name"),
    (since(254), "the memfd of a large entry is sealed against being executed"),
    (before(257), "NULL as file or line of a location crashes, and is not tried"),
    (before(253), "what is no ID is -EINVAL or -EIO, not -EUCLEAN"),
    (before(253), "a boot has no ID where /proc is not mounted: -ENOENT, not -ENOSYS"),
    (before(253), "NULL for an ID that is not wanted is -EINVAL"),
    (before(253), "IDs of boots and services may be all zeros"),
    (before(257), "the ID of an application may be all zeros"),
    (ALL, "what was read of a key that is too short is the ID of the service from then on, which is not tried"),
    (ALL, "sd-login leaves another number in errno, such as 0 after an error"),
    (before(262), "sd-login has -EINVAL where the place for the answer is NULL"),
    (before(262), "sd_machine_get_class and sd_machine_get_ifindices crash on NULL, and are not tried with it"),
    (
        ALL,
        "sd_seat_get_sessions may write beyond its memory where a seat has more users than sessions, and is not tried",
    ),
    (before(262), "a comment that ends in a backslash goes on in the next line"),
    (before(262), "a backslash stands for more than itself"),
    (ALL, "a field that is nothing but blanks after a backslash and a newline is empty, not missing"),
    (since(254), "a descriptor opened with O_PATH is -ENOTTY for sd_pidfd_get_cgroup and its siblings, not -EBADF"),
    (Releases { since: 254, before: 262 }, "a negative descriptor is -EINVAL for sd_pidfd_get_owner_uid, not -EBADF"),
    (before(262), "a path of a control group with empty parts, . or .. is taken as it stands"),
    (before(262), "a path of a control group may have parts of more than 255 bytes"),
    (
        before(262),
        "the root of control groups is found otherwise where process 1 is not in init.scope, or another is where that is",
    ),
    (before(262), "what is called .ignore is listed"),
    (ALL, "errno changes, where libsdlite leaves it"),
];

impl Releases {
    /// Whether that release may be one of them. Where it has added nothing to an older one, it is taken for that.
    fn may_contain(&self, release: u32) -> bool {
        let tried_before = TRIED.into_iter().rev().find(|tried| *tried < self.since).unwrap_or(0);
        tried_before < release && release < self.before
    }
}

impl fmt::Display for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ALL => Ok(()),
            Releases { since: 0, before } => write!(f, "before {before}: "),
            Releases { since, before: u32::MAX } => write!(f, "since {since}: "),
            Releases { since, before } => write!(f, "since {since}, before {before}: "),
        }
    }
}

impl Known {
    pub fn concerns(self, release: u32) -> bool {
        KNOWN[self as usize].0.may_contain(release)
    }
}

/// How often each of them has occurred.
#[derive(Default)]
pub struct Counts([AtomicU64; KNOWN.len()]);

impl Counts {
    pub fn count(&self, known: Known) {
        self.0[known as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// What has been counted, of the differences that this release has; and which it has for certain, and has not shown.
pub fn table(release: u32, functions: &[(&str, &Counts)]) -> (String, Vec<&'static str>) {
    let mut text = format!("\n{:>12} differ as is known\n", "cases");
    let mut absent = Vec::new();
    for (i, (releases, what)) in KNOWN.iter().enumerate().filter(|(_, (releases, _))| releases.may_contain(release)) {
        let counts = functions.iter().map(|(name, counts)| (*name, counts.0[i].load(Ordering::Relaxed)));
        let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
        let cases: u64 = counts.iter().map(|(_, count)| count).sum();
        let of = match &*counts {
            [] => {
                absent.extend(TRIED.contains(&release).then_some(*what));
                "has not occurred".to_owned()
            }
            [(name, _)] => (*name).to_owned(),
            [(name, _), others @ ..] => format!("{name} and {} more", others.len()),
        };
        text += &format!("{cases:>12} {releases}{what}: {of}\n");
    }
    (text, absent)
}
