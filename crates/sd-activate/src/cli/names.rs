//! The names of `--fdname=`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::log::say;

/// The longest name of a descriptor.
const FDNAME_MAX: usize = 255;

/// The names in lists separated by colons. Empty ones count only where a list holds nothing else.
pub fn read(lists: &[OsString]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    for list in lists {
        let before = names.len();
        let parts = list.as_bytes().split(|byte| *byte == b':').filter(|name| !name.is_empty());
        names.extend(parts.map(<[u8]>::to_vec));
        if names.len() == before {
            names.push(Vec::new());
        }
    }
    for name in &names {
        let printable = name.iter().all(|byte| (b' '..=b'~').contains(byte));
        if name.len() > FDNAME_MAX || !printable {
            let name = String::from_utf8_lossy(name);
            say(format_args!("File descriptor name {name:?} is not valid: up to 255 printable ASCII characters."));
        }
    }
    names
}

/// One name stands for every descriptor; any other number is passed as it is, and sd_listen_fds_with_names(3) objects.
pub fn of_each(names: Vec<Vec<u8>>, count: usize) -> Vec<Vec<u8>> {
    if let [name] = &names[..] {
        return vec![name.clone(); count];
    }
    if !names.is_empty() && names.len() != count {
        say(format_args!(
            "The number of fd names is different from the number of fds: {} vs {count}. \
             Give one name, or as many as there are descriptors: sd_listen_fds_with_names() fails otherwise.",
            names.len()
        ));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_descriptors_are_joined_as_systemd_socket_activate_joins_them() {
        let cases: &[(&[&str], usize, &str)] = &[
            (&["a"], 1, "a"),
            (&["a"], 3, "a:a:a"),
            (&["a:b"], 3, "a:b"),
            (&["a", "b"], 3, "a:b"),
            (&["a:b:c:d"], 3, "a:b:c:d"),
            (&[""], 3, "::"),
            (&["a:"], 3, "a:a:a"),
            (&[":a"], 3, "a:a:a"),
            (&["a::b"], 2, "a:b"),
            (&["::"], 2, ":"),
            (&["", "a"], 2, ":a"),
            (&["a", ""], 2, "a:"),
            (&["a\\:b"], 2, "a\\:b"),
            (&["a b"], 2, "a b:a b"),
        ];
        for (lists, count, expected) in cases {
            let lists: Vec<OsString> = lists.iter().map(OsString::from).collect();
            assert_eq!(of_each(read(&lists), *count).join(&b':'), expected.as_bytes(), "{lists:?} for {count}");
        }
    }
}
