//! One association from its first byte to its last: receive, judge, serve, end.

use std::net::TcpStream;
use std::sync::Arc;

use pacs_core::association::accept::{self, Acceptance, Cause, Policy, Verdict};
use pacs_core::association::{Association, AssociationError, Proposal, dump as parameters};
use pacs_core::dimse::command::{CStoreRq, Kind, Message, Request};
use pacs_core::dimse::dump::{self, Direction};
use pacs_core::dimse::{self, Call, DimseError};
use pacs_core::net::LinkError;
use pacs_core::net::listen::Serve;
use pacs_core::pdu::Abort;
use pacs_core::service::c_store::{StoreError, Trouble};
use pacs_core::service::{c_echo, c_store};
use pacs_tools::door::{self, Closed, Door, peer};
use tracing::{Level, debug, enabled, error, info, warn};

use crate::TARGET;
use crate::desk::{Desk, log_prefix};

/// All that serving an association takes.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Which associations and presentation contexts are accepted.
    pub(crate) policy: Policy,
    /// Whom it lets in, and how.
    pub(crate) door: Door,
    /// A thread for each association was asked for, so the log tells which.
    pub(crate) forked: bool,
    /// Show association parameters at the info level.
    pub(crate) verbose_parameters: bool,
    /// Trouble on request.
    pub(crate) trouble: Trouble,
    /// Where objects go.
    pub(crate) desk: Arc<Desk>,
    /// The most associations at a time, for the log.
    pub(crate) limit: usize,
}

impl Serve for Receiver {
    type Session = Box<Association>;

    fn establish(&self, stream: TcpStream) -> Option<Box<Association>> {
        let link = match self.door.enter(stream) {
            Ok(link) => link,
            Err(Closed::Gone) => return None,
            Err(Closed::Denied(refusal)) => {
                error!(target: TARGET, "Receiving Association failed: {refusal}");
                return None;
            }
            Err(Closed::Failed(e)) => {
                self.say_failed(&e);
                return None;
            }
        };
        match Proposal::receive(link, self.policy.max_pdu, self.door.timeouts()) {
            Ok(proposal) => self.answer(proposal),
            Err(failure) => {
                self.say_failed(&failure.error);
                failure.end();
                None
            }
        }
    }

    fn serve(&self, association: Box<Association>) {
        self.serve_association(association);
    }

    fn turn_away(&self, stream: TcpStream) {
        self.door.turn_away(stream, self.policy.max_pdu, |address| {
            warn!(
                target: TARGET,
                "turning {address} away: there are {} associations already; the peer may try again later",
                self.limit
            );
        });
    }

    fn waiting(&self) {
        info!(target: TARGET, "Maximum number of associations reached, waiting for child process to terminate");
    }
}

impl Receiver {
    fn say_received(&self) {
        if self.forked {
            let pid = rustix::thread::gettid().as_raw_nonzero();
            info!(target: TARGET, "Association Received in child process (pid: {pid})");
        } else {
            info!(target: TARGET, "Association Received");
        }
    }

    /// No proposal came. What DCMTK calls a received association though it is none keeps that line.
    fn say_failed(&self, error: &AssociationError) {
        let cure = match error {
            AssociationError::PeerClosed | AssociationError::PeerAborted(_) => {
                self.say_received();
                debug!(target: TARGET, "the peer went away before it asked for anything");
                return;
            }
            AssociationError::UnexpectedPdu { pdu, .. } => {
                self.say_received();
                info!(target: TARGET, "aborting: the first PDU was {pdu:?}, not an A-ASSOCIATE-RQ");
                return;
            }
            AssociationError::TooLarge(length) => {
                error!(target: "dcmtk.dcmnet", "A-ASSOCIATE PDU too large: {length} bytes, refusing.");
                String::new()
            }
            AssociationError::Link(LinkError::Timeout) => {
                "\nThe peer connected but sent no whole A-ASSOCIATE-RQ within --acse-timeout.".to_owned()
            }
            other => door::cure(other),
        };
        error!(target: TARGET, "Receiving Association failed: {error}{cure}");
    }

    /// Judges the proposal and answers it.
    fn answer(&self, proposal: Box<Proposal>) -> Option<Box<Association>> {
        let verdict = accept::judge(&proposal.request, &self.policy);
        if let Verdict::Accept(_) = verdict {
            self.say_proposed(&proposal);
        }
        match verdict {
            Verdict::Accept(acceptance) => self.accept(proposal, acceptance),
            Verdict::Reject { rj, cause } => {
                self.say_refused(&proposal, &cause);
                proposal.reject(rj);
                None
            }
            Verdict::Abort { abort, cause } => {
                self.say_refused(&proposal, &cause);
                proposal.abort(abort);
                None
            }
        }
    }

    fn accept(&self, proposal: Box<Proposal>, acceptance: Box<Acceptance>) -> Option<Box<Association>> {
        for warning in &acceptance.warnings {
            if warning.level() == Level::ERROR {
                error!(target: "dcmtk.dcmnet", "{warning}");
            } else {
                warn!(target: "dcmtk.dcmnet", "{warning}");
            }
        }
        let shown = self
            .shows_parameters()
            .then(|| parameters::sent_acceptance(&proposal.request, &acceptance.ac, &acceptance.contexts));
        let max_send_pdv = acceptance.send.announced;
        match proposal.accept(acceptance) {
            Ok(association) => {
                info!(target: TARGET, "Association Acknowledged (Max Send PDV: {max_send_pdv})");
                if association.contexts().is_empty() {
                    info!(target: TARGET, "    (but no valid presentation contexts)");
                }
                if let Some(shown) = shown {
                    self.say_parameters(|| shown);
                }
                Some(association)
            }
            Err(e) => {
                error!(target: TARGET, "{e}");
                None
            }
        }
    }

