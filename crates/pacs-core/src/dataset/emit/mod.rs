//! Writes what a walk tells, in the wanted form and in the order of arrival.
//!
//! Lengths that stand before what they measure are written as a guess and corrected when their end has come, so that one
//! pass suffices; see [`Lengths`] for who cannot go back. Where an element is out of order, it is written where it is, and
//! the data set or item it is in is recorded as *stirred*: a second pass puts its elements into order.

mod group;
mod text;
mod value;

use super::form::{Encoding, Form, GroupLengths, LengthForm};
use super::pending::Pending;
use super::plan::{Lengths, Slot};
use super::refusal::{Error, Reason, Refusal, Warning, Warnings};
use super::spill::{Spill, numbers_from_bytes, numbers_to_bytes};
use super::storage::{ScratchMaker, Sink};
use super::tag::Tag;
use super::vr::{LengthField, Padding, Vr};
use super::walk::{Chunk, Element, Order, UNDEFINED, Visit};
use super::watch::Watch;
use group::GroupLength;
use std::sync::Arc;
use value::Streaming;

/// The largest length that is not "undefined".
pub(crate) const LONGEST: u64 = UNDEFINED as u64 - 1;

/// What of a form concerns the writing of elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) encoding: Encoding,
    pub(crate) undefined_lengths: bool,
    pub(crate) group_lengths: GroupLengths,
    /// Multiples to pad the file and items to; 0: none.
    pub(crate) file_padding: u32,
    pub(crate) item_padding: u32,
    /// Neither padding nor group lengths are touched.
    pub(crate) hands_off: bool,
    pub(crate) new_vrs: bool,
    /// Whether encapsulated pixel data can be written: only in the syntax they came in.
    pub(crate) fragments: bool,
}

impl Output {
    pub(crate) fn new(form: &Form, encoding: Encoding, fragments: bool) -> Output {
        Output {
            encoding,
            undefined_lengths: form.lengths == LengthForm::Undefined,
            group_lengths: form.group_lengths,
            file_padding: form.padding.file,
            item_padding: form.padding.item,
            hands_off: form.padding.file & 1 == 1 || form.padding.item & 1 == 1,
            new_vrs: form.new_vrs,
            fragments,
        }
    }

    /// The header of an element in this output.
    #[inline]
    pub(crate) fn header(&self, tag: Tag, vr: Vr, len: u32) -> Header {
        let big = self.encoding.is_big();
        let [a, b, c, d] = tag.bytes(big);
        let [e, f, g, h] = number(len, big);
        if !self.encoding.is_explicit() {
            return Header { bytes: [a, b, c, d, e, f, g, h, 0, 0, 0, 0], len: 8 };
        }
        let [v, w] = vr.bytes();
        match vr.length_field() {
            LengthField::Four => Header { bytes: [a, b, c, d, v, w, 0, 0, e, f, g, h], len: 12 },
            LengthField::Two => {
                let [g, h] = if big { [g, h] } else { [e, f] };
                Header { bytes: [a, b, c, d, v, w, g, h, 0, 0, 0, 0], len: 8 }
            }
        }
    }

    /// The header of an item, fragment or delimiter.
    #[inline]
    pub(crate) fn bare_header(&self, tag: Tag, len: u32) -> [u8; 8] {
        let big = self.encoding.is_big();
        let [a, b, c, d] = tag.bytes(big);
        let [e, f, g, h] = number(len, big);
        [a, b, c, d, e, f, g, h]
    }

    /// The VR that is written for one in the tree, and `len` bytes of value.
    #[inline]
    pub(crate) fn vr(&self, vr: Vr, len: u32) -> Vr {
        let vr = if self.new_vrs { vr } else { vr.of_1993() };
        if len > 0xFFFF && vr.length_field() == LengthField::Two && self.encoding.is_explicit() {
            // A length field of two bytes cannot say it (PS3.5 6.2.2, note 3).
            return if self.new_vrs { Vr::UN } else { Vr::OB };
        }
        vr
    }

