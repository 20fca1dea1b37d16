//! What C-MOVE and C-GET share (PS3.4 C.4.2, C.4.3): which objects, each sent by a C-STORE sub-operation, and the counting
//! of what becomes of them.

mod tally;

use std::fmt;
use std::io;

use super::c_store::send::{self, SendError};
use super::{CallError, Query, Refused};
use crate::association::{AgreedContext, Association};
use crate::dataset::head::{self, Expected, Head, HeadError, UnknownSyntax};
use crate::dataset::identifier::Writer;
use crate::dataset::{Context, Error as DataSetError, Form, OutputSyntax, Prepared, Source, Syntax};
use crate::dimse::command::{CStoreRq, Priority, Response};
use crate::dimse::{Call, status};
use crate::names::{EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use tally::Tally;

/// Objects that are described together.
pub(super) const PAGE: usize = 256;

/// A stored object that is to be sent.
#[derive(Debug, Clone)]
pub struct Object<P> {
    /// Its SOP Class UID.
    pub sop_class: String,
    /// Its SOP Instance UID.
    pub sop_instance: String,
    /// The transfer syntax it is stored in. What a file meta header says goes before.
    pub transfer_syntax: String,
    /// Where its owner finds it.
    pub place: P,
}

/// The owner of a retrieval provider: which objects, and how to read them.
pub trait Retrieve {
    /// What an object is known by until its turn comes; of 100,000 objects there are as many.
    type Key;
    /// What it takes to open an object.
    type Place;
    /// An open object.
    type File: Source;

    /// The objects that a request asks for, in the order in which they are sent.
    ///
    /// # Errors
    /// The status that is answered.
    fn select(&self, query: &Query<'_>) -> Result<Vec<Self::Key>, Refused>;

    /// What these objects are; none for one that is gone meanwhile. As many as there are keys, in their order.
    ///
    /// # Errors
    /// The status that is answered.
    fn describe(&self, keys: &[Self::Key]) -> Result<Vec<Option<Object<Self::Place>>>, Refused>;

    /// Opens an object.
    ///
    /// # Errors
    /// As the system says.
    fn open(&self, object: &Object<Self::Place>) -> io::Result<Self::File>;

    /// Dictionary, limits and scratch files for reading an object.
    fn context(&self) -> Context<'static>;

    /// How objects are written where they cannot stay as they are; the transfer syntax is set for each.
    fn form(&self) -> Form {
        Form::default()
    }

    /// Something has happened, for the log.
    fn happened(&self, event: Event<'_, Self::Place>);
}

/// What happens during a retrieval.
#[derive(Debug)]
pub enum Event<'e, P> {
    /// An object is about to be sent, in this context.
    Storing {
        /// The object.
        object: &'e Object<P>,
        /// The request.
        request: &'e CStoreRq,
        /// Where it goes.
        context: &'e AgreedContext,
        /// The syntax it is stored in.
        stored: &'e str,
    },
    /// So many presentation data values of it have gone out.
    Sent(usize),
    /// Its answer.
    Answered(&'e Response),
    /// An object could not be sent, or was not answered; none: it was gone before it could be described. Not said of each
    /// object where there was no association to begin with.
    Failed(Option<&'e Object<P>>, &'e NotSent),
    /// The peer wants no more.
    Cancelled,
    /// A response is on its way: the first, second ….
    Responded(u64, &'e Response),
}

/// Why an object was not sent.
#[derive(Debug)]
pub enum NotSent {
    /// It is no longer in the catalog.
    Gone,
    /// It cannot be opened or read.
    Io(io::Error),
    /// Its file does not begin as one.
    Head(HeadError),
    /// No context for its class has been accepted, or none in which we may be its provider.
    NoContext,
    /// There are contexts, but none that can carry it: it would take a codec. The syntax it is stored in.
    NotConvertible(String),
    /// Its data set is none.
    DataSet(DataSetError),
    /// The message could not be exchanged.
    Send(SendError),
    /// There is no association any more, or has never been.
    NoAssociation,
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the object has been removed"),
            Self::Io(e) => e.fmt(f),
            Self::Head(e) => e.fmt(f),
            Self::NoContext => f.write_str("0006:0208 DIMSE No valid Presentation Context ID"),
            Self::NotConvertible(_) => f.write_str("0006:020e DIMSE Failed to send message"),
            Self::DataSet(e) => e.fmt(f),
            Self::Send(e) => e.fmt(f),
            Self::NoAssociation => f.write_str("0006:0317 Peer aborted Association (or never connected)"),
        }
    }
}

impl std::error::Error for NotSent {}

/// Whom the sub-operations are for.
#[derive(Debug, Clone)]
pub(super) struct Originator {
    pub(super) priority: Priority,
    /// Title and message ID, which C-MOVE names.
    pub(super) mover: Option<(String, u16)>,
}

/// A retrieval on its way: the call that is answered, and the counts.
pub(super) struct Operation<'c, R> {
    pub(super) call: Call<'c>,
    pub(super) owner: &'c R,
    /// What each response but the last one says.
    pending: Response,
    tally: Tally,
    responses: u64,
}

impl<'c, R: Retrieve> Operation<'c, R> {
    /// Of so many objects. `field` is that of its responses.
    pub(super) fn new(
        call: Call<'c>,
        owner: &'c R,
        field: u16,
        message_id: u16,
        sop_class: &str,
        objects: usize,
    ) -> Self {
        let pending = Response {
            field,
            message_id,
            sop_class: Some(sop_class.to_owned()),
            status: status::PENDING,
            ..Response::default()
        };
        Self { call, owner, pending, tally: Tally::of(objects), responses: 0 }
    }

    /// Message ID of the request.
    pub(super) fn message_id(&self) -> u16 {
        self.pending.message_id
    }

    /// Whether the peer has cancelled.
    pub(super) fn is_cancelled(&mut self) -> Result<bool, CallError> {
        Ok(self.call.cancelled(self.pending.message_id)?)
    }

    /// The peer has cancelled: how it ends.
    pub(super) fn cancel(&self) -> Refused {
        self.owner.happened(Event::Cancelled);
        Refused::with(status::CANCEL)
    }

    /// An object has been answered.
    pub(super) fn answered(&mut self, object: Option<&Object<R::Place>>, response: &Response) {
        self.owner.happened(Event::Answered(response));
        self.tally.answered(response.status, object.map_or("", |object| &object.sop_instance));
    }

    /// An object has not been sent or not been answered; whether that is said for each.
    pub(super) fn failed(&mut self, object: Option<&Object<R::Place>>, why: &NotSent, said: bool) {
        if said {
            self.owner.happened(Event::Failed(object, why));
        }
        self.tally.failed(object.map(|object| &*object.sop_instance));
    }

    /// Sends the pending response behind a sub-operation.
    pub(super) fn respond(&mut self) -> Result<(), CallError> {
        self.pending.suboperations = Some(self.tally.counts(true));
        self.call.queue(&self.pending, &[])?;
        self.responses += 1;
        self.owner.happened(Event::Responded(self.responses, &self.pending));
        self.call.flush()?;
        Ok(())
    }

    /// Sends the last response: what was refused, else what the counts say.
    pub(super) fn finish(mut self, refused: Option<Refused>, writer: Writer) -> Result<(), CallError> {
        let Refused { status, comment } = refused.unwrap_or_else(|| Refused::with(self.tally.status()));
        let mut last = Response { status, error_comment: comment, ..self.pending };
        let failures = self.tally.conclude(&mut last, writer);
        self.call.queue(&last, &failures)?;
        self.owner.happened(Event::Responded(self.responses + 1, &last));
        self.call.flush()?;
        Ok(())
    }
}

/// The way of one object: read once, its context chosen.
pub(super) struct Ready<F> {
    file: F,
    data_set: Prepared<'static>,
    pub(super) context: AgreedContext,
    pub(super) stored: String,
}

/// Opens an object and plans how it goes out.
/// `by_role`: the peer has proposed the association, so it must have taken the role of a provider for what we send.
pub(super) fn prepare<R: Retrieve>(
    owner: &R,
    association: &Association,
    object: &Object<R::Place>,
    by_role: bool,
) -> Result<Ready<R::File>, NotSent> {
    let file = owner.open(object).map_err(NotSent::Io)?;
    let head = head::read(&file, Expected::Either, UnknownSyntax::Encapsulated).map_err(NotSent::Head)?;
    let Head { data_set, mut syntax, mut read_as, meta_syntax, .. } = head;
    if meta_syntax.is_none() && Syntax::of(&object.transfer_syntax).is_some() {
        // A bare data set says nothing; who stored it knew.
        (syntax, read_as) = (object.transfer_syntax.clone(), object.transfer_syntax.clone());
    }
    let context = choose(association, &object.sop_class, &syntax, &read_as, by_role)?;
    let output = match &*context.transfer_syntax {
        same if same == syntax => OutputSyntax::Same,
        other => OutputSyntax::between(&read_as, other).ok_or_else(|| NotSent::NotConvertible(syntax.clone()))?,
    };
    let form = Form { syntax: output, ..owner.form() };
    let data_set = Prepared::new(&file, data_set, &read_as, &form, owner.context()).map_err(|e| match e {
        DataSetError::Refused(refusal) if refusal.reason == crate::dataset::Reason::PixelRepresentationNotFound => {
            NotSent::NotConvertible(syntax.clone())
        }
        e => NotSent::DataSet(e),
    })?;
    Ok(Ready { file, data_set, context: context.clone(), stored: syntax })
}

/// The accepted context for an object: one of exactly its syntax, else one to whose syntax it can be converted, explicit VR
/// before implicit VR.
// DCMTK: the first one of its class, whatever the syntax; what cannot be converted to that fails.
fn choose<'a>(
    association: &'a Association,
    class: &str,
    syntax: &str,
    read_as: &str,
    by_role: bool,
) -> Result<&'a AgreedContext, NotSent> {
    let rank = |context: &AgreedContext| match &*context.transfer_syntax {
        same if same == syntax => Some(0),
        EXPLICIT_LITTLE => Some(1),
        EXPLICIT_BIG => Some(2),
        IMPLICIT_LITTLE => Some(3),
        other => OutputSyntax::between(read_as, other).map(|_| 4),
    };
    let mut any = false;
    let ours = association
        .answered_contexts()
        .filter(|context| context.abstract_syntax == class && (!by_role || context.requestor.scp()));
    let best = ours
        .inspect(|_| any = true)
        .filter_map(|context| Some((rank(context)?, context)))
        .min_by_key(|(rank, _)| *rank);
    match best {
        Some((_, context)) => Ok(context),
        None if any => Err(NotSent::NotConvertible(syntax.to_owned())),
        None => Err(NotSent::NoContext),
    }
}

/// Sends an object that is ready; its answer is still to come.
pub(super) fn send<R: Retrieve>(
    owner: &R,
    association: &mut Association,
    object: &Object<R::Place>,
    ready: Ready<R::File>,
    originator: &Originator,
    message_id: u16,
) -> Result<CStoreRq, SendError> {
    let Ready { file, data_set, context, stored } = ready;
    let (title, id) = originator.mover.clone().unzip();
    let request = CStoreRq {
        message_id,
        sop_class: object.sop_class.clone(),
        sop_instance: object.sop_instance.clone(),
        priority: originator.priority,
        move_originator_title: title,
        move_originator_id: id,
    };
    owner.happened(Event::Storing { object, request: &request, context: &context, stored: &stored });
    send::request(association, context.id, &request, data_set, &file, |pdvs| owner.happened(Event::Sent(pdvs)))?;
    Ok(request)
}

#[cfg(test)]
mod tests;
