//! C-STORE, the provider's side (PS3.7 9.1.1, PS3.4 annex B): a data set goes from the receive buffer into a staged file,
//! and its owner finishes it. Success is answered only after the owner has said that the object is kept.

mod receive;
pub mod send;

use std::io;
use std::thread;
use std::time::Duration;

use crate::association::Parties;
use crate::dataset::vr::Vr;
use crate::dataset::{Context, Form, Found, Refusal, Tag};
use crate::dimse::command::{CStoreRq, Response, field};
use crate::dimse::{Call, DimseError, status};
use crate::disk::Staged;

/// An object on its way in.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// The request.
    pub request: &'a CStoreRq,
    /// The presentation context it came on.
    pub context: u8,
    /// The encoding of the data set: the transfer syntax of that context.
    pub transfer_syntax: &'a str,
    /// Who sends it to whom.
    pub parties: &'a Parties,
}

/// Where the bytes of an object go.
#[derive(Debug)]
pub enum Target {
    /// Into this file, as they come.
    Kept {
        /// The file; it has no name yet.
        file: Staged,
        /// Behind a file meta header; otherwise the bare data set (PS3.10 7.1).
        meta: bool,
    },
    /// Into this file, in another form; or, without a file, nowhere, but read all the same.
    Rewritten {
        /// The file; it has no name yet.
        file: Option<Staged>,
        /// Behind a file meta header; otherwise the bare data set (PS3.10 7.1).
        meta: bool,
        /// The form.
        form: Form,
        /// Dictionary, limits, scratch files.
        context: Context<'static>,
    },
    /// Nowhere: they are read and dropped.
    Nowhere,
    /// Nowhere, because no file could be had.
    Failed(io::Error),
}

/// What has become of the bytes once the data set has come whole.
#[derive(Debug)]
pub enum Received {
    /// They are all in this file, which has no name yet.
    File(Staged, Content),
    /// They were dropped, as wanted.
    Dropped(Content),
    /// They could not be kept; what was written is gone.
    Failed(io::Error),
    /// They make no data set that can be written in the wanted form (status A700).
    Refused(Refusal),
}

/// What is known of a data set.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing: it was not looked into.
    Unread,
    /// These elements, if they are there.
    Read(Vec<Found>),
}

impl Content {
    /// The status that follows from the UIDs in the data set (PS3.4 B.2.3): they must be those of the request.
    pub fn status(&self, request: &CStoreRq) -> u16 {
        let Self::Read(found) = self else { return status::SUCCESS };
        // DCMTK: searched depth first, so that one in an item that stands before counts; of any VR that is text, but of
        // another, as UN, only if it is empty.
        let first = |tag| found.iter().find(|found| found.tag == tag);
        let is_empty = |found: &Found| found.value.is_empty() && !found.cut;
        let text = |found: &&Found| found.vr == Vr::UI || found.vr.is_text() || is_empty(found);
        let (class, instance) = (first(Tag::SOP_CLASS).filter(text), first(Tag::SOP_INSTANCE).filter(text));
        let (Some(class), Some(instance)) = (class, instance) else {
            return status::CANNOT_UNDERSTAND;
        };
        let same = |found: &Found, uid: &str| found.value == uid.as_bytes();
        if same(class, &request.sop_class) && same(instance, &request.sop_instance) {
            status::SUCCESS
        } else {
            status::DATA_SET_DOES_NOT_MATCH
        }
    }
}

/// The owner of a storage provider: where objects go and when one is finished.
///
/// The calls for one object come in this order: `begin`, `progress` any number of times and `learned` at most once between
/// them, then `finish` and `answered`, or
/// `broken` when the data set does not come whole.
pub trait Destination {
    /// One object's way through.
    type Object;

    /// Held from the moment an object is finished until its answer is on the way, where objects are finished in one order.
    type Turn<'a>
    where
        Self: 'a;

    /// Another file like that of the target: an object that has to be written twice is written into it.
    ///
    /// # Errors
    /// As the system says.
    fn spare(&self) -> io::Result<Staged>;

