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
        if self.spec.accept && self.connections >= self.spec.max_connections {
            let most = self.spec.max_connections;
            self.log(
                Level::Warning,
                format_args!("Too many incoming connections ({most}), dropping connection."),
                turn,
            );
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

    /// Counts a connection that was accepted, unless its source has too many.
    pub(super) fn accept(&mut self, source: &str, turn: &mut Turn) -> bool {
        if let Some(most) = self.spec.max_connections_per_source {
            let count = self.sources.entry(source.to_owned()).or_default();
            if *count >= most {
                let count = *count + 1;
                let what =
                    format!("Too many incoming connections ({count}) from source {source}, dropping connection.");
                self.log(Level::Warning, what, turn);
                return false;
            }
            *count += 1;
        }
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
        if self.ports.is_empty() { self.fail("resources", turn) } else { state }
    }
}
