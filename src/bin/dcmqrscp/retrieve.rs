//! C-MOVE and C-GET: which objects of the area, whereto, and what the log says of it.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pacs_core::archive::Area;
use pacs_core::archive::catalog::Id;
use pacs_core::archive::config;
use pacs_core::archive::query::{Query, Rules};
use pacs_core::association::profile::Proposal;
use pacs_core::association::request::{self, RequestError};
use pacs_core::association::{Association, Request, Timeouts, dump as parameters};
use pacs_core::dataset::{Context, Form};
use pacs_core::dimse::command::{Kind, Message, Response};
use pacs_core::dimse::dump::{self, Direction};
use pacs_core::dimse::status::{self, Category, Service, short};
use pacs_core::names;
use pacs_core::net::tls::Connector;
use pacs_core::net::{IpVersion, LinkError, SocketOptions, connect};
use pacs_core::pdu::{Abort, AeTitle, ProposedContext};
use pacs_core::service;
use pacs_core::service::Refused;
use pacs_core::service::c_move::{Move, Offer};
use pacs_core::service::c_store::send::SendError;
use pacs_core::service::retrieve::{Event, NotSent, Object, Retrieve};
use pacs_tools::log::{self, DotLine, Progress};
use pacs_tools::tls;
use tracing::{Level, debug, enabled, error, info, warn};

use crate::dump as text;
use crate::options::MoveTargets;
use crate::query::{catalog_refused, elements, model_of, refused};

/// The logger of DCMTK's database.
const TARGET: &str = "dcmtk.dcmqrdb";

/// The longest PDU that is taken on associations of our own.
// DCMTK: always this one, whatever the options say.
const MAX_PDU: u32 = 16384;

/// How objects are sent; the same for all associations.
#[derive(Debug)]
pub(crate) struct Sending {
    /// Encodings that are proposed to destinations, most wanted first.
    pub(crate) proposed: Vec<&'static str>,
    /// A profile that takes their place.
    pub(crate) profile: Option<Proposal>,
    /// Which callers may have objects sent to whom.
    pub(crate) targets: MoveTargets,
    /// Limit for connecting.
    pub(crate) connect_timeout: Option<Duration>,
    /// Limits on waiting.
    pub(crate) timeouts: Timeouts,
    /// What comes between sockets and associations; none: nothing. Never left out where there is one.
    pub(crate) tls: Option<Connector>,
    /// What every socket gets.
    pub(crate) socket: SocketOptions,
    /// IPv4, IPv6 or both.
    pub(crate) version: IpVersion,
    /// The effort of compression.
    pub(crate) form: Form,
    /// Dictionary and limits.
    pub(crate) context: Context<'static>,
}

/// One association's retrievals.
pub(crate) struct Fetching<'a> {
    pub(crate) area: &'a Arc<Area>,
    pub(crate) config: &'a config::Config,
    pub(crate) sending: &'a Sending,
    pub(crate) progress: &'a Progress,
    pub(crate) rules: Rules,
    /// The host that asks, as the configuration would name it.
    pub(crate) host: &'a str,
    /// `Move` or `Get`.
    pub(crate) service: &'static str,
    pub(crate) calling: AeTitle,
    pub(crate) called: AeTitle,
    pub(crate) line: RefCell<Option<DotLine>>,
}

/// Where C-MOVE sends.
pub(crate) struct Destination {
    title: AeTitle,
    host: String,
    port: u16,
}

