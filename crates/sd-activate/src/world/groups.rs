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

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{Pid, UnlinkatFlags, unlinkat};

use crate::control_group::{self, INIT, words};
use crate::spec::{Resources, UnitName, controller};

/// The first PID namespace of a machine.
const FIRST_NAMESPACE: &str = "4026531836";

/// What the kernel's own files in a group begin with, up to their first dot: the controllers, and `cgroup`.
const KERNEL: [&str; 12] =
    ["cgroup", "cpu", "cpuset", "debug", "dmem", "hugetlb", "io", "irq", "memory", "misc", "pids", "rdma"];

/// The groups of units.
#[derive(Debug)]
pub struct Groups {
    /// That of all units.
    directory: PathBuf,
    /// The same, open: those of units are found from there at less cost.
    opened: OwnedFd,
    /// That of this process.
    own: PathBuf,
    names: Names,
}

/// What the kernel calls the groups of units: by that it can be told whose a process is.
#[derive(Clone, Debug)]
pub struct Names {
    /// That of all units, as ControlGroup= of systemctl(1) has it.
    path: String,
}

/// What cgroup.events takes, and more.
const EVENTS_MAX: usize = 256;

impl Groups {
    /// Those of this process's units. None where it may make none.
    pub fn find() -> Option<Self> {
        let (directory, path) = control_group::find()?;
        let namespace = namespace();
        remove_abandoned(&directory, namespace.as_deref());
        let name = slice(namespace.as_deref(), std::process::id());
        let names = Names { path: format!("{}/{name}", path.trim_end_matches('/')) };
        let (own, directory) = (directory.clone(), directory.join(&name));
        make(&directory).ok()?;
        let opened = open_directory(&directory).ok()?;
        Some(Self { directory, opened, own, names })
    }

    /// What they are called.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The directory of a unit's group, for the unit's processes to be in.
    pub fn open(&mut self, unit: &UnitName) -> io::Result<OwnedFd> {
        let name = file_name(unit);
        let name = name.as_ref();
        match self.make(name) {
            // Somebody has removed that of all units.
            Err(Errno::ENOENT) => {
                make(&self.directory)?;
                self.opened = open_directory(&self.directory)?;
                self.make(name)?;
            }
            made => made?,
        }
        Ok(openat(&self.opened, name, DIRECTORY, Mode::empty())?)
    }

    fn make(&self, name: &str) -> nix::Result<()> {
        match mkdirat(&self.opened, name, Mode::from_bits_truncate(0o777)) {
            Err(Errno::EEXIST) => Ok(()),
            made => made,
        }
    }

