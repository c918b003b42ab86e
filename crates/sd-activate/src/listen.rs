//! The sockets: those passed in, and those that `--listen=` asks for.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{
    self, AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, SockaddrStorage, UnixAddr,
    VsockAddr, setsockopt, sockopt,
};
use nix::sys::stat::{Mode, umask};

use crate::address::{Address, Bound};
use crate::error::Error;
use crate::log::say;
use crate::options::Options;

/// The first descriptor passed, as in sd_listen_fds(3).
pub const LISTEN_FDS_START: RawFd = 3;

/// Everything that is listened on, in the order in which it is passed.
pub struct Sockets {
    /// They stand at [`LISTEN_FDS_START`] and behind it, as the service finds them, until [`Sockets::vacate`].
    sockets: Vec<OwnedFd>,
    /// Removed when this is dropped.
    _files: Files,
}

impl Sockets {
    /// Takes what was passed, and opens what `options` asks for.
    pub fn open(options: &Options) -> Result<Self, Error> {
        let mut sockets = passed()?;
        close_from(LISTEN_FDS_START + sockets.len() as RawFd);
        if !sockets.is_empty() {
            say(format_args!("Received {} descriptors via the environment.", sockets.len()));
        }
        let count = sockets.len() + options.listen.len();
        if count == 0 {
            return Err(Error::Options(
                "No sockets to listen on specified or passed in. Name one with --listen=ADDRESS.",
            ));
        }
        if options.inetd && !options.accept && count > 1 {
            return Err(Error::Options("--inetd only supported with a single file descriptor, or with --accept."));
        }

        let mut files = Files::default();
        for text in &options.listen {
            let descriptor = LISTEN_FDS_START + sockets.len() as RawFd;
            let socket = listen(text, options.socket_type, &mut files)?;
            sockets.push(place(socket, descriptor).map_err(|error| Error::Listen { text: text.clone(), error })?);
        }
        // What the service must not see unless it is told so is closed when it is executed.
        let flags = if options.accept || options.inetd { FdFlag::FD_CLOEXEC } else { FdFlag::empty() };
        for socket in &sockets {
            prepare(socket, options.accept, flags)?;
        }
        for socket in &sockets {
            let descriptor = socket.as_raw_fd();
            match socket::getsockname::<SockaddrStorage>(descriptor) {
                Ok(address) => say(format_args!("Listening on {} as {descriptor}.", Bound(&address))),
                Err(_) => say(format_args!("Listening on descriptor {descriptor}.")),
            }
        }
        Ok(Self { sockets, _files: files })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.sockets.len()
    }

    /// Their descriptors.
    pub fn iter(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sockets.iter().map(AsFd::as_fd)
    }

    /// The first of them.
    pub fn first(&self) -> Option<BorrowedFd<'_>> {
        self.sockets.first().map(AsFd::as_fd)
    }

    /// Listens no longer. The files of sockets stay until this is dropped.
    pub fn close(&mut self) {
        self.sockets.clear();
    }

    /// Moves what stands at [`LISTEN_FDS_START`] away, so that accept4(2) puts connections there.
    pub fn vacate(&mut self) -> Result<(), Error> {
        for socket in &mut self.sockets {
            if socket.as_raw_fd() == LISTEN_FDS_START {
                // The lowest number that is free is a higher one, as long as this one is taken.
                let moved = socket.try_clone().map_err(errno);
                *socket = moved.map_err(|error| Error::Prepare { descriptor: LISTEN_FDS_START, error })?;
            }
        }
        Ok(())
    }
}