    /// Bytes of a padding element's header.
    pub(crate) fn padding_header(&self) -> u64 {
        if self.encoding.is_explicit() { 12 } else { 8 }
    }
}

/// An encoded header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    bytes: [u8; 12],
    len: usize,
}

impl Header {
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[inline]
pub(crate) const fn number(number: u32, big: bool) -> [u8; 4] {
    if big { number.to_be_bytes() } else { number.to_le_bytes() }
}

/// Bytes of value of the padding element that brings `len` bytes to a multiple of `to`. None: they are one.
pub(crate) fn padding(len: u64, to: u32, header: u64) -> Option<u64> {
    let to = u64::from(to);
    let missing = len.next_multiple_of(to) - len;
    // The header must fit, else it takes further steps.
    let value = missing + header.saturating_sub(missing).next_multiple_of(to) - header;
    // DCMTK: behind something of odd length, which OW can be, the padding is one byte too long rather than odd itself.
    (missing != 0).then_some(value + (value & 1))
}

/// A data set or item in which elements must be put into order, or the data set around such. Positions count from the first
/// byte of the data set as written in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stirred {
    /// Where the item's header is; 0 for the data set.
    pub(crate) header: u64,
    /// Where its first element is.
    pub(crate) content: u64,
    /// Where its last ends.
    pub(crate) end: u64,
    /// Where its delimiter, if it has one, ends.
    pub(crate) after: u64,
    /// The number of the first record that is of something within it, or its own.
    pub(crate) first: u64,
}

impl Stirred {
    pub(crate) const BYTES: usize = 40;

    /// The record of a data set of that many bytes, which comes last.
    pub(crate) const fn data_set(end: u64) -> Stirred {
        Stirred { header: 0, content: 0, end, after: end, first: 0 }
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        numbers_to_bytes([self.header, self.content, self.end, self.after, self.first])
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Stirred {
        let [header, content, end, after, first] = numbers_from_bytes(bytes);
        Stirred { header, content, end, after, first }
    }
}

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
            streaming: Streaming::Skip,
            stirred: Spill::new(memory, scratch),
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
        if known_group && element.order == Order::Ascending && tag != Tag::PADDING && !tag.is_group_length() {
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
        self.own(emitter_header(self.emitter, Tag::PADDING, Vr::OB, len as u32).as_bytes());
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
        self.own(emitter_header(self.emitter, element.tag, vr, len).as_bytes());
        self.own(value);
        pad.into_iter().for_each(|pad| self.own(&[pad]));
    }

    /// Writes a header, by reference if it is the one that was read.
    #[inline]
    fn put_header(&mut self, header: &[u8], read: Chunk<'_>) {
        if header == read.bytes {
            self.put(read);
        } else {
            self.own(header);
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
                self.put_header(header.as_bytes(), read);
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
        if self.watch.may_want(element.tag) {
            let at = self.pending.position();
            let levels = || self.below.iter().chain(std::iter::once(&self.level)).filter(|level| level.is_sequence);
            let path = || levels().flat_map(|level| [level.tag.number(), level.items]).collect();
            self.watch.see(element.tag, element.vr, value, at, path);
        }
    }
}

fn emitter_header(emitter: &Emitter, tag: Tag, vr: Vr, len: u32) -> Header {
    emitter.output.header(tag, vr, len)
}

impl<S: Sink> Visit for Pass<'_, S> {
    type Error = Error;

