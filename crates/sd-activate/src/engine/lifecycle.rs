//! What is done on the way from one state of a service to another: each function is named in the table of
//! [`Service::step`](super::service::Service::step), and answers with the state that it leads to.

use std::mem;
use std::time::Instant;

use nix::unistd::Pid;

use super::event::{End, Port};
use super::service::{Service, State};
use super::turn::{Taker, Timer, Turn};
use super::verdict::{Outcome, is_restarted};
use super::{Action, Form};
use crate::error::Error;
use crate::spec::{CommandId, KillMode, Phase, ServiceType, Signal, Timeout};

impl Service {
    pub(super) fn start_for(&mut self, port: Port, turn: &mut Turn) -> State {
        if matches!(turn.form, Form::Command(_)) {
            turn.say(format_args!("Communication attempt on {port}."));
        }
        // It was watched before the limit was reached.
        if self.poll_limit.rest(turn.now).is_some() {
            return State::Dead;
        }
        if self.trigger_limit.rest(turn.now).is_some() {
            turn.say(format_args!("{}: Its socket was triggered too often (TriggerLimitBurst=).", self.subject.name));
            turn.given_up.push(self.id);
            return State::Failed;
        }
        self.trigger_limit.count(turn.now);
        self.start(turn)
    }

    pub(super) fn start(&mut self, turn: &mut Turn) -> State {
        if self.start_limit.rest(turn.now).is_some() {
            turn.say(format_args!("{}: Start request repeated too quickly (StartLimitBurst=).", self.subject.name));
            return self.fail(Outcome::StartLimitHit, turn);
        }
        self.start_limit.count(turn.now);
        self.poll_limit.count(turn.now);
        self.failure = None;
        if matches!(self.spec.service_type, ServiceType::Oneshot | ServiceType::Notify) {
            turn.say_any(turn.form.starting(&self.subject));
        }
        self.wait_until(self.spec.timeout_start, turn);
        self.invocations += 1;
        self.execute(0, turn)
    }

    fn execute(&self, index: usize, turn: &mut Turn) -> State {
        turn.act(Action::Execute {
            unit: self.id,
            command: CommandId { phase: Phase::Start, index },
            invocation: self.invocations,
            variables: Vec::new(),
        });
        State::Starting(index)
    }

    pub(super) fn executed(&mut self, index: usize, main: Pid, turn: &mut Turn) -> State {
        self.ran = true;
        self.main = Some(main);
        self.passed_on.clear();
        turn.say_any(turn.form.executed(&self.subject, main));
        match self.spec.service_type {
            ServiceType::Simple | ServiceType::Exec => self.started(main, turn),
            ServiceType::Oneshot | ServiceType::Notify => State::Activating(index, main),
        }
    }

    pub(super) fn not_executed(&mut self, error: Error, turn: &mut Turn) -> State {
        if let Form::Command(form) = turn.form {
            // With --once there is no next time, and what could never be executed will not be.
            if form.once || !self.ran {
                turn.act(Action::Fail(error));
                return State::Dead;
            }
            turn.say(error);
            return self.listen(turn);
        }
        turn.say(format_args!("{}: {error}", self.subject.name));
        self.over(Outcome::Resources, None, turn)
    }

    pub(super) fn started(&mut self, main: Pid, turn: &mut Turn) -> State {
        self.deadline = None;
        turn.say_any(turn.form.started(&self.subject, false));
        State::Running(main, Vec::new())
    }

    /// A process has exited before the service counted as started: for Type=oneshot, that is how it does.
    pub(super) fn exited(&mut self, index: usize, main: Pid, end: End, turn: &mut Turn) -> State {
        let command = self.spec.start.get(index);
        let ignored = command.is_some_and(|command| command.ignore_failure);
        let good = self.failure.is_none() && (ignored || Outcome::of(&self.spec, end) == Outcome::Success);
        if self.spec.service_type == ServiceType::Notify {
            self.failure.get_or_insert(Outcome::Protocol);
        } else if good && !self.stopping && index + 1 < self.spec.start.len() {
            return self.execute(index + 1, turn);
        } else if good {
            turn.say_any(turn.form.started(&self.subject, true));
        }
        self.ended(main, end, turn)
    }

