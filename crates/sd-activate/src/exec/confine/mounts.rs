//! What a command finds mounted: laid out from ProtectSystem=, PrivateTmp=, ReadOnlyPaths= and their siblings.
//!
//! Each setting is a list of paths, and of what becomes of each. They are sorted, so that what is above comes first; of two for the same
//! path, what confines more counts. What stays writable below something that does not is opened before anything is changed, and put
//! back then: it keeps whatever it did not allow.

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::devices;
use super::mount::{Made, Mount, NO_DEV, NO_EXEC, NO_SUID, READ_ONLY, Tree, What};
use super::nodes;
use crate::error::Error;
use crate::spec::{ConfinedPath, Confinement, ProtectHome, ProtectSystem};

/// What cannot be told apart from what is not there.
pub(super) const NOTHING: u64 = READ_ONLY | NO_SUID | NO_DEV | NO_EXEC;

const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];
/// What is not the system's.
const NOT_OF_THE_SYSTEM: [&str; 6] = ["/dev", "/home", "/proc", "/root", "/run/user", "/sys"];
const TUNABLES: [&str; 13] = [
    "/proc/acpi",
    "/proc/apm",
    "/proc/asound",
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/latency_stats",
    "/proc/mtrr",
    "/proc/scsi",
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc/timer_stats",
    "/sys",
];

/// What becomes of a path; what comes first counts for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Nobody can look into it.
    Inaccessible,
    /// Something else is there.
    Bind { source: PathBuf, recursive: bool, read_only: bool },
    /// Devices that are no hardware.
    Devices,
    /// A file system of its own.
    New { kind: &'static CStr, options: String, not: u64 },
    /// It cannot be written to.
    ReadOnly,
    /// It can, as before.
    ReadWrite,
}

/// A path, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub path: PathBuf,
    pub mode: Mode,
    /// Whether it may be missing.
    pub optional: bool,
}

/// What is done, in this order.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    pub trees: Vec<Tree>,
    pub steps: Vec<Mount>,
}

/// A path of a list that is not there.
pub(super) struct Missing {
    pub setting: &'static str,
    pub path: PathBuf,
}

/// What a unit's lists say, in no order.
pub(super) fn entries(confinement: &Confinement, root: Option<&Path>) -> Result<Vec<Entry>, Missing> {
    let mut entries = Vec::new();
    let mut add = |paths: &[&str], mode: &Mode| {
        entries.extend(paths.iter().map(|path| Entry { path: path.into(), mode: mode.clone(), optional: true }));
    };
    let temporary = |options: &str, not| Mode::New { kind: c"tmpfs", options: options.to_owned(), not };
    match confinement.protect_system {
        ProtectSystem::No => (),
        ProtectSystem::Yes => add(&["/usr", "/boot", "/efi"], &Mode::ReadOnly),
        ProtectSystem::Full => add(&["/usr", "/boot", "/efi", "/etc"], &Mode::ReadOnly),
        ProtectSystem::Strict => {
            add(&["/"], &Mode::ReadOnly);
            add(&NOT_OF_THE_SYSTEM, &Mode::ReadWrite);
        }
    }
    match confinement.protect_home {
        ProtectHome::No => (),
        ProtectHome::Yes => add(&HOMES, &Mode::Inaccessible),
        ProtectHome::ReadOnly => add(&HOMES, &Mode::ReadOnly),
        ProtectHome::Tmpfs => add(&HOMES, &temporary("", 0)),
    }
    if confinement.protect_kernel_tunables {
        add(&TUNABLES, &Mode::ReadOnly);
        add(&["/sys/fs/cgroup"], &Mode::ReadWrite);
        add(&["/proc/kallsyms", "/proc/kcore"], &Mode::Inaccessible);
    }
    let is_mounted_anew = confinement.protect_proc.is_some() || confinement.proc_of_processes;
    let strict = confinement.protect_system == ProtectSystem::Strict;
    // Where systemd mounts /proc anew, it does the same with /run, and by that leaves it writable.
    if strict && (is_mounted_anew || confinement.protect_kernel_tunables || confinement.protect_control_groups) {
        add(&["/run"], &Mode::ReadWrite);
    }
    if confinement.protect_control_groups {
        add(&["/sys/fs/cgroup"], &Mode::ReadOnly);
    }
    if confinement.protect_kernel_modules {
        add(&["/lib/modules", "/usr/lib/modules"], &Mode::Inaccessible);
    }
    if confinement.protect_kernel_logs {
        add(&["/proc/kmsg", "/dev/kmsg"], &Mode::Inaccessible);
    }
    if confinement.private_devices {
        add(&["/dev"], &Mode::Devices);
    }
    if confinement.private_ipc {
        let not = NO_SUID | NO_DEV | NO_EXEC;
        add(&["/dev/mqueue"], &Mode::New { kind: c"mqueue", options: String::new(), not });
    }
    if is_mounted_anew {
        let hidden = confinement.protect_proc.map(|word| format!("hidepid={word}"));
        let subset = confinement.proc_of_processes.then(|| "subset=pid".to_owned());
        let options = hidden.into_iter().chain(subset).collect::<Vec<_>>().join(",");
        add(&["/proc"], &Mode::New { kind: c"proc", options, not: NO_SUID | NO_DEV | NO_EXEC });
    }
    for (path, options) in &confinement.temporary {
        let mut not = NO_DEV;
        let mut kept = vec!["mode=0755", "size=10%", "nr_inodes=400k"];
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option {
                "ro" => not |= READ_ONLY,
                "nosuid" => not |= NO_SUID,
                "noexec" => not |= NO_EXEC,
                "dev" => not &= !NO_DEV,
                "rw" | "suid" | "exec" | "nodev" => (),
                other => kept.push(other),
            }
        }
        entries.push(Entry { path: path.clone(), mode: temporary(&kept.join(","), not), optional: false });
    }
    for bind in &confinement.binds {
        if !bind.source.exists() {
            if bind.optional {
                continue;
            }
            let setting = if bind.read_only { "BindReadOnlyPaths" } else { "BindPaths" };
            return Err(Missing { setting, path: bind.source.clone() });
        }
        let (source, recursive, read_only) = (bind.source.clone(), bind.recursive, bind.read_only);
        let mode = Mode::Bind { source, recursive, read_only };
        entries.push(Entry { path: bind.destination.clone(), mode, optional: false });
    }
    for (setting, list, mode) in [
        ("ReadWritePaths", &confinement.read_write, Mode::ReadWrite),
        ("ReadOnlyPaths", &confinement.read_only, Mode::ReadOnly),
        ("InaccessiblePaths", &confinement.inaccessible, Mode::Inaccessible),
    ] {
        for path in found(list, root, setting)? {
            entries.push(Entry { path, mode: mode.clone(), optional: false });
        }
    }
    Ok(entries)
}

