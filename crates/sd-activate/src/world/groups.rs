//! Control groups, one for each unit: cgroups(7), version 2.
//!
//! They stand below the group of this process, so that what holds for that holds for all units as well:
//!
//! ```text
//! …/                          that of this process: a container's, or one that a manager delegates
//! …/sd-activate-PID.slice/    that of all units; in a container, the PID namespace is in the name as well
//! …/sd-activate-PID.slice/foo.service/
//! ```
//!
//! By these names sd_pid_get_unit(3) tells the unit of a process, as below systemd.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, Pid, access};

use crate::spec::UnitName;

/// The first PID namespace of a machine.
const FIRST_NAMESPACE: &str = "4026531836";

/// Where systemd puts the processes that may not be in a group that has others below it.
const INIT: &str = "init.scope";

/// What the kernel's own files in a group begin with, up to their first dot: the controllers, and `cgroup`.
const KERNEL: [&str; 12] =
    ["cgroup", "cpu", "cpuset", "debug", "dmem", "hugetlb", "io", "irq", "memory", "misc", "pids", "rdma"];

/// The groups of units.
#[derive(Debug)]
pub struct Groups {
    /// That of all units.
    directory: PathBuf,
    /// The same as the kernel names it: ControlGroup= of systemctl(1).
    path: String,
}

impl Groups {
    /// Those of this process's units. None where it may make none: they need a hierarchy of version 2 that it may write to, and
    /// that is not another manager's.
    pub fn find() -> Option<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let (directory, path) = own_group(&groups, &mounts)?;
        if is_another_managers(&directory) {
            return None;
        }
        // cgroups(7), "Delegation": who moves a process has to be allowed to write there, too.
        access(&directory.join("cgroup.procs"), AccessFlags::W_OK).ok()?;
        let namespace = namespace();
        remove_abandoned(&directory, namespace.as_deref());
        let name = slice(namespace.as_deref(), std::process::id());
        let found = Self { directory: directory.join(&name), path: format!("{}/{name}", path.trim_end_matches('/')) };
        make(&found.directory).ok()?;
        Some(found)
    }

    /// The directory of a unit's group, for the unit's processes to be in.
    pub fn open(&self, unit: &UnitName) -> io::Result<OwnedFd> {
        let directory = self.directory(unit);
        match make(&directory) {
            // Somebody has removed that of all units.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make(&self.directory)?;
                make(&directory)?;
            }
            made => made?,
        }
        Ok(File::open(directory)?.into())
    }

    /// ControlGroup= of a unit, while it has one.
    pub fn path(&self, unit: &UnitName) -> Option<String> {
        self.directory(unit).is_dir().then(|| format!("{}/{}", self.path, file_name(unit)))
    }

    /// The processes of a unit.
    pub fn processes(&self, unit: &UnitName) -> BTreeSet<libc::pid_t> {
        let (directory, mut processes) = (self.directory(unit), BTreeSet::new());
        // Whether there are any, in there or below. Mostly there are none, or there is no group yet.
        let events = fs::read_to_string(directory.join("cgroup.events")).unwrap_or_default();
        if !events.lines().any(|line| line == "populated 1") {
            return processes;
        }
        visit(&directory, &mut |group| processes.extend(numbers(&group.join("cgroup.procs"))));
        // Those of other PID namespaces have no number here.
        processes.retain(|pid| *pid > 0);
        processes
    }

    /// The processes of a unit, each with its group.
    pub fn list(&self, unit: &UnitName) -> Vec<(String, libc::pid_t)> {
        let mut list = Vec::new();
        visit(&self.directory(unit), &mut |group| {
            let below = group.strip_prefix(&self.directory).unwrap_or(group);
            let name = format!("{}/{}", self.path, below.display());
            let its = numbers(&group.join("cgroup.procs")).into_iter().filter(|pid| *pid > 0);
            list.extend(its.map(|pid| (name.clone(), pid)));
        });
        list.sort();
        list
    }

    /// TasksCurrent=: how many threads there are.
    pub fn tasks(&self, unit: &UnitName) -> usize {
        let mut tasks = 0;
        visit(&self.directory(unit), &mut |group| tasks += numbers(&group.join("cgroup.threads")).len());
        tasks
    }

    /// The unit whose group a process is in.
    pub fn unit_of(&self, pid: Pid) -> Option<UnitName> {
        unit_in(&fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?, &self.path)
    }

    /// Sends all processes of a unit SIGKILL, those included that it makes meanwhile. Whether that could be done at once.
    pub fn kill(&self, unit: &UnitName) -> bool {
        fs::write(self.directory(unit).join("cgroup.kill"), "1").is_ok()
    }

    /// Removes a unit's group, and what the unit has made below it, as far as no process is in there. Whether it is gone.
    pub fn remove(&self, unit: &UnitName) -> bool {
        remove(&self.directory(unit))
    }

    fn directory(&self, unit: &UnitName) -> PathBuf {
        self.directory.join(file_name(unit))
    }
}

