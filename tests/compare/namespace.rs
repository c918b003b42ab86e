//! A /run, message queues and a network that only this process sees.

use std::ffi::CStr;
use std::{fs, io};

use crate::sys;

/// Takes this process, which must have one thread, into namespaces of its own. As an ordinary user it becomes root there.
pub fn enter() -> io::Result<()> {
    // SAFETY: these take nothing.
    let (uid, gid) = unsafe { (libc::getuid(), libc::getgid()) };
    let own = libc::CLONE_NEWNS | libc::CLONE_NEWIPC | libc::CLONE_NEWNET;
    if sys::unshare(own).is_err() {
        sys::unshare(own | libc::CLONE_NEWUSER)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    }
    sys::mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE)?;
    sys::mount(c"tmpfs", c"/run", 0)?;
    sys::loopback_up()
}

pub const QUEUES: &CStr = c"/dev/mqueue";

/// Puts the message queues of this namespace where they are looked for.
pub fn mount_queues() -> io::Result<()> {
    sys::mount(c"mqueue", QUEUES, 0)
}
