use super::*;
use crate::archive::catalog::tests::{add, find, query, record};
use crate::archive::keys::{Level, PATIENT_ID};
use crate::archive::query::Model;
use crate::dataset::Tag;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

fn studies(model_level: Level, keys: &[(Tag, &str)]) -> Query {
    query(Model::StudyRoot, model_level, keys)
}

fn all_studies() -> Query {
    studies(Level::Study, &[(Tag::STUDY_INSTANCE, ""), (PATIENT_ID, "")])
}

/// A catalog of so many studies, of one object each.
fn filled(path: &Path, objects: u32) -> Sqlite {
    let catalog = Sqlite::open(path).unwrap();
    for number in 1..=objects {
        add(&catalog, record(number, &format!("P{number}"), &number.to_string(), "1", &format!("1.{number}")));
    }
    catalog
}

#[test]
fn everything_is_there_when_it_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog");
    let catalog = filled(&path, 3);
    catalog.remove(&[Id(2)]).unwrap();
    catalog.set_note("index", b"5").unwrap();
    let totals = catalog.totals();
    drop(catalog);
    let catalog = Sqlite::open(&path).unwrap();
    assert_eq!(catalog.totals(), totals);
    assert_eq!(totals, Totals { studies: 2, instances: 2, bytes: 20 });
    assert_eq!(find(&catalog, &all_studies()).unwrap(), [["1", "P1"], ["3", "P3"]]);
    assert_eq!(catalog.doomed().unwrap(), [PathBuf::from("CT_2.dcm")]);
    assert_eq!(catalog.note("index"), Ok(Some(b"5".to_vec())));
    assert!(add(&catalog, record(4, "P4", "4", "1", "1.4")) > Id(3));
}

#[test]
fn the_mark_tells_how_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog");
    let catalog = Sqlite::open(&path).unwrap();
    assert!(!catalog.was_clean(), "new");
    catalog.mark_clean().unwrap();
    drop(catalog);
    let catalog = Sqlite::open(&path).unwrap();
    assert!(catalog.was_clean());
    catalog.mark_open().unwrap();
    // Still what it was when it was opened.
    assert!(catalog.was_clean());
    drop(catalog);
    assert!(!Sqlite::open(&path).unwrap().was_clean());
}

#[test]
fn a_damaged_file_is_told_from_other_troubles() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog");
    fs::write(&path, "no catalog at all, but of some length ".repeat(200)).unwrap();
    assert!(matches!(Sqlite::open(&path), Err(Error::Damaged(_))));
    fs::remove_file(&path).unwrap();
    drop(filled(&path, 200));
    let whole = fs::read(&path).unwrap();
    // Pages in the middle are overwritten; the check that follows an unclean end finds it.
    let mut torn = whole.clone();
    torn[8192..40_960].fill(0xA5);
    fs::write(&path, &torn).unwrap();
    assert!(matches!(Sqlite::open(&path), Err(Error::Damaged(_))));
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(Sqlite::open(&path), Err(Error::Damaged(_))));
    fs::write(&path, &whole).unwrap();
    assert_eq!(Sqlite::open(&path).unwrap().totals().instances, 200);
    let nowhere = folder.path().join("none/catalog");
    assert!(matches!(Sqlite::open(&nowhere), Err(Error::Storage(_))));
}

#[test]
fn a_later_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog");
    drop(filled(&path, 1));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(Sqlite::open(&path).err(), Some(Error::Newer { found: 99, known: 1 }));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_batch_is_added_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog");
    let catalog = filled(&path, 1);
    let before = catalog.totals();
    // A second connection takes what the batch needs before its end.
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TRIGGER stop BEFORE INSERT ON instance WHEN new.file = x'43545F332E64636D' BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    let insertion = |number: u32, remove| Insertion {
        record: record(number, "P", &number.to_string(), "1", &format!("2.{number}")),
        remove,
    };
    let batch = [insertion(2, vec![Id(1)]), insertion(3, vec![])];
    assert!(matches!(catalog.insert(&batch), Err(Error::Storage(_))));
    assert_eq!(catalog.totals(), before);
    assert_eq!(find(&catalog, &all_studies()).unwrap(), [["1", "P1"]]);
    assert!(catalog.doomed().unwrap().is_empty());
    assert_eq!(catalog.insert(&batch[..1]).unwrap()[0].id, Id(2));
}

