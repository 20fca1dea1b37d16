//! Messages (PS3.7): [`next`] reads a command and yields a [`Call`], which borrows the association; its data set, if there
//! is one, is still on the wire and must be read or drained before the next call.

pub mod command;
pub mod dump;
pub mod status;

use std::fmt;
use std::time::Duration;

use crate::association::{Association, AssociationError, Batch, DataError};
use crate::names::printable;
use crate::pdu::Abort;
use crate::pdu::pdata::Fragment;
use command::{CommandError, Kind, MAX_COMMAND_LENGTH, Message, Request, Response};
use tracing::{error, warn};

/// How long the rest of a command whose first part has come may take at least, where nothing else is said.
const WHOLE_COMMAND: Duration = Duration::from_secs(30);

/// Why a message could not be exchanged; each ends the association. Display gives DCMTK's condition, an inner one on a
/// further line.
#[derive(Debug)]
pub enum DimseError {
    /// The association ended, or must end, between two messages.
    Association(AssociationError),
    /// The association ended, or must end, inside a data set.
    DataSet(AssociationError),
    /// A command on a presentation context that was not accepted.
    UnknownContext(u8),
    /// Parts of a command on different presentation contexts.
    CommandContexts(u8, u8),
    /// Parts of a data set, or command and data set, on different presentation contexts.
    DataContexts(u8, u8),
    /// A data set's PDV where a command is expected, or the other way round.
    UnexpectedPdv,
    /// A command longer than is read.
    CommandTooLong,
    /// A command that cannot be understood.
    Command(CommandError),
    /// A command that this application does not serve.
    BadCommand(u16),
    /// No answer came in time.
    NoAnswer,
    /// Another message came in place of an answer.
    NotThisAnswer(Mismatch),
    /// During an operation another message came than its cancellation (PS3.7 9.3.2.3).
    NotThisCancel(Mismatch),
}

/// How a message differs from the answer that was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It is another one: its command field.
    Field(u16),
    /// It answers another request.
    MessageId {
        /// The request it names.
        got: u16,
        /// Ours.
        expected: u16,
    },
}

impl fmt::Display for DimseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const RECEIVE: &str = "0006:020d DIMSE Failed to receive message";
        const READ: &str = "0006:020c DIMSE Read PDV failed";
        use AssociationError as A;
        match self {
            Self::Association(e @ (A::PeerReleased | A::PeerAborted(_) | A::PeerClosed)) => e.fmt(f),
            Self::DataSet(e @ (A::PeerReleased | A::PeerAborted(_) | A::PeerClosed | A::DataSetTimeout)) => e.fmt(f),
            Self::Association(e) => write!(f, "{RECEIVE}\n{READ}\n{e}"),
            Self::DataSet(e) => write!(f, "{READ}\n{e}"),
            Self::UnknownContext(_) => write!(f, "{RECEIVE}\n0006:0101 ASC Bad presentation context ID"),
            Self::CommandContexts(a, b) => {
                write!(f, "{RECEIVE}\n0006:0206 DIMSE: Different PresIDs inside Command Set: {a} != {b}")
            }
            Self::DataContexts(a, b) => {
                write!(f, "{RECEIVE}\n0006:0206 DIMSE: Different PresIDs inside data set: {a} != {b}")
            }
            Self::UnexpectedPdv => f.write_str("0006:020f DIMSE Unexpected PDV type"),
            Self::CommandTooLong => {
                write!(f, "{RECEIVE}\n0006:020b DIMSE: command set longer than {MAX_COMMAND_LENGTH} bytes")
            }
            Self::Command(e) => e.fmt(f),
            Self::BadCommand(_) => f.write_str("0006:0201 DIMSE Bad command type"),
            Self::NoAnswer => f.write_str("0006:0207 DIMSE No data available (timeout in non-blocking mode)"),
            Self::NotThisAnswer(Mismatch::Field(field)) => {
                write!(f, "0006:0211 DIMSE: Unexpected Response Command Field: 0x{field:x}")
            }
            Self::NotThisAnswer(Mismatch::MessageId { got, expected }) => {
                write!(f, "0006:0211 DIMSE: Unexpected Response MsgId: {got} (expected: {expected})")
            }
            Self::NotThisCancel(Mismatch::Field(field)) => {
                write!(f, "0006:0210 DIMSE: Checking for C-CANCEL-RQ, Protocol Error: Cmd=0x{field:x}")
            }
            Self::NotThisCancel(Mismatch::MessageId { got, .. }) => {
                write!(f, "0006:0210 DIMSE: Checking for C-CANCEL-RQ, Protocol Error: msgId={got}")
            }
        }
    }
}