/// The paths of a list that are there, as they are without links.
fn found(list: &[ConfinedPath], root: Option<&Path>, setting: &'static str) -> Result<Vec<PathBuf>, Missing> {
    let mut paths = Vec::new();
    for given in list {
        let path = match root {
            None => fs::canonicalize(&given.path).ok(),
            Some(root) if given.in_root => outside(&given.path, Some(root)).exists().then(|| given.path.clone()),
            // Of the others, only what is below the root directory is seen in it.
            Some(root) => match given.path.strip_prefix(root) {
                Ok(below) if given.path.exists() => Some(Path::new("/").join(below)),
                _ => continue,
            },
        };
        match path {
            Some(path) => paths.push(path),
            None if given.optional => (),
            None => return Err(Missing { setting, path: given.path.clone() }),
        }
    }
    Ok(paths)
}

/// Where a path of another root directory is for this process.
pub(in crate::exec) fn outside(path: &Path, root: Option<&Path>) -> PathBuf {
    root.map_or_else(|| path.to_owned(), |root| root.join(path.strip_prefix("/").unwrap_or(path)))
}

/// Sorts what is to be done, and leaves out what counts for nothing.
pub(super) fn sorted(mut entries: Vec<Entry>, root: Option<&Path>) -> Vec<Entry> {
    for entry in &mut entries {
        // A mount is on what a link leads to.
        if let (None, Ok(path)) = (root, fs::canonicalize(&entry.path)) {
            entry.path = path;
        }
    }
    entries.sort();
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries {
        let is_hidden =
            kept.iter().any(|above| above.mode == Mode::Inaccessible && entry.path.starts_with(&above.path));
        if !is_hidden && kept.last().is_none_or(|before| before.path != entry.path) {
            kept.push(entry);
        }
    }
    kept
}

impl Mounts {
    /// Lays out what is done for sorted entries, and then for what may be executed.
    pub(super) fn new(entries: &[Entry], root: Option<&Path>) -> Result<Self, Error> {
        let mut mounts = Self::default();
        for (number, entry) in entries.iter().enumerate() {
            mounts.add(entry, &entries[..number], root)?;
        }
        // Only then: what is put upon something in there is made before.
        for entry in entries {
            if let Mode::New { not, .. } = entry.mode {
                if not & READ_ONLY != 0 {
                    let (at, what) = (text(entry.path.as_os_str())?, What::Alone { not: READ_ONLY });
                    mounts.steps.push(Mount { at, what, optional: entry.optional });
                }
            }
        }
        Ok(mounts)
    }

