//! One association from its first byte to its last: receive, decide, serve, end.

use std::cell::RefCell;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pacs_core::archive::config::{self, AreaRow, Caller, Peers};
use pacs_core::archive::query::Rules as QueryRules;
use pacs_core::archive::{Archive, Area, AreaError, DCMTK_INDEX};
use pacs_core::association::accept::{self, Acceptance, Cause};
use pacs_core::association::{Association, AssociationError, Parties, Proposal, dump as parameters};
use pacs_core::dataset::charset::{CharacterSets, Loss, ResponseSets};
use pacs_core::dimse::command::{CEchoRq, Kind, Message, Request};
use pacs_core::dimse::dump::{self, Direction};
use pacs_core::dimse::{self, Call, DimseError};
use pacs_core::net::LinkError;
use pacs_core::net::listen::{Serve, Stop};
use pacs_core::net::resolve::short_name;
use pacs_core::pdu::{Abort, AeTitle, AssociateAc};
use pacs_core::service::c_store::{StoreError, Trouble};
use pacs_core::service::{CallError, c_echo, c_find, c_get, c_move, c_store};
use pacs_tools::door::{self, Closed, Door, PATIENCE_FOR_NAMES, peer};
use pacs_tools::log::{self, Progress};
use tracing::{Level, debug, enabled, error, info, warn};

use crate::admit::{Decision, Remarks, Rules, Why};
use crate::crowd::{Crowd, Seat};
use crate::query::Asking;
use crate::retrieve::{Fetching, Sending};
use crate::store::{Manner, Reception};
use crate::{Profiles, options};

/// The logger of DCMTK's server.
const TARGET: &str = "dcmtk.dcmqrdb";

/// How long a decision about a caller waits for its host's name.
const PATIENCE_FOR_ADMISSION: Duration = Duration::from_secs(5);

/// What a reload may change.
#[derive(Debug)]
pub(crate) struct Site {
    /// The configuration file.
    pub(crate) config: config::Config,
    /// Who and what is admitted.
    pub(crate) rules: Rules,
    /// Character sets of responses.
    pub(crate) sets: ResponseSets,
}

impl Site {
    /// What a configuration means with these options.
    pub(crate) fn new(options: &options::Config, config: config::Config, profiles: &Profiles) -> Self {
        let rules = Rules::new(options, &config, profiles.incoming.clone());
        let sets = sets(&options.charset, &config.charset);
        Self { config, rules, sets }
    }
}

/// The character sets of responses: as the configuration says, unless the options say otherwise.
fn sets(options: &options::Charset, config: &config::Charset) -> ResponseSets {
    let set = options.set.as_ref().map_or_else(|| config.set.as_bytes(), |set| set.as_bytes());
    ResponseSets {
        configured: CharacterSets::parse(set),
        overriding: options.overrides.unwrap_or(config.override_request),
        fall_back: config.fallback,
        loss: match (options.transliterate || config.transliterate, options.discard || config.discard) {
            (true, _) => Loss::Transliterate,
            (false, true) => Loss::Discard,
            (false, false) => Loss::Refuse,
        },
    }
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
    /// How objects are sent.
    pub(crate) sending: Sending,
    /// Whom it lets in, and how.
    pub(crate) door: Door,
    /// A peer may be silent for so long between messages.
    pub(crate) idle: Option<Duration>,
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
    site: Arc<Site>,
    /// The peer's host, as the configuration would name it.
    host: String,
}

impl Serve for Server {
    type Session = Session;

    fn establish(&self, stream: TcpStream) -> Option<Session> {
        let link = match self.door.enter(stream) {
            Ok(link) => link,
            Err(Closed::Gone) => return None,
            Err(Closed::Denied(refusal)) => {
                info!(target: TARGET, "Failed to receive association: {refusal}");
                return None;
            }
            Err(Closed::Failed(e)) => {
                say_failed(&e);
                return None;
            }
        };
        let site = self.site();
        match Proposal::receive(link, site.rules.max_pdu(), self.door.timeouts()) {
            Ok(proposal) => self.answer(&site, proposal),
            Err(failure) => {
                say_failed(&failure.error);
                failure.end();
                None
            }
        }
    }

