//! How a record looks: by a pattern, or one of the two fixed layouts.

mod pattern;
mod time;

pub(crate) use pattern::{Host, Pattern};
pub(crate) use time::TimeFormat;

use std::fmt::Write;
use std::sync::LazyLock;
use std::time::Instant;

use super::record::Record;

/// The form of an appender's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Every line of a record for itself, so that a prefix stands before each.
    Pattern(Pattern),
    /// `LEVEL - message`; further lines follow as they are.
    Simple,
    /// `time [thread] LEVEL logger <> - message`; without a format the time is milliseconds since the start.
    Ttcc(Option<TimeFormat>),
}

/// About when the program started; the first call sets it.
pub(super) fn start() -> Instant {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    *START
}

impl Layout {
    /// The bytes of a record, ready to be written.
    pub(super) fn render(&self, record: &Record<'_>) -> String {
        let mut out = String::with_capacity(record.message.len() + 64);
        match self {
            Self::Pattern(pattern) => pattern.render(record, &mut out),
            Self::Simple => {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "{} - {}", record.level.name(), record.message);
            }
            Self::Ttcc(format) => {
                match format {
                    Some(format) => format.write(record.time, &mut out),
                    None => elapsed(&mut out),
                }
                let (level, logger) = (record.level.name(), record.logger);
                let _ = writeln!(out, " [{}] {level} {logger} <> - {}", thread(), record.message);
            }
        }
        out
    }
}

/// Milliseconds since the start.
fn elapsed(out: &mut String) {
    let _ = write!(out, "{}", start().elapsed().as_millis());
}

/// The system's number of this thread.
fn thread() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

#[cfg(test)]
mod tests;
