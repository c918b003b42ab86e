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

use crate::engine::Notification;
use crate::saved::{self, Descriptor, Saved};

/// A longer notification is cut.
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

    /// The next notification, and whose it is by the kernel's word. None where there is none.
    pub fn receive(&self) -> Option<(Pid, Vec<u8>)> {
        let mut state = vec![0; LENGTH_MAX];
        let mut control = nix::cmsg_space!(UnixCredentials, [RawFd; DESCRIPTORS_MAX]);
        let mut room = [IoSliceMut::new(&mut state)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<UnixAddr>(self.socket.as_raw_fd(), &mut room, Some(&mut control), flags).ok()?;
        let length = message.bytes;
        let mut sender = None;
        for message in message.cmsgs().into_iter().flatten() {
            match message {
                ControlMessageOwned::ScmCredentials(credentials) => sender = Some(Pid::from_raw(credentials.pid())),
                ControlMessageOwned::ScmRights(descriptors) => {
                    for descriptor in descriptors {
                        // SAFETY: it has just come, and is nobody else's.
                        drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
                    }
                }
                _ => (),
            }
        }
        state.truncate(length);
        Some((sender?, state))
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

impl AsFd for Notifications {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What a notification says, of what is understood. It is anybody's: what is no text says nothing.
pub fn parse(state: &[u8]) -> Notification {
    let mut notification = Notification::default();
    for line in state.split(|byte| *byte == b'\n') {
        if line == b"READY=1" {
            notification.ready = true;
        } else if let Some(status) = line.strip_prefix(b"STATUS=") {
            notification.status = std::str::from_utf8(status).ok().map(str::to_owned);
        }
    }
    notification
}
