//! The stream of PDUs under an association: reading with limits and deadlines, writing, and the state that says which PDU
//! may come now.

use std::fmt;
use std::io::IoSlice;
use std::time::{Duration, Instant};

use crate::association::state::{Event, Role, State, Undefined, step};
use crate::net::{Deadline, Link, LinkError};
use crate::pdu::pdata::{Fragment, Inbox, PdataError, Step};
use crate::pdu::read::{self, PduError};
use crate::pdu::{Abort, MAX_ASSOCIATE_LENGTH, PduHeader, PduType, SHORT_LENGTH, write};

/// How long the peer may take to close its side after the last PDU of ours (the ARTIM timer of PS3.8 9.1.5 when we wait for
/// a close). DCMTK waits 180 s and serves nobody meanwhile; a peer that lives has closed long before.
const LINGER: Duration = Duration::from_secs(2);

/// How long an A-ABORT or a reject may wait for room in the peer's window.
const LAST_WORD: Duration = Duration::from_secs(1);

/// The limits on waiting.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the whole A-ASSOCIATE-RQ, and for answers while an association is made or ended.
    pub acse: Duration,
    /// For each PDU, from waiting for its first byte to having its last, and for each PDU we send. None: no limit.
    pub socket: Option<Duration>,
    /// For each PDU inside a data set, when shorter than `socket`. None: no other limit.
    pub data_set: Option<Duration>,
}

/// Why an association ended, or did not come about. Display gives DCMTK's condition.
#[derive(Debug)]
pub enum AssociationError {
    /// The peer asks for the release of the association; it waits for the answer.
    PeerReleased,
    /// The peer sent an A-ABORT.
    PeerAborted(Abort),
    /// The connection ended between two PDUs.
    PeerClosed,
    /// The connection failed, ended within a PDU, or a time limit passed.
    Link(LinkError),
    /// Inside a data set nothing came for as long as the limit for data sets says.
    DataSetTimeout,
    /// A P-DATA-TF PDU breaks its lengths.
    Pdata(PdataError),
    /// An association PDU cannot be read.
    Malformed(PduError),
    /// An association PDU declares more bytes than are read.
    TooLarge(u32),
    /// A PDU of another kind declares a length that its kind never has.
    WrongLength(PduHeader),
    /// A PDU type the standard does not know.
    UnknownPdu(u8),
    /// The peer announced a maximum length that leaves no room for a single byte.
    PeerTakesNothing,
    /// A data set of ours ended before the length that had been counted on.
    DataSetTooShort,
    /// A PDU that has no place in this state.
    UnexpectedPdu {
        /// What came.
        pdu: PduType,
        /// The state it came in (PS3.8 table 9-10).
        state: State,
        /// What the peer is told (actions AA-1 and AA-8).
        abort: Abort,
    },
}

impl fmt::Display for AssociationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerReleased => f.write_str("0006:0319 DUL Peer Requested Release"),
            Self::PeerAborted(_) | Self::PeerClosed => {
                f.write_str("0006:0317 Peer aborted Association (or never connected)")
            }
            Self::Link(e) => e.fmt(f),
            Self::DataSetTimeout => f.write_str("0006:0207 DIMSE No data available (timeout in non-blocking mode)"),
            Self::Pdata(e) => e.fmt(f),
            Self::Malformed(e) => e.fmt(f),
            Self::TooLarge(_) => f.write_str("0006:0437 A-ASSOCIATE PDU too large"),
            Self::WrongLength(h) => {
                write!(f, "0006:0308 DUL Illegal PDU Length {}.  Max expected {SHORT_LENGTH}", h.length)
            }
            Self::PeerTakesNothing => {
                f.write_str("0006:020e DIMSE Failed to send message: the peer's maximum PDU is too small")
            }
            Self::DataSetTooShort => {
                f.write_str("0006:020e DIMSE Failed to send message: the data set ended too early")
            }
            Self::UnknownPdu(kind) => write!(f, "0006:0321 Unrecognized PDU type: {kind:2x}"),
            Self::UnexpectedPdu { pdu, state, .. } => {
                write!(f, "0006:0303 DUL Finite State Machine Error: {pdu:?} PDU in state {}", *state as u8)
            }
        }
    }
}

