//! What confines a command: laid out beforehand, and done between clone(2) and execve(2) without allocating.

mod bpf;
mod capabilities;
mod devices;
mod filter;
mod loopback;
mod mount;
mod mounts;
mod nodes;
mod private_tmp;
mod users;

use std::ffi::{CStr, c_int};
use std::path::{Path, PathBuf};

use libc::sock_filter;
use nix::errno::Errno;
use nix::unistd::{Gid, Uid};

use super::directories::{self, Made};
use super::plan::Credentials;
use super::step::Step;
use super::unit::UnitPlan;
use crate::error::Error;
use crate::rights;
use crate::spec::capability::{self, Capabilities, named};
use crate::spec::{self, Confinement, ExecSpec, ProtectSystem};

use capabilities::Privileges;
pub(super) use mounts::outside;
use mounts::{Entry, Missing, Mode, Mounts};

/// The settings by which a command has namespaces of its own: what messages name if it cannot have them is the first that a unit has.
pub(super) const OF_NAMESPACES: &[&str] = &[
    "ProtectSystem",
    "ProtectHome",
    "PrivateTmp",
    "PrivateDevices",
    "PrivateNetwork",
    "PrivateIPC",
    "PrivateMounts",
    "MountFlags",
    "ProtectProc",
    "ProcSubset",
    "ProtectHostname",
    "ProtectKernelTunables",
    "ProtectKernelModules",
    "ProtectKernelLogs",
    "ProtectControlGroups",
    "DynamicUser",
    "ReadWritePaths",
    "ReadOnlyPaths",
    "InaccessiblePaths",
    "ExecPaths",
    "NoExecPaths",
    "TemporaryFileSystem",
    "BindPaths",
    "BindReadOnlyPaths",
];

/// What is done to a command's process, besides what it runs as.
#[derive(Debug, Default)]
pub struct Confined {
    /// What becomes of its capabilities.
    pub(super) privileges: Privileges,
    /// Which system calls it may make. All, where it is empty.
    filter: Vec<sock_filter>,
    /// The namespaces of its own: flags of unshare(2).
    namespaces: c_int,
    /// What is mounted in them.
    mounts: Mounts,
    /// The users and groups that there are for it, if not all.
    users: Option<users::Maps>,
}

impl UnitPlan {
    /// Lays out what confines a command that becomes somebody else, or not.
    pub(super) fn confine(
        &self,
        exec: &ExecSpec,
        privileges: spec::Privileges,
        credentials: Option<&Credentials>,
        directories: &[Made],
        root: Option<&Path>,
    ) -> Result<Confined, Error> {
        let full = privileges == spec::Privileges::Full;
        let lessened = full.then(|| exec.confinement.of_full_privileges());
        let confinement = lessened.as_ref().unwrap_or(&exec.confinement);
        let filter = filter::program(confinement, exec.scheduling.personality).unwrap_or_default();
        // The kernel takes a filter only from who may do anything, or gains nothing by executing another program.
        let ids = credentials.and_then(|credentials| credentials.ids);
        let remains = ids.is_none_or(|(uid, _)| uid.is_root());
        let may_filter = remains && rights::effective() & capability::set(named::SYS_ADMIN) != 0;
        let privileges = Privileges {
            bounding: bounding(confinement),
            ambient: confinement.ambient,
            secure_bits: confinement.secure_bits,
            no_new: confinement.no_new_privileges || !filter.is_empty() && !may_filter,
        };
        let mounts = self.mounts(confinement, directories, root)?;
        let mut namespaces = 0;
        for (own, flag) in [
            (confinement.private_network, libc::CLONE_NEWNET),
            (confinement.private_ipc, libc::CLONE_NEWIPC),
            (confinement.protect_hostname, libc::CLONE_NEWUTS),
            (confinement.mounts() || !mounts.steps.is_empty(), libc::CLONE_NEWNS),
        ] {
            namespaces |= if own { flag } else { 0 };
        }
        let (uid, gid) = ids.unwrap_or((Uid::current(), Gid::current()));
        let users = confinement.private_users.then(|| [uid.as_raw(), gid.as_raw()].map(users::map));
        Ok(Confined { privileges, filter, namespaces, mounts, users })
    }

