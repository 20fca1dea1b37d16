//! An association: what two applications agreed on, and the messages that travel under it.
//!
//! [`proposal`] receives a request and answers it as [`accept`] judges, [`request`] makes one; [`Association`] then moves presentation data values
//! in and out until it is released or aborted. The association is Sta6 of PS3.8 table 9-10 ([`state`]) all the while.

pub mod accept;
pub mod context;
pub mod dump;
mod outgoing;
pub mod profile;
pub mod proposal;
pub mod request;
pub mod state;
mod wire;

use std::net::IpAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

pub use context::{AgreedContext, AgreedContexts, PresentationContext, PresentationContexts};
pub use outgoing::Outgoing;
pub use proposal::Proposal;
pub use request::{Established, Request, RequestError};
pub use wire::{AssociationError, Timeouts};

use accept::SendLimit;

use crate::net::{LinkError, Waker};
use crate::pdu::pdata::{Fragment, Step, pdv_headers};
use crate::pdu::{Abort, AeTitle, PduType, read, write};
use state::Event;
use wire::{Unit, Wire};

/// Payload ranges in one batch: as many as one write takes.
const BATCH: usize = 64;

/// What both sides know of each other once an association stands.
#[derive(Clone, Debug)]
pub struct Parties {
    /// The title the requestor gave itself.
    pub calling: AeTitle,
    /// The title it asked for.
    pub called: AeTitle,
    /// The peer's address.
    pub address: IpAddr,
}

/// An established association (PS3.8 7.1).
#[derive(Debug)]
pub struct Association {
    wire: Wire,
    contexts: AgreedContexts,
    parties: Parties,
    send: SendLimit,
    ranges: Vec<Range<usize>>,
    /// Identifiers in the order of the acceptance we got; of a requestor only.
    order: Box<[u8]>,
}

/// A run of data set payload that has come: parts of one or more PDVs of one presentation context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The presentation context of all parts.
    pub context: u8,
    /// PDVs that end in this batch.
    pub pdvs: usize,
    /// The data set ends with this batch.
    pub last: bool,
}

/// Why a batch of a data set could not be had, though the link stands.
#[derive(Debug)]
pub enum DataError {
    /// The association ended or must end.
    Association(AssociationError),
    /// A command PDV came inside the data set (PS3.7 6.3).
    Command,
    /// A PDV of another presentation context came inside the data set.
    Context {
        /// The data set's presentation context.
        expected: u8,
        /// The other one.
        got: u8,
    },
}

impl From<AssociationError> for DataError {
    fn from(e: AssociationError) -> Self {
        Self::Association(e)
    }
}

impl Association {
    fn new(wire: Wire, contexts: AgreedContexts, parties: Parties, send: SendLimit) -> Self {
        Self { wire, contexts, parties, send, ranges: Vec::new(), order: Box::default() }
    }

    /// A handle to end waits of this association from outside.
    pub fn waker(&self) -> Waker {
        self.wire.link().waker()
    }

    /// Who the two are.
    pub fn parties(&self) -> &Parties {
        &self.parties
    }

    /// The accepted presentation contexts.
    pub fn contexts(&self) -> &AgreedContexts {
        &self.contexts
    }

    /// The accepted contexts in the order in which the peer answered, where we asked; else by identifier.
    pub fn answered_contexts(&self) -> impl Iterator<Item = &AgreedContext> {
        let rest = if self.order.is_empty() { self.contexts.all() } else { &[] };
        self.order.iter().filter_map(|id| self.contexts.get(*id)).chain(rest)
    }

    /// The accepted presentation context with this id.
    pub fn context(&self, id: u8) -> Option<&AgreedContext> {
        self.contexts.get(id)
    }

    /// The next part of a command set, waiting for it as long as the socket time-out allows; what else may come instead is
    /// an error that ends the association, a release request included.
    ///
    /// # Errors
    /// As [`AssociationError`] says.
    pub fn next_fragment(&mut self) -> Result<Fragment, AssociationError> {
        self.next_fragment_within(self.wire.timeouts.socket)
    }

