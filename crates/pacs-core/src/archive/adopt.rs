//! Files that are there and the catalog of them are made to agree: an area of DCMTK's archive or a plain tree of files is
//! taken over, what a crash has left is put right, and the two are compared when somebody asks.
//!
//! Files are the truth. One that the catalog does not know is read and added, a row whose file has gone goes; no file is
//! ever changed, moved or, but for one case, removed: of two files that the archive itself has named and that hold the same
//! instance of the same study, the older was replaced and not yet unlinked.

mod index;

use super::area::Area;
use super::catalog::{Error, Held, Insertion};
use super::record::{Record, Stored, Values};
use super::{CATALOG_FILE, DCMTK_INDEX, OWNER_FILE, TARGET, keys};
use crate::dataset::elements::{self, Extent};
use crate::dataset::head::Expected;
use crate::dataset::vr::Dictionary;
use crate::dataset::{Context, ScratchMaker, Tag};
use crate::names;
use index::{Entry, IndexError};
use std::collections::{HashMap, HashSet};
use std::fs::{File, Metadata};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};
use tracing::{info, warn};
use walkdir::WalkDir;

/// The note that says that an area has been taken over.
const ADOPTED: &str = "adopted";

/// The note of what DCMTK's index was like when it was read.
const INDEX_SEEN: &str = "index.dat";

/// Objects put into the catalog together.
const BATCH: usize = 256;

/// Files read at a time.
const READERS: usize = 4;

/// How often progress is told.
const TELL: Duration = Duration::from_secs(10);

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Files that are in the catalog and as it says.
    pub known: u64,
    /// Files that were not, or were another size, and are DICOM.
    pub added: u64,
    /// Rows of which the file has gone.
    pub gone: u64,
    /// Rows of which the file was replaced by another of the same instance.
    pub replaced: u64,
    /// Files that are no whole DICOM object.
    pub others: u64,
    /// The first few of each, for people: what it is, and the file.
    pub examples: Vec<(&'static str, PathBuf)>,
}

/// Examples that are kept.
const EXAMPLES: usize = 20;

/// What is done about differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// They are counted.
    Look,
    /// The catalog is mended. Others may store meanwhile.
    Mend,
}

impl Survey {
    /// Whether catalog and files agree.
    pub fn agrees(&self) -> bool {
        self.added == 0 && self.gone == 0 && self.replaced == 0
    }

    fn example(&mut self, what: &'static str, file: &Path) {
        if self.examples.len() < EXAMPLES {
            self.examples.push((what, file.to_owned()));
        }
    }
}

/// Whether an area must be compared with its files before it answers: it was not closed as it should, or DCMTK's programs
/// have been at it. An area that was never taken over is, while it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    First,
    Again,
}

/// What an area needs when it is opened.
pub(super) fn need(area: &Area) -> Result<Need, Error> {
    if area.catalog().note(ADOPTED)?.is_none() {
        return Ok(Need::First);
    }
    let seen = area.catalog().note(INDEX_SEEN)?.unwrap_or_default();
    if !area.catalog().was_clean() || seen != index_state(area) {
        return Ok(Need::Again);
    }
    Ok(Need::Nothing)
}

/// Takes an area over, or puts it right.
///
/// # Errors
/// Those of the catalog.
pub fn adopt(area: &Area, dictionary: &'static Dictionary) -> Result<Survey, Error> {
    let state = index_state(area);
    let survey = compare(area, dictionary, Manner::Mend)?;
    area.catalog().set_note(INDEX_SEEN, &state)?;
    area.catalog().set_note(ADOPTED, b"1")?;
    Ok(survey)
}

/// Compares the catalog and the files of an area.
///
/// # Errors
/// Those of the catalog. Files that cannot be read count as others.
pub fn compare(area: &Area, dictionary: &'static Dictionary, manner: Manner) -> Result<Survey, Error> {
    let indexed = read_index(area);
    // Replaced or evicted, and still there: elsewhere, or where it could not be unlinked. It must not come back.
    let left: HashSet<PathBuf> = area.catalog().doomed()?.into_iter().collect();
    let mut survey = Survey::default();
    let mut context = Context::new(ScratchMaker::in_memory());
    context.dictionary = dictionary;
    context.wanted = &keys::WANTED;
    thread::scope(|scope| {
        // Everything that waits is bounded, so that a tree of any size takes the same memory.
        let (to_read, waiting) = sync_channel::<Candidate>(BATCH);
        let (done, results) = sync_channel::<(Candidate, Option<Record>)>(BATCH);
        // It ends with the last of those who read, so that the lister never waits for nobody.
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..READERS {
            let (done, waiting, context) = (done.clone(), Arc::clone(&waiting), &context);
            scope.spawn(move || read_all(area, &waiting, &done, context));
        }
        drop((done, waiting));
        let lister = scope.spawn(move || list(area, &indexed, &left, &to_read));
        let mut adder = Adder { area, manner, survey: &mut survey, batch: Vec::new(), told: Instant::now() };
        let added = adder.take_all(&results);
        // Whoever still sends finds nobody there and ends.
        drop(results);
        let known = lister.join().unwrap_or(Ok(0));
        added?;
        survey.known = known?;
        Ok::<(), Error>(())
    })?;
    remove_gone(area, manner, &mut survey)?;
    Ok(survey)
}

