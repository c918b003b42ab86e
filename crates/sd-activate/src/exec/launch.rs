//! The way of a service from clone(2) to execve(2).

use std::convert::Infallible;
use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::stat::umask;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, setgroups, setresgid, setresuid};
use sdlite_core::listen::LISTEN_FDS_START;
use sdlite_core::pidfd;

use super::plan::{Credentials, Plan, SHELL, Stream, Surroundings};
use crate::error::Error;

impl Plan {
    /// Starts the service, and passes it these descriptors, wherever they are.
    ///
    /// Every descriptor of this process has to be close-on-exec.
    pub fn start<'a>(&mut self, passed: impl IntoIterator<Item = BorrowedFd<'a>>) -> Result<Pid, Error> {
        self.passed.clear();
        self.passed.extend(passed.into_iter().map(|descriptor| descriptor.as_raw_fd()));
        let top = self.stack.as_mut_ptr_range().end;
        // A stack grows downwards from an address that is a multiple of 16.
        let top = top.wrapping_sub(top.addr() % 16);
        let mut launch = Launch { plan: self, pid: 0, error: 0 };
        let launch = &raw mut launch;

        // vfork(2) is what this amounts to, but on a stack of its own: the service cannot spoil the one that this
        // function returns on. Neither can it be a `fork`, which copies page tables for every connection.
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_CHILD_SETTID | libc::SIGCHLD;
        // SAFETY: the stack is not used otherwise and large enough. The memory is shared, but because of CLONE_VFORK this
        // process, which has one thread, goes on only when the service was executed or is gone, so `launch` is not used
        // by two at once. `execute` neither allocates nor panics nor returns. No signal handler is installed that could
        // run in the service.
        let pid = unsafe {
            let (no_parent_tid, no_tls) = (ptr::null_mut::<libc::pid_t>(), ptr::null_mut::<c_void>());
            let child_tid = &raw mut (*launch).pid;
            libc::clone(execute, top.cast::<c_void>(), flags, launch.cast::<c_void>(), no_parent_tid, no_tls, child_tid)
        };
        let pid = Errno::result(pid).map_err(Error::Fork)?;
        // SAFETY: `launch` is this function's own again.
        let error = unsafe { (*launch).error };
        if error != 0 {
            let _ = waitpid(Pid::from_raw(pid), None);
            return Err(self.not_executed(Errno::from_raw(error)));
        }
        Ok(Pid::from_raw(pid))
    }
}

/// What the two sides of clone(2) have in common.
struct Launch<'a> {
    plan: &'a mut Plan,
    /// The service's process id: the kernel stores it before the service runs, which saves a getpid(2). It does so in the
    /// service's memory, which is another one where qemu runs this for another kind of machine.
    pid: libc::pid_t,
    /// The number of the error that kept the service from being executed.
    error: c_int,
}

/// The service, until it is executed.
extern "C" fn execute(launch: *mut c_void) -> c_int {
    // SAFETY: `Plan::start` passes a Launch, and does not touch it as long as this runs.
    let launch = unsafe { &mut *launch.cast::<Launch<'_>>() };
    let error = match launch.execute() {
        Ok(never) => match never {},
        Err(error) => error,
    };
    launch.error = error as c_int;
    // SAFETY: ends this process without running what belongs to the one whose memory it shares.
    unsafe { libc::_exit(127) }
}

impl Launch<'_> {
    fn execute(&mut self) -> Result<Infallible, Errno> {
        // With this process gone, nobody would pass signals on, and the service would keep the address in use.
        prctl::set_pdeathsig(Signal::SIGTERM)?;
        // SAFETY: takes nothing.
        if unsafe { libc::getppid() } != self.plan.own_pid {
            return Err(Errno::ESRCH);
        }
        let plan = &mut *self.plan;
        // A process group of its own: what the terminal or kill(1) sends to that of this process would reach the service
        // twice, once from there and once passed on.
        // SAFETY: takes numbers, or nothing.
        Errno::result(unsafe { if plan.surroundings.session { libc::setsid() } else { libc::setpgid(0, 0) } })?;
        for signal in &plan.surroundings.default_signals {
            set_default(*signal);
        }
        for limit in &plan.surroundings.limits {
            nix::sys::resource::setrlimit(limit.resource, limit.soft, limit.hard)?;
        }
        for (stream, descriptor) in plan.surroundings.streams.iter().zip(0..) {
            match (stream, plan.passed.first()) {
                (Stream::Open(open), _) => duplicate(open.as_raw_fd(), descriptor)?,
                (Stream::Passed, Some(socket)) => duplicate(*socket, descriptor)?,
                (Stream::Passed | Stream::Kept, _) => (),
            }
        }
        if plan.surroundings.list {
            place(&mut plan.passed, LISTEN_FDS_START)?;
        }
        become_another(&plan.surroundings)?;
        for variable in &mut plan.pids {
            variable.set(self.pid as u64);
        }
        if let Some(variable) = &mut plan.pidfd_id {
            variable.set(pidfd_id(self.pid)?);
        }
        plan.surroundings.mask.thread_set_mask()?;

        let variables = plan.variables.as_ptr();
        // SAFETY: a C string, and two arrays of C strings that end with a null pointer; all live as long as the plan.
        unsafe { libc::execve(plan.path.as_ptr(), plan.arguments.as_ptr(), variables) };
        let error = Errno::last();
        if error == Errno::ENOEXEC {
            // SAFETY: as above.
            unsafe { libc::execve(SHELL.as_ptr(), plan.shell_arguments.as_ptr(), variables) };
        }
        Err(error)
    }
}

/// Users, directories and what else belongs to a unit. Without a unit, nothing.
fn become_another(surroundings: &Surroundings) -> Result<(), Errno> {
    if surroundings.ignore_sigpipe {
        // SAFETY: ignoring a signal runs no code.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    }
    if let Some(mask) = surroundings.umask {
        umask(mask);
    }
    if let Some(nice) = surroundings.nice {
        // SAFETY: takes numbers.
        Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) })?;
    }
    if let Some(Credentials { uid, gid, groups }) = &surroundings.credentials {
        setgroups(groups)?;
        setresgid(*gid, *gid, *gid)?;
        setresuid(*uid, *uid, *uid)?;
        // The kernel has forgotten it with that.
        prctl::set_pdeathsig(Signal::SIGTERM)?;
    }
    if let Some((directory, optional)) = &surroundings.directory {
        // SAFETY: a C string.
        let changed = Errno::result(unsafe { libc::chdir(directory.as_ptr()) });
        if !optional {
            changed?;
        }
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
            duplicate(*descriptor, place)?;
        }
    }
    Ok(())
}

fn duplicate(descriptor: RawFd, to: RawFd) -> Result<(), Errno> {
    // SAFETY: this process is about to execute another program, and needs nothing that may be open at `to`: it is standard
    // input, output, or one that the protocol has for what is passed.
    Errno::result(unsafe { libc::dup2(descriptor, to) }).map(drop)
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
