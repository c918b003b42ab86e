//! The names of exit statuses: "Process Exit Codes" in systemd.exec(5), without their prefixes EXIT_ and EX_.

use super::number;

/// Every status that has a name, and its name.
const NAMES: &[(u8, &str)] = &[
    (0, "SUCCESS"),
    (1, "FAILURE"),
    (2, "INVALIDARGUMENT"),
    (3, "NOTIMPLEMENTED"),
    (4, "NOPERMISSION"),
    (5, "NOTINSTALLED"),
    (6, "NOTCONFIGURED"),
    (7, "NOTRUNNING"),
    (64, "USAGE"),
    (65, "DATAERR"),
    (66, "NOINPUT"),
    (67, "NOUSER"),
    (68, "NOHOST"),
    (69, "UNAVAILABLE"),
    (70, "SOFTWARE"),
    (71, "OSERR"),
    (72, "OSFILE"),
    (73, "CANTCREAT"),
    (74, "IOERR"),
    (75, "TEMPFAIL"),
    (76, "PROTOCOL"),
    (77, "NOPERM"),
    (78, "CONFIG"),
    (200, "CHDIR"),
    (201, "NICE"),
    (202, "FDS"),
    (203, "EXEC"),
    (204, "MEMORY"),
    (205, "LIMITS"),
    (206, "OOM_ADJUST"),
    (207, "SIGNAL_MASK"),
    (208, "STDIN"),
    (209, "STDOUT"),
    (210, "CHROOT"),
    (211, "IOPRIO"),
    (212, "TIMERSLACK"),
    (213, "SECUREBITS"),
    (214, "SETSCHEDULER"),
    (215, "CPUAFFINITY"),
    (216, "GROUP"),
    (217, "USER"),
    (218, "CAPABILITIES"),
    (219, "CGROUP"),
    (220, "SETSID"),
    (221, "CONFIRM"),
    (222, "STDERR"),
    (224, "PAM"),
    (225, "NETWORK"),
    (226, "NAMESPACE"),
    (227, "NO_NEW_PRIVILEGES"),
    (228, "SECCOMP"),
    (229, "SELINUX_CONTEXT"),
    (230, "PERSONALITY"),
    (231, "APPARMOR"),
    (232, "ADDRESS_FAMILIES"),
    (233, "RUNTIME_DIRECTORY"),
    (235, "CHOWN"),
    (236, "SMACK_PROCESS_LABEL"),
    (237, "KEYRING"),
    (238, "STATE_DIRECTORY"),
    (239, "CACHE_DIRECTORY"),
    (240, "LOGS_DIRECTORY"),
    (241, "CONFIGURATION_DIRECTORY"),
    (242, "NUMA_POLICY"),
    (243, "CREDENTIALS"),
    (244, "BPF"),
    (255, "EXCEPTION"),
];

/// The status of a number or a name.
pub fn parse(text: &str) -> Option<u8> {
    let named = NAMES.iter().find(|(_, name)| *name == text).map(|(status, _)| *status);
    named.or_else(|| u8::try_from(number::parse(text)?).ok())
}

/// The name of a status.
pub fn name(status: u8) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == status).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_statuses_have_numbers_and_names() {
        for (text, status) in
            [("0", Some(0)), ("TEMPFAIL", Some(75)), ("255", Some(255)), ("CONFIG", Some(78)), ("0x10", Some(16))]
        {
            assert_eq!(parse(text), status, "{text}");
        }
        for text in ["", "256", "-1", "tempfail", "EX_TEMPFAIL", "EXIT_FAILURE"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!((name(203), name(2), name(100)), (Some("EXEC"), Some("INVALIDARGUMENT"), None));
    }
}
