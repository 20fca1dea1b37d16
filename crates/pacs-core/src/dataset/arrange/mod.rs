//! The second pass: puts a data set that was written in order of arrival into the order of tags (PS3.5 7.1).
//!
//! Only stirred data sets and items are looked into; everything else is copied as it is, for it is in its final form. First,
//! from the inside out, each stirred level is walked, sorted, rid of duplicates and measured; then all is written from the
//! first byte to the last, with every length known. So the result may go to a file, a compressor or the network.
//!
//! What must be remembered is one record for each stirred level and one for each element of it; both move to scratch files
//! when they grow large.

mod read;
mod write;

use super::emit::{LONGEST, Output, Stirred, padding};
use super::form::GroupLengths;
use super::refusal::{Error, Refusal, Warning, Warnings};
use super::sort::{Sorter, Written};
use super::spill::{Spill, numbers_from_bytes, numbers_to_bytes};
use super::storage::{Append, ScratchMaker, Source};
use super::tag::Tag;
use super::vr::Vr;
use super::walk::UNDEFINED;
use super::watch::Watch;
use read::{Element, Reader};

/// No such record.
const NONE: u64 = u64::MAX;

/// A stirred level once it is measured.
#[derive(Debug, Clone, Copy)]
struct Level {
    written: Stirred,
    /// Bytes of its elements in their final form.
    len: u64,
    /// Its elements, in order.
    entries: u64,
    entries_end: u64,
    /// The next stirred item of the same level.
    next: u64,
}

const LEVEL: usize = 72;

impl Level {
    fn to_bytes(self) -> [u8; LEVEL] {
        let Stirred { header, content, end, after, first } = self.written;
        numbers_to_bytes([header, content, end, after, first, self.len, self.entries, self.entries_end, self.next])
    }

    fn from_bytes(bytes: [u8; LEVEL]) -> Level {
        let [header, content, end, after, first, len, entries, entries_end, next] = numbers_from_bytes(bytes);
        Level { written: Stirred { header, content, end, after, first }, len, entries, entries_end, next }
    }

    /// Bytes of an item in its final form, header and delimiter included.
    fn item_len(&self, output: &Output) -> u64 {
        8 + self.len + delimiter_len(self.len, output)
    }
}

/// Bytes of the delimiter behind that many bytes of content: none, if their number can be told and is.
fn delimiter_len(len: u64, output: &Output) -> u64 {
    if output.undefined_lengths || len > LONGEST { 8 } else { 0 }
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Bytes as they are.
    Copy,
    /// A sequence in which items are stirred.
    Sequence,
    /// A group length of that value.
    GroupLength(u32),
    /// The bytes of a group length, with that as its first value.
    FirstValue(u32),
    /// That many bytes of padding.
    Padding(u32),
    Nothing,
}

/// An element in its final place.
#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: Tag,
    kind: Kind,
    at: u64,
    len: u64,
    /// The first stirred item of a sequence.
    child: u64,
}

const ENTRY: usize = 40;

impl Entry {
    fn to_bytes(self) -> [u8; ENTRY] {
        let (kind, value) = match self.kind {
            Kind::Copy => (0, 0),
            Kind::Sequence => (1, 0),
            Kind::GroupLength(value) => (2, value),
            Kind::FirstValue(value) => (3, value),
            Kind::Padding(value) => (4, value),
            Kind::Nothing => (5, 0),
        };
        numbers_to_bytes([self.tag.number().into(), kind << 32 | u64::from(value), self.at, self.len, self.child])
    }

    fn from_bytes(bytes: [u8; ENTRY]) -> Entry {
        let [tag, kind, at, len, child] = numbers_from_bytes(bytes);
        let value = kind as u32;
        let kind = match kind >> 32 {
            0 => Kind::Copy,
            1 => Kind::Sequence,
            2 => Kind::GroupLength(value),
            3 => Kind::FirstValue(value),
            4 => Kind::Padding(value),
            _ => Kind::Nothing,
        };
        Entry { tag: Tag::from_number(tag as u32), kind, at, len, child }
    }
}

