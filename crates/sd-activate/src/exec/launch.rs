//! The way of a service from clone(2) to execve(2).

use std::convert::Infallible;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::stat::umask;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, setgroups, setresgid, setresuid};
use sdlite_core::listen::LISTEN_FDS_START;
use sdlite_core::pidfd;

use super::plan::{Credentials, Plan, SHELL, Stream};
use super::process::{self, Process};
use super::step::Step;
use super::{files, limit, table};
use crate::error::Error;
use crate::log::say;

/// Where it ended before it was executed.
pub(super) type Failure = (Step, Errno);

/// Says of an error in which step it is.
pub(super) trait In<T> {
    fn at(self, step: Step) -> Result<T, Failure>;
}

impl<T> In<T> for Result<T, Errno> {
    fn at(self, step: Step) -> Result<T, Failure> {
        self.map_err(|error| (step, error))
    }
}

/// What services have for a stack until they are executed. They call the C library's wrappers of system calls, nothing else.
const STACK_SIZE: usize = 64 * 1024;

/// Starts services.
pub struct Launcher {
    stack: Box<[MaybeUninit<u8>]>,
    own_pid: libc::pid_t,
    /// Whether they copy of the table of descriptors what they need. None as long as it has so few that this is not worth it.
    parts: Option<bool>,
}

impl Launcher {
    /// Nothing was started yet.
    pub fn of_this_process() -> Self {
        let stack = Box::new_uninit_slice(STACK_SIZE);
        Self { stack, own_pid: std::process::id() as libc::pid_t, parts: None }
    }

    /// Says of a descriptor that it stays open.
    pub fn stays_open(&mut self, descriptor: &impl AsFd) {
        if self.parts.is_none() && table::is_large_with(descriptor.as_fd().as_raw_fd()) {
            self.parts = Some(table::can_be_parted());
        }
    }

    /// Starts a service, and passes it these descriptors, wherever they are.
    ///
    /// Every descriptor of this process has to be close-on-exec.
    pub fn start<'a>(
        &mut self,
        plan: &mut Plan,
        passed: impl IntoIterator<Item = BorrowedFd<'a>>,
    ) -> Result<Pid, Error> {
        plan.passed.clear();
        plan.passed.extend(passed.into_iter().map(|descriptor| descriptor.as_raw_fd()));
        let parts = self.parts == Some(true) && !plan.surroundings.patient;
        let _lowered = if parts { table::lower(&mut plan.passed) } else { Vec::new() };
        let mut launch = Launch { plan, own_pid: self.own_pid, parts, is_in_group: false, pid: 0, failure: None };
        let mut pid = self.clone_process(&mut launch);
        // So does qemu, which makes a process with memory and a table of its own where vfork(2) is asked for.
        if parts && pid == Err(Errno::EINVAL) {
            (self.parts, launch.parts) = (Some(false), false);
            pid = self.clone_process(&mut launch);
        }
        let pid = pid.map_err(Error::Fork)?;
        if let Some((step, error)) = launch.failure {
            let _ = waitpid(pid, None);
            return Err(launch.plan.not_executed(step, error));
        }
        Ok(pid)
    }

    fn clone_process(&mut self, launch: &mut Launch<'_>) -> Result<Pid, Errno> {
        // vfork(2) is what this amounts to, but on a stack of its own: the service cannot spoil the one that this
        // function returns on. Neither can it be a `fork`, which copies page tables for every connection; but where the way
        // may take long, it has to be one, for this process to go on.
        let shared = if launch.plan.surroundings.patient { 0 } else { libc::CLONE_VM | libc::CLONE_VFORK };
        let table = if launch.parts { libc::CLONE_FILES } else { 0 };
        let launch: *mut Launch<'_> = launch;
        // SAFETY: `launch` is one; nothing else uses it.
        let (child_tid, group) =
            unsafe { (&raw mut (*launch).pid, (*launch).plan.group.as_ref().map(|group| group.as_raw_fd())) };
        let flags = shared | table | libc::CLONE_CHILD_SETTID;
        let mut process = Process { flags, stack: &mut self.stack, run: execute, argument: launch.cast(), child_tid };
        // SAFETY: the stack is not used otherwise and large enough. Where the memory is shared, because of CLONE_VFORK this
        // process, which has one thread, goes on only when the service was executed or is gone, so `launch` is not used
        // by two at once. `execute` neither panics nor returns, and does not allocate where the memory is shared. No signal
        // handler is installed that could run in the service.
        let pid = unsafe {
            let into_group = group.map_or(Err(Errno::ENOSYS), |group| {
                (*launch).is_in_group = true;
                process::clone_into(&mut process, group)
            });
            into_group.or_else(|_| {
                (*launch).is_in_group = false;
                process::clone(&mut process)
            })
        };
        pid.map(Pid::from_raw)
    }
}

