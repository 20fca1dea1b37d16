//! Tracing events become DCMTK's lines: `<L>: <text>` on stderr, L one of `F E W I D T`, and dots on stdout.
//!
//! No time, no process, no logger, no colour; the prefix stands before every line of a record, so an empty line is `I: `
//! with its blank. Each record is one write. A reader that went away or a full disk loses records and nothing else: logging
//! never fails, and never ends a program.
//!
//! Who logs writes `tracing::info!`, `warn!` and so on, with DCMTK's logger as target (`target: "dcmtk.dcmnet"`), and
//! [`fatal!`](crate::fatal), for tracing knows no level above ERROR. Only the message is printed, other fields are not.
//! Text from a peer goes through [`clean`] first, for a record may have several lines, but a value must not begin one.
//! Whatever else could steer a terminal is escaped for every record.

mod clean;
mod layer;
mod layout;
mod progress;
#[cfg(test)]
mod tests;

pub use clean::{clean, clean_bytes};
pub use progress::{DotLine, Progress};

use std::fmt::Display;
use std::io::{self, Write};
use tracing_subscriber::layer::SubscriberExt;

/// How important a record must be to be logged; the most talkative first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything; the same as [`Trace`](Self::Trace), for there is nothing below.
    All,
    /// `T:` records and above.
    Trace,
    /// `D:` records and above.
    Debug,
    /// `I:` records and above.
    Info,
    /// `W:` records and above: the default.
    #[default]
    Warn,
    /// `E:` and `F:` records.
    Error,
    /// `F:` records only.
    Fatal,
    /// Nothing.
    Off,
}

impl Level {
    /// The level of that name, in upper or lower case, as `--log-level` and log configurations spell it.
    pub fn named(name: &str) -> Option<Self> {
        const NAMES: [(&str, Level); 8] = [
            ("all", Level::All),
            ("trace", Level::Trace),
            ("debug", Level::Debug),
            ("info", Level::Info),
            ("warn", Level::Warn),
            ("error", Level::Error),
            ("fatal", Level::Fatal),
            ("off", Level::Off),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, level)| level)
    }
}

/// Starts logging to stderr, for the whole process. What it returns prints the dots, if this is their level.
///
/// For the start of `main`, once; a second call changes nothing.
pub fn init(level: Level) -> Progress {
    let layer = layer::Lines::new(level, Box::new(to_stderr));
    // Fails only if something logs already, which then goes on.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    Progress::at(level)
}

/// Logs an `I:` record whatever the level, for `--arguments`.
pub fn always(text: impl Display) {
    to_stderr(&layout::record('I', format_args!("{text}")));
}

/// DCMTK's line, and what can be done about it as a further line of the same record.
pub fn with_cure(line: impl Display, cure: impl Display) -> String {
    format!("{line}\n{cure}")
}

/// The system's words for an error, as DCMTK's lines end with them: `No space left on device`.
pub fn reason(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(code) = error.raw_os_error()
        && let Some(words) = text.strip_suffix(&format!(" (os error {code})"))
    {
        text.truncate(words.len());
    }
    text
}

/// Logs an `F:` record: what ends the program, or keeps it from starting. Written like `tracing::error!`.
#[macro_export]
macro_rules! fatal {
    (target: $target:expr, $($message:tt)+) => { ::tracing::error!(target: $target, fatal = true, $($message)+) };
    ($($message:tt)+) => { ::tracing::error!(fatal = true, $($message)+) };
}

/// The whole record in one write; nothing can be done, or said, about one that fails.
fn to_stderr(record: &[u8]) {
    let _ = io::stderr().lock().write_all(record);
}
