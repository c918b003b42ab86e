//! PIDFile=, and what is known of a process that is said to be the main one of a service.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::libc::{self, pid_t};
use nix::unistd::Pid;
use sdlite_core::pidfd;

use super::children::is_zombie;
use crate::engine::{Claim, Claimed, Engine, PidFileError, UnitId};
use crate::error::errno;
use crate::spec::Kind;

/// What there is behind this is no number.
const LENGTH_MAX: u64 = 64;

/// What PIDFile= of a service says.
pub fn read(engine: &Engine, id: UnitId) -> Result<Claim, PidFileError> {
    let path = match engine.spec(id).map(|spec| &spec.kind) {
        Some(Kind::Service(service)) => service.pid_file.as_deref(),
        _ => None,
    };
    read_file(path.ok_or(PidFileError::Open(Errno::ENOENT))?)
}

fn read_file(path: &Path) -> Result<Claim, PidFileError> {
    let failed = |error: std::io::Error| PidFileError::Open(errno(error));
    // Not waiting for who writes to a FIFO.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(failed)?;
    let trusted = file.metadata().is_ok_and(|metadata| metadata.uid() == 0) && is_roots(path);
    let mut text = String::new();
    file.take(LENGTH_MAX).read_to_string(&mut text).map_err(|_| PidFileError::Parse(Errno::EINVAL))?;
    let pid = text.trim().parse::<pid_t>().ok().filter(|pid| *pid > 0).ok_or(PidFileError::Parse(Errno::EINVAL))?;
    Ok(claim(Pid::from_raw(pid), true, trusted))
}

/// Whether nobody but root can have put a file there, or a link to one.
fn is_roots(path: &Path) -> bool {
    path.ancestors().all(|part| part.symlink_metadata().is_ok_and(|metadata| metadata.uid() == 0))
}

/// What is known of a process that is said to be the main one of a service, if it is the `same` still: by root or by somebody else.
pub fn claim(pid: Pid, same: bool, trusted: bool) -> Claim {
    let claimed = match pid {
        pid if pid == Pid::this() => Claimed::Manager,
        pid if !same || is_zombie(pid.as_raw()) => Claimed::Gone,
        _ => Claimed::Running,
    };
    Claim { pid, claimed, trusted }
}

/// Whether a pidfd of the process has this inode: otherwise, another one has got its number meanwhile.
pub fn has_pidfd_id(pid: Pid, id: u64) -> bool {
    pidfd::open(pid.as_raw()).and_then(pidfd::inode_id) == Ok(id)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process;

    use super::*;

    #[test]
    fn a_pid_file_says_which_process_it_is_or_why_it_cannot_be_told() {
        let scratch = sdlite_test_support::scratch();
        let path = scratch.path().join("pid");
        assert_eq!(read_file(&path), Err(PidFileError::Open(Errno::ENOENT)));
        for text in ["", "\n", "x", "0", "-1", "1 2", "99999999999999", "7x", "\u{ff}"] {
            fs::write(&path, text).unwrap();
            assert_eq!(read_file(&path), Err(PidFileError::Parse(Errno::EINVAL)), "{text:?}");
        }
        for (pid, claimed) in [(process::id() as pid_t, Claimed::Manager), (pid_t::MAX, Claimed::Gone)] {
            fs::write(&path, format!(" {pid}\n")).unwrap();
            let claim = read_file(&path).unwrap();
            assert_eq!((claim.pid.as_raw(), claim.claimed), (pid, claimed));
        }
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(read_file(&path), Err(PidFileError::Parse(Errno::EINVAL)), "nobody writes");
    }
}