impl std::error::Error for AssociationError {}

impl AssociationError {
    /// Whether nothing came, or nothing was taken, for as long as the limit allows.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Link(LinkError::Timeout) | Self::DataSetTimeout)
    }

    /// Whether the peer has aborted or the connection is gone.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::PeerAborted(_) | Self::PeerClosed => true,
            Self::Link(e) => !matches!(e, LinkError::Timeout),
            _ => false,
        }
    }
}

impl From<LinkError> for AssociationError {
    fn from(e: LinkError) -> Self {
        Self::Link(e)
    }
}

/// What came: a part of a message, or another PDU with its body.
#[derive(Debug)]
pub(super) enum Unit {
    Fragment(Fragment),
    Pdu(PduType, Vec<u8>),
}

/// A link, what came over it and is not yet read, and the state of the association on it.
#[derive(Debug)]
pub(super) struct Wire {
    link: Link,
    pub(super) inbox: Inbox,
    role: Role,
    pub(super) state: State,
    pub(super) timeouts: Timeouts,
    unsent: Vec<u8>,
    deadline: Deadline,
    /// The number of the PDU that the deadline is for.
    awaited: Option<u64>,
    /// A PDU of ours has been sent in part: no other can follow.
    pub(super) within_pdu: bool,
}

fn after(limit: Option<Duration>) -> Deadline {
    limit.and_then(|limit| Instant::now().checked_add(limit))
}

impl Wire {
    /// `maximum`: the longest P-DATA-TF body that we announce.
    pub(super) fn new(link: Link, maximum: u32, timeouts: Timeouts, role: Role) -> Self {
        let state = match role {
            Role::Acceptor => State::Sta2,
            Role::Requestor => State::Sta4,
        };
        Self {
            link,
            inbox: Inbox::new(maximum),
            role,
            state,
            timeouts,
            unsent: Vec::new(),
            deadline: None,
            awaited: None,
            within_pdu: false,
        }
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// Reads more bytes. The deadline is set anew only for another PDU: bytes that trickle in do not move it.
    pub(super) fn fill(&mut self, limit: Option<Duration>) -> Result<(), AssociationError> {
        let awaited = Some(self.inbox.finished());
        if self.awaited != awaited {
            self.awaited = awaited;
            self.deadline = after(limit);
        }
        let begins = self.inbox.between_pdus();
        if !begins && self.deadline.is_none() {
            // The peer may be silent for ever, but not within a PDU.
            self.deadline = after(self.timeouts.socket);
        }
        match self.link.read(self.inbox.space(), self.deadline) {
            Ok(n) => {
                self.inbox.filled(n);
                Ok(())
            }
            Err(LinkError::Closed) if begins => Err(AssociationError::PeerClosed),
            Err(e) => {
                // Whoever waits again after a time-out waits anew.
                self.awaited = None;
                Err(e.into())
            }
        }
    }

    /// What stands next, read from the peer if need be, each PDU within the limit.
    pub(super) fn next(&mut self, limit: Option<Duration>) -> Result<Unit, AssociationError> {
        loop {
            match self.inbox.step().map_err(AssociationError::Pdata)? {
                Step::More => self.fill(limit)?,
                Step::Fragment(fragment) => return Ok(Unit::Fragment(fragment)),
                Step::Pdu(header) => {
                    let (kind, body) = self.body(header, limit)?;
                    return Ok(Unit::Pdu(kind, body));
                }
            }
        }
    }

    /// What has come, without waiting for more than the rest of a PDU other than P-DATA-TF; none: nothing whole.
    pub(super) fn poll(&mut self) -> Result<Option<Unit>, AssociationError> {
        loop {
            match self.inbox.step().map_err(AssociationError::Pdata)? {
                Step::Fragment(fragment) => return Ok(Some(Unit::Fragment(fragment))),
                Step::Pdu(header) => {
                    let (kind, body) = self.body(header, self.timeouts.socket)?;
                    return Ok(Some(Unit::Pdu(kind, body)));
                }
                Step::More => {
                    let begins = self.inbox.between_pdus();
                    match self.link.try_read(self.inbox.space()) {
                        Ok(Some(n)) => self.inbox.filled(n),
                        Ok(None) => return Ok(None),
                        Err(LinkError::Closed) if begins => return Err(AssociationError::PeerClosed),
                        Err(e) => return Err(e.into()),
                    }
                }
            }
        }
    }

    /// Bytes that are queued and not yet sent.
    pub(super) fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Forgets what is queued, of which nothing has been sent: whole PDUs.
    pub(super) fn forget_unsent(&mut self) {
        self.unsent = Vec::new();
    }

    /// The body of a PDU other than P-DATA-TF. Memory grows with the bytes that come, not with the declared length.
    pub(super) fn body(
        &mut self,
        header: PduHeader,
        limit: Option<Duration>,
    ) -> Result<(PduType, Vec<u8>), AssociationError> {
        let kind = PduType::from_byte(header.kind).ok_or(AssociationError::UnknownPdu(header.kind))?;
        match kind {
            PduType::AssociateRq | PduType::AssociateAc if header.length > MAX_ASSOCIATE_LENGTH => {
                return Err(AssociationError::TooLarge(header.length));
            }
            PduType::AssociateRq | PduType::AssociateAc => {}
            _ if header.length != SHORT_LENGTH => return Err(AssociationError::WrongLength(header)),
            _ => {}
        }
        let (length, mut body) = (header.length as usize, Vec::new());
        loop {
            body.extend_from_slice(self.inbox.take(length - body.len()));
            if body.len() == length {
                self.inbox.finish();
                return Ok((kind, body));
            }
            self.fill(limit)?;
        }
    }

    /// Puts a PDU behind what is still to be sent.
    pub(super) fn queue(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.unsent.extend_from_slice(part);
        }
    }