    /// Limits what a unit may use. What cannot be limited is told: the attribute, and why.
    pub fn limit(&self, unit: &UnitName, resources: &Resources) -> Vec<(&'static str, io::Error)> {
        let attributes = resources.attributes();
        if attributes.is_empty() {
            return Vec::new();
        }
        let directory = self.directory(unit);
        // Where it fails, the first attribute says why.
        let _ = make(&directory);
        let set = |(name, value): (&'static str, String)| Some((name, self.set(&directory, name, &value).err()?));
        attributes.into_iter().filter_map(set).collect()
    }

    /// Sets an attribute of a unit's group. It is there where the groups on the way have its controller.
    fn set(&self, directory: &Path, name: &str, value: &str) -> io::Result<()> {
        match File::options().write(true).open(directory.join(name)) {
            Ok(mut attribute) => attribute.write_all(value.as_bytes()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                delegate(&[&self.own, &self.directory], controller(name))?;
                make(directory)?;
                fs::write(directory.join(name), value)
            }
            Err(error) => Err(error),
        }
    }

    /// ControlGroup= of a unit, while it has one.
    pub fn path(&self, unit: &UnitName) -> Option<String> {
        self.directory(unit).is_dir().then(|| format!("{}/{}", self.names.path, file_name(unit)))
    }

    /// The processes of a unit.
    pub fn processes(&self, unit: &UnitName) -> BTreeSet<libc::pid_t> {
        let mut processes = BTreeSet::new();
        // Mostly there are none, or there is no group yet.
        if !self.is_populated(unit) {
            return processes;
        }
        visit(&self.directory(unit), &mut |group| processes.extend(numbers(&group.join("cgroup.procs"))));
        // Those of other PID namespaces have no number here.
        processes.retain(|pid| *pid > 0);
        processes
    }

    /// Whether there are any, in its group or below.
    fn is_populated(&self, unit: &UnitName) -> bool {
        let file = format!("{}/cgroup.events", file_name(unit));
        let opened = openat(&self.opened, file.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
        let mut events = [0; EVENTS_MAX];
        let length = opened.map_or(Ok(0), |opened| File::from(opened).read(&mut events)).unwrap_or(0);
        events[..length].split(|byte| *byte == b'\n').any(|line| line == b"populated 1")
    }

    /// The processes of a unit, each with its group.
    pub fn list(&self, unit: &UnitName) -> Vec<(String, libc::pid_t)> {
        let mut list = Vec::new();
        visit(&self.directory(unit), &mut |group| {
            let below = group.strip_prefix(&self.directory).unwrap_or(group);
            let name = format!("{}/{}", self.names.path, below.display());
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

    /// Sends all processes of a unit SIGKILL, those included that it makes meanwhile. Whether that could be done at once.
    pub fn kill(&self, unit: &UnitName) -> bool {
        fs::write(self.directory(unit).join("cgroup.kill"), "1").is_ok()
    }

    /// Removes a unit's group, and what the unit has made below it, as far as no process is in there. Whether it is gone.
    pub fn remove(&self, unit: &UnitName) -> bool {
        unlinkat(&self.opened, file_name(unit).as_ref(), UnlinkatFlags::RemoveDir).is_ok()
            || remove(&self.directory(unit))
    }

    fn directory(&self, unit: &UnitName) -> PathBuf {
        self.directory.join(&*file_name(unit))
    }
}

impl Names {
    /// The unit whose group a process is in.
    pub fn unit_of(&self, pid: Pid) -> Option<UnitName> {
        unit_in(&fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?, &self.path)
    }
}

impl Drop for Groups {
    /// As far as no process is left in there.
    fn drop(&mut self) {
        if remove(&self.directory) {
            return_from_init(&self.own);
        }
    }
}

/// Has groups below these have a controller, the outermost first.
fn delegate(groups: &[&Path], name: &str) -> io::Result<()> {
    for group in groups {
        if !words(&group.join("cgroup.controllers")).contains(name) {
            return Err(io::Error::new(ErrorKind::NotFound, format!("there is no controller {name} here")));
        }
        let control = group.join("cgroup.subtree_control");
        if words(&control).contains(name) {
            continue;
        }
        let enable = || fs::write(&control, format!("+{name}"));
        match enable() {
            // cgroups(7): with controllers, no process may be beside the groups below, but for the root of all.
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                move_to_init(group)?;
                enable()?;
            }
            enabled => enabled?,
        }
    }
    Ok(())
}

/// Moves this process out of the way; as the first process of a container, all others as well, as systemd does.
fn move_to_init(group: &Path) -> io::Result<()> {
    let init = group.join(INIT);
    make(&init)?;
    let own = std::process::id();
    let all = if own == 1 { numbers(&group.join("cgroup.procs")) } else { Vec::new() };
    fs::write(init.join("cgroup.procs"), own.to_string())?;
    for pid in all {
        // One that has ended meanwhile is not there any more.
        let _ = fs::write(init.join("cgroup.procs"), pid.to_string());
    }
    Ok(())
}

/// The same backwards, as far as it goes: the last one leaves nothing behind.
fn return_from_init(group: &Path) {
    let init = group.join(INIT);
    if !numbers(&init.join("cgroup.procs")).contains(&(std::process::id() as libc::pid_t)) {
        return;
    }
    for name in words(&group.join("cgroup.subtree_control")) {
        let _ = fs::write(group.join("cgroup.subtree_control"), format!("-{name}"));
    }
    for pid in numbers(&init.join("cgroup.procs")) {
        let _ = fs::write(group.join("cgroup.procs"), pid.to_string());
    }
    let _ = fs::remove_dir(init);
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
fn file_name(unit: &UnitName) -> Cow<'_, str> {
    let name = unit.as_str();
    let first = name.split('.').next().unwrap_or_default();
    let escape = first.is_empty() || first.starts_with('_') || KERNEL.contains(&first);
    if escape { format!("_{name}").into() } else { name.into() }
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

/// What a directory is opened as to be a place to start from, and nothing else.
const DIRECTORY: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

fn open_directory(directory: &Path) -> nix::Result<OwnedFd> {
    open(directory, DIRECTORY, Mode::empty())
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
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_groups_on_the_way_have_a_controller_and_that_of_the_unit_its_limits() {
        let scratch = sdlite_test_support::scratch();
        let own = scratch.path().to_owned();
        let names = Names { path: "/all.slice".to_owned() };
        let directory = own.join("all.slice");
        for directory in [&own, &directory] {
            make(directory).unwrap();
            fs::write(directory.join("cgroup.controllers"), "cpu memory\n").unwrap();
        }
        let opened = open_directory(&directory).unwrap();
        let groups = Groups { directory, opened, own: own.clone(), names };
        let amounts = BTreeMap::from([("memory.max", 4096), ("memory.high", u64::MAX), ("pids.max", 5)]);
        let resources = Resources { amounts, ..Resources::default() };
        let unit = UnitName::new("a.service").unwrap();
        let failed = groups.limit(&unit, &resources);
        let failed: Vec<String> = failed.iter().map(|(name, error)| format!("{name}: {error}")).collect();
        assert_eq!(failed, ["pids.max: there is no controller pids here"]);
        for directory in [&own, &groups.directory] {
            assert_eq!(fs::read_to_string(directory.join("cgroup.subtree_control")).unwrap(), "+memory");
        }
        let read = |name: &str| fs::read_to_string(groups.directory.join("a.service").join(name)).ok();
        assert_eq!(read("memory.max").as_deref(), Some("4096"));
        assert_eq!(read("memory.high").as_deref(), Some("max"));
        assert_eq!(read("pids.max"), None);
        assert!(groups.limit(&unit, &Resources::default()).is_empty());
    }

    #[test]
    fn with_a_controller_this_process_is_out_of_the_way_and_others_are_left_where_they_are() {
        let Some((own, _)) = control_group::find() else {
            return sdlite_test_support::not_here("a control group of version 2 that may be written to");
        };
        let Some(controller) = words(&own.join("cgroup.controllers")).into_iter().next() else {
            return sdlite_test_support::not_here("a controller of control groups of version 2");
        };
        let was_there = words(&own.join("cgroup.subtree_control")).contains(&controller);
        if let Err(error) = fs::write(own.join("cgroup.subtree_control"), format!("+{controller}")) {
            return sdlite_test_support::not_here(&format!("a control group that may have controllers: {error}"));
        }
        let group = own.join(format!("sd-activate-test-{}", std::process::id()));
        make(&group).unwrap();
        let mut other = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let enter = |group: &Path, pid: u32| fs::write(group.join("cgroup.procs"), pid.to_string()).unwrap();
        [other.id(), std::process::id()].into_iter().for_each(|pid| enter(&group, pid));

        let refused = delegate(&[&group], &controller).unwrap_err();
        let in_the_way = numbers(&group.join("cgroup.procs"));
        other.kill().unwrap();
        other.wait().unwrap();
        let delegated = delegate(&[&group], &controller);
        let (control, init) =
            (words(&group.join("cgroup.subtree_control")), numbers(&group.join(INIT).join("cgroup.procs")));
        return_from_init(&group);
        let returned = numbers(&group.join("cgroup.procs"));
        enter(&own, std::process::id());
        let is_gone = remove(&group);
        if !was_there {
            fs::write(own.join("cgroup.subtree_control"), format!("-{controller}")).unwrap();
        }

        let this = std::process::id() as libc::pid_t;
        assert_eq!(refused.raw_os_error(), Some(libc::EBUSY));
        assert_eq!(in_the_way, [other.id() as libc::pid_t]);
        delegated.unwrap();
        assert_eq!((control.into_iter().collect::<Vec<_>>(), init), (vec![controller], vec![this]));
        assert_eq!((returned, is_gone), (vec![this], true));
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
