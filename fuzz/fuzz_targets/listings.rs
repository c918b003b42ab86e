//! A directory below /run/systemd: which of its names there are lists of.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sdlite_core::login::list::{self, Directory};

use crate::files::{self, Files};
use crate::stated;

type Names = BTreeSet<Vec<u8>>;

/// The names have zeros between them. What begins with `d` is a directory, with `l` a link; the others are files.
pub fn listings(data: &[u8]) {
    let place = place();
    let (mut names, mut others) = (Names::new(), Names::new());
    for name in data.split(|byte| *byte == 0) {
        // Not all of them can be.
        let path = place.join(OsStr::from_bytes(name));
        if name.is_empty() || name.contains(&b'/') {
            continue;
        }
        match name[0] {
            b'd' if fs::create_dir(&path).is_ok() => others.insert(name.to_vec()),
            b'l' if symlink("nothing", &path).is_ok() => names.insert(name.to_vec()),
            b'd' | b'l' => continue,
            _ if File::create_new(&path).is_ok() => names.insert(name.to_vec()),
            _ => continue,
        };
    }
    let listed: Names = names.iter().filter(|name| is_listed(name)).cloned().collect();
    let is_any = !listed.is_empty();
    let of = |directory, can_have: fn(&[u8]) -> bool| {
        let expected: Names = listed.iter().filter(|name| can_have(name)).cloned().collect();
        let mut found = Names::new();
        let answer = call(&place, || {
            list::names(directory, &mut |name: &CStr| {
                assert!(found.insert(name.to_bytes().to_vec()), "twice: {name:?}");
                Ok(())
            })
        });
        assert_eq!((answer, found), (Ok(is_any), expected), "{}", data.escape_ascii());
    };
    of(Directory::Sessions, |_| true);
    of(Directory::Machines, is_host_name);
    of(Directory::Users, |name| stated::uid(name).is_ok());
    for name in &names {
        fs::remove_file(place.join(OsStr::from_bytes(name))).expect("what was made");
    }
    for name in &others {
        fs::remove_dir(place.join(OsStr::from_bytes(name))).expect("what was made");
    }
}

fn call<T>(place: &Path, call: impl FnOnce() -> T) -> T {
    let directory = CString::new(place.as_os_str().as_bytes()).expect("a path");
    files::run(Files { directory, ..Files::default() }, call)
}

/// A directory of this process's own.
fn place() -> PathBuf {
    thread_local! {
        static PLACE: OnceCell<PathBuf> = const { OnceCell::new() };
    }
    PLACE.with(|place| place.get_or_init(made).clone())
}

fn made() -> PathBuf {
    let mut template = std::env::temp_dir().join("sdlite-fuzz-XXXXXX").into_os_string().into_vec();
    template.push(0);
    // SAFETY: a C string, which is written to.
    assert!(!unsafe { libc::mkdtemp(template.as_mut_ptr().cast()) }.is_null());
    template.pop();
    PathBuf::from(std::ffi::OsString::from_vec(template))
}

fn is_listed(name: &[u8]) -> bool {
    const ENDS: &[&str] = &[
        "~",
        ".rpmnew",
        ".rpmsave",
        ".rpmorig",
        ".dpkg-old",
        ".dpkg-new",
        ".dpkg-tmp",
        ".dpkg-dist",
        ".dpkg-bak",
        ".dpkg-backup",
        ".dpkg-remove",
        ".ucf-new",
        ".ucf-old",
        ".ucf-dist",
        ".swp",
        ".bak",
        ".old",
        ".new",
        ".ignore",
    ];
    let is_of_disk = [&b"lost+found"[..], b"aquota.user", b"aquota.group"].contains(&name);
    name[0] != b'.' && !is_of_disk && !ENDS.iter().any(|end| name.ends_with(end.as_bytes()))
}

/// As the manual has it: parts of letters, digits and hyphens with dots between them, no hyphen at either end of a part.
fn is_host_name(name: &[u8]) -> bool {
    let mut before = b'.';
    for byte in name.iter().copied().chain([b'.']) {
        let fits = match byte {
            b'.' => !matches!(before, b'.' | b'-'),
            b'-' => before != b'.',
            byte => byte.is_ascii_alphanumeric(),
        };
        if !fits {
            return false;
        }
        before = byte;
    }
    name.len() <= 64
}
