//! Signals, and when all ends.

use super::event::{End, Port, UnitId};
use super::service::{Happening, Service};
use super::turn::Turn;
use super::unit::Machine;
use super::{Action, Engine, Form};
use crate::spec::{Kind, Signal};

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
            libc::SIGCONT | libc::SIGURG | libc::SIGWINCH => (),
            _ if stops => (),
            _ => match self.form {
                Form::Command(_) if runs => (),
                Form::Command(_) => turn.say(format_args!("No service runs that {signal} could be passed on to.")),
                Form::Units => turn.say(format_args!("{signal} is ignored: SIGTERM stops the units.")),
            },
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
            Form::Units if self.stopping => Some(0),
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
