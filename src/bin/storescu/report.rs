//! `--report`: what became of each file, as JSON. Written file by file, so that it takes no memory.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use pacs_core::dimse::status::{self, Category};
use pacs_tools::{fatal, log};
use tracing::error;

use crate::options::Config;
use crate::send::Attempt;
use crate::{Failed, TARGET};

/// The report, or nothing.
#[derive(Debug)]
pub(crate) struct Report {
    writing: Option<Mutex<Writing>>,
}

#[derive(Debug)]
struct Writing {
    out: BufWriter<File>,
    start: Instant,
    totals: Totals,
    failed: Option<io::Error>,
}

#[derive(Debug, Default)]
struct Totals {
    entries: u64,
    stored: u64,
    warnings: u64,
    refused: u64,
    failed: u64,
    sent_before: u64,
    not_tried: u64,
    bytes: u64,
}

impl Report {
    /// Begins the report that `--report` names.
    ///
    /// # Errors
    /// When it cannot be written; the log has it.
    pub(crate) fn begin(config: &Config) -> Result<Self, Failed> {
        let Some(path) = &config.beyond.report else { return Ok(Self { writing: None }) };
        let begin = || -> io::Result<Writing> {
            let mut out = BufWriter::new(File::create(path)?);
            let receiver = format!("{}:{}", config.peer, config.port);
            write!(
                out,
                "{{\n\"receiver\": {}, \"called\": {}, \"calling\": {},\n\"files\": [",
                quoted(&receiver),
                quoted(&config.called),
                quoted(&config.calling)
            )?;
            Ok(Writing { out, start: Instant::now(), totals: Totals::default(), failed: None })
        };
        match begin() {
            Ok(writing) => Ok(Self { writing: Some(Mutex::new(writing)) }),
            Err(e) => {
                fatal!(target: TARGET, "cannot write the report {}: {}.", path.display(), log::reason(&e));
                Err(Failed)
            }
        }
    }

    /// A file was tried.
    pub(crate) fn tried(&self, path: &Path, attempt: &Attempt) {
        self.with(|writing| {
            let totals = &mut writing.totals;
            let result = match &attempt.end {
                Ok(code) => match status::category(*code) {
                    Category::Success => count(&mut totals.stored, "stored"),
                    Category::Warning => count(&mut totals.warnings, "stored with a warning"),
                    _ => count(&mut totals.refused, "refused"),
                },
                Err(_) => count(&mut totals.failed, "failed"),
            };
            if attempt.is_stored() {
                totals.bytes += attempt.size.unwrap_or(0);
            }
            let mut entry = Entry::new(path, result);
            if let Some(object) = &attempt.object {
                entry.text("sop_class", &object.class).text("sop_instance", &object.instance);
            }
            if let Some(syntax) = &attempt.syntax {
                entry.text("transfer_syntax", syntax);
            }
            if let Some(size) = attempt.size {
                entry.plain("bytes", size);
            }
            match &attempt.end {
                Ok(code) => entry.text("status", &format!("0x{code:04x}")),
                Err(failure) => entry.text("error", failure.condition()),
            };
            entry.plain("seconds", format_args!("{:.6}", attempt.time.as_secs_f64()));
            writing.entry(entry);
        });
    }

    /// A file was left out, for this reason.
    pub(crate) fn left_out(&self, path: &Path, reason: &str) {
        self.with(|writing| {
            let mut entry = Entry::new(path, count(&mut writing.totals.failed, "failed"));
            entry.text("error", reason);
            writing.entry(entry);
        });
    }

    /// A file was sent in an earlier run.
    pub(crate) fn sent_before(&self, path: &Path) {
        self.with(|writing| {
            let entry = Entry::new(path, count(&mut writing.totals.sent_before, "sent before"));
            writing.entry(entry);
        });
    }

    /// The program ended before this file's turn.
    pub(crate) fn not_tried(&self, path: &Path) {
        self.with(|writing| {
            let entry = Entry::new(path, count(&mut writing.totals.not_tried, "not tried"));
            writing.entry(entry);
        });
    }

    /// Writes the totals.
    pub(crate) fn finish(&self, code: u8) {
        self.with(|writing| {
            let Totals { stored, warnings, refused, failed, sent_before, not_tried, bytes, .. } = writing.totals;
            let seconds = writing.start.elapsed().as_secs_f64();
            let text = format!(
                "\n],\n\"totals\": {{\"stored\": {stored}, \"stored_with_a_warning\": {warnings}, \"refused\": {refused}, \
                 \"failed\": {failed}, \"sent_before\": {sent_before}, \"not_tried\": {not_tried}, \"bytes\": {bytes}, \
                 \"seconds\": {seconds:.6}, \"exit_code\": {code}}}\n}}\n"
            );
            writing.write(&text);
            if writing.failed.is_none()
                && let Err(e) = writing.out.flush()
            {
                writing.failed = Some(e);
            }
            if let Some(e) = &writing.failed {
                error!(target: TARGET, "cannot write the report: {}.", log::reason(e));
            }
        });
    }

    fn with(&self, act: impl FnOnce(&mut Writing)) {
        if let Some(writing) = &self.writing {
            act(&mut writing.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Writing {
    fn entry(&mut self, entry: Entry) {
        let separator = if self.totals.entries == 0 { "\n" } else { ",\n" };
        self.totals.entries += 1;
        self.write(&format!("{separator}{}}}", entry.text));
    }

    /// The first error stays; sending goes on.
    fn write(&mut self, text: &str) {
        if self.failed.is_none()
            && let Err(e) = self.out.write_all(text.as_bytes())
        {
            self.failed = Some(e);
        }
    }
}

fn count(counter: &mut u64, name: &'static str) -> &'static str {
    *counter += 1;
    name
}

/// One file's object.
struct Entry {
    text: String,
}

impl Entry {
    fn new(path: &Path, result: &str) -> Self {
        let text = format!("{{\"file\": {}, \"result\": {}", quoted(&path.to_string_lossy()), quoted(result));
        Self { text }
    }

    fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.plain(name, quoted(value))
    }

    fn plain(&mut self, name: &str, value: impl std::fmt::Display) -> &mut Self {
        // Writing to a string cannot fail.
        _ = write!(self.text, ", \"{name}\": {value}");
        self
    }
}

/// Text as JSON has it (RFC 8259 7).
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => _ = write!(out, "\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn text_is_quoted_as_json_wants_it() {
        assert_eq!(quoted("a\"b\\c\n\u{85}\u{e4}"), "\"a\\\"b\\\\c\\u000a\\u0085\u{e4}\"");
    }
}
