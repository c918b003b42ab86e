//! Time spans, as settings have them.

use std::time::Duration;

pub use sd_tools::span::SECOND;

use super::value::Invalid;

/// A time span; `None` is "infinity". Where a number has no unit, it counts so many microseconds.
pub fn span(text: &str, default_unit: u64) -> Result<Option<Duration>, Invalid> {
    sd_tools::span::span(text, default_unit).map_err(Invalid::new)
}
