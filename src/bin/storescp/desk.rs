//! The desk: where received objects are finished, one after the other.
//!
//! Associations receive at the same time; an object takes its turn only when it is there whole, and keeps it while it is
//! named, published, logged and answered. A peer that stalls holds nothing up.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pacs_core::dataset::{Context, Form, Refusal};
use pacs_core::dimse::status;
use pacs_core::disk::Staged;
use pacs_core::names;
use pacs_core::service::c_store::{Content, Destination, ForcedAbort, Incoming, Received, StoreError, Target};
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
    /// As they come, or in which form.
    pub(crate) manner: Manner,
    /// Files get a meta header.
    pub(crate) file_format: bool,
    /// Wait for the disk before the answer.
    pub(crate) sync: bool,
    /// How files are named.
    pub(crate) naming: FileNames,
    /// Appended to each name.
    pub(crate) extension: OsString,
}

/// What is done with the bytes of an object.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// They are kept as they come, and not looked into or spoken of.
    AsTheyCome,
    /// The data set is read and written in this form.
    Rewritten(Form, Context<'static>),
}

impl Keeping {
    fn bit_preserving(&self) -> bool {
        matches!(self.manner, Manner::AsTheyCome)
    }
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

    /// Names the file; the path it has then.
    fn keep(&self, staged: Staged, name: &FileName) -> Result<String, (String, io::Error)> {
        let first = || self.output.shown(&name.first());
        let path = match self.output.publish(staged, name) {
            Ok(Outcome::New(name)) => {
                self.say_storing(&name);
                self.output.shown(&name)
            }
            Ok(Outcome::Replacing(name, staged)) => {
                self.say_storing(&name);
                let path = self.output.shown(&name);
                if !self.keeping.bit_preserving() {
                    warn!(target: TARGET, "DICOM file already exists, overwriting: {path}");
                }
                match self.output.replace(staged, &name) {
                    Ok(()) => path,
                    Err(e) => return Err((path, e)),
                }
            }
            Err(e) => {
                self.say_storing(&name.first());
                return Err((first(), e));
            }
        };
        match self.keeping.sync.then(|| self.output.sync()) {
            Some(Err(e)) => Err((path, e)),
            _ => Ok(path),
        }
    }

    /// The status of an object that is kept: its data set must be the one that was announced.
    fn judge(&self, path: &str, content: &Content, incoming: &Incoming<'_>) -> u16 {
        let status = content.status(incoming.request);
        match status {
            status::CANNOT_UNDERSTAND => error!(
                target: TARGET,
                "bad DICOM file: {path}\nThe data set has no SOP Class UID or no SOP Instance UID; {}",
                peer(incoming.parties)
            ),
            // DCMTK says nothing of it at all.
            status::DATA_SET_DOES_NOT_MATCH => info!(
                target: TARGET,
                "the UIDs in the data set are not those of the request, which is answered with status A900: {path}"
            ),
            _ => {}
        }
        status
    }

    fn say_storing(&self, name: &OsStr) {
        if !self.keeping.bit_preserving() {
            info!(target: TARGET, "storing DICOM file: {}", self.output.shown(name));
        }
    }

    fn refuse(&self, path: &str, e: &io::Error) -> u16 {
        let cure = cure(e);
        if self.keeping.bit_preserving() {
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

    fn spare(&self) -> io::Result<Staged> {
        self.output.stage()
    }

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
        let file = match self.keeping.ignore {
            true => None,
            false => match self.output.stage() {
                Ok(staged) => Some(staged),
                Err(e) => return (object, Target::Failed(e)),
            },
        };
        let meta = self.keeping.file_format;
        let target = match (&self.keeping.manner, file) {
            (Manner::AsTheyCome, None) => Target::Nowhere,
            (Manner::AsTheyCome, Some(file)) => Target::Kept { file, meta },
            (Manner::Rewritten(form, context), file) => {
                Target::Rewritten { file, meta, form: *form, context: context.clone() }
            }
        };
        (object, target)
    }

    fn progress(&self, object: &mut Object, pdvs: usize) {
        if let Some(line) = &mut object.line {
            line.dots(pdvs);
        }
    }

    fn finish<'a>(&'a self, object: &mut Object, incoming: &Incoming<'_>, received: Received) -> (u16, Self::Turn<'a>) {
        drop(object.line.take());
        let received = match received {
            // Before the turn is taken: the disk may take its time.
            Received::File(staged, content) if self.keeping.sync => match staged.sync() {
                Ok(()) => Received::File(staged, content),
                Err(e) => Received::Failed(e),
            },
            other => other,
        };
        let turn = self.turn();
        let shown = || self.output.shown(&object.name.first());
        let status = match received {
            Received::Dropped(_) => status::SUCCESS,
            Received::File(staged, content) => match self.keep(staged, &object.name) {
                Ok(path) => self.judge(&path, &content, incoming),
                Err((path, e)) => self.refuse(&path, &e),
            },
            Received::Failed(e) => self.refuse(&shown(), &e),
            // DCMTK: what is not kept is not missed.
            Received::Refused(_) if self.keeping.ignore => status::SUCCESS,
            Received::Refused(refusal) => {
                self.say_storing(&object.name.first());
                error!(target: TARGET, "cannot write DICOM file: {}: {refusal}\n{}", shown(), peer(incoming.parties));
                status::OUT_OF_RESOURCES
            }
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
            StoreError::Refused(refusal) => {
                let (calling, called) = (incoming.parties.calling.text(), incoming.parties.called.text());
                warn!(
                    target: "dcmtk.dcmnet",
                    "DIMSE Warning: ({},{}): DIMSE receiveDataSetInMemory: dset->read() Failed ({refusal})",
                    log::clean(&calling),
                    log::clean(&called)
                );
                error!(
                    target: TARGET,
                    "Store SCP Failed: 0006:020d DIMSE Failed to receive message\n{}; {}",
                    place(refusal),
                    peer(incoming.parties)
                );
            }
            StoreError::Forced(ForcedAbort::During | ForcedAbort::After) => {
                info!(target: TARGET, "ABORT initiated (due to command line options)");
            }
        }
    }
}

/// Where in a data set its fault is.
fn place(refusal: &Refusal) -> String {
    match refusal.tag {
        Some(tag) => format!("{refusal}, at element {tag}, byte {} of the data set", refusal.offset),
        None => format!("{refusal}, at byte {} of the data set", refusal.offset),
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
