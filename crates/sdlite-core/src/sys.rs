//! The system calls, one safe function each; names and errors as in section 2 of the manual.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::{MaybeUninit, offset_of, size_of};
use core::ptr;

use crate::{Errno, Result};

mod stat;
pub(crate) use stat::{Stat, file_system_type, fstat, stat};

/// -1 is an error, whose number is in errno.
fn check(result: c_int) -> Result<c_int> {
    if result == -1 { Err(Errno::last()) } else { Ok(result) }
}

/// The value of an environment variable. As with getenv(3), nobody may change the environment while it is in use.
pub(crate) fn getenv<'a>(name: &CStr) -> Option<&'a CStr> {
    // SAFETY: `name` is a C string; the answer is NULL or a C string, valid as long as the environment stays as it is.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// Removes an environment variable.
pub(crate) fn unsetenv(name: &CStr) {
    // It fails for a name that is empty or has a `=` in it. There is none here.
    // SAFETY: `name` is a C string.
    unsafe { libc::unsetenv(name.as_ptr()) };
}

/// The text from the byte of that number on; empty where there are not so many.
pub(crate) fn tail(text: &CStr, from: usize) -> &CStr {
    let tail = text.to_bytes_with_nul().get(from..).filter(|tail| !tail.is_empty());
    // SAFETY: a part of a C string that has its end is one.
    tail.map_or(c"", |tail| unsafe { CStr::from_bytes_with_nul_unchecked(tail) })
}

/// strtoll(3) of the whole text.
#[cfg(target_pointer_width = "64")]
pub(crate) fn strtoll(text: &CStr, base: c_int) -> Result<i64> {
    // SAFETY: `text` is a C string, `end` a pointer to a pointer.
    converted(text, 0, |end| unsafe { libc::strtoll(text.as_ptr(), end, base) })
}

/// strtoull(3) of the text up to a byte that has to follow.
pub(crate) fn strtoull(text: &CStr, base: c_int, end: u8) -> Result<u64> {
    // SAFETY: `text` is a C string, `end` a pointer to a pointer.
    converted(text, end, |end| unsafe { libc::strtoull(text.as_ptr(), end, base) })
}

// What libsystemd reads as a long is one of these; where that has 32 bits, another number is out of range.
#[cfg(target_pointer_width = "64")]
pub(crate) use self::{strtoll as strtol, strtoull as strtoul};

/// strtol(3) of the whole text.
#[cfg(target_pointer_width = "32")]
pub(crate) fn strtol(text: &CStr, base: c_int) -> Result<i64> {
    // SAFETY: `text` is a C string, `end` a pointer to a pointer.
    converted(text, 0, |end| unsafe { libc::strtol(text.as_ptr(), end, base) }).map(i64::from)
}

/// strtoul(3) of the text up to a byte that has to follow.
#[cfg(target_pointer_width = "32")]
pub(crate) fn strtoul(text: &CStr, base: c_int, end: u8) -> Result<u64> {
    // SAFETY: `text` is a C string, `end` a pointer to a pointer.
    converted(text, end, |end| unsafe { libc::strtoul(text.as_ptr(), end, base) }).map(u64::from)
}

fn converted<T>(text: &CStr, expected_end: u8, convert: impl FnOnce(*mut *mut c_char) -> T) -> Result<T> {
    let mut end = ptr::null_mut();
    Errno::clear();
    let number = convert(&raw mut end);
    // Out of range comes before rubbish behind the digits.
    Errno::last_if_any()?;
    // SAFETY: the conversion ended within the text.
    let whole = !ptr::eq(end, text.as_ptr()) && unsafe { end.cast::<u8>().read() } == expected_end;
    if whole { Ok(number) } else { Err(Errno::INVAL) }
}

/// This process.
pub(crate) fn getpid() -> libc::pid_t {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::getpid() }
}

