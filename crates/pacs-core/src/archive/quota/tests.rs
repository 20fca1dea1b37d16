//! What goes, and above all what does not.

use super::*;
use crate::archive::catalog::Insertion;
use crate::archive::catalog::scan::Scan;
use crate::archive::catalog::sqlite::Sqlite;
use crate::archive::record::{Record, Stored};
use crate::dataset::Tag;

/// An object: study, instance, size; each was stored a second after the one before.
type Row<'a> = (&'a str, &'a str, u64);

fn fill(catalog: &dyn Catalog, rows: &[Row<'_>]) {
    for (n, (study, instance, size)) in rows.iter().enumerate() {
        let stored = Stored {
            file: format!("MR_{n:04}.dcm").into(),
            size: *size,
            at: (n as i64 + 1) * 1000,
            syntax: "1.2.840.10008.1.2.1".to_owned(),
        };
        let values = [
            (Tag::STUDY_INSTANCE, study.as_bytes().to_vec()),
            (Tag::SOP_INSTANCE, instance.as_bytes().to_vec()),
            (Tag::SOP_CLASS, b"1.2.840.10008.5.1.4.1.1.4".to_vec()),
        ];
        catalog.insert(&[Insertion { record: Record::from_values(stored, values), remove: Vec::new() }]).unwrap();
    }
}

/// What goes for a newcomer, as study, number of the row and reason; none: it does not fit. Both catalogs say the same.
fn goes(
    rows: &[Row<'_>],
    studies: u64,
    bytes_per_study: u64,
    (study, instance, size): Row<'_>,
    pending: Pending,
) -> Option<Vec<(String, usize, Reason)>> {
    let dir = tempfile::tempdir().unwrap();
    let catalogs: [Box<dyn Catalog>; 2] =
        [Box::new(Scan::new()), Box::new(Sqlite::open(&dir.path().join("catalog")).unwrap())];
    let [one, other] = catalogs.map(|catalog| {
        fill(&*catalog, rows);
        let newcomer =
            Newcomer { study: study.as_bytes(), instance: instance.as_bytes(), size, file: Path::new("new") };
        match make_room(&*catalog, Quota { studies, bytes_per_study }, newcomer, pending) {
            Ok(room) => Some(
                room.removed
                    .into_iter()
                    .map(|(held, reason)| {
                        let number = held.file.to_str().unwrap()[3..7].parse().unwrap();
                        (String::from_utf8(held.study).unwrap(), number, reason)
                    })
                    .collect::<Vec<_>>(),
            ),
            Err(NoRoom::TooBig) => None,
            Err(NoRoom::Catalog(e)) => panic!("{e}"),
        }
    });
    assert_eq!(one, other);
    one
}

fn numbers(gone: Option<Vec<(String, usize, Reason)>>) -> Vec<usize> {
    gone.unwrap().into_iter().map(|(_, number, _)| number).collect()
}

const NONE: Pending = Pending { bytes: 0, same_study: false, new_studies: 0 };

#[test]
fn the_study_stored_to_longest_ago_goes_whole() {
    let rows = [("1", "1.1", 5), ("2", "2.1", 5), ("1", "1.2", 5), ("3", "3.1", 5), ("2", "2.2", 5)];
    // Last stored: 1 at 3, 3 at 4, 2 at 5.
    let gone = goes(&rows, 3, 100, ("4", "4.1", 5), NONE).unwrap();
    assert_eq!(gone, [("1".to_owned(), 0, Reason::AreaFull), ("1".to_owned(), 2, Reason::AreaFull)]);
    assert_eq!(goes(&rows, 4, 100, ("4", "4.1", 5), NONE), Some(Vec::new()));
    // A known study needs no place.
    assert_eq!(goes(&rows, 3, 100, ("3", "3.2", 5), NONE), Some(Vec::new()));
}

#[test]
fn a_uid_that_begins_with_another_is_another() {
    // DCMTK: evicting 1.2.1 deletes what belongs to 1.2.11 as well.
    let rows = [("1.2.1", "1", 5), ("1.2.11", "2", 5), ("1.2.1", "3", 5), ("1.2.112", "4", 5), ("1.2", "5", 5)];
    assert_eq!(numbers(goes(&rows, 4, 100, ("9", "9", 5), NONE)), [1]);
    let rows = [rows[0], rows[2], rows[1], rows[3], rows[4]];
    assert_eq!(numbers(goes(&rows, 4, 100, ("9", "9", 5), NONE)), [0, 1]);
    // The same of instances, within one study and across.
    let rows = [("1", "1.2", 5), ("1", "1.2.3", 5), ("1", "1", 5)];
    assert_eq!(goes(&rows, 9, 100, ("1", "1.2", 5), NONE), Some(vec![("1".to_owned(), 0, Reason::Duplicate)]));
}

#[test]
fn an_empty_study_uid_is_a_study_like_others() {
    // DCMTK: evicting it deletes the whole area.
    let rows = [("", "1", 5), ("2", "2", 5), ("3", "3", 5)];
    assert_eq!(numbers(goes(&rows, 3, 100, ("4", "4", 5), NONE)), [0]);
    assert_eq!(numbers(goes(&rows, 3, 12, ("", "4", 10), NONE)), [0]);
    assert_eq!(numbers(goes(&rows[1..], 2, 100, ("", "4", 5), NONE)), [0]);
}

#[test]
fn a_limit_that_has_become_lower_is_kept_to() {
    // DCMTK: evicts nothing any more, and mixes studies.
    let rows = [("1", "1", 5), ("2", "2", 5), ("3", "3", 5), ("4", "4", 5), ("5", "5", 5)];
    assert_eq!(numbers(goes(&rows, 2, 100, ("6", "6", 5), NONE)), [0, 1, 2, 3]);
    assert_eq!(goes(&rows, 2, 100, ("1", "7", 5), NONE), Some(Vec::new()), "only a new study makes others go");
    let rows = [("1", "1", 50), ("1", "2", 50), ("1", "3", 50), ("2", "4", 50)];
    assert_eq!(numbers(goes(&rows, 9, 60, ("1", "5", 10), NONE)), [0, 1]);
    assert_eq!(numbers(goes(&rows, 9, 60, ("1", "5", 60), NONE)), [0, 1, 2]);
}

#[test]
fn a_full_study_loses_its_oldest_objects_and_no_more_than_needed() {
    let rows = [("1", "1", 10), ("2", "2", 10), ("1", "3", 10), ("1", "4", 10)];
    assert_eq!(goes(&rows, 9, 40, ("1", "5", 10), NONE), Some(Vec::new()));
    let gone = goes(&rows, 9, 39, ("1", "5", 10), NONE).unwrap();
    assert_eq!(gone, [("1".to_owned(), 0, Reason::StudyFull)]);
    assert_eq!(numbers(goes(&rows, 9, 29, ("1", "5", 10), NONE)), [0, 2]);
}

#[test]
fn what_is_too_large_costs_nothing() {
    let rows = [("1", "1", 10), ("1", "2", 10)];
    // DCMTK: the copy that is there is lost.
    assert_eq!(goes(&rows, 9, 20, ("1", "1", 21), NONE), None);
    assert_eq!(goes(&rows, 2, 20, ("2", "3", 21), NONE), None);
    assert_eq!(goes(&[], 9, 20, ("1", "1", 20), NONE), Some(Vec::new()));
}

#[test]
fn a_copy_leaves_its_room_to_the_new_one() {
    let rows = [("1", "1", 10), ("1", "2", 10)];
    assert_eq!(goes(&rows, 9, 20, ("1", "2", 10), NONE), Some(vec![("1".to_owned(), 1, Reason::Duplicate)]));
    let gone = goes(&rows, 9, 20, ("1", "2", 11), NONE).unwrap();
    assert_eq!(gone, [("1".to_owned(), 1, Reason::Duplicate), ("1".to_owned(), 0, Reason::StudyFull)]);
}

#[test]
fn copies_are_looked_for_in_all_studies_once_the_study_is_known() {
    let rows = [("1", "7", 10), ("2", "7", 10), ("2", "8", 10)];
    // DCMTK: a study that is new keeps its copy beside the others.
    assert_eq!(goes(&rows, 9, 100, ("3", "7", 10), NONE), Some(Vec::new()));
    assert_eq!(numbers(goes(&rows, 9, 100, ("2", "7", 10), NONE)), [0, 1]);
    // A copy elsewhere makes no room here.
    let gone = goes(&rows[..1], 9, 15, ("1", "9", 10), NONE).unwrap();
    assert_eq!(gone, [("1".to_owned(), 0, Reason::StudyFull)]);
    let gone = goes(&[("1", "7", 10), ("2", "8", 10)], 9, 15, ("2", "7", 10), NONE).unwrap();
    assert_eq!(gone, [("1".to_owned(), 0, Reason::Duplicate), ("2".to_owned(), 1, Reason::StudyFull)]);
}

#[test]
fn those_who_come_together_are_counted() {
    let rows = [("1", "1", 10), ("2", "2", 10)];
    let new = Pending { new_studies: 1, ..NONE };
    assert_eq!(numbers(goes(&rows, 3, 100, ("4", "4", 10), new)), [0]);
    let same = Pending { bytes: 10, same_study: true, new_studies: 0 };
    assert_eq!(numbers(goes(&rows, 9, 29, ("1", "4", 10), same)), [0]);
    // Of a study that is not in the catalog yet.
    assert_eq!(goes(&rows, 2, 100, ("3", "4", 10), same), Some(Vec::new()));
}

#[test]
fn s30_limits_at_their_ends() {
    let rows = [("1", "1", 10), ("2", "2", u64::from(u32::MAX) * 4)];
    for limit in [1 << 31, 1 << 63, u64::MAX] {
        assert_eq!(goes(&rows, limit, limit, ("3", "3", 1), NONE), Some(Vec::new()), "{limit}");
    }
    assert_eq!(goes(&rows, 9, u64::MAX, ("2", "3", u64::MAX), NONE).map(|gone| gone.len()), Some(0));
    assert_eq!(goes(&rows, 9, 0, ("3", "3", 1), NONE), None);
    assert_eq!(numbers(goes(&rows, 0, 100, ("3", "3", 1), NONE)), [0, 1]);
    assert_eq!(numbers(goes(&rows, 1, 100, ("3", "3", 1), NONE)), [0, 1]);
}

#[test]
fn s30_a_study_of_very_many_objects_shrinks_to_its_limit() {
    let instances: Vec<_> = (0..1200).map(|n| n.to_string()).collect();
    let mut rows: Vec<_> = instances.iter().map(|instance| ("1", instance.as_str(), 1)).collect();
    rows.insert(0, ("2", "other", 1));
    let wanted: Vec<_> = (1..=900).collect();
    assert_eq!(numbers(goes(&rows, 9, 1200, ("1", "new", 900), NONE)), wanted);
}

#[test]
fn an_object_is_not_its_own_duplicate() {
    // An area that is being taken over may have it in the catalog before it is put there.
    let catalog = Scan::new();
    fill(&catalog, &[("1", "1.1", 600), ("1", "1.2", 300)]);
    let file = Path::new("MR_0001.dcm");
    let newcomer = Newcomer { study: b"1", instance: b"1.2", size: 300, file };
    let quota = |bytes_per_study| Quota { studies: 9, bytes_per_study };
    let gone = |room: Room| room.removed.into_iter().map(|(held, reason)| (held.file, reason)).collect::<Vec<_>>();
    assert_eq!(gone(make_room(&catalog, quota(900), newcomer, Pending::default()).unwrap()), []);
    let room = make_room(&catalog, quota(899), newcomer, Pending::default()).unwrap();
    assert_eq!(gone(room), [("MR_0000.dcm".into(), Reason::StudyFull)]);
}
