//! Conversion patterns: `%D{%H:%M:%S} %5p: %m%n`.

use std::fmt::Write;

use super::TimeFormat;
use crate::log::config::Problem;
use crate::log::record::Record;

/// A conversion pattern, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Part {
    what: What,
    /// Blanks fill it up to so many characters; they come first unless `left` is set.
    least: usize,
    /// Of longer text only so many characters are kept, its last ones.
    most: Option<usize>,
    left: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum What {
    #[default]
    Nothing,
    Text(String),
    Level,
    Letter,
    /// The logger's name, or its last so many parts.
    Logger(usize),
    Message,
    Time(TimeFormat),
    Elapsed,
    Process,
    Thread,
    File,
    BaseName,
    Line,
    Position,
    Module,
}

/// Widths beyond this are not taken at their word: nobody reads them, and each record would cost them.
const MOST_WIDTH: usize = 4096;

/// The names of this machine, for `%h` and `%H`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) full_name: String,
}

impl Pattern {
    /// `%P: %m%n`, which DCMTK uses without a configuration.
    pub(crate) fn standard() -> Self {
        let parts = [What::Letter, What::Text(": ".to_owned()), What::Message, What::Text("\n".to_owned())];
        Self { parts: parts.map(|what| Part { what, ..Part::default() }).into() }
    }

    /// Reads a pattern. What it cannot make sense of stands as it is, and becomes a problem.
    pub(crate) fn new(pattern: &str, host: &Host, problems: &mut Vec<Problem>) -> Self {
        let mut reader = Reader { pattern, rest: pattern, host, parts: Vec::new(), text: String::new(), problems };
        while let Some(c) = reader.next() {
            // DCMTK: the last character always stands for itself.
            if c != '%' || reader.rest.is_empty() {
                reader.text.push(c);
            } else if let Some(rest) = reader.rest.strip_prefix('%') {
                reader.rest = rest;
                reader.text.push('%');
            } else {
                reader.conversion();
            }
        }
        reader.end_text();
        let mut parts = reader.parts;
        if parts.is_empty() {
            problems.push(Problem::warning("PatternLayout pattern is empty.  Using default..."));
            parts.push(Part { what: What::Message, ..Part::default() });
        }
        Self { parts }
    }

    /// Every line of the record.
    pub(super) fn render(&self, record: &Record<'_>, out: &mut String) {
        for line in record.message.split('\n') {
            for part in &self.parts {
                part.render(record, line, out);
            }
        }
    }
}

