//! What a line of a unit assigns, and the ways in which settings read it.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use super::diagnostic::Level;
use super::quoting::{Escapes, Unreadable, words};
use super::specifier::Specifiers;
use super::value::{self, Invalid};
use super::{command, time};
use crate::spec::{Command, EndAction, Origin, Signal, Timeout, UnitName};

/// The value of an assignment, and what is needed to understand it.
pub struct Given<'a> {
    /// What stands behind the `=`.
    pub value: &'a str,
    /// Where it stands.
    pub origin: Origin,
    /// What its specifiers stand for.
    pub specifiers: &'a Specifiers<'a>,
    said: RefCell<Vec<Invalid>>,
}

impl<'a> Given<'a> {
    /// A value, of which nothing has been said yet.
    pub fn new(value: &'a str, origin: Origin, specifiers: &'a Specifiers<'a>) -> Self {
        Self { value, origin, specifiers, said: RefCell::default() }
    }

    /// Says something about it that is no reason to ignore all of it.
    pub fn say(&self, what: Invalid) {
        self.said.borrow_mut().push(what);
    }

    /// Says that a setting has no effect here.
    pub fn no_effect(&self, why: String) {
        self.say(Invalid::no_effect(why));
    }

    /// Everything that was said.
    pub fn said(self) -> Vec<Invalid> {
        self.said.into_inner()
    }

    /// Whether nothing is assigned: lists are emptied, and texts taken back.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// What is true or not.
    pub fn boolean(&self) -> Result<bool, Invalid> {
        value::boolean(self.value)
    }

    /// A number from zero on.
    pub fn unsigned(&self) -> Result<u32, Invalid> {
        value::integer(self.value, 0, u32::MAX)
    }

    /// A number that a socket option takes.
    pub fn integer(&self) -> Result<Option<i32>, Invalid> {
        value::integer(self.value, i32::MIN, i32::MAX).map(Some)
    }

    /// A size in bytes.
    pub fn size(&self) -> Result<Option<usize>, Invalid> {
        let bytes = value::size(self.value)?;
        usize::try_from(bytes).map(Some).map_err(|_| Invalid::new(format_args!("{bytes} bytes are too many")))
    }

    /// An access mode.
    pub fn mode(&self) -> Result<nix::libc::mode_t, Invalid> {
        value::mode(self.value)
    }

    /// A time span; `Duration::MAX` is "infinity".
    pub fn seconds(&self) -> Result<Duration, Invalid> {
        Ok(time::span(self.value, time::SECOND)?.unwrap_or(Duration::MAX))
    }

    /// A time span after which something is given up: 0, too, means never.
    pub fn timeout(&self) -> Result<Timeout, Invalid> {
        Ok(time::span(self.value, time::SECOND)?.filter(|span| !span.is_zero()))
    }

    /// An interval that a limit counts in; one without an end counts as none that is set.
    pub fn interval(&self, interval: &mut Duration) -> Result<(), Invalid> {
        *interval = time::span(self.value, time::SECOND)?.unwrap_or(*interval);
        Ok(())
    }

    /// A signal.
    pub fn signal(&self) -> Result<Signal, Invalid> {
        Signal::parse(self.value)
            .ok_or_else(|| Invalid::new(format_args!("\"{}\" is no signal: give one such as SIGTERM", self.value)))
    }

    /// What ends all units: sd-activate, and with it a container that it is the first process of. The machine is not this
    /// process's.
    pub fn end_action(&self) -> Result<Option<EndAction>, Invalid> {
        const ACTIONS: &[(&str, Option<EndAction>)] =
            &[("none", None), ("exit", Some(EndAction::Exit)), ("exit-force", Some(EndAction::ExitForce))];
        const OF_MACHINES: [&str; 13] = [
            "reboot",
            "reboot-force",
            "reboot-immediate",
            "poweroff",
            "poweroff-force",
            "poweroff-immediate",
            "halt",
            "halt-force",
            "halt-immediate",
            "kexec",
            "kexec-force",
            "soft-reboot",
            "soft-reboot-force",
        ];

        let Self { value, .. } = self;
        if !OF_MACHINES.contains(value) {
            return self.one_of(ACTIONS);
        }
        let message = format!("{value} is for machines, and not done here: exit ends sd-activate with all units");
        Err(Invalid { level: Level::Refused, message })
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Invalid> {
        value::one_of(self.value, choices)
    }

    /// A text, with its specifiers replaced; `None` where nothing is assigned.
    pub fn assigned(&self) -> Result<Option<String>, Invalid> {
        if self.is_empty() { Ok(None) } else { self.specifiers.expand(self.value).map(Some) }
    }

    /// The same, but `None` as well where nothing is left once the specifiers are replaced.
    pub fn text(&self) -> Result<Option<String>, Invalid> {
        Ok(self.assigned()?.filter(|text| !text.is_empty()))
    }

    /// An absolute path, with its specifiers replaced; `None` where nothing is assigned.
    pub fn path(&self) -> Result<Option<PathBuf>, Invalid> {
        self.text()?.as_deref().map(value::absolute_path).transpose()
    }

    /// The name or number of a user or group; `None` where nothing is assigned.
    pub fn account(&self) -> Result<Option<String>, Invalid> {
        self.assigned().map_err(Invalid::fatal)?.as_deref().map(value::account).transpose()
    }

    /// The same of a user, who had better not be nobody.
    pub fn user(&self) -> Result<Option<String>, Invalid> {
        let user = self.account()?;
        if user.as_deref() == Some("nobody") {
            self.say(Invalid::new("nobody is the user of what belongs to nobody: give one of its own"));
        }
        Ok(user)
    }

    /// The parts of the value between blanks, as they stand.
    pub fn parts(&self) -> impl Iterator<Item = &'a str> {
        self.value.split([' ', '\t', '\n', '\r']).filter(|part| !part.is_empty())
    }

