//! Which events are logged, and the way from event to record.

use super::{Level, layout};
use std::fmt::Debug;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// What takes a finished record, whole.
pub(super) type Appender = Box<dyn Fn(&[u8]) + Send + Sync>;

/// Logs the messages of events of a level and above in DCMTK's layout.
pub(super) struct Lines {
    level: Level,
    appender: Appender,
}

impl Lines {
    pub(super) fn new(level: Level, appender: Appender) -> Self {
        Self { level, appender }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && level_of(metadata) >= self.level
    }
}

/// The level of an event, by its place in the code: tracing asks once for each, and never again for those not wanted.
fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR if metadata.fields().field("fatal").is_some() => Level::Fatal,
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

fn letter(level: Level) -> char {
    match level {
        Level::All | Level::Trace => 'T',
        Level::Debug => 'D',
        Level::Info => 'I',
        Level::Warn => 'W',
        Level::Error => 'E',
        Level::Fatal | Level::Off => 'F',
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.level {
            Level::All | Level::Trace => LevelFilter::TRACE,
            Level::Debug => LevelFilter::DEBUG,
            Level::Info => LevelFilter::INFO,
            Level::Warn => LevelFilter::WARN,
            Level::Error | Level::Fatal => LevelFilter::ERROR,
            Level::Off => LevelFilter::OFF,
        })
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Message { letter: letter(level_of(event.metadata())), appender: &self.appender });
    }
}

/// Picks the message from an event's fields.
struct Message<'a> {
    letter: char,
    appender: &'a Appender,
}

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // The message's Debug form is its text.
            (self.appender)(&layout::record(self.letter, format_args!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            (self.appender)(&layout::record(self.letter, format_args!("{value}")));
        }
    }
}
