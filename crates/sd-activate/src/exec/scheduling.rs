//! How a command's process is scheduled, between clone(2) and execve(2): nothing is allocated here.

use std::mem::zeroed;

use nix::errno::Errno;

use super::files;
use super::launch::{Failure, In};
use super::step::Step;
use crate::spec::{CpuScheduling, IoScheduling, Scheduling};

/// What is told to the kernel of a process.
#[derive(Debug, Default)]
pub struct Scheduled {
    cpu: Option<CpuScheduling>,
    affinity: Option<libc::cpu_set_t>,
    io: Option<IoScheduling>,
    timer_slack: Option<u64>,
    /// As the kernel reads it.
    coredump_filter: Option<String>,
    personality: Option<u32>,
}

impl From<&Scheduling> for Scheduled {
    fn from(given: &Scheduling) -> Self {
        let processors = |numbers: &std::collections::BTreeSet<usize>| {
            // SAFETY: all zeroes is a set without processors.
            let mut set: libc::cpu_set_t = unsafe { zeroed() };
            for number in numbers.iter().filter(|number| **number < libc::CPU_SETSIZE as usize) {
                // SAFETY: it is below the size of the set.
                unsafe { libc::CPU_SET(*number, &mut set) };
            }
            set
        };
        Self {
            cpu: given.cpu,
            affinity: (!given.affinity.is_empty()).then(|| processors(&given.affinity)),
            io: given.io,
            timer_slack: given.timer_slack,
            coredump_filter: given.coredump_filter.map(|bits| format!("{bits:#x}")),
            personality: given.personality,
        }
    }
}

impl Scheduled {
    /// Tells it, in systemd's order.
    pub(super) fn apply(&self) -> Result<(), Failure> {
        if let Some(bits) = &self.coredump_filter {
            files::set_of_process(c"/proc/self/coredump_filter", bits).at(Step::Limits)?;
        }
        if let Some(cpu) = self.cpu {
            let reset = if cpu.reset_on_fork { libc::SCHED_RESET_ON_FORK } else { 0 };
            // SAFETY: all zeroes are parameters.
            let mut parameters: libc::sched_param = unsafe { zeroed() };
            parameters.sched_priority = cpu.priority;
            // SAFETY: takes numbers and parameters, and keeps nothing. musl's wrapper of this name does nothing.
            let set =
                unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, cpu.policy | reset, &raw const parameters) };
            Errno::result(set).at(Step::SetScheduler)?;
        }
        if let Some(set) = &self.affinity {
            // SAFETY: a set and its size.
            Errno::result(unsafe { libc::sched_setaffinity(0, size_of_val(set), set) }).at(Step::CpuAffinity)?;
        }
        if let Some(io) = self.io {
            /// Of the one process.
            const PROCESS: libc::c_int = 1;
            // SAFETY: takes numbers.
            let set = unsafe { libc::syscall(libc::SYS_ioprio_set, PROCESS, 0, io.class << 13 | io.priority) };
            Errno::result(set).at(Step::IoPriority)?;
        }
        if let Some(slack) = self.timer_slack {
            // SAFETY: takes numbers.
            let set = unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, slack as libc::c_ulong) };
            Errno::result(set).at(Step::TimerSlack)?;
        }
        if let Some(personality) = self.personality {
            // SAFETY: takes a number.
            Errno::result(unsafe { libc::personality(libc::c_ulong::from(personality)) }).at(Step::Personality)?;
        }
        Ok(())
    }
}
