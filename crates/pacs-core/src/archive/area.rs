//! One storage area: a folder of files and the catalog of what is in it.
//!
//! An object is kept in this order: its bytes and its name are on the disk, its row is in the catalog, and only then is it
//! answered. Objects that finish together share the waits: the system makes one wait for the disk of theirs, and whoever is
//! first at the catalog takes all that are there with it (`keep`). What an object replaces or evicts leaves the catalog in
//! the same transaction, and its file goes after that.

use super::catalog::{Catalog, Error, Insertion};
use super::config::Quota;
use super::quota::{self, Newcomer, NoRoom, Pending, Reason, Room};
use super::record::{Record, Stored, Values};
use crate::dataset::{Found, ScratchMaker, Tag};
use crate::disk::{Folder, Owned, Published, Staged, Synced};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// An object that has come whole and is still without a name.
#[derive(Debug)]
pub struct Arrival {
    /// Its file.
    pub file: Staged,
    /// What its data set says of itself: the elements of [`super::keys::WANTED`].
    pub found: Vec<Found>,
    /// Numbers among them are big endian.
    pub big_endian: bool,
    /// The UID of the transfer syntax it is written in.
    pub transfer_syntax: String,
    /// What its name begins with: the short code of its SOP class.
    pub prefix: &'static str,
    /// When its association came to the area, in seconds since 1970: the middle of its name.
    pub opened: u32,
    /// How much may be kept beside it.
    pub quota: Quota,
}

/// An object that is kept.
#[derive(Debug)]
pub struct Kept {
    /// Its file, within the folder.
    pub file: PathBuf,
    /// What went to make room for it.
    pub removed: Vec<Removed>,
}

/// A file that went.
#[derive(Debug)]
pub struct Removed {
    /// The file, as the archive names it.
    pub file: PathBuf,
    /// Why.
    pub reason: Reason,
    /// What the system said when it was to be unlinked, if it could not be; it is tried again later.
    pub error: Option<io::Error>,
    /// It lies outside the folder and was left there: the archive only ever served it.
    pub foreign: bool,
}

/// Why an object is not kept. Nothing of it is left, and nothing went for it.
#[derive(Debug)]
pub enum KeepError {
    /// It is larger than a study may be.
    TooBig {
        /// Bytes of its file.
        size: u64,
        /// Bytes that a study may have.
        limit: u64,
    },
    /// Its file could not be named.
    Disk(io::Error),
    /// The catalog could not take it.
    Catalog(Error),
}

/// A storage area that is open.
pub struct Area {
    folder: Folder,
    /// The folder as the configuration names it.
    shown: PathBuf,
    catalog: Box<dyn Catalog>,
    sync: bool,
    queue: Mutex<Queue>,
    done: Condvar,
    /// Files that have a name, or are just given it, and are not in the catalog yet.
    coming: Mutex<HashSet<PathBuf>>,
    /// A file lies in the folder that is not in the catalog: the next start must compare them.
    untidy: AtomicBool,
    /// While these are held, nobody else uses the folder.
    _locks: Vec<Owned>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Job>,
    /// Somebody is at it.
    busy: bool,
    finished: HashMap<u64, Result<Kept, KeepError>>,
    last: u64,
}

/// An object whose file bears its name, and that is not in the catalog yet.
struct Job {
    ticket: u64,
    record: Record,
    quota: Quota,
}

/// A job for which there is room.
struct Named {
    ticket: u64,
    insertion: Insertion,
    removed: Vec<(PathBuf, Reason)>,
    /// It is the first of its study.
    new_study: bool,
}

impl Named {
    fn value(&self, tag: Tag) -> &[u8] {
        self.insertion.record.value(tag)
    }

    fn evicts_studies(&self) -> bool {
        self.removed.iter().any(|(_, reason)| *reason == Reason::AreaFull)
    }
}

/// How often a name is tried before the folder is given up.
const TRIES: usize = 64;

