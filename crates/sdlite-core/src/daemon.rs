//! What else sd-daemon(3) has: sd_booted(3) and sd_watchdog_enabled(3).

use crate::environment::{self, Group, Unset, Variables};
use crate::{Answer, Errno, No, Result, number, sys};

/// sd_booted(3): whether systemd runs as the init system.
pub fn booted() -> Answer {
    match sys::stat(c_str!(c"/run/systemd/system/")) {
        Ok(_) => Ok(()),
        Err(Errno::NOENT) => Err(No::NO),
        Err(error) => Err(error.into()),
    }
}

/// sd_watchdog_enabled(3): the microseconds within which the manager wants to hear `WATCHDOG=1`, if it does.
pub fn watchdog_enabled(unset: Option<Unset>) -> Result<Option<u64>> {
    let variables = Variables::new(Group::Watchdog, unset);
    let Some(interval) = variables.get(environment::WATCHDOG_USEC) else { return Ok(None) };
    let interval = match number::u64(interval)? {
        0 | u64::MAX => return Err(Errno::INVAL),
        interval => interval,
    };
    if let Some(pid) = variables.get(environment::WATCHDOG_PID) {
        if number::pid(pid)? != sys::getpid() {
            return Ok(None);
        }
    }
    Ok(Some(interval))
}
