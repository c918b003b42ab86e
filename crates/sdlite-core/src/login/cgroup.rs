//! Control groups: which one a process is in, and what its path says. The manager puts each slice, service and scope into one
//! of its own, named after it; a user's manager goes on below its own.

use super::{Buffer, keep, session};
use crate::text::{self, Text};
use crate::{Errno, Result, number, sys};

/// The slice that all others are in.
pub(super) const ROOT_SLICE: &[u8] = b"-.slice";

/// libsystemd reads no longer line.
const LONGEST_LINE: usize = 1 << 20;

/// No file, and no unit, has a longer name.
const NAME_MAX: usize = 255;

/// Adds the path of the control group that a process is in; empty is the root. Process 0 is this one.
///
/// The file has a line for each hierarchy, `number:controllers:path`. The number of the one that counts, that of version 2, is 0.
pub(super) fn read(pid: libc::pid_t, buffer: &mut dyn Buffer) -> Result<()> {
    let mut room = text::room::<32>();
    let mut path = Text::new(&mut room);
    path.push(b"/proc/");
    match pid {
        0 => path.push(b"self"),
        pid => path.push_decimal(pid),
    };
    let path = path.push(b"/cgroup").finish()?;
    let file = sys::open(path, 0).map_err(|error| if error == Errno::NOENT { Errno::SRCH } else { error })?;

    let start = buffer.bytes().len();
    let mut line = start;
    let mut room = text::room::<4096>();
    loop {
        let bytes = sys::read(file.raw(), &mut room)?;
        // The end of the file ends a line too.
        buffer.push(if bytes.is_empty() { b"\n" } else { bytes })?;
        while let Some(rest) = buffer.bytes().get(line..) {
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r' | 0));
            if end.unwrap_or(rest.len()) >= LONGEST_LINE {
                return Err(Errno::NOBUFS);
            }
            let Some(end) = end else { break };
            if let Some(path) = rest.get(..end).and_then(path_of) {
                if path.starts_with(b"/../") {
                    // It is outside of what this process can see.
                    return Err(Errno::UNATCH);
                }
                let from = line + end - path.len();
                let len = path.strip_suffix(b" (deleted)").unwrap_or(path).len();
                keep(buffer, start, &(from..from + len));
                return Ok(());
            }
            line += end + 1;
        }
        if bytes.is_empty() {
            return Err(Errno::NODATA);
        }
    }
}

/// The path in the line of version 2.
fn path_of(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"0:")?;
    let (_controllers, path) = rest.split_at_checked(rest.iter().position(|byte| *byte == b':')? + 1)?;
    Some(path)
}

/// The path below the control group of the manager of this system, which in a container is not the root. Process 1 is in `root`,
/// or in init.scope below it.
pub(super) fn below<'a>(path: &'a [u8], root: &[u8]) -> &'a [u8] {
    let root = root.strip_suffix(b"/init.scope").unwrap_or(root);
    let both_absolute = path.starts_with(b"/") == root.starts_with(b"/");
    let rest = if root.is_empty() || !both_absolute { None } else { behind(path, root) };
    let slash = rest.and_then(|rest| path.len().checked_sub(rest.len() + 1));
    match slash.and_then(|slash| path.get(slash..)) {
        Some(rest @ [b'/', ..]) => rest,
        _ => path,
    }
}

/// What is behind the components of `root`, slashes and dots left out, if the path begins with them.
fn behind<'a>(path: &'a [u8], root: &[u8]) -> Option<&'a [u8]> {
    let (mut path, mut root) = (path, root);
    loop {
        let (component, rest) = component(path).ok()?;
        let (expected, rest_of_root) = self::component(root).ok()?;
        if expected.is_empty() {
            return path.get(path.len() - component.len() - rest.len()..);
        }
        if component != expected {
            return None;
        }
        (path, root) = (rest, rest_of_root);
    }
}

/// The first component of a path that is not a dot, and the rest; empty where there is none.
fn component(mut path: &[u8]) -> Result<(&[u8], &[u8])> {
    loop {
        path = trim_slashes(path);
        let (first, rest) = split(path);
        match first {
            b"." => path = rest,
            b".." => return Err(Errno::INVAL),
            first if first.len() > NAME_MAX => return Err(Errno::INVAL),
            first => return Ok((first, rest)),
        }
    }
}

/// The part of the path up to the next slash, and the rest.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
    path.split_at_checked(end).unwrap_or_default()
}

