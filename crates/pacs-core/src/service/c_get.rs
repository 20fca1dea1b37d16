//! C-GET, the provider's side (PS3.7 9.1.3, PS3.4 C.4.3): the objects come back on the association they were asked for on.

use std::time::Duration;

use super::c_store::send::SendError;
use super::retrieve::{Event, NotSent, Object, Operation, Originator, PAGE, Retrieve, prepare, send};
use super::{CallError, Query, Refused, identifier, too_large};
use crate::association::AssociationError;
use crate::dataset::identifier::Writer;
use crate::dataset::{Reason, Refusal};
use crate::dimse::command::{CGetRq, Response, field};
use crate::dimse::{Answer, Call, DimseError, answer_or_cancel, status};

/// Patient Root Query/Retrieve Information Model - GET (PS3.4 C.6.1.3).
pub const PATIENT_ROOT: &str = "1.2.840.10008.5.1.4.1.2.1.3";
/// Study Root Query/Retrieve Information Model - GET (PS3.4 C.6.2.3).
pub const STUDY_ROOT: &str = "1.2.840.10008.5.1.4.1.2.2.3";
/// Patient/Study Only Query/Retrieve Information Model - GET (retired).
pub const PATIENT_STUDY_ONLY: &str = "1.2.840.10008.5.1.4.1.2.3.3";

/// The classes of this service.
pub const SOP_CLASSES: [&str; 3] = [PATIENT_ROOT, STUDY_ROOT, PATIENT_STUDY_ONLY];

/// Reads the identifier, sends the objects, each followed by a pending response, and answers. `limit`: how long an answer to
/// one of them is waited for; none: for ever. `next_id` counts the message IDs of our requests on this association.
///
/// # Errors
/// When the association must end.
pub fn serve<R: Retrieve>(
    mut call: Call<'_>,
    request: &CGetRq,
    owner: &R,
    limit: Option<Duration>,
    next_id: &mut u16,
) -> Result<(), CallError> {
    let parties = call.association().parties().clone();
    let syntax = call.association().context(call.context).map(|c| c.transfer_syntax.clone()).unwrap_or_default();
    let identifier = identifier(&mut call, &syntax)?;
    let unsupported = Refusal { reason: Reason::UnsupportedSyntax, offset: 0, tag: None };
    let writer = Writer::new(&syntax).ok_or(CallError::Identifier(unsupported))?;
    let selected = match &identifier {
        _ if !SOP_CLASSES.contains(&&*request.sop_class) => Err(Refused::with(status::SOP_CLASS_NOT_SUPPORTED)),
        None => Err(too_large(status::NUMBER_OF_MATCHES)),
        Some(identifier) => owner.select(&Query {
            sop_class: &request.sop_class,
            message_id: request.message_id,
            context: call.context,
            transfer_syntax: &syntax,
            parties: &parties,
            identifier,
        }),
    };
    let total = selected.as_ref().map_or(0, Vec::len);
    let operation = Operation::new(call, owner, field::C_GET_RSP, request.message_id, &request.sop_class, total);
    let originator = Originator { priority: request.priority, mover: None };
    let mut getting = Getting { operation, originator, limit, next_id };
    let refused = match selected {
        Ok(keys) => getting.run(&keys)?,
        Err(refused) => Some(refused),
    };
    getting.operation.finish(refused, writer)
}

/// A retrieval on its way.
struct Getting<'g, R> {
    operation: Operation<'g, R>,
    originator: Originator,
    limit: Option<Duration>,
    next_id: &'g mut u16,
}

impl<R: Retrieve> Getting<'_, R> {
    /// Sends all objects. What is returned is why it ended before, if it did.
    fn run(&mut self, keys: &[R::Key]) -> Result<Option<Refused>, CallError> {
        for page in keys.chunks(PAGE) {
            let objects = match self.operation.owner.describe(page) {
                Ok(objects) => objects,
                Err(refused) => return Ok(Some(refused)),
            };
            for object in objects {
                if self.operation.is_cancelled()? || self.one(object.as_ref())? {
                    return Ok(Some(self.operation.cancel()));
                }
            }
        }
        Ok(None)
    }

    /// One sub-operation and the response behind it. True: the peer has cancelled meanwhile.
    fn one(&mut self, object: Option<&Object<R::Place>>) -> Result<bool, CallError> {
        let mut cancelled = false;
        match self.try_one(object, &mut cancelled)? {
            Ok(response) => self.operation.answered(object, &response),
            Err(why) => self.operation.failed(object, &why, true),
        }
        if !cancelled {
            self.operation.respond()?;
        }
        Ok(cancelled)
    }

    /// An inner error concerns the object alone.
    fn try_one(
        &mut self,
        object: Option<&Object<R::Place>>,
        cancelled: &mut bool,
    ) -> Result<Result<Response, NotSent>, CallError> {
        let Some(object) = object else { return Ok(Err(NotSent::Gone)) };
        let owner = self.operation.owner;
        let operation = self.operation.message_id();
        let association = self.operation.call.association_mut();
        let ready = match prepare(owner, association, object, true) {
            Ok(ready) => ready,
            Err(why) => return Ok(Err(why)),
        };
        *self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        let store = match send(owner, association, object, ready, &self.originator, *self.next_id) {
            Ok(store) => store,
            Err(SendError::Dimse(e)) => return Err(e.into()),
            // Part of it has been sent, and nothing can follow.
            Err(e @ SendError::DataSet(_)) => {
                owner.happened(Event::Failed(Some(object), &NotSent::Send(e)));
                return Err(DimseError::Association(AssociationError::DataSetTooShort).into());
            }
        };
        loop {
            let answer = answer_or_cancel(association, field::C_STORE_RSP, store.message_id, operation, self.limit);
            match answer? {
                Answer::Response(response) => return Ok(Ok(response)),
                Answer::Cancelled => *cancelled = true,
            }
        }
    }
}
