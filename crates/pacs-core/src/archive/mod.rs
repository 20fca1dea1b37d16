//! The archive: storage areas by application entity title, each one folder of files with one catalog. The files are the
//! truth; the catalog is derived from them. Blocking, and without a word of DIMSE.

pub mod adopt;
pub mod area;
pub mod catalog;
pub mod config;
pub mod keys;
pub mod matching;
pub mod query;
mod quota;
pub mod record;

pub use area::{Area, Arrival, KeepError, Kept, Removed};
pub use quota::Reason;

use catalog::sqlite::Sqlite;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::dataset::vr::Dictionary;
use crate::disk::{Folder, OwnError, Owned};
use adopt::Need;

/// The file by which one process owns a folder; it holds the owner's number.
pub const OWNER_FILE: &str = "index.owner";

/// The catalog of an area, beside its objects.
pub const CATALOG_FILE: &str = "index.sqlite";

/// The index of DCMTK's archive.
pub const DCMTK_INDEX: &str = "index.dat";

/// How long a program of DCMTK may hold its index before an area is given up: it does so for moments only.
const PATIENCE: Duration = Duration::from_secs(2);

/// How areas are opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// An object is answered when it is on the disk, not when it is with the system.
    pub sync: bool,
    /// Catalogs go here; none: into the areas' own folders.
    pub index_directory: Option<PathBuf>,
    /// Gives elements of implicit VR their representation, in files that are taken over.
    pub dictionary: &'static Dictionary,
}

/// All storage areas of a server, each opened when it is first asked for. Titles that share a folder share its area.
#[derive(Debug)]
pub struct Archive {
    settings: Settings,
    areas: Mutex<HashMap<PathBuf, Arc<Slot>>>,
}

/// An area, once it is open. Whoever opens it holds the lock.
type Slot = Mutex<Option<Arc<Area>>>;

impl Archive {
    /// An archive without any area open.
    pub fn new(settings: Settings) -> Self {
        Self { settings, areas: Mutex::default() }
    }

    /// The area of this folder, opened if it is not.
    ///
    /// # Errors
    /// See [`AreaError`]; the next to ask tries again.
    pub fn area(&self, directory: &Path) -> Result<Arc<Area>, AreaError> {
        let key = std::fs::canonicalize(directory).map_err(AreaError::Folder)?;
        let slot = Arc::clone(lock(&self.areas).entry(key).or_default());
        let mut slot = lock(&slot);
        if let Some(area) = &*slot {
            return Ok(Arc::clone(area));
        }
        let area = Arc::new(self.open(directory)?);
        self.take_over(&area)?;
        *slot = Some(Arc::clone(&area));
        Ok(area)
    }

    /// Makes catalog and files agree where they may not: an area that is new to us while it answers, one that was not closed
    /// before it does.
    fn take_over(&self, area: &Arc<Area>) -> Result<(), AreaError> {
        let dictionary = self.settings.dictionary;
        match adopt::need(area).map_err(AreaError::Catalog)? {
            Need::Nothing => {}
            Need::Again => {
                let survey = adopt::adopt(area, dictionary).map_err(AreaError::Catalog)?;
                say_taken_over(area, &survey);
            }
            Need::First => {
                let theirs = Arc::clone(area);
                let work = move || match adopt::adopt(&theirs, dictionary) {
                    Ok(survey) => say_taken_over(&theirs, &survey),
                    Err(e) => tracing::error!(target: TARGET, "{}: {e}", theirs.path().display()),
                };
                if std::thread::Builder::new().name("taking over".to_owned()).spawn(work).is_err() {
                    adopt::adopt(area, dictionary).map_err(AreaError::Catalog)?;
                }
            }
        }
        Ok(())
    }

    /// Opens an area without making its catalog and files agree: to compare them.
    ///
    /// # Errors
    /// See [`AreaError`].
    pub fn area_as_it_is(&self, directory: &Path) -> Result<Arc<Area>, AreaError> {
        Ok(Arc::new(self.open(directory)?))
    }

    /// Closes every area: nothing is kept any more, and the next start need not compare files and catalogs.
    pub fn close(&self) {
        let slots: Vec<_> = lock(&self.areas).values().cloned().collect();
        for slot in slots {
            if let Some(area) = &*lock(&slot)
                && let Err(e) = area.close()
            {
                tracing::warn!(target: TARGET, "{}: {e}", area.path().display());
            }
        }
    }

    fn open(&self, directory: &Path) -> Result<Area, AreaError> {
        let folder = Folder::open(directory).map_err(AreaError::Folder)?;
        let (home, catalog) = match &self.settings.index_directory {
            None if !folder.is_writable() => return Err(AreaError::NotWritable),
            None => (None, directory.join(CATALOG_FILE)),
            Some(elsewhere) => {
                let name = name_for(directory).map_err(AreaError::Folder)?;
                let catalog = elsewhere.join(format!("{name}.sqlite"));
                (Some((Folder::open(elsewhere).map_err(AreaError::Folder)?, format!("{name}.owner"))), catalog)
            }
        };
        let mut locks = vec![match &home {
            None => folder.own(OWNER_FILE)?,
            Some((home, name)) => home.own(name)?,
        }];
        locks.extend(lock_index(&folder)?);
        if let Err(e) = folder.sweep() {
            tracing::warn!(target: TARGET, "cannot look for unfinished files of an earlier run in {}: {e}", directory.display());
        }
        let catalog = open_catalog(&catalog)?;
        let area = Area::new(folder, directory.to_owned(), Box::new(catalog), self.settings.sync, locks);
        area.bury_doomed().map_err(AreaError::Catalog)?;
        area.catalog().mark_open().map_err(AreaError::Catalog)?;
        Ok(area)
    }
}

