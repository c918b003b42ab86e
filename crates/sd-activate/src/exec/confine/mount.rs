//! Mounts what a command finds, between clone(2) and execve(2): nothing is allocated here.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_uint};
use std::os::fd::RawFd;
use std::ptr;

use libc::c_ulong;
use nix::errno::Errno;

const OPEN_TREE_CLONE: c_uint = 1;
const MOVE_MOUNT_F_EMPTY_PATH: c_uint = 4;
const AT_RECURSIVE: c_uint = 0x8000;

/// What a mount does not allow, as mount_setattr(2) counts it.
pub(super) const READ_ONLY: u64 = 1;
pub(super) const NO_SUID: u64 = 2;
pub(super) const NO_DEV: u64 = 4;
pub(super) const NO_EXEC: u64 = 8;

/// The mode of directories on the way.
const MODE_OF_PARENTS: libc::mode_t = 0o755;

/// What is mounted somewhere, as it was before anything was changed.
#[derive(Debug)]
pub(super) struct Tree {
    /// Where it is.
    pub path: CString,
    /// Whether what is mounted below it comes along.
    pub recursive: bool,
    /// Whether it is looked for in another root directory.
    pub in_root: bool,
    /// Whether it may be missing.
    pub optional: bool,
    /// It, once it was opened.
    pub opened: Cell<RawFd>,
}

/// A step. Paths are those of the root directory that the command finds.
#[derive(Debug)]
pub(super) struct Mount {
    /// Where.
    pub at: CString,
    /// What.
    pub what: What,
    /// Whether it is left out where that is missing.
    pub optional: bool,
}

#[derive(Debug)]
pub(super) enum What {
    /// A tree is put there, and does not allow these. What it is put upon is made, with the directories on the way.
    Tree { number: usize, not: u64, made: Option<Made> },
    /// What is there does not allow these from now on, or allows these again, with all that is mounted below it.
    Own { not: u64, again: u64 },
    /// The same, but for what is mounted below it.
    Alone { not: u64 },
    /// A file system of its own, with options, which does not allow these.
    New { kind: &'static CStr, options: CString, not: u64 },
    /// A directory is made.
    Directory,
    /// A link is made.
    Link(CString),
}

/// What a tree is put upon.
#[derive(Debug)]
pub(super) struct Made {
    /// The directories above it, the uppermost first.
    pub parents: Vec<CString>,
    /// Whether it is a directory.
    pub is_directory: bool,
}

#[repr(C)]
struct Attributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Makes namespaces of its own for this process. In one of mounts, nobody else sees what is mounted from here on.
pub(super) fn separate(flags: c_int) -> Result<(), Errno> {
    // SAFETY: takes a number.
    Errno::result(unsafe { libc::unshare(flags) })?;
    if flags & libc::CLONE_NEWNS == 0 {
        return Ok(());
    }
    let (none, flags): (*const c_char, _) = (ptr::null(), libc::MS_REC | libc::MS_SLAVE);
    // SAFETY: a C string, and null pointers where nothing is needed.
    Errno::result(unsafe { libc::mount(none, c"/".as_ptr(), none, flags, ptr::null()) }).map(drop)
}

/// Mounts a directory upon itself, for it to be a root directory whose mount can be changed.
pub(super) fn upon_itself(path: &CStr) -> Result<(), Errno> {
    let tree = open(path, true)?;
    put(tree, path)
}

impl Tree {
    /// Opens it.
    pub(super) fn open(&self) -> Result<(), Errno> {
        match open(&self.path, self.recursive) {
            Err(Errno::ENOENT | Errno::ENOTDIR) if self.optional => self.opened.set(-1),
            opened => self.opened.set(opened?),
        }
        Ok(())
    }
}

impl Mount {
    /// Carries it out.
    pub(super) fn carry_out(&self, trees: &[Tree]) -> Result<(), Errno> {
        match self.what.carry_out(&self.at, trees) {
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EBADF) if self.optional => Ok(()),
            done => done,
        }
    }
}

