//! An incremental walk over an encoded data set: it is given bytes as they arrive, cut anywhere, and tells what they are.
//!
//! The walk reads what DCMTK reads and refuses what DCMTK refuses; where the standard leaves a choice, or a sender breaks
//! it, the rule is DCMTK's. It keeps one [`Frame`] for each open sequence and item, never recurses, holds no value but one
//! that arrives in pieces and must be seen as a whole, and allocates nothing by a length that the data declare.

use super::pending::Place;
use super::refusal::{Reason, Refusal, Warning};
use super::tag::Tag;
use super::vr::{
    CreatorId, DictVr, Dictionary, ExplicitVr, LengthField, Padding, Spelling, Vr, follows_waveform_bits,
    is_overlay_data, is_pixel_data, may_be_signed,
};

/// The length that means "until a delimiter".
pub(crate) const UNDEFINED: u32 = u32::MAX;

/// Values up to this long are seen as a whole, even if they arrive in pieces, where their content matters.
pub(crate) const WHOLE: u32 = 65_536;
/// Values up to this long are always seen as a whole.
const SMALL: u32 = 256;
/// So much of any longer one is seen at once.
const FIRST: usize = 8;
/// Private creators remembered in all open items together. Real objects have a few dozen; elements of creators beyond
/// these are unknown.
const CREATORS: usize = 65_536;

/// Bytes of the input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) bytes: &'a [u8],
    /// None: they will be gone after this call, for they are not among the slices that were given.
    pub(crate) place: Option<Place>,
}

impl<'a> Chunk<'a> {
    #[inline]
    pub(crate) fn from(self, start: usize) -> Chunk<'a> {
        let place = self.place.map(|place| Place { start: place.start + start, ..place });
        Chunk { bytes: self.bytes.get(start..).unwrap_or_default(), place }
    }

    #[inline]
    pub(crate) fn to(self, end: usize) -> Chunk<'a> {
        Chunk { bytes: self.bytes.get(..end).unwrap_or(self.bytes), place: self.place }
    }
}

/// How an element's tag stands to those read before in the same data set or item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    /// Equal to the largest so far.
    Duplicate,
    /// Less than the largest so far: in the wrong place, or a duplicate.
    Misplaced,
}

/// The header of an element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element {
    pub(crate) tag: Tag,
    /// What it is in the tree, whatever the header says.
    pub(crate) vr: Vr,
    /// As declared.
    pub(crate) len: u32,
    /// Whether the units of its value are big endian.
    pub(crate) big: bool,
    pub(crate) order: Order,
}

/// What a walk tells.
pub(crate) trait Visit {
    type Error: From<Refusal>;

