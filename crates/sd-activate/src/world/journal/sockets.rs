//! The sockets of the log, where systemd-journald(8) has them: /run/systemd/journal/socket, which sd_journal_send(3) sends to;
//! /run/systemd/journal/stdout, which sd_journal_stream_fd(3) connects to; and /dev/log, which is syslog(3)'s.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, setsockopt, socket, sockopt,
};

use serde::{Deserialize, Serialize};

use crate::saved::{self, Descriptor, Saved};

const DIRECTORY: &str = "/run/systemd/journal";
const ENTRIES: &str = "/run/systemd/journal/socket";
const STREAMS: &str = "/run/systemd/journal/stdout";
/// What /dev/log is a link to.
const MESSAGES: &str = "/run/systemd/journal/dev-log";
const LINK: &str = "/dev/log";

/// The sockets, as far as they could be opened. Their files are removed with them.
pub struct Sockets {
    /// Datagrams of fields.
    pub entries: Socket,
    /// Connections with lines.
    pub streams: Socket,
    /// Datagrams of syslog(3); None where another program listens there, or no file may be made there.
    pub messages: Option<Messages>,
    /// So many datagrams wait in one of them at most.
    pub queue_max: usize,
    /// Held for what their end does.
    directories: Directories,
}

/// The socket of syslog(3), and the link to it.
pub struct Messages {
    /// The socket.
    pub socket: Socket,
    /// Held for what its end does.
    link: Option<Link>,
}

/// Why there are no sockets.
#[derive(Debug)]
pub enum Absent {
    /// Somebody listens there: a journald.
    Taken,
    /// They cannot be opened.
    Failed(io::Error),
}

impl From<io::Error> for Absent {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl Sockets {
    /// Opens them. What a predecessor has left is replaced.
    pub fn open() -> Result<Self, Absent> {
        let entries = Path::new(ENTRIES);
        if is_taken(entries, SockType::Datagram)? {
            return Err(Absent::Taken);
        }
        let directories = Directories::make()?;
        let entries = Socket::open(entries, SockType::Datagram)?;
        let streams = Socket::open(Path::new(STREAMS), SockType::Stream)?;
        Ok(Self { entries, streams, messages: Messages::open().ok(), queue_max: queue_max(), directories })
    }
}

/// The sockets, without what their end does.
#[derive(Serialize, Deserialize)]
pub struct SavedSockets {
    entries: SavedSocket,
    streams: SavedSocket,
    /// That of syslog(3), and whether the link to it was made here.
    messages: Option<(SavedSocket, bool)>,
    #[serde(with = "saved")]
    directories: Vec<PathBuf>,
}

impl Saved for Sockets {
    type Form = SavedSockets;

    fn save(&self) -> SavedSockets {
        let Self { entries, streams, messages, queue_max: _, directories: Directories(directories) } = self;
        let messages = messages.as_ref().map(|Messages { socket, link }| (socket.save(), link.is_some()));
        let (entries, streams) = (entries.save(), streams.save());
        SavedSockets { entries, streams, messages, directories: directories.clone() }
    }

