//! Lines that do not come to the log alone: StandardOutput=kmsg, journal+console and kmsg+console.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use serde::{Deserialize, Serialize};

use crate::log::entry::Entry;
use crate::spec::{ExecSpec, Output};

/// Where lines are copied to. Where that cannot be written to, as in most containers, the log alone has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// The kernel's log.
    kmsg: bool,
    /// The console.
    console: bool,
}

impl Copies {
    /// What a unit says of its commands. Both streams are one.
    pub fn of(exec: &ExecSpec) -> Self {
        let outputs = [&exec.standard_output, &exec.standard_error];
        let any = |wanted: [Output; 2]| outputs.iter().any(|output| wanted.contains(output));
        Self {
            kmsg: any([Output::Kmsg, Output::KmsgConsole]),
            console: any([Output::JournalConsole, Output::KmsgConsole]),
        }
    }

    /// Copies an entry.
    pub fn write(self, entry: &Entry) {
        let line = || {
            let part = |name| entry.last(name).map(String::from_utf8_lossy).unwrap_or_default();
            // Without a newline, what is written to the kernel's log is not complete, and not seen.
            format!("{}[{}]: {}\n", part("SYSLOG_IDENTIFIER"), part("_PID"), part("MESSAGE"))
        };
        if self.kmsg {
            append("/dev/kmsg", &format!("<{}>{}", entry.priority(), line()));
        }
        if self.console {
            append("/dev/console", &line());
        }
    }
}

/// Writes to a device that nobody may read from: it is not waited for.
fn append(device: &str, text: &str) {
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let opened = File::options().append(true).custom_flags(flags).open(device);
    let _ = opened.and_then(|mut device| device.write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_copied_where_one_of_the_streams_says_so() {
        for (output, kmsg, console) in [
            (Output::Journal, false, false),
            (Output::Null, false, false),
            (Output::Kmsg, true, false),
            (Output::JournalConsole, false, true),
            (Output::KmsgConsole, true, true),
        ] {
            for streams in [[output.clone(), Output::Journal], [Output::Journal, output.clone()]] {
                let [standard_output, standard_error] = streams;
                let exec = ExecSpec { standard_output, standard_error, ..ExecSpec::default() };
                assert_eq!(Copies::of(&exec), Copies { kmsg, console }, "{output:?}");
            }
        }
    }
}
