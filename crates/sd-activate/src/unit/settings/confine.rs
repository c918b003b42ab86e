//! The settings of systemd.exec(5) that confine a service: "Capabilities", "Security", "Mandatory Access Control", "Sandboxing" and
//! "System Call Filtering".

use super::Unless::{Empty, Never, Off, OneOf};
use super::{NO, Setting, confining, confining_not_here, honoured, needing, no_effect, set};
use crate::rights::Right::{Capabilities, Filters, Namespaces};
use crate::spec::{ProtectHome, ProtectSystem, capability};
use crate::unit::value::Invalid;
use crate::unit::{confine, mounts};

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
    confining("ProtectProc", Namespaces, OneOf(&["default"]), |draft, given| {
        let words = ["noaccess", "invisible", "ptraceable"].map(|word| (word, Some(word)));
        let all = [("default", None), words[0], words[1], words[2]];
        set(&mut draft.exec.confinement.protect_proc, given.one_of(&all))
    }),
    confining("ProcSubset", Namespaces, OneOf(&["all"]), |draft, given| {
        set(&mut draft.exec.confinement.proc_of_processes, given.one_of(&[("all", false), ("pid", true)]))
    }),
    confining("ProtectSystem", Namespaces, OneOf(NO), |draft, given| {
        let boolean = given.boolean().map(|yes| if yes { ProtectSystem::Yes } else { ProtectSystem::No });
        let words = &[("full", ProtectSystem::Full), ("strict", ProtectSystem::Strict)];
        set(&mut draft.exec.confinement.protect_system, boolean.or_else(|_| given.one_of(words)))
    }),
    confining("ProtectHome", Namespaces, OneOf(NO), |draft, given| {
        let boolean = given.boolean().map(|yes| if yes { ProtectHome::Yes } else { ProtectHome::No });
        let words = &[("read-only", ProtectHome::ReadOnly), ("tmpfs", ProtectHome::Tmpfs)];
        set(&mut draft.exec.confinement.protect_home, boolean.or_else(|_| given.one_of(words)))
    }),
    confining("ReadWritePaths", Namespaces, Empty, |draft, given| {
        mounts::paths(&mut draft.exec.confinement.read_write, given)
    }),
    confining("ReadOnlyPaths", Namespaces, Empty, |draft, given| {
        mounts::paths(&mut draft.exec.confinement.read_only, given)
    }),
    confining("InaccessiblePaths", Namespaces, Empty, |draft, given| {
        mounts::paths(&mut draft.exec.confinement.inaccessible, given)
    }),
    confining("ExecPaths", Namespaces, Empty, |draft, given| mounts::paths(&mut draft.exec.confinement.exec, given)),
    confining("NoExecPaths", Namespaces, Empty, |draft, given| {
        mounts::paths(&mut draft.exec.confinement.no_exec, given)
    }),
    confining("ReadWriteDirectories", Namespaces, Empty, |draft, given| {
        mounts::paths(&mut draft.exec.confinement.read_write, given)
    }),
    confining("ReadOnlyDirectories", Namespaces, Empty, |draft, given| {
        mounts::paths(&mut draft.exec.confinement.read_only, given)
    }),
    confining("InaccessibleDirectories", Namespaces, Empty, |draft, given| {
        mounts::paths(&mut draft.exec.confinement.inaccessible, given)
    }),
    confining("TemporaryFileSystem", Namespaces, Empty, |draft, given| {
        mounts::temporary(&mut draft.exec.confinement.temporary, given)
    }),
    confining("PrivateTmp", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.private_tmp, given.boolean())
    }),
    confining("PrivateDevices", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.private_devices, given.boolean())
    }),
    confining("PrivateNetwork", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.private_network, given.boolean())
    }),
    confining_not_here("NetworkNamespacePath", Empty),
    confining("PrivateIPC", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.private_ipc, given.boolean())
    }),
    confining_not_here("IPCNamespacePath", Empty),
    confining_not_here("PrivatePIDs", Off).since(257),
    confining("PrivateUsers", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.private_users, given.boolean())
    }),
    confining_not_here("UserNamespacePath", Empty).since(258),
    confining_not_here("PrivateBPF", Off).since(258),
    confining_not_here("BPFDelegateCommands", Empty).since(258),
    confining_not_here("BPFDelegateMaps", Empty).since(258),
    confining_not_here("BPFDelegatePrograms", Empty).since(258),
    confining_not_here("BPFDelegateAttachments", Empty).since(258),
    confining("ProtectHostname", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.protect_hostname, given.boolean())
    }),
    confining("ProtectClock", Capabilities, Off, |draft, given| {
        set(&mut draft.exec.confinement.protect_clock, given.boolean())
    }),
    confining("ProtectKernelTunables", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.protect_kernel_tunables, given.boolean())
    }),
    confining("ProtectKernelModules", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.protect_kernel_modules, given.boolean())
    }),
    confining("ProtectKernelLogs", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.protect_kernel_logs, given.boolean())
    }),
    confining("ProtectControlGroups", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.protect_control_groups, given.boolean())
    }),
    confining_not_here("RestrictFileSystems", Empty),
    confining_not_here("DelegateNamespaces", Empty).since(258),
    honoured("RemoveIPC", |draft, given| set(&mut draft.exec.remove_ipc, given.boolean())),
    confining("PrivateMounts", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.private_mounts, given.boolean())
    }),
    confining("MountFlags", Namespaces, OneOf(&["shared"]), |draft, given| {
        // Nothing that is mounted in there is seen outside; as much as "slave", which systemd takes for either.
        let words = &[("", false), ("shared", false), ("slave", true), ("private", true)];
        draft.exec.confinement.private_mounts |= given.one_of(words)?;
        Ok(())
    }),
    // Not those that `--ignore=confinement` means: without them the service would be root, or find other files.
    needing("DynamicUser", Namespaces, Off, |draft, given| {
        set(&mut draft.exec.confinement.dynamic_user, given.boolean().map_err(Invalid::fatal))
    }),
    needing("BindPaths", Namespaces, Empty, |draft, given| {
        mounts::binds(&mut draft.exec.confinement.binds, given, false)
    }),
    needing("BindReadOnlyPaths", Namespaces, Empty, |draft, given| {
        mounts::binds(&mut draft.exec.confinement.binds, given, true)
    }),
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
