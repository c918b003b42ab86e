//! The sockets: those passed in, and those that a unit says.

mod bind;
mod file;
mod node;
mod options;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{self, SockType, SockaddrStorage, sockopt};
use sdlite_core::is;
use sdlite_core::listen::LISTEN_FDS_START;
use serde::{Deserialize, Serialize};

use file::{Owner, SavedFile, SocketFile};
pub use options::set_on_connection;

use super::children::name_in_proc;
use super::holder::holder;
use crate::address::{Address, Bound};
use crate::engine::Port;
use crate::error::Error;
use crate::exec::put_away;
use crate::log::say;
use crate::saved::{self, Descriptor, Saved};
use crate::spec::{Endpoint, Listen, SocketSpec};

/// Something that is listened on.
///
/// Every descriptor is close-on-exec, wherever it is: a service is given what it gets when it is started.
pub struct Socket {
    descriptor: OwnedFd,
    /// What it was opened for; nothing where it was passed in.
    opened_for: Option<Listen>,
    file: Option<SocketFile>,
    /// Held for what its end does.
    queue: Option<node::Queue>,
}

/// The sockets of sd_listen_fds(3).
pub fn passed() -> Result<Vec<Socket>, Error> {
    // SAFETY: this is the only thread, and no value of a variable is held.
    let unset = unsafe { sdlite_core::Unset::new() };
    let count =
        sdlite_core::listen::listen_fds(Some(unset)).map_err(|error| Error::Passed(Errno::from_raw(error.number())))?;
    close_from(LISTEN_FDS_START + count);
    let socket = |index| {
        // SAFETY: by the protocol these descriptors are this process's to use, and listen_fds found each of them open.
        Socket::passed(unsafe { OwnedFd::from_raw_fd(LISTEN_FDS_START + index) })
    };
    Ok((0..count).map(socket).collect())
}

/// Closes whatever is open besides these and the standard streams.
pub fn close_all_but(kept: &BTreeSet<RawFd>) {
    let mut first = libc::STDERR_FILENO + 1;
    for kept in kept {
        close_range(first, kept - 1);
        first = kept + 1;
    }
    close_from(first);
}

impl Socket {
    /// One that was passed in.
    pub fn passed(descriptor: OwnedFd) -> Self {
        Self { descriptor, opened_for: None, file: None, queue: None }
    }

    /// One that is listened on, with all the options of its unit.
    pub fn open(listen: &Listen, spec: &SocketSpec) -> Result<Self, Error> {
        let has_file =
            matches!(&listen.endpoint, Endpoint::Fifo(_) | Endpoint::Socket { address: Address::Path(_), .. });
        let owner = if has_file { Owner::of(spec)? } else { Owner::default() };
        let opened = match &listen.endpoint {
            Endpoint::Socket { address, socket_type } => bind::bind(address, *socket_type, spec, &owner),
            Endpoint::Fifo(path) => node::fifo(path, spec, &owner),
            Endpoint::Special(path) => node::special(path, spec),
            Endpoint::Netlink { family, groups } => node::netlink(*family, *groups, spec),
            Endpoint::MessageQueue(name) => node::message_queue(name, spec),
        };
        let (descriptor, file) = opened.map_err(|error| match &listen.endpoint {
            Endpoint::Socket { address, .. } => Error::Listen {
                address: Some(address.clone()),
                error,
                holder: (error == Errno::EADDRINUSE).then(|| holder(address)).flatten(),
            },
            other => Error::Open { what: other.to_string(), error },
        })?;
        for (setting, error) in options::set(&descriptor, &listen.endpoint, spec) {
            say(format_args!("{}: {setting}= cannot be set for {}: {error}", listen.origin, listen.endpoint));
        }
        let descriptor = put_away(descriptor);
        let queue = match &listen.endpoint {
            Endpoint::MessageQueue(name) if spec.remove_on_stop => node::Queue::to_be_removed(name),
            _ => None,
        };
        Ok(Self { descriptor, opened_for: Some(listen.clone()), file, queue })
    }

    /// Makes it ready for what it is used for.
    pub fn prepare(&self, port: Port, accept: bool) -> Result<(), Error> {
        let descriptor = LISTEN_FDS_START + port.0 as RawFd;
        if !accept {
            return Ok(());
        }
        if socket::getsockopt(&self.descriptor, sockopt::AcceptConn) != Ok(true) {
            return Err(Error::NotListening { descriptor });
        }
        // A connection that is gone again by the time it is accepted must not keep all others waiting.
        let status = fcntl(&self.descriptor, FcntlArg::F_GETFL).and_then(|status| {
            let status = OFlag::from_bits_retain(status) | OFlag::O_NONBLOCK;
            fcntl(&self.descriptor, FcntlArg::F_SETFL(status))
        });
        status.map(drop).map_err(|error| Error::Prepare { descriptor, error })
    }

