//! Whatever call of the disk or the catalog fails, an object is kept whole or not at all, and the next start finds files and
//! catalog in agreement.

use super::*;
use crate::archive::adopt::{self, Manner};
use crate::archive::catalog::scan::Scan;
use crate::archive::catalog::{Answer, Held, Id, Instance, Outcome, StudySummary, Totals};
use crate::archive::query::Query;
use crate::archive::{Archive, Settings};
use crate::dataset::vr::{Dictionary, Vr};
use crate::disk::{Call, fault};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const PLENTY: Quota = Quota { studies: 1000, bytes_per_study: 1 << 30 };

/// An element, explicit VR little endian, its value padded.
fn element(tag: Tag, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = [tag.group().to_le_bytes(), tag.element().to_le_bytes()].concat();
    bytes.extend_from_slice(vr.as_bytes());
    let length = value.len().next_multiple_of(2);
    if vr == "OB" {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
    } else {
        bytes.extend_from_slice(&(length as u16).to_le_bytes());
    }
    let end = bytes.len() + length;
    bytes.extend_from_slice(value);
    bytes.resize(end, 0);
    bytes
}

/// A DICOM file of this instance and study; `text` tells it from others of the same instance.
pub(in crate::archive) fn file_of(instance: &str, study: &str, text: &str) -> Vec<u8> {
    let meta = [
        element(Tag::new(0x0002, 0x0001), "OB", &[0, 1]),
        element(Tag::new(0x0002, 0x0002), "UI", MR.as_bytes()),
        element(Tag::new(0x0002, 0x0003), "UI", instance.as_bytes()),
        element(Tag::new(0x0002, 0x0010), "UI", EXPLICIT.as_bytes()),
    ]
    .concat();
    let length = element(Tag::new(0x0002, 0x0000), "UL", &(meta.len() as u32).to_le_bytes());
    let data = [
        element(Tag::SOP_CLASS, "UI", MR.as_bytes()),
        element(Tag::SOP_INSTANCE, "UI", instance.as_bytes()),
        element(Tag::STUDY_INSTANCE, "UI", study.as_bytes()),
        element(Tag::new(0x0020, 0x4000), "LT", text.as_bytes()),
    ]
    .concat();
    [&[0; 128], &b"DICM"[..], &length, &meta, &data].concat()
}

/// An archive of areas; none is open yet.
pub(in crate::archive) fn archive(sync: bool) -> Archive {
    Archive::new(Settings { sync, index_directory: None, dictionary: Dictionary::builtin() })
}

/// Opens an area, and puts it right first if it must be.
pub(in crate::archive) fn open(path: &Path) -> Arc<Area> {
    let area = archive(true).area_as_it_is(path).unwrap();
    if adopt::need(&area).unwrap() != adopt::Need::Nothing {
        adopt::adopt(&area, Dictionary::builtin()).unwrap();
    }
    area
}

/// Stores an object as a receiver does.
pub(in crate::archive) fn store(
    area: &Area,
    instance: &str,
    study: &str,
    text: &str,
    quota: Quota,
) -> Result<Kept, KeepError> {
    area.keep(arrival(area, instance, study, text, quota)?)
}

/// An object that has come whole.
fn arrival(area: &Area, instance: &str, study: &str, text: &str, quota: Quota) -> Result<Arrival, KeepError> {
    let mut file = area.stage().map_err(KeepError::Disk)?;
    file.write_all(&file_of(instance, study, text)).map_err(KeepError::Disk)?;
    let found = |tag, value: &str| Found { tag, vr: Vr::UI, depth: 0, value: value.as_bytes().to_vec(), cut: false };
    let found = vec![found(Tag::SOP_CLASS, MR), found(Tag::SOP_INSTANCE, instance), found(Tag::STUDY_INSTANCE, study)];
    let (big_endian, transfer_syntax, prefix, opened) = (false, EXPLICIT.to_owned(), "MR", 1);
    Ok(Arrival { file, found, big_endian, transfer_syntax, prefix, opened, quota })
}

/// What the catalog knows: the bytes of each file by its name.
pub(in crate::archive) fn contents(area: &Area) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = Vec::new();
    let each = &mut |file: &Path, size: u64| {
        files.push((file.to_owned(), size));
        ControlFlow::Continue(())
    };
    area.catalog().files(each).unwrap();
    let read = |(file, size): (PathBuf, u64)| {
        let mut bytes = Vec::new();
        area.open(&file).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, size, "{}", file.display());
        (file, bytes)
    };
    files.into_iter().map(read).collect()
}

