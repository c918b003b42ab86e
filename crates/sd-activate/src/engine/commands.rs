//! The commands of a service: what they are told, and how they end.

use std::fmt::Display;

use nix::unistd::Pid;

use super::event::End;
use super::service::{Awaited, Happening, Service, State};
use super::turn::{Level, Turn};
use super::verdict::Outcome;
use super::view::{CommandStatus, microseconds};
use super::{Action, Form};
use crate::error::Error;
use crate::spec::{CommandId, Phase, RestartMode, ServiceType};

/// Whose process a command has that cannot be executed.
pub(super) const NOBODY: Pid = Pid::from_raw(0);

impl Service {
    pub(super) fn execute(&mut self, command: CommandId, turn: &mut Turn) -> State {
        let timeout = match command.phase {
            Phase::Stop | Phase::StopPre | Phase::StopPost => self.spec.timeout_stop,
            _ => self.spec.timeout_start,
        };
        self.wait_until(timeout, turn);
        self.awaited = Some(Awaited::Execution(command));
        turn.act(Action::Execute {
            unit: self.id,
            command,
            invocation: self.invocations,
            variables: self.variables(command.phase),
        });
        State::of(command.phase)
    }

    /// "Environment Variables in Spawned Processes" of systemd.exec(5): those that depend on what has happened.
    fn variables(&self, phase: Phase) -> Vec<(&'static str, String)> {
        let mut variables: Vec<_> = self.monitors.iter().cloned().collect();
        if self.restarts > 0 && self.spec.restart_mode == RestartMode::Debug {
            variables.push(("DEBUG_INVOCATION", "1".to_owned()));
        }
        if phase != Phase::Start {
            variables.extend(self.main.map(|main| ("MAINPID", main.to_string())));
        } else if let Some(interval) = self.watchdog().filter(|_| self.is_main(CommandId { phase, index: 0 })) {
            variables.push(("WATCHDOG_USEC", microseconds(interval).to_string()));
        }
        if matches!(phase, Phase::Stop | Phase::StopPost) {
            variables.push(("SERVICE_RESULT", self.result.word().to_owned()));
            if let Some(end) = self.main_end {
                variables.extend([("EXIT_CODE", end.code().to_owned()), ("EXIT_STATUS", end.short_status())]);
            }
        }
        variables
    }

    pub(super) fn executed(&mut self, pid: Pid, turn: &mut Turn) -> State {
        let Some(Awaited::Execution(command)) = self.awaited.take() else { return self.state };
        self.record(command, pid, turn);
        turn.own(self.id, &[pid]);
        self.ran |= command.phase == Phase::Start;
        if !self.is_main(command) {
            (self.control, self.command) = (Some(pid), Some(command));
            return self.state;
        }
        (self.main, self.main_index, self.stray) = (Some(pid), command.index, false);
        self.passed_on.clear();
        turn.say_any(turn.form.executed(&self.subject, pid));
        self.main_executed(turn)
    }

    /// The command could not be executed: as if it had, and its process had said so by its exit status; where there could not
    /// even be a process, the resources for that are missing.
    pub(super) fn not_executed(&mut self, error: Error, turn: &mut Turn) -> State {
        let Some(Awaited::Execution(command)) = self.awaited.take() else { return self.state };
        if let Form::Command(form) = turn.form {
            return self.cannot_start(form, error, turn);
        }
        let Some(status) = error.exit_status() else {
            self.log(Level::Warning, format_args!("Failed to run '{}' task: {error}", task(command.phase)), turn);
            return self.fail(command.phase, Outcome::Resources, turn);
        };
        let end = End::Exited(status);
        self.log(if status == 0 { Level::Info } else { Level::Error }, error, turn);
        self.record(command, NOBODY, turn);
        turn.later.push((self.id, Happening::Unborn(command, end)));
        if self.is_main(command) {
            self.main_index = command.index;
            return self.main_executed(turn);
        }
        self.command = Some(command);
        self.state
    }

    fn record(&mut self, CommandId { phase, index }: CommandId, pid: Pid, turn: &Turn) {
        let setting = phase.setting();
        self.records.retain(|record| (record.setting, record.index) != (setting, index));
        let status = CommandStatus { setting, index, pid, since: turn.now, end: None };
        if self.is_main(CommandId { phase, index }) {
            self.main_status = Some(status.clone());
        }
        self.records.push(status);
    }

    /// Whether the process of a command is the main one. That of Type=forking leaves one behind.
    fn is_main(&self, command: CommandId) -> bool {
        command.phase == Phase::Start && self.spec.service_type != ServiceType::Forking
    }

