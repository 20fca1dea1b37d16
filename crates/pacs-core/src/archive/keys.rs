//! The key attributes of the query/retrieve information models (PS3.4 C.6): at which level each stands, whether it is
//! unique there, and where its values come from.
//!
//! The table holds what DCMTK supports and, beyond it, attributes that are answered when they are asked for. Whatever is
//! not in the table is ignored in a request and never answered.

use crate::dataset::vr::Vr;
use crate::dataset::{Tag, Wanted};

/// A level of the information models (PS3.4 C.6), from the top down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// PATIENT
    Patient,
    /// STUDY
    Study,
    /// SERIES
    Series,
    /// IMAGE: a composite object instance
    Image,
}

impl Level {
    /// All four, from the top down.
    pub const ALL: [Level; 4] = [Level::Patient, Level::Study, Level::Series, Level::Image];

    /// The word in Query/Retrieve Level (0008,0052).
    pub const fn word(self) -> &'static str {
        match self {
            Level::Patient => "PATIENT",
            Level::Study => "STUDY",
            Level::Series => "SERIES",
            Level::Image => "IMAGE",
        }
    }

    /// The tag of the level's unique key.
    pub const fn unique(self) -> Tag {
        match self {
            Level::Patient => PATIENT_ID,
            Level::Study => Tag::STUDY_INSTANCE,
            Level::Series => SERIES_INSTANCE,
            Level::Image => Tag::SOP_INSTANCE,
        }
    }

    /// The level's number in log lines: 0 is PATIENT.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Query/Retrieve Level.
pub const QUERY_LEVEL: Tag = Tag::new(0x0008, 0x0052);
/// Patient ID.
pub const PATIENT_ID: Tag = Tag::new(0x0010, 0x0020);
/// Series Instance UID.
pub const SERIES_INSTANCE: Tag = Tag::new(0x0020, 0x000E);
/// Accession Number.
pub const ACCESSION_NUMBER: Tag = Tag::new(0x0008, 0x0050);
/// Study Date.
pub const STUDY_DATE: Tag = Tag::new(0x0008, 0x0020);
/// Modality.
pub const MODALITY: Tag = Tag::new(0x0008, 0x0060);

/// A value that is worked out when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Computed {
    /// Studies of the patient.
    PatientStudies,
    /// Series of the patient.
    PatientSeries,
    /// Stored objects of the patient.
    PatientInstances,
    /// Series of the study.
    StudySeries,
    /// Stored objects of the study.
    StudyInstances,
    /// Stored objects of the series.
    SeriesInstances,
    /// Every Modality of the study's series, each once, in store order.
    Modalities,
    /// Every SOP Class UID of the study's objects, each once, in store order.
    SopClasses,
    /// ONLINE, always (PS3.4 C.4.1.1.3.2).
    Availability,
    /// The syntax the object is stored in.
    TransferSyntax,
}

impl Computed {
    /// Whether a value in the request selects by it (PS3.4 C.3.4): lists do, numbers and availability never.
    pub const fn selects(self) -> bool {
        matches!(self, Computed::Modalities | Computed::SopClasses)
    }
}

/// Where the values of a key come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The stored object.
    Stored,
    /// All objects of the answered patient, study or series, or the catalog itself.
    Computed(Computed),
}

/// A key attribute.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// Its tag.
    pub tag: Tag,
    /// The level where it selects.
    pub level: Level,
    /// Its VR by the dictionary, which decides how it is compared and answered.
    pub vr: Vr,
    /// Whether DCMTK supports it: such keys alone count in the strict checks.
    pub dcmtk: bool,
    /// Where its values come from.
    pub source: Source,
}

impl Key {
    /// Whether this is the unique key of its level.
    pub fn is_unique(&self) -> bool {
        self.level.unique() == self.tag
    }
}

const fn ours(group: u16, element: u16, vr: Vr, level: Level) -> Key {
    Key { tag: Tag::new(group, element), level, vr, dcmtk: false, source: Source::Stored }
}

