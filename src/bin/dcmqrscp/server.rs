//! One association from its first byte to its last: receive, decide, serve, end.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pacs_core::archive::config::{self, AreaRow, Caller, Peers};
use pacs_core::archive::{Archive, Area, AreaError, DCMTK_INDEX};
use pacs_core::association::accept::{self, Acceptance, Cause};
use pacs_core::association::{Association, AssociationError, Parties, Proposal, Timeouts, dump as parameters};
use pacs_core::dimse::command::{CEchoRq, CStoreRq, Kind, Message, Request};
use pacs_core::dimse::dump::{self, Direction};
use pacs_core::dimse::{self, Call, DimseError};
use pacs_core::net::listen::{Serve, Stop};
use pacs_core::net::resolve::{Resolver, short_name};
use pacs_core::net::{Link, LinkError, SocketOptions};
use pacs_core::pdu::{Abort, AssociateRj};
use pacs_core::service::c_store::{StoreError, Trouble};
use pacs_core::service::{c_echo, c_store};
use pacs_tools::log::{self, Progress};
use tracing::{Level, debug, enabled, error, info, warn};

use crate::admit::{Decision, Remarks, Rules, Why};
use crate::crowd::{Crowd, Seat};
use crate::store::{Manner, Reception};
use crate::{Profiles, options};

/// The logger of DCMTK's server.
const TARGET: &str = "dcmtk.dcmqrdb";

/// How long a decision about a caller waits for its host's name.
const PATIENCE_FOR_ADMISSION: Duration = Duration::from_secs(5);

/// How long a log does.
const PATIENCE_FOR_NAMES: Duration = Duration::from_millis(200);

/// How long a peer that is turned away may take to send its request.
const TURN_AWAY: Duration = Duration::from_secs(1);

/// A-ASSOCIATE-RJ: transient, from the service provider, local limit exceeded (PS3.8 9.3.4).
const LIMIT_EXCEEDED: AssociateRj = AssociateRj { result: 2, source: 3, reason: 2 };

/// What a reload may change.
#[derive(Debug)]
pub(crate) struct Site {
    /// The configuration file.
    pub(crate) config: config::Config,
    /// Who and what is admitted.
    pub(crate) rules: Rules,
}

/// All that serving takes.
#[derive(Debug)]
pub(crate) struct Server {
    /// What a reload may change.
    pub(crate) site: RwLock<Arc<Site>>,
    /// The storage areas.
    pub(crate) archive: Archive,
    /// How objects are written.
    pub(crate) manner: Manner,
    /// Limits on waiting.
    pub(crate) timeouts: Timeouts,
    /// A peer may be silent for so long between messages.
    pub(crate) idle: Option<Duration>,
    /// What every socket gets.
    pub(crate) socket: SocketOptions,
    /// Names of peers are not looked up.
    pub(crate) addresses_only: bool,
    /// Names of peers.
    pub(crate) names: Resolver,
    /// Dots.
    pub(crate) progress: Progress,
    /// Who is being served.
    pub(crate) crowd: Arc<Crowd>,
    /// Ends accepting.
    pub(crate) stop: Arc<Stop>,
    /// It is being ended.
    pub(crate) ending: AtomicBool,
    /// What was typed.
    pub(crate) options: options::Config,
    /// Negotiation profiles.
    pub(crate) profiles: Profiles,
}

/// An association and what it is for.
#[derive(Debug)]
pub(crate) struct Session {
    association: Box<Association>,
    area: AreaRow,
    seat: Seat,
}

impl Serve for Server {
    type Session = Session;

    fn establish(&self, stream: TcpStream) -> Option<Session> {
        // A socket that is gone already has nobody to tell.
        let link = Link::new(stream, self.socket).ok()?;
        let site = self.site();
        self.greet(&link);
        match Proposal::receive(link, site.rules.max_pdu(), self.timeouts) {
            Ok(proposal) => self.answer(&site, proposal),
            Err(failure) => {
                info!(target: TARGET, "Failed to receive association: {}", failure.error);
                failure.end();
                None
            }
        }
    }

    fn serve(&self, session: Session) {
        self.serve_session(session);
    }

