//! What is there already is taken over as it is, and nothing of it is ever lost.

use super::*;
use crate::archive::area::tests::{archive, contents, file_of, open, same, store};
use crate::archive::area::{Area, Removed};
use crate::archive::config::Quota;
use crate::archive::{CATALOG_FILE, Reason};
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

const PLENTY: Quota = Quota { studies: 1000, bytes_per_study: 1 << 30 };

/// An index as DCMTK writes it on 64-bit systems, of these paths and times in seconds.
fn index(records: &[(&Path, f64)]) -> Vec<u8> {
    let mut bytes = b"QRDB05".to_vec();
    bytes.resize(44_006, 0);
    for (path, time) in records {
        let mut record = vec![0; 8032];
        let path = path.as_os_str().as_encoded_bytes();
        record[..path.len()].copy_from_slice(path);
        record[328..336].copy_from_slice(&time.to_le_bytes());
        // The tag of the first parameter: (0010,0030).
        record[356..360].copy_from_slice(&[0x10, 0x00, 0x30, 0x00]);
        bytes.extend(record);
    }
    bytes
}

fn adopt_now(area: &Area) -> Survey {
    adopt(area, Dictionary::builtin()).unwrap()
}

/// The counts of a survey: known, added, gone, replaced, others.
fn counts(survey: &Survey) -> [u64; 5] {
    [survey.known, survey.added, survey.gone, survey.replaced, survey.others]
}

/// An area without having been taken over.
fn bare(path: &Path) -> Arc<Area> {
    archive(true).area_as_it_is(path).unwrap()
}

/// Files that the catalog knows, sorted.
fn known(area: &Area) -> Vec<String> {
    contents(area).into_keys().map(|file| file.display().to_string()).collect()
}

#[test]
fn a_plain_tree_is_taken_over_in_place() {
    let dir = TempDir::new().unwrap();
    let elsewhere = TempDir::new().unwrap();
    let deep = dir.path().join("2020/MR 7/x");
    fs::create_dir_all(&deep).unwrap();
    let mut cut = file_of("1.3", "1", "cut off");
    cut.truncate(cut.len() - 3);
    let files = [
        (dir.path().join("top"), file_of("1.1", "1", "a")),
        (deep.join("IM0001"), file_of("1.2", "1", "b")),
        (deep.join("IM0002.dcm"), file_of("2.1", "2", "c")),
        (deep.join("notes.txt"), b"no DICOM".to_vec()),
        (deep.join("empty.dcm"), Vec::new()),
        (deep.join("cut.dcm"), cut),
    ];
    for (path, bytes) in &files {
        fs::write(path, bytes).unwrap();
    }
    fs::write(elsewhere.path().join("x.dcm"), file_of("9.9", "9", "x")).unwrap();
    symlink(elsewhere.path().join("x.dcm"), dir.path().join("link.dcm")).unwrap();
    symlink(elsewhere.path(), dir.path().join("folder")).unwrap();

    let area = bare(dir.path());
    assert_eq!(need(&area).unwrap(), Need::First);
    // To look changes nothing.
    let looked = compare(&area, Dictionary::builtin(), Manner::Look).unwrap();
    assert_eq!((counts(&looked), known(&area)), ([0, 3, 0, 0, 3], Vec::new()));
    assert_eq!(counts(&adopt_now(&area)), [0, 3, 0, 0, 3]);
    let names = ["2020/MR 7/x/IM0001", "2020/MR 7/x/IM0002.dcm", "top"];
    assert_eq!(known(&area), names);
    assert_eq!(area.catalog().totals().studies, 2);
    assert_eq!(counts(&adopt_now(&area)), [3, 0, 0, 0, 3], "once is enough");
    for (path, bytes) in &files {
        assert_eq!(&fs::read(path).unwrap(), bytes, "{}", path.display());
    }
    area.close().unwrap();
    drop(area);
    let area = bare(dir.path());
    assert_eq!(need(&area).unwrap(), Need::Nothing);
    assert_eq!(known(&area), names);
}

#[test]
fn an_unclean_end_and_a_changed_index_are_noticed() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()));
    let area = bare(dir.path());
    assert_eq!(need(&area).unwrap(), Need::Again, "it was not closed");
    adopt_now(&area);
    area.close().unwrap();
    drop(area);
    let area = bare(dir.path());
    assert_eq!(need(&area).unwrap(), Need::Nothing);
    area.close().unwrap();
    drop(area);
    // DCMTK's programs have been at it.
    let file = dir.path().join("MR_0000000000000001.dcm");
    fs::write(&file, file_of("1.1", "1", "a")).unwrap();
    fs::write(dir.path().join("index.dat"), index(&[(&file, 5.0)])).unwrap();
    let area = bare(dir.path());
    assert_eq!(need(&area).unwrap(), Need::Again);
    assert_eq!(counts(&adopt_now(&area)), [0, 1, 0, 0, 0]);
    let held = area.catalog().by_file(Path::new("MR_0000000000000001.dcm")).unwrap().unwrap();
    assert_eq!(held.stored, 5000, "the index says when it was stored");
}