/// A data set that has been measured and can be written in order.
pub(crate) struct Arranged {
    output: Output,
    levels: Spill<LEVEL>,
    entries: Spill<ENTRY>,
    /// Where the data set starts in its source.
    base: u64,
}

/// How to arrange.
pub(crate) struct Task<'a> {
    pub(crate) output: Output,
    /// Where the data set starts in its source.
    pub(crate) base: u64,
    /// Bytes that will stand before it in the file.
    pub(crate) before: u64,
    pub(crate) memory: usize,
    pub(crate) scratch: ScratchMaker,
    pub(crate) warnings: &'a mut Warnings,
    pub(crate) watch: &'a mut Watch,
    /// Elements that cannot be written, unless they are dropped.
    pub(crate) doubts: &'a mut Vec<(u64, Refusal)>,
}

impl Arranged {
    /// Measures the data set that `stirred` tells of.
    pub(crate) fn measure<'a>(
        source: &'a impl Source,
        stirred: &mut Spill<{ Stirred::BYTES }>,
        task: Task<'a>,
    ) -> Result<Arranged, Error> {
        let Task { output, base, before, memory, scratch, warnings, watch, doubts } = task;
        let arranged = Arranged {
            output,
            levels: Spill::new(memory / 4, scratch.clone()),
            entries: Spill::new(memory / 4, scratch.clone()),
            base,
        };
        let reader = Reader::new(source, base, output.encoding);
        let mut sorter = Sorter::new(memory / 2, scratch);
        let mut measuring = Measuring { arranged, reader, before, warnings, watch, doubts };
        let count = stirred.len();
        for number in 0..count {
            let level = Stirred::from_bytes(stirred.get(number)?);
            measuring.level(&mut sorter, level, number + 1 == count)?;
        }
        match measuring.doubts.first() {
            Some((_, refusal)) => Err((*refusal).into()),
            None => Ok(measuring.arranged),
        }
    }

    fn level(&mut self, number: u64) -> Result<Level, Error> {
        Ok(Level::from_bytes(self.levels.get(number)?))
    }
}

struct Measuring<'a, S> {
    arranged: Arranged,
    reader: Reader<'a, S>,
    before: u64,
    warnings: &'a mut Warnings,
    watch: &'a mut Watch,
    doubts: &'a mut Vec<(u64, Refusal)>,
}

/// The elements of a level while they are put into order.
struct Ordering {
    len: u64,
    last: Option<Tag>,
    group: Option<u16>,
    /// The group length of the current group, and the bytes that followed.
    group_length: Option<u64>,
    group_len: u64,
    padding: Option<u64>,
    padding_group: Option<u64>,
}

