//! Signals, by their numbers and names in signal(7).

use std::ffi::c_int;
use std::fmt::{self, Display, Formatter};

/// A signal, those of real time included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(c_int);

/// The signals that have names of their own; where one has two, the one that systemd prints comes first.
const NAMES: [(&str, c_int); 33] = [
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ILL", libc::SIGILL),
    ("TRAP", libc::SIGTRAP),
    ("ABRT", libc::SIGABRT),
    ("IOT", libc::SIGABRT),
    ("BUS", libc::SIGBUS),
    ("FPE", libc::SIGFPE),
    ("KILL", libc::SIGKILL),
    ("USR1", libc::SIGUSR1),
    ("SEGV", libc::SIGSEGV),
    ("USR2", libc::SIGUSR2),
    ("PIPE", libc::SIGPIPE),
    ("ALRM", libc::SIGALRM),
    ("TERM", libc::SIGTERM),
    ("STKFLT", libc::SIGSTKFLT),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
    ("VTALRM", libc::SIGVTALRM),
    ("PROF", libc::SIGPROF),
    ("WINCH", libc::SIGWINCH),
    ("IO", libc::SIGIO),
    ("POLL", libc::SIGIO),
    ("PWR", libc::SIGPWR),
    ("SYS", libc::SIGSYS),
];

impl Signal {
    /// SIGHUP.
    pub const HUP: Self = Self(libc::SIGHUP);
    /// SIGINT.
    pub const INT: Self = Self(libc::SIGINT);
    /// SIGABRT.
    pub const ABRT: Self = Self(libc::SIGABRT);
    /// SIGKILL.
    pub const KILL: Self = Self(libc::SIGKILL);
    /// SIGPIPE.
    pub const PIPE: Self = Self(libc::SIGPIPE);
    /// SIGTERM.
    pub const TERM: Self = Self(libc::SIGTERM);

    /// The signal of a number.
    pub fn new(number: c_int) -> Option<Self> {
        (1..=libc::SIGRTMAX()).contains(&number).then_some(Self(number))
    }

    /// Its number.
    pub fn number(self) -> c_int {
        self.0
    }

    /// A signal as a unit names it: `SIGTERM`, `TERM`, `15`, `RTMIN+3`.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix("SIG").unwrap_or(text);
        if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(Self(*number));
        }
        let offset = |digits: &str| digits.parse::<u8>().ok().map(c_int::from);
        let real_time = libc::SIGRTMIN()..=libc::SIGRTMAX();
        if let Some(rest) = name.strip_prefix("RTMIN") {
            let number = if rest.is_empty() { 0 } else { offset(rest.strip_prefix('+')?)? };
            return Some(libc::SIGRTMIN() + number).filter(|number| real_time.contains(number)).map(Self);
        }
        if let Some(rest) = name.strip_prefix("RTMAX") {
            let number = if rest.is_empty() { 0 } else { offset(rest.strip_prefix('-')?)? };
            return Some(libc::SIGRTMAX() - number).filter(|number| real_time.contains(number)).map(Self);
        }
        text.parse().ok().and_then(Self::new)
    }
}

impl Display for Signal {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => write!(formatter, "SIG{name}"),
            None if self.0 >= libc::SIGRTMIN() => write!(formatter, "SIGRTMIN+{}", self.0 - libc::SIGRTMIN()),
            None => write!(formatter, "signal {}", self.0),
        }
    }
}
