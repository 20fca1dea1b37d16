//! What the catalog knows of a stored object.

use super::keys::{KEYS, Source, key};
use super::matching::stripped;
use crate::dataset::vr::Vr;
use crate::dataset::{Found, Tag};
use std::path::PathBuf;

/// Values of stored keys, in the order in which their Specific Character Set has them.
pub trait Values {
    /// The value of a stored key, or of Specific Character Set; nothing where there is none.
    fn value(&self, tag: Tag) -> &[u8];

    /// The value of Specific Character Set.
    fn character_set(&self) -> &[u8] {
        self.value(Tag::SPECIFIC_CHARACTER_SET)
    }
}

/// Where and how an object is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its file, as the archive names it: within the folder of the area, or a whole path elsewhere.
    pub file: PathBuf,
    /// Bytes of the file.
    pub size: u64,
    /// When it was stored, in milliseconds since 1970.
    pub at: i64,
    /// The UID of the transfer syntax it is stored in.
    pub syntax: String,
}

/// One stored object: the values of all stored keys that have one, as bytes in the object's own character sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    stored: Stored,
    /// In the order of tags, none empty.
    values: Vec<(Tag, Vec<u8>)>,
}

impl Record {
    /// Bytes of a value that are kept.
    pub const LONGEST: usize = Found::MOST;

    /// Makes a record of what was found by [`WANTED`](super::keys::WANTED) in a data set; elements in items are passed
    /// over. `big_endian` is the byte order in which the data set came, which numbers are still in.
    pub fn new(stored: Stored, found: &[Found], big_endian: bool) -> Record {
        let top = found.iter().filter(|found| found.depth == 0);
        Record::from_values(
            stored,
            top.map(|found| {
                let mut value = found.value.clone();
                if big_endian && found.vr.unit() > 1 {
                    value.chunks_exact_mut(found.vr.unit()).for_each(<[u8]>::reverse);
                }
                (found.tag, value)
            }),
        )
    }

    /// Makes a record of values by tag, of which those that are no stored key, and all but the first of a tag, are passed
    /// over. Numbers are little endian.
    pub fn from_values(stored: Stored, values: impl IntoIterator<Item = (Tag, Vec<u8>)>) -> Record {
        let mut kept: Vec<(Tag, Vec<u8>)> = Vec::with_capacity(KEYS.len());
        for (tag, value) in values {
            let vr = match key(tag) {
                Some(key) if key.source == Source::Stored => key.vr,
                _ if tag == Tag::SPECIFIC_CHARACTER_SET => Vr::CS,
                _ => continue,
            };
            let value = tidy(&value, vr);
            if !value.is_empty() {
                kept.push((tag, value.to_vec()));
            }
        }
        kept.sort_by_key(|(tag, _)| *tag);
        kept.dedup_by_key(|(tag, _)| *tag);
        let utf8 = kept.iter().any(|(tag, value)| *tag == Tag::SPECIFIC_CHARACTER_SET && value == b"ISO_IR 192");
        for (_, value) in &mut kept {
            let most = if utf8 { whole_characters(value) } else { value.len().min(Record::LONGEST) };
            value.truncate(most);
            value.shrink_to_fit();
        }
        Record { stored, values: kept }
    }

    /// The same record for another file.
    pub fn filed(mut self, file: PathBuf) -> Record {
        self.stored.file = file;
        self
    }

    /// Where and how it is stored.
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Its values, in the order of tags.
    pub fn values(&self) -> &[(Tag, Vec<u8>)] {
        &self.values
    }
}

impl Values for Record {
    fn value(&self, tag: Tag) -> &[u8] {
        let at = self.values.binary_search_by_key(&tag, |(tag, _)| *tag);
        at.ok().and_then(|at| self.values.get(at)).map_or(&[], |(_, value)| value)
    }
}

/// A value less its padding. What stands before text stays, for it is answered.
fn tidy(value: &[u8], vr: Vr) -> &[u8] {
    match vr {
        Vr::UI => stripped(value),
        Vr::US => value,
        _ => &value[..value.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1)],
    }
}

/// Bytes of the characters of UTF-8 that fit into [`Record::LONGEST`].
fn whole_characters(value: &[u8]) -> usize {
    if value.len() < Record::LONGEST {
        return value.len();
    }
    let value = &value[..Record::LONGEST];
    match std::str::from_utf8(value) {
        // Cut within its last character.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => value.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::keys::{PATIENT_ID, STUDY_DATE};

    fn stored() -> Stored {
        Stored { file: "CT_1.dcm".into(), size: 1, at: 0, syntax: "1.2.840.10008.1.2.1".into() }
    }

    fn found(tag: Tag, vr: Vr, depth: usize, value: &[u8]) -> Found {
        Found { tag, vr, depth, value: value.to_vec(), cut: false }
    }

    #[test]
    fn the_top_of_a_data_set_counts_and_keys_alone() {
        let rows = Tag::new(0x0028, 0x0010);
        let elements = [
            found(Tag::SOP_INSTANCE, Vr::UI, 2, b"1.9"),
            found(Tag::SOP_INSTANCE, Vr::UI, 0, b"1.2"),
            found(PATIENT_ID, Vr::LO, 0, b" P1  "),
            found(STUDY_DATE, Vr::DA, 0, b"  "),
            found(Tag::new(0x0010, 0x0099), Vr::LO, 0, b"no key"),
            found(rows, Vr::US, 0, &[0x02, 0x00]),
        ];
        let record = Record::new(stored(), &elements, true);
        assert_eq!(record.value(Tag::SOP_INSTANCE), b"1.2");
        assert_eq!(record.value(PATIENT_ID), b" P1");
        assert_eq!(record.value(rows), [0x00, 0x02]);
        assert_eq!(record.values().len(), 3);
        assert_eq!(Record::new(stored(), &elements, false).value(rows), [0x02, 0x00]);
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let utf8 = (Tag::SPECIFIC_CHARACTER_SET, b"ISO_IR 192".to_vec());
        let name = (Tag::PATIENT_NAME, format!("x{}", "ü".repeat(600)).into_bytes());
        let record = Record::from_values(stored(), [name.clone(), utf8.clone()]);
        assert_eq!(record.value(Tag::PATIENT_NAME).len(), 1023);
        // As it arrives from a receiver, who has cut it already.
        let cut = (Tag::PATIENT_NAME, name.1[..1024].to_vec());
        assert_eq!(Record::from_values(stored(), [cut, utf8]), record);
        assert_eq!(Record::from_values(stored(), [name]).value(Tag::PATIENT_NAME).len(), 1024);
    }
}
