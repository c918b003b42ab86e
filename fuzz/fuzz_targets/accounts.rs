//! passwd(5) and group(5): what is read of them, written as such a file has it, is read again; and who is in a group is one of its
//! members.
#![no_main]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

use libfuzzer_sys::fuzz_target;
use nix::unistd::{Gid, Group, User};
use sdlite_accounts::files::{groups, memberships, users};

fuzz_target!(|data: &[u8]| {
    for user in users(data) {
        let again: Vec<_> = users(&line_of_user(&user)).collect();
        assert_eq!(again, [user]);
    }
    for group in groups(data) {
        let again: Vec<_> = groups(&line_of_group(&group)).collect();
        assert_eq!(again, std::slice::from_ref(&group));
        for member in &group.mem {
            let member = CString::new(member.as_str()).expect("a line without a zero byte");
            assert!(memberships(data, &member, Gid::from_raw(7)).contains(&group.gid));
        }
    }
});

fn line_of_user(user: &User) -> Vec<u8> {
    let numbers = format!("{}:{}", user.uid, user.gid);
    let fields = [user.name.as_bytes(), user.passwd.as_bytes(), numbers.as_bytes(), user.gecos.as_bytes()];
    [&fields[..], &[user.dir.as_os_str().as_bytes(), user.shell.as_os_str().as_bytes()]].concat().join(&b':')
}

fn line_of_group(group: &Group) -> Vec<u8> {
    let (number, members) = (group.gid.to_string(), group.mem.join(","));
    [group.name.as_bytes(), group.passwd.as_bytes(), number.as_bytes(), members.as_bytes()].join(&b':')
}
