//! What is listened on and is no socket of a network or a path: FIFOs, special files, netlink(7), POSIX message queues.

use std::ffi::{CString, c_int};
use std::fs::OpenOptions;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::ptr;

use nix::errno::Errno;
use nix::sys::socket::{self, NetlinkAddr};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::file::{Owner, SocketFile, with_modes};
use super::options::set_int;
use crate::error::errno;
use crate::saved::Saved;
use crate::spec::SocketSpec;

type Opened = (OwnedFd, Option<SocketFile>);

/// As the service gets them, and with which nothing waits here.
const FLAGS: c_int = libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW;

/// ListenFIFO=: opened for both, so that there is always a reader and a writer.
pub(super) fn fifo(path: &Path, spec: &SocketSpec, owner: &Owner) -> Result<Opened, Errno> {
    with_modes(path, spec, || match mkfifo(path, Mode::from_bits_truncate(spec.mode)) {
        // One that is there is taken.
        Err(Errno::EEXIST) => Ok(()),
        made => made,
    })?;
    let fifo = OpenOptions::new().read(true).write(true).custom_flags(FLAGS).open(path).map_err(errno)?;
    if !fifo.metadata().map_err(errno)?.file_type().is_fifo() {
        return Err(Errno::EEXIST);
    }
    let file = SocketFile::adopt(path, spec, owner)?;
    if let Some(size) = spec.pipe_size {
        let size = c_int::try_from(size).unwrap_or(c_int::MAX);
        // SAFETY: F_SETPIPE_SZ takes a number.
        Errno::result(unsafe { libc::fcntl(fifo.as_raw_fd(), libc::F_SETPIPE_SZ, size) })?;
    }
    Ok((fifo.into(), Some(file)))
}

/// ListenSpecial=: a regular file or a character device that is there.
pub(super) fn special(path: &Path, spec: &SocketSpec) -> Result<Opened, Errno> {
    let file = OpenOptions::new().read(true).write(spec.writable).custom_flags(FLAGS).open(path).map_err(errno)?;
    let kind = file.metadata().map_err(errno)?.file_type();
    if kind.is_file() || kind.is_char_device() { Ok((file.into(), None)) } else { Err(Errno::EEXIST) }
}

/// ListenNetlink=.
pub(super) fn netlink(family: c_int, groups: u32, spec: &SocketSpec) -> Result<Opened, Errno> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    // SAFETY: takes numbers. nix does not have all of these protocols.
    let socket = Errno::result(unsafe { libc::socket(libc::AF_NETLINK, kind, family) })?;
    // SAFETY: socket has just opened it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    set_int(socket.as_fd(), libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    if spec.pass_packet_info {
        set_int(socket.as_fd(), libc::SOL_NETLINK, libc::NETLINK_PKTINFO, 1)?;
    }
    socket::bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
    Ok((socket, None))
}

/// A message queue that is removed when this is dropped.
pub(super) struct Queue(CString);

impl Queue {
    /// The one of this name, with RemoveOnStop=.
    pub(super) fn to_be_removed(name: &str) -> Option<Self> {
        CString::new(name).ok().map(Self)
    }
}

impl Saved for Queue {
    type Form = String;

    fn save(&self) -> String {
        let Self(name) = self;
        name.save()
    }

    fn restore(form: String) -> Option<Self> {
        CString::restore(form).map(Self)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: a C string.
        unsafe { libc::mq_unlink(self.0.as_ptr()) };
    }
}

/// ListenMessageQueue=.
pub(super) fn message_queue(name: &str, spec: &SocketSpec) -> Result<Opened, Errno> {
    let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
    // SAFETY: a structure of integers, for which zero is a value.
    let mut attributes: libc::mq_attr = unsafe { zeroed() };
    let limits = match (spec.message_queue_max_messages, spec.message_queue_message_size) {
        (Some(messages), Some(size)) => {
            attributes.mq_maxmsg = messages as _;
            attributes.mq_msgsize = size as _;
            &raw mut attributes
        }
        // The kernel's own limits, as with one of the two alone.
        _ => ptr::null_mut(),
    };
    let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_CREAT;
    let own = nix::sys::stat::umask(Mode::from_bits_truncate(!spec.mode & 0o777));
    // SAFETY: a C string, numbers, and a pointer to attributes or NULL.
    let queue = unsafe { libc::mq_open(name.as_ptr(), flags, spec.mode, limits) };
    nix::sys::stat::umask(own);
    // SAFETY: mq_open has just opened it; on Linux a queue is a descriptor.
    Errno::result(queue).map(|queue| (unsafe { OwnedFd::from_raw_fd(queue) }, None))
}
