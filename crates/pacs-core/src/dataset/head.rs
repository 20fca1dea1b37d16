//! How a DICOM file begins (PS3.10 7.1): preamble and file meta information, or the data set itself, in which syntax it is,
//! and what object it says it is. No more than the first kilobytes are read.

use super::form::Syntax;
#[cfg(doc)]
use super::refusal::Reason;
use super::refusal::{Refusal, Warning as DataSetWarning};
use super::storage::Source;
use super::tag::Tag;
use super::vr::{Dictionary, Vr};
use super::walk::{Chunk, Element, Plain, Reading, Visit, Walker};
use crate::names;
use std::{fmt, io};

/// Bytes read at once.
const BLOCK: usize = 4096;

/// Bytes of a data set that are searched for the UIDs of its object.
const SEARCHED: usize = 64 * 1024;

/// Bytes of a UID in the file meta information that are looked at.
const LONGEST_UID: u32 = 1024;

/// Values of more bytes are not read with an element, but later, which gives DCMTK's errors another text.
const READ_LATER: u32 = 4096;

/// JPIP Referenced and its deflated form: data sets without pixel data, for which other syntaxes do as well.
const JPIP: [(&str, &str); 2] =
    [("1.2.840.10008.1.2.4.94", Syntax::EXPLICIT_LITTLE), ("1.2.840.10008.1.2.4.95", Syntax::DEFLATED)];

/// A syntax that is like all that encapsulate Pixel Data: JPEG Baseline.
const ANY_ENCAPSULATED: &str = "1.2.840.10008.1.2.4.50";

/// What a file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// A DICOM file or a bare data set.
    #[default]
    Either,
    /// A DICOM file.
    File,
    /// A data set from the first byte on.
    DataSet,
}

/// What to make of a transfer syntax that nobody here knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownSyntax {
    /// The first bytes of the data set tell how to read it, and it counts as native.
    // DCMTK: always so.
    #[default]
    Guessed,
    /// It is one of those that encapsulate Pixel Data, as all are that are added to the standard, and stays as it is.
    Encapsulated,
}

/// The beginning of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Where the data set starts.
    pub data_set: u64,
    /// UID of the transfer syntax as the file says it, or as its first bytes suggest.
    pub syntax: String,
    /// The syntax to read it by: another one where the file's is for DICOM the same.
    pub read_as: String,
    /// SOP Class and Instance UID as the file meta information has them, if it has both.
    pub object: Option<Object>,
    /// Source Application Entity Title, which receivers write into what they keep.
    pub source_title: Option<String>,
    /// How the file meta information is encoded, for logs: DCMTK's name. None: there is none.
    pub meta_syntax: Option<&'static str>,
    /// What is odd.
    pub warnings: Vec<Warning>,
}

/// What is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object {
    /// SOP Class UID.
    pub class: String,
    /// SOP Instance UID.
    pub instance: String,
}

/// Why a file cannot be read. Display gives DCMTK's text, [`HeadError::condition`] its condition.
#[derive(Debug)]
pub enum HeadError {
    /// There is not one byte.
    Empty,
    /// It ends within the file meta information.
    Cut {
        /// Within a value that DCMTK would have read at once.
        value: bool,
    },
    /// It has no file meta information, or none that names a known transfer syntax; what else is odd.
    NoMeta(Vec<Warning>),
    /// Its bytes look like implicit VR big endian, which no standard ever had.
    BigEndianImplicit,
    /// It cannot be read.
    Io(io::Error),
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("End of stream"),
            Self::Cut { value: true } => f.write_str("Invalid stream"),
            Self::Cut { value: false } => f.write_str("I/O suspension or premature end of stream"),
            Self::NoMeta(_) => f.write_str("File meta information header missing"),
            Self::BigEndianImplicit => f.write_str("Unsupported transfer syntax"),
            Self::Io(e) => f.write_str(&system_words(e)),
        }
    }
}

impl std::error::Error for HeadError {}

