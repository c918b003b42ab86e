//! What conditions ask of the manager itself: of this process.

use nix::unistd::{Gid, Uid, getgroups};

use crate::account;
use crate::spec::capability;

/// The last number of a system's own users.
const SYSTEM_UID_MAX: u32 = 999;

/// Whether a capability is in the bounding set. None where there is none of that name.
pub(super) fn has_capability(name: &str) -> Option<bool> {
    let number = capability::number(name)?;
    // SAFETY: takes numbers.
    Some(unsafe { libc::prctl(libc::PR_CAPBSET_READ, number as libc::c_ulong, 0, 0, 0) } == 1)
}

pub(super) fn has_variable(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) => std::env::var_os(name).is_some_and(|own| own == value),
        None => std::env::var_os(parameter).is_some(),
    }
}

pub(super) fn is_user(parameter: &str) -> bool {
    let (real, effective) = (Uid::current(), Uid::effective());
    let wanted = match parameter.parse() {
        Ok(number) => Uid::from_raw(number),
        Err(_) if parameter == "@system" => {
            return real.as_raw() <= SYSTEM_UID_MAX || effective.as_raw() <= SYSTEM_UID_MAX;
        }
        Err(_) => match account::user(parameter) {
            Ok(user) => user.uid,
            Err(_) => return false,
        },
    };
    wanted == real || wanted == effective
}

pub(super) fn has_group(parameter: &str) -> bool {
    let wanted = match parameter.parse() {
        Ok(number) => Gid::from_raw(number),
        Err(_) => match account::group(parameter) {
            Ok(group) => group,
            Err(_) => return false,
        },
    };
    wanted == Gid::current() || wanted == Gid::effective() || getgroups().is_ok_and(|groups| groups.contains(&wanted))
}
