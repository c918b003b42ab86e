//! What the command line's form alone does with its service, which stands for the whole of this process: signals are passed on,
//! the terminal is lent, and what goes into the background is taken for the service.

use std::mem;

use nix::unistd::Pid;

use super::event::{End, Process};
use super::service::{Service, State};
use super::turn::Turn;
use super::{Action, Form, Once};
use crate::error::Error;
use crate::spec::Signal;

impl Service {
    pub(super) fn pass_on(&mut self, state: State, signal: Signal, stops: bool, turn: &mut Turn) -> State {
        self.passed_on.insert(signal);
        for pid in self.main.iter().chain(&self.others) {
            turn.act(Action::Kill(*pid, signal));
        }
        if stops {
            self.stopping = true;
            self.wait_until(self.spec.timeout_stop, turn);
        }
        state
    }

    /// The time in which it should have ended is up. A signal that was passed on may have meant something else to it: it goes
    /// on, and so does all.
    pub(super) fn survived(&mut self, turn: &mut Turn) -> State {
        (self.stopping, self.deadline) = (false, None);
        let main = self.main.as_ref().map(Pid::to_string).unwrap_or_default();
        turn.say(format_args!("Child {main} has survived what was to stop it: it is started again when it ends."));
        State::Running
    }

    /// It has no terminal, as it is not in the foreground, unless it asks for it. Then this process is not.
    pub(super) fn suspended(&mut self, main: Pid, signal: Signal, turn: &mut Turn) -> State {
        match signal.number() {
            libc::SIGTTIN | libc::SIGTTOU => {
                self.has_terminal = true;
                turn.act(Action::GiveTerminal(main));
            }
            libc::SIGTSTP if self.take_terminal(turn) => turn.act(Action::Suspend),
            _ => (),
        }
        State::Running
    }

    fn take_terminal(&mut self, turn: &mut Turn) -> bool {
        turn.actions.extend(self.has_terminal.then_some(Action::TakeTerminal));
        mem::take(&mut self.has_terminal)
    }

    pub(super) fn foreground_ended(&mut self, end: End, turn: &mut Turn) {
        if let Some((_, hint)) = self.subject.hint.take_if(|(status, _)| end == End::Exited(*status)) {
            turn.say(hint);
        }
        // What was typed there, it got alone.
        let interrupted = [libc::SIGINT, libc::SIGQUIT].iter().any(|signal| i32::from(end.status()) == 128 + signal);
        if self.take_terminal(turn) && interrupted {
            self.stopping = true;
        }
    }

    pub(super) fn cannot_start(&mut self, form: Once, error: Error, turn: &mut Turn) -> State {
        self.deadline = None;
        // With --once there is no next time, and what could never be executed will not be.
        if form.once || !self.ran {
            turn.act(Action::Fail(error));
        } else {
            turn.say(error);
        }
        State::Dead
    }

    /// Whether what is left in the background is the service, as with Type=forking: the command line has no types.
    pub(super) fn is_adoptable(&self, processes: &[Process], turn: &Turn) -> bool {
        matches!(turn.form, Form::Command(_))
            && self.state == State::Running
            && self.main_end == Some(End::Exited(0))
            && !self.stopping
            && !processes.is_empty()
    }

    pub(super) fn adopt(&mut self, processes: &[Process], turn: &mut Turn) -> State {
        let mut left: Vec<_> = processes.iter().map(|process| process.pid).collect();
        turn.own(self.id, &left);
        let main = left.remove(0);
        (self.main, self.others) = (Some(main), left);
        turn.say(format_args!(
            "It went into the background: process {main}, which has its sockets, is the service now. Tell it to stay in \
             the foreground, as nginx -g 'daemon off;' and sshd -D do, so that this sees how it ends."
        ));
        State::Running
    }

    pub(super) fn tell_of_left(&self, turn: &mut Turn) {
        if matches!(turn.form, Form::Command(_)) && !self.others.is_empty() {
            let processes: Vec<_> = self.others.iter().map(Pid::to_string).collect();
            turn.say(format_args!("It has left processes behind: {}. They are told to end.", processes.join(", ")));
        }
    }

    /// Nothing of it is left.
    pub(super) fn command_is_over(&mut self, form: Once, turn: &mut Turn) -> State {
        let Some(end) = self.main_end else { return State::Dead };
        if self.is_last(end) {
            turn.act(Action::Exit(end.status_when_stopped()));
        } else if form.once {
            turn.act(Action::Exit(end.status()));
        }
        State::Dead
    }

    /// Whether the service is not started again after this `end`. The other signals may mean something else to it, such as
    /// SIGHUP to read its configuration: only where one ends the service is it meant for both.
    fn is_last(&self, end: End) -> bool {
        self.stopping || self.passed_on.iter().any(|signal| end.is_by(*signal))
    }
}