    fn restore(SavedSockets { entries, streams, messages, directories }: SavedSockets) -> Option<Self> {
        let messages = match messages {
            None => None,
            Some((socket, link)) => Some(Messages { socket: Socket::restore(socket)?, link: link.then_some(Link) }),
        };
        let (entries, streams) = (Socket::restore(entries)?, Socket::restore(streams)?);
        Some(Self { entries, streams, messages, queue_max: queue_max(), directories: Directories(directories) })
    }
}

/// How many datagrams the kernel lets wait in a socket. Whoever has sent before has not sent more than that.
fn queue_max() -> usize {
    /// What no administrator sets it to.
    const MORE: usize = 1024;
    let told = fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen").ok().and_then(|text| text.trim().parse().ok());
    // The kernel refuses the one after the next.
    told.map_or(MORE, |length: usize| length.saturating_add(1)).min(MORE)
}

impl Messages {
    fn open() -> Result<Self, Absent> {
        if is_taken(Path::new(LINK), SockType::Datagram)? {
            return Err(Absent::Taken);
        }
        let socket = Socket::open(Path::new(MESSAGES), SockType::Datagram)?;
        Ok(Self { socket, link: Link::make()? })
    }
}

/// Whether somebody listens there. A file in which nobody does is nobody's.
fn is_taken(path: &Path, kind: SockType) -> io::Result<bool> {
    let probe = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    match connect(probe.as_raw_fd(), &UnixAddr::new(path)?) {
        // Another kind of socket, or one whose queue is full, is somebody's as well.
        Ok(()) | Err(Errno::EPROTOTYPE | Errno::EAGAIN) => Ok(true),
        Err(Errno::ENOENT | Errno::ECONNREFUSED | Errno::ENOTDIR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A socket that everybody may send to, and its file.
pub struct Socket {
    descriptor: OwnedFd,
    path: PathBuf,
    inode: (u64, u64),
}

impl Socket {
    fn open(path: &Path, kind: SockType) -> io::Result<Self> {
        if is_taken(path, kind)? {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        remove_socket(path)?;
        let descriptor = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
        setsockopt(&descriptor, sockopt::PassCred, &true)?;
        bind(descriptor.as_raw_fd(), &UnixAddr::new(path)?)?;
        let made = Self { descriptor, path: path.to_owned(), inode: inode(path)? };
        fs::set_permissions(path, Permissions::from_mode(0o666))?;
        if kind == SockType::Stream {
            listen(&made.descriptor, Backlog::MAXCONN)?;
        }
        Ok(made)
    }
}

/// A socket, without what its end does.
#[derive(Serialize, Deserialize)]
pub struct SavedSocket {
    descriptor: Descriptor,
    #[serde(with = "saved")]
    path: PathBuf,
    inode: (u64, u64),
}

impl Saved for Socket {
    type Form = SavedSocket;

    fn save(&self) -> SavedSocket {
        let Self { descriptor, path, inode } = self;
        SavedSocket { descriptor: descriptor.save(), path: path.clone(), inode: *inode }
    }

    fn restore(SavedSocket { descriptor, path, inode }: SavedSocket) -> Option<Self> {
        Some(Self { descriptor: OwnedFd::restore(descriptor)?, path, inode })
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Not that of a successor.
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Removes what a predecessor has left: a socket, or a link to one that is gone. Nothing else.
fn remove_socket(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(file) if file.file_type().is_socket() || file.is_symlink() => fs::remove_file(path),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

/// The link at /dev/log.
struct Link;

impl Link {
    fn make() -> io::Result<Option<Self>> {
        // Somebody has made it for a journald, and it is right for this one.
        if fs::read_link(LINK).is_ok_and(|to| to == Path::new(MESSAGES)) {
            return Ok(None);
        }
        remove_socket(Path::new(LINK))?;
        symlink(MESSAGES, LINK)?;
        Ok(Some(Self))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if fs::read_link(LINK).is_ok_and(|to| to == Path::new(MESSAGES)) {
            let _ = fs::remove_file(LINK);
        }
    }
}

/// The directories that had to be made for the sockets, the outermost first.
struct Directories(Vec<PathBuf>);

impl Directories {
    fn make() -> io::Result<Self> {
        let mut made = Self(Vec::new());
        let mut missing: Vec<_> = Path::new(DIRECTORY).ancestors().take_while(|path| !path.exists()).collect();
        while let Some(path) = missing.pop() {
            DirBuilder::new().mode(0o755).create(path)?;
            fs::set_permissions(path, Permissions::from_mode(0o755))?;
            made.0.push(path.to_owned());
        }
        Ok(made)
    }
}

impl Drop for Directories {
    fn drop(&mut self) {
        // Those that others have put something into stay.
        while let Some(path) = self.0.pop() {
            let _ = fs::remove_dir(path);
        }
    }
}