/// Sets FD_CLOEXEC, the one flag there is to set, so that there is nothing to read first.
pub(crate) fn set_cloexec(fd: c_int) -> Result<()> {
    // SAFETY: F_SETFD takes an int and touches no memory.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) }).map(drop)
}

/// A descriptor of this library's own, closed when dropped.
pub(crate) struct OwnedFd(c_int);

impl OwnedFd {
    pub(crate) fn raw(&self) -> c_int {
        self.0
    }

    pub(crate) fn into_raw(self) -> c_int {
        core::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for OwnedFd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours and nobody else closes it.
        unsafe { libc::close(self.0) };
    }
}

/// strerror_r(3), as POSIX has it. A text that is too long is cut.
pub(crate) fn strerror_r(error: c_int, room: &mut [MaybeUninit<u8>]) -> &CStr {
    // SAFETY: no more than the size given is written, and what is written is a C string.
    unsafe {
        libc::strerror_r(error, room.as_mut_ptr().cast(), room.len());
        CStr::from_ptr(room.as_ptr().cast())
    }
}

/// open(2) with O_PATH, close-on-exec.
pub(crate) fn open_path(path: &CStr) -> Result<OwnedFd> {
    // SAFETY: `path` is a C string.
    check(unsafe { libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) }).map(OwnedFd)
}

/// A socket option that is an int.
pub(crate) fn getsockopt(fd: c_int, level: c_int, option: c_int) -> Result<c_int> {
    let mut value: c_int = 0;
    let mut size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointers are to an int and to its size, no more than which is written.
    check(unsafe { libc::getsockopt(fd, level, option, (&raw mut value).cast(), &raw mut size) })?;
    Ok(value)
}

/// Sets a socket option that is an int.
pub(crate) fn setsockopt(fd: c_int, level: c_int, option: c_int, value: c_int) -> Result<()> {
    let size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointer is to an int, and that is the size given.
    check(unsafe { libc::setsockopt(fd, level, option, (&raw const value).cast(), size) }).map(drop)
}

/// The address of a socket: as many bytes of the storage as the length says.
pub(crate) struct SocketAddress {
    storage: MaybeUninit<libc::sockaddr_storage>,
    len: usize,
}

impl SocketAddress {
    /// An address from elsewhere; what is too long for any address is cut.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut address =
            Self { storage: MaybeUninit::uninit(), len: bytes.len().min(size_of::<libc::sockaddr_storage>()) };
        // SAFETY: there are that many bytes on both sides.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), address.storage.as_mut_ptr().cast(), address.len) };
        address
    }

    /// Reads the structure at the start of the storage, unless the address is shorter than that.
    ///
    /// # Safety
    ///
    /// `T` is a structure of integers, and no more aligned than `sockaddr_storage`.
    unsafe fn start<T>(&self) -> Option<&T> {
        // SAFETY: as many bytes are initialised, and any are valid integers.
        (self.len >= size_of::<T>()).then(|| unsafe { &*self.storage.as_ptr().cast() })
    }

    /// Too short to have a family.
    pub(crate) fn is_empty(&self) -> bool {
        self.len < size_of::<libc::sa_family_t>()
    }

    pub(crate) fn family(&self) -> c_int {
        // SAFETY: it is an integer.
        unsafe { self.start::<libc::sa_family_t>() }.map_or(libc::AF_UNSPEC, |family| c_int::from(*family))
    }

    /// What stands behind the family: in an address of AF_UNIX, `sun_path`.
    pub(crate) fn data(&self) -> &[u8] {
        // SAFETY: that many bytes are initialised.
        let bytes = unsafe { core::slice::from_raw_parts(self.storage.as_ptr().cast(), self.len) };
        bytes.get(size_of::<libc::sa_family_t>()..).unwrap_or_default()
    }

    /// The port, which addresses of AF_INET and AF_INET6 have at the same place.
    pub(crate) fn port(&self) -> Option<u16> {
        self.data().first_chunk().map(|port| u16::from_be_bytes(*port))
    }

    /// The address as one of AF_INET, unless it is too short.
    pub(crate) fn inet(&self) -> Option<&libc::sockaddr_in> {
        // SAFETY: it is a structure of integers, and one of those that the storage is for.
        unsafe { self.start() }
    }

    /// The address as one of AF_INET6, unless it is too short.
    pub(crate) fn inet6(&self) -> Option<&libc::sockaddr_in6> {
        // SAFETY: as in `inet`.
        unsafe { self.start() }
    }
}

