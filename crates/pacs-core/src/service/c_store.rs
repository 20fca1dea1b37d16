//! C-STORE, the provider's side (PS3.7 9.1.1, PS3.4 annex B): a data set goes from the receive buffer into a staged file,
//! and its owner finishes it. Success is answered only after the owner has said that the object is kept.

pub mod send;

use std::io::{self, IoSlice};
use std::thread;
use std::time::Duration;

use crate::association::Parties;
use crate::dataset::meta::Meta;
use crate::dimse::command::{CStoreRq, Response, field};
use crate::dimse::{Call, DimseError};
use crate::disk::Staged;

/// Slices of one write: the file meta header and what a batch holds.
const SLICES: usize = 65;

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
    /// Into this file, behind a file meta header.
    File(Staged),
    /// Into this file, without a file meta header (PS3.10 7.1): the bare data set.
    Bare(Staged),
    /// Nowhere: they are read and dropped.
    Nowhere,
    /// Nowhere, because no file could be had.
    Failed(io::Error),
}

/// What has become of the bytes once the data set has come whole.
#[derive(Debug)]
pub enum Received {
    /// They are all in this file, which has no name yet.
    File(Staged),
    /// They were dropped, as wanted.
    Dropped,
    /// They could not be kept; what was written is gone.
    Failed(io::Error),
}

/// The owner of a storage provider: where objects go and when one is finished.
///
/// The calls for one object come in this order: `begin`, `progress` any number of times, then `finish` and `answered`, or
/// `broken` when the data set does not come whole.
pub trait Destination {
    /// One object's way through.
    type Object;

    /// Held from the moment an object is finished until its answer is on the way, where objects are finished in one order.
    type Turn<'a>
    where
        Self: 'a;

    /// A command has come; its data set follows.
    fn begin(&self, incoming: &Incoming<'_>) -> (Self::Object, Target);

    /// So many more presentation data values have come.
    fn progress(&self, object: &mut Self::Object, pdvs: usize);

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
    let received = match receive(&mut call, &incoming, trouble, target, |pdvs| destination.progress(&mut object, pdvs))
    {
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

/// Reads the data set into the target.
fn receive(
    call: &mut Call<'_>,
    incoming: &Incoming<'_>,
    trouble: &Trouble,
    target: Target,
    mut progress: impl FnMut(usize),
) -> Result<Received, StoreError> {
    let mut head = Vec::new();
    let mut received = match target {
        Target::File(staged) => {
            Meta {
                sop_class: &incoming.request.sop_class,
                sop_instance: &incoming.request.sop_instance,
                transfer_syntax: incoming.transfer_syntax,
                source_title: &incoming.parties.calling.text(),
            }
            .write(&mut head);
            Received::File(staged)
        }
        Target::Bare(staged) => Received::File(staged),
        Target::Nowhere => Received::Dropped,
        Target::Failed(error) => Received::Failed(error),
    };
    let one_by_one = !trouble.sleep_during.is_zero() || trouble.abort == Some(ForcedAbort::During);
    let pdvs = if one_by_one { 1 } else { usize::MAX };
    pause(trouble.sleep_during);
    while let Some(batch) = call.next_batch(pdvs)? {
        if let Received::File(staged) = &mut received
            && let Err(error) = append(staged, &mut head, call)
        {
            // The staged file is dropped with this and leaves nothing; the rest of the data set is read all the same,
            // since only then can the peer be told.
            received = Received::Failed(error);
        }
        if batch.pdvs > 0 {
            if trouble.abort == Some(ForcedAbort::During) {
                return Err(StoreError::Forced(ForcedAbort::During));
            }
            progress(batch.pdvs);
            pause(trouble.sleep_during);
        }
    }
    pause(trouble.sleep_during);
    if trouble.abort == Some(ForcedAbort::After) {
        return Err(StoreError::Forced(ForcedAbort::After));
    }
    Ok(received)
}

/// Appends the last batch, the file meta header before the first one, in one system call.
fn append(staged: &mut Staged, head: &mut Vec<u8>, call: &Call<'_>) -> io::Result<()> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    slices[0] = IoSlice::new(head);
    let mut n = usize::from(!head.is_empty());
    for bytes in call.payload() {
        slices[n] = IoSlice::new(bytes);
        n += 1;
    }
    staged.write_all_vectored(&slices[..n])?;
    head.clear();
    Ok(())
}

fn pause(time: Duration) {
    if !time.is_zero() {
        thread::sleep(time);
    }
}
