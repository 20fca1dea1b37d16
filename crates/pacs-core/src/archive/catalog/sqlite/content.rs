//! The values of one level as one blob: for each that is not empty its tag, its length and its bytes, in the order of tags.
//! Equal values make equal blobs.

use crate::archive::keys::{Level, key};
use crate::archive::record::{Record, Values};
use crate::dataset::Tag;

/// The level with whose values a key is kept. A series has one SOP class as a rule, so it is kept once for all of them.
pub(super) fn kept_at(tag: Tag) -> Level {
    match key(tag) {
        _ if tag == Tag::SOP_CLASS => Level::Series,
        _ if tag == Tag::SPECIFIC_CHARACTER_SET => Level::Patient,
        Some(key) => key.level,
        None => Level::Image,
    }
}

/// The blobs of a record, from the patient down. SOP Instance UID has a column of its own.
pub(super) fn of(record: &Record) -> [Vec<u8>; 4] {
    let mut contents: [Vec<u8>; 4] = Default::default();
    for (tag, value) in record.values() {
        if *tag == Tag::SOP_INSTANCE {
            continue;
        }
        let content = &mut contents[kept_at(*tag) as usize];
        content.extend_from_slice(&tag.number().to_le_bytes());
        content.extend_from_slice(&(value.len() as u16).to_le_bytes());
        content.extend_from_slice(value);
    }
    contents
}

/// The value of a tag in a blob, nothing if it is not there.
pub(super) fn value(mut content: &[u8], tag: Tag) -> &[u8] {
    while let Some((head, rest)) = content.split_first_chunk::<6>() {
        let [a, b, c, d, e, f] = *head;
        let len = usize::from(u16::from_le_bytes([e, f]));
        let Some((value, rest)) = rest.split_at_checked(len) else { return &[] };
        if u32::from_le_bytes([a, b, c, d]) == tag.number() {
            return value;
        }
        content = rest;
    }
    &[]
}

/// What is known of a record by one row of each level.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// The values, from the patient down; empty below the level that was read.
    pub(super) contents: [Vec<u8>; 4],
    /// The entities of patient, study and series; 0 below the level that was read.
    pub(super) entities: [i64; 3],
    /// The first object below the row, or the object itself.
    pub(super) first: i64,
    /// Its SOP Instance UID, if an object was read.
    pub(super) sop: Vec<u8>,
    /// Its transfer syntax, if an object was read.
    pub(super) syntax: i64,
}

impl Values for Path {
    fn value(&self, tag: Tag) -> &[u8] {
        if tag == Tag::SOP_INSTANCE { &self.sop } else { value(&self.contents[kept_at(tag) as usize], tag) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::keys::{MODALITY, PATIENT_ID};
    use crate::archive::record::Stored;

    #[test]
    fn what_goes_in_comes_out() {
        let stored = Stored { file: "f".into(), size: 0, at: 0, syntax: String::new() };
        let values = [
            (Tag::SPECIFIC_CHARACTER_SET, &b"ISO_IR 100"[..]),
            (Tag::SOP_CLASS, b"1.2"),
            (Tag::SOP_INSTANCE, b"1.2.3"),
            (PATIENT_ID, b"P"),
            (MODALITY, b"CT"),
            (Tag::PATIENT_NAME, &[b'x'; 1024]),
        ];
        let record = Record::from_values(stored, values.map(|(tag, value)| (tag, value.to_vec())));
        let contents = of(&record);
        let path = Path { contents, sop: b"1.2.3".to_vec(), ..Path::default() };
        for (tag, expected) in values {
            assert_eq!(path.value(tag), expected);
        }
        assert_eq!(path.value(Tag::STUDY_INSTANCE), b"");
        assert!(path.contents[Level::Study as usize].is_empty());
        // A blob that is damaged has no values, and is no danger.
        for cut in 0..path.contents[0].len() {
            value(&path.contents[0][..cut], PATIENT_ID);
        }
    }
}
