//! What a socket does with those who come: what the table of [`Socket::step`](super::socket::Socket::step) names, while it listens.

use std::mem;

use super::event::Port;
use super::socket::{Socket, State};
use super::turn::{Level, Timer, Turn};
use super::{Action, Form};

impl Socket {
    /// Waits for the next who comes, and for nobody who has come before with FlushPending=.
    pub(super) fn flush_and_listen(&mut self, turn: &mut Turn) -> State {
        if self.spec.flush_pending && !self.spec.accept {
            turn.actions.extend(self.ports.iter().copied().map(Action::Flush));
        }
        self.listen(turn)
    }

    /// Waits for the next who comes, once they may come again.
    pub(super) fn listen(&mut self, turn: &mut Turn) -> State {
        let Some(until) = self.poll_limit.rest(turn.now) else {
            self.told = false;
            turn.actions.extend(self.heard.drain(..).map(Action::Watch));
            return State::Listening;
        };
        if !mem::replace(&mut self.told, true) {
            let rate = self.poll_limit.rate();
            turn.say(format_args!(
                "The service was started {} times within {}s, as often as PollLimitBurst= of systemd.socket(5) allows: \
                 connections wait until these are over. If it ends before it accepts one, its own messages should say why.",
                rate.burst,
                rate.interval.as_secs_f32()
            ));
        }
        turn.timers.push((until, Timer::Rest(self.id)));
        State::Listening
    }

    pub(super) fn heard(&mut self, port: Port, state: State) -> State {
        self.heard.push(port);
        state
    }

    pub(super) fn incoming(&mut self, port: Port, turn: &mut Turn) -> State {
        if self.spec.accept && self.is_full(turn) {
            turn.act(Action::Refuse(port));
            return State::Listening;
        }
        if !self.spec.accept && matches!(turn.form, Form::Command(_)) {
            turn.say(format_args!("Communication attempt on {port}."));
        }
        // It was watched before the limit was reached, or lowered.
        if self.poll_limit.rest(turn.now).is_some() {
            self.heard.push(port);
            if self.spec.accept {
                turn.act(Action::Ignore(port));
            }
            return self.listen(turn);
        }
        if self.trigger_limit.rest(turn.now).is_some() {
            self.log(Level::Warning, "Trigger limit hit, refusing further activation.", turn);
            return self.fail("trigger-limit-hit", turn);
        }
        self.trigger_limit.count(turn.now);
        self.poll_limit.count(turn.now);
        if self.spec.accept {
            turn.act(Action::Accept(port));
            return State::Listening;
        }
        turn.triggered.push(self.id);
        self.heard(port, State::Running)
    }

    /// Whether there are as many connections as MaxConnections= allows. If so, that is said.
    fn is_full(&self, turn: &mut Turn) -> bool {
        let most = self.spec.max_connections;
        let is_full = self.connections >= most;
        if is_full {
            let what = format!("Too many incoming connections ({most}), dropping connection.");
            self.log(Level::Warning, what, turn);
        }
        is_full
    }

    /// Counts a connection that was accepted, unless there are too many, or its source has.
    pub(super) fn accept(&mut self, source: &str, turn: &mut Turn) -> bool {
        // One that has waited may have come before a reload has lowered the limit.
        if self.is_full(turn) {
            return false;
        }
        // Counted without a limit as well: a reload may set one.
        let count = self.sources.get(source).copied().unwrap_or(0) + 1;
        if self.spec.max_connections_per_source.is_some_and(|most| count > most) {
            let what = format!("Too many incoming connections ({count}) from source {source}, dropping connection.");
            self.log(Level::Warning, what, turn);
            return false;
        }
        self.sources.insert(source.to_owned(), count);
        self.accepted += 1;
        self.connections += 1;
        true
    }

    /// A connection has gone.
    pub(super) fn release(&mut self, source: &str) {
        self.connections = self.connections.saturating_sub(1);
        if let Some(count) = self.sources.get_mut(source) {
            *count -= 1;
            if *count == 0 {
                self.sources.remove(source);
            }
        }
    }

    pub(super) fn not_triggered(&mut self, reason: &str, turn: &mut Turn) -> State {
        self.log(
            Level::Warning,
            format_args!(
                "Failed to queue service startup job (Maybe the service file is missing or not a service unit?): {reason}"
            ),
            turn,
        );
        self.fail("resources", turn)
    }

    pub(super) fn lost(&mut self, port: Port, state: State, turn: &mut Turn) -> State {
        turn.act(Action::Close(port));
        self.ports.retain(|other| *other != port);
        self.heard.retain(|other| *other != port);
        let listens = matches!(state, State::Listening | State::Running);
        if listens && self.ports.is_empty() { self.fail("resources", turn) } else { state }
    }
}
