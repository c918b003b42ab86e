//! Reads the files of one unit, line by line.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::diagnostic::Level;
use super::draft::Draft;
use super::given::Given;
use super::load::{Loaded, State};
use super::settings::{self, Setting, Word};
use super::specifier::Specifiers;
use super::syntax::{Content, Line, parse};
use super::value::Invalid;
use crate::control_group;
use crate::rights::Right;
use crate::spec::{Origin, UnitFile};

/// What `--ignore=` with this word means, besides the names of settings: all that confine a service.
const CONFINEMENT: &str = "confinement";

/// Which of a unit's files is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The one of its name: what is wrong with it keeps the unit from being started.
    Fragment,
    /// One that adds to it: what is wrong with it ends it, and the unit is started all the same, as by systemd.
    DropIn,
}

/// Reads the files of one unit.
pub struct Reader<'a> {
    ignored: &'a BTreeSet<String>,
    specifiers: &'a Specifiers<'a>,
    draft: &'a mut Draft,
    loaded: &'a mut Loaded,
    part: Part,
    /// Whether the rest of the file does not count.
    ended: bool,
    /// What was read.
    files: Vec<UnitFile>,
}

impl<'a> Reader<'a> {
    /// Reads into a draft, says what there is to say of it, and ignores these settings where they would be refused.
    pub fn new(
        ignored: &'a BTreeSet<String>,
        specifiers: &'a Specifiers<'a>,
        draft: &'a mut Draft,
        loaded: &'a mut Loaded,
    ) -> Self {
        Self { ignored, specifiers, draft, loaded, part: Part::Fragment, ended: false, files: Vec::new() }
    }

    /// What was read.
    pub fn files(self) -> Vec<UnitFile> {
        self.files
    }

    /// Reads a file.
    pub fn read(&mut self, path: &Path, part: Part) {
        match fs::read(path) {
            Ok(text) => self.read_text(path, &text, part),
            Err(error) => {
                self.loaded.state = State::Error;
                let origin = Origin { file: path.into(), line: 0 };
                self.say(error_message(format!("the file cannot be read: {error}")), origin, None);
            }
        }
    }

    /// Reads what stands in a file.
    pub fn read_text(&mut self, path: &Path, text: &[u8], part: Part) {
        (self.part, self.ended) = (part, false);
        self.files.push(UnitFile { path: path.to_owned(), text: text.to_owned() });
        let path: Arc<Path> = path.into();
        let mut section = None;
        for Line { number, content } in parse(text) {
            self.line(&mut section, content, Origin { file: Arc::clone(&path), line: number });
            if self.ended {
                return;
            }
        }
    }

    fn line(&mut self, section: &mut Option<String>, content: Content, origin: Origin) {
        let unit_type = self.loaded.name.unit_type();
        match content {
            Content::Section(name) => {
                if !settings::has_section(unit_type, &name) && !name.starts_with("X-") {
                    let message = format!("[{name}] is no section of such a unit; it is ignored");
                    self.say(Invalid::new(message), origin, None);
                }
                *section = Some(name);
            }
            Content::Assignment { key, value } => match section {
                None => self.say(Invalid::new("this stands outside of any section; it is ignored"), origin, None),
                Some(section) if key.starts_with("X-") || !settings::has_section(unit_type, section) => (),
                Some(section) => match settings::find(unit_type, section, &key) {
                    Some(setting) => self.assign(setting, &value, origin),
                    None => {
                        let message = format!("{key}= is no setting of [{section}]; it is ignored");
                        self.say(Invalid::new(message), origin, None);
                    }
                },
            },
            Content::Ignored(message) => {
                // Nothing counts in a section that is not one of the unit's.
                if section.as_deref().is_none_or(|section| settings::has_section(unit_type, section)) {
                    self.say(Invalid::new(message), origin, None);
                }
            }
            Content::Invalid(message) => {
                if self.part == Part::Fragment {
                    self.loaded.state = State::Error;
                }
                self.say(error_message(message.to_owned()), origin, None);
                self.ended = true;
            }
        }
    }

    fn assign(&mut self, setting: &'static Setting, value: &str, origin: Origin) {
        let name = setting.name;
        let given = Given::new(value, origin.clone(), self.specifiers);
        let ignored_by = |word: &str| Invalid::no_effect(format!("ignored, as --ignore={word} says"));
        let result = match setting.word {
            Word::NoEffect(why) => Err(Invalid::no_effect(why.to_owned())),
            _ if self.ignored.contains(name) => Err(ignored_by(name)),
            Word::Honoured(read) => read(self.draft, &given),
            Word::Limits { read, controller } => {
                if !control_group::has_controller(controller) {
                    let group = "control group of version 2 with that controller that may be used here";
                    given.no_effect(format!("it takes the controller {controller}, and there is no {group}"));
                }
                read(self.draft, &given)
            }
            Word::Needs { confines: true, .. } if self.ignored.contains(CONFINEMENT) => Err(ignored_by(CONFINEMENT)),
            Word::Needs { read, right, unless, confines } => match unless.met(value) {
                Ok(false) if !right.is_had() => Err(not_allowed(name, right, confines)),
                // What reads it knows how much a value that cannot be read matters.
                Ok(_) | Err(_) => read(self.draft, &given),
            },
            Word::Refused { unless, confines } => match unless.met(value) {
                Err(error) => Err(error),
                Ok(true) => Ok(()),
                Ok(false) if confines && self.ignored.contains(CONFINEMENT) => Err(ignored_by(CONFINEMENT)),
                Ok(false) => Err(refusal(name, confines)),
            },
        };
        let said: Vec<Invalid> = given.said().into_iter().chain(result.err()).collect();
        let became = said.iter().map(|said| said.level).find(|level| matches!(level, Level::Refused | Level::NoEffect));
        let worst = self.loaded.settings.entry(name).or_insert(became);
        *worst = [*worst, became].into_iter().flatten().min();
        self.draft.unit.origins.insert(name, origin.clone());
        for what in said {
            self.say(what, origin.clone(), Some(name));
        }
    }

    fn say(&mut self, mut what: Invalid, origin: Origin, setting: Option<&'static str>) {
        if what.level == Level::Error && self.part == Part::DropIn {
            what.level = Level::Warning;
            what.message.push_str("; the rest of this drop-in is ignored");
            self.ended = true;
        }
        self.loaded.say(what, Some(origin), setting);
    }
}

fn error_message(message: String) -> Invalid {
    Invalid { level: Level::Error, message }
}

/// What there is to say where a setting cannot be done without.
fn refusal(name: &str, confines: bool) -> Invalid {
    Invalid { level: Level::Refused, message: format!("not honoured here; {}", way_out(name, confines)) }
}

/// The same where this process may not do what the setting asks for.
fn not_allowed(name: &str, right: Right, confines: bool) -> Invalid {
    let (right, way_out) = (right.description(), way_out(name, confines));
    Invalid { level: Level::Refused, message: format!("it takes {right}, which is not had here; {way_out}") }
}

fn way_out(name: &str, confines: bool) -> String {
    let confinement = if confines { format!(" or --ignore={CONFINEMENT}") } else { String::new() };
    format!("--ignore={name}{confinement} starts the service without it")
}
