//! The desk: where received objects are finished, one after the other.
//!
//! Associations receive at the same time; an object takes its turn only when it is there whole, and keeps it while it is
//! named, published, logged and answered. A peer that stalls holds nothing up.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pacs_core::dimse::status;
use pacs_core::disk::Staged;
use pacs_core::names;
use pacs_core::service::c_store::{Destination, ForcedAbort, Incoming, Received, StoreError, Target};
use pacs_tools::log::{self, DotLine, Progress};
use tracing::{error, info, warn};

use crate::TARGET;
use crate::folder::{FileName, Outcome, Output};
use crate::options::FileNames;
use crate::receiver::peer;

/// How objects are kept.
#[derive(Clone, Debug)]
pub(crate) struct Keeping {
    /// Read and drop all objects.
    pub(crate) ignore: bool,
    /// Objects are taken as they come and not spoken of.
    pub(crate) bit_preserving: bool,
    /// Files get a meta header.
    pub(crate) file_format: bool,
    /// Wait for the disk before the answer.
    pub(crate) sync: bool,
    /// How files are named.
    pub(crate) naming: FileNames,
    /// Appended to each name.
    pub(crate) extension: OsString,
}

/// The desk.
#[derive(Debug)]
pub(crate) struct Desk {
    output: Output,
    keeping: Keeping,
    progress: Progress,
    /// Objects are finished in one order; none: each association for itself.
    order: Option<Mutex<()>>,
}

/// An object on its way to the desk.
#[derive(Debug)]
pub(crate) struct Object {
    name: FileName,
    line: Option<DotLine>,
}

impl Desk {
    /// A desk that finishes objects in one order, or each association's for itself.
    pub(crate) fn new(output: Output, keeping: Keeping, progress: Progress, in_order: bool) -> Self {
        Self { output, keeping, progress, order: in_order.then(Mutex::default) }
    }

    fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        // Nothing panics while the lock is held; if it does, the order is as good as before.
        self.order.as_ref().map(|order| order.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, staged: Staged, name: &FileName) -> Result<(), (String, io::Error)> {
        let first = || self.output.shown(&name.first());
        match self.output.publish(staged, name) {
            Ok(Outcome::New(name)) => self.say_storing(&name),
            Ok(Outcome::Replacing(name, staged)) => {
                self.say_storing(&name);
                let path = self.output.shown(&name);
                if !self.keeping.bit_preserving {
                    warn!(target: TARGET, "DICOM file already exists, overwriting: {path}");
                }
                self.output.replace(staged, &name).map_err(|e| (path, e))?;
            }
            Err(e) => {
                self.say_storing(&name.first());
                return Err((first(), e));
            }
        }
        if self.keeping.sync { self.output.sync().map_err(|e| (first(), e)) } else { Ok(()) }
    }

    fn say_storing(&self, name: &OsStr) {
        if !self.keeping.bit_preserving {
            info!(target: TARGET, "storing DICOM file: {}", self.output.shown(name));
        }
    }

    fn refuse(&self, path: &str, e: &io::Error) -> u16 {
        let cure = cure(e);
        if self.keeping.bit_preserving {
            error!(target: TARGET, "Store SCP Failed: 0006:020a DIMSE_storeProvider: Cannot create file: {path}\n{}{cure}", log::reason(e));
        } else {
            error!(target: TARGET, "cannot write DICOM file: {path}: {}{cure}", log::reason(e));
        }
        status::OUT_OF_RESOURCES
    }
}

impl Destination for Desk {
    type Object = Object;
    type Turn<'a> = Option<MutexGuard<'a, ()>>;

    fn begin(&self, incoming: &Incoming<'_>) -> (Object, Target) {
        let (name, changed) = FileName::new(self.keeping.naming, &self.keeping.extension, incoming);
        if let Some(changed) = changed.filter(|_| self.keeping.naming == FileNames::Instance) {
            warn!(
                target: TARGET,
                "Sanitized unusual characters in SOP Instance UID, converted from \"{}\" to \"{}\".",
                log::clean(&changed.from),
                changed.to
            );
        }
        let object = Object { name, line: Some(self.progress.begin("RECV: ")) };
        if self.keeping.ignore {
            return (object, Target::Nowhere);
        }
        let target = match self.output.stage() {
            Ok(staged) if self.keeping.file_format => Target::File(staged),
            Ok(staged) => Target::Bare(staged),
            Err(e) => Target::Failed(e),
        };
        (object, target)
    }

    fn progress(&self, object: &mut Object, pdvs: usize) {
        if let Some(line) = &mut object.line {
            line.dots(pdvs);
        }
    }

    fn finish<'a>(
        &'a self,
        object: &mut Object,
        _incoming: &Incoming<'_>,
        received: Received,
    ) -> (u16, Self::Turn<'a>) {
        drop(object.line.take());
        let received = match received {
            // Before the turn is taken: the disk may take its time.
            Received::File(staged) if self.keeping.sync => match staged.sync() {
                Ok(()) => Received::File(staged),
                Err(e) => Received::Failed(e),
            },
            other => other,
        };
        let turn = self.turn();
        let status = match received {
            Received::Dropped => status::SUCCESS,
            Received::File(staged) => match self.keep(staged, &object.name) {
                Ok(()) => status::SUCCESS,
                Err((path, e)) => self.refuse(&path, &e),
            },
            Received::Failed(e) => self.refuse(&self.output.shown(&object.name.first()), &e),
        };
        (status, turn)
    }

    fn answered(&self, object: Object, _incoming: &Incoming<'_>, _status: u16, turn: Option<Self::Turn<'_>>) {
        drop(turn);
        drop(object);
    }

    fn broken(&self, mut object: Object, incoming: &Incoming<'_>, error: &StoreError) {
        drop(object.line.take());
        match error {
            StoreError::Dimse(e) => error!(target: TARGET, "Store SCP Failed: {e}\n{}", peer(incoming.parties)),
            StoreError::Forced(ForcedAbort::During | ForcedAbort::After) => {
                info!(target: TARGET, "ABORT initiated (due to command line options)");
            }
        }
    }
}

/// What helps against an error of writing, as a further line of the record; empty where the error says it all.
fn cure(e: &io::Error) -> &'static str {
    match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "\nThe sender was told (A700) and may repeat the object; receiving goes on by itself once there is room."
        }
        io::ErrorKind::FileTooLarge => "\nThe process may not write files of this size: see `ulimit -f`.",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "\nLet this program's user write into the output directory."
        }
        io::ErrorKind::NotFound => "\nThe output directory has gone; make it again and receiving goes on.",
        io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput => {
            "\nThe name cannot be given to a file; look at --filename-extension."
        }
        _ => "",
    }
}

/// The prefix that the log shows for a class: DCMTK shows another one than in file names where it knows none.
pub(crate) fn log_prefix(sop_class: &str) -> &'static str {
    names::storage_prefix(sop_class).unwrap_or("OT")
}

#[cfg(test)]
mod tests;
