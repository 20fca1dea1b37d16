//! What a log is made of: loggers in their hierarchy, and the appenders that take their records.

use std::collections::BTreeMap;
use std::fmt;
use std::iter;
use std::path::PathBuf;
use std::time::Duration;

use super::Level;
use super::filter::Filter;
use super::layout::{Layout, Pattern};

/// How a log is set up: which logger logs from which level on, and where its records go.
///
/// [`logconfig::read`](crate::logconfig::read) makes one of a file, [`init_from`](super::init_from) puts it to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// The program's own logger, such as `dcmtk.apps.storescp`.
    pub(crate) program: String,
    /// By name; [`ROOT`] is always among them, and has a level.
    pub(crate) loggers: BTreeMap<String, Logger>,
    /// What the loggers refer to by index.
    pub(crate) appenders: Vec<Appender>,
    /// What is wrong with the configuration, to be said when the log starts.
    pub(crate) problems: Vec<Problem>,
    /// Problems are not spoken of.
    pub(crate) quiet: bool,
}

/// The name of the root logger, the parent of all that have no dot in their name.
pub(crate) const ROOT: &str = "";

/// A logger that a configuration speaks of; all others take after their parents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Logger {
    /// None: its parent's.
    pub(crate) level: Option<Level>,
    /// Each at most once.
    pub(crate) appenders: Vec<usize>,
    /// Records go to the appenders of its parents, too.
    pub(crate) additive: bool,
}

/// Takes records of the loggers that refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Appender {
    /// It takes records of this level and above.
    pub(crate) threshold: Level,
    /// The first that has an opinion decides; if none has, the record is taken.
    pub(crate) filters: Vec<Filter>,
    /// How a record looks.
    pub(crate) layout: Layout,
    /// Where it goes.
    pub(crate) destination: Destination,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Nowhere.
    Null,
    Stdout,
    Stderr,
    File(LogFile),
    /// The system's log, at its socket.
    Syslog {
        socket: PathBuf,
        /// Stands before each message.
        ident: String,
        /// A code of RFC 5424 table 1.
        facility: u8,
    },
}

/// A file that records are appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFile {
    pub(crate) path: PathBuf,
    /// What the file holds already stays.
    pub(crate) append: bool,
    /// How long nothing is tried after the file could not be opened.
    pub(crate) reopen_delay: Duration,
    pub(crate) rolling: Rolling,
}

/// When a file becomes a backup and a new one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rolling {
    Never,
    /// When it has more than `limit` bytes: `x.log.1` is the youngest of so many backups.
    Size {
        limit: u64,
        backups: u32,
    },
    /// When a period of time has ended, which names the backup: `x.log.2026-11-24`.
    Time {
        schedule: Schedule,
        backups: u32,
    },
}

/// Periods of local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    Monthly,
    /// From Sunday on.
    Weekly,
    Daily,
    /// From midnight and from noon on.
    TwiceDaily,
    Hourly,
    Minutely,
}

/// Something wrong with the log itself: a line on stderr, for it cannot be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    severity: &'static str,
    text: String,
}

impl LogConfig {
    /// What is logged without a configuration file: everything from this level on, on stderr, as `W: text`.
    pub(crate) fn standard(level: Level) -> Self {
        let stderr = Appender {
            threshold: Level::All,
            filters: Vec::new(),
            layout: Layout::Pattern(Pattern::standard()),
            destination: Destination::Stderr,
        };
        let root = Logger { level: Some(level), appenders: vec![0], additive: true };
        Self {
            program: String::new(),
            loggers: BTreeMap::from([(ROOT.to_owned(), root)]),
            appenders: vec![stderr],
            problems: Vec::new(),
            quiet: false,
        }
    }

    /// The level of the root logger, which decides whether usage errors are shown.
    pub fn root_level(&self) -> Level {
        self.level_of(ROOT)
    }

    /// The level from which the program's own logger logs.
    pub fn program_level(&self) -> Level {
        self.level_of(&self.program)
    }

    /// The level from which a logger logs: its own, or that of the nearest parent that has one.
    pub(crate) fn level_of(&self, logger: &str) -> Level {
        self.path(logger).find_map(|logger| logger.level).unwrap_or_default()
    }

    /// The logger and its parents, up to the root logger, as far as the configuration speaks of them.
    pub(crate) fn path(&self, logger: &str) -> impl Iterator<Item = &Logger> {
        ancestry(logger).filter_map(|name| self.loggers.get(name))
    }
}

/// A logger's name and those of its parents; [`ROOT`] comes last.
fn ancestry(logger: &str) -> impl Iterator<Item = &str> {
    iter::successors(Some(logger), |name| {
        (!name.is_empty()).then(|| name.rsplit_once('.').map_or(ROOT, |(parent, _)| parent))
    })
}

impl Default for Logger {
    fn default() -> Self {
        Self { level: None, appenders: Vec::new(), additive: true }
    }
}

impl Problem {
    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self { severity: "ERROR", text: text.into() }
    }

    pub(crate) fn warning(text: impl Into<String>) -> Self {
        Self { severity: "WARN", text: text.into() }
    }
}

/// As DCMTK prints what is wrong with its log.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log4cplus:{} {}", self.severity, super::clean(&self.text))
    }
}
