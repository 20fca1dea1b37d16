//! `--log-config`: a log4cplus property file becomes a [`LogConfig`].
//!
//! ```text
//! log4cplus.rootLogger = WARN, file
//! log4cplus.logger.dcmtk.apps.storescp = INFO
//! log4cplus.appender.file = log4cplus::RollingFileAppender
//! log4cplus.appender.file.File = /var/log/${appname}.log
//! log4cplus.appender.file.MaxFileSize = 5MB
//! log4cplus.appender.file.MaxBackupIndex = 10
//! log4cplus.appender.file.layout = log4cplus::PatternLayout
//! log4cplus.appender.file.layout.ConversionPattern = %D{%Y-%m-%d %H:%M:%S.%q} %5p: %m%n
//! ```
//!
//! Names of properties are taken as they are spelled, capitals included. What a file says wrongly is said on stderr when
//! the log starts (`log4cplus:ERROR …`), and the rest of it holds; only a file that sets up no root logger is an
//! [`Error`]. Properties that only tune how log4cplus writes (`ImmediateFlush`, `BufferSize`, `UseLockFile`, `Locale` and
//! the like) have no effect: each record is written at once and whole.

mod appenders;
mod host;
mod properties;

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub use crate::log::LogConfig;

use crate::log::Level;
use crate::log::config::{Logger, Problem, ROOT};
use appenders::Appenders;
use properties::{Properties, boolean};

/// Why a file is no log configuration. What is displayed is DCMTK's text of a usage error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is no such file, or it is a folder.
    Missing,
    /// It cannot be read, or has more than 1 MiB.
    Unreadable,
    /// No line has the form `name = value`.
    Empty,
    /// No name begins with `log4cplus.`.
    Foreign,
    /// `log4cplus.rootLogger` is not among them.
    NoRoot,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Specified --log-config file ")?;
        f.write_str(match self {
            Self::Missing => "does not exist",
            Self::Unreadable => "cannot be read",
            Self::Empty => "does not contain any settings",
            Self::Foreign => "does not contain any valid settings",
            Self::NoRoot => "does not set up log4cplus.rootLogger",
        })
    }
}

impl std::error::Error for Error {}

/// No configuration is longer: what is may be a device that never ends.
const MOST_BYTES: u64 = 1 << 20;

/// Reads a log configuration, and opens nothing that it names.
///
/// `program` is the tool, whose logger is `dcmtk.apps.<program>`; `called` what it was called as, which makes `${appname}`.
///
/// # Errors
/// The file sets up no log at all.
pub fn read(path: &Path, program: &str, called: &OsStr) -> Result<LogConfig, Error> {
    let bytes = bytes(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut properties = Properties::parse(&text);
    let mut problems = Vec::new();
    if matches!(text, std::borrow::Cow::Owned(_)) {
        problems.push(Problem::warning(format!("{} is not UTF-8: some characters are lost", path.display())));
    }
    check(&properties)?;
    let now = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::system());
    let appname = Path::new(called).file_name().unwrap_or(called).to_string_lossy();
    properties.set("appname", &appname);
    properties.set("date", &now.strftime("%Y%m%d").to_string());
    properties.set("time", &now.strftime("%H%M%S").to_string());
    properties.set("pid", &std::process::id().to_string());
    properties.set("hostname", &host::name());
    let variable = |name: &str| std::env::var(name).ok();
    Ok(configure(properties, program, &appname, &variable, problems))
}

fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let metadata = path.metadata().map_err(|e| match e.kind() {
        io::ErrorKind::PermissionDenied => Error::Unreadable,
        _ => Error::Missing,
    })?;
    if metadata.is_dir() {
        return Err(Error::Missing);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|_| Error::Unreadable)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|_| Error::Unreadable)?;
    if bytes.len() as u64 > MOST_BYTES { Err(Error::Unreadable) } else { Ok(bytes) }
}

fn check(properties: &Properties) -> Result<(), Error> {
    if properties.is_empty() {
        Err(Error::Empty)
    } else if properties.below("log4cplus.").is_empty() {
        Err(Error::Foreign)
    } else if properties.get("log4cplus.rootLogger").is_none() {
        Err(Error::NoRoot)
    } else {
        Ok(())
    }
}

/// Expands the properties and makes of them what they say.
fn configure(
    mut properties: Properties,
    program: &str,
    appname: &str,
    variable: &dyn Fn(&str) -> Option<String>,
    mut problems: Vec<Problem>,
) -> LogConfig {
    properties.expand(variable, &mut problems);
    let properties = properties.below("log4cplus.");
    let appenders = Appenders::read(&properties.below("appender."), appname, &mut problems);
    // DCMTK: a root logger that is set up with nothing at all stays as it was before: `I:` records on stderr.
    let mut config = LogConfig { program: format!("dcmtk.apps.{program}"), ..LogConfig::standard(Level::Info) };
    let before = config.appenders.len();
    config.appenders.extend(appenders.list);
    let index = |name: &str| appenders.names.get(name).map(|index| index + before);
    if let Some(value) = properties.get("rootLogger")
        && let Some(mut root) = logger("root", value, &index, &mut problems)
    {
        if root.level.is_none() {
            problems.push(Problem::error(format!(
                "LoggerImpl::getChainedLogLevel()- No valid LogLevel found for root logger: \"{value}\"; it is INFO"
            )));
            root.level = Some(Level::Info);
        }
        config.loggers.insert(ROOT.to_owned(), root);
    }
    for (name, value) in properties.below("logger.").iter().filter(|(name, _)| *name != ROOT) {
        if let Some(logger) = logger(name, value, &index, &mut problems) {
            config.loggers.insert(name.to_owned(), logger);
        }
    }
    for (name, value) in properties.below("additivity.").iter().filter(|(name, _)| *name != ROOT) {
        if let Some(additive) = boolean(value) {
            config.loggers.entry(name.to_owned()).or_default().additive = additive;
        }
    }
    config.quiet = properties.get("quietMode").and_then(boolean).unwrap_or(false);
    config.problems = problems;
    config
}

/// A level and names of appenders. A level that is none, such as `INHERIT`, leaves it to the logger's parent.
fn logger(
    name: &str,
    value: &str,
    index: &dyn Fn(&str) -> Option<usize>,
    problems: &mut Vec<Problem>,
) -> Option<Logger> {
    let compact = value.replace(' ', "");
    let mut words = compact.split(',').filter(|word| !word.is_empty());
    let Some(level) = words.next() else {
        problems.push(Problem::error(format!(
            "PropertyConfigurator::configureLogger()- Invalid config string(Logger = {name}): \"{value}\""
        )));
        return None;
    };
    let mut logger = Logger { level: Level::named(level), ..Logger::default() };
    for word in words {
        match index(word) {
            Some(index) if logger.appenders.contains(&index) => {}
            Some(index) => logger.appenders.push(index),
            None => problems
                .push(Problem::error(format!("PropertyConfigurator::configureLogger()- Invalid appender: {word}"))),
        }
    }
    Some(logger)
}

#[cfg(test)]
mod tests;
