//! General options: usage, version and what is logged.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::cli::{Exclusive, Group, flag, option, text, word};
use crate::log::{self, Level, LogConfig, Progress};
use crate::logconfig;

/// What the general options say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct General {
    /// The level of all loggers, unless a configuration file says otherwise.
    pub level: Level,
    /// A log4cplus property file that sets up the log.
    pub log_config: Option<PathBuf>,
    /// What that file says, once it has been read.
    pub log: Option<LogConfig>,
    /// The text of the `I:` record that `--arguments` logs whatever the level; an empty `I:` record follows it.
    pub arguments: Option<String>,
    /// Association parameters are shown at INFO instead of DEBUG.
    pub verbose_pc: bool,
}

impl General {
    /// Reads the file that sets up the log, if one is named. `program` is the tool, `called` what it was called as.
    ///
    /// # Errors
    /// The text of a usage error.
    pub fn set_up_log(&mut self, program: &str, called: &OsStr) -> Result<(), String> {
        if let Some(path) = &self.log_config {
            self.log = Some(logconfig::read(path, program, called).map_err(|e| e.to_string())?);
        }
        Ok(())
    }

    /// Starts the log, for the whole process; see [`log::init`] and [`log::init_from`].
    pub fn start_log(&self) -> Progress {
        self.log.as_ref().map_or_else(|| log::init(self.level), log::init_from)
    }

    /// Are usage errors hidden? DCMTK hides them with `-q`, and with `-ll fatal` and `-ll off` alike, and where a file sets
    /// the root logger to such a level.
    pub fn hides_errors(&self) -> bool {
        self.log.as_ref().map_or(self.level, LogConfig::root_level) >= Level::Fatal
    }

    /// Does the program itself log what it does?
    fn is_verbose(&self) -> bool {
        self.log.as_ref().map_or(self.level, LogConfig::program_level) <= Level::Info
    }

    /// The records of `--arguments` as they look on stderr: each line has the prefix, and so has the empty record.
    pub fn records(&self) -> String {
        let Some(text) = &self.arguments else { return String::new() };
        text.split('\n').chain([""]).map(|line| format!("I: {line}\n")).collect()
    }
}

/// Shown and accepted by `--log-level`.
const LEVELS: &[&str] = &["fatal", "error", "warn", "info", "debug", "trace"];

/// The group `general options` of storescp and storescu.
pub fn group() -> Group<General> {
    basic().row(
        flag("+v", "--verbose-pc", "show presentation contexts at the info level", |o: &mut General| {
            o.verbose_pc = true;
        })
        .only_if("verbose mode", |o| o.is_verbose()),
    )
}

/// The group `general options` as all programs have it.
pub fn basic() -> Group<General> {
    Group::new("general options", "")
        .row(flag("-h", "--help", "show this text and end", |_| ()).exclusive(Exclusive::Help))
        .row(flag("", "--version", "show the version and end", |_| ()).exclusive(Exclusive::Version))
        .row(option(
            "",
            "--arguments",
            &[],
            "log the whole call, command files expanded, in long form",
            |o: &mut General, v| {
                o.arguments = Some(v.call().to_owned());
            },
        ))
        .choice([
            flag("-q", "--quiet", "log nothing but what is fatal", |o: &mut General| o.level = Level::Fatal),
            flag("-v", "--verbose", "log what is done", |o: &mut General| o.level = Level::Info),
            flag("-d", "--debug", "log what is needed to find faults", |o: &mut General| o.level = Level::Debug),
        ])
        .row(
            option(
                "-ll",
                "--log-level",
                const { &[word("level", LEVELS, &["off", "all"], "Invalid log level for --log-level option")] },
                "log from this level on",
                |o: &mut General, v| o.level = Level::named(&v.string(0)).unwrap_or_default(),
            )
            .default_value("warn")
            .not_with_any(&["--verbose", "--debug", "--quiet"]),
        )
        .row(
            option(
                "-lc",
                "--log-config",
                const { &[text("filename")] },
                "set up the log as a log4cplus property file says",
                |o: &mut General, v| o.log_config = Some(v.path(0)),
            )
            .not_with(&["--log-level"])
            .not_with_any(&["--verbose", "--debug", "--quiet"]),
        )
}
