//! Dictionaries from files, as the environment variable `DCMDICTPATH` names them.
//!
//! The format is DCMTK's. Each line is an element: tag, VR, keyword, multiplicity and origin, tabs between them, the last
//! two optional; lines that begin with `#` are comments. A tag is `(gggg,eeee)` or, for a private element,
//! `(gggg,"CREATOR",ee)`; either number may be a range `first-last`, of which the even numbers count, or `first-o-last`
//! (odd), `first-e-last` (even), `first-u-last` (all).
//!
//! Such a dictionary takes the place of the built-in one. What DCMTK lets pass is let pass here, with the same result; the
//! numbers go through its `sscanf`, so anything may follow them.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use self::fields::{LineFault, is_multiplicity, lossy, squeeze, tag_field, trim_end, trim_start, vr_field};
use super::dictionary::{Builder, CreatorId, Dictionary, Full, Parity, Span};
use super::{DictVr, Vr};

mod fields;
#[cfg(test)]
mod tests;

/// More bytes than this of one file are not read; DCMTK's own dictionaries have a quarter of a megabyte.
const FILE_LIMIT: u64 = 16 << 20;

/// More complaints than this are counted, but not kept.
const COMPLAINT_LIMIT: usize = 1000;

/// DCMTK: longer lines are read as several.
const LINE_LIMIT: usize = 2047;

/// What came of loading dictionary files.
#[derive(Debug)]
pub struct Loaded {
    /// Every entry of every file that could be read, faulty lines left out.
    pub dictionary: Dictionary,
    /// What is to be logged as errors, in this order.
    pub complaints: Vec<Complaint>,
    /// Whether DCMTK would call its dictionary loaded: nothing went wrong at all, or the last file it could open had no
    /// faults. If not, it warns with [`Loaded::NOT_LOADED`], and its receivers abort associations at the first message.
    pub complete: bool,
}

impl Loaded {
    /// The warning where [`Loaded::complete`] is false.
    pub const NOT_LOADED: &str = "no data dictionary loaded, check environment variable: DCMDICTPATH";
}

/// Something wrong with a dictionary file. `Display` gives DCMTK's line, without its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Complaint {
    /// The file is missing, a directory, or cannot be read.
    CannotOpen {
        /// Its name as given.
        file: String,
    },
    /// The file is larger than 16 MiB; none of it is taken.
    TooLarge {
        /// Its name as given.
        file: String,
    },
    /// A range `first-x-last` with a letter other than `e`, `o` and `u`; the fault of its line follows.
    Restrictor(char),
    /// A line is left out.
    Line {
        /// The file's name as given.
        file: String,
        /// The line, from 1 on.
        line: usize,
        /// What is wrong with it.
        fault: Fault,
    },
    /// So many more complaints were not kept.
    More(usize),
}

/// What is wrong with a line of a dictionary file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Fewer than three.
    TooFewFields,
    /// More than five.
    TooManyFields,
    /// Not a multiplicity: the field.
    Multiplicity(String),
    /// Not a tag: the field.
    Tag(String),
    /// Two capital letters that are no VR: the field.
    Vr(String),
    /// There are more ranges, or private creators, than a dictionary holds.
    DictionaryFull,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DcmDataDictionary: ")?;
        match self {
            Complaint::CannotOpen { file } => write!(f, "Cannot open file: {file}"),
            Complaint::TooLarge { file } => write!(f, "{file}: larger than {} MiB, not read", FILE_LIMIT >> 20),
            Complaint::Restrictor(c) => write!(f, "Unknown range restrictor: {c}"),
            Complaint::More(count) => write!(f, "{count} more errors"),
            Complaint::Line { file, line, fault } => match fault {
                Fault::TooFewFields => write!(f, "{file}: too few fields (line {line})"),
                // DCMTK: the text that should follow has been cut to nothing before it is printed.
                Fault::TooManyFields => write!(f, "{file}: too many fields (line {line}): "),
                Fault::Multiplicity(field) => write!(f, "{file}: bad VM field (line {line}): {field}"),
                Fault::Tag(field) => write!(f, "{file}: bad Tag field (line {line}): {field}"),
                Fault::Vr(field) => write!(f, "{file}: bad VR field (line {line}): {field}"),
                Fault::DictionaryFull => write!(f, "{file}: too many ranges or creators (line {line})"),
            },
        }
    }
}

