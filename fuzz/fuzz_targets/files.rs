//! In the files' place: what the library opens below /run/systemd, and as the control group of a process, has the content that
//! is given here.
//!
//! The program's own definition of open(2) comes before the C library's.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int};
use std::fs::File;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;

use libc::mode_t;

/// What there is.
#[derive(Default)]
pub struct Files {
    /// Every file below /run/systemd.
    pub state: Vec<u8>,
    /// Every directory there.
    pub directory: CString,
    /// The control group of this process.
    pub own: Vec<u8>,
    /// The control group of process 1.
    pub init: Vec<u8>,
    /// What has been opened of them.
    pub opened: Vec<c_int>,
}

thread_local! {
    static FILES: RefCell<Files> = RefCell::default();
}

/// Calls the library, which closes what it opens.
pub fn run<T>(files: Files, call: impl FnOnce() -> T) -> T {
    FILES.set(files);
    let result = call();
    for fd in FILES.take().opened {
        // SAFETY: any number will do.
        assert_eq!(unsafe { libc::fcntl(fd, libc::F_GETFD) }, -1, "{fd} is open");
    }
    result
}

/// # Safety
///
/// As open(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(path) }.to_bytes();
    let found = FILES.try_with(|files| {
        let files = &mut *files.borrow_mut();
        let fd = match name {
            b"/proc/self/cgroup" => file(&files.own),
            b"/proc/1/cgroup" => file(&files.init),
            [b'/', b'r', b'u', b'n', b'/', .., b'/'] => {
                // SAFETY: a C string.
                unsafe { libc::openat(libc::AT_FDCWD, files.directory.as_ptr(), flags) }
            }
            _ if name.starts_with(b"/run/systemd/") => file(&files.state),
            _ => return None,
        };
        files.opened.push(fd);
        Some(fd)
    });
    match found {
        Ok(Some(fd)) => fd,
        // SAFETY: the caller's promise.
        _ => unsafe { libc::openat(libc::AT_FDCWD, path, flags, libc::c_uint::from(mode)) },
    }
}

fn file(content: &[u8]) -> c_int {
    // SAFETY: a C string.
    let fd = unsafe { libc::memfd_create(c"file".as_ptr(), libc::MFD_CLOEXEC) };
    assert!(fd >= 0);
    // SAFETY: it has just been opened.
    let file = unsafe { File::from_raw_fd(fd) };
    file.write_all_at(content, 0).unwrap();
    file.into_raw_fd()
}