    fn say_proposed(&self, proposal: &Proposal) {
        self.say_received();
        self.say_parameters(|| {
            let ours = accept::announced_max_pdu(self.policy.max_pdu).0;
            format!("Parameters:\n{}", parameters::received_request(&proposal.request, ours))
        });
    }

    /// DCMTK's line for a refusal at its level, and what helps.
    fn say_refused(&self, proposal: &Proposal, cause: &Cause) {
        if cause.after_reception() {
            self.say_proposed(proposal);
        }
        let line = door::cause_line(cause);
        if cause.level() == Level::ERROR {
            error!(target: TARGET, "{line}");
        } else {
            info!(target: TARGET, "{line}");
        }
    }

    fn shows_parameters(&self) -> bool {
        self.verbose_parameters || enabled!(target: TARGET, Level::DEBUG)
    }

    fn say_parameters(&self, text: impl FnOnce() -> String) {
        if self.verbose_parameters {
            info!(target: TARGET, "{}", text());
        } else if self.shows_parameters() {
            debug!(target: TARGET, "{}", text());
        }
    }

    /// Serves calls until the association ends. Beside [`pacs_core::association::accept`]'s classes this is all that is
    /// served: whatever else comes is not expected here.
    fn serve_association(&self, mut association: Box<Association>) {
        let visit = self.desk.visit(association.parties());
        loop {
            let served = match dimse::next(&mut association) {
                Err(e) => Err(StoreError::Dimse(e)),
                Ok((message, call)) => match &message.kind {
                    Kind::Request(Request::Echo(request)) => {
                        visit.touch();
                        self.say_echo(&message, request.message_id, call.context);
                        c_echo::serve(call, request).map_err(StoreError::Dimse)
                    }
                    Kind::Request(Request::Store(request)) => {
                        self.say_store(&message, request, call.context);
                        c_store::serve(call, request, &self.trouble, &visit)
                    }
                    Kind::Request(
                        Request::Find(_)
                        | Request::Get(_)
                        | Request::Move(_)
                        | Request::Cancel(_)
                        | Request::Unknown { .. },
                    )
                    | Kind::Response(_) => Err(StoreError::Dimse(unexpected(&message, call))),
                },
            };
            if let Err(e) = served {
                // The peer may take its time to go.
                drop(visit);
                return self.end(*association, &e);
            }
        }
    }

    fn end(&self, association: Association, e: &StoreError) {
        let e = match e {
            StoreError::Forced(_) => return association.abort(Abort { source: 0, reason: 0 }),
            StoreError::Refused(_) => {
                error!(
                    target: TARGET,
                    "DIMSE failure (aborting association): 0006:020d DIMSE Failed to receive message\n{}",
                    peer(association.parties())
                );
                return association.abort(Abort { source: 0, reason: 0 });
            }
            StoreError::Dimse(e) => e,
        };
        match e.association() {
            Some(AssociationError::PeerReleased) => {
                info!(target: TARGET, "Association Release");
                association.acknowledge_release();
            }
            Some(AssociationError::PeerAborted(_) | AssociationError::PeerClosed) => {
                info!(target: TARGET, "Association Aborted");
            }
            Some(AssociationError::Link(LinkError::Timeout)) => {
                let limit = association.socket_timeout().unwrap_or_default().as_secs();
                info!(
                    target: TARGET,
                    "Association Aborted\nNo whole PDU came from {} for {limit} seconds; --socket-timeout sets this limit.",
                    association.parties().address
                );
                e.end(association);
            }
            _ => {
                error!(target: TARGET, "DIMSE failure (aborting association): {e}\n{}", peer(association.parties()));
                e.end(association);
            }
        }
    }

    fn say_echo(&self, message: &Message, id: u16, context: u8) {
        if enabled!(target: TARGET, Level::DEBUG) {
            info!(target: TARGET, "Received Echo Request");
            debug!(target: TARGET, "{}", dump::dump(Direction::Incoming, Some(context), message));
        } else {
            info!(target: TARGET, "Received Echo Request (MsgID {id})");
        }
    }

    fn say_store(&self, message: &Message, request: &CStoreRq, context: u8) {
        if enabled!(target: TARGET, Level::DEBUG) {
            info!(target: TARGET, "Received Store Request");
            debug!(target: TARGET, "{}", dump::dump(Direction::Incoming, Some(context), message));
        } else {
            let prefix = log_prefix(&request.sop_class);
            info!(target: TARGET, "Received Store Request (MsgID {}, {prefix})", request.message_id);
        }
    }
}

/// A message that this program does not serve ends the association, as with DCMTK.
fn unexpected(message: &Message, call: Call<'_>) -> DimseError {
    let field = match &message.kind {
        Kind::Request(request) => request.field(),
        Kind::Response(response) => response.field,
    };
    let parties = call.association().parties();
    error!(
        target: TARGET,
        "Expected C-ECHO or C-STORE request but received DIMSE command 0x{field:04x}\n\
         A storage receiver does not have the service that the {} asks for.",
        peer(parties)
    );
    DimseError::BadCommand(field)
}
