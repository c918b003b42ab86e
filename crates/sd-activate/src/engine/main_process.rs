//! Which process is the main one where the service was not executed as such: with Type=forking, by PIDFile= or as the only one that is
//! left; and where it says so itself, by MAINPID= of sd_notify(3).

use std::path::Path;
use std::time::Duration;

use nix::unistd::Pid;

use super::Action;
use super::event::{Claim, Claimed, PidFileError, Process};
use super::service::{Awaited, Service, State};
use super::turn::{Level, Timer, Turn};
use super::verdict::Outcome;
use super::view::CommandStatus;
use crate::error::reason;
use crate::spec::{Phase, ServiceType, Signal};

/// How often PIDFile= is looked for while the service starts.
const PID_FILE_INTERVAL: Duration = Duration::from_millis(50);

impl Service {
    /// Whether it goes on without a process that is known to be the main one, as long as there is any.
    pub(super) fn is_headless(&self) -> bool {
        self.spec.service_type == ServiceType::Forking && self.main.is_none() && self.main_end.is_none()
    }

    /// Looks for the main process: of Type=forking, when it has started or was reloaded.
    pub(super) fn find_main(&mut self, turn: &mut Turn) -> State {
        if self.spec.pid_file.is_none() {
            return self.inspect(Awaited::MainProcess(None), turn);
        }
        self.awaited = Some(Awaited::PidFile);
        turn.act(Action::ReadPidFile(self.id));
        self.state
    }

    pub(super) fn pid_file_read(&mut self, read: Result<Claim, PidFileError>, turn: &mut Turn) -> State {
        if let (Err(error), true) = (read, self.warns_of_pid_file()) {
            let path = self.spec.pid_file.as_deref().unwrap_or(Path::new("")).display();
            let state = self.sub_state();
            let message = match error {
                PidFileError::Open(errno) => {
                    format!("Can't open PID file {path} (yet?) after {state}: {}", reason(errno))
                }
                PidFileError::Parse(errno) => format!("Failed to parse PID from file {path}: {}", reason(errno)),
            };
            self.log(Level::Info, message, turn);
        }
        self.inspect(Awaited::MainProcess(read.ok()), turn)
    }

    /// Whether it is said that PIDFile= does not say which it is: once.
    fn warns_of_pid_file(&self) -> bool {
        !self.awaits_pid_file && !self.pid_file_may_come()
    }

    /// Whether ExecStartPost= may yet write it.
    fn pid_file_may_come(&self) -> bool {
        self.state == State::Start && !self.spec.start_post.is_empty()
    }

    /// These processes it has, and that one is said to be the main one.
    pub(super) fn main_found(&mut self, claim: Option<Claim>, processes: &[Process], turn: &mut Turn) -> State {
        let found = match claim {
            Some(claim) => self.accepts(claim, processes, turn).then_some(claim.pid),
            None if self.is_headless() && self.spec.guess_main_pid && self.spec.pid_file.is_none() => {
                self.only_one(processes)
            }
            None => None,
        };
        if let Some(pid) = found {
            self.set_main(pid, processes, turn);
        }
        self.watch_others(processes, turn);
        let starts = matches!(self.state, State::Start | State::StartPost) && self.control.is_none();
        if !starts {
            return if self.state == State::Start { State::Start } else { self.settle(turn) };
        }
        if self.spec.pid_file.is_some() && found.is_none() && !self.pid_file_may_come() {
            return self.await_pid_file(processes, turn);
        }
        self.awaits_pid_file = false;
        if self.state == State::Start { self.enter(Phase::StartPost, turn) } else { self.settle(turn) }
    }

    fn await_pid_file(&mut self, processes: &[Process], turn: &mut Turn) -> State {
        if processes.iter().all(|process| process.is_zombie) {
            return self.signal(State::StopSigterm, Outcome::Protocol, turn);
        }
        self.awaits_pid_file = true;
        turn.after(PID_FILE_INTERVAL, Timer::PidFile(self.id));
        self.state
    }

    /// The only process that is a child of this one, if there is only one.
    fn only_one(&self, processes: &[Process]) -> Option<Pid> {
        let mut candidates = processes.iter().filter(|it| it.is_child && !it.is_zombie && Some(it.pid) != self.control);
        let first = candidates.next()?;
        candidates.next().is_none().then_some(first.pid)
    }

    /// These processes it has, and it says itself that this one is the main one: MAINPID=.
    pub(super) fn claimed(&mut self, claim: Claim, processes: &[Process], turn: &mut Turn) -> State {
        let Claim { pid, claimed, trusted } = claim;
        if let Some(refusal) = impossible(pid, claimed) {
            self.log(Level::Warning, refusal, turn);
        } else if trusted || processes.iter().any(|process| process.pid == pid) {
            self.set_main(pid, processes, turn);
            self.watch_others(processes, turn);
        }
        self.state
    }

    /// Whether a process can be the main one, as PIDFile= says.
    fn accepts(&self, claim: Claim, processes: &[Process], turn: &mut Turn) -> bool {
        let Claim { pid, claimed, trusted } = claim;
        let refusal = match impossible(pid, claimed) {
            Some(refusal) => refusal,
            None if processes.iter().any(|process| process.pid == pid) => return true,
            None if trusted => {
                let message = format!(
                    "New main PID {pid} does not belong to service, but we'll accept it since PID file is owned by root."
                );
                self.log(Level::Info, message, turn);
                return true;
            }
            None => {
                format!("New main PID {pid} does not belong to service, and PID file is not owned by root. Refusing.")
            }
        };
        if self.warns_of_pid_file() {
            self.log(Level::Info, refusal, turn);
        }
        false
    }

    fn set_main(&mut self, pid: Pid, processes: &[Process], turn: &mut Turn) {
        if self.main == Some(pid) {
            return;
        }
        self.stray = !processes.iter().any(|process| process.pid == pid && process.is_child);
        if self.stray {
            let message = format!(
                "Supervising process {pid} which is not our child. We'll most likely not notice when it exits."
            );
            self.log(Level::Warning, message, turn);
        }
        (self.main, self.main_end) = (Some(pid), None);
        self.main_status =
            Some(CommandStatus { setting: Phase::Start.setting(), index: 0, pid, since: turn.now, end: None });
        turn.own(self.id, &[pid]);
    }

    /// A main process whose end is told to another is one of many when the service is stopped: its end is not waited for.
    pub(super) fn let_go_of_stray(&mut self, signal: Signal, processes: &[Process], turn: &mut Turn) {
        let Some(main) = self.main.filter(|_| self.stray) else { return };
        match processes.iter().find(|process| process.pid == main) {
            Some(process) if process.is_child => self.stray = false,
            Some(_) => self.main = None,
            None => {
                self.main = None;
                turn.act(Action::Kill(main, signal));
            }
        }
    }

    /// What ends of these is told.
    pub(super) fn watch_others(&mut self, processes: &[Process], turn: &mut Turn) {
        let known = [self.main, self.control];
        let is_other = |process: &&Process| process.is_child && !known.contains(&Some(process.pid));
        self.others = processes.iter().filter(is_other).map(|process| process.pid).collect();
        turn.own(self.id, &self.others);
    }
}

/// Why a process can be nobody's main one.
fn impossible(pid: Pid, claimed: Claimed) -> Option<String> {
    match claimed {
        Claimed::Manager => Some(format!("New main PID {pid} is the manager, refusing.")),
        Claimed::Gone => Some(format!("New main PID {pid} does not exist or is a zombie.")),
        Claimed::Running => None,
    }
}
