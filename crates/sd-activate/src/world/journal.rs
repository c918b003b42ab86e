//! The log of units: what their services write, and what is said of them, on standard error.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::unistd::{Pid, gethostname, read};

use crate::log::entry::{Entry, Fields, Timestamp};
use crate::log::output::Format;
use crate::log::priority::Priority;
use crate::log::ring::Ring;
use crate::log::stream::{Header, Stream};
use crate::spec::Log;

/// How much is read at once.
const PIECE: usize = 16 * 1024;

/// How many bytes of the log are kept in memory.
const BUFFER: usize = 4 << 20;

/// The log, and the streams that it is written to by.
pub struct Journal {
    host: String,
    ring: Ring,
    streams: Vec<Source>,
}

/// A stream of lines.
struct Source {
    reader: OwnedFd,
    stream: Stream,
    unit: String,
    /// The process that writes there, as long as only one does.
    pid: Option<Pid>,
}

impl Journal {
    /// The log of this machine. Nobody writes yet.
    pub fn of_this_machine() -> Self {
        let host = gethostname().ok().and_then(|host| host.into_string().ok()).unwrap_or_default();
        let host = host.split('.').next().unwrap_or_default().to_owned();
        Self { host, ring: Ring::new(BUFFER), streams: Vec::new() }
    }

    /// The newest entries.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Opens a stream for the services of a unit. Returns its number, and what they write to.
    pub fn open(&mut self, unit: &str, identifier: &str, log: &Log) -> std::io::Result<(usize, Arc<OwnedFd>)> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let header = Header {
            identifier: log.identifier.as_deref().unwrap_or(identifier).as_bytes().to_vec(),
            priority: Priority::from(log.facility | log.level),
            level_prefix: log.level_prefix,
        };
        let (reader, stream) = (reader.into(), Stream::with_header(header));
        self.streams.push(Source { reader, stream, unit: unit.to_owned(), pid: None });
        Ok((self.streams.len() - 1, Arc::new(writer.into())))
    }

    /// How many streams there are.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// What a stream is read from.
    pub fn reader(&self, number: usize) -> impl AsFd + '_ {
        &self.streams[number].reader
    }

    /// Says which process writes to a stream.
    pub fn set_pid(&mut self, number: usize, pid: Pid) {
        self.streams[number].pid = Some(pid);
    }

    /// Reads all that is there, and writes it.
    pub fn drain(&mut self) {
        for number in 0..self.streams.len() {
            while self.read(number) {}
        }
    }

    /// Reads from a stream, and writes what came; whether anything did.
    pub fn read(&mut self, number: usize) -> bool {
        let source = &mut self.streams[number];
        let mut bytes = [0; PIECE];
        let Ok(length) = read(&source.reader, &mut bytes) else { return false };
        let mut entries = Vec::new();
        // Without a header of the service's own, nothing can be wrong with it.
        let _ = source.stream.push(&bytes[..length], |fields| entries.push(fields));
        for fields in entries {
            let mut sender = Fields::default();
            sender.push("_SYSTEMD_UNIT", &source.unit);
            source.pid.into_iter().for_each(|pid| sender.push("_PID", pid.to_string()));
            sender.push("_HOSTNAME", &self.host);
            write(&mut self.ring, fields, sender);
        }
        length > 0
    }

    /// Writes what this process says.
    pub fn say(&mut self, message: &str) {
        let mut fields = Fields::default();
        fields.push("MESSAGE", message);
        fields.push("SYSLOG_IDENTIFIER", "sd-activate");
        let mut sender = Fields::default();
        sender.push("_TRANSPORT", "driver");
        sender.push("_PID", std::process::id().to_string());
        sender.push("_HOSTNAME", &self.host);
        write(&mut self.ring, fields, sender);
    }
}

fn write(ring: &mut Ring, fields: Fields, sender: Fields) {
    let realtime = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros() as u64);
    let entry = Entry { timestamp: Timestamp { realtime, monotonic: 0 }, fields, sender: Arc::new(sender) };
    let mut text = Vec::new();
    let _ = Format::Short.write(&entry, &mut text);
    // One write, as of any line of this process.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), &text);
    ring.push(entry);
}