/// getsockname(2).
pub(crate) fn getsockname(fd: c_int) -> Result<SocketAddress> {
    let mut storage = MaybeUninit::<libc::sockaddr_storage>::uninit();
    let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the pointers are to room for an address and to its size, no more than which is written. The size that comes
    // back is no larger, as no address is.
    check(unsafe { libc::getsockname(fd, storage.as_mut_ptr().cast(), &raw mut len) })?;
    Ok(SocketAddress { storage, len: len as usize })
}

/// mq_getattr(3), for its answer alone: whether this is a POSIX message queue. The C library's own function is not called
/// because older ones have it in a library of its own.
pub(crate) fn mq_getattr(fd: c_int) -> Result<()> {
    let mut attributes = MaybeUninit::<libc::mq_attr>::uninit();
    // SAFETY: the pointer for new attributes is NULL, the one for the present ones is to room for them.
    let result =
        unsafe { libc::syscall(libc::SYS_mq_getsetattr, fd, ptr::null::<libc::mq_attr>(), attributes.as_mut_ptr()) };
    if result == -1 { Err(Errno::last()) } else { Ok(()) }
}

/// pidfd_open(2).
pub(crate) fn pidfd_open(pid: libc::pid_t) -> Result<OwnedFd> {
    // SAFETY: it takes numbers alone.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    check(result as c_int).map(OwnedFd)
}

/// socket(2), close-on-exec.
pub(crate) fn socket(family: c_int, kind: c_int) -> Result<OwnedFd> {
    // SAFETY: it takes numbers alone.
    check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) }).map(OwnedFd)
}

/// connect(2).
pub(crate) fn connect(socket: &OwnedFd, to: &Address) -> Result<()> {
    // SAFETY: the pointer is to an address of that size.
    check(unsafe { libc::connect(socket.raw(), to.as_ptr(), to.len) }).map(drop)
}

/// bind(2).
pub(crate) fn bind(socket: &OwnedFd, to: &Address) -> Result<()> {
    // SAFETY: the pointer is to an address of that size.
    check(unsafe { libc::bind(socket.raw(), to.as_ptr(), to.len) }).map(drop)
}

/// shutdown(2) of the reading or the writing side: SHUT_RD, SHUT_WR.
pub(crate) fn shutdown(socket: &OwnedFd, side: c_int) -> Result<()> {
    // SAFETY: it takes numbers alone.
    check(unsafe { libc::shutdown(socket.raw(), side) }).map(drop)
}

/// recv(2) of one byte: whether there was one, or the other side has closed.
pub(crate) fn recv_byte(socket: &OwnedFd) -> Result<bool> {
    let mut byte = 0u8;
    // SAFETY: the pointer is to room for one byte.
    let received = unsafe { libc::recv(socket.raw(), (&raw mut byte).cast(), 1, libc::MSG_NOSIGNAL) };
    if received == -1 { Err(Errno::last()) } else { Ok(received != 0) }
}

/// The two ends of a pipe.
pub(crate) struct Pipe {
    pub(crate) read: OwnedFd,
    pub(crate) write: OwnedFd,
}

/// pipe2(2), close-on-exec.
pub(crate) fn pipe() -> Result<Pipe> {
    let mut ends = [-1; 2];
    // SAFETY: the pointer is to room for two descriptors.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    let [read, write] = ends.map(OwnedFd);
    Ok(Pipe { read, write })
}

