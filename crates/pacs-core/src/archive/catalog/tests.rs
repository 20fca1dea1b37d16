//! Both catalogs must answer alike, whatever is stored and asked.

mod alike;
mod generate;

use super::scan::Scan;
use super::sqlite::Sqlite;
use super::*;
use crate::archive::keys::{Level, MODALITY, PATIENT_ID, SERIES_INSTANCE, STUDY_DATE};
use crate::archive::query::{Element, Model, Rules};
use crate::archive::record::Stored;
use crate::dataset::Tag;
use crate::dataset::vr::Vr;

const COUNT: Tag = Tag::new(0x0020, 0x1208);
const SOP_CLASSES: Tag = Tag::new(0x0008, 0x0062);
const MODALITIES: Tag = Tag::new(0x0008, 0x0061);

/// A record of patient, study, series and instance, in a file of its own.
pub(super) fn record(number: u32, patient: &str, study: &str, series: &str, sop: &str) -> Record {
    let values = [
        (PATIENT_ID, patient),
        (Tag::STUDY_INSTANCE, study),
        (SERIES_INSTANCE, series),
        (Tag::SOP_INSTANCE, sop),
        (Tag::SOP_CLASS, "1.2.840.10008.5.1.4.1.1.2"),
        (MODALITY, if series.ends_with('9') { "MR" } else { "CT" }),
    ];
    let stored = Stored {
        file: format!("CT_{number}.dcm").into(),
        size: 10,
        at: i64::from(number) * 1000,
        syntax: "1.2.840.10008.1.2.1".into(),
    };
    Record::from_values(stored, values.map(|(tag, value)| (tag, value.as_bytes().to_vec())))
}

pub(super) fn add(catalog: &dyn Catalog, record: Record) -> Id {
    catalog.insert(&[Insertion { record, remove: Vec::new() }]).unwrap()[0].id
}

pub(super) fn query(model: Model, level: Level, keys: &[(Tag, &str)]) -> Query {
    let level = Element { tag: crate::archive::keys::QUERY_LEVEL, vr: Vr::CS, value: level.word().as_bytes() };
    let keys = keys.iter().map(|(tag, value)| Element { tag: *tag, vr: Vr::UI, value: value.as_bytes() });
    let identifier: Vec<Element<'_>> = std::iter::once(level).chain(keys).collect();
    Query::find(model, &identifier, Rules::default()).unwrap()
}

/// The answers, each its values as text.
pub(super) fn find(catalog: &dyn Catalog, query: &Query) -> Result<Vec<Vec<String>>, Error> {
    let mut answers = Vec::new();
    catalog.find(query, &mut |answer| {
        answers.push(answer.values.iter().map(|(.., value)| String::from_utf8_lossy(value).into_owned()).collect());
        ControlFlow::Continue(())
    })?;
    Ok(answers)
}

/// Does the same with both catalogs.
fn with_both(test: impl Fn(&dyn Catalog)) {
    test(&Scan::new());
    let folder = tempfile::tempdir().unwrap();
    test(&Sqlite::open(&folder.path().join("catalog")).unwrap());
}

#[test]
fn a_study_of_two_patients_is_answered_twice_and_each_time_with_its_own_counts() {
    with_both(|catalog| {
        add(catalog, record(1, "A", "1", "1.1", "1.1.1"));
        add(catalog, record(2, "B", "1", "1.1", "1.1.2"));
        add(catalog, record(3, "A", "1", "1.9", "1.9.1"));
        let keys = [(Tag::STUDY_INSTANCE, ""), (PATIENT_ID, ""), (COUNT, ""), (MODALITIES, "")];
        let answers = find(catalog, &query(Model::StudyRoot, Level::Study, &keys)).unwrap();
        assert_eq!(answers, [["1", "A", "2", "CT\\MR"], ["1", "B", "1", "CT"]]);
    });
}

