//! glibc's own readers of such files, fgetpwent(3) and fgetgrent(3), read the same.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;

use proptest::prelude::*;

use super::*;

unsafe extern "C" {
    fn fgetpwent_r(
        stream: *mut libc::FILE,
        entry: *mut libc::passwd,
        buffer: *mut c_char,
        size: usize,
        found: *mut *mut libc::passwd,
    ) -> c_int;
    fn fgetgrent_r(
        stream: *mut libc::FILE,
        entry: *mut libc::group,
        buffer: *mut c_char,
        size: usize,
        found: *mut *mut libc::group,
    ) -> c_int;
}

type Read<T> = unsafe extern "C" fn(*mut libc::FILE, *mut T, *mut c_char, usize, *mut *mut T) -> c_int;

/// What glibc reads of a text, each entry as `line` writes it.
fn read_by_glibc<T>(text: &[u8], read: Read<T>, line: impl Fn(&T) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    if text.is_empty() {
        return lines;
    }
    let mut buffer = vec![0; 100_000];
    // SAFETY: the stream is over the text, which outlives it; each entry has room, and is read before the next.
    unsafe {
        let stream = libc::fmemopen(text.as_ptr().cast::<c_void>().cast_mut(), text.len(), c"r".as_ptr());
        assert!(!stream.is_null());
        loop {
            let mut entry = std::mem::zeroed();
            let mut found = ptr::null_mut();
            if read(stream, &mut entry, buffer.as_mut_ptr(), buffer.len(), &mut found) != 0 || found.is_null() {
                break;
            }
            lines.push(line(&entry));
        }
        libc::fclose(stream);
    }
    lines
}

/// The bytes of a string that glibc has read.
fn bytes<'a>(string: *const c_char) -> &'a [u8] {
    // SAFETY: it is a C string, in the buffer of whoever calls.
    unsafe { CStr::from_ptr(string) }.to_bytes()
}

fn users_by_glibc(text: &[u8]) -> Vec<Vec<u8>> {
    read_by_glibc(text, fgetpwent_r, |user| {
        let numbers = format!("{}:{}", user.pw_uid, user.pw_gid);
        let fields = [bytes(user.pw_name), bytes(user.pw_passwd), numbers.as_bytes(), bytes(user.pw_gecos)];
        [&fields[..], &[bytes(user.pw_dir), bytes(user.pw_shell)]].concat().join(&b':')
    })
}

fn groups_by_glibc(text: &[u8]) -> Vec<Vec<u8>> {
    read_by_glibc(text, fgetgrent_r, |group| {
        let mut members = Vec::new();
        // SAFETY: the list ends in a null pointer.
        unsafe {
            let mut member = group.gr_mem;
            while !(*member).is_null() {
                members.push(bytes(*member));
                member = member.add(1);
            }
        }
        let number = group.gr_gid.to_string();
        [bytes(group.gr_name), bytes(group.gr_passwd), number.as_bytes(), &members.join(&b',')].join(&b':')
    })
}

fn our_users(text: &[u8]) -> Vec<Vec<u8>> {
    let line = |user: User| {
        let numbers = format!("{}:{}", user.uid, user.gid);
        let (name, passwd, gecos) = (user.name.as_bytes(), user.passwd.as_bytes(), user.gecos.as_bytes());
        let (dir, shell) = (user.dir.as_os_str().as_bytes(), user.shell.as_os_str().as_bytes());
        [name, passwd, numbers.as_bytes(), gecos, dir, shell].join(&b':')
    };
    users(text).map(line).collect()
}

fn our_groups(text: &[u8]) -> Vec<Vec<u8>> {
    let line = |group: Group| {
        let (number, members) = (group.gid.to_string(), group.mem.join(","));
        [group.name.as_bytes(), group.passwd.as_bytes(), number.as_bytes(), members.as_bytes()].join(&b':')
    };
    groups(text).map(line).collect()
}

