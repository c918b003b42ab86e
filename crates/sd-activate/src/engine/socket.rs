//! A socket: systemd.socket(5).
//!
//! Its states are those of the table in [`Socket::step`]; each function named there answers with the state that it leads to.

use std::collections::{HashMap, VecDeque};
use std::fmt::Display;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::event::{End, Port, Process, UnitId};
use super::kill::{self, Shot, Victim};
use super::limit::Limit;
use super::turn::{Level, Timer, Turn};
use super::view::{ActiveState, CommandStatus};
use super::{Action, Subject};
use crate::error::Error;
use crate::saved::{self, Word};
use crate::spec::{CommandId, Phase, RateLimit, SocketSpec, Timeout};

const SUCCESS: &str = "success";

/// A socket, from one start to the next.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Socket {
    pub(super) id: UnitId,
    #[serde(skip, default = "super::restore::unknown")]
    pub(super) spec: Arc<SocketSpec>,
    subject: Subject,
    state: State,
    /// What has happened while an answer is awaited.
    #[serde(skip)]
    deferred: VecDeque<Happening>,
    /// What it listens at, in the order in which it is passed.
    pub(super) ports: Vec<Port>,
    /// The ports that somebody has come to, and that are not watched since.
    pub(super) heard: Vec<Port>,
    /// Result=: how it did.
    #[serde(with = "saved")]
    pub(super) result: Word,
    /// PollLimitIntervalSec= and PollLimitBurst=: beyond it, those who come wait.
    pub(super) poll_limit: Limit,
    /// TriggerLimitIntervalSec= and TriggerLimitBurst=: beyond it, it fails.
    pub(super) trigger_limit: Limit,
    /// StartLimitIntervalSec= and StartLimitBurst=.
    start_limit: Limit,
    /// Whether it was said that those who come wait.
    pub(super) told: bool,
    /// How many connections it has accepted.
    pub(super) accepted: u64,
    /// How many of them there are.
    pub(super) connections: u32,
    /// How many of them each source has, where that is limited.
    pub(super) sources: HashMap<String, u32>,
    /// How many times it was started.
    invocations: u64,
    /// The commands that were executed since it was started.
    pub(super) statuses: Vec<CommandStatus>,
    /// Processes that its commands have left, while it is waited for their end.
    #[serde(with = "saved")]
    others: Vec<Pid>,
    /// When the time of its state is up.
    #[serde(with = "saved")]
    deadline: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    #[default]
    Dead,
    Failed,
    /// It is being opened.
    Opening,
    /// It waits for somebody to come.
    Listening,
    /// Its service takes what comes.
    Running,
    /// A command is executed; its process, once there is one.
    Command(CommandId, #[serde(with = "saved")] Option<Pid>),
    /// The process of a command, if one runs, and what else there is were sent a signal.
    Signalled(Signalled, #[serde(with = "saved")] Option<Pid>),
}

/// What a command that took too long, or that is not needed any more, is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Signalled {
    /// Before ExecStopPost=.
    StopPreSigterm,
    StopPreSigkill,
    /// After it.
    FinalSigterm,
    FinalSigkill,
}

/// What happens to a socket.
#[derive(Debug)]
pub(super) enum Happening {
    /// It is to be started.
    Start,
    /// It is to be stopped.
    Stop,
    Opened(Vec<Port>),
    NotOpened(Error),
    /// A command of it runs, or does not.
    Executed(Pid),
    NotExecuted(Error),
    /// The processes that it has.
    Found(Vec<Process>),
    Ended(Pid, End),
    /// The time of its state may be up.
    TimeUp,
    /// Somebody has come to a port.
    Incoming(Port),
    /// Those who wait may be let in again.
    RestOver,
    /// Its service could not be started.
    NotTriggered(String),
    /// What has become of its service.
    Service(Triggered),
    /// A port was given up.
    Lost(Port),
}

/// What has become of a socket's service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Triggered {
    /// It runs.
    Runs,
    /// It does not, and takes nothing any more.
    Over,
    /// It was started too often.
    LimitHit,
}

