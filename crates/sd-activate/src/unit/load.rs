//! Units, from their files to their specs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use super::complete::complete;
use super::diagnostic::{Diagnostic, Level};
use super::draft::Draft;
use super::files::{Files, Found};
use super::given::Given;
use super::settings::{self, Word};
use super::specifier::{Scope, Specifiers};
use super::syntax::{Content, Line, parse};
use super::value::Invalid;
use crate::spec::{Dependency, Kind, Origin, Relation, UnitName, UnitSpec};

/// What `--ignore=` with this word means, besides the names of settings.
pub const CONFINEMENT: &str = "confinement";

/// Loads units from the unit path.
pub struct Loader {
    scope: Scope,
    files: Files,
    ignored: BTreeSet<String>,
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

/// What systemctl(1) calls the load state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be started.
    Loaded,
    /// There is no such file.
    NotFound,
    /// It is a link to /dev/null, or empty.
    Masked,
    /// Something in it keeps it from being started.
    BadSetting,
    /// Its file cannot be read.
    Error,
}

impl Loader {
    /// Loads units of whom, from which directories, and ignoring which settings that would be refused.
    pub fn new(scope: Scope, path: Vec<PathBuf>, ignored: impl IntoIterator<Item = String>) -> Self {
        Self { scope, files: Files::read(path), ignored: ignored.into_iter().collect() }
    }

