//! How a service is stopped: by ExecStop=, by signals as systemd.kill(5) has them, by ExecStopPost=, and by signals again for
//! what is left then. Each function answers with the state that it leads to.

use std::fmt::Display;

use super::event::Process;
use super::kill::{self, Shot, Victim, executed, name_of};
use super::service::{Awaited, Service, State};
use super::turn::{Level, Turn};
use super::verdict::Outcome;
use super::view::Whom;
use super::{Action, Form};
use crate::spec::{FailureMode, Phase, Signal};

impl Service {
    pub(super) fn stop(&mut self, restart: bool, turn: &mut Turn) -> State {
        self.is_to_stop(restart);
        self.enter(Phase::Stop, turn)
    }

    /// ExecStop= is only for what has started.
    pub(super) fn stop_at_once(&mut self, restart: bool, turn: &mut Turn) -> State {
        self.is_to_stop(restart);
        self.announcer.is_silent();
        self.signal(State::StopSigterm, Outcome::Success, turn)
    }

    /// It stops already.
    pub(super) fn stop_on(&mut self, restart: bool) -> State {
        self.is_to_stop(restart);
        self.announcer.is_silent();
        self.state
    }

    fn is_to_stop(&mut self, restart: bool) {
        (self.stopping, self.restarting) = (true, restart);
        self.announcer.stops();
    }

    /// Sends all processes that it has the signal of this state, once it is known which these are.
    pub(super) fn signal(&mut self, state: State, outcome: Outcome, turn: &mut Turn) -> State {
        self.result.worsen(outcome);
        self.inspect(Awaited::Processes(state), turn)
    }

    /// Sends a signal that somebody asks for.
    pub(super) fn kill(&mut self, state: State, signal: Signal, whom: Whom, turn: &mut Turn) -> State {
        self.inspect(Awaited::Victims(signal, whom), turn);
        state
    }

    pub(super) fn inspect(&mut self, awaited: Awaited, turn: &mut Turn) -> State {
        self.awaited = Some(awaited);
        turn.act(Action::Inspect(self.id, executed(&self.records)));
        self.state
    }

    pub(super) fn found(&mut self, processes: Vec<Process>, turn: &mut Turn) -> State {
        match self.awaited.take() {
            Some(Awaited::Processes(_)) if self.is_adoptable(&processes, turn) => self.adopt(&processes, turn),
            Some(Awaited::Processes(state)) => self.send(state, &processes, turn),
            Some(Awaited::Victims(signal, whom)) => {
                self.send_victims(signal, whom, &processes, turn);
                self.state
            }
            Some(Awaited::Remains) => self.leave(&processes, turn),
            Some(Awaited::MainProcess(claim)) => self.main_found(claim, &processes, turn),
            Some(Awaited::Claimed(claim)) => self.claimed(claim, &processes, turn),
            Some(Awaited::Others) if self.state == State::Running => {
                self.watch_others(&processes, turn);
                self.settle(turn)
            }
            Some(Awaited::Others) => self.wait_for_others(&processes, turn),
            Some(Awaited::Execution(_) | Awaited::PidFile) | None => self.state,
        }
    }

    fn send(&mut self, state: State, processes: &[Process], turn: &mut Turn) -> State {
        let (signal, told) = self.signal_of(state);
        self.watchdog_deadline = None;
        self.let_go_of_stray(signal, processes, turn);
        let last = matches!(state, State::StopSigkill | State::FinalSigkill);
        let known: Vec<_> = [self.main, self.control].into_iter().flatten().collect();
        let victim = Victim {
            id: self.id,
            name: &self.subject.name,
            kill: &self.spec.kill,
            known: &known,
            statuses: &self.records,
            processes,
        };
        let hit = victim.send(Shot { signal, told, last }, turn);
        self.others = hit.others;
        self.tell_of_left(turn);
        if !hit.any {
            return self.past(state, processes, turn);
        }
        if self.state != state {
            let watchdog = matches!(state, State::StopWatchdog | State::FinalWatchdog);
            let timeout = self.spec.timeout_abort.filter(|_| watchdog).unwrap_or(self.spec.timeout_stop);
            self.wait_until(timeout, turn);
        }
        state
    }

    /// Which signal processes get in a state, and whether that is told.
    fn signal_of(&self, state: State) -> (Signal, bool) {
        let kill = &self.spec.kill;
        match state {
            State::StopWatchdog | State::FinalWatchdog => (kill.watchdog_signal, true),
            State::StopSigkill | State::FinalSigkill => (kill.final_signal, true),
            State::StopSigterm if self.restarting => (kill.restart_signal.unwrap_or(kill.signal), false),
            _ => (kill.signal, false),
        }
    }

    /// All have ended that are known to have got the signal of this state. They may have left others.
    pub(super) fn left_alone(&mut self, turn: &mut Turn) -> State {
        match (turn.form, self.state) {
            (Form::Units, _) => self.inspect(Awaited::Others, turn),
            // A command's are only found when their parents have ended, and so have got no signal yet.
            (_, State::StopWatchdog | State::StopSigterm | State::StopSigkill) => self.enter(Phase::StopPost, turn),
            (_, state) => self.signal(state, Outcome::Success, turn),
        }
    }

    /// All have ended that are known to have got the signal of this state, and these have not, which they had made.
    fn wait_for_others(&mut self, processes: &[Process], turn: &mut Turn) -> State {
        let last = matches!(self.state, State::StopSigkill | State::FinalSigkill);
        if self.spec.kill.reaches_all(last) {
            self.watch_others(processes, turn);
        }
        match self.state {
            state if !self.others.is_empty() => state,
            State::StopWatchdog | State::StopSigterm | State::StopSigkill => self.enter(Phase::StopPost, turn),
            _ if processes.is_empty() => self.leave(processes, turn),
            state => self.signal(state, Outcome::Success, turn),
        }
    }

