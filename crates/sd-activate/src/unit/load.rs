//! Units, from their files to their specs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use super::complete::complete;
use super::diagnostic::{Diagnostic, Level};
use super::draft::Draft;
use super::files::{Files, Found};
use super::reader::{Part, Reader};
use super::specifier::Specifiers;
use super::value::Invalid;
pub use crate::spec::LoadState as State;
use crate::spec::{Dependency, KeyringMode, Kind, Origin, Relation, Scope, UnitName, UnitSpec, UnitType};

/// Loads units from the unit path.
pub struct Loader {
    scope: Scope,
    files: Files,
    ignored: BTreeSet<String>,
    /// Units that have no file: the command line has made them.
    made: Vec<UnitSpec>,
}

/// A unit that was loaded, or was to be.
#[derive(Debug)]
pub struct Loaded {
    /// Its name: its own, where it was asked for by another.
    pub name: UnitName,
    /// What it is. There is none where it is not there, masked, refused or wrong.
    pub spec: Option<UnitSpec>,
    /// What there is to say about it.
    pub diagnostics: Vec<Diagnostic>,
    /// Where it stands.
    pub state: State,
    /// Each setting in it, and what became of it: `None` where it is honoured, each time.
    pub settings: BTreeMap<&'static str, Option<Level>>,
    /// Whether it depends on its instance: otherwise all instances of a template are the same but for the name.
    pub uses_instance: bool,
}

impl Loader {
    /// Loads units of whom, from which directories, and ignoring which settings that would be refused.
    pub fn new(scope: Scope, path: Vec<PathBuf>, ignored: impl IntoIterator<Item = String>) -> Self {
        Self { scope, files: Files::read(path), ignored: ignored.into_iter().collect(), made: Vec::new() }
    }

    /// Has these units, and no others.
    pub fn of(units: impl Into<Vec<UnitSpec>>) -> Self {
        Self { made: units.into(), ..Self::new(Scope::system(), Vec::new(), []) }
    }

    /// Looks anew for what there is on the unit path.
    pub fn refresh(&mut self) {
        self.files = Files::read(self.files.path().to_owned());
    }

    /// Loads a unit, whatever is wrong with it.
    pub fn load(&self, name: &UnitName) -> Loaded {
        if let Some(unit) = self.made.iter().find(|unit| unit.name == *name) {
            return Loaded { spec: Some(unit.clone()), ..Loaded::without(name, State::Loaded, None) };
        }
        match self.files.find(name) {
            _ if name.is_template() => Loaded::without(name, State::Template, None),
            Found::Nothing => Loaded::without(name, State::NotFound, None),
            Found::Masked(path) => Loaded::without(name, State::Masked, Some(path)),
            Found::File(name, fragment) => self.load_file(&name, &fragment),
        }
    }

    /// Loads these units, and all that they start or that starts with them.
    pub fn load_all(&self, names: &[UnitName]) -> Vec<Loaded> {
        let mut known: BTreeSet<UnitName> = names.iter().cloned().collect();
        let mut waiting: VecDeque<UnitName> = known.iter().cloned().collect();
        let mut units = Vec::new();
        while let Some(name) = waiting.pop_front() {
            let unit = self.load(&name);
            known.insert(unit.name.clone());
            for related in unit.related() {
                if known.insert(related.clone()) {
                    waiting.push_back(related);
                }
            }
            units.push(unit);
        }
        units.sort_by(|one, other| one.name.cmp(&other.name));
        units.dedup_by(|one, other| one.name == other.name);
        units
    }

    /// Loads a unit as if its file, wherever that is, held this text.
    pub fn load_text(&self, name: &UnitName, fragment: &Path, text: &[u8]) -> Loaded {
        self.assemble(UnitSpec::new(name.clone(), Kind::Target), fragment, |reader| {
            reader.read_text(fragment, text, Part::Fragment);
        })
    }

    fn load_file(&self, name: &UnitName, fragment: &Path) -> Loaded {
        let aliases = self.files.aliases(name);
        let mut names = vec![name.clone()];
        names.extend(aliases.iter().cloned());
        let mut unit = UnitSpec::new(name.clone(), Kind::Target);
        unit.aliases = aliases;
        unit.drop_ins = self.files.drop_ins(&names);
        for (kind, relation) in [("wants", Relation::Wants), ("requires", Relation::Requires)] {
            let linked = self.files.linked(&names, kind).into_iter();
            for (unit_name, link) in linked.filter(|(name, _)| name.unit_type() != UnitType::Other) {
                let origin = Origin { file: link.into(), line: 0 };
                unit.dependencies.push(Dependency { relation, unit: unit_name, origin });
            }
        }
        let drop_ins = unit.drop_ins.clone();
        self.assemble(unit, fragment, |reader| {
            reader.read(fragment, Part::Fragment);
            for path in &drop_ins {
                reader.read(path, Part::DropIn);
            }
        })
    }

