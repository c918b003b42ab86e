//! Children: how they end, and those that a service leaves behind.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::unistd::{Pid, getsid};

use crate::engine::{End, Process};
use crate::log::command_line::quoted;
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
        Some(signal) if libc::WIFSIGNALED(status) && libc::WCOREDUMP(status) => End::Dumped(signal),
        Some(signal) if libc::WIFSIGNALED(status) => End::Killed(signal),
        _ => End::Exited(libc::WEXITSTATUS(status) as u8),
    };
    Reaped::Child(pid, end)
}

/// How the processes of a service are told from others, where there are no control groups.
pub struct Traits<'a> {
    /// Whether a process is known to be another's: it is not even looked at.
    pub is_others: &'a dyn Fn(Pid) -> bool,
    /// Whether a child is known to be its, whatever it shows.
    pub is_its: &'a dyn Fn(Pid) -> bool,
    /// The processes that were executed for it.
    pub executed: &'a [Pid],
    /// Its sockets, as the kernel names them in /proc.
    pub sockets: Vec<String>,
    /// A unit's: each that is executed begins a session, and has this `$INVOCATION_ID`.
    pub invocation: Option<&'a str>,
}

/// The processes of a service, the oldest first. A child of this process is one that was executed for it, or that has one of
/// its sockets; of a unit also one of a session that such a one has begun, one with its `$INVOCATION_ID`, and whatever descends
/// from any of them.
pub fn processes_of(traits: &Traits<'_>) -> Vec<Process> {
    let mut found: BTreeSet<_> = children().into_iter().filter(|pid| is_of(*pid, traits)).collect();
    if traits.invocation.is_some() {
        let mut parents: Vec<_> = found.iter().copied().collect();
        while let Some(parent) = parents.pop() {
            for child in children_of(parent) {
                if found.insert(child) {
                    parents.push(child);
                }
            }
        }
    }
    found.into_iter().map(process).collect()
}

/// What is told of a process.
pub fn process(pid: libc::pid_t) -> Process {
    let stat = stat(pid);
    let is_child = stat.as_deref().and_then(parent_in) == Some(std::process::id() as libc::pid_t);
    Process { pid: Pid::from_raw(pid), name: name(pid), is_child, is_zombie: stat.as_deref().is_none_or(has_ended) }
}

fn is_of(pid: libc::pid_t, traits: &Traits<'_>) -> bool {
    let own = Pid::from_raw(pid);
    if (traits.is_others)(own) {
        return false;
    }
    let of_unit = |invocation| {
        let begun = getsid(Some(own)).is_ok_and(|session| traits.executed.contains(&session));
        begun || self::invocation(pid).is_some_and(|id| id == invocation)
    };
    (traits.is_its)(own)
        || traits.executed.contains(&own)
        || traits.invocation.is_some_and(of_unit)
        || holds(pid, &traits.sockets)
}

/// The `$INVOCATION_ID` that a process was executed with.
pub fn invocation(pid: libc::pid_t) -> Option<String> {
    let variables = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let id = variables.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(b"INVOCATION_ID="))?;
    String::from_utf8(id.to_vec()).ok()
}

/// The command line of a process, or its name in brackets.
pub fn command_line(pid: libc::pid_t) -> String {
    match quoted(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()) {
        none if none.is_empty() => format!("[{}]", name(pid)),
        line => String::from_utf8_lossy(&line).into_owned(),
    }
}

fn name(pid: libc::pid_t) -> String {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}

/// The processes that a process descends from, the nearest first, and the first of its session.
pub fn lineage(pid: Pid) -> Vec<Pid> {
    let own = std::process::id() as libc::pid_t;
    let mut lineage = Vec::new();
    let mut last = pid.as_raw();
    while let Some(parent) = parent(last).filter(|parent| ![0, 1, own].contains(parent)) {
        lineage.push(Pid::from_raw(parent));
        last = parent;
    }
    lineage.extend(getsid(Some(pid)));
    lineage
}

/// The children of this process.
pub fn children() -> Vec<libc::pid_t> {
    children_of(std::process::id() as libc::pid_t)
}

fn children_of(pid: libc::pid_t) -> Vec<libc::pid_t> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().map(|thread| fs::read_to_string(thread.path().join("children")));
    match lists.collect::<Result<Vec<_>, _>>() {
        Ok(lists) => lists.iter().flat_map(|list| list.split_whitespace()).filter_map(|pid| pid.parse().ok()).collect(),
        // A kernel without CONFIG_PROC_CHILDREN.
        Err(_) => processes().filter(|child| parent(*child) == Some(pid)).collect(),
    }
}

/// All processes, from /proc.
pub fn processes() -> impl Iterator<Item = libc::pid_t> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The parent of a process.
pub fn parent(pid: libc::pid_t) -> Option<libc::pid_t> {
    parent_in(&stat(pid)?)
}

/// Whether a process is gone, or has ended and only its parent has not been told.
pub fn is_zombie(pid: libc::pid_t) -> bool {
    stat(pid).is_none_or(|fields| has_ended(&fields))
}

/// What stands in /proc/PID/stat behind the name, which may itself contain blanks and parentheses.
fn stat(pid: libc::pid_t) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.to_owned())
}

fn parent_in(stat: &str) -> Option<libc::pid_t> {
    stat.split(' ').nth(1)?.parse().ok()
}

fn has_ended(stat: &str) -> bool {
    stat.starts_with(['Z', 'X'])
}

/// Whether a process has one of these sockets open.
pub fn holds(pid: libc::pid_t, sockets: &[String]) -> bool {
    if sockets.is_empty() {
        return false;
    }
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut links = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
}

/// What /proc calls what is open here.
pub fn name_in_proc(descriptor: RawFd) -> Option<String> {
    fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?.into_os_string().into_string().ok()
}
