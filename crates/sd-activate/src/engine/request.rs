//! What is asked of units: the verbs of systemctl(1) become jobs.

use super::event::UnitId;
use super::job::JobKind;
use super::service::Happening;
use super::turn::Turn;
use super::unit::{Machine, Unit};
use super::view::{Answer, JobResult, Refusal, RefusalKind, RequestId, Verb, Whom};
use super::{Action, Engine};
use crate::spec::Signal;

impl Engine {
    /// Somebody asks: who is answered when the job has ended, or now.
    pub(super) fn requested(&mut self, request: RequestId, verb: Verb, id: UnitId, turn: &mut Turn) {
        self.asked = true;
        if !self.units.contains_key(&id) {
            let reason = "It is not there any more.".to_owned().into();
            return turn.act(Action::Answer(request, Answer::Refused(reason)));
        }
        match self.ask(verb, id, Some(request), turn) {
            Ok(true) => (),
            Ok(false) => turn.act(Action::Answer(request, Answer::Ended(JobResult::Done))),
            Err(reason) => turn.act(Action::Answer(request, Answer::Refused(reason))),
        }
    }

    /// Does what is asked; whether a job was made that gives the answer. An error is why it is refused.
    pub(super) fn ask(
        &mut self,
        verb: Verb,
        id: UnitId,
        request: Option<RequestId>,
        turn: &mut Turn,
    ) -> Result<bool, Refusal> {
        let unit = &self.units[&id];
        let active = unit.active();
        let kind = match verb {
            Verb::Start => JobKind::Start,
            Verb::Stop => JobKind::Stop,
            Verb::Restart => JobKind::Restart,
            Verb::TryRestart | Verb::TryReloadOrRestart if active.is_inactive_or_failed() => return Ok(false),
            Verb::TryRestart => JobKind::Restart,
            Verb::ReloadOrRestart if active.is_inactive_or_failed() => JobKind::Start,
            Verb::Reload | Verb::ReloadOrRestart | Verb::TryReloadOrRestart if unit.reloads() => JobKind::Reload,
            Verb::ReloadOrRestart | Verb::TryReloadOrRestart => JobKind::Restart,
            Verb::Reload => {
                let why = format!("Job type reload is not applicable for unit {}.", unit.name);
                return Err(Refusal { kind: RefusalKind::NotApplicable, why });
            }
            Verb::ResetFailed => {
                self.reset_failed(id, turn);
                return Ok(false);
            }
            Verb::Kill(signal, whom) => return Ok(self.kill(id, signal, whom, turn).map(|()| false)?),
        };
        may_be_asked(unit, kind)?;
        if self.stopping && kind != JobKind::Stop {
            return Err("All units are being stopped.".to_owned().into());
        }
        self.enqueue(id, kind, request, turn).map(|()| true)
    }

    fn kill(&mut self, id: UnitId, signal: Signal, whom: Whom, turn: &mut Turn) -> Result<(), String> {
        let unit = &self.units[&id];
        let (main, control) = match &unit.machine {
            Machine::Service(service) => (service.main, service.control),
            Machine::Socket(socket) => (None, socket.control()),
            Machine::Target(_) => {
                return Err(format!("Unit type target does not support process killing: {}", unit.name));
            }
        };
        match (whom, main, control) {
            (Whom::Main, None, _) => return Err("No main process to kill".to_owned()),
            (Whom::Control, _, None) => return Err("No control process to kill".to_owned()),
            (_, None, Some(pid)) if matches!(unit.machine, Machine::Socket(_)) => turn.act(Action::Kill(pid, signal)),
            _ => self.tell_service(id, Happening::Kill(signal, whom), turn),
        }
        Ok(())
    }

    fn reset_failed(&mut self, id: UnitId, turn: &mut Turn) {
        if self.forget_kept(id) {
            return;
        }
        if let Some(unit) = self.units.get_mut(&id) {
            unit.reset_failed(turn);
            turn.touched.push(id);
        }
    }
}

/// Whether such a job may be made because somebody asks for it.
fn may_be_asked(unit: &Unit, kind: JobKind) -> Result<(), Refusal> {
    let name = &unit.name;
    if let Some(refusal) = Refusal::of_load(unit.load, name).filter(|_| kind != JobKind::Stop) {
        return Err(refusal);
    }
    let refused = match kind {
        JobKind::Start => unit.spec.refuse_manual_start,
        JobKind::Stop => unit.spec.refuse_manual_stop,
        JobKind::Restart => unit.spec.refuse_manual_start || unit.spec.refuse_manual_stop,
        JobKind::Reload | JobKind::Verify => false,
    };
    if refused {
        let why = format!(
            "Operation refused, unit {name} may be requested by dependency only \
             (it is configured to refuse manual start/stop)."
        );
        return Err(Refusal { kind: RefusalKind::OnlyByDependency, why });
    }
    Ok(())
}
