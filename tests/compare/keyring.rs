//! A session keyring of the test's own: keyrings(7).

use std::ffi::{CStr, c_char, c_int, c_long};
use std::time::Duration;
use std::{io, ptr, thread};

const KEY_SPEC_SESSION_KEYRING: c_int = -3;
const KEYCTL_JOIN_SESSION_KEYRING: c_int = 1;
const KEYCTL_CHOWN: c_int = 4;
const KEYCTL_SETPERM: c_int = 5;
const KEYCTL_CLEAR: c_int = 7;

/// A key of the type `user`.
#[derive(Clone, Debug)]
pub struct Key {
    pub content: Vec<u8>,
    /// Its user and its group.
    pub owner: [c_int; 2],
    /// As KEYCTL_SETPERM takes them.
    pub permissions: u32,
}

// Where there are no keyrings, as in containers, there is no key for either library.

/// From now on this process has a keyring that nobody else has.
pub fn join() {
    let anonymous = ptr::null::<c_char>();
    // SAFETY: NULL stands for a name.
    unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, anonymous) };
}

/// Removes every key.
pub fn clear() {
    // SAFETY: it takes numbers alone.
    unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_SESSION_KEYRING) };
}

impl Key {
    pub fn add(&self, description: &CStr) {
        let Self { content, owner: [user, group], permissions } = self;
        let (kind, description, keyring) = (c"user".as_ptr(), description.as_ptr(), KEY_SPEC_SESSION_KEYRING);
        let add = || -> io::Result<c_long> {
            // SAFETY: the pointers are to C strings and to that many bytes.
            match unsafe {
                libc::syscall(libc::SYS_add_key, kind, description, content.as_ptr(), content.len(), keyring)
            } {
                -1 => Err(io::Error::last_os_error()),
                key => Ok(key),
            }
        };
        let key = loop {
            match add() {
                // Only root may have many, and those that are gone count until the kernel has collected them.
                Err(error) if error.raw_os_error() == Some(libc::EDQUOT) => thread::sleep(Duration::from_millis(1)),
                Err(_) => return,
                Ok(key) => break key,
            }
        };
        // SAFETY: these take numbers alone.
        unsafe {
            libc::syscall(libc::SYS_keyctl, KEYCTL_CHOWN, key, *user, *group);
            libc::syscall(libc::SYS_keyctl, KEYCTL_SETPERM, key, *permissions);
        }
    }
}
