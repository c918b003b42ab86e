//! sd_is_fifo(3) and its siblings: whether a descriptor is what the caller expects.
//!
//! Checks of the arguments come first, then one question after another; the first that is answered by no ends it.

use core::ffi::{CStr, c_int};

use crate::sys::{self, SocketAddress, Stat};
use crate::text::{self, Text};
use crate::{Answer, Errno, No, yes_if};

/// sd_is_fifo(3): a FIFO, and the one at `path`.
pub fn is_fifo(fd: c_int, path: Option<&CStr>) -> Answer {
    check(fd, true)?;
    let stat = sys::fstat(fd)?;
    yes_if(stat.is(libc::S_IFIFO))?;
    is_at(&stat, path)
}

/// sd_is_special(3): a regular file or a character device, and the one at `path`.
pub fn is_special(fd: c_int, path: Option<&CStr>) -> Answer {
    check(fd, true)?;
    let stat = sys::fstat(fd)?;
    yes_if(stat.is(libc::S_IFREG) || stat.is(libc::S_IFCHR))?;
    is_at(&stat, path)
}

/// Whether `path` leads to this file, or to a node of this device.
fn is_at(stat: &Stat, path: Option<&CStr>) -> Answer {
    let Some(path) = path else { return Ok(()) };
    match sys::stat(path) {
        Ok(found) if stat.is(libc::S_IFCHR) => yes_if(found.is(libc::S_IFCHR) && stat.is_device_of(&found)),
        Ok(found) => yes_if(stat.is_inode_of(&found)),
        Err(Errno::NOENT | Errno::NOTDIR) => Err(No::NO),
        Err(error) => Err(error.into()),
    }
}

/// sd_is_socket(3). A `family` or `kind` of 0 and a negative `listening` match any.
pub fn is_socket(fd: c_int, family: c_int, kind: c_int, listening: c_int) -> Answer {
    check(fd, family >= 0)?;
    is_of_kind(fd, kind, listening)?;
    if family > 0 {
        return yes_if(bound_to(fd)?.family() == family);
    }
    // Where one of these was asked for, there is a socket that answered.
    if kind != 0 || listening >= 0 { Ok(()) } else { yes_if(sys::fstat(fd)?.is(libc::S_IFSOCK)) }
}

/// sd_is_socket_inet(3). A `family` of 0 matches AF_INET and AF_INET6; a `port` of 0 any; it is in host byte order.
pub fn is_socket_inet(fd: c_int, family: c_int, kind: c_int, listening: c_int, port: u16) -> Answer {
    check(fd, family == 0 || is_internet(family))?;
    is_of_kind(fd, kind, listening)?;
    let address = bound_to(fd)?;
    yes_if(is_internet(address.family()))?;
    yes_if(family == 0 || family == address.family())?;
    yes_if(port == 0 || port == address.port().ok_or(Errno::INVAL)?)
}

/// sd_is_socket_sockaddr(3). `expected` is an address of AF_INET or AF_INET6 as bind(2) takes it; a port, flow label or
/// scope of 0 in it matches any.
pub fn is_socket_sockaddr(fd: c_int, kind: c_int, expected: Option<&[u8]>, listening: c_int) -> Answer {
    check(fd, expected.is_some())?;
    let expected = SocketAddress::from_bytes(expected.unwrap_or_default());
    if expected.is_empty() {
        return Err(Errno::NOBUFS.into());
    }
    if !is_internet(expected.family()) {
        return Err(Errno::PFNOSUPPORT.into());
    }
    is_of_kind(fd, kind, listening)?;
    let bound = bound_to(fd)?;
    yes_if(bound.family() == expected.family())?;
    yes_if(if expected.family() == libc::AF_INET {
        let (expected, bound) = (expected.inet().ok_or(Errno::INVAL)?, bound.inet().ok_or(Errno::INVAL)?);
        zero_or_same(expected.sin_port.into(), bound.sin_port.into())
            && expected.sin_addr.s_addr == bound.sin_addr.s_addr
    } else {
        let (expected, bound) = (expected.inet6().ok_or(Errno::INVAL)?, bound.inet6().ok_or(Errno::INVAL)?);
        zero_or_same(expected.sin6_port.into(), bound.sin6_port.into())
            && zero_or_same(expected.sin6_flowinfo, bound.sin6_flowinfo)
            && zero_or_same(expected.sin6_scope_id, bound.sin6_scope_id)
            && expected.sin6_addr.s6_addr == bound.sin6_addr.s6_addr
    })
}

