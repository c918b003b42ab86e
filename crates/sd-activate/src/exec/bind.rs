//! Directories of this machine in another root directory, between clone(2) and execve(2): nothing is allocated here.

use std::ffi::{CStr, CString, c_int};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use nix::errno::Errno;

use crate::error::Error;

/// The mode of directories on the way.
const MODE_OF_PARENTS: libc::mode_t = 0o755;
const OPEN_TREE_CLONE: libc::c_uint = 1;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 4;

/// A directory that is at the same path in both.
#[derive(Debug)]
pub struct Bind {
    path: CString,
    /// The directories above it, the uppermost first.
    parents: Vec<CString>,
    /// What is mounted, once it was opened.
    tree: RawFd,
}

impl Bind {
    /// That of a path.
    pub fn new(path: &Path) -> Result<Self, Error> {
        let text = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::ZeroByte);
        let above = path.ancestors().skip(1).filter(|above| above.parent().is_some());
        let mut parents = above.map(text).collect::<Result<Vec<_>, _>>()?;
        parents.reverse();
        Ok(Self { path: text(path)?, parents, tree: -1 })
    }

    /// Opens what is here.
    fn open(&mut self) -> Result<(), Errno> {
        let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC as libc::c_uint;
        // SAFETY: a C string and numbers.
        let tree = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, self.path.as_ptr(), flags) };
        self.tree = Errno::result(tree)? as RawFd;
        Ok(())
    }

    /// Mounts it there.
    fn mount(&self) -> Result<(), Errno> {
        self.parents.iter().try_for_each(|parent| make(parent))?;
        make(&self.path)?;
        let (from, to, flags) = (c"".as_ptr(), self.path.as_ptr(), MOVE_MOUNT_F_EMPTY_PATH);
        // SAFETY: C strings and numbers.
        let moved = unsafe { libc::syscall(libc::SYS_move_mount, self.tree, from, libc::AT_FDCWD, to, flags) };
        Errno::result(moved).map(drop)
    }
}

fn make(path: &CStr) -> Result<(), Errno> {
    // SAFETY: a C string and a number.
    match Errno::result(unsafe { libc::mkdir(path.as_ptr(), MODE_OF_PARENTS) }) {
        Ok(_) | Err(Errno::EEXIST) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Changes the root directory. What is to be there as well is mounted there, for this process alone.
pub(super) fn change_root(root: &CStr, binds: &mut [Bind]) -> Result<(), Errno> {
    if !binds.is_empty() {
        // SAFETY: takes a number.
        Errno::result(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
        let (none, flags): (*const libc::c_char, _) = (ptr::null(), libc::MS_REC | libc::MS_SLAVE);
        // SAFETY: a C string, and null pointers where nothing is needed. Nobody else sees what is mounted from here on.
        Errno::result(unsafe { libc::mount(none, c"/".as_ptr(), none, flags, ptr::null()) })?;
        binds.iter_mut().try_for_each(Bind::open)?;
    }
    // SAFETY: a C string.
    let changed: c_int = unsafe { libc::chroot(root.as_ptr()) };
    Errno::result(changed)?;
    binds.iter().try_for_each(Bind::mount)
}
