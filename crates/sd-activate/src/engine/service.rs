//! Accept=no: one service, passed all ports, started again whenever it has ended and somebody comes.
//!
//! Its states are those of the table in [`Service::step`]; what is done on the way from one to the other is in
//! [`lifecycle`](super::lifecycle).

use std::collections::BTreeSet;
use std::mem;
use std::time::Instant;

use nix::unistd::Pid;

use super::Subject;
use super::event::{End, Port, ServiceId};
use super::limit::Limit;
use super::turn::Turn;
use super::verdict::Outcome;
use super::view::ActiveState;
use crate::error::Error;
use crate::spec::{RateLimit, ServiceSpec, Signal};

/// A service, from one start to the next.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) id: ServiceId,
    pub(super) spec: ServiceSpec,
    pub(super) subject: Subject,
    pub(super) state: State,
    /// PollLimitIntervalSec= and PollLimitBurst= of its socket: beyond it, those who come wait.
    pub(super) poll_limit: Limit,
    /// TriggerLimitIntervalSec= and TriggerLimitBurst= of its socket: beyond it, the socket fails.
    pub(super) trigger_limit: Limit,
    /// StartLimitIntervalSec= and StartLimitBurst=: beyond it, the service fails.
    pub(super) start_limit: Limit,
    /// Whether it was said that those who come wait.
    pub(super) told: bool,
    /// The ports that somebody has come to, and that are not watched since.
    pub(super) heard: Vec<Port>,
    /// How many times it was started.
    pub(super) invocations: u64,
    /// Whether it ran before.
    pub(super) ran: bool,
    /// The main process that was executed last.
    pub(super) main: Option<Pid>,
    /// How many times Restart= has started it.
    pub(super) restarts: u32,
    /// The signals that were passed on.
    pub(super) passed_on: BTreeSet<Signal>,
    /// Whether it is in the terminal's foreground.
    pub(super) has_terminal: bool,
    /// Whether it is to end, and all with it.
    pub(super) stopping: bool,
    /// What is wrong with it, whatever its end says.
    pub(super) failure: Option<Outcome>,
    /// When the time of its state is up.
    pub(super) deadline: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) enum State {
    /// No process of it runs.
    #[default]
    Dead,
    /// A command of it, counted from zero, is being executed.
    Starting(usize),
    /// That command runs. The service counts as started when it has exited (Type=oneshot), or has said READY=1 (notify).
    Activating(usize, Pid),
    /// It runs: its main process, and others that were left by one before.
    Running(Pid, Vec<Pid>),
    /// Its main process has ended; it is being looked for what that has left.
    Ended(End),
    /// Its main process has ended, and what that has left has been told to end.
    Clearing(End, Vec<Pid>),
    /// Restart= starts it in a moment.
    Restarting,
    /// It is not started any more.
    Failed,
}

/// What happens to a service.
#[derive(Debug)]
pub(super) enum Happening {
    /// It is to be started.
    Start,
    /// Somebody has come to a port.
    Incoming(Port),
    /// Its command was executed.
    Executed(Pid),
    NotExecuted(Error),
    /// It has said READY=1.
    Ready(Pid),
    Ended(Pid, End),
    Suspended(Pid, Signal),
    /// What is left of it.
    Left(Vec<Pid>),
    /// A signal has come for it.
    PassOn {
        signal: Signal,
        stops: bool,
    },
    /// It is to be stopped.
    Stop,
    /// Those who wait may be let in again.
    RestOver,
    /// The time of its state may be up.
    TimeUp,
}

impl Service {
    pub(super) fn new(id: ServiceId, spec: ServiceSpec, start_limit: RateLimit, subject: Subject) -> Self {
        Self {
            id,
            spec,
            subject,
            state: State::Dead,
            poll_limit: Limit::none(),
            trigger_limit: Limit::none(),
            start_limit: Limit::new(start_limit),
            told: false,
            heard: Vec::new(),
            invocations: 0,
            ran: false,
            main: None,
            restarts: 0,
            passed_on: BTreeSet::new(),
            has_terminal: false,
            stopping: false,
            failure: None,
            deadline: None,
        }
    }

    /// Whether a process of it runs.
    pub(super) fn runs(&self) -> bool {
        !matches!(self.state, State::Dead | State::Failed | State::Restarting)
    }

