//! `[Install]`: what `enable` makes of a unit, and `disable` takes back.

use std::fs;
use std::path::Path;

use crate::spec::{Scope, UnitName};
use crate::unit::quoting::{Escapes, words};
use crate::unit::specifier::Specifiers;
use crate::unit::syntax::{Content, parse};

/// The settings of `[Install]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Install {
    /// WantedBy=.
    pub wanted_by: Vec<String>,
    /// RequiredBy=.
    pub required_by: Vec<String>,
    /// Alias=.
    pub alias: Vec<String>,
    /// Also=.
    pub also: Vec<String>,
    /// DefaultInstance=.
    pub default_instance: Option<String>,
}

impl Install {
    /// Reads them from the files of a unit.
    pub fn read<'a>(name: &UnitName, files: impl IntoIterator<Item = &'a Path>, scope: &Scope) -> Self {
        let mut install = Self::default();
        for file in files {
            let specifiers = Specifiers::new(name, Some(file), scope);
            let mut section = None;
            for line in parse(&fs::read(file).unwrap_or_default()) {
                match line.content {
                    Content::Section(name) => section = Some(name),
                    Content::Assignment { key, value } if section.as_deref() == Some("Install") => {
                        install.assign(&key, &value, &specifiers);
                    }
                    _ => (),
                }
            }
        }
        install
    }

    fn assign(&mut self, key: &str, value: &str, specifiers: &Specifiers<'_>) {
        let list = match key {
            "WantedBy" => &mut self.wanted_by,
            "RequiredBy" => &mut self.required_by,
            "Alias" => &mut self.alias,
            "Also" => &mut self.also,
            "DefaultInstance" => {
                self.default_instance = specifiers.expand_name(value).ok().filter(|instance| !instance.is_empty());
                return;
            }
            _ => return,
        };
        if value.is_empty() {
            list.clear();
        }
        for word in words(value, Escapes::Keep).flatten() {
            let text = String::from_utf8(word.bytes).ok();
            list.extend(text.and_then(|text| specifiers.expand_name(&text).ok()));
        }
    }

    /// Whether there is nothing to be made of the unit.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether links lead to the unit where it is enabled.
    pub fn has_links(&self) -> bool {
        !(self.wanted_by.is_empty() && self.required_by.is_empty() && self.alias.is_empty())
    }
}