    /// Reads a unit again from what it was read from before, whatever its files hold now.
    pub fn read_again(&self, unit: &UnitSpec) -> Loaded {
        let mut known = UnitSpec::new(unit.name.clone(), Kind::Target);
        (known.aliases, known.drop_ins) = (unit.aliases.clone(), unit.drop_ins.clone());
        known.dependencies = unit.dependencies.iter().filter(|it| it.origin.line == 0).cloned().collect();
        let Some((own, drop_ins)) = unit.files.split_first() else {
            return Loaded::without(&unit.name, State::NotFound, None);
        };
        self.assemble(known, &own.path, |reader| {
            reader.read_text(&own.path, &own.text, Part::Fragment);
            drop_ins.iter().for_each(|file| reader.read_text(&file.path, &file.text, Part::DropIn));
        })
    }

    /// Makes a unit of what is known of it and of what is read.
    fn assemble(&self, unit: UnitSpec, fragment: &Path, read: impl FnOnce(&mut Reader<'_>)) -> Loaded {
        let name = unit.name.clone();
        let specifiers = Specifiers::new(&name, Some(fragment), &self.scope);
        let mut draft = Draft::new(unit);
        draft.unit.fragment = Some(fragment.to_owned());
        draft.exec.keyring = if self.scope.user { KeyringMode::Inherit } else { KeyringMode::Private };
        let mut loaded = Loaded::without(&name, State::Loaded, None);
        let mut reader = Reader::new(&self.ignored, &specifiers, &mut draft, &mut loaded);
        read(&mut reader);
        let files = reader.files();
        draft.unit.files = files.into();
        loaded.uses_instance = specifiers.uses_instance();

        // What was refused may be what is missing now.
        if !loaded.may_start() {
            if loaded.state == State::Loaded {
                loaded.state = State::BadSetting;
            }
            return loaded;
        }
        match complete(draft) {
            Ok(spec) => loaded.spec = Some(spec),
            Err(error) => {
                loaded.state = State::BadSetting;
                loaded.say(error, Some(Origin { file: fragment.into(), line: 0 }), None);
            }
        }
        loaded
    }
}

impl Loaded {
    fn without(name: &UnitName, state: State, file: Option<PathBuf>) -> Self {
        let mut loaded = Self {
            name: name.clone(),
            spec: None,
            diagnostics: Vec::new(),
            state,
            settings: BTreeMap::new(),
            uses_instance: false,
        };
        let message = match state {
            State::NotFound => "there is no such unit on the unit path",
            State::Masked => "it is masked: its file is empty, or a link to /dev/null",
            State::Template => "it is a template: give an instance, as in NAME@INSTANCE.service",
            State::Loaded | State::BadSetting | State::Error => return loaded,
        };
        let origin = file.map(|file| Origin { file: file.into(), line: 0 });
        loaded.say(Invalid { level: Level::Error, message: message.to_owned() }, origin, None);
        loaded
    }

    /// Whether nothing was said that keeps it from being started.
    fn may_start(&self) -> bool {
        self.diagnostics.iter().all(|diagnostic| diagnostic.level > Level::Refused)
    }

    /// Says something about it.
    pub fn say(&mut self, what: Invalid, origin: Option<Origin>, setting: Option<&'static str>) {
        let Invalid { level, message } = what;
        let message = match setting {
            Some(setting) => format!("{setting}=: {message}"),
            None => message,
        };
        self.diagnostics.push(Diagnostic { level, origin, unit: self.name.clone(), setting, message });
    }

    /// The units that it starts, or that start with it.
    pub fn related(&self) -> Vec<UnitName> {
        let Some(spec) = &self.spec else { return Vec::new() };
        let relations = [
            Relation::Requires,
            Relation::Requisite,
            Relation::Wants,
            Relation::Upholds,
            Relation::BindsTo,
            Relation::OnFailure,
            Relation::OnSuccess,
        ];
        let mut related: Vec<UnitName> =
            relations.into_iter().flat_map(|relation| spec.related(relation).cloned()).collect();
        match &spec.kind {
            Kind::Socket(socket) if socket.accept => related.extend(socket.service.instantiate("0")),
            Kind::Socket(socket) => related.push(socket.service.clone()),
            Kind::Service(service) => related.extend(service.sockets.iter().cloned()),
            Kind::Target => (),
        }
        related
    }
}