/// What the two sides of clone(2) have in common.
struct Launch<'a> {
    plan: &'a mut Plan,
    own_pid: libc::pid_t,
    /// Whether the table of descriptors is shared as well, until the service copies what it needs.
    parts: bool,
    /// Whether it is in its control group from the beginning.
    is_in_group: bool,
    /// The service's process id: the kernel stores it before the service runs, which saves a getpid(2). It does so in the
    /// service's memory, which is another one where qemu runs this for another kind of machine.
    pid: libc::pid_t,
    /// What kept the service from being executed.
    failure: Option<Failure>,
}

/// The service, until it is executed.
extern "C" fn execute(launch: *mut c_void) -> c_int {
    // SAFETY: `Launcher::start` passes a Launch, and does not touch it as long as this runs.
    let launch = unsafe { &mut *launch.cast::<Launch<'_>>() };
    let (step, error) = match launch.execute() {
        Ok(never) => match never {},
        Err(failure) => failure,
    };
    launch.failure = Some((step, error));
    if launch.plan.surroundings.patient {
        // Nobody reads that, the memory being this process's own. Its exit status tells which step it was.
        say(launch.plan.not_executed(step, error));
    }
    // SAFETY: ends this process without running what belongs to the one whose memory it may share.
    unsafe { libc::_exit(step.status().into()) }
}

impl Launch<'_> {
    /// The steps, in systemd's order.
    fn execute(&mut self) -> Result<Infallible, Failure> {
        if self.parts {
            table::part(self.plan.last_descriptor()).at(Step::Fds)?;
        }
        // With this process gone, nobody would pass signals on, and the service would keep the address in use.
        prctl::set_pdeathsig(Signal::SIGTERM).at(Step::Exec)?;
        // SAFETY: takes nothing.
        if unsafe { libc::getppid() } != self.own_pid {
            return Err((Step::Exec, Errno::ESRCH));
        }
        if let Some(group) = self.plan.group.as_ref().filter(|_| !self.is_in_group) {
            // Before anything that could make other processes.
            files::join(group).at(Step::Cgroup)?;
        }
        let plan = &mut *self.plan;
        let surroundings = &plan.surroundings;
        if let Some(idle) = &surroundings.idle {
            idle.wait();
        }
        for signal in &surroundings.default_signals {
            set_default(*signal);
        }
        if surroundings.ignore_sigpipe {
            // SAFETY: ignoring a signal runs no code.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
        }
        // A process group of its own: what the terminal or kill(1) sends to that of this process would reach the service
        // twice, once from there and once passed on.
        // SAFETY: takes numbers, or nothing.
        Errno::result(unsafe { if surroundings.session { libc::setsid() } else { libc::setpgid(0, 0) } })
            .at(Step::Setsid)?;
        if let Some(mask) = surroundings.umask {
            umask(mask);
        }
        if let Some(terminal) = &surroundings.terminal {
            // Whether it can be had is seen when it becomes a stream.
            let _ = terminal.prepare();
        }
        let owner = surroundings.credentials.as_ref().and_then(|credentials| credentials.ids);
        for ((stream, step), descriptor) in surroundings.streams.iter().zip(Step::STREAMS).zip(0..) {
            files::place(stream, descriptor, &plan.passed, owner).at(step)?;
        }
        if let Some(adjustment) = &surroundings.oom_score_adjust {
            files::adjust_oom_score(adjustment).at(Step::OomAdjust)?;
        }
        if let Some(nice) = surroundings.nice {
            // SAFETY: takes numbers.
            Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }).at(Step::Nice)?;
        }
        surroundings.scheduled.apply()?;
        if surroundings.list {
            place(&mut plan.passed, LISTEN_FDS_START).at(Step::Fds)?;
            if let Some(on) = surroundings.non_blocking {
                let mut passed = LISTEN_FDS_START..LISTEN_FDS_START + plan.passed.len() as RawFd;
                passed.try_for_each(|descriptor| files::set_non_blocking(descriptor, on)).at(Step::Fds)?;
            }
        }
        if let Some(keyring) = &surroundings.keyring {
            keyring.join().at(Step::Keyring)?;
        }
        surroundings.confined.enter(surroundings.root.as_deref()).at(Step::Namespace)?;
        for limit in &surroundings.limits {
            limit::set(limit).at(Step::Limits)?;
        }
        if let Some(credentials) = &surroundings.credentials {
            leave_groups(credentials)?;
        }
        if surroundings.confined.separate_users().at(Step::User)? {
            // The kernel has forgotten it with that.
            prctl::set_pdeathsig(Signal::SIGTERM).at(Step::User)?;
        }
        let privileges = &surroundings.confined.privileges;
        privileges.bound().at(Step::Capabilities)?;
        privileges.keep().at(Step::Capabilities)?;
        privileges.secure().at(Step::SecureBits)?;
        if let Some(credentials) = &surroundings.credentials {
            become_another(credentials)?;
        }
        privileges.raise().at(Step::Capabilities)?;
        if let Some((directory, optional)) = &surroundings.directory {
            // What is missing leaves it in the root directory.
            // SAFETY: a C string.
            let in_root = || Errno::result(unsafe { libc::chdir(c"/".as_ptr()) });
            // SAFETY: a C string.
            let changed = Errno::result(unsafe { libc::chdir(directory.as_ptr()) });
            if *optional { changed.or_else(|_| in_root()) } else { changed }.at(Step::Chdir)?;
        }
        for variable in &mut plan.pids {
            variable.set(self.pid as u64);
        }
        if let Some(variable) = &mut plan.pidfd_id {
            variable.set(pidfd_id(self.pid).at(Step::Exec)?);
        }
        plan.surroundings.mask.thread_set_mask().at(Step::SignalMask)?;
        plan.surroundings.confined.privileges.forgo().at(Step::NoNewPrivileges)?;
        plan.surroundings.confined.filter().at(Step::Seccomp)?;
        Err((Step::Exec, plan.execute()))
    }
}

