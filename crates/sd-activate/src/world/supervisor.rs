//! The manager that has started this process, and what it is told: sd_notify(3).

use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::error::reason;
use crate::log::say;
use crate::saved::monotonic;

/// The manager that has started this process, where there is one that wants to be told.
pub struct Supervisor {
    /// Whether it was told that all is as it was asked for.
    ready: bool,
    /// Whether it was told that all is being stopped.
    stopping: bool,
    /// How often it is to be told that this process lives, and when next.
    watchdog: Option<(Duration, Instant)>,
}

impl Supervisor {
    /// The one that `$NOTIFY_SOCKET` and `$WATCHDOG_USEC` speak of. Nothing was told yet.
    pub fn new() -> Self {
        let interval = sdlite_core::daemon::watchdog_enabled(None).ok().flatten();
        // As sd_watchdog_enabled(3) recommends.
        let watchdog = interval.map(|interval| (Duration::from_micros(interval / 2), Instant::now()));
        Self { ready: false, stopping: false, watchdog }
    }

    /// The one of before this process was executed anew, who was told then that it reloads.
    pub fn restore(stopping: bool) -> Self {
        Self { stopping, ..Self::new() }
    }

    /// Whether it was told that all is being stopped.
    pub fn knows_stopping(&self) -> bool {
        self.stopping
    }

    /// Whether it was told that all is as it was asked for.
    pub fn knows_ready(&self) -> bool {
        self.ready
    }

    /// All is as it was asked for; `listening` says where is listened.
    pub fn is_ready(&mut self, listening: &str) {
        self.ready = true;
        match listening {
            "" => notify("READY=1"),
            addresses => notify(&format!("READY=1\nSTATUS=Listening on {addresses}.")),
        }
    }

    /// What was read is read anew: ready once that is done.
    pub fn reloads(&mut self) {
        notify(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic().as_micros()));
        self.ready = false;
    }

    /// All is being stopped.
    pub fn stops(&mut self) {
        if !std::mem::replace(&mut self.stopping, true) {
            notify("STOPPING=1");
        }
    }

    /// This process lives: told when that is due.
    pub fn lives(&mut self, now: Instant) {
        if let Some((interval, next)) = self.watchdog.as_mut().filter(|(_, next)| *next <= now) {
            notify("WATCHDOG=1");
            *next = now + *interval;
        }
    }

    /// When it is due next.
    pub fn deadline(&self) -> Option<Instant> {
        self.watchdog.map(|(_, next)| next)
    }
}

fn notify(state: &str) {
    let told = sdlite_core::notify::notify(0, None, Some(state.as_bytes()), Some(&[]));
    if let Some(error) = told.err().and_then(sdlite_core::No::error) {
        let reason = reason(Errno::from_raw(error.number()));
        say(format_args!("Failed to notify the manager at $NOTIFY_SOCKET: {reason}."));
    }
}
