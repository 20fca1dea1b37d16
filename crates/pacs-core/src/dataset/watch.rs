//! Elements a caller wants to know of: small copies of their values, taken while the data set passes.

use super::tag::Tag;
use super::value::{has_uid_blank, is_uid_blank, text_len, uid_len};
use super::vr::{Padding, Vr};

/// An element to look out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its tag.
    pub tag: Tag,
    /// Whether it counts in items too: then the one that a search depth first in tag order meets first is found, which may
    /// be within a sequence that stands before it.
    pub nested: bool,
}

impl Wanted {
    /// What a receiver needs: SOP Class and Instance UID wherever they are (PS3.10 table 7.1-1 wants them), and at the top
    /// Study Instance UID, Patient's Name and Specific Character Set.
    pub const BY_RECEIVER: &'static [Wanted] = &[
        Wanted { tag: Tag::SOP_CLASS, nested: true },
        Wanted { tag: Tag::SOP_INSTANCE, nested: true },
        Wanted { tag: Tag::STUDY_INSTANCE, nested: false },
        Wanted { tag: Tag::PATIENT_NAME, nested: false },
        Wanted { tag: Tag::SPECIFIC_CHARACTER_SET, nested: false },
    ];
}

/// An element that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its tag.
    pub tag: Tag,
    /// Its VR, as it is written.
    pub vr: Vr,
    /// Sequences around it: 0 at the top.
    pub depth: usize,
    /// Its value without padding, at most [`Found::MOST`] bytes of it. Of a UID nothing but what is written.
    pub value: Vec<u8>,
    /// Whether the value is longer.
    pub cut: bool,
}

impl Found {
    /// Bytes of a value that are kept.
    pub const MOST: usize = 1024;
}

#[derive(Debug)]
struct Candidate {
    /// Tags and item numbers from the top down, which order as a search goes.
    path: Vec<u32>,
    /// Where the element was written.
    at: u64,
    found: Found,
}

/// How many candidates are kept of each, for the best may turn out to be in a duplicate that is dropped.
const CANDIDATES: usize = 8;

/// One bit for all of the tags that are wanted, and for some that are not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mask(u64);

impl Mask {
    const fn bit(tag: Tag) -> u64 {
        1 << (tag.number().wrapping_mul(0x9E37_79B9) >> 26)
    }

    #[inline]
    pub(crate) const fn may_want(self, tag: Tag) -> bool {
        self.0 & Mask::bit(tag) != 0
    }
}

#[derive(Debug, Default)]
pub(crate) struct Watch {
    wanted: Vec<(Wanted, Vec<Candidate>)>,
    pub(crate) mask: Mask,
}

impl Watch {
    pub(crate) fn new(wanted: &[Wanted]) -> Watch {
        let mask = Mask(wanted.iter().fold(0, |mask, wanted| mask | Mask::bit(wanted.tag)));
        Watch { wanted: wanted.iter().map(|wanted| (*wanted, Vec::new())).collect(), mask }
    }

    /// An element passes. `path` gives the tags and item numbers above it.
    #[cold]
    pub(crate) fn see(&mut self, tag: Tag, vr: Vr, value: Option<&[u8]>, at: u64, path: impl FnOnce() -> Vec<u32>) {
        let Some((wanted, candidates)) = self.wanted.iter_mut().find(|(wanted, _)| wanted.tag == tag) else { return };
        let mut path = path();
        let depth = path.len() / 2;
        if depth > 0 && !wanted.nested {
            return;
        }
        path.push(tag.number());
        let place = candidates.partition_point(|candidate| candidate.path <= path);
        if place >= CANDIDATES {
            return;
        }
        candidates.truncate(CANDIDATES - 1);
        let (value, cut) = value.map_or((Vec::new(), true), |value| kept(value, vr));
        candidates.insert(place, Candidate { path, at, found: Found { tag, vr, depth, value, cut } });
    }

    /// What was written from `from` to `to` turns out to be dropped.
    pub(crate) fn forget(&mut self, from: u64, to: u64) {
        for (_, candidates) in &mut self.wanted {
            candidates.retain(|candidate| !(from..to).contains(&candidate.at));
        }
    }

    /// The first of that tag at the top so far.
    pub(crate) fn seen(&self, tag: Tag) -> Option<&Found> {
        let (_, candidates) = self.wanted.iter().find(|(wanted, _)| wanted.tag == tag)?;
        candidates.iter().map(|candidate| &candidate.found).find(|found| found.depth == 0)
    }

    /// The best of each that is wanted and there; behind one that is in an item, that at the top if there is one.
    pub(crate) fn found(&self) -> Vec<Found> {
        let best = |candidates: &[Candidate]| {
            let first = candidates.first().map(|candidate| candidate.found.clone());
            let top = candidates.iter().skip(1).find(|candidate| candidate.found.depth == 0);
            let top = top.filter(|_| first.as_ref().is_some_and(|first| first.depth > 0));
            first.into_iter().chain(top.map(|candidate| candidate.found.clone())).collect::<Vec<_>>()
        };
        self.wanted.iter().flat_map(|(_, candidates)| best(candidates)).collect()
    }
}

fn kept(value: &[u8], vr: Vr) -> (Vec<u8>, bool) {
    let value: std::borrow::Cow<'_, [u8]> = match vr.padding() {
        Padding::Blank => value[..text_len(value)].into(),
        Padding::Uid if has_uid_blank(value) => value.iter().copied().filter(|byte| !is_uid_blank(*byte)).collect(),
        _ => value.into(),
    };
    let value = if vr == Vr::UI { &value[..uid_len(&value)] } else { &value };
    (value[..value.len().min(Found::MOST)].to_vec(), value.len() > Found::MOST)
}