    /// Loads a unit, whatever is wrong with it.
    pub fn load(&self, name: &UnitName) -> Loaded {
        match self.files.find(name) {
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

    fn load_file(&self, name: &UnitName, fragment: &Path) -> Loaded {
        let aliases = self.files.aliases(name);
        let mut names = vec![name.clone()];
        names.extend(aliases.iter().cloned());
        let specifiers = Specifiers::new(name, Some(fragment), &self.scope);
        let mut draft = Draft::new(name);
        let mut reader = Reader {
            loader: self,
            specifiers: &specifiers,
            draft: &mut draft,
            loaded: Loaded::without(name, State::Loaded, None),
        };

        let drop_ins = self.files.drop_ins(&names);
        for path in std::iter::once(fragment).chain(drop_ins.iter().map(PathBuf::as_path)) {
            reader.read(path);
        }
        for (kind, relation) in [("wants", Relation::Wants), ("requires", Relation::Requires)] {
            for (unit, link) in self.files.linked(&names, kind) {
                let origin = Origin { file: link.into(), line: 0 };
                reader.draft.unit.dependencies.push(Dependency { relation, unit, origin });
            }
        }
        let mut loaded = reader.loaded;
        draft.unit.fragment = Some(fragment.to_owned());
        draft.unit.drop_ins = drop_ins;
        draft.unit.aliases = aliases;
        loaded.uses_instance = specifiers.uses_instance();

        match complete(draft) {
            Ok(spec) if loaded.may_start() => loaded.spec = Some(spec),
            Ok(_) => loaded.state = loaded.state.or(State::BadSetting),
            Err(error) => {
                loaded.state = loaded.state.or(State::BadSetting);
                loaded.say(error, Some(Origin { file: fragment.into(), line: 0 }), None);
            }
        }
        loaded
    }
}

impl State {
    /// Itself, unless it is still good.
    fn or(self, state: Self) -> Self {
        if self == Self::Loaded { state } else { self }
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

    fn say(&mut self, what: Invalid, origin: Option<Origin>, setting: Option<&'static str>) {
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
        let mut related: Vec<UnitName> = [Relation::Requires, Relation::Wants, Relation::BindsTo]
            .into_iter()
            .flat_map(|relation| spec.related(relation).cloned())
            .collect();
        match &spec.kind {
            Kind::Socket(socket) if socket.accept => related.extend(socket.service.instantiate("0")),
            Kind::Socket(socket) => related.push(socket.service.clone()),
            Kind::Service(service) => related.extend(service.sockets.iter().cloned()),
            Kind::Target => (),
        }
        related
    }
}

/// Reads the files of one unit.
struct Reader<'a> {
    loader: &'a Loader,
    specifiers: &'a Specifiers<'a>,
    draft: &'a mut Draft,
    loaded: Loaded,
}

impl Reader<'_> {
    fn read(&mut self, path: &Path) {
        let origin = |line| Origin { file: path.into(), line };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) => {
                self.loaded.state = State::Error;
                let message = format!("the file cannot be read: {error}");
                return self.loaded.say(Invalid { level: Level::Error, message }, Some(origin(0)), None);
            }
        };
        let unit_type = self.loaded.name.unit_type();
        let mut section = None;
        for Line { number, content } in parse(&text) {
            let warning = |message: &str| Invalid::new(message);
            let problem = match content {
                Content::Section(name) => {
                    let known = settings::has_section(unit_type, &name);
                    let foreign = name.starts_with("X-");
                    section = Some(name.clone());
                    if known || foreign {
                        continue;
                    }
                    Invalid::new(format_args!("[{name}] is no section of such a unit; it is ignored"))
                }
                Content::Assignment { key, value } => match section.as_deref() {
                    None => warning("this stands outside of any section; it is ignored"),
                    Some(section) => {
                        self.assign(section, &key, &value, origin(number));
                        continue;
                    }
                },
                Content::Ignored(message) => warning(message),
                Content::Invalid(message) => {
                    self.loaded.state = State::Error;
                    self.loaded.say(warning(message).fatal(), Some(origin(number)), None);
                    return;
                }
            };
            self.loaded.say(problem, Some(origin(number)), None);
        }
    }

    fn assign(&mut self, section: &str, key: &str, value: &str, origin: Origin) {
        let unit_type = self.loaded.name.unit_type();
        if key.starts_with("X-") || !settings::has_section(unit_type, section) {
            return;
        }
        let Some(setting) = settings::find(unit_type, section, key) else {
            let message = format!("{key}= is no setting of [{section}]; it is ignored");
            return self.loaded.say(Invalid::new(message), Some(origin), None);
        };
        let name = setting.name;
        let given = Given::new(value, origin.clone(), self.specifiers);
        let result = match setting.word {
            Word::NoEffect(why) => Err(Invalid { level: Level::NoEffect, message: why.to_owned() }),
            Word::Honoured(_) | Word::Refused { .. } if self.loader.ignored.contains(name) => {
                Err(Invalid { level: Level::NoEffect, message: "it is ignored, as --ignore= says".to_owned() })
            }
            Word::Honoured(read) => read(self.draft, &given),
            Word::Refused { unless, confines } => match unless.met(value) {
                Err(error) => Err(error),
                Ok(true) => Ok(()),
                Ok(false) if confines && self.loader.ignored.contains(CONFINEMENT) => Err(Invalid {
                    level: Level::NoEffect,
                    message: "it is ignored, as --ignore=confinement says".to_owned(),
                }),
                Ok(false) => Err(refusal(name, confines)),
            },
        };
        let said = given.said().into_iter().chain(result.err()).collect::<Vec<_>>();
        let became = said.iter().map(|said| said.level).find(|level| matches!(level, Level::Refused | Level::NoEffect));
        for what in said {
            self.loaded.say(what, Some(origin.clone()), Some(name));
        }
        self.draft.unit.origins.insert(name, origin);
        let worst = self.loaded.settings.entry(name).or_insert(became);
        *worst = [*worst, became].into_iter().flatten().min();
    }
}

/// What there is to say where a setting cannot be done without.
fn refusal(name: &str, confines: bool) -> Invalid {
    let confinement = if confines { format!(" or --ignore={CONFINEMENT}") } else { String::new() };
    let message = format!("not honoured here; --ignore={name}{confinement} starts the service without it");
    Invalid { level: Level::Refused, message }
}
