//! An incremental walk over an encoded data set: it is given bytes as they arrive, cut anywhere, and tells what they are.
//!
//! The walk reads what DCMTK reads and refuses what DCMTK refuses; where the standard leaves a choice, or a sender breaks
//! it, the rule is DCMTK's. It keeps one [`Frame`] for each open sequence and item, never recurses, holds no value but one
//! that arrives in pieces and must be seen as a whole, and allocates nothing by a length that the data declare.

mod element;
mod plain;
mod visit;

use super::pending::Place;
use super::refusal::{Reason, Refusal, Warning};
use super::tag::Tag;
use super::vr::{CreatorId, Dictionary};
pub(crate) use visit::{Chunk, Element, Order, Plain, Visit};

/// The length that means "until a delimiter".
pub(crate) const UNDEFINED: u32 = u32::MAX;

/// Values up to this long are seen as a whole, even if they arrive in pieces, where their content matters.
pub(crate) const WHOLE: u32 = 65_536;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    DataSet,
    Item,
    Sequence,
    Fragments,
}

/// What Waveform Bits Allocated said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waveform {
    Unread,
    Eight,
    Other,
}

/// An open data set, item or sequence.
#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: Kind,
    explicit: bool,
    big: bool,
    /// Where it ends by its length; never, if that is undefined.
    end: u64,
    /// Where its content began.
    start: u64,
    /// The tag of a sequence.
    tag: Tag,
    /// A sequence that is UN of defined length by its header.
    converted: bool,
    /// The largest tag read, and one more.
    largest: u64,
    /// Whether Pixel Representation was read, and said signed.
    signed: Option<bool>,
    waveform: Waveform,
    /// How many creators other frames have registered.
    creators: usize,
}

const NEVER: u64 = u64::MAX;

/// Who reserved a block of private elements.
#[derive(Debug, Clone, Copy)]
struct Creator {
    /// Group and block.
    block: u32,
    id: CreatorId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A header comes next.
    Header,
    /// That many bytes of a value come next.
    Value(u64),
    /// The data set has ended, whatever comes.
    Done,
}

/// What a look at the next bytes gave.
enum Step {
    /// That many of them are dealt with.
    Used(usize),
    /// That many must be there, and must be seen at once.
    Need(usize),
}

/// How a data set is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) explicit: bool,
    pub(crate) big: bool,
    /// Whether Pixel Data at the top must be a sequence of fragments.
    pub(crate) encapsulated: bool,
    /// Whether UN elements of defined length get the VR of the dictionary.
    pub(crate) convert_un: bool,
    /// Sequences within each other, encapsulated pixel data counting as one.
    pub(crate) depth: usize,
}

pub(crate) struct Walker<'d> {
    dictionary: &'d Dictionary,
    reading: Reading,
    top: Frame,
    below: Vec<Frame>,
    /// Open sequences.
    depth: usize,
    state: State,
    position: u64,
    /// The start of something that must be seen as a whole.
    carry: Vec<u8>,
    need: usize,
    /// Whether the header of what is carried is all there.
    within_value: bool,
    creators: Vec<Creator>,
    pixel_data_read: bool,
    /// Length of the value that arrives in pieces.
    value: u32,
}

