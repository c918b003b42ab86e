//! What is asked through the control socket, and the answers.

use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use nix::sys::epoll::EpollFlags;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::anew::Itself;
use super::children::command_line;
use super::control::{self, Control, failure, refused};
use super::journal::Unit;
use super::poll::{Key, Poll, Tells};
use super::supervisor::Supervisor;
use super::{Journal, Units, World};
use crate::control::call::{Failure, Reply};
use crate::control::properties::{Clock, properties};
use crate::control::request::Request;
use crate::control::{DESCRIPTION, INTERFACE, SERVICE, SERVICE_DESCRIPTION};
use crate::engine::view::microseconds;
use crate::engine::{Answer, Engine, Event, Level, Refusal, RefusalKind, RequestId, UnitId, Verb, View};
use crate::error::Error;
use crate::log::say;
use crate::saved::monotonic;
use crate::spec::{LoadState, Log, UnitName};
use crate::unit::diagnostic;

/// How the manager is asked.
pub struct Asking {
    /// The control socket. None: nobody knows where to ask.
    pub path: Option<PathBuf>,
    /// Where units are looked for.
    pub unit_path: Vec<PathBuf>,
    /// Whether they are a user's.
    pub user: bool,
    /// How this process was executed.
    pub itself: Itself,
}

/// Who is asked.
pub(super) struct Asked {
    pub(super) control: Control,
    unit_path: Vec<PathBuf>,
    user: bool,
    /// How this process was executed, and who wants it to be executed anew.
    pub(super) itself: Itself,
    pub(super) reexecution: Option<Caller>,
}

impl World {
    /// Has the manager be asked through the control socket. Where it cannot be, it says so and does without.
    pub fn listen_to_control(&mut self, asking: Asking) -> Result<(), Error> {
        let Some(path) = &asking.path else { return Ok(()) };
        match Control::open(path) {
            Ok(control) => self.be_asked(control, asking),
            Err(why) => {
                say(why);
                Ok(())
            }
        }
    }

    pub(super) fn be_asked(&mut self, control: Control, asking: Asking) -> Result<(), Error> {
        self.poll.add(Key::Control, &control, Tells::Always).map_err(Error::Wait)?;
        let Asking { path: _, unit_path, user, itself } = asking;
        self.asked = Some(Asked { control, unit_path, user, itself, reexecution: None });
        Ok(())
    }

    pub(super) fn let_in(&mut self, now: Instant) {
        if let Some(asked) = &mut self.asked {
            asked.control.accept(now, &self.poll);
        }
    }

    /// Goes on with those who can go on by themselves.
    pub(super) fn go_on_with_clients(&mut self, engine: &mut Engine) -> Vec<Event> {
        let (Some(asked), Some(journal)) = (&mut self.asked, &self.journal) else { return Vec::new() };
        let due = asked.control.take_due(journal.ring());
        due.into_iter().flat_map(|client| self.go_on_with(client, EpollFlags::empty(), engine)).collect()
    }

    /// Whether there is something to do before anything comes.
    pub(super) fn is_due(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.control.is_due())
    }

    /// Goes on with a client: up to its next call, which may come to events.
    pub(super) fn go_on_with(&mut self, client: usize, flags: EpollFlags, engine: &mut Engine) -> Vec<Event> {
        let Self { asked: Some(asked), journal: Some(journal), units: Some(units), supervisor, .. } = self else {
            return Vec::new();
        };
        let hung_up = flags.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
        match asked.control.go_on(client, hung_up, journal.ring(), &self.poll) {
            None => Vec::new(),
            Some((call, request)) => {
                let caller = Caller { client, oneway: call.oneway };
                asked.serve(caller, request, &mut Told { engine, units, journal, supervisor })
            }
        }
    }

    pub(super) fn answer(&mut self, request: RequestId, answer: Answer) {
        if let Some(asked) = &mut self.asked {
            asked.control.answer(request, answer);
        }
    }
}

/// Who has called.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Caller {
    client: usize,
    oneway: bool,
}

/// What there is to be told of.
struct Told<'a> {
    engine: &'a mut Engine,
    units: &'a mut Units,
    journal: &'a mut Journal,
    supervisor: &'a mut Supervisor,
}

impl Asked {
    pub(super) fn closed_until(&self) -> Option<Instant> {
        self.control.closed_until()
    }

    pub(super) fn open_again(&mut self, now: Instant, poll: &Poll) {
        self.control.open_again(now, poll);
    }

    fn serve(&mut self, caller: Caller, request: Request, told: &mut Told<'_>) -> Vec<Event> {
        let reply = match request {
            Request::Info => Ok(control::information()),
            Request::Interface(interface) => describe_interface(&interface),
            Request::Describe => Ok(self.describe()),
            Request::Units => Ok(told.all()),
            Request::Unit(name) => Ok(told.unit(&name)),
            Request::Processes(name) => Ok(told.processes(&name)),
            Request::UnitOf(pid) => told.unit_of(Pid::from_raw(pid)),
            Request::Do { verb, unit, no_block } => match told.find_for(verb, &unit) {
                Ok(id) => return vec![self.request(caller, verb, id, &unit, no_block)],
                Err(failure) => Err(failure),
            },
            Request::ResetFailed => {
                self.reply(caller, &Reply::Returns(json!({})));
                let reset = |unit| Event::Requested { request: self.control.request(), verb: Verb::ResetFailed, unit };
                return told.engine.units().map(reset).collect();
            }
            Request::Reload => {
                let Told { engine, units, journal, supervisor } = told;
                supervisor.reloads();
                units.reload(engine, journal);
                Ok(json!({}))
            }
            Request::Reexecute => {
                self.reexecution = Some(caller);
                return Vec::new();
            }
            Request::Log(reading) => {
                self.control.read_log(caller.client, reading, told.journal.ring());
                return Vec::new();
            }
        };
        self.reply(caller, &reply.map_or_else(Reply::Fails, Reply::Returns));
        Vec::new()
    }