const fn dcmtk(group: u16, element: u16, vr: Vr, level: Level) -> Key {
    Key { dcmtk: true, ..ours(group, element, vr, level) }
}

const fn computed(group: u16, element: u16, vr: Vr, level: Level, value: Computed) -> Key {
    Key { source: Source::Computed(value), ..ours(group, element, vr, level) }
}

use Level::{Image, Patient, Series, Study};

/// Every key, in the order of tags. PS3.4 tables C.6-1 (PATIENT), C.6-2 (STUDY), C.6-3 (SERIES), C.6-4 (IMAGE).
// DCMTK: Patient Comments and Additional Patient History are declared as keys, but its records lack them, so that they
// are never answered and a value reads past a table. Here they are keys as any other.
#[rustfmt::skip]
const TABLE: [Key; 71] = [
    ours(0x0008, 0x0016, Vr::UI, Image),      // SOP Class UID
    dcmtk(0x0008, 0x0018, Vr::UI, Image),     // SOP Instance UID, unique
    dcmtk(0x0008, 0x0020, Vr::DA, Study),     // Study Date
    ours(0x0008, 0x0021, Vr::DA, Series),     // Series Date
    ours(0x0008, 0x0022, Vr::DA, Image),      // Acquisition Date
    ours(0x0008, 0x0023, Vr::DA, Image),      // Content Date
    dcmtk(0x0008, 0x0030, Vr::TM, Study),     // Study Time
    ours(0x0008, 0x0031, Vr::TM, Series),     // Series Time
    ours(0x0008, 0x0032, Vr::TM, Image),      // Acquisition Time
    ours(0x0008, 0x0033, Vr::TM, Image),      // Content Time
    dcmtk(0x0008, 0x0050, Vr::SH, Study),     // Accession Number
    computed(0x0008, 0x0056, Vr::CS, Image, Computed::Availability),  // Instance Availability
    dcmtk(0x0008, 0x0060, Vr::CS, Series),    // Modality
    computed(0x0008, 0x0061, Vr::CS, Study, Computed::Modalities),    // Modalities in Study
    computed(0x0008, 0x0062, Vr::UI, Study, Computed::SopClasses),    // SOP Classes in Study
    ours(0x0008, 0x0070, Vr::LO, Series),     // Manufacturer
    ours(0x0008, 0x0080, Vr::LO, Series),     // Institution Name
    dcmtk(0x0008, 0x0090, Vr::PN, Study),     // Referring Physician's Name
    ours(0x0008, 0x1010, Vr::SH, Series),     // Station Name
    dcmtk(0x0008, 0x1030, Vr::LO, Study),     // Study Description
    ours(0x0008, 0x103E, Vr::LO, Series),     // Series Description
    ours(0x0008, 0x1040, Vr::LO, Series),     // Institutional Department Name
    ours(0x0008, 0x1048, Vr::PN, Study),      // Physician(s) of Record
    ours(0x0008, 0x1050, Vr::PN, Series),     // Performing Physician's Name
    dcmtk(0x0008, 0x1060, Vr::PN, Study),     // Name of Physician(s) Reading Study
    ours(0x0008, 0x1070, Vr::PN, Series),     // Operators' Name
    dcmtk(0x0008, 0x1080, Vr::LO, Study),     // Admitting Diagnoses Description
    ours(0x0008, 0x1090, Vr::LO, Series),     // Manufacturer's Model Name
    computed(0x0008, 0x3002, Vr::UI, Image, Computed::TransferSyntax), // Available Transfer Syntax UID
    dcmtk(0x0010, 0x0010, Vr::PN, Patient),   // Patient's Name
    dcmtk(0x0010, 0x0020, Vr::LO, Patient),   // Patient ID, unique
    dcmtk(0x0010, 0x0021, Vr::LO, Patient),   // Issuer of Patient ID
    dcmtk(0x0010, 0x0030, Vr::DA, Patient),   // Patient's Birth Date
    dcmtk(0x0010, 0x0032, Vr::TM, Patient),   // Patient's Birth Time
    dcmtk(0x0010, 0x0040, Vr::CS, Patient),   // Patient's Sex
    dcmtk(0x0010, 0x1000, Vr::LO, Patient),   // Other Patient IDs
    dcmtk(0x0010, 0x1001, Vr::PN, Patient),   // Other Patient Names
    dcmtk(0x0010, 0x1010, Vr::AS, Study),     // Patient's Age
    dcmtk(0x0010, 0x1020, Vr::DS, Study),     // Patient's Size
    dcmtk(0x0010, 0x1030, Vr::DS, Study),     // Patient's Weight
    dcmtk(0x0010, 0x2160, Vr::SH, Patient),   // Ethnic Group
    dcmtk(0x0010, 0x2180, Vr::SH, Study),     // Occupation
    dcmtk(0x0010, 0x21B0, Vr::LT, Study),     // Additional Patient History
    dcmtk(0x0010, 0x4000, Vr::LT, Patient),   // Patient Comments
    ours(0x0018, 0x0015, Vr::CS, Series),     // Body Part Examined
    ours(0x0018, 0x1030, Vr::LO, Series),     // Protocol Name
    ours(0x0018, 0x5100, Vr::CS, Series),     // Patient Position
    dcmtk(0x0020, 0x000D, Vr::UI, Study),     // Study Instance UID, unique
    dcmtk(0x0020, 0x000E, Vr::UI, Series),    // Series Instance UID, unique
    dcmtk(0x0020, 0x0010, Vr::SH, Study),     // Study ID
    dcmtk(0x0020, 0x0011, Vr::IS, Series),    // Series Number
    ours(0x0020, 0x0012, Vr::IS, Image),      // Acquisition Number
    dcmtk(0x0020, 0x0013, Vr::IS, Image),     // Instance Number
    ours(0x0020, 0x0052, Vr::UI, Series),     // Frame of Reference UID
    ours(0x0020, 0x0060, Vr::CS, Series),     // Laterality
    dcmtk(0x0020, 0x1070, Vr::IS, Study),     // Other Study Numbers
    computed(0x0020, 0x1200, Vr::IS, Patient, Computed::PatientStudies),   // Number of Patient Related Studies
    computed(0x0020, 0x1202, Vr::IS, Patient, Computed::PatientSeries),    // Number of Patient Related Series
    computed(0x0020, 0x1204, Vr::IS, Patient, Computed::PatientInstances), // Number of Patient Related Instances
    computed(0x0020, 0x1206, Vr::IS, Study, Computed::StudySeries),        // Number of Study Related Series
    computed(0x0020, 0x1208, Vr::IS, Study, Computed::StudyInstances),     // Number of Study Related Instances
    computed(0x0020, 0x1209, Vr::IS, Series, Computed::SeriesInstances),   // Number of Series Related Instances
    ours(0x0028, 0x0008, Vr::IS, Image),      // Number of Frames
    ours(0x0028, 0x0010, Vr::US, Image),      // Rows
    ours(0x0028, 0x0011, Vr::US, Image),      // Columns
    ours(0x0028, 0x0100, Vr::US, Image),      // Bits Allocated
    ours(0x0040, 0x0244, Vr::DA, Series),     // Performed Procedure Step Start Date
    ours(0x0040, 0x0245, Vr::TM, Series),     // Performed Procedure Step Start Time
    ours(0x0040, 0x0253, Vr::SH, Series),     // Performed Procedure Step ID
    ours(0x0040, 0x0254, Vr::LO, Series),     // Performed Procedure Step Description
    ours(0x0070, 0x0080, Vr::CS, Image),      // Content Label
];

