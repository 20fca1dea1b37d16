//! Elements that go through as they are, or with no more than another header, passed over without being told one by one:
//! nearly all small elements of nearly all data sets are such.

use super::super::tag::Tag;
use super::super::value::{has_uid_blank, is_text_pad};
use super::super::vr::{DictVr, LengthField, Padding, Vr};
use super::{Chunk, Plain, Visit, Walker, short};

/// Bytes passed over at a glance before what they became is looked after.
const GLANCED: usize = 64 * 1024;
impl Walker<'_> {
    /// Passes over elements that need no more than a glance. Returns how many bytes they have.
    pub(super) fn pass_plain<V: Visit>(
        &mut self,
        chunk: Chunk<'_>,
        plain: Plain,
        visit: &mut V,
    ) -> Result<usize, V::Error> {
        let inside = usize::try_from(self.top.end - self.position).unwrap_or(usize::MAX);
        let within = chunk.to(inside.min(GLANCED));
        match (self.top.explicit, plain.explicit) {
            (true, true) => {
                let run = self.pass_explicit(within.bytes, plain);
                visit.unchanged(chunk.to(run))?;
                Ok(run)
            }
            (false, false) => {
                let run = self.pass_implicit(within.bytes, plain, |_, _, _| {});
                visit.unchanged(chunk.to(run))?;
                Ok(run)
            }
            (false, true) => {
                let run = self.pass_implicit(within.bytes, plain, |tag, vr, value| visit.named(tag, vr, value));
                visit.unchanged(chunk.to(0))?;
                Ok(run)
            }
            (true, false) => Ok(0),
        }
    }

    /// Whether nothing but its value can be odd about an element with that tag.
    #[inline]
    fn is_plain(tag: Tag, largest: u64, plain: &Plain) -> bool {
        // Group lengths are something else; so is what stands in groups that tell of others.
        u32::from(tag.group()) == plain.group
            && u64::from(tag.number()) >= largest
            && tag.element() != 0
            && (8..0x7FE0).contains(&tag.group())
            && !plain.mask.may_want(tag)
    }

    fn pass_explicit(&mut self, bytes: &[u8], plain: Plain) -> usize {
        let (mut at, mut largest) = (0, self.top.largest);
        while let Some(Some(&[t0, t1, t2, t3, a, b, c, d])) = bytes.get(at..).map(|rest| rest.first_chunk::<8>()) {
            let tag = Tag::read([t0, t1, t2, t3], plain.big);
            let end = at + 8 + short([c, d], plain.big) as usize;
            let Some(value) = bytes.get(at + 8..end) else { break };
            // Private creators may be known.
            let known = tag.group() & 1 == 0 || tag.is_private();
            if !known || !Self::is_plain(tag, largest, &plain) || !Glance::at_letters([a, b]).is_plain(value) {
                break;
            }
            largest = u64::from(tag.number()) + 1;
            at = end;
        }
        self.top.largest = largest;
        at
    }

    #[inline]
    fn pass_implicit(&mut self, bytes: &[u8], plain: Plain, mut tell: impl FnMut(Tag, Vr, &[u8])) -> usize {
        let (mut at, mut largest) = (0, self.top.largest);
        while let Some(Some(&[t0, t1, t2, t3, a, b, c, d])) = bytes.get(at..).map(|rest| rest.first_chunk::<8>()) {
            let tag = Tag::read([t0, t1, t2, t3], false);
            let len = u32::from_le_bytes([a, b, c, d]) as usize;
            // Private elements want their creator, and the VR of some others depends on these two.
            let telling = matches!(tag, Tag::PIXEL_REPRESENTATION | Tag::WAVEFORM_BITS) || tag.group() & 1 == 1;
            if telling || len > 0xFFFF || !Self::is_plain(tag, largest, &plain) {
                break;
            }
            let Some(value) = bytes.get(at + 8..at + 8 + len) else { break };
            let Some(DictVr::Is(vr)) = self.dictionary.standard(tag.group(), tag.element()) else { break };
            if !Glance::at(vr).is_plain(value) {
                break;
            }
            tell(tag, vr, value);
            largest = u64::from(tag.number()) + 1;
            at += 8 + len;
        }
        self.top.largest = largest;
        at
    }
}

/// What a value must be like to go through unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Glance {
    /// The VR has a length field of four bytes, or is none.
    No,
    /// As [`Padding::Blank`] has it.
    Text,
    /// As [`Padding::Uid`] has it.
    Uid,
    /// A multiple of this, which is even.
    Units(u8),
}

impl Glance {
    const fn of(vr: Vr) -> Glance {
        match (vr.length_field(), vr.padding()) {
            (LengthField::Four, _) => Glance::No,
            (_, Padding::Blank) => Glance::Text,
            (_, Padding::Uid) => Glance::Uid,
            _ => Glance::Units(vr.unit() as u8),
        }
    }

    #[inline]
    fn at(vr: Vr) -> Glance {
        static GLANCES: [Glance; Vr::ALL.len()] = {
            let mut glances = [Glance::No; Vr::ALL.len()];
            let mut number = 0;
            while number < glances.len() {
                glances[Vr::ALL[number] as usize] = Glance::of(Vr::ALL[number]);
                number += 1;
            }
            glances
        };
        GLANCES.get(vr as usize).copied().unwrap_or(Glance::No)
    }

    /// By the letters of an explicit header.
    #[inline]
    fn at_letters([a, b]: [u8; 2]) -> Glance {
        static GLANCES: [Glance; 32 * 32] = {
            let mut glances = [Glance::No; 32 * 32];
            let mut number = 0;
            while number < Vr::ALL.len() {
                let [a, b] = Vr::ALL[number].bytes();
                glances[(a as usize - 64) * 32 + b as usize - 64] = Glance::of(Vr::ALL[number]);
                number += 1;
            }
            glances
        };
        let (a, b) = (usize::from(a).wrapping_sub(64), usize::from(b).wrapping_sub(64));
        if a < 32 && b < 32 { GLANCES[a * 32 + b] } else { Glance::No }
    }

    #[inline]
    fn is_plain(self, value: &[u8]) -> bool {
        match (self, value) {
            (Glance::No, _) => false,
            (_, []) => true,
            (Glance::Units(unit), _) => value.len() & (usize::from(unit) - 1) == 0,
            (Glance::Text, [.., before, last]) => {
                value.len() & 1 == 0 && (!is_text_pad(*last) || (*last == b' ' && !is_text_pad(*before)))
            }
            (Glance::Uid, [.., before, last]) => {
                value.len() & 1 == 0 && (*last != 0 || *before != 0) && !has_uid_blank(value)
            }
            _ => false,
        }
    }
}
