//! A world of units that does as it is told: what is opened is open, what is executed runs, and what is told to end ends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::spec::{Condition, Scope};
use crate::unit::load::Loader;

/// The engine with some units, and what has come of it.
pub(super) struct Managed {
    pub(super) engine: Engine,
    pub(super) now: Instant,
    /// What was said since it was asked for last.
    log: Vec<String>,
    /// What was done, but for what is answered here.
    pub(super) done: Vec<Action>,
    /// The units that were cleaned up, as it was known what they are.
    pub(super) cleaned: Vec<String>,
    /// The processes that run, whose they are, and whether they are a main process.
    processes: BTreeMap<Pid, (UnitId, bool)>,
    /// Units that cannot be opened, and units that are not stopped by SIGTERM.
    pub(super) busy: BTreeSet<UnitId>,
    pub(super) stubborn: BTreeSet<UnitId>,
    /// Whether the conditions of all units are met.
    pub(super) met: bool,
    pub(super) answers: Vec<Answer>,
    next: usize,
}

fn name(name: &str) -> UnitName {
    UnitName::new(name).unwrap()
}

/// A unit of this text.
pub(super) fn unit(unit_name: &str, text: &str) -> Arc<UnitSpec> {
    let loader = Loader::new(Scope::system(), Vec::new(), []);
    let loaded = loader.load_text(&name(unit_name), Path::new(unit_name), text.as_bytes());
    Arc::new(loaded.spec.unwrap_or_else(|| panic!("{text}: {:?}", loaded.diagnostics)))
}

/// The engine as another process reads it that goes on: whatever has happened so far, it is as it was.
fn anew(engine: &Engine) -> Engine {
    let written = serde_json::to_value(engine).expect("JSON");
    let mut read: Engine = serde_json::from_value(written.clone()).expect("an engine");
    let loader = Loader::new(Scope::system(), Vec::new(), []);
    read.equip(|unit| loader.read_again(unit).spec);
    assert_eq!(serde_json::to_value(&read).expect("JSON"), written);
    let views = |engine: &Engine| engine.units().map(|id| format!("{:?}", engine.view(id))).collect::<Vec<_>>();
    assert_eq!(views(&read), views(engine));
    read
}

impl Managed {
    /// Units: their names, and their texts, in which [Service] may be missing where that would be all.
    pub(super) fn new(units: &[(&str, &str)]) -> Self {
        let mut engine = Engine::new(Form::Units);
        for (name, text) in units {
            let usual = match name.rsplit_once('.').unwrap().1 {
                "service" if !text.contains("ExecStart=") => "\n[Service]\nExecStart=/bin/a\n",
                "socket" if !text.contains("Listen") => "\n[Socket]\nListenStream=/a\n",
                _ => "",
            };
            engine.add(unit(name, &format!("{text}{usual}")));
        }
        let mut managed = Self {
            engine,
            now: Instant::now(),
            log: Vec::new(),
            done: Vec::new(),
            cleaned: Vec::new(),
            processes: BTreeMap::new(),
            busy: BTreeSet::new(),
            stubborn: BTreeSet::new(),
            met: true,
            answers: Vec::new(),
            next: 100,
        };
        // Where something is asked, it does not end when nothing runs.
        managed.engine.asked = true;
        managed.happen(Event::Begun);
        managed
    }

    pub(super) fn id(&self, unit: &str) -> UnitId {
        self.engine.find(&name(unit)).unwrap_or_else(|| panic!("no {unit}"))
    }

    /// ActiveState= and SubState=.
    pub(super) fn state(&self, unit: &str) -> String {
        let view = self.engine.view(self.id(unit));
        format!("{} {}", view.active.word(), view.sub)
    }

    /// What was said since this was asked for last.
    pub(super) fn log(&mut self) -> Vec<String> {
        mem::take(&mut self.log)
    }

    /// What of that is about jobs: whatever begins with a word, and not with a unit.
    pub(super) fn jobs(&mut self) -> Vec<String> {
        self.log().into_iter().filter(|line| line.starts_with(char::is_uppercase)).collect()
    }

