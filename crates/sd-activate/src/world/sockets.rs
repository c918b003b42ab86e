//! The sockets: those passed in, and those that a unit says.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{
    self, AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, SockaddrStorage, UnixAddr,
    VsockAddr, setsockopt, sockopt,
};
use nix::sys::stat::{Mode, umask};
use sdlite_core::listen::LISTEN_FDS_START;

use super::children::name_in_proc;
use super::holder::holder;
use crate::address::{Address, Bound};
use crate::engine::Port;
use crate::error::Error;
use crate::log::say;
use crate::spec::{Endpoint, Listen, SocketSpec};

/// Something that is listened on.
///
/// Every descriptor is close-on-exec, wherever it is: a service is given what it gets when it is started.
pub struct Socket {
    descriptor: OwnedFd,
    /// What it was opened for; nothing where it was passed in.
    opened_for: Option<Listen>,
    file: Option<SocketFile>,
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
        let descriptor = unsafe { OwnedFd::from_raw_fd(LISTEN_FDS_START + index) };
        Socket { descriptor, opened_for: None, file: None }
    };
    Ok((0..count).map(socket).collect())
}

impl Socket {
    /// One that is listened on.
    pub fn open(listen: &Listen, spec: &SocketSpec) -> Result<Self, Error> {
        let Endpoint::Socket { address, socket_type } = &listen.endpoint else {
            return Err(Error::Listen { address: None, error: Errno::EOPNOTSUPP, holder: None });
        };
        let bound = bind(address, *socket_type, spec).map_err(|error| Error::Listen {
            address: Some(address.clone()),
            error,
            holder: (error == Errno::EADDRINUSE).then(|| holder(address)).flatten(),
        });
        let (descriptor, file) = bound?;
        Ok(Self { descriptor, opened_for: Some(listen.clone()), file })
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

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Closes whatever else was left open for this process; the service is not to see it.
fn close_from(first: RawFd) {
    // SAFETY: only descriptors that nothing here has opened are closed.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_int::MAX, 0) };
    if closed == 0 {
        return;
    }
    // Linux before 5.9.
    let most =
        nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).map_or(1024, |limits| limits.0);
    for descriptor in first..RawFd::try_from(most).unwrap_or(65536).min(65536) {
        // SAFETY: as above.
        unsafe { libc::close(descriptor) };
    }
}

fn bind(address: &Address, socket_type: SockType, spec: &SocketSpec) -> Result<(OwnedFd, Option<SocketFile>), Errno> {
    let bound = match address {
        Address::Port(port) => {
            let every = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, *port, 0, 0);
            match bind_to(AddressFamily::Inet6, socket_type, &SockaddrIn6::from(every)) {
                // A kernel without IPv6.
                Err(Errno::EAFNOSUPPORT) => {
                    let every = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, *port);
                    bind_to(AddressFamily::Inet, socket_type, &SockaddrIn::from(every))
                }
                bound => bound,
            }
        }
        Address::Inet(inet) => bind_to(AddressFamily::Inet, socket_type, &SockaddrIn::from(*inet)),
        Address::Inet6(inet6) => bind_to(AddressFamily::Inet6, socket_type, &SockaddrIn6::from(*inet6)),
        Address::Path(path) => return bind_path(Path::new(OsStr::from_bytes(path)), socket_type, spec),
        Address::Abstract(name) => bind_to(AddressFamily::Unix, socket_type, &UnixAddr::new_abstract(name)?),
        Address::Vsock { cid, port, socket_type: own } => {
            bind_to(AddressFamily::Vsock, own.unwrap_or(socket_type), &VsockAddr::new(*cid, *port))
        }
    };
    Ok((bound?, None))
}

fn bind_to(family: AddressFamily, socket_type: SockType, address: &dyn SockaddrLike) -> Result<OwnedFd, Errno> {
    let socket = open(family, socket_type)?;
    socket::bind(socket.as_raw_fd(), address)?;
    start(socket, socket_type)
}

fn open(family: AddressFamily, socket_type: SockType) -> Result<OwnedFd, Errno> {
    let socket = socket::socket(family, socket_type, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    Ok(socket)
}

fn start(socket: OwnedFd, socket_type: SockType) -> Result<OwnedFd, Errno> {
    if socket_type != SockType::Datagram {
        socket::listen(&socket, Backlog::MAXALLOWABLE)?;
    }
    Ok(socket)
}

/// With DirectoryMode= and SocketMode=, whatever umask this process has.
fn bind_path(path: &Path, socket_type: SockType, spec: &SocketSpec) -> Result<(OwnedFd, Option<SocketFile>), Errno> {
    let address = UnixAddr::new(path)?;
    let socket = open(AddressFamily::Unix, socket_type)?;

    let own = umask(Mode::empty());
    let directories =
        path.parent().map(|parent| DirBuilder::new().recursive(true).mode(spec.directory_mode).create(parent));
    umask(Mode::from_bits_truncate(!spec.mode & 0o777));
    let mut bound = socket::bind(socket.as_raw_fd(), &address);
    if bound == Err(Errno::EADDRINUSE) {
        bound = remove_stale(path, &address).and_then(|()| socket::bind(socket.as_raw_fd(), &address));
    }
    umask(own);

    match (bound, directories) {
        (Err(Errno::ENOENT), Some(Err(error))) => return Err(errno(error)),
        (bound, _) => bound?,
    }
    let file = SocketFile::at(path);
    Ok((start(socket, socket_type)?, file))
}

/// Removes a socket file that no socket is bound to any more.
fn remove_stale(path: &Path, address: &UnixAddr) -> Result<(), Errno> {
    if !std::fs::symlink_metadata(path).map_err(errno)?.file_type().is_socket() {
        return Err(Errno::EEXIST);
    }
    // A datagram socket, for it never makes a connection: against a living stream socket it gets EPROTOTYPE.
    let probe = socket::socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    match socket::connect(probe.as_raw_fd(), address) {
        Err(Errno::ECONNREFUSED) => std::fs::remove_file(path).map_err(errno),
        _ => Err(Errno::EADDRINUSE),
    }
}

fn errno(error: std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// A socket's file; removed when this is dropped, unless another process has put its own there since.
struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> Option<Self> {
        Some(Self { path: path.to_owned(), inode: inode(path).ok()? })
    }

    fn is_gone(&self) -> bool {
        inode(&self.path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}
