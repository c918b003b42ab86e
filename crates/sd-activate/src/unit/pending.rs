//! Settings that are read and checked like all that are honoured, and that nothing here carries out yet: a unit that has one is not
//! started.

use super::diagnostic::{Diagnostic, Level};
use crate::spec::{Origin, UnitSpec};

/// Their names.
const PENDING: [&str; 1] = ["RuntimeDirectory"];

/// What there is to say of those that a unit has.
pub fn pending(unit: &UnitSpec) -> Vec<Diagnostic> {
    let say = |setting: &'static str, origin: &Origin| Diagnostic {
        level: Level::Refused,
        origin: Some(origin.clone()),
        unit: unit.name.clone(),
        setting: Some(setting),
        message: format!("{setting}=: it is not carried out yet; the unit is not started with it"),
    };
    let settings = PENDING.iter().filter_map(|name| Some(say(name, unit.origin(name)?)));
    settings.collect()
}