/// Whether all of `some` are in `all`, in their order.
fn is_within(some: &[Vec<u8>], all: &[Vec<u8>]) -> bool {
    let mut all = all.iter();
    some.iter().all(|one| all.any(|other| other == one))
}

#[test]
fn the_files_of_this_machine_are_read_as_the_c_library_reads_them() {
    let (passwd, group) = (read(PASSWD).unwrap(), read(GROUP).unwrap());
    assert_eq!(our_users(&passwd), users_by_glibc(&passwd));
    assert_eq!(our_groups(&group), groups_by_glibc(&group));
    assert_eq!(find_user(|user| user.uid.is_root()).unwrap().map(|user| user.name).as_deref(), Some("root"));
    for user in users(&passwd) {
        let name = CString::new(user.name.clone()).unwrap();
        let mut ours = groups_of(&name, user.gid).unwrap();
        let mut theirs = crate::groups_of(&name, user.gid).unwrap();
        ours.sort_by_key(|gid| gid.as_raw());
        theirs.sort_by_key(|gid| gid.as_raw());
        assert_eq!(ours, theirs, "{}", user.name);
    }
}

#[test]
fn lines_are_entries_or_passed_over() {
    let cases: [(&str, &str, &str); 14] = [
        ("a:x:1:2:c:/d:/s", "a:x:1:2:c:/d:/s", ""),
        ("  a:x:1:2:c:/d:/s\n\n", "a:x:1:2:c:/d:/s", ""),
        ("a:x:1:2:::", "a:x:1:2:::", ""),
        ("a:x:1:2:c:/d:/s:more", "a:x:1:2:c:/d:/s:more", ""),
        ("# a:x:1:2:c:/d:/s", "", ""),
        ("+a:x:1:2:c:/d:/s", "", ""),
        (":x:1:2:c:/d:/s", "", ""),
        ("a:x::2:c:/d:/s", "", ""),
        ("a:x:-1:2:c:/d:/s", "", ""),
        ("a:x:4294967296:2:c:/d:/s", "", ""),
        ("g:x:1:", "", "g:x:1:"),
        ("g:x:1:a,b, c ,, ,d", "", "g:x:1:a,b,c ,d"),
        ("g:x:1", "", ""),
        ("g:x:x:a", "", ""),
    ];
    for (text, user, group) in cases {
        assert_eq!(our_users(text.as_bytes()).join(&b'\n'), user.as_bytes(), "{text}");
        if user.is_empty() {
            assert_eq!(our_groups(text.as_bytes()).join(&b'\n'), group.as_bytes(), "{text}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_read_is_what_glibc_reads(text in "([a-c#+-]{0,2}(:[a,0-9 ]{0,4}){2,8}\n?){0,4}") {
        let text = text.as_bytes();
        prop_assert!(is_within(&our_users(text), &users_by_glibc(text)), "{:?}", users_by_glibc(text));
        prop_assert!(is_within(&our_groups(text), &groups_by_glibc(text)), "{:?}", groups_by_glibc(text));
    }

    #[test]
    fn entries_are_read_as_glibc_reads_them(
        users in prop::collection::vec("[a-z][a-z0-9_-]{0,8}:x?:[0-9]{1,9}:[0-9]{1,9}:[^:\n\0]{0,9}:/[a-z/]{0,9}:[a-z/]{0,9}", 0..5),
        groups in prop::collection::vec("[a-z][a-z0-9_-]{0,8}:x?:[0-9]{1,9}:([a-z]{1,5}(,[a-z]{1,5}){0,4})?", 0..5),
    ) {
        let (users, groups) = (users.join("\n"), groups.join("\n"));
        prop_assert_eq!(our_users(users.as_bytes()), users_by_glibc(users.as_bytes()));
        prop_assert_eq!(our_groups(groups.as_bytes()), groups_by_glibc(groups.as_bytes()));
    }
}
