//! Paths: of the very file, of others, and of nothing.

use std::ffi::{CStr, c_uint};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;

use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;
use crate::sys;
use crate::zoo::Kind;

/// Files of all kinds in the current directory, each with a hard link and a symlink. `missing` is told what cannot be made.
pub fn make(mut missing: impl FnMut(String)) -> io::Result<()> {
    for file in ["file", "file2"] {
        File::create(file)?;
    }
    for fifo in [c"fifo", c"fifo2"] {
        sys::mkfifo(fifo)?;
    }
    let node = |path: &'static CStr, kind, major: c_uint, minor: c_uint| sys::mknod(path, kind, major, minor);
    for made in [
        node(c"null", libc::S_IFCHR, 1, 3),
        node(c"zero", libc::S_IFCHR, 1, 5),
        node(c"block", libc::S_IFBLK, 7, 0),
        // The numbers of /dev/null, and no character device.
        node(c"block-null", libc::S_IFBLK, 1, 3),
    ] {
        made.unwrap_or_else(|error| missing(format!("device nodes: {error}")));
    }
    fs::create_dir("directory")?;
    for path in ["file", "file2", "fifo", "fifo2"] {
        fs::hard_link(path, format!("{path}.hard"))?;
        symlink(path, format!("{path}.soft"))?;
    }
    symlink("file.soft", "file.soft.soft")?;
    symlink("fifo.soft", "fifo.soft.soft")?;
    symlink("nothing", "dangling")?;
    symlink("loop", "loop")?;
    symlink("directory", "directory.soft")?;
    symlink("/dev/null", "null.soft")
}

const PATHS: &[&str] = &[
    "file",
    "file2",
    "fifo",
    "fifo2",
    "fifo.hard",
    "fifo.soft",
    "fifo.soft.soft",
    "file.hard",
    "file.soft",
    "file.soft.soft",
    "fifo2.hard",
    "null",
    "zero",
    "null.soft",
    "block",
    "block-null",
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/ptmx",
    "/dev/mqueue/a",
    "/dev/mqueue/a/",
    "/dev/mqueue/b",
    "/dev/mqueue",
    "stream",
    "listening",
    "directory",
    "directory.soft",
    "nothing",
    "nothing/file",
    "file/x",
    "fifo/x",
    "dangling",
    "dangling/x",
    "loop",
    "loop/x",
    "",
    "/",
    ".",
    "..",
    "directory/",
    "fifo/",
    "fifo/.",
    "file/",
    "directory/../file",
    "directory/../fifo",
    "./fifo",
    ".//file",
    "/proc/self/fd/3",
    "/proc/self/fd/4",
    "/proc/self/fd/99999",
    "file.soft/",
    "\u{e4}",
    " ",
    "file ",
];

#[derive(Clone, Debug)]
pub enum Path {
    Null,
    /// A path of the descriptor's own file, with something in front and behind.
    Own(&'static str, &'static str),
    Named(&'static str),
    /// The own file by a path of so many bytes.
    Long(usize),
    /// A name of so many bytes, where a file system has 255.
    LongName(usize),
    Raw(Bytes),
}

impl Path {
    /// None for NULL.
    pub fn bytes(&self, kind: Option<Kind>) -> Option<Vec<u8>> {
        let own = || kind.and_then(Kind::path).map_or(&b"file"[..], CStr::to_bytes);
        Some(match self {
            Self::Null => return None,
            // Nothing in front of a path that begins at the root.
            Self::Own(_, suffix) if own().starts_with(b"/") => [own(), suffix.as_bytes()].concat(),
            Self::Own(prefix, suffix) => [prefix.as_bytes(), own(), suffix.as_bytes()].concat(),
            Self::Named(path) => path.as_bytes().to_vec(),
            Self::Long(length) => {
                let own = own();
                let filler = if own.starts_with(b"/") { "/" } else { "./" };
                let room = length.saturating_sub(own.len());
                let filler = filler.repeat(room / filler.len());
                [filler.as_bytes(), own].concat()
            }
            Self::LongName(length) => vec![b'n'; *length],
            Self::Raw(bytes) => bytes.0.clone(),
        })
    }
}

pub fn paths() -> impl Strategy<Value = Path> {
    let suffix = select(&[".hard", ".soft", ".soft.soft", "/", "/.", "/x", "x", "2"][..]);
    let prefix =
        select(&["./", "directory/../", "directory/", "directory.soft/../", "nothing/../", "file/../", "/"][..]);
    prop_oneof![
        4 => Just(Path::Null),
        8 => Just(Path::Own("", "")),
        3 => suffix.prop_map(|suffix| Path::Own("", suffix)),
        1 => prefix.prop_map(|prefix| Path::Own(prefix, "")),
        6 => select(PATHS).prop_map(Path::Named),
        1 => (4090..4100_usize).prop_map(Path::Long),
        1 => (250..260_usize).prop_map(Path::LongName),
        1 => proptest::collection::vec(1..=255_u8, 0..6).prop_map(|bytes| Path::Raw(Bytes(bytes))),
    ]
}
