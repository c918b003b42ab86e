//! A /run that nobody else sees.

use std::ffi::CStr;
use std::{io, ptr};

/// Takes this process, which must have one thread, into a mount namespace of its own with an empty /run: inetd leaves its
/// process id there, and entries for the journal go to whom we like.
pub fn enter() {
    // SAFETY: it takes a number, and there are no threads that share what it parts.
    succeeded("unshare, for which you have to be root", unsafe { libc::unshare(libc::CLONE_NEWNS) });
    mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE);
    mount(c"tmpfs", c"/run", 0);
}

fn mount(kind: &CStr, target: &CStr, flags: libc::c_ulong) {
    // SAFETY: the strings end with zeroes, and no options are given.
    let result = unsafe { libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, ptr::null()) };
    succeeded("mount", result);
}

fn succeeded(what: &str, result: i32) {
    assert!(result == 0, "{what}: {}", io::Error::last_os_error());
}