/// A pattern while it is read.
struct Reader<'a> {
    pattern: &'a str,
    rest: &'a str,
    host: &'a Host,
    parts: Vec<Part>,
    /// Text that has not become a part yet.
    text: String,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }

    /// How many bytes have been read.
    fn position(&self) -> usize {
        self.pattern.len() - self.rest.len()
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            let what = What::Text(std::mem::take(&mut self.text));
            self.parts.push(Part { what, ..Part::default() });
        }
    }

    /// What follows a `%`: alignment, widths and the letter.
    fn conversion(&mut self) {
        let from = self.rest;
        let mut part = Part::default();
        while let Some(rest) = self.rest.strip_prefix('-') {
            part.left = true;
            self.rest = rest;
        }
        part.least = self.number().unwrap_or(0);
        if let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            part.most = self.number();
            if part.most.is_none() {
                // DCMTK: whatever stands in the digit's place is taken as text.
                if let Some(c) = self.next() {
                    let position = self.position();
                    self.problems.push(Problem::error(format!(
                        "Error occured in position {position}. Was expecting digit, instead got char \"{c}\"."
                    )));
                }
                return self.as_it_is(from);
            }
        }
        let Some(letter) = self.next() else { return self.as_it_is(from) };
        match self.meaning(letter) {
            Some(what) => {
                self.end_text();
                self.parts.push(Part { what, ..part });
            }
            None => {
                let position = self.position();
                self.problems.push(Problem::error(format!(
                    "Unexpected char [{letter}] at position {position} in conversion pattern."
                )));
                self.as_it_is(from);
            }
        }
    }

    /// `%` and what has been read since.
    fn as_it_is(&mut self, from: &str) {
        self.text.push('%');
        self.text.push_str(from.strip_suffix(self.rest).unwrap_or_default());
    }

    fn number(&mut self) -> Option<usize> {
        let after = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = self.rest.strip_suffix(after).filter(|digits| !digits.is_empty())?;
        self.rest = after;
        Some(digits.parse().unwrap_or(MOST_WIDTH).min(MOST_WIDTH))
    }

    /// What stands in braces; empty if there are none.
    fn option(&mut self) -> &'a str {
        let Some(inner) = self.rest.strip_prefix('{') else { return "" };
        let Some((option, rest)) = inner.split_once('}') else {
            self.problems.push(Problem::error(format!(
                "No matching '}}' found in conversion pattern string \"{}\"",
                self.pattern
            )));
            self.rest = "";
            return "";
        };
        self.rest = rest;
        option
    }

    fn meaning(&mut self, letter: char) -> Option<What> {
        Some(match letter {
            'c' => {
                let digits = self.option().trim_ascii_start().split(|c: char| !c.is_ascii_digit()).next();
                What::Logger(digits.and_then(|digits| digits.parse().ok()).unwrap_or(0))
            }
            'd' | 'D' => {
                let format = match self.option() {
                    "" => "%Y-%m-%d %H:%M:%S",
                    format => format,
                };
                What::Time(TimeFormat::new(format, letter == 'D'))
            }
            'h' => What::Text(self.host.name.clone()),
            'H' => What::Text(self.host.full_name.clone()),
            'p' => What::Level,
            'P' => What::Letter,
            'm' => What::Message,
            'n' => What::Text("\n".to_owned()),
            'i' => What::Process,
            't' | 'T' => What::Thread,
            'r' => What::Elapsed,
            'F' => What::File,
            'b' => What::BaseName,
            'L' => What::Line,
            'l' => What::Position,
            'M' => What::Module,
            // Nested and mapped diagnostic contexts: nobody sets any.
            'x' => What::Nothing,
            'X' => {
                self.option();
                What::Nothing
            }
            _ => return None,
        })
    }
}

impl Part {
    fn render(&self, record: &Record<'_>, line: &str, out: &mut String) {
        if self.least == 0 && self.most.is_none() {
            return self.what.render(record, line, out);
        }
        let mut text = String::new();
        self.what.render(record, line, &mut text);
        let length = text.chars().count();
        if let Some(most) = self.most.filter(|most| length > *most) {
            out.extend(text.chars().skip(length - most));
            return;
        }
        // Writing to a string cannot fail.
        let least = self.least;
        let _ = if self.left { write!(out, "{text:<least$}") } else { write!(out, "{text:>least$}") };
    }
}

impl What {
    fn render(&self, record: &Record<'_>, line: &str, out: &mut String) {
        match self {
            Self::Nothing => {}
            Self::Text(text) => out.push_str(text),
            Self::Level => out.push_str(record.level.name()),
            Self::Letter => out.extend(record.level.name().chars().take(1)),
            Self::Logger(parts) => out.push_str(last_parts(record.logger, *parts)),
            Self::Message => out.push_str(line),
            Self::Time(format) => format.write(record.time, out),
            Self::Elapsed => super::elapsed(out),
            Self::Process => {
                let _ = write!(out, "{}", std::process::id());
            }
            Self::Thread => {
                let _ = write!(out, "{}", super::thread());
            }
            Self::File => out.push_str(record.file.unwrap_or_default()),
            Self::BaseName => out.push_str(record.file.and_then(|file| file.rsplit('/').next()).unwrap_or_default()),
            Self::Line => {
                if let Some(line) = record.line {
                    let _ = write!(out, "{line}");
                }
            }
            Self::Position => {
                out.push_str(record.file.unwrap_or_default());
                out.push(':');
                Self::Line.render(record, line, out);
            }
            Self::Module => out.push_str(record.module.unwrap_or_default()),
        }
    }
}

/// The last parts of a name with dots; all of it if it has no more, or if none are asked for.
fn last_parts(name: &str, parts: usize) -> &str {
    let dot = parts.checked_sub(1).and_then(|skipped| name.rmatch_indices('.').nth(skipped));
    dot.and_then(|(at, _)| name.get(at + 1..)).unwrap_or(name)
}
