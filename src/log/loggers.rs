//! The log at work: each record goes to the appenders of its logger and of that logger's parents.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Level;
use super::config::{LogConfig, Problem, ROOT};
use super::filter;
use super::record::Record;
use super::sink::{self, Sink};

/// Loggers and their open appenders.
pub(super) struct Loggers {
    config: LogConfig,
    /// In the order of the configuration's appenders.
    sinks: Vec<Box<dyn Sink>>,
    /// It has been said that a record had no appender to go to.
    lonely: AtomicBool,
}

impl Loggers {
    /// Opens all appenders. What is wrong with them, or with the configuration, is said on stderr.
    pub(super) fn open(config: &LogConfig) -> Self {
        let opened: Vec<_> = config.appenders.iter().map(|appender| sink::open(&appender.destination)).collect();
        let mut problems = config.problems.clone();
        let mut sinks = Vec::new();
        for (sink, wrong) in opened {
            sinks.push(sink);
            problems.extend(wrong);
        }
        if !config.quiet {
            say(&problems);
        }
        Self { config: config.clone(), sinks, lonely: AtomicBool::new(false) }
    }

    /// These appenders with other ends.
    #[cfg(test)]
    pub(super) fn with_sinks(config: LogConfig, sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { config, sinks, lonely: AtomicBool::new(false) }
    }

    /// The level from which a logger logs.
    pub(super) fn level_of(&self, logger: &str) -> Level {
        self.config.level_of(logger)
    }

    /// The level below which no logger logs.
    pub(super) fn least_level(&self) -> Level {
        self.config.loggers.values().filter_map(|logger| logger.level).min().unwrap_or_default()
    }

    /// Logs a record. Its level is not looked at: who logs has done so.
    pub(super) fn log(&self, record: &Record<'_>) {
        self.log_as(record.logger, record);
    }

    /// Logs a record with the root logger's appenders.
    pub(super) fn log_to_root(&self, record: &Record<'_>) {
        self.log_as(ROOT, record);
    }

    fn log_as(&self, logger: &str, record: &Record<'_>) {
        let mut found = false;
        for logger in self.config.path(logger) {
            for &index in &logger.appenders {
                found = true;
                self.append(index, record);
            }
            if !logger.additive {
                break;
            }
        }
        if !found && !self.lonely.swap(true, Ordering::Relaxed) {
            self.complain(&[
                Problem::error(format!("No appenders could be found for logger ({}).", record.logger)),
                Problem::error("Please initialize the log4cplus system properly."),
            ]);
        }
    }

    fn append(&self, index: usize, record: &Record<'_>) {
        let (Some(appender), Some(sink)) = (self.config.appenders.get(index), self.sinks.get(index)) else { return };
        if record.level >= appender.threshold && filter::passes(&appender.filters, record) {
            self.complain(&sink.take(appender.layout.render(record).as_bytes(), record));
        }
    }

    /// DCMTK: where no errors are logged, none of the log itself are shown either, once it works.
    fn complain(&self, problems: &[Problem]) {
        if !self.config.quiet && self.config.root_level() <= Level::Error {
            say(problems);
        }
    }
}

fn say(problems: &[Problem]) {
    if !problems.is_empty() {
        let lines: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
        sink::to_stderr(lines.as_bytes());
    }
}
