//! Which events are logged, and the way from event to record.

use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::Level;
use super::loggers::Loggers;
use super::record::{Message, Record, level_of};

/// Logs the messages of events from their loggers' levels on.
pub(super) struct Lines {
    loggers: Arc<Loggers>,
}

impl Lines {
    pub(super) fn new(loggers: Arc<Loggers>) -> Self {
        Self { loggers }
    }

    /// Tracing asks once for each place in the code, and never again for those not wanted.
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        // Hints, which `enabled!` asks by, count like events.
        !metadata.is_span() && level_of(metadata) >= self.loggers.level_of(metadata.target())
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
        Some(match self.loggers.least_level() {
            Level::All | Level::Trace => LevelFilter::TRACE,
            Level::Debug => LevelFilter::DEBUG,
            Level::Info => LevelFilter::INFO,
            Level::Warn => LevelFilter::WARN,
            Level::Error | Level::Fatal => LevelFilter::ERROR,
            Level::Off => LevelFilter::OFF,
        })
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        if let Some(text) = message.text() {
            self.loggers.log(&Record::of(event.metadata(), text));
        }
    }
}