/// The bytes of all objects, sorted.
fn objects(area: &Area) -> Vec<Vec<u8>> {
    let mut objects: Vec<_> = contents(area).into_values().collect();
    objects.sort();
    objects
}

/// What a file of [`file_of`] says, for people.
fn label(bytes: &[u8]) -> String {
    let text = bytes.get(220..).unwrap_or_default();
    text.iter().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect()
}

/// Two lists of files are the same.
pub(in crate::archive) fn same<'a>(
    found: impl IntoIterator<Item = &'a Vec<u8>>,
    wanted: impl IntoIterator<Item = &'a Vec<u8>>,
    case: &str,
) {
    let [found, wanted] = [found.into_iter().collect::<Vec<_>>(), wanted.into_iter().collect()];
    let labels = |files: &[&Vec<u8>]| files.iter().map(|file| label(file)).collect::<Vec<_>>().join("\n  ");
    assert!(found == wanted, "{case}: found\n  {}\ninstead of\n  {}", labels(&found), labels(&wanted));
}

/// Everything in the folder that is not the catalog's.
fn names(path: &Path) -> Vec<String> {
    let names = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with("index.")).collect();
    names.sort();
    names
}

/// Catalog and folder hold exactly these objects, once more after the area was opened again.
fn holds(area: Arc<Area>, path: &Path, wanted: &[Vec<u8>], close: bool, case: &str) {
    if close {
        area.close().unwrap();
    }
    drop(area);
    for time in ["first", "second"] {
        let area = open(path);
        same(&objects(&area), wanted, &format!("{case}, {time} start"));
        let survey = adopt::compare(&area, Dictionary::builtin(), Manner::Look).unwrap();
        assert!(survey.agrees(), "{case}, {time} start: {survey:?}");
        assert_eq!(names(path).len(), wanted.len(), "{case}, {time} start: {:?}", names(path));
        area.close().unwrap();
    }
}

// --- one call fails ----------------------------------------------------------------------------------------------------------

const ERRNOS: [Errno; 5] = [Errno::NOSPC, Errno::IO, Errno::NOENT, Errno::EXIST, Errno::XDEV];

/// Keeps an object once whole, then once for each call that takes and each errno, with that call failing. `before` is what
/// is there already, `quota` what may be: the object comes in place of `gone`, if it comes.
fn let_each_call_fail(before: &[[&str; 3]], new: [&str; 3], quota: Quota, gone: &[[&str; 3]]) {
    let bytes = |[instance, study, text]: [&str; 3]| file_of(instance, study, text);
    let mut old: Vec<_> = before.iter().copied().map(bytes).collect();
    old.sort();
    let mut kept: Vec<_> = before.iter().filter(|one| !gone.contains(one)).copied().map(bytes).collect();
    kept.push(bytes(new));
    kept.sort();
    let attempt = |case: &str, close: bool, arm: &dyn Fn()| {
        let dir = TempDir::new().unwrap();
        let area = open(dir.path());
        for [instance, study, text] in before {
            store(&area, instance, study, text, PLENTY).unwrap();
        }
        fault::clear();
        arm();
        let outcome = store(&area, new[0], new[1], new[2], quota);
        let made = fault::made();
        fault::clear();
        let wanted = if outcome.is_ok() { &kept } else { &old };
        same(&objects(&area), wanted, case);
        holds(area, dir.path(), wanted, close, &format!("{case}, {outcome:?}, closed: {close}"));
        (outcome.is_ok(), made)
    };
    let (whole, calls) = attempt("no fault", true, &|| ());
    assert!(whole);
    let mut refused = 0;
    for (&call, &count) in &calls {
        for nth in 0..count {
            for (index, errno) in ERRNOS.into_iter().enumerate() {
                if (call, errno) == (Call::Unlink, Errno::NOENT) {
                    // It says that the file is gone, and it is not: nobody could know better.
                    continue;
                }
                let case = format!("{call:?} number {nth} fails with {errno:?}");
                let (kept, _) = attempt(&case, index % 2 == 0, &|| fault::arm(call, nth, errno));
                refused += usize::from(!kept);
            }
        }
    }
    assert_eq!(calls[&Call::Sync], 1, "{calls:?}");
    assert!(refused >= ERRNOS.len(), "only {refused} of these failures were noticed: {calls:?}");
}

