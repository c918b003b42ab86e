use std::fmt::{self, Write};

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::{Entry, Location, Priority};

/// A layer of the crate [`tracing-subscriber`](tracing_subscriber) that writes events to the journal.
///
/// The fields of an event, and of the spans that it is in, become fields of the entry: their names in upper case, with
/// underscores for what they cannot have in them. Spans are in `SPAN`, one by one, the outermost first, and the target is in
/// `TARGET`. Levels become priorities as those of the crate `log` do: [`INFO`](Level::INFO) is
/// [`Notice`](Priority::Notice), and so on.
///
/// ```no_run
/// use tracing_subscriber::layer::SubscriberExt;
/// use tracing_subscriber::util::SubscriberInitExt;
///
/// tracing_subscriber::registry().with(sdlite::JournalLayer).init();
/// tracing::info!(port = 8080, "Listening");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct JournalLayer;

/// Names and values, as the journal takes them.
#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JournalLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
                values.record(fields);
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let priority = match *metadata.level() {
            Level::ERROR => Priority::Error,
            Level::WARN => Priority::Warning,
            Level::INFO => Priority::Notice,
            Level::DEBUG => Priority::Info,
            Level::TRACE => Priority::Debug,
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.iter().position(|(name, _)| name == "MESSAGE").map(|at| fields.0.remove(at).1);
        let mut entry = Entry::new(priority, message.unwrap_or_default()).field("TARGET", metadata.target());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            entry = entry.field("SPAN", span.name());
            if let Some(fields) = span.extensions().get::<Fields>() {
                entry = fields.add_to(entry);
            }
        }
        entry = fields.add_to(entry);
        if let (Some(file), Some(line)) = (metadata.file(), metadata.line()) {
            entry = entry.location(Location { file, line, function: metadata.module_path().unwrap_or_default() });
        }
        // A log that cannot be written to is nothing that a program could log.
        let _ = entry.send();
    }
}

impl Fields {
    fn add_to(&self, entry: Entry) -> Entry {
        self.0.iter().fold(entry, |entry, (name, value)| entry.field(name, value))
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // A Debug that fails has said what it could.
        let _ = write!(text, "{value:?}");
        self.record_str(field, &text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let name = field.name().to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let name = name.trim_start_matches(|c: char| !c.is_ascii_uppercase());
        let name = if name.is_empty() { "FIELD" } else { name };
        self.0.push((name.chars().take(crate::journal::NAME_MAX).collect(), value.to_owned()));
    }
}
