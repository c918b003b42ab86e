//! Signals, and when all ends.

use super::event::{End, Port, UnitId};
use super::service::{Happening, Service};
use super::turn::{Level, Turn};
use super::unit::Machine;
use super::{Action, Engine, Form};
use crate::spec::{EndAction, Kind, Signal};

impl Engine {
    pub(super) fn signal(&mut self, signal: Signal, by_kernel: bool, turn: &mut Turn) {
        let number = signal.number();
        // The kernel sends SIGHUP where the terminal is gone, and nobody could send SIGINT any more.
        let stops =
            matches!(number, libc::SIGTERM | libc::SIGINT | libc::SIGQUIT) || number == libc::SIGHUP && by_kernel;
        // Containers with systemd are stopped by that: systemd(1).
        let stops = stops || matches!(self.form, Form::Units) && number == libc::SIGRTMIN() + 3;
        match self.form {
            Form::Command(_) => {
                if stops {
                    self.accept_no_more(turn);
                }
                self.connections.pass_on(signal, turn);
                let ids: Vec<UnitId> = self.units.keys().copied().collect();
                for id in ids {
                    self.tell_service(id, Happening::PassOn { signal, stops }, turn);
                }
            }
            Form::Units if stops => self.stop_all(turn),
            Form::Units => (),
        }
        let services = || self.units.values().filter(|unit| matches!(unit.machine, Machine::Service(_)));
        let runs = self.connections.runs() || services().any(|unit| !unit.active().is_inactive_or_failed());
        // With a command, whether all ends depends on how that does, where it runs.
        self.stopping |= stops && (matches!(self.form, Form::Units) || !runs || self.connections.runs());
        match number {
            libc::SIGTSTP => turn.act(Action::Suspend),
            libc::SIGUSR2 if matches!(self.form, Form::Units) => self.say_states(turn),
            libc::SIGCONT | libc::SIGURG | libc::SIGWINCH => (),
            _ if stops => (),
            _ => match self.form {
                Form::Command(_) if runs => (),
                Form::Command(_) => turn.say(format_args!("No service runs that {signal} could be passed on to.")),
                Form::Units => turn.say(format_args!("{signal} is ignored: SIGTERM stops the units.")),
            },
        }
    }

    /// What each unit is, and its job.
    fn say_states(&self, turn: &mut Turn) {
        for unit in self.units.values() {
            let job = unit.job.as_ref().map(|job| format!(", job {}", job.kind.word())).unwrap_or_default();
            turn.say(format_args!("{}: {} ({}){job}", unit.name, unit.active().word(), unit.sub_state()));
        }
    }

    /// A unit has failed, or has ended otherwise: FailureAction= or SuccessAction=.
    pub(super) fn has_ended(&mut self, id: UnitId, failed: bool, turn: &mut Turn) {
        let unit = &self.units[&id];
        let actions = &unit.spec.end_actions;
        let main = self.service(id).and_then(|service| service.main_end);
        // As systemd has it; what has no main process, or where it could not be started, is as in later releases.
        let main = main.map(|end| if let End::Exited(status) = end { status } else { u8::MAX });
        let (action, status, how) = if failed {
            (actions.failure, actions.failure_status.or(main).unwrap_or(u8::MAX), "failed")
        } else {
            (actions.success, actions.success_status.or(main).unwrap_or(0), "succeeded")
        };
        let why = format!("unit {} {how}", unit.name);
        self.end_all(id, action, status, &why, turn);
    }

    /// StartLimitAction=.
    pub(super) fn limit_was_hit(&mut self, id: UnitId, turn: &mut Turn) {
        let Some(unit) = self.units.get(&id) else { return };
        let why = format!("unit {} failed", unit.name);
        self.end_all(id, unit.spec.end_actions.start_limit, 1, &why, turn);
    }

    /// Ends all, with this exit status, where that is to be done.
    pub(super) fn end_all(&mut self, id: UnitId, action: Option<EndAction>, status: u8, why: &str, turn: &mut Turn) {
        let Some(action) = action.filter(|_| matches!(self.form, Form::Units)) else { return };
        if self.stopping {
            let word = action.word();
            let message = format!("Shutdown is already active. Skipping emergency action request {word}.");
            return turn.log(id, Level::Notice, message);
        }
        self.status = Some(status);
        match action {
            EndAction::Exit => {
                turn.log(id, Level::Warning, format!("Exiting: {why}"));
                self.stop_all(turn);
            }
            EndAction::ExitForce => {
                turn.log(id, Level::Warning, format!("Exiting immediately: {why}"));
                turn.act(Action::Exit(status));
            }
        }
    }

    /// The exit status, once there is nothing more to do.
    pub(super) fn end(&self) -> Option<u8> {
        match self.form {
            Form::Command(_) => {
                let runs =
                    self.connections.runs() || self.units.keys().any(|id| self.service(*id).is_some_and(Service::runs));
                (self.stopping && !runs).then_some(0)
            }
            Form::Units if !self.begun || self.alive > 0 || self.jobs > 0 => None,
            Form::Units if self.stopping => Some(self.status.unwrap_or(0)),
            Form::Units => (!self.asked).then(|| self.exit_status()),
        }
    }

    /// The exit status of units that have ended by themselves: where only one service was asked for, that of its process.
    fn exit_status(&self) -> u8 {
        let only = self.only.and_then(|id| self.service(id)).filter(|service| service.ran);
        let status = only.and_then(|service| service.main_end).map_or(1, End::status);
        if self.failed { status.max(1) } else { 0 }
    }

    /// Services that serve all connections have their ports until they have ended; nobody else will serve the others.
    fn accept_no_more(&mut self, turn: &mut Turn) {
        let accepts = |unit: &UnitId| matches!(&self.units[unit].spec.kind, Kind::Socket(socket) if socket.accept);
        let mut ports: Vec<Port> =
            self.ports.iter().filter(|(_, socket)| accepts(socket)).map(|(port, _)| *port).collect();
        ports.sort_unstable();
        for port in ports {
            self.ports.remove(&port);
            turn.act(Action::Close(port));
        }
    }
}
