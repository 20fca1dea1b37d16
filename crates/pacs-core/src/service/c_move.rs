//! C-MOVE, the provider's side (PS3.7 9.1.4, PS3.4 C.4.2): the objects go to a third party, over an association of our own.

mod offer;

use std::time::{Duration, Instant};

use super::c_store::send::{self, SendError};
use super::retrieve::{NotSent, Object, Operation, Originator, PAGE, Retrieve, prepare, send as send_object};
use super::{CallError, Query, Refused, identifier, too_large};
use crate::association::Association;
use crate::association::accept::UNCOMPRESSED;
use crate::dataset::identifier::Writer;
use crate::dataset::{Reason, Refusal};
use crate::dimse::command::{CMoveRq, CStoreRq, Response, field};
use crate::dimse::{Call, DimseError, status};
use offer::Needs;
pub use offer::Offer;

/// Patient Root Query/Retrieve Information Model - MOVE (PS3.4 C.6.1.3).
pub const PATIENT_ROOT: &str = "1.2.840.10008.5.1.4.1.2.1.2";
/// Study Root Query/Retrieve Information Model - MOVE (PS3.4 C.6.2.3).
pub const STUDY_ROOT: &str = "1.2.840.10008.5.1.4.1.2.2.2";
/// Patient/Study Only Query/Retrieve Information Model - MOVE (retired).
pub const PATIENT_STUDY_ONLY: &str = "1.2.840.10008.5.1.4.1.2.3.2";

/// The classes of this service.
pub const SOP_CLASSES: [&str; 3] = [PATIENT_ROOT, STUDY_ROOT, PATIENT_STUDY_ONLY];

/// While an answer of the destination is waited for, whoever asked for the move is looked after as often.
const LOOK: Duration = Duration::from_millis(200);

/// The owner of a move provider: where objects may go.
pub trait Move: Retrieve {
    /// What is known of a destination.
    type Destination;

    /// Looks a destination up, once it is known that there is something to send.
    ///
    /// # Errors
    /// The status that is answered: [`status::MOVE_DESTINATION_UNKNOWN`] for one that is unknown or not allowed.
    fn destination(&self, title: &str, query: &Query<'_>) -> Result<Self::Destination, Refused>;

    /// The encodings in which objects that are not compressed are offered, most wanted first.
    fn uncompressed(&self) -> Vec<&'static str> {
        UNCOMPRESSED.to_vec()
    }

    /// Associates with the destination, proposing these contexts, 128 at most. None: that did not come about, which the log
    /// knows.
    fn associate(&self, destination: &Self::Destination, offers: &[Offer]) -> Option<Box<Association>>;

    /// Everything has been sent: releases the association.
    fn release(&self, association: Box<Association>);

    /// The association is lost or cannot be used any more, for this reason; none: nobody wants it any more, for whoever asked
    /// is gone. Aborts it.
    fn abandon(&self, association: Box<Association>, error: Option<&SendError>);
}

/// Reads the identifier, sends the objects to the destination, each followed by a pending response, and answers. `limit`: how
/// long the destination's answer to one of them is waited for; none: for ever.
///
/// # Errors
/// When the association with the peer must end; that with the destination has ended then.
pub fn serve<M: Move>(
    mut call: Call<'_>,
    request: &CMoveRq,
    owner: &M,
    limit: Option<Duration>,
) -> Result<(), CallError> {
    let parties = call.association().parties().clone();
    let syntax = call.association().context(call.context).map(|c| c.transfer_syntax.clone()).unwrap_or_default();
    let identifier = identifier(&mut call, &syntax)?;
    let unsupported = Refusal { reason: Reason::UnsupportedSyntax, offset: 0, tag: None };
    let writer = Writer::new(&syntax).ok_or(CallError::Identifier(unsupported))?;
    let selected = match &identifier {
        _ if !SOP_CLASSES.contains(&&*request.sop_class) => Err(Refused::with(status::SOP_CLASS_NOT_SUPPORTED)),
        None => Err(too_large(status::NUMBER_OF_MATCHES)),
        Some(identifier) => {
            let query = Query {
                sop_class: &request.sop_class,
                message_id: request.message_id,
                context: call.context,
                transfer_syntax: &syntax,
                parties: &parties,
                identifier,
            };
            // DCMTK: where nothing matches, nobody asks whither.
            owner.select(&query).and_then(|keys| match keys.is_empty() {
                true => Ok((keys, None)),
                false => owner.destination(&request.destination, &query).map(|destination| (keys, Some(destination))),
            })
        }
    };
    let total = selected.as_ref().map_or(0, |(keys, _)| keys.len());
    let operation = Operation::new(call, owner, field::C_MOVE_RSP, request.message_id, &request.sop_class, total);
    let originator =
        Originator { priority: request.priority, mover: Some((parties.calling.text(), request.message_id)) };
    let mut moving = Moving { operation, originator, limit };
    let refused = match selected {
        Ok((keys, Some(destination))) => moving.run(&keys, &destination)?,
        Ok((_, None)) => None,
        Err(refused) => Some(refused),
    };
    moving.operation.finish(refused, writer)
}

