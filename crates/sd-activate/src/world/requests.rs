//! What is asked through the control socket, and the answers.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::epoll::EpollFlags;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::control::{self, Control, failure};
use super::poll::{Key, Tells};
use super::{Journal, World};
use crate::control::call::{Call, Failure, Reply};
use crate::control::properties::{Clock, properties};
use crate::control::request::Request;
use crate::control::{DESCRIPTION, INTERFACE, SERVICE, SERVICE_DESCRIPTION};
use crate::engine::{Answer, Engine, Event, RequestId, UnitId, Verb, View};
use crate::error::Error;
use crate::log::say;
use crate::spec::UnitName;

/// How the manager is asked.
pub struct Asking {
    /// The control socket. None: nobody knows where to ask.
    pub path: Option<PathBuf>,
    /// Where units are looked for.
    pub unit_path: Vec<PathBuf>,
    /// Whether they are a user's.
    pub user: bool,
}

/// Who is asked.
pub(super) struct Asked {
    control: Control,
    unit_path: Vec<PathBuf>,
    user: bool,
}

impl World {
    /// Has the manager be asked through the control socket. Where it cannot be, it says so and does without.
    pub fn listen_to_control(&mut self, asking: Asking) -> Result<(), Error> {
        let Asking { path, unit_path, user } = asking;
        let Some(path) = path else { return Ok(()) };
        match Control::open(&path) {
            Ok(control) => {
                self.poll.add(Key::Control, &control, Tells::Always).map_err(Error::Wait)?;
                self.asked = Some(Asked { control, unit_path, user });
            }
            Err(why) => say(why),
        }
        Ok(())
    }

    pub(super) fn let_in(&mut self) {
        if let Some(asked) = &mut self.asked {
            asked.control.accept(&self.poll);
        }
    }

    /// Goes on with those who can go on by themselves.
    pub(super) fn go_on_with_clients(&mut self, engine: &Engine) -> Vec<Event> {
        let (Some(asked), Some(journal)) = (&mut self.asked, &self.journal) else { return Vec::new() };
        let due = asked.control.take_due(journal.ring());
        due.into_iter().flat_map(|client| self.go_on_with(client, EpollFlags::empty(), engine)).collect()
    }

    /// Whether there is something to do before anything comes.
    pub(super) fn is_due(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.control.is_due())
    }

    /// Goes on with a client: up to its next call, which may come to events.
    pub(super) fn go_on_with(&mut self, client: usize, flags: EpollFlags, engine: &Engine) -> Vec<Event> {
        let (Some(asked), Some(journal)) = (&mut self.asked, &self.journal) else { return Vec::new() };
        let hung_up = flags.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
        match asked.control.go_on(client, hung_up, journal.ring(), &self.poll) {
            None => Vec::new(),
            Some((call, request)) => asked.serve(client, &call, request, engine, journal),
        }
    }

    pub(super) fn answer(&mut self, request: RequestId, answer: Answer) {
        if let Some(asked) = &mut self.asked {
            asked.control.answer(request, answer);
        }
    }
}

impl Asked {
    fn serve(
        &mut self,
        client: usize,
        call: &Call,
        request: Request,
        engine: &Engine,
        journal: &Journal,
    ) -> Vec<Event> {
        let told = match request {
            Request::Info => Ok(control::information()),
            Request::Interface(interface) => describe_interface(&interface),
            Request::Describe => Ok(self.describe()),
            Request::Units => Ok(units(engine)),
            Request::Unit(name) => find(engine, &name).map(|id| unit(engine, id)),
            Request::UnitOf(pid) => unit_of(engine, pid),
            Request::Do { verb, unit, no_block } => match self.request(client, call, verb, &unit, no_block, engine) {
                Ok(event) => return vec![event],
                Err(failure) => Err(failure),
            },
            Request::ResetFailed => {
                self.control.reply(client, &Reply::Returns(json!({})), call.oneway);
                let reset = |unit| Event::Requested { request: self.control.request(), verb: Verb::ResetFailed, unit };
                return engine.units().map(reset).collect();
            }
            Request::Reload => Err(failure("Refused", "", "Units are not read anew yet.")),
            Request::Log(reading) => {
                self.control.read_log(client, reading, journal.ring());
                return Vec::new();
            }
        };
        let reply = told.map_or_else(Reply::Fails, Reply::Returns);
        self.control.reply(client, &reply, call.oneway);
        Vec::new()
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

    fn request(
        &mut self,
        client: usize,
        call: &Call,
        verb: Verb,
        name: &UnitName,
        no_block: bool,
        engine: &Engine,
    ) -> Result<Event, Failure> {
        let unit = find(engine, name)?;
        let request = if call.oneway {
            self.control.reply(client, &Reply::Returns(json!({})), true);
            self.control.request()
        } else {
            self.control.request_of(client, name.as_str(), no_block)
        };
        Ok(Event::Requested { request, verb, unit })
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

fn units(engine: &Engine) -> Value {
    let clock = clock();
    let units: Vec<Value> = engine.units().map(|unit| properties(&engine.view(unit), &clock)).collect();
    json!({ "units": units })
}

fn unit(engine: &Engine, unit: UnitId) -> Value {
    json!({ "unit": properties(&engine.view(unit), &clock()) })
}

fn unit_of(engine: &Engine, pid: i32) -> Result<Value, Failure> {
    let pid = Pid::from_raw(pid);
    let has_it = |view: &View| [view.main, view.control].contains(&Some(pid));
    let view = engine.units().map(|unit| engine.view(unit)).find(has_it);
    view.map(|view| json!({ "unit": properties(&view, &clock()) })).ok_or_else(|| {
        let message = format!("PID {pid} does not belong to any loaded unit.");
        let parameters = [("pid", Value::from(pid.as_raw())), ("message", message.into())];
        let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Failure { error: format!("{INTERFACE}.NoUnitForPID"), parameters }
    })
}

fn find(engine: &Engine, name: &UnitName) -> Result<UnitId, Failure> {
    let not_found = || failure("NoSuchUnit", name.as_str(), &format!("Unit {name} not found."));
    engine.find(name).ok_or_else(not_found)
}

fn clock() -> Clock {
    let realtime = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let monotonic = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    let microseconds = |since: Duration| u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    Clock { now: Instant::now(), realtime: microseconds(realtime), monotonic: microseconds(monotonic) }
}