/// A file that the catalog does not know as it is.
struct Candidate {
    /// As the archive names it.
    file: PathBuf,
    size: u64,
    /// Milliseconds since 1970.
    stored: i64,
}

/// Lists the files of the area, and those elsewhere that DCMTK's index names; how many of them the catalog knows already.
fn list(
    area: &Area,
    indexed: &HashMap<PathBuf, i64>,
    left: &HashSet<PathBuf>,
    to_read: &SyncSender<Candidate>,
) -> Result<u64, Error> {
    let mut known = 0;
    let within = WalkDir::new(area.path()).follow_links(false).into_iter().filter_map(Result::ok);
    let within = within.filter(|entry| entry.file_type().is_file()).filter_map(|entry| {
        let file = entry.path().strip_prefix(area.path()).ok()?.to_owned();
        let data = entry.metadata().ok()?;
        (!is_ours(&file)).then_some((file, data))
    });
    let elsewhere = indexed.keys().filter(|file| file.is_absolute());
    let elsewhere = elsewhere.filter_map(|file| Some((file.clone(), std::fs::metadata(file).ok()?)));
    let all = within.chain(elsewhere).filter(|(file, data)| data.is_file() && !left.contains(file));
    for (file, data) in all {
        // In this order: it is in the catalog before it is no longer coming.
        if area.is_coming(&file) {
            continue;
        }
        match area.catalog().by_file(&file)? {
            Some(held) if held.size == data.len() => known += 1,
            _ => {
                let stored = indexed.get(&file).copied().unwrap_or_else(|| modified(&data));
                if to_read.send(Candidate { file, size: data.len(), stored }).is_err() {
                    break;
                }
            }
        }
    }
    Ok(known)
}

/// Whether a file in the folder is the archive's own, or DCMTK's index.
fn is_ours(file: &Path) -> bool {
    let mut components = file.components();
    let (Some(Component::Normal(name)), None) = (components.next(), components.next()) else { return false };
    let name = name.as_encoded_bytes();
    name == OWNER_FILE.as_bytes()
        || name == DCMTK_INDEX.as_bytes()
        || name.starts_with(CATALOG_FILE.as_bytes())
        || (name.starts_with(b".pacs-") && name.ends_with(b".part"))
}

fn modified(data: &Metadata) -> i64 {
    let since = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn read_all(
    area: &Area,
    waiting: &Mutex<Receiver<Candidate>>,
    done: &SyncSender<(Candidate, Option<Record>)>,
    context: &Context<'_>,
) {
    loop {
        let next = waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
        let Ok(candidate) = next else { return };
        let record = read_one(area, &candidate, context);
        if done.send((candidate, record)).is_err() {
            return;
        }
    }
}

/// What a file holds; none: no whole DICOM object.
fn read_one(area: &Area, candidate: &Candidate, context: &Context<'_>) -> Option<Record> {
    let file = area.open(&candidate.file).ok()?;
    let read = elements::read_file(&file, Expected::Either, context, Extent::Whole).ok()?;
    let stored = Stored {
        file: candidate.file.clone(),
        size: candidate.size,
        at: candidate.stored,
        syntax: read.head.syntax.clone(),
    };
    let record = Record::new(stored, &read.elements.found, read.head.read_as == names::EXPLICIT_BIG);
    // Without these it can neither be told from others nor be sent.
    (!record.value(Tag::SOP_INSTANCE).is_empty() && !record.value(Tag::SOP_CLASS).is_empty()).then_some(record)
}

/// Puts what was read into the catalog.
struct Adder<'a> {
    area: &'a Area,
    manner: Manner,
    survey: &'a mut Survey,
    batch: Vec<Insertion>,
    told: Instant,
}