/// A move on its way.
struct Moving<'m, M> {
    operation: Operation<'m, M>,
    originator: Originator,
    limit: Option<Duration>,
}

/// How an object's sub-operation ended.
enum End {
    Answered(Response),
    Failed(NotSent),
}

impl<M: Move> Moving<'_, M> {
    /// Sends all objects. What is returned is why it ended before, if it did.
    fn run(&mut self, keys: &[M::Key], destination: &M::Destination) -> Result<Option<Refused>, CallError> {
        let mut needs = Needs::default();
        for page in keys.chunks(PAGE) {
            match self.operation.owner.describe(page) {
                Ok(objects) => {
                    objects.iter().flatten().for_each(|object| needs.add(&object.sop_class, &object.transfer_syntax));
                }
                Err(refused) => return Ok(Some(refused)),
            }
        }
        let uncompressed = self.operation.owner.uncompressed();
        let (groups, of_class) = needs.offers(&uncompressed);
        for (number, offers) in groups.iter().enumerate() {
            // Objects that are gone belong to the first.
            let belongs = |object: Option<&Object<M::Place>>| {
                object.map_or(0, |object| of_class.get(&*object.sop_class).copied().unwrap_or(0)) == number
            };
            let mut association = match offers.is_empty() {
                true => None,
                false => self.operation.owner.associate(destination, offers),
            };
            // DCMTK: where there is no association, one response tells of all at once.
            let silent = association.is_none() && !offers.is_empty();
            let ended = self.send_group(keys, &mut association, silent, belongs);
            match (association, &ended) {
                (Some(association), Ok(_)) => self.operation.owner.release(association),
                (Some(association), Err(_)) => self.operation.owner.abandon(association, None),
                (None, _) => {}
            }
            if let Some(refused) = ended? {
                return Ok(Some(refused));
            }
        }
        Ok(None)
    }

    fn send_group(
        &mut self,
        keys: &[M::Key],
        association: &mut Option<Box<Association>>,
        silent: bool,
        belongs: impl Fn(Option<&Object<M::Place>>) -> bool,
    ) -> Result<Option<Refused>, CallError> {
        let mut last_id = 0;
        for page in keys.chunks(PAGE) {
            let objects = match self.operation.owner.describe(page) {
                Ok(objects) => objects,
                Err(refused) => return Ok(Some(refused)),
            };
            for object in objects.iter().map(Option::as_ref).filter(|object| belongs(*object)) {
                if self.operation.is_cancelled()? {
                    return Ok(Some(self.operation.cancel()));
                }
                let mut cancelled = false;
                match self.one(object, association, &mut last_id, &mut cancelled)? {
                    End::Answered(response) => self.operation.answered(object, &response),
                    End::Failed(why) => {
                        self.operation.failed(object, &why, !silent);
                        self.give_up(association, why);
                    }
                }
                if !silent {
                    self.operation.respond()?;
                }
                if cancelled {
                    return Ok(Some(self.operation.cancel()));
                }
            }
        }
        Ok(None)
    }

    /// One sub-operation.
    fn one(
        &mut self,
        object: Option<&Object<M::Place>>,
        association: &mut Option<Box<Association>>,
        last_id: &mut u16,
        cancelled: &mut bool,
    ) -> Result<End, CallError> {
        let Some(object) = object else { return Ok(End::Failed(NotSent::Gone)) };
        let Some(association) = association.as_deref_mut() else { return Ok(End::Failed(NotSent::NoAssociation)) };
        let ready = match prepare(self.operation.owner, association, object, false) {
            Ok(ready) => ready,
            Err(why) => return Ok(End::Failed(why)),
        };
        *last_id = last_id.checked_add(1).unwrap_or(1);
        match send_object(self.operation.owner, association, object, ready, &self.originator, *last_id) {
            Ok(store) => self.answer(association, &store, cancelled),
            Err(e) => Ok(End::Failed(NotSent::Send(e))),
        }
    }

    /// Waits for the destination's answer. Meanwhile the peer may cancel, or go: then there is nobody to wait for.
    fn answer(
        &mut self,
        association: &mut Association,
        store: &CStoreRq,
        cancelled: &mut bool,
    ) -> Result<End, CallError> {
        let begun = Instant::now();
        loop {
            let left = self.limit.map(|limit| limit.saturating_sub(begun.elapsed()));
            let now = left.map_or(LOOK, |left| left.min(LOOK));
            match send::answer(association, store, Some(now)) {
                Ok(response) => return Ok(End::Answered(response)),
                Err(SendError::Dimse(DimseError::NoAnswer)) if left.is_none_or(|left| left > now) => {
                    *cancelled |= !*cancelled && self.operation.is_cancelled()?;
                }
                Err(e) => return Ok(End::Failed(NotSent::Send(e))),
            }
        }
    }

    /// After a message that went wrong its association can take no other.
    fn give_up(&self, association: &mut Option<Box<Association>>, why: NotSent) {
        if let NotSent::Send(e) = why
            && let Some(association) = association.take()
        {
            self.operation.owner.abandon(association, Some(&e));
        }
    }
}
