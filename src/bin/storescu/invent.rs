//! `--invent-*`: identifiers of its own for each object, in series, studies and patients of a given size. To fill an archive
//! for a test with what looks like many patients.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use pacs_core::dataset::{Replacement, Tag, Wanted};
use pacs_core::uid;

use crate::options::Invent;

/// The elements that are replaced, each with DCMTK's name for messages.
const REPLACED: [(Tag, &str); 8] = [
    (Tag::PATIENT_NAME, "PatientName"),
    (Tag::new(0x0010, 0x0020), "PatientID"),
    (Tag::STUDY_INSTANCE, "StudyInstanceUID"),
    (Tag::new(0x0020, 0x0010), "StudyID"),
    (Tag::new(0x0020, 0x000E), "SeriesInstanceUID"),
    (Tag::new(0x0020, 0x0011), "SeriesNumber"),
    (Tag::SOP_INSTANCE, "SOPInstanceUID"),
    (Tag::new(0x0020, 0x0013), "InstanceNumber"),
];

/// What to look out for in a data set: what a request needs, and what is to be replaced.
pub(crate) const WANTED: &[Wanted] = &[
    Wanted { tag: Tag::SOP_CLASS, nested: true },
    Wanted { tag: Tag::SOP_INSTANCE, nested: true },
    Wanted { tag: REPLACED[0].0, nested: false },
    Wanted { tag: REPLACED[1].0, nested: false },
    Wanted { tag: REPLACED[2].0, nested: false },
    Wanted { tag: REPLACED[3].0, nested: false },
    Wanted { tag: REPLACED[4].0, nested: false },
    Wanted { tag: REPLACED[5].0, nested: false },
    Wanted { tag: REPLACED[7].0, nested: false },
];

/// Invents identifiers, for all associations together.
#[derive(Debug)]
pub(crate) struct Inventor {
    sizes: Invent,
    state: Mutex<State>,
}

/// The values of one object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invented {
    /// What takes the place of what the file has.
    pub(crate) replace: Arc<[Replacement]>,
    /// What the log says of it.
    pub(crate) record: String,
}

#[derive(Debug)]
struct State {
    patient: u32,
    study: u32,
    series: u32,
    image: u32,
    patient_id: String,
    patient_name: String,
    study_uid: String,
    study_id: String,
    series_uid: String,
    series_number: u32,
}

impl Inventor {
    /// None unless it is asked for.
    pub(crate) fn new(sizes: Invent) -> Option<Self> {
        sizes.on.then(|| Self { sizes, state: Mutex::new(State::new()) })
    }

    /// The values for the next object.
    // DCMTK: the first series of another study keeps the identifiers it got as the next one of the old study, for they are
    // made before the counter goes back to 0.
    pub(crate) fn next(&self) -> Invented {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.image == self.sizes.series {
            state.image = 0;
            state.series += 1;
            state.new_series();
        }
        if state.series == self.sizes.study {
            state.series = 0;
            state.study += 1;
            state.new_study();
        }
        if state.study == self.sizes.patient {
            state.study = 0;
            state.patient = state.patient.wrapping_add(1);
            state.new_patient();
        }
        let invented = state.invented(uid::new());
        state.image += 1;
        invented
    }
}

impl State {
    fn new() -> Self {
        let mut state = Self {
            patient: 0,
            study: 0,
            series: 0,
            image: 0,
            patient_id: String::new(),
            patient_name: String::new(),
            study_uid: String::new(),
            study_id: String::new(),
            series_uid: String::new(),
            series_number: 0,
        };
        state.new_series();
        state.new_study();
        state.new_patient();
        state
    }

    fn new_series(&mut self) {
        self.series_uid = uid::new();
        self.series_number = self.series;
    }

    fn new_study(&mut self) {
        self.study_uid = uid::new();
        self.study_id = format!("SID_{}{}", seconds(), self.study);
    }

    fn new_patient(&mut self) {
        let (time, patient) = (seconds(), self.patient);
        self.patient_id = format!("PID_{time}{patient}");
        self.patient_name = format!("OFFIS^TEST_PN_{time}{patient}");
    }

    fn invented(&self, instance: String) -> Invented {
        let values = [
            self.patient_name.clone(),
            self.patient_id.clone(),
            self.study_uid.clone(),
            self.study_id.clone(),
            self.series_uid.clone(),
            self.series_number.to_string(),
            instance,
            self.image.to_string(),
        ];
        let Self { patient, study, series, image, .. } = self;
        let mut record = format!("Inventing Identifying Information (pa{patient}, st{study}, se{series}, im{image}):");
        for ((_, name), value) in REPLACED.iter().zip(&values) {
            // DCMTK: here the last one has its old name.
            let name = if *name == "InstanceNumber" { "ImageNumber" } else { name };
            record += &format!("\n  {name}={value}");
        }
        let replace = REPLACED.iter().zip(values);
        let replace = replace.map(|((tag, _), value)| Replacement { tag: *tag, value: value.into_bytes() });
        Invented { replace: replace.collect(), record }
    }
}

/// DCMTK's lines for elements to replace that a data set does not have. `has` tells which it has at its top.
pub(crate) fn missing(has: impl Fn(Tag) -> bool) -> impl Iterator<Item = String> {
    REPLACED
        .into_iter()
        .filter(move |(tag, _)| !has(*tag))
        .map(|(tag, name)| format!("updateStringAttributeValue: cannot find: {name} {tag}: Tag not found"))
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Study, series number, image number of each of so many objects, UIDs as numbers in the order of their appearance.
    fn objects(sizes: Invent, count: usize) -> Vec<[String; 5]> {
        let inventor = Inventor::new(sizes).unwrap();
        let mut seen = Vec::new();
        let objects: Vec<_> = (0..count).map(|_| inventor.next()).collect();
        let mut number = |value: &Replacement| {
            let place = seen.iter().position(|known| *known == value.value).unwrap_or_else(|| {
                seen.push(value.value.clone());
                seen.len() - 1
            });
            place.to_string()
        };
        let text = |value: &Replacement| String::from_utf8(value.value.clone()).unwrap();
        objects
            .iter()
            .map(|object| {
                let [_, patient, study, _, series, series_number, _, image] = &*object.replace else { panic!() };
                [number(patient), number(study), number(series), text(series_number), text(image)]
            })
            .collect()
    }

    #[test]
    fn objects_are_grouped_as_dcmtk_groups_them() {
        let sizes = Invent { on: true, series: 2, study: 2, patient: 1 };
        let expected = [
            ["0", "1", "2", "0", "0"],
            ["0", "1", "2", "0", "1"],
            ["0", "1", "3", "1", "0"],
            ["0", "1", "3", "1", "1"],
            ["4", "5", "6", "2", "0"],
            ["4", "5", "6", "2", "1"],
            ["4", "5", "7", "1", "0"],
        ];
        assert_eq!(objects(sizes, 7), expected);
    }

    #[test]
    fn nothing_is_invented_unless_it_is_asked_for() {
        assert!(Inventor::new(Invent::default()).is_none());
    }

    #[test]
    fn what_is_missing_is_named() {
        let lines: Vec<_> = missing(|tag| tag != Tag::STUDY_INSTANCE).collect();
        assert_eq!(lines, ["updateStringAttributeValue: cannot find: StudyInstanceUID (0020,000d): Tag not found"]);
        assert_eq!(missing(|_| false).count(), 8);
    }
}