    /// What it finds mounted.
    fn mounts(&self, confinement: &Confinement, directories: &[Made], root: Option<&Path>) -> Result<Mounts, Error> {
        let missing = |missing: Missing| Error::Step {
            step: Step::Namespace,
            what: self.what(missing.setting, &missing.path.display().to_string()),
            reason: "there is no such file or directory: create it, or put a - before it where it may be missing"
                .to_owned(),
        };
        let mut entries = mounts::entries(confinement, root).map_err(missing)?;
        let bind = |source: &Path, destination: &Path| Entry {
            path: destination.to_owned(),
            mode: Mode::Bind { source: source.to_owned(), recursive: true, read_only: false },
            optional: false,
        };
        for made in directories {
            // Who may not look into the directory that they are in finds them all the same, and nothing else in there.
            entries.extend(made.private.iter().map(|path| bind(path, path)));
            entries.extend(made.private.first().and_then(|path| private_directory(path)).map(|path| Entry {
                path,
                mode: Mode::New { kind: c"tmpfs", options: "mode=0755".to_owned(), not: mounts::NOTHING },
                optional: false,
            }));
            if root.is_some() {
                // They are those of this machine in another root directory, too.
                entries.extend(made.list.iter().map(|path| bind(path, path)));
            } else if confinement.protect_system == ProtectSystem::Strict {
                let entry = |path: &PathBuf| Entry { path: path.clone(), mode: Mode::ReadWrite, optional: false };
                entries.extend(made.list.iter().map(entry));
            }
        }
        if confinement.private_tmp {
            for base in private_tmp::BASES.map(Path::new) {
                let made = private_tmp::find_or_make(base, &self.unit.name)
                    .map_err(|error| self.step(Step::Namespace, "PrivateTmp", "yes", error))?;
                entries.push(bind(&made, base));
            }
        }
        let mut mounts = Mounts::new(&mounts::sorted(entries, root), root)?;
        if let Some(not_there) = mounts.add_executables(confinement, root)? {
            return Err(missing(not_there));
        }
        if confinement.no_new_privileges && confinement.mounts() {
            mounts.add_no_suid();
        }
        Ok(mounts)
    }

    /// Removes what it takes when the unit has stopped.
    pub(super) fn remove_private(&self, exec: &ExecSpec) {
        if exec.confinement.private_tmp {
            private_tmp::remove(&self.unit.name);
        }
    }
}

impl Confined {
    /// Has this process find what it is to find, in a root directory of its own where there is one.
    pub(super) fn enter(&self, root: Option<&CStr>) -> Result<(), Errno> {
        if self.namespaces != 0 {
            mount::separate(self.namespaces)?;
        }
        if self.namespaces & libc::CLONE_NEWNET != 0 {
            loopback::bring_up()?;
        }
        let trees = &self.mounts.trees;
        trees.iter().filter(|tree| !tree.in_root).try_for_each(mount::Tree::open)?;
        if let Some(root) = root {
            if self.namespaces & libc::CLONE_NEWNS != 0 {
                mount::upon_itself(root)?;
            }
            // SAFETY: a C string.
            Errno::result(unsafe { libc::chroot(root.as_ptr()) })?;
        }
        trees.iter().filter(|tree| tree.in_root).try_for_each(mount::Tree::open)?;
        self.mounts.steps.iter().try_for_each(|step| step.carry_out(trees))
    }

    /// Has this process know no users and groups but root's and its own. Whether it does.
    pub(super) fn separate_users(&self) -> Result<bool, Errno> {
        self.users.as_ref().map(users::separate).transpose().map(|separated| separated.is_some())
    }

    /// Has the kernel filter system calls from here on.
    pub(super) fn filter(&self) -> Result<(), Errno> {
        if self.filter.is_empty() {
            return Ok(());
        }
        let program = libc::sock_fprog { len: self.filter.len() as u16, filter: self.filter.as_ptr().cast_mut() };
        let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, 0);
        // SAFETY: instructions, which the kernel reads only, and their number.
        Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) }).map(drop)
    }
}

/// The directory with all private ones that a path is in.
fn private_directory(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|above| above.ends_with(directories::PRIVATE)).map(Path::to_owned)
}

/// The capabilities that can still be had. None where that is all.
fn bounding(confinement: &Confinement) -> Option<Capabilities> {
    let mut given_up = 0;
    for (does, capabilities) in [
        (confinement.protect_clock, capability::set(named::SYS_TIME) | capability::set(named::WAKE_ALARM)),
        (confinement.protect_kernel_modules, capability::set(named::SYS_MODULE)),
        (confinement.protect_kernel_logs, capability::set(named::SYSLOG)),
        (confinement.private_devices, capability::set(named::MKNOD) | capability::set(named::SYS_RAWIO)),
    ] {
        if does {
            given_up |= capabilities;
        }
    }
    let remaining = confinement.bounding.unwrap_or(capability::ALL) & !given_up;
    (confinement.bounding.is_some() || given_up != 0).then_some(remaining)
}