#[test]
fn answers_come_from_the_first_record_that_matches() {
    with_both(|catalog| {
        let first = add(catalog, record(1, "A", "1", "1.1", "1.1.1"));
        add(catalog, record(2, "A", "1", "1.9", "1.9.1"));
        let keys = [(Tag::STUDY_INSTANCE, "1"), (MODALITY, "MR"), (Tag::SOP_INSTANCE, "")];
        let query = query(Model::StudyRoot, Level::Study, &keys);
        // What is below the level does not select.
        assert_eq!(find(catalog, &query).unwrap(), [["1", "CT", "1.1.1"]]);
        catalog.remove(&[first]).unwrap();
        assert_eq!(find(catalog, &query).unwrap(), [["1", "MR", "1.9.1"]]);
    });
}

#[test]
fn lists_that_are_computed_select() {
    with_both(|catalog| {
        add(catalog, record(1, "A", "1", "1.1", "1.1.1"));
        add(catalog, record(2, "A", "2", "2.9", "2.9.1"));
        for (value, studies) in [("MR", &["2"][..]), ("M*", &["2"]), ("?T", &["1"]), ("US", &[]), ("", &["1", "2"])] {
            let keys = [(Tag::STUDY_INSTANCE, ""), (MODALITIES, value)];
            let answers = find(catalog, &query(Model::StudyRoot, Level::Study, &keys)).unwrap();
            assert_eq!(answers.iter().map(|answer| answer[0].as_str()).collect::<Vec<_>>(), studies, "{value}");
        }
        let keys = [(Tag::STUDY_INSTANCE, ""), (SOP_CLASSES, "1.2.3\\1.2.840.10008.5.1.4.1.1.2")];
        assert_eq!(find(catalog, &query(Model::StudyRoot, Level::Study, &keys)).unwrap().len(), 2);
    });
}

#[test]
fn a_missing_unique_key_fails_once_a_record_gets_that_far() {
    with_both(|catalog| {
        let keys = [(PATIENT_ID, "A"), (SERIES_INSTANCE, "")];
        let by_study = query(Model::PatientRoot, Level::Series, &keys);
        let by_patient = query(Model::StudyRoot, Level::Patient, &keys);
        let missing = Err(Error::Query(QueryError::NoUniqueKey(Level::Study)));
        for query in [&by_study, &by_patient] {
            assert_eq!(find(catalog, query), Ok(vec![]));
        }
        add(catalog, record(1, "B", "1", "1.1", "1.1.1"));
        assert_eq!(find(catalog, &by_study), Ok(vec![]));
        assert_eq!(find(catalog, &by_patient), missing);
        add(catalog, record(2, "A", "1", "1.1", "1.1.1"));
        assert_eq!(find(catalog, &by_study), missing);
        assert_eq!(catalog.select(&by_study), Ok(vec![]));
    });
}

#[test]
fn without_a_key_to_answer_only_records_with_a_character_set_are_answered() {
    with_both(|catalog| {
        let with_set = |number| {
            let plain = record(number, "A", &number.to_string(), "1", "1");
            let set = (Tag::SPECIFIC_CHARACTER_SET, b"ISO_IR 100".to_vec());
            Record::from_values(plain.stored().clone(), plain.values().iter().cloned().chain([set]))
        };
        add(catalog, with_set(1));
        add(catalog, with_set(2));
        add(catalog, record(3, "A", "3", "1", "1"));
        add(catalog, with_set(4));
        assert_eq!(find(catalog, &query(Model::StudyRoot, Level::Study, &[])).unwrap().len(), 2);
    });
}

#[test]
fn what_is_removed_dooms_its_file_until_it_is_buried() {
    with_both(|catalog| {
        let first = add(catalog, record(1, "A", "1", "1.1", "1.1.1"));
        let second = record(2, "A", "1", "1.1", "1.1.1");
        let outcomes = catalog.insert(&[Insertion { record: second, remove: vec![first, Id(999)] }]).unwrap();
        let file = PathBuf::from("CT_1.dcm");
        assert_eq!(outcomes, [Outcome { id: Id(2), doomed: vec![file.clone()] }]);
        assert_eq!(catalog.doomed().unwrap(), std::slice::from_ref(&file));
        catalog.buried(&[&file]).unwrap();
        assert!(catalog.doomed().unwrap().is_empty());
        // A doomed file that is stored anew is not doomed, and one that is gone never was.
        catalog.remove(&[Id(2)]).unwrap();
        add(catalog, record(2, "A", "1", "1.1", "1.1.1"));
        assert!(catalog.doomed().unwrap().is_empty());
        assert_eq!(catalog.remove_files(&[Path::new("CT_2.dcm"), Path::new("none")]), Ok(1));
        assert!(catalog.doomed().unwrap().is_empty());
        assert_eq!(catalog.totals(), Totals::default());
    });
}

