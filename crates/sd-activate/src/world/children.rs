//! Children: how they end, and those that a service leaves behind.

use std::fs;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::unistd::{Pid, getsid};

use crate::engine::End;
use crate::spec::Signal;

/// The answer of [`reap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaped {
    /// A child has ended.
    Child(Pid, End),
    /// A child was stopped by a signal.
    Stopped(Pid, Signal),
    /// There are children, and all of them run.
    AllRun,
    /// There is no child.
    None,
}

/// Has whatever services leave behind become this process's, instead of process 1's.
pub fn adopt_orphans() {
    // Before Linux 3.4 it cannot be had.
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

/// The next child that has ended, or was stopped.
///
/// Any child: those that services leave behind too.
pub fn reap() -> Reaped {
    let mut status = 0;
    // Not nix's waitpid: where a real-time signal has killed the child, it does not tell which child that was.
    let pid = loop {
        // SAFETY: `status` is valid for writes.
        let reaped = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG | libc::WUNTRACED) };
        match Errno::result(reaped) {
            Err(Errno::EINTR) => (),
            Err(_) => return Reaped::None,
            Ok(0) => return Reaped::AllRun,
            Ok(pid) => break pid,
        }
    };
    let pid = Pid::from_raw(pid);
    if let Some(signal) = Signal::new(libc::WSTOPSIG(status)).filter(|_| libc::WIFSTOPPED(status)) {
        return Reaped::Stopped(pid, signal);
    }
    let end = match Signal::new(libc::WTERMSIG(status)) {
        Some(signal) if libc::WIFSIGNALED(status) => End::Killed(signal),
        _ => End::Exited(libc::WEXITSTATUS(status) as u8),
    };
    Reaped::Child(pid, end)
}

/// The children that have one of these sockets, given as the kernel names them in /proc, or are in this session; the oldest
/// first.
pub fn left_behind(sockets: &[String], session: Option<Pid>) -> Vec<Pid> {
    let in_session = |pid| session.is_some_and(|session| getsid(Some(Pid::from_raw(pid))) == Ok(session));
    let mut children: Vec<_> = children().into_iter().filter(|pid| in_session(*pid) || holds(*pid, sockets)).collect();
    children.sort_unstable();
    children.into_iter().map(Pid::from_raw).collect()
}

fn children() -> Vec<libc::pid_t> {
    let own = std::process::id();
    let pids = |list: String| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    match fs::read_to_string(format!("/proc/self/task/{own}/children")) {
        Ok(list) => pids(list),
        // A kernel without CONFIG_PROC_CHILDREN.
        Err(_) => processes().filter(|pid| parent(*pid) == Some(own)).collect(),
    }
}

/// All processes, from /proc.
pub fn processes() -> impl Iterator<Item = libc::pid_t> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The parent of a process.
pub fn parent(pid: libc::pid_t) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may itself contain blanks and parentheses.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// Whether a process has one of these sockets open.
pub fn holds(pid: libc::pid_t, sockets: &[String]) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut links = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
}

/// What /proc calls what is open here.
pub fn name_in_proc(descriptor: RawFd) -> Option<String> {
    fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?.into_os_string().into_string().ok()
}
