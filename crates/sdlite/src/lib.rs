//! What a daemon asks the service manager that started it, and tells it: sd-daemon(3) and sd-journal(3) for Rust programs,
//! without libsystemd.
//!
//! A service that takes its listening socket from the manager, or opens one itself when it is started by hand:
//!
//! ```no_run
//! use std::io::Write;
//! use std::net::TcpListener;
//! use std::os::fd::AsFd;
//!
//! use sdlite::{AddressFamily, Priority, SocketType, is_socket_inet, journal_print, listen_fds};
//!
//! fn main() -> std::io::Result<()> {
//!     let mut listener = None;
//!     for passed in listen_fds()? {
//!         if is_socket_inet(passed.fd.as_fd(), Some(AddressFamily::INET), Some(SocketType::STREAM), Some(true), 8080)? {
//!             listener = Some(TcpListener::from(passed.fd));
//!         }
//!     }
//!     let listener = match listener {
//!         Some(listener) => listener,
//!         None => TcpListener::bind("127.0.0.1:8080")?,
//!     };
//!
//!     for client in listener.incoming() {
//!         journal_print!(Priority::Info, "A client has connected.");
//!         client?.write_all(b"Hello, client!\n")?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! The answers are those of libsystemd, and so are the errors: [`Error::errno`] is the number that the C function of the same
//! name returns, negated.

//!
//! - Sockets: [`listen_fds`], and the checks [`is_socket_inet`] and its siblings.
//! - The manager: [`notify`](fn@notify), [`notify_barrier`], [`watchdog_enabled`], [`booted`].
//! - The journal: [`journal_print!`](macro@journal_print), [`Entry`] for fields of one's own, [`journal_stream_fd`] for child
//!   processes. With the feature `log` there is a logger for the crate of that name, `JournalLogger`, and with the feature
//!   `tracing` a layer for tracing-subscriber, `JournalLayer`.

mod daemon;
mod error;
mod is;
mod journal;
mod listen;
#[cfg(any(feature = "log", feature = "tracing"))]
mod logger;
mod notify;

pub use daemon::{booted, pidfd_get_inode_id, watchdog_enabled, watchdog_enabled_unset_environment};
pub use error::{EntryError, Error, Result};
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