    /// A command has come; its data set follows.
    fn begin(&self, incoming: &Incoming<'_>) -> (Self::Object, Target);

    /// So many more presentation data values have come.
    fn progress(&self, object: &mut Self::Object, pdvs: usize);

    /// The data set has told its Study Instance UID, before it has come whole. Said only where it is read, and of a data set
    /// that has several it may not be the one that counts: that is told at the end.
    fn learned(&self, _object: &mut Self::Object, _study: &Found) {}

    /// The data set has come whole: name it, keep it, say so in the log. The status is answered to the peer; success means
    /// that the object is never lost from here on.
    fn finish<'a>(
        &'a self,
        object: &mut Self::Object,
        incoming: &Incoming<'_>,
        received: Received,
    ) -> (u16, Self::Turn<'a>);

    /// The answer is on the way. The turn may be kept for what must not overtake it, or dropped at once; none: the peer did
    /// not take the answer at once, and the turn was given up for the others' sake.
    fn answered(&self, object: Self::Object, incoming: &Incoming<'_>, status: u16, turn: Option<Self::Turn<'_>>);

    /// The data set did not come whole, or its answer could not be sent; the association ends.
    fn broken(&self, object: Self::Object, incoming: &Incoming<'_>, error: &StoreError);
}

/// Trouble on request, to see what senders make of it. By default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// Wait so long before the data set, after each of its PDVs, and behind it.
    pub sleep_during: Duration,
    /// Wait so long after the answer.
    pub sleep_after: Duration,
    /// Abort the association.
    pub abort: Option<ForcedAbort>,
}

/// When an association is aborted on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForcedAbort {
    /// After the first PDV of a data set.
    During,
    /// When the data set is complete, before the answer.
    After,
}

/// Why an object was not stored and the association ends.
#[derive(Debug)]
pub enum StoreError {
    /// The message could not be read or answered.
    Dimse(DimseError),
    /// The data set is none (PS3.5), and there is no status that says so to a peer that cannot encode.
    Refused(Refusal),
    /// [`Trouble::abort`].
    Forced(ForcedAbort),
}

impl From<DimseError> for StoreError {
    fn from(e: DimseError) -> Self {
        Self::Dimse(e)
    }
}

/// Receives one object and answers.
///
/// # Errors
/// When the association must end; the peer has then got no answer, and nothing of the object is kept.
pub fn serve<D: Destination>(
    mut call: Call<'_>,
    request: &CStoreRq,
    trouble: &Trouble,
    destination: &D,
) -> Result<(), StoreError> {
    let parties = call.association().parties().clone();
    let syntax = call.association().context(call.context).map(|c| c.transfer_syntax.clone()).unwrap_or_default();
    let incoming = Incoming { request, context: call.context, transfer_syntax: &syntax, parties: &parties };
    let (mut object, target) = destination.begin(&incoming);
    let received = receive::receive(&mut call, &incoming, trouble, target, destination, &mut object);
    let received = match received {
        Ok(received) => received,
        Err(error) => {
            destination.broken(object, &incoming, &error);
            return Err(error);
        }
    };
    let (status, turn) = destination.finish(&mut object, &incoming, received);
    match answer(&mut call, request, status, turn) {
        Ok(turn) => destination.answered(object, &incoming, status, turn),
        Err(error) => {
            let error = StoreError::Dimse(error);
            destination.broken(object, &incoming, &error);
            return Err(error);
        }
    }
    pause(trouble.sleep_after);
    Ok(())
}

/// Answers without letting a peer that does not read hold up the others: only what the kernel takes at once is sent within
/// the turn.
fn answer<T>(call: &mut Call<'_>, request: &CStoreRq, status: u16, turn: T) -> Result<Option<T>, DimseError> {
    let response = Response {
        field: field::C_STORE_RSP,
        message_id: request.message_id,
        sop_class: Some(request.sop_class.clone()),
        sop_instance: Some(request.sop_instance.clone()),
        status,
        ..Response::default()
    };
    if call.answer(&response)? {
        return Ok(Some(turn));
    }
    drop(turn);
    call.flush()?;
    Ok(None)
}

fn pause(time: Duration) {
    if !time.is_zero() {
        thread::sleep(time);
    }
}
