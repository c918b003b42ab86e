use core::ffi::{CStr, c_char, c_int, c_uint};

use sdlite_core::is::{self, UnixName};

use crate::abi::{IntoC, optional};

/// Tells whether a descriptor is a FIFO.
///
/// path: if not NULL, it has to be the FIFO at this path.
///
/// Returns 1 or 0, or a negative errno. If there is no file at path, the answer is 0.
///
/// -EBADF: fd is not open.
/// Any other error of stat(2) for path.
///
/// See sd_is_fifo(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_is_fifo(fd: c_int, path: *const c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string.
    is::is_fifo(fd, unsafe { optional(path) }).into_c()
}

/// Tells whether a descriptor is a regular file or a character device.
///
/// path: if not NULL, it has to be the file or the device at this path.
///
/// Returns 1 or 0, or a negative errno. If there is no file at path, the answer is 0.
///
/// -EBADF: fd is not open.
/// Any other error of stat(2) for path.
///
/// See sd_is_special(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_is_special(fd: c_int, path: *const c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string.
    is::is_special(fd, unsafe { optional(path) }).into_c()
}

/// Tells whether a descriptor is a socket of this address family and type.
///
/// family: AF_INET, AF_UNIX, ...; 0 (AF_UNSPEC) for any.
/// type: SOCK_STREAM, SOCK_DGRAM, ...; 0 for any.
/// listening: positive: the socket has to accept connections, as after listen(2); 0: it must not; negative: either.
///
/// Returns 1 or 0, or a negative errno:
///
/// -EBADF: fd is not open.
/// -EINVAL: family or type is negative.
///
/// See sd_is_socket(3).
#[unsafe(no_mangle)]
pub extern "C" fn sd_is_socket(fd: c_int, family: c_int, r#type: c_int, listening: c_int) -> c_int {
    is::is_socket(fd, family, r#type, listening).into_c()
}

/// Tells whether a descriptor is an internet socket that is bound to this port.
///
/// family: AF_INET or AF_INET6; 0 (AF_UNSPEC) for either.
/// type: SOCK_STREAM, SOCK_DGRAM, ...; 0 for any.
/// listening: as for sd_is_socket().
/// port: in host byte order; 0 for any.
///
/// Returns 1 or 0, or a negative errno:
///
/// -EBADF: fd is not open.
/// -EINVAL: family is none of these, or type is negative.
///
/// See sd_is_socket_inet(3).
#[unsafe(no_mangle)]
pub extern "C" fn sd_is_socket_inet(fd: c_int, family: c_int, r#type: c_int, listening: c_int, port: u16) -> c_int {
    is::is_socket_inet(fd, family, r#type, listening, port).into_c()
}

/// Tells whether a descriptor is an internet socket that is bound to this address.
///
/// type: SOCK_STREAM, SOCK_DGRAM, ...; 0 for any.
/// addr: a struct sockaddr_in or sockaddr_in6. A port of 0 matches any port; for IPv6, so do a flow label and a scope of 0.
/// addr_len: the size of addr in bytes.
/// listening: as for sd_is_socket().
///
/// Returns 1 or 0, or a negative errno:
///
/// -EBADF: fd is not open.
/// -EINVAL: addr is NULL or shorter than its structure, or type is negative.
/// -ENOBUFS: addr is too short to have a family.
/// -EPFNOSUPPORT: the family of addr is neither AF_INET nor AF_INET6.
///
/// See sd_is_socket_sockaddr(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_is_socket_sockaddr(
    fd: c_int,
    r#type: c_int,
    addr: *const libc::sockaddr,
    addr_len: c_uint,
    listening: c_int,
) -> c_int {
    let len = (addr_len as usize).min(size_of::<libc::sockaddr_storage>());
    // SAFETY: the caller gave NULL or an address of that many bytes, or of more.
    let expected = (!addr.is_null()).then(|| unsafe { core::slice::from_raw_parts(addr.cast::<u8>(), len) });
    is::is_socket_sockaddr(fd, r#type, expected, listening).into_c()
}

/// Tells whether a descriptor is an AF_UNIX socket that is bound to this path.
///
/// type: SOCK_STREAM, SOCK_DGRAM, ...; 0 for any.
/// listening: as for sd_is_socket().
/// path: NULL for any; an empty string for an unnamed socket; a name in the abstract namespace begins with a zero byte.
/// length: the length of an abstract name in bytes, with the zero byte; 0 if path is a string.
///
/// Returns 1 or 0, or a negative errno:
///
/// -EBADF: fd is not open.
/// -EINVAL: type is negative.
///
/// See sd_is_socket_unix(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_is_socket_unix(
    fd: c_int,
    r#type: c_int,
    listening: c_int,
    path: *const c_char,
    length: usize,
) -> c_int {
    // SAFETY: the caller gave NULL or a C string, or `length` bytes of an abstract name.
    let name = (!path.is_null()).then(|| unsafe { unix_name(path, length) });
    is::is_socket_unix(fd, r#type, listening, name).into_c()
}

/// # Safety
///
/// `path` is a C string, of which `length` bytes count if that is not 0, or begins with a zero byte and is `length` long.
unsafe fn unix_name<'a>(path: *const c_char, length: usize) -> UnixName<'a> {
    // Of a name that no address has room for, so much is enough to see that nothing is bound to it.
    let length = length.min(size_of::<libc::sockaddr_storage>());
    // SAFETY: as the caller promises; a path can be read to the byte behind the ones that count, at most its zero.
    unsafe {
        let bytes = |length| core::slice::from_raw_parts(path.cast(), length);
        match (path.read(), length) {
            (0, 0) => UnixName::Unnamed,
            (0, _) => UnixName::Abstract(bytes(length)),
            (_, 0) => UnixName::Path(CStr::from_ptr(path).to_bytes_with_nul()),
            // libsystemd compares the byte behind the path with the one behind what the socket is bound to.
            (_, _) => UnixName::Path(bytes(length + 1)),
        }
    }
}

/// Tells whether a descriptor is a POSIX message queue.
///
/// path: if not NULL, it has to be the queue of this name. The name begins with a slash, as for mq_open(3).
///
/// Returns 1 or 0, or a negative errno:
///
/// -EBADF: fd is not open.
/// -EINVAL: path does not begin with a slash.
/// -ENOENT: there is no queue of this name.
/// Any other error of stat(2) for the file below /dev/mqueue.
///
/// See sd_is_mq(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sd_is_mq(fd: c_int, path: *const c_char) -> c_int {
    // SAFETY: the caller gave NULL or a C string.
    is::is_mq(fd, unsafe { optional(path) }).into_c()
}
