//! A world that carries out what the engine wants done, as well or as badly as the real one: each answer is given at once, as there,
//! and all else happens in [steps](super::Step).

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::invariants;
use super::limits::Counted;
use super::processes::{Nature, Processes};
use super::relations;
use super::units::Text;
use crate::engine::unit::Unit;
use crate::engine::*;
use crate::error::Error;
use crate::spec::{LoadState, UnitName};

/// More than this does not come of one event.
const ACTIONS_MAX: usize = 5000;

/// How much time passes between two events, at least.
const MOMENT: Duration = Duration::from_micros(1);

/// What is listened at.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) socket: UnitId,
    pub(super) watched: Watched,
    /// How many connections wait.
    pub(super) waiting: u32,
    /// It was shut down.
    pub(super) is_shut_down: bool,
}

/// Whether it is told that somebody has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    Never,
    Once,
    Always,
}

/// A connection that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) socket: UnitId,
    pub(super) source: String,
}

/// Everything but the engine, and the engine.
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) now: Instant,
    pub(super) processes: Processes,
    pub(super) ports: BTreeMap<Port, Listening>,
    pub(super) next_port: usize,
    /// The connection that was accepted last, while it is nobody's.
    pub(super) held: Option<Connection>,
    /// The connections of services.
    pub(super) connections: BTreeMap<UnitId, Connection>,
    /// What is asked and not answered.
    pub(super) asked: BTreeMap<RequestId, (Verb, UnitId)>,
    pub(super) next_request: u64,
    /// The templates of services for connections.
    pub(super) templates: BTreeMap<&'static str, Text>,
    /// Whether a unit was loaded later, or again: what has begun before goes on without its relations.
    pub(super) has_reloaded: bool,
    /// The answer that was given last.
    pub(super) answer: Option<(RequestId, Answer)>,
    /// Units that something was begun for since the last event.
    pub(super) begun: BTreeSet<UnitId>,
    /// Units that could not be started because of another, as the engine has said.
    pub(super) refused: BTreeSet<UnitId>,
    pub(super) starts: Counted<UnitId>,
    /// Sockets whose start was counted before they listen, as they have ExecStartPre=.
    pub(super) starting: BTreeSet<UnitId>,
    pub(super) triggers: Counted<UnitId>,
    pub(super) polls: Counted<UnitId>,
    /// How many descriptors are stored for a unit.
    pub(super) stored: HashMap<UnitId, usize>,
    /// Units that keep what is stored although they are over: a process that was left behind has had it stored, or it was kept as
    /// they were told before they were loaded again.
    pub(super) stored_before: BTreeSet<UnitId>,
    /// How many have come with what a process says.
    pub(super) offered: usize,
    /// What has happened, where that is written down.
    pub(super) trace: Option<Vec<String>>,
    /// Units that were allowed to leave processes, before they were loaded again.
    pub(super) sparing: BTreeSet<UnitId>,
    /// Main processes that are ready.
    pub(super) said_ready: BTreeSet<Pid>,
    pub(super) invocations: HashMap<UnitId, u64>,
    /// How often something was to be executed.
    pub(super) executions: u64,
    /// Ports that could not be opened anew.
    pub(super) lost: BTreeSet<Port>,
    pub(super) exited: bool,
    /// Jobs with a lower number should have ended when all has come to rest.
    pub(super) old_jobs: u32,
    /// How much has happened while nobody did anything.
    pub(super) rounds: usize,
    /// Whether all goes well.
    is_fair: bool,
    /// Where chance stands.
    chance: u64,
}