/// ppoll(2) until the other end is closed, or so many microseconds are over, which is false. The largest number is for ever.
pub(crate) fn poll_hangup(fd: &OwnedFd, timeout: u64) -> Result<bool> {
    let (seconds, microseconds) = split(timeout);
    let time = libc::timespec {
        // Where time_t is short, the longest that it can say is as good as for ever.
        tv_sec: libc::time_t::try_from(seconds).unwrap_or(libc::time_t::MAX),
        tv_nsec: (microseconds * 1000) as _,
    };
    let time = if timeout == u64::MAX { ptr::null() } else { &raw const time };
    let mut fd = libc::pollfd { fd: fd.raw(), events: 0, revents: 0 };
    // SAFETY: the pointers are to one pollfd, to a time or NULL, and NULL.
    check(unsafe { libc::ppoll(&raw mut fd, 1, time, ptr::null()) }).map(|ready| ready > 0)
}

const SECOND: u64 = 1_000_000;

/// Microseconds as seconds and microseconds. Where words have 32 bits, `/` is a function of Rust's own: what it brings into a
/// static program is larger than what that wants of this library, and on ARM does not link.
fn split(microseconds: u64) -> (u64, u32) {
    if cfg!(target_pointer_width = "64") {
        (microseconds / SECOND, (microseconds % SECOND) as u32)
    } else {
        split_bit_by_bit(microseconds)
    }
}

fn split_bit_by_bit(microseconds: u64) -> (u64, u32) {
    let (mut seconds, mut rest, mut part) = (0, microseconds, SECOND << SECOND.leading_zeros());
    while part >= SECOND {
        seconds <<= 1;
        if rest >= part {
            rest -= part;
            seconds |= 1;
        }
        part >>= 1;
    }
    (seconds, rest as u32)
}

/// A real and an effective user or group.
pub(crate) struct Ids {
    pub(crate) real: u32,
    pub(crate) effective: u32,
}

impl Ids {
    fn of(call: unsafe extern "C" fn(*mut u32, *mut u32, *mut u32) -> c_int) -> Self {
        let [mut real, mut effective, mut saved] = [0; 3];
        // SAFETY: the pointers are to room for a number each, and then the call cannot fail.
        unsafe { call(&raw mut real, &raw mut effective, &raw mut saved) };
        Self { real, effective }
    }
}

/// getresuid(2): both answers for one call.
pub(crate) fn getresuid() -> Ids {
    Ids::of(libc::getresuid)
}

/// getresgid(2).
pub(crate) fn getresgid() -> Ids {
    Ids::of(libc::getresgid)
}

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

/// As large a send buffer as libsystemd asks for. The kernel's own limit is passed over where this process may do that.
pub(crate) fn raise_send_buffer(fd: c_int) {
    const SIZE: c_int = 8 << 20;
    // A message that does not fit then either is the caller's to report.
    let _ = setsockopt(fd, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, SIZE)
        .or_else(|_| setsockopt(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, SIZE));
}

/// A file in memory that holds `pieces` and that nobody can change any more.
pub(crate) fn sealed_memfd(name: &CStr, pieces: &[IoSlice<'_>]) -> Result<OwnedFd> {
    // SAFETY: `name` is a C string.
    let memfd = check(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) });
    let memfd = memfd.map(OwnedFd)?;
    // SAFETY: the pieces are valid iovecs, laid out as those.
    whole(unsafe { libc::writev(memfd.raw(), pieces.as_ptr().cast(), pieces.len() as c_int) }, pieces)?;
    let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    // SAFETY: F_ADD_SEALS takes an int and touches no memory.
    check(unsafe { libc::fcntl(memfd.raw(), libc::F_ADD_SEALS, seals) })?;
    Ok(memfd)
}

