//! sd_listen_fds(3): the descriptors that the manager passed.

use core::ffi::{CStr, c_int};

use crate::environment::{self, Group, Unset, Variables};
use crate::{Errno, Result, number, pidfd, sys};

/// The first descriptor passed; the others follow it.
pub const LISTEN_FDS_START: c_int = 3;

/// sd_listen_fds(3): how many descriptors were passed, each of them close-on-exec from now on.
pub fn listen_fds(unset: Option<Unset>) -> Result<c_int> {
    passed(&Variables::new(Group::Listen, unset))
}

/// sd_listen_fds_with_names(3): the number of descriptors, and what `store` made of their names; None where none were passed.
///
/// `store` has to copy the names, for the variable that holds them may be removed.
pub fn listen_fds_with_names<N>(
    unset: Option<Unset>,
    store: impl FnOnce(Names<'_>) -> Result<N>,
) -> Result<Option<(c_int, N)>> {
    let variables = Variables::new(Group::Listen, unset);
    let named = match variables.get(environment::LISTEN_FDNAMES) {
        Some(list) => Some(Names::split(list)?),
        None => None,
    };
    let count = passed(&variables)?;
    if count == 0 {
        return Ok(None);
    }
    // It is not negative.
    let n = count.unsigned_abs() as usize;
    let names = named.unwrap_or(Names::unknown(n));
    if names.left != n {
        return Err(Errno::INVAL);
    }
    Ok(Some((count, store(names)?)))
}

/// Removes the variables, for callers that know what was passed.
pub fn unset_environment(unset: Unset) {
    drop(Variables::new(Group::Listen, Some(unset)));
}

fn passed(variables: &Variables) -> Result<c_int> {
    let Some(pid) = variables.get(environment::LISTEN_PID) else { return Ok(0) };
    let pid = number::pid(pid)?;
    if pid != sys::getpid() {
        return Ok(0);
    }

    if let Some(id) = variables.get(environment::LISTEN_PIDFDID) {
        let id = number::u64(id)?;
        if pidfd::inode_id_of(pid).is_ok_and(|own| own != id) {
            return Ok(0);
        }
    }

    let Some(count) = variables.get(environment::LISTEN_FDS) else { return Ok(0) };
    let count = number::int(count)?;
    let end = match LISTEN_FDS_START.checked_add(count) {
        Some(end) if end > LISTEN_FDS_START => end,
        _ => return Err(Errno::INVAL),
    };
    for fd in LISTEN_FDS_START..end {
        sys::set_cloexec(fd)?;
    }
    Ok(count)
}

/// The names of the descriptors passed, in their order.
#[derive(Clone)]
pub struct Names<'a> {
    /// What is left of LISTEN_FDNAMES; without it each descriptor is `unknown`.
    list: Option<&'a [u8]>,
    left: usize,
}

/// The name of one descriptor.
#[derive(Clone, Copy)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Names<'a> {
    /// The names in the value of LISTEN_FDNAMES.
    pub fn split(list: &'a CStr) -> Result<Self> {
        let list = list.to_bytes();
        let (mut colons, mut escaped) = (0, false);
        for byte in list {
            colons += usize::from(!escaped && *byte == b':');
            escaped = !escaped && *byte == b'\\';
        }
        // The last byte has nothing left to escape.
        if escaped { Err(Errno::INVAL) } else { Ok(Self { list: Some(list), left: colons + 1 }) }
    }

    fn unknown(count: usize) -> Self {
        Self { list: None, left: count }
    }
}

impl<'a> Iterator for Names<'a> {
    type Item = Name<'a>;

    fn next(&mut self) -> Option<Name<'a>> {
        self.left = self.left.checked_sub(1)?;
        let Some(list) = self.list else { return Some(Name(b"unknown")) };
        let mut escaped = false;
        let colon = list.iter().position(|byte| {
            let found = !escaped && *byte == b':';
            escaped = !escaped && *byte == b'\\';
            found
        });
        let (name, rest) = colon.and_then(|colon| list.split_at_checked(colon)).unwrap_or((list, &[]));
        self.list = rest.get(1..);
        Some(Name(name))
    }
}

impl<'a> Name<'a> {
    /// The bytes of the name, with the backslashes that escaped others gone.
    pub fn bytes(self) -> impl Iterator<Item = u8> + use<'a> {
        let mut escaped = false;
        self.0.iter().copied().filter(move |byte| {
            escaped = !escaped && *byte == b'\\';
            !escaped
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::Names;
    use crate::Errno;
    use core::ffi::CStr;
    use std::string::String;
    use std::vec::Vec;

    fn names(list: &CStr) -> Result<Vec<String>, Errno> {
        Names::split(list).map(|names| names.map(|name| name.bytes().map(char::from).collect()).collect())
    }

    #[test]
    fn names_are_split_at_colons_that_no_backslash_escapes() {
        let cases: &[(&CStr, &[&str])] = &[
            (c"", &[""]),
            (c"a", &["a"]),
            (c"a:b", &["a", "b"]),
            (c":", &["", ""]),
            (c"a::b:", &["a", "", "b", ""]),
            (c"a\\:b:c", &["a:b", "c"]),
            (c"a\\\\:b", &["a\\", "b"]),
            (c"\\a\\\\\\::\"x y\"", &["a\\:", "\"x y\""]),
        ];
        for (list, expected) in cases {
            assert_eq!(names(list).unwrap(), *expected, "{list:?}");
        }
    }

    #[test]
    fn a_backslash_that_escapes_nothing_is_an_error() {
        for list in [c"\\", c"a:\\", c"a\\\\\\"] {
            assert_eq!(names(list), Err(Errno::INVAL), "{list:?}");
        }
    }

    #[test]
    fn descriptors_without_names_are_unknown() {
        let names: Vec<String> = Names::unknown(2).map(|name| name.bytes().map(char::from).collect()).collect();
        assert_eq!(names, ["unknown", "unknown"]);
    }
}