    fn serve(&self, session: Session) {
        self.serve_session(session);
    }

    fn turn_away(&self, stream: TcpStream) {
        self.door.turn_away(stream, self.site().rules.max_pdu(), |address| {
            warn!(target: TARGET, "turning {address} away: this machine allows no more associations");
        });
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

    /// Decides on a proposal and answers it.
    fn answer(&self, site: &Arc<Site>, proposal: Box<Proposal>) -> Option<Session> {
        let rq = &proposal.request;
        let (calling, called) = (rq.calling.text(), rq.called.text());
        let address = proposal.address();
        // Only a list of peers needs the name; the log can do without.
        let listed = site.config.area(&rq.called.0).is_some_and(|row| row.peers != Peers::Any);
        let host = self.door.host_name(address, if listed { PATIENCE_FOR_ADMISSION } else { PATIENCE_FOR_NAMES });
        let names = if host.parse::<std::net::IpAddr>().is_ok() { Vec::new() } else { vec![host.clone()] };
        let caller = Caller { title: &rq.calling.0, names: &names, address };
        let door = self.crowd.door();
        let load = self.crowd.load(called.trim_end_matches([' ', '\0']).as_bytes());
        let (calling, called) = (log::clean(&calling).into_owned(), log::clean(&called).into_owned());
        let host = short_name(&host).to_owned();
        let decision = site.rules.decide(rq, &caller, &site.config, load);
        let seat = match &decision {
            Decision::Accept(_, row, remarks) => Some(self.crowd.enter(row.title.clone(), remarks.stores)),
            Decision::Reject(..) | Decision::Abort(..) | Decision::ShutDown(_) => None,
        };
        drop(door);
        match decision {
            Decision::Accept(acceptance, row, remarks) => {
                self.say_received(&proposal, &host, &calling, &called, site);
                let row = row.clone();
                let association = self.accept(proposal, acceptance, remarks)?;
                let seat = seat?;
                seat.is_ended_by(association.waker());
                Some(Session { association, area: row, seat, site: Arc::clone(site), host })
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
        remarks: Remarks,
    ) -> Option<Box<Association>> {
        for _ in 0..remarks.move_without_find {
            error!(target: TARGET, "Move Presentation Context but no Find (accepting for now)");
        }
        for warning in &acceptance.warnings {
            warn!(target: "dcmtk.dcmnet", "{warning}");
        }
        let none = !acceptance.contexts.iter().any(|context| context.is_accepted());
        let max = proposal.request.user.max_length.unwrap_or_default();
        let dumped = enabled!(target: TARGET, Level::DEBUG).then(|| {
            // DCMTK: its archive shows no title here.
            let ac = AssociateAc { called: AeTitle([b' '; 16]), ..acceptance.ac.clone() };
            parameters::sent_acceptance(&proposal.request, &ac, &acceptance.contexts)
        });
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
        Some(association)
    }

    fn serve_session(&self, session: Session) {
        let Session { mut association, area: row, seat, site, host } = session;
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
        let served = Served { server: self, area: &area, row: &row, site: &site, host: &host, reception };
        let mut next_id = 0;
        loop {
            seat.is_busy(false);
            if self.ending.load(Ordering::SeqCst) {
                return association.abort(Abort { source: 0, reason: 0 });
            }
            let served = match dimse::next_within(&mut association, self.idle) {
                Err(e) => Err(StoreError::Dimse(e)),
                Ok((message, call)) => {
                    seat.is_busy(true);
                    served.dispatch(&message, call, &mut next_id)
                }
            };
            seat.is_busy(true);
            if let Err(e) = served {
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
                    "DIMSE Failure (aborting association): 0006:020d DIMSE Failed to receive message\n{}",
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

/// What an association is served with.
struct Served<'a> {
    server: &'a Server,
    area: &'a Arc<Area>,
    row: &'a AreaRow,
    site: &'a Site,
    host: &'a str,
    reception: Reception<'a>,
}

impl Served<'_> {
    /// The services. Beside [`crate::admit::Rules`]'s classes this is all that is served: whatever else comes is not expected
    /// here.
    fn dispatch(&self, message: &Message, call: Call<'_>, next_id: &mut u16) -> Result<(), StoreError> {
        let limit = self.server.door.timeouts().data_set;
        match &message.kind {
            Kind::Request(Request::Echo(request)) => {
                say_echo(message, request);
                c_echo::serve(call, request).map_err(|e| {
                    error!(target: TARGET, "echoSCP: Echo Response Failed: {e}");
                    StoreError::Dimse(e)
                })
            }
            Kind::Request(Request::Store(request)) => {
                say_request("Received Store SCP:", message);
                c_store::serve(call, request, &Trouble::default(), &self.reception)
            }
            Kind::Request(Request::Find(request)) => {
                say_request("Received Find SCP:", message);
                let syntax = syntax_of(&call);
                let asking = self.asking(&syntax);
                c_find::serve(call, request, &asking).map_err(|e| failed("Find", e))
            }
            Kind::Request(Request::Move(request)) => {
                say_request("Received Move SCP:", message);
                let fetching = self.fetching("Move", call.association().parties());
                c_move::serve(call, request, &fetching, limit).map_err(|e| failed("Move", e))
            }
            Kind::Request(Request::Get(request)) => {
                say_request("Received Get SCP:", message);
                let fetching = self.fetching("Get", call.association().parties());
                c_get::serve(call, request, &fetching, limit, next_id).map_err(|e| failed("Get", e))
            }
            Kind::Request(Request::Cancel(_)) => {
                info!(target: TARGET, "dispatch: late C-CANCEL-RQ, ignoring");
                Ok(())
            }
            Kind::Request(Request::Unknown { .. }) | Kind::Response(_) => {
                let field = match &message.kind {
                    Kind::Request(request) => request.field(),
                    Kind::Response(response) => response.field,
                };
                error!(target: TARGET, "Cannot handle command: 0x{field:x}");
                Err(StoreError::Dimse(DimseError::BadCommand(field)))
            }
        }
    }

    fn asking<'s>(&'s self, transfer_syntax: &'s str) -> Asking<'s> {
        Asking {
            area: self.area,
            called: self.row.title.as_bytes(),
            rules: QueryRules { strict: self.server.options.check_find, names: self.server.options.beyond.pn_match },
            sets: &self.site.sets,
            transfer_syntax,
        }
    }

    fn fetching(&self, service: &'static str, parties: &Parties) -> Fetching<'_> {
        Fetching {
            area: self.area,
            config: &self.site.config,
            sending: &self.server.sending,
            progress: &self.server.progress,
            rules: QueryRules { strict: self.server.options.check_move, names: self.server.options.beyond.pn_match },
            host: self.host,
            service,
            calling: parties.calling,
            called: parties.called,
            line: RefCell::default(),
        }
    }
}

fn syntax_of(call: &Call<'_>) -> String {
    call.association()
        .context(call.context)
        .map(|context| context.transfer_syntax.clone().into_owned())
        .unwrap_or_default()
}

/// DCMTK's line where a service could not be brought to its end.
fn failed(service: &str, e: CallError) -> StoreError {
    error!(target: TARGET, "{service} SCP Failed: {e}");
    match e {
        CallError::Dimse(e) => StoreError::Dimse(e),
        CallError::Identifier(refusal) => StoreError::Refused(refusal),
    }
}

fn say_request(line: &str, message: &Message) {
    if enabled!(target: TARGET, Level::INFO) {
        info!(target: TARGET, "{line}\n{}", dump::dump(Direction::Incoming, None, message));
    }
}

/// No proposal came; what the peer seems to speak instead is said.
fn say_failed(error: &AssociationError) {
    info!(target: TARGET, "Failed to receive association: {error}{}", door::cure(error));
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
            cure = format!(
                "\n{limit} associations are served already: MaxAssociations in the configuration is the limit."
            );
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
    let line = door::cause_line(cause);
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
