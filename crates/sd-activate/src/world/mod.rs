//! Where things happen: what is waited for comes in as [events](Event), and the [actions](crate::engine::Action) that the engine answers
//! with are carried out. One thread, and one epoll(7).

mod actions;
pub mod anew;
mod children;
mod control;
mod floods;
mod groups;
mod holder;
mod instance;
mod journal;
mod load;
mod notification;
mod notifications;
mod orphans;
mod pid_file;
mod poll;
mod processes;
mod requests;
mod signals;
mod sockets;
mod store;
mod supervisor;
mod terminal;
mod units;

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::signal::{Signal as Named, raise};
use nix::sys::socket::{getsockopt, sockopt};
use sdlite_core::listen::LISTEN_FDS_START;

pub use children::adopt_orphans;
pub use journal::{Journal, Settings};
pub use notification::parse as parse_notification;
pub use notifications::Notifications;
pub use requests::Asking;
pub use signals::{Inherited, Signals};
pub use sockets::{Socket, passed};
pub use units::Units;

use actions::Outcome;
use children::{Reaped, reap};
use floods::Floods;
use orphans::Orphans;
use poll::{Key, Poll, Tells};
use requests::Asked;
use signals::Received;
use store::Store;
use supervisor::Supervisor;
use units::Connection;

use crate::engine::{Engine, Event, Port};
use crate::error::Error;
use crate::exec::{Idle, Launcher, Plan};
use crate::log::say;
use crate::reserve;
use crate::spec::Signal;

/// So many children are reaped in one turn, and the others in the next: a service may leave them behind without end.
const REAPED_MAX: usize = 64;

/// Everything that is open.
pub struct World {
    poll: Poll,
    floods: Floods,
    signals: Signals,
    journal: Option<Journal>,
    notifications: Option<Notifications>,
    asked: Option<Asked>,
    supervisor: Supervisor,
    launcher: Launcher,
    /// The command of the command line's form.
    command: Option<Box<Plan>>,
    /// What units need, with the other form.
    units: Option<Units>,
    ports: BTreeMap<Port, Socket>,
    /// Those of them that tell of who comes.
    watched: BTreeMap<Port, Tells>,
    next_port: usize,
    /// The descriptors that have come with the notification that is being heard.
    offered: Vec<OwnedFd>,
    /// What services have stored.
    store: Store,
    /// What services of Type=idle wait for, as long as jobs are under way.
    idle: Option<Arc<Idle>>,
    /// A connection that was accepted, and that no service has yet.
    held: Option<Connection>,
    orphans: Orphans,
    /// Whether children run, those that services have left behind included.
    has_children: bool,
}

