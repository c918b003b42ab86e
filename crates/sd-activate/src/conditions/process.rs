//! What conditions ask of the manager itself: of this process.

use nix::unistd::{Gid, Uid, getgroups};

use crate::account;

/// The last number of a system's own users.
const SYSTEM_UID_MAX: u32 = 999;

/// The names of capabilities, by their numbers.
const CAPABILITIES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

/// Whether a capability is in the bounding set. None where there is none of that name.
pub(super) fn has_capability(name: &str) -> Option<bool> {
    let number = CAPABILITIES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
    // SAFETY: takes numbers.
    Some(unsafe { libc::prctl(libc::PR_CAPBSET_READ, number as libc::c_ulong, 0, 0, 0) } == 1)
}

pub(super) fn has_variable(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) => std::env::var_os(name).is_some_and(|own| own == value),
        None => std::env::var_os(parameter).is_some(),
    }
}

pub(super) fn is_user(parameter: &str) -> bool {
    let (real, effective) = (Uid::current(), Uid::effective());
    let wanted = match parameter.parse() {
        Ok(number) => Uid::from_raw(number),
        Err(_) if parameter == "@system" => {
            return real.as_raw() <= SYSTEM_UID_MAX || effective.as_raw() <= SYSTEM_UID_MAX;
        }
        Err(_) => match account::user(parameter) {
            Ok(user) => user.uid,
            Err(_) => return false,
        },
    };
    wanted == real || wanted == effective
}

pub(super) fn has_group(parameter: &str) -> bool {
    let wanted = match parameter.parse() {
        Ok(number) => Gid::from_raw(number),
        Err(_) => match account::group(parameter) {
            Ok(group) => group,
            Err(_) => return false,
        },
    };
    wanted == Gid::current() || wanted == Gid::effective() || getgroups().is_ok_and(|groups| groups.contains(&wanted))
}