impl Area {
    /// An area of this folder and catalog; `shown` is its path as people know it.
    pub(super) fn new(
        folder: Folder,
        shown: PathBuf,
        catalog: Box<dyn Catalog>,
        sync: bool,
        locks: Vec<Owned>,
    ) -> Self {
        Self {
            folder,
            shown,
            catalog,
            sync,
            queue: Mutex::default(),
            done: Condvar::new(),
            coming: Mutex::default(),
            untidy: AtomicBool::new(false),
            _locks: locks,
        }
    }

    /// Its catalog.
    pub fn catalog(&self) -> &dyn Catalog {
        &*self.catalog
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Its folder as the configuration names it.
    pub fn path(&self) -> &Path {
        &self.shown
    }

    /// A file's path for people.
    pub fn shown(&self, file: &Path) -> PathBuf {
        self.shown.join(file)
    }

    /// Objects are on the disk before they are answered.
    pub fn syncs(&self) -> bool {
        self.sync
    }

    /// A file for an object on its way in.
    ///
    /// # Errors
    /// As the system says.
    pub fn stage(&self) -> io::Result<Staged> {
        self.folder.stage()
    }

    /// Makes files for a while, for objects that need more room than memory is given.
    pub fn scratch(self: &Arc<Self>) -> ScratchMaker {
        let area = Arc::clone(self);
        ScratchMaker::new(move || Ok(Box::new(area.folder.stage()?)))
    }

    /// Opens a stored object for reading.
    ///
    /// # Errors
    /// As the system says; `NotFound` when the file has gone.
    pub fn open(&self, file: &Path) -> io::Result<File> {
        if file.is_absolute() {
            // Adopted with an index that names it; never made by us.
            return open_foreign(file);
        }
        self.folder.open_file(file)
    }

    /// Keeps an object. When this returns it has a name and a row in the catalog, and with [`Area::syncs`] it outlives a
    /// power failure.
    ///
    /// # Errors
    /// See [`KeepError`].
    pub fn keep(&self, arrival: Arrival) -> Result<Kept, KeepError> {
        let quota = arrival.quota;
        // Each for itself: the system makes one wait for the disk of those that come together.
        let (_coming, record) = self.name(arrival)?;
        let mut queue = self.lock();
        queue.last += 1;
        let ticket = queue.last;
        queue.waiting.push(Job { ticket, record, quota });
        loop {
            if let Some(result) = queue.finished.remove(&ticket) {
                return result;
            }
            if queue.busy {
                queue = self.done.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let batch = std::mem::take(&mut queue.waiting);
            if batch.is_empty() {
                // Whoever had it has panicked.
                return Err(KeepError::Disk(io::Error::other("keeping was broken off")));
            }
            queue.busy = true;
            drop(queue);
            let busy = Busy(self);
            let results = self.process(batch);
            queue = self.lock();
            queue.finished.extend(results);
            queue.busy = false;
            std::mem::forget(busy);
            self.done.notify_all();
        }
    }

    /// Gives an object its name, on the disk if that is waited for.
    fn name(&self, arrival: Arrival) -> Result<(Coming<'_>, Record), KeepError> {
        let Arrival { file, found, big_endian, transfer_syntax, prefix, opened, quota } = arrival;
        let size = file.len();
        if size > quota.bytes_per_study {
            return Err(KeepError::TooBig { size, limit: quota.bytes_per_study });
        }
        let stored = Stored { file: PathBuf::new(), size, at: now(), syntax: transfer_syntax };
        let record = Record::new(stored, &found, big_endian);
        let coming = self.publish(file, prefix, opened).map_err(KeepError::Disk)?;
        let record = record.filed(coming.file.clone());
        Ok((coming, record))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps several objects, in the order in which they came.
    fn process(&self, batch: Vec<Job>) -> Vec<(u64, Result<Kept, KeepError>)> {
        let mut results = Vec::with_capacity(batch.len());
        let mut named: Vec<Named> = Vec::with_capacity(batch.len());
        for job in batch {
            let (ticket, file) = (job.ticket, job.record.stored().file.clone());
            match self.admit(job, &mut named, &mut results) {
                Ok(job) => named.push(job),
                Err(e) => {
                    self.take_back(&file);
                    results.push((ticket, Err(e)));
                }
            }
        }
        self.commit(&mut named, &mut results);
        results
    }

    /// Finds room for an object. Whatever must be in the catalog before is committed first.
    fn admit(
        &self,
        job: Job,
        named: &mut Vec<Named>,
        results: &mut Vec<(u64, Result<Kept, KeepError>)>,
    ) -> Result<Named, KeepError> {
        let Job { ticket, record, quota } = job;
        let (file, size) = (&record.stored().file, record.stored().size);
        let (study, instance) = (record.value(Tag::STUDY_INSTANCE), record.value(Tag::SOP_INSTANCE));
        // A study that goes for one of them is none to which another could still belong.
        if named.iter().any(|other| other.value(Tag::SOP_INSTANCE) == instance || other.evicts_studies()) {
            self.commit(named, results);
        }
        let newcomer = Newcomer { study, instance, size, file };
        let mut room = self.room(quota, newcomer, named);
        if !named.is_empty() && room.as_ref().is_ok_and(|room| !room.removed.is_empty()) {
            // What goes may depend on those that are not in the catalog yet.
            self.commit(named, results);
            room = self.room(quota, newcomer, named);
        }
        let Room { removed, new_study } = room.map_err(|e| match e {
            NoRoom::TooBig => KeepError::TooBig { size, limit: quota.bytes_per_study },
            NoRoom::Catalog(e) => KeepError::Catalog(e),
        })?;
        let remove = removed.iter().map(|(held, _)| held.id).collect();
        let removed = removed.into_iter().map(|(held, reason)| (held.file, reason)).collect();
        Ok(Named { ticket, insertion: Insertion { record, remove }, removed, new_study })
    }

    fn room(&self, quota: Quota, newcomer: Newcomer<'_>, named: &[Named]) -> Result<Room, NoRoom> {
        let mut pending = Pending::default();
        for other in named {
            if other.value(Tag::STUDY_INSTANCE) == newcomer.study {
                pending.same_study = true;
                pending.bytes += other.insertion.record.stored().size;
            }
            pending.new_studies += u64::from(other.new_study);
        }
        quota::make_room(&*self.catalog, quota, newcomer, pending)
    }

    /// A file that was not kept after all: not answered with success, so it must not be found after a restart either.
    fn take_back(&self, file: &Path) {
        if self.unlink(file).is_err() {
            self.untidy.store(true, Ordering::SeqCst);
        }
    }

    /// Does something while no object is on its way into the catalog.
    pub(super) fn alone<T>(&self, deed: impl FnOnce() -> T) -> T {
        let mut queue = self.lock();
        while queue.busy {
            queue = self.done.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.busy = true;
        drop(queue);
        let _busy = Busy(self);
        deed()
    }

    /// Whether an object is being kept in this file: it will be in the catalog, or be no more.
    pub(super) fn is_coming(&self, file: &Path) -> bool {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner).contains(file)
    }

    /// Gives a file a name that nobody has, on the disk if that is waited for.
    fn publish(&self, mut file: Staged, prefix: &str, opened: u32) -> io::Result<Coming<'_>> {
        for _ in 0..TRIES {
            let name = format!("{prefix}_{opened:08x}{:08x}.dcm", crate::uid::random_number());
            let coming = Coming::new(self, PathBuf::from(&name));
            let outcome = match self.sync {
                true => self.folder.publish_synced(file, &name)?,
                false => match self.folder.publish(file, &name)? {
                    Published::New => Synced::New,
                    Published::Exists(staged) => Synced::Exists(staged),
                },
            };
            match outcome {
                Synced::New => return Ok(coming),
                Synced::Exists(staged) => file = staged,
                Synced::Unsure(e) => {
                    self.take_back(Path::new(&name));
                    return Err(e);
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Puts objects into the catalog, then unlinks what they replace.
    fn commit(&self, named: &mut Vec<Named>, results: &mut Vec<(u64, Result<Kept, KeepError>)>) {
        if named.is_empty() {
            return;
        }
        let mut insertions = Vec::with_capacity(named.len());
        let mut waiting = Vec::with_capacity(named.len());
        for Named { ticket, insertion, removed, .. } in named.drain(..) {
            insertions.push(insertion);
            waiting.push((ticket, removed));
        }
        let inserted = self.catalog.insert(&insertions);
        for (insertion, (ticket, removed)) in insertions.iter().zip(waiting) {
            let file = &insertion.record.stored().file;
            let result = match &inserted {
                Ok(_) => Ok(Kept { file: file.clone(), removed: self.bury(removed) }),
                Err(e) => {
                    self.take_back(file);
                    Err(KeepError::Catalog(e.clone()))
                }
            };
            results.push((ticket, result));
        }
    }

    /// Unlinks files that have left the catalog.
    fn bury(&self, doomed: Vec<(PathBuf, Reason)>) -> Vec<Removed> {
        if doomed.is_empty() {
            return Vec::new();
        }
        let mut removed = Vec::with_capacity(doomed.len());
        let mut buried = Vec::with_capacity(doomed.len());
        for (file, reason) in doomed {
            let foreign = file.is_absolute();
            let error = if foreign { None } else { self.unlink(&file).err() };
            // One that is not ours stays where it is, and stays noted: an index that names it must not bring it back.
            if error.is_none() && !foreign {
                buried.push(file.clone());
            }
            removed.push(Removed { file, reason, error, foreign });
        }
        let buried: Vec<&Path> = buried.iter().map(PathBuf::as_path).collect();
        // If that is not noted, it is tried again at the next start, and found done.
        _ = self.catalog.buried(&buried);
        removed
    }

    /// Unlinks a file; one that has gone is as good.
    fn unlink(&self, file: &Path) -> io::Result<()> {
        match self.folder.remove_file(file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Unlinks what an earlier run has left of files that are no longer in the catalog.
    pub(super) fn bury_doomed(&self) -> Result<usize, Error> {
        let doomed = self.catalog.doomed()?;
        let n = doomed.len();
        self.bury(doomed.into_iter().map(|file| (file, Reason::Duplicate)).collect());
        Ok(n)
    }

    /// Says that catalog and files agree, if they do: nothing is kept any more.
    ///
    /// # Errors
    /// When that cannot be noted; the next start then compares them.
    pub fn close(&self) -> Result<(), Error> {
        // Whoever is at it finishes first.
        let mut queue = self.lock();
        while queue.busy {
            queue = self.done.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if self.untidy.load(Ordering::SeqCst) { Ok(()) } else { self.catalog.mark_clean() }
    }
}

impl std::fmt::Debug for Area {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Area").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// Whoever is at it has panicked: the others must not wait for ever.
struct Busy<'a>(&'a Area);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.lock().busy = false;
        self.0.done.notify_all();
    }
}

/// A file on its way into the catalog.
struct Coming<'a> {
    area: &'a Area,
    file: PathBuf,
}

impl<'a> Coming<'a> {
    fn new(area: &'a Area, file: PathBuf) -> Self {
        area.coming.lock().unwrap_or_else(PoisonError::into_inner).insert(file.clone());
        Self { area, file }
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.area.coming.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.file);
    }
}

fn open_foreign(file: &Path) -> io::Result<File> {
    let (Some(parent), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    Folder::open(parent)?.open_file(name)
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
pub(super) mod tests;
