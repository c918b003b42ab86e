//! What this process may do: its capabilities, and whether the kernel filters system calls.

use std::sync::OnceLock;

use nix::errno::Errno;

use crate::spec::capability::{self, Capabilities, named};
use crate::spec::system_call;

/// What it takes to confine a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// A kernel that filters system calls; everybody may have that done to themselves.
    Filters,
    /// Capabilities of one's own can be given up for good: CAP_SETPCAP.
    Capabilities,
    /// Namespaces can be made, and what is mounted changed in them: CAP_SYS_ADMIN.
    Namespaces,
}

impl Right {
    /// Whether this process has it.
    pub fn is_had(self) -> bool {
        match self {
            Self::Filters => filters(),
            Self::Capabilities => effective() & capability::set(named::SETPCAP) != 0,
            Self::Namespaces => effective() & capability::set(named::SYS_ADMIN) != 0,
        }
    }

    /// What it is, for who has not got it.
    pub fn description(self) -> &'static str {
        match self {
            Self::Filters => "a kernel that filters system calls (CONFIG_SECCOMP_FILTER)",
            Self::Capabilities => "the capability CAP_SETPCAP",
            Self::Namespaces => "the capability CAP_SYS_ADMIN",
        }
    }
}

/// The effective capabilities of this process, as they were when that was asked first.
pub fn effective() -> Capabilities {
    static EFFECTIVE: OnceLock<Capabilities> = OnceLock::new();
    *EFFECTIVE.get_or_init(|| get().map(|sets| sets.effective).unwrap_or_default())
}

fn filters() -> bool {
    static FILTERS: OnceLock<bool> = OnceLock::new();
    *FILTERS.get_or_init(|| {
        let (mode, nothing) = (libc::SECCOMP_MODE_FILTER, std::ptr::null::<libc::c_void>());
        // SAFETY: without a program nothing is done: it is a mistake that a kernel with filters knows by its address.
        let done = Errno::result(unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, nothing) });
        done == Err(Errno::EFAULT) && !system_call::TABLES.is_empty()
    })
}

/// The sets of capabilities that a process changes by capset(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// What it may do.
    pub effective: Capabilities,
    /// What it may give itself.
    pub permitted: Capabilities,
    /// What programs that it executes may have by their files.
    pub inheritable: Capabilities,
}

const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: libc::pid_t,
}

#[repr(C)]
#[derive(Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Those of this process. It does not allocate: it is called between clone(2) and execve(2), too.
pub fn get() -> Result<Sets, Errno> {
    let mut header = Header { version: VERSION, pid: 0 };
    let mut data = [Data::default(), Data::default()];
    // SAFETY: a header and the two halves that this version has, all this function's own.
    Errno::result(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) })?;
    let [low, high] = data;
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    Ok(Sets {
        effective: join(low.effective, high.effective),
        permitted: join(low.permitted, high.permitted),
        inheritable: join(low.inheritable, high.inheritable),
    })
}

/// Changes those of this process. It does not allocate.
pub fn set(sets: Sets) -> Result<(), Errno> {
    let half = |shift: u32| Data {
        effective: (sets.effective >> shift) as u32,
        permitted: (sets.permitted >> shift) as u32,
        inheritable: (sets.inheritable >> shift) as u32,
    };
    let mut header = Header { version: VERSION, pid: 0 };
    let data = [half(0), half(32)];
    // SAFETY: a header and the two halves that this version has, all this function's own.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr()) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capabilities_are_those_that_the_kernel_tells() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let told = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            u64::from_str_radix(line.trim(), 16).unwrap()
        };
        let sets = get().unwrap();
        assert_eq!(
            (sets.effective, sets.permitted, sets.inheritable),
            (told("CapEff:"), told("CapPrm:"), told("CapInh:"))
        );
        set(sets).unwrap();
    }
}
