//! What the loggers for the crates `log` and `tracing` have in common: their options, and the names of fields.

use crate::journal::{NAME_MAX, is_name};
use crate::{Entry, Priority};

#[cfg(feature = "log")]
mod log;
#[cfg(feature = "tracing")]
mod tracing;

/// A logger that writes to the journal: for the crate `log` with the feature `log`, and a layer of tracing-subscriber with
/// the feature `tracing`.
///
/// An entry has these fields, in this order:
///
/// | field | value |
/// | --- | --- |
/// | `MESSAGE` | the message |
/// | `PRIORITY` | what the level is mapped to: [`PriorityMappings`] |
/// | `TARGET` | the target |
/// | `SPAN_NAME` | with `tracing`, the name of a span, followed by the fields of the span; the outermost span first |
/// | | the key-values of a record of `log`, or the fields of an event of `tracing` |
/// | `CODE_FILE`, `CODE_LINE`, `CODE_MODULE` | where in the source it comes from, as far as that is known |
/// | | the fields of [`with_field`](Self::with_field) |
/// | `SYSLOG_IDENTIFIER` | that of [`with_syslog_identifier`](Self::with_syslog_identifier), or the name of the program |
///
/// # Names of fields
///
/// A field of the journal has a name of up to 64 characters A-Z, 0-9 and `_`, and the first is a letter. So a name becomes
/// one in these steps:
///
/// 1. The prefix is put in front, if there is one: [`with_field_prefix`](Self::with_field_prefix).
/// 2. Letters become upper case, and each other character that is not allowed becomes `_`.
/// 3. If the result does not begin with a letter, or is a name from the table above, `F_` is put in front.
/// 4. What is longer than 64 characters is cut.
///
/// `http.status` becomes `HTTP_STATUS`, `1st` becomes `F_1ST`, `_pid` becomes `F__PID`, and `priority` becomes `F_PRIORITY`.
/// Fields of the same name are all kept, except that a field of a span which is recorded again has its last value.
///
/// # Errors
///
/// If there is no journal, nothing happens. An entry that cannot be sent is lost. [`connected_to_journal`] tells whether this
/// process is a service that should log here.
///
/// [`connected_to_journal`]: crate::connected_to_journal
///
/// # Coming from another logger
///
/// | | here | tracing-journald | systemd-journal-logger |
/// | --- | --- | --- | --- |
/// | identifier | `with_syslog_identifier("me")` | `with_syslog_identifier("me".into())` | the same |
/// | fields of every entry | `with_field("A", "1")` | `with_custom_fields([("A", "1")])` | `add_extra_field("A", "1")` |
/// | prefix | `with_field_prefix("F_")`, by default none | `with_field_prefix(Some("F".into()))`, the default | none |
/// | priorities | `with_priority_mappings(…)` | the same | fixed |
/// | a field `priority` | is `F_PRIORITY` | with no prefix, stands beside the real one | stands beside the real one |
/// | a field `_pid` | is `F__PID` | is `F_PID` | is `ESCAPED__PID` |
/// | a field `two words` | is `TWO_WORDS` | is `F_TWOWORDS` | is `TWO_WORDS` |
/// | a value of bytes | is sent as it is | is sent as text: `[ff]` | |
/// | a field of a span that is recorded twice | has the last value | has both values | |
/// | the place of a span | is not sent | `SPAN_TARGET`, `SPAN_CODE_FILE`, `SPAN_CODE_LINE` | |
/// | the module | `CODE_MODULE` | is not sent | `CODE_MODULE` |
/// | the process | journald knows it | the same | `SYSLOG_PID` |
/// | no journal | nothing happens | `new` fails | `new` fails |
#[derive(Clone, Default, Debug)]
pub struct JournalLogger {
    priorities: PriorityMappings,
    prefix: String,
    /// Names and values.
    fields: Vec<(String, Vec<u8>)>,
    identifier: Option<String>,
}

/// Which priority each level of `log` and `tracing` becomes.
///
/// ```
/// use sdlite::{Priority, PriorityMappings};
///
/// let mappings = PriorityMappings { info: Priority::Info, ..PriorityMappings::default() };
/// assert_eq!((mappings.error, mappings.debug), (Priority::Error, Priority::Info));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PriorityMappings {
    /// By default [`Priority::Error`].
    pub error: Priority,
    /// By default [`Priority::Warning`].
    pub warn: Priority,
    /// By default [`Priority::Notice`].
    pub info: Priority,
    /// By default [`Priority::Info`].
    pub debug: Priority,
    /// By default [`Priority::Debug`].
    pub trace: Priority,
}