impl Adder<'_> {
    fn take_all(&mut self, results: &Receiver<(Candidate, Option<Record>)>) -> Result<(), Error> {
        for (candidate, record) in results {
            let Some(record) = record else {
                self.survey.others += 1;
                self.survey.example("no DICOM object", &candidate.file);
                continue;
            };
            self.survey.added += 1;
            self.survey.example("not in the catalog", &candidate.file);
            if self.manner == Manner::Mend {
                self.batch.push(Insertion { record, remove: Vec::new() });
                if self.batch.len() >= BATCH {
                    self.flush()?;
                }
            }
            if self.told.elapsed() >= TELL {
                self.told = Instant::now();
                info!(target: TARGET, "{}: {} objects taken over so far", self.area.path().display(), self.survey.added);
            }
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        let area = self.area;
        // Who stores a copy of one of these sees it, or is seen.
        area.alone(|| {
            area.catalog().insert(&batch)?;
            batch.iter().try_for_each(|insertion| self.settle_twins(&insertion.record))
        })
    }

    /// Of two files of ours with the same instance the older was replaced, but the machine stopped before it went.
    fn settle_twins(&mut self, record: &Record) -> Result<(), Error> {
        if !is_named_by_us(&record.stored().file) {
            return Ok(());
        }
        let study = record.value(Tag::STUDY_INSTANCE);
        let twins = self.area.catalog().instances_of(record.value(Tag::SOP_INSTANCE))?;
        let mut twins: Vec<Held> =
            twins.into_iter().filter(|held| held.study == study && is_named_by_us(&held.file)).collect();
        twins.sort_by_key(|held| (held.stored, held.id));
        twins.pop();
        if twins.is_empty() {
            return Ok(());
        }
        self.survey.replaced += twins.len() as u64;
        let ids: Vec<_> = twins.iter().map(|held| held.id).collect();
        self.area.catalog().remove(&ids)?;
        self.area.bury_doomed()?;
        Ok(())
    }
}

/// Whether a name is one that the archive, or DCMTK's, gives: `CT_` and sixteen hexadecimal digits.
fn is_named_by_us(file: &Path) -> bool {
    let Some(name) = file.to_str().and_then(|name| name.strip_suffix(".dcm")) else { return false };
    let Some((prefix, number)) = name.rsplit_once('_') else { return false };
    !prefix.contains('/')
        && (2..=5).contains(&prefix.len())
        && number.len() == 16
        && number.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Removes rows of which the file has gone.
fn remove_gone(area: &Area, manner: Manner, survey: &mut Survey) -> Result<(), Error> {
    let mut gone: Vec<PathBuf> = Vec::new();
    area.catalog().files(&mut |file, _| {
        if area.open(file).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
            gone.push(file.to_owned());
        }
        ControlFlow::Continue(())
    })?;
    survey.gone = gone.len() as u64;
    for file in &gone {
        survey.example("has gone", file);
    }
    if manner == Manner::Mend {
        for some in gone.chunks(BATCH) {
            let some: Vec<&Path> = some.iter().map(PathBuf::as_path).collect();
            area.catalog().remove_files(&some)?;
        }
    }
    Ok(())
}

/// Files that DCMTK's index names, as the archive names them, and when they were stored. Without an index that can be read,
/// none: the files in the folder are found all the same.
fn read_index(area: &Area) -> HashMap<PathBuf, i64> {
    let mut indexed = HashMap::new();
    let mut file = match area.folder().open_file(DCMTK_INDEX) {
        Ok(file) => io::BufReader::with_capacity(1 << 16, file),
        Err(_) => return indexed,
    };
    let home = std::fs::canonicalize(area.path()).unwrap_or_else(|_| area.path().to_owned());
    let read = index::read(&mut file, |Entry { path, stored }| {
        if let Some(file) = placed(area.path(), &home, &path) {
            indexed.insert(file, stored);
        }
    });
    match read {
        Ok(()) => {}
        Err(IndexError::Io(e)) => warn!(target: TARGET, "{}: {e}", area.path().join(DCMTK_INDEX).display()),
        Err(IndexError::Unknown) => warn!(
            target: TARGET,
            "{}: unknown/legacy QRDB database file format\nThe files in the folder are taken over all the same; those that \
             only this index names are not.",
            area.path().join(DCMTK_INDEX).display()
        ),
    }
    indexed
}

/// A path of an index as the archive names it: below the folder, or a whole path elsewhere.
fn placed(area: &Path, home: &Path, path: &Path) -> Option<PathBuf> {
    // Relative paths are those of the directory in which DCMTK's program ran; the file's name alone leads to it as well.
    if let Some(name) = path.file_name()
        && (path.parent() == Some(area) || path.is_relative())
        && home.join(name).is_file()
    {
        return Some(name.into());
    }
    let whole = std::fs::canonicalize(path).ok()?;
    Some(whole.strip_prefix(home).map_or_else(|_| whole.clone(), Path::to_owned))
}

/// What DCMTK's index looks like from outside: whether its programs have been at it.
fn index_state(area: &Area) -> Vec<u8> {
    let data = area.folder().open_file(DCMTK_INDEX).and_then(|file: File| file.metadata());
    data.map_or_else(
        |_| Vec::new(),
        |data| format!("{} {}.{:09}", data.len(), data.mtime(), data.mtime_nsec()).into_bytes(),
    )
}

#[cfg(test)]
mod tests;