    /// Whose end it is, and what that means; whether a notification is to be heard, and whether the time is up. None where
    /// nothing comes of it.
    pub(super) fn recognize(&mut self, happening: Happening, turn: &mut Turn) -> Option<Happening> {
        match happening {
            Happening::Ended(pid, end) if self.main == Some(pid) => {
                self.main = None;
                Some(Happening::MainEnded(self.main_outcome(pid, end, turn)))
            }
            Happening::Ended(pid, end) if self.control == Some(pid) => {
                self.control = None;
                Some(Happening::CommandEnded(self.command_outcome(pid, end, turn)))
            }
            Happening::Ended(pid, _) => {
                self.others.retain(|other| *other != pid);
                Some(Happening::OtherEnded)
            }
            Happening::Unborn(command, end) if self.is_main(command) => {
                Some(Happening::MainEnded(self.main_outcome(NOBODY, end, turn)))
            }
            Happening::Unborn(_, end) => Some(Happening::CommandEnded(self.command_outcome(NOBODY, end, turn))),
            Happening::TimeUp => self.deadline.take_if(|deadline| *deadline <= turn.now).map(|_| happening),
            Happening::WatchdogDue => self.is_overdue(turn).then_some(happening),
            Happening::Notified(sender, notification, claim) => self.hear(sender, notification, claim, turn),
            Happening::Heard(notification) => self.heard(&notification, turn),
            _ => Some(happening),
        }
    }

    fn main_outcome(&mut self, pid: Pid, end: End, turn: &mut Turn) -> Outcome {
        self.has_ended(pid, end, turn);
        self.main_end = Some(end);
        let command = CommandId { phase: Phase::Start, index: self.main_index };
        let ignored = self.is_main(command) && self.spec.start.get(command.index).is_some_and(|it| it.ignore_failure);
        let outcome = if ignored { Outcome::Success } else { Outcome::of(&self.spec, end) };
        // That of Type=notify has to say that it is ready first.
        self.result.worsen(outcome);
        turn.say_any(turn.form.child_ended(pid, end));
        self.log_end("Main process", end, outcome, turn);
        if matches!(turn.form, Form::Command(_)) {
            self.foreground_ended(end, turn);
        }
        outcome
    }

    fn command_outcome(&mut self, pid: Pid, end: End, turn: &mut Turn) -> Outcome {
        self.has_ended(pid, end, turn);
        let Some(command) = self.command else { return Outcome::Success };
        // Loaded anew, it may have fewer.
        let ignored =
            self.spec.commands(command.phase).get(command.index).is_some_and(|command| command.ignore_failure);
        let condition = self.state == State::Condition;
        let outcome = match end {
            _ if ignored => Outcome::Success,
            _ if condition => Outcome::of_condition(&self.spec, end),
            _ if command.phase == Phase::Start => Outcome::of(&self.spec, end),
            _ => Outcome::of_command(&self.spec, end),
        };
        let process = if condition { "Condition check process" } else { "Control process" };
        self.log_end(process, end, outcome, turn);
        outcome
    }

    fn has_ended(&mut self, pid: Pid, end: End, turn: &Turn) {
        for record in self.records.iter_mut().chain(&mut self.main_status) {
            if record.pid == pid && record.end.is_none() {
                record.end = Some((turn.now, end));
            }
        }
    }

    fn log_end(&mut self, process: &str, end: End, outcome: Outcome, turn: &mut Turn) {
        let level = match (outcome, end) {
            (Outcome::Success | Outcome::ExecCondition, _) => return,
            (_, End::Exited(_)) => Level::Notice,
            _ => Level::Warning,
        };
        self.log(level, format_args!("{process} exited, {}", end.described()), turn);
    }

    /// A command other than that of the main process has ended: the next one follows, unless it has failed.
    pub(super) fn command_ended(&mut self, outcome: Outcome, turn: &mut Turn) -> State {
        let Some(CommandId { phase, index }) = self.command else { return self.state };
        if outcome != Outcome::Success {
            return self.fail(phase, outcome, turn);
        }
        let next = CommandId { phase, index: index + 1 };
        // Only KillMode=none has a main process here; systemd waits for it.
        if phase == Phase::StopPost && self.main.is_some() && next.index >= self.spec.stop_post.len() {
            return State::StopPost;
        }
        self.go_on(next, turn)
    }

    fn fail(&mut self, phase: Phase, outcome: Outcome, turn: &mut Turn) -> State {
        match phase {
            Phase::Reload => {
                self.reload_result = outcome;
                self.settle(turn)
            }
            Phase::StopPost => {
                self.result.worsen(outcome);
                if self.main.is_some() { State::StopPost } else { self.signal(State::FinalSigterm, outcome, turn) }
            }
            _ => self.signal(State::StopSigterm, outcome, turn),
        }
    }

    /// Says something about the unit, in systemd's words; the command line's form has its own.
    pub(super) fn log(&self, level: Level, message: impl Display, turn: &mut Turn) {
        turn.log_of(self.id, &self.subject.name, level, message);
    }
}

/// What systemd calls the execution of such a command.
fn task(phase: Phase) -> &'static str {
    match phase {
        Phase::Condition => "exec-condition",
        Phase::StartPre => "start-pre",
        Phase::Start => "start",
        Phase::StartPost => "start-post",
        Phase::Reload => "reload",
        Phase::Stop => "stop",
        Phase::StopPre => "stop-pre",
        Phase::StopPost => "stop-post",
    }
}
