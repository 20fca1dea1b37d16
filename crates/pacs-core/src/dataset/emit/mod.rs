//! Writes what a walk tells, in the wanted form and in the order of arrival.
//!
//! Lengths that stand before what they measure are written as a guess and corrected when their end has come, so that one
//! pass suffices; see [`Lengths`] for who cannot go back. Where an element is out of order, it is written where it is, and
//! the data set or item it is in is recorded as *stirred*: a second pass puts its elements into order.

mod group;
mod output;
mod stirred;
mod text;
mod value;
mod visit;

use super::form::GroupLengths;
use super::pending::Pending;
use super::plan::{Lengths, Slot};
use super::refusal::{Error, Refusal, Warning, Warnings};
use super::spill::Spill;
use super::storage::{ScratchMaker, Sink};
use super::tag::Tag;
use super::vr::{Padding, Vr};
use super::walk::{Chunk, Element, Order, UNDEFINED};
use super::watch::Watch;
use group::GroupLength;
pub(crate) use output::{Header, LONGEST, Output, number, padding};
use std::sync::Arc;
pub(crate) use stirred::Stirred;
use value::Streaming;

/// An open data set, item or sequence, as it is written.
#[derive(Debug, Clone, Copy)]
struct Level {
    is_sequence: bool,
    /// The tag of a sequence.
    tag: Tag,
    /// Items of a sequence so far.
    items: u32,
    header: u64,
    content: u64,
    /// The length in its header, if that is not undefined.
    slot: Option<Slot>,
    /// The group of the element with the largest tag; more than any, if there is none.
    group: u32,
    group_length: Option<GroupLength>,
    stirred: bool,
    first_record: u64,
}

impl Level {
    const fn new(is_sequence: bool, tag: Tag) -> Level {
        Level {
            is_sequence,
            tag,
            items: 0,
            header: 0,
            content: 0,
            slot: None,
            group: u32::MAX,
            group_length: None,
            stirred: false,
            first_record: 0,
        }
    }
}

/// What to do with an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admit {
    Write,
    Drop,
    /// It is a group length to recalculate.
    GroupLength,
}

/// The state of writing one data set.
pub(crate) struct Emitter {
    pub(crate) output: Output,
    pub(crate) pending: Pending,
    pub(crate) lengths: Lengths,
    level: Level,
    below: Vec<Level>,
    /// Open sequences whose content is dropped.
    muted: u32,
    pub(crate) doom: Option<Refusal>,
    /// Open sequences from the first on that may be a duplicate, or be within one.
    doubtful: u32,
    /// Encapsulated pixel data that cannot be written, where it may be in a duplicate that is dropped.
    pub(crate) doubts: Vec<(u64, Refusal)>,
    streaming: Streaming,
    /// Records of stirred data sets and items, those within before those around.
    pub(crate) stirred: Spill<{ Stirred::BYTES }>,
    /// Whether what is written differs from what was read.
    pub(crate) changed: bool,
    /// Whether elements were read.
    any: bool,
    pub(crate) warnings: Warnings,
    pub(crate) watch: Watch,
    /// Values that take the place of those at the top.
    pub(crate) replace: Arc<[Replacement]>,
    buffer: Vec<u8>,
}

/// Another value for an element at the top of a data set, if that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The element. Sequences stay as they are.
    pub tag: Tag,
    /// The value without padding, in the encoding of its VR.
    pub value: Vec<u8>,
}

impl Emitter {
    pub(crate) fn new(output: Output, lengths: Lengths, watch: Watch, memory: usize, scratch: ScratchMaker) -> Emitter {
        Emitter {
            output,
            pending: Pending::default(),
            lengths,
            level: Level::new(false, Tag::ITEM),
            below: Vec::new(),
            muted: 0,
            doom: None,
            doubtful: 0,
            doubts: Vec::new(),
            streaming: Streaming::Skip,
            stirred: Spill::new(memory / 4, scratch),
            changed: false,
            any: false,
            warnings: Warnings::default(),
            watch,
            replace: Arc::default(),
            buffer: Vec::new(),
        }
    }

    /// Whether elements must be put into order.
    pub(crate) fn is_stirred(&self) -> bool {
        self.level.stirred
    }
}

/// One call's part of the writing.
pub(crate) struct Pass<'p, S> {
    pub(crate) emitter: &'p mut Emitter,
    pub(crate) slices: &'p [&'p [u8]],
    pub(crate) sink: &'p mut S,
}