impl std::error::Error for DimseError {}

impl DimseError {
    /// The association's own end or fault, when it is not the message's.
    pub fn association(&self) -> Option<&AssociationError> {
        match self {
            Self::Association(e) | Self::DataSet(e) => Some(e),
            _ => None,
        }
    }

    /// Ends the association as this error asks for: the peer is told with an A-ABORT unless it is gone (PS3.8 9.3.8). A
    /// message that cannot be served is the user's reason to abort, a broken stream the provider's.
    pub fn end(&self, association: Association) {
        match self.association() {
            Some(e) => association.end_with(e),
            None => association.abort(Abort { source: 0, reason: 0 }),
        }
    }
}

impl From<DataError> for DimseError {
    fn from(e: DataError) -> Self {
        match e {
            DataError::Association(e) => Self::DataSet(e),
            DataError::Command => Self::UnexpectedPdv,
            DataError::Context { expected, got } => Self::DataContexts(expected, got),
        }
    }
}

impl From<AssociationError> for DimseError {
    fn from(e: AssociationError) -> Self {
        Self::Association(e)
    }
}

/// A command that has come, and the association to answer it on.
#[derive(Debug)]
pub struct Call<'a> {
    association: &'a mut Association,
    /// The presentation context it came on.
    pub context: u8,
    /// Whether a data set follows on the wire.
    pub data_set: bool,
    ended: bool,
}

/// Reads the next command. Returns it beside the call, so that it can be matched on while the call is used.
///
/// # Errors
/// Each ends the association, the peer's release and abort included.
pub fn next(association: &mut Association) -> Result<(Message, Call<'_>), DimseError> {
    let limit = association.socket_timeout();
    next_within(association, limit)
}

/// As [`next`], waiting so long for the peer to begin a PDU; none: for ever.
///
/// # Errors
/// Each ends the association, the peer's release and abort included.
pub fn next_within(association: &mut Association, limit: Option<Duration>) -> Result<(Message, Call<'_>), DimseError> {
    let (message, context) = message(association, limit)?;
    let data_set = message.data_set;
    Ok((message, Call { association, context, data_set, ended: !data_set }))
}

/// Waits so long, or for ever, for the answer to a request of ours, and gives the presentation context it came on too.
///
/// # Errors
/// Each ends the association, but [`DimseError::NoAnswer`] and [`DimseError::NotThisAnswer`]: what does not come in time may
/// still come.
pub fn answer_to(
    association: &mut Association,
    field: u16,
    message_id: u16,
    limit: Option<Duration>,
) -> Result<(Response, u8), DimseError> {
    let received = match message(association, limit) {
        Err(DimseError::Association(e)) if e.is_timeout() => Err(DimseError::NoAnswer),
        other => other,
    };
    let (message, context) = received?;
    match message.kind {
        Kind::Response(response) if response.field != field => {
            Err(DimseError::NotThisAnswer(Mismatch::Field(response.field)))
        }
        Kind::Response(response) if response.message_id != message_id => {
            Err(DimseError::NotThisAnswer(Mismatch::MessageId { got: response.message_id, expected: message_id }))
        }
        Kind::Response(response) => Ok((response, context)),
        Kind::Request(request) => Err(DimseError::NotThisAnswer(Mismatch::Field(request.field()))),
    }
}