    fn add(&mut self, entry: &Entry, before: &[Entry], root: Option<&Path>) -> Result<(), Error> {
        let Entry { path, mode, optional } = entry;
        let what = match mode {
            Mode::Inaccessible => {
                let Ok(metadata) = fs::metadata(outside(path, root)) else { return Ok(()) };
                let node = nodes::like(metadata.file_type())?;
                What::Tree { number: self.tree(&node, false, false, false)?, not: NOTHING, made: None }
            }
            Mode::Bind { source, recursive, read_only } => {
                let made = Made { parents: parents(path)?, is_directory: source.is_dir() };
                let not = if *read_only { READ_ONLY } else { 0 };
                What::Tree { number: self.tree(source, *recursive, false, false)?, not, made: Some(made) }
            }
            Mode::Devices => return devices::add(self, root),
            Mode::New { kind, options, not } => {
                What::New { kind, options: text(options.as_ref())?, not: *not & !READ_ONLY }
            }
            Mode::ReadOnly => What::Own { not: READ_ONLY, again: 0 },
            Mode::ReadWrite => match before.iter().rev().find(|above| path.starts_with(&above.path)) {
                // It is as it was.
                Some(above) if above.mode == Mode::ReadOnly => {
                    What::Tree { number: self.tree(path, true, true, *optional)?, not: 0, made: None }
                }
                _ => return Ok(()),
            },
        };
        self.steps.push(Mount { at: text(path.as_os_str())?, what, optional: *optional });
        Ok(())
    }

    /// What may be executed, with all that is mounted below it, and what may not.
    pub(super) fn add_executables(
        &mut self,
        confinement: &Confinement,
        root: Option<&Path>,
    ) -> Result<Option<Missing>, Error> {
        let mut all = Vec::new();
        for (setting, list, executable) in
            [("NoExecPaths", &confinement.no_exec, false), ("ExecPaths", &confinement.exec, true)]
        {
            match found(list, root, setting) {
                Ok(paths) => all.extend(paths.into_iter().map(|path| (path, executable))),
                Err(missing) => return Ok(Some(missing)),
            }
        }
        all.sort();
        all.dedup_by(|second, first| second.0 == first.0);
        for (path, executable) in all {
            let what =
                if executable { What::Own { not: 0, again: NO_EXEC } } else { What::Own { not: NO_EXEC, again: 0 } };
            self.steps.push(Mount { at: text(path.as_os_str())?, what, optional: false });
        }
        Ok(None)
    }

    /// Nothing that is executed gains anything by a set-user-ID bit.
    pub(super) fn add_no_suid(&mut self) {
        self.steps.push(Mount { at: c"/".to_owned(), what: What::Own { not: NO_SUID, again: 0 }, optional: false });
    }

    /// A tree that is opened before anything is changed, and its number.
    pub(super) fn tree(&mut self, path: &Path, recursive: bool, in_root: bool, optional: bool) -> Result<usize, Error> {
        let path = text(path.as_os_str())?;
        self.trees.push(Tree { path, recursive, in_root, optional, opened: Cell::new(-1) });
        Ok(self.trees.len() - 1)
    }
}

pub(super) fn parents(path: &Path) -> Result<Vec<CString>, Error> {
    let above = path.ancestors().skip(1).filter(|above| above.parent().is_some());
    let mut parents = above.map(|above| text(above.as_os_str())).collect::<Result<Vec<_>, _>>()?;
    parents.reverse();
    Ok(parents)
}

pub(super) fn text(text: &std::ffi::OsStr) -> Result<CString, Error> {
    CString::new(text.as_bytes()).map_err(|_| Error::ZeroByte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, mode: Mode) -> Entry {
        Entry { path: path.into(), mode, optional: true }
    }

    #[test]
    fn what_is_above_comes_first_and_what_confines_more_counts() {
        let entries = vec![
            entry("/no-such/home", Mode::ReadWrite),
            entry("/no-such/home", Mode::Inaccessible),
            entry("/no-such/home/somebody", Mode::ReadWrite),
            entry("/no-such/var-", Mode::ReadOnly),
            entry("/no-such/var/lib", Mode::ReadWrite),
            entry("/no-such/var", Mode::ReadWrite),
            entry("/no-such/var", Mode::ReadOnly),
            entry("/no-such", Mode::ReadOnly),
        ];
        let expected = [
            entry("/no-such", Mode::ReadOnly),
            entry("/no-such/home", Mode::Inaccessible),
            entry("/no-such/var", Mode::ReadOnly),
            entry("/no-such/var/lib", Mode::ReadWrite),
            entry("/no-such/var-", Mode::ReadOnly),
        ];
        assert_eq!(sorted(entries, None), expected);
    }

    #[test]
    fn only_what_is_below_something_read_only_is_put_back() {
        let entries = [
            entry("/a", Mode::ReadOnly),
            entry("/a/b", Mode::ReadWrite),
            entry("/c", Mode::ReadWrite),
            entry("/d", Mode::Bind { source: "/e".into(), recursive: true, read_only: false }),
            entry("/d/f", Mode::ReadWrite),
        ];
        let mounts = Mounts::new(&entries, None).unwrap();
        let trees: Vec<&CStr> = mounts.trees.iter().map(|tree| tree.path.as_c_str()).collect();
        assert_eq!(trees, [c"/a/b", c"/e"]);
        let steps: Vec<&CStr> = mounts.steps.iter().map(|step| step.at.as_c_str()).collect();
        assert_eq!(steps, [c"/a", c"/a/b", c"/d"]);
    }
}
