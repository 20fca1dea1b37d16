//! Into which folder an object goes.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pacs_core::dataset::{Found, Tag};
use pacs_tools::log;
use tracing::{error, info, warn};

use crate::TARGET;
use crate::folder::{Output, Patient, Shelf, StudyName};
use crate::options::Sorting;

/// Names made of the time that are tried before a study is refused. Each is a millisecond later than the one before.
const TIMES: u64 = 10_000;

/// A study, and the folder for an object of it.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its Study Instance UID.
    pub(crate) uid: Vec<u8>,
    /// The folder.
    pub(crate) shelf: Arc<Shelf>,
}

/// Finds the folder of an object's study, makes it if it must, and says so in the log; none: the object is refused, and the
/// log has why. `open` gives the folder of an open study, `who` is for further lines of the log.
pub(crate) fn place(
    output: &Output,
    sorting: &Sorting,
    open: impl FnOnce(&[u8]) -> Option<Arc<Shelf>>,
    found: &[Found],
    who: impl Fn() -> String,
) -> Option<Place> {
    let uid = top(found, Tag::STUDY_INSTANCE).map(first_value).unwrap_or_default();
    if uid.is_empty() {
        error!(
            target: TARGET,
            "element StudyInstanceUID {} absent or empty in data set\nIt cannot be sorted without; {}",
            Tag::STUDY_INSTANCE,
            who()
        );
        return None;
    }
    if let Some(shelf) = open(uid) {
        // Who has removed or moved the folder of an open study gets it again, as it would be got from scratch.
        if shelf.is_there() {
            return Some(Place { uid: uid.to_owned(), shelf });
        }
    }
    match folder(output, sorting, uid, found) {
        Ok((shelf, made)) => {
            let what = if made { "created new" } else { "using existing" };
            info!(target: TARGET, "{what} subdirectory for study: {}", shelf.path().display());
            Some(Place { uid: uid.to_owned(), shelf })
        }
        Err(Refused::Name(name)) => {
            error!(
                target: TARGET,
                "Refusing to use subdirectory name \"{}\"\nIt would lead out of the output directory or be no folder of its own; {}",
                log::clean(&name),
                who()
            );
            None
        }
        Err(Refused::Folder(path, e)) => {
            error!(
                target: TARGET,
                "could not create subdirectory for study: {path}\n{}; {}",
                log::reason(&e),
                who()
            );
            None
        }
    }
}

enum Refused {
    Name(String),
    Folder(String, io::Error),
}

fn folder(output: &Output, sorting: &Sorting, uid: &[u8], found: &[Found]) -> Result<(Arc<Shelf>, bool), Refused> {
    match sorting {
        Sorting::None => Ok((Arc::clone(output.top()), false)),
        Sorting::ByStudy(prefix) => {
            let (name, changed) = StudyName::of_uid(prefix, uid);
            if let Some(changed) = changed {
                warn!(
                    target: TARGET,
                    "Sanitized unusual characters in Study Instance UID, converted from \"{}\" to \"{}\".",
                    log::clean(&changed.from),
                    changed.to
                );
            }
            if name.is_refused() {
                return Err(Refused::Name(name.name().display().to_string()));
            }
            output.study(&name, true).map_err(|(path, e)| Refused::Folder(path.display().to_string(), e))
        }
        Sorting::ByArrival(prefix) => of_its_own(output, |now| StudyName::of_time(prefix, now)),
        Sorting::ByPatient => {
            let patient = patient(found);
            of_its_own(output, |now| StudyName::of_patient(&patient, now))
        }
    }
}

/// Makes a folder that was not there. DCMTK puts two studies of the same millisecond into one.
fn of_its_own(output: &Output, name: impl Fn(SystemTime) -> StudyName) -> Result<(Arc<Shelf>, bool), Refused> {
    let now = SystemTime::now();
    let mut last = None;
    for later in 0..TIMES {
        match output.study(&name(now + Duration::from_millis(later)), false) {
            Ok(found) => return Ok(found),
            Err((path, e)) if e.kind() == io::ErrorKind::AlreadyExists => last = Some((path, e)),
            Err((path, e)) => return Err(Refused::Folder(path.display().to_string(), e)),
        }
    }
    let (path, e) = last.unwrap_or_else(|| (output.top().path().to_owned(), io::ErrorKind::AlreadyExists.into()));
    Err(Refused::Folder(path.display().to_string(), e))
}

fn patient(found: &[Found]) -> Patient {
    let value = |tag| top(found, tag).map(|found| found.value.as_slice()).unwrap_or_default();
    let patient = Patient::new(value(Tag::PATIENT_NAME), value(Tag::SPECIFIC_CHARACTER_SET));
    if patient.is_missing {
        warn!(
            target: TARGET,
            "element PatientName {} absent or empty in data set, using 'ANONYMOUS' instead",
            Tag::PATIENT_NAME
        );
    }
    if let Some(charset) = &patient.foreign {
        warn!(
            target: TARGET,
            "Patient name not in Latin-1 (charset: {}), ASCII dir name may be broken",
            log::clean(charset)
        );
    }
    patient
}

fn top(found: &[Found], tag: Tag) -> Option<&Found> {
    found.iter().find(|found| found.tag == tag && found.depth == 0)
}

/// DCMTK: of several values the first.
pub(crate) fn first_value(found: &Found) -> &[u8] {
    let value = found.value.split(|&b| b == b'\\').next().unwrap_or_default();
    let end = value.iter().rposition(|b| !b" \0".contains(b)).map_or(0, |at| at + 1);
    &value[..end]
}