impl World {
    /// Only signals are waited for.
    pub fn new(signals: Signals) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::Wait)?;
        poll.add(Key::Signal, &signals, Tells::Always).map_err(Error::Wait)?;
        Ok(Self {
            poll,
            floods: Floods::default(),
            signals,
            journal: None,
            notifications: None,
            asked: None,
            supervisor: Supervisor::new(),
            launcher: Launcher::of_this_process(),
            command: None,
            units: None,
            ports: BTreeMap::new(),
            watched: BTreeMap::new(),
            next_port: 0,
            offered: Vec::new(),
            store: Store::default(),
            idle: None,
            held: None,
            orphans: Orphans::default(),
            has_children: false,
        })
    }

    /// Has a command be executed, and passed these sockets, or connections that they accept.
    pub fn serve(&mut self, command: Box<Plan>, sockets: Vec<Socket>) -> Result<(), Error> {
        self.command = Some(command);
        for socket in sockets {
            self.add_port(socket)?;
        }
        Ok(())
    }

    /// Adds a socket, and numbers it: no other gets the same number.
    fn add_port(&mut self, socket: Socket) -> Result<Port, Error> {
        let port = Port(self.next_port);
        self.wait_for(port, &socket)?;
        self.launcher.stays_open(&socket);
        self.next_port += 1;
        self.ports.insert(port, socket);
        Ok(port)
    }

    fn wait_for(&self, port: Port, socket: &Socket) -> Result<(), Error> {
        let descriptor = LISTEN_FDS_START + port.0 as RawFd;
        self.poll.add(Key::Port(port), socket, Tells::Never).map_err(|error| match error {
            Errno::EPERM => Error::NotASocket { descriptor },
            error => Error::Prepare { descriptor, error },
        })
    }

    /// Runs until the engine ends it. Returns the exit status.
    pub fn run(mut self, mut engine: Engine) -> Result<u8, Error> {
        let mut now = Instant::now();
        let mut events = VecDeque::new();
        match engine.has_begun() {
            false => events.push_back(Event::Begun),
            // It was executed anew: children may have ended meanwhile.
            true => self.reap_all(&engine, &mut events),
        }
        loop {
            while let Some(event) = events.pop_front() {
                let status = self.carry_out_all(&mut engine, now, event)?;
                if engine.is_stopping() {
                    self.supervisor.stops();
                }
                if let Some(status) = status {
                    self.end_strangers(&engine);
                    return Ok(status);
                }
            }
            reserve::put_by();
            // Nobody wanted the others.
            self.offered.clear();
            self.idle.take_if(|_| engine.is_idle());
            self.execute_anew_if_asked(&engine);
            events.extend(self.go_on_with_clients(&mut engine));
            self.tell_supervisor(&engine, now);
            let deadline = if events.is_empty() && !self.is_due() { self.deadline(&engine) } else { Some(now) };
            let ready = self.poll.wait(now, deadline)?;
            now = Instant::now();
            self.open_again(now);
            self.floods.note(now, ready.clone().map(|(key, _)| key));
            if engine.deadline().is_some_and(|deadline| deadline <= now) {
                events.push_back(Event::Time);
            }
            for (key, flags) in ready {
                if self.floods.waits(now, key) {
                    self.watch_source(key, Tells::Never);
                    continue;
                }
                match key {
                    Key::Log => self.journal.iter_mut().for_each(|journal| journal.turn(now)),
                    Key::Notification => events.extend(self.notified(&engine)),
                    Key::Signal => self.receive(&mut engine, &mut events),
                    Key::Stored(number) => events.extend(self.store.remove_at(number, &self.poll)),
                    Key::Port(port) => events.push_back(self.tell(port, flags)),
                    Key::Client(client) => events.extend(self.go_on_with(client, flags, &mut engine)),
                    Key::Control => self.let_in(now),
                }
            }
        }
    }

    /// When something is due, if nothing comes before.
    fn deadline(&self, engine: &Engine) -> Option<Instant> {
        let control = self.asked.as_ref().and_then(Asked::closed_until);
        let journal = self.journal.as_ref().and_then(Journal::closed_until);
        let others = self.supervisor.deadline().into_iter().chain(control).chain(journal).chain(self.floods.deadline());
        others.chain(engine.deadline()).min()
    }

    /// Lets in who waits: because of a shortage that may be over, or because it floods.
    fn open_again(&mut self, now: Instant) {
        self.floods.go_on(now).for_each(|key| self.watch_source(key, Tells::Always));
        self.asked.iter_mut().for_each(|asked| asked.open_again(now, &self.poll));
        self.journal.iter_mut().for_each(|journal| journal.open_again(now));
    }

    fn watch_source(&self, key: Key, tells: Tells) {
        let descriptor = match key {
            Key::Log => self.journal.as_ref().map(AsFd::as_fd),
            _ => self.notifications.as_ref().map(AsFd::as_fd),
        };
        descriptor.map(|descriptor| self.poll.watch(key, descriptor, tells));
    }

    /// Tells the manager that has started this process how it is.
    fn tell_supervisor(&mut self, engine: &Engine, now: Instant) {
        if engine.is_settled() && !self.supervisor.knows_ready() {
            self.close_passed();
            self.supervisor.is_ready(&self.listening());
        }
        self.supervisor.lives(now);
    }

    /// Where is listened.
    fn listening(&self) -> String {
        let mut ports: Vec<_> = self.ports.iter().collect();
        ports.sort_unstable_by_key(|(port, _)| **port);
        let addresses: Vec<_> = ports.iter().filter_map(|(_, socket)| socket.address()).collect();
        addresses.join(", ")
    }

    /// Tells the engine of an event, and of what comes of that. The exit status where it ends.
    fn carry_out_all(&mut self, engine: &mut Engine, now: Instant, event: Event) -> Result<Option<u8>, Error> {
        let mut actions = VecDeque::from(engine.step(now, event));
        while let Some(action) = actions.pop_front() {
            match self.carry_out(engine, action)? {
                Outcome::Nothing => (),
                Outcome::Event(event) => actions.extend(engine.step(now, event)),
                Outcome::Exit(status) => return Ok(Some(status)),
            }
        }
        Ok(None)
    }

    fn receive(&mut self, engine: &mut Engine, events: &mut VecDeque<Event>) {
        match self.signals.next() {
            None => (),
            // As systemd(1) has it.
            Some(Received::Other { signal: Signal::HUP, by_kernel: false }) if self.units.is_some() => {
                self.supervisor.reloads();
                self.reload(engine);
            }
            Some(Received::Other { signal, by_kernel }) => events.push_back(Event::Signal { signal, by_kernel }),
            Some(Received::Child) => self.reap_all(engine, events),
        }
    }

    fn reload(&mut self, engine: &mut Engine) {
        if let (Some(units), Some(journal)) = (&mut self.units, &mut self.journal) {
            units.reload(engine, journal);
        }
    }

    fn reap_all(&mut self, engine: &Engine, events: &mut VecDeque<Event>) {
        let mut ended = Vec::new();
        // Before all else that has happened: the number of a process that was reaped may be that of the next one executed.
        let mut told = VecDeque::new();
        loop {
            if told.len() == REAPED_MAX {
                let _ = raise(Named::SIGCHLD);
                break self.has_children = true;
            }
            match reap() {
                Reaped::Child(pid, end) => {
                    let is_flooded = self.floods.is_flooded();
                    self.journal.iter_mut().for_each(|journal| journal.ended(pid, is_flooded));
                    ended.push(pid);
                    told.push_back(Event::Ended(pid, end));
                }
                Reaped::Stopped(pid, signal) => told.push_back(Event::Suspended(pid, signal)),
                rest => break self.has_children = rest == Reaped::AllRun,
            }
        }
        told.append(events);
        *events = told;
        self.note_orphans(engine, &ended);
        self.remove_left_groups();
    }

    /// Says something, in the log where there is one.
    fn say(&mut self, message: &str) {
        match &mut self.journal {
            Some(journal) => journal.say(message),
            None => say(message),
        }
    }

    fn notified(&mut self, engine: &Engine) -> Option<Event> {
        let received = match self.notifications.as_ref()?.receive()? {
            Ok(received) => received,
            Err(refusal) => {
                self.say(refusal);
                return None;
            }
        };
        let notification = Box::new(notification::parse(&received.state));
        // All that was said before was heard: with this, the descriptor is closed that it is asked by.
        if notification.barrier {
            return None;
        }
        let sender = received.sender;
        let unit = self.unit_of(engine, sender)?;
        let claim = notification.main.map(|main| {
            let same = notification.main_pidfd_id.is_none_or(|id| pid_file::has_pidfd_id(main, id));
            pid_file::claim(main, same, received.is_root)
        });
        self.offered = received.descriptors;
        Some(Event::Notified { sender, unit, notification, claim })
    }

    /// What is to be told of a port that has something to tell.
    fn tell(&mut self, port: Port, flags: EpollFlags) -> Event {
        if self.watched.get(&port) == Some(&Tells::Once) {
            self.watched.remove(&port);
        }
        let is_socket = || getsockopt(self.ports.get(&port)?, sockopt::SockType).ok();
        if flags.contains(EpollFlags::EPOLLHUP) && (!flags.contains(EpollFlags::EPOLLIN) || is_socket().is_some()) {
            return Event::HungUp(port);
        }
        Event::Incoming(port)
    }
}
