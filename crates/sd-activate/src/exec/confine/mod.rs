//! What confines a command: laid out beforehand, and done between clone(2) and execve(2) without allocating.

mod bpf;
mod capabilities;
mod filter;

use libc::sock_filter;
use nix::errno::Errno;

use super::plan::Credentials;
use crate::rights;
use crate::spec::capability::{self, Capabilities, named};
use crate::spec::{Confinement, ExecSpec};

pub(super) use capabilities::Privileges;

/// What is done to a command's process, besides what it runs as.
#[derive(Debug, Default)]
pub struct Confined {
    /// What becomes of its capabilities.
    pub(super) privileges: Privileges,
    /// Which system calls it may make. All, where it is empty.
    filter: Vec<sock_filter>,
}

impl Confined {
    /// Lays it out for a command that becomes somebody else, or not.
    pub fn new(exec: &ExecSpec, credentials: Option<&Credentials>) -> Self {
        let confinement = &exec.confinement;
        let filter = filter::program(exec).unwrap_or_default();
        // The kernel takes a filter only from who may do anything, or gains nothing by executing another program.
        let uid = credentials.and_then(|credentials| credentials.ids).map(|(uid, _)| uid);
        let remains = uid.is_none_or(nix::unistd::Uid::is_root);
        let may_filter = remains && rights::effective() & capability::set(named::SYS_ADMIN) != 0;
        let privileges = Privileges {
            bounding: bounding(confinement),
            ambient: confinement.ambient,
            secure_bits: confinement.secure_bits,
            no_new: confinement.no_new_privileges || !filter.is_empty() && !may_filter,
        };
        Self { privileges, filter }
    }

    /// Has the kernel filter system calls from here on.
    pub(super) fn filter(&self) -> Result<(), Errno> {
        if self.filter.is_empty() {
            return Ok(());
        }
        let program = libc::sock_fprog { len: self.filter.len() as u16, filter: self.filter.as_ptr().cast_mut() };
        let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, 0);
        // SAFETY: instructions, which the kernel reads only, and their number.
        Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) }).map(drop)
    }
}

/// The capabilities that can still be had. None where that is all.
fn bounding(confinement: &Confinement) -> Option<Capabilities> {
    let mut given_up = 0;
    for (does, capabilities) in [
        (confinement.protect_clock, capability::set(named::SYS_TIME) | capability::set(named::WAKE_ALARM)),
        (confinement.protect_kernel_modules, capability::set(named::SYS_MODULE)),
        (confinement.protect_kernel_logs, capability::set(named::SYSLOG)),
        (confinement.private_devices, capability::set(named::MKNOD) | capability::set(named::SYS_RAWIO)),
    ] {
        if does {
            given_up |= capabilities;
        }
    }
    let remaining = confinement.bounding.unwrap_or(capability::ALL) & !given_up;
    (confinement.bounding.is_some() || given_up != 0).then_some(remaining)
}
