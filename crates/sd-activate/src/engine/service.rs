//! A service: the states of systemd.service(5), and what leads from one to the other.
//!
//! [`Service::step`] is the table. What is done on the way is in the rooms beside this one: [`lifecycle`](super::lifecycle)
//! starts, reloads and starts again, [`stopping`](super::stopping) stops, [`commands`](super::commands) has commands executed
//! and takes note of how they end, [`foreground`](super::foreground) has what only the command line's form does.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::announce::Announcer;
use super::event::{Claim, End, PidFileError, Process, UnitId};
use super::limit::Limit;
use super::notification::{Notification, Report, Told};
use super::turn::Turn;
use super::verdict::Outcome;
use super::view::{ActiveState, CommandStatus, Whom};
use super::{Form, Subject};
use crate::error::Error;
use crate::saved::{self, Word};
use crate::spec::{CommandId, Phase, RateLimit, ServiceSpec, Signal};

/// A service, from one start to the next.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Service {
    pub(super) id: UnitId,
    #[serde(skip)]
    pub(super) spec: Arc<ServiceSpec>,
    pub(super) subject: Subject,
    pub(super) state: State,
    /// What an answer is awaited to. Until it has come, nothing else is attended to.
    pub(super) awaited: Option<Awaited>,
    /// What has happened meanwhile.
    #[serde(skip)]
    deferred: VecDeque<Happening>,
    /// StartLimitIntervalSec= and StartLimitBurst=: beyond it, the service fails.
    pub(super) start_limit: Limit,
    /// How many times it was started.
    pub(super) invocations: u64,
    /// Whether it ran before.
    pub(super) ran: bool,

    /// The process of ExecStart=, while it runs, and the how-manieth command there it is.
    #[serde(with = "saved")]
    pub(super) main: Option<Pid>,
    pub(super) main_index: usize,
    /// Whether it may end without this process being told.
    pub(super) stray: bool,
    /// The main process, and how it has ended, if it has.
    pub(super) main_status: Option<CommandStatus>,
    /// Whether PIDFile= is waited for.
    pub(super) awaits_pid_file: bool,
    /// The process of another command, while it runs, and which command that is.
    #[serde(with = "saved")]
    pub(super) control: Option<Pid>,
    pub(super) command: Option<CommandId>,
    /// Processes that those have left, while it is waited for their end.
    #[serde(with = "saved")]
    pub(super) others: Vec<Pid>,
    /// What was executed since it was started.
    pub(super) records: Vec<CommandStatus>,
    /// How the main process has ended.
    pub(super) main_end: Option<End>,
    /// What is told of the unit whose OnFailure= or OnSuccess= starts it.
    #[serde(with = "saved")]
    pub(super) monitors: BTreeSet<(Word, String)>,
    /// What it has told of itself.
    pub(super) report: Report,
    /// How many descriptors are stored for it.
    pub(super) stored: usize,
    /// When it has to say that it is alive, at the latest.
    #[serde(with = "saved")]
    pub(super) watchdog_deadline: Option<Instant>,
    /// Since when it is to say that it reloads, with Type=notify-reload.
    #[serde(with = "saved")]
    pub(super) reloads_since: Option<Instant>,
    /// When it had started.
    #[serde(with = "saved")]
    pub(super) active_since: Option<Instant>,

    /// Result=: the first thing that went wrong since it was started.
    pub(super) result: Outcome,
    /// ReloadResult=.
    pub(super) reload_result: Outcome,
    /// NRestarts=: how many times Restart= has started it.
    pub(super) restarts: u32,
    /// Whether the job is under way by which Restart= starts it.
    pub(super) scheduled: bool,
    /// Whether it was told to stop: Restart= does not start it then.
    pub(super) stopping: bool,
    /// Whether that is half of a restart.
    pub(super) restarting: bool,
    /// Whether it has a job by which it is told to stop, maybe once others have stopped.
    pub(super) is_to_stop: bool,
    /// When the time of its state is up.
    #[serde(with = "saved")]
    pub(super) deadline: Option<Instant>,
    pub(super) announcer: Announcer,

    /// The signals that were passed on.
    pub(super) passed_on: BTreeSet<Signal>,
    /// Whether it is in the terminal's foreground.
    pub(super) has_terminal: bool,
}

