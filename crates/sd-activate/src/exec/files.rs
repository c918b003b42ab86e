//! Descriptors of a service, between clone(2) and execve(2): nothing is allocated here.

use std::ffi::{CStr, c_int};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{self, UnixAddr};
use nix::unistd::{Gid, Uid};

use super::plan::Stream;
use super::terminal;

/// The mode of a terminal that a service controls: others may write to it as write(1) does.
const TERMINAL_MODE: libc::mode_t = 0o620;

/// Puts a stream where it belongs. The terminal that the service controls becomes its owner's.
pub(super) fn place(stream: &Stream, to: RawFd, passed: &[RawFd], owner: Option<(Uid, Gid)>) -> Result<(), Errno> {
    match stream {
        Stream::Kept => Ok(()),
        Stream::Passed(index) => passed.get(*index).map_or(Ok(()), |passed| duplicate(*passed, to)),
        Stream::Open(open) => duplicate(open.as_raw_fd(), to),
        Stream::Like(earlier) => duplicate(*earlier, to),
        Stream::File(path, flags) => duplicate(open(path, *flags)?.as_raw_fd(), to),
        Stream::Connection(address) => duplicate(connect(address)?.as_raw_fd(), to),
        Stream::Terminal(path, flags, None) => duplicate(terminal::open(path, *flags)?.as_raw_fd(), to),
        Stream::Terminal(path, flags, Some(control)) => {
            duplicate(terminal::acquire(path, *flags, *control)?.as_raw_fd(), to)?;
            if let Some((uid, _)) = owner {
                // SAFETY: takes numbers; the group stays.
                Errno::result(unsafe { libc::fchown(to, uid.as_raw(), libc::gid_t::MAX) })?;
                // SAFETY: takes numbers.
                Errno::result(unsafe { libc::fchmod(to, TERMINAL_MODE) })?;
            }
            Ok(())
        }
    }
}

/// Makes another descriptor of one that is open, which survives execve(2).
pub(super) fn duplicate(descriptor: RawFd, to: RawFd) -> Result<(), Errno> {
    // SAFETY: this process is about to execute another program, and needs nothing that may be open at `to`: it is standard
    // input, output, or one that the protocol has for what is passed.
    Errno::result(unsafe { libc::dup2(descriptor, to) }).map(drop)
}

/// What is opened here gets a number above those of the standard streams, which are open in this process.
fn open(path: &CStr, flags: c_int) -> Result<OwnedFd, Errno> {
    open_at(libc::AT_FDCWD, path, flags)
}

fn open_at(directory: RawFd, path: &CStr, flags: c_int) -> Result<OwnedFd, Errno> {
    // SAFETY: a C string and numbers.
    let file = unsafe { libc::openat(directory, path.as_ptr(), flags | libc::O_NOCTTY | libc::O_CLOEXEC, 0o666) };
    // SAFETY: openat has just opened it.
    Errno::result(file).map(|file| unsafe { OwnedFd::from_raw_fd(file) })
}

fn connect(address: &UnixAddr) -> Result<OwnedFd, Errno> {
    // SAFETY: takes numbers.
    let opened = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    // SAFETY: socket has just opened it.
    let socket = Errno::result(opened).map(|socket| unsafe { OwnedFd::from_raw_fd(socket) })?;
    socket::connect(socket.as_raw_fd(), address)?;
    Ok(socket)
}

/// Sets or clears O_NONBLOCK, which a service may have left otherwise for the next.
pub(super) fn set_non_blocking(descriptor: RawFd, on: bool) -> Result<(), Errno> {
    // SAFETY: takes numbers.
    let flags = Errno::result(unsafe { libc::fcntl(descriptor, libc::F_GETFL) })?;
    let wanted = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    if wanted == flags {
        return Ok(());
    }
    // SAFETY: takes numbers.
    Errno::result(unsafe { libc::fcntl(descriptor, libc::F_SETFL, wanted) }).map(drop)
}

/// Puts this process into the control group whose directory this is.
pub(super) fn join(group: &OwnedFd) -> Result<(), Errno> {
    write(&open_at(group.as_raw_fd(), c"cgroup.procs", libc::O_WRONLY)?, "0")
}

fn write(file: &OwnedFd, text: &str) -> Result<(), Errno> {
    // SAFETY: a buffer and its length.
    Errno::result(unsafe { libc::write(file.as_raw_fd(), text.as_ptr().cast(), text.len()) }).map(drop)
}

/// OOMScoreAdjust=. Where it may not be had, the service does without, as with systemd in a container.
pub(super) fn adjust_oom_score(adjustment: &str) -> Result<(), Errno> {
    match set_of_process(c"/proc/self/oom_score_adj", adjustment) {
        Err(Errno::EACCES | Errno::EPERM) => Ok(()),
        set => set,
    }
}

/// Writes what the kernel has a file for to be told of this process.
pub(super) fn set_of_process(path: &CStr, value: &str) -> Result<(), Errno> {
    write(&open(path, libc::O_WRONLY)?, value)
}