    pub(super) fn reply(&mut self, caller: Caller, reply: &Reply) {
        self.control.reply(caller.client, reply, caller.oneway);
    }

    fn describe(&self) -> Value {
        let path: Vec<_> = self.unit_path.iter().map(|directory| directory.to_string_lossy()).collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "unitPath": path,
            "user": self.user,
        })
    }

    /// Asks the engine. Who has called waits for its answer, unless none is wanted.
    fn request(&mut self, caller: Caller, verb: Verb, unit: UnitId, name: &UnitName, no_block: bool) -> Event {
        let request = if caller.oneway {
            self.reply(caller, &Reply::Returns(json!({})));
            self.control.request()
        } else {
            self.control.request_of(caller.client, name.as_str(), no_block)
        };
        Event::Requested { request, verb, unit }
    }
}

impl Told<'_> {
    fn all(&self) -> Value {
        let units: Vec<Value> = self.engine.units().map(|unit| self.properties(&self.engine.view(unit))).collect();
        json!({ "units": units })
    }

    /// A unit; one that is not loaded yet as its files have it, without that it is loaded for that.
    fn unit(&self, name: &UnitName) -> Value {
        let view = match self.engine.find(name) {
            Some(unit) => self.engine.view(unit),
            None => {
                let loaded = self.units.loader.load(name);
                View::not_loaded(loaded.name, loaded.state, loaded.spec.map(Into::into))
            }
        };
        json!({ "unit": self.properties(&view) })
    }

    /// What is known of a unit, and what the kernel says of its control group.
    fn properties(&self, view: &View) -> Value {
        let mut told = properties(view, &clock());
        let groups = self.units.groups.as_ref();
        if let Some((groups, path)) = groups.and_then(|groups| Some((groups, groups.path(&view.name)?))) {
            told["ControlGroup"] = path.into();
            told["TasksCurrent"] = groups.tasks(&view.name).into();
        }
        told
    }

    fn processes(&self, name: &UnitName) -> Value {
        let found = self.units.groups.iter().flat_map(|groups| groups.list(name));
        let process = |(group, pid): (String, libc::pid_t)| json!({ "controlGroup": group, "pid": pid, "command": command_line(pid) });
        json!({ "processes": found.map(process).collect::<Vec<_>>() })
    }

    fn unit_of(&self, pid: Pid) -> Result<Value, Failure> {
        let by_group = || self.engine.find(&self.units.groups.as_ref()?.names().unit_of(pid)?);
        let unit = self.engine.owner(pid).or_else(by_group);
        unit.map(|unit| json!({ "unit": self.properties(&self.engine.view(unit)) })).ok_or_else(|| {
            let message = format!("PID {pid} does not belong to any loaded unit.");
            let parameters = [("pid", Value::from(pid.as_raw())), ("message", message.into())];
            let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            Failure { error: format!("{INTERFACE}.NoUnitForPID"), parameters }
        })
    }

    /// A unit with which something is to be done. For a job it is loaded; what keeps it from that stands in its log.
    fn find_for(&mut self, verb: Verb, name: &UnitName) -> Result<UnitId, Failure> {
        if let Some(unit) = self.engine.find(name) {
            return Ok(unit);
        }
        if matches!(verb, Verb::Kill(..) | Verb::ResetFailed) {
            return Err(failure("NoSuchUnit", name.as_str(), &format!("Unit {name} not loaded.")));
        }
        let mut loaded = self.units.loader.load(name);
        if loaded.state == LoadState::NotFound {
            // It may be new.
            self.units.loader.refresh();
            loaded = self.units.loader.load(name);
        }
        if let Some(refusal) = Refusal::of_load(loaded.state, name) {
            let unit = Unit::new(name.as_str(), None, &Log::default());
            let said = loaded.diagnostics.iter().filter(|said| said.level != diagnostic::Level::NoEffect);
            if refusal.kind == RefusalKind::NotLoaded {
                said.for_each(|said| self.journal.say_of(&unit, Level::Warning, &said.to_string()));
            }
            return Err(refused(name.as_str(), &refusal));
        }
        let journal = &mut *self.journal;
        let loaded = self.units.load(self.engine, name, &mut |said| journal.say(&said.to_string()));
        loaded.map_err(|state| match Refusal::of_load(state, name) {
            Some(refusal) => refused(name.as_str(), &refusal),
            None => failure("LoadFailed", name.as_str(), &format!("Unit {name} is not loaded properly.")),
        })
    }
}

fn describe_interface(interface: &str) -> Result<Value, Failure> {
    let description = match interface {
        INTERFACE => DESCRIPTION,
        SERVICE => SERVICE_DESCRIPTION,
        _ => return Err(Failure::of_service("InterfaceNotFound", Some(("interface", interface)))),
    };
    Ok(json!({ "description": description }))
}

fn clock() -> Clock {
    let realtime = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Clock { now: Instant::now(), realtime: microseconds(realtime), monotonic: microseconds(monotonic()) }
}