    /// Sends what the kernel takes without waiting; `true` when nothing is left.
    pub(super) fn try_flush(&mut self) -> Result<bool, AssociationError> {
        let n = self.link.try_write(&self.unsent)?;
        self.sent(n);
        Ok(self.unsent.is_empty() && !self.link.has_output())
    }

    /// Sends what is queued, waiting as long as the socket time-out allows.
    pub(super) fn flush(&mut self) -> Result<(), AssociationError> {
        if !self.unsent.is_empty() || self.link.has_output() {
            self.link.write_all(&mut [IoSlice::new(&self.unsent)], after(self.timeouts.socket))?;
            let n = self.unsent.len();
            self.sent(n);
        }
        Ok(())
    }

    /// Sends these bytes behind what is queued, all in as few system calls as possible. The socket time-out is for as long
    /// as the peer takes nothing.
    pub(super) fn send(&mut self, slices: &mut [IoSlice<'_>]) -> Result<(), AssociationError> {
        let limit = self.timeouts.socket;
        let done = if self.unsent.is_empty() {
            self.link.write_steadily(slices, limit)
        } else {
            let mut all = vec![IoSlice::new(&self.unsent)];
            all.extend(slices.iter().map(|slice| IoSlice::new(slice)));
            self.link.write_steadily(&mut all, limit)
        };
        match done {
            Ok(()) => {
                let n = self.unsent.len();
                self.sent(n);
                Ok(())
            }
            // What the peer said before it closed tells more.
            Err(LinkError::Closed) => Err(self.last_words().unwrap_or(AssociationError::Link(LinkError::Closed))),
            Err(e) => Err(e.into()),
        }
    }

    /// The A-ABORT that a peer left behind when it closed.
    fn last_words(&mut self) -> Option<AssociationError> {
        let end = after(Some(LAST_WORD));
        while Instant::now() < end? {
            if let Unit::Pdu(PduType::Abort, body) = self.next(Some(LAST_WORD)).ok()? {
                return Some(AssociationError::PeerAborted(read::abort(&body)));
            }
        }
        None
    }

    fn sent(&mut self, n: usize) {
        self.unsent.drain(..n);
        if self.unsent.is_empty() && self.unsent.capacity() > 256 {
            self.unsent = Vec::new();
        }
    }

    /// Moves the state on for something of our own doing (PS3.8 table 9-10).
    pub(super) fn happens(&mut self, event: Event) -> Result<(), Undefined> {
        self.state = step(self.role, self.state, event)?.next;
        Ok(())
    }

    /// Moves the state on for a PDU that came, other than P-DATA-TF in Sta6, which changes nothing; or says that it has no
    /// place in this state (PS3.8 table 9-10).
    pub(super) fn received(&mut self, pdu: PduType, body: &[u8]) -> Result<(), AssociationError> {
        let (state, abort) = (self.state, Abort { source: 2, reason: 2 });
        match step(self.role, state, event(pdu, body)) {
            Ok(step) => {
                self.state = step.next;
                step.abort.map_or(Ok(()), |abort| Err(AssociationError::UnexpectedPdu { pdu, state, abort }))
            }
            // No PDU of a peer leads here while there is a connection; if one did, it would have no place.
            Err(_) => Err(AssociationError::UnexpectedPdu { pdu, state, abort }),
        }
    }

    /// The A-ABORT that answers an error, if the peer can still be told.
    fn abort_for(&self, error: &AssociationError) -> Option<Abort> {
        let invalid = |unrecognized| step(self.role, self.state, Event::InvalidPdu { unrecognized }).ok()?.abort;
        match error {
            AssociationError::PeerReleased
            | AssociationError::PeerAborted(_)
            | AssociationError::PeerClosed
            | AssociationError::Link(LinkError::Closed | LinkError::Io(_) | LinkError::Layer(_)) => None,
            AssociationError::Link(LinkError::Timeout) | AssociationError::DataSetTimeout => {
                Some(Abort { source: 2, reason: 0 })
            }
            AssociationError::PeerTakesNothing | AssociationError::DataSetTooShort => {
                Some(Abort { source: 0, reason: 0 })
            }
            // DCMTK: an impossible P-DATA-TF is answered as if the user had aborted.
            AssociationError::Pdata(_) => Some(Abort { source: 0, reason: 0 }),
            AssociationError::UnknownPdu(_) => invalid(true),
            AssociationError::Malformed(_) | AssociationError::TooLarge(_) | AssociationError::WrongLength(_) => {
                invalid(false)
            }
            AssociationError::UnexpectedPdu { abort, .. } => Some(*abort),
        }
    }

    /// Sends a last PDU, as far as the peer lets us, and waits a moment for it to close its side.
    pub(super) fn end(mut self, last: &[u8]) {
        if self.within_pdu {
            return;
        }
        self.queue(&[last]);
        if self.link.write_all(&mut [IoSlice::new(&self.unsent)], after(Some(LAST_WORD))).is_ok() {
            self.link.finish(after(Some(LINGER.min(self.timeouts.acse))));
        }
    }

    /// Tells the peer of an error if that is possible, and closes.
    pub(super) fn end_with(self, error: &AssociationError) {
        if let Some(abort) = self.abort_for(error) {
            self.end(&write::abort(abort));
        }
    }
}

/// The event of PS3.8 table 9-10 that a PDU is.
fn event(pdu: PduType, body: &[u8]) -> Event {
    match pdu {
        PduType::AssociateRq => Event::AssociateRq { acceptable: true },
        PduType::AssociateAc => Event::AssociateAc,
        PduType::AssociateRj => Event::AssociateRj,
        PduType::Data => Event::Data,
        PduType::ReleaseRq => Event::ReleaseRq,
        PduType::ReleaseRp => Event::ReleaseRp,
        PduType::Abort => Event::Abort { by_user: read::abort(body).source == 0 },
    }
}
