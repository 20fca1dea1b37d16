//! What is wrong with a configuration file, or merely odd: DCMTK's words where it has some, and always the place and what
//! was expected there.

use std::fmt;
use std::io;
use std::path::Path;

/// Most problems of one file that are listed; a last one says that there are more.
pub const MAX_PROBLEMS: usize = 1000;

/// Something in a file that makes it bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
    pub(super) kind: Kind,
    pub(super) expected: String,
}

/// How DCMTK tells of a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// By a line of its own, `CONFIG Error: <text>!`.
    Told(String),
    /// Only by saying that the file has errors.
    Silent,
    /// `MaxPDUSize` is out of range. DCMTK looks at that after everything else was found right.
    MaxPdu,
}

impl Problem {
    /// DCMTK's words for it, if it has some: the `<text>` of its line `CONFIG Error: <text>!`.
    pub fn message(&self) -> Option<&str> {
        match &self.kind {
            Kind::Told(text) => Some(text),
            Kind::Silent | Kind::MaxPdu => None,
        }
    }

    /// Where it is and what was expected there: `FILE:LINE:COLUMN: expected …`.
    pub fn cure(&self, file: &Path) -> String {
        format!("{}:{}:{}: {}", file.display(), self.line, self.column, self.expected)
    }
}

/// DCMTK's words, or ours where it has none.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().unwrap_or(&self.expected))
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    Access(io::Error),
    /// It can, and these are its problems in the order of its lines. There is at least one.
    Bad(Vec<Problem>),
}

/// A line for the log, and what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// DCMTK's line.
    pub line: String,
    /// Further lines of the same record.
    pub cures: Vec<String>,
}

impl LoadError {
    /// What the log is told at error level, in order; `file` is named as the user named it.
    pub fn errors(&self, file: &Path) -> Vec<Report> {
        let Self::Bad(problems) = self else { return Vec::new() };
        if self.is_range_only() {
            return Vec::new();
        }
        let told = problems.iter().filter_map(|problem| {
            let line = format!("CONFIG Error: {}!", problem.message()?);
            Some(Report { line, cures: vec![problem.cure(file)] })
        });
        let untold = problems.iter().filter(|problem| problem.message().is_none());
        let last = Report {
            line: format!("CONFIG Error: Reading configuration file \"{}\" with errors!", file.display()),
            cures: untold.map(|problem| problem.cure(file)).collect(),
        };
        told.chain([last]).collect()
    }

    /// What the log is told last, at fatal level.
    pub fn fatal(&self, file: &Path) -> Report {
        match self {
            Self::Access(error) => {
                let line = format!("cannot access {}: {}", file.display(), reason(error));
                Report { line, cures: Vec::new() }
            }
            Self::Bad(problems) if self.is_range_only() => Report {
                line: "invalid MaxPDUSize in config file".to_owned(),
                cures: problems.iter().map(|problem| problem.cure(file)).collect(),
            },
            Self::Bad(_) => Report { line: format!("bad config file: {}", file.display()), cures: Vec::new() },
        }
    }

    fn is_range_only(&self) -> bool {
        matches!(self, Self::Bad(problems) if problems.iter().all(|problem| problem.kind == Kind::MaxPdu))
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access(error) => f.write_str(&reason(error)),
            Self::Bad(problems) => {
                let mut problems = problems.iter();
                problems.next().map_or(Ok(()), |first| write!(f, "line {}: {first}", first.line))?;
                problems.try_for_each(|problem| write!(f, "; line {}: {problem}", problem.line))
            }
        }
    }
}

impl std::error::Error for LoadError {}

/// The system's words for an error, without Rust's number behind them.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.find(" (os error ").map_or(text.as_str(), |at| &text[..at]).to_owned()
}

/// Something in a good file that DCMTK passes over in silence but that is hardly meant so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
    pub(super) text: String,
}

impl Remark {
    /// The remark with its place: `FILE:LINE:COLUMN: …`.
    pub fn located(&self, file: &Path) -> String {
        format!("{}:{}:{}: {}", file.display(), self.line, self.column, self.text)
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