fn say_taken_over(area: &Area, survey: &adopt::Survey) {
    let path = area.path().display();
    if survey.agrees() {
        tracing::debug!(target: TARGET, "{path}: catalog and files agree, {} objects", survey.known);
    } else {
        tracing::info!(
            target: TARGET,
            "{path}: {} objects taken over, {} were known; {} had gone and {} were replaced",
            survey.added, survey.known, survey.gone, survey.replaced
        );
    }
}

/// The logger of DCMTK's database.
const TARGET: &str = "dcmtk.dcmqrdb";

/// A damaged catalog is set aside: it is made anew from the files. So is a link in its place, which may lead to a file that
/// is none of ours.
fn open_catalog(path: &Path) -> Result<Sqlite, AreaError> {
    let opened = match path.is_symlink() {
        true => Err(catalog::Error::Damaged("a symbolic link stands at its name".to_owned())),
        false => Sqlite::open(path),
    };
    match opened {
        Err(catalog::Error::Damaged(cause)) => {
            let aside = path.with_extension("damaged");
            tracing::warn!(
                target: TARGET,
                "{}: {cause}\nIt is made anew from the stored files; the damaged one is kept as {}.",
                path.display(),
                aside.display()
            );
            std::fs::rename(path, &aside).map_err(AreaError::Folder)?;
            for end in ["-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(end);
                _ = std::fs::remove_file(name);
            }
            Sqlite::open(path).map_err(AreaError::Catalog)
        }
        other => other.map_err(AreaError::Catalog),
    }
}

/// Locks DCMTK's index, if there is one, so that its programs wait while we are here.
fn lock_index(folder: &Folder) -> Result<Option<Owned>, AreaError> {
    let end = Instant::now() + PATIENCE;
    loop {
        match folder.lock_existing(DCMTK_INDEX) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(AreaError::IndexBusy),
            // One that may only be read cannot be locked everywhere, and need not be: DCMTK's programs cannot write it.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
            other => return other.map_err(AreaError::Folder),
        }
    }
}

/// A file name that stands for a folder, wherever it is: its last part for people, a digest of the whole path.
fn name_for(directory: &Path) -> io::Result<String> {
    let path = std::fs::canonicalize(directory)?;
    let last = path.file_name().unwrap_or_default().to_string_lossy();
    let plain: String = last
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' })
        .take(40)
        .collect();
    Ok(format!("{plain}-{:016x}", digest(path.as_os_str().as_encoded_bytes())))
}

/// FNV-1a, 64 bits: to tell paths apart, against nobody's will.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Why an area cannot be used.
#[derive(Debug)]
pub enum AreaError {
    /// Its folder, or that for catalogs.
    Folder(io::Error),
    /// Its folder cannot be written to, so it can hold no catalog.
    NotWritable,
    /// Another process has it, with this number if it can be told.
    Taken(Option<u32>),
    /// Its file system has no locks.
    NoLocks,
    /// A program of DCMTK holds its index.
    IndexBusy,
    /// Its catalog.
    Catalog(catalog::Error),
}

impl AreaError {
    /// What helps.
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Folder(e) if e.kind() == io::ErrorKind::NotFound => {
                "Make the folder; the AETable of the configuration names it."
            }
            Self::Folder(_) => "Let this program's user read and write the folder that the AETable names.",
            Self::NotWritable => {
                "Let this program's user write there, or keep the catalog elsewhere with --index-directory."
            }
            Self::Taken(_) => "End the other process, or give this title another folder.",
            Self::NoLocks => {
                "Keep the catalog on a local disk with --index-directory; the objects may stay where they are."
            }
            Self::IndexBusy => "End the program of DCMTK that uses this folder.",
            Self::Catalog(_) => {
                "The catalog is made of the stored files: with the server stopped it may be deleted, and is made anew."
            }
        }
    }
}

impl fmt::Display for AreaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(e) => {
                let text = e.to_string();
                f.write_str(text.split(" (os error").next().unwrap_or(&text))
            }
            Self::NotWritable => f.write_str("the folder cannot be written to"),
            Self::Taken(Some(pid)) => write!(f, "process {pid} uses this folder"),
            Self::Taken(None) => f.write_str("another process uses this folder"),
            Self::NoLocks => f.write_str("the file system of this folder has no locks"),
            Self::IndexBusy => write!(f, "{DCMTK_INDEX} is locked by a program of DCMTK"),
            Self::Catalog(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for AreaError {}

impl From<OwnError> for AreaError {
    fn from(e: OwnError) -> Self {
        match e {
            OwnError::Taken(pid) => Self::Taken(pid),
            OwnError::NoLocks => Self::NoLocks,
            OwnError::Io(e) => Self::Folder(e),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