impl HeadError {
    /// The number in front of the text.
    pub fn condition(&self) -> &'static str {
        match self {
            Self::Empty => "0001:0005",
            Self::Cut { value: true } => "0001:0004",
            Self::Cut { value: false } => "0001:000a",
            Self::NoMeta(_) => "0001:001c",
            Self::BigEndianImplicit => "0001:0011",
            Self::Io(_) => "0001:0012",
        }
    }
}

impl From<io::Error> for HeadError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// The system's words for an error, without Rust's number behind them.
fn system_words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// Something odd that does not matter. Display gives DCMTK's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// A preamble, and then the data set.
    PreambleOnly,
    /// The file meta information does not say how long it is.
    NoGroupLength,
    /// It says so, and is wrong.
    WrongGroupLength,
    /// The UID of the transfer syntax has blanks.
    SyntaxBlanks,
    /// The transfer syntax was guessed.
    // DCMTK: 3.7.0 says so, older ones do not.
    SyntaxGuessed,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PreambleOnly => "DcmMetaInfo: Found Preamble but no Meta Information Header",
            Self::NoGroupLength => "DcmMetaInfo: No Group Length available in Meta Information Header",
            Self::WrongGroupLength => "DcmMetaInfo: Group Length of Meta Information Header has incorrect value",
            Self::SyntaxBlanks => {
                "DcmUniqueIdentifier: Element TransferSyntaxUID (0002,0010) contains one or more space characters, which \
                 were removed"
            }
            Self::SyntaxGuessed => {
                "DcmFileFormat: Could not determine Transfer Syntax from File Meta Information Header"
            }
        })
    }
}

/// Reads how a file begins.
///
/// # Errors
/// As [`HeadError`] says.
pub fn read(source: &impl Source, expected: Expected, unknown: UnknownSyntax) -> Result<Head, HeadError> {
    let mut window = Window { source, start: 0, bytes: Vec::new() };
    let mut meta = Meta { keeps_unknown: unknown == UnknownSyntax::Encapsulated, ..Meta::default() };
    let mut at = 0;
    if expected != Expected::DataSet {
        if window.at(0, 1)?.is_empty() {
            return Err(HeadError::Empty);
        }
        let preamble = window.at(0, 132)?.get(128..132) == Some(b"DICM");
        if preamble {
            at = 132;
        }
        let enough = window.at(at, 8)?.len() == 8;
        if preamble && !enough {
            return Err(HeadError::Cut { value: false });
        }
        at = meta.read(&mut window, at)?;
        if preamble && meta.encoding.is_none() {
            meta.warnings.push(Warning::PreambleOnly);
        }
        if expected == Expected::File && meta.known_syntax().is_none() {
            return Err(if enough { HeadError::NoMeta(meta.warnings) } else { HeadError::Cut { value: false } });
        }
    }
    let syntax = match meta.known_syntax() {
        Some(uid) => uid.to_owned(),
        None => {
            meta.warnings.push(Warning::SyntaxGuessed);
            guess(window.at(at, 6)?)?.to_owned()
        }
    };
    let read_as = match JPIP.iter().find(|(uid, _)| *uid == syntax) {
        Some((_, same)) => (*same).to_owned(),
        None if names::transfer_syntax(&syntax).is_none() => ANY_ENCAPSULATED.to_owned(),
        None => syntax.clone(),
    };
    let object = meta.class.zip(meta.instance).map(|(class, instance)| Object { class, instance });
    let Meta { encoding: meta_syntax, source_title, warnings, .. } = meta;
    Ok(Head { data_set: at, syntax, read_as, object, source_title, meta_syntax, warnings })
}

/// File meta information, as far as it matters.
#[derive(Default)]
struct Meta {
    /// DCMTK's name of its encoding, once an element was found.
    encoding: Option<&'static str>,
    class: Option<String>,
    instance: Option<String>,
    syntax: Option<String>,
    source_title: Option<String>,
    warnings: Vec<Warning>,
    /// A syntax that is not known is one all the same.
    keeps_unknown: bool,
}

impl Meta {
    fn known_syntax(&self) -> Option<&str> {
        let known = |uid: &&str| names::transfer_syntax(uid).is_some() || (self.keeps_unknown && !uid.is_empty());
        self.syntax.as_deref().filter(known)
    }

