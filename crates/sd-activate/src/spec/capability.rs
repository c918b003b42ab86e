//! Capabilities, by their names: capabilities(7).

/// The names, by their numbers.
const NAMES: [&str; 41] = [
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

/// A set of capabilities, a bit each.
pub type Capabilities = u64;

/// All that have a name.
pub const ALL: Capabilities = (1 << NAMES.len()) - 1;

/// The number of a capability, by its name in whatever case.
pub fn number(name: &str) -> Option<u32> {
    NAMES.iter().position(|known| known.eq_ignore_ascii_case(name)).map(|number| number as u32)
}

/// The set of one.
pub const fn set(number: u32) -> Capabilities {
    1 << number
}

#[allow(missing_docs, reason = "each is the capability of this name, without CAP_")]
pub mod named {
    pub const SETPCAP: u32 = 8;
    pub const SYS_MODULE: u32 = 16;
    pub const SYS_RAWIO: u32 = 17;
    pub const SYS_ADMIN: u32 = 21;
    pub const SYS_TIME: u32 = 25;
    pub const MKNOD: u32 = 27;
    pub const SYSLOG: u32 = 34;
    pub const WAKE_ALARM: u32 = 35;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_have_the_kernels_numbers() {
        let cases = [
            ("CAP_CHOWN", 0),
            ("cap_setpcap", named::SETPCAP),
            ("cap_sys_module", named::SYS_MODULE),
            ("cap_sys_rawio", named::SYS_RAWIO),
            ("cap_sys_admin", named::SYS_ADMIN),
            ("cap_sys_time", named::SYS_TIME),
            ("cap_mknod", named::MKNOD),
            ("cap_syslog", named::SYSLOG),
            ("cap_wake_alarm", named::WAKE_ALARM),
            ("cap_checkpoint_restore", NAMES.len() as u32 - 1),
        ];
        for (name, expected) in cases {
            assert_eq!(number(name), Some(expected), "{name}");
        }
        assert_eq!(number("cap_none_such"), None);
    }
}