/// An area whose index names a file outside it; both were taken over.
fn with_foreign(dir: &TempDir, elsewhere: &TempDir) -> (Arc<Area>, PathBuf) {
    let inside = dir.path().join("MR_0000000000000001.dcm");
    let outside = fs::canonicalize(elsewhere.path()).unwrap().join("MR_0000000000000002.dcm");
    let foreign = [("none.dcm", Vec::new()), ("passwd", b"root:x:0:0".to_vec())].map(|(name, bytes)| {
        let path = elsewhere.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    });
    fs::write(&inside, file_of("1.1", "1", "inside")).unwrap();
    fs::write(&outside, file_of("1.2", "1", "outside")).unwrap();
    fs::write(elsewhere.path().join("unnamed.dcm"), file_of("1.3", "1", "not in the index")).unwrap();
    let gone = elsewhere.path().join("gone.dcm");
    let named = [(&*inside, 5.0), (&*outside, 6.0), (&foreign[0], 7.0), (&foreign[1], 8.0), (&gone, 9.0)];
    fs::write(dir.path().join("index.dat"), index(&named)).unwrap();
    let area = bare(dir.path());
    assert_eq!(counts(&adopt_now(&area)), [0, 2, 0, 0, 2]);
    (area, outside)
}

#[test]
fn files_elsewhere_that_an_index_names_are_served() {
    let (dir, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (area, outside) = with_foreign(&dir, &elsewhere);
    let there = contents(&area);
    assert_eq!(there[&outside], file_of("1.2", "1", "outside"));
    assert_eq!(there[Path::new("MR_0000000000000001.dcm")], file_of("1.1", "1", "inside"));
    assert_eq!(there.len(), 2);
    // They stay when the index is there no more.
    area.close().unwrap();
    drop(area);
    fs::remove_file(dir.path().join("index.dat")).unwrap();
    let area = open(dir.path());
    same(contents(&area).values(), there.values(), "opened again");
}

fn removed_foreign(removed: &[Removed], outside: &Path, reason: Reason) {
    let foreign: Vec<_> = removed.iter().filter(|removed| removed.foreign).collect();
    assert_eq!(foreign.len(), 1, "{removed:?}");
    assert_eq!((&*foreign[0].file, foreign[0].reason), (outside, reason));
    assert!(outside.exists(), "it was deleted");
}

#[test]
fn s06_files_elsewhere_are_never_deleted_and_do_not_come_back() {
    for (instance, study, quota, reason, left) in
        [("1.2", "1", PLENTY, Reason::Duplicate, 2), ("2.1", "2", Quota { studies: 1, ..PLENTY }, Reason::AreaFull, 1)]
    {
        let (dir, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (area, outside) = with_foreign(&dir, &elsewhere);
        let kept = store(&area, instance, study, "new", quota).unwrap();
        removed_foreign(&kept.removed, &outside, reason);
        let there = contents(&area);
        assert!(!there.contains_key(&outside) && there.len() == left, "{:?}", there.keys());
        // Not even when the index that still names it is read once more.
        drop(area);
        for time in 0..2 {
            let area = bare(dir.path());
            assert_eq!(need(&area).unwrap(), Need::Again);
            adopt_now(&area);
            let now = contents(&area);
            assert!(now.keys().eq(there.keys()), "{reason:?}, start {time}: {:?}, not {:?}", now.keys(), there.keys());
            same(now.values(), there.values(), &format!("{reason:?}, start {time}"));
            assert!(outside.exists());
        }
    }
}

/// Makes it that much older.
fn age(path: &Path, seconds: u64) {
    let time = std::time::SystemTime::now() - Duration::from_secs(seconds);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn of_two_files_of_ours_the_older_was_replaced() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, bytes: Vec<u8>, seconds| {
        fs::write(dir.path().join(name), bytes).unwrap();
        age(&dir.path().join(name), seconds);
    };
    write("MR_0000000000000001.dcm", file_of("1.1", "1", "old"), 30);
    write("MR_0000000000000002.dcm", file_of("1.1", "1", "new"), 20);
    // Another study, a name that is not ours, another instance: none was replaced.
    write("MR_0000000000000003.dcm", file_of("1.1", "2", "elsewhere"), 40);
    write("theirs.dcm", file_of("1.1", "1", "theirs"), 50);
    write("MR_0000000000000004.dcm", file_of("1.2", "1", "other"), 60);
    fs::create_dir(dir.path().join("sub")).unwrap();
    write("sub/MR_0000000000000005.dcm", file_of("1.1", "1", "below"), 70);
    let area = bare(dir.path());
    assert_eq!(counts(&adopt_now(&area)), [0, 6, 0, 1, 0]);
    let left = [
        "MR_0000000000000002.dcm",
        "MR_0000000000000003.dcm",
        "MR_0000000000000004.dcm",
        "sub/MR_0000000000000005.dcm",
        "theirs.dcm",
    ];
    assert_eq!(known(&area), left);
    assert!(!dir.path().join("MR_0000000000000001.dcm").exists());
    for file in left {
        assert!(dir.path().join(file).exists(), "{file}");
    }
}

#[test]
fn a_crash_between_catalog_and_folder_is_put_right() {
    let dir = TempDir::new().unwrap();
    let area = open(dir.path());
    store(&area, "1.1", "1", "one", PLENTY).unwrap();
    store(&area, "1.2", "1", "two", PLENTY).unwrap();
    let there = contents(&area);
    drop(area);
    // Named, and not in the catalog yet: it is whole, so it is there.
    fs::write(dir.path().join("MR_00000001ffffffff.dcm"), file_of("1.3", "1", "three")).unwrap();
    // Gone without the catalog.
    let lost = there.keys().next().unwrap();
    fs::remove_file(dir.path().join(lost)).unwrap();
    // Another file under the same name.
    let other = there.keys().nth(1).unwrap();
    fs::write(dir.path().join(other), file_of("1.4", "1", "another instance")).unwrap();
    let area = bare(dir.path());
    assert_eq!(counts(&adopt_now(&area)), [0, 2, 1, 0, 0]);
    let now = contents(&area);
    assert_eq!(now.len(), 2);
    assert_eq!(now[Path::new("MR_00000001ffffffff.dcm")], file_of("1.3", "1", "three"));
    assert_eq!(area.catalog().instances_of(b"1.4").unwrap()[0].file, *other);
    assert!(area.catalog().instances_of(b"1.1").unwrap().is_empty());
    assert!(area.catalog().instances_of(b"1.2").unwrap().is_empty());
}

#[test]
fn a_damaged_catalog_is_set_aside_and_made_anew() {
    let dir = TempDir::new().unwrap();
    let area = open(dir.path());
    for n in 0..5 {
        store(&area, &format!("1.{n}"), "1", "x", PLENTY).unwrap();
    }
    let there = contents(&area);
    area.close().unwrap();
    drop(area);
    fs::write(dir.path().join(CATALOG_FILE), [0x5A; 5000]).unwrap();
    let area = open(dir.path());
    same(contents(&area).values(), there.values(), "opened again");
    assert_eq!(fs::read(dir.path().join("index.damaged")).unwrap(), [0x5A; 5000]);
}

#[test]
fn an_unknown_index_costs_nothing_but_what_it_alone_names() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("MR_0000000000000001.dcm"), file_of("1.1", "1", "x")).unwrap();
    for bytes in [&b"QRDB04"[..], b"", b"SQLite format 3\0 and more of it", &[0xFF; 60_000]] {
        fs::write(dir.path().join("index.dat"), bytes).unwrap();
        let area = open(dir.path());
        assert_eq!(known(&area), ["MR_0000000000000001.dcm"]);
        assert_eq!(fs::read(dir.path().join("index.dat")).unwrap(), bytes, "it is never written");
        area.close().unwrap();
    }
}