    /// Reads all elements of group 2 from `at` on; where they end.
    // DCMTK: believes a group length that is too large and takes elements of the data set for its own.
    fn read(&mut self, window: &mut Window<'_, impl Source>, at: u64) -> Result<u64, HeadError> {
        let Some(&[a, b, _, _, v, w]) = window.at(at, 6)?.first_chunk() else { return Ok(at) };
        let big = match [a, b] {
            [2, 0] => false,
            [0, 2] => true,
            _ => return Ok(at),
        };
        let explicit = is_standard_vr([v, w]);
        self.encoding = Some(match (explicit, big) {
            (true, false) => "Little Endian Explicit",
            (true, true) => "Big Endian Explicit",
            (false, false) => "Little Endian Implicit",
            (false, true) => "Virtual Big Endian Implicit",
        });
        let (mut end, mut declared) = (at, None);
        while let Some(element) = MetaElement::read(window, end, explicit, big)? {
            let first = end == at;
            end = element.value + u64::from(element.len);
            if element.number == 0 && first {
                if let Some(&length) = window.at(element.value, 4)?.first_chunk() {
                    let length = if big { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) };
                    declared = Some(end + u64::from(length));
                }
                continue;
            }
            self.take(window, element)?;
        }
        match declared {
            None => self.warnings.push(Warning::NoGroupLength),
            Some(declared) if declared != end => self.warnings.push(Warning::WrongGroupLength),
            Some(_) => {}
        }
        Ok(end)
    }

    /// Keeps a value that matters; the first of each counts.
    fn take(&mut self, window: &mut Window<'_, impl Source>, element: MetaElement) -> Result<(), HeadError> {
        let MetaElement { number, len, value } = element;
        let kept = match number {
            0x02 => &mut self.class,
            0x03 => &mut self.instance,
            0x10 => &mut self.syntax,
            0x16 => &mut self.source_title,
            _ => return Ok(()),
        };
        if kept.is_none() {
            let value = window.at(value, len.min(LONGEST_UID) as usize)?;
            if number == 0x10 && value.trim_ascii_end().contains(&b' ') | value.ends_with(b" ") {
                self.warnings.push(Warning::SyntaxBlanks);
            }
            *kept = Some(if number == 0x16 { title(value) } else { uid(value) });
        }
        Ok(())
    }
}

/// An element of group 2, without its value.
struct MetaElement {
    number: u16,
    len: u32,
    value: u64,
}

impl MetaElement {
    /// The element at `at`, if it is of group 2 and all there.
    fn read(
        window: &mut Window<'_, impl Source>,
        at: u64,
        explicit: bool,
        big: bool,
    ) -> Result<Option<Self>, HeadError> {
        let header = window.at(at, 12)?;
        let group = if big { [0, 2] } else { [2, 0] };
        if header.len() < 2 || header[..2] != group {
            return Ok(None);
        }
        let short = |bytes: [u8; 2]| if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
        let long = |bytes: [u8; 4]| if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let Some(&[_, _, e, f, v, w, l, m]) = header.first_chunk() else { return Err(HeadError::Cut { value: false }) };
        let (len, head) = match Vr::from_bytes([v, w]) {
            _ if !explicit => (long([v, w, l, m]), 8),
            Some(vr) if vr.length_field() == super::vr::LengthField::Four => match header.last_chunk::<4>() {
                Some(&len) if header.len() == 12 => (long(len), 12),
                _ => return Err(HeadError::Cut { value: false }),
            },
            _ => (u32::from(short([l, m])), 8),
        };
        let value = at + head;
        if len > 0 && window.at(value + u64::from(len) - 1, 1)?.is_empty() {
            let begun = !window.at(value, 1)?.is_empty();
            return Err(HeadError::Cut { value: begun && len <= READ_LATER });
        }
        Ok(Some(Self { number: short([e, f]), len, value }))
    }
}

