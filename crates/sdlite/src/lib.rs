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

mod error;
mod is;
mod journal;
mod listen;

pub use error::{Error, Result};
pub use is::{
    AddressFamily, SocketType, UnixName, is_fifo, is_mq, is_socket, is_socket_inet, is_socket_sockaddr, is_socket_unix,
    is_special,
};
pub use journal::{Location, Priority, journal_print};
pub use listen::{ListenFd, listen_fds, listen_fds_unset_environment};