#[test]
fn a_file_has_one_record() {
    with_both(|catalog| {
        add(catalog, record(1, "A", "1", "1.1", "1.1.1"));
        let id = add(catalog, record(1, "B", "2", "2.1", "2.1.1"));
        assert_eq!(catalog.totals(), Totals { studies: 1, instances: 1, bytes: 10 });
        let held = catalog.by_file(Path::new("CT_1.dcm")).unwrap().unwrap();
        assert_eq!((held.id, held.study), (id, b"2".to_vec()));
        assert!(catalog.doomed().unwrap().is_empty());
    });
}

#[test]
fn quota_finds_what_was_stored_first() {
    with_both(|catalog| {
        for (number, study) in [(5, "1"), (2, "2"), (7, "1"), (3, "3"), (4, "2")] {
            add(catalog, record(number, "A", study, "1.1", &number.to_string()));
        }
        let studies = catalog.oldest_studies(2).unwrap();
        assert_eq!(studies[0], (b"3".to_vec(), StudySummary { bytes: 10, instances: 1, last_stored: 3000 }));
        assert_eq!(studies[1], (b"2".to_vec(), StudySummary { bytes: 20, instances: 2, last_stored: 4000 }));
        let oldest = catalog.oldest_instances(b"1", 9).unwrap();
        assert_eq!(oldest.iter().map(|held| held.stored).collect::<Vec<_>>(), [5000, 7000]);
        // The last to be stored goes: the one before it is the last then.
        catalog.remove(&[oldest[1].id]).unwrap();
        assert_eq!(catalog.study(b"1").unwrap().unwrap().last_stored, 5000);
        assert_eq!(catalog.study(b"9"), Ok(None));
        assert_eq!(catalog.totals(), Totals { studies: 3, instances: 4, bytes: 40 });
    });
}

#[test]
fn notes_are_kept() {
    with_both(|catalog| {
        assert_eq!(catalog.note("index"), Ok(None));
        catalog.set_note("index", b"1").unwrap();
        catalog.set_note("index", b"2").unwrap();
        assert_eq!(catalog.note("index"), Ok(Some(b"2".to_vec())));
    });
}

#[test]
fn a_retrieval_gives_every_record_in_store_order() {
    with_both(|catalog| {
        for (number, study) in [(1, "1"), (2, "2"), (3, "1"), (4, "1")] {
            add(catalog, record(number, "A", study, "1.1", "1.1.1"));
        }
        let query = query(Model::StudyRoot, Level::Study, &[(Tag::STUDY_INSTANCE, "1"), (STUDY_DATE, "")]);
        let mut files = Vec::new();
        let sink = &mut |instance: Instance| {
            assert_eq!(instance.sop_instance, b"1.1.1");
            assert_eq!(instance.sop_class, b"1.2.840.10008.5.1.4.1.1.2");
            assert_eq!(instance.syntax, "1.2.840.10008.1.2.1");
            files.push(instance.file);
            ControlFlow::Continue(())
        };
        catalog.instances(&query, sink).unwrap();
        assert_eq!(files, ["CT_1.dcm", "CT_3.dcm", "CT_4.dcm"].map(PathBuf::from));
        let ids = catalog.select(&query).unwrap();
        catalog.remove(&[ids[1]]).unwrap();
        let held: Vec<bool> = catalog.held(&ids).unwrap().iter().map(Option::is_some).collect();
        assert_eq!(held, [true, false, true]);
    });
}
