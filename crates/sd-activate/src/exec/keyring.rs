//! KeyringMode=: the session keyring of a command, keyrings(7). Nothing allocates: it is made between clone(2) and execve(2).

use std::ffi::{CStr, c_long};

use nix::errno::Errno;
use nix::unistd::{Gid, Uid};

use crate::spec::KeyringMode;

// On these machines the calls without "32" take numbers of 16 bits.
#[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
use libc::{SYS_setregid as SETREGID, SYS_setreuid as SETREUID};
#[cfg(any(target_arch = "x86", target_arch = "arm"))]
use libc::{SYS_setregid32 as SETREGID, SYS_setreuid32 as SETREUID};

/// keyctl(2).
const JOIN_SESSION_KEYRING: c_long = 1;
const SETPERM: c_long = 5;
const LINK: c_long = 8;
const SESSION_KEYRING: c_long = -3;
const USER_KEYRING: c_long = -4;

/// Whoever possesses the key, or is its user, may view, read and find it: keyctl_setperm(3).
const READ_ONLY: c_long = 0x0b0b_0000;

/// The key that sd_id128_get_invocation(3) looks for.
const INVOCATION: &CStr = c"invocation_id";

/// A session keyring of its own.
#[derive(Debug)]
pub struct Keyring {
    /// Whether the user's keyring is in it.
    shared: bool,
    /// Whose it is and whose this process is, where they differ.
    ids: Option<[(Uid, Gid); 2]>,
    /// `$INVOCATION_ID`.
    invocation: Option<u128>,
}

impl Keyring {
    /// That of a mode; none where that of this process is inherited.
    pub(super) fn of(mode: KeyringMode, owner: Option<(Uid, Gid)>, invocation: Option<&str>) -> Option<Self> {
        let invocation = invocation.and_then(|id| u128::from_str_radix(id, 16).ok());
        (mode != KeyringMode::Inherit).then(|| {
            let ids = owner.map(|owner| [owner, (Uid::current(), Gid::current())]);
            let ids = ids.filter(|[owner, own]| owner != own);
            Self { shared: mode == KeyringMode::Shared, ids, invocation }
        })
    }

    /// Joins it. Where the kernel has none, or none may be had, all goes on without, as with systemd.
    pub(super) fn join(&self) -> Result<(), Errno> {
        match self.make() {
            Err(Errno::ENOSYS | Errno::EPERM | Errno::EACCES | Errno::EDQUOT) => Ok(()),
            made => made,
        }
    }

    fn make(&self) -> Result<(), Errno> {
        // What is made belongs to the real user and group of who makes it. The effective ones stay, to come back by.
        if let Some([owner, _]) = self.ids {
            set_real_ids(owner)?;
        }
        // SAFETY: takes numbers, and no name.
        let made = Errno::result(unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, 0, 0, 0, 0) });
        let made = made.and_then(|_| if self.shared { link_user_keyring() } else { Ok(()) });
        if let Some([_, own]) = self.ids {
            set_real_ids(own)?;
        }
        made?;
        self.invocation.map_or(Ok(()), add_invocation)
    }
}

fn set_real_ids((uid, gid): (Uid, Gid)) -> Result<(), Errno> {
    // SAFETY: takes numbers; as system calls they change this process alone, and not all of its C library's threads.
    unsafe {
        Errno::result(libc::syscall(SETREGID, gid.as_raw(), -1))?;
        Errno::result(libc::syscall(SETREUID, uid.as_raw(), -1))?;
    }
    Ok(())
}

fn link_user_keyring() -> Result<(), Errno> {
    // SAFETY: takes numbers.
    Errno::result(unsafe { libc::syscall(libc::SYS_keyctl, LINK, USER_KEYRING, SESSION_KEYRING, 0, 0) }).map(drop)
}

fn add_invocation(invocation: u128) -> Result<(), Errno> {
    let id = invocation.to_be_bytes();
    // SAFETY: two C strings, and as many bytes as are said.
    let key = Errno::result(unsafe {
        libc::syscall(libc::SYS_add_key, c"user".as_ptr(), INVOCATION.as_ptr(), id.as_ptr(), id.len(), SESSION_KEYRING)
    })?;
    // SAFETY: takes numbers.
    Errno::result(unsafe { libc::syscall(libc::SYS_keyctl, SETPERM, key, READ_ONLY, 0, 0) }).map(drop)
}
