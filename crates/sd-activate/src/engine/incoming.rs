//! What comes to the sockets of a service that takes all of it, and how often it is started for that.

use std::mem;
use std::time::Instant;

use super::event::Port;
use super::limit::Limit;
use super::service::{Service, State};
use super::turn::{Timer, Turn};
use super::{Action, Form};

/// The ports of a service, and their limits.
#[derive(Debug)]
pub(super) struct Incoming {
    /// PollLimitIntervalSec= and PollLimitBurst= of its socket: beyond it, those who come wait.
    pub(super) poll_limit: Limit,
    /// TriggerLimitIntervalSec= and TriggerLimitBurst= of its socket: beyond it, the socket fails.
    pub(super) trigger_limit: Limit,
    /// Whether it was said that those who come wait.
    told: bool,
    /// The ports that somebody has come to, and that are not watched since.
    heard: Vec<Port>,
}

impl Default for Incoming {
    fn default() -> Self {
        Self { poll_limit: Limit::none(), trigger_limit: Limit::none(), told: false, heard: Vec::new() }
    }
}

impl Incoming {
    /// The service is started.
    pub(super) fn count(&mut self, now: Instant) {
        self.poll_limit.count(now);
    }

    /// Somebody has come.
    pub(super) fn hear(&mut self, port: Port) {
        self.heard.push(port);
    }
}

impl Service {
    pub(super) fn start_for(&mut self, port: Port, turn: &mut Turn) -> State {
        if matches!(turn.form, Form::Command(_)) {
            turn.say(format_args!("Communication attempt on {port}."));
        }
        // It was watched before the limit was reached.
        if self.incoming.poll_limit.rest(turn.now).is_some() {
            return self.state;
        }
        if self.incoming.trigger_limit.rest(turn.now).is_some() {
            turn.say(format_args!("{}: Its socket was triggered too often (TriggerLimitBurst=).", self.subject.name));
            turn.given_up.push(self.id);
            return State::Failed;
        }
        self.incoming.trigger_limit.count(turn.now);
        self.start(turn)
    }

    /// Waits for the next who comes, once it may be started again.
    pub(super) fn listen(&mut self, turn: &mut Turn) -> State {
        let Some(until) = self.incoming.poll_limit.rest(turn.now) else {
            self.incoming.told = false;
            turn.actions.extend(self.incoming.heard.drain(..).map(Action::Watch));
            return self.state;
        };
        if !mem::replace(&mut self.incoming.told, true) {
            let rate = self.incoming.poll_limit.rate();
            turn.say(format_args!(
                "The service was started {} times within {}s, as often as PollLimitBurst= of systemd.socket(5) allows: \
                 connections wait until these are over. If it ends before it accepts one, its own messages should say why.",
                rate.burst,
                rate.interval.as_secs_f32()
            ));
        }
        turn.timers.push((until, Timer::Rest(self.id)));
        self.state
    }
}
