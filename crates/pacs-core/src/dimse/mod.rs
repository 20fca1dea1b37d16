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
use command::{CommandError, Kind, MAX_COMMAND_LENGTH, Message, Response};
use tracing::{error, warn};

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
pub fn next_within(
    association: &mut Association,
    limit: Option<Duration>,
) -> Result<(Message, Call<'_>), DimseError> {
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

/// Reads the next command, waiting so long for each of its PDUs.
fn message(association: &mut Association, limit: Option<Duration>) -> Result<(Message, u8), DimseError> {
    let mut command = Vec::new();
    let mut context = None;
    loop {
        let fragment = association.next_fragment_within(limit)?;
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