    /// As [`Association::next_fragment`], waiting so long for each PDU; none: for ever.
    ///
    /// # Errors
    /// As [`AssociationError`] says.
    pub fn next_fragment_within(&mut self, limit: Option<Duration>) -> Result<Fragment, AssociationError> {
        match self.wire.next(limit)? {
            Unit::Fragment(fragment) => Ok(fragment),
            Unit::Pdu(kind, body) => Err(self.other(kind, &body)),
        }
    }

    /// As [`Association::next_fragment`], without waiting: none if nothing has come.
    ///
    /// # Errors
    /// As [`AssociationError`] says.
    pub fn poll_fragment(&mut self) -> Result<Option<Fragment>, AssociationError> {
        match self.wire.poll()? {
            None => Ok(None),
            Some(Unit::Fragment(fragment)) => Ok(Some(fragment)),
            Some(Unit::Pdu(kind, body)) => Err(self.other(kind, &body)),
        }
    }

    /// The bytes of a fragment, until the next call that reads.
    pub fn bytes(&self, fragment: &Fragment) -> &[u8] {
        self.wire.inbox.bytes(fragment.payload.clone())
    }

    /// The message is over: an association that waits keeps no large buffer.
    pub fn rest(&mut self) {
        self.wire.inbox.shrink();
        if self.ranges.capacity() > BATCH {
            self.ranges = Vec::new();
        }
    }

    /// The next run of a data set's payload: all that has come, at most `pdvs` presentation data values. Waits, as long as
    /// the limits for data sets allow, only when nothing has come. The bytes are in [`Association::payload`].
    ///
    /// # Errors
    /// As [`DataError`] says; after an error the data set cannot be read on.
    pub fn next_batch(&mut self, context: u8, pdvs: usize) -> Result<Batch, DataError> {
        let mut batch = Batch { context, pdvs: 0, last: false };
        self.ranges.clear();
        while !batch.last && batch.pdvs < pdvs && self.ranges.len() < BATCH {
            match self.wire.inbox.step().map_err(AssociationError::Pdata)? {
                Step::More if self.ranges.is_empty() && batch.pdvs == 0 => self.wait_for_data()?,
                Step::More => break,
                Step::Pdu(header) => {
                    let (kind, body) = self.wire.body(header, self.wire.timeouts.socket)?;
                    return Err(self.other(kind, &body).into());
                }
                Step::Fragment(fragment) => self.add(fragment, &mut batch)?,
            }
        }
        Ok(batch)
    }

    fn wait_for_data(&mut self) -> Result<(), AssociationError> {
        self.wire.inbox.grow();
        let Timeouts { socket, data_set, .. } = self.wire.timeouts;
        let own = data_set.filter(|own| socket.is_none_or(|socket| *own < socket));
        match self.wire.fill(own.or(socket)) {
            Err(AssociationError::Link(LinkError::Timeout)) if own.is_some() => Err(AssociationError::DataSetTimeout),
            other => other,
        }
    }

    fn add(&mut self, fragment: Fragment, batch: &mut Batch) -> Result<(), DataError> {
        if fragment.command {
            return Err(DataError::Command);
        }
        if fragment.context != batch.context {
            return Err(DataError::Context { expected: batch.context, got: fragment.context });
        }
        batch.pdvs += usize::from(fragment.ends_pdv);
        batch.last = fragment.ends_message;
        if fragment.payload.is_empty() {
            return Ok(());
        }
        let joined = match self.ranges.last_mut() {
            Some(before) => self.wire.inbox.join(before, &fragment.payload),
            None => false,
        };
        if !joined {
            self.ranges.push(fragment.payload);
        }
        Ok(())
    }

    /// The bytes of the last batch, in order, until the next call that reads.
    pub fn payload(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.ranges.iter().map(|range| self.wire.inbox.bytes(range.clone()))
    }

    /// A PDU other than P-DATA-TF during data transfer (the column of Sta6 in PS3.8 table 9-10).
    fn other(&mut self, kind: PduType, body: &[u8]) -> AssociationError {
        match self.wire.received(kind, body) {
            Err(e) => e,
            Ok(()) if kind == PduType::ReleaseRq => AssociationError::PeerReleased,
            Ok(()) => AssociationError::PeerAborted(read::abort(body)),
        }
    }

    /// Queues a command set, cut to what the peer takes; see [`Association::try_flush`] and [`Association::flush`].
    ///
    /// # Errors
    /// When the peer has announced that it takes nothing at all.
    pub fn queue_command(&mut self, context: u8, command: &[u8]) -> Result<(), AssociationError> {
        self.queue_message(context, true, command)
    }

