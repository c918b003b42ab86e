//! Units are started, and run until a signal stops them.

use super::open_standard_descriptors;
use crate::engine::{Engine, Form};
use crate::error::Error;
use crate::exec::Manager;
use crate::log::say;
use crate::spec::{Scope, UnitName};
use crate::unit::load::Loader;
use crate::world::{self, Asking, Inherited, Journal, Notifications, Settings, Units, World};

/// Starts these units, and what starts with them. Returns the exit status.
pub fn run(loader: Loader, names: &[UnitName], scope: Scope, log: Settings, asking: Asking) -> Result<u8, Error> {
    open_standard_descriptors();
    let passed = world::passed()?;
    let inherited = Inherited::block().map_err(Error::Signals)?;
    world::adopt_orphans();
    let notifications = Notifications::open().map_err(Error::Wait)?;
    let signals = inherited.watch().map_err(Error::Signals)?;
    let manager = Manager::new(scope, signals.inherited.ignored.clone())?;
    let units = Units::new(loader, manager, passed);
    let mut engine = Engine::new(Form::Units);
    for name in names {
        let unit = units.load(&mut engine, name, &mut |said| say(said));
        engine.want(unit.map_err(|_| Error::Unit {
            unit: name.to_string(),
            reason: "it cannot be started, for the reasons above".to_owned(),
        })?);
    }
    let mut world = World::new(signals)?;
    world.manage(units, Journal::new(log).map_err(Error::Wait)?, notifications)?;
    world.listen_to_control(asking)?;
    world.run(engine)
}
