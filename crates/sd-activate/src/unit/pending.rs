//! Settings that are read and checked like all that are honoured, and that nothing here carries out yet: a unit that has one is not
//! started.

use super::diagnostic::{Diagnostic, Level};
use crate::spec::{Kind, Origin, UnitSpec};

/// Their names.
const PENDING: [&str; 5] =
    ["FlushPending", "MaxConnectionsPerSource", "Sockets", "StopWhenUnneeded", "RuntimeDirectory"];

/// Those that are carried out for services.
const PENDING_OF_SOCKETS: [&str; 4] = ["ExecStartPre", "ExecStartPost", "ExecStopPre", "ExecStopPost"];

/// What there is to say of those that a unit has, its conditions included.
pub fn pending(unit: &UnitSpec) -> Vec<Diagnostic> {
    let say = |setting: Option<&'static str>, name: String, origin: &Origin| Diagnostic {
        level: Level::Refused,
        origin: Some(origin.clone()),
        unit: unit.name.clone(),
        setting,
        message: format!("{name}=: it is not carried out yet; the unit is not started with it"),
    };
    let of_sockets = PENDING_OF_SOCKETS.iter().filter(|_| matches!(unit.kind, Kind::Socket(_)));
    let settings = PENDING
        .iter()
        .chain(of_sockets)
        .filter_map(|name| Some(say(Some(*name), (*name).to_owned(), unit.origin(name)?)));
    let conditions = unit.conditions.iter().map(|condition| {
        let kind = if condition.assertion { "Assert" } else { "Condition" };
        say(None, format!("{kind}{:?}", condition.test), &condition.origin)
    });
    settings.chain(conditions).collect()
}