    #[inline]
    fn element(&mut self, element: &Element, header: usize, whole: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            return Ok(());
        }
        match self.admit(element)? {
            Admit::Write => match self.replacement(element) {
                None => self.put_element(element, header, whole)?,
                Some(which) => self.put_replacement(element, which),
            },
            Admit::Drop => {}
            Admit::GroupLength => self.put_group_length(element, header, whole)?,
        }
        self.make_room()
    }

    fn value_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Error> {
        self.emitter.streaming = Streaming::Skip;
        if self.emitter.muted > 0 {
            return Ok(());
        }
        match self.admit(element)? {
            Admit::Write => match self.replacement(element) {
                None => self.start_value(element, header),
                Some(which) => {
                    self.put_replacement(element, which);
                    self.make_room()
                }
            },
            Admit::Drop => Ok(()),
            Admit::GroupLength if element.vr == Vr::UL => {
                // Sixteen thousand lengths for one group: sorting takes the first.
                self.emitter.stir();
                self.start_value(element, header)
            }
            Admit::GroupLength => self.replace_group_length(element),
        }
    }

    #[inline]
    fn value(&mut self, piece: Chunk<'_>) -> Result<(), Error> {
        self.put_piece(piece)?;
        self.make_room()
    }

    fn value_end(&mut self) -> Result<(), Error> {
        self.end_value()
    }

    fn sequence_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            self.emitter.muted += 1;
            return Ok(());
        }
        match self.admit(element)? {
            Admit::Write => {}
            Admit::Drop => {
                self.emitter.muted = 1;
                return Ok(());
            }
            Admit::GroupLength => {
                self.emitter.muted = 1;
                return self.replace_group_length(element);
            }
        }
        self.emitter.see(element, None);
        self.open(Level::new(true, element.tag), element.len, Some(Vr::SQ), header)
    }

    fn sequence_end(&mut self, delimiter: Option<Chunk<'_>>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            self.emitter.muted -= 1;
            return Ok(());
        }
        self.close(Tag::SEQUENCE_END, delimiter)
    }

    fn item_start(&mut self, len: u32, header: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            return Ok(());
        }
        self.emitter.level.items = self.emitter.level.items.saturating_add(1);
        self.open(Level::new(false, Tag::ITEM), len, None, header)
    }

    fn item_end(&mut self, delimiter: Option<Chunk<'_>>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            return Ok(());
        }
        self.end_of_elements()?;
        self.close(Tag::ITEM_END, delimiter)
    }

    fn fragments_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            self.emitter.muted += 1;
            return Ok(());
        }
        if self.admit(element)? == Admit::Drop {
            self.emitter.muted = 1;
            return Ok(());
        }
        // DCMTK: within a sequence in the disguise of UN, whose encoding is implicit, they are in another syntax.
        let implicit = header.bytes.len() == 8;
        if !self.emitter.output.fragments || implicit {
            // It is read to the end all the same: what is wrong there matters more.
            let offset = self.emitter.pending.position();
            let reason = Reason::PixelRepresentationNotFound;
            self.emitter.doom = Some(Refusal { reason, offset, tag: Some(element.tag) });
            self.emitter.muted = DOOMED;
            return Ok(());
        }
        let written = self.emitter.output.header(element.tag, Vr::OB, UNDEFINED);
        self.put_header(written.as_bytes(), header);
        Ok(())
    }

    fn fragment(&mut self, whole: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted == 0 {
            let len = whole.bytes.len() as u32 - 8;
            let header = self.emitter.output.bare_header(Tag::ITEM, len + (len & 1));
            self.put_header(&header, whole.to(8));
            self.put(whole.from(8));
            if len & 1 == 1 {
                self.own(&[0]);
            }
        }
        self.make_room()
    }

    fn fragment_start(&mut self, len: u32, header: Chunk<'_>) -> Result<(), Error> {
        self.emitter.streaming = Streaming::Skip;
        if self.emitter.muted == 0 {
            let written = self.emitter.output.bare_header(Tag::ITEM, len + (len & 1));
            self.put_header(&written, header);
            self.emitter.streaming = Streaming::Plain { odd: len & 1 == 1 };
        }
        Ok(())
    }

    fn fragments_end(&mut self, delimiter: Chunk<'_>) -> Result<(), Error> {
        if self.emitter.muted > 0 {
            self.emitter.muted -= 1;
            return Ok(());
        }
        let header = self.emitter.output.bare_header(Tag::SEQUENCE_END, 0);
        self.put_header(&header, delimiter);
        self.make_room()
    }

    fn dropped(&mut self) {
        self.emitter.changed = true;
    }

    fn warn(&mut self, warning: Warning) {
        self.emitter.warnings.add(warning);
    }
}

/// More open sequences than there can be: nothing is written any more.
const DOOMED: u32 = 1 << 31;
