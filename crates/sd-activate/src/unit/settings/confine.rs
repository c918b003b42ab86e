//! The settings of systemd.exec(5) that confine a service: "Capabilities", "Security", "Mandatory Access Control", "Sandboxing" and
//! "System Call Filtering".

use super::Unless::{Empty, Never, Off, OneOf};
use super::{NO, Setting, confining, confining_not_here, no_effect, refused, set};
use crate::rights::Right::{Capabilities, Filters};
use crate::spec::capability;
use crate::unit::confine;

pub(super) const CONFINE: &[Setting] = &[
    // Capabilities and the like.
    confining("CapabilityBoundingSet", Capabilities, Never, |draft, given| {
        let now = draft.exec.confinement.bounding.unwrap_or(capability::ALL);
        set(&mut draft.exec.confinement.bounding, confine::capabilities(now, capability::ALL, given).map(Some))
    }),
    confining("AmbientCapabilities", Capabilities, Empty, |draft, given| {
        let now = draft.exec.confinement.ambient;
        set(&mut draft.exec.confinement.ambient, confine::capabilities(now, 0, given))
    }),
    confining("NoNewPrivileges", Filters, Off, |draft, given| {
        set(&mut draft.exec.confinement.no_new_privileges, given.boolean())
    }),
    confining("SecureBits", Capabilities, Empty, |draft, given| {
        confine::secure_bits(&mut draft.exec.confinement.secure_bits, given)
    }),
    confining_not_here("SELinuxContext", Empty),
    confining_not_here("AppArmorProfile", Empty),
    confining_not_here("SmackProcessLabel", Empty),
    // What is mounted, and other namespaces.
    confining_not_here("ProtectProc", OneOf(&["default"])),
    confining_not_here("ProcSubset", OneOf(&["all"])),
    confining_not_here("ProtectSystem", OneOf(NO)),
    confining_not_here("ProtectHome", OneOf(NO)),
    confining_not_here("ReadWritePaths", Empty),
    confining_not_here("ReadOnlyPaths", Empty),
    confining_not_here("InaccessiblePaths", Empty),
    confining_not_here("ExecPaths", Empty),
    confining_not_here("NoExecPaths", Empty),
    confining_not_here("ReadWriteDirectories", Empty),
    confining_not_here("ReadOnlyDirectories", Empty),
    confining_not_here("InaccessibleDirectories", Empty),
    confining_not_here("TemporaryFileSystem", Empty),
    confining_not_here("PrivateTmp", Off),
    confining_not_here("PrivateDevices", Off),
    confining_not_here("PrivateNetwork", Off),
    confining_not_here("NetworkNamespacePath", Empty),
    confining_not_here("PrivateIPC", Off),
    confining_not_here("IPCNamespacePath", Empty),
    confining_not_here("PrivatePIDs", Off).since(257),
    confining_not_here("PrivateUsers", Off),
    confining_not_here("UserNamespacePath", Empty).since(258),
    confining_not_here("PrivateBPF", Off).since(258),
    confining_not_here("BPFDelegateCommands", Empty).since(258),
    confining_not_here("BPFDelegateMaps", Empty).since(258),
    confining_not_here("BPFDelegatePrograms", Empty).since(258),
    confining_not_here("BPFDelegateAttachments", Empty).since(258),
    confining_not_here("ProtectHostname", Off),
    confining("ProtectClock", Capabilities, Off, |draft, given| {
        set(&mut draft.exec.confinement.protect_clock, given.boolean())
    }),
    confining_not_here("ProtectKernelTunables", Off),
    confining_not_here("ProtectKernelModules", Off),
    confining_not_here("ProtectKernelLogs", Off),
    confining_not_here("ProtectControlGroups", Off),
    confining_not_here("RestrictFileSystems", Empty),
    confining_not_here("DelegateNamespaces", Empty).since(258),
    confining_not_here("RemoveIPC", Off),
    confining_not_here("PrivateMounts", Off),
    confining_not_here("MountFlags", Empty),
    // Not those that `--ignore=confinement` means: without them the service would be root, or find other files.
    refused("DynamicUser", Off),
    refused("BindPaths", Empty),
    refused("BindReadOnlyPaths", Empty),
    // System calls.
    confining("RestrictAddressFamilies", Filters, Empty, |draft, given| {
        confine::address_families(&mut draft.exec.confinement.address_families, given)
    }),
    confining("RestrictNamespaces", Filters, OneOf(NO), |draft, given| {
        confine::namespaces(&mut draft.exec.confinement.namespaces, given)
    }),
    confining("LockPersonality", Filters, Off, |draft, given| {
        set(&mut draft.exec.confinement.lock_personality, given.boolean())
    }),
    confining("MemoryDenyWriteExecute", Filters, Off, |draft, given| {
        set(&mut draft.exec.confinement.memory_deny_write_execute, given.boolean())
    }),
    confining("RestrictRealtime", Filters, Off, |draft, given| {
        set(&mut draft.exec.confinement.restrict_realtime, given.boolean())
    }),
    confining("RestrictSUIDSGID", Filters, Off, |draft, given| {
        set(&mut draft.exec.confinement.restrict_suid_sgid, given.boolean())
    }),
    confining("SystemCallFilter", Filters, Empty, |draft, given| {
        confine::system_calls(&mut draft.exec.confinement.system_calls, given)
    }),
    confining("SystemCallErrorNumber", Filters, Empty, |draft, given| {
        set(&mut draft.exec.confinement.system_call_error, confine::denial(given))
    }),
    confining("SystemCallArchitectures", Filters, Empty, |draft, given| {
        confine::architectures(&mut draft.exec.confinement.architectures, given)
    }),
    no_effect("SystemCallLog", "nothing is logged of system calls here"),
];
