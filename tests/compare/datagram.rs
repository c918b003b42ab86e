//! What arrives in a datagram, descriptors included.

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::net::UnixDatagram;
use std::{fs, ptr};

use crate::bytes::Bytes;
use crate::sys;

#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub bytes: Bytes,
    /// Process, user and group, where they were asked for.
    pub credentials: Option<[u32; 3]>,
    pub passed: Vec<Passed>,
}

/// A descriptor that came along.
#[derive(Clone, Debug, PartialEq)]
pub struct Passed {
    pub content: Bytes,
    pub seals: Option<i32>,
    pub status_flags: Option<i32>,
    pub mode: u32,
    /// What /proc says that it is: of a file its name, of a socket its number.
    pub name: String,
}

/// What /proc says that a descriptor is: nothing where it is not open.
pub fn name(fd: RawFd) -> String {
    let name = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
    name.to_string_lossy().into_owned()
}

impl Passed {
    fn new(fd: OwnedFd) -> Self {
        let name = name(fd.as_raw_fd());
        let (seals, status_flags) = (sys::seals(fd.as_raw_fd()), sys::status_flags(fd.as_raw_fd()).ok());
        let file = File::from(fd);
        let metadata = file.metadata().expect("fstat");
        let mut content = vec![0; metadata.len() as usize];
        let read = file.read_exact_at(&mut content, 0);
        if let Err(error) = read {
            content = error.to_string().into_bytes();
        }
        Self { content: Bytes(content), seals, status_flags, mode: metadata.mode(), name }
    }
}

/// The next datagram of a socket that does not block, None where there is none.
pub fn receive(socket: &UnixDatagram) -> Option<Received> {
    /// Room for many more descriptors than anybody sends.
    #[repr(C, align(8))]
    struct Control([u8; 4096]);
    let mut bytes = vec![0; 4096];
    let mut control = Control([0; 4096]);
    // SAFETY: it is of pointers and integers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iovlen = 1;

    // First only how long it is.
    let mut iov = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: 0 };
    message.msg_iov = &raw mut iov;
    // SAFETY: every pointer in the message is to as many bytes as it says.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_PEEK | libc::MSG_TRUNC) };
    bytes.resize(usize::try_from(length).ok()?, 0);

    iov = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    message.msg_iov = &raw mut iov;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    message.msg_flags = 0;
    // SAFETY: the same.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    assert_eq!(usize::try_from(length), Ok(bytes.len()));
    assert_eq!(message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC), 0);
    let (passed, credentials) = control_messages(&message);
    Some(Received { bytes: Bytes(bytes), credentials, passed })
}

/// Makes the kernel tell with each datagram whose it is.
pub fn ask_for_credentials(socket: &UnixDatagram) {
    let on = 1;
    // SAFETY: the pointer is to an int, and that is the size given.
    let result = unsafe {
        let size = size_of::<libc::c_int>() as _;
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PASSCRED, (&raw const on).cast(), size)
    };
    sys::check(result).expect("SO_PASSCRED");
}

fn control_messages(message: &libc::msghdr) -> (Vec<Passed>, Option<[u32; 3]>) {
    let (mut passed, mut credentials) = (Vec::new(), None);
    // SAFETY: the kernel has filled the control messages in, and the macros walk through them.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            if ((*header).cmsg_level, (*header).cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let bytes = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                for i in 0..bytes / 4 {
                    let fd = ptr::read_unaligned(libc::CMSG_DATA(header).add(4 * i).cast());
                    passed.push(Passed::new(OwnedFd::from_raw_fd(fd)));
                }
            }
            if ((*header).cmsg_level, (*header).cmsg_type) == (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) {
                credentials = Some(ptr::read_unaligned(libc::CMSG_DATA(header).cast()));
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    (passed, credentials)
}
