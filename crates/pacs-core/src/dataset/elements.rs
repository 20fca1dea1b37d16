//! Wanted elements of a data set that is stored already: read where it lies, written nowhere.
//!
//! Large values are passed over by seeking, so that an object of gigabytes costs a few reads. What is read, repaired and
//! refused is what a [`Rewriter`](super::Rewriter) reads, repairs and refuses.

use super::deflate::Inflater;
use super::form::Syntax;
use super::head::{self, Expected, Head, HeadError, UnknownSyntax};
use super::refusal::{Error, Reason, Refusal, Warning, Warnings};
use super::rewrite::Context;
use super::storage::Source;
use super::tag::Tag;
use super::vr::Vr;
use super::walk::{Chunk, Element, Order, Plain, Reading, Visit, Walker};
use super::watch::{Found, Watch};

/// Bytes read at first: the elements in front of the pixel data of most objects.
const FIRST: usize = 16 * 1024;

/// Bytes read at once after that.
const BUFFER: usize = 128 * 1024;

/// How far a data set is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// To its end: whether it is whole is known then.
    Whole,
    /// Until an element at the top has a larger tag than all that are wanted, where none of them should come any more. Those
    /// in items behind it are not found, and of a data set that is out of order some others may be missed.
    Wanted,
}

/// What became known of a data set.
#[derive(Debug, Clone, Default)]
pub struct Elements {
    /// The wanted elements that are there. Values are as they are encoded: numbers in the byte order of the syntax. An item
    /// counts even if its sequence comes a second time and out of order, where writing would drop it.
    pub found: Vec<Found>,
    /// What is odd.
    pub warnings: Warnings,
    /// Whether the elements at the top are in order, as far as they were read.
    pub ordered: bool,
}

impl Elements {
    /// The element of that tag, if it was wanted and is there.
    pub fn get(&self, tag: Tag) -> Option<&Found> {
        self.found.iter().find(|found| found.tag == tag)
    }
}

/// Reads the data set that starts at byte `from` of `source`, in the transfer syntax of that UID. Of `context` the scratch
/// files are not used.
///
/// # Errors
///
/// [`Error::Refused`]: it is none, or is cut short; [`Error::Io`]: the source cannot be read.
pub fn read(
    source: &(impl Source + ?Sized),
    from: u64,
    transfer_syntax: &str,
    context: &Context<'_>,
    extent: Extent,
) -> Result<Elements, Error> {
    let syntax = Syntax::of(transfer_syntax).ok_or(Refusal::at(Reason::UnsupportedSyntax, 0))?;
    let reading = Reading {
        explicit: syntax.encoding.is_explicit(),
        big: syntax.encoding.is_big(),
        encapsulated: syntax.encapsulated,
        convert_un: false,
        depth: context.limits.depth,
    };
    let mut walker = Walker::new(reading, context.dictionary);
    let mut collector = Collector::new(context, extent, &reading);
    let mut inflater = syntax.deflated.then(|| Inflater::new(context.limits.inflated));
    let (mut buffer, mut at) = (vec![0; FIRST], from);
    loop {
        if at > from && buffer.len() < BUFFER {
            buffer = vec![0; BUFFER];
        }
        let count = source.read_at(&mut buffer, at)?;
        if count == 0 {
            break;
        }
        at += count as u64;
        let bytes = &buffer[..count];
        let walked = match &mut inflater {
            None => walker.feed(bytes, 0, &mut collector).map_err(Error::from),
            Some(inflater) => inflater.feed(bytes, |bytes| walker.feed(bytes, 0, &mut collector).map_err(Error::from)),
        };
        match walked {
            Err(_) if collector.enough => return Ok(collector.elements()),
            other => other?,
        }
        // All but the last byte, which tells whether the value is whole.
        let left = walker.value_left();
        if inflater.is_none() && left > 1 {
            walker.skip(left - 1, &mut collector)?;
            at = at.saturating_add(left - 1);
        }
    }
    if at == from {
        return Err(Refusal::at(Reason::Empty, 0).into());
    }
    if let Some(inflater) = &inflater {
        inflater.finish()?;
    }
    match walker.finish(&mut collector) {
        Err(_) if collector.enough => {}
        other => other?,
    }
    Ok(collector.elements())
}

/// A DICOM file, or a bare data set.
#[derive(Debug, Clone)]
pub struct File {
    /// How it begins: transfer syntax, source title, the object by its file meta information.
    pub head: Head,
    /// What its data set says.
    pub elements: Elements,
}

/// Why a file could not be read.
#[derive(Debug)]
pub enum FileError {
    /// Its beginning.
    Head(HeadError),
    /// Its data set. The beginning could be read.
    DataSet(Box<Head>, Error),
}

impl std::fmt::Display for FileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Head(e) => e.fmt(f),
            Self::DataSet(_, e) => e.fmt(f),
        }
    }
}

impl std::error::Error for FileError {}

