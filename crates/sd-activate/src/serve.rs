//! Accept=no: one service, passed all sockets, started again whenever it has ended and a connection comes.

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::poll::PollTimeout;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::children::{End, reap};
use crate::error::Error;
use crate::listen::Sockets;
use crate::log::say;
use crate::options::Options;
use crate::signals::Signals;
use crate::spawn::Service;
use crate::wait::Waiter;

/// PollLimitIntervalSec= and PollLimitBurst= of systemd.socket(5), with their defaults for Accept=no.
///
/// Not the trigger limit, which closes the sockets: a service that serves one connection and exits does nothing wrong.
const POLL_LIMIT_INTERVAL: Duration = Duration::from_secs(2);
const POLL_LIMIT_BURST: u32 = 15;

/// Serves until a signal ends it. Returns the exit status.
pub fn serve(sockets: &Sockets, service: &mut Service, signals: &Signals, options: &Options) -> Result<u8, Error> {
    let mut waiter = Waiter::new(signals, sockets.iter());
    let mut limit = PollLimit::default();
    let mut running: Option<Running> = None;
    let mut started_before = false;
    let mut due = options.now;

    loop {
        if due && running.is_none() {
            due = false;
            limit.count();
            match service.start(options.inetd.then(|| sockets.first()).flatten()) {
                Ok(pid) => {
                    started_before = true;
                    say(format_args!("Spawned '{}' as PID {pid}.", options.command_line()));
                    running = Some(Running { pid, passed_on: None, stopping: false });
                }
                // With --once there is no next time, and what could never be executed will not be.
                Err(error) if options.once || !started_before => return Err(error),
                Err(error) => say(error),
            }
        }

        let pause = if running.is_none() { limit.pause() } else { None };
        let ready = match (&running, pause) {
            (Some(_), _) => waiter.signals(PollTimeout::NONE)?,
            (None, Some(rest)) => waiter.signals(rest)?,
            (None, None) => waiter.signals_and_sockets(PollTimeout::NONE)?,
        };

        // Before sockets: what a signal ends is not started once more.
        match ready.signal.then(|| signals.next()).flatten() {
            None => (),
            Some(Signal::SIGCHLD) => {
                while let Some((pid, end)) = reap() {
                    let Some(ended) = running.take_if(|running| running.pid == pid) else { continue };
                    say(format_args!("Child {pid} {end}"));
                    if ended.is_last(end) {
                        return Ok(end.status_when_stopped());
                    }
                    if options.once {
                        return Ok(end.status());
                    }
                }
            }
            Some(signal) => match &mut running {
                Some(running) => running.pass_on(signal),
                None => return Ok(0),
            },
        }
        if running.is_none() {
            if let Some(descriptor) = ready.sockets().next() {
                say(format_args!("Communication attempt on fd {}.", descriptor.as_fd().as_raw_fd()));
                due = true;
            }
        }
    }
}

/// The service, while it runs.
struct Running {
    pid: Pid,
    passed_on: Option<Signal>,
    stopping: bool,
}

impl Running {
    fn pass_on(&mut self, signal: Signal) {
        self.passed_on = Some(signal);
        self.stopping |= matches!(signal, Signal::SIGTERM | Signal::SIGINT);
        // It can only fail where the service has ended; then SIGCHLD says so.
        let _ = kill(self.pid, signal);
    }

    /// Whether the service is not started again after this `end`. The other signals may mean something else to it, such as
    /// SIGHUP to read its configuration: only where one ends the service is it meant for both.
    fn is_last(&self, end: End) -> bool {
        self.stopping || self.passed_on.is_some_and(|signal| end.is_by(signal))
    }
}

/// How often the service may be started.
struct PollLimit {
    since: Instant,
    starts: u32,
    told: bool,
}

impl Default for PollLimit {
    fn default() -> Self {
        Self { since: Instant::now(), starts: 0, told: false }
    }
}

impl PollLimit {
    fn count(&mut self) {
        if self.starts == 0 || self.since.elapsed() >= POLL_LIMIT_INTERVAL {
            *self = Self::default();
        }
        self.starts += 1;
    }

    /// How long to leave the sockets alone.
    fn pause(&mut self) -> Option<PollTimeout> {
        let rest = POLL_LIMIT_INTERVAL.checked_sub(self.since.elapsed())?;
        if self.starts < POLL_LIMIT_BURST {
            return None;
        }
        if !std::mem::replace(&mut self.told, true) {
            say(format_args!(
                "The service was started {POLL_LIMIT_BURST} times within {}s, as often as PollLimitBurst= of \
                 systemd.socket(5) allows: connections wait until these are over. If it ends before it accepts one, \
                 its own messages should say why.",
                POLL_LIMIT_INTERVAL.as_secs()
            ));
        }
        // One more, for a fraction of a millisecond is none to poll(2).
        PollTimeout::try_from(rest.as_millis() + 1).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_pause_once_the_limit_is_reached_and_go_on_when_the_interval_is_over() {
        let mut limit = PollLimit::default();
        for _ in 0..POLL_LIMIT_BURST {
            assert_eq!(limit.pause(), None);
            limit.count();
        }
        assert!(limit.pause().is_some());
        limit.since = limit.since.checked_sub(POLL_LIMIT_INTERVAL).unwrap();
        assert_eq!(limit.pause(), None);
        limit.count();
        assert_eq!((limit.starts, limit.pause()), (1, None));
    }
}