impl Socket {
    pub(super) fn new(id: UnitId, spec: Arc<SocketSpec>, start_limit: RateLimit, subject: Subject) -> Self {
        Self {
            id,
            subject,
            state: State::Dead,
            deferred: VecDeque::new(),
            ports: Vec::new(),
            heard: Vec::new(),
            result: SUCCESS,
            poll_limit: Limit::new(spec.poll_limit),
            trigger_limit: Limit::new(spec.trigger_limit),
            start_limit: Limit::new(start_limit),
            told: false,
            accepted: 0,
            connections: 0,
            sources: HashMap::new(),
            invocations: 0,
            statuses: Vec::new(),
            others: Vec::new(),
            deadline: None,
            spec,
        }
    }

    /// ActiveState=.
    pub(super) fn active(&self) -> ActiveState {
        match self.state {
            State::Dead => ActiveState::Inactive,
            State::Failed => ActiveState::Failed,
            State::Listening | State::Running => ActiveState::Active,
            State::Opening | State::Command(CommandId { phase: Phase::StartPre | Phase::StartPost, .. }, _) => {
                ActiveState::Activating
            }
            State::Command(..) | State::Signalled(..) => ActiveState::Deactivating,
        }
    }

    /// SubState=.
    pub(super) fn sub_state(&self) -> &'static str {
        match self.state {
            State::Dead => "dead",
            State::Failed => "failed",
            State::Opening => "start-chown",
            State::Listening => "listening",
            State::Running => "running",
            State::Command(CommandId { phase, .. }, _) => match phase {
                Phase::StartPre => "start-pre",
                Phase::StartPost => "start-post",
                Phase::StopPre => "stop-pre",
                _ => "stop-post",
            },
            State::Signalled(Signalled::StopPreSigterm, _) => "stop-pre-sigterm",
            State::Signalled(Signalled::StopPreSigkill, _) => "stop-pre-sigkill",
            State::Signalled(Signalled::FinalSigterm, _) => "final-sigterm",
            State::Signalled(Signalled::FinalSigkill, _) => "final-sigkill",
        }
    }

    /// The process of its command.
    pub(super) fn control(&self) -> Option<Pid> {
        match self.state {
            State::Command(_, pid) => pid,
            State::Signalled(_, pid) => pid,
            _ => None,
        }
    }

    /// Other settings, from its next state on.
    pub(super) fn replace(&mut self, spec: Arc<SocketSpec>, start_limit: RateLimit, subject: Subject) {
        self.poll_limit.set_rate(spec.poll_limit);
        self.trigger_limit.set_rate(spec.trigger_limit);
        self.start_limit.set_rate(start_limit);
        (self.spec, self.subject) = (spec, subject);
    }

    /// `systemctl reset-failed`.
    pub(super) fn reset_failed(&mut self) {
        self.start_limit = Limit::new(self.start_limit.rate());
        if self.state == State::Failed {
            (self.state, self.result) = (State::Dead, SUCCESS);
        }
    }

    /// It listens at ports that were opened before.
    pub(super) fn begin_with(&mut self, ports: Vec<Port>) {
        (self.state, self.ports) = (State::Opening, ports);
    }

    /// Takes in what has happened, or has it wait where an answer is awaited.
    pub(super) fn step(&mut self, happening: Happening, turn: &mut Turn) {
        use Happening as H;
        let answers = matches!(happening, H::Opened(_) | H::NotOpened(_) | H::Executed(_) | H::NotExecuted(_));
        if self.awaits() && !answers {
            return self.deferred.push_back(happening);
        }
        self.take(happening, turn);
        while !self.awaits() {
            let Some(happening) = self.deferred.pop_front() else { break };
            self.take(happening, turn);
        }
    }

    /// Whether an answer is awaited. Until it has come, nothing else is attended to.
    pub(super) fn awaits(&self) -> bool {
        matches!(self.state, State::Opening | State::Command(_, None))
    }

    /// The table: what comes of each happening in each state. What is not in it cannot be, or changes nothing.
    #[rustfmt::skip]
    fn take(&mut self, happening: Happening, turn: &mut Turn) {
        use Happening as H;
        use State as S;
        if matches!(happening, H::TimeUp) && self.deadline.is_none_or(|deadline| deadline > turn.now) {
            return;
        }
        self.state = match (mem::take(&mut self.state), happening) {
            (S::Dead | S::Failed, H::Start)                  => self.start(turn),

            (S::Opening, H::Opened(ports))                   => self.opened(ports, turn),
            (S::Opening, H::NotOpened(error))                => self.not_opened(error, turn),

            (S::Command(command, None), H::Executed(pid))    => self.executed(command, pid, turn),
            (S::Command(command, None), H::NotExecuted(error)) => self.not_executed(command, error, turn),
            (S::Command(command, Some(pid)), H::Ended(ended, end)) if ended == pid => self.ended(command, end, turn),
            (S::Command(command, Some(pid)), H::TimeUp)      => self.takes_too_long(command, pid, turn),
            (S::Command(command, Some(pid)), H::Stop) if is_start(command) => self.signal(Signalled::StopPreSigterm, Some(pid), turn),

            (S::Signalled(signalled, pid), H::Found(processes)) => self.send(signalled, pid, &processes, turn),
            (S::Signalled(signalled, pid), H::Ended(ended, end)) => self.killed(signalled, pid, (ended, end), turn),
            (S::Signalled(signalled, pid), H::TimeUp)        => self.survived(signalled, pid, turn),

            (S::Listening, H::Incoming(port))                => self.incoming(port, turn),
            (S::Listening, H::RestOver)                      => self.listen(turn),
            (S::Listening, H::Service(Triggered::Runs))      => S::Running,
            (S::Running, H::Incoming(port))                  => self.heard(port, S::Running),
            (S::Running, H::Service(Triggered::Over))        => self.flush_and_listen(turn),
            (S::Running, H::NotTriggered(reason))            => self.not_triggered(&reason, turn),
            (S::Listening | S::Running, H::Service(Triggered::LimitHit)) => self.fail("service-start-limit-hit", turn),
            (S::Listening | S::Running, H::Stop)             => self.go(Phase::StopPre, 0, turn),
            (state, H::Lost(port))                           => self.lost(port, state, turn),

            (state, _)                                       => state,
        };
    }

    fn start(&mut self, turn: &mut Turn) -> State {
        if self.start_limit.rest(turn.now).is_some() {
            self.log(Level::Warning, "Start request repeated too quickly.", turn);
            self.result = "start-limit-hit";
            turn.given_up.push(self.id);
            return self.dead(turn);
        }
        self.start_limit.count(turn.now);
        self.result = SUCCESS;
        self.invocations += 1;
        self.statuses.clear();
        self.go(Phase::StartPre, 0, turn)
    }

    /// Executes a command, or goes on where there is none.
    fn go(&mut self, phase: Phase, index: usize, turn: &mut Turn) -> State {
        if phase == Phase::StopPre && index == 0 && self.spec.accept {
            turn.actions.extend(self.ports.iter().copied().map(Action::Ignore));
        }
        if index < self.spec.commands(phase).len() {
            let command = CommandId { phase, index };
            let (unit, invocation) = (self.id, self.invocations);
            turn.act(Action::Execute { unit, command, invocation, variables: Vec::new() });
            self.wait(self.spec.timeout, turn);
            return State::Command(command, None);
        }
        self.deadline = None;
        match phase {
            Phase::StartPre => {
                turn.act(Action::Open(self.id));
                State::Opening
            }
            // They were lost meanwhile.
            Phase::StartPost if self.ports.is_empty() => self.fail("resources", turn),
            Phase::StartPost => {
                self.heard = self.ports.clone();
                self.flush_and_listen(turn)
            }
            Phase::StopPre => {
                self.close(turn);
                self.go(Phase::StopPost, 0, turn)
            }
            _ => self.end(turn),
        }
    }

    fn opened(&mut self, ports: Vec<Port>, turn: &mut Turn) -> State {
        self.ports = ports;
        self.go(Phase::StartPost, 0, turn)
    }

    fn not_opened(&mut self, error: Error, turn: &mut Turn) -> State {
        turn.log(self.id, Level::Error, error.to_string());
        self.fail("resources", turn)
    }

    fn executed(&mut self, command: CommandId, pid: Pid, turn: &mut Turn) -> State {
        let setting = command.phase.setting();
        turn.own(self.id, &[pid]);
        self.statuses.push(CommandStatus { setting, index: command.index, pid, since: turn.now, end: None });
        State::Command(command, Some(pid))
    }

    fn not_executed(&mut self, command: CommandId, error: Error, turn: &mut Turn) -> State {
        self.log(Level::Error, error, turn);
        self.command_failed(command, "resources", turn)
    }

    fn ended(&mut self, command: CommandId, end: End, turn: &mut Turn) -> State {
        self.note(end, turn);
        // Loaded anew, it may have fewer.
        let ignored =
            self.spec.commands(command.phase).get(command.index).is_some_and(|command| command.ignore_failure);
        if ignored || end == End::Exited(0) {
            return self.go(command.phase, command.index + 1, turn);
        }
        self.command_failed(command, outcome(end), turn)
    }

    /// Says how the command's process has ended, where that is no success.
    fn note(&mut self, end: End, turn: &mut Turn) {
        if let Some(status) = self.statuses.last_mut() {
            status.end = Some((turn.now, end));
        }
        if end != End::Exited(0) {
            self.log(Level::Notice, format_args!("Control process exited, {}", end.described()), turn);
        }
    }

    fn command_failed(&mut self, command: CommandId, result: &'static str, turn: &mut Turn) -> State {
        self.failed(result);
        match command.phase {
            // There is nothing yet that ExecStopPre= and ExecStopPost= could undo.
            Phase::StartPre => self.end(turn),
            Phase::StartPost => self.go(Phase::StopPre, 0, turn),
            Phase::StopPre => self.go(Phase::StopPre, usize::MAX, turn),
            _ => self.end(turn),
        }
    }

    fn takes_too_long(&mut self, command: CommandId, pid: Pid, turn: &mut Turn) -> State {
        let (signalled, what) = match command.phase {
            Phase::StartPre => (Signalled::FinalSigterm, "Starting timed out. Terminating."),
            Phase::StartPost => (Signalled::StopPreSigterm, "Starting timed out. Stopping."),
            Phase::StopPre => (Signalled::StopPreSigterm, "Stopping timed out. Terminating."),
            _ => (Signalled::FinalSigterm, "Stopping timed out (2). Terminating."),
        };
        self.log(Level::Warning, what, turn);
        self.failed("timeout");
        self.signal(signalled, Some(pid), turn)
    }

    /// What its commands have left is ended.
    fn end(&mut self, turn: &mut Turn) -> State {
        if self.statuses.is_empty() { self.dead(turn) } else { self.signal(Signalled::FinalSigterm, None, turn) }
    }

    /// Sends the processes that it has a signal, once it is known which these are.
    fn signal(&mut self, signalled: Signalled, control: Option<Pid>, turn: &mut Turn) -> State {
        turn.act(Action::Inspect(self.id, kill::executed(&self.statuses)));
        self.wait(self.spec.timeout, turn);
        State::Signalled(signalled, control)
    }

    fn send(&mut self, signalled: Signalled, control: Option<Pid>, processes: &[Process], turn: &mut Turn) -> State {
        let kill = &self.spec.kill;
        let last = matches!(signalled, Signalled::StopPreSigkill | Signalled::FinalSigkill);
        let victim = Victim {
            id: self.id,
            name: &self.subject.name,
            kill,
            known: control.as_slice(),
            statuses: &self.statuses,
            processes,
        };
        let signal = if last { kill.final_signal } else { kill.signal };
        let hit = victim.send(Shot { signal, told: last, last }, turn);
        self.others = hit.others;
        match signalled {
            _ if hit.any => State::Signalled(signalled, control),
            // SIGKILL reaches those too that KillMode=mixed spares before.
            Signalled::FinalSigterm if kill.spares_until_sigkill() && !processes.is_empty() => {
                self.signal(Signalled::FinalSigkill, control, turn)
            }
            Signalled::FinalSigterm | Signalled::FinalSigkill => {
                let state = self.dead(turn);
                kill::tell_of_remaining(self.id, &self.subject.name, processes, turn);
                state
            }
            _ => self.after(signalled, turn),
        }
    }

    /// A process has ended after a signal. It is waited for that of the command, and finally for all.
    fn killed(&mut self, signalled: Signalled, control: Option<Pid>, (pid, end): (Pid, End), turn: &mut Turn) -> State {
        self.others.retain(|other| *other != pid);
        let control = if control == Some(pid) {
            self.note(end, turn);
            None
        } else {
            control
        };
        let finally = matches!(signalled, Signalled::FinalSigterm | Signalled::FinalSigkill);
        match (control, finally) {
            (None, false) => self.after(signalled, turn),
            // They may have left others in turn.
            (None, true) if self.others.is_empty() => self.signal(signalled, None, turn),
            _ => State::Signalled(signalled, control),
        }
    }

    fn after(&mut self, signalled: Signalled, turn: &mut Turn) -> State {
        match signalled {
            Signalled::StopPreSigterm | Signalled::StopPreSigkill => self.go(Phase::StopPre, usize::MAX, turn),
            Signalled::FinalSigterm | Signalled::FinalSigkill => self.dead(turn),
        }
    }

    fn survived(&mut self, signalled: Signalled, pid: Option<Pid>, turn: &mut Turn) -> State {
        let (what, kill) = match signalled {
            Signalled::StopPreSigterm => ("Stopping timed out.", Some(Signalled::StopPreSigkill)),
            Signalled::FinalSigterm => ("Stopping timed out (2).", Some(Signalled::FinalSigkill)),
            Signalled::StopPreSigkill => ("Processes still around after SIGKILL. Ignoring.", None),
            Signalled::FinalSigkill => ("Still around after SIGKILL (2). Entering failed mode.", None),
        };
        let then = match kill {
            Some(_) if !self.spec.kill.send_sigkill => " Skipping SIGKILL. Ignoring.",
            Some(_) => " Killing.",
            None => "",
        };
        self.log(Level::Warning, format_args!("{what}{then}"), turn);
        self.failed("timeout");
        match kill.filter(|_| self.spec.kill.send_sigkill) {
            Some(signalled) => self.signal(signalled, pid, turn),
            None => self.after(signalled, turn),
        }
    }

    /// It stops, as something is wrong.
    pub(super) fn fail(&mut self, result: &'static str, turn: &mut Turn) -> State {
        self.failed(result);
        self.go(Phase::StopPre, 0, turn)
    }

    /// What was wrong first stays its result.
    fn failed(&mut self, result: &'static str) {
        if self.result == SUCCESS {
            self.result = result;
        }
    }

    fn close(&mut self, turn: &mut Turn) {
        self.heard.clear();
        turn.actions.extend(self.ports.drain(..).map(Action::Close));
    }

    fn dead(&mut self, turn: &mut Turn) -> State {
        self.deadline = None;
        self.close(turn);
        turn.act(Action::CleanUp { unit: self.id, restarts: false });
        if self.result == SUCCESS {
            self.log(Level::Info, "Deactivated successfully.", turn);
            return State::Dead;
        }
        self.log(Level::Warning, format_args!("Failed with result '{}'.", self.result), turn);
        turn.failed = true;
        State::Failed
    }

    /// Says something about the unit, in systemd's words; the command line's form has its own.
    pub(super) fn log(&self, level: Level, message: impl Display, turn: &mut Turn) {
        turn.log_of(self.id, &self.subject.name, level, message);
    }

    fn wait(&mut self, timeout: Timeout, turn: &mut Turn) {
        self.deadline = timeout.and_then(|timeout| turn.now.checked_add(timeout));
        turn.timers.extend(self.deadline.map(|deadline| (deadline, Timer::Service(self.id))));
    }
}

fn is_start(command: CommandId) -> bool {
    matches!(command.phase, Phase::StartPre | Phase::StartPost)
}

/// Result= of a command that has failed.
fn outcome(end: End) -> &'static str {
    match end {
        End::Exited(_) => "exit-code",
        End::Killed(_) => "signal",
        End::Dumped(_) => "core-dump",
    }
}
