//! C-FIND, the provider's side (PS3.7 9.1.2, PS3.4 C.4.1): a query is answered with one pending response for each match.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::{CallError, Query, Refused, identifier, too_large};
use crate::dataset::identifier::{Attribute, Writer};
use crate::dataset::{Reason, Refusal};
use crate::dimse::command::{CFindRq, Response, field};
use crate::dimse::{Call, DimseError, status};

/// Patient Root Query/Retrieve Information Model - FIND (PS3.4 C.6.1.3).
pub const PATIENT_ROOT: &str = "1.2.840.10008.5.1.4.1.2.1.1";
/// Study Root Query/Retrieve Information Model - FIND (PS3.4 C.6.2.3).
pub const STUDY_ROOT: &str = "1.2.840.10008.5.1.4.1.2.2.1";
/// Patient/Study Only Query/Retrieve Information Model - FIND (retired).
pub const PATIENT_STUDY_ONLY: &str = "1.2.840.10008.5.1.4.1.2.3.1";

/// The classes of this service.
pub const SOP_CLASSES: [&str; 3] = [PATIENT_ROOT, STUDY_ROOT, PATIENT_STUDY_ONLY];

/// Bytes of responses that are sent together.
const TOGETHER: usize = 32 * 1024;

/// No response is held back longer for the sake of those behind it, while matches are found.
const HELD: Duration = Duration::from_millis(1);

/// The owner of a query provider: what matches.
pub trait Matches {
    /// Gives each match to `found`, as the attributes of a response in the order of their tags, until there are no more or
    /// `found` breaks off: the peer has cancelled, or is gone.
    ///
    /// # Errors
    /// The status that ends the query; the matches given until then are answered all the same.
    fn find(&self, query: &Query<'_>, found: &mut dyn FnMut(&[Attribute]) -> ControlFlow<()>) -> Result<(), Refused>;

    /// A response is on its way: the first, second …, and with it these attributes; the last one has none.
    fn responded(&self, number: u64, response: &Response, attributes: &[Attribute]) {
        _ = (number, response, attributes);
    }
}

/// Reads the identifier, and answers with what is found. The peer may cancel between any two responses; those that have not
/// been sent by then never are.
///
/// # Errors
/// When the association must end.
pub fn serve<M: Matches>(mut call: Call<'_>, request: &CFindRq, matches: &M) -> Result<(), CallError> {
    let parties = call.association().parties().clone();
    let syntax = call.association().context(call.context).map(|c| c.transfer_syntax.clone()).unwrap_or_default();
    let identifier = identifier(&mut call, &syntax)?;
    let writer = Writer::new(&syntax).ok_or(CallError::Identifier(UNSUPPORTED))?;
    let pending = Response {
        field: field::C_FIND_RSP,
        message_id: request.message_id,
        sop_class: Some(request.sop_class.clone()),
        data_set: true,
        status: status::PENDING,
        ..Response::default()
    };
    let mut answers =
        Answers { call, writer, pending, number: 0, bytes: Vec::new(), flushed: Instant::now(), end: None };
    let outcome = match &identifier {
        _ if !SOP_CLASSES.contains(&&*request.sop_class) => Err(Refused::with(status::SOP_CLASS_NOT_SUPPORTED)),
        None => Err(too_large(status::OUT_OF_RESOURCES)),
        Some(identifier) => {
            let query = Query {
                sop_class: &request.sop_class,
                message_id: request.message_id,
                context: answers.call.context,
                transfer_syntax: &syntax,
                parties: &parties,
                identifier,
            };
            matches.find(&query, &mut |attributes| answers.give(attributes, matches))
        }
    };
    answers.finish(outcome, matches)
}

/// Responses on their way.
struct Answers<'c> {
    call: Call<'c>,
    writer: Writer,
    /// What each but the last one says.
    pending: Response,
    number: u64,
    bytes: Vec<u8>,
    /// When all that was queued had been sent.
    flushed: Instant,
    /// Nothing more is to be given.
    end: Option<End>,
}

/// Why nothing more is to be given.
enum End {
    Cancelled,
    Broken(DimseError),
}

impl Answers<'_> {
    fn give<M: Matches>(&mut self, attributes: &[Attribute], matches: &M) -> ControlFlow<()> {
        if self.end.is_none() {
            match self.try_give(attributes, matches) {
                Ok(true) => return ControlFlow::Continue(()),
                Ok(false) => self.end = Some(End::Cancelled),
                Err(e) => self.end = Some(End::Broken(e)),
            }
        }
        ControlFlow::Break(())
    }

    /// Queues a response. False: the peer has cancelled.
    fn try_give<M: Matches>(&mut self, attributes: &[Attribute], matches: &M) -> Result<bool, DimseError> {
        if self.call.cancelled(self.pending.message_id)? {
            self.call.forget_queued();
            return Ok(false);
        }
        self.bytes.clear();
        self.writer.write(attributes, &mut self.bytes);
        self.call.queue(&self.pending, &self.bytes)?;
        self.number += 1;
        matches.responded(self.number, &self.pending, attributes);
        if self.call.queued() >= TOGETHER || self.flushed.elapsed() >= HELD {
            self.call.flush()?;
            self.flushed = Instant::now();
        }
        Ok(true)
    }

    /// Sends the last response.
    fn finish<M: Matches>(mut self, outcome: Result<(), Refused>, matches: &M) -> Result<(), CallError> {
        let refused = match (self.end.take(), outcome) {
            (Some(End::Broken(e)), _) => return Err(e.into()),
            (Some(End::Cancelled), _) => Refused::with(status::CANCEL),
            (None, Ok(())) => Refused::with(status::SUCCESS),
            (None, Err(refused)) => refused,
        };
        let Refused { status, comment } = refused;
        let last = Response { data_set: false, status, error_comment: comment, ..self.pending };
        self.call.queue(&last, &[])?;
        matches.responded(self.number + 1, &last, &[]);
        self.call.flush()?;
        Ok(())
    }
}

/// A syntax without reader cannot have been agreed on.
const UNSUPPORTED: Refusal = Refusal { reason: Reason::UnsupportedSyntax, offset: 0, tag: None };
