//! A stand-in until the tables of specific character sets are there: ASCII, Latin alphabet No. 1 and UTF-8.

use crate::dataset::vr::Vr;
use std::borrow::Cow;

/// What a Specific Character Set says about the text of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CharacterSets(Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    Latin1,
    Utf8,
    Unknown,
}

impl CharacterSets {
    /// Reads the value of Specific Character Set.
    pub fn parse(value: &[u8]) -> CharacterSets {
        CharacterSets(match value.trim_ascii() {
            b"" | b"ISO_IR 6" | b"ISO 2022 IR 6" => Set::Ascii,
            b"ISO_IR 100" => Set::Latin1,
            b"ISO_IR 192" => Set::Utf8,
            _ => Set::Unknown,
        })
    }

    /// The text of a value, unless it has bytes that mean nothing.
    pub fn decode<'v>(&self, value: &'v [u8], _: Vr) -> Option<Cow<'v, str>> {
        match self.0 {
            Set::Utf8 => std::str::from_utf8(value).ok().map(Cow::Borrowed),
            Set::Latin1 => Some(value.iter().map(|byte| char::from(*byte)).collect::<String>().into()),
            Set::Ascii | Set::Unknown if value.is_ascii() => std::str::from_utf8(value).ok().map(Cow::Borrowed),
            Set::Ascii | Set::Unknown => None,
        }
    }
}
