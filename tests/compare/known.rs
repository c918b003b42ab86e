//! What is known to differ from libsystemd. Each is a row of the README's Compatibility, or stands below that table.
//!
//! Where a case differs, its function's module says whether it is by one of these alone. That is counted and shown below the
//! table of functions, so that one which never occurs is noticed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// In the order of `KNOWN`.
#[derive(Clone, Copy)]
pub enum Known {
    Pidfdid,
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
    Errno,
}

/// Which releases of libsystemd differ.
enum Releases {
    All,
    Before(u32),
    Since(u32),
}

use Releases::{All, Before, Since};

const KNOWN: [(Releases, &str); 12] = [
    (Before(258), "$LISTEN_PIDFDID is not looked at"),
    (Before(258), "$NOTIFY_SOCKET of an unknown kind is -EINVAL, not -EPROTO"),
    (Before(254), "$NOTIFY_SOCKET cannot be vsock:"),
    (Before(258), "more than 253 descriptors to pass are not -E2BIG"),
    (Before(258), "$NOTIFY_SOCKET stays set where a state cannot be formatted"),
    (Since(258), "an empty state is not sent where its credentials are refused"),
    (Before(258), "program names with *, ? or [, empty ones, and control characters beyond ASCII identify an entry"),
    (Since(258), "program names that are not UTF-8, or have noncharacters, do not identify an entry"),
    (Before(258), "the memfd of a large entry has another name"),
    (Since(258), "the memfd of a large entry is sealed against being executed"),
    (Before(258), "NULL as file or line of a location crashes, and is not tried"),
    (All, "errno changes, where libsdlite leaves it"),
];

impl Releases {
    /// Whether that release is one of them, or one that has added nothing to it.
    fn contain(&self, release: u32) -> bool {
        match *self {
            All => true,
            Before(first) => release < first,
            Since(first) => release >= first,
        }
    }
}

impl fmt::Display for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            All => Ok(()),
            Before(first) => write!(f, "before {first}: "),
            Since(first) => write!(f, "since {first}: "),
        }
    }
}

impl Known {
    pub fn concerns(self, release: u32) -> bool {
        KNOWN[self as usize].0.contain(release)
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

/// What has been counted, of the differences that this release has.
pub fn table(release: u32, functions: &[(&str, &Counts)]) -> String {
    let mut text = format!("\n{:>12} differ as is known\n", "cases");
    for (i, (releases, what)) in KNOWN.iter().enumerate().filter(|(_, (releases, _))| releases.contain(release)) {
        let counts = functions.iter().map(|(name, counts)| (*name, counts.0[i].load(Ordering::Relaxed)));
        let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
        let cases: u64 = counts.iter().map(|(_, count)| count).sum();
        let of = match &*counts {
            [] => "has not occurred".to_owned(),
            [(name, _)] => (*name).to_owned(),
            [(name, _), others @ ..] => format!("{name} and {} more", others.len()),
        };
        text += &format!("{cases:>12} {releases}{what}: {of}\n");
    }
    text
}