/// SubState= of systemctl(1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    #[default]
    Dead,
    Condition,
    StartPre,
    Start,
    StartPost,
    Running,
    Exited,
    Reload,
    ReloadSignal,
    ReloadNotify,
    Stop,
    StopWatchdog,
    StopSigterm,
    StopSigkill,
    StopPost,
    FinalWatchdog,
    FinalSigterm,
    FinalSigkill,
    Failed,
    AutoRestart,
}

impl State {
    /// SubState= and ActiveState=, in systemd's words.
    #[rustfmt::skip]
    pub(super) fn words(self) -> (&'static str, ActiveState) {
        use ActiveState::*;
        match self {
            Self::Dead          => ("dead", Inactive),
            Self::Condition     => ("condition", Activating),
            Self::StartPre      => ("start-pre", Activating),
            Self::Start         => ("start", Activating),
            Self::StartPost     => ("start-post", Activating),
            Self::Running       => ("running", Active),
            Self::Exited        => ("exited", Active),
            Self::Reload        => ("reload", Reloading),
            Self::ReloadSignal  => ("reload-signal", Reloading),
            Self::ReloadNotify  => ("reload-notify", Reloading),
            Self::Stop          => ("stop", Deactivating),
            Self::StopWatchdog  => ("stop-watchdog", Deactivating),
            Self::StopSigterm   => ("stop-sigterm", Deactivating),
            Self::StopSigkill   => ("stop-sigkill", Deactivating),
            Self::StopPost      => ("stop-post", Deactivating),
            Self::FinalWatchdog => ("final-watchdog", Deactivating),
            Self::FinalSigterm  => ("final-sigterm", Deactivating),
            Self::FinalSigkill  => ("final-sigkill", Deactivating),
            Self::Failed        => ("failed", ActiveState::Failed),
            Self::AutoRestart   => ("auto-restart", Activating),
        }
    }

    /// The state in which the commands of a setting are executed.
    pub(super) fn of(phase: Phase) -> Self {
        match phase {
            Phase::Condition => Self::Condition,
            Phase::StartPre => Self::StartPre,
            Phase::Start => Self::Start,
            Phase::StartPost => Self::StartPost,
            Phase::Reload => Self::Reload,
            Phase::Stop | Phase::StopPre => Self::Stop,
            Phase::StopPost => Self::StopPost,
        }
    }
}

/// What an answer is awaited to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Awaited {
    /// Whether a command was executed.
    Execution(CommandId),
    /// Which processes it has, to send them the signal of this state.
    Processes(State),
    /// Which processes it has, to send those a signal that somebody asks for.
    Victims(Signal, Whom),
    /// Which processes it leaves behind.
    Remains,
    /// What PIDFile= says.
    PidFile,
    /// Which processes it has, one of which is the main one: that which is said to be it, or, where nothing is said, the only one.
    MainProcess(Option<Claim>),
    /// Which processes it has, one of which is the main one, as it says itself.
    Claimed(Claim),
    /// Which processes it has, as none of them is known to be the main one.
    Others,
}

/// What happens to a service.
#[derive(Debug)]
pub(super) enum Happening {
    /// It is to be started.
    Start,
    /// It is to be stopped, maybe to be started again at once.
    Stop {
        restart: bool,
    },
    /// It is to be reloaded.
    Reload,
    /// A signal is to be sent to it.
    Kill(Signal, Whom),
    /// What has gone wrong is to be forgotten.
    ResetFailed,