    pub(super) fn pass_on(&mut self, signal: Signal, stops: bool, to: &[Pid], turn: &mut Turn) {
        self.passed_on.insert(signal);
        kill(to, signal, turn);
        if stops {
            self.stopping = true;
            self.wait_until(self.spec.timeout_stop, turn);
        }
    }

    pub(super) fn stop(&mut self, processes: &[Pid], turn: &mut Turn) {
        turn.say(format_args!("Stopping {}...", self.subject));
        self.stopping = true;
        self.terminate(processes, turn);
    }

    fn terminate(&mut self, processes: &[Pid], turn: &mut Turn) {
        let main = processes.get(..1).unwrap_or_default();
        let processes = match self.spec.kill.mode {
            KillMode::ControlGroup => processes,
            KillMode::Mixed | KillMode::Process => main,
            KillMode::None => &[],
        };
        kill(processes, self.spec.kill.signal, turn);
        if self.spec.kill.send_sighup {
            kill(processes, Signal::HUP, turn);
        }
        self.wait_until(self.spec.timeout_stop, turn);
    }

    pub(super) fn start_takes_too_long(&mut self, main: Pid, turn: &mut Turn) {
        if self.failure.replace(Outcome::Timeout).is_some() || self.stopping {
            return self.kill_for_good(&[main], turn);
        }
        turn.say(format_args!("{}: Start operation timed out. Terminating.", self.subject.name));
        self.terminate(&[main], turn);
    }

    /// The time in which it should have ended is up. A signal that was passed on may have meant something else to it: it goes
    /// on, and so does all.
    pub(super) fn survived(&mut self, processes: &[Pid], turn: &mut Turn) {
        if matches!(turn.form, Form::Units) {
            return self.kill_for_good(processes, turn);
        }
        (self.stopping, self.deadline) = (false, None);
        let main = processes.first().map(Pid::to_string).unwrap_or_default();
        turn.say(format_args!("Child {main} has survived what was to stop it: it is started again when it ends."));
    }

    pub(super) fn kill_for_good(&mut self, processes: &[Pid], turn: &mut Turn) {
        self.deadline = None;
        if self.spec.kill.send_sigkill {
            self.failure.get_or_insert(Outcome::Timeout);
            kill(processes, self.spec.kill.final_signal, turn);
        }
    }

