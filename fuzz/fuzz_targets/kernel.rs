//! In the kernel's place: what the library sends is taken here, every byte of it read, and nothing leaves the process.
//!
//! The program's own definitions of these functions come before the C library's.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileExt;

use libc::{sockaddr, socklen_t, ssize_t};

/// One message, as the receiver would get it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The address it goes to, all bytes of it: of sendmsg(2), or of connect(2) before it.
    pub address: Vec<u8>,
    /// What was in all pieces together; or in the file that travels alone.
    pub bytes: Vec<u8>,
    /// The control messages: their type, and what is in them.
    pub control: Vec<(c_int, Vec<u8>)>,
}

/// What the next calls answer, and what the last ones were given.
#[derive(Default)]
pub struct Kernel {
    /// The errors of the next calls of sendmsg, the last one first; then they succeed.
    pub errors: Vec<c_int>,
    /// The types of sockets that there are none of.
    pub unsupported: Vec<c_int>,
    /// Whether the other side says something where it should close.
    pub talks: bool,
    /// The types of sockets that were asked for.
    pub asked: Vec<c_int>,
    /// What was sent, refused or not.
    pub messages: Vec<Message>,
    /// Where connect went.
    pub connected: Vec<u8>,
}

thread_local! {
    static KERNEL: RefCell<Kernel> = RefCell::default();
}

/// Calls the library, and tells what came here meanwhile.
pub fn run<T>(kernel: Kernel, call: impl FnOnce() -> T) -> (T, Kernel) {
    KERNEL.set(kernel);
    let result = call();
    (result, KERNEL.take())
}

/// # Safety
///
/// `pointer` is to `len` bytes.
unsafe fn bytes(pointer: *const c_void, len: usize) -> Vec<u8> {
    // SAFETY: the caller's promise; NULL for none will do.
    if len == 0 { Vec::new() } else { unsafe { std::slice::from_raw_parts(pointer.cast(), len).to_vec() } }
}

fn answer(error: Option<c_int>) -> c_int {
    match error {
        None => 0,
        Some(error) => {
            // SAFETY: errno is this thread's.
            unsafe { *libc::__errno_location() = error };
            -1
        }
    }
}

/// A descriptor that nothing is done with.
#[unsafe(no_mangle)]
extern "C" fn socket(_family: c_int, kind: c_int, _protocol: c_int) -> c_int {
    let kind = kind & !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK);
    let unsupported = KERNEL.with_borrow_mut(|kernel| {
        kernel.asked.push(kind);
        kernel.unsupported.contains(&kind)
    });
    if unsupported {
        return answer(Some(libc::ESOCKTNOSUPPORT));
    }
    // SAFETY: a C string.
    unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }
}

/// # Safety
///
/// As bind(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn bind(_socket: c_int, address: *const sockaddr, len: socklen_t) -> c_int {
    // SAFETY: the caller's promise.
    let address = unsafe { bytes(address.cast(), len as usize) };
    assert_eq!(address.len(), size_of::<libc::sockaddr_vm>());
    0
}

/// # Safety
///
/// As connect(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn connect(_socket: c_int, address: *const sockaddr, len: socklen_t) -> c_int {
    // SAFETY: the caller's promise.
    let address = unsafe { bytes(address.cast(), len as usize) };
    KERNEL.with_borrow_mut(|kernel| kernel.connected = address);
    0
}

#[unsafe(no_mangle)]
extern "C" fn shutdown(_socket: c_int, _how: c_int) -> c_int {
    0
}

/// # Safety
///
/// As recv(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn recv(_socket: c_int, buffer: *mut c_void, len: usize, _flags: c_int) -> ssize_t {
    assert!(len > 0);
    if KERNEL.with_borrow(|kernel| kernel.talks) {
        // SAFETY: there is room for a byte.
        unsafe { buffer.cast::<u8>().write(b'!') };
        return 1;
    }
    0
}

/// # Safety
///
/// As sendmsg(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn sendmsg(_socket: c_int, message: *const libc::msghdr, flags: c_int) -> ssize_t {
    assert_eq!(flags, libc::MSG_NOSIGNAL);
    // SAFETY: the caller's promise, for the message and for what it points to.
    let (message, pieces) = unsafe {
        let header = &*message;
        let pieces = std::slice::from_raw_parts(header.msg_iov, header.msg_iovlen);
        let control = control(&bytes(header.msg_control, header.msg_controllen));
        let address = bytes(header.msg_name, header.msg_namelen as usize);
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| bytes(piece.iov_base, piece.iov_len)).collect();
        (Message { address, bytes, control }, pieces.len())
    };
    // UIO_MAXIOV.
    assert!(pieces <= 1024);
    let sent = message.bytes.len() as ssize_t;
    let message = match &message.control[..] {
        [(libc::SCM_RIGHTS, fd)] if pieces == 0 => {
            let contents = contents(c_int::from_ne_bytes(fd[..].try_into().unwrap()));
            Message { bytes: contents, ..message }
        }
        _ => message,
    };
    let error = KERNEL.with_borrow_mut(|kernel| {
        let connected = kernel.connected.clone();
        kernel.messages.push(match message.address[..] {
            [] => Message { address: connected, ..message },
            _ => message,
        });
        kernel.errors.pop()
    });
    match error {
        None => sent,
        error => answer(error) as ssize_t,
    }
}

/// Walks control messages without the macros that wrote them, on their layout in 64 bits.
fn control(mut bytes: &[u8]) -> Vec<(c_int, Vec<u8>)> {
    const HEADER: usize = 16;
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let number = |range: std::ops::Range<usize>| c_int::from_ne_bytes(bytes[range].try_into().unwrap());
        let len = usize::from_ne_bytes(bytes[..8].try_into().unwrap());
        assert_eq!(number(8..12), libc::SOL_SOCKET);
        messages.push((number(12..16), bytes[HEADER..len].to_vec()));
        bytes = &bytes[len.next_multiple_of(8)..];
    }
    messages
}

fn contents(fd: c_int) -> Vec<u8> {
    // SAFETY: the descriptor is open, and stays its sender's.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
    let mut contents = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut contents, 0).unwrap();
    contents
}