/// The sockets of sd_listen_fds(3).
fn passed() -> Result<Vec<OwnedFd>, Error> {
    // SAFETY: this is the only thread, and no value of a variable is held.
    let unset = unsafe { sdlite_core::Unset::new() };
    let count =
        sdlite_core::listen::listen_fds(Some(unset)).map_err(|error| Error::Passed(Errno::from_raw(error.number())))?;
    // SAFETY: by the protocol these descriptors are this process's to use, and listen_fds found each of them open.
    Ok((0..count).map(|index| unsafe { OwnedFd::from_raw_fd(LISTEN_FDS_START + index) }).collect())
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

/// `socket` at `descriptor`, where it mostly is already.
fn place(socket: OwnedFd, descriptor: RawFd) -> Result<OwnedFd, Errno> {
    if socket.as_raw_fd() == descriptor {
        return Ok(socket);
    }
    // SAFETY: nothing owns `descriptor`: all from there on was closed, and everything opened since stands before it.
    Errno::result(unsafe { libc::dup3(socket.as_raw_fd(), descriptor, libc::O_CLOEXEC) })?;
    // SAFETY: dup3 has just opened it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn prepare(socket: &OwnedFd, accept: bool, flags: FdFlag) -> Result<(), Error> {
    let descriptor = socket.as_raw_fd();
    let failed = |error| Error::Prepare { descriptor, error };
    fcntl(socket, FcntlArg::F_SETFD(flags)).map_err(failed)?;
    if accept {
        if socket::getsockopt(socket, sockopt::AcceptConn) != Ok(true) {
            return Err(Error::NotListening { descriptor });
        }
        // A connection that is gone again by the time it is accepted must not keep all others waiting.
        let status = fcntl(socket, FcntlArg::F_GETFL).map_err(failed)?;
        let status = OFlag::from_bits_retain(status) | OFlag::O_NONBLOCK;
        fcntl(socket, FcntlArg::F_SETFL(status)).map_err(failed)?;
    }
    Ok(())
}

/// One socket, listened on.
fn listen(text: &OsStr, socket_type: SockType, files: &mut Files) -> Result<OwnedFd, Error> {
    let address = Address::parse(text).map_err(|error| Error::Address { text: text.to_owned(), error })?;
    bind(&address, socket_type, files).map_err(|error| Error::Listen { text: text.to_owned(), error })
}

fn bind(address: &Address, socket_type: SockType, files: &mut Files) -> Result<OwnedFd, Errno> {
    match address {
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
        Address::Path(path) => bind_path(Path::new(OsStr::from_bytes(path)), socket_type, files),
        Address::Abstract(name) => bind_to(AddressFamily::Unix, socket_type, &UnixAddr::new_abstract(name)?),
        Address::Vsock { cid, port, socket_type: own } => {
            bind_to(AddressFamily::Vsock, own.unwrap_or(socket_type), &VsockAddr::new(*cid, *port))
        }
    }
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

/// As DirectoryMode=0755 and SocketMode=0644 would, whatever umask this process has: that is what the original does.
fn bind_path(path: &Path, socket_type: SockType, files: &mut Files) -> Result<OwnedFd, Errno> {
    let address = UnixAddr::new(path)?;
    let socket = open(AddressFamily::Unix, socket_type)?;

    let own = umask(Mode::empty());
    let directories = path.parent().map(|parent| DirBuilder::new().recursive(true).mode(0o755).create(parent));
    umask(Mode::from_bits_truncate(0o133));
    let mut bound = socket::bind(socket.as_raw_fd(), &address);
    if bound == Err(Errno::EADDRINUSE) {
        bound = remove_stale(path, &address).and_then(|()| socket::bind(socket.as_raw_fd(), &address));
    }
    umask(own);

    match (bound, directories) {
        (Err(Errno::ENOENT), Some(Err(error))) => return Err(errno(error)),
        (bound, _) => bound?,
    }
    files.made(path);
    start(socket, socket_type)
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

/// The socket files that were made; removed when dropped, unless another process has put its own there since.
#[derive(Default)]
struct Files(Vec<(PathBuf, u64, u64)>);

impl Files {
    fn made(&mut self, path: &Path) {
        if let Ok(metadata) = std::fs::symlink_metadata(path) {
            self.0.push((path.to_owned(), metadata.dev(), metadata.ino()));
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for (path, device, inode) in &self.0 {
            let ours = std::fs::symlink_metadata(path)
                .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == (*device, *inode));
            if ours {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}