impl Fetching<'_> {
    fn of(&self) -> Service {
        if self.service == "Move" { Service::Move } else { Service::Get }
    }

    /// `moveSCP` or `getSCP`.
    fn small(&self) -> &'static str {
        if self.service == "Move" { "move" } else { "get" }
    }

    fn unknown(&self, title: &str, line: &str) -> Refused {
        let title = log::clean(title);
        info!(target: TARGET, "{line}");
        warn!(
            target: TARGET,
            "Move SCP: the destination {title:?} is refused with status A801\nAsked by {:?} on {}. To send there, put into the \
             HostTable of the configuration: {} = ({title}, HOST, PORT){}",
            log::clean(&self.calling.text()),
            self.host,
            title.to_lowercase(),
            if self.sending.targets == MoveTargets::default() {
                "."
            } else {
                "; --move-aetitle, --move-host and --move-vendor restrict who may send where."
            }
        );
        Refused::with(status::MOVE_DESTINATION_UNKNOWN)
    }

    fn shown(&self, object: Option<&Object<PathBuf>>) -> String {
        object.map_or_else(|| "(removed)".to_owned(), |object| self.area.shown(&object.place).display().to_string())
    }

    fn say_failed(&self, object: Option<&Object<PathBuf>>, why: &NotSent) {
        let service = self.service;
        let file = self.shown(object);
        match why {
            NotSent::Io(e) => {
                error!(target: TARGET, "{service} SCP: storeSCU: [file: {file}]: {}", log::reason(e));
            }
            NotSent::NoContext | NotSent::NotConvertible(_) => {
                let class = object.map_or("", |object| &*object.sop_class);
                let prefix = names::storage_prefix(class).unwrap_or("OT");
                let role = if service == "Get" { " with requestor SCP role" } else { "" };
                let cure = match why {
                    NotSent::NotConvertible(syntax) => format!(
                        "\nIt is stored as {}, which no accepted context takes: the other side must accept that transfer \
                         syntax.",
                        names::transfer_syntax(syntax).map_or(syntax.as_str(), |syntax| syntax.display)
                    ),
                    _ if service == "Get" => {
                        "\nThe client must propose this class, and for it the role of an SCP.".to_owned()
                    }
                    _ => "\nThe destination does not accept this class.".to_owned(),
                };
                error!(
                    target: TARGET,
                    "{service} SCP: storeSCU: [file: {file}] No presentation context{role} for: ({prefix}) {}{cure}",
                    log::clean(class)
                );
            }
            NotSent::Gone => error!(target: TARGET, "{service} SCP: storeSCU: [file: {file}]: {why}"),
            NotSent::Head(e) => error!(target: TARGET, "{service} SCP: storeSCU: [file: {file}]: {e}"),
            NotSent::DataSet(e) => error!(target: TARGET, "{service} SCP: storeSCU: [file: {file}]: {e}"),
            NotSent::Send(e) => error!(target: TARGET, "{service} SCP: storeSCU: Store Request Failed: {e}"),
            NotSent::NoAssociation => {
                error!(target: TARGET, "{service} SCP: storeSCU: Store Request Failed: {why}");
            }
        }
        error!(target: TARGET, "{}SCP: {service} Sub-Op Failed: {why}", self.small());
    }

    fn say_answered(&self, response: &Response) {
        let service = self.service;
        let words = short(Service::Store, response.status);
        info!(target: TARGET, "{service} SCP: Received Store SCU RSP [Status={words}]");
        match status::category(response.status) {
            Category::Success => {}
            Category::Warning => {
                error!(target: TARGET, "{service} SCP: Store Warning: Response Status: {words}");
            }
            _ => error!(target: TARGET, "{service} SCP: Store Failed: Response Status: {words}"),
        }
    }
}

impl Retrieve for Fetching<'_> {
    type Key = Id;
    type Place = PathBuf;
    type File = File;

    fn select(&self, query: &service::Query<'_>) -> Result<Vec<Id>, Refused> {
        if enabled!(target: TARGET, Level::INFO) {
            let dump = text::identifier(query.identifier.attributes(), query.transfer_syntax);
            info!(target: TARGET, "{} SCP Request Identifiers:\n{dump}", self.service);
        }
        let asked = Query::retrieve(model_of(query.sop_class), &elements(query.identifier), self.rules)
            .map_err(|e| refused(self.small(), "startMoveRequest", &e, self.of()))?;
        let selected = self.area.catalog().select(&asked);
        selected.map_err(|e| catalog_refused(self.small(), "nextMoveResponse", &e, self.of()))
    }

    fn describe(&self, keys: &[Id]) -> Result<Vec<Option<Object<PathBuf>>>, Refused> {
        let held = self.area.catalog().held(keys);
        let held = held.map_err(|e| catalog_refused(self.small(), "nextMoveResponse", &e, self.of()))?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let object = |instance: pacs_core::archive::catalog::Instance| Object {
            sop_class: text(instance.sop_class),
            sop_instance: text(instance.sop_instance),
            transfer_syntax: instance.syntax,
            place: instance.file,
        };
        Ok(held.into_iter().map(|instance| instance.map(object)).collect())
    }

    fn open(&self, object: &Object<PathBuf>) -> io::Result<File> {
        self.area.open(&object.place)
    }

    fn context(&self) -> Context<'static> {
        let mut context = self.sending.context.clone();
        context.scratch = self.area.scratch();
        context
    }

    fn form(&self) -> Form {
        self.sending.form
    }

    fn happened(&self, event: Event<'_, PathBuf>) {
        match event {
            Event::Storing { object, request, .. } => {
                let prefix = names::storage_prefix(&object.sop_class).unwrap_or("OT");
                info!(target: TARGET, "Store SCU RQ: MsgID {}, ({prefix})", request.message_id);
                *self.line.borrow_mut() = Some(self.progress.begin("XMIT: "));
            }
            Event::Sent(pdvs) => {
                if let Some(line) = &mut *self.line.borrow_mut() {
                    line.dots(pdvs);
                }
            }
            Event::Answered(response) => {
                drop(self.line.borrow_mut().take());
                self.say_answered(response);
            }
            Event::Failed(object, why) => {
                drop(self.line.borrow_mut().take());
                self.say_failed(object, why);
            }
            Event::Cancelled => info!(target: TARGET, "{} SCP: Received C-Cancel RQ", self.service),
            Event::Responded(number, response) => {
                let words = short(self.of(), response.status);
                info!(target: TARGET, "{} SCP Response {number} [status: {words}]", self.service);
                if enabled!(target: TARGET, Level::DEBUG) {
                    let message = Message { kind: Kind::Response(response.clone()), data_set: response.data_set };
                    debug!(target: TARGET, "{}", dump::dump(Direction::Outgoing, None, &message));
                }
            }
        }
    }
}

