//! One association at the desk: its objects, from the first byte to what their coming causes.

use std::ffi::OsString;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use pacs_core::dataset::{Found, Refusal};
use pacs_core::dimse::status;
use pacs_core::disk::Staged;
use pacs_core::service::c_store::{Content, Destination, ForcedAbort, Incoming, Received, StoreError, Target};
use pacs_tools::door::peer;
use pacs_tools::log::{self, DotLine};
use tracing::{error, info, warn};

use super::studies::{Seat, Studies};
use super::{Desk, Manner, State, Turn, lock, note, sort};
use crate::TARGET;
use crate::folder::{FileName, Shelf};
use crate::options::{FileNames, Sorting};

/// An association's place at the desk; given back when dropped.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    desk: &'a Desk,
    /// The studies of this association, where each has its own.
    own: Option<Mutex<State>>,
    seat: Seat,
}

/// An object on its way to the desk.
#[derive(Debug)]
pub(crate) struct Object {
    name: FileName,
    line: Option<DotLine>,
    kept: Kept,
}

/// What has become of an object.
#[derive(Debug)]
enum Kept {
    /// It is not there, or not yet.
    No,
    /// It was dropped, as wanted.
    Dropped,
    /// It is here under this name.
    In(Arc<Shelf>, OsString),
}

impl<'d> Visit<'d> {
    /// An association begins.
    pub(super) fn new(desk: &'d Desk) -> Self {
        let own = desk.order.is_none().then(|| Mutex::new(State::new(&desk.keeping, &desk.events)));
        let seat = note(own.as_ref().unwrap_or(&desk.state), &desk.due, Studies::sit);
        Self { desk, own, seat }
    }

    /// Something happens on the association.
    pub(crate) fn touch(&self) {
        if self.desk.keeping.sorts() {
            self.note(Studies::touch);
        }
    }

    fn note<T>(&self, deed: impl FnOnce(&mut Studies, Instant) -> T) -> T {
        note(self.own.as_ref().unwrap_or(&self.desk.state), &self.desk.due, deed)
    }

    /// The reception of an object begins.
    fn arrive(&self) {
        if !self.desk.keeping.sorts() {
            return;
        }
        let state = self.own.as_ref().unwrap_or(&self.desk.state);
        if !lock(state).timed {
            // Nobody waits for the end, so it is seen only now.
            let ended = self.note(Studies::take_silent);
            if !ended.is_empty() {
                let _turn = self.desk.turn();
                self.desk.conclude(&ended);
            }
        }
        self.note(|studies, now| studies.arrive(self.seat, now));
    }

    /// Puts the file where it belongs; the status.
    fn file(&self, object: &mut Object, staged: Staged, content: &Content, incoming: &Incoming<'_>) -> u16 {
        let desk = self.desk;
        let found: &[Found] = match content {
            Content::Read(found) => found,
            Content::Unread => &[],
        };
        let (shelf, study) = match &desk.keeping.sorting {
            Sorting::None => (Arc::clone(desk.output.top()), None),
            sorting => {
                let open = |uid: &[u8]| self.note(|studies, _| studies.shelf(uid));
                let Some(place) = sort::place(&desk.output, sorting, open, found, || peer(incoming.parties)) else {
                    return status::CANNOT_UNDERSTAND;
                };
                let shelf = Arc::clone(&place.shelf);
                self.note(|studies, _| studies.bring(&place.uid, place.shelf, self.seat, incoming.parties));
                (shelf, Some(place.uid))
            }
        };
        match desk.keep(&shelf, staged, &object.name) {
            Ok(name) => {
                if let Some(uid) = study {
                    self.note(|studies, _| studies.stored(&uid, &name));
                }
                let path = shelf.shown(&name);
                object.kept = Kept::In(shelf, name);
                desk.judge(&path, content, incoming)
            }
            Err((path, e)) => desk.refuse(&path, &e),
        }
    }

    /// It is over, whether the object was kept or not.
    fn settle(&self) {
        if self.desk.keeping.sorts() {
            self.note(|studies, now| studies.settle(self.seat, now));
        }
    }

    /// Ends the studies that have ended, in a turn of their own.
    fn conclude(&self) {
        let _turn = self.desk.turn();
        self.desk.conclude(&self.note(|studies, _| studies.take_ended()));
    }