#[test]
fn a_find_sees_one_state_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = filled(&folder.path().join("catalog"), 50);
    let mut seen = 0;
    let sink = &mut |_| {
        seen += 1;
        if seen == 1 {
            // While it goes on, others are added, removed and found.
            add(&catalog, record(51, "P51", "51", "1", "1.51"));
            catalog.remove(&[Id(30)]).unwrap();
            assert_eq!(find(&catalog, &all_studies()).unwrap().len(), 50);
        }
        ControlFlow::Continue(())
    };
    catalog.find(&all_studies(), sink).unwrap();
    assert_eq!(seen, 50);
    assert!(locked(&catalog.readers).len() <= IDLE_READERS);
}

#[test]
fn a_find_that_takes_long_lets_the_log_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog");
    let catalog = filled(&path, 40);
    let mut answers = Vec::new();
    let sink = &mut |answer: Answer| {
        answers.push(answer.values[0].2.clone());
        if answers.len() == 5 {
            std::thread::sleep(find::LOOK + Duration::from_millis(200));
        }
        if answers.len() == 7 {
            // The state it looks at now is the latest, so the log can be folded in to its end.
            add(&catalog, record(41, "P41", "41", "1", "1.41"));
            let writer = locked(&catalog.writer);
            let busy: i64 =
                writer.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(0)).unwrap();
            assert_eq!(busy, 0);
        }
        ControlFlow::Continue(())
    };
    catalog.find(&all_studies(), sink).unwrap();
    let expected: Vec<Vec<u8>> = (1..=40).map(|number| number.to_string().into_bytes()).collect();
    assert_eq!(answers[..40], expected);
}

#[test]
fn finds_go_on_while_objects_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = filled(&folder.path().join("catalog"), 20);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    // Twenty that stay, and no more than one that comes and goes.
                    let studies = find(&catalog, &all_studies()).unwrap();
                    assert!((20..=21).contains(&studies.len()), "{}", studies.len());
                    let one = studies_of(&catalog, "P7");
                    assert_eq!(one, [["7", "P7"]]);
                }
            });
        }
        for number in 100..200 {
            let id = add(&catalog, record(number, "X", "X", "1", &format!("1.{number}")));
            catalog.remove(&[id]).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(catalog.totals().instances, 20);
}

fn studies_of(catalog: &Sqlite, patient: &str) -> Vec<Vec<String>> {
    find(catalog, &studies(Level::Study, &[(Tag::STUDY_INSTANCE, ""), (PATIENT_ID, patient)])).unwrap()
}

/// Every question that an index answers is answered by it: no step goes through a whole table.
#[test]
fn indexes_serve() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = filled(&folder.path().join("catalog"), 3);
    let accession = crate::archive::keys::ACCESSION_NUMBER;
    let date = crate::archive::keys::STUDY_DATE;
    for (level, keys) in [
        (Level::Study, &[(Tag::STUDY_INSTANCE, "1")][..]),
        (Level::Study, &[(Tag::STUDY_INSTANCE, ""), (PATIENT_ID, "P1")]),
        (Level::Study, &[(Tag::STUDY_INSTANCE, ""), (PATIENT_ID, "P*")]),
        (Level::Study, &[(Tag::STUDY_INSTANCE, ""), (Tag::PATIENT_NAME, "M*")]),
        (Level::Study, &[(Tag::STUDY_INSTANCE, ""), (accession, "1")]),
        (Level::Study, &[(Tag::STUDY_INSTANCE, ""), (date, "20200101-")]),
        (Level::Series, &[(Tag::STUDY_INSTANCE, "1")]),
        (Level::Image, &[(Tag::STUDY_INSTANCE, ""), (Tag::new(0x0020, 0x000E), "1")]),
        (Level::Image, &[(Tag::STUDY_INSTANCE, ""), (Tag::new(0x0020, 0x000E), ""), (Tag::SOP_INSTANCE, "1")]),
    ] {
        let query = studies(level, keys);
        let plans = catalog.read(|connection| plan::plans(connection, &query, level).map_err(stored)).unwrap();
        assert!(!plans.is_empty(), "{keys:?}");
        for step in &plans {
            assert!(step.starts_with("SEARCH") || step.starts_with("LIST SUBQUERY"), "{keys:?}: {step}");
        }
    }
}