    /// It has no terminal, as it is not in the foreground, unless it asks for it. Then this process is not.
    pub(super) fn suspended(&mut self, main: Pid, signal: Signal, turn: &mut Turn) {
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

    pub(super) fn ended(&mut self, main: Pid, end: End, turn: &mut Turn) -> State {
        turn.say_any(turn.form.ended(&self.subject, main, end, Outcome::of(&self.spec, end)));
        if let Some((_, hint)) = self.subject.hint.take_if(|(status, _)| end == End::Exited(*status)) {
            turn.say(hint);
        }
        // What was typed there, it got alone.
        let interrupted = [libc::SIGINT, libc::SIGQUIT].iter().any(|signal| i32::from(end.status()) == 128 + signal);
        if self.take_terminal(turn) && interrupted {
            self.stopping = true;
        }
        self.deadline = None;
        self.inspect(turn);
        State::Ended(end)
    }

    fn inspect(&self, turn: &mut Turn) {
        turn.actions.extend(self.main.map(|main| Action::Inspect(self.id, main)));
    }

    /// Whether what is left in the background is the service, as with Type=forking: so on the command line, which has no types.
    pub(super) fn is_adoptable(&self, turn: &Turn) -> bool {
        matches!(turn.form, Form::Command(_)) && !self.stopping
    }

    pub(super) fn adopt(&mut self, mut left: Vec<Pid>, turn: &mut Turn) -> State {
        self.own(&left, turn);
        let main = left.remove(0);
        turn.say(format_args!(
            "It went into the background: process {main}, which has its sockets, is the service now. Tell it to stay in \
             the foreground, as nginx -g 'daemon off;' and sshd -D do, so that this sees how it ends."
        ));
        State::Running(main, left)
    }

    /// As with KillMode=control-group: a new one must not share the sockets with what an old one has left.
    pub(super) fn clear(&mut self, end: End, left: Vec<Pid>, turn: &mut Turn) -> State {
        match self.spec.kill.mode {
            KillMode::Process | KillMode::None => return self.dead(end, turn),
            KillMode::ControlGroup => kill(&left, self.spec.kill.signal, turn),
            KillMode::Mixed => kill(&left, self.spec.kill.final_signal, turn),
        }
        let processes: Vec<_> = left.iter().map(Pid::to_string).collect();
        turn.say(format_args!("It has left processes behind: {}. They are told to end.", processes.join(", ")));
        self.wait_until(self.spec.timeout_stop, turn);
        self.own(&left, turn);
        State::Clearing(end, left)
    }

    pub(super) fn cleared(&mut self, end: End, left: Vec<Pid>, turn: &mut Turn) -> State {
        if !left.is_empty() {
            return State::Clearing(end, left);
        }
        // They may have left others in turn.
        self.inspect(turn);
        State::Ended(end)
    }

    fn own(&self, processes: &[Pid], turn: &mut Turn) {
        turn.owned.extend(processes.iter().map(|pid| (*pid, Taker::Service(self.id))));
    }

    /// Nothing of it is left.
    pub(super) fn dead(&mut self, end: End, turn: &mut Turn) -> State {
        self.deadline = None;
        match turn.form {
            Form::Command(_) if self.is_last(end) => {
                turn.act(Action::Exit(end.status_when_stopped()));
                State::Dead
            }
            Form::Command(form) if form.once => {
                turn.act(Action::Exit(end.status()));
                State::Dead
            }
            Form::Command(_) => self.listen(turn),
            Form::Units => self.over(self.failure.unwrap_or(Outcome::of(&self.spec, end)), Some(end), turn),
        }
    }

    /// Whether the service is not started again after this `end`. The other signals may mean something else to it, such as
    /// SIGHUP to read its configuration: only where one ends the service is it meant for both.
    fn is_last(&self, end: End) -> bool {
        self.stopping || self.passed_on.iter().any(|signal| end.is_by(*signal))
    }

    /// A unit's service is over, for this time.
    fn over(&mut self, outcome: Outcome, end: Option<End>, turn: &mut Turn) -> State {
        turn.say_any(turn.form.dead(&self.subject, outcome));
        self.deadline = None;
        if self.stopping {
            turn.say(format_args!("Stopped {}.", self.subject));
            return State::Dead;
        }
        if outcome != Outcome::Success {
            turn.failed = true;
        }
        if is_restarted(&self.spec, outcome, end) {
            self.wait_until(Some(self.spec.restart_delay), turn);
            return State::Restarting;
        }
        self.restarts = 0;
        self.listen(turn)
    }

    pub(super) fn restart(&mut self, turn: &mut Turn) -> State {
        self.restarts += 1;
        let (name, count) = (&self.subject.name, self.restarts);
        turn.say(format_args!("{name}: Scheduled restart job, restart counter is at {count}."));
        self.start(turn)
    }

    /// It is not started any more, and its sockets fail with it.
    fn fail(&mut self, outcome: Outcome, turn: &mut Turn) -> State {
        turn.say_any(turn.form.dead(&self.subject, outcome));
        turn.failed = true;
        turn.given_up.push(self.id);
        State::Failed
    }

    /// Waits for the next who comes, once it may be started again.
    pub(super) fn listen(&mut self, turn: &mut Turn) -> State {
        let Some(until) = self.poll_limit.rest(turn.now) else {
            self.told = false;
            turn.actions.extend(self.heard.drain(..).map(Action::Watch));
            return State::Dead;
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
        State::Dead
    }

    fn wait_until(&mut self, timeout: Timeout, turn: &mut Turn) {
        self.deadline = timeout.and_then(|timeout| turn.now.checked_add(timeout));
        turn.timers.extend(self.deadline.map(|deadline: Instant| (deadline, Timer::Service(self.id))));
    }
}

fn kill(processes: &[Pid], signal: Signal, turn: &mut Turn) {
    turn.actions.extend(processes.iter().map(|pid| Action::Kill(*pid, signal)));
}
