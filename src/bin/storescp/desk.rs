//! The desk: where received objects are finished, one after the other.
//!
//! Associations receive at the same time; an object takes its turn only when it is there whole, and keeps it while it is
//! named, published, logged and answered, and while what its coming causes is set going. A peer that stalls holds nothing
//! up. The desk outlives associations, and so do the studies that are open at it.

mod sort;
pub(crate) mod studies;
mod visit;

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pacs_core::association::Parties;
use pacs_core::dataset::{Context, Form};
use pacs_core::dimse::status;
use pacs_core::disk::Staged;
use pacs_core::names;
use pacs_core::service::c_store::{Content, Incoming};
use pacs_tools::door::peer;
use pacs_tools::log::{self, Progress};
use tracing::{error, info, warn};

use crate::TARGET;
use crate::events::Events;
use crate::folder::{FileName, Outcome, Output, Shelf};
use crate::options::{FileNames, Sorting};
use studies::{Studies, Study};
pub(crate) use visit::Visit;

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
    /// Into which folders they are sorted.
    pub(crate) sorting: Sorting,
    /// A study has ended when nothing happened for so long.
    pub(crate) study_timeout: Option<Duration>,
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

    /// Studies are told apart.
    fn sorts(&self) -> bool {
        self.sorting != Sorting::None && !self.ignore
    }
}

/// The desk.
#[derive(Debug)]
pub(crate) struct Desk {
    output: Output,
    keeping: Keeping,
    events: Events,
    progress: Progress,
    /// Objects are finished in one order; none: each association for itself, and with studies of its own.
    order: Option<Mutex<()>>,
    /// Held for moments only. Who needs the order too takes that first.
    state: Mutex<State>,
    /// There is a moment to wait for.
    due: Condvar,
}

#[derive(Debug)]
struct State {
    studies: Studies,
    /// The thread that ends studies when nothing happens is there.
    timed: bool,
    /// It sleeps until it is told that there is a moment to wait for.
    asleep: bool,
}

/// The turn of an object, where there is one order.
pub(crate) type Turn<'a> = Option<MutexGuard<'a, ()>>;

impl Desk {
    /// A desk that finishes objects in one order, or each association's for itself.
    pub(crate) fn open(
        output: Output,
        keeping: Keeping,
        events: Events,
        progress: Progress,
        in_order: bool,
    ) -> Arc<Self> {
        let timed = in_order && keeping.sorts() && keeping.study_timeout.is_some();
        let state = Mutex::new(State::new(&keeping, &events));
        let order = in_order.then(Mutex::default);
        let desk = Arc::new(Self { output, keeping, events, progress, order, state, due: Condvar::new() });
        if timed {
            desk.start_timer();
        }
        desk
    }

    fn start_timer(self: &Arc<Self>) {
        let desk = Arc::clone(self);
        match thread::Builder::new().name("end of study".to_owned()).spawn(move || desk.wait_for_silence()) {
            Ok(_) => lock(&self.state).timed = true,
            Err(e) => warn!(
                target: TARGET,
                "cannot start a thread that ends studies: {e}\nThey end by --eostudy-timeout only when the next object comes."
            ),
        }
    }

    /// Ends the studies that are open when nothing has happened for a time. Sleeps all the while.
    fn wait_for_silence(&self) {
        let mut state = lock(&self.state);
        loop {
            let Some(deadline) = state.studies.deadline() else {
                state.asleep = true;
                state = self.due.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                state = self.due.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            drop(state);
            let turn = self.turn();
            let ended = lock(&self.state).studies.take_silent(Instant::now());
            self.conclude(&ended);
            drop(turn);
            state = lock(&self.state);
        }
    }

    /// An association begins.
    pub(crate) fn visit(&self, parties: &Parties) -> Visit<'_> {
        self.events.expect(parties.address);
        if !self.keeping.ignore {
            self.output.refresh();
        }
        Visit::new(self)
    }

    /// Returns once every command that was caused so far has been started.
    pub(crate) fn settle(&self) {
        self.events.settle();
    }

    fn turn(&self) -> Turn<'_> {
        self.order.as_ref().map(lock)
    }

    /// Does what is to be done when studies have ended.
    fn conclude(&self, ended: &[Study]) {
        for study in ended {
            self.events.study(study);
        }
    }

    /// Names the file; the name it has then, or the path it should have had.
    fn keep(&self, shelf: &Shelf, staged: Staged, name: &FileName) -> Result<OsString, (String, io::Error)> {
        let name = match shelf.publish(staged, name) {
            Ok(Outcome::New(name)) => {
                self.say_storing(shelf, &name);
                name
            }
            Ok(Outcome::Replacing(name, staged)) => {
                self.say_storing(shelf, &name);
                let path = shelf.shown(&name);
                if !self.keeping.bit_preserving() {
                    warn!(target: TARGET, "DICOM file already exists, overwriting: {path}");
                }
                match shelf.replace(staged, &name) {
                    Ok(()) => name,
                    Err(e) => return Err((path, e)),
                }
            }
            Err(e) => {
                let first = name.first();
                self.say_storing(shelf, &first);
                return Err((shelf.shown(&first), e));
            }
        };
        match self.keeping.sync.then(|| shelf.sync()) {
            Some(Err(e)) => Err((shelf.shown(&name), e)),
            _ => Ok(name),
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

    fn say_storing(&self, shelf: &Shelf, name: &OsStr) {
        if !self.keeping.bit_preserving() {
            info!(target: TARGET, "storing DICOM file: {}", shelf.shown(name));
        }
    }

    fn refuse(&self, path: &str, e: &io::Error) -> u16 {
        let cure = cure(e);
        if self.keeping.bit_preserving() {
            use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
            let what = match e.kind() {
                StorageFull | QuotaExceeded | FileTooLarge => {
                    "DIMSE receiveDataSetInFile: Cannot write to file".to_owned()
                }
                _ => format!("DIMSE_storeProvider: Cannot create file: {path}"),
            };
            error!(target: TARGET, "Store SCP Failed: 0006:020a {what}\n{path}: {}{cure}", log::reason(e));
        } else {
            error!(target: TARGET, "cannot write DICOM file: {path}: {}{cure}", log::reason(e));
        }
        status::OUT_OF_RESOURCES
    }
}

impl State {
    fn new(keeping: &Keeping, events: &Events) -> Self {
        let studies = Studies::new(keeping.study_timeout, events.renames(), Instant::now());
        Self { studies, timed: false, asleep: false }
    }
}

/// Does something with the studies, and wakes the thread that waits if there is a moment to wait for by now.
fn note<T>(state: &Mutex<State>, due: &Condvar, deed: impl FnOnce(&mut Studies, Instant) -> T) -> T {
    let mut state = lock(state);
    let result = deed(&mut state.studies, Instant::now());
    if state.asleep && state.studies.deadline().is_some() {
        state.asleep = false;
        due.notify_one();
    }
    result
}

/// Nothing panics while these locks are held; if it does, what they guard is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What helps against an error of writing, as a further line of the record; empty where the error says it all.
fn cure(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => "\nThe output directory has gone; make it again and receiving goes on.".to_owned(),
        io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput => {
            "\nThe name cannot be given to a file; look at --filename-extension.".to_owned()
        }
        _ => log::cure_of_writing(e, "output directory"),
    }
}

/// The prefix that the log shows for a class: DCMTK shows another one than in file names where it knows none.
pub(crate) fn log_prefix(sop_class: &str) -> &'static str {
    names::storage_prefix(sop_class).unwrap_or("OT")
}

#[cfg(test)]
mod tests;
