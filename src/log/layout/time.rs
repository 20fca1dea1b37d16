//! Dates and times by the format of `strftime`, with `%q` for milliseconds and `%Q` for their fraction as well.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use jiff::tz::TimeZone;

/// A format that is read once and used for each record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimeFormat {
    local: bool,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// For `strftime`.
    Calendar(String),
    /// Three digits.
    Millis,
    /// Milliseconds and microseconds, `429.831`.
    Micros,
}

/// What glibc's `strftime` knows; other letters stay as they are, `%` included.
const CONVERSIONS: &str = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ";
/// What may stand between `%` and the letter.
const FLAGS: &str = "_-0^#";

impl TimeFormat {
    /// Reads a format, for local time or UTC.
    pub(crate) fn new(format: &str, local: bool) -> Self {
        let mut parts = Vec::new();
        let mut calendar = String::new();
        let mut rest = format;
        while let Some((before, after)) = rest.split_once('%') {
            calendar.push_str(before);
            rest = after;
            let mut chars = after.chars();
            match chars.next() {
                // DCMTK: a lone `%` at the end is dropped.
                None => {}
                Some(c @ ('q' | 'Q')) => {
                    rest = chars.as_str();
                    if !calendar.is_empty() {
                        parts.push(Part::Calendar(std::mem::take(&mut calendar)));
                    }
                    parts.push(if c == 'q' { Part::Millis } else { Part::Micros });
                }
                Some('%') => {
                    rest = chars.as_str();
                    calendar.push_str("%%");
                }
                Some(_) => match conversion(after) {
                    // The C library's name for UTC.
                    Some((known, after)) if !local && known.ends_with('Z') => {
                        rest = after;
                        calendar.push_str("GMT");
                    }
                    Some((known, after)) => {
                        rest = after;
                        calendar.push_str(&known);
                    }
                    None => calendar.push_str("%%"),
                },
            }
        }
        calendar.push_str(rest);
        if !calendar.is_empty() {
            parts.push(Part::Calendar(calendar));
        }
        Self { local, parts }
    }

    pub(crate) fn write(&self, time: Timestamp, out: &mut String) {
        let micros = time.subsec_nanosecond().unsigned_abs() / 1000;
        for part in &self.parts {
            // Writing to a string cannot fail.
            let _ = match part {
                Part::Calendar(format) => self.calendar(time, format, out),
                Part::Millis => write!(out, "{:03}", micros / 1000),
                Part::Micros => write!(out, "{:03}.{:03}", micros / 1000, micros % 1000),
            };
        }
    }

    fn calendar(&self, time: Timestamp, format: &str, out: &mut String) -> std::fmt::Result {
        let zone = if self.local { TimeZone::system() } else { TimeZone::UTC };
        let config = Config::new().custom(PosixCustom::new());
        match BrokenDownTime::from(&time.to_zoned_datetime(zone)).to_string_with_config(&config, format) {
            Ok(text) => out.write_str(&text),
            // A width beyond all bounds: the format says more than nothing.
            Err(_) => out.write_str(format),
        }
    }
}

/// The conversion at the beginning of what follows a `%`, and what follows it.
fn conversion(text: &str) -> Option<(String, &str)> {
    let flags = text.trim_start_matches(|c| FLAGS.contains(c));
    let width = flags.trim_start_matches(|c: char| c.is_ascii_digit());
    // Other names and numbers of a locale: here as in the C locale they change nothing.
    let letter = width.strip_prefix(['E', 'O']).unwrap_or(width);
    let known = letter.chars().next().filter(|c| CONVERSIONS.contains(*c))?;
    let between = text.strip_suffix(width).unwrap_or_default();
    Some((format!("%{between}{known}"), letter.strip_prefix(known).unwrap_or_default()))
}