/// What came where a C-STORE response of the peer's is waited for that may cancel the operation it is a part of.
#[derive(Debug)]
pub enum Answer {
    /// The response.
    Response(Response),
    /// The operation is to be cancelled; the response is still to come.
    Cancelled,
}

/// As [`answer_to`], where the peer may cancel an operation of its own meanwhile: the one with the message ID `operation`.
///
/// # Errors
/// As [`answer_to`]; and [`DimseError::NotThisCancel`], for another request.
pub fn answer_or_cancel(
    association: &mut Association,
    field: u16,
    message_id: u16,
    operation: u16,
    limit: Option<Duration>,
) -> Result<Answer, DimseError> {
    let received = match message(association, limit) {
        Err(DimseError::Association(e)) if e.is_timeout() => return Err(DimseError::NoAnswer),
        other => other?.0,
    };
    match received.kind {
        Kind::Request(request) => cancels(&request, operation).map(|()| Answer::Cancelled),
        Kind::Response(response) if response.field != field => {
            Err(DimseError::NotThisAnswer(Mismatch::Field(response.field)))
        }
        Kind::Response(response) if response.message_id != message_id => {
            Err(DimseError::NotThisAnswer(Mismatch::MessageId { got: response.message_id, expected: message_id }))
        }
        Kind::Response(response) => Ok(Answer::Response(response)),
    }
}

/// Whether a request cancels this operation, as the only one that may come now.
fn cancels(request: &Request, operation: u16) -> Result<(), DimseError> {
    match request {
        Request::Cancel(cancel) if cancel.message_id == operation => Ok(()),
        Request::Cancel(cancel) => {
            Err(DimseError::NotThisCancel(Mismatch::MessageId { got: cancel.message_id, expected: operation }))
        }
        other => Err(DimseError::NotThisCancel(Mismatch::Field(other.field()))),
    }
}

/// Reads the next command, waiting so long for each of its PDUs.
fn message(association: &mut Association, limit: Option<Duration>) -> Result<(Message, u8), DimseError> {
    let first = association.next_fragment_within(limit)?;
    // Who waits for a message a little at a time must not lose its first part when the second is late.
    let rest = limit.map(|limit| limit.max(association.socket_timeout().unwrap_or(WHOLE_COMMAND)));
    rest_of_message(association, first, rest)
}

/// Reads a command whose first part has come.
fn rest_of_message(
    association: &mut Association,
    first: Fragment,
    limit: Option<Duration>,
) -> Result<(Message, u8), DimseError> {
    let mut command = Vec::new();
    let mut context = None;
    let mut first = Some(first);
    loop {
        let fragment = match first.take() {
            Some(fragment) => fragment,
            None => association.next_fragment_within(limit)?,
        };
        match context {
            None if association.context(fragment.context).is_none() => {
                return Err(DimseError::UnknownContext(fragment.context));
            }
            None => context = Some(fragment.context),
            Some(first) if first != fragment.context => {
                return Err(DimseError::CommandContexts(first, fragment.context));
            }
            Some(_) => {}
        }
        if !fragment.command {
            return Err(DimseError::UnexpectedPdv);
        }
        let bytes = association.bytes(&fragment);
        if command.len() + bytes.len() > MAX_COMMAND_LENGTH {
            return Err(DimseError::CommandTooLong);
        }
        command.extend_from_slice(bytes);
        if fragment.ends_message {
            return Ok((parse(&command, association)?, fragment.context));
        }
    }
}

