//! Accept=no: one service, passed all ports, started again whenever it has ended and somebody comes.
//!
//! Its states are those of the table in [`Service::step`].

use std::collections::BTreeSet;
use std::mem;
use std::time::Instant;

use nix::unistd::Pid;

use super::event::{End, Port, ServiceId};
use super::limit::Limit;
use super::{Action, Subject, Taker, Timer, Turn};
use crate::error::Error;
use crate::spec::{RateLimit, Signal};

/// A service, from one start to the next.
#[derive(Debug)]
pub(super) struct Service {
    id: ServiceId,
    subject: Subject,
    state: State,
    /// PollLimitIntervalSec= and PollLimitBurst= of systemd.socket(5).
    ///
    /// Not the trigger limit, which closes the sockets: a service that serves one connection and exits does nothing wrong.
    limit: Limit,
    rate: RateLimit,
    /// Whether it was said that it rests.
    told: bool,
    /// The ports that somebody has come to, and that are not watched since.
    heard: Vec<Port>,
    /// Whether it ran before.
    ran: bool,
    /// The signals that were passed on.
    passed_on: BTreeSet<Signal>,
    /// Whether it is in the terminal's foreground.
    has_terminal: bool,
    /// The time by which it should have ended, where it was told to.
    stopping: Option<Stopping>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopping {
    Until(Instant),
    ForEver,
}

#[derive(Debug, Default)]
enum State {
    /// No process of it runs.
    #[default]
    Dead,
    /// It is being started.
    Starting,
    /// It runs: its main process, and others that were left by one before.
    Running(Pid, Vec<Pid>),
    /// Its main process has ended; it is being looked for what that has left.
    Ended(End),
    /// Its main process has ended, and what that has left has been told to end.
    Clearing(End, Vec<Pid>),
}

/// What happens to a service.
#[derive(Debug)]
pub(super) enum Happening {
    Wanted,
    Incoming(Port),
    Started(Pid),
    NotStarted(Error),
    Ended(Pid, End),
    Stopped(Pid, Signal),
    Left(Vec<Pid>),
    Signal { signal: Signal, stops: bool },
    RestOver,
    StopOver,
}

impl Service {
    pub(super) fn new(id: ServiceId, rate: RateLimit, subject: Subject) -> Self {
        Self {
            id,
            subject,
            state: State::Dead,
            limit: Limit::new(rate),
            rate,
            told: false,
            heard: Vec::new(),
            ran: false,
            passed_on: BTreeSet::new(),
            has_terminal: false,
            stopping: None,
        }
    }

    /// Whether a process of it runs.
    pub(super) fn runs(&self) -> bool {
        !matches!(self.state, State::Dead)
    }

    /// The table: what comes of each happening in each state. What is not in it cannot be, or changes nothing.
    #[rustfmt::skip]
    pub(super) fn step(&mut self, happening: Happening, turn: &mut Turn) {
        use Happening as H;
        use State as S;
        if let H::Incoming(port) = happening {
            self.heard.push(port);
        }
        self.state = match (mem::take(&mut self.state), happening) {
            (S::Dead, H::Wanted)                          => self.start(turn),
            (S::Dead, H::Incoming(port))                  => self.start_for(port, turn),
            (S::Dead, H::RestOver)                        => self.listen(turn),

            (S::Starting, H::Started(main))               => self.started(main, turn),
            (S::Starting, H::NotStarted(error))           => self.not_started(error, turn),

            (S::Running(main, others), H::Signal { signal, stops }) => {
                self.pass_on(signal, stops, &[&[main], &others[..]].concat(), turn);
                S::Running(main, others)
            }
            (S::Running(main, _), H::Ended(pid, end)) if pid == main => self.ended(pid, end, turn),
            (S::Running(main, others), H::Ended(pid, _))  => S::Running(main, without(others, pid)),
            (S::Running(main, others), H::StopOver)       => {
                self.survived(main, turn);
                S::Running(main, others)
            }

            (S::Running(main, others), H::Stopped(pid, signal)) if pid == main => {
                self.stopped(main, signal, turn);
                S::Running(main, others)
            }

            (S::Ended(end), H::Left(left)) if left.is_empty() => self.dead(end, turn),
            (S::Ended(End::Exited(0)), H::Left(left)) if self.stopping.is_none() => self.adopt(left, turn),
            (S::Ended(end), H::Left(left))                => self.clear(end, left, turn),

            (S::Clearing(end, left), H::Ended(pid, _))    => self.cleared(end, without(left, pid), turn),
            (S::Clearing(end, left), H::Signal { signal, stops }) => {
                self.pass_on(signal, stops, &left, turn);
                S::Clearing(end, left)
            }
            (S::Clearing(end, left), H::StopOver)         => {
                kill(&left, Signal::KILL, turn);
                S::Clearing(end, left)
            }

            (state, _)                                    => state,
        };
    }

