//! The catalog of one storage area: what is stored there, and what a request selects of it.
//!
//! Files are the truth; a catalog is derived from them and can be made anew. It knows files by their names alone.

pub mod scan;
#[cfg(test)]
mod tests;

pub use super::query::Answer;

use super::query::{Query, QueryError};
use super::record::Record;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// A stored object's number in its catalog. Later objects have greater numbers; none is given twice while a catalog is
/// open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub i64);

/// A stored object, as duplicates and quota see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its number.
    pub id: Id,
    /// Its file.
    pub file: PathBuf,
    /// Its Study Instance UID, which may be empty.
    pub study: Vec<u8>,
    /// Bytes of its file.
    pub size: u64,
    /// When it was stored, in milliseconds since 1970.
    pub stored: i64,
}

/// A stored object, as a retrieval sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its number.
    pub id: Id,
    /// Its file.
    pub file: PathBuf,
    /// Bytes of its file.
    pub size: u64,
    /// Its SOP Class UID.
    pub sop_class: Vec<u8>,
    /// Its SOP Instance UID.
    pub sop_instance: Vec<u8>,
    /// The UID of the transfer syntax it is stored in.
    pub syntax: String,
}

/// All objects of one Study Instance UID, whatever patient they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StudySummary {
    /// Bytes of their files.
    pub bytes: u64,
    /// How many they are, never 0.
    pub instances: u64,
    /// When the last of them was stored, in milliseconds since 1970.
    pub last_stored: i64,
}

/// Everything in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Study Instance UIDs.
    pub studies: u64,
    /// Objects.
    pub instances: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

/// An object to add, and those that make room for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insertion {
    /// The object.
    pub record: Record,
    /// Objects that go: those that it replaces, or that the quota has no room for. Numbers that are no more are passed
    /// over.
    pub remove: Vec<Id>,
}

/// What became of an insertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The number of the object that was added.
    pub id: Id,
    /// The files of the objects that went, now doomed.
    pub doomed: Vec<PathBuf>,
}

/// The catalog of one storage area. All calls block, and none waits for the end of a find or a retrieval.
pub trait Catalog: Send + Sync {
    /// Adds objects, all or none. For each in turn, first the objects that go are removed and their files become doomed;
    /// then the object is added. An object whose file is already known takes the place of the one that was there; that a
    /// file was doomed is forgotten.
    ///
    /// # Errors
    ///
    /// Those of the storage below; then nothing has changed.
    fn insert(&self, batch: &[Insertion]) -> Result<Vec<Outcome>, Error>;

    /// Removes objects; their files become doomed and are returned. Numbers that are no more are passed over.
    ///
    /// # Errors
    ///
    /// Those of the storage below; then nothing has changed.
    fn remove(&self, ids: &[Id]) -> Result<Vec<PathBuf>, Error>;

    /// Removes the objects of these files, which are gone already. Returns how many there were.
    ///
    /// # Errors
    ///
    /// Those of the storage below; then nothing has changed.
    fn remove_files(&self, files: &[&Path]) -> Result<u64, Error>;

    /// Files that are no longer in the catalog and still to be unlinked.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn doomed(&self) -> Result<Vec<PathBuf>, Error>;

    /// These doomed files have been unlinked.
    ///
    /// # Errors
    ///
    /// Those of the storage below; then nothing has changed.
    fn buried(&self, files: &[&Path]) -> Result<(), Error>;

    /// The objects of this SOP Instance UID, in store order.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn instances_of(&self, sop_instance: &[u8]) -> Result<Vec<Held>, Error>;

    /// What there is of a study.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn study(&self, study: &[u8]) -> Result<Option<StudySummary>, Error>;

    /// The studies of which the last object was stored longest ago, at most so many, oldest first.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn oldest_studies(&self, most: usize) -> Result<Vec<(Vec<u8>, StudySummary)>, Error>;

    /// The objects of a study that were stored first, at most so many, oldest first.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn oldest_instances(&self, study: &[u8], most: usize) -> Result<Vec<Held>, Error>;

    /// How much there is. Takes no time.
    fn totals(&self) -> Totals;

    /// Gives the answers to a find, in the order of the first record that matches, until `sink` breaks off. Each is
    /// distinct from the others in its unique keys, from the patient down.
    ///
    /// # Errors
    ///
    /// [`Error::Query`] if a record was to be compared by a unique key that is missing, before any answer; those of the
    /// storage below.
    fn find(&self, query: &Query, sink: &mut dyn FnMut(Answer) -> ControlFlow<()>) -> Result<(), Error>;

    /// The objects that a retrieval selects, in store order.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn select(&self, query: &Query) -> Result<Vec<Id>, Error>;

    /// These objects, as they are; nothing for those that are no more.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn held(&self, ids: &[Id]) -> Result<Vec<Option<Instance>>, Error>;

    /// Gives the objects that a retrieval selects, in store order, until `sink` breaks off. One that is removed before
    /// its turn is left out; where that must be noticed, use [`select`](Catalog::select) and [`held`](Catalog::held).
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn instances(&self, query: &Query, sink: &mut dyn FnMut(Instance) -> ControlFlow<()>) -> Result<(), Error> {
        for ids in self.select(query)?.chunks(64) {
            for instance in self.held(ids)?.into_iter().flatten() {
                if sink(instance).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Gives every file and its size in the catalog, in no order, until `sink` breaks off.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn files(&self, sink: &mut dyn FnMut(&Path, u64) -> ControlFlow<()>) -> Result<(), Error>;

    /// The object of this file.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn by_file(&self, file: &Path) -> Result<Option<Held>, Error>;

    /// Notes that from now on catalog and files may differ. The note is on disk when this returns.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn mark_open(&self) -> Result<(), Error>;

    /// Notes that catalog and files agree. The note is on disk when this returns, and so is all that was done before.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn mark_clean(&self) -> Result<(), Error>;

    /// Whether catalog and files agreed when the catalog was opened. Never, if it is new.
    fn was_clean(&self) -> bool;

    /// What was noted under this name.
    ///
    /// # Errors
    ///
    /// Those of the storage below.
    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Notes something under a name: how far an index has been imported, say.
    ///
    /// # Errors
    ///
    /// Those of the storage below; then nothing has changed.
    fn set_note(&self, name: &str, value: &[u8]) -> Result<(), Error>;
}

/// Why a catalog does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The request cannot be answered.
    Query(QueryError),
    /// The catalog's file is damaged, or is none. It can be removed and made anew from the files.
    Damaged(String),
    /// The catalog was made by a later version of this program.
    Newer {
        /// The version of its schema.
        found: i64,
        /// The latest that this program knows.
        known: i64,
    },
    /// The disk is full.
    Full(String),
    /// The system or another process is in the way.
    Storage(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Query(error) => error.fmt(f),
            Error::Damaged(cause) => write!(f, "catalog damaged: {cause}"),
            Error::Newer { found, known } => {
                write!(f, "catalog has schema {found}, made by a later version; this one knows schemas up to {known}")
            }
            Error::Full(cause) => write!(f, "no room for the catalog: {cause}"),
            Error::Storage(cause) => write!(f, "catalog: {cause}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Error {
        Error::Query(error)
    }
}