    /// An element with its whole value; its header has `header` bytes.
    fn element(&mut self, element: &Element, header: usize, whole: Chunk<'_>) -> Result<(), Self::Error>;
    /// An element whose value follows in pieces.
    fn value_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Self::Error>;
    /// A piece of the value of an element or fragment.
    fn value(&mut self, piece: Chunk<'_>) -> Result<(), Self::Error>;
    fn value_end(&mut self) -> Result<(), Self::Error>;
    fn sequence_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Self::Error>;
    /// Without delimiter if the length says so.
    fn sequence_end(&mut self, delimiter: Option<Chunk<'_>>) -> Result<(), Self::Error>;
    fn item_start(&mut self, len: u32, header: Chunk<'_>) -> Result<(), Self::Error>;
    /// Without delimiter if the length says so, or the data end.
    fn item_end(&mut self, delimiter: Option<Chunk<'_>>) -> Result<(), Self::Error>;
    /// Encapsulated pixel data.
    fn fragments_start(&mut self, element: &Element, header: Chunk<'_>) -> Result<(), Self::Error>;
    /// A fragment with its whole value.
    fn fragment(&mut self, whole: Chunk<'_>) -> Result<(), Self::Error>;
    /// A fragment whose value follows in pieces.
    fn fragment_start(&mut self, len: u32, header: Chunk<'_>) -> Result<(), Self::Error>;
    fn fragments_end(&mut self, delimiter: Chunk<'_>) -> Result<(), Self::Error>;
    /// Bytes are passed over that will not be written.
    fn dropped(&mut self);
    fn warn(&mut self, warning: Warning);
}

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

/// What an element holds.
enum Body {
    Value { big: bool },
    Sequence { explicit: bool, big: bool, converted: bool },
    Fragments,
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
            _ => self.need > 12 && (self.carry.len() <= 12 || self.need > len as usize + 12),
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
        if chunk.bytes.len() < 8 {
            return Ok(Step::Need(8));
        }
        match self.top.kind {
            Kind::DataSet | Kind::Item => self.step_element(chunk, visit),
            Kind::Sequence => self.step_item(chunk, visit),
            Kind::Fragments => self.step_fragment(chunk, visit),
        }
    }

    #[inline]
    fn step_element<V: Visit>(&mut self, chunk: Chunk<'_>, visit: &mut V) -> Result<Step, V::Error> {
        let Some(&[t0, t1, t2, t3, a, b, c, d]) = chunk.bytes.first_chunk::<8>() else { return Ok(Step::Need(8)) };
        let big = self.top.big;
        let tag = Tag::read([t0, t1, t2, t3], big);
        if tag.has_no_vr() {
            self.check_fit(tag, 8, number([a, b, c, d], big))?;
            return self.delimiter(tag, chunk, visit);
        }
        let (header, len, named) = if self.top.explicit {
            let named = match ExplicitVr::read([a, b], tag.group(), tag.element()) {
                Ok(named) => named,
                Err(refused) => return Err(self.refuse_vr(tag, refused.0).into()),
            };
            match named.length_field {
                LengthField::Two => (8, u32::from(short([c, d], big)), Some(named)),
                LengthField::Four => match chunk.bytes.first_chunk::<12>() {
                    Some(&[.., e, f, g, h]) => (12, number([e, f, g, h], big), Some(named)),
                    None => return Ok(Step::Need(12)),
                },
            }
        } else {
            (8, number([a, b, c, d], big), None)
        };
        self.check_fit(tag, header, len)?;
        let (vr, body) = match named {
            Some(named) => self.explicit_body(tag, named, [a, b], len)?,
            None => self.implicit_body(tag, len)?,
        };
        if matches!(body, Body::Value { .. })
            && let Some(want) = self.wants(tag, vr, len, chunk.bytes.len() - header)
        {
            self.within_value = true;
            return Ok(Step::Need(header + want));
        }
        self.within_value = false;
        // A look at a value that arrives in pieces is repeated: nothing before this line may leave a trace.
        let order = match u64::from(tag.number()) + 1 {
            this if this > self.top.largest => {
                self.top.largest = this;
                Order::Ascending
            }
            this if this == self.top.largest => Order::Duplicate,
            _ => Order::Misplaced,
        };
        self.remark(tag, header, len, named, [a, b], visit);
        let element = |big| Element { tag, vr, len, big, order };
        match body {
            Body::Value { big } => self.begin_value(&element(big), header, chunk, visit),
            Body::Sequence { explicit, big, converted } => {
                self.check_pixel_data(tag, len)?;
                self.check_depth(tag)?;
                visit.sequence_start(&element(big), chunk.to(header))?;
                let end = if len == UNDEFINED { NEVER } else { self.position + header as u64 + u64::from(len) };
                self.push(Kind::Sequence, header, end);
                self.top = Frame { explicit, big, tag, converted, ..self.top };
                self.depth += 1;
                Ok(Step::Used(header))
            }
            Body::Fragments => {
                self.check_pixel_data(tag, len)?;
                self.check_depth(tag)?;
                visit.fragments_start(&element(big), chunk.to(header))?;
                self.push(Kind::Fragments, header, NEVER);
                self.top.tag = tag;
                self.depth += 1;
                Ok(Step::Used(header))
            }
        }
    }

    /// How many bytes of the value must be there before it can be told, if more than `there` are.
    #[inline]
    fn wants(&self, tag: Tag, vr: Vr, len: u32, there: usize) -> Option<usize> {
        if there as u64 >= u64::from(len) {
            return None;
        }
        let text = matches!(vr.padding(), Padding::Blank | Padding::Uid);
        let whole = len <= SMALL || (len <= WHOLE && (text || tag.is_group_length() || tag.is_private_creator()));
        let want = if whole { len as usize } else { FIRST };
        (there < want).then_some(want)
    }

    #[inline]
    fn begin_value<V: Visit>(
        &mut self,
        element: &Element,
        header: usize,
        chunk: Chunk<'_>,
        visit: &mut V,
    ) -> Result<Step, V::Error> {
        let len = element.len as usize;
        self.note(element, &chunk.bytes[header..])?;
        if chunk.bytes.len() - header >= len {
            visit.element(element, header, chunk.to(header + len))?;
            return Ok(Step::Used(header + len));
        }
        visit.value_start(element, chunk.to(header))?;
        (self.state, self.value) = (State::Value(u64::from(element.len)), element.len);
        Ok(Step::Used(header))
    }

    /// Keeps what later elements depend on. `value` may be cut after [`FIRST`] bytes if it is long.
    #[inline]
    fn note(&mut self, element: &Element, value: &[u8]) -> Result<(), Refusal> {
        let tag = element.tag;
        if tag.group() & 1 == 1 {
            if tag.is_private_creator() {
                self.note_creator(element, value);
            }
            return Ok(());
        }
        match tag {
            Tag::PIXEL_DATA => return self.check_pixel_data(tag, element.len),
            // Only implicit input looks these up, and it is little endian. The first of several is what counts.
            Tag::PIXEL_REPRESENTATION if self.top.signed.is_none() => {
                let value = value.get(..element.len as usize).unwrap_or(value);
                self.top.signed = Some(first_short(value) == Some(1));
            }
            Tag::WAVEFORM_BITS if self.top.waveform == Waveform::Unread => {
                let value = value.get(..element.len as usize).unwrap_or(value);
                self.top.waveform = match first_short(value) {
                    Some(8) | None => Waveform::Eight,
                    Some(_) => Waveform::Other,
                };
            }
            _ => {}
        }
        Ok(())
    }

    // DCMTK: a creator that comes out of order is not noticed; nor is one that is no text.
    fn note_creator(&mut self, element: &Element, value: &[u8]) {
        let text = matches!(element.vr.padding(), Padding::Blank | Padding::Uid);
        if element.order != Order::Ascending || !text || self.creators.len() >= CREATORS {
            return;
        }
        let Some(value) = value.get(..element.len as usize) else { return };
        let name = &value[..super::value::text_len(value)];
        if let Some(id) = self.dictionary.creator(name) {
            let block = u32::from(element.tag.group()) << 8 | u32::from(element.tag.element());
            self.creators.push(Creator { block, id });
        }
    }

    /// The creator of a private element.
    fn creator(&self, tag: Tag) -> Option<CreatorId> {
        let registered = &self.creators[self.top.creators..];
        let block = u32::from(tag.group()) << 8 | u32::from(tag.element() >> 8);
        let at = registered.binary_search_by_key(&block, |creator| creator.block).ok()?;
        registered.get(at).map(|creator| creator.id)
    }

    /// What the dictionary says.
    #[inline]
    fn look_up(&self, tag: Tag) -> Option<DictVr> {
        if tag.is_private() {
            return self.dictionary.private_of(self.creator(tag)?, tag.group(), tag.element());
        }
        self.dictionary.standard(tag.group(), tag.element())
    }

    #[inline]
    fn implicit_body(&self, tag: Tag, len: u32) -> Result<(Vr, Body), Refusal> {
        let found = self.look_up(tag);
        let (group, number) = (tag.group(), tag.element());
        let vr = match found {
            None => Vr::UN,
            Some(DictVr::Is(vr)) => vr,
            Some(DictVr::Xs) if self.top.signed == Some(true) && may_be_signed(group, number) => Vr::SS,
            Some(DictVr::Ox) if self.top.waveform == Waveform::Other && follows_waveform_bits(group, number) => Vr::OW,
            Some(choice) => choice.by_tag(group, number),
        };
        let sequence = Body::Sequence { explicit: false, big: false, converted: false };
        if vr == Vr::SQ {
            return Ok((vr, sequence));
        }
        if len != UNDEFINED {
            return Ok((vr, Body::Value { big: false }));
        }
        match found {
            // DCMTK: what is unknown must be a sequence to have no length.
            None | Some(DictVr::Is(Vr::UN)) => Ok((Vr::SQ, sequence)),
            Some(DictVr::Px) => Ok((Vr::OB, Body::Fragments)),
            Some(_) => Err(self.refuse_at(Reason::CorruptedData, tag)),
        }
    }

    #[inline]
    fn explicit_body(&self, tag: Tag, named: ExplicitVr, letters: [u8; 2], len: u32) -> Result<(Vr, Body), Refusal> {
        let big = self.top.big;
        match named.vr {
            Vr::SQ => Ok((Vr::SQ, Body::Sequence { explicit: true, big, converted: false })),
            Vr::UN => self.unknown_body(tag, named, len),
            // DCMTK: `ox` is what its dictionary has for these, and they are words then.
            Vr::OB if named.spelling == Spelling::Internal && len != UNDEFINED && is_ox_of_words(tag) => {
                Ok((Vr::OW, Body::Value { big }))
            }
            Vr::OB | Vr::OW if tag == Tag::VOI_LUT || len == UNDEFINED => self.other_body(tag, named, letters, len),
            vr if len != UNDEFINED || named.length_field == LengthField::Two => Ok((vr, Body::Value { big })),
            _ => Err(self.refuse_at(Reason::CorruptedData, tag)),
        }
    }

    fn unknown_body(&self, tag: Tag, named: ExplicitVr, len: u32) -> Result<(Vr, Body), Refusal> {
        if len == UNDEFINED {
            return Ok((Vr::SQ, Body::Sequence { explicit: false, big: false, converted: false }));
        }
        if self.reading.convert_un
            && named.spelling == Spelling::Standard
            && let Some(found) = self.look_up(tag)
        {
            return Ok(match found.by_tag(tag.group(), tag.element()) {
                Vr::SQ => (Vr::SQ, Body::Sequence { explicit: false, big: false, converted: true }),
                vr => (vr, Body::Value { big: false }),
            });
        }
        Ok((Vr::UN, Body::Value { big: self.top.big }))
    }

    /// OB or OW where it may be wrong: of undefined length, or as VOI LUT Sequence.
    fn other_body(&self, tag: Tag, named: ExplicitVr, letters: [u8; 2], len: u32) -> Result<(Vr, Body), Refusal> {
        let standard = named.spelling == Spelling::Standard;
        if len != UNDEFINED {
            return match standard {
                true => Err(self.refuse_at(Reason::VoiLutObOw, tag)),
                false => Ok((named.vr, Body::Value { big: self.top.big })),
            };
        }
        let pixel_data = match tag {
            Tag::PIXEL_DATA => &letters != b"lt",
            _ => standard && tag.is_private() && matches!(self.look_up(tag), Some(DictVr::Px)),
        };
        if pixel_data {
            return Ok((Vr::OB, Body::Fragments));
        }
        let named_wrong = standard && !is_overlay_data(tag.group(), tag.element());
        let reason = if named_wrong { Reason::UndefinedLengthObOw } else { Reason::CorruptedData };
        Err(self.refuse_at(reason, tag))
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

    /// In an item of defined length, an element must fit.
    #[inline]
    fn check_fit(&self, tag: Tag, header: usize, len: u32) -> Result<(), Refusal> {
        let value_at = self.position + header as u64;
        if self.top.kind != Kind::Item || len == UNDEFINED || value_at + u64::from(len) <= self.top.end {
            return Ok(());
        }
        // DCMTK: directory records are a class of their own, which has no such check. And if not even the header fits, the
        // element is taken as it is, and ends the item.
        match tag {
            _ if self.top.tag == Tag::DIRECTORY_RECORDS => Ok(()),
            _ if value_at <= self.top.end => Err(self.refuse_at(Reason::LongerThanItem, tag)),
            Tag::SEQUENCE_END => Err(self.refuse_at(Reason::PrematureSequenceDelimiter, tag)),
            _ => Ok(()),
        }
    }

    fn check_depth(&self, tag: Tag) -> Result<(), Refusal> {
        if self.depth < self.reading.depth { Ok(()) } else { Err(self.refuse_at(Reason::TooDeep, tag)) }
    }

    /// Pixel Data at the top is encapsulated if the syntax says so.
    fn check_pixel_data(&mut self, tag: Tag, len: u32) -> Result<(), Refusal> {
        if tag != Tag::PIXEL_DATA || self.top.kind != Kind::DataSet {
            return Ok(());
        }
        let first = !std::mem::replace(&mut self.pixel_data_read, true);
        if self.reading.encapsulated && first && len != UNDEFINED {
            return Err(self.refuse_at(Reason::PixelDataDefinedLength, tag));
        }
        Ok(())
    }

    /// Says what is odd about an element and does no harm.
    #[inline]
    fn remark<V: Visit>(
        &self,
        tag: Tag,
        header: usize,
        len: u32,
        named: Option<ExplicitVr>,
        letters: [u8; 2],
        visit: &mut V,
    ) {
        let odd = match named {
            Some(named) => {
                named.spelling != Spelling::Standard || len & (named.vr.unit() as u32 - 1) != 0 || len == UNDEFINED
            }
            None => false,
        };
        let group = tag.group();
        let overrun = self.position + header as u64 > self.top.end;
        if odd || len & 1 == 1 || group < 8 || group == 0xFFFF || overrun {
            self.remark_on(tag, header, len, named, letters, visit);
        }
    }

    #[cold]
    fn remark_on<V: Visit>(
        &self,
        tag: Tag,
        header: usize,
        len: u32,
        named: Option<ExplicitVr>,
        letters: [u8; 2],
        visit: &mut V,
    ) {
        if let Some(named) = named {
            if named.spelling != Spelling::Standard {
                let field = if named.length_field == LengthField::Four { 4 } else { 2 };
                visit.warn(Warning::NonStandardVr(tag, letters, field));
                if &letters == b"OX" && tag == Tag::PIXEL_DATA {
                    visit.warn(Warning::PixelDataOx);
                }
            }
            let unit = named.vr.unit() as u8;
            if len & (u32::from(unit) - 1) != 0 {
                visit.warn(Warning::NotMultiple(tag, unit, named.vr));
            }
            if named.vr == Vr::UN && len == UNDEFINED {
                visit.warn(Warning::UndefinedUn(tag));
            }
        }
        if len & 1 == 1 && len != UNDEFINED {
            visit.warn(Warning::OddLength(tag));
        }
        if self.top.kind == Kind::Item && self.position + header as u64 > self.top.end {
            visit.warn(Warning::ItemTooShort((self.top.end - self.top.start) as u32));
        }
        if matches!(tag.group(), 1 | 2 | 3 | 5 | 7 | 0xFFFF) {
            visit.warn(Warning::InvalidElement(tag));
        }
    }

    #[cold]
    fn refuse_vr(&self, tag: Tag, letters: [u8; 2]) -> Refusal {
        // DCMTK: `na` stands for "no VR", and an element that has it for a header without one.
        let reason = if &letters == b"na" { Reason::InvalidTag } else { Reason::ItemDelimiterMissing };
        self.refuse_at(reason, tag)
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

const fn is_ox_of_words(tag: Tag) -> bool {
    is_pixel_data(tag.group(), tag.element()) || is_overlay_data(tag.group(), tag.element())
}

#[inline]
const fn number(bytes: [u8; 4], big: bool) -> u32 {
    if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

#[inline]
const fn short(bytes: [u8; 2], big: bool) -> u16 {
    if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
}

/// The first value of a US element in little endian order, an odd one completed by a NUL.
fn first_short(value: &[u8]) -> Option<u16> {
    match *value {
        [] => None,
        [only] => Some(only.into()),
        [low, high, ..] => Some(u16::from_le_bytes([low, high])),
    }
}