#[test]
fn a_new_object_is_kept_whole_or_not_at_all() {
    let other = ["1.1", "1", "other"];
    let_each_call_fail(&[other], ["1.2", "1", "new"], PLENTY, &[]);
}

#[test]
fn a_copy_replaces_the_first_whole_or_not_at_all() {
    let [other, first] = [["1.1", "1", "other"], ["1.2", "1", "first"]];
    let_each_call_fail(&[other, first], ["1.2", "1", "second"], PLENTY, &[first]);
}

#[test]
fn an_object_evicts_others_whole_or_not_at_all() {
    let [old, young] = [["1.1", "1", "old"], ["2.1", "2", "young"]];
    let_each_call_fail(&[old, young], ["3.1", "3", "new"], Quota { studies: 2, ..PLENTY }, &[old]);
}

// --- more fails --------------------------------------------------------------------------------------------------------------

#[test]
fn a_file_that_can_neither_be_kept_nor_removed_is_known_to_the_next_start() {
    for close in [true, false] {
        let dir = TempDir::new().unwrap();
        let area = open(dir.path());
        fault::clear();
        store(&area, "1.1", "1", "first", PLENTY).unwrap();
        // The wait behind which the name is there: for the folder, or for file and name together.
        let last = if fault::made().contains_key(&Call::SyncFolder) { Call::SyncFolder } else { Call::Sync };
        fault::clear();
        fault::arm(last, 0, Errno::IO);
        fault::arm(Call::Unlink, 0, Errno::IO);
        let outcome = store(&area, "1.2", "1", "second", PLENTY);
        fault::clear();
        assert!(matches!(outcome, Err(KeepError::Disk(_))), "{outcome:?}");
        same(&objects(&area), &[file_of("1.1", "1", "first")], "while it runs");
        assert_eq!(names(dir.path()).len(), 2);
        // It was refused, yet its file is whole: it may be there, but then in the catalog too.
        let mut both = [file_of("1.1", "1", "first"), file_of("1.2", "1", "second")];
        both.sort();
        holds(area, dir.path(), &both, close, "refused, not removed");
    }
}

#[test]
fn a_copy_that_cannot_be_unlinked_does_not_come_back() {
    let dir = TempDir::new().unwrap();
    let area = open(dir.path());
    store(&area, "1.1", "1", "first", PLENTY).unwrap();
    fault::clear();
    fault::arm(Call::Unlink, 0, Errno::PERM);
    let kept = store(&area, "1.1", "1", "second", PLENTY).unwrap();
    assert!(kept.removed[0].error.is_some());
    drop(area);
    let second = [file_of("1.1", "1", "second")];
    for time in 0..2 {
        fault::clear();
        fault::arm(Call::Unlink, 0, Errno::PERM);
        let area = open(dir.path());
        same(&objects(&area), &second, &format!("start {time}"));
        assert_eq!(names(dir.path()).len(), 2);
    }
    fault::clear();
    holds(open(dir.path()), dir.path(), &second, true, "it can be unlinked now");
}

/// A catalog that takes nothing while it is told so.
struct Stubborn {
    inside: Scan,
    refuses: Arc<AtomicBool>,
}

