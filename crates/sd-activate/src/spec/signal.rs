//! Signals, by their numbers and names in signal(7).

use std::ffi::c_int;
use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use super::number;

/// A signal, those of real time included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signal(c_int);

/// The signals that have names of their own.
const NAMES: [(&str, c_int); 31] = [
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ILL", libc::SIGILL),
    ("TRAP", libc::SIGTRAP),
    ("ABRT", libc::SIGABRT),
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
    ("PWR", libc::SIGPWR),
    ("SYS", libc::SIGSYS),
];

impl Signal {
    /// SIGCONT.
    pub const CONT: Self = Self(libc::SIGCONT);
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
        let offset = |digits: &str| number::parse(digits).and_then(|offset| c_int::try_from(offset).ok());
        let real_time = libc::SIGRTMIN()..=libc::SIGRTMAX();
        if let Some(rest) = name.strip_prefix("RTMIN") {
            let number = if rest.is_empty() { 0 } else { offset(rest.strip_prefix('+')?)? };
            return Some(libc::SIGRTMIN() + number).filter(|number| real_time.contains(number)).map(Self);
        }
        if let Some(rest) = name.strip_prefix("RTMAX") {
            let number = if rest.is_empty() { 0 } else { offset(rest.strip_prefix('-')?)? };
            return Some(libc::SIGRTMAX() - number).filter(|number| real_time.contains(number)).map(Self);
        }
        number::parse(name).filter(|_| name == text).and_then(|number| Self::new(c_int::try_from(number).ok()?))
    }
}

impl Display for Signal {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => write!(formatter, "SIG{name}"),
            None if self.0 >= libc::SIGRTMIN() => write!(formatter, "SIGRTMIN+{}", self.0 - libc::SIGRTMIN()),
            None => write!(formatter, "SIG{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_read_and_shown_as_systemd_does() {
        let cases = [
            ("SIGTERM", Some("SIGTERM")),
            ("TERM", Some("SIGTERM")),
            ("15", Some("SIGTERM")),
            ("+15", Some("SIGTERM")),
            ("0xf", Some("SIGTERM")),
            ("RTMIN+0x1", Some("SIGRTMIN+1")),
            ("RTMIN+1", Some("SIGRTMIN+1")),
            ("SIGRTMIN", Some("SIGRTMIN+0")),
            ("RTMAX-1", Some("SIGRTMIN+29")),
            ("RTMAX", Some("SIGRTMIN+30")),
            ("64", Some("SIGRTMIN+30")),
            ("32", Some("SIG32")),
            ("0", None),
            ("65", None),
            ("term", None),
            ("SIG15", None),
            ("IOT", None),
            ("POLL", None),
            ("RTMIN+40", None),
            ("RTMAX-31", None),
        ];
        for (text, shown) in cases {
            assert_eq!(Signal::parse(text).map(|signal| signal.to_string()).as_deref(), shown, "{text}");
        }
    }
}
