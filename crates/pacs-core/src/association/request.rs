//! The requesting side: wanted contexts go out in an A-ASSOCIATE-RQ, and the A-ASSOCIATE-AC says what became of them.

use std::collections::HashMap;
use std::fmt;

use tracing::{debug, error, warn};

use super::accept::{MAX_PDU, SendLimit, announced_max_pdu, send_limit};
use super::context::{self, AgreedContexts, PresentationContexts, Role, State};
use super::proposal::{TARGET, hex_dump};
use super::state::{Event, Role as Side};
use super::wire::{AssociationError, Timeouts, Unit, Wire};
use super::{Association, Parties};
use crate::net::Link;
use crate::pdu::read::{self, PduError};
use crate::pdu::write::{self, WriteError};
use crate::pdu::{
    APPLICATION_CONTEXT, Abort, AeTitle, AssociateAc, AssociateRj, AssociateRq, ExtendedNegotiation, PduType,
    ProposedContext, RoleSelection, UserIdentity, UserInformation,
};

/// Bytes of a P-DATA-TF PDU that are not payload where one PDV is all it holds, as DCMTK counts.
const OVERHEAD: u32 = 12;

/// What a requestor wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub calling: AeTitle,
    /// Who is asked.
    pub called: AeTitle,
    /// Contexts with their identifiers.
    pub contexts: Vec<ProposedContext>,
    /// Role selections.
    pub roles: Vec<RoleSelection>,
    /// SOP class extended negotiation.
    pub extended: Vec<ExtendedNegotiation>,
    /// User identity.
    pub identity: Option<UserIdentity>,
    /// Longest P-DATA-TF body to be received; an odd number is made even.
    pub max_pdu: u32,
    /// Longest P-DATA-TF body to be sent, whatever the peer takes.
    pub max_send_pdu: Option<u32>,
}

impl Request {
    /// Whether it can be asked for at all, before a connection is made.
    ///
    /// # Errors
    /// [`RequestError::NoContexts`] and [`RequestError::BlankTitle`].
    pub fn check(&self) -> Result<(), RequestError> {
        if self.contexts.is_empty() {
            return Err(RequestError::NoContexts);
        }
        for (title, name) in [(self.calling, "Calling AP Title"), (self.called, "Called AP Title")] {
            if title.text().is_empty() {
                error!(target: TARGET, "Illegal service parameter: {name}");
                return Err(RequestError::BlankTitle(name));
            }
        }
        Ok(())
    }

    /// The PDU.
    pub fn to_pdu(&self) -> AssociateRq {
        AssociateRq {
            protocol_version: 1,
            called: self.called,
            calling: self.calling,
            application_context: APPLICATION_CONTEXT.to_owned(),
            contexts: self.contexts.clone(),
            user: UserInformation {
                max_length: Some(announced_max_pdu(self.max_pdu).0),
                implementation_class_uid: crate::IMPLEMENTATION_CLASS_UID.to_owned(),
                implementation_version_name: crate::IMPLEMENTATION_VERSION_NAME.to_owned(),
                roles: self.roles.clone(),
                extended: self.extended.clone(),
                identity: self.identity.clone(),
                ..UserInformation::default()
            },
        }
    }
}

/// An association that the peer has accepted, be it without a single context.
#[derive(Debug)]
pub struct Established {
    /// The association.
    pub association: Box<Association>,
    /// The answer.
    pub ac: AssociateAc,
    /// All proposed contexts with what became of them.
    pub contexts: PresentationContexts,
    /// Payload bytes of one PDV, as logs name it.
    pub max_send_pdv: u32,
}