    fn start_for(&mut self, port: Port, turn: &mut Turn) -> State {
        turn.say(format_args!("Communication attempt on {port}."));
        match self.limit.rest(turn.now) {
            // It was watched before the limit was reached.
            Some(_) => State::Dead,
            None => self.start(turn),
        }
    }

    fn start(&mut self, turn: &mut Turn) -> State {
        self.limit.count(turn.now);
        turn.act(Action::Start(self.id));
        State::Starting
    }

    fn started(&mut self, main: Pid, turn: &mut Turn) -> State {
        self.ran = true;
        self.passed_on.clear();
        self.stopping = None;
        turn.say(format_args!("Spawned '{}' as PID {main}.", self.subject.title));
        State::Running(main, Vec::new())
    }

    fn not_started(&mut self, error: Error, turn: &mut Turn) -> State {
        // With --once there is no next time, and what could never be executed will not be.
        if turn.form.once || !self.ran {
            turn.act(Action::Fail(error));
            return State::Dead;
        }
        turn.say(error);
        self.listen(turn)
    }

    fn pass_on(&mut self, signal: Signal, stops: bool, to: &[Pid], turn: &mut Turn) {
        self.passed_on.insert(signal);
        kill(to, signal, turn);
        if stops {
            let until = self.subject.timeout_stop.and_then(|timeout| turn.now.checked_add(timeout));
            self.stopping = Some(until.map_or(Stopping::ForEver, Stopping::Until));
            turn.timers.extend(until.map(|until| (until, Timer::Stop(self.id))));
        }
    }

    /// It goes on, and so does all: the signal meant something else to it.
    fn survived(&mut self, main: Pid, turn: &mut Turn) {
        // A later signal has a later time.
        if self.stopping.is_some_and(|stopping| matches!(stopping, Stopping::Until(end) if end <= turn.now)) {
            self.stopping = None;
            turn.say(format_args!("Child {main} has survived what was to stop it: it is started again when it ends."));
        }
    }

    /// It has no terminal, as it is not in the foreground, unless it asks for it. Then this process is not.
    fn stopped(&mut self, main: Pid, signal: Signal, turn: &mut Turn) {
        match signal.number() {
            libc::SIGTTIN | libc::SIGTTOU => {
                self.has_terminal = true;
                turn.act(Action::GiveTerminal(main));
            }
            libc::SIGTSTP if self.take_terminal(turn) => turn.act(Action::Suspend),
            _ => (),
        }
    }

    fn take_terminal(&mut self, turn: &mut Turn) -> bool {
        turn.actions.extend(self.has_terminal.then_some(Action::TakeTerminal));
        mem::take(&mut self.has_terminal)
    }

