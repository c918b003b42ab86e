//! By what libsystemd's answers may differ.

use super::arguments::Argument;
use super::outputs::Value;
use super::state::{At, Node, State};
use super::{Call, Case};
use crate::descriptors;
use crate::known::Known;
use crate::observe::{Errno, Observation};
use crate::zoo::Kind;

type Answer = Observation<Vec<Value>>;
/// A difference, and whether a case may have it.
type May = (&'static [Known], fn(&State) -> bool);

pub fn known(release: u32, call: &Call, case: &Case, theirs: &Answer, ours: &Answer) -> &'static [Known] {
    if !theirs.leaves_as(ours) {
        return &[];
    }
    // After an answer, only a number that has been read leaves another one there: 0, or ERANGE of one that is passed over; and
    // what a kernel refuses that has no PIDFD_GET_INFO.
    let says_nothing = ours.result < 0
        || matches!(ours.errno, Errno::Kept | Errno::Changed { to: 0 | libc::ERANGE | libc::ENOTTY, .. });
    if says_nothing && (theirs.result, &theirs.output) == (ours.result, &ours.output) {
        return &[Known::LoginErrno];
    }
    let not_pidfd = (theirs.result, ours.result) == (-libc::ENOTTY, -libc::EBADF);
    if not_pidfd && matches!(&case.argument, Argument::Descriptor(fd) if fd.kind().is_some_and(Kind::is_path_only)) {
        return &[Known::PidfdPath];
    }
    let not_open = (theirs.result, ours.result) == (-libc::EINVAL, -libc::EBADF);
    let is_negative = matches!(&case.argument, Argument::Descriptor(descriptors::Argument::Number(..0)));
    if not_open && is_negative && call.name == "sd_pidfd_get_owner_uid" {
        return &[Known::PidfdOwner];
    }
    let refused = theirs.result == -libc::EINVAL && theirs.errno == Errno::Kept;
    if refused && theirs.output.contains(&Value::NotWanted) {
        return &[Known::LoginNull];
    }
    let state = &case.state;
    let known: [May; 7] = [
        (&[Known::FileBlanks], |state| files(state).any(has_blanks_behind_newline)),
        (&[Known::FileComment], |state| files(state).any(has_comment_that_goes_on)),
        (&[Known::FileBackslash], |state| files(state).any(|text| text.contains(&b'\\'))),
        (&[Known::CgroupDots], |state| cgroups(state).any(has_dots)),
        (&[Known::CgroupLong], |state| cgroups(state).any(has_long_part)),
        (&[Known::CgroupRoot], has_other_root),
        (&[Known::NameIgnored], has_ignored_name),
    ];
    // One of those that this release has.
    let here = |known: &[Known]| known.iter().all(|known| known.concerns(release));
    known.into_iter().find(|(known, may)| here(known) && may(state)).map_or(&[], |(known, _)| known)
}

fn content(node: &Node) -> Option<&[u8]> {
    match node {
        Node::File(content) | Node::Unreadable(content) => Some(&content.0),
        _ => None,
    }
}

fn files(state: &State) -> impl Iterator<Item = &[u8]> {
    state.nodes.iter().filter(|(at, _)| matches!(at, At::File(_))).filter_map(|(_, node)| content(node))
}

fn init_cgroup(state: &State) -> Option<&[u8]> {
    state.nodes.iter().filter(|(at, _)| *at == At::Init).find_map(|(_, node)| content(node))
}

fn cgroups(state: &State) -> impl Iterator<Item = &[u8]> {
    let nodes = state.nodes.iter().filter(|(at, _)| !matches!(at, At::File(_))).filter_map(|(_, node)| content(node));
    nodes.chain(state.own_cgroup.as_ref().map(|text| &*text.0))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| b"\n\r\0".contains(byte))
}

fn parts(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(text).flat_map(|line| path(line).split(|byte| *byte == b'/').skip(1))
}

fn has_comment_that_goes_on(text: &[u8]) -> bool {
    let is_comment = |line: &[u8]| matches!(line.trim_ascii_start().first(), Some(b'#' | b';'));
    lines(text).any(|line| is_comment(line) && line.ends_with(b"\\"))
}

/// Whether there are only blanks behind a backslash and a newline.
fn has_blanks_behind_newline(text: &[u8]) -> bool {
    let lines: Vec<_> = lines(text).collect();
    let is_blank = |line: &[u8]| !line.is_empty() && line.trim_ascii().is_empty();
    lines.windows(2).any(|pair| pair[0].ends_with(b"\\") && is_blank(pair[1]))
}

fn has_dots(text: &[u8]) -> bool {
    parts(text).any(|part| [&b""[..], b".", b".."].contains(&part))
}

fn has_long_part(text: &[u8]) -> bool {
    parts(text).any(|part| part.len() > 255)
}

/// Whether process 1 is not in init.scope, or another is where that is.
fn has_other_root(state: &State) -> bool {
    let Some(init) = init_cgroup(state) else { return false };
    let root = init.strip_suffix(b"/init.scope\n").map(path);
    root.is_none_or(|root| !root.is_empty() && cgroups(state).any(|text| lines(text).any(|line| path(line) == root)))
}

/// What begins at the root, of a line, without what the kernel says of a control group that is gone.
fn path(line: &[u8]) -> &[u8] {
    let path = &line[line.iter().position(|byte| *byte == b'/').unwrap_or(line.len())..];
    path.strip_suffix(b" (deleted)").unwrap_or(path)
}

fn has_ignored_name(state: &State) -> bool {
    state.listing.iter().any(|(_, listing)| listing.entries.iter().any(|(name, _)| name.0.ends_with(b".ignore")))
}
