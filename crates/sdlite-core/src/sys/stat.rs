//! What stat(2) tells of a file, and fstatfs(2) of its file system.

/// What stat(2) tells, as far as it is asked for here.
pub(crate) struct Stat {
    mode: libc::mode_t,
    device: libc::dev_t,
    inode: u64,
    device_node: libc::dev_t,
}

impl Stat {
    pub(crate) fn is(&self, kind: libc::mode_t) -> bool {
        self.mode & libc::S_IFMT == kind
    }

    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }

    pub(crate) fn is_inode_of(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }

    pub(crate) fn is_device_of(&self, other: &Self) -> bool {
        self.device_node == other.device_node
    }
}

#[cfg(not(all(target_env = "gnu", target_pointer_width = "32")))]
pub(crate) use by_libc::{file_system_type, fstat, stat};
#[cfg(all(target_env = "gnu", target_pointer_width = "32"))]
pub(crate) use by_number::{file_system_type, fstat, stat};

#[cfg(not(all(target_env = "gnu", target_pointer_width = "32")))]
mod by_libc {
    use core::ffi::{CStr, c_int};
    use core::mem::MaybeUninit;

    use super::Stat;
    use crate::Result;
    use crate::sys::check;

    impl Stat {
        fn new(stat: &libc::stat) -> Self {
            Self { mode: stat.st_mode, device: stat.st_dev, inode: stat.st_ino, device_node: stat.st_rdev }
        }
    }

    /// fstat(2).
    pub(crate) fn fstat(fd: c_int) -> Result<Stat> {
        let mut stat = MaybeUninit::uninit();
        // SAFETY: the pointer is to room for a stat, which is written whole where the call succeeds.
        unsafe {
            check(libc::fstat(fd, stat.as_mut_ptr()))?;
            Ok(Stat::new(stat.assume_init_ref()))
        }
    }

    /// stat(2).
    pub(crate) fn stat(path: &CStr) -> Result<Stat> {
        let mut stat = MaybeUninit::uninit();
        // SAFETY: as in `fstat`; `path` is a C string.
        unsafe {
            check(libc::stat(path.as_ptr(), stat.as_mut_ptr()))?;
            Ok(Stat::new(stat.assume_init_ref()))
        }
    }

    /// The type of the file system, from fstatfs(2).
    pub(crate) fn file_system_type(fd: c_int) -> Result<u64> {
        let mut status = MaybeUninit::<libc::statfs>::uninit();
        // SAFETY: the pointer is to room for a statfs, which is written whole where the call succeeds.
        let status = unsafe {
            check(libc::fstatfs(fd, status.as_mut_ptr()))?;
            status.assume_init()
        };
        Ok(status.f_type as u64)
    }
}

/// On 32 bits, glibc's structures of these names have no room for an inode number, a size or a time beyond that, and its
/// functions fail there; musl's, which the archive may be linked with, are of another layout. The kernel's are good for both.
#[cfg(all(target_env = "gnu", target_pointer_width = "32"))]
mod by_number {
    use core::ffi::{CStr, c_int};
    use core::mem::{MaybeUninit, size_of};

    use super::Stat;
    use crate::Result;
    use crate::sys::check;

    /// fstat(2).
    pub(crate) fn fstat(fd: c_int) -> Result<Stat> {
        statx(fd, c"", libc::AT_EMPTY_PATH)
    }

    /// stat(2).
    pub(crate) fn stat(path: &CStr) -> Result<Stat> {
        statx(libc::AT_FDCWD, path, 0)
    }

    fn statx(fd: c_int, path: &CStr, flags: c_int) -> Result<Stat> {
        // As stat(2) is, which does not have a file system mounted for it.
        let flags = flags | libc::AT_NO_AUTOMOUNT;
        let mut room = MaybeUninit::<libc::statx>::uninit();
        // SAFETY: `path` is a C string, the other pointer to room for a statx, which is written whole where the call succeeds.
        let found = unsafe {
            let wanted = libc::STATX_BASIC_STATS;
            check(libc::syscall(libc::SYS_statx, fd, path.as_ptr(), flags, wanted, room.as_mut_ptr()) as c_int)?;
            room.assume_init_ref()
        };
        Ok(Stat {
            mode: found.stx_mode.into(),
            device: libc::makedev(found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            device_node: libc::makedev(found.stx_rdev_major, found.stx_rdev_minor),
        })
    }

    /// The type of the file system, from fstatfs(2).
    pub(crate) fn file_system_type(fd: c_int) -> Result<u64> {
        let mut status = MaybeUninit::<libc::statfs64>::uninit();
        let size = size_of::<libc::statfs64>();
        // SAFETY: the pointer is to room of that size, which is written whole where the call succeeds.
        let status = unsafe {
            check(libc::syscall(libc::SYS_fstatfs64, fd, size, status.as_mut_ptr()) as c_int)?;
            status.assume_init()
        };
        Ok(status.f_type as u64)
    }
}
