//! What there is to say about a unit, in the manner of a compiler: `FILE:LINE: warning: MESSAGE`.

use std::fmt::{self, Display, Formatter};

use crate::spec::{Origin, UnitName};

/// How much a diagnostic matters, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The unit cannot be started.
    Error,
    /// The unit is not started, because of a setting that is not honoured here.
    Refused,
    /// Something is ignored, as systemd ignores it.
    Warning,
    /// A setting that has no effect here.
    NoEffect,
}

impl Display for Level {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Refused => "refused",
            Self::Warning => "warning",
            Self::NoEffect => "no effect",
        })
    }
}

/// One thing to say about a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub level: Level,
    /// Where that is; nowhere where something is missing.
    pub origin: Option<Origin>,
    /// The unit that it is about.
    pub unit: UnitName,
    /// The setting that it is about, if it is about one.
    pub setting: Option<&'static str>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Display for Diagnostic {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Some(origin) = &self.origin else {
            return write!(formatter, "{}: {}: {}", self.unit, self.level, self.message);
        };
        write!(formatter, "{origin}: {}: ", self.level)?;
        // A drop-in or a template does not say by its own name which unit it is about.
        if origin.file.file_name().is_none_or(|name| name != self.unit.as_str()) {
            write!(formatter, "{}: ", self.unit)?;
        }
        formatter.write_str(&self.message)
    }
}