fn trim_slashes(mut path: &[u8]) -> &[u8] {
    while let [b'/', rest @ ..] = path {
        path = rest;
    }
    path
}

/// The unit of a path: the first component that is not a slice.
pub(super) fn unit(path: &[u8]) -> Option<&[u8]> {
    let unit = unescape(split(behind_slices(path)).0);
    (is_unit(unit) && !unit.ends_with(b".slice")).then_some(unit)
}

/// The slice of a path: the last of the slices it begins with. Empty where there is none: that is [`ROOT_SLICE`].
pub(super) fn slice(mut path: &[u8]) -> Result<&[u8]> {
    let mut slice: &[u8] = b"";
    loop {
        let (component, rest) = component(path)?;
        if !is_slice(component) {
            return Ok(slice);
        }
        slice = unescape(component);
        path = rest;
    }
}

/// The session of a path.
pub(super) fn session(path: &[u8]) -> Option<&[u8]> {
    unit(path).and_then(session_of_scope)
}

/// The user of a slice.
pub(super) fn owner(slice: &[u8]) -> Option<&[u8]> {
    slice.strip_prefix(b"user-")?.strip_suffix(b".slice").filter(|uid| is_uid(uid))
}

/// The path below a user's manager, or below a session, which was one.
pub(super) fn of_user(path: &[u8]) -> Option<&[u8]> {
    let (manager, rest) = split(behind_slices(path));
    (is_manager(manager) || session_of_scope(manager).is_some()).then_some(rest)
}

fn is_manager(unit: &[u8]) -> bool {
    unit.strip_prefix(b"user@").and_then(|unit| unit.strip_suffix(b".service")).is_some_and(is_uid)
}

fn is_uid(uid: &[u8]) -> bool {
    let mut room = text::room::<16>();
    Text::new(&mut room).push(uid).finish().and_then(number::uid).is_ok()
}

fn session_of_scope(unit: &[u8]) -> Option<&[u8]> {
    unit.strip_prefix(b"session-")?.strip_suffix(b".scope").filter(|id| session::is_id(id))
}

fn behind_slices(mut path: &[u8]) -> &[u8] {
    loop {
        path = trim_slashes(path);
        let (component, rest) = split(path);
        if !is_slice(component) {
            return path;
        }
        path = rest;
    }
}

fn is_slice(component: &[u8]) -> bool {
    let unit = unescape(component);
    unit.ends_with(b".slice") && !unit.contains(&b'@') && is_unit(unit)
}

/// The manager puts an underscore in front of names that the kernel's own files have.
fn unescape(component: &[u8]) -> &[u8] {
    component.strip_prefix(b"_").unwrap_or(component)
}

