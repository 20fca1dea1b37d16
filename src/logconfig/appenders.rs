//! Appenders of a configuration: class, file, layout, threshold, filters.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::host;
use super::properties::{Properties, boolean, leading_number};
use crate::log::Level;
use crate::log::config::{Appender, Destination, LogFile, Problem, Rolling, Schedule};
use crate::log::filter::Filter;
use crate::log::layout::{Host, Layout, Pattern, TimeFormat};

/// All appenders that can be used.
pub(super) struct Appenders {
    pub(super) list: Vec<Appender>,
    /// Where each stands in the list.
    pub(super) names: BTreeMap<String, usize>,
}

/// DCMTK: whatever is asked for, files do not roll before they have so many bytes.
const LEAST_SIZE: u64 = 200 * 1024;
const DEFAULT_SIZE: u64 = 10 * 1024 * 1024;

/// Appenders of log4cplus for other systems, and those that send records to another program of log4cplus.
const NOT_HERE: &[&str] = &[
    "AsyncAppender",
    "Log4jUdpAppender",
    "NTEventLogAppender",
    "SocketAppender",
    "Win32ConsoleAppender",
    "Win32DebugAppender",
];

impl Appenders {
    pub(super) fn read(properties: &Properties, appname: &str, problems: &mut Vec<Problem>) -> Self {
        let mut reader = Reader { appname, host: None, problems };
        let mut appenders = Self { list: Vec::new(), names: BTreeMap::new() };
        for (name, class) in properties.iter().filter(|(name, _)| !name.contains('.')) {
            let own = properties.below(&format!("{name}."));
            if let Some(appender) = reader.appender(name, class, &own) {
                appenders.names.insert(name.to_owned(), appenders.list.len());
                appenders.list.push(appender);
            }
        }
        appenders
    }
}

