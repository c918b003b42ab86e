//! Capabilities of a command's process, between clone(2) and execve(2): nothing is allocated here.

use nix::errno::Errno;

use crate::rights;
use crate::spec::capability::{self, Capabilities};

/// What becomes of its capabilities, and of what bears upon them.
#[derive(Debug, Default)]
pub struct Privileges {
    /// CapabilityBoundingSet=, and what other settings leave of it. None: as this process's.
    pub bounding: Option<Capabilities>,
    /// AmbientCapabilities=.
    pub ambient: Capabilities,
    /// SecureBits=.
    pub secure_bits: libc::c_int,
    /// NoNewPrivileges=.
    pub no_new: bool,
}

impl Privileges {
    /// Gives up what is not in the bounding set.
    pub(in crate::exec) fn bound(&self) -> Result<(), Errno> {
        let Some(bounding) = self.bounding else { return Ok(()) };
        for number in 0..u64::BITS {
            if bounding & capability::set(number) != 0 {
                continue;
            }
            // SAFETY: takes numbers.
            match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(number), 0, 0, 0) }) {
                // The kernel knows none from this number on.
                Err(Errno::EINVAL) => break,
                dropped => dropped.map(drop)?,
            }
        }
        // What programs might get back by their files.
        let sets = rights::get()?;
        match sets.inheritable & !bounding {
            0 => Ok(()),
            _ => rights::set(rights::Sets { inheritable: sets.inheritable & bounding, ..sets }),
        }
    }

    /// Keeps them while the process becomes somebody else, if they are for that one.
    pub(in crate::exec) fn keep(&self) -> Result<(), Errno> {
        if self.ambient == 0 {
            return Ok(());
        }
        // SAFETY: takes numbers.
        Errno::result(unsafe { libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0) }).map(drop)
    }

    /// Sets the secure bits.
    pub(in crate::exec) fn secure(&self) -> Result<(), Errno> {
        if self.secure_bits == 0 {
            return Ok(());
        }
        // SAFETY: takes nothing.
        let own = Errno::result(unsafe { libc::prctl(libc::PR_GET_SECUREBITS) })?;
        // SAFETY: takes numbers.
        Errno::result(unsafe {
            libc::prctl(libc::PR_SET_SECUREBITS, libc::c_ulong::from((own | self.secure_bits) as u32))
        })
        .map(drop)
    }

    /// Has the next program keep the ambient ones; those that this process does not have cannot be had.
    pub(in crate::exec) fn raise(&self) -> Result<(), Errno> {
        if self.ambient == 0 {
            return Ok(());
        }
        let sets = rights::get()?;
        let ambient = self.ambient & sets.permitted & self.bounding.unwrap_or(capability::ALL);
        rights::set(rights::Sets {
            effective: sets.permitted,
            permitted: sets.permitted,
            inheritable: sets.inheritable | ambient,
        })?;
        for number in (0..u64::BITS).filter(|number| ambient & capability::set(*number) != 0) {
            let number = libc::c_ulong::from(number);
            // SAFETY: takes numbers.
            Errno::result(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, number, 0, 0) })?;
        }
        Ok(())
    }

    /// Has no program gain anything by being executed.
    pub(in crate::exec) fn forgo(&self) -> Result<(), Errno> {
        if !self.no_new {
            return Ok(());
        }
        // SAFETY: takes numbers.
        Errno::result(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }).map(drop)
    }
}
