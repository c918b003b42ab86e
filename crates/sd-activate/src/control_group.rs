//! The control group that this process is in, and the controllers that it may use: cgroups(7), version 2.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::unistd::{AccessFlags, SysconfVar, access, sysconf};

/// Where systemd puts the processes that may not be in a group that has others below it.
pub const INIT: &str = "init.scope";

/// The directory of this process's group, and the kernel's name of that. None where it may make none below it: that needs a
/// hierarchy of version 2 that it may write to, and that is not another manager's.
pub fn find() -> Option<(PathBuf, String)> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let (directory, path) = own_group(&groups, &mounts)?;
    if is_another_managers(&directory) {
        return None;
    }
    // cgroups(7), "Delegation": who moves a process has to be allowed to write there, too.
    access(&directory.join("cgroup.procs"), AccessFlags::W_OK).ok()?;
    Some((directory, path))
}

/// Whether a controller can be had for the groups of units.
pub fn has_controller(name: &str) -> bool {
    static CONTROLLERS: OnceLock<BTreeSet<String>> = OnceLock::new();
    let controllers = CONTROLLERS.get_or_init(|| {
        let is_writable =
            |directory: &PathBuf| access(&directory.join("cgroup.subtree_control"), AccessFlags::W_OK).is_ok();
        let found = find().map(|(directory, _)| directory).filter(is_writable);
        found.map(|directory| words(&directory.join("cgroup.controllers"))).unwrap_or_default()
    });
    controllers.contains(name)
}

/// The memory that this machine has, or this container may use.
pub fn memory() -> Option<u64> {
    let pages = sysconf(SysconfVar::_PHYS_PAGES).ok()??;
    let all = page_size().saturating_mul(u64::try_from(pages).ok()?);
    let limits = ["memory.max", "memory/memory.limit_in_bytes"].map(|file| Path::new("/sys/fs/cgroup").join(file));
    let limit = limits.iter().find_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    Some(limit.map_or(all, |limit: u64| limit.min(all)))
}

/// What the kernel counts memory in.
pub fn page_size() -> u64 {
    sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}

/// The words in a file of a group.
pub fn words(file: &Path) -> BTreeSet<String> {
    fs::read_to_string(file).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// The directory of this process's group, and the kernel's name of that.
fn own_group(groups: &str, mounts: &str) -> Option<(PathBuf, String)> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    // Executed anew, it is where it has put itself.
    let path = path.strip_suffix(INIT).map_or(path, |path| path.strip_suffix('/').unwrap_or(path));
    let path = if path.is_empty() { "/" } else { path };
    let directory = mounts.lines().rev().find_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let below =
            path.strip_prefix(root.trim_end_matches('/')).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        file_system.starts_with("cgroup2 ").then_some(())?;
        Some(Path::new(point).join(below?.trim_start_matches('/')))
    })?;
    // With "..", it is outside of what this process sees.
    (!path.contains("/..")).then(|| (directory, path.to_owned()))
}

/// Whether systemd manages the group, and has not left it to this process: "Delegation" in systemd.resource-control(5).
fn is_another_managers(directory: &Path) -> bool {
    let is_delegated = || ["user.delegate", "trusted.delegate"].iter().any(|name| attribute(directory, name) == b"1");
    Path::new("/run/systemd/system").is_dir() && !is_delegated()
}

fn attribute(path: &Path, name: &str) -> Vec<u8> {
    let (Ok(path), Ok(name)) = (CString::new(path.as_os_str().as_bytes()), CString::new(name)) else {
        return Vec::new();
    };
    let mut value = vec![0; 16];
    // SAFETY: two C strings, and a buffer of this length.
    let length =
        unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast::<libc::c_void>(), value.len()) };
    value.truncate(usize::try_from(length).unwrap_or(0));
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                          41 31 0:38 ROOT /sys/fs/cgroup/unified rw,nosuid shared:3 - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_group_of_this_process_is_found_wherever_the_hierarchy_is_mounted() {
        for (root, path, expected) in [
            ("/", "/", Some(("/sys/fs/cgroup/unified/", "/"))),
            ("/", "/a/b.scope", Some(("/sys/fs/cgroup/unified/a/b.scope", "/a/b.scope"))),
            ("/", "/a/init.scope", Some(("/sys/fs/cgroup/unified/a", "/a"))),
            ("/", "/init.scope", Some(("/sys/fs/cgroup/unified/", "/"))),
            ("/a", "/a/b", Some(("/sys/fs/cgroup/unified/b", "/a/b"))),
            ("/a", "/a", Some(("/sys/fs/cgroup/unified/", "/a"))),
            ("/a", "/ab", None),
            ("/", "/../b", None),
        ] {
            let found = own_group(&format!("4:memory:/x\n0::{path}\n"), &MOUNTS.replace("ROOT", root));
            let expected = expected.map(|(directory, path)| (PathBuf::from(directory), path.to_owned()));
            assert_eq!(found, expected, "{root} {path}");
        }
        assert_eq!(own_group("4:memory:/x\n", MOUNTS), None);
        assert_eq!(own_group("0::/\n", "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"), None);
    }
}