impl Default for PriorityMappings {
    fn default() -> Self {
        Self {
            error: Priority::Error,
            warn: Priority::Warning,
            info: Priority::Notice,
            debug: Priority::Info,
            trace: Priority::Debug,
        }
    }
}

impl JournalLogger {
    /// A logger with no prefix and no fields of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the identifier that `journalctl -t` looks for. By default it is the name of the program.
    #[must_use]
    pub fn with_syslog_identifier(mut self, identifier: &str) -> Self {
        self.identifier = Some(identifier.into());
        self
    }

    /// Sets what is put in front of the names of fields that records, events and spans bring along.
    #[must_use]
    pub fn with_field_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Adds a field to every entry. Its name is not prefixed.
    #[must_use]
    pub fn with_field(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.fields.push((field_name("", name), value.into()));
        self
    }

    /// Sets which priority each level becomes.
    #[must_use]
    pub fn with_priority_mappings(mut self, mappings: PriorityMappings) -> Self {
        self.priorities = mappings;
        self
    }

    /// Adds a field that a record, an event or a span brings along.
    fn add(&self, entry: Entry, name: &str, value: impl AsRef<[u8]>) -> Entry {
        entry.field(&field_name(&self.prefix, name), value)
    }

    /// Adds what is known about the place in the source, and the fields of this logger, and sends the entry.
    fn send(&self, mut entry: Entry, file: Option<&str>, line: Option<u32>, module: Option<&str>) {
        let line = line.map(|line| line.to_string());
        for (name, value) in [("CODE_FILE", file), ("CODE_LINE", line.as_deref()), ("CODE_MODULE", module)] {
            if let Some(value) = value {
                entry = entry.field(name, value);
            }
        }
        entry = self.fields.iter().fold(entry, |entry, (name, value)| entry.field(name, value));
        if let Some(identifier) = &self.identifier {
            entry = entry.field("SYSLOG_IDENTIFIER", identifier);
        }
        // An error of the log cannot be logged.
        let _ = entry.send();
    }
}

/// The names that a logger gives itself.
const OWN_NAMES: [&str; 8] =
    ["CODE_FILE", "CODE_LINE", "CODE_MODULE", "MESSAGE", "PRIORITY", "SPAN_NAME", "SYSLOG_IDENTIFIER", "TARGET"];

/// The name under which an entry can have a field: see [`JournalLogger`].
fn field_name(prefix: &str, name: &str) -> String {
    let allowed = |c: char| match c.to_ascii_uppercase() {
        c @ ('A'..='Z' | '0'..='9' | '_') => c,
        _ => '_',
    };
    let mut name: String = prefix.chars().chain(name.chars()).map(allowed).take(NAME_MAX).collect();
    if !is_name(&name) || OWN_NAMES.contains(&&*name) {
        name.insert_str(0, "F_");
        name.truncate(NAME_MAX);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{OWN_NAMES, field_name};
    use crate::journal::is_name;

    #[test]
    fn every_name_becomes_one_that_an_entry_can_have() {
        let long = "x".repeat(65);
        let cases = [
            ("", "user", "USER"),
            ("", "http.status", "HTTP_STATUS"),
            ("", "\u{e9}tat 2", "F__TAT_2"),
            ("", "1st", "F_1ST"),
            ("", "_pid", "F__PID"),
            ("", "", "F_"),
            ("", "message_id", "MESSAGE_ID"),
            ("", &long, &"X".repeat(64)),
            ("", &"1".repeat(64), &format!("F_{}", "1".repeat(62))),
            ("App.", "user", "APP_USER"),
            ("app_", "message", "APP_MESSAGE"),
            ("code_", "line", "F_CODE_LINE"),
            ("_", "user", "F__USER"),
        ];
        for (prefix, name, expected) in cases {
            assert_eq!(field_name(prefix, name), expected, "{prefix:?} {name:?}");
            assert!(is_name(expected), "{expected}");
        }
        for name in OWN_NAMES {
            assert_eq!(field_name("", &name.to_lowercase()), format!("F_{name}"));
        }
    }
}