/// A UID as it is meant: up to a NUL, without blanks.
fn uid(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    let mut text = String::with_capacity(end);
    text.extend(value[..end].iter().filter(|byte| **byte != b' ').map(|byte| char::from(*byte)));
    text
}

/// A title as it is meant: up to a NUL, without the blanks around it.
fn title(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    value[..end].trim_ascii().iter().map(|byte| char::from(*byte)).collect()
}

fn is_standard_vr(letters: [u8; 2]) -> bool {
    letters.iter().all(u8::is_ascii_uppercase) && Vr::from_bytes(letters).is_some()
}

/// The syntax that the first bytes of a data set suggest: by the letters of a VR, and by the byte order in which the tag
/// is one of the dictionary.
fn guess(first: &[u8]) -> Result<&'static str, HeadError> {
    let Some(&[a, b, c, d, v, w]) = first.first_chunk() else { return Ok(Syntax::EXPLICIT_LITTLE) };
    let known = |tag: Tag| Dictionary::builtin().standard(tag.group(), tag.element()).is_some();
    let (little, big) = (Tag::read([a, b, c, d], false), Tag::read([a, b, c, d], true));
    let is_big = match (known(little), known(big)) {
        (true, true) => little.group() > 0xFF && big.group() <= 0xFF,
        (little, big) => big && !little,
    };
    match (is_standard_vr([v, w]), is_big) {
        (true, false) => Ok(Syntax::EXPLICIT_LITTLE),
        (true, true) => Ok(Syntax::EXPLICIT_BIG),
        (false, false) => Ok(Syntax::IMPLICIT_LITTLE),
        (false, true) => Err(HeadError::BigEndianImplicit),
    }
}

/// A part of a source.
struct Window<'s, S> {
    source: &'s S,
    start: u64,
    bytes: Vec<u8>,
}

impl<S: Source> Window<'_, S> {
    /// The bytes from `at` on: `count` of them, which are no more than a block, or less at the end.
    fn at(&mut self, at: u64, count: usize) -> io::Result<&[u8]> {
        if let Some(bytes) = self.source.in_memory(at) {
            return Ok(&bytes[..bytes.len().min(count)]);
        }
        let within = |start: u64| usize::try_from(at.checked_sub(start)?).ok();
        let mut from = within(self.start);
        if from.is_none_or(|from| from + count > self.bytes.len()) {
            self.bytes.resize(BLOCK, 0);
            let mut filled = 0;
            while filled < count {
                match self.source.read_at(&mut self.bytes[filled..], at + filled as u64)? {
                    0 => break,
                    n => filled += n,
                }
            }
            self.bytes.truncate(filled);
            (self.start, from) = (at, Some(0));
        }
        let rest = self.bytes.get(from.unwrap_or(0)..).unwrap_or_default();
        Ok(&rest[..rest.len().min(count)])
    }
}

/// What object the data set itself says it is, by elements that stand at its top, where all others should stand behind
/// them. None: that cannot be told without reading all of it.
///
/// # Errors
/// When the source cannot be read.
pub fn object(source: &impl Source, head: &Head) -> io::Result<Option<Object>> {
    let Some(mut walker) = walker(head) else { return Ok(None) };
    let mut look = Look::default();
    let mut block = vec![0; BLOCK];
    for at in (0..SEARCHED).step_by(BLOCK) {
        let count = read_block(source, &mut block, head.data_set + at as u64)?;
        let walked = walker.feed(&block[..count], 0, &mut look);
        if walked.is_err() || count < BLOCK {
            break;
        }
    }
    Ok(look.class.zip(look.instance).map(|(class, instance)| Object { class, instance }))
}

/// A walker for the data set, unless that is deflated.
fn walker(head: &Head) -> Option<Walker<'static>> {
    let syntax = Syntax::of(&head.read_as).filter(|syntax| !syntax.deflated)?;
    let reading = Reading {
        explicit: syntax.encoding.is_explicit(),
        big: syntax.encoding.is_big(),
        encapsulated: syntax.encapsulated,
        convert_un: false,
        depth: 64,
    };
    Some(Walker::new(reading, Dictionary::builtin()))
}