/// Whether this is the name of a unit that there can be, with its instance if it is of a template.
#[inline(never)]
fn is_unit(name: &[u8]) -> bool {
    const KINDS: &[u8] = b"service socket target device mount automount swap timer path slice scope";
    let is_valid = |byte: &u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(byte);
    let Some((stem, kind)) = text::suffix(name) else { return false };
    let instance = stem.iter().position(|byte| *byte == b'@');
    name.len() <= NAME_MAX
        && name.iter().all(is_valid)
        && text::place(kind, KINDS, false).is_some()
        && !stem.is_empty()
        && instance.is_none_or(|at| at > 0 && at + 1 < stem.len())
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{below, of_user, owner, session, slice, unit};
    use crate::Errno;
    use std::format;

    /// What a path says: unit, slice, session, unit and slice of a user's manager, owner; `-` where there is none.
    fn told(path: &str) -> [&str; 6] {
        fn text(found: Option<&[u8]>) -> &str {
            found.map_or("-", |found| std::str::from_utf8(found).unwrap())
        }
        let path = path.as_bytes();
        let user = of_user(path);
        let slice_of = |path| text(slice(path).ok());
        [
            text(unit(path)),
            slice_of(path),
            text(session(path)),
            text(user.and_then(unit)),
            user.map_or("-", slice_of),
            text(slice(path).ok().and_then(owner)),
        ]
    }

    #[test]
    fn paths_are_read_as_libsystemd_reads_them() {
        let cases: &[(&str, [&str; 6])] = &[
            ("", ["-", "", "-", "-", "-", "-"]),
            ("/", ["-", "", "-", "-", "-", "-"]),
            ("/init.scope", ["init.scope", "", "-", "-", "-", "-"]),
            ("/system.slice/a.service/b", ["a.service", "system.slice", "-", "-", "-", "-"]),
            ("/a.slice/a-b.slice/c@d.service", ["c@d.service", "a-b.slice", "-", "-", "-", "-"]),
            ("/user.slice/user-7.slice/session-c1.scope", ["session-c1.scope", "user-7.slice", "c1", "-", "", "7"]),
            (
                "/user.slice/user-7.slice/user@7.service/app.slice/a.service",
                ["user@7.service", "user-7.slice", "-", "a.service", "app.slice", "7"],
            ),
            ("/session-3.scope/init.scope", ["session-3.scope", "", "3", "init.scope", "", "-"]),
            // Names of the kernel's files are escaped, but those of sessions and managers never need it.
            ("/_a.slice/_cgroup.service", ["cgroup.service", "a.slice", "-", "-", "-", "-"]),
            ("/_session-c1.scope/a.service", ["session-c1.scope", "", "c1", "-", "-", "-"]),
            ("/__.service", ["_.service", "", "-", "-", "-", "-"]),
            // Slashes count for nothing, dots for some.
            ("//a.slice//b.service/", ["b.service", "a.slice", "-", "-", "-", "-"]),
            ("a.slice/b.service", ["b.service", "a.slice", "-", "-", "-", "-"]),
            ("/./a.slice/b.service", ["-", "a.slice", "-", "-", "-", "-"]),
            ("/a.slice/../b.service", ["-", "-", "-", "-", "-", "-"]),
            ("/a.slice/b.service/..", ["b.service", "a.slice", "-", "-", "-", "-"]),
            // No names of what they look like.
            ("/a@.service", ["-", "", "-", "-", "-", "-"]),
            ("/@a.service", ["-", "", "-", "-", "-", "-"]),
            ("/a@b.slice/c.service", ["-", "", "-", "-", "-", "-"]),
            ("/.slice/a.service", ["-", "", "-", "-", "-", "-"]),
            ("/a+b.service", ["-", "", "-", "-", "-", "-"]),
            ("/a.Service", ["-", "", "-", "-", "-", "-"]),
            ("/session-a_b.scope/c.service", ["session-a_b.scope", "", "-", "-", "-", "-"]),
            ("/user@x.service/c.service", ["user@x.service", "", "-", "-", "-", "-"]),
            ("/user@07.service/c.service", ["user@07.service", "", "-", "-", "-", "-"]),
            ("/user-07.slice", ["-", "user-07.slice", "-", "-", "-", "-"]),
            ("/user-65535.slice", ["-", "user-65535.slice", "-", "-", "-", "-"]),
            ("/user-4294967294.slice", ["-", "user-4294967294.slice", "-", "-", "-", "4294967294"]),
        ];
        for (path, expected) in cases {
            assert_eq!(told(path), *expected, "{path}");
        }
    }

    #[test]
    fn no_name_is_longer_than_that_of_a_file() {
        let unit_of = |len: usize| format!("/{}.service", "a".repeat(len - ".service".len()));
        assert_eq!(unit(unit_of(255).as_bytes()).map(<[u8]>::len), Some(255));
        assert_eq!(unit(unit_of(256).as_bytes()), None);
        assert_eq!(slice(unit_of(256).as_bytes()), Err(Errno::INVAL));
    }

    #[test]
    fn a_path_is_one_below_that_of_the_manager() {
        // The path, that of process 1, and what is below.
        let cases: &[(&str, &str, &str)] = &[
            ("/a", "", "/a"),
            ("/a", "/init.scope", "/a"),
            ("/a", "/", "/a"),
            ("/c/a", "/c/init.scope", "/a"),
            ("/c/a", "/c", "/a"),
            ("/c/a", "/c/", "/a"),
            ("//c/.//a/b", "/c", "/a/b"),
            ("/./a", "//init.scope", "/a"),
            ("/./a", "/init.scope", "/./a"),
            ("/c", "/c", "/c"),
            ("/c/", "/c", "/"),
            ("/c/.", "/c", "/c/."),
            ("/c/./", "/c", "/"),
            ("/cc/a", "/c", "/cc/a"),
            ("/c/../a", "/c", "/c/../a"),
            ("c/a", "/c", "c/a"),
            ("/a", "/c/init.scope", "/a"),
            ("a", ".", "a"),
            ("./a", "./init.scope", "/a"),
        ];
        for (path, root, expected) in cases {
            let rest = below(path.as_bytes(), root.as_bytes());
            assert_eq!(std::str::from_utf8(rest), Ok(*expected), "{path} below {root}");
        }
    }
}
