use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};

use crate::{Entry, Location, Priority};

/// A logger of the crate [`log`](::log) that writes to the journal.
///
/// The levels become priorities of their own: errors and warnings what they are, [`Info`](Level::Info) becomes
/// [`Notice`](Priority::Notice), [`Debug`](Level::Debug) [`Info`](Priority::Info) and [`Trace`](Level::Trace)
/// [`Debug`](Priority::Debug). The target is a field, `TARGET`.
///
/// ```no_run
/// use log::{LevelFilter, warn};
/// use sdlite::JournalLogger;
///
/// fn main() -> Result<(), log::SetLoggerError> {
///     JournalLogger::install(LevelFilter::Info)?;
///     warn!("The disk is nearly full.");
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct JournalLogger;

impl JournalLogger {
    /// Makes this the logger of the program, for messages up to a level.
    ///
    /// # Errors
    ///
    /// The program has one.
    pub fn install(level: LevelFilter) -> Result<(), SetLoggerError> {
        log::set_logger(&Self)?;
        log::set_max_level(level);
        Ok(())
    }
}

impl Log for JournalLogger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let priority = match record.level() {
            Level::Error => Priority::Error,
            Level::Warn => Priority::Warning,
            Level::Info => Priority::Notice,
            Level::Debug => Priority::Info,
            Level::Trace => Priority::Debug,
        };
        let mut entry = Entry::new(priority, record.args()).field("TARGET", record.target());
        if let (Some(file), Some(line)) = (record.file(), record.line()) {
            entry = entry.location(Location { file, line, function: record.module_path().unwrap_or_default() });
        }
        // A log that cannot be written to is nothing that a program could log.
        let _ = entry.send();
    }

    fn flush(&self) {}
}