/// Whether a data set that was refused for a value that is not whole ends within one that is long, or of which nothing is
/// there. DCMTK reads long values late, and then has other words: [`Reason::PrematureEnd`]. Reads the whole file.
pub fn ends_in_long_value(source: &impl Source, head: &Head) -> bool {
    let Some(mut walker) = walker(head) else { return false };
    let (mut block, mut at) = (vec![0; SEARCHED], head.data_set);
    let mut look = Look { everything: true, ..Look::default() };
    loop {
        match read_block(source, &mut block, at) {
            Ok(0) => return walker.ends_in_value_longer_than(READ_LATER),
            Ok(count) if walker.feed(&block[..count], 0, &mut look).is_ok() => at += count as u64,
            _ => return false,
        }
    }
}

fn read_block(source: &impl Source, block: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match source.read_at(&mut block[filled..], at + filled as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// Looks for the two UIDs at the top of a data set.
#[derive(Default)]
struct Look {
    /// Goes on for ever.
    everything: bool,
    depth: usize,
    class: Option<String>,
    instance: Option<String>,
}

/// Nothing more needs to be seen, or can be.
struct Enough;

impl From<Refusal> for Enough {
    fn from(_: Refusal) -> Self {
        Self
    }
}

impl Look {
    /// Whether it goes on, where it is behind what it looks for.
    fn behind(&self, behind: bool) -> Result<(), Enough> {
        if behind && !self.everything { Err(Enough) } else { Ok(()) }
    }

    fn see(&mut self, element: &Element, value: &[u8]) -> Result<(), Enough> {
        if self.depth > 0 {
            return Ok(());
        }
        if element.vr == Vr::UI {
            match element.tag {
                Tag::SOP_CLASS => _ = self.class.get_or_insert_with(|| uid(value)),
                Tag::SOP_INSTANCE => _ = self.instance.get_or_insert_with(|| uid(value)),
                _ => {}
            }
        }
        self.behind(element.tag >= Tag::SOP_INSTANCE)
    }
}

impl Visit for Look {
    type Error = Enough;

    fn plain(&self) -> Option<Plain> {
        None
    }

    fn unchanged(&mut self, _: Chunk<'_>) -> Result<(), Enough> {
        Ok(())
    }

    fn named(&mut self, _: Tag, _: Vr, _: &[u8]) {}

    fn element(&mut self, element: &Element, header: usize, whole: Chunk<'_>) -> Result<(), Enough> {
        self.see(element, whole.bytes.get(header..).unwrap_or_default())
    }

    fn value_start(&mut self, element: &Element, _: Chunk<'_>) -> Result<(), Enough> {
        self.see(element, &[])
    }

    fn value(&mut self, _: Chunk<'_>) -> Result<(), Enough> {
        Ok(())
    }

    fn value_end(&mut self) -> Result<(), Enough> {
        Ok(())
    }

    fn sequence_start(&mut self, element: &Element, _: Chunk<'_>) -> Result<(), Enough> {
        self.see(element, &[])?;
        self.depth += 1;
        Ok(())
    }

    fn sequence_end(&mut self, _: Option<Chunk<'_>>) -> Result<(), Enough> {
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn item_start(&mut self, _: u32, _: Chunk<'_>) -> Result<(), Enough> {
        Ok(())
    }

    fn item_end(&mut self, _: Option<Chunk<'_>>) -> Result<(), Enough> {
        Ok(())
    }

    fn fragments_start(&mut self, _: &Element, _: Chunk<'_>) -> Result<(), Enough> {
        self.behind(true)
    }

    fn fragment(&mut self, _: Chunk<'_>) -> Result<(), Enough> {
        self.behind(true)
    }

    fn fragment_start(&mut self, _: u32, _: Chunk<'_>) -> Result<(), Enough> {
        self.behind(true)
    }

    fn fragments_end(&mut self, _: Chunk<'_>) -> Result<(), Enough> {
        self.behind(true)
    }

    fn dropped(&mut self) {}

    fn warn(&mut self, _: DataSetWarning) {}
}

#[cfg(test)]
mod tests;
