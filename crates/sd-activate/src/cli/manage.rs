//! Units are started, and run until a signal stops them.

use super::open_standard_descriptors;
use crate::engine::{Engine, Form};
use crate::error::Error;
use crate::exec::Manager;
use crate::log::say;
use crate::spec::{Scope, UnitName};
use crate::unit::load::Loader;
use crate::world::anew::{self, Received};
use crate::world::{self, Asking, Inherited, Journal, Notifications, Settings, Units, World};

/// Starts these units, and what starts with them; or goes on with those of before this process was executed anew. Returns the
/// exit status.
pub fn run(loader: Loader, names: &[UnitName], scope: Scope, log: Settings, asking: Asking) -> Result<u8, Error> {
    open_standard_descriptors();
    world::adopt_orphans();
    let manager = |inherited: &Inherited| Manager::new(scope, inherited.ignored.clone());
    let passed = match anew::receive() {
        Received::Nothing => world::passed()?,
        Received::Sockets(sockets) => sockets,
        Received::State(state) => {
            let (world, engine) = World::go_on(*state, loader, manager, log, asking)?;
            return world.run(engine);
        }
    };
    let inherited = Inherited::block().map_err(Error::Signals)?;
    let notifications = Notifications::open().map_err(Error::Wait)?;
    let signals = inherited.watch().map_err(Error::Signals)?;
    let units = Units::new(loader, manager(&signals.inherited)?, passed);
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