    /// Throws away what waits: connections, or what was sent.
    pub fn flush(&self) {
        let accepts = socket::getsockopt(&self.descriptor, sockopt::AcceptConn) == Ok(true);
        let descriptor = self.descriptor.as_raw_fd();
        let mut piece = [0; 4096];
        while self.has_waiting() {
            let flushed = if accepts {
                // SAFETY: accept4 has just opened it.
                socket::accept4(descriptor, socket::SockFlag::SOCK_CLOEXEC)
                    .map(|connection| drop(unsafe { OwnedFd::from_raw_fd(connection) }))
            } else {
                nix::unistd::read(&self.descriptor, &mut piece).map(drop)
            };
            if flushed.is_err() {
                return;
            }
        }
    }

    /// Says where it listens.
    pub fn announce(&self, port: Port) {
        let descriptor = LISTEN_FDS_START + port.0 as RawFd;
        match self.address() {
            Some(address) => say(format_args!("Listening on {address} as {descriptor}.")),
            None => say(format_args!("Listening on descriptor {descriptor}.")),
        }
    }

    /// The address that it has, as messages name it.
    pub fn address(&self) -> Option<String> {
        let address = socket::getsockname::<SockaddrStorage>(self.descriptor.as_raw_fd()).ok()?;
        Some(Bound(&address).to_string())
    }

    /// Whether it is what a unit listens on: has this address, and is of this type; or is this file, or this queue.
    pub fn is_for(&self, endpoint: &Endpoint) -> bool {
        let descriptor = self.descriptor.as_raw_fd();
        let at = |path: &Path| CString::new(path.as_os_str().as_bytes());
        match endpoint {
            Endpoint::Socket { address, socket_type } => self.has_address(address, *socket_type),
            Endpoint::Fifo(path) => at(path).is_ok_and(|path| is::is_fifo(descriptor, Some(&path)).is_ok()),
            Endpoint::Special(path) => at(path).is_ok_and(|path| is::is_special(descriptor, Some(&path)).is_ok()),
            Endpoint::MessageQueue(name) => {
                at(Path::new(name)).is_ok_and(|name| is::is_mq(descriptor, Some(&name)).is_ok())
            }
            // What family of netlink(7) it is of cannot be told by sd_is_socket(3).
            Endpoint::Netlink { .. } => false,
        }
    }

    fn has_address(&self, address: &Address, socket_type: SockType) -> bool {
        let same_type = socket::getsockopt(&self.descriptor, sockopt::SockType) == Ok(socket_type);
        let own = self.address();
        let named = |name: String| own.as_ref() == Some(&name);
        same_type
            && match address {
                Address::Port(port) => named(format!("[::]:{port}")) || named(format!("0.0.0.0:{port}")),
                address => named(address.to_string()),
            }
    }

    /// What /proc calls it.
    pub fn name_in_proc(&self) -> Option<String> {
        name_in_proc(self.descriptor.as_raw_fd())
    }

    /// What it was opened for; nothing where it was passed in, and cannot be opened anew.
    pub fn opened_for(&self) -> Option<&Listen> {
        self.opened_for.as_ref()
    }

    /// Whether its file is gone, so that nobody can connect any more, and nobody waits who has connected before.
    pub fn is_unlinked(&self) -> bool {
        self.file.as_ref().is_some_and(SocketFile::is_gone) && !self.has_waiting()
    }

    fn has_waiting(&self) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        poll(&mut [PollFd::new(self.descriptor.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO) == Ok(1)
    }
}

/// A socket, without what its end does.
#[derive(Serialize, Deserialize)]
pub struct SavedSocket {
    descriptor: Descriptor,
    opened_for: Option<Listen>,
    file: Option<SavedFile>,
    queue: Option<String>,
}

impl Saved for Socket {
    type Form = SavedSocket;

    fn save(&self) -> SavedSocket {
        let Self { descriptor, opened_for, file, queue } = self;
        let opened_for = opened_for.clone();
        SavedSocket { descriptor: descriptor.save(), opened_for, file: file.save(), queue: queue.save() }
    }

    fn restore(SavedSocket { descriptor, opened_for, file, queue }: SavedSocket) -> Option<Self> {
        let (descriptor, file, queue) = (OwnedFd::restore(descriptor)?, Saved::restore(file)?, Saved::restore(queue)?);
        Some(Self { descriptor, opened_for, file, queue })
    }
}

saved::list!(Socket);

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Closes whatever else was left open for this process; the service is not to see it.
fn close_from(first: RawFd) {
    close_range(first, libc::c_int::MAX);
}

fn close_range(first: RawFd, last: RawFd) {
    if last < first {
        return;
    }
    // SAFETY: only descriptors that nothing here has opened are closed.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if closed == 0 {
        return;
    }
    // Linux before 5.9.
    let most =
        nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).map_or(1024, |limits| limits.0);
    for descriptor in first..=RawFd::try_from(most).unwrap_or(65536).min(65536).min(last) {
        // SAFETY: as above.
        unsafe { libc::close(descriptor) };
    }
}