    fn turn_away(&self, stream: TcpStream) {
        let Ok(link) = Link::new(stream, self.socket) else { return };
        warn!(target: TARGET, "turning {} away: this machine allows no more associations", link.peer_ip());
        let timeouts = Timeouts { acse: TURN_AWAY, socket: Some(TURN_AWAY), data_set: None };
        match Proposal::receive(link, self.site().rules.max_pdu(), timeouts) {
            Ok(proposal) => proposal.reject(LIMIT_EXCEEDED),
            Err(failure) => failure.end(),
        }
    }

    fn waiting(&self) {}
}

impl Server {
    /// What is in force at the moment.
    pub(crate) fn site(&self) -> Arc<Site> {
        Arc::clone(&self.site.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another configuration in force, for associations from now on.
    pub(crate) fn replace_site(&self, site: Site) {
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(site);
    }

    fn greet(&self, link: &Link) {
        if !enabled!(target: "dcmtk.dcmnet", Level::DEBUG) {
            return;
        }
        debug!(target: "dcmtk.dcmnet", "Association Received: {}", self.host_name(link.peer_ip(), PATIENCE_FOR_NAMES));
        if let Some(limit) = self.timeouts.socket {
            debug!(target: "dcmtk.dcmnet", "setting network send timeout to {} seconds", limit.as_secs());
            debug!(target: "dcmtk.dcmnet", "setting network receive timeout to {} seconds", limit.as_secs());
        }
    }

    fn host_name(&self, address: std::net::IpAddr, patience: Duration) -> String {
        if self.addresses_only { address.to_string() } else { self.names.name_of(address, patience) }
    }

    /// Decides on a proposal and answers it.
    fn answer(&self, site: &Site, proposal: Box<Proposal>) -> Option<Session> {
        let rq = &proposal.request;
        let (calling, called) = (rq.calling.text(), rq.called.text());
        let address = proposal.address();
        // Only a list of peers needs the name; the log can do without.
        let listed = site.config.area(&rq.called.0).is_some_and(|row| row.peers != Peers::Any);
        let host = self.host_name(address, if listed { PATIENCE_FOR_ADMISSION } else { PATIENCE_FOR_NAMES });
        let names = if host.parse::<std::net::IpAddr>().is_ok() { Vec::new() } else { vec![host.clone()] };
        let caller = Caller { title: &rq.calling.0, names: &names, address };
        let load = self.crowd.load(called.trim_end_matches([' ', '\0']).as_bytes());
        let (calling, called) = (log::clean(&calling).into_owned(), log::clean(&called).into_owned());
        let host = short_name(&host).to_owned();
        match site.rules.decide(rq, &caller, &site.config, load) {
            Decision::Accept(acceptance, row, remarks) => {
                self.say_received(&proposal, &host, &calling, &called, site);
                self.accept(proposal, acceptance, row.clone(), remarks)
            }
            Decision::Reject(rj, why) => {
                if !matches!(&why, Why::Cause(cause) if !cause.after_reception()) {
                    self.say_received(&proposal, &host, &calling, &called, site);
                }
                say_refused(&why, &host, &calling, &called);
                proposal.reject(rj);
                None
            }
            Decision::Abort(abort, cause) => {
                say_cause(&cause);
                proposal.abort(abort);
                None
            }
            Decision::ShutDown(rj) => {
                self.say_received(&proposal, &host, &calling, &called, site);
                info!(target: TARGET, "Shutting down server ... (negotiated private \"shut down\" SOP class)");
                info!(target: TARGET, "Refusing Association (NoReason)");
                proposal.reject(rj);
                self.stop.tell();
                None
            }
        }
    }

    fn say_received(&self, proposal: &Proposal, host: &str, calling: &str, called: &str, site: &Site) {
        info!(target: TARGET, "Association Received ({host}:{calling} -> {called})");
        if enabled!(target: TARGET, Level::DEBUG) {
            let ours = accept::announced_max_pdu(site.rules.max_pdu()).0;
            debug!(target: TARGET, "Parameters:\n{}", parameters::received_request(&proposal.request, ours));
        }
    }

    fn accept(
        &self,
        proposal: Box<Proposal>,
        acceptance: Box<Acceptance>,
        area: AreaRow,
        remarks: Remarks,
    ) -> Option<Session> {
        for _ in 0..remarks.move_without_find {
            error!(target: TARGET, "Move Presentation Context but no Find (accepting for now)");
        }
        for warning in &acceptance.warnings {
            warn!(target: "dcmtk.dcmnet", "{warning}");
        }
        let none = !acceptance.contexts.iter().any(|context| context.is_accepted());
        let max = proposal.request.user.max_length.unwrap_or_default();
        let dumped = enabled!(target: TARGET, Level::DEBUG)
            .then(|| parameters::sent_acceptance(&proposal.request, &acceptance.ac, &acceptance.contexts));
        let association = match proposal.accept(acceptance) {
            Ok(association) => association,
            Err(e) => {
                error!(target: TARGET, "{e}");
                return None;
            }
        };
        // DCMTK: less what stands before a PDV; no maximum at all counts as its own largest.
        let pdv = if max == 0 { 131_072 - 12 } else { i64::from(max) - 12 };
        info!(target: TARGET, "Association Acknowledged (Max Send PDV: {pdv})");
        if none {
            info!(target: TARGET, "    (but no valid presentation contexts)");
        }
        if let Some(dumped) = dumped {
            debug!(target: TARGET, "{dumped}");
        }
        let seat = self.crowd.enter(area.title.clone(), remarks.stores, association.waker());
        Some(Session { association, area, seat })
    }

    fn serve_session(&self, session: Session) {
        let Session { mut association, area: row, seat } = session;
        let area = match self.archive.area(&row.directory) {
            Ok(area) => area,
            Err(e) => {
                say_unusable(&row, &e);
                return association.abort(Abort { source: 0, reason: 0 });
            }
        };
        let opened = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as u32);
        let reception =
            Reception { area: &area, quota: row.quota, manner: &self.manner, progress: &self.progress, opened };
        loop {
            seat.is_busy(false);
            if self.ending.load(Ordering::SeqCst) {
                return association.abort(Abort { source: 0, reason: 0 });
            }
            let served = match dimse::next_within(&mut association, self.idle) {
                Err(e) => Err(StoreError::Dimse(e)),
                Ok((message, call)) => {
                    seat.is_busy(true);
                    self.dispatch(&message, call, &area, &reception)
                }
            };
            seat.is_busy(true);
            if let Err(e) = served {
                return self.end(*association, &e, &seat);
            }
        }
    }

    /// The services. Beside [`crate::admit::Rules`]'s classes this is all that is served: whatever else comes is not expected
    /// here.
    fn dispatch(
        &self,
        message: &Message,
        call: Call<'_>,
        _area: &Arc<Area>,
        reception: &Reception<'_>,
    ) -> Result<(), StoreError> {
        match &message.kind {
            Kind::Request(Request::Echo(request)) => {
                say_echo(message, request);
                c_echo::serve(call, request).map_err(|e| {
                    error!(target: TARGET, "echoSCP: Echo Response Failed: {e}");
                    StoreError::Dimse(e)
                })
            }
            Kind::Request(Request::Store(request)) => {
                say_store(message, request);
                c_store::serve(call, request, &Trouble::default(), reception)
            }
            Kind::Request(Request::Cancel(_)) => {
                info!(target: TARGET, "dispatch: late C-CANCEL-RQ, ignoring");
                Ok(())
            }
            Kind::Request(Request::Find(_) | Request::Get(_) | Request::Move(_) | Request::Unknown { .. })
            | Kind::Response(_) => {
                let field = match &message.kind {
                    Kind::Request(request) => request.field(),
                    Kind::Response(response) => response.field,
                };
                error!(target: TARGET, "Cannot handle command: 0x{field:x}");
                Err(StoreError::Dimse(DimseError::BadCommand(field)))
            }
        }
    }

    fn end(&self, association: Association, e: &StoreError, seat: &Seat) {
        let e = match e {
            StoreError::Forced(_) => return association.abort(Abort { source: 0, reason: 0 }),
            StoreError::Refused(_) => {
                error!(
                    target: TARGET,
                    "DIMSE Failure (aborting association): 0006:020d DIMSE Failed to receive message\n{}",
                    peer(association.parties())
                );
                return association.abort(Abort { source: 0, reason: 0 });
            }
            StoreError::Dimse(e) => e,
        };
        // The peer may take its time to go.
        _ = seat;
        match e.association() {
            Some(AssociationError::PeerReleased) => {
                info!(target: TARGET, "Association Release");
                association.acknowledge_release();
            }
            Some(AssociationError::PeerClosed) if self.ending.load(Ordering::SeqCst) => {
                info!(target: TARGET, "Aborting Association (the server ends)");
                association.abort(Abort { source: 0, reason: 0 });
            }
            Some(AssociationError::PeerAborted(_) | AssociationError::PeerClosed) => {
                info!(target: TARGET, "Association Aborted");
            }
            Some(AssociationError::Link(LinkError::Timeout)) if self.idle.is_some() => {
                info!(
                    target: TARGET,
                    "Association Aborted\nNothing came from {} for {} seconds; --idle-timeout sets this limit.",
                    association.parties().address,
                    self.idle.unwrap_or_default().as_secs()
                );
                e.end(association);
            }
            _ => {
                error!(target: TARGET, "DIMSE Failure (aborting association): {e}\n{}", peer(association.parties()));
                e.end(association);
            }
        }
    }
}

/// DCMTK's lines for a refusal, and what helps.
fn say_refused(why: &Why, host: &str, calling: &str, called: &str) {
    let mut cure = String::new();
    match why {
        Why::Cause(Cause::Refused) => info!(target: TARGET, "Refusing Association (forced via command line)"),
        Why::Cause(Cause::BadApplicationContext(name)) => {
            info!(target: TARGET, "Bad AppContextName: {}", log::clean(name));
        }
        Why::Cause(Cause::NoImplementationClass) => info!(target: TARGET, "No implementation Class UID provided"),
        Why::Cause(cause) => say_cause(cause),
        Why::Config(refusal) => {
            debug!(
                target: TARGET,
                "Peer {host}:{calling} is not not permitted to access {called} (see configuration file)"
            );
            cure = format!("\nIn the configuration {refusal}.\n{}", configuration_line(refusal, host, calling, called));
        }
        Why::BlankCalled => cure = "\nThe peer calls no title: configure the called AE title there.".to_owned(),
        Why::TooMany(limit) => {
            cure = format!("\n{limit} associations are served already: MaxAssociations in the configuration is the limit.");
        }
    }
    if let Why::Cause(cause) = why
        && !cause.cure().is_empty()
    {
        cure = format!("\n{}", cause.cure());
    }
    info!(target: TARGET, "Refusing Association ({}){cure}", why.word());
}

/// What to write where.
fn configuration_line(refusal: &config::Refusal, host: &str, calling: &str, called: &str) -> String {
    match refusal {
        config::Refusal::UnknownTitle { .. } => {
            format!("To serve it add to the AETable: {called} FOLDER RW (200, 1024mb) ANY")
        }
        config::Refusal::UnknownCaller { .. } | config::Refusal::WrongHost { .. } => {
            format!("To let it in add to the peers of {called} in the AETable: ({calling}, {host}, PORT)")
        }
    }
}

fn say_cause(cause: &Cause) {
    let line = match cause.cure() {
        cure if cure.is_empty() => cause.to_string(),
        cure => log::with_cure(cause, cure),
    };
    if cause.level() == Level::ERROR {
        error!(target: TARGET, "{line}");
    } else {
        info!(target: TARGET, "{line}");
    }
}

/// DCMTK's three lines about an area that cannot be used.
fn say_unusable(row: &AreaRow, e: &AreaError) {
    error!(target: TARGET, "{}: {e}\n{}", row.directory.join(DCMTK_INDEX).display(), e.cure());
    error!(target: TARGET, "dispatch: cannot create DB Handle");
    error!(target: TARGET, "DIMSE Failure (aborting association): 000c:0001 Index database error");
}

fn say_echo(message: &Message, request: &CEchoRq) {
    info!(target: TARGET, "Received Echo SCP RQ: MsgID {}", request.message_id);
    debug!(target: TARGET, "{}", dump::dump(Direction::Incoming, None, message));
}

fn say_store(message: &Message, _request: &CStoreRq) {
    if enabled!(target: TARGET, Level::INFO) {
        info!(target: TARGET, "Received Store SCP:\n{}", dump::dump(Direction::Incoming, None, message));
    }
}

/// The peer, for the further lines of a record: never with a character that could steer a terminal.
fn peer(parties: &Parties) -> String {
    format!("peer {} with the calling AE title {:?}", parties.address, log::clean(&parties.calling.text()))
}
