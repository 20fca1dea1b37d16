use super::*;
use crate::archive::keys::{MODALITY, PATIENT_ID, SERIES_INSTANCE, STUDY_DATE};
use crate::archive::record::{Record, Stored};

const NUMBER: Tag = Tag::new(0x0020, 0x0013);
const MODALITIES: Tag = Tag::new(0x0008, 0x0061);
const COUNT: Tag = Tag::new(0x0020, 0x1208);
const SERIES_DESCRIPTION: Tag = Tag::new(0x0008, 0x103E);

fn element<'v>(tag: Tag, value: &'v str) -> Element<'v> {
    let vr = key(tag).map_or(Vr::CS, |key| key.vr);
    Element { tag, vr, value: value.as_bytes() }
}

/// A level and keys.
fn identifier<'v>(level: &'v str, keys: &[(Tag, &'v str)]) -> Vec<Element<'v>> {
    let keys = keys.iter().map(|(tag, value)| element(*tag, value));
    std::iter::once(element(QUERY_LEVEL, level)).chain(keys).collect()
}

fn find(model: Model, level: &str, keys: &[(Tag, &str)]) -> Result<Query, QueryError> {
    Query::find(model, &identifier(level, keys), Rules::default())
}

const STRICT: Rules = Rules { strict: true, names: PnMatch::Exact };

/// What strict checks say of a find.
fn strict(model: Model, level: &str, keys: &[(Tag, &str)]) -> Result<(), String> {
    Query::find(model, &identifier(level, keys), STRICT).map(drop).map_err(|error| error.to_string())
}

fn record(values: &[(Tag, &str)]) -> Record {
    let stored = Stored { file: "f".into(), size: 0, at: 0, syntax: String::new() };
    Record::from_values(stored, values.iter().map(|(tag, value)| (*tag, value.as_bytes().to_vec())))
}

fn compare(query: &Query, values: &[(Tag, &str)]) -> Verdict {
    query.compare(&record(values), &CharacterSets::parse(b""))
}

#[test]
fn a_level_is_known_by_its_beginning() {
    for (word, level) in [
        ("PATIENT", Ok(Level::Patient)),
        ("study ", Ok(Level::Study)),
        ("STUDYX", Ok(Level::Study)),
        ("Series\\STUDY", Ok(Level::Series)),
        ("IMAGE\0", Ok(Level::Image)),
        ("INSTANCE", Err(Cause::UnableToProcess)),
        ("FOO", Err(Cause::UnableToProcess)),
        ("STUD", Err(Cause::UnableToProcess)),
        (" STUDY", Err(Cause::UnableToProcess)),
        ("", Err(Cause::IdentifierMismatch)),
    ] {
        let found = find(Model::PatientRoot, word, &[]);
        assert_eq!(found.map(|query| query.level()).map_err(|error| error.cause()), level, "{word}");
    }
    let missing = Query::find(Model::StudyRoot, &[], Rules::default()).unwrap_err();
    assert_eq!((missing.cause().status(), missing.to_string()), (0xA900, "missing Query/Retrieve Level".into()));
    let binary = Element { tag: QUERY_LEVEL, vr: Vr::UN, value: b"STUDY" };
    let unknown = Query::retrieve(Model::StudyRoot, &[binary], Rules::default()).unwrap_err();
    assert_eq!(unknown.cause().status(), 0xC000);
}

#[test]
fn the_model_decides_where_comparing_begins_and_nothing_else() {
    for (model, level, missing) in [
        (Model::PatientRoot, "STUDY", Some(Level::Patient)),
        (Model::PatientStudyOnly, "IMAGE", Some(Level::Patient)),
        (Model::StudyRoot, "SERIES", Some(Level::Study)),
        (Model::StudyRoot, "STUDY", None),
        (Model::PatientRoot, "PATIENT", None),
        (Model::StudyRoot, "PATIENT", Some(Level::Study)),
    ] {
        assert_eq!(find(model, level, &[]).unwrap().missing(), missing, "{model:?} {level}");
    }
}

#[test]
fn above_the_level_the_unique_key_alone_selects() {
    let name = (Tag::PATIENT_NAME, "Doe");
    let query = |id| find(Model::PatientRoot, "STUDY", &[(PATIENT_ID, id), name, (STUDY_DATE, "20200101")]).unwrap();
    let study = [(PATIENT_ID, "P1"), (Tag::PATIENT_NAME, "Roe"), (STUDY_DATE, "20200101")];
    for (id, verdict) in
        [("P1", Verdict::Matches), ("", Verdict::Matches), ("P*", Verdict::Matches), ("P2", Verdict::Differs)]
    {
        assert_eq!(compare(&query(id), &study), verdict, "{id}");
    }
    assert_eq!(compare(&query("P1"), &[(PATIENT_ID, "P1"), (STUDY_DATE, "20200102")]), Verdict::Differs);
    // A list of UIDs serves as well.
    let query = find(Model::StudyRoot, "SERIES", &[(Tag::STUDY_INSTANCE, "1\\2"), (MODALITY, "C?")]).unwrap();
    assert_eq!(compare(&query, &[(Tag::STUDY_INSTANCE, "2"), (MODALITY, "CT")]), Verdict::Matches);
    assert_eq!(compare(&query, &[(Tag::STUDY_INSTANCE, "3"), (MODALITY, "CT")]), Verdict::Differs);
}

#[test]
fn a_missing_unique_key_matters_once_what_is_above_it_matches() {
    let query = find(Model::PatientRoot, "IMAGE", &[(PATIENT_ID, "P1"), (SERIES_INSTANCE, ""), (NUMBER, "1")]).unwrap();
    assert_eq!(compare(&query, &[(PATIENT_ID, "P2")]), Verdict::Differs);
    let verdict = compare(&query, &[(PATIENT_ID, "P1")]);
    assert_eq!(verdict, Verdict::NoUniqueKey(Level::Study));
    let error = QueryError::NoUniqueKey(Level::Study);
    assert_eq!(error.to_string(), "hierarchicalCompare : No UID Key found at level 1");
    assert_eq!(error.cause().status(), 0xC000);
    // An index is chosen by nothing that is behind it.
    assert_eq!(query.conditions().map(|condition| condition.key.tag).collect::<Vec<_>>(), [PATIENT_ID]);
}

#[test]
fn study_root_compares_patient_keys_with_studies_and_with_nothing_else() {
    let doe = [(Tag::PATIENT_NAME, "Doe"), (Tag::STUDY_INSTANCE, "1"), (SERIES_INSTANCE, "")];
    let roe = [(Tag::PATIENT_NAME, "Roe"), (Tag::STUDY_INSTANCE, "1")];
    assert_eq!(compare(&find(Model::StudyRoot, "STUDY", &doe).unwrap(), &roe), Verdict::Differs);
    assert_eq!(compare(&find(Model::StudyRoot, "SERIES", &doe).unwrap(), &roe), Verdict::Matches);
    let with_id = [(PATIENT_ID, ""), (Tag::PATIENT_NAME, "Doe"), (Tag::STUDY_INSTANCE, "1")];
    assert_eq!(compare(&find(Model::PatientRoot, "STUDY", &with_id).unwrap(), &roe), Verdict::Matches);
}

#[test]
fn keys_of_other_levels_and_unknown_ones_do_not_select() {
    let keys = [(Tag::STUDY_INSTANCE, ""), (MODALITY, "MR"), (Tag::new(0x0008, 0x1115), "x"), (COUNT, "7")];
    let query = find(Model::StudyRoot, "STUDY", &keys).unwrap();
    assert_eq!(compare(&query, &[(MODALITY, "CT")]), Verdict::Matches);
    // They are answered if they are known.
    let requested: Vec<Tag> = query.requested().iter().map(|key| key.tag).collect();
    assert_eq!(requested, [Tag::STUDY_INSTANCE, MODALITY, COUNT]);
}

#[test]
fn keys_beyond_those_of_dcmtk_select_at_their_level() {
    let keys = [(Tag::STUDY_INSTANCE, ""), (SERIES_DESCRIPTION, "Thorax*")];
    let query = find(Model::StudyRoot, "SERIES", &keys).unwrap();
    assert_eq!(compare(&query, &[(SERIES_DESCRIPTION, "Thorax 1mm")]), Verdict::Matches);
    assert_eq!(compare(&query, &[(SERIES_DESCRIPTION, "Head")]), Verdict::Differs);
    let query = find(Model::StudyRoot, "STUDY", &[(MODALITIES, "MR")]).unwrap();
    assert_eq!(compare(&query, &[]), Verdict::Matches);
    let list = |listed: &'static str| {
        query.compare_computed(|_| Ok::<_, ()>(listed.split('\\').map(|value| value.as_bytes().to_vec()).collect()))
    };
    assert_eq!((list("CT\\MR"), list("CT")), (Ok(true), Ok(false)));
    assert_eq!(query.compare_computed(|_| Err("no list")), Err("no list"));
}

#[test]
fn a_value_that_is_no_text_is_none() {
    for vr in [Vr::UN, Vr::OB, Vr::SQ, Vr::US, Vr::FD] {
        let id = Element { tag: PATIENT_ID, vr, value: b"P1" };
        let level = element(QUERY_LEVEL, "PATIENT");
        let query = Query::find(Model::PatientRoot, &[level, id], Rules::default()).unwrap();
        assert_eq!(compare(&query, &[(PATIENT_ID, "P2")]), Verdict::Matches, "{vr:?}");
    }
    // Any text will do, and a number where a number is meant.
    let id = Element { tag: PATIENT_ID, vr: Vr::UI, value: b"P1" };
    let query = Query::find(Model::PatientRoot, &[element(QUERY_LEVEL, "PATIENT"), id], Rules::default()).unwrap();
    assert_eq!(compare(&query, &[(PATIENT_ID, "P2")]), Verdict::Differs);
}

#[test]
fn the_first_of_a_tag_counts() {
    let twice = identifier("PATIENT", &[(PATIENT_ID, "P1"), (PATIENT_ID, "P2")]);
    let query = Query::find(Model::PatientRoot, &twice, Rules::default()).unwrap();
    assert_eq!(query.requested().len(), 1);
    assert_eq!(compare(&query, &[(PATIENT_ID, "P1")]), Verdict::Matches);
}

#[test]
fn strict_finds_keep_to_the_hierarchy() {
    let (id, study, series) = ((PATIENT_ID, "P1"), (Tag::STUDY_INSTANCE, "1"), (SERIES_INSTANCE, "1.1"));
    let name = (Tag::PATIENT_NAME, "Doe");
    let unsupported = [(COUNT, ""), (SERIES_DESCRIPTION, "x"), (MODALITIES, "CT"), (Tag::new(0x0008, 0x1115), "")];
    for (model, level, keys, refusal) in [
        (Model::PatientRoot, "PATIENT", vec![name], ""),
        (Model::PatientRoot, "STUDY", vec![id, (STUDY_DATE, "")], ""),
        (Model::StudyRoot, "STUDY", vec![name, id, study], ""),
        (Model::StudyRoot, "SERIES", vec![(Tag::STUDY_INSTANCE, "1\\2"), (MODALITY, "")], ""),
        (Model::PatientRoot, "STUDY", vec![(PATIENT_ID, "P*"), study], ""),
        (Model::StudyRoot, "STUDY", [&unsupported[..], &[study]].concat(), ""),
        (Model::StudyRoot, "PATIENT", vec![id], "Level incompatible with Information Model (level 0)"),
        (
            Model::PatientStudyOnly,
            "SERIES",
            vec![id, study, series],
            "Level incompatible with Information Model (level 2)",
        ),
        (Model::StudyRoot, "SERIES", vec![name, study, series], "Key found in Study Root Information Model (level 0)"),
        (Model::PatientRoot, "STUDY", vec![id, name, study], "Non Unique Key found (level 0)"),
        (Model::PatientRoot, "STUDY", vec![study], "No Unique Key found (level 0)"),
        (Model::PatientRoot, "STUDY", vec![(PATIENT_ID, ""), study], "Unique Key value is empty (level 0)"),
        (Model::PatientRoot, "SERIES", vec![id, series], "No Unique Key found (level 1)"),
        (Model::StudyRoot, "STUDY", vec![name], "No Key found at query level (level 1)"),
        (Model::StudyRoot, "SERIES", [&unsupported[..], &[study]].concat(), "No Key found at query level (level 2)"),
        (Model::PatientRoot, "PATIENT", vec![id, study], "Key found beyond query level (level 1)"),
        (Model::StudyRoot, "STUDY", vec![study, (MODALITY, "")], "Key found beyond query level (level 2)"),
    ] {
        let expected = if refusal.is_empty() { Ok(()) } else { Err(refusal.to_owned()) };
        assert_eq!(strict(model, level, &keys), expected, "{model:?} {level} {keys:?}");
        // Without the checks none of these is refused.
        assert!(find(model, level, &keys).is_ok());
    }
    let error = Query::find(Model::StudyRoot, &identifier("PATIENT", &[]), STRICT).unwrap_err();
    assert_eq!(error.cause().status(), 0xA900);
    // A level that is none comes before.
    let error = Query::find(Model::StudyRoot, &identifier("FOO", &[]), STRICT).unwrap_err();
    assert_eq!(error.cause().status(), 0xC000);
}

#[test]
fn strict_retrievals_have_unique_keys_and_no_others() {
    let (id, study, series) = ((PATIENT_ID, "P1"), (Tag::STUDY_INSTANCE, "1"), (SERIES_INSTANCE, "1.1"));
    for (model, level, keys, refusal) in [
        (Model::PatientRoot, "STUDY", vec![id, study], ""),
        (Model::StudyRoot, "SERIES", vec![study, series], ""),
        (Model::StudyRoot, "STUDY", vec![], "No Unique Key found (level 1)"),
        (Model::StudyRoot, "STUDY", vec![(Tag::STUDY_INSTANCE, "")], "Unique Key value is empty (level 1)"),
        (Model::StudyRoot, "STUDY", vec![study, (STUDY_DATE, "")], "Non Unique Key found (level 1)"),
        (Model::StudyRoot, "STUDY", vec![study, series], "Key found beyond query level (level 2)"),
        (Model::StudyRoot, "SERIES", vec![id, study, series], "Key found in Study Root Information Model (level 0)"),
        (Model::PatientStudyOnly, "IMAGE", vec![], "Level incompatible with Information Model (level 3)"),
    ] {
        let found = Query::retrieve(model, &identifier(level, &keys), STRICT);
        let found = found.map(drop).map_err(|error| error.to_string());
        let expected = if refusal.is_empty() { Ok(()) } else { Err(refusal.to_owned()) };
        assert_eq!(found, expected, "{model:?} {level} {keys:?}");
    }
}

#[test]
fn answers_have_what_was_requested_in_its_order() {
    let keys = [(COUNT, ""), (PATIENT_ID, ""), (Tag::PATIENT_NAME, ""), (Tag::new(0x0008, 0x1115), "")];
    let query = find(Model::PatientRoot, "PATIENT", &keys).unwrap();
    let record = record(&[(PATIENT_ID, " P1"), (Tag::SPECIFIC_CHARACTER_SET, "ISO_IR 100")]);
    let answer = query.answer(&record, |_| Ok::<_, ()>(b"3".to_vec())).unwrap();
    assert_eq!(answer.character_set, b"ISO_IR 100");
    let values = [(COUNT, Vr::IS, &b"3"[..]), (PATIENT_ID, Vr::LO, b" P1"), (Tag::PATIENT_NAME, Vr::PN, b"")];
    assert_eq!(answer.values, values.map(|(tag, vr, value)| (tag, vr, value.to_vec())));
}

#[test]
fn long_lists_are_cut_between_values() {
    let values = vec![b"1.2.3".to_vec(); 10_000];
    let list = joined(&values);
    assert!(list.len() <= 16 * 1024 && list.ends_with(b"\\1.2.3"));
    assert_eq!(joined(&[]), b"");
}
