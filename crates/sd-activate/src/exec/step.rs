//! The steps between clone(2) and execve(2): "Process Exit Codes" in systemd.exec(5).

use nix::errno::Errno;

/// A step that can fail. systemd tells of it by the exit status of the process that it fails in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is the exit status of this name, without EXIT_")]
pub enum Step {
    Chdir = 200,
    Nice = 201,
    Fds = 202,
    Exec = 203,
    Limits = 205,
    OomAdjust = 206,
    SignalMask = 207,
    Stdin = 208,
    Stdout = 209,
    IoPriority = 211,
    TimerSlack = 212,
    SecureBits = 213,
    SetScheduler = 214,
    CpuAffinity = 215,
    Group = 216,
    User = 217,
    Capabilities = 218,
    Cgroup = 219,
    Setsid = 220,
    Stderr = 222,
    Namespace = 226,
    NoNewPrivileges = 227,
    Seccomp = 228,
    Personality = 230,
    RuntimeDirectory = 233,
    Keyring = 237,
    StateDirectory = 238,
    CacheDirectory = 239,
    LogsDirectory = 240,
    ConfigurationDirectory = 241,
}

impl Step {
    /// The exit status of a process that it has failed in.
    pub fn status(self) -> u8 {
        self as u8
    }

    /// What to do about an error in it, where the error does not say it.
    pub(super) fn hint(self, error: Errno) -> Option<&'static str> {
        match (self, error) {
            (Self::Chdir, Errno::ENOENT) => {
                Some("there is no such directory: create it, or put a - before it where it may be missing")
            }
            (Self::Namespace, Errno::ENOENT) => {
                Some("there is no such directory: create it, with all that the command needs")
            }
            (Self::Namespace, Errno::EPERM) => Some("only root can change the root directory, or what is mounted"),
            (Self::Namespace, Errno::ENOSYS) => Some("it takes a kernel of release 5.12 or later"),
            (Self::User | Self::Group, Errno::EPERM) => Some("only root can become somebody else"),
            (Self::SetScheduler | Self::IoPriority, Errno::EPERM) => Some("only root may have that"),
            (Self::CpuAffinity, Errno::EINVAL) => Some("this process may use none of these processors"),
            (Self::Nice, Errno::EACCES | Errno::EPERM) => Some("only root may have a nice level lowered"),
            (Self::Stdin, Errno::EPERM) => Some("another process controls the terminal"),
            (Self::Stdin | Self::Stdout | Self::Stderr, Errno::ENOTTY) => Some("it is no terminal"),
            _ => None,
        }
    }

    /// The steps of the standard streams.
    pub(super) const STREAMS: [Self; 3] = [Self::Stdin, Self::Stdout, Self::Stderr];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::status;

    #[test]
    fn each_step_is_known_by_its_exit_status() {
        for (step, name) in [
            (Step::Chdir, "CHDIR"),
            (Step::Nice, "NICE"),
            (Step::Fds, "FDS"),
            (Step::Exec, "EXEC"),
            (Step::Limits, "LIMITS"),
            (Step::OomAdjust, "OOM_ADJUST"),
            (Step::SignalMask, "SIGNAL_MASK"),
            (Step::Stdin, "STDIN"),
            (Step::Stdout, "STDOUT"),
            (Step::IoPriority, "IOPRIO"),
            (Step::TimerSlack, "TIMERSLACK"),
            (Step::SecureBits, "SECUREBITS"),
            (Step::SetScheduler, "SETSCHEDULER"),
            (Step::CpuAffinity, "CPUAFFINITY"),
            (Step::Group, "GROUP"),
            (Step::User, "USER"),
            (Step::Capabilities, "CAPABILITIES"),
            (Step::Cgroup, "CGROUP"),
            (Step::Setsid, "SETSID"),
            (Step::Stderr, "STDERR"),
            (Step::Namespace, "NAMESPACE"),
            (Step::NoNewPrivileges, "NO_NEW_PRIVILEGES"),
            (Step::Seccomp, "SECCOMP"),
            (Step::Personality, "PERSONALITY"),
            (Step::RuntimeDirectory, "RUNTIME_DIRECTORY"),
            (Step::Keyring, "KEYRING"),
            (Step::StateDirectory, "STATE_DIRECTORY"),
            (Step::CacheDirectory, "CACHE_DIRECTORY"),
            (Step::LogsDirectory, "LOGS_DIRECTORY"),
            (Step::ConfigurationDirectory, "CONFIGURATION_DIRECTORY"),
        ] {
            assert_eq!(status::name(step.status()), Some(name));
        }
    }
}
