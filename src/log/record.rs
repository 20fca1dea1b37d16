//! A record: what is logged, by whom, when and from where.

use std::fmt::{self, Debug, Write};

use jiff::Timestamp;
use tracing::Metadata;
use tracing::field::{Field, Visit};

use super::Level;
use super::clean::{escape, steers};

/// One record on its way to the appenders.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) level: Level,
    /// DCMTK's name of the logger.
    pub(super) logger: &'a str,
    /// Fit to be printed, see [`Message`]; it may have several lines.
    pub(super) message: &'a str,
    pub(super) time: Timestamp,
    /// The place in the source, if it is known.
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u32>,
    pub(super) module: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// The record of an event that is logged now.
    pub(super) fn of(metadata: &Metadata<'a>, message: &'a str) -> Self {
        Self {
            level: level_of(metadata),
            logger: metadata.target(),
            message,
            time: Timestamp::now(),
            file: metadata.file(),
            line: metadata.line(),
            module: metadata.module_path(),
        }
    }

    /// A record of the root logger, from nowhere in particular.
    pub(super) fn of_root(level: Level, message: &'a str) -> Self {
        Self { level, logger: "root", message, time: Timestamp::now(), file: None, line: None, module: None }
    }
}

/// The level of an event, by its place in the code.
pub(super) fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR if metadata.fields().field("fatal").is_some() => Level::Fatal,
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

/// The text of a record. What could steer a terminal is escaped, but line breaks stay.
#[derive(Debug, Default)]
pub(super) struct Message {
    text: String,
    found: bool,
}

impl Message {
    pub(super) fn new(text: fmt::Arguments<'_>) -> Self {
        let mut message = Self { text: String::with_capacity(128), found: true };
        // Fails only if what is formatted does: then what there is of it is printed.
        let _ = message.write_fmt(text);
        message
    }

    /// The text, if there is one at all.
    pub(super) fn text(&self) -> Option<&str> {
        self.found.then_some(&self.text)
    }
}

/// Picks the message from an event's fields.
impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // The message's Debug form is its text.
            *self = Self::new(format_args!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            *self = Self::new(format_args!("{value}"));
        }
    }
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(steers) {
            let (plain, tail) = rest.split_at(at);
            self.text.push_str(plain);
            let mut tail = tail.chars();
            match tail.next() {
                Some('\n') => self.text.push('\n'),
                Some(other) => escape(other, &mut self.text),
                None => {}
            }
            rest = tail.as_str();
        }
        self.text.push_str(rest);
        Ok(())
    }
}
