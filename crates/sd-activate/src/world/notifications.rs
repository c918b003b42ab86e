//! What services notify of: the other side of sd_notify(3).

use std::ffi::OsString;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, UnixCredentials, bind, getsockname,
    recvmsg, setsockopt, socket, sockopt,
};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::saved::{self, Descriptor, Saved};

/// A longer notification is refused, as by systemd.
const LENGTH_MAX: usize = 4096;
/// SCM_MAX_FD of the kernel.
const DESCRIPTORS_MAX: usize = 253;

/// A socket that services send datagrams to.
pub struct Notifications {
    socket: OwnedFd,
    address: OsString,
}

impl Notifications {
    /// Binds it to an address that the kernel chooses.
    pub fn open() -> Result<Self, Errno> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
        setsockopt(&socket, sockopt::PassCred, &true)?;
        bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?;
        let bound: UnixAddr = getsockname(socket.as_raw_fd())?;
        let name = bound.as_abstract().ok_or(Errno::EADDRNOTAVAIL)?;
        Ok(Self { address: OsString::from_vec([b"@", name].concat()), socket })
    }

    /// `$NOTIFY_SOCKET` of services.
    pub fn address(&self) -> &OsString {
        &self.address
    }

    /// The next notification, or why it is refused. None where there is none.
    pub fn receive(&self) -> Option<Result<Received, &'static str>> {
        let mut state = vec![0; LENGTH_MAX];
        let mut control = nix::cmsg_space!(UnixCredentials, [RawFd; DESCRIPTORS_MAX]);
        let mut room = [IoSliceMut::new(&mut state)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<UnixAddr>(self.socket.as_raw_fd(), &mut room, Some(&mut control), flags).ok()?;
        let (length, is_cut) = (message.bytes, message.flags.contains(MsgFlags::MSG_TRUNC));
        let (mut credentials, mut descriptors) = (None, Vec::new());
        for message in message.cmsgs().into_iter().flatten() {
            match message {
                ControlMessageOwned::ScmCredentials(sent) => credentials = Some(sent),
                ControlMessageOwned::ScmRights(sent) => {
                    // SAFETY: it has just come, and is nobody else's.
                    let owned = |descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) };
                    descriptors.extend(sent.into_iter().map(owned));
                }
                _ => (),
            }
        }
        state.truncate(length);
        if is_cut {
            return Some(Err("Received notify message exceeded maximum size. Ignoring."));
        }
        // One at the end is what ends a string in C.
        if state.last() == Some(&0) {
            state.pop();
        }
        if state.contains(&0) {
            return Some(Err("Received notify message with embedded NUL bytes. Ignoring."));
        }
        let credentials = credentials?;
        let sender = Pid::from_raw(credentials.pid());
        Some(Ok(Received { sender, is_root: credentials.uid() == 0, state, descriptors }))
    }
}

/// The socket, and its address.
#[derive(Serialize, Deserialize)]
pub struct SavedNotifications {
    socket: Descriptor,
    #[serde(with = "saved")]
    address: OsString,
}

impl Saved for Notifications {
    type Form = SavedNotifications;

    fn save(&self) -> SavedNotifications {
        let Self { socket, address } = self;
        SavedNotifications { socket: socket.save(), address: address.clone() }
    }

    fn restore(SavedNotifications { socket, address }: SavedNotifications) -> Option<Self> {
        Some(Self { socket: OwnedFd::restore(socket)?, address })
    }
}

/// A notification, as it has come.
pub struct Received {
    /// Whose it is, by the kernel's word.
    pub sender: Pid,
    /// Whether that is root's process.
    pub is_root: bool,
    /// What it says.
    pub state: Vec<u8>,
    /// What has come with it.
    pub descriptors: Vec<OwnedFd>,
}

impl AsFd for Notifications {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