/// Every key attribute, in the order of tags.
pub static KEYS: &[Key] = &TABLE;

/// The key of this tag.
pub fn key(tag: Tag) -> Option<&'static Key> {
    KEYS.binary_search_by_key(&tag, |key| key.tag).ok().map(|at| &KEYS[at])
}

const STORED: usize = {
    let (mut at, mut stored) = (0, 0);
    while at < TABLE.len() {
        stored += matches!(TABLE[at].source, Source::Stored) as usize;
        at += 1;
    }
    stored
};

/// What to look out for in a data set for [`Record::new`](super::record::Record::new): every stored key at the top level,
/// and Specific Character Set. SOP Class and Instance UID are found in items too, as [`Wanted::BY_RECEIVER`] has them, so
/// that this list serves a receiver in place of that one.
pub static WANTED: [Wanted; STORED + 1] = {
    let mut wanted = [Wanted { tag: Tag::SPECIFIC_CHARACTER_SET, nested: false }; STORED + 1];
    let (mut at, mut next) = (0, 1);
    while at < TABLE.len() {
        if matches!(TABLE[at].source, Source::Stored) {
            let tag = TABLE[at].tag;
            let nested = tag.number() == Tag::SOP_CLASS.number() || tag.number() == Tag::SOP_INSTANCE.number();
            wanted[next] = Wanted { tag, nested };
            next += 1;
        }
        at += 1;
    }
    wanted
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::vr::Dictionary;

    #[test]
    fn the_table_is_in_the_order_of_tags_and_agrees_with_the_dictionary() {
        assert!(KEYS.is_sorted_by(|one, other| one.tag < other.tag));
        for key in KEYS {
            assert_eq!(super::key(key.tag), Some(key));
            let known = Dictionary::builtin().standard(key.tag.group(), key.tag.element());
            let vr = known.map(|known| known.by_tag(key.tag.group(), key.tag.element()));
            assert_eq!(vr, Some(key.vr), "{}", key.tag);
        }
        assert_eq!(super::key(Tag::new(0x0010, 0x0011)), None);
    }

    /// dcmqrscp's tables, one list a level.
    #[test]
    fn what_dcmtk_supports_is_marked() {
        for (level, tags) in [
            (
                Level::Patient,
                &[
                    0x0010_0010,
                    0x0010_0020,
                    0x0010_0021,
                    0x0010_0030,
                    0x0010_0032,
                    0x0010_0040,
                    0x0010_1000,
                    0x0010_1001,
                    0x0010_2160,
                    0x0010_4000,
                ][..],
            ),
            (
                Level::Study,
                &[
                    0x0008_0020,
                    0x0008_0030,
                    0x0008_0050,
                    0x0008_0090,
                    0x0008_1030,
                    0x0008_1060,
                    0x0008_1080,
                    0x0010_1010,
                    0x0010_1020,
                    0x0010_1030,
                    0x0010_2180,
                    0x0010_21B0,
                    0x0020_000D,
                    0x0020_0010,
                    0x0020_1070,
                ],
            ),
            (Level::Series, &[0x0008_0060, 0x0020_000E, 0x0020_0011]),
            (Level::Image, &[0x0008_0018, 0x0020_0013]),
        ] {
            let marked = KEYS.iter().filter(|key| key.dcmtk && key.level == level).map(|key| key.tag.number());
            assert_eq!(marked.collect::<Vec<u32>>(), tags, "{level:?}");
            assert_eq!(KEYS.iter().filter(|key| key.level == level && key.is_unique()).count(), 1);
            assert!(key(level.unique()).is_some_and(|key| key.dcmtk && key.level == level));
        }
    }

    #[test]
    fn a_receiver_finds_all_it_needs_by_the_same_list() {
        for wanted in Wanted::BY_RECEIVER {
            assert!(WANTED.contains(wanted), "{wanted:?}");
        }
        for key in KEYS.iter().filter(|key| key.source == Source::Stored) {
            assert_eq!(WANTED.iter().filter(|wanted| wanted.tag == key.tag).count(), 1, "{}", key.tag);
        }
    }
}
