//! How the value of a key is compared with that of a record, by the VR of the key (PS3.4 C.2.2.2), as DCMTK does it.
//!
//! Blanks and NULs around either value do not count, and a key of nothing else selects everything. Text is compared as
//! characters: either side is read in its own character sets. Where one of them cannot be read, bytes are compared.

mod fold;
mod moment;
#[cfg(test)]
mod tests;
mod wildcard;

pub use fold::fold;
pub use moment::{Span, date};

pub use crate::dataset::charset::CharacterSets;

use crate::dataset::charset::is_affected;
use crate::dataset::vr::Vr;
use moment::{Time, time};
use std::borrow::Cow;

/// How person names are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PnMatch {
    /// As they are written. DCMTK's way.
    #[default]
    Exact,
    /// Capital or small letters alike.
    IgnoreCase,
    /// Without diacritics too: `Müller` is `MULLER`.
    Fold,
}

/// A value less the blanks and NULs around it.
pub fn stripped(value: &[u8]) -> &[u8] {
    let counts = |byte: &u8| !matches!(byte, b' ' | 0);
    let Some(first) = value.iter().position(counts) else { return &[] };
    let last = value.iter().rposition(counts).unwrap_or(first);
    &value[first..=last]
}

/// The characters of a stored value for an index: what is read of it, stripped, or nothing where it cannot be read.
pub fn text<'v>(value: &'v [u8], vr: Vr, sets: &CharacterSets) -> Option<Cow<'v, str>> {
    let value = stripped(value);
    if plain(value) {
        return std::str::from_utf8(value).ok().map(Cow::Borrowed);
    }
    sets.decode(value, vr)
}

/// Whether these bytes mean the same characters in every set: ASCII without what ISO 646 and its Japanese variant share
/// out differently, and without an escape.
fn plain(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii() && !matches!(byte, 0x1B | b'\\' | b'~'))
}

/// The value of a key, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matcher {
    /// Characters with `*` and `?`.
    Text {
        /// The key as it came.
        bytes: Vec<u8>,
        /// Its characters, if they can be read.
        text: Option<String>,
        /// Its VR.
        vr: Vr,
        /// How names are compared; Exact for any other VR.
        names: PnMatch,
    },
    /// Bytes with `*` and `?`.
    Code(Vec<u8>),
    /// A list of UIDs, one of which must be equal. An empty one among them is that of a record without.
    Uids(Vec<Vec<u8>>),
    /// A date or a range of dates. Nothing if it cannot be read: then it matches nothing.
    Date(Option<Span<u32>>),
    /// A time or a range of times, likewise.
    Time(Option<Span<Time>>),
    /// Equal bytes.
    Bytes(Vec<u8>),
}

impl Matcher {
    /// Makes ready the value of a key of this VR, written in these character sets. Nothing if it selects everything.
    pub fn new(vr: Vr, value: &[u8], sets: &CharacterSets, names: PnMatch) -> Option<Matcher> {
        let value = stripped(value);
        if value.is_empty() {
            return None;
        }
        Some(match vr {
            _ if is_affected(vr) => {
                let names = if vr == Vr::PN { names } else { PnMatch::Exact };
                let text = text(value, vr, sets).map(|text| folded(&text, names).into_owned());
                Matcher::Text { bytes: value.to_vec(), text, vr, names }
            }
            Vr::AE | Vr::CS | Vr::UR => Matcher::Code(value.to_vec()),
            Vr::UI => Matcher::Uids(value.split(|byte| *byte == b'\\').map(|uid| stripped(uid).to_vec()).collect()),
            Vr::DA => Matcher::Date(Span::parse(value, date)),
            Vr::TM => Matcher::Time(Span::parse(value, time)),
            _ => Matcher::Bytes(value.to_vec()),
        })
    }

    /// Whether a record's value, written in these character sets, matches.
    pub fn matches(&self, candidate: &[u8], sets: &CharacterSets) -> bool {
        let candidate = stripped(candidate);
        match self {
            Matcher::Text { bytes, text: Some(text), vr, names } => match self::text(candidate, *vr, sets) {
                Some(candidate) => wildcard::matches_text(text, &folded(&candidate, *names)),
                None => wildcard::matches_bytes(bytes, candidate),
            },
            Matcher::Text { bytes, text: None, .. } | Matcher::Code(bytes) => wildcard::matches_bytes(bytes, candidate),
            Matcher::Uids(uids) => uids.iter().any(|uid| uid == candidate),
            Matcher::Date(span) => span.as_ref().is_some_and(|span| span.holds(date(candidate))),
            Matcher::Time(span) => span.as_ref().is_some_and(|span| span.holds(time(candidate))),
            Matcher::Bytes(bytes) => bytes == candidate,
        }
    }
}

fn folded(text: &str, names: PnMatch) -> Cow<'_, str> {
    match names {
        PnMatch::Exact => text.into(),
        PnMatch::IgnoreCase => text.chars().flat_map(char::to_lowercase).collect::<String>().into(),
        PnMatch::Fold => fold(text).into(),
    }
}
