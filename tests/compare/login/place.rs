//! The files that these functions read, below /run/systemd and /proc, in the namespaces of this process.

use std::cell::RefCell;
use std::ffi::{CString, OsStr};
use std::fs::{self, Permissions};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::content::FileOf;
use super::state::{At, Listing, Node, State};
use crate::bytes::Bytes;
use crate::descriptors::OWN;
use crate::{processes, sys};

const STDERR: RawFd = 2;
const OWN_CGROUP: &str = "/run/own-cgroup";
const FILES: [FileOf; 4] = [FileOf::Session, FileOf::User, FileOf::Seat, FileOf::Machine];

/// What is in place: what has not changed from one case to the next is not made again.
pub struct Place {
    nodes: RefCell<Vec<(At, Node)>>,
    own_cgroup: RefCell<Bytes>,
    listing: RefCell<Option<Listing>>,
    null: OwnedFd,
    stderr: OwnedFd,
}

/// For as long as it lives, nothing that is written to stderr is seen.
pub struct Quiet<'a>(&'a OwnedFd);

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        sys::dup_to(self.0.as_raw_fd(), STDERR, false);
    }
}

impl Place {
    pub fn new() -> Self {
        for directory in FILES.map(FileOf::directory) {
            fs::create_dir_all(format!("{directory}/d")).expect("a directory");
            symlink("nothing", format!("{directory}/dangling")).expect("a link");
            symlink("loop", format!("{directory}/loop")).expect("a link");
        }
        fs::write("/run/systemd/linked", "STATE=linked\nACTIVE=1\nSEAT=seat0\nCLASS=linked\n0::/linked.service\n")
            .expect("a file");
        // Which machine a unit belongs to.
        let machines = FileOf::Machine.directory();
        for (unit, machine) in UNITS {
            symlink(machine, format!("{machines}/unit:{unit}")).expect("a link");
        }
        fs::write(format!("{machines}/unit:x.scope"), "m").expect("a file");
        fs::write(OWN_CGROUP, "").expect("a file");
        sys::bind_mount(c"/run/own-cgroup", c"/proc/self/cgroup").expect("a mount below /proc");
        for process in [1, processes::other()] {
            let directory = CString::new(format!("/proc/{process}")).expect("a path");
            sys::mount(c"tmpfs", &directory, 0).expect("a mount below /proc");
        }
        // Releases before 258 look there for the version of control groups, once.
        let _ = sys::mount(c"cgroup2", c"/sys/fs/cgroup", 0);
        // What nobody may read, root may not either.
        sys::respect_modes().expect("capabilities");
        let above = |fd: RawFd| sys::dup_above(fd, OWN).expect("a descriptor");
        Self {
            nodes: RefCell::default(),
            own_cgroup: RefCell::default(),
            listing: RefCell::default(),
            null: above(sys::open(c"/dev/null", libc::O_WRONLY).expect("/dev/null").as_raw_fd()),
            stderr: above(STDERR),
        }
    }

    /// libsystemd logs what it does not like in a file.
    pub fn quiet(&self) -> Quiet<'_> {
        sys::dup_to(self.null.as_raw_fd(), STDERR, false);
        Quiet(&self.stderr)
    }

    pub fn install(&self, state: &State) {
        let mut nodes = self.nodes.borrow_mut();
        for (at, node) in &state.nodes {
            let path = path(*at);
            match nodes.iter_mut().find(|(known, _)| known == at) {
                Some((_, present)) if present == node => {}
                Some((_, present)) => {
                    if !(matches!(present, Node::File(_)) && matches!(node, Node::File(_))) {
                        remove(&path, present);
                    }
                    make(&path, node);
                    present.clone_from(node);
                }
                None => {
                    make(&path, node);
                    nodes.push((*at, node.clone()));
                }
            }
        }
        if let Some(text) = state.own_cgroup.as_ref().filter(|text| **text != *self.own_cgroup.borrow()) {
            fs::write(OWN_CGROUP, &text.0).expect("a file");
            self.own_cgroup.borrow_mut().clone_from(text);
        }
        if let Some((file, listing)) = &state.listing {
            let mut present = self.listing.borrow_mut();
            if present.as_ref() != Some(listing) {
                list(Path::new(file.directory()), present.as_ref(), listing);
                *present = Some(listing.clone());
            }
        }
    }
}

const UNITS: &[(&str, &str)] = &[
    ("machine-m.scope", "m"),
    ("ssh.service", "m-n"),
    ("app-x.scope", "not/valid"),
    ("init.scope", "../machines/m"),
    ("user@1000.service", "größe"),
    ("session-c1.scope", "/"),
    ("session-1.scope", "m"),
];

fn path(at: At) -> PathBuf {
    match at {
        At::File(file) => [file.directory(), file.name()].iter().collect(),
        At::Init => "/proc/1/cgroup".into(),
        At::Other => format!("/proc/{}/cgroup", processes::other()).into(),
    }
}

fn make(path: &Path, node: &Node) {
    let made = match node {
        Node::File(content) => fs::write(path, &content.0),
        Node::Unreadable(content) => {
            fs::write(path, &content.0).and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o000)))
        }
        Node::LinkTo(target) => symlink(target, path),
        Node::Missing => Ok(()),
        Node::Directory => fs::create_dir(path),
        // As bind(2) would, which does not take as long a path.
        Node::Socket => sys::mknod(&c_string(path), libc::S_IFSOCK, 0, 0),
    };
    made.unwrap_or_else(|error| panic!("{path:?}, {node:?}: {error}"));
}

fn c_string(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("a path")
}

fn remove(path: &Path, node: &Node) {
    let removed = match node {
        Node::Missing => Ok(()),
        Node::Directory => fs::remove_dir_all(path),
        _ => fs::remove_file(path),
    };
    removed.unwrap_or_else(|error| panic!("{path:?}, {node:?}: {error}"));
}

/// Puts a directory in place of what was there before.
fn list(path: &Path, before: Option<&Listing>, listing: &Listing) {
    remove(path, before.map_or(&Node::Directory, |before| &before.directory));
    make(path, &listing.directory);
    if listing.directory == Node::Directory {
        for (name, node) in &listing.entries {
            let path = path.join(OsStr::from_bytes(&name.0));
            if fs::symlink_metadata(&path).is_err() {
                make(&path, node);
            }
        }
        for number in 0..listing.long {
            make(&path.join(format!("{number:0180}")), &Node::File(Bytes::default()));
        }
    }
}
