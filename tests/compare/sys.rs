//! System calls that the standard library does not have, one safe function each.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

pub fn check(result: c_int) -> io::Result<c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A new descriptor, from a system call that returns one.
pub fn owned(result: c_int) -> io::Result<OwnedFd> {
    // SAFETY: the kernel has just made it, for this caller.
    check(result).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The same open file at the lowest number that is free from `from` on, close-on-exec.
pub fn dup_above(fd: RawFd, from: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: it takes numbers alone.
    owned(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, from) })
}

/// The same open file at `number`.
pub fn dup_to(fd: RawFd, number: RawFd, cloexec: bool) {
    let flags = if cloexec { libc::O_CLOEXEC } else { 0 };
    // SAFETY: it takes numbers alone; `number` is in the range that nobody owns.
    check(unsafe { libc::dup3(fd, number, flags) }).expect("dup3");
}

/// Closes a number that nobody owns.
pub fn close(number: RawFd) {
    // SAFETY: it takes a number alone.
    unsafe { libc::close(number) };
}

/// The flags of a descriptor, None where it is not open.
pub fn descriptor_flags(number: RawFd) -> Option<c_int> {
    // SAFETY: it takes numbers alone.
    check(unsafe { libc::fcntl(number, libc::F_GETFD) }).ok()
}

/// The flags of an open file.
pub fn status_flags(fd: RawFd) -> io::Result<c_int> {
    // SAFETY: it takes numbers alone.
    check(unsafe { libc::fcntl(fd, libc::F_GETFL) })
}

pub fn seals(fd: RawFd) -> Option<c_int> {
    // SAFETY: it takes numbers alone.
    check(unsafe { libc::fcntl(fd, libc::F_GET_SEALS) }).ok()
}

pub fn errno() -> c_int {
    // SAFETY: the C library answers with a valid pointer to this thread's errno.
    unsafe { *libc::__errno_location() }
}

pub fn set_errno(number: c_int) {
    // SAFETY: the C library answers with a valid pointer to this thread's errno.
    unsafe { *libc::__errno_location() = number };
}

pub fn open(path: &CStr, flags: c_int) -> io::Result<OwnedFd> {
    // SAFETY: it takes a C string and numbers; without O_CREAT there is no mode.
    owned(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC) })
}

pub fn memfd(name: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: it takes a C string and numbers.
    owned(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) })
}

pub fn mkfifo(path: &CStr) -> io::Result<()> {
    // SAFETY: it takes a C string and numbers.
    check(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }).map(drop)
}

pub fn mknod(path: &CStr, kind: libc::mode_t, major: c_uint, minor: c_uint) -> io::Result<()> {
    // SAFETY: it takes a C string and numbers.
    check(unsafe { libc::mknod(path.as_ptr(), kind | 0o600, libc::makedev(major, minor)) }).map(drop)
}

pub fn mq_open(name: &CStr) -> io::Result<OwnedFd> {
    let mode: libc::mode_t = 0o600;
    let none = ptr::null::<libc::mq_attr>();
    // SAFETY: it takes a C string, numbers, and NULL for the usual attributes.
    owned(unsafe { libc::mq_open(name.as_ptr(), libc::O_RDWR | libc::O_CREAT | libc::O_CLOEXEC, mode, none) })
}

pub fn pidfd_open(pid: libc::pid_t) -> io::Result<OwnedFd> {
    // SAFETY: it takes numbers alone.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } as c_int)
}

pub fn socket(family: c_int, kind: c_int, protocol: c_int) -> io::Result<OwnedFd> {
    // SAFETY: it takes numbers alone.
    owned(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) })
}

pub fn socketpair(kind: c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut pair = [-1; 2];
    // SAFETY: the pointer is to two ints.
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, 0, pair.as_mut_ptr()) })?;
    Ok((owned(pair[0])?, owned(pair[1])?))
}

pub fn bind(socket: &OwnedFd, address: &[u8]) -> io::Result<()> {
    // SAFETY: the pointer is to that many bytes.
    check(unsafe { libc::bind(socket.as_raw_fd(), address.as_ptr().cast(), address.len() as _) }).map(drop)
}