impl What {
    fn carry_out(&self, at: &CStr, trees: &[Tree]) -> Result<(), Errno> {
        match self {
            Self::Tree { number, not, made } => {
                let tree = trees.get(*number).map_or(-1, |tree| tree.opened.get());
                if let Some(made) = made.as_ref().filter(|_| tree >= 0) {
                    made.make(at)?;
                }
                if *not != 0 {
                    change(tree, c"", libc::AT_EMPTY_PATH as c_uint | AT_RECURSIVE, *not, 0)?;
                }
                put(tree, at)
            }
            // The root directory is a mount already.
            Self::Own { not, again } if at == c"/" => change(libc::AT_FDCWD, at, AT_RECURSIVE, *not, *again),
            Self::Own { not, again } => {
                let tree = open(at, true)?;
                change(tree, c"", libc::AT_EMPTY_PATH as c_uint | AT_RECURSIVE, *not, *again)?;
                put(tree, at)
            }
            Self::Alone { not } => change(libc::AT_FDCWD, at, 0, *not, 0),
            Self::New { kind, options, not } => {
                let mut flags: c_ulong = 0;
                for (bit, flag) in [(NO_SUID, libc::MS_NOSUID), (NO_DEV, libc::MS_NODEV), (NO_EXEC, libc::MS_NOEXEC)] {
                    if not & bit != 0 {
                        flags |= flag;
                    }
                }
                // SAFETY: C strings and a number.
                let mounted =
                    unsafe { libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) };
                Errno::result(mounted).map(drop)
            }
            Self::Directory => directory(at),
            Self::Link(target) => {
                // SAFETY: C strings.
                match Errno::result(unsafe { libc::symlink(target.as_ptr(), at.as_ptr()) }) {
                    Ok(_) | Err(Errno::EEXIST) => Ok(()),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

impl Made {
    fn make(&self, at: &CStr) -> Result<(), Errno> {
        // SAFETY: a C string and a number.
        if unsafe { libc::access(at.as_ptr(), libc::F_OK) } == 0 {
            return Ok(());
        }
        self.parents.iter().try_for_each(|parent| directory(parent))?;
        if self.is_directory {
            return directory(at);
        }
        // SAFETY: a C string and numbers.
        let file = unsafe { libc::open(at.as_ptr(), libc::O_CREAT | libc::O_CLOEXEC | libc::O_NOCTTY, 0o644) };
        Errno::result(file).map(drop)
    }
}

fn directory(path: &CStr) -> Result<(), Errno> {
    // SAFETY: a C string and a number.
    match Errno::result(unsafe { libc::mkdir(path.as_ptr(), MODE_OF_PARENTS) }) {
        Ok(_) | Err(Errno::EEXIST) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens what is mounted somewhere as a mount of its own, which goes with this process.
fn open(path: &CStr, recursive: bool) -> Result<RawFd, Errno> {
    let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC as c_uint | if recursive { AT_RECURSIVE } else { 0 };
    // SAFETY: a C string and numbers.
    let tree = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    Errno::result(tree).map(|tree| tree as RawFd)
}

fn put(tree: RawFd, at: &CStr) -> Result<(), Errno> {
    let (none, flags) = (c"".as_ptr(), MOVE_MOUNT_F_EMPTY_PATH);
    // SAFETY: C strings and numbers.
    let moved = unsafe { libc::syscall(libc::SYS_move_mount, tree, none, libc::AT_FDCWD, at.as_ptr(), flags) };
    Errno::result(moved).map(drop)
}

fn change(from: RawFd, path: &CStr, flags: c_uint, set: u64, clear: u64) -> Result<(), Errno> {
    let attributes = Attributes { set, clear, propagation: 0, user_namespace: 0 };
    let size = size_of::<Attributes>();
    // SAFETY: a C string, numbers, and attributes with their size.
    let changed =
        unsafe { libc::syscall(libc::SYS_mount_setattr, from, path.as_ptr(), flags, &raw const attributes, size) };
    Errno::result(changed).map(drop)
}
