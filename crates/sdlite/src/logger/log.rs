use log::kv::{self, Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};

use super::JournalLogger;
use crate::Entry;

impl JournalLogger {
    /// Makes this the logger of the program for the crate [`log`](::log), for messages up to a level.
    ///
    /// ```no_run
    /// use log::{LevelFilter, warn};
    /// use sdlite::JournalLogger;
    ///
    /// fn main() -> Result<(), log::SetLoggerError> {
    ///     JournalLogger::new().with_field("VERSION", "1.2").install(LevelFilter::Info)?;
    ///     warn!(disk = "sda"; "The disk is nearly full.");
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The program has a logger already.
    pub fn install(self, level: LevelFilter) -> Result<(), SetLoggerError> {
        log::set_boxed_logger(Box::new(self))?;
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
            Level::Error => self.priorities.error,
            Level::Warn => self.priorities.warn,
            Level::Info => self.priorities.info,
            Level::Debug => self.priorities.debug,
            Level::Trace => self.priorities.trace,
        };
        let mut fields = Fields(Vec::new());
        // If a source of key-values fails, those before it are kept.
        let _ = record.key_values().visit(&mut fields);
        let entry = Entry::new(priority, record.args()).field("TARGET", record.target());
        let entry = fields.0.iter().fold(entry, |entry, (key, value)| self.add(entry, key.as_str(), value.to_string()));
        self.send(entry, record.file(), record.line(), record.module_path());
    }

    fn flush(&self) {}
}

struct Fields<'kvs>(Vec<(Key<'kvs>, Value<'kvs>)>);

impl<'kvs> VisitSource<'kvs> for Fields<'kvs> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        self.0.push((key, value));
        Ok(())
    }
}