impl<'d> Walker<'d> {
    pub(crate) fn new(reading: Reading, dictionary: &'d Dictionary) -> Walker<'d> {
        let top = Frame {
            kind: Kind::DataSet,
            explicit: reading.explicit,
            big: reading.big,
            end: NEVER,
            start: 0,
            tag: Tag::ITEM,
            converted: false,
            largest: 0,
            signed: None,
            waveform: Waveform::Unread,
            creators: 0,
        };
        Walker {
            dictionary,
            reading,
            top,
            below: Vec::new(),
            depth: 0,
            state: State::Header,
            position: 0,
            carry: Vec::new(),
            need: 0,
            within_value: false,
            creators: Vec::new(),
            pixel_data_read: false,
            value: 0,
        }
    }

    /// Walks over the next bytes, which are slice number `slice` of the current call.
    pub(crate) fn feed<V: Visit>(&mut self, bytes: &[u8], slice: u32, visit: &mut V) -> Result<(), V::Error> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = Chunk { bytes: &bytes[at..], place: Some(Place { slice, start: at }) };
            match self.state {
                State::Done => {
                    visit.dropped();
                    return Ok(());
                }
                State::Value(left) => {
                    let count = left.min(rest.bytes.len() as u64);
                    at += count as usize;
                    self.position += count;
                    visit.value(rest.to(count as usize))?;
                    self.state = State::Value(left - count);
                    if left == count {
                        self.state = State::Header;
                        visit.value_end()?;
                    }
                }
                State::Header if self.carry.is_empty() => match self.step(rest, visit)? {
                    Step::Used(count) => {
                        at += count;
                        self.position += count as u64;
                    }
                    Step::Need(need) => {
                        self.carry.extend_from_slice(rest.bytes);
                        self.need = need;
                        return Ok(());
                    }
                },
                State::Header => {
                    let more = rest.bytes.len().min(self.need - self.carry.len());
                    self.carry.extend_from_slice(&rest.bytes[..more]);
                    at += more;
                    if self.carry.len() == self.need {
                        self.step_carried(visit)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Bytes still to come of a value whose start has been told; 0 where something else comes next.
    pub(crate) fn value_left(&self) -> u64 {
        match self.state {
            State::Value(left) => left,
            _ => 0,
        }
    }

    /// Passes over bytes of that value, at most all of them, without seeing them: who can seek need not read them.
    pub(crate) fn skip<V: Visit>(&mut self, count: u64, visit: &mut V) -> Result<(), V::Error> {
        let State::Value(left) = self.state else { return Ok(()) };
        let count = count.min(left);
        self.position += count;
        self.state = State::Value(left - count);
        if left == count {
            self.state = State::Header;
            visit.value_end()?;
        }
        Ok(())
    }

    /// Looks at what is carried, now that it is as long as it needed to be.
    fn step_carried<V: Visit>(&mut self, visit: &mut V) -> Result<(), V::Error> {
        let mut carry = std::mem::take(&mut self.carry);
        let carried = Chunk { bytes: &carry, place: None };
        match self.step(carried, visit)? {
            Step::Used(count) => {
                self.position += count as u64;
                // The start of a value, if anything.
                let rest = carried.from(count);
                if let State::Value(left) = self.state {
                    self.position += rest.bytes.len() as u64;
                    self.state = State::Value(left - rest.bytes.len() as u64);
                    visit.value(rest)?;
                }
                carry.clear();
            }
            Step::Need(need) => self.need = need,
        }
        self.carry = carry;
        Ok(())
    }

    /// Ends the walk: there are no more bytes.
    pub(crate) fn finish<V: Visit>(&mut self, visit: &mut V) -> Result<(), V::Error> {
        match self.state {
            State::Done => return Ok(()),
            State::Value(_) => return Err(self.refuse(Reason::InvalidStream).into()),
            State::Header => {}
        }
        if !self.carry.is_empty() {
            if !self.is_stunted_sequence() {
                let reason = if self.within_value { Reason::InvalidStream } else { Reason::PrematureEnd };
                return Err(self.refuse(reason).into());
            }
            visit.dropped();
            self.position = self.top.end;
        }
        loop {
            match self.top.kind {
                Kind::DataSet => return Ok(()),
                // DCMTK: the end of the data ends items, but not sequences.
                Kind::Item => self.end_of_item(None, visit)?,
                Kind::Sequence if self.position >= self.top.end => self.end_of_sequence(None, visit)?,
                Kind::Sequence | Kind::Fragments => {
                    return Err(self.refuse(Reason::SequenceDelimiterMissing).into());
                }
            }
        }
    }

    /// Whether the data end within a value of which nothing is there, or that has more than so many bytes.
    pub(crate) fn ends_in_value_longer_than(&self, len: u32) -> bool {
        match self.state {
            State::Value(left) => self.value > len || left == u64::from(self.value),
            // Within its first bytes, or those of a value that must be seen as a whole.
            _ => self.need > 12 && (self.value > len || self.carry.len() <= 8),
        }
    }

    /// Whether the data end with a UN element of less than 8 bytes that the dictionary calls a sequence.
    // DCMTK: it becomes an empty one.
    fn is_stunted_sequence(&self) -> bool {
        let top = &self.top;
        top.converted && top.position_is_start(self.position) && top.end == self.position + self.carry.len() as u64
    }

    #[inline]
    fn step<V: Visit>(&mut self, chunk: Chunk<'_>, visit: &mut V) -> Result<Step, V::Error> {
        while self.position >= self.top.end {
            match self.top.kind {
                Kind::Item => self.end_of_item(None, visit)?,
                _ => self.end_of_sequence(None, visit)?,
            }
        }
        self.within_value = false;
        if chunk.bytes.len() < 8 {
            return Ok(Step::Need(8));
        }
        match self.top.kind {
            Kind::DataSet | Kind::Item => {
                if let Some(plain) = visit.plain()
                    && plain.big == self.top.big
                    && let run @ 1.. = self.pass_plain(chunk, plain, visit)?
                {
                    return Ok(Step::Used(run));
                }
                self.step_element(chunk, visit)
            }
            Kind::Sequence => self.step_item(chunk, visit),
            Kind::Fragments => self.step_fragment(chunk, visit),
        }
    }

    /// An element with a tag that has no VR.
    fn delimiter<V: Visit>(&mut self, tag: Tag, chunk: Chunk<'_>, visit: &mut V) -> Result<Step, V::Error> {
        match tag {
            // What its length field says is not looked at.
            Tag::ITEM_END if self.top.kind == Kind::Item => {
                self.end_of_item(Some(chunk.to(8)), visit)?;
                Ok(Step::Used(8))
            }
            // DCMTK: at the top it ends the data set.
            Tag::ITEM_END => {
                visit.dropped();
                self.state = State::Done;
                Ok(Step::Used(8))
            }
            Tag::SEQUENCE_END => Err(self.refuse_at(Reason::ItemDelimiterMissing, tag).into()),
            _ => Err(self.refuse_at(Reason::InvalidTag, tag).into()),
        }
    }

    fn step_item<V: Visit>(&mut self, chunk: Chunk<'_>, visit: &mut V) -> Result<Step, V::Error> {
        let Some(&[t0, t1, t2, t3, a, b, c, d]) = chunk.bytes.first_chunk::<8>() else { return Ok(Step::Need(8)) };
        let (explicit, big, sequence) = (self.top.explicit, self.top.big, self.top.tag);
        let len = number([a, b, c, d], big);
        match Tag::read([t0, t1, t2, t3], big) {
            Tag::ITEM => {
                if len & 1 == 1 && len != UNDEFINED {
                    visit.warn(Warning::OddItem(sequence));
                }
                visit.item_start(len, chunk.to(8))?;
                let end = if len == UNDEFINED { NEVER } else { self.position + 8 + u64::from(len) };
                self.push(Kind::Item, 8, end);
                (self.top.explicit, self.top.big, self.top.tag) = (explicit, big, sequence);
            }
            Tag::SEQUENCE_END => self.end_of_sequence(Some(chunk.to(8)), visit)?,
            other => return Err(self.refuse_at(Reason::SequenceDelimiterMissing, other).into()),
        }
        Ok(Step::Used(8))
    }

    fn step_fragment<V: Visit>(&mut self, chunk: Chunk<'_>, visit: &mut V) -> Result<Step, V::Error> {
        let Some(&[t0, t1, t2, t3, a, b, c, d]) = chunk.bytes.first_chunk::<8>() else { return Ok(Step::Need(8)) };
        let big = self.below.last().is_some_and(|frame| frame.big);
        let len = number([a, b, c, d], big);
        match Tag::read([t0, t1, t2, t3], big) {
            Tag::ITEM if len == UNDEFINED => Err(self.refuse_at(Reason::CorruptedData, Tag::ITEM).into()),
            Tag::ITEM => {
                let whole = 8usize.saturating_add(len as usize);
                if chunk.bytes.len() >= whole {
                    visit.fragment(chunk.to(whole))?;
                    return Ok(Step::Used(whole));
                }
                visit.fragment_start(len, chunk.to(8))?;
                (self.state, self.value) = (State::Value(u64::from(len)), len);
                Ok(Step::Used(8))
            }
            Tag::SEQUENCE_END => {
                visit.fragments_end(chunk.to(8))?;
                self.pop();
                self.depth -= 1;
                Ok(Step::Used(8))
            }
            other => Err(self.refuse_at(Reason::SequenceDelimiterMissing, other).into()),
        }
    }

    fn end_of_item<V: Visit>(&mut self, delimiter: Option<Chunk<'_>>, visit: &mut V) -> Result<(), V::Error> {
        visit.item_end(delimiter)?;
        self.pop();
        Ok(())
    }

    fn end_of_sequence<V: Visit>(&mut self, delimiter: Option<Chunk<'_>>, visit: &mut V) -> Result<(), V::Error> {
        visit.sequence_end(delimiter)?;
        self.pop();
        self.depth -= 1;
        Ok(())
    }

    fn push(&mut self, kind: Kind, header: usize, end: u64) {
        let opened = Frame {
            kind,
            end,
            start: self.position + header as u64,
            converted: false,
            largest: 0,
            signed: None,
            waveform: Waveform::Unread,
            creators: self.creators.len(),
            ..self.top
        };
        self.below.push(std::mem::replace(&mut self.top, opened));
    }

    fn pop(&mut self) {
        self.creators.truncate(self.top.creators);
        if let Some(frame) = self.below.pop() {
            self.top = frame;
        }
    }

    fn refuse(&self, reason: Reason) -> Refusal {
        Refusal::at(reason, self.position)
    }

    fn refuse_at(&self, reason: Reason, tag: Tag) -> Refusal {
        Refusal { reason, offset: self.position, tag: Some(tag) }
    }
}

impl Frame {
    fn position_is_start(&self, position: u64) -> bool {
        self.kind == Kind::Sequence && self.start == position
    }
}

#[inline]
const fn number(bytes: [u8; 4], big: bool) -> u32 {
    if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

#[inline]
const fn short(bytes: [u8; 2], big: bool) -> u16 {
    if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
}
