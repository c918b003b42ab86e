//! What keeps a unit's commands from more than they need: "Capabilities", "Security", "Sandboxing" and "System Call Filtering" in
//! systemd.exec(5).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_int;
use std::path::PathBuf;

use super::capability::Capabilities;

/// What confines the commands of a unit. The default confines nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// CapabilityBoundingSet=; without it, that of this process.
    pub bounding: Option<Capabilities>,
    /// AmbientCapabilities=.
    pub ambient: Capabilities,
    /// NoNewPrivileges=.
    pub no_new_privileges: bool,
    /// SecureBits=: the bits of PR_SET_SECUREBITS.
    pub secure_bits: c_int,

    /// SystemCallFilter=.
    pub system_calls: Option<SystemCalls>,
    /// SystemCallErrorNumber=; without it, the process is ended.
    pub system_call_error: Option<Denial>,
    /// SystemCallArchitectures=: besides the machine's own; without it, all.
    pub architectures: Option<BTreeSet<Architecture>>,
    /// RestrictAddressFamilies=.
    pub address_families: Option<AddressFamilies>,
    /// RestrictNamespaces=: the flags of clone(2) that are allowed; without it, all.
    pub namespaces: Option<c_int>,
    /// RestrictRealtime=.
    pub restrict_realtime: bool,
    /// RestrictSUIDSGID=.
    pub restrict_suid_sgid: bool,
    /// MemoryDenyWriteExecute=.
    pub memory_deny_write_execute: bool,
    /// LockPersonality=.
    pub lock_personality: bool,
    /// ProtectClock=.
    pub protect_clock: bool,
    /// ProtectHostname=.
    pub protect_hostname: bool,
    /// ProtectKernelModules=.
    pub protect_kernel_modules: bool,
    /// ProtectKernelLogs=.
    pub protect_kernel_logs: bool,
    /// ProtectKernelTunables=.
    pub protect_kernel_tunables: bool,
    /// PrivateDevices=.
    pub private_devices: bool,

    /// DynamicUser=.
    pub dynamic_user: bool,
    /// ProtectControlGroups=.
    pub protect_control_groups: bool,
    /// ProtectSystem=.
    pub protect_system: ProtectSystem,
    /// ProtectHome=.
    pub protect_home: ProtectHome,
    /// ProtectProc=: what proc(5) has for its hidepid=.
    pub protect_proc: Option<&'static str>,
    /// ProcSubset=pid.
    pub proc_of_processes: bool,
    /// PrivateTmp=.
    pub private_tmp: bool,
    /// PrivateNetwork=.
    pub private_network: bool,
    /// PrivateIPC=.
    pub private_ipc: bool,
    /// PrivateUsers=.
    pub private_users: bool,
    /// PrivateMounts=, and MountFlags= with what takes as much.
    pub private_mounts: bool,
    /// ReadWritePaths=.
    pub read_write: Vec<ConfinedPath>,
    /// ReadOnlyPaths=.
    pub read_only: Vec<ConfinedPath>,
    /// InaccessiblePaths=.
    pub inaccessible: Vec<ConfinedPath>,
    /// ExecPaths=.
    pub exec: Vec<ConfinedPath>,
    /// NoExecPaths=.
    pub no_exec: Vec<ConfinedPath>,
    /// TemporaryFileSystem=: paths, and the options of tmpfs(5).
    pub temporary: Vec<(PathBuf, String)>,
    /// BindPaths= and BindReadOnlyPaths=.
    pub binds: Vec<BindPath>,
}

impl Confinement {
    /// Adds what DynamicUser= implies, so that nothing is left of a user whose number another one gets.
    pub fn imply(&mut self) {
        if !self.dynamic_user {
            return;
        }
        self.no_new_privileges = true;
        self.restrict_suid_sgid = true;
        self.private_tmp = true;
        if self.protect_system == ProtectSystem::No {
            self.protect_system = ProtectSystem::Strict;
        }
        if self.protect_home == ProtectHome::No {
            self.protect_home = ProtectHome::ReadOnly;
        }
    }

    /// What is left of it for a command that is executed with full privileges: what it finds, not what it may do.
    pub fn of_full_privileges(&self) -> Self {
        Self {
            private_network: self.private_network,
            private_ipc: self.private_ipc,
            private_mounts: self.mounts(),
            dynamic_user: self.dynamic_user,
            temporary: self.temporary.clone(),
            binds: self.binds.clone(),
            ..Self::default()
        }
    }

    /// Whether what is mounted differs from what this process has.
    pub fn mounts(&self) -> bool {
        let lists = [&self.read_write, &self.read_only, &self.inaccessible, &self.exec, &self.no_exec];
        self.private_mounts
            || self.private_tmp
            || self.private_devices
            || self.private_ipc
            || self.protect_system != ProtectSystem::No
            || self.protect_home != ProtectHome::No
            || self.protect_proc.is_some()
            || self.proc_of_processes
            || self.protect_kernel_modules
            || self.protect_kernel_logs
            || self.protect_kernel_tunables
            || self.protect_control_groups
            || lists.iter().any(|list| !list.is_empty())
            || !self.temporary.is_empty()
            || !self.binds.is_empty()
    }
}

/// ProtectSystem=.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProtectSystem {
    /// What may be written to is written to.
    #[default]
    No,
    /// Not /usr and what it takes to boot.
    Yes,
    /// Nor /etc.
    Full,
    /// Nor anything but devices, what the kernel tells of, and homes.
    Strict,
}

/// ProtectHome=.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProtectHome {
    /// They are there.
    #[default]
    No,
    /// They cannot be looked into.
    Yes,
    /// They can be read.
    ReadOnly,
    /// They are empty.
    Tmpfs,
}

/// A path of ReadOnlyPaths= or one of its siblings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfinedPath {
    /// The path.
    pub path: PathBuf,
    /// `-` before it: it may be missing.
    pub optional: bool,
    /// `+` before it: it is one below RootDirectory=.
    pub in_root: bool,
}

/// What is mounted elsewhere: BindPaths= and BindReadOnlyPaths=.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindPath {
    /// What.
    pub source: PathBuf,
    /// Where: below RootDirectory=.
    pub destination: PathBuf,
    /// `-` before it: it may be missing.
    pub optional: bool,
    /// Whether it cannot be written to.
    pub read_only: bool,
    /// Whether what is mounted below it comes along: not with `norbind`.
    pub recursive: bool,
}

/// SystemCallFilter=: the calls that are denied, or the only ones that are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemCalls {
    /// Whether those that are not named are denied.
    pub only: bool,
    /// The names of those that are an exception from that. In a list of those that are denied, and of those that were allowed and
    /// are not any more, with what becomes of a process that makes one.
    pub named: BTreeMap<String, Option<Denial>>,
}

/// What becomes of a process that makes a system call which is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The kernel ends it.
    Kill,
    /// The call fails with this error.
    Error(u16),
}

/// RestrictAddressFamilies=.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressFamilies {
    /// Whether those that are not named are denied.
    pub only: bool,
    /// AF_INET and so on.
    pub named: BTreeSet<c_int>,
}

/// A machine whose system calls there may be: a word of SystemCallArchitectures=.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the word of this name")]
pub enum Architecture {
    Native,
    X86,
    X86_64,
    X32,
    Arm,
    Arm64,
    Loongarch64,
    Mips,
    Mips64,
    Mips64N32,
    MipsLe,
    Mips64Le,
    Mips64LeN32,
    Parisc,
    Parisc64,
    Ppc,
    Ppc64,
    Ppc64Le,
    Riscv64,
    S390,
    S390x,
}