/// What an AF_UNIX socket can be bound to.
#[derive(Clone, Copy)]
pub enum UnixName<'a> {
    /// Nothing.
    Unnamed,
    /// A path, and the zero byte that ends it.
    Path(&'a [u8]),
    /// A zero byte and the name behind it in the abstract namespace.
    Abstract(&'a [u8]),
}

/// sd_is_socket_unix(3). A `name` of None matches any.
pub fn is_socket_unix(fd: c_int, kind: c_int, listening: c_int, name: Option<UnixName<'_>>) -> Answer {
    check(fd, true)?;
    is_of_kind(fd, kind, listening)?;
    let address = bound_to(fd)?;
    yes_if(address.family() == libc::AF_UNIX)?;
    let bound = address.data();
    yes_if(match name {
        None => true,
        Some(UnixName::Unnamed) => bound.is_empty(),
        Some(UnixName::Path(path)) => bound.starts_with(path),
        Some(UnixName::Abstract(name)) => bound == name,
    })
}

/// sd_is_mq(3): a POSIX message queue, and the one of the name `path`.
pub fn is_mq(fd: c_int, path: Option<&CStr>) -> Answer {
    check(fd, true)?;
    match sys::mq_getattr(fd) {
        // Either it is no queue, or it is not open.
        Err(Errno::BADF) => {
            sys::fstat(fd)?;
            return Err(No::NO);
        }
        answer => answer?,
    }
    let Some(path) = path else { return Ok(()) };
    if !matches!(path.to_bytes(), [b'/', ..]) {
        return Err(Errno::INVAL.into());
    }
    let mut room = text::room::<{ libc::PATH_MAX as usize }>();
    let mut file = Text::new(&mut room);
    let file = file.push(b"/dev/mqueue").push(path.to_bytes()).finish()?;
    let named = sys::stat(file)?;
    yes_if(sys::fstat(fd)?.is_inode_of(&named))
}

/// A descriptor that no table has comes before any other argument that is `invalid`.
fn check(fd: c_int, valid: bool) -> Answer {
    match (fd, valid) {
        (..0, _) => Err(Errno::BADF.into()),
        (_, false) => Err(Errno::INVAL.into()),
        (_, true) => Ok(()),
    }
}

fn is_internet(family: c_int) -> bool {
    matches!(family, libc::AF_INET | libc::AF_INET6)
}

fn zero_or_same(expected: u32, bound: u32) -> bool {
    expected == 0 || expected == bound
}

/// Whether it has the type asked for and accepts connections as asked. Yes where nothing was asked, socket or not.
fn is_of_kind(fd: c_int, kind: c_int, listening: c_int) -> Answer {
    check(fd, kind >= 0)?;
    if kind != 0 {
        yes_if(option(fd, libc::SO_TYPE)? == kind)?;
    }
    if listening >= 0 {
        yes_if((option(fd, libc::SO_ACCEPTCONN)? != 0) == (listening != 0))?;
    }
    Ok(())
}

fn option(fd: c_int, option: c_int) -> Result<c_int, No> {
    ask(fd, || sys::getsockopt(fd, libc::SOL_SOCKET, option))
}

fn bound_to(fd: c_int) -> Result<SocketAddress, No> {
    ask(fd, || sys::getsockname(fd))
}

/// Asks a question that only a socket answers. No, if this is something else, and errno is as it was. A descriptor of a
/// socket's file, opened with O_PATH, counts as a socket: the error stays.
fn ask<T>(fd: c_int, question: impl FnOnce() -> crate::Result<T>) -> Result<T, No> {
    let saved = Errno::save();
    question().map_err(|error| {
        let is_socket = match error {
            Errno::NOTSOCK => false,
            // Either that, or it is not open.
            _ => match sys::fstat(fd) {
                Ok(stat) => stat.is(libc::S_IFSOCK),
                Err(error) => return error.into(),
            },
        };
        if is_socket {
            return error.into();
        }
        saved.restore();
        No::NO
    })
}
