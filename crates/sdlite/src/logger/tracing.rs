use std::fmt::{self, Write};

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::JournalLogger;
use crate::Entry;

/// Fields of a span or an event as they come.
#[derive(Default)]
struct Fields(Vec<(&'static str, Vec<u8>)>);

/// The layer writes events to the journal.
///
/// ```no_run
/// use tracing_subscriber::layer::SubscriberExt;
/// use tracing_subscriber::util::SubscriberInitExt;
///
/// tracing_subscriber::registry().with(sdlite::JournalLogger::new()).init();
/// tracing::info!(port = 8080, "Listening");
/// ```
impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JournalLogger {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            // Another layer of this type may have inserted its own.
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut new = Fields::default();
        values.record(&mut new);
        if let Some(span) = context.span(id) {
            if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
                fields.update(new);
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let priority = match *metadata.level() {
            Level::ERROR => self.priorities.error,
            Level::WARN => self.priorities.warn,
            Level::INFO => self.priorities.info,
            Level::DEBUG => self.priorities.debug,
            Level::TRACE => self.priorities.trace,
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.take_message();
        let mut entry = Entry::new(priority, String::from_utf8_lossy(&message)).field("TARGET", metadata.target());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            entry = entry.field("SPAN_NAME", span.name());
            if let Some(fields) = span.extensions().get::<Fields>() {
                entry = fields.add_to(entry, self);
            }
        }
        entry = fields.add_to(entry, self);
        self.send(entry, metadata.file(), metadata.line(), metadata.module_path());
    }
}

impl Fields {
    fn add_to(&self, entry: Entry, logger: &JournalLogger) -> Entry {
        self.0.iter().fold(entry, |entry, (name, value)| logger.add(entry, name, value))
    }

    /// Gives the fields that are recorded again their new values.
    fn update(&mut self, new: Self) {
        for (name, value) in new.0 {
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, old)) => *old = value,
                None => self.0.push((name, value)),
            }
        }
    }

    /// The message of an event is its first field of this name.
    fn take_message(&mut self) -> Vec<u8> {
        let message = self.0.iter().position(|(name, _)| *name == "message");
        message.map(|at| self.0.remove(at).1).unwrap_or_default()
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // If a Debug fails, the text so far is kept.
        let _ = write!(text, "{value:?}");
        self.0.push((field.name(), text.into()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.into()));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.0.push((field.name(), value.into()));
    }
}
