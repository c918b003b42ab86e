//! Programs that are passed sockets, as a service manager does it.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// How many sockets can be passed.
const SOCKETS_MAX: usize = 8;

/// A command that gets arguments added to it: a program that is passed these sockets, with the variables of sd_listen_fds(3). They
/// have to be open when it is spawned.
pub fn command(program: impl AsRef<OsStr>, sockets: &[OwnedFd]) -> Command {
    assert!(sockets.len() <= SOCKETS_MAX, "too many sockets");
    let mut command = Command::new("sh");
    // The shell knows its own process id beforehand.
    command.args(["-c", "export LISTEN_PID=$$; exec \"$0\" \"$@\""]).arg(program).env_remove("LISTEN_FDS");
    if !sockets.is_empty() {
        command.env("LISTEN_FDS", sockets.len().to_string());
    }
    let sockets: Vec<RawFd> = sockets.iter().map(AsRawFd::as_raw_fd).collect();
    // SAFETY: it makes system calls alone, with numbers that are descriptors of this process.
    unsafe { command.pre_exec(move || place(&sockets)) };
    command
}

/// Puts descriptors where sd_listen_fds(3) looks for them.
fn place(sockets: &[RawFd]) -> io::Result<()> {
    let checked = |result| if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) };
    // Out of the way first.
    let mut moved = [0; SOCKETS_MAX];
    for (to, fd) in moved.iter_mut().zip(sockets) {
        // SAFETY: it takes numbers alone.
        *to = checked(unsafe { libc::fcntl(*fd, libc::F_DUPFD_CLOEXEC, 100) })?;
    }
    for (number, fd) in (3..).zip(&moved[..sockets.len()]) {
        // SAFETY: it takes numbers alone.
        checked(unsafe { libc::dup2(*fd, number) })?;
    }
    Ok(())
}
