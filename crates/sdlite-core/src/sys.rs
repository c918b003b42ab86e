//! The system calls, one safe function each; names and errors as in section 2 of the manual.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::{MaybeUninit, size_of};
use core::ptr;

use crate::{Errno, Result};

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

/// The text behind all the bytes of `skipped` that it begins with.
pub(crate) fn skip<'a>(text: &'a CStr, skipped: &CStr) -> &'a CStr {
    // SAFETY: both are C strings, and the first ends no earlier than the span.
    unsafe { CStr::from_ptr(text.as_ptr().add(libc::strspn(text.as_ptr(), skipped.as_ptr()))) }
}

/// strtoll(3) of the whole text.
pub(crate) fn strtoll(text: &CStr, base: c_int) -> Result<i64> {
    whole(text, |text, end| {
        // SAFETY: `text` is a C string, `end` a pointer to a pointer.
        unsafe { libc::strtoll(text, end, base) }
    })
}

/// strtoull(3) of the whole text.
pub(crate) fn strtoull(text: &CStr, base: c_int) -> Result<u64> {
    whole(text, |text, end| {
        // SAFETY: `text` is a C string, `end` a pointer to a pointer.
        unsafe { libc::strtoull(text, end, base) }
    })
}

fn whole<T>(text: &CStr, convert: impl Fn(*const c_char, *mut *mut c_char) -> T) -> Result<T> {
    let mut end = ptr::null_mut();
    Errno::clear();
    let number = convert(text.as_ptr(), &raw mut end);
    // Out of range comes before rubbish behind the digits.
    Errno::last_if_any()?;
    // SAFETY: the conversion ended within the text.
    if ptr::eq(end, text.as_ptr()) || unsafe { end.read() } != 0 { Err(Errno::INVAL) } else { Ok(number) }
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

/// What stat(2) tells of a file, as far as it is asked for here.
pub(crate) struct Stat {
    mode: libc::mode_t,
    device: libc::dev_t,
    inode: libc::ino_t,
    device_node: libc::dev_t,
}

impl Stat {
    fn new(stat: &libc::stat) -> Self {
        Self { mode: stat.st_mode, device: stat.st_dev, inode: stat.st_ino, device_node: stat.st_rdev }
    }

    pub(crate) fn is(&self, kind: libc::mode_t) -> bool {
        self.mode & libc::S_IFMT == kind
    }

    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }

    pub(crate) fn is_inode_of(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }

    pub(crate) fn is_device_of(&self, other: &Self) -> bool {
        self.device_node == other.device_node
    }
}

/// fstat(2).
pub(crate) fn fstat(fd: c_int) -> Result<Stat> {
    let mut stat = MaybeUninit::uninit();
    // SAFETY: the pointer is to room for a stat, which is written whole where the call succeeds.
    unsafe {
        check(libc::fstat(fd, stat.as_mut_ptr()))?;
        Ok(Stat::new(stat.assume_init_ref()))
    }
}

/// stat(2).
pub(crate) fn stat(path: &CStr) -> Result<Stat> {
    let mut stat = MaybeUninit::uninit();
    // SAFETY: as in `fstat`; `path` is a C string.
    unsafe {
        check(libc::stat(path.as_ptr(), stat.as_mut_ptr()))?;
        Ok(Stat::new(stat.assume_init_ref()))
    }
}

/// stat(2) of the POSIX message queue of that name.
pub(crate) fn stat_mq(name: &CStr) -> Result<Stat> {
    let mut path = [MaybeUninit::<c_char>::uninit(); libc::PATH_MAX as usize];
    // SAFETY: no more than the size given is written, and what is written is a C string.
    unsafe {
        let length = libc::snprintf(path.as_mut_ptr().cast(), path.len(), c"/dev/mqueue%s".as_ptr(), name.as_ptr());
        match usize::try_from(length) {
            Ok(length) if length < path.len() => stat(CStr::from_ptr(path.as_ptr().cast())),
            _ => Err(Errno::NAMETOOLONG),
        }
    }
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

/// The type of the file system, from fstatfs(2).
pub(crate) fn file_system_type(fd: c_int) -> Result<u64> {
    let mut status = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the pointer is to room for a statfs, which is written whole where the call succeeds.
    let status = unsafe {
        check(libc::fstatfs(fd, status.as_mut_ptr()))?;
        status.assume_init()
    };
    Ok(status.f_type as u64)
}

/// A datagram socket of AF_UNIX, close-on-exec.
pub(crate) fn unix_datagram_socket() -> Result<OwnedFd> {
    // SAFETY: it takes numbers alone.
    check(unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) }).map(OwnedFd)
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
    let size: usize = pieces.iter().map(IoSlice::len).sum();
    // SAFETY: the pieces are valid iovecs, laid out as those.
    let written = unsafe { libc::writev(memfd.raw(), pieces.as_ptr().cast(), pieces.len() as c_int) };
    match usize::try_from(written) {
        Ok(written) if written == size => {}
        Ok(_) => return Err(Errno::IO),
        Err(_) => return Err(Errno::last()),
    }
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

/// Where a datagram goes.
pub(crate) struct UnixAddress(libc::sockaddr_un);

impl UnixAddress {
    /// The address of a path, which has to fit (a constant that does not, does not compile).
    pub(crate) const fn of_path(path: &CStr) -> Self {
        let path = path.to_bytes();
        let mut address = libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path: [0; 108] };
        let mut i = 0;
        while i < path.len() {
            address.sun_path[i] = path[i] as c_char;
            i += 1;
        }
        Self(address)
    }
}

/// sendmsg(2), of one datagram in pieces, with a descriptor where one is to be passed. Never raises SIGPIPE.
pub(crate) fn sendmsg(fd: c_int, to: &UnixAddress, pieces: &[IoSlice<'_>], passed: Option<c_int>) -> Result<()> {
    /// A control message that carries one descriptor, padded as CMSG_SPACE(3) wants it.
    #[repr(C)]
    struct Rights {
        header: libc::cmsghdr,
        descriptor: c_int,
        padding: MaybeUninit<usize>,
    }
    // SAFETY: these are of integers and pointers, for which zero is a value.
    let (mut rights, mut message): (Rights, libc::msghdr) = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_name = (&raw const to.0).cast_mut().cast();
    message.msg_namelen = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    message.msg_iov = pieces.as_ptr().cast_mut().cast();
    message.msg_iovlen = pieces.len() as _;
    if let Some(descriptor) = passed {
        // SAFETY: these two compute sizes.
        let (len, space) = unsafe { (libc::CMSG_LEN(4), libc::CMSG_SPACE(4)) };
        rights.header.cmsg_level = libc::SOL_SOCKET;
        rights.header.cmsg_type = libc::SCM_RIGHTS;
        rights.header.cmsg_len = len as _;
        rights.descriptor = descriptor;
        message.msg_control = (&raw mut rights).cast();
        message.msg_controllen = space as _;
    }
    // SAFETY: every pointer in the message is to as many valid bytes as stand beside it, for the time of the call.
    let sent = unsafe { libc::sendmsg(fd, &raw const message, libc::MSG_NOSIGNAL) };
    if sent == -1 { Err(Errno::last()) } else { Ok(()) }
}