/// The name of the program without its folder, as the C library keeps it.
pub(crate) fn program_invocation_short_name<'a>() -> &'a [u8] {
    unsafe extern "C" {
        static mut program_invocation_short_name: *const c_char;
    }
    // SAFETY: the C library sets it before main; a program that sets it anew has to leave a C string there.
    unsafe { CStr::from_ptr(program_invocation_short_name) }.to_bytes()
}

/// Where `byte` first stands. The C library's memchr(3) looks at many bytes at once.
pub(crate) fn memchr(bytes: &[u8], byte: u8) -> Option<usize> {
    // SAFETY: the pointer is to that many bytes.
    let found = unsafe { libc::memchr(bytes.as_ptr().cast(), c_int::from(byte), bytes.len()) };
    (!found.is_null()).then(|| found.addr() - bytes.as_ptr().addr())
}

/// An address to send to: as many bytes as the length says.
pub(crate) struct Address {
    storage: Storage,
    len: libc::socklen_t,
}

#[repr(C)]
union Storage {
    unix: libc::sockaddr_un,
    vsock: libc::sockaddr_vm,
}

impl Address {
    /// The address of an unnamed socket of AF_UNIX.
    pub(crate) const fn new() -> Self {
        let unix = libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path: [0; 108] };
        Self { storage: Storage { unix }, len: size_of::<libc::sa_family_t>() as libc::socklen_t }
    }

    /// The address of a path that is known to fit: a constant that does not, does not compile.
    pub(crate) const fn path(path: &'static CStr) -> Self {
        let mut address = Self::new();
        if !address.set_path(path) {
            panic!("no room for the path");
        }
        address
    }

    /// Makes it a path, or with a `@` in front an abstract name. False where there is no room for that.
    pub(crate) const fn set_path(&mut self, path: &CStr) -> bool {
        let path = path.to_bytes_with_nul();
        // SAFETY: it is an address of AF_UNIX; there is room for as many bytes as are copied.
        unsafe {
            let room = &mut self.storage.unix.sun_path;
            if path.len() > room.len() {
                return false;
            }
            ptr::copy_nonoverlapping(path.as_ptr().cast(), room.as_mut_ptr(), path.len());
            self.len = (offset_of!(libc::sockaddr_un, sun_path) + path.len()) as libc::socklen_t;
            if room[0] == b'@' as c_char {
                // The zero byte is in front of a name, not behind it.
                room[0] = 0;
                self.len -= 1;
            }
        }
        true
    }

    /// Makes it a port of a virtual machine or of its host.
    pub(crate) fn set_vsock(&mut self, cid: u32, port: u32) {
        // SAFETY: the structure is of integers, for which zero is a value.
        let mut vsock: libc::sockaddr_vm = unsafe { MaybeUninit::zeroed().assume_init() };
        vsock.svm_family = libc::AF_VSOCK as libc::sa_family_t;
        vsock.svm_cid = cid;
        vsock.svm_port = port;
        self.storage.vsock = vsock;
        self.len = size_of::<libc::sockaddr_vm>() as libc::socklen_t;
    }

    pub(crate) fn family(&self) -> c_int {
        // SAFETY: both structures begin with it.
        c_int::from(unsafe { self.storage.unix.sun_family })
    }

    fn as_ptr(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
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
        message.msg_namelen = to.len;
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
fn whole(written: libc::ssize_t, pieces: &[IoSlice<'_>]) -> Result<()> {
    match usize::try_from(written) {
        Ok(written) if written == pieces.iter().map(IoSlice::len).sum() => Ok(()),
        Ok(_) => Err(Errno::IO),
        Err(_) => Err(Errno::last()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_split_as_by_a_division() {
        for time in
            [0, 1, 999_999, 1_000_000, 1_000_001, 1 << 32, (1 << 32) + 1, 59_999_999, u64::MAX / 2, u64::MAX - 1]
        {
            let expected = (time / 1_000_000, (time % 1_000_000) as u32);
            assert_eq!([super::split(time), super::split_bit_by_bit(time)], [expected; 2], "{time}");
        }
    }
}