    /// Has something asked; the answer, if there is one yet.
    pub(super) fn ask(&mut self, verb: Verb, unit: &str) -> Option<Answer> {
        let unit = self.id(unit);
        self.answers.clear();
        self.happen(Event::Requested { request: RequestId(1), verb, unit });
        self.answers.last().cloned()
    }

    pub(super) fn start(&mut self, unit: &str) -> Option<Answer> {
        self.ask(Verb::Start, unit)
    }

    /// The main process of a unit, or that of its command, ends.
    pub(super) fn end(&mut self, unit: &str, end: End) {
        let id = self.id(unit);
        let pid = *self.processes.iter().find(|(_, (of, _))| *of == id).unwrap_or_else(|| panic!("{unit} runs not")).0;
        self.processes.remove(&pid);
        self.happen(Event::Ended(pid, end));
    }

    pub(super) fn main_pid(&self, unit: &str) -> Pid {
        self.engine.view(self.id(unit)).main.unwrap_or_else(|| panic!("{unit} runs not"))
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        if self.engine.deadline().is_some_and(|deadline| deadline <= self.now) {
            self.happen(Event::Time);
        }
    }

    /// Something happens, and what comes of that, and of that in turn.
    pub(super) fn happen(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let mut actions = VecDeque::from(self.engine.step(self.now, event));
            while let Some(action) = actions.pop_front() {
                if let Some(event) = self.carry_out(action, &mut events) {
                    actions.extend(self.engine.step(self.now, event));
                }
            }
            self.engine = anew(&self.engine);
        }
    }

    fn carry_out(&mut self, action: Action, later: &mut VecDeque<Event>) -> Option<Event> {
        match action {
            Action::Say(message) | Action::Log { message, .. } => self.log.push(message),
            Action::Answer(_, answer) => self.answers.push(answer),
            Action::Open(id) if self.busy.contains(&id) => {
                let error = Error::Unit { unit: "a.socket".into(), reason: "Address already in use".into() };
                return Some(Event::NotOpened(id, error));
            }
            Action::Open(id) => {
                self.next += 1;
                return Some(Event::Opened(id, vec![Port(self.next)]));
            }
            Action::Check(id) => {
                let unmet: Option<Condition> = self.engine.spec(id).and_then(|unit| unit.conditions.first().cloned());
                return Some(Event::Checked(id, unmet.filter(|_| !self.met)));
            }
            Action::Execute { unit, command, .. } => {
                self.next += 1;
                let pid = Pid::from_raw(self.next as i32);
                self.processes.insert(pid, (unit, command.phase == Phase::Start));
                self.done.push(Action::Execute { unit, command, invocation: 0, variables: Vec::new() });
                return Some(Event::Executed(unit, pid));
            }
            Action::Inspect(service, _) => {
                let its = self.processes.iter().filter(|(_, (of, _))| *of == service);
                let process =
                    |(pid, _): (&Pid, _)| Process { pid: *pid, name: "a".to_owned(), is_child: true, is_zombie: false };
                return Some(Event::Inspected { service, processes: its.map(process).collect(), unlinked: Vec::new() });
            }
            Action::Kill(pid, signal) => {
                let pid = Pid::from_raw(pid.as_raw().abs());
                let stubborn = self.processes.get(&pid).is_none_or(|(unit, _)| self.stubborn.contains(unit));
                if signal == Signal::KILL || signal == Signal::TERM && !stubborn {
                    self.processes.remove(&pid);
                    later.push_back(Event::Ended(pid, End::Killed(signal)));
                }
                self.done.push(Action::Kill(pid, signal));
            }
            Action::CleanUp { unit, .. } => self.cleaned.extend(self.engine.name(unit).map(ToString::to_string)),
            Action::Forget(id) => {
                self.done.push(action);
                return Some(Event::Forgotten(id));
            }
            action => self.done.push(action),
        }
        None
    }

    /// The commands that were executed, as `UNIT SETTING`.
    pub(super) fn executed(&mut self) -> Vec<String> {
        let done = mem::take(&mut self.done).into_iter();
        let executed = done.filter_map(|action| match action {
            Action::Execute { unit, command, .. } => {
                Some(format!("{} {}", self.engine.name(unit)?, command.phase.setting()))
            }
            _ => None,
        });
        executed.collect()
    }
}