/// Reads a DICOM file, or a bare data set whose syntax is then guessed from its first bytes; a transfer syntax that nobody
/// here knows counts as one that encapsulates Pixel Data.
///
/// # Errors
///
/// As [`FileError`] says.
pub fn read_file(
    source: &impl Source,
    expected: Expected,
    context: &Context<'_>,
    extent: Extent,
) -> Result<File, FileError> {
    let head = head::read(source, expected, UnknownSyntax::Encapsulated).map_err(FileError::Head)?;
    match read(source, head.data_set, &head.read_as, context, extent) {
        Ok(elements) => Ok(File { head, elements }),
        Err(e) => Err(FileError::DataSet(Box::new(head), e)),
    }
}

/// An open sequence.
#[derive(Debug, Clone, Copy)]
struct Level {
    tag: Tag,
    items: u32,
    /// The group of the last element of the item that is open.
    group: u32,
}

/// Collects what is wanted.
struct Collector {
    watch: Watch,
    warnings: Warnings,
    ordered: bool,
    /// The largest wanted tag, beyond which nothing is.
    last: Option<Tag>,
    /// Nothing more needs to be seen.
    enough: bool,
    explicit: bool,
    big: bool,
    group: u32,
    below: Vec<Level>,
    /// Open sequences within a duplicate, which does not count.
    muted: u32,
    /// Elements seen: places for the watch.
    seen: u64,
}

impl Collector {
    fn new(context: &Context<'_>, extent: Extent, reading: &Reading) -> Self {
        let last = context.wanted.iter().map(|wanted| wanted.tag).max();
        Self {
            watch: Watch::new(context.wanted),
            warnings: Warnings::default(),
            ordered: true,
            last: (extent == Extent::Wanted).then(|| last.unwrap_or(Tag::new(0, 0))),
            enough: false,
            explicit: reading.explicit,
            big: reading.big,
            group: u32::MAX,
            below: Vec::new(),
            muted: 0,
            seen: 0,
        }
    }

    fn elements(self) -> Elements {
        Elements { found: self.watch.found(), warnings: self.warnings, ordered: self.ordered }
    }

    /// An element passes. False: it does not count.
    fn pass(&mut self, element: &Element, value: Option<&[u8]>) -> Result<bool, Refusal> {
        if self.muted > 0 {
            return Ok(false);
        }
        if element.order == Order::Ascending {
            *self.below.last_mut().map_or(&mut self.group, |level| &mut level.group) = u32::from(element.tag.group());
        }
        if self.below.is_empty() {
            self.ordered &= element.order == Order::Ascending;
            if self.last.is_some_and(|last| element.tag > last) {
                self.enough = true;
                return Err(Refusal::at(Reason::Empty, 0));
            }
        }
        match element.order {
            Order::Ascending => {}
            Order::Duplicate => {
                self.warnings.add(Warning::FoundTwice(element.tag));
                return Ok(false);
            }
            Order::Misplaced => self.warnings.add(Warning::NotAscending(element.tag)),
        }
        if self.watch.mask.may_want(element.tag) {
            self.seen += 1;
            let path = || self.below.iter().flat_map(|level| [level.tag.number(), level.items]).collect();
            self.watch.see(element.tag, element.vr, value, self.seen, path);
        }
        Ok(true)
    }
}

impl Visit for Collector {
    type Error = Refusal;

    fn plain(&self) -> Option<Plain> {
        let group = self.below.last().map_or(self.group, |level| level.group);
        let mask = self.watch.mask;
        (self.muted == 0).then_some(Plain { explicit: self.explicit, big: self.big, group, mask })
    }

    fn unchanged(&mut self, _: Chunk<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn named(&mut self, _: Tag, _: Vr, _: &[u8]) {}

    fn element(&mut self, element: &Element, header: usize, whole: Chunk<'_>) -> Result<(), Refusal> {
        self.pass(element, whole.bytes.get(header..)).map(|_| ())
    }

    fn value_start(&mut self, element: &Element, _: Chunk<'_>) -> Result<(), Refusal> {
        self.pass(element, None).map(|_| ())
    }

    fn value(&mut self, _: Chunk<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn value_end(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    fn sequence_start(&mut self, element: &Element, _: Chunk<'_>) -> Result<(), Refusal> {
        if !self.pass(element, None)? {
            self.muted += 1;
            return Ok(());
        }
        self.below.push(Level { tag: element.tag, items: 0, group: u32::MAX });
        Ok(())
    }

    fn sequence_end(&mut self, _: Option<Chunk<'_>>) -> Result<(), Refusal> {
        if self.muted > 0 {
            self.muted -= 1;
        } else {
            self.below.pop();
        }
        Ok(())
    }

    fn item_start(&mut self, _: u32, _: Chunk<'_>) -> Result<(), Refusal> {
        if self.muted == 0
            && let Some(level) = self.below.last_mut()
        {
            level.items = level.items.saturating_add(1);
            level.group = u32::MAX;
        }
        Ok(())
    }

    fn item_end(&mut self, _: Option<Chunk<'_>>) -> Result<(), Refusal> {
        Ok(())
    }

    fn fragments_start(&mut self, element: &Element, _: Chunk<'_>) -> Result<(), Refusal> {
        self.pass(element, None).map(|_| ())
    }

    fn fragment(&mut self, _: Chunk<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn fragment_start(&mut self, _: u32, _: Chunk<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn fragments_end(&mut self, _: Chunk<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn dropped(&mut self) {}

    fn warn(&mut self, warning: Warning) {
        self.warnings.add(warning);
    }
}