impl<S: Sink> Pass<'_, S> {
    /// Ends the data set.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        if let Some(doom) = self.emitter.doom {
            return Err(doom.into());
        }
        if self.emitter.any {
            self.end_of_elements()?;
        }
        let emitter = &mut *self.emitter;
        emitter.pending.flush(self.slices, self.sink)?;
        if emitter.level.stirred {
            let end = emitter.pending.position();
            emitter.stirred.push(Stirred::data_set(end).to_bytes())?;
        }
        Ok(())
    }

    #[inline]
    fn admit(&mut self, element: &Element) -> Result<Admit, Error> {
        let tag = element.tag;
        let known_group = u32::from(tag.group()) == self.emitter.level.group;
        if known_group && element.order == Order::Ascending && tag < Tag::PADDING && !tag.is_group_length() {
            return Ok(Admit::Write);
        }
        self.admit_other(element)
    }

    fn admit_other(&mut self, element: &Element) -> Result<Admit, Error> {
        let emitter = &mut *self.emitter;
        let tag = element.tag;
        emitter.any = true;
        if element.order == Order::Duplicate {
            emitter.warnings.add(Warning::FoundTwice(tag));
            emitter.changed = true;
            return Ok(Admit::Drop);
        }
        let misplaced = element.order == Order::Misplaced;
        if !emitter.output.hands_off {
            let removes = emitter.output.group_lengths != GroupLengths::Recalculate;
            if tag == Tag::PADDING || (tag.is_group_length() && removes) {
                if misplaced {
                    emitter.warnings.add(Warning::NotAscending(tag));
                }
                emitter.changed = true;
                return Ok(Admit::Drop);
            }
            if tag.is_group_length() {
                if misplaced {
                    emitter.stir();
                }
                return Ok(Admit::GroupLength);
            }
        }
        if misplaced {
            emitter.stir();
            return Ok(Admit::Write);
        }
        let group = u32::from(tag.group());
        if group != emitter.level.group {
            self.start_group(tag.group())?;
            self.emitter.level.group = group;
        }
        // Padding comes before these, but cannot be told before they have passed.
        if tag > Tag::PADDING && self.emitter.padding_multiple() != 0 {
            self.emitter.stir();
        }
        Ok(Admit::Write)
    }

    /// Ends the elements of the data set or of an item: the last group length is known, padding is added.
    fn end_of_elements(&mut self) -> Result<(), Error> {
        let emitter = &mut *self.emitter;
        let multiple = emitter.padding_multiple();
        if multiple != 0 && !emitter.level.stirred {
            if emitter.level.group != u32::from(Tag::PADDING.group()) {
                self.end_group()?;
            }
            self.pad(multiple)?;
        }
        self.end_group()
    }

    fn pad(&mut self, multiple: u32) -> Result<(), Error> {
        let emitter = &mut *self.emitter;
        let before = if emitter.below.is_empty() { emitter.pending.base } else { 0 };
        let len = before + emitter.pending.position() - emitter.level.content;
        let Some(len) = padding(len, multiple, emitter.output.padding_header()) else { return Ok(()) };
        emitter.changed = true;
        let header = emitter.output.header(Tag::PADDING, Vr::OB, len as u32);
        self.own(header.as_bytes());
        self.zeros(len)
    }

    fn zeros(&mut self, mut count: u64) -> Result<(), Error> {
        const ZEROS: [u8; 4096] = [0; 4096];
        while count > 0 {
            let now = count.min(ZEROS.len() as u64);
            self.own(&ZEROS[..now as usize]);
            self.make_room()?;
            count -= now;
        }
        Ok(())
    }

    /// Which replacement is for this element.
    #[inline]
    fn replacement(&self, element: &Element) -> Option<usize> {
        let emitter = &*self.emitter;
        if emitter.replace.is_empty() || !emitter.below.is_empty() {
            return None;
        }
        emitter.replace.iter().position(|replacement| replacement.tag == element.tag)
    }

    #[cold]
    fn put_replacement(&mut self, element: &Element, which: usize) {
        let all = Arc::clone(&self.emitter.replace);
        let Some(Replacement { value, .. }) = all.get(which) else { return };
        self.emitter.see(element, Some(value));
        self.emitter.changed = true;
        let pad = (value.len() & 1 == 1).then(|| if element.vr.padding() == Padding::Blank { b' ' } else { 0 });
        let len = value.len() as u32 + u32::from(pad.is_some());
        let vr = self.emitter.output.vr(element.vr, len);
        let header = self.emitter.output.header(element.tag, vr, len);
        self.own(header.as_bytes());
        self.own(value);
        pad.into_iter().for_each(|pad| self.own(&[pad]));
    }

    /// Writes a header, by reference if it is the one that was read.
    #[inline]
    fn put_header(&mut self, header: &Header, read: Chunk<'_>) {
        if header.is(read.bytes) {
            self.put(read);
        } else {
            self.own(header.as_bytes());
            self.emitter.changed = true;
        }
    }

    /// Writes bytes of the input.
    #[inline]
    fn put(&mut self, chunk: Chunk<'_>) {
        match chunk.place {
            Some(place) => self.emitter.pending.refer(place, chunk.bytes.len(), self.slices),
            None => self.emitter.pending.copy(chunk.bytes, self.slices),
        }
    }

    /// Writes other bytes.
    #[inline]
    fn own(&mut self, bytes: &[u8]) {
        self.emitter.pending.copy(bytes, self.slices);
    }

    #[inline]
    fn make_room(&mut self) -> Result<(), Error> {
        if self.emitter.pending.is_full() {
            self.emitter.pending.flush(self.slices, self.sink)?;
        }
        Ok(())
    }

    fn patch(&mut self, value: u32, position: u64) -> Result<(), Error> {
        let bytes = number(value, self.emitter.output.encoding.is_big());
        self.emitter.changed = true;
        Ok(self.emitter.pending.patch(&bytes, position, self.sink)?)
    }

    /// Opens a sequence or item: its header, with the length it has or is guessed to have.
    fn open(&mut self, mut level: Level, len: u32, vr: Option<Vr>, read: Chunk<'_>) -> Result<(), Error> {
        let emitter = &mut *self.emitter;
        let written = match emitter.output.undefined_lengths {
            true => UNDEFINED,
            false => {
                let slot = emitter.lengths.open(if len == UNDEFINED { 0 } else { len })?;
                level.slot = Some(slot);
                slot.written
            }
        };
        level.header = emitter.pending.position();
        level.first_record = emitter.stirred.len();
        match vr {
            Some(vr) => {
                let header = emitter.output.header(level.tag, vr, written);
                self.put_header(&header, read);
            }
            None => {
                let header = emitter.output.bare_header(Tag::ITEM, written);
                self.put_header(&header, read);
            }
        }
        level.content = self.emitter.pending.position();
        let around = std::mem::replace(&mut self.emitter.level, level);
        self.emitter.below.push(around);
        self.make_room()
    }

    /// Closes a sequence or item: its length becomes known, and a delimiter follows if the length does not say enough.
    fn close(&mut self, delimiter: Tag, read: Option<Chunk<'_>>) -> Result<(), Error> {
        let emitter = &mut *self.emitter;
        let level = emitter.level;
        let end = emitter.pending.position();
        let delimited = match level.slot {
            None => true,
            Some(slot) => {
                let len = end - level.content;
                let len = if len > LONGEST { UNDEFINED } else { len as u32 };
                if emitter.lengths.close(slot, len)? {
                    self.patch(len, level.content - 4)?;
                }
                len == UNDEFINED
            }
        };
        if delimited {
            let header = self.emitter.output.bare_header(delimiter, 0);
            self.put_header(&header, read.unwrap_or(Chunk { bytes: &[], place: None }));
        } else if read.is_some() {
            self.emitter.changed = true;
        }
        let emitter = &mut *self.emitter;
        if level.stirred && !level.is_sequence {
            let record = Stirred {
                header: level.header,
                content: level.content,
                end,
                after: emitter.pending.position(),
                first: level.first_record,
            };
            emitter.stirred.push(record.to_bytes())?;
        }
        if let Some(around) = emitter.below.pop() {
            emitter.level = around;
        }
        self.make_room()
    }
}

impl Emitter {
    /// Records that something in the open data set or item is not in its place.
    fn stir(&mut self) {
        self.level.stirred = true;
        for level in self.below.iter_mut().rev() {
            if level.stirred {
                break;
            }
            level.stirred = true;
        }
    }

    /// The multiple to which the open data set or item is padded. 0: not at all.
    fn padding_multiple(&self) -> u32 {
        match &self.output {
            output if output.hands_off => 0,
            output if self.below.is_empty() => output.file_padding,
            output => output.item_padding,
        }
    }

    #[inline]
    fn see(&mut self, element: &Element, value: Option<&[u8]>) {
        if self.watch.mask.may_want(element.tag) {
            let at = self.pending.position();
            let levels = || self.below.iter().chain(std::iter::once(&self.level)).filter(|level| level.is_sequence);
            let path = || levels().flat_map(|level| [level.tag.number(), level.items]).collect();
            self.watch.see(element.tag, element.vr, value, at, path);
        }
    }
}
