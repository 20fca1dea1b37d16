//! Tracing events become DCMTK's lines: `<L>: <text>` on stderr, L one of `F E W I D T`, and dots on stdout.
//!
//! No time, no process, no logger, no colour; the prefix stands before every line of a record, so an empty line is `I: `
//! with its blank. With [`init_from`] all this is as a [configuration file](crate::logconfig) says. Each record is one
//! write. A reader that went away or a full disk loses records and nothing else: logging never fails, and never ends a
//! program.
//!
//! Who logs writes `tracing::info!`, `warn!` and so on, with DCMTK's logger as target (`target: "dcmtk.dcmnet"`), and
//! [`fatal!`](crate::fatal), for tracing knows no level above ERROR. Only the message is printed, other fields are not.
//! Text from a peer goes through [`clean()`] first, for a record may have several lines, but a value must not begin one.
//! Whatever else could steer a terminal is escaped for every record.

mod clean;
pub(crate) mod config;
pub(crate) mod filter;
mod layer;
pub(crate) mod layout;
mod loggers;
mod progress;
mod record;
mod sink;
#[cfg(test)]
mod tests;

pub use clean::{clean, clean_bytes};
pub use config::LogConfig;
pub use progress::{DotLine, Progress};
pub use sink::around_stderr;

use std::fmt::Display;
use std::io;
use std::sync::{Arc, OnceLock};

use loggers::Loggers;
use record::{Message, Record};
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
    /// Its name in capitals, as layouts print it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Off => "OFF",
        }
    }

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

/// The log of this process, once it has been started.
static LOGGERS: OnceLock<Arc<Loggers>> = OnceLock::new();

/// Starts logging to stderr, for the whole process. What it returns prints the dots, if this is their level.
///
/// For the start of `main`, once; a second call changes nothing.
pub fn init(level: Level) -> Progress {
    init_from(&LogConfig::standard(level))
}

/// Starts logging as a configuration says, for the whole process, and opens its files. What it returns prints the dots,
/// if INFO is the level of the logger `<program's logger>.progress`.
///
/// What is wrong with the configuration is said on stderr and changes nothing else. For the start of `main`, once; a
/// second call changes nothing.
pub fn init_from(config: &LogConfig) -> Progress {
    LOGGERS.get_or_init(|| {
        layout::start();
        let loggers = Arc::new(Loggers::open(config));
        let layer = layer::Lines::new(Arc::clone(&loggers));
        // Fails only if something logs already, which then goes on.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
        loggers
    });
    Progress::at(config.level_of(&format!("{}.progress", config.program)))
}

/// Logs a record of the root logger at INFO whatever its level, for `--arguments`.
pub fn always(text: impl Display) {
    let message = Message::new(format_args!("{text}"));
    let record = Record::of_root(Level::Info, message.text().unwrap_or_default());
    match LOGGERS.get() {
        Some(loggers) => loggers.log_to_root(&record),
        None => Loggers::open(&LogConfig::standard(Level::default())).log_to_root(&record),
    }
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

/// What helps against an error of writing an object into this place, as a further line of the record; empty where the
/// error says it all.
pub fn cure_of_writing(error: &io::Error, place: &str) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "\nThe sender was told (A700) and may repeat the object; receiving goes on by itself once there is room."
                .to_owned()
        }
        io::ErrorKind::FileTooLarge => "\nThe process may not write files of this size: see `ulimit -f`.".to_owned(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("\nLet this program's user write into the {place}.")
        }
        _ => String::new(),
    }
}

/// Logs an `F:` record: what ends the program, or keeps it from starting. Written like `tracing::error!`.
#[macro_export]
macro_rules! fatal {
    (target: $target:expr, $($message:tt)+) => { ::tracing::error!(target: $target, fatal = true, $($message)+) };
    ($($message:tt)+) => { ::tracing::error!(fatal = true, $($message)+) };
}