    /// Queues a small data set behind its command: many such messages can be sent in one system call.
    ///
    /// # Errors
    /// As [`Association::queue_command`].
    pub fn queue_data_set(&mut self, context: u8, data_set: &[u8]) -> Result<(), AssociationError> {
        self.queue_message(context, false, data_set)
    }

    fn queue_message(&mut self, context: u8, command: bool, bytes: &[u8]) -> Result<(), AssociationError> {
        let longest = self.send.payload.ok_or(AssociationError::PeerTakesNothing)? as usize;
        let mut rest = bytes;
        loop {
            let (part, more) = rest.split_at(rest.len().min(longest));
            let head = pdv_headers(context, command, more.is_empty(), part.len() as u32);
            self.wire.queue(&[&head, part]);
            rest = more;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Bytes that are queued.
    pub fn queued(&self) -> usize {
        self.wire.unsent()
    }

    /// Forgets messages that are queued. Only where none of them has been flushed in part, see
    /// [`Association::try_flush`].
    pub fn forget_queued(&mut self) {
        self.wire.forget_unsent();
    }

    /// Begins to send a data set of so many bytes, if that is known, behind what is queued.
    ///
    /// # Errors
    /// When the peer has announced that it takes nothing at all.
    pub fn send_data_set(&mut self, context: u8, length: Option<u64>) -> Result<Outgoing<'_>, AssociationError> {
        let longest = self.send.payload.ok_or(AssociationError::PeerTakesNothing)? as usize;
        Ok(Outgoing::new(&mut self.wire, context, longest, length))
    }

    /// Sends what the kernel takes without waiting; `true` when nothing is left.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn try_flush(&mut self) -> Result<bool, AssociationError> {
        self.wire.try_flush()
    }

    /// Sends what is queued, waiting as long as the socket time-out allows.
    ///
    /// # Errors
    /// When the connection is gone or the peer does not read.
    pub fn flush(&mut self) -> Result<(), AssociationError> {
        self.wire.flush()
    }

    /// Releases (PS3.8 7.2): asks the peer and waits for its answer, as long as the ACSE time-out allows for all of it.
    /// Messages that still come are dropped; a peer that asks at the same time is answered first (PS3.8 7.2.2.7).
    ///
    /// # Errors
    /// When the peer does not confirm. The association has ended all the same; where the peer is there it has been aborted.
    pub fn release(mut self) -> Result<(), AssociationError> {
        let released = self.ask_for_release();
        if let Err(e) = &released {
            self.wire.end_with(e);
        }
        released
    }

    fn ask_for_release(&mut self) -> Result<(), AssociationError> {
        let wire = &mut self.wire;
        let end = Instant::now().checked_add(wire.timeouts.acse);
        // From Sta6 there is a way.
        _ = wire.happens(Event::ReleaseRequest);
        wire.queue(&[&write::release_rq()]);
        wire.flush()?;
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(AssociationError::Link(LinkError::Timeout));
            }
            let Unit::Pdu(kind, body) = wire.next(left)? else { continue };
            wire.received(kind, &body)?;
            match kind {
                PduType::ReleaseRp => return Ok(()),
                PduType::ReleaseRq => {
                    _ = wire.happens(Event::ReleaseResponse);
                    wire.queue(&[&write::release_rp()]);
                    wire.flush()?;
                }
                _ => return Err(AssociationError::PeerAborted(read::abort(&body))),
            }
        }
    }

    /// Answers the peer's release request and waits a moment for it to close (PS3.8 7.2, action AR-4).
    pub fn acknowledge_release(self) {
        self.wire.end(&write::release_rp());
    }

    /// Aborts (PS3.8 7.3): source 0 is the service user, us.
    pub fn abort(self, abort: Abort) {
        self.wire.end(&write::abort(abort));
    }

    /// Ends the association after an error: with an A-ABORT where the peer can still be told.
    pub fn end_with(self, error: &AssociationError) {
        self.wire.end_with(error);
    }

    /// How long the peer may be silent, for the log.
    pub fn socket_timeout(&self) -> Option<Duration> {
        self.wire.timeouts.socket
    }
}