pub fn connect(socket: &OwnedFd, address: &[u8]) -> io::Result<()> {
    // SAFETY: the pointer is to that many bytes.
    check(unsafe { libc::connect(socket.as_raw_fd(), address.as_ptr().cast(), address.len() as _) }).map(drop)
}

pub fn listen(socket: &OwnedFd) -> io::Result<()> {
    // SAFETY: it takes numbers alone.
    check(unsafe { libc::listen(socket.as_raw_fd(), 8) }).map(drop)
}

pub fn accept(socket: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: NULL stands for an address that is not wanted.
    owned(unsafe { libc::accept4(socket.as_raw_fd(), ptr::null_mut(), ptr::null_mut(), libc::SOCK_CLOEXEC) })
}

/// The address of a socket, as bytes.
pub fn getsockname(socket: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut address = vec![0; 128];
    let mut length = address.len() as libc::socklen_t;
    // SAFETY: the pointers are to that many bytes and to their number.
    check(unsafe { libc::getsockname(socket.as_raw_fd(), address.as_mut_ptr().cast(), &raw mut length) })?;
    address.truncate(length as usize);
    Ok(address)
}

pub fn socket_option(socket: RawFd, option: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    let mut size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointers are to an int and to its size.
    check(unsafe { libc::getsockopt(socket, libc::SOL_SOCKET, option, (&raw mut value).cast(), &raw mut size) })?;
    Ok(value)
}

/// Process, user and group of whoever is at the other end.
pub fn peer_credentials(socket: RawFd) -> [u32; 3] {
    let mut credentials = [0; 3];
    let mut size = size_of_val(&credentials) as libc::socklen_t;
    let option = (libc::SOL_SOCKET, libc::SO_PEERCRED);
    // SAFETY: the pointers are to a ucred, which is three such numbers, and to its size.
    let result =
        unsafe { libc::getsockopt(socket, option.0, option.1, credentials.as_mut_ptr().cast(), &raw mut size) };
    check(result).expect("SO_PEERCRED");
    credentials
}

/// What poll(2) finds without waiting.
pub fn poll_now(fd: RawFd, events: i16) -> i16 {
    let mut poll = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: the pointer is to one pollfd.
    unsafe { libc::poll(&raw mut poll, 1, 0) };
    poll.revents
}

/// What a socket has to read: the number of bytes, 0 at the end.
pub fn read_at_once(socket: RawFd) -> io::Result<usize> {
    let mut bytes = [0_u8; 64];
    // SAFETY: the pointer is to that many bytes.
    let n = unsafe { libc::recv(socket, bytes.as_mut_ptr().cast(), bytes.len(), libc::MSG_DONTWAIT) };
    usize::try_from(n).map_err(|_| io::Error::last_os_error())
}

pub fn set_option(socket: &OwnedFd, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
    let size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointer is to an int, and that is the size given.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), size) }).map(drop)
}

pub fn unshare(flags: c_int) -> io::Result<()> {
    // SAFETY: it takes a number alone.
    check(unsafe { libc::unshare(flags) }).map(drop)
}

pub fn mount(kind: &CStr, target: &CStr, flags: libc::c_ulong) -> io::Result<()> {
    let none = c"none".as_ptr();
    // SAFETY: it takes C strings and a number; NULL stands for no options.
    check(unsafe { libc::mount(none, target.as_ptr(), kind.as_ptr(), flags, ptr::null()) }).map(drop)
}

pub fn umount(target: &CStr) -> io::Result<()> {
    // SAFETY: it takes a C string.
    check(unsafe { libc::umount(target.as_ptr()) }).map(drop)
}

/// Has the file `source` stand at `target` too.
pub fn bind_mount(source: &CStr, target: &CStr) -> io::Result<()> {
    // SAFETY: it takes C strings and a number; NULL stands for no kind and no options.
    check(unsafe { libc::mount(source.as_ptr(), target.as_ptr(), ptr::null(), libc::MS_BIND, ptr::null()) }).map(drop)
}

