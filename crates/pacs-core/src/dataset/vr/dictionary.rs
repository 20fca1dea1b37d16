//! The data dictionary: which VR an element has whose header names none (PS3.5 6.2, PS3.6).
//!
//! Rewriting implicit VR input looks up every element, so a look-up is one probe of a hash table in the common case. Tags
//! of the standard and of private creators share that table; ranges are few, and only asked where the table has nothing.

use std::sync::LazyLock;

use super::private::CREATORS;
use super::standard::{ELEMENT_RANGES, ELEMENTS, GROUP_RANGES};
use super::{DictVr, Vr};

#[cfg(test)]
mod tests;

/// A private creator the dictionary knows, found once by [`Dictionary::creator`] and then good for any number of look-ups
/// in that same dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CreatorId(u16);

impl CreatorId {
    /// That of entries without creator.
    pub(super) const NONE: CreatorId = CreatorId(0);
}

/// Tags and their VRs.
#[derive(Debug, Clone)]
pub struct Dictionary {
    /// Open addressing, linear probing; a power of two in length, at most half full.
    slots: Box<[Slot]>,
    /// Shifts a 64-bit hash down to an index into `slots`.
    shift: u32,
    /// Sorted by name.
    creators: Vec<(Box<[u8]>, CreatorId)>,
    /// The first that matches counts.
    ranges: Vec<Range>,
    /// By the high byte of a group: the ranges that have groups of it, in the same order.
    pages: Vec<Vec<u16>>,
    /// Whether a range without creator may have elements that need one: odd group, 1000 on. The built-in has none.
    odd_without_creator: bool,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    tag: u32,
    creator: CreatorId,
    /// None in a free slot.
    vr: Option<DictVr>,
}

const FREE: Slot = Slot { tag: 0, creator: CreatorId::NONE, vr: None };

/// Which numbers of a range count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parity {
    Even,
    Odd,
    Any,
}

/// First to last, those of one parity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) parity: Parity,
}

impl Span {
    pub(super) const fn one(number: u16) -> Span {
        Span { first: number, last: number, parity: Parity::Any }
    }

    /// Whether the other reaches at least as far on both sides, whatever the parities.
    const fn is_within(self, other: Span) -> bool {
        other.first <= self.first && self.last <= other.last
    }

    const fn contains(self, number: u16) -> bool {
        let parity = match self.parity {
            Parity::Even => number & 1 == 0,
            Parity::Odd => number & 1 == 1,
            Parity::Any => true,
        };
        parity && self.first <= number && number <= self.last
    }
}

/// The VR of many elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) groups: Span,
    pub(super) elements: Span,
    creator: CreatorId,
    vr: DictVr,
}

