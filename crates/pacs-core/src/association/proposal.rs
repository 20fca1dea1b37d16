//! The accepting side's first steps: a request comes ([`Proposal::receive`]), the policy judges it
//! ([`crate::association::accept::judge`]), and the answer goes out. Nothing is decided here.

use std::fmt::Write as _;

use tracing::{Level, debug, enabled, warn};

use super::accept::Acceptance;
use super::context::AgreedContexts;
use super::state::{Event, Role, Undefined};
use super::wire::{AssociationError, Timeouts, Unit, Wire};
use super::{Association, Parties};
use crate::net::Link;
use crate::pdu::read::{self, PduError, Problem};
use crate::pdu::write::{self, WriteError};
use crate::pdu::{Abort, AssociateRj, AssociateRq, PduType};

/// The logger of everything below messages.
pub(super) const TARGET: &str = "dcmtk.dcmnet";

/// Permanently, by the service provider (ACSE): protocol version not supported (PS3.8 9.3.4).
const PROTOCOL_NOT_SUPPORTED: AssociateRj = AssociateRj { result: 1, source: 2, reason: 2 };

/// Bytes of a PDU that a debug log shows.
const SHOWN: usize = 512;

/// An A-ASSOCIATE-RQ that has come and is not yet answered (Sta3 of PS3.8 table 9-10).
#[derive(Debug)]
pub struct Proposal {
    wire: Wire,
    /// What the peer proposes.
    pub request: AssociateRq,
}

/// A connection on which no proposal came; [`Failure::end`] closes it.
#[derive(Debug)]
pub struct Failure {
    wire: Wire,
    /// What came instead.
    pub error: AssociationError,
}

impl Failure {
    /// Tells the peer, where it speaks DICOM, and closes the connection (actions AA-1 and AA-2 of PS3.8 table 9-10).
    pub fn end(self) {
        match self.error {
            AssociationError::Malformed(PduError { problem: Problem::Protocol(_), .. }) => {
                self.wire.end(&write::associate_rj(PROTOCOL_NOT_SUPPORTED));
            }
            AssociationError::Malformed(_) | AssociationError::UnexpectedPdu { .. } => self.wire.end_with(&self.error),
            // DCMTK: what cannot even be named, or never ends, is no DICOM and is not answered in DICOM.
            _ => {}
        }
    }
}

impl Proposal {
    /// Waits for an A-ASSOCIATE-RQ, the whole of which must come within the ACSE time-out. `maximum` is the longest
    /// P-DATA-TF body that will be announced.
    ///
    /// # Errors
    /// When something else came, or nothing.
    pub fn receive(link: Link, maximum: u32, timeouts: Timeouts) -> Result<Box<Self>, Box<Failure>> {
        let mut wire = Wire::new(link, maximum, timeouts, Role::Acceptor);
        match request(&mut wire) {
            Ok(request) => Ok(Box::new(Self { wire, request })),
            Err(error) => Err(Box::new(Failure { wire, error })),
        }
    }

    /// The peer's address.
    pub fn address(&self) -> std::net::IpAddr {
        self.wire.link().peer_ip()
    }

    /// Sends the A-ASSOCIATE-AC (action AE-7).
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn accept(mut self: Box<Self>, acceptance: Box<Acceptance>) -> Result<Box<Association>, AcceptError> {
        debug!(target: TARGET, "Constructing Associate AC PDU");
        let bytes = write::associate_ac(&acceptance.ac).map_err(AcceptError::Write)?;
        self.wire.happens(Event::AssociateResponseAccept).map_err(AcceptError::State)?;
        self.wire.queue(&[&bytes]);
        self.wire.flush().map_err(AcceptError::Association)?;
        let parties = Parties { calling: self.request.calling, called: self.request.called, address: self.address() };
        let contexts = AgreedContexts::of(&acceptance.contexts);
        Ok(Box::new(Association::new(self.wire, contexts, parties, acceptance.send)))
    }

    /// Sends the A-ASSOCIATE-RJ and closes (action AE-8).
    pub fn reject(self, rj: AssociateRj) {
        self.wire.end(&write::associate_rj(rj));
    }

    /// Aborts and closes: for what cannot be answered in another way.
    pub fn abort(self, abort: Abort) {
        self.wire.end(&write::abort(abort));
    }
}

/// Why an acceptance could not be sent.
#[derive(Debug)]
pub enum AcceptError {
    /// The acceptance does not fit into a PDU.
    Write(WriteError),
    /// The proposal has been answered already.
    State(Undefined),
    /// The connection failed.
    Association(AssociationError),
}

impl std::fmt::Display for AcceptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Write(e) => e.fmt(f),
            Self::State(e) => e.fmt(f),
            Self::Association(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for AcceptError {}

fn request(wire: &mut Wire) -> Result<AssociateRq, AssociationError> {
    let (kind, body) = match wire.next(Some(wire.timeouts.acse))? {
        Unit::Pdu(kind, body) => (kind, body),
        Unit::Fragment(_) => (PduType::Data, Vec::new()),
    };
    if kind == PduType::AssociateRq && enabled!(target: TARGET, Level::DEBUG) {
        debug!(target: TARGET, "{}", hex_dump("Associate Request", kind, &body));
        debug!(target: TARGET, "Parsing an A-ASSOCIATE PDU");
    }
    wire.received(kind, &body)?;
    if kind != PduType::AssociateRq {
        return Err(AssociationError::PeerAborted(read::abort(&body)));
    }
    let mut warnings = Vec::new();
    let request = read::associate_rq_noting(&body, &mut warnings);
    for warning in warnings {
        warn!(target: TARGET, "{warning}");
    }
    request.map_err(AssociationError::Malformed)
}

/// A PDU as DCMTK shows it: 16 bytes a line.
pub(super) fn hex_dump(what: &str, kind: PduType, body: &[u8]) -> String {
    let head = crate::pdu::PduHeader::to_bytes(kind, body.len() as u32);
    let mut text = format!("PDU Type: {what}, PDU Length: {} + 6 bytes PDU header", body.len());
    if head.len() + body.len() > SHOWN {
        _ = write!(text, "\nOnly dumping {SHOWN} bytes.");
    }
    for (i, byte) in head.iter().chain(body).take(SHOWN).enumerate() {
        if i % 16 == 0 {
            text.push('\n');
        }
        _ = write!(text, "  {byte:02x}");
    }
    text
}
