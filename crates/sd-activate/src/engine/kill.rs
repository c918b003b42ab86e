//! Signals for the processes of a unit: systemd.kill(5).

use nix::unistd::Pid;

use super::Action;
use super::commands::NOBODY;
use super::event::{Process, UnitId};
use super::turn::{Level, Turn};
use super::view::CommandStatus;
use crate::spec::{Kill, KillMode, Signal};

/// A unit whose processes get a signal.
pub(super) struct Victim<'a> {
    pub(super) id: UnitId,
    pub(super) name: &'a str,
    pub(super) kill: &'a Kill,
    /// The processes of its commands that run.
    pub(super) known: &'a [Pid],
    /// All commands that were executed for it.
    pub(super) statuses: &'a [CommandStatus],
    /// All that it has.
    pub(super) processes: &'a [Process],
}

/// A signal.
#[derive(Clone, Copy)]
pub(super) struct Shot {
    pub(super) signal: Signal,
    /// Whether it is told who gets it.
    pub(super) told: bool,
    /// Whether nothing follows that would end what this does not.
    pub(super) last: bool,
}

/// Who has got the signal.
pub(super) struct Hit {
    /// Whether anybody has.
    pub(super) any: bool,
    /// The children of this process among them that were not known: this process hears of their end.
    pub(super) others: Vec<Pid>,
}

impl Victim<'_> {
    /// Sends the signal to those whom KillMode= says.
    pub(super) fn send(self, shot: Shot, turn: &mut Turn) -> Hit {
        let Shot { signal, told, last } = shot;
        let all = self.kill.reaches_all(last);
        let known = self.known.iter().copied().filter(|_| self.kill.mode != KillMode::None);
        let is_other = |process: &&Process| all && !self.known.contains(&process.pid);
        let others: Vec<_> = self.processes.iter().filter(is_other).collect();
        let targets: Vec<_> = known.chain(others.iter().map(|process| process.pid)).collect();
        for pid in &targets {
            if told {
                let (unit, name) = (self.name, name_of(*pid, self.processes));
                let message = format!("{unit}: Killing process {pid} ({name}) with signal {signal}.");
                turn.log_any(self.id, Some((Level::Notice, message)));
            }
            turn.act(Action::Kill(*pid, signal));
            if !told {
                // So that what is stopped can end.
                let hangup = (self.kill.send_sighup && signal != Signal::HUP).then_some(Signal::HUP);
                turn.actions.extend(hangup.into_iter().chain([Signal::CONT]).map(|signal| Action::Kill(*pid, signal)));
            }
        }
        // What multiplies would run away from signals one by one.
        if signal == Signal::KILL && !others.is_empty() {
            turn.act(Action::KillAll(self.id, executed(self.statuses)));
        }
        let children: Vec<_> = others.iter().filter(|process| process.is_child).map(|process| process.pid).collect();
        turn.own(self.id, &children);
        Hit { any: !targets.is_empty(), others: children }
    }
}

/// Says which processes nothing has ended, or nothing was to end.
pub(super) fn tell_of_remaining(id: UnitId, unit: &str, processes: &[Process], turn: &mut Turn) {
    for Process { pid, name, .. } in processes {
        let message = format!("{unit}: Unit process {pid} ({name}) remains running after unit stopped.");
        turn.log_any(id, Some((Level::Info, message)));
    }
}

/// The processes of commands that were executed.
pub(super) fn executed(statuses: &[CommandStatus]) -> Vec<Pid> {
    statuses.iter().map(|status| status.pid).filter(|pid| *pid != NOBODY).collect()
}

pub(super) fn name_of(pid: Pid, processes: &[Process]) -> &str {
    processes.iter().find(|process| process.pid == pid).map_or("n/a", |process| &process.name)
}
