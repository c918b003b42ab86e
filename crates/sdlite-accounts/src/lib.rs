#![doc = include_str!("../README.md")]
//!
//! # Errors
//!
//! Those of the C library's functions, or of reading the file. That there is no such user or group is none.

pub mod files;

use std::ffi::CStr;

use nix::Result;
use nix::unistd::{Gid, Group, Uid, User};

/// Makes each function the one or the other. In a static program the C library's must not even be named: the linker would warn.
macro_rules! either {
    ($(#[$comment:meta] $name:ident($($argument:ident: $kind:ty),*) -> $found:ty { $dynamic:expr, $static:expr })*) => {
        $(
            #[$comment]
            pub fn $name($($argument: $kind),*) -> Result<$found> {
                #[cfg(not(target_feature = "crt-static"))]
                return $dynamic;
                #[cfg(target_feature = "crt-static")]
                return $static;
            }
        )*
    };
}

either! {
    /// The user of a name: getpwnam(3).
    user_by_name(name: &str) -> Option<User> { User::from_name(name), files::find_user(|user| user.name == name) }
    /// The user of a number: getpwuid(3).
    user_by_uid(uid: Uid) -> Option<User> { User::from_uid(uid), files::find_user(|user| user.uid == uid) }
    /// The group of a name: getgrnam(3).
    group_by_name(name: &str) -> Option<Group> { Group::from_name(name), files::find_group(|group| group.name == name) }
    /// The group of a number: getgrgid(3).
    group_by_gid(gid: Gid) -> Option<Group> { Group::from_gid(gid), files::find_group(|group| group.gid == gid) }
    /// The groups that a user is in, with the one that it has by itself: getgrouplist(3).
    groups_of(user: &CStr, gid: Gid) -> Vec<Gid> { nix::unistd::getgrouplist(user, gid), files::groups_of(user, gid) }
}
