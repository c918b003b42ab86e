//! Messages: their pieces, and what goes with them.

use core::ffi::{c_int, c_void};
use core::mem::{MaybeUninit, size_of};

use super::Address;
use crate::{Errno, Result};

/// A piece of a message.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct IoSlice<'a> {
    iovec: libc::iovec,
    bytes: core::marker::PhantomData<&'a [u8]>,
}

impl<'a> IoSlice<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let iovec = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast::<c_void>(), iov_len: bytes.len() };
        Self { iovec, bytes: core::marker::PhantomData }
    }

    pub(crate) fn len(&self) -> usize {
        self.iovec.iov_len
    }
}

/// SCM_MAX_FD of the kernel: no message carries more descriptors.
pub(crate) const SCM_MAX_FD: usize = 253;

/// What goes with a message: credentials, descriptors.
pub(crate) struct Control {
    /// Aligned as control messages have to be.
    buffer: [MaybeUninit<usize>; Self::WORDS],
    len: usize,
}

impl Control {
    const WORDS: usize =
        (space(size_of::<libc::ucred>()) + space(SCM_MAX_FD * size_of::<c_int>())) / size_of::<usize>();

    pub(crate) const fn new() -> Self {
        Self { buffer: [MaybeUninit::uninit(); Self::WORDS], len: 0 }
    }

    /// How much of it there is.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Takes away what came after it was that long.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Adds descriptors, SCM_RIGHTS. No more than SCM_MAX_FD are taken.
    pub(crate) fn push_rights(&mut self, fds: &[c_int]) {
        let fds = fds.get(..SCM_MAX_FD).unwrap_or(fds);
        // SAFETY: integers are bytes.
        self.push(libc::SCM_RIGHTS, unsafe { core::slice::from_raw_parts(fds.as_ptr().cast(), size_of_val(fds)) });
    }

    /// Adds credentials, SCM_CREDENTIALS.
    pub(crate) fn push_credentials(&mut self, credentials: &libc::ucred) {
        // SAFETY: a structure of integers without gaps is bytes.
        self.push(libc::SCM_CREDENTIALS, unsafe {
            core::slice::from_raw_parts((&raw const *credentials).cast(), size_of::<libc::ucred>())
        });
    }

    fn push(&mut self, kind: c_int, data: &[u8]) {
        // SAFETY: the structure is of integers, for which zero is a value.
        let mut header: libc::cmsghdr = unsafe { MaybeUninit::zeroed().assume_init() };
        header.cmsg_level = libc::SOL_SOCKET;
        header.cmsg_type = kind;
        header.cmsg_len = (HEADER + data.len()) as _;
        let start = self.len;
        let end = start + space(data.len());
        // Of the last word, the message may need a part: the kernel is given all of it.
        let Some(last) = self.buffer.get_mut(end / size_of::<usize>() - 1) else { return };
        last.write(0);
        // SAFETY: there is room, and the start is aligned because the space of each message is a multiple of a word.
        unsafe {
            let message = self.buffer.as_mut_ptr().cast::<u8>().add(start);
            message.cast::<libc::cmsghdr>().write(header);
            message.add(HEADER).copy_from_nonoverlapping(data.as_ptr(), data.len());
        }
        self.len = end;
    }
}

/// The size of a header, CMSG_LEN(0).
const HEADER: usize = size_of::<libc::cmsghdr>().next_multiple_of(size_of::<usize>());

/// CMSG_SPACE(3).
const fn space(size: usize) -> usize {
    HEADER + size.next_multiple_of(size_of::<usize>())
}

/// sendmsg(2), of one message in pieces. Never raises SIGPIPE. EIO where only a part of it was sent.
pub(crate) fn sendmsg(fd: c_int, to: Option<&Address>, pieces: &[IoSlice<'_>], control: &Control) -> Result<()> {
    // SAFETY: the structure is of integers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    if let Some(to) = to {
        message.msg_name = to.as_ptr().cast_mut().cast();
        message.msg_namelen = to.len();
    }
    message.msg_iov = pieces.as_ptr().cast_mut().cast();
    message.msg_iovlen = pieces.len() as _;
    message.msg_control = control.buffer.as_ptr().cast_mut().cast();
    message.msg_controllen = control.len as _;
    // SAFETY: every pointer in the message is to as many valid bytes as stand beside it, for the time of the call.
    let sent = unsafe {
        // musl's own has room for 1 KiB of control messages, not for 253 descriptors and credentials.
        if control.len > 1024 {
            libc::syscall(libc::SYS_sendmsg, fd, &raw const message, libc::MSG_NOSIGNAL) as libc::ssize_t
        } else {
            libc::sendmsg(fd, &raw const message, libc::MSG_NOSIGNAL)
        }
    };
    whole(sent, pieces)
}

/// What a call says to have written, against what there was to write.
pub(super) fn whole(written: libc::ssize_t, pieces: &[IoSlice<'_>]) -> Result<()> {
    match usize::try_from(written) {
        Ok(written) if written == pieces.iter().map(IoSlice::len).sum() => Ok(()),
        Ok(_) => Err(Errno::IO),
        Err(_) => Err(Errno::last()),
    }
}
