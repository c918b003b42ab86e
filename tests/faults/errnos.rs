//! What each system call can fail with.

/// A number of errno(3) with its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno {
    pub name: &'static str,
    pub number: i32,
}

macro_rules! errnos {
    ($($name:ident)*) => { &[$(Errno { name: stringify!($name), number: libc::$name }),*] };
}

/// What a system call is made to do instead of what it would.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It fails, once.
    Error(Errno),
    /// It fails each time.
    Errors(Errno),
    /// It does nothing, and returns this.
    Returns(i64),
}

/// Those of the manual page, and one that no system call has. ENOENT, ECONNREFUSED and the like come from what the address
/// of an AF_UNIX socket says. None: it cannot fail.
#[rustfmt::skip]
const ERRNOS: &[(&str, &[Errno])] = &[
    ("bind", errnos!(EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EBADF EFAULT EINVAL ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR ENOTSOCK EPERM EROFS)),
    ("brk", errnos!(ENOMEM)),
    ("close", errnos!(EBADF EDQUOT EINTR EIO ENOSPC)),
    ("connect", errnos!(EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED ECONNRESET EFAULT EHOSTUNREACH EINPROGRESS EINTR EINVAL EISCONN ENETUNREACH ENODEV ENOENT ENOTDIR ENOTSOCK EPERM EPROTOTYPE ETIMEDOUT)),
    ("fcntl", errnos!(EACCES EAGAIN EBADF EBUSY EINTR EINVAL EPERM)),
    ("fstat", errnos!(EACCES EBADF EFAULT EINVAL EIO ENOMEM EOVERFLOW)),
    ("fstatfs", errnos!(EACCES EBADF EFAULT EINTR EIO ENOMEM ENOSYS EOVERFLOW)),
    ("getdents64", errnos!(EBADF EFAULT EINVAL ENOENT ENOTDIR)),
    ("getpid", errnos!()),
    ("getrandom", errnos!(EAGAIN EFAULT EINTR EINVAL ENOSYS)),
    ("getresgid", errnos!(EFAULT)),
    ("getresuid", errnos!(EFAULT)),
    ("getsockname", errnos!(EBADF EFAULT EINVAL ENOBUFS ENOTSOCK)),
    ("getsockopt", errnos!(EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK EOPNOTSUPP)),
    ("keyctl", errnos!(EACCES EINVAL EKEYEXPIRED EKEYREVOKED ENOKEY ENOMEM EPERM)),
    ("inotify_add_watch", errnos!(EACCES EBADF EEXIST EFAULT EINVAL ENAMETOOLONG ENOENT ENOMEM ENOSPC ENOTDIR)),
    ("inotify_init1", errnos!(EINVAL EMFILE ENFILE ENOMEM)),
    ("ioctl", errnos!(EBADF EFAULT EINVAL ENOTTY)),
    ("memfd_create", errnos!(EFAULT EINVAL EMFILE ENFILE ENOMEM ENOSYS EPERM)),
    ("mmap", errnos!(EACCES EAGAIN EBADF EINVAL ENFILE ENODEV ENOMEM EOVERFLOW EPERM ETXTBSY)),
    ("mq_getsetattr", errnos!(EBADF EFAULT EINVAL ENOSYS)),
    ("munmap", errnos!(EINVAL ENOMEM)),
    ("openat", errnos!(EACCES EBUSY EDQUOT EINTR EINVAL EISDIR ELOOP EMFILE ENAMETOOLONG ENFILE ENODEV ENOENT ENOMEM ENOTDIR ENXIO EOVERFLOW EPERM)),
    ("pidfd_open", errnos!(EINVAL EMFILE ENFILE ENODEV ENOMEM ENOSYS EPERM ESRCH)),
    ("pipe2", errnos!(EFAULT EINVAL EMFILE ENFILE ENOPKG)),
    ("ppoll", errnos!(EFAULT EINTR EINVAL ENOMEM)),
    ("read", errnos!(EAGAIN EBADF EFAULT EINTR EINVAL EIO EISDIR)),
    ("readlink", errnos!(EACCES EFAULT EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR)),
    ("recvfrom", errnos!(EAGAIN EBADF ECONNREFUSED ECONNRESET EFAULT EINTR EINVAL ENOMEM ENOTCONN ENOTSOCK ETIMEDOUT)),
    ("request_key", errnos!(EACCES EDQUOT EFAULT EINTR EINVAL EKEYEXPIRED EKEYREJECTED EKEYREVOKED ENOKEY ENOMEM ENOSYS EPERM)),
    ("sendmsg", errnos!(EACCES EAGAIN EALREADY EBADF ECONNREFUSED ECONNRESET EDESTADDRREQ EFAULT EINTR EINVAL EISCONN ELOOP EMSGSIZE ENAMETOOLONG ENOBUFS ENOENT ENOMEM ENOTCONN ENOTDIR ENOTSOCK EOPNOTSUPP EPERM EPIPE EPROTOTYPE ESRCH ETOOMANYREFS)),
    ("setsockopt", errnos!(EBADF EDOM EFAULT EINVAL EISCONN ENOBUFS ENOMEM ENOPROTOOPT ENOTSOCK EPERM)),
    ("shutdown", errnos!(EBADF EINVAL ENOTCONN ENOTSOCK)),
    ("socket", errnos!(EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS ENOMEM EPERM EPROTONOSUPPORT ESOCKTNOSUPPORT)),
    ("stat", errnos!(EACCES EBADF EFAULT EINVAL ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EOVERFLOW)),
    ("writev", errnos!(EAGAIN EBADF EDESTADDRREQ EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPERM EPIPE)),
];

