//! `systemctl daemon-reexec`: sd-activate executes itself anew, as after an upgrade, and goes on as it was.
//!
//! What it knows is written into memory that stays with the process, as JSON: see [`State`]. Everything that is open stays open.
//! Before, the new program is asked whether it reads that; from execve(2) on there is no way back.

mod execute;
mod receive;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use execute::Itself;
pub use receive::{Received, VERIFY, receive, verify};

use super::control::{Control, SavedControl};
use super::journal::SavedJournal;
use super::notifications::SavedNotifications;
use super::orphans::Orphans;
use super::poll::Tells;
use super::requests::Caller;
use super::signals::SavedSignals;
use super::sockets::SavedSocket;
use super::store::{SavedStored, Store};
use super::supervisor::Supervisor;
use super::units::{Connection, SavedConnection, SavedUnits};
use super::{Asking, Inherited, Journal, Notifications, Settings, Units, World};
use crate::control::call::Reply;
use crate::engine::{Engine, Port};
use crate::error::Error;
use crate::exec::{Idle, Manager};
use crate::saved::{self, Descriptor, Saved};
use crate::unit::load::Loader;

/// Another number for each form that is read otherwise.
const VERSION: u32 = 1;

/// What is written down. Whatever the state has become in a later release, the rest stays as it is: who does not read the
/// state has the sockets at least.
#[derive(Serialize, Deserialize)]
struct Envelope<State> {
    version: u32,
    /// This process: it stays the same one.
    process: u32,
    sockets: Vec<Descriptor>,
    state: State,
}

/// All that a manager knows and has open. `Known` is the engine, or is borrowed.
#[derive(Serialize, Deserialize)]
pub struct State<Known = Engine> {
    engine: Known,
    ports: Vec<(Port, SavedSocket)>,
    #[serde(with = "saved")]
    watched: BTreeMap<Port, Tells>,
    next_port: usize,
    stored: Vec<SavedStored>,
    idle: Option<(Descriptor, Descriptor)>,
    held: Option<SavedConnection>,
    orphans: Orphans,
    units: SavedUnits,
    journal: SavedJournal,
    notifications: SavedNotifications,
    control: Option<SavedControl>,
    /// Who has asked for this.
    caller: Option<Caller>,
    /// Whether the manager that has started this process knows that all is being stopped.
    stopping: bool,
    signals: SavedSignals,
}

saved::as_it_is!(Port, Tells);

impl World {
    /// Writes everything down; None with the command line's form, which nobody can ask for that.
    fn save<'a>(&self, engine: &'a Engine, caller: Option<Caller>) -> Option<State<&'a Engine>> {
        let Self {
            poll: _,
            signals,
            journal,
            notifications,
            asked,
            supervisor,
            command: None,
            units,
            ports,
            watched,
            next_port,
            // None is offered between two events.
            offered: _,
            store,
            idle,
            held,
            orphans,
            // Found out anew.
            launcher: _,
            has_children: _,
            floods: _,
        } = self
        else {
            return None;
        };
        Some(State {
            engine,
            ports: ports.save(),
            watched: watched.clone(),
            next_port: *next_port,
            stored: store.save(),
            idle: idle.as_deref().map(Idle::save),
            held: held.save(),
            orphans: orphans.clone(),
            units: units.as_ref()?.save(),
            journal: journal.as_ref()?.save(),
            notifications: notifications.as_ref()?.save(),
            control: asked.as_ref().map(|asked| asked.control.save()),
            caller,
            stopping: supervisor.knows_stopping(),
            signals: signals.inherited.save(),
        })
    }

    /// Goes on where a process was executed anew; the units are loaded anew as well. The engine is what it was.
    pub fn go_on(
        state: State,
        loader: Loader,
        manager: impl FnOnce(&Inherited) -> Result<Manager, Error>,
        log: Settings,
        asking: Asking,
    ) -> Result<(Self, Engine), Error> {
        let State {
            mut engine,
            ports,
            watched,
            next_port,
            stored,
            idle,
            held,
            orphans,
            units,
            journal,
            notifications,
            control,
            caller,
            stopping,
            signals,
        } = state;
        let inherited = Inherited::restore(signals);
        let manager = manager(&inherited)?;
        let mut world = Self::new(inherited.watch().map_err(Error::Signals)?)?;
        engine.equip(|unit| loader.read_again(unit).spec);
        world.ports = Saved::restore(ports).ok_or(Error::NotOpen)?;
        world.store = Store::restore(stored).ok_or(Error::NotOpen)?;
        world.store.watch(&world.poll).map_err(Error::Wait)?;
        world.idle = Option::<Idle>::restore(idle).ok_or(Error::NotOpen)?.map(Arc::new);
        world.orphans = orphans;
        world.held = Option::<Connection>::restore(held).ok_or(Error::NotOpen)?;
        let units = Units::restore(units, loader, manager).ok_or(Error::NotOpen)?;
        let notifications = Notifications::restore(notifications).ok_or(Error::NotOpen)?;
        world.manage(units, Journal::restore(journal, log).map_err(Error::Wait)?, notifications)?;
        (world.next_port, world.supervisor) = (next_port, Supervisor::restore(stopping));
        for (port, socket) in &world.ports {
            world.wait_for(*port, socket)?;
            world.launcher.stays_open(socket);
        }
        for (port, tells) in watched {
            world.watch(port, tells)?;
        }
        match control {
            Some(control) => {
                let control = Control::restore(control, &world.poll).map_err(Error::Wait)?;
                world.be_asked(control, asking)?;
            }
            None => world.listen_to_control(asking)?,
        }
        world.reload(&mut engine);
        if let (Some(asked), Some(caller)) = (&mut world.asked, caller) {
            asked.reply(caller, &Reply::Returns(serde_json::json!({})));
        }
        Ok((world, engine))
    }
}
