//! What cannot be looked into: something of each type that nobody may read or write, in a directory of systemd's.

use std::fs::{DirBuilder, File, FileType};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use crate::error::{Error, errno};

const DIRECTORY: &str = "/run/systemd/inaccessible";

/// One of this type, which is made if it is missing.
pub(super) fn like(file_type: FileType) -> Result<PathBuf, Error> {
    let name = match file_type {
        kind if kind.is_dir() => "dir",
        kind if kind.is_char_device() => "chr",
        kind if kind.is_block_device() => "blk",
        kind if kind.is_fifo() => "fifo",
        kind if kind.is_socket() => "sock",
        _ => "reg",
    };
    node(name)
}

fn node(name: &str) -> Result<PathBuf, Error> {
    let path = Path::new(DIRECTORY).join(name);
    if path.exists() {
        return Ok(path);
    }
    let made = DirBuilder::new().recursive(true).mode(0o755).create(DIRECTORY).and_then(|()| make(&path, name));
    match made {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(path),
        // A device takes a capability; what is no directory will do.
        Err(_) if !matches!(name, "dir" | "reg") => node("reg"),
        Err(error) => Err(failed(&path, &error)),
    }
}

fn make(path: &Path, name: &str) -> std::io::Result<()> {
    let (nobody, device) = (Mode::empty(), makedev(0, 0));
    let node = |kind| Ok(mknod(path, kind, nobody, device)?);
    match name {
        "dir" => DirBuilder::new().mode(0o0).create(path),
        "chr" => node(SFlag::S_IFCHR),
        "blk" => node(SFlag::S_IFBLK),
        "fifo" => node(SFlag::S_IFIFO),
        "sock" => node(SFlag::S_IFSOCK),
        _ => File::options().write(true).create_new(true).mode(0o0).open(path).map(drop),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::Open { what: path.display().to_string(), error: errno(error) }
}
