//! What a unit was read from: enough to read it again when its files have gone or changed.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Dependency, Kind, Origin, Relation, ServiceSpec, SocketSpec, UnitName, UnitSpec, UnitType};
use crate::saved::{self, Saved};

/// A file of a unit, as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitFile {
    /// Where it was.
    #[serde(with = "saved")]
    pub path: PathBuf,
    /// What it held.
    #[serde(with = "saved")]
    pub text: Vec<u8>,
}

/// A unit, as what it was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    name: UnitName,
    aliases: Vec<UnitName>,
    links: Vec<Link>,
    files: Vec<UnitFile>,
}

/// A link in a `.wants/` or `.requires/` directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    relation: Relation,
    unit: UnitName,
    #[serde(with = "saved")]
    path: PathBuf,
}

/// What is read knows its name and its files, and has no settings: [`Loader::read_again`](crate::unit::load::Loader::read_again)
/// makes it what it was.
impl Saved for Arc<UnitSpec> {
    type Form = Source;

    fn save(&self) -> Source {
        let links = self.dependencies.iter().filter(|dependency| dependency.origin.line == 0);
        let link = |Dependency { relation, unit, origin }: &Dependency| Link {
            relation: *relation,
            unit: unit.clone(),
            path: origin.file.to_path_buf(),
        };
        Source {
            name: self.name.clone(),
            aliases: self.aliases.clone(),
            links: links.map(link).collect(),
            files: self.files.to_vec(),
        }
    }

    fn restore(source: Source) -> Option<Self> {
        let Source { name, aliases, links, files } = source;
        let kind = match name.unit_type() {
            UnitType::Socket => Kind::Socket(Arc::new(SocketSpec::new(&name))),
            UnitType::Service => Kind::Service(Arc::new(ServiceSpec::default())),
            UnitType::Target | UnitType::Other => Kind::Target,
        };
        let mut paths = files.iter().map(|file| file.path.clone());
        let mut unit = UnitSpec::new(name, kind);
        (unit.fragment, unit.drop_ins) = (paths.next(), paths.collect());
        let dependency = |Link { relation, unit, path }| {
            let origin = Origin { file: path.into(), line: 0 };
            Dependency { relation, unit, origin }
        };
        unit.dependencies = links.into_iter().map(dependency).collect();
        (unit.aliases, unit.files) = (aliases, files.into());
        Some(Self::new(unit))
    }
}
