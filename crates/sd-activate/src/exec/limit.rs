//! LimitNOFILE= and its siblings.

use nix::errno::Errno;
use nix::sys::resource::{getrlimit, setrlimit};

use crate::spec::ResourceLimit;

/// Sets a limit; where that may not be had, the nearest that may, as systemd does.
pub(super) fn set(limit: &ResourceLimit) -> Result<(), Errno> {
    match setrlimit(limit.resource, limit.soft, limit.hard) {
        Err(Errno::EPERM) => {
            let (_, most) = getrlimit(limit.resource)?;
            let hard = limit.hard.min(most);
            setrlimit(limit.resource, limit.soft.min(hard), hard)
        }
        set => set,
    }
}
