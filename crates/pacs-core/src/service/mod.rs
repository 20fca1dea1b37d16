//! What is done with a message. Each service is one file with its SOP classes, `serve` for the provider, and the trait that
//! the provider's owner implements; which service a call belongs to is decided by one visible `match` in the program.

pub mod c_echo;
pub mod c_find;
pub mod c_get;
pub mod c_move;
pub mod c_store;
pub mod retrieve;

use std::fmt;

use crate::association::Parties;
use crate::dataset::Refusal;
use crate::dataset::identifier::{Identifier, IdentifierError, MOST};
use crate::dimse::{Call, DimseError};

/// Who asks for what: a C-FIND, C-MOVE or C-GET request with its identifier.
#[derive(Debug)]
pub struct Query<'a> {
    /// The information model and its operation: Affected SOP Class UID, one of the service's.
    pub sop_class: &'a str,
    /// Message ID of the request.
    pub message_id: u16,
    /// The presentation context it came on.
    pub context: u8,
    /// The encoding of its identifier.
    pub transfer_syntax: &'a str,
    /// Who asks whom.
    pub parties: &'a Parties,
    /// What is asked.
    pub identifier: &'a Identifier,
}

/// A request is not served: what the peer is told. The log is the owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// Error Comment (0000,0902), at most 64 characters; none: it is not sent.
    pub comment: Option<String>,
}

impl Refused {
    /// With that status and no comment.
    pub fn with(status: u16) -> Self {
        Self { status, comment: None }
    }
}

/// Why the association must end in the middle of a service.
#[derive(Debug)]
pub enum CallError {
    /// The message could not be read or answered.
    Dimse(DimseError),
    /// The identifier is no data set (PS3.5), and there is no status that says so to a peer that cannot encode.
    Identifier(Refusal),
}

impl fmt::Display for CallError {
    /// DCMTK's condition.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dimse(e) => e.fmt(f),
            Self::Identifier(refusal) => {
                write!(f, "0006:020d DIMSE Failed to receive message\n{} {refusal}", refusal.reason.condition())
            }
        }
    }
}

impl std::error::Error for CallError {}

impl From<DimseError> for CallError {
    fn from(e: DimseError) -> Self {
        Self::Dimse(e)
    }
}

/// Reads the identifier of a request. None: it has more bytes than are taken; all of them have been read.
fn identifier(call: &mut Call<'_>, transfer_syntax: &str) -> Result<Option<Identifier>, CallError> {
    let (mut bytes, mut fits) = (Vec::new(), true);
    while call.next_batch(usize::MAX)?.is_some() {
        for part in call.payload() {
            fits &= bytes.len() + part.len() <= MOST;
            if fits {
                bytes.extend_from_slice(part);
            }
        }
    }
    if !fits {
        return Ok(None);
    }
    match Identifier::read(&bytes, transfer_syntax) {
        Ok(identifier) => Ok(Some(identifier)),
        Err(IdentifierError::TooLarge) => Ok(None),
        Err(IdentifierError::Refused(refusal)) => Err(CallError::Identifier(refusal)),
    }
}

/// What a peer is told whose identifier is too large.
fn too_large(status: u16) -> Refused {
    Refused { status, comment: Some(format!("identifier longer than {MOST} bytes")) }
}
