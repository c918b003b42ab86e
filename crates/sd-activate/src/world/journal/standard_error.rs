//! Standard error: the log as journalctl(1) prints it, for whoever reads there. Who does not read holds up nobody.
//!
//! What cannot be written at once is queued. While the reader is slow and the queue is full, the log is not read either: whoever
//! writes more waits, and nothing is lost. When the reader has not read for a while it counts as gone: the log goes on without
//! it, and when it reads again it is told how many entries it has missed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use serde::{Deserialize, Serialize};

use crate::log::entry::Entry;
use crate::log::output::{Format, Printer};
use crate::saved;

/// So much is queued at most, but for the entry that goes beyond it.
const QUEUE_MAX: usize = 1 << 20;
/// So much can be written to a pipe without waiting if it can be written to at all: PIPE_BUF.
const PIPE_BUF: usize = 4096;

/// Standard error.
pub struct StandardError {
    printer: Printer,
    way: Way,
    /// What has not been written, from `written` on.
    queue: Vec<u8>,
    written: usize,
    /// The reader does not read.
    stalled: bool,
    /// How many entries were dropped since.
    missed: u64,
}

/// What has not been written to it, and what is known of its reader.
#[derive(Serialize, Deserialize)]
pub struct SavedError {
    #[serde(with = "saved")]
    queue: Vec<u8>,
    stalled: bool,
    missed: u64,
}

/// How it is written to without waiting. Its own flags are not changed: others may have it open as well.
enum Way {
    /// A file: it takes everything.
    File,
    /// A pipe or a terminal that was opened a second time, so that this one does not wait.
    Again(OwnedFd),
    Socket,
    /// A pipe or a terminal that cannot be opened a second time: a little at once, when it can be written to.
    Sparingly,
}

impl StandardError {
    /// In this format. Without one: with `<N>` before each line where a journal reads, and otherwise as `journalctl -o short`.
    pub fn new(format: Option<Format>) -> Self {
        let format = format.unwrap_or_else(|| if is_journal_stream() { Format::Prefix } else { Format::Short });
        Self::by(Way::find(), format)
    }

    fn by(way: Way, format: Format) -> Self {
        let printer = Printer::new(format);
        Self { printer, way, queue: Vec::new(), written: 0, stalled: false, missed: 0 }
    }

    /// Writes down what waits.
    pub fn save(&self) -> SavedError {
        let Self { printer: _, way: _, queue, written, stalled, missed } = self;
        SavedError { queue: queue[*written..].to_vec(), stalled: *stalled, missed: *missed }
    }

    /// The same again, in this format.
    pub fn restore(SavedError { queue, stalled, missed }: SavedError, format: Option<Format>) -> Self {
        Self { queue, stalled, missed, ..Self::new(format) }
    }

    /// What stands for it in a test: a pipe that is not waited for.
    #[cfg(test)]
    pub fn of_pipe(writer: OwnedFd) -> Self {
        Self::by(Way::Again(writer), Format::Short)
    }

    /// Writes an entry, after those that wait already.
    pub fn print(&mut self, entry: &Entry) {
        if self.stalled {
            self.missed += 1;
            return;
        }
        // There is nothing wrong with writing to memory.
        let _ = self.printer.write(entry, &mut self.queue);
    }

    /// Writes what waits, as far as that goes. Whether anything was written.
    pub fn flush(&mut self) -> bool {
        let before = self.written;
        while self.written < self.queue.len() {
            match self.way.write(&self.queue[self.written..]) {
                Ok(length) => self.written += length,
                Err(Errno::EINTR) => (),
                Err(Errno::EAGAIN) => break,
                // Nobody reads any more, or the disk is full.
                Err(_) => self.written = self.queue.len(),
            }
        }
        let some = self.written > before;
        if self.written == self.queue.len() {
            self.queue.clear();
            self.queue.shrink_to(64 * 1024);
            self.written = 0;
        } else if self.written > QUEUE_MAX / 2 {
            self.queue.drain(..self.written);
            self.written = 0;
        }
        some
    }

    /// How many bytes wait.
    pub fn waiting(&self) -> usize {
        self.queue.len() - self.written
    }

    /// Whether something waits until it can be written to.
    pub fn waits(&self) -> bool {
        self.waiting() > 0
    }

    /// What to wait for then.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.way.descriptor()
    }

    /// Whether nothing more is to be printed for now.
    pub fn is_full(&self) -> bool {
        !self.stalled && self.waiting() >= QUEUE_MAX
    }

    /// Its reader has not read for a while.
    pub fn stall(&mut self) {
        self.stalled = true;
    }

    /// The number of entries that its reader has missed, when it reads again.
    pub fn recovered(&mut self) -> Option<u64> {
        if !self.stalled || self.waiting() > QUEUE_MAX / 2 {
            return None;
        }
        self.stalled = false;
        Some(std::mem::take(&mut self.missed))
    }

    /// Writes what waits, as long as its reader reads within this time, in milliseconds.
    pub fn finish(&mut self, patience: u16) {
        while !self.flush_all() {
            let mut wait = [PollFd::new(self.way.descriptor(), PollFlags::POLLOUT)];
            if poll(&mut wait, PollTimeout::from(patience)).unwrap_or(0) == 0 {
                break;
            }
        }
    }

    fn flush_all(&mut self) -> bool {
        self.flush();
        self.waiting() == 0
    }
}

impl Way {
    fn find() -> Self {
        let error = io::stderr();
        let Ok(kind) = error.as_fd().try_clone_to_owned().and_then(|open| File::from(open).metadata()) else {
            return Self::File;
        };
        let kind = kind.file_type();
        if kind.is_socket() {
            return Self::Socket;
        }
        if !kind.is_fifo() && nix::unistd::isatty(&error) != Ok(true) {
            return Self::File;
        }
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        match OpenOptions::new().append(true).custom_flags(flags).open("/proc/self/fd/2") {
            Ok(again) => Self::Again(again.into()),
            Err(_) => Self::Sparingly,
        }
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Self::Again(again) => again.as_fd(),
            // SAFETY: this process never closes its standard error.
            _ => unsafe { BorrowedFd::borrow_raw(libc::STDERR_FILENO) },
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let open = self.descriptor();
        match self {
            Self::File | Self::Again(_) => nix::unistd::write(open, bytes),
            Self::Socket => send(open.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL),
            Self::Sparingly => {
                let mut ready = [PollFd::new(open, PollFlags::POLLOUT)];
                if poll(&mut ready, PollTimeout::ZERO)? == 0 {
                    return Err(Errno::EAGAIN);
                }
                nix::unistd::write(open, &bytes[..bytes.len().min(PIPE_BUF)])
            }
        }
    }
}

/// Whether standard error is what `$JOURNAL_STREAM` says: systemd.exec(5).
fn is_journal_stream() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let open = io::stderr().as_fd().try_clone_to_owned().and_then(|open| File::from(open).metadata());
    open.is_ok_and(|error| stream == format!("{}:{}", error.dev(), error.ino()))
}