    /// Whether nothing will come of it any more by itself.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Dead | State::Failed)
    }

    /// ActiveState=.
    pub(super) fn active(&self) -> ActiveState {
        match self.state {
            State::Dead => ActiveState::Inactive,
            State::Failed => ActiveState::Failed,
            State::Starting(_) | State::Activating(..) | State::Restarting => ActiveState::Activating,
            State::Running(..) => ActiveState::Active,
            State::Ended(_) | State::Clearing(..) => ActiveState::Deactivating,
        }
    }

    /// SubState=.
    pub(super) fn sub_state(&self) -> &'static str {
        match self.state {
            State::Dead => "dead",
            State::Failed => "failed",
            State::Starting(_) | State::Activating(..) => "start",
            State::Restarting => "auto-restart",
            State::Running(..) => "running",
            State::Ended(_) | State::Clearing(..) => "stop-sigterm",
        }
    }

    /// Result=: how it did.
    pub(super) fn result(&self) -> Outcome {
        self.failure.unwrap_or(Outcome::Success)
    }

    /// The table: what comes of each happening in each state. What is not in it cannot be, or changes nothing.
    #[rustfmt::skip]
    pub(super) fn step(&mut self, happening: Happening, turn: &mut Turn) {
        use Happening as H;
        use State as S;
        if let H::Incoming(port) = happening {
            self.heard.push(port);
        }
        if matches!(happening, H::TimeUp) && self.deadline.is_none_or(|deadline| deadline > turn.now) {
            return;
        }
        self.state = match (mem::take(&mut self.state), happening) {
            (S::Dead, H::Start)                              => self.start(turn),
            (S::Dead, H::Incoming(port))                     => self.start_for(port, turn),
            (S::Dead, H::RestOver)                           => self.listen(turn),

            (S::Starting(index), H::Executed(main))          => self.executed(index, main, turn),
            (S::Starting(_), H::NotExecuted(error))          => self.not_executed(error, turn),

            (S::Activating(_, main), H::Ready(pid)) if pid == main => self.started(main, turn),
            (S::Activating(index, main), H::Ended(pid, end)) if pid == main => self.exited(index, main, end, turn),
            (S::Activating(index, main), H::PassOn { signal, stops }) => {
                self.pass_on(signal, stops, &[main], turn);
                S::Activating(index, main)
            }
            (S::Activating(index, main), H::Stop)            => {
                self.stop(&[main], turn);
                S::Activating(index, main)
            }
            (S::Activating(index, main), H::TimeUp)          => {
                self.start_takes_too_long(main, turn);
                S::Activating(index, main)
            }

            (S::Running(main, _), H::Ended(pid, end)) if pid == main => self.ended(pid, end, turn),
            (S::Running(main, others), H::Ended(pid, _))     => S::Running(main, without(others, pid)),
            (S::Running(main, others), H::Suspended(pid, signal)) if pid == main => {
                self.suspended(main, signal, turn);
                S::Running(main, others)
            }
            (S::Running(main, others), H::PassOn { signal, stops }) => {
                self.pass_on(signal, stops, &[&[main], &others[..]].concat(), turn);
                S::Running(main, others)
            }
            (S::Running(main, others), H::Stop)              => {
                self.stop(&[&[main], &others[..]].concat(), turn);
                S::Running(main, others)
            }
            (S::Running(main, others), H::TimeUp)            => {
                self.survived(&[&[main], &others[..]].concat(), turn);
                S::Running(main, others)
            }

            (S::Ended(end), H::Left(left)) if left.is_empty() => self.dead(end, turn),
            (S::Ended(End::Exited(0)), H::Left(left)) if self.is_adoptable(turn) => self.adopt(left, turn),
            (S::Ended(end), H::Left(left))                   => self.clear(end, left, turn),

            (S::Clearing(end, left), H::Ended(pid, _))       => self.cleared(end, without(left, pid), turn),
            (S::Clearing(end, left), H::PassOn { signal, stops }) => {
                self.pass_on(signal, stops, &left, turn);
                S::Clearing(end, left)
            }
            (S::Clearing(end, left), H::Stop)                => {
                self.stopping = true;
                S::Clearing(end, left)
            }
            (S::Clearing(end, left), H::TimeUp)              => {
                self.kill_for_good(&left, turn);
                S::Clearing(end, left)
            }

            (S::Restarting, H::TimeUp)                       => self.restart(turn),
            (S::Restarting, H::Stop)                         => S::Dead,

            (state, _)                                       => state,
        };
    }
}

fn without(mut processes: Vec<Pid>, ended: Pid) -> Vec<Pid> {
    processes.retain(|pid| *pid != ended);
    processes
}