    /// Does what the object's coming causes: after its answer, in its turn or in one of its own.
    fn follow_up(&self, object: &Object, incoming: &Incoming<'_>, turn: Option<Turn<'_>>) {
        let desk = self.desk;
        let command = desk.events.on_reception() && !matches!(object.kept, Kept::No);
        if !command && !desk.keeping.sorts() {
            return;
        }
        let _turn = turn.unwrap_or_else(|| desk.turn());
        match &object.kept {
            Kept::No => {}
            Kept::Dropped => desk.events.object(None, incoming.parties),
            Kept::In(shelf, name) => desk.events.object(Some((shelf, name)), incoming.parties),
        }
        desk.conclude(&self.note(|studies, _| studies.take_ended()));
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let seat = self.seat;
        let some_end = self.note(|studies, now| {
            studies.leave(seat, now);
            studies.some_may_have_ended()
        });
        if some_end {
            self.conclude();
        }
    }
}

impl Destination for Visit<'_> {
    type Object = Object;
    type Turn<'a>
        = Turn<'a>
    where
        Self: 'a;

    fn spare(&self) -> io::Result<Staged> {
        self.desk.output.stage()
    }

    fn begin(&self, incoming: &Incoming<'_>) -> (Object, Target) {
        let Desk { output, keeping, progress, .. } = self.desk;
        let (name, changed) = FileName::new(keeping.naming, &keeping.extension, incoming);
        if let Some(changed) = changed.filter(|_| keeping.naming == FileNames::Instance) {
            warn!(
                target: TARGET,
                "Sanitized unusual characters in SOP Instance UID, converted from \"{}\" to \"{}\".",
                log::clean(&changed.from),
                changed.to
            );
        }
        self.arrive();
        let object = Object { name, line: Some(progress.begin("RECV: ")), kept: Kept::No };
        let file = match keeping.ignore {
            true => None,
            false => match output.stage() {
                Ok(staged) => Some(staged),
                Err(e) => return (object, Target::Failed(e)),
            },
        };
        let meta = keeping.file_format;
        let target = match (&keeping.manner, file) {
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

    fn learned(&self, _object: &mut Object, study: &Found) {
        if !self.desk.keeping.sorts() {
            return;
        }
        let some_end = self.note(|studies, _| {
            studies.learn(self.seat, sort::first_value(study));
            studies.some_may_have_ended()
        });
        if some_end {
            self.conclude();
        }
    }

    fn finish<'a>(&'a self, object: &mut Object, incoming: &Incoming<'_>, received: Received) -> (u16, Turn<'a>) {
        drop(object.line.take());
        let Desk { output, keeping, .. } = self.desk;
        let received = match received {
            // Before the turn is taken: the disk may take its time.
            Received::File(staged, content) if keeping.sync => match staged.sync() {
                Ok(()) => Received::File(staged, content),
                Err(e) => Received::Failed(e),
            },
            other => other,
        };
        let turn = self.desk.turn();
        let first = object.name.first();
        let shown = || output.top().shown(&first);
        let status = match received {
            Received::File(staged, content) => self.file(object, staged, &content, incoming),
            Received::Failed(e) => self.desk.refuse(&shown(), &e),
            // DCMTK: what is not kept is not missed.
            Received::Dropped(_) | Received::Refused(_) if keeping.ignore => {
                object.kept = Kept::Dropped;
                status::SUCCESS
            }
            Received::Dropped(_) => status::SUCCESS,
            Received::Refused(refusal) => {
                self.desk.say_storing(output.top(), &first);
                error!(target: TARGET, "cannot write DICOM file: {}: {refusal}\n{}", shown(), peer(incoming.parties));
                status::OUT_OF_RESOURCES
            }
        };
        self.settle();
        (status, turn)
    }

    fn answered(&self, object: Object, incoming: &Incoming<'_>, _status: u16, turn: Option<Turn<'_>>) {
        self.follow_up(&object, incoming, turn);
    }

    fn broken(&self, mut object: Object, incoming: &Incoming<'_>, error: &StoreError) {
        drop(object.line.take());
        self.settle();
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
        // It may be there all the same, and only its answer was lost.
        self.follow_up(&object, incoming, None);
    }
}

/// Where in a data set its fault is.
fn place(refusal: &Refusal) -> String {
    match refusal.tag {
        Some(tag) => format!("{refusal}, at element {tag}, byte {} of the data set", refusal.offset),
        None => format!("{refusal}, at byte {} of the data set", refusal.offset),
    }
}
