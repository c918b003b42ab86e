use std::fmt::{self, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use sdlite_core::{Errno, Unset, notify};

use crate::Result;
use crate::error::answer;

/// What a service tells the service manager: an assignment of sd_notify(3). [`Display`](fmt::Display) writes it.
///
/// ```
/// use std::time::Duration;
///
/// use sdlite::State;
///
/// assert_eq!(State::Ready.to_string(), "READY=1");
/// assert_eq!(State::Status("Serving 42 clients").to_string(), "STATUS=Serving 42 clients");
/// assert_eq!(State::ExtendTimeout(Duration::from_secs(5)).to_string(), "EXTEND_TIMEOUT_USEC=5000000");
/// ```
///
/// A text, such as that of a status, is one line. Line breaks and zero bytes in it become blanks, so that it cannot contain
/// another assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum State<'a> {
    /// The service has started, or has reloaded its configuration.
    Ready,
    /// The service begins to reload its configuration. [`State::Ready`] follows. The time is sent along, as `MONOTONIC_USEC=`,
    /// because `Type=notify-reload` requires it.
    Reloading,
    /// The service begins to stop.
    Stopping,
    /// A line for people about what the service does.
    Status(&'a str),
    /// The errno(3) that the service has failed with.
    Errno(i32),
    /// The name of the D-Bus error that the service has failed with.
    BusError(&'a str),
    /// The name of the Varlink error that the service has failed with.
    VarlinkError(&'a str),
    /// The status that the main process will exit with.
    ExitStatus(u8),
    /// The main process, if it is not the one that the manager started.
    MainPid(u32),
    /// The service is alive: see [`watchdog_enabled`](crate::watchdog_enabled).
    Watchdog,
    /// The service has failed. The manager acts as if [`State::Watchdog`] had not come in time.
    WatchdogTrigger,
    /// From now on the manager waits this long for [`State::Watchdog`].
    WatchdogUsec(Duration),
    /// Starting, running or stopping may take this much longer.
    ExtendTimeout(Duration),
    /// The manager keeps the descriptors that come with this, and passes them when it restarts the service: see
    /// [`notify_with_fds`].
    FdStore,
    /// The manager closes the descriptors that it keeps under a name: see [`State::FdName`].
    FdStoreRemove,
    /// The name of the descriptors that are kept.
    FdName(&'a str),
    /// The manager keeps the descriptors even if they report an error or a hangup.
    FdKeep,
    /// Which processes may notify, as in `NotifyAccess=`: `none`, `main`, `exec` or `all`.
    NotifyAccess(&'a str),
}

impl fmt::Display for State<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("READY=1"),
            Self::Reloading => write!(f, "RELOADING=1\nMONOTONIC_USEC={}", monotonic_usec()),
            Self::Stopping => f.write_str("STOPPING=1"),
            Self::Status(text) => write!(f, "STATUS={}", Line(text)),
            Self::Errno(number) => write!(f, "ERRNO={number}"),
            Self::BusError(name) => write!(f, "BUSERROR={}", Line(name)),
            Self::VarlinkError(name) => write!(f, "VARLINKERROR={}", Line(name)),
            Self::ExitStatus(status) => write!(f, "EXIT_STATUS={status}"),
            Self::MainPid(pid) => write!(f, "MAINPID={pid}"),
            Self::Watchdog => f.write_str("WATCHDOG=1"),
            Self::WatchdogTrigger => f.write_str("WATCHDOG=trigger"),
            Self::WatchdogUsec(interval) => write!(f, "WATCHDOG_USEC={}", interval.as_micros()),
            Self::ExtendTimeout(time) => write!(f, "EXTEND_TIMEOUT_USEC={}", time.as_micros()),
            Self::FdStore => f.write_str("FDSTORE=1"),
            Self::FdStoreRemove => f.write_str("FDSTOREREMOVE=1"),
            Self::FdName(name) => write!(f, "FDNAME={}", Line(name)),
            Self::FdKeep => f.write_str("FDPOLL=0"),
            Self::NotifyAccess(who) => write!(f, "NOTIFYACCESS={}", Line(who)),
        }
    }
}

/// A text without what would end the line, or the message.
struct Line<'a>(&'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| f.write_char(if matches!(c, '\n' | '\r' | '\0') { ' ' } else { c }))
    }
}

