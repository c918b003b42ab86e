//! A session keyring of the test's own: keyrings(7).

use std::ffi::{CStr, c_char, c_int, c_long};
use std::ptr;

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
        // SAFETY: the pointers are to C strings and to that many bytes; the others take numbers alone.
        unsafe {
            let key: c_long =
                libc::syscall(libc::SYS_add_key, kind, description, content.as_ptr(), content.len(), keyring);
            libc::syscall(libc::SYS_keyctl, KEYCTL_CHOWN, key, *user, *group);
            libc::syscall(libc::SYS_keyctl, KEYCTL_SETPERM, key, *permissions);
        }
    }
}