impl World {
    pub(super) fn new(texts: &[Text], seed: u64) -> Result<Self, String> {
        let mut world = Self {
            engine: Engine::new(Form::Units),
            now: Instant::now(),
            processes: Processes::new(),
            ports: BTreeMap::new(),
            next_port: 0,
            held: None,
            connections: BTreeMap::new(),
            asked: BTreeMap::new(),
            next_request: 0,
            templates: BTreeMap::new(),
            has_reloaded: false,
            answer: None,
            begun: BTreeSet::new(),
            refused: BTreeSet::new(),
            starts: Counted::new(),
            starting: BTreeSet::new(),
            triggers: Counted::new(),
            polls: Counted::new(),
            stored: HashMap::new(),
            stored_before: BTreeSet::new(),
            offered: 0,
            trace: None,
            sparing: BTreeSet::new(),
            said_ready: BTreeSet::new(),
            invocations: HashMap::new(),
            executions: 0,
            lost: BTreeSet::new(),
            exited: false,
            old_jobs: u32::MAX,
            rounds: 0,
            is_fair: false,
            chance: seed,
        };
        for text in texts {
            world.load(text);
        }
        // Otherwise all would end where nothing runs.
        world.engine.asked = true;
        world.happen(Event::Begun)?;
        Ok(world)
    }

    /// One in which nothing goes wrong.
    pub(super) fn fair(texts: &[Text]) -> Result<Self, String> {
        let mut world = Self::new(texts, 0)?;
        world.is_fair = true;
        Ok(world)
    }

    /// Loads a unit, or loads it again.
    pub(super) fn load(&mut self, text: &Text) {
        if text.is_template() {
            self.templates.insert(text.name, text.clone());
            return;
        }
        let spec = text.load(text.name).map(Arc::new);
        match (self.engine.find(&UnitName::new(text.name).unwrap()), spec) {
            (Some(id), spec) => {
                let unit = &self.engine.units[&id];
                if invariants::leaves_processes(unit) {
                    self.sparing.insert(id);
                }
                if invariants::is_over(unit) && self.stored.get(&id).is_some_and(|stored| *stored > 0) {
                    self.stored_before.insert(id);
                }
                let load = if spec.is_some() { LoadState::Loaded } else { LoadState::BadSetting };
                self.engine.replace(id, load, spec);
            }
            (None, Some(spec)) => drop(self.engine.add(spec)),
            (None, None) => (),
        }
    }

    /// Whether something is so that is so one time of `many`.
    pub(super) fn one_of(&mut self, many: u64) -> bool {
        // Knuth's generator: the same for the same seed.
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        !self.is_fair && (self.chance >> 33) % many == 0
    }

    pub(super) fn nature(&mut self) -> Nature {
        match () {
            () if self.one_of(20) => Nature::Stuck,
            () if self.one_of(6) => Nature::Stubborn,
            () if self.one_of(3) => Nature::Polite,
            () => Nature::Mortal,
        }
    }

    pub(super) fn fork(&mut self, parent: Pid) {
        let nature = self.nature();
        self.processes.fork(parent, nature);
    }

