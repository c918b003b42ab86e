use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use sdlite_core::login::monitor;

use crate::Result;

/// A descriptor that becomes readable when something changes: sd_login_monitor_new(3).
///
/// Wait until it is, with poll(2) or an event loop. Then call [`flush`](Self::flush), and ask again what you want to know.
///
/// ```no_run
/// use sdlite::login::{Category, Monitor, Session};
///
/// fn main() -> std::io::Result<()> {
///     let monitor = Monitor::new(Some(Category::Session))?;
///     loop {
///         println!("{:?}", Session::all()?);
///         wait_until_readable(&monitor)?;
///         monitor.flush()?;
///     }
/// }
/// # fn wait_until_readable(_: &impl std::os::fd::AsFd) -> std::io::Result<()> { Ok(()) }
/// ```
#[derive(Debug)]
pub struct Monitor(OwnedFd);

/// What a [`Monitor`] watches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Category {
    /// Seats.
    Seat,
    /// Sessions.
    Session,
    /// Users.
    Uid,
    /// Virtual machines and containers.
    Machine,
}

impl Category {
    fn name(self) -> &'static CStr {
        match self {
            Self::Seat => c"seat",
            Self::Session => c"session",
            Self::Uid => c"uid",
            Self::Machine => c"machine",
        }
    }
}

impl Monitor {
    /// Begins to watch one category, or all of them.
    ///
    /// # Errors
    ///
    /// The error of inotify_init1(2) or inotify_add_watch(2). `ENOENT` if there is nothing to watch.
    pub fn new(category: Option<Category>) -> Result<Self> {
        let fd = monitor::open(category.map(Category::name))?;
        // SAFETY: it has just been opened, for the caller to own.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Forgets the changes up to now: the descriptor is not readable until something changes again.
    ///
    /// # Errors
    ///
    /// The error of read(2).
    pub fn flush(&self) -> Result<()> {
        Ok(monitor::flush(self.0.as_raw_fd())?)
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Monitor {
    fn as_raw_fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

impl From<Monitor> for OwnedFd {
    fn from(monitor: Monitor) -> Self {
        monitor.0
    }
}