    /// There is nobody that the signal of this state could be sent to. These processes remain.
    fn past(&mut self, state: State, remain: &[Process], turn: &mut Turn) -> State {
        // SIGKILL reaches those too that KillMode=mixed spares before.
        let reaches_more = self.spec.kill.spares_until_sigkill() && !remain.is_empty();
        match state {
            State::StopWatchdog | State::StopSigterm if reaches_more => {
                self.signal(State::StopSigkill, Outcome::Success, turn)
            }
            State::FinalWatchdog | State::FinalSigterm if reaches_more => {
                self.signal(State::FinalSigkill, Outcome::Success, turn)
            }
            State::StopWatchdog | State::StopSigterm | State::StopSigkill => {
                // Nothing new can be there without a command that has left it.
                if remain.is_empty() && self.spec.stop_post.is_empty() {
                    return self.dead(turn);
                }
                self.enter(Phase::StopPost, turn)
            }
            _ => self.leave(remain, turn),
        }
    }

    /// These processes remain: as KillMode= says, or because nothing ends them.
    fn leave(&mut self, remain: &[Process], turn: &mut Turn) -> State {
        let state = self.dead(turn);
        kill::tell_of_remaining(self.id, &self.subject.name, remain, turn);
        state
    }

    fn send_victims(&mut self, signal: Signal, whom: Whom, processes: &[Process], turn: &mut Turn) {
        let (main, control) = (self.main, self.control);
        let known =
            [(control.filter(|_| whom != Whom::Main), "control"), (main.filter(|_| whom != Whom::Control), "main")];
        for (pid, kind) in known {
            let Some(pid) = pid else { continue };
            let name = name_of(pid, processes);
            let message = format!("Sent signal {signal} to {kind} process {pid} ({name}) on client request.");
            self.log(Level::Info, message, turn);
            turn.act(Action::Kill(pid, signal));
        }
        let is_other = |process: &&Process| whom == Whom::All && ![main, control].contains(&Some(process.pid));
        for Process { pid, name, .. } in processes.iter().filter(is_other) {
            let message = format!("Sending signal {signal} to process {pid} ({name}) on client request.");
            self.log(Level::Info, message, turn);
            turn.act(Action::Kill(*pid, signal));
        }
    }

    /// The main process or that of a command has ended, after a signal.
    pub(super) fn process_ended(&mut self, outcome: Outcome, turn: &mut Turn) -> State {
        self.result.worsen(outcome);
        let gone = self.main.is_none() && self.control.is_none();
        match self.state {
            state if !gone => state,
            State::StopWatchdog | State::StopSigterm | State::StopSigkill => self.enter(Phase::StopPost, turn),
            _ => self.give_up(turn),
        }
    }

    /// The time is up of a command that starts or stops it, or of a signal.
    pub(super) fn time_is_up(&mut self, turn: &mut Turn) -> State {
        use State::*;
        let finally = matches!(self.state, StopPost | FinalWatchdog | FinalSigterm | FinalSigkill);
        let mode = match self.state {
            Condition | StartPre | Start | StartPost => self.spec.start_failure,
            Stop | StopPost => self.spec.stop_failure,
            StopSigterm | FinalSigterm if self.spec.stop_failure == FailureMode::Abort => FailureMode::Abort,
            StopSigterm | FinalSigterm | StopWatchdog | FinalWatchdog => FailureMode::Kill,
            StopSigkill => {
                self.times_out("Processes still around after SIGKILL. Ignoring.", turn);
                // Its end is not that of the next command.
                (self.control, self.command) = (None, None);
                return self.enter(Phase::StopPost, turn);
            }
            FinalSigkill => {
                self.times_out("Processes still around after final SIGKILL. Entering failed mode.", turn);
                return self.give_up(turn);
            }
            Dead | Running | Exited | Reload | ReloadSignal | ReloadNotify | Failed | AutoRestart => return self.state,
        };
        let (words, next) = match (mode, finally) {
            (FailureMode::Terminate, false) => ("Terminating.", Some(StopSigterm)),
            (FailureMode::Terminate, true) => ("Terminating.", Some(FinalSigterm)),
            (FailureMode::Abort, false) => ("Aborting.", Some(StopWatchdog)),
            (FailureMode::Abort, true) => ("Aborting.", Some(FinalWatchdog)),
            (FailureMode::Kill, false) if self.spec.kill.send_sigkill => ("Killing.", Some(StopSigkill)),
            (FailureMode::Kill, true) if self.spec.kill.send_sigkill => ("Killing.", Some(FinalSigkill)),
            (FailureMode::Kill, false) => ("Skipping SIGKILL.", None),
            (FailureMode::Kill, true) => ("Skipping SIGKILL. Entering failed mode.", None),
        };
        let name = self.sub_state();
        match self.state {
            Condition | StartPre | Start | StartPost => {
                self.times_out(format_args!("{name} operation timed out. {words}"), turn);
            }
            Stop => self.times_out(format_args!("Stopping timed out. {words}"), turn),
            _ => self.times_out(format_args!("State '{name}' timed out. {words}"), turn),
        }
        match next {
            Some(state) => self.signal(state, Outcome::Timeout, turn),
            None if finally => self.give_up(turn),
            None => self.enter(Phase::StopPost, turn),
        }
    }

    fn times_out(&mut self, message: impl Display, turn: &mut Turn) {
        self.result.worsen(Outcome::Timeout);
        self.log(Level::Warning, message, turn);
    }

    /// It is over, whatever of it still runs.
    pub(super) fn give_up(&mut self, turn: &mut Turn) -> State {
        self.inspect(Awaited::Remains, turn)
    }
}
