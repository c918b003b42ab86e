//! What the kernel tells of a process.

use std::fs;

/// Its memory that is resident, in KiB: proc_pid_status(5).
pub fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Nanoseconds that it was on a processor: /proc/PID/schedstat.
pub fn computed(process: u32) -> f64 {
    let schedule = fs::read_to_string(format!("/proc/{process}/schedstat")).expect("/proc");
    schedule.split(' ').next().and_then(|time| time.parse().ok()).expect("nanoseconds")
}
