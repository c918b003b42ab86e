//! What a socket unit has in the file system: the file of a socket or a FIFO, and the links to it.

use std::fs::{DirBuilder, remove_file};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, chown};
use serde::{Deserialize, Serialize};

use crate::account;
use crate::error::{Error, errno};
use crate::saved::{self, Saved};
use crate::spec::SocketSpec;

/// A file; with RemoveOnStop= removed when this is dropped, unless another process has put its own there since.
pub(super) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
    links: Vec<PathBuf>,
    remove: bool,
}

/// Whose a file is: SocketUser= and SocketGroup=.
#[derive(Default)]
pub(super) struct Owner {
    user: Option<Uid>,
    group: Option<Gid>,
}

impl Owner {
    /// A user without a group has its own.
    pub(super) fn of(spec: &SocketSpec) -> Result<Self, Error> {
        let user = spec.user.as_deref().map(|name| {
            account::user(name).map_err(|unknown| Error::Account {
                setting: "SocketUser",
                name: name.to_owned(),
                unknown,
            })
        });
        let group = spec.group.as_deref().map(|name| {
            account::group(name).map_err(|unknown| Error::Account {
                setting: "SocketGroup",
                name: name.to_owned(),
                unknown,
            })
        });
        let (user, group) = (user.transpose()?, group.transpose()?);
        Ok(Self { user: user.as_ref().map(|user| user.uid), group: group.or(user.map(|user| user.gid)) })
    }
}

/// What is known of a file.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedFile {
    #[serde(with = "saved")]
    path: PathBuf,
    inode: (u64, u64),
    #[serde(with = "saved")]
    links: Vec<PathBuf>,
    remove: bool,
}

impl Saved for SocketFile {
    type Form = SavedFile;

    fn save(&self) -> SavedFile {
        let Self { path, inode, links, remove } = self;
        SavedFile { path: path.clone(), inode: *inode, links: links.clone(), remove: *remove }
    }

    fn restore(SavedFile { path, inode, links, remove }: SavedFile) -> Option<Self> {
        Some(Self { path, inode, links, remove })
    }
}

impl SocketFile {
    /// Takes a file that was made: gives it its owner, SocketUser= and SocketGroup=, and its links, Symlinks=.
    pub(super) fn adopt(path: &Path, spec: &SocketSpec, owner: &Owner) -> Result<Self, Errno> {
        let inode = inode(path).map_err(errno)?;
        let mut file = Self { path: path.to_owned(), inode, links: Vec::new(), remove: spec.remove_on_stop };
        let Owner { user, group } = owner;
        if user.is_some() || group.is_some() {
            chown(path, *user, *group)?;
        }
        for link in &spec.symlinks {
            with_modes(link, spec, || match symlink(path, link).map_err(errno) {
                Err(Errno::EEXIST) if std::fs::read_link(link).is_ok_and(|target| target == path) => Ok(()),
                made => made,
            })?;
            file.links.push(link.clone());
        }
        Ok(file)
    }

    /// Whether it was removed.
    pub(super) fn is_gone(&self) -> bool {
        inode(&self.path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if !self.remove {
            return;
        }
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = remove_file(&self.path);
        }
        for link in &self.links {
            if std::fs::read_link(link).is_ok_and(|target| target == self.path) {
                let _ = remove_file(link);
            }
        }
    }
}

/// Makes something at a path, and the directories before it: with DirectoryMode= and SocketMode=, whatever umask this process
/// has.
pub(super) fn with_modes(
    path: &Path,
    spec: &SocketSpec,
    make: impl FnOnce() -> Result<(), Errno>,
) -> Result<(), Errno> {
    let own = umask(Mode::empty());
    let directories =
        path.parent().map(|parent| DirBuilder::new().recursive(true).mode(spec.directory_mode).create(parent));
    umask(Mode::from_bits_truncate(!spec.mode & 0o777));
    let made = make();
    umask(own);
    match (made, directories) {
        (Err(Errno::ENOENT), Some(Err(error))) => Err(errno(error)),
        (made, _) => made,
    }
}

fn inode(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}