impl Plan {
    /// The last descriptor of this process that the service needs.
    fn last_descriptor(&self) -> RawFd {
        let open = |stream: &Stream| match stream {
            Stream::Open(open) => Some(open.as_raw_fd()),
            _ => None,
        };
        let streams = self.surroundings.streams.iter().filter_map(open);
        let group = self.group.iter().map(AsRawFd::as_raw_fd);
        streams.chain(group).chain(self.passed.iter().copied()).fold(libc::STDERR_FILENO, RawFd::max)
    }

    /// Executes the first of the files that is there. The error, if that cannot be done.
    fn execute(&mut self) -> Errno {
        let variables = self.variables.as_ptr();
        let mut error = Errno::ENOENT;
        for path in &self.paths {
            // SAFETY: a C string, and two arrays of C strings that end with a null pointer; all live as long as the plan.
            unsafe { libc::execve(path.as_ptr(), self.arguments.as_ptr(), variables) };
            error = Errno::last();
            if error == Errno::ENOEXEC && self.surroundings.shell {
                // SAFETY: as above.
                unsafe { libc::execve(SHELL.as_ptr(), self.shell_arguments.as_ptr(), variables) };
            }
            if !matches!(error, Errno::ENOENT | Errno::ENOTDIR) {
                break;
            }
        }
        error
    }
}

