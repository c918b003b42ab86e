//! What conditions ask of paths. All but the question for a link follow links.

use std::ffi::CString;
use std::fs;
use std::mem::zeroed;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use nix::sys::statvfs::{FsFlags, statvfs};

use crate::glob;

pub(super) fn exists(path: &Path) -> bool {
    path.exists()
}

pub(super) fn matches(pattern: &Path) -> bool {
    !glob::paths(pattern, true).is_empty()
}

pub(super) fn is_directory(path: &Path) -> bool {
    path.is_dir()
}

pub(super) fn is_link(path: &Path) -> bool {
    path.is_symlink()
}

pub(super) fn is_mount_point(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    is_root_of_mount(&path).unwrap_or_else(|| {
        // Linux before 5.8.
        let device = |path: &Path| fs::symlink_metadata(path).ok().map(|metadata| metadata.dev());
        path.parent().is_none_or(|parent| device(parent) != device(&path))
    })
}

/// What the kernel says. None where it does not.
fn is_root_of_mount(path: &Path) -> Option<bool> {
    const ATTRIBUTE: u64 = libc::STATX_ATTR_MOUNT_ROOT as u64;
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: a structure of integers, for which zero is a value.
    let mut found: libc::statx = unsafe { zeroed() };
    let flags = libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT;
    // SAFETY: a C string, numbers, and a structure that is valid for writes.
    let status = unsafe { libc::statx(libc::AT_FDCWD, path.as_ptr(), flags, 0, &mut found) };
    (status == 0 && found.stx_attributes_mask & ATTRIBUTE != 0).then_some(found.stx_attributes & ATTRIBUTE != 0)
}

pub(super) fn is_read_write(path: &Path) -> bool {
    statvfs(path).is_ok_and(|found| !found.flags().contains(FsFlags::ST_RDONLY))
}

pub(super) fn is_filled_directory(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
}

pub(super) fn is_filled_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
}

pub(super) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