    /// Its command was executed.
    Executed(Pid),
    NotExecuted(Error),
    /// The processes that it has.
    Found(Vec<Process>),
    /// What its PIDFile= says.
    PidFileRead(Result<Claim, PidFileError>),
    /// That may say something by now.
    PidFileDue,
    /// A process has said something by sd_notify(3).
    Notified(Pid, Box<Notification>, Option<Claim>),
    /// One that may has said that: made of the former.
    Heard(Box<Notification>),
    /// So it has told what it is about to do: made of the former.
    Told(Told),
    /// It is to be taken for one that is not alive: made of the former.
    WatchdogTriggered,
    /// It may have to say that it is alive.
    WatchdogDue,
    Ended(Pid, End),
    /// The main process has ended so: made of the former.
    MainEnded(Outcome),
    /// The command that was executed last has ended so, which was not the main process: made of the former.
    CommandEnded(Outcome),
    /// Another process has ended: made of the former.
    OtherEnded,
    /// A command that there was no process for has ended so, as it could not be executed.
    Unborn(CommandId, End),
    /// It has ended, and Restart= wants it started again.
    Restart,
    /// The time of its state may be up.
    TimeUp,

    Suspended(Pid, Signal),
    /// A signal has come for it.
    PassOn {
        signal: Signal,
        stops: bool,
    },
}

impl Service {
    pub(super) fn new(id: UnitId, spec: Arc<ServiceSpec>, start_limit: RateLimit, subject: Subject) -> Self {
        Self {
            id,
            spec,
            subject,
            state: State::Dead,
            awaited: None,
            deferred: VecDeque::new(),
            start_limit: Limit::new(start_limit),
            invocations: 0,
            ran: false,
            main: None,
            main_index: 0,
            stray: false,
            main_status: None,
            awaits_pid_file: false,
            control: None,
            command: None,
            others: Vec::new(),
            records: Vec::new(),
            main_end: None,
            monitors: BTreeSet::new(),
            report: Report::default(),
            stored: 0,
            watchdog_deadline: None,
            reloads_since: None,
            active_since: None,
            result: Outcome::Success,
            reload_result: Outcome::Success,
            restarts: 0,
            scheduled: false,
            stopping: false,
            restarting: false,
            is_to_stop: false,
            deadline: None,
            announcer: Announcer::default(),
            passed_on: BTreeSet::new(),
            has_terminal: false,
        }
    }

    /// ActiveState=.
    pub(super) fn active(&self) -> ActiveState {
        self.state.words().1
    }

