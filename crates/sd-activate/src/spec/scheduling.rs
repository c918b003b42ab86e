//! How the kernel schedules a unit's processes, and what it is told of them otherwise: "Scheduling" and "Process Properties" in
//! systemd.exec(5).

use std::collections::BTreeSet;
use std::ffi::c_int;

/// What differs from this process's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scheduling {
    /// CPUSchedulingPolicy= and its siblings.
    pub cpu: Option<CpuScheduling>,
    /// CPUAffinity=: the numbers of processors.
    pub affinity: BTreeSet<usize>,
    /// IOSchedulingClass= and IOSchedulingPriority=.
    pub io: Option<IoScheduling>,
    /// TimerSlackNSec=.
    pub timer_slack: Option<u64>,
    /// CoredumpFilter=: the bits of /proc/PID/coredump_filter.
    pub coredump_filter: Option<u32>,
    /// Personality=: what personality(2) takes.
    pub personality: Option<u32>,
}

/// CPUSchedulingPolicy= and its siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuScheduling {
    /// CPUSchedulingPolicy=: SCHED_OTHER and so on.
    pub policy: c_int,
    /// CPUSchedulingPriority=.
    pub priority: c_int,
    /// CPUSchedulingResetOnFork=.
    pub reset_on_fork: bool,
}

impl Default for CpuScheduling {
    fn default() -> Self {
        Self { policy: libc::SCHED_OTHER, priority: 0, reset_on_fork: false }
    }
}

impl CpuScheduling {
    /// The priorities that the policy has.
    pub fn priorities(&self) -> std::ops::RangeInclusive<c_int> {
        if matches!(self.policy, libc::SCHED_FIFO | libc::SCHED_RR) { 1..=99 } else { 0..=0 }
    }
}

/// IOSchedulingClass= and IOSchedulingPriority=.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoScheduling {
    /// The class, as ioprio_set(2) counts them.
    pub class: c_int,
    /// The priority in it.
    pub priority: c_int,
}

impl Default for IoScheduling {
    /// What the kernel has for who says only one of the two.
    fn default() -> Self {
        Self { class: 2, priority: 4 }
    }
}
