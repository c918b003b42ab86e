//! What this process tells the manager that has started it: sd_notify(3).

use nix::errno::Errno;

use crate::error::reason;
use crate::log::say;

/// Tells, where somebody wants to know: `$NOTIFY_SOCKET`.
pub fn notify(state: &str) {
    let told = sdlite_core::notify::notify(0, None, Some(state.as_bytes()), Some(&[]));
    if let Some(error) = told.err().and_then(sdlite_core::No::error) {
        let reason = reason(Errno::from_raw(error.number()));
        say(format_args!("Failed to notify the manager at $NOTIFY_SOCKET: {reason}."));
    }
}