/// Has the modes of files and directories hold for root too.
pub fn respect_modes() -> io::Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    const DAC_OVERRIDE_AND_READ_SEARCH: u32 = 0b110;
    let header = [VERSION_3, 0];
    // What is effective, permitted, inheritable: of the first 32 capabilities, then of the others.
    let mut sets = [0_u32; 6];
    // SAFETY: the pointers are to the version and the number of this process, and to as many sets as that version has.
    unsafe {
        check(libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) as c_int)?;
        sets[0] &= !DAC_OVERRIDE_AND_READ_SEARCH;
        check(libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) as c_int).map(drop)
    }
}

/// The name under which programs of the C library report, which entries for the journal carry.
pub fn replace_program_name(name: *const c_char) -> *const c_char {
    unsafe extern "C" {
        static mut program_invocation_short_name: *const c_char;
    }
    // SAFETY: the child has one thread, and callers leave a C string there.
    unsafe { ptr::replace(&raw mut program_invocation_short_name, name) }
}

/// Does `work` in another process, which ends with this one at the latest.
pub fn fork_until_we_end(work: impl FnOnce()) -> libc::pid_t {
    // SAFETY: this process has one thread, and the other ends without running what this one has left to do.
    unsafe {
        let pid = check(libc::fork()).expect("fork");
        if pid == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            work();
            libc::_exit(1);
        }
        pid
    }
}

/// Does `work` in another process, and waits for its end.
pub fn fork_and_wait(work: impl FnOnce()) {
    let mut status = 0;
    // SAFETY: this process has one thread, and the other ends without running what this one has left to do. The pointer is to an int.
    unsafe {
        match check(libc::fork()).expect("fork") {
            0 => {
                work();
                libc::_exit(0);
            }
            pid => check(libc::waitpid(pid, &raw mut status, 0)).expect("waitpid"),
        }
    };
}

/// A value that processes share which one has forked off.
pub struct Shared<T>(*mut T);

impl<T: Copy> Shared<T> {
    pub fn new(value: T) -> Self {
        let (read_write, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: new memory, at an address of the kernel's choice.
        let memory = unsafe { libc::mmap(ptr::null_mut(), size_of::<T>(), read_write, shared, -1, 0) };
        assert!(memory != libc::MAP_FAILED, "mmap");
        let this = Self(memory.cast());
        this.set(value);
        this
    }

    pub fn set(&self, value: T) {
        // SAFETY: there is room for it.
        unsafe { self.0.write_volatile(value) };
    }

    pub fn get(&self) -> T {
        // SAFETY: there is one.
        unsafe { self.0.read_volatile() }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: it is as `new` made it, and nobody has a reference into it.
        unsafe { libc::munmap(self.0.cast(), size_of::<T>()) };
    }
}

/// Waits for the end of a child.
pub fn wait(pid: libc::pid_t) -> io::Result<()> {
    // SAFETY: NULL stands for a status that is not wanted.
    check(unsafe { libc::waitpid(pid, ptr::null_mut(), 0) }).map(drop)
}

pub fn epoll() -> io::Result<OwnedFd> {
    // SAFETY: it takes a number alone.
    owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
}

pub fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: it takes numbers alone.
    owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) })
}

pub fn timerfd() -> io::Result<OwnedFd> {
    // SAFETY: it takes numbers alone.
    owned(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) })
}

pub fn inotify() -> io::Result<OwnedFd> {
    // SAFETY: it takes a number alone.
    owned(unsafe { libc::inotify_init1(libc::IN_CLOEXEC) })
}

/// Switches the loopback interface on: in a new network namespace it is off.
pub fn loopback_up() -> io::Result<()> {
    let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    // SAFETY: it is of integers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as _;
    // SAFETY: the pointer is to a request.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }).map(drop)
}

/// The reading end of a pipe, and the writing end.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut pipe = [-1; 2];
    // SAFETY: the pointer is to two ints.
    check(unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) })?;
    Ok((owned(pipe[0])?, owned(pipe[1])?))
}