impl Move for Fetching<'_> {
    type Destination = Destination;

    fn destination(&self, title: &str, _query: &service::Query<'_>) -> Result<Destination, Refused> {
        let (targets, calling) = (self.sending.targets, self.calling.text());
        if targets.same_title && calling.trim_end() != title.trim_end() {
            let line =
                format!("mapMoveDestination: strictMove Reqs: '{}' != '{}'", log::clean(&calling), log::clean(title));
            return Err(self.unknown(title, &line));
        }
        let Some(peer) = self.config.destination(title.as_bytes()) else {
            return Err(self.unknown(title, &format!("mapMoveDestination: unknown AE: '{}'", log::clean(title))));
        };
        let host = String::from_utf8_lossy(peer.host.as_bytes()).into_owned();
        if targets.same_host && host != self.host {
            let line = format!("mapMoveDestination: different hosts: '{}', '{}'", self.host, log::clean(&host));
            return Err(self.unknown(title, &line));
        }
        if targets.same_vendor && !self.config.same_vendor(calling.as_bytes(), title.as_bytes()) {
            let line =
                format!("mapMoveDestination: different vendors: '{}', '{}'", log::clean(&calling), log::clean(title));
            return Err(self.unknown(title, &line));
        }
        let host = peer.address().map_or(host, |address| address.to_string());
        Ok(Destination { title: AeTitle::new(title), host, port: peer.port })
    }

    fn uncompressed(&self) -> Vec<&'static str> {
        self.sending.proposed.clone()
    }

    fn associate(&self, destination: &Destination, offers: &[Offer]) -> Option<Box<Association>> {
        let contexts = (1..=u8::MAX).step_by(2).zip(offers).map(|(id, offer)| ProposedContext {
            id,
            abstract_syntax: offer.abstract_syntax.clone(),
            transfer_syntaxes: offer.transfer_syntaxes.clone(),
        });
        let (contexts, roles, extended) = match &self.sending.profile {
            Some(profile) => (profile.contexts.clone(), profile.roles.clone(), profile.extended.clone()),
            None => (contexts.collect(), Vec::new(), Vec::new()),
        };
        let request = Request {
            calling: self.called,
            called: destination.title,
            contexts,
            roles,
            extended,
            identity: None,
            max_pdu: MAX_PDU,
            max_send_pdu: None,
        };
        if enabled!(target: TARGET, Level::DEBUG) {
            debug!(target: TARGET, "Request Parameters:\n{}", parameters::sent_request(&request.to_pdu()));
        }
        info!(target: TARGET, "Requesting Sub-Association");
        let Sending { connect_timeout, socket, version, timeouts, .. } = *self.sending;
        let Destination { host, port, .. } = destination;
        let link = match connect(host, *port, version, connect_timeout, socket) {
            Ok(link) => link,
            Err(e) => {
                error!(
                    target: TARGET,
                    "moveSCP: Sub-Association Request Failed: {e}\nThe configuration has the destination {:?} at {}, port \
                     {port}: is it running there?",
                    log::clean(&destination.title.text()),
                    log::clean(host)
                );
                self.say_not_released();
                return None;
            }
        };
        let link = match tls::connect(self.sending.tls.as_ref(), link, timeouts.acse) {
            Ok(link) => link,
            Err(e) => {
                let cure = match &e {
                    LinkError::Layer(failure) => format!("\n{}", failure.cure),
                    _ => String::new(),
                };
                error!(target: TARGET, "moveSCP: Sub-Association Request Failed: {e}{cure}");
                self.say_not_released();
                return None;
            }
        };
        match request::request(link, &request, timeouts) {
            Ok(established) => Some(established.association),
            Err(RequestError::Rejected(rj)) => {
                error!(target: TARGET, "moveSCP: Sub-Association Rejected\n{rj}");
                self.say_not_released();
                None
            }
            Err(e) => {
                error!(target: TARGET, "moveSCP: Sub-Association Request Failed: {e}");
                self.say_not_released();
                None
            }
        }
    }

    fn release(&self, association: Box<Association>) {
        info!(target: TARGET, "Releasing Sub-Association");
        if let Err(e) = association.release() {
            error!(target: TARGET, "moveSCP: Sub-Association Release Failed: {e}");
        }
    }

    fn abandon(&self, association: Box<Association>, _error: Option<&SendError>) {
        association.abort(Abort { source: 0, reason: 0 });
    }
}

impl Fetching<'_> {
    /// DCMTK's two lines behind a sub-association that did not come about.
    fn say_not_released(&self) {
        info!(target: TARGET, "Releasing Sub-Association");
        error!(
            target: TARGET,
            "moveSCP: Sub-Association Release Failed: 0006:0106 ASC Caller passed in a NULL key"
        );
    }
}
