//! Accept=yes: a service for each connection.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::event::{End, Port};
use super::{Action, Timer, Turn};
use crate::error::Error;
use crate::spec::Signal;

/// How long to wait where descriptors, memory or processes have run out.
const PAUSE: Duration = Duration::from_millis(100);
/// How long not to say so again.
const SILENCE: Duration = Duration::from_secs(10);

/// The services that run, and the connections that wait for one.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// An exit status that has a likely reason, and that reason: said once.
    pub(super) hint: Option<(u8, String)>,
    running: HashSet<Pid>,
    /// Whether one ran before.
    ran: bool,
    /// The ports to go on with when a shortage is over, while there is one. The first has a connection that was accepted.
    waiting: Option<Vec<Port>>,
    /// When the user was told of a shortage.
    told: Option<Instant>,
    /// Whether all ends with the last of them.
    stopping: bool,
}

impl Connections {
    pub(super) fn runs(&self) -> bool {
        !self.running.is_empty()
    }

    pub(super) fn incoming(&mut self, port: Port, turn: &mut Turn) {
        let Some(waiting) = &mut self.waiting else { return turn.act(Action::Accept(port)) };
        waiting.push(port);
        turn.act(Action::Ignore(port));
    }

    pub(super) fn connected(&mut self, pid: Pid) {
        self.ran = true;
        self.running.insert(pid);
    }

    pub(super) fn not_connected(&mut self, port: Port, error: Error, turn: &mut Turn) {
        match &error {
            error if error.is_shortage() => (),
            // The socket's own error, and not the connection's.
            Error::Accept { .. } => {
                turn.say(error);
                return turn.act(Action::Reopen(port));
            }
            _ if self.ran => return turn.say(error),
            _ => return turn.act(Action::Fail(error)),
        }
        self.waiting.get_or_insert_default().push(port);
        turn.act(Action::Ignore(port));
        turn.after(PAUSE, Timer::Shortage);
        // Where connections keep it at a limit, every other one runs into it.
        if self.told.is_none_or(|told| turn.now.duration_since(told) >= SILENCE) {
            self.told = Some(turn.now);
            turn.say(error);
            turn.say("Connections wait until there is room again.");
        }
    }

    pub(super) fn shortage_is_over(&mut self, turn: &mut Turn) {
        let waiting = self.waiting.take().unwrap_or_default();
        turn.actions.extend(waiting.iter().copied().take(1).map(Action::Accept));
        turn.actions.extend(waiting.into_iter().map(Action::Watch));
    }

    pub(super) fn ended(&mut self, pid: Pid, end: End, turn: &mut Turn) {
        self.running.remove(&pid);
        // A line for every connection would cost as much as the connection.
        if end != End::Exited(0) {
            turn.say(format_args!("Child {pid} {end}"));
        }
        if let Some((_, hint)) = self.hint.take_if(|(status, _)| end == End::Exited(*status)) {
            turn.say(hint);
        }
        if self.stopping && self.running.is_empty() {
            turn.act(Action::Exit(0));
        }
    }

    pub(super) fn signal(&mut self, signal: Signal, stops: bool, turn: &mut Turn) {
        self.stopping |= stops;
        turn.actions.extend(self.running.iter().map(|pid| Action::Kill(*pid, signal)));
    }
}