impl<S: Source> Measuring<'_, S> {
    fn level(&mut self, sorter: &mut Sorter, written: Stirred, is_data_set: bool) -> Result<(), Error> {
        let child = self.chain_children(written)?;
        self.collect(sorter, written, child)?;
        let output = self.arranged.output;
        let multiple = match is_data_set {
            _ if output.hands_off => 0,
            true => output.file_padding,
            false => output.item_padding,
        };
        let first = self.arranged.entries.len();
        let mut ordering = Ordering {
            len: 0,
            last: None,
            group: None,
            group_length: None,
            group_len: 0,
            padding: None,
            padding_group: None,
        };
        sorter.drain(|element| self.place(element, &mut ordering, multiple != 0))?;
        self.end_last_group(&mut ordering)?;
        if multiple != 0 {
            let before = if is_data_set { self.before } else { 0 };
            self.pad(&mut ordering, before, multiple)?;
        }
        let entries_end = self.arranged.entries.len();
        let level = Level { written, len: ordering.len, entries: first, entries_end, next: NONE };
        Ok(self.arranged.levels.push(level.to_bytes())?)
    }

    /// Links the stirred items directly within a level to each other, and returns the first.
    fn chain_children(&mut self, level: Stirred) -> Result<u64, Error> {
        // What is within comes before what is around: the last record is that of the last item, and each tells where those
        // of what is within it begin.
        let mut number = self.arranged.levels.len();
        let mut next = NONE;
        while number > level.first {
            number -= 1;
            let mut child = self.arranged.level(number)?;
            child.next = next;
            self.arranged.levels.set(number, child.to_bytes())?;
            next = number;
            number = child.written.first;
        }
        Ok(next)
    }

    /// Walks over the elements of a level in order of arrival.
    fn collect(&mut self, sorter: &mut Sorter, level: Stirred, mut child: u64) -> Result<(), Error> {
        let output = self.arranged.output;
        let removes = output.group_lengths != GroupLengths::Recalculate;
        let mut at = level.content;
        let mut largest = None;
        while at < level.end {
            let element = self.reader.element(at)?;
            let end = element.end;
            let misplaced = largest.is_some_and(|largest| element.tag < largest);
            largest = largest.max(Some(element.tag));
            let mut first_child = NONE;
            let mut len = end - at;
            while child != NONE {
                let within = self.arranged.level(child)?;
                if within.written.header >= end {
                    break;
                }
                if first_child == NONE {
                    first_child = child;
                }
                let before = within.written.after - within.written.header;
                len = len + within.item_len(&output) - before;
                child = within.next;
            }
            if first_child != NONE {
                let delimiter = if element.len == UNDEFINED { 8 } else { 0 };
                let content = len - element.header - delimiter;
                len = element.header + content + delimiter_len(content, &output);
            }
            let goes = element.tag == Tag::PADDING || (element.tag.is_group_length() && removes);
            if output.hands_off || !goes {
                let Element { tag, end, .. } = element;
                sorter.push(Written { tag, at, end, len, misplaced, child: first_child })?;
            }
            at = end;
        }
        Ok(())
    }

    /// Takes the next element in order of tags.
    fn place(&mut self, element: Written, ordering: &mut Ordering, padded: bool) -> Result<(), Error> {
        let Written { tag, at, end, len, misplaced, child } = element;
        if ordering.last == Some(tag) {
            self.warnings.add(Warning::FoundTwice(tag));
            self.watch.forget(at, end);
            self.doubts.retain(|(doubt, _)| !(at..end).contains(doubt));
            return Ok(());
        }
        if misplaced {
            self.warnings.add(Warning::NotAscending(tag));
        }
        ordering.last = Some(tag);
        if padded && tag > Tag::PADDING && ordering.padding.is_none() {
            self.leave_room_for_padding(ordering)?;
        }
        let output = self.arranged.output;
        if ordering.group != Some(tag.group()) {
            self.end_group(ordering)?;
            ordering.group = Some(tag.group());
            if output.group_lengths == GroupLengths::Create && !output.hands_off {
                let tag = Tag::new(tag.group(), 0);
                let entry = Entry { tag, kind: Kind::GroupLength(0), at: 0, len: 12, child: NONE };
                self.start_group(entry, ordering)?;
            }
        }
        let kind = if child == NONE { Kind::Copy } else { Kind::Sequence };
        let entry = Entry { tag, kind, at, len, child };
        if tag.is_group_length() && !output.hands_off {
            return self.start_group(entry, ordering);
        }
        ordering.group_len += len;
        ordering.len += len;
        Ok(self.arranged.entries.push(entry.to_bytes())?)
    }

    fn start_group(&mut self, entry: Entry, ordering: &mut Ordering) -> Result<(), Error> {
        ordering.group_length = Some(self.arranged.entries.len());
        ordering.group_len = 0;
        ordering.len += entry.len;
        Ok(self.arranged.entries.push(entry.to_bytes())?)
    }

    /// Ends a group after which another comes: its length is one number.
    fn end_group(&mut self, ordering: &mut Ordering) -> Result<(), Error> {
        let Some(number) = ordering.group_length.take() else { return Ok(()) };
        let mut entry = Entry::from_bytes(self.arranged.entries.get(number)?);
        let before = entry.len;
        entry.kind = match u32::try_from(ordering.group_len) {
            Ok(len) => Kind::GroupLength(len),
            Err(_) => {
                self.warnings.add(Warning::GroupTooLong(entry.tag.group()));
                Kind::Nothing
            }
        };
        entry.len = if entry.kind == Kind::Nothing { 0 } else { 12 };
        ordering.len = ordering.len + entry.len - before;
        self.set_group_length(number, entry, ordering)
    }

    /// Ends the last group. Its length may be several numbers as it was received, of which the first counts, or none.
    fn end_last_group(&mut self, ordering: &mut Ordering) -> Result<(), Error> {
        let Some(number) = ordering.group_length else { return Ok(()) };
        let mut entry = Entry::from_bytes(self.arranged.entries.get(number)?);
        let received = if entry.kind == Kind::Copy { self.reader.element(entry.at)?.len } else { 4 };
        match u32::try_from(ordering.group_len) {
            Ok(len) if received > 4 || received & 3 != 0 => {
                entry.kind = if received & 3 == 0 { Kind::FirstValue(len) } else { Kind::Copy };
                self.set_group_length(number, entry, ordering)
            }
            _ => self.end_group(ordering),
        }
    }

    fn set_group_length(&mut self, number: u64, entry: Entry, ordering: &mut Ordering) -> Result<(), Error> {
        if entry.tag.group() == Tag::PADDING.group() {
            ordering.padding_group = Some(number);
        }
        Ok(self.arranged.entries.set(number, entry.to_bytes())?)
    }

    fn leave_room_for_padding(&mut self, ordering: &mut Ordering) -> Result<(), Error> {
        ordering.padding = Some(self.arranged.entries.len());
        let entry = Entry { tag: Tag::PADDING, kind: Kind::Nothing, at: 0, len: 0, child: NONE };
        Ok(self.arranged.entries.push(entry.to_bytes())?)
    }

    fn pad(&mut self, ordering: &mut Ordering, before: u64, multiple: u32) -> Result<(), Error> {
        let header = self.arranged.output.padding_header();
        let Some(value) = padding(before + ordering.len, multiple, header) else { return Ok(()) };
        if ordering.padding.is_none() {
            self.leave_room_for_padding(ordering)?;
        }
        let Some(number) = ordering.padding else { return Ok(()) };
        let len = header + value;
        let kind = Kind::Padding(value as u32);
        let entry = Entry { tag: Tag::PADDING, kind, at: 0, len, child: NONE };
        self.arranged.entries.set(number, entry.to_bytes())?;
        ordering.len += len;
        // Its group's length counts it.
        if let Some(number) = ordering.padding_group {
            let mut entry = Entry::from_bytes(self.arranged.entries.get(number)?);
            match &mut entry.kind {
                Kind::GroupLength(value) | Kind::FirstValue(value) => *value = value.wrapping_add(len as u32),
                _ => {}
            }
            self.arranged.entries.set(number, entry.to_bytes())?;
        }
        Ok(())
    }
}

impl Arranged {
    /// Bytes of the data set in order.
    pub(crate) fn len(&mut self) -> Result<u64, Error> {
        match self.levels.len().checked_sub(1) {
            Some(number) => Ok(self.level(number)?.len),
            None => Ok(0),
        }
    }

    /// Writes the data set in order.
    pub(crate) fn write(&mut self, source: &impl Source, out: &mut dyn Append) -> Result<(), Error> {
        write::write(self, source, out)
    }
}

/// The header of a sequence with stirred items, as it was written.
fn sequence_header(output: &Output, tag: Tag, content: u64) -> super::emit::Header {
    let len = if delimiter_len(content, output) > 0 { UNDEFINED } else { content as u32 };
    output.header(tag, Vr::SQ, len)
}
