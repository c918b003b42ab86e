//! Loading units, while the manager runs.

use std::sync::Arc;

use super::Journal;
use super::units::Units;
use crate::engine::{Engine, UnitId};
use crate::spec::{Kind, LoadState, UnitName, UnitSpec};
use crate::unit::diagnostic::{Diagnostic, Level};
use crate::unit::load::Loaded;

impl Units {
    /// Loads a unit, and all that starts with it, unless that was done before. What there is to say is told. An error says why it
    /// cannot be started.
    pub fn load(
        &self,
        engine: &mut Engine,
        name: &UnitName,
        say: &mut dyn FnMut(Diagnostic),
    ) -> Result<UnitId, LoadState> {
        if let Some(id) = engine.find(name) {
            return Ok(id);
        }
        let all = self.loader.load_all(std::slice::from_ref(name));
        let templates = templates(&all);
        let is_instance = |name: &UnitName| name.template().is_some_and(|template| templates.contains(&template));
        let mut state = LoadState::NotFound;
        for loaded in all {
            let is_asked = loaded.name == *name;
            if is_asked {
                state = loaded.state;
            }
            if engine.find(&loaded.name).is_none() {
                let name = loaded.name.clone();
                let spec = startable(loaded, is_asked, say);
                spec.filter(|_| is_asked || !is_instance(&name)).map(|spec| engine.add(spec));
            }
        }
        engine.find(name).ok_or(if state == LoadState::Loaded { LoadState::BadSetting } else { state })
    }

    /// Loads all units again, as `systemctl daemon-reload` does: what runs goes on, and what is started next is as it says now.
    pub(super) fn reload(&mut self, engine: &mut Engine, journal: &mut Journal) {
        let say = &mut |said: Diagnostic| journal.say(&said.to_string());
        self.loader.refresh();
        self.templates.clear();
        let ids: Vec<UnitId> = engine.units().filter(|id| !self.connections.contains_key(id)).collect();
        for id in ids {
            let Some(name) = engine.name(id).cloned() else { continue };
            let loaded = self.loader.load(&name);
            let (state, related) = (loaded.state, loaded.related());
            engine.replace(id, state, startable(loaded, state != LoadState::NotFound, say));
            for other in related.iter().filter(|other| other.instance() != Some("0")) {
                let _ = self.load(engine, other, say);
            }
        }
    }
}

/// What a unit is that was loaded, if it can be started. What there is to say is told.
fn startable(loaded: Loaded, is_asked: bool, say: &mut dyn FnMut(Diagnostic)) -> Option<Arc<UnitSpec>> {
    // What only orders units that do not exist here is not missed.
    let is_told = is_asked || loaded.spec.is_some();
    let said = loaded.diagnostics.into_iter().filter(|said| is_told && said.level != Level::NoEffect);
    said.for_each(say);
    loaded.spec.map(Arc::new)
}

/// The templates of services for one connection each: an instance of each stands among the units that were loaded.
fn templates(all: &[Loaded]) -> Vec<UnitName> {
    let accepting = all.iter().filter_map(|loaded| match &loaded.spec.as_ref()?.kind {
        Kind::Socket(socket) if socket.accept => Some(socket.service.clone()),
        _ => None,
    });
    accepting.collect()
}