#[test]
fn taking_over_and_storing_go_together() {
    let dir = TempDir::new().unwrap();
    for n in 0..200 {
        let name = format!("MR_00000000{n:08x}.dcm");
        fs::write(dir.path().join(&name), file_of(&format!("1.{n}"), "1", "old")).unwrap();
        age(&dir.path().join(&name), 100);
    }
    let area = bare(dir.path());
    thread::scope(|scope| {
        let work = scope.spawn(|| adopt_now(&area));
        for n in 0..200 {
            store(&area, &format!("{}.{n}", 1 + n % 2), "1", "new", PLENTY).unwrap();
        }
        work.join().unwrap();
    });
    // Whatever came first: of each instance there is one file, and the new one where there is a new one.
    drop(area);
    let area = open(dir.path());
    for n in 0..200 {
        let (first, second) = (format!("1.{n}"), format!("2.{n}"));
        let stored = [&first, &second].map(|instance| area.catalog().instances_of(instance.as_bytes()).unwrap());
        assert_eq!(stored[0].len(), 1, "{first}: {:?}", stored[0]);
        let text = if n % 2 == 0 { "new" } else { "old" };
        assert_eq!(contents_of(&area, &stored[0][0].file), file_of(&first, "1", text));
        assert_eq!(stored[1].len(), n % 2);
    }
    assert!(compare(&area, Dictionary::builtin(), Manner::Look).unwrap().agrees());
}

fn contents_of(area: &Area, file: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut area.open(file).unwrap(), &mut bytes).unwrap();
    bytes
}