    /// SubState=.
    pub(super) fn sub_state(&self) -> &'static str {
        self.state.words().0
    }

    /// Result=.
    pub(super) fn result(&self) -> Outcome {
        self.result
    }

    /// Whether it is being started or stopped, or is.
    pub(super) fn runs(&self) -> bool {
        self.awaited.is_some() || !matches!(self.state, State::Dead | State::Failed | State::AutoRestart)
    }

    /// Takes in what has happened, or has it wait where an answer is awaited.
    pub(super) fn step(&mut self, happening: Happening, turn: &mut Turn) {
        use Happening as H;
        let answers = matches!(happening, H::Executed(_) | H::NotExecuted(_) | H::Found(_) | H::PidFileRead(_));
        if self.awaited.is_some() && !answers {
            return self.deferred.push_back(happening);
        }
        self.take(happening, turn);
        while self.awaited.is_none() {
            let Some(happening) = self.deferred.pop_front() else { break };
            self.take(happening, turn);
        }
        self.announce(turn);
    }

    /// Has something come before all that waits.
    pub(super) fn wait_first(&mut self, happening: Happening) {
        self.deferred.push_front(happening);
    }

    /// The table: what comes of each happening in each state. What is not in it cannot be, or changes nothing.
    #[rustfmt::skip]
    fn take(&mut self, happening: Happening, turn: &mut Turn) {
        use Happening as H;
        use State as S;
        let Some(happening) = self.recognize(happening, turn) else { return };
        let gone = self.main.is_none() && self.control.is_none();
        let alone = gone && self.others.is_empty();
        self.state = match (self.state, happening) {
            (S::Dead | S::Failed, H::Start)               => self.start(turn),
            (S::Dead | S::Failed, H::Restart)             => self.restart_later(turn),
            (S::Failed, H::ResetFailed)                   => self.reset(turn),
            (S::AutoRestart, H::TimeUp)                   => self.schedule_restart(turn),
            (S::AutoRestart, H::Start) if self.is_about_to_restart()
                                                          => self.start(turn),
            (S::AutoRestart, H::Stop { restart })         => self.restart_no_more(restart, turn),

            (_, H::Executed(pid))                         => self.executed(pid, turn),
            (_, H::NotExecuted(error))                    => self.not_executed(error, turn),
            (_, H::Found(processes))                      => self.found(processes, turn),
            (_, H::PidFileRead(read))                     => self.pid_file_read(read, turn),

            (S::Condition | S::StartPre | S::Start | S::StartPost | S::Reload | S::Stop | S::StopPost,
             H::CommandEnded(outcome))                    => self.command_ended(outcome, turn),

            (S::Start, H::MainEnded(outcome))             => self.ended_while_starting(outcome, turn),
            (S::Start, H::Told(Told::Ready))              => self.ready(turn),
            (S::Running | S::ReloadSignal, H::Told(Told::Reloading))
                                                          => self.reloads_by_itself(turn),
            (S::Reload | S::ReloadNotify, H::Told(Told::Ready))
                                                          => self.has_reloaded(turn),
            (S::Running, H::Told(Told::Stopping))         => self.stops_by_itself(turn),
            (S::Start | S::StartPost | S::Running | S::Reload | S::ReloadSignal | S::ReloadNotify, H::WatchdogDue)
                                                          => self.watchdog_runs_out(turn),
            (S::Start | S::StartPost | S::Running | S::Reload | S::ReloadSignal | S::ReloadNotify, H::WatchdogTriggered)
                                                          => self.watchdog_is_triggered(turn),
            (S::Start | S::StartPost, H::PidFileDue | H::OtherEnded) if self.awaits_pid_file
                                                          => self.find_main(turn),
            (S::Running, H::OtherEnded) if self.is_headless() && self.others.is_empty()
                                                          => self.inspect(Awaited::Others, turn),
            (S::Running, H::MainEnded(_))                 => self.settle(turn),
            (S::Reload | S::ReloadSignal | S::ReloadNotify, H::MainEnded(_)) if gone
                                                          => self.settle(turn),
            (S::Running | S::Exited, H::Reload)           => self.reload(turn),

            (S::StopWatchdog | S::StopSigterm | S::StopSigkill | S::FinalWatchdog | S::FinalSigterm | S::FinalSigkill,
             H::MainEnded(outcome) | H::CommandEnded(outcome))
                                                          => self.process_ended(outcome, turn),
            // They may have left others in turn.
            (S::StopWatchdog | S::StopSigterm | S::StopSigkill | S::FinalWatchdog | S::FinalSigterm | S::FinalSigkill,
             H::OtherEnded) if alone                      => self.left_alone(turn),
            (S::StopPost, H::MainEnded(_)) if gone        => self.signal(S::FinalSigterm, Outcome::Success, turn),

            (S::Condition | S::StartPre | S::Start | S::StartPost | S::Reload | S::ReloadSignal | S::ReloadNotify,
             H::Stop { restart })                         => self.stop_at_once(restart, turn),
            (S::Running | S::Exited, H::Stop { restart }) => self.stop(restart, turn),
            (S::Stop | S::StopWatchdog | S::StopSigterm | S::StopSigkill | S::StopPost | S::FinalWatchdog
             | S::FinalSigterm | S::FinalSigkill, H::Stop { restart })
                                                          => self.stop_on(restart),

            (S::Running, H::TimeUp) if matches!(turn.form, Form::Units)
                                                          => self.runtime_is_over(turn),
            (S::Running, H::TimeUp)                       => self.survived(turn),
            (S::Reload | S::ReloadSignal | S::ReloadNotify, H::TimeUp)
                                                          => self.reload_takes_too_long(turn),
            (_, H::TimeUp)                                => self.time_is_up(turn),

            (state, H::Kill(signal, whom)) if self.runs() => self.kill(state, signal, whom, turn),
            (S::Running, H::Suspended(pid, signal)) if self.main == Some(pid)
                                                          => self.suspended(pid, signal, turn),
            (state, H::PassOn { signal, stops }) if self.runs()
                                                          => self.pass_on(state, signal, stops, turn),

            (state, _)                                    => state,
        };
    }
}

#[cfg(test)]
mod tests;