    fn ended(&mut self, main: Pid, end: End, turn: &mut Turn) -> State {
        turn.say(format_args!("Child {main} {end}"));
        if let Some((_, hint)) = self.subject.hint.take_if(|(status, _)| end == End::Exited(*status)) {
            turn.say(hint);
        }
        // What was typed there, it got alone.
        let interrupted = [libc::SIGINT, libc::SIGQUIT].iter().any(|signal| i32::from(end.status()) == 128 + signal);
        if self.take_terminal(turn) && interrupted {
            self.stopping = Some(Stopping::ForEver);
        }
        turn.act(Action::Inspect(self.id));
        State::Ended(end)
    }

    /// As with Type=forking: what the main process has left in the background is the service.
    fn adopt(&mut self, mut left: Vec<Pid>, turn: &mut Turn) -> State {
        let main = left.remove(0);
        turn.say(format_args!(
            "It went into the background: process {main}, which has its sockets, is the service now. Tell it to stay in \
             the foreground, as nginx -g 'daemon off;' and sshd -D do, so that this sees how it ends."
        ));
        self.own([&[main], &left[..]].concat(), turn);
        State::Running(main, left)
    }

    /// As with KillMode=control-group: a new one must not share the sockets with what an old one has left.
    fn clear(&mut self, end: End, left: Vec<Pid>, turn: &mut Turn) -> State {
        let processes: Vec<_> = left.iter().map(Pid::to_string).collect();
        turn.say(format_args!(
            "It has left processes that have its sockets: {}. They get SIGTERM.",
            processes.join(", ")
        ));
        kill(&left, Signal::TERM, turn);
        if let Some(timeout) = self.subject.timeout_stop {
            turn.after(timeout, Timer::Stop(self.id));
        }
        self.own(left.clone(), turn);
        State::Clearing(end, left)
    }

    fn cleared(&mut self, end: End, left: Vec<Pid>, turn: &mut Turn) -> State {
        if !left.is_empty() {
            return State::Clearing(end, left);
        }
        turn.act(Action::Inspect(self.id));
        State::Ended(end)
    }

    fn own(&self, processes: Vec<Pid>, turn: &mut Turn) {
        turn.owned.extend(processes.into_iter().map(|pid| (pid, Taker::Service(self.id))));
    }

    /// Nothing of it is left.
    fn dead(&mut self, end: End, turn: &mut Turn) -> State {
        if self.is_last(end) {
            turn.act(Action::Exit(end.status_when_stopped()));
            return State::Dead;
        }
        if turn.form.once {
            turn.act(Action::Exit(end.status()));
            return State::Dead;
        }
        self.listen(turn)
    }

    /// Whether the service is not started again after this `end`. The other signals may mean something else to it, such as
    /// SIGHUP to read its configuration: only where one ends the service is it meant for both.
    fn is_last(&self, end: End) -> bool {
        self.stopping.is_some() || self.passed_on.iter().any(|signal| end.is_by(*signal))
    }

    /// Waits for the next who comes, once it may be started again.
    fn listen(&mut self, turn: &mut Turn) -> State {
        let Some(until) = self.limit.rest(turn.now) else {
            self.told = false;
            turn.actions.extend(self.heard.drain(..).map(Action::Watch));
            return State::Dead;
        };
        if !mem::replace(&mut self.told, true) {
            turn.say(format_args!(
                "The service was started {} times within {}s, as often as PollLimitBurst= of systemd.socket(5) allows: \
                 connections wait until these are over. If it ends before it accepts one, its own messages should say why.",
                self.rate.burst,
                self.rate.interval.as_secs_f32()
            ));
        }
        turn.timers.push((until, Timer::Rest(self.id)));
        State::Dead
    }
}

fn without(mut processes: Vec<Pid>, ended: Pid) -> Vec<Pid> {
    processes.retain(|pid| *pid != ended);
    processes
}

fn kill(processes: &[Pid], signal: Signal, turn: &mut Turn) {
    turn.actions.extend(processes.iter().map(|pid| Action::Kill(*pid, signal)));
}