impl Catalog for Stubborn {
    fn insert(&self, batch: &[Insertion]) -> Result<Vec<Outcome>, Error> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(Error::Full("told so".to_owned()));
        }
        self.inside.insert(batch)
    }

    fn remove(&self, ids: &[Id]) -> Result<Vec<PathBuf>, Error> {
        self.inside.remove(ids)
    }

    fn remove_files(&self, files: &[&Path]) -> Result<u64, Error> {
        self.inside.remove_files(files)
    }

    fn doomed(&self) -> Result<Vec<PathBuf>, Error> {
        self.inside.doomed()
    }

    fn buried(&self, files: &[&Path]) -> Result<(), Error> {
        self.inside.buried(files)
    }

    fn instances_of(&self, sop_instance: &[u8]) -> Result<Vec<Held>, Error> {
        self.inside.instances_of(sop_instance)
    }

    fn study(&self, study: &[u8]) -> Result<Option<StudySummary>, Error> {
        self.inside.study(study)
    }

    fn oldest_studies(&self, most: usize) -> Result<Vec<(Vec<u8>, StudySummary)>, Error> {
        self.inside.oldest_studies(most)
    }

    fn oldest_instances(&self, study: &[u8], most: usize) -> Result<Vec<Held>, Error> {
        self.inside.oldest_instances(study, most)
    }

    fn totals(&self) -> Totals {
        self.inside.totals()
    }

    fn find(&self, query: &Query, sink: &mut dyn FnMut(Answer) -> ControlFlow<()>) -> Result<(), Error> {
        self.inside.find(query, sink)
    }

    fn select(&self, query: &Query) -> Result<Vec<Id>, Error> {
        self.inside.select(query)
    }

    fn held(&self, ids: &[Id]) -> Result<Vec<Option<Instance>>, Error> {
        self.inside.held(ids)
    }

    fn files(&self, sink: &mut dyn FnMut(&Path, u64) -> ControlFlow<()>) -> Result<(), Error> {
        self.inside.files(sink)
    }

    fn by_file(&self, file: &Path) -> Result<Option<Held>, Error> {
        self.inside.by_file(file)
    }

    fn mark_open(&self) -> Result<(), Error> {
        self.inside.mark_open()
    }

    fn mark_clean(&self) -> Result<(), Error> {
        self.inside.mark_clean()
    }

    fn was_clean(&self) -> bool {
        self.inside.was_clean()
    }

    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.inside.note(name)
    }

    fn set_note(&self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.inside.set_note(name, value)
    }
}

/// An area with a catalog that can be told to refuse.
fn stubborn(path: &Path) -> (Arc<Area>, Arc<AtomicBool>) {
    let refuses = Arc::new(AtomicBool::new(false));
    let catalog = Stubborn { inside: Scan::new(), refuses: Arc::clone(&refuses) };
    let folder = Folder::open(path).unwrap();
    (Arc::new(Area::new(folder, path.to_owned(), Box::new(catalog), true, Vec::new())), refuses)
}

#[test]
fn what_the_catalog_does_not_take_leaves_nothing_and_costs_nothing() {
    let dir = TempDir::new().unwrap();
    let (area, refuses) = stubborn(dir.path());
    store(&area, "1.1", "1", "first", PLENTY).unwrap();
    let before = names(dir.path());
    refuses.store(true, Ordering::SeqCst);
    for (instance, study) in [("1.1", "1"), ("2.1", "2")] {
        let outcome = store(&area, instance, study, "second", Quota { studies: 1, ..PLENTY });
        assert!(matches!(outcome, Err(KeepError::Catalog(Error::Full(_)))), "{outcome:?}");
        assert_eq!(names(dir.path()), before);
        same(&objects(&area), &[file_of("1.1", "1", "first")], "while it runs");
    }
    refuses.store(false, Ordering::SeqCst);
    store(&area, "1.1", "1", "second", PLENTY).unwrap();
    same(&objects(&area), &[file_of("1.1", "1", "second")], "taken again");
    assert_eq!(names(dir.path()).len(), 1);
}

#[test]
fn an_object_in_a_batch_that_fails_is_refused_like_the_others() {
    let dir = TempDir::new().unwrap();
    let (area, refuses) = stubborn(dir.path());
    refuses.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let area = &area;
            scope.spawn(move || {
                let outcome = store(area, &format!("1.{n}"), "1", "x", PLENTY);
                assert!(matches!(outcome, Err(KeepError::Catalog(_))), "{outcome:?}");
            });
        }
    });
    assert_eq!((names(dir.path()), objects(&area)), (Vec::new(), Vec::new()));
}

// --- many at a time ------------------------------------------------------------------------------------------------------------

#[test]
fn parallel_senders_lose_and_cross_nothing() {
    let dir = TempDir::new().unwrap();
    let area = open(dir.path());
    std::thread::scope(|scope| {
        for sender in 0..8 {
            let area = &area;
            scope.spawn(move || {
                for n in 0..10 {
                    // Of its own, and one of three that all send.
                    store(area, &format!("{sender}.{n}"), &format!("{}", n % 3), "own", PLENTY).unwrap();
                    store(area, &format!("9.{}", n % 3), "9", &format!("{sender}-{n}"), PLENTY).unwrap();
                }
            });
        }
    });
    let objects = objects(&area);
    assert_eq!(objects.len(), 83);
    for sender in 0..8 {
        for n in 0..10 {
            let own = file_of(&format!("{sender}.{n}"), &format!("{}", n % 3), "own");
            assert!(objects.binary_search(&own).is_ok(), "{sender}.{n} is lost");
        }
    }
    for shared in 0..3 {
        // Of each sender its last version alone can be the last of all.
        let last = |sender| {
            let n = (0..10).rev().find(|n| n % 3 == shared).unwrap();
            file_of(&format!("9.{shared}"), "9", &format!("{sender}-{n}"))
        };
        let there = (0..8).filter(|sender| objects.binary_search(&last(*sender)).is_ok()).count();
        assert_eq!(there, 1, "9.{shared}");
    }
    holds(area, dir.path(), &objects, true, "parallel senders");
}