impl Drop for Groups {
    /// As far as no process is left in there.
    fn drop(&mut self) {
        remove(&self.directory);
    }
}

/// The name of the group of all units of a manager: no other one has the same, not even one of another PID namespace, and it stays
/// the same when the manager executes itself anew.
fn slice(namespace: Option<&str>, pid: u32) -> String {
    match namespace {
        None | Some(FIRST_NAMESPACE) => format!("sd-activate-{pid}.slice"),
        Some(namespace) => format!("sd-activate-{namespace}-{pid}.slice"),
    }
}

/// The number of this process's PID namespace.
fn namespace() -> Option<String> {
    let link = fs::read_link("/proc/self/ns/pid").ok()?.into_os_string().into_string().ok()?;
    Some(link.strip_prefix("pid:[")?.strip_suffix(']')?.to_owned())
}

/// A unit's name, as a file that the kernel cannot have: with systemd's escape.
fn file_name(unit: &UnitName) -> String {
    let name = unit.as_str();
    let first = name.split('.').next().unwrap_or_default();
    let escape = first.is_empty() || first.starts_with('_') || KERNEL.contains(&first);
    format!("{}{name}", if escape { "_" } else { "" })
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

/// Removes the groups that managers have left that were killed.
fn remove_abandoned(directory: &Path, namespace: Option<&str>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_suffix(".slice")?.rsplit('-').next()?.parse::<u32>().ok());
        let is_known = |pid: &u32| name.to_str() == Some(&slice(namespace, *pid));
        if pid.filter(is_known).is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            remove(&entry.path());
        }
    }
}

fn make(directory: &Path) -> io::Result<()> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Visits a group and all below it, those below first.
fn visit(group: &Path, see: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            visit(&entry.path(), see);
        }
    }
    see(group);
}

fn remove(group: &Path) -> bool {
    if fs::remove_dir(group).is_ok() {
        return true;
    }
    visit(group, &mut |group| drop(fs::remove_dir(group)));
    !group.exists()
}

fn numbers(file: &Path) -> Vec<libc::pid_t> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// The unit of a process that is in these groups, where units have theirs below that path.
fn unit_in(groups: &str, path: &str) -> Option<UnitName> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let name = group.strip_prefix(path)?.strip_prefix('/')?.split('/').next()?;
    UnitName::new(name.strip_prefix('_').unwrap_or(name))
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

    #[test]
    fn a_unit_whose_name_could_be_a_file_of_the_kernel_gets_an_underscore() {
        for (unit, group) in [
            ("a.service", "a.service"),
            ("memory.service", "_memory.service"),
            ("cgroup.socket", "_cgroup.socket"),
            ("_a.service", "__a.service"),
            ("memoryless.service", "memoryless.service"),
        ] {
            let unit = UnitName::new(unit).unwrap();
            assert_eq!(file_name(&unit), group);
            let groups = format!("0::/x/sd-activate-7.slice/{group}/below\n");
            assert_eq!(unit_in(&groups, "/x/sd-activate-7.slice"), Some(unit));
            assert_eq!(unit_in(&groups, "/x/sd-activate-8.slice"), None);
        }
    }
}
