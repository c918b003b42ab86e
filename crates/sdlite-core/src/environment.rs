//! The variables that a manager hands over, and the rule of `unset_environment`.

use core::ffi::CStr;

use crate::sys;

/// The variables that one call reads and, if asked to, removes on every path out.
pub(crate) struct Variables {
    unset: Option<Group>,
}

/// The variables that belong together.
#[derive(Clone, Copy)]
pub(crate) enum Group {
    Listen,
    Notify,
    Watchdog,
}

impl Variables {
    pub(crate) fn new(group: Group, unset: bool) -> Self {
        Self { unset: unset.then_some(group) }
    }

    /// The value of `name`. It borrows from the group: `unsetenv` may free it.
    pub(crate) fn get(&self, name: &CStr) -> Option<&CStr> {
        sys::getenv(name)
    }
}

impl Drop for Variables {
    fn drop(&mut self) {
        if let Some(group) = self.unset {
            unset(group);
        }
    }
}

// Not inlined, as there are many paths out.
#[inline(never)]
fn unset(group: Group) {
    match group {
        Group::Listen => {
            sys::unsetenv(c"LISTEN_PID");
            sys::unsetenv(c"LISTEN_PIDFDID");
            sys::unsetenv(c"LISTEN_FDS");
            sys::unsetenv(c"LISTEN_FDNAMES");
        }
        Group::Notify => sys::unsetenv(c"NOTIFY_SOCKET"),
        Group::Watchdog => {
            sys::unsetenv(c"WATCHDOG_USEC");
            sys::unsetenv(c"WATCHDOG_PID");
        }
    }
}