/// Parses a command set; what is odd in it goes to the log as DCMTK says it.
fn parse(bytes: &[u8], association: &Association) -> Result<Message, DimseError> {
    let mut warnings = Vec::new();
    let parsed = command::parse_noting(bytes, &mut warnings);
    for warning in warnings {
        warn!(target: "dcmtk.dcmdata", "{warning}");
    }
    parsed.map_err(|e| {
        if let Some(notice) = e.notice() {
            error!(target: "dcmtk.dcmdata", "{notice}");
        }
        if let Some(warning) = e.warning() {
            let parties = association.parties();
            let (calling, called) = (parties.calling.text(), parties.called.text());
            let (calling, called) = (printable(&calling), printable(&called));
            warn!(target: "dcmtk.dcmnet", "DIMSE Warning: ({calling},{called}): {warning}");
        }
        DimseError::Command(e)
    })
}

impl Call<'_> {
    /// The association the call came on.
    pub fn association(&self) -> &Association {
        self.association
    }

    /// The next run of the data set's payload, at most `pdvs` presentation data values; none when the data set is over.
    /// The bytes are in [`Call::payload`].
    ///
    /// # Errors
    /// Each ends the association.
    pub fn next_batch(&mut self, pdvs: usize) -> Result<Option<Batch>, DimseError> {
        if self.ended {
            return Ok(None);
        }
        let batch = self.association.next_batch(self.context, pdvs)?;
        self.ended = batch.last;
        Ok(Some(batch))
    }

    /// The bytes of the last batch, in order.
    pub fn payload(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.association.payload()
    }

    /// Reads the rest of the data set and discards it.
    ///
    /// # Errors
    /// Each ends the association.
    pub fn drain(&mut self) -> Result<(), DimseError> {
        while self.next_batch(usize::MAX)?.is_some() {}
        Ok(())
    }

    /// Queues a response and sends of it what the kernel takes at once; `true` when nothing is left. [`Call::flush`] sends
    /// the rest. So a peer that does not read can be waited for without holding up others.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn answer(&mut self, response: &Response) -> Result<bool, DimseError> {
        let mut bytes = Vec::with_capacity(256);
        command::write_response(response, &mut bytes);
        self.association.queue_command(self.context, &bytes)?;
        Ok(self.association.try_flush()?)
    }

    /// Whether the peer has cancelled the operation with this message ID (PS3.7 9.3.2.3); does not wait.
    ///
    /// # Errors
    /// Each ends the association: it has ended, or another message has come, for which there is no place now.
    pub fn cancelled(&mut self, operation: u16) -> Result<bool, DimseError> {
        let Some(first) = self.association.poll_fragment()? else { return Ok(false) };
        let limit = self.association.socket_timeout();
        let (message, _) = rest_of_message(self.association, first, limit)?;
        match &message.kind {
            Kind::Request(request) => cancels(request, operation).map(|()| true),
            Kind::Response(response) => Err(DimseError::NotThisCancel(Mismatch::Field(response.field))),
        }
    }

    /// Queues a response, and its data set if it has one, without sending anything.
    ///
    /// # Errors
    /// When the peer takes nothing at all.
    pub fn queue(&mut self, response: &Response, data_set: &[u8]) -> Result<(), DimseError> {
        let mut bytes = Vec::with_capacity(256);
        command::write_response(response, &mut bytes);
        self.association.queue_command(self.context, &bytes)?;
        if response.data_set {
            self.association.queue_data_set(self.context, data_set)?;
        }
        Ok(())
    }

    /// Bytes that are queued.
    pub fn queued(&self) -> usize {
        self.association.queued()
    }

    /// Forgets the responses that are queued, of which nothing has been sent.
    pub fn forget_queued(&mut self) {
        self.association.forget_queued();
    }

    /// The association, for a service that sends requests of its own on it, its data set having been read.
    pub fn association_mut(&mut self) -> &mut Association {
        self.association
    }

    /// Sends what is left of a response.
    ///
    /// # Errors
    /// When the connection is gone or the peer does not read.
    pub fn flush(&mut self) -> Result<(), DimseError> {
        Ok(self.association.flush()?)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.association.rest();
    }
}
