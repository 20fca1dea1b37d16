//! Random objects and requests out of few values, so that they meet.

use crate::archive::keys::{KEYS, Key, Level, PATIENT_ID, QUERY_LEVEL, SERIES_INSTANCE, Source};
use crate::archive::matching::PnMatch;
use crate::archive::query::{Element, Model, Query, QueryError, Rules};
use crate::archive::record::{Record, Stored};
use crate::dataset::Tag;
use crate::dataset::vr::Vr;

/// Numbers without end, the same for the same seed (splitmix64).
#[derive(Debug, Clone)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }

    pub(super) fn of<'v, T>(&mut self, values: &'v [T]) -> &'v T {
        &values[self.below(values.len())]
    }

    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

const SETS: &[&str] = &["", "", "ISO_IR 100", "ISO_IR 192", "ISO_IR 6", "\\ISO 2022 IR 100", "nonsense"];

/// Text in a character set; what the set cannot say is written as UTF-8 all the same, and is wrong then.
fn encoded(text: &str, set: &str) -> Vec<u8> {
    match set {
        "ISO_IR 100" | "\\ISO 2022 IR 100" if text.chars().all(|letter| u32::from(letter) < 256) => {
            text.chars().map(|letter| letter as u8).collect()
        }
        _ => text.as_bytes().to_vec(),
    }
}

const NAMES: &[&str] =
    &["", "Müller^A", "MULLER^A", "Muller", "müller^a ", " M", "M\\N", "Strauß", "STRAUSS", "山田", "A^B=C"];
const TEXTS: &[&str] = &["", "A", "a", "AB", "A B", " A", "A ", "A\\B", "Ä", "ÄB", "x~"];
const CODES: &[&str] = &["", "CT", "MR", "CT ", "ct", "O"];
const UIDS: &[&str] = &["", "1", "1.2", "1.2.3", "1.20", "2"];
const DATES: &[&str] =
    &["", "20200101", "2020.01.01", "20200115", "20200229", "20201301", "2020", "20200101\\20200102"];
const TIMES: &[&str] = &["", "10", "1015", "101500", "10:15", "101530.5", "101530.50", "2400", "1x"];
const NUMBERS: &[&str] = &["", "1", "01", "2", "1 ", "10"];

fn values(vr: Vr) -> &'static [&'static str] {
    match vr {
        Vr::PN => NAMES,
        Vr::CS => CODES,
        Vr::UI => UIDS,
        Vr::DA => DATES,
        Vr::TM => TIMES,
        Vr::LO | Vr::SH | Vr::LT => TEXTS,
        Vr::US => &["", "\u{1}\0", "\0\u{1}", "\u{1}"],
        _ => NUMBERS,
    }
}

/// An object. Of the keys that most objects share, one in `rare` has a value.
pub(super) fn record(random: &mut Random, rare: usize, file: usize) -> Record {
    let set = if random.once_in(2) { SETS[0] } else { *random.of(SETS) };
    let mut found = vec![(Tag::SPECIFIC_CHARACTER_SET, set.as_bytes().to_vec())];
    for key in KEYS.iter().filter(|key| key.source == Source::Stored) {
        let common = matches!(key.tag, Tag::PATIENT_NAME | PATIENT_ID | Tag::STUDY_INSTANCE | SERIES_INSTANCE);
        let common = common || matches!(key.tag, Tag::SOP_INSTANCE | Tag::SOP_CLASS) || key.tag.number() == 0x0008_0060;
        if common || random.once_in(rare) {
            let all = values(key.vr);
            // The first few come more often.
            let end = if random.once_in(rare / 4) { all.len() } else { all.len().min(3) };
            found.push((key.tag, encoded(all[random.below(end)], set)));
        }
    }
    let stored = Stored {
        file: format!("f{file}").into(),
        size: random.below(100) as u64,
        at: random.below(20) as i64,
        syntax: (*random.of(&["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])).into(),
    };
    Record::from_values(stored, found)
}

fn key_value(random: &mut Random, key: &Key, set: &str) -> Vec<u8> {
    if random.once_in(3) {
        return Vec::new();
    }
    let plain = *random.of(values(key.vr));
    let text = match (random.below(8), key.vr) {
        (0, Vr::UI) => format!("{plain}\\{}", random.of(UIDS)),
        (0, Vr::DA | Vr::TM) => format!("{plain}-{}", random.of(values(key.vr))),
        (1, Vr::DA | Vr::TM) => format!("{plain}-"),
        (2, Vr::DA | Vr::TM) => format!("-{plain}"),
        (0, _) => format!("{}*", plain.chars().next().map(String::from).unwrap_or_default()),
        (1, _) => "*".into(),
        (2, _) => plain.chars().map(|letter| if random.once_in(3) { '?' } else { letter }).collect(),
        (3, _) => format!("*{}", plain.chars().last().map(String::from).unwrap_or_default()),
        (4, _) => format!(" {plain}\0"),
        _ => plain.into(),
    };
    encoded(&text, set)
}

pub(super) fn query(random: &mut Random, is_find: bool) -> Result<Query, QueryError> {
    let model = *random.of(&[Model::PatientRoot, Model::StudyRoot, Model::StudyRoot, Model::PatientStudyOnly]);
    let level = *random.of(&Level::ALL);
    let set = *random.of(SETS);
    let mut identifier = vec![
        (Tag::SPECIFIC_CHARACTER_SET, Vr::CS, set.as_bytes().to_vec()),
        (QUERY_LEVEL, Vr::CS, level.word().as_bytes().to_vec()),
        (Tag::new(0x0040, 0x0275), Vr::SQ, Vec::new()),
    ];
    for key in KEYS {
        let unique = key.is_unique() && key.level <= level;
        if (unique && !random.once_in(25)) || (key.level == level && random.once_in(6)) || random.once_in(20) {
            // All too many keys select nothing.
            let value = if random.once_in(3) || unique { key_value(random, key, set) } else { Vec::new() };
            let vr = if random.once_in(50) { Vr::UN } else { key.vr };
            identifier.push((key.tag, vr, value));
        }
    }
    let rules =
        Rules { strict: random.once_in(30), names: *random.of(&[PnMatch::Exact, PnMatch::IgnoreCase, PnMatch::Fold]) };
    let identifier: Vec<Element<'_>> =
        identifier.iter().map(|(tag, vr, value)| Element { tag: *tag, vr: *vr, value }).collect();
    if is_find { Query::find(model, &identifier, rules) } else { Query::retrieve(model, &identifier, rules) }
}
