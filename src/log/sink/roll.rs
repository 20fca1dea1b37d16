//! When a log file becomes a backup, and what the backups are called.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use crate::log::config::{Problem, Rolling, Schedule};

/// The state of a file that rolls, or does not.
#[derive(Debug)]
pub(super) enum Roll {
    Never,
    Size {
        limit: u64,
        /// Where it rolls next: farther off if it could not at the limit.
        next: u64,
        backups: u32,
    },
    Time {
        schedule: Schedule,
        backups: u32,
        period: Period,
    },
}

/// A period of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Period {
    /// How files of this period end.
    name: String,
    end: Timestamp,
}

impl Roll {
    pub(super) fn new(rolling: Rolling, now: Timestamp) -> Self {
        match rolling {
            Rolling::Never => Self::Never,
            Rolling::Size { limit, backups } => Self::Size { limit, next: limit, backups },
            Rolling::Time { schedule, backups } => {
                let period = Period::of(schedule, now, &TimeZone::system());
                Self::Time { schedule, backups, period }
            }
        }
    }

    /// Is a record of this time one of the next period?
    pub(super) fn is_due(&self, time: Timestamp) -> bool {
        matches!(self, Self::Time { period, .. } if time >= period.end)
    }

    /// Has a file of this size grown enough?
    pub(super) fn is_full(&self, size: u64) -> bool {
        matches!(self, Self::Size { next, .. } if size > *next)
    }

    /// Moves the file away, and older backups with it. If that fails, it is tried again at the next limit or period.
    pub(super) fn roll(&mut self, path: &Path, now: Timestamp, size: u64) -> Result<(), Problem> {
        match self {
            Self::Never => Ok(()),
            Self::Size { limit, next, backups } => {
                *next = size.saturating_add(*limit);
                shift(path, *backups)?;
                *next = *limit;
                Ok(())
            }
            Self::Time { schedule, backups, period } => {
                let following = Period::of(*schedule, now, &TimeZone::system());
                let name = with_suffix(path, &std::mem::replace(period, following).name);
                // What this period, or a run of the program before, has left under that name.
                shift(&name, *backups)?;
                rename(path, &name)
            }
        }
    }
}

impl Period {
    /// The period that a time belongs to.
    fn of(schedule: Schedule, time: Timestamp, zone: &TimeZone) -> Self {
        let now = time.to_zoned_datetime(zone.clone()).datetime();
        let (start, length, format) = schedule.period(now);
        // Errors are beyond the year 9999 only.
        let start = start.unwrap_or(now);
        let end = start.checked_add(length).and_then(|end| end.to_zoned_datetime(zone.clone()));
        let end = end.map_or(Timestamp::MAX, |end| end.timestamp());
        // Where clocks are set back, an hour comes twice: the period lasts the longer.
        let end = if end > time { end } else { time.checked_add(1.hours()).unwrap_or(Timestamp::MAX) };
        Self { name: start.strftime(format).to_string(), end }
    }
}

impl Schedule {
    /// When the period around this time began, how long it lasts, and how its start is written.
    fn period(self, now: DateTime) -> (Result<DateTime, jiff::Error>, Span, &'static str) {
        let day = now.start_of_day();
        let hour = i64::from(now.hour());
        match self {
            Self::Monthly => (Ok(day.first_of_month()), 1.months(), "%Y-%m"),
            Self::Weekly => {
                let since_sunday = i64::from(now.weekday().to_sunday_zero_offset());
                (day.checked_sub(since_sunday.days()), 7.days(), "%Y-%W")
            }
            Self::Daily => (Ok(day), 1.days(), "%Y-%m-%d"),
            Self::TwiceDaily => (day.checked_add((hour / 12 * 12).hours()), 12.hours(), "%Y-%m-%d-%p"),
            Self::Hourly => (day.checked_add(hour.hours()), 1.hours(), "%Y-%m-%d-%H"),
            Self::Minutely => {
                let minutes = hour * 60 + i64::from(now.minute());
                (day.checked_add(minutes.minutes()), 1.minutes(), "%Y-%m-%d-%H-%M")
            }
        }
    }
}

/// Renames `x` to `x.1`, `x.1` to `x.2` and so on; of the backups that are there the last one goes when there are
/// too many.
fn shift(path: &Path, backups: u32) -> Result<(), Problem> {
    let backup = |number: u32| with_suffix(path, &number.to_string());
    let there = (1..backups).take_while(|number| backup(*number).symlink_metadata().is_ok()).last().unwrap_or(0);
    for number in (1..=there).rev() {
        rename(&backup(number), &backup(number + 1))?;
    }
    rename(path, &backup(1))
}

/// Renames a file, unless there is none.
fn rename(from: &Path, to: &Path) -> Result<(), Problem> {
    match fs::rename(from, to) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            let code = e.raw_os_error().unwrap_or_default();
            let (from, to) = (from.display(), to.display());
            Err(Problem::error(format!("Failed to rename file from {from} to {to}; error {code}")))
        }
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests;
