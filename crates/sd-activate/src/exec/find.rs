//! Finding what a command names.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};

use crate::error::{Error, errno};

/// What execvp(3) searches where PATH is not set.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// `$PATH` of services, and where commands of units without a path are looked for.
pub(super) const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The file that a command names.
pub fn find(command: &OsStr) -> Result<PathBuf, Error> {
    if command.as_bytes().contains(&b'/') {
        let path = PathBuf::from(command);
        return match executable(&path) {
            Ok(()) => Ok(path),
            Err(Errno::ENOENT | Errno::ENOTDIR) => Err(Error::NotFound { command: command.into() }),
            Err(error) => Err(Error::NotExecutable { command: path, error }),
        };
    }

    let directories = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    find_in(std::env::split_paths(&directories), command)
}

/// The file of that name in one of these directories.
pub fn find_in(directories: impl IntoIterator<Item = PathBuf>, command: &OsStr) -> Result<PathBuf, Error> {
    let mut refused = None;
    for directory in directories.into_iter().filter(|_| !command.is_empty()) {
        let path = directory.join(command);
        match executable(&path) {
            Ok(()) => return Ok(path),
            Err(Errno::ENOENT | Errno::ENOTDIR) => (),
            Err(error) => refused = refused.or(Some((path, error))),
        }
    }
    match refused {
        Some((command, error)) => Err(Error::NotExecutable { command, error }),
        None => Err(Error::NotFound { command: command.into() }),
    }
}

fn executable(path: &Path) -> Result<(), Errno> {
    let metadata = fs::metadata(path).map_err(errno)?;
    if metadata.is_dir() {
        return Err(Errno::EISDIR);
    }
    faccessat(AT_FDCWD, path, AccessFlags::X_OK, AtFlags::AT_EACCESS)
}