struct Reader<'a> {
    appname: &'a str,
    host: Option<Host>,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn error(&mut self, text: impl Into<String>) {
        self.problems.push(Problem::error(text));
    }

    fn warning(&mut self, text: impl Into<String>) {
        self.problems.push(Problem::warning(text));
    }

    fn appender(&mut self, name: &str, class: &str, own: &Properties) -> Option<Appender> {
        let kind = class.strip_prefix("log4cplus::").unwrap_or_default();
        let known = ["ConsoleAppender", "NullAppender", "SysLogAppender"].contains(&kind)
            || ["FileAppender", "RollingFileAppender", "DailyRollingFileAppender"].contains(&kind)
            || NOT_HERE.contains(&kind);
        if !known {
            self.error(format!("PropertyConfigurator::configureAppenders()- Cannot find AppenderFactory: {class}"));
            return None;
        }
        let layout = self.layout(own);
        let threshold = own.get("Threshold").and_then(Level::named).unwrap_or(Level::All);
        let filters = self.filters(&own.below("filters."));
        let destination = match kind {
            "ConsoleAppender" if own.get("logToStdErr").and_then(boolean) == Some(true) => Destination::Stderr,
            "ConsoleAppender" => Destination::Stdout,
            "FileAppender" => self.file(own, false, Rolling::Never),
            "RollingFileAppender" => self.file(own, true, by_size(own)),
            "DailyRollingFileAppender" => {
                let rolling = self.by_time(own);
                self.file(own, true, rolling)
            }
            "SysLogAppender" => self.syslog(name, own),
            "NullAppender" => Destination::Null,
            _ => {
                self.warning(format!("{class} does not exist here: the records of appender {name} are dropped"));
                Destination::Null
            }
        };
        Some(Appender { threshold, filters, layout, destination })
    }

    fn layout(&mut self, own: &Properties) -> Layout {
        let Some(class) = own.get("layout") else { return Layout::Simple };
        let own = own.below("layout.");
        match class {
            "log4cplus::PatternLayout" => self.pattern(&own).map_or(Layout::Simple, Layout::Pattern),
            "log4cplus::SimpleLayout" => Layout::Simple,
            "log4cplus::TTCCLayout" => {
                let local = own.get("Use_gmtime").and_then(boolean) != Some(true);
                let format = own.get("DateFormat").filter(|format| !format.is_empty());
                Layout::Ttcc(format.map(|format| TimeFormat::new(format, local)))
            }
            _ => {
                self.error(format!("Cannot find LayoutFactory: \"{class}\""));
                Layout::Simple
            }
        }
    }

    fn pattern(&mut self, own: &Properties) -> Option<Pattern> {
        let old = own.get("Pattern");
        if old.is_some() {
            self.warning(
                "PatternLayout- the \"Pattern\" property has been deprecated.  Use \"ConversionPattern\" instead.",
            );
        }
        let Some(pattern) = own.get("ConversionPattern").or(old) else {
            self.error("Error while creating Layout: ConversionPattern not specified in properties");
            return None;
        };
        let host = self.host.get_or_insert_with(|| Host { name: host::name(), full_name: host::full_name() });
        Some(Pattern::new(pattern, host, self.problems))
    }

    /// Filters are numbered from 1; the first number that is missing ends them.
    fn filters(&mut self, all: &Properties) -> Vec<Filter> {
        let mut filters = Vec::new();
        for number in 1_usize.. {
            let Some(class) = all.get(&number.to_string()) else { break };
            let own = all.below(&format!("{number}."));
            let level = |name: &str| own.get(name).and_then(Level::named);
            // DCMTK: what a filter finds is denied, unless it is told to accept it.
            let accept = own.get("AcceptOnMatch").and_then(boolean).unwrap_or(false);
            match class {
                "log4cplus::spi::DenyAllFilter" => filters.push(Filter::DenyAll),
                "log4cplus::spi::LogLevelMatchFilter" => {
                    filters.push(Filter::LevelMatch { level: level("LogLevelToMatch"), accept });
                }
                "log4cplus::spi::LogLevelRangeFilter" => {
                    let (least, most) = (level("LogLevelMin"), level("LogLevelMax"));
                    filters.push(Filter::LevelRange { least, most, accept });
                }
                "log4cplus::spi::StringMatchFilter" => {
                    let text = own.get("StringToMatch").unwrap_or_default().to_owned();
                    filters.push(Filter::Text { text, accept });
                }
                _ => self.error(format!("Appender::ctor()- Cannot find FilterFactory: {class}")),
            }
        }
        filters
    }

    fn file(&mut self, own: &Properties, append: bool, rolling: Rolling) -> Destination {
        let Some(path) = own.get("File").filter(|path| !path.is_empty()) else {
            self.error("Invalid filename");
            return Destination::Null;
        };
        let append = own.get("Append").and_then(boolean).unwrap_or(append);
        let delay = own.get("ReopenDelay").map_or(1, leading_number);
        // A minute more or less is of no account to a delay of weeks.
        let reopen_delay = Duration::from_secs(u64::try_from(delay).unwrap_or(0).min(7 * 24 * 3600));
        Destination::File(LogFile { path: PathBuf::from(path), append, reopen_delay, rolling })
    }

    fn by_time(&mut self, own: &Properties) -> Rolling {
        let schedule = own.get("Schedule").unwrap_or_default();
        let schedule = match schedule.to_ascii_uppercase().as_str() {
            "MONTHLY" => Schedule::Monthly,
            "WEEKLY" => Schedule::Weekly,
            "DAILY" => Schedule::Daily,
            "TWICE_DAILY" => Schedule::TwiceDaily,
            "HOURLY" => Schedule::Hourly,
            "MINUTELY" => Schedule::Minutely,
            _ => {
                self.warning(format!("DailyRollingFileAppender::ctor()- \"Schedule\" not valid: {schedule}"));
                Schedule::Daily
            }
        };
        Rolling::Time { schedule, backups: backups(own, 10) }
    }

    fn syslog(&mut self, name: &str, own: &Properties) -> Destination {
        if own.get("host").is_some_and(|host| !host.is_empty()) {
            self.warning(format!(
                "SysLogAppender logs to this machine only: the records of appender {name} are dropped"
            ));
            return Destination::Null;
        }
        let ident = own.get("ident").filter(|ident| !ident.is_empty()).unwrap_or(self.appname).to_owned();
        let facility = match own.get("facility").filter(|facility| !facility.is_empty()) {
            None => USER,
            Some(facility) => self.facility(facility),
        };
        Destination::Syslog { socket: PathBuf::from("/dev/log"), ident, facility }
    }

    fn facility(&mut self, facility: &str) -> u8 {
        let lower = facility.to_ascii_lowercase();
        let found = FACILITIES.iter().find(|(name, _)| *name == lower);
        found.map(|&(_, code)| code).unwrap_or_else(|| {
            self.error(format!("Unknown syslog facility: {facility}"));
            USER
        })
    }
}

fn by_size(own: &Properties) -> Rolling {
    let limit = match own.get("MaxFileSize").filter(|size| !size.is_empty()) {
        None => DEFAULT_SIZE,
        Some(size) => {
            let unit = match size.to_ascii_uppercase() {
                size if size.ends_with("MB") => 1024 * 1024,
                size if size.ends_with("KB") => 1024,
                _ => 1,
            };
            u64::try_from(leading_number(size)).unwrap_or(0).saturating_mul(unit).max(LEAST_SIZE)
        }
    };
    Rolling::Size { limit, backups: backups(own, 1) }
}

/// At least one backup is kept.
fn backups(own: &Properties, default: u32) -> u32 {
    let wanted = own.get("MaxBackupIndex").and_then(|text| text.parse::<i64>().ok());
    wanted.map_or(default, |wanted| u32::try_from(wanted.max(1)).unwrap_or(u32::MAX))
}

const USER: u8 = 1;

/// RFC 5424 table 1, by the names that log4cplus knows.
const FACILITIES: [(&str, u8); 20] = [
    ("kern", 0),
    ("user", USER),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

#[cfg(test)]
mod tests;