/// Takes the groups that it is to have, while it may.
fn leave_groups(credentials: &Credentials) -> Result<(), Failure> {
    setgroups(&credentials.groups).at(Step::Group)?;
    match credentials.ids {
        Some((_, gid)) => setresgid(gid, gid, gid).at(Step::Group),
        None => Ok(()),
    }
}

fn become_another(credentials: &Credentials) -> Result<(), Failure> {
    if let Some((uid, _)) = credentials.ids {
        setresuid(uid, uid, uid).at(Step::User)?;
        // The kernel has forgotten it with that.
        prctl::set_pdeathsig(Signal::SIGTERM).at(Step::User)?;
    }
    Ok(())
}

/// Puts the descriptors where the service looks for them, from `first` on, and has them survive execve(2).
fn place(descriptors: &mut [RawFd], first: RawFd) -> Result<(), Errno> {
    let end = first + descriptors.len() as RawFd;
    // Those that stand where another one belongs step aside first.
    for (place, descriptor) in (first..end).zip(descriptors.iter_mut()) {
        if *descriptor != place && (first..end).contains(descriptor) {
            // SAFETY: makes another descriptor of one that is open.
            let aside = unsafe { libc::fcntl(*descriptor, libc::F_DUPFD_CLOEXEC, end) };
            *descriptor = Errno::result(aside)?;
        }
    }
    for (place, descriptor) in (first..end).zip(descriptors.iter()) {
        if *descriptor == place {
            // SAFETY: only sets a flag.
            Errno::result(unsafe { libc::fcntl(place, libc::F_SETFD, 0) })?;
        } else {
            files::duplicate(*descriptor, place)?;
        }
    }
    Ok(())
}

/// The inode id of `pid`'s pidfd, which stays open until execve(2).
fn pidfd_id(pid: libc::pid_t) -> Result<u64, Errno> {
    pidfd::open(pid).and_then(pidfd::inode_id).map_err(|error| Errno::from_raw(error.number()))
}

/// Back to the default disposition. Called between clone(2) and execve(2), too: it does not allocate.
pub fn set_default(signal: c_int) {
    // SAFETY: all zeroes is a sigaction, and SIG_DFL needs no handler to be sound.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &action, ptr::null_mut());
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::{FromRawFd, OwnedFd};
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// The first of a range that nothing else in this test has a descriptor in.
    const FIRST: RawFd = 200;

    fn open_at(places: &[RawFd]) -> Vec<(OwnedFd, u64)> {
        let open = |place: &RawFd| {
            let path = std::env::temp_dir().join(format!("sda-place-{}-{place}", std::process::id()));
            let file = File::create(&path).unwrap();
            std::fs::remove_file(path).unwrap();
            let inode = file.metadata().unwrap().ino();
            // SAFETY: nothing has these descriptors.
            let owned = unsafe { OwnedFd::from_raw_fd(libc::dup3(file.as_raw_fd(), *place, libc::O_CLOEXEC)) };
            (owned, inode)
        };
        places.iter().map(open).collect()
    }

    #[test]
    fn descriptors_are_placed_in_their_order_wherever_they_were() {
        for places in [[200, 201, 202], [201, 202, 200], [202, 201, 200], [210, 200, 201], [202, 210, 211]] {
            let opened = open_at(&places);
            let mut list = places;
            place(&mut list, FIRST).unwrap();
            for (index, (_, inode)) in opened.iter().enumerate() {
                let placed = FIRST + index as RawFd;
                // SAFETY: only asks; `place` has opened it.
                let flags = unsafe { libc::fcntl(placed, libc::F_GETFD) };
                let found = std::fs::metadata(format!("/proc/self/fd/{placed}")).unwrap().ino();
                assert_eq!((found, flags), (*inode, 0), "{places:?}");
            }
            for descriptor in FIRST..FIRST + 20 {
                // SAFETY: all in this range are this test's.
                unsafe { libc::close(descriptor) };
            }
            std::mem::forget(opened);
        }
    }
}