    fn note(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let text = what(self);
            self.trace.iter_mut().for_each(|trace| trace.push(text.clone()));
        }
    }

    /// Something happens, and all that comes of it.
    pub(super) fn happen(&mut self, event: Event) -> Result<(), String> {
        self.note(|_| format!("{event:?}"));
        // No two things happen at the same time.
        self.now += MOMENT;
        self.begun.clear();
        let before = relations::states(self);
        let mut actions = VecDeque::from(self.engine.step(self.now, event));
        let mut count = 0;
        while let Some(action) = actions.pop_front() {
            count += 1;
            if count > ACTIONS_MAX {
                return Err(format!("it goes on for ever, with {action:?}"));
            }
            self.note(|_| format!("    {action:?}"));
            relations::note(self, &action);
            if let Some(event) = self.carry_out(action)? {
                self.note(|_| format!("    -> {event:?}"));
                actions.extend(self.engine.step(self.now, event));
            }
        }
        self.note(|world| format!("    = {}", world.states().join(", ")));
        if self.exited {
            return Ok(());
        }
        invariants::always(self)?;
        relations::always(self)?;
        relations::followers_start(self, &before)
    }

    /// What each unit is, and its job.
    pub(super) fn states(&self) -> Vec<String> {
        let state = |unit: &Unit| match &unit.job {
            None => format!("{} {}", unit.name, unit.sub_state()),
            Some(job) => format!("{} {} ({:?} {:?})", unit.name, unit.sub_state(), job.kind, job.progress),
        };
        self.engine.units.values().map(state).collect()
    }

    fn carry_out(&mut self, action: Action) -> Result<Option<Event>, String> {
        let event = match action {
            Action::Open(id) => self.open(id)?,
            Action::Watch(port) => {
                let accepts = self.accepts(port);
                if let Some(listening) = self.ports.get_mut(&port) {
                    listening.watched = if accepts { Watched::Always } else { Watched::Once };
                }
                return Ok(None);
            }
            Action::Ignore(port) => {
                self.ports.entry(port).and_modify(|listening| listening.watched = Watched::Never);
                return Ok(None);
            }
            Action::Reopen(port) => match self.ports.remove(&port) {
                Some(Listening { socket, .. }) if !self.one_of(4) => {
                    self.listen(port, socket);
                    Event::Reopened(port)
                }
                _ => {
                    self.lost.insert(port);
                    Event::NotReopened(port, Error::ShutDown { descriptor: 3 })
                }
            },
            Action::Close(port) => {
                self.ports.remove(&port);
                return Ok(None);
            }
            Action::Flush(port) => {
                self.ports.entry(port).and_modify(|listening| listening.waiting = 0);
                return Ok(None);
            }
            Action::Check(id) => {
                let condition = self.engine.spec(id).and_then(|unit| unit.conditions.first().cloned());
                let unmet = condition.filter(|_| self.one_of(3));
                Event::Checked(id, unmet)
            }
            Action::Execute { unit, command, invocation, .. } => self.execute(unit, command, invocation)?,
            Action::Accept(port) => return self.accept(port),
            Action::Refuse(port) => {
                self.ports.entry(port).and_modify(|listening| listening.waiting = listening.waiting.saturating_sub(1));
                return Ok(None);
            }
            Action::Give(id) => {
                let held = self.held.take().ok_or("a connection is given that is not held")?;
                self.connections.insert(id, held);
                invariants::connection_given(self, id)?;
                return Ok(None);
            }
            Action::Hold(id) => {
                if self.held.is_some() {
                    return Err("a connection is held in place of another".to_owned());
                }
                self.held = self.connections.remove(&id);
                return Ok(None);
            }
            Action::HangUp => {
                self.held = None;
                return Ok(None);
            }
            Action::Disconnect(id) => {
                self.connections.remove(&id);
                return Ok(None);
            }
            Action::Forget(id) => {
                self.connections.remove(&id);
                Event::Forgotten(id)
            }
            Action::Kill(pid, signal) => {
                let there_is = self.processes.kill(pid, signal);
                return if there_is {
                    Ok(None)
                } else {
                    Err(format!("{signal} is sent to {pid}, which has been reaped"))
                };
            }
            Action::Store { unit, max, .. } => self.store(unit, max as usize)?,
            Action::Unstore { unit, .. } => self.unstore(unit, 1),
            Action::DiscardStore(unit) => self.unstore(unit, usize::MAX),
            Action::Inspect(id, _) => self.inspect(id),
            Action::ReadPidFile(id) => self.read_pid_file(id),
            Action::Answer(request, answer) => {
                let (verb, unit) = self.asked.remove(&request).ok_or("an answer to what was not asked")?;
                self.answer = Some((request, answer.clone()));
                if verb == Verb::Stop && answer == Answer::Ended(JobResult::Done) {
                    invariants::stopped(self, unit)?;
                }
                return Ok(None);
            }
            Action::Exit(_) => {
                self.exited = true;
                return Ok(None);
            }
            Action::Fail(error) => return Err(format!("it ends with: {error}")),
            // What is said is compared with what systemd says elsewhere, and nothing comes of the rest.
            _ => return Ok(None),
        };
        Ok(Some(event))
    }
}
