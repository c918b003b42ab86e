//! The one table of every setting: what each is, and what becomes of it here.
//!
//! It holds those of systemd.unit(5), systemd.socket(5), systemd.service(5), systemd.exec(5), systemd.kill(5) and
//! systemd.resource-control(5), a table for each page. A line is a setting's name and one of three words:
//!
//! - honoured, with how its value is read and where in the specs it goes; what confines a service mostly takes a right of this process,
//!   and is refused without it; what limits a control group has no effect without the controller;
//! - without effect here, with why;
//! - refused, with the values that ask for nothing: any other keeps the unit from being started, unless `--ignore=` names the
//!   setting.

mod confine;
mod exec;
mod kill;
mod resource;
mod service;
mod socket;
mod unit;

use std::collections::HashMap;
use std::sync::OnceLock;

use super::draft::Draft;
use super::given::Given;
use super::value::{self, Invalid};
use crate::rights::Right;
use crate::spec::UnitType;

/// A setting.
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What becomes of it.
    pub word: Word,
    /// The release of systemd that it came with, where that is after 252.
    pub since: Option<u16>,
}

/// What becomes of a setting.
#[derive(Clone, Copy)]
pub enum Word {
    /// It does what the manual says: this reads it.
    Honoured(Read),
    /// The same of what takes a right, without which values that ask for something are refused.
    Needs {
        /// Reads it.
        read: Read,
        /// What it takes.
        right: Right,
        /// What asks for nothing.
        unless: Unless,
        /// Whether it confines the service, and so is meant by `--ignore=confinement`.
        confines: bool,
    },
    /// The same of an attribute of control groups, which has no effect without its controller, as with systemd.
    Limits {
        /// Reads it.
        read: Read,
        /// The controller.
        controller: &'static str,
    },
    /// What it orders or describes does not exist here, which is why.
    NoEffect(&'static str),
    /// The service would be another one without it.
    Refused {
        /// What asks for nothing.
        unless: Unless,
        /// Whether it confines the service, and so is meant by `--ignore=confinement`.
        confines: bool,
    },
}

/// Reads a value into a unit.
pub type Read = fn(&mut Draft, &Given<'_>) -> Result<(), Invalid>;

/// Values of a refused setting that ask for nothing.
#[derive(Clone, Copy)]
pub enum Unless {
    /// No value does.
    Never,
    /// None at all.
    Empty,
    /// No.
    Off,
    /// None at all, or one of these.
    OneOf(&'static [&'static str]),
}

/// What is not true, where other words than booleans are taken as well.
const NO: &[&str] = &["no", "n", "false", "f", "off", "0"];

impl Unless {
    /// Whether the value asks for nothing.
    pub fn met(self, text: &str) -> Result<bool, Invalid> {
        match self {
            Self::Never => Ok(false),
            Self::Empty => Ok(text.is_empty()),
            Self::Off => Ok(text.is_empty() || !value::boolean(text)?),
            Self::OneOf(words) => Ok(text.is_empty() || words.contains(&text)),
        }
    }
}

impl Setting {
    const fn new(name: &'static str, word: Word) -> Self {
        Self { name, word, since: None }
    }

    /// Whether it does what the manual says.
    pub fn is_honoured(&self) -> bool {
        matches!(self.word, Word::Honoured(_) | Word::Needs { .. } | Word::Limits { .. })
    }

    const fn since(self, release: u16) -> Self {
        Self { since: Some(release), ..self }
    }
}

const fn honoured(name: &'static str, read: Read) -> Setting {
    Setting::new(name, Word::Honoured(read))
}

const fn no_effect(name: &'static str, why: &'static str) -> Setting {
    Setting::new(name, Word::NoEffect(why))
}

const fn refused(name: &'static str, unless: Unless) -> Setting {
    Setting::new(name, Word::Refused { unless, confines: false })
}

const fn limits(name: &'static str, controller: &'static str, read: Read) -> Setting {
    Setting::new(name, Word::Limits { read, controller })
}

const fn confining(name: &'static str, right: Right, unless: Unless, read: Read) -> Setting {
    Setting::new(name, Word::Needs { read, right, unless, confines: true })
}

const fn needing(name: &'static str, right: Right, unless: Unless, read: Read) -> Setting {
    Setting::new(name, Word::Needs { read, right, unless, confines: false })
}

const fn confining_not_here(name: &'static str, unless: Unless) -> Setting {
    Setting::new(name, Word::Refused { unless, confines: true })
}

/// A field that takes what was read.
fn set<T>(field: &mut T, value: Result<T, Invalid>) -> Result<(), Invalid> {
    *field = value?;
    Ok(())
}

/// The sections that a type of unit has, and the settings in each.
pub fn sections(unit_type: UnitType) -> &'static [(&'static str, &'static [&'static [Setting]])] {
    match unit_type {
        UnitType::Socket => &[
            ("Unit", &[unit::UNIT]),
            ("Socket", &[socket::SOCKET, exec::EXEC, confine::CONFINE, kill::KILL, resource::RESOURCE_CONTROL]),
            ("Install", &[unit::INSTALL]),
        ],
        UnitType::Service => &[
            ("Unit", &[unit::UNIT]),
            ("Service", &[service::SERVICE, exec::EXEC, confine::CONFINE, kill::KILL, resource::RESOURCE_CONTROL]),
            ("Install", &[unit::INSTALL]),
        ],
        UnitType::Target | UnitType::Other => &[("Unit", &[unit::UNIT]), ("Install", &[unit::INSTALL])],
    }
}

/// Whether a type of unit has such a section.
pub fn has_section(unit_type: UnitType, section: &str) -> bool {
    sections(unit_type).iter().any(|(name, _)| *name == section)
}

/// The setting of this name in a section.
pub fn find(unit_type: UnitType, section: &str, name: &str) -> Option<&'static Setting> {
    type Index = HashMap<(&'static str, &'static str), &'static Setting>;
    static INDEX: OnceLock<Index> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let types = [UnitType::Socket, UnitType::Service].into_iter().flat_map(sections);
        let tables = types.flat_map(|(section, tables)| tables.iter().map(move |table| (*section, *table)));
        tables
            .flat_map(|(section, table)| table.iter().map(move |setting| ((section, setting.name), setting)))
            .collect()
    });
    if has_section(unit_type, section) { index.get(&(section, name)).copied() } else { None }
}
