#![doc = include_str!("../README.md")]
//!
//! # What is here
//!
//! - **Sockets**: [`listen_fds`] gives the sockets that were passed, and their names. [`is_socket_inet`] and its siblings
//!   tell which is which.
//! - **The service manager**: [`notify`](fn@notify) tells it a [`State`], [`notify_barrier`] waits until it has read that,
//!   [`watchdog_enabled`] says how often it wants to hear from the service, and [`booted`] whether systemd is there at all.
//! - **The journal**: [`journal_print!`](macro@journal_print) logs a message, [`Entry`] has fields of its own, and
//!   [`journal_stream_fd`] is for the output of child processes.
//! - **Logins**: [`login`] knows sessions, users, seats and machines, and which session or unit a process belongs to.
//! - **IDs**: [`Id128`], of this machine, this boot and this run of the service, and what an application derives from them.
//!
//! The answers are those of libsystemd, and so are the errors: [`Error::errno`] is the number that the C function returns,
//! negated. The functions have the names of those in sd-daemon(3) and sd-journal(3).

mod daemon;
mod error;
mod id128;
mod is;
mod journal;
mod listen;
#[cfg(any(feature = "log", feature = "tracing"))]
mod logger;
pub mod login;
mod notify;

pub use daemon::{booted, pidfd_get_inode_id, watchdog_enabled, watchdog_enabled_unset_environment};
pub use error::{EntryError, Error, Result};
pub use id128::Id128;
pub use is::{
    AddressFamily, SocketType, UnixName, is_fifo, is_mq, is_socket, is_socket_inet, is_socket_sockaddr, is_socket_unix,
    is_special,
};
pub use journal::{
    Entry, Location, Priority, connected_to_journal, journal_print, journal_stream_fd, journal_stream_fd_with_namespace,
};
pub use listen::{ListenFd, listen_fds, listen_fds_unset_environment};
#[cfg(any(feature = "log", feature = "tracing"))]
pub use logger::{JournalLogger, PriorityMappings};
pub use notify::{
    State, notify, notify_barrier, notify_raw, notify_unset_environment, notify_with_fds, pid_notify_barrier,
    pid_notify_with_fds,
};