/// Why there is no association.
#[derive(Debug)]
pub enum RequestError {
    /// No context is wanted.
    NoContexts,
    /// A title without a single character other than blanks.
    BlankTitle(&'static str),
    /// What is wanted does not fit into a PDU.
    Write(WriteError),
    /// The peer rejected it.
    Rejected(AssociateRj),
    /// The user's identity had to be confirmed and was not. The association has been aborted.
    NotConfirmed,
    /// Anything else.
    Association(AssociationError),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoContexts => {
                f.write_str("0006:0103 ASC Coding error in ASC_requestAssociation: missing presentation contexts")
            }
            Self::BlankTitle(which) => write!(f, "0006:030c Illegal service parameter: {which}"),
            Self::Write(WriteError::TooLong { what: "user information", length }) => {
                write!(f, "0006:0103 Total length of user items ({length} bytes) exceeds upper limit of 65535 bytes")
            }
            Self::Write(e) => write!(f, "0006:0103 {e}"),
            Self::Rejected(_) => f.write_str("0006:0304 DUL Association Rejected"),
            Self::NotConfirmed => f.write_str("0006:0108 ASC User Identification Negotiation failed"),
            Self::Association(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for RequestError {}

impl From<AssociationError> for RequestError {
    fn from(e: AssociationError) -> Self {
        Self::Association(e)
    }
}

/// Asks for an association and waits for the answer as long as the ACSE time-out allows.
///
/// # Errors
/// As [`RequestError`] says; the peer has then been told where that is possible, and the connection is closed.
pub fn request(link: Link, request: &Request, timeouts: Timeouts) -> Result<Established, RequestError> {
    let rq = request.to_pdu();
    if let Some(warning) = announced_max_pdu(request.max_pdu).1 {
        warn!(target: TARGET, "{warning}");
    }
    debug!(target: TARGET, "Constructing Associate RQ PDU");
    let bytes = write::associate_rq(&rq).map_err(RequestError::Write)?;
    let maximum = rq.user.max_length.unwrap_or(MAX_PDU);
    let mut wire = Wire::new(link, maximum, timeouts, Side::Requestor);
    let ac = match ask(&mut wire, &bytes) {
        Ok(ac) => ac,
        Err(error) => {
            if let RequestError::Association(e) = &error {
                wire.end_with(e);
            }
            return Err(error);
        }
    };
    if request.identity.as_ref().is_some_and(|identity| identity.response_requested && identity.kind <= 2)
        && ac.user.identity_response.is_none()
    {
        error!(
            target: TARGET,
            "User Identity Negotiation failed: Positive response requested but none received"
        );
        wire.end(&write::abort(Abort { source: 0, reason: 0 }));
        return Err(RequestError::NotConfirmed);
    }
    let contexts = answered(&rq, &ac);
    let send = limit(&ac, request.max_send_pdu);
    let address = wire.link().peer_ip();
    let parties = Parties { calling: rq.calling, called: rq.called, address };
    let agreed = AgreedContexts::of(&contexts);
    let mut association = Association::new(wire, agreed, parties, send);
    association.order = ac.contexts.iter().map(|result| result.id).collect();
    Ok(Established { association: Box::new(association), ac, contexts, max_send_pdv: send.announced })
}

/// Sends the request and waits for the acceptance (actions AE-2 to AE-4 of PS3.8 table 9-6).
fn ask(wire: &mut Wire, bytes: &[u8]) -> Result<AssociateAc, RequestError> {
    // From Sta4 there is a way.
    _ = wire.happens(Event::TransportConfirm);
    wire.queue(&[bytes]);
    wire.flush()?;
    let (kind, body) = match wire.next(Some(wire.timeouts.acse))? {
        Unit::Pdu(kind, body) => (kind, body),
        Unit::Fragment(_) => (PduType::Data, Vec::new()),
    };
    if kind == PduType::AssociateAc && tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
        debug!(target: TARGET, "{}", hex_dump("Associate Accept", PduType::AssociateAc, &body));
        debug!(target: TARGET, "Parsing an A-ASSOCIATE PDU");
    }
    wire.received(kind, &body)?;
    match kind {
        PduType::AssociateAc => {}
        PduType::AssociateRj => {
            let rj = read::associate_rj(&body).map_err(AssociationError::Malformed)?;
            return Err(RequestError::Rejected(rj));
        }
        _ => return Err(AssociationError::PeerAborted(read::abort(&body)).into()),
    }
    let mut warnings = Vec::new();
    let ac: Result<AssociateAc, PduError> = read::associate_ac_noting(&body, &mut warnings);
    for warning in warnings {
        warn!(target: TARGET, "{warning}");
    }
    Ok(ac.map_err(AssociationError::Malformed)?)
}

/// The proposals with their answers. Of several answers to one the first counts, an answer to none is ignored.
fn answered(rq: &AssociateRq, ac: &AssociateAc) -> PresentationContexts {
    let mut answers = HashMap::new();
    for result in &ac.contexts {
        answers.entry(result.id).or_insert(result);
    }
    let roles: HashMap<_, _> = ac.user.roles.iter().map(|role| (role.sop_class.as_str(), role)).collect();
    let mut contexts = context::proposals(rq);
    for context in &mut contexts {
        let Some(result) = answers.get(&context.id) else { continue };
        context.state = State::from_code(result.result);
        if context.is_accepted() {
            context.transfer_syntax = result.transfer_syntax.clone();
        }
        if let Some(role) = roles.get(context.abstract_syntax.as_str()) {
            context.accepted_role = Role::from_flags(role.scu, role.scp);
        }
    }
    PresentationContexts::new(contexts)
}

/// How much may be sent at a time: what the peer takes, and no more than we want.
fn limit(ac: &AssociateAc, wanted: Option<u32>) -> SendLimit {
    let (mut send, warnings) = send_limit(ac.user.max_length);
    for warning in warnings {
        if warning.level() == tracing::Level::ERROR {
            error!(target: TARGET, "{warning}");
        } else {
            warn!(target: TARGET, "{warning}");
        }
    }
    if let Some(wanted) = wanted {
        let wanted = wanted.saturating_sub(OVERHEAD) & !1;
        send.announced = send.announced.min(wanted);
        send.payload = send.payload.map(|payload| payload.min(wanted));
    }
    send
}

#[cfg(test)]
mod tests;
