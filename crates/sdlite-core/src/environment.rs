//! The variables that a manager hands over, and the rule of `unset_environment`.

use core::ffi::CStr;

use crate::sys;

pub(crate) const LISTEN_PID: &CStr = c_str!(c"LISTEN_PID");
pub(crate) const LISTEN_PIDFDID: &CStr = c_str!(c"LISTEN_PIDFDID");
pub(crate) const LISTEN_FDS: &CStr = c_str!(c"LISTEN_FDS");
pub(crate) const LISTEN_FDNAMES: &CStr = c_str!(c"LISTEN_FDNAMES");
pub(crate) const NOTIFY_SOCKET: &CStr = c_str!(c"NOTIFY_SOCKET");
pub(crate) const WATCHDOG_USEC: &CStr = c_str!(c"WATCHDOG_USEC");
pub(crate) const WATCHDOG_PID: &CStr = c_str!(c"WATCHDOG_PID");

/// That a call is to remove the variables which it reads: what `unset_environment` is in C.
///
/// It is a promise, as the environment belongs to the whole process: whoever has one has made it, and the functions that take
/// one are safe. Each takes the promise away, which is for one call.
pub struct Unset(());

impl Unset {
    /// The promise.
    ///
    /// # Safety
    ///
    /// From when a function gets this until it has returned, no other thread uses the environment, whether by std::env or by getenv(3),
    /// setenv(3) and whatever calls these.
    pub const unsafe fn new() -> Self {
        Self(())
    }
}

/// The variables that one call reads and, if asked to, removes on every path out.
pub(crate) struct Variables {
    group: Group,
    unset: Option<Unset>,
}

/// The variables that belong together.
#[derive(Clone, Copy)]
pub(crate) enum Group {
    Listen,
    Notify,
    Watchdog,
}

impl Variables {
    pub(crate) fn new(group: Group, unset: Option<Unset>) -> Self {
        Self { group, unset }
    }

    /// The value of `name`. It borrows from the group: `unsetenv` may free it.
    pub(crate) fn get(&self, name: &CStr) -> Option<&CStr> {
        // SAFETY: this call removes variables only when `self` is dropped. Others that change the environment have to know
        // that nobody uses it: setenv(3), std::env::set_var() and [`Unset`] are their promises.
        unsafe { sys::getenv(name) }
    }
}

impl Drop for Variables {
    fn drop(&mut self) {
        if self.unset.is_some() {
            // SAFETY: whoever made the `Unset` has promised that nobody else uses the environment; `get` borrows from `self`.
            unsafe { unset(self.group) };
        }
    }
}

/// # Safety
///
/// As for `sys::unsetenv`.
// Not inlined, as there are many paths out.
#[inline(never)]
unsafe fn unset(group: Group) {
    // One call each: a table of names would need relocations.
    // SAFETY: the caller's promise.
    unsafe {
        match group {
            Group::Listen => {
                sys::unsetenv(LISTEN_PID);
                sys::unsetenv(LISTEN_PIDFDID);
                sys::unsetenv(LISTEN_FDS);
                sys::unsetenv(LISTEN_FDNAMES);
            }
            Group::Notify => sys::unsetenv(NOTIFY_SOCKET),
            Group::Watchdog => {
                sys::unsetenv(WATCHDOG_USEC);
                sys::unsetenv(WATCHDOG_PID);
            }
        }
    }
}
