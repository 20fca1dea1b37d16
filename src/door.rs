//! Where peers come in: a connection is looked at, and made a link that an association can be received on. What the two
//! programs that listen do alike before and beside that.

use std::net::{IpAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use pacs_core::association::accept::Cause;
use pacs_core::association::{AssociationError, Parties, Proposal, Timeouts};
use pacs_core::net::access::Rules;
use pacs_core::net::resolve::Resolver;
use pacs_core::net::tls::Acceptor;
use pacs_core::net::{Link, LinkError, SocketOptions};
use pacs_core::pdu::AssociateRj;
use tracing::{Level, debug, enabled};

use crate::options::network::Network;
use crate::{access, log, tls};

/// How long a peer that is turned away may take to send its request.
const TURN_AWAY: Duration = Duration::from_secs(1);

/// How long a log waits for a peer's name.
pub const PATIENCE_FOR_NAMES: Duration = Duration::from_millis(200);

/// Whom a program lets in, and how.
#[derive(Debug)]
pub struct Door {
    /// The program, as the rules of the machine name it.
    daemon: &'static str,
    /// Whom these rules let in; none: everybody.
    access: Option<Rules>,
    /// What comes between the sockets and the associations; none: nothing.
    tls: Option<Acceptor>,
    /// What every socket gets.
    socket: SocketOptions,
    /// Limits on waiting.
    timeouts: Timeouts,
    /// Names of peers.
    names: Arc<Resolver>,
    /// They are not looked up.
    addresses_only: bool,
}

/// Why a connection leads nowhere.
#[derive(Debug)]
pub enum Closed {
    /// It is gone already, and there is nobody to tell.
    Gone,
    /// The rules of the machine keep the peer out: DCMTK's condition.
    Denied(String),
    /// It did not come to terms.
    Failed(AssociationError),
}

impl Door {
    /// A door as the options want it, and the environment.
    pub fn new(daemon: &'static str, options: &Network, tls: Option<Acceptor>, names: Arc<Resolver>) -> Self {
        Self {
            daemon,
            access: access::rules(options),
            tls,
            socket: SocketOptions::from_environment(|name| std::env::var(name).ok()),
            timeouts: options.timeouts(),
            names,
            addresses_only: options.disable_host_lookup,
        }
    }

    /// Limits on waiting.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// What every socket gets.
    pub fn socket(&self) -> SocketOptions {
        self.socket
    }

    /// A peer's name, if it is looked up and known within `patience`; else its address in digits.
    pub fn host_name(&self, address: IpAddr, patience: Duration) -> String {
        if self.addresses_only { address.to_string() } else { self.names.name_of(address, patience) }
    }

    /// Makes a connection a link, over TLS where that is wanted.
    ///
    /// # Errors
    /// See [`Closed`]; the connection is closed.
    pub fn enter(&self, stream: TcpStream) -> Result<Link, Closed> {
        let link = Link::new(stream, self.socket).map_err(|_| Closed::Gone)?;
        if let Some(refusal) = self.refusal(&link) {
            return Err(Closed::Denied(refusal));
        }
        self.greet(&link);
        tls::accept(self.tls.as_ref(), link, self.timeouts.acse).map_err(|e| Closed::Failed(e.into()))
    }

    /// Tells a peer that there is no room for it now; `say` is for the log.
    pub fn turn_away(&self, stream: TcpStream, max_pdu: u32, say: impl FnOnce(IpAddr)) {
        let Ok(link) = Link::new(stream, self.socket) else { return };
        if self.refusal(&link).is_some() {
            return;
        }
        say(link.peer_ip());
        let timeouts = Timeouts { acse: TURN_AWAY, socket: Some(TURN_AWAY), data_set: None };
        let Ok(link) = tls::accept(self.tls.as_ref(), link, TURN_AWAY) else { return };
        match Proposal::receive(link, max_pdu, timeouts) {
            Ok(proposal) => proposal.reject(AssociateRj::LIMIT_EXCEEDED),
            Err(failure) => failure.end(),
        }
    }

    fn refusal(&self, link: &Link) -> Option<String> {
        let names = (!self.addresses_only).then_some(&*self.names);
        access::refusal(self.access.as_ref(), self.daemon, link.peer_ip(), names)
    }

    fn greet(&self, link: &Link) {
        if !enabled!(target: "dcmtk.dcmnet", Level::DEBUG) {
            return;
        }
        let name = self.host_name(link.peer_ip(), PATIENCE_FOR_NAMES);
        debug!(target: "dcmtk.dcmnet", "Association Received: {name}");
        if let Some(limit) = self.timeouts.socket {
            debug!(target: "dcmtk.dcmnet", "setting network send timeout to {} seconds", limit.as_secs());
            debug!(target: "dcmtk.dcmnet", "setting network receive timeout to {} seconds", limit.as_secs());
        }
    }
}

/// What a peer seems to speak that did not ask for an association, as a further line of the record; empty where the error
/// says it all.
pub fn cure(error: &AssociationError) -> String {
    match error {
        AssociationError::Link(LinkError::Layer(failure)) => format!("\n{}", failure.cure),
        AssociationError::UnknownPdu(0x16) => {
            "\nThe peer speaks TLS, this port does not: start the peer without TLS, or this program with --enable-tls."
                .to_owned()
        }
        AssociationError::UnknownPdu(b'A'..=b'Z') => {
            "\nThis looks like HTTP or another text protocol; DICOM is spoken on this port.".to_owned()
        }
        _ => String::new(),
    }
}

/// DCMTK's line for a request that is not accepted, and what helps.
pub fn cause_line(cause: &Cause) -> String {
    match cause.cure() {
        cure if cure.is_empty() => cause.to_string(),
        cure => log::with_cure(cause, cure),
    }
}

/// The peer, for the further lines of a record: never with a character that could steer a terminal.
pub fn peer(parties: &Parties) -> String {
    format!("peer {} with the calling AE title {:?}", parties.address, log::clean(&parties.calling.text()))
}