/// Tells the service manager about the state of this service, in one message: sd_notify(3).
///
/// Returns false if there is no manager to tell, as for a program that was started by hand.
///
/// ```no_run
/// use std::net::TcpListener;
///
/// use sdlite::{State, notify};
///
/// fn main() -> std::io::Result<()> {
///     let listener = TcpListener::bind("127.0.0.1:8080")?;
///     notify(&[State::Ready, State::Status("Waiting for clients")])?;
///     for client in listener.incoming() {
///         drop(client?);
///     }
///     notify(&[State::Stopping])?;
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// * `EINVAL`, `EPROTO` or `ENAMETOOLONG`: `$NOTIFY_SOCKET` is not an address.
/// * The error of socket(2), connect(2) or sendmsg(2).
pub fn notify(states: &[State<'_>]) -> Result<bool> {
    notify_raw(&joined(states))
}

/// Like [`notify()`], with assignments as the manual has them, one on each line.
///
/// # Errors
///
/// As [`notify()`].
pub fn notify_raw(state: &str) -> Result<bool> {
    send(0, None, state, &[])
}

/// Like [`notify()`], and passes descriptors with the message: see [`State::FdStore`].
///
/// ```no_run
/// use std::net::TcpListener;
/// use std::os::fd::AsFd;
///
/// use sdlite::{State, notify_with_fds};
///
/// fn main() -> std::io::Result<()> {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     notify_with_fds(&[State::FdStore, State::FdName("web")], &[listener.as_fd()])?;
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// As [`notify()`], and `E2BIG` if there are more than 253 descriptors.
pub fn notify_with_fds(states: &[State<'_>], fds: &[BorrowedFd<'_>]) -> Result<bool> {
    send(0, None, &joined(states), fds)
}

/// Like [`notify_with_fds`], on behalf of another process: sd_pid_notify_with_fds(3). Without the privilege to do that, the
/// message comes from this process.
///
/// # Errors
///
/// As [`notify_with_fds`], and `EINVAL` if the number is too large for a process id.
pub fn pid_notify_with_fds(pid: u32, states: &[State<'_>], fds: &[BorrowedFd<'_>]) -> Result<bool> {
    send(process(pid)?, None, &joined(states), fds)
}

/// Like [`notify()`], and removes `$NOTIFY_SOCKET` from the environment, also if it fails. Later calls and child processes
/// notify nobody.
///
/// # Errors
///
/// As [`notify()`].
///
/// # Safety
///
/// As for [`std::env::remove_var`]: no other thread may be using the environment.
pub unsafe fn notify_unset_environment(states: &[State<'_>]) -> Result<bool> {
    // SAFETY: the caller's promise.
    send(0, Some(unsafe { Unset::new() }), &joined(states), &[])
}

/// Waits until the service manager has read all messages that were sent before: sd_notify_barrier(3). Do this before the
/// process exits. Without a timeout it waits for ever.
///
/// Returns false if there is no manager.
///
/// ```no_run
/// use std::time::Duration;
///
/// use sdlite::{State, notify, notify_barrier};
///
/// fn main() -> std::io::Result<()> {
///     notify(&[State::Status("Nothing to do"), State::Stopping])?;
///     notify_barrier(Some(Duration::from_secs(5)))?;
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// As [`notify()`]. `ETIMEDOUT` if the time is over, `EINTR` if a signal came.
pub fn notify_barrier(timeout: Option<Duration>) -> Result<bool> {
    barrier(0, timeout)
}

/// Like [`notify_barrier`], on behalf of another process: sd_pid_notify_barrier(3).
///
/// # Errors
///
/// As [`notify_barrier`], and `EINVAL` if the number is too large for a process id.
pub fn pid_notify_barrier(pid: u32, timeout: Option<Duration>) -> Result<bool> {
    barrier(process(pid)?, timeout)
}

fn barrier(pid: libc::pid_t, timeout: Option<Duration>) -> Result<bool> {
    // The largest number means for ever.
    let timeout = timeout.and_then(|timeout| u64::try_from(timeout.as_micros()).ok());
    answer(notify::barrier(pid, None, timeout.unwrap_or(u64::MAX)))
}

fn send(pid: libc::pid_t, unset: Option<Unset>, state: &str, fds: &[BorrowedFd<'_>]) -> Result<bool> {
    let fds: Vec<_> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    answer(notify::notify(pid, unset, Some(state.as_bytes()), Some(&fds)))
}

fn joined(states: &[State<'_>]) -> String {
    let lines: Vec<_> = states.iter().map(State::to_string).collect();
    lines.join("\n")
}

fn process(pid: u32) -> Result<libc::pid_t> {
    libc::pid_t::try_from(pid).map_err(|_| Errno::INVAL.into())
}

/// What CLOCK_MONOTONIC, the clock of the manager, says.
fn monotonic_usec() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: there is a structure for it to write to. With this clock it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1_000
}