/// Nothing here knows what to do about it: the structure needs cleaning.
const FOREIGN: Errno = Errno { name: "EUCLEAN", number: libc::EUCLEAN };

/// Calls that are made again where they fail so: what if that goes on?
#[rustfmt::skip]
const REPEATED: &[(&str, &[Errno])] = &[
    ("bind", errnos!(EACCES EADDRINUSE EPERM)),
    ("brk", errnos!(ENOMEM)),
    ("mmap", errnos!(ENOMEM)),
    ("sendmsg", errnos!(EAGAIN EINTR EMSGSIZE ENOBUFS ENOENT EPERM EUCLEAN)),
    ("setsockopt", errnos!(EPERM EUCLEAN)),
    ("socket", errnos!(EAFNOSUPPORT EMFILE)),
];

/// What can happen to a system call that returned `result`; where it is the first of its name, each time.
pub fn faults(name: &str, result: Option<i64>, first: bool) -> Vec<Fault> {
    let Some((_, errnos)) = ERRNOS.iter().find(|(call, _)| *call == name) else {
        panic!("{name} is a system call that has not been made before: say in errnos.rs what it can fail with")
    };
    if errnos.is_empty() {
        return Vec::new();
    }
    let mut faults: Vec<_> = errnos.iter().copied().chain([FOREIGN]).map(Fault::Error).collect();
    if let Some((_, errnos)) = REPEATED.iter().find(|(call, _)| first && *call == name) {
        faults.extend(errnos.iter().copied().map(Fault::Errors));
    }
    let short = match (name, result) {
        ("read" | "sendmsg" | "writev", Some(done @ 2..)) => vec![0, 1, done - 1],
        // The content of a key, not its description.
        ("keyctl", Some(16)) => vec![0, 15, 17],
        // Something came, and nothing came.
        ("recvfrom", Some(0)) => vec![1],
        ("ppoll", Some(1)) => vec![0],
        _ => Vec::new(),
    };
    faults.extend(short.into_iter().map(Fault::Returns));
    faults
}

impl Fault {
    /// For `inject=`, at the call of that number.
    pub fn injection(self, variant: &str, number: usize) -> String {
        match self {
            Self::Error(errno) => format!("{variant}:error={}:when={number}", errno.name),
            Self::Errors(errno) => format!("{variant}:error={}:when={number}+", errno.name),
            Self::Returns(value) => format!("{variant}:retval={value}:when={number}"),
        }
    }

    pub fn errno(self) -> Option<Errno> {
        match self {
            Self::Error(errno) | Self::Errors(errno) => Some(errno),
            Self::Returns(_) => None,
        }
    }
}
