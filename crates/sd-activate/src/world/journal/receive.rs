//! What comes to the log's sockets: bytes, whose they are by the kernel's word, and perhaps a file in place of the bytes.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg};
use nix::sys::statfs::{HUGETLBFS_MAGIC, TMPFS_MAGIC, fstatfs};

/// A datagram, or a file in its place, is no longer than that. Until one is, most of the room takes no memory.
pub const LENGTH_MAX: usize = 16 << 20;
/// After a message of this length the room is given back.
const LARGE: usize = 256 * 1024;

/// Room for what is received.
pub struct Room {
    bytes: Vec<u8>,
    control: Vec<u8>,
}

/// What was received.
pub struct Received<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Whose they are.
    pub credentials: Option<UnixCredentials>,
    /// Whether there were more bytes than there is room for.
    pub cut: bool,
    /// The descriptors that came with it. The kernel closes those that there is no room for.
    pub descriptors: Vec<OwnedFd>,
}

impl Room {
    /// Nothing has been received yet.
    pub fn new() -> Self {
        Self { bytes: zeroes(), control: nix::cmsg_space!(UnixCredentials, [libc::c_int; 2]) }
    }

    /// Receives a datagram, or what there is of a stream, up to `most` bytes. None where there is nothing.
    pub fn receive(&mut self, socket: impl AsFd, most: usize) -> Result<Received<'_>, Errno> {
        let most = most.min(LENGTH_MAX);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
        let (length, cut, credentials, descriptors) = {
            let mut room = [io::IoSliceMut::new(&mut self.bytes[..most])];
            let message = recvmsg::<()>(socket.as_fd().as_raw_fd(), &mut room, Some(&mut self.control), flags)?;
            let (mut credentials, mut descriptors) = (None, Vec::new());
            // What did not fit of the control messages is no descriptor that came here.
            for message in message.cmsgs().into_iter().flatten() {
                match message {
                    ControlMessageOwned::ScmCredentials(sender) => credentials = Some(sender),
                    ControlMessageOwned::ScmRights(open) => {
                        // SAFETY: they have just come, and are nobody else's.
                        descriptors.extend(open.into_iter().map(|open| unsafe { OwnedFd::from_raw_fd(open) }));
                    }
                    _ => (),
                }
            }
            (message.bytes, message.flags.contains(MsgFlags::MSG_TRUNC), credentials, descriptors)
        };
        Ok(Received { bytes: &self.bytes[..length], credentials, cut, descriptors })
    }

    /// Reads the file that came in place of bytes. None where it is none that may: it has to be in memory, for reading another may
    /// take as long as it likes.
    pub fn read(&mut self, file: OwnedFd) -> Option<&[u8]> {
        let kind = fstatfs(&file).ok()?.filesystem_type();
        let file = File::from(file);
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > LENGTH_MAX as u64 || ![TMPFS_MAGIC, HUGETLBFS_MAGIC].contains(&kind)
        {
            return None;
        }
        read_whole(&file, &mut self.bytes[..metadata.len() as usize])
    }

    /// Gives back what a large message has taken.
    pub fn shrink(&mut self, length: usize) {
        if length > LARGE {
            self.bytes = zeroes();
        }
    }
}

/// From its beginning, wherever the sender stands in it. What it has lost since is not there.
fn read_whole<'a>(file: &File, room: &'a mut [u8]) -> Option<&'a [u8]> {
    use std::os::unix::fs::FileExt;
    let mut length = 0;
    while length < room.len() {
        match file.read_at(&mut room[length..], length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(_) => return None,
        }
    }
    Some(&room[..length])
}

/// Memory that the kernel only gives once it is written to.
fn zeroes() -> Vec<u8> {
    vec![0; LENGTH_MAX]
}