#[test]
fn objects_that_finish_together_keep_to_the_quota() {
    // Each case: the studies of those that finish together, beside one object of study 1 where one study may be.
    for studies in [["2", "1"], ["1", "2"], ["2", "3"], ["2", "2"], ["1", "1"]] {
        let dir = TempDir::new().unwrap();
        let area = open(dir.path());
        store(&area, "1.1", "1", "first", PLENTY).unwrap();
        let quota = Quota { studies: 1, ..PLENTY };
        let mut guards = Vec::new();
        let mut batch = Vec::new();
        for (n, study) in studies.iter().enumerate() {
            let new = arrival(&area, &format!("9.{n}"), study, "new", quota).unwrap();
            let (coming, record) = area.name(new).unwrap();
            guards.push(coming);
            batch.push(Job { ticket: n as u64, record, quota });
        }
        let results = area.process(batch);
        assert!(results.iter().all(|(_, result)| result.is_ok()), "{studies:?}: {results:?}");
        assert_eq!((results.len(), area.catalog().totals().studies), (2, 1), "{studies:?}");
        let last = file_of("9.1", studies[1], "new");
        assert!(objects(&area).binary_search(&last).is_ok(), "{studies:?}: the last one is there");
    }
}

// --- waiting for the disk --------------------------------------------------------------------------------------------------------

#[test]
fn an_object_waits_for_the_disk_twice_at_most_or_never() {
    for sync in [true, false] {
        let dir = TempDir::new().unwrap();
        let area = archive(sync).area_as_it_is(dir.path()).unwrap();
        fault::clear();
        store(&area, "1.1", "1", "x", PLENTY).unwrap();
        let made = fault::made();
        fault::clear();
        let waits = |call| made.get(&call).copied().unwrap_or(0);
        let (file, folder) = (waits(Call::Sync), waits(Call::SyncFolder));
        assert_eq!(file, usize::from(sync), "sync: {sync}");
        assert!(folder <= file, "{folder} waits for a name, sync: {sync}");
    }
}

// --- files that are not the area's (S06) -------------------------------------------------------------------------------------------

#[test]
fn s06_a_catalog_that_names_files_elsewhere_reaches_none_of_them() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("area");
    std::fs::create_dir_all(&path).unwrap();
    let secret = dir.path().join("secret.dcm");
    std::fs::write(&secret, file_of("1.9", "1", "secret")).unwrap();
    std::os::unix::fs::symlink(&secret, path.join("link.dcm")).unwrap();
    let area = open(&path);
    for (n, file) in ["../secret.dcm", "link.dcm", "./../secret.dcm"].into_iter().enumerate() {
        let stored = Stored { file: file.into(), size: 10, at: 1, syntax: EXPLICIT.to_owned() };
        let values = [
            (Tag::SOP_INSTANCE, format!("1.{n}").into_bytes()),
            (Tag::SOP_CLASS, MR.as_bytes().to_vec()),
            (Tag::STUDY_INSTANCE, b"1".to_vec()),
        ];
        let record = Record::from_values(stored, values);
        area.catalog().insert(&[Insertion { record, remove: Vec::new() }]).unwrap();
        assert!(area.open(Path::new(file)).is_err(), "{file} is read");
    }
    // The quota lets the study go.
    let kept = store(&area, "2.1", "2", "new", Quota { studies: 1, ..PLENTY }).unwrap();
    assert_eq!(kept.removed.len(), 3);
    for removed in &kept.removed {
        // A link is removed, not what it leads to.
        assert_eq!(removed.error.is_none(), removed.file == Path::new("link.dcm"), "{removed:?}");
    }
    assert_eq!(std::fs::read(&secret).unwrap(), file_of("1.9", "1", "secret"));
}