impl Dictionary {
    /// Reads the files of a `DCMDICTPATH`: names with colons between them, empty ones skipped. A later entry takes the place
    /// of an earlier one of the same tag, in whatever file.
    ///
    /// An empty variable counts as unset, and then the built-in dictionary is the one to use: the caller's to decide.
    pub fn load(paths: &OsStr) -> Loaded {
        let mut loader = Loader::new();
        for path in paths.as_bytes().split(|&byte| byte == b':').filter(|path| !path.is_empty()) {
            let file = String::from_utf8_lossy(path);
            match contents(Path::new(OsStr::from_bytes(path))) {
                Ok(Some(text)) => loader.file(&file, &text),
                Ok(None) => loader.complain(Complaint::TooLarge { file: file.into() }),
                Err(_) => loader.complain(Complaint::CannotOpen { file: file.into() }),
            }
        }
        loader.finish()
    }

    /// [`Dictionary::load`] of files already read: their names, which only complaints show, and what is in them.
    pub fn from_texts<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Loaded {
        let mut loader = Loader::new();
        for (file, text) in files {
            loader.file(file, text);
        }
        loader.finish()
    }
}

/// All of a file; None if that is too much.
fn contents(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let mut text = Vec::new();
    file.take(FILE_LIMIT + 1).read_to_end(&mut text)?;
    Ok((text.len() as u64 <= FILE_LIMIT).then_some(text))
}

struct Loader {
    builder: Builder,
    complaints: Vec<Complaint>,
    dropped: usize,
    failed: bool,
    last_file_good: bool,
}

impl Loader {
    fn new() -> Loader {
        let mut builder = Builder::new(8);
        // DCMTK: group lengths are known whatever the files say, unless they say it of a smaller range.
        let all = Span { first: 0, last: 0xFFFF, parity: Parity::Any };
        builder.range_at_end(CreatorId::NONE, all, Span::one(0), DictVr::Is(Vr::UL));
        Loader { builder, complaints: Vec::new(), dropped: 0, failed: false, last_file_good: false }
    }

    fn finish(mut self) -> Loaded {
        if self.dropped > 0 {
            self.complaints.push(Complaint::More(self.dropped));
        }
        let complete = !self.failed || self.last_file_good;
        Loaded { dictionary: self.builder.finish(), complaints: self.complaints, complete }
    }

    fn complain(&mut self, complaint: Complaint) {
        self.failed = true;
        if self.complaints.len() < COMPLAINT_LIMIT {
            self.complaints.push(complaint);
        } else {
            self.dropped += 1;
        }
    }

    fn file(&mut self, file: &str, text: &[u8]) {
        let mut good = true;
        let mut rest = text;
        let mut number = 0;
        while !rest.is_empty() {
            let window = &rest[..rest.len().min(LINE_LIMIT)];
            let len = window.iter().position(|&byte| byte == b'\n').map_or(window.len(), |at| at + 1);
            let (line, after) = rest.split_at(len);
            (rest, number) = (after, number + 1);
            if let Err(faults) = self.line(line) {
                good = false;
                for fault in faults {
                    self.complain(match fault {
                        LineFault::Restrictor(c) => Complaint::Restrictor(c),
                        LineFault::Of(fault) => Complaint::Line { file: file.into(), line: number, fault },
                    });
                }
            }
        }
        self.last_file_good = good;
    }

    /// Takes the entry of one line, if there is one.
    fn line(&mut self, line: &[u8]) -> Result<(), Vec<LineFault>> {
        let line = line.split(|&byte| byte == 0).next().unwrap_or_default(); // to DCMTK, a C string
        let line = trim_end(line);
        if matches!(trim_start(line).first(), None | Some(b'#')) {
            return Ok(());
        }
        let mut fields = line.split(|&byte| byte == b'\t');
        let (Some(tag), Some(vr), Some(_keyword)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(vec![LineFault::Of(Fault::TooFewFields)]);
        };
        let (multiplicity, _origin, sixth) = (fields.next(), fields.next(), fields.next());
        if sixth.is_some() {
            return Err(vec![LineFault::Of(Fault::TooManyFields)]);
        }
        let mut faults = Vec::new();
        if let Some(field) = multiplicity.map(squeeze)
            && !is_multiplicity(&field)
        {
            faults.push(LineFault::Of(Fault::Multiplicity(lossy(&field))));
        }
        let tag = tag_field(tag, &mut faults);
        let vr = if faults.is_empty() { vr_field(&squeeze(vr), &mut faults) } else { None };
        let (Some(tag), Some(vr)) = (tag, vr) else { return Err(faults) };
        let (groups, elements) = (tag.groups, tag.elements);
        let full = |Full| vec![LineFault::Of(Fault::DictionaryFull)];
        let creator = self.builder.creator(&tag.creator).map_err(full)?;
        if groups.first == groups.last && elements.first == elements.last {
            self.builder.element(creator, groups.first, elements.first, vr);
            return Ok(());
        }
        self.builder.range(creator, groups, elements, vr).map_err(full)
    }
}
