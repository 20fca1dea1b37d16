//! One element: what its header says, what it is, and what is wrong with it.

use super::super::refusal::{Reason, Refusal, Warning};
use super::super::tag::Tag;
use super::super::value::text_len;
use super::super::vr::{
    CreatorId, DictVr, ExplicitVr, LengthField, Padding, Spelling, Vr, follows_waveform_bits, is_overlay_data,
    is_pixel_data, may_be_signed,
};
use super::{
    Chunk, Creator, Element, Frame, Kind, NEVER, Order, State, Step, UNDEFINED, Visit, WHOLE, Walker, Waveform, number,
    short,
};

/// Private creators remembered in all open items together. Real objects have a few dozen; elements of creators beyond
/// these are unknown.
const CREATORS: usize = 65_536;

/// Values up to this long are always seen as a whole.
const SMALL: u32 = 256;
/// So much of any longer one is seen at once.
const FIRST: usize = 8;
/// What an element holds.
enum Body {
    Value { big: bool },
    Sequence { explicit: bool, big: bool, converted: bool },
    Fragments,
}

impl Walker<'_> {
    #[inline]
    pub(super) fn step_element<V: Visit>(&mut self, chunk: Chunk<'_>, visit: &mut V) -> Result<Step, V::Error> {
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
            self.value = len;
            return Ok(Step::Need(header + want));
        }
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
        let name = &value[..text_len(value)];
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
}

const fn is_ox_of_words(tag: Tag) -> bool {
    is_pixel_data(tag.group(), tag.element()) || is_overlay_data(tag.group(), tag.element())
}

/// The first value of a US element in little endian order, an odd one completed by a NUL.
fn first_short(value: &[u8]) -> Option<u16> {
    match *value {
        [] => None,
        [only] => Some(only.into()),
        [low, high, ..] => Some(u16::from_le_bytes([low, high])),
    }
}
