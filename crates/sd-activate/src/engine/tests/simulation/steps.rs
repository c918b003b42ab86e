//! What happens in the world by itself.

use std::time::Duration;

use nix::unistd::Pid;
use proptest::sample::Index;

use super::Step;
use super::invariants;
use super::relations;
use super::world::{Watched, World};
use crate::engine::notification::Told;
use crate::engine::unit::Machine;
use crate::engine::*;
use crate::spec::{NotifyAccess, Signal};

/// After so many steps in which nobody asks for anything, all has come to rest; and after so many, all has been stopped.
const PATIENCE: usize = 20_000;

/// Each time that so much has happened, something else comes first.
const FAIRNESS: usize = 8;

/// So often a service is started again at the same time, at most.
const RESTARTS_MAX: usize = 20;

impl World {
    pub(super) fn take_step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Ask(verb, index) => {
                let units: Vec<_> = self.engine.units().collect();
                pick(&units, index).map_or(Ok(()), |unit| self.ask(*verb, unit))
            }
            Step::Connect(index) => {
                let ports: Vec<_> = self.ports.keys().copied().collect();
                let port = pick(&ports, index).and_then(|port| self.ports.get_mut(&port));
                port.into_iter().for_each(|port| port.waiting += 1);
                Ok(())
            }
            Step::ShutDown(index) => {
                let ports: Vec<_> = self.ports.keys().copied().collect();
                let port = pick(&ports, index).and_then(|port| self.ports.get_mut(&port));
                port.into_iter().for_each(|port| port.is_shut_down = true);
                Ok(())
            }
            Step::Attend(index) => pick(&self.telling(), index).map_or(Ok(()), |port| self.attend(port)),
            Step::Take(index) => {
                let ports: Vec<_> = self.ports.keys().copied().collect();
                if let Some(port) = pick(&ports, index).filter(|port| self.is_served(*port)) {
                    self.ports.entry(port).and_modify(|port| port.waiting = port.waiting.saturating_sub(1));
                }
                Ok(())
            }
            Step::Tell(index, told) => pick(&self.processes.alive(), index).map_or(Ok(()), |pid| self.tell(pid, *told)),
            Step::Store(index, store) => {
                pick(&self.processes.alive(), index).map_or(Ok(()), |pid| self.keep(pid, *store))
            }
            Step::Fork(index) => {
                pick(&self.processes.alive(), index).into_iter().for_each(|pid| self.fork(pid));
                Ok(())
            }
            Step::Exit(index, end) => {
                pick(&self.processes.alive(), index).into_iter().for_each(|pid| self.processes.end(pid, *end));
                Ok(())
            }
            Step::Reap(index) => pick(&self.processes.ended(), index).map_or(Ok(()), |pid| self.reap(pid)),
            Step::Wait(milliseconds) => self.wait(Duration::from_millis(*milliseconds)),
            Step::WaitForDeadline => self.wait_for_deadline(),
            Step::Load(text) => {
                self.has_reloaded = true;
                self.load(text);
                Ok(())
            }
            Step::Signal => self.happen(Event::Signal { signal: Signal::HUP, by_kernel: false }),
        }
    }

    pub(super) fn ask(&mut self, verb: Verb, unit: UnitId) -> Result<(), String> {
        self.next_request += 1;
        let request = RequestId(self.next_request);
        self.asked.insert(request, (verb, unit));
        if verb == Verb::ResetFailed {
            self.starts.forget(&unit);
        }
        let stopped = relations::stopped_with(self, verb, unit);
        self.happen(Event::Requested { request, verb, unit })?;
        relations::stop(self, request, unit, &stopped)
    }

    /// The ports that have something to tell.
    pub(super) fn telling(&self) -> Vec<Port> {
        let tells = self
            .ports
            .iter()
            .filter(|(_, port)| port.watched != Watched::Never && (port.waiting > 0 || port.is_shut_down));
        tells.map(|(port, _)| *port).collect()
    }

    pub(super) fn attend(&mut self, port: Port) -> Result<(), String> {
        let Some(listening) = self.ports.get_mut(&port) else { return Ok(()) };
        if listening.watched == Watched::Once {
            listening.watched = Watched::Never;
        }
        if listening.is_shut_down {
            return self.happen(Event::HungUp(port));
        }
        let socket = listening.socket;
        let state = |world: &Self| (world.engine.view(socket).sub, world.engine.count_accepted(socket));
        let limits = |world: &Self| match &world.engine.units[&socket].machine {
            Machine::Socket(socket) => Some((socket.trigger_limit.clone(), socket.poll_limit.clone())),
            _ => None,
        };
        let (before, counted_before) = (state(self), limits(self));
        self.happen(Event::Incoming(port))?;
        let after = state(self);
        let triggers = before.1 != after.1 || before.0 == "listening" && after.0 == "running";
        let counted = limits(self) != counted_before;
        invariants::trigger(self, socket, triggers, counted)
    }

    /// A process has descriptors stored, or takes one out.
    fn keep(&mut self, sender: Pid, store: bool) -> Result<(), String> {
        self.offered = if self.one_of(2) { 1 } else { 2 };
        let name = Some("x".to_owned());
        let notification = Box::new(Notification { store, remove: !store, name, ..Notification::default() });
        self.notify(sender, notification)
    }

    /// Whether a process has the port and takes connections.
    fn is_served(&self, port: Port) -> bool {
        let serves = |unit: UnitId| self.engine.passed(unit).contains(&port);
        self.processes.iter().any(|(_, process)| process.is_alive() && process.is_main() && serves(process.unit))
    }

    fn tell(&mut self, sender: Pid, told: Told) -> Result<(), String> {
        self.notify(sender, Box::new(Notification { told: Some(told), ..Notification::default() }))
    }

    fn notify(&mut self, sender: Pid, notification: Box<Notification>) -> Result<(), String> {
        let unit = self.processes.get(sender).map(|process| process.unit);
        let event = |unit| Event::Notified { sender, unit, notification, claim: None };
        unit.map_or(Ok(()), |unit| self.happen(event(unit)))
    }

    pub(super) fn reap(&mut self, pid: Pid) -> Result<(), String> {
        match self.processes.reap(pid) {
            Some(end) => self.happen(Event::Ended(pid, end)),
            None => Ok(()),
        }
    }

    pub(super) fn wait(&mut self, time: Duration) -> Result<(), String> {
        self.now += time;
        // With RestartSec=0, what cannot be executed is due again at once, as often as StartLimitBurst= allows.
        let executions = self.executions;
        for _ in 0..RESTARTS_MAX {
            if self.engine.deadline().is_some_and(|deadline| deadline <= self.now) {
                self.happen(Event::Time)?;
            }
        }
        invariants::no_timer_is_left(self, self.executions > executions)
    }

    fn wait_for_deadline(&mut self) -> Result<(), String> {
        let until = self.engine.deadline();
        until.map_or(Ok(()), |until| self.wait(until.saturating_duration_since(self.now)))
    }

    /// What happens next if nobody does anything: those that have ended are reaped, those who wait are attended to, what starts is
    /// ready, what is to end ends, and time passes. Whether anything does.
    fn go_on(&mut self) -> Result<bool, String> {
        let kinds =
            [Self::reap_one, Self::attend_to_one, Self::let_one_be_ready, Self::let_one_end, Self::let_time_pass];
        self.rounds += 1;
        // Now and then another kind comes first: where a socket has no limits, there is always somebody to attend to.
        let first = if self.rounds % FAIRNESS == 0 { self.rounds / FAIRNESS % kinds.len() } else { 0 };
        for kind in kinds[first..].iter().chain(&kinds[..first]) {
            if kind(self)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn reap_one(&mut self) -> Result<bool, String> {
        let ended = self.processes.ended().first().copied();
        ended.map_or(Ok(false), |pid| self.reap(pid).map(|()| true))
    }

    fn attend_to_one(&mut self) -> Result<bool, String> {
        let telling = self.telling().first().copied();
        telling.map_or(Ok(false), |port| self.attend(port).map(|()| true))
    }

    fn let_one_be_ready(&mut self) -> Result<bool, String> {
        let state = |pid: &Pid| self.state_of(*pid).unwrap_or_default();
        let unready = |pid: &Pid| ["start", "reload"].iter().any(|begin| state(pid).starts_with(begin));
        let unready = self.processes.alive().into_iter().find(unready).filter(|pid| self.said_ready.insert(*pid));
        unready.map_or(Ok(false), |pid| self.tell(pid, Told::Ready).map(|()| true))
    }

    fn let_one_end(&mut self) -> Result<bool, String> {
        let ends = self.processes.alive().into_iter().find(|pid| self.ends(*pid));
        ends.into_iter().for_each(|pid| self.processes.end(pid, End::Exited(0)));
        Ok(ends.is_some())
    }

    fn let_time_pass(&mut self) -> Result<bool, String> {
        let waits = self.engine.deadline().is_some();
        self.wait_for_deadline().map(|()| waits)
    }

    /// The state of the unit whose main process this is.
    fn state_of(&self, main: Pid) -> Option<&'static str> {
        let process = self.processes.get(main).filter(|process| process.is_main())?;
        Some(self.engine.units.get(&process.unit)?.sub_state())
    }

    /// Whether a process ends by itself: all commands do, and main processes as long as these are all that starts, or where nobody
    /// hears that they have reloaded.
    fn ends(&self, pid: Pid) -> bool {
        let executed = self.processes.get(pid).is_some_and(|process| process.command.is_some());
        executed && (self.state_of(pid).is_none_or(|state| state == "start") || self.reloads_unheard(pid))
    }

    /// Whether a main process has said RELOADING=1, and may not say READY=1 any more: as with systemd, its reload goes on for ever.
    fn reloads_unheard(&self, main: Pid) -> bool {
        let unit = self.processes.get(main).and_then(|process| self.engine.units.get(&process.unit));
        unit.is_some_and(|unit| match &unit.machine {
            Machine::Service(service) => {
                let is_told = service.report.told == Some(Told::Reloading);
                is_told && service.main == Some(main) && service.notify_access() == NotifyAccess::None
            }
            _ => false,
        })
    }

    /// Nobody does anything any more: all jobs end.
    pub(super) fn calm_down(&mut self) -> Result<(), String> {
        for round in 0..PATIENCE {
            if round == PATIENCE / 2 {
                // Where a process cannot be ended, Restart= may go on for ever: each job ends, and there is another.
                self.old_jobs = self.engine.next_job;
            }
            if self.asked.is_empty() && self.engine.jobs == 0 || self.exited || !self.go_on()? {
                break;
            }
        }
        invariants::at_rest(self)
    }

    /// All is stopped.
    pub(super) fn stop(&mut self) -> Result<(), String> {
        self.happen(Event::Signal { signal: Signal::TERM, by_kernel: false })?;
        for _ in 0..PATIENCE {
            if self.exited || !self.go_on()? {
                break;
            }
        }
        invariants::in_the_end(self)
    }
}

fn pick<T: Copy>(among: &[T], index: &Index) -> Option<T> {
    (!among.is_empty()).then(|| *index.get(among))
}