impl Dictionary {
    /// The standard's elements and the private ones of well-known creators.
    pub fn builtin() -> &'static Dictionary {
        static BUILTIN: LazyLock<Dictionary> = LazyLock::new(built_in);
        &BUILTIN
    }

    /// The VR of an element of the standard, of a group length (gggg,0000), or of a private creator (odd group, 0010 to
    /// 00FF); also of a private element whose creator is missing or unknown. None: unknown, to be written as UN.
    #[inline]
    pub fn standard(&self, group: u16, element: u16) -> Option<DictVr> {
        self.exact(CreatorId::NONE, group, element).or_else(|| self.ranged(CreatorId::NONE, group, element))
    }

    /// The creator with exactly these bytes, if any entry is of it. The bytes are those of the value less its trailing
    /// blanks and NULs: leading blanks and case count.
    ///
    /// An element (gggg,0010) to (gggg,00FF) reserves its block only if its own VR is text or UI. The built-in dictionary
    /// makes it LO; one from files that says nothing of it leaves it unknown, and its block without creator.
    // DCMTK: so in all but UN values that are given their VR back, where a creator of VR UN counts.
    pub fn creator(&self, creator: &[u8]) -> Option<CreatorId> {
        let at = self.creators.binary_search_by(|(name, _)| (**name).cmp(creator)).ok()?;
        self.creators.get(at).map(|(_, id)| *id)
    }

    /// The VR of a private element: odd group, element from 1000 on, whose block `element >> 8` the creator reserved.
    #[inline]
    pub fn private_of(&self, creator: CreatorId, group: u16, element: u16) -> Option<DictVr> {
        // DCMTK: an entry for the very element comes before one for the offset in any block. Last come entries that name
        // no creator, which only a dictionary from files can have for such an element.
        self.exact(creator, group, element)
            .or_else(|| self.exact(creator, group, element & 0xFF))
            .or_else(|| self.ranged(creator, group, element))
            .or_else(|| self.standard(group, element))
    }

    /// [`Dictionary::creator`] and [`Dictionary::private_of`] in one; [`Dictionary::standard`] if the creator is unknown.
    pub fn private(&self, group: u16, creator: &[u8], element: u16) -> Option<DictVr> {
        match self.creator(creator) {
            Some(creator) => self.private_of(creator, group, element),
            None => self.standard(group, element),
        }
    }

    #[inline]
    fn exact(&self, creator: CreatorId, group: u16, element: u16) -> Option<DictVr> {
        let tag = tag(group, element);
        let mut at = hash(creator, tag, self.shift);
        loop {
            let slot = self.slots.get(at & (self.slots.len() - 1))?;
            let vr = slot.vr?;
            if slot.tag == tag && slot.creator == creator {
                return Some(vr);
            }
            at += 1;
        }
    }

    fn ranged(&self, creator: CreatorId, group: u16, element: u16) -> Option<DictVr> {
        if creator == CreatorId::NONE && group & 1 == 1 && element >= 0x1000 && !self.odd_without_creator {
            return None;
        }
        let offset = if creator == CreatorId::NONE { element } else { element & 0xFF };
        let elements = |span: Span| span.contains(element) || span.contains(offset);
        let page = self.pages.get(usize::from(group >> 8))?;
        let mut ranges = page.iter().filter_map(|&at| self.ranges.get(usize::from(at)));
        ranges.find(|r| r.creator == creator && r.groups.contains(group) && elements(r.elements)).map(|r| r.vr)
    }
}

#[inline]
const fn tag(group: u16, element: u16) -> u32 {
    (group as u32) << 16 | element as u32
}

#[inline]
const fn hash(creator: CreatorId, tag: u32, shift: u32) -> usize {
    let key = (creator.0 as u64) << 32 | tag as u64;
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> shift) as usize
}

/// A dictionary in the making.
#[derive(Debug)]
pub(super) struct Builder {
    dictionary: Dictionary,
    taken: usize,
}

/// More creators or ranges than a dictionary holds: the work of a look-up, and of adding one, grows with their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

const CREATOR_LIMIT: usize = 5_000;
const RANGE_LIMIT: usize = 2_000;

impl Builder {
    /// Room for `1 << bits - 1` elements at first.
    pub(super) fn new(bits: u32) -> Builder {
        let dictionary = Dictionary {
            slots: vec![FREE; 1 << bits].into_boxed_slice(),
            shift: 64 - bits,
            creators: Vec::new(),
            ranges: Vec::new(),
            pages: vec![Vec::new(); 256],
            odd_without_creator: false,
        };
        Builder { dictionary, taken: 0 }
    }

    /// The id of a creator, made if it is new. No name, no creator.
    pub(super) fn creator(&mut self, name: &[u8]) -> Result<CreatorId, Full> {
        let creators = &mut self.dictionary.creators;
        match creators.binary_search_by(|(known, _)| (**known).cmp(name)) {
            _ if name.is_empty() => Ok(CreatorId::NONE),
            Ok(at) => creators.get(at).map(|(_, id)| *id).ok_or(Full),
            Err(_) if creators.len() >= CREATOR_LIMIT => Err(Full),
            Err(at) => {
                let id = CreatorId(creators.len() as u16 + 1);
                creators.insert(at, (name.into(), id));
                Ok(id)
            }
        }
    }

    /// One element; it takes the place of one there is.
    pub(super) fn element(&mut self, creator: CreatorId, group: u16, element: u16, vr: DictVr) {
        if self.taken * 2 >= self.dictionary.slots.len() {
            self.grow();
        }
        let slot = Slot { tag: tag(group, element), creator, vr: Some(vr) };
        self.taken += usize::from(put(&mut self.dictionary.slots, self.dictionary.shift, slot));
    }