    /// The value's words, without quotation marks and with their specifiers replaced.
    pub fn each_word(&self, escapes: Escapes) -> impl Iterator<Item = Result<String, Invalid>> {
        words(self.value, escapes).map(|word| {
            let word = word.map_err(|error| unreadable(error, self.value))?;
            let text = String::from_utf8(word.bytes);
            let text = text.map_err(|_| Invalid::new(format_args!("{} is not UTF-8", word.written)))?;
            self.specifiers.expand(&text)
        })
    }

    /// The words of the value or a part of it, without quotation marks; their specifiers stay.
    pub fn plain_words(&self, part: &str, escapes: Escapes) -> impl Iterator<Item = Result<String, Invalid>> {
        words(part, escapes).map(|word| {
            let word = word.map_err(|error| unreadable(error, self.value))?;
            Ok(String::from_utf8_lossy(&word.bytes).into_owned())
        })
    }

    /// Those of each_word(). What cannot be read is said, and left out.
    pub fn words(&self, escapes: Escapes) -> Vec<String> {
        let mut read = Vec::new();
        for word in self.each_word(escapes) {
            match word {
                Ok(word) => read.push(word),
                Err(error) => self.say(error),
            }
        }
        read
    }

    /// What `read` makes of each of the words, added to a list that is emptied where nothing is assigned. What cannot be read
    /// is said, and left out.
    pub fn append<T>(&self, list: &mut Vec<T>, escapes: Escapes, read: impl Fn(&str) -> Result<T, Invalid>) {
        if self.is_empty() {
            list.clear();
        }
        for word in self.words(escapes) {
            match read(&word) {
                Ok(item) => list.push(item),
                Err(error) => self.say(error),
            }
        }
    }

    /// The names of units among the parts.
    pub fn units(&self) -> Vec<UnitName> {
        let named = |part: &str| {
            let text = self.specifiers.expand_name(part)?;
            let name = UnitName::new(&text).ok_or_else(|| not_a_unit(&text))?;
            // A template stands for the instance of the same name as this unit's.
            let instance = self.specifiers.name.instance().unwrap_or(self.specifiers.name.prefix());
            if !name.is_template() || instance.is_empty() {
                return Ok(name);
            }
            self.specifiers.use_instance();
            name.instantiate(instance).ok_or_else(|| not_a_unit(&text))
        };
        let mut units = Vec::new();
        for part in self.parts() {
            match named(part) {
                Ok(name) => units.push(name),
                Err(error) => self.say(error),
            }
        }
        units
    }

    /// Adds the commands of a line to a list that is emptied where there are none.
    pub fn commands(&self, list: &mut Vec<Command>) -> Result<(), Invalid> {
        if self.is_empty() {
            list.clear();
            return Ok(());
        }
        command::parse(self, list)
    }
}

/// What there is to say about a value that has no words.
pub fn unreadable(error: Unreadable, value: &str) -> Invalid {
    Invalid::new(match error {
        Unreadable::Unbalanced => format!("a quotation mark in {value} is not closed"),
        Unreadable::UnknownEscape => {
            format!("{value} contains a backslash that starts no escape: write \\\\ for a single one")
        }
    })
}

fn not_a_unit(text: &str) -> Invalid {
    Invalid::new(format_args!(
        "\"{text}\" is no name of a unit: it needs a suffix such as .service, and no other characters than ASCII letters, digits and :-_.\\@"
    ))
}
