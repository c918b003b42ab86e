//! How things come out: errors, which are numbers of errno(3), and answers to questions.

use core::ffi::c_int;
use core::num::NonZero;

/// A positive number of errno(3).
// It cannot be zero so that a `Result<(), Errno>` is no larger than the number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(NonZero<c_int>);

/// What every fallible function here returns.
pub type Result<T> = core::result::Result<T, Errno>;

impl Errno {
    pub(crate) const ACCES: Self = Self::new(libc::EACCES);
    pub(crate) const AGAIN: Self = Self::new(libc::EAGAIN);
    pub(crate) const BADMSG: Self = Self::new(libc::EBADMSG);
    pub(crate) const INTR: Self = Self::new(libc::EINTR);
    pub(crate) const IO: Self = Self(NonZero::new(libc::EIO).unwrap());
    pub(crate) const MFILE: Self = Self::new(libc::EMFILE);
    pub(crate) const MSGSIZE: Self = Self::new(libc::EMSGSIZE);
    pub(crate) const NAMETOOLONG: Self = Self::new(libc::ENAMETOOLONG);
    pub(crate) const NFILE: Self = Self::new(libc::ENFILE);
    pub(crate) const NOBUFS: Self = Self::new(libc::ENOBUFS);
    pub(crate) const NODATA: Self = Self::new(libc::ENODATA);
    pub(crate) const NOENT: Self = Self::new(libc::ENOENT);
    pub(crate) const NOKEY: Self = Self::new(libc::ENOKEY);
    pub(crate) const NOMEDIUM: Self = Self::new(libc::ENOMEDIUM);
    pub(crate) const NOPKG: Self = Self::new(libc::ENOPKG);
    pub(crate) const NOPROTOOPT: Self = Self::new(libc::ENOPROTOOPT);
    pub(crate) const NOSYS: Self = Self::new(libc::ENOSYS);
    pub(crate) const NOTDIR: Self = Self::new(libc::ENOTDIR);
    pub(crate) const NOTTY: Self = Self::new(libc::ENOTTY);
    pub(crate) const NXIO: Self = Self::new(libc::ENXIO);
    pub(crate) const OPNOTSUPP: Self = Self::new(libc::EOPNOTSUPP);
    pub(crate) const PERM: Self = Self::new(libc::EPERM);
    pub(crate) const PFNOSUPPORT: Self = Self::new(libc::EPFNOSUPPORT);
    pub(crate) const RANGE: Self = Self::new(libc::ERANGE);

    pub(crate) const ADDRINUSE: Self = Self::new(libc::EADDRINUSE);
    pub(crate) const NOTSOCK: Self = Self::new(libc::ENOTSOCK);
    pub(crate) const PROTO: Self = Self::new(libc::EPROTO);
    pub(crate) const REMOTE: Self = Self::new(libc::EREMOTE);
    pub(crate) const SRCH: Self = Self::new(libc::ESRCH);
    pub(crate) const TIMEDOUT: Self = Self::new(libc::ETIMEDOUT);
    pub(crate) const TOOBIG: Self = Self::new(libc::E2BIG);
    pub(crate) const UCLEAN: Self = Self::new(libc::EUCLEAN);
    pub(crate) const UNATCH: Self = Self::new(libc::EUNATCH);
    /// Bad descriptor, for callers that look at one themselves.
    pub const BADF: Self = Self::new(libc::EBADF);
    /// Invalid argument, for callers that cannot turn theirs into one of this crate.
    pub const INVAL: Self = Self::new(libc::EINVAL);
    /// Out of memory, for callers that allocate what they return.
    pub const NOMEM: Self = Self::new(libc::ENOMEM);

    /// 0, which says nothing, becomes EIO.
    const fn new(number: c_int) -> Self {
        match NonZero::new(number) {
            Some(number) => Self(number),
            None => Self::IO,
        }
    }

    /// The number, as in `errno.h`.
    pub const fn number(self) -> c_int {
        self.0.get()
    }

    /// What the last call of this thread that failed, failed with.
    pub(crate) fn last() -> Self {
        Self::new(errno())
    }

    /// For calls that show by errno alone that they failed: before them.
    pub(crate) fn clear() {
        set_errno(0);
    }

    /// Remembers what errno is, for where a call may fail and nobody is to see it.
    pub(crate) fn save() -> Saved {
        Saved(errno())
    }

    /// For calls that show by errno alone that they failed: after them.
    pub(crate) fn last_if_any() -> Result<()> {
        match NonZero::new(errno()) {
            Some(number) => Err(Self(number)),
            None => Ok(()),
        }
    }
}

fn set_errno(number: c_int) {
    // SAFETY: the C library answers with a valid pointer to this thread's errno.
    unsafe { *libc::__errno_location() = number };
}

fn errno() -> c_int {
    // SAFETY: the C library answers with a valid pointer to this thread's errno.
    unsafe { *libc::__errno_location() }
}

/// What errno was.
pub(crate) struct Saved(c_int);

impl Saved {
    /// The number, which unlike that of an [`Errno`] may be 0.
    pub(crate) fn number(&self) -> c_int {
        self.0
    }

    /// Makes errno what it was.
    pub(crate) fn restore(self) {
        set_errno(self.0);
    }
}

/// The answer to a question of the kind "is it …?": yes, or what stands against it.
pub type Answer = core::result::Result<(), No>;

/// Not a yes: a plain no, or an error that kept the question from being answered.
// One number for both, so that an `Answer` is no larger than that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct No(NonZero<c_int>);

impl No {
    /// A plain no. No error has this number.
    pub const NO: Self = Self(NonZero::<c_int>::MIN);

    /// The error, if it is one.
    pub fn error(self) -> Option<Errno> {
        (self != Self::NO).then_some(Errno(self.0))
    }
}

impl From<Errno> for No {
    fn from(error: Errno) -> Self {
        Self(error.0)
    }
}

/// Yes or a plain no.
pub(crate) fn yes_if(condition: bool) -> Answer {
    if condition { Ok(()) } else { Err(No::NO) }
}
