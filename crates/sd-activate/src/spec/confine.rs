//! What keeps a unit's commands from more than they need: "Capabilities", "Security", "Sandboxing" and "System Call Filtering" in
//! systemd.exec(5).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_int;

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
