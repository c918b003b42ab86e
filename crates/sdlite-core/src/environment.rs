//! The variables that a manager hands over, and the rule of `unset_environment`.

use core::ffi::CStr;

use crate::sys;

/// A group of environment variables that one call reads and, if asked to, removes on every path out.
pub(crate) struct Variables {
    names: &'static [&'static CStr],
    unset: bool,
}

impl Variables {
    pub(crate) fn new(names: &'static [&'static CStr], unset: bool) -> Self {
        Self { names, unset }
    }

    /// The value of `name`. It borrows from the group: `unsetenv` may free it.
    pub(crate) fn get(&self, name: &CStr) -> Option<&CStr> {
        sys::getenv(name)
    }
}

impl Drop for Variables {
    fn drop(&mut self) {
        if self.unset {
            for name in self.names {
                sys::unsetenv(name);
            }
        }
    }
}