    /// A range where DCMTK has it: in place of an equal one, before the first that includes it, or at the end.
    pub(super) fn range(&mut self, creator: CreatorId, groups: Span, elements: Span, vr: DictVr) -> Result<(), Full> {
        let new = Range { groups, elements, creator, vr };
        let ranges = &mut self.dictionary.ranges;
        if ranges.len() >= RANGE_LIMIT {
            return Err(Full);
        }
        let within =
            |old: &Range| old.creator == creator && groups.is_within(old.groups) && elements.is_within(old.elements);
        // An equal range includes the new one too, so the search ends there at the latest.
        match ranges.iter().position(within) {
            Some(at) if ranges[at].groups == groups && ranges[at].elements == elements => ranges[at] = new,
            Some(at) => ranges.insert(at, new),
            None => ranges.push(new),
        }
        self.note(new);
        Ok(())
    }

    /// A range after all others.
    pub(super) fn range_at_end(&mut self, creator: CreatorId, groups: Span, elements: Span, vr: DictVr) {
        let new = Range { groups, elements, creator, vr };
        self.dictionary.ranges.push(new);
        self.note(new);
    }

    fn note(&mut self, new: Range) {
        let Span { first, last, parity } = new.groups;
        let odd = parity != Parity::Even && (first != last || first & 1 == 1);
        let private = odd && new.elements.last >= 0x1000;
        self.dictionary.odd_without_creator |= private && new.creator == CreatorId::NONE;
    }

    pub(super) fn finish(self) -> Dictionary {
        let Dictionary { mut pages, ranges, .. } = self.dictionary;
        for (at, range) in (0..).zip(&ranges) {
            let (first, last) = (range.groups.first >> 8, range.groups.last >> 8);
            pages.iter_mut().take(usize::from(last) + 1).skip(usize::from(first)).for_each(|page| page.push(at));
        }
        Dictionary { pages, ranges, ..self.dictionary }
    }

    fn grow(&mut self) {
        let old = &mut self.dictionary;
        let mut slots = vec![FREE; old.slots.len() * 2].into_boxed_slice();
        old.shift -= 1;
        for slot in old.slots.iter().filter(|slot| slot.vr.is_some()) {
            put(&mut slots, old.shift, *slot);
        }
        old.slots = slots;
    }
}

/// Puts a slot where a look-up finds it; whether it is new. There must be a free slot.
fn put(slots: &mut [Slot], shift: u32, new: Slot) -> bool {
    let mut at = hash(new.creator, new.tag, shift);
    let mask = slots.len() - 1;
    loop {
        let slot = &mut slots[at & mask];
        let free = slot.vr.is_none();
        if free || (slot.tag == new.tag && slot.creator == new.creator) {
            *slot = new;
            return free;
        }
        at += 1;
    }
}

fn built_in() -> Dictionary {
    let mut b = Builder::new(14); // just enough for the tables
    let none = CreatorId::NONE;
    let all = |parity| Span { first: 0, last: 0xFFFF, parity };
    let creators = Span { first: 0x0010, last: 0x00FF, parity: Parity::Any };
    b.range_at_end(none, all(Parity::Odd), creators, DictVr::Is(Vr::LO));
    b.range_at_end(none, all(Parity::Any), Span::one(0), DictVr::Is(Vr::UL));
    for &(group, elements) in ELEMENTS {
        for &(element, vr) in elements {
            b.element(none, group, element, vr);
        }
    }
    for &(first, last, elements) in GROUP_RANGES {
        for &(element, vr) in elements {
            b.range_at_end(none, Span { first, last, parity: Parity::Even }, Span::one(element), vr);
        }
    }
    for &(group, first, last, vr) in ELEMENT_RANGES {
        b.range_at_end(none, Span::one(group), Span { first, last, parity: Parity::Even }, vr);
    }
    for (creator, groups) in (1..).map(CreatorId).zip(CREATORS) {
        let (name, groups) = *groups;
        b.dictionary.creators.push((name.into(), creator)); // the table is sorted
        for &(first, last, elements) in groups {
            for &(element, vr) in elements {
                if first == last {
                    b.element(creator, first, element, vr);
                } else {
                    b.range_at_end(creator, Span { first, last, parity: Parity::Odd }, Span::one(element), vr);
                }
            }
        }
    }
    b.finish()
}
