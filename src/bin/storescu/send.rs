//! One association: it is asked for, files are sent over it one after the other, and it is ended. All lines that DCMTK's
//! program logs meanwhile are logged here.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pacs_core::association::{
    Association, AssociationError, Established, PresentationContexts, Request, RequestError, Timeouts,
    dump as parameters, request,
};
use pacs_core::dataset::Outcome;
use pacs_core::dataset::head::{Head, HeadError, Object, Warning};
use pacs_core::dataset::vr::Dictionary;
use pacs_core::dimse::command::{CStoreRq, Message, Priority, Request as Command, Response};
use pacs_core::dimse::dump::{self, Direction};
use pacs_core::dimse::status::{self, Category, Service};
use pacs_core::dimse::{DimseError, Mismatch};
use pacs_core::names::{self, printable};
use pacs_core::net::tls::Connector;
use pacs_core::net::{ConnectError, LinkError, SocketOptions, connect};
use pacs_core::pdu::{Abort, AeTitle, UserIdentity};
use pacs_core::service::c_store::send::{self, SendError};
use pacs_tools::fatal;
use pacs_tools::log::Progress;
use pacs_tools::tls;
use tracing::{Level, debug, enabled, error, info, warn};

use crate::explain;
use crate::invent::{self, Invented, Inventor};
use crate::options::Config;
use crate::prepare::{Choice, Chosen, Reading, Ready, Trouble};
use crate::propose::Proposal;
use crate::{Failed, TARGET};

/// The logger of everything below messages.
const NETWORK: &str = "dcmtk.dcmnet";

/// The logger of data sets.
const DATA: &str = "dcmtk.dcmdata";

/// Files up to so many bytes are looked at before their turn.
const AHEAD: u64 = 4 << 20;

/// A-ABORT of the service user (PS3.8 9.3.8).
const USER_ABORT: Abort = Abort { source: 0, reason: 0 };

/// All that sending takes beside files and an association.
#[derive(Debug)]
pub(crate) struct Sender<'c> {
    pub(crate) config: &'c Config,
    pub(crate) identity: Option<UserIdentity>,
    pub(crate) dictionary: &'static Dictionary,
    pub(crate) tls: Option<Connector>,
    pub(crate) socket: SocketOptions,
    pub(crate) progress: Progress,
    pub(crate) inventor: Option<Inventor>,
}

/// Why there is no association.
#[derive(Debug)]
pub(crate) enum NoAssociation {
    /// No connection could be made.
    Connect(ConnectError),
    /// The request led to none.
    Request(RequestError),
    /// The receiver accepted no presentation context.
    NoContexts,
}

impl NoAssociation {
    /// Whether it may come about a little later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Connect(ConnectError::UnknownHost(_)) | Self::NoContexts => false,
            Self::Connect(ConnectError::Refused { .. }) => true,
            // Rejected transiently (PS3.8 9.3.4).
            Self::Request(RequestError::Rejected(rj)) => rj.result == 2,
            Self::Request(RequestError::Association(AssociationError::Link(LinkError::Layer(_)))) => false,
            Self::Request(RequestError::Association(e)) => e.is_gone() || e.is_timeout(),
            Self::Request(_) => false,
        }
    }
}

/// What became of one attempt to send a file.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// What the file is, as far as that is known.
    pub(crate) object: Option<Object>,
    /// The transfer syntax it was sent in.
    pub(crate) syntax: Option<String>,
    /// The file's length in bytes.
    pub(crate) size: Option<u64>,
    /// How it ended.
    pub(crate) end: Result<u16, Failure>,
    /// How long it took.
    pub(crate) time: Duration,
}

impl Attempt {
    /// Whether the receiver has the object.
    pub(crate) fn is_stored(&self) -> bool {
        matches!(&self.end, Ok(status) if matches!(status::category(*status), Category::Success | Category::Warning))
    }
}

/// Why an attempt was not answered, with DCMTK's condition.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The file, or what was agreed, does not allow it. The association stands.
    Unsendable(String),
    /// The message went wrong. The association stands, or is as good as lost; DCMTK aborts it.
    Message(String),
    /// The receiver asked for release instead of an answer.
    Released(String),
    /// The association is lost: aborted by the receiver, or the connection is gone.
    Lost(String),
    /// Part of the file was sent when it turned out to have changed: this association can take nothing more.
    Changed(String),
}

impl Failure {
    /// DCMTK's condition.
    pub(crate) fn condition(&self) -> &str {
        match self {
            Self::Unsendable(c) | Self::Message(c) | Self::Released(c) | Self::Lost(c) | Self::Changed(c) => c,
        }
    }
}

/// An association with what is left of it.
pub(crate) struct Session<'s> {
    sender: &'s Sender<'s>,
    association: Option<Box<Association>>,
    contexts: PresentationContexts,
    peer_max_pdu: u32,
    message_id: u16,
    /// The context that the last file was sent on.
    chosen: RefCell<Choice>,
    /// Small files are read into it.
    buffer: Vec<u8>,
    /// A file that has been looked at before its turn.
    ahead: Option<(PathBuf, Reading)>,
}

impl<'c> Sender<'c> {
    /// The request for a proposal.
    pub(crate) fn request(&self, proposal: &Proposal) -> Request {
        Request {
            calling: AeTitle::new(&self.config.calling),
            called: AeTitle::new(&self.config.called),
            contexts: proposal.contexts.clone(),
            roles: proposal.roles.clone(),
            extended: proposal.extended.clone(),
            identity: self.identity.clone(),
            max_pdu: self.config.network.max_pdu,
            max_send_pdu: self.config.max_send_pdu,
        }
    }

    /// Asks for an association and logs what comes of it; what is fatal is left to [`explain::no_association`].
    ///
    /// # Errors
    /// As [`NoAssociation`] says.
    pub(crate) fn associate(&'c self, wanted: &Request) -> Result<Session<'c>, NoAssociation> {
        let config = self.config;
        self.say_parameters(|| format!("Request Parameters:\n{}", parameters::sent_request(&wanted.to_pdu())));
        info!(target: TARGET, "Requesting Association");
        wanted.check().map_err(NoAssociation::Request)?;
        let link = connect(&config.peer, config.port, config.network.ip, config.connect_timeout, self.socket)
            .map_err(NoAssociation::Connect)?;
        if let Some(limit) = config.network.socket_timeout {
            debug!(target: NETWORK, "setting network send timeout to {} seconds", limit.as_secs());
            debug!(target: NETWORK, "setting network receive timeout to {} seconds", limit.as_secs());
        }
        let timeouts = Timeouts { data_set: None, ..config.network.timeouts() };
        let link = tls::connect(self.tls.as_ref(), link, timeouts.acse)
            .map_err(|e| NoAssociation::Request(RequestError::Association(e.into())))?;
        let established = request::request(link, wanted, timeouts).map_err(NoAssociation::Request)?;
        let Established { association, ac, contexts, max_send_pdv } = established;
        self.say_parameters(|| {
            let shown = parameters::received_acceptance(&wanted.to_pdu(), &ac, &contexts);
            format!("Association Parameters Negotiated:\n{shown}")
        });
        if association.contexts().is_empty() {
            association.abort(USER_ABORT);
            return Err(NoAssociation::NoContexts);
        }
        info!(target: TARGET, "Association Accepted (Max Send PDV: {max_send_pdv})");
        explain::refusals(&contexts);
        let peer_max_pdu = ac.user.max_length.unwrap_or(0);
        Ok(Session {
            sender: self,
            association: Some(association),
            contexts,
            peer_max_pdu,
            message_id: 0,
            chosen: RefCell::default(),
            buffer: Vec::new(),
            ahead: None,
        })
    }

    fn say_parameters(&self, text: impl FnOnce() -> String) {
        if self.config.general.verbose_pc {
            info!(target: TARGET, "{}", text());
        } else if enabled!(target: TARGET, Level::DEBUG) {
            debug!(target: TARGET, "{}", text());
        }
    }
}

impl Session<'_> {
    /// Whether more can be sent.
    pub(crate) fn stands(&self) -> bool {
        self.association.is_some()
    }

    /// Sends one file. `upcoming` is the one that will come next, if all goes well: it is looked at while the receiver is busy
    /// with this one.
    pub(crate) fn send(&mut self, path: &Path, upcoming: Option<&Path>) -> Attempt {
        let start = Instant::now();
        self.message_id = self.message_id.wrapping_add(1);
        info!(target: TARGET, "Sending file: {}", path.display());
        let Reading { size, head, result } = match self.ahead.take_if(|(ahead, _)| ahead == path) {
            Some((_, reading)) => reading,
            None => self.read(path, u64::MAX).unwrap_or_default(),
        };
        if let Some(head) = &head {
            say_head(head);
        }
        let mut attempt = Attempt { object: None, syntax: None, size, end: Ok(0), time: Duration::ZERO };
        attempt.end = match result {
            Err(trouble) => Err(self.say_trouble(path, head.as_ref(), &trouble)),
            Ok(ready) => {
                if let Some(data_set) = &ready.data_set {
                    say_outcome(data_set.outcome(), &ready.invented);
                }
                attempt.object = Some(ready.object.clone());
                match head.zip(ready.context.clone()) {
                    Some((head, (context, syntax))) => {
                        attempt.syntax = Some(syntax.clone());
                        self.transmit(path, &head, (context, syntax), ready, upcoming)
                    }
                    None => Err(self.no_context(&ready)),
                }
            }
        };
        attempt.time = start.elapsed();
        attempt
    }

    /// Reads a file, unless it is longer than that.
    fn read(&mut self, path: &Path, longest: u64) -> Option<Reading> {
        let buffer = std::mem::take(&mut self.buffer);
        let contexts = match &self.association {
            Some(association) => Chosen::From(association, &self.chosen),
            None => Chosen::Lost(&self.contexts),
        };
        Reading::of(path, self.sender, &contexts, buffer, longest)
    }

    /// Looks at the next file while there is nothing else to do.
    fn look_ahead(&mut self, path: &Path, upcoming: Option<&Path>) {
        // What is invented is counted, and what is renamed may be the same file.
        let Some(upcoming) = upcoming.filter(|upcoming| *upcoming != path && self.sender.inventor.is_none()) else {
            return;
        };
        self.ahead = self.read(upcoming, AHEAD).map(|reading| (upcoming.to_owned(), reading));
    }

    /// Logs why a file cannot be sent.
    fn say_trouble(&self, path: &Path, head: Option<&Head>, trouble: &Trouble) -> Failure {
        let shown = path.display();
        let (condition, text) = match trouble {
            Trouble::NoObject => {
                error!(
                    target: TARGET,
                    "No SOP Class or Instance UID in file: {shown}\nWithout them a receiver cannot tell what it is."
                );
                return Failure::Unsendable("0006:0202 DIMSE Inappropriate data for message".to_owned());
            }
            Trouble::Head(e) => {
                if let HeadError::NoMeta(warnings) = e {
                    say_odd(warnings);
                }
                (e.condition(), e.to_string())
            }
            Trouble::DataSet(refusal) => (refusal.reason.condition(), refusal.to_string()),
            Trouble::Changed => ("0001:0004", "file changed while it was read".to_owned()),
        };
        let cure = match (trouble, head) {
            (Trouble::Head(e), _) => explain::bad_head(e).to_owned(),
            (Trouble::DataSet(refusal), Some(head)) => explain::bad_data_set(refusal, head),
            _ => String::new(),
        };
        error!(target: TARGET, "Bad DICOM file: {shown}: {text}{}", with(&cure));
        Failure::Unsendable(format!("{condition} {text}"))
    }

    fn no_context(&self, ready: &Ready) -> Failure {
        let class = &ready.object.class;
        let name = names::storage_prefix(class).or_else(|| names::uid_name(class)).unwrap_or("unknown SOP class");
        let cure = explain::no_context(&self.contexts, class, &ready.syntax);
        error!(target: TARGET, "No presentation context for: ({name}) {}\n{cure}", printable(class));
        Failure::Unsendable("0006:0208 DIMSE No valid Presentation Context ID".to_owned())
    }

    /// Sends what has been read, and waits for the answer.
    fn transmit(
        &mut self,
        path: &Path,
        head: &Head,
        (context, syntax): (u8, String),
        ready: Ready,
        upcoming: Option<&Path>,
    ) -> Result<u16, Failure> {
        let Ready { file, object, data_set, .. } = ready;
        let (from, to) = (syntax_name(&head.syntax), syntax_name(&syntax));
        if head.syntax != syntax {
            info!(target: TARGET, "Converting transfer syntax: {from} -> {to}");
        }
        let id = self.message_id;
        let prefix = names::storage_prefix(&object.class).unwrap_or("OT");
        info!(target: TARGET, "Sending Store Request (MsgID {id}, {prefix})");
        let request = CStoreRq {
            message_id: id,
            sop_class: object.class,
            sop_instance: object.instance,
            priority: Priority::Medium,
            move_originator_title: None,
            move_originator_id: None,
        };
        if enabled!(target: TARGET, Level::DEBUG) {
            debug!(
                target: TARGET,
                "  using Presentation Context ID {context} = {} with {} transfer syntax",
                names::dimse_name(&request.sop_class),
                names::dimse_name(&syntax)
            );
            let message = Message::request(Command::Store(request.clone()), true);
            debug!(target: TARGET, "{}", dump::dump(Direction::Outgoing, None, &message));
        }
        let Some(association) = &mut self.association else {
            return Err(self.say_failed(
                path,
                Failure::Lost(
                    "0006:020e DIMSE Failed to send message\n0006:0303 DUL Finite State Machine Error: No action defined, \
                     state 1 event 8"
                        .to_owned(),
                ),
                "",
            ));
        };
        let Some(data_set) = data_set else {
            let parties = association.parties();
            warn!(
                target: NETWORK,
                "DIMSE Warning: ({},{}): sendMessage: unable to convert dataset from '{from}' transfer syntax to '{to}'",
                printable(&parties.calling.text()),
                printable(&parties.called.text())
            );
            let cure = explain::not_convertible(&head.syntax, &self.contexts, &request.sop_class);
            let failure = Failure::Unsendable("0006:020e DIMSE Failed to send message".to_owned());
            return Err(self.say_failed(path, failure, &cure));
        };
        let mut dots = self.sender.progress.begin("XMIT: ");
        let mut shown = 0;
        let limit = self.sender.config.network.dimse_timeout;
        let wait = limit.or(self.sender.config.network.socket_timeout);
        let sent = send::request(association, context, &request, data_set, &file, |pdvs| {
            dots.dots(pdvs.saturating_sub(shown));
            shown = pdvs;
        });
        dots.end();
        self.buffer = file.into_buffer();
        if sent.is_ok() {
            self.look_ahead(path, upcoming);
        }
        let answered = match (sent, &mut self.association) {
            (Ok(()), Some(association)) => send::answer(association, &request, wait),
            (Ok(()), None) => return Err(Failure::Lost(String::new())),
            (Err(e), _) => Err(e),
        };
        match answered {
            Ok(response) => {
                self.say_answer(path, &response, context);
                Ok(response.status)
            }
            Err(e) => {
                let failure = self.failure(&e, limit.is_some());
                let cure = explain::not_sent(&e);
                let usable = matches!(e, SendError::Dimse(DimseError::NoAnswer | DimseError::NotThisAnswer(_)));
                match &failure {
                    Failure::Lost(_) => self.association = None,
                    Failure::Changed(_) => self.abort(),
                    // Nobody else will, and the next file must not meet what is left of this one.
                    _ if !usable && self.sender.config.no_halt => self.abort(),
                    _ => {}
                }
                Err(self.say_failed(path, failure, &cure))
            }
        }
    }

    /// What kind of failure it is, with DCMTK's condition.
    fn failure(&self, e: &SendError, limited: bool) -> Failure {
        const LOST: &str = "0006:0317 Peer aborted Association (or never connected)";
        let error = match e {
            SendError::DataSet(_) => return Failure::Changed(e.to_string()),
            SendError::Dimse(error) => error,
        };
        match error {
            DimseError::NoAnswer if limited => Failure::Message(e.to_string()),
            // DCMTK: a socket on which nothing comes for as long as it may be read counts as lost.
            DimseError::NoAnswer => Failure::Lost(LOST.to_owned()),
            DimseError::NotThisAnswer(Mismatch::Field(_) | Mismatch::MessageId { .. }) => {
                Failure::Message(e.to_string())
            }
            _ => match error.association() {
                Some(AssociationError::PeerReleased) => Failure::Released(e.to_string()),
                Some(AssociationError::PeerTakesNothing) => Failure::Message(format!(
                    "0006:020e DIMSE Failed to send message\n0006:0308 DUL Cannot send P-DATA PDU because receiver's max \
                     PDU size of {} is illegal (must be > 12)",
                    self.peer_max_pdu
                )),
                Some(AssociationError::Link(LinkError::Timeout)) => Failure::Lost(LOST.to_owned()),
                Some(e) if e.is_gone() => Failure::Lost(LOST.to_owned()),
                _ => Failure::Message(e.to_string()),
            },
        }
    }

    fn say_failed(&self, path: &Path, failure: Failure, cure: &str) -> Failure {
        let cure = if cure.is_empty() { String::new() } else { format!("\n{cure}") };
        error!(target: TARGET, "Store Failed, file: {}:\n{}{cure}", path.display(), failure.condition());
        failure
    }

    fn say_answer(&self, path: &Path, response: &Response, context: u8) {
        let code = response.status;
        if enabled!(target: TARGET, Level::DEBUG) {
            info!(target: TARGET, "Received Store Response");
            let message = Message::from(response.clone());
            debug!(target: TARGET, "{}", dump::dump(Direction::Incoming, Some(context), &message));
            if let Some(comment) = &response.error_comment {
                debug!(target: TARGET, "Status Detail:\n{}", explain::detail(comment));
            }
        } else {
            info!(target: TARGET, "Received Store Response ({})", status::short(Service::Store, code));
        }
        match status::category(code) {
            Category::Success => {}
            Category::Warning => info!(target: TARGET, "{}", explain::warning(path, response)),
            _ => {
                warn!(target: TARGET, "{}", explain::refused(path, response));
                info!(target: TARGET, "{}", explain::status_cure(code, self.sender.config.no_halt));
            }
        }
    }

    /// Ends the association as it should end: with a release, or an abort if that is asked for.
    ///
    /// # Errors
    /// When the receiver does not confirm the release; the log has it.
    pub(crate) fn end(mut self) -> Result<(), Failed> {
        if self.sender.config.abort {
            info!(target: TARGET, "Aborting Association");
            self.abort();
            return Ok(());
        }
        info!(target: TARGET, "Releasing Association");
        let released = match self.association.take() {
            Some(association) => association.release().map_err(|e| match e {
                AssociationError::Link(LinkError::Closed) => AssociationError::PeerClosed.to_string(),
                e => e.to_string(),
            }),
            None => Err("0006:0303 DUL Finite State Machine Error: No action defined, state 1 event 10".to_owned()),
        };
        released.map_err(|condition| {
            error!(target: TARGET, "Association Release Failed: {condition}");
            Failed
        })
    }

    /// Ends the association after a failure, as DCMTK does without `--no-halt`.
    pub(crate) fn end_after(mut self, failure: &Failure) {
        match failure {
            Failure::Lost(_) => {
                info!(target: TARGET, "Peer Aborted Association");
                return;
            }
            Failure::Released(_) => error!(target: TARGET, "Protocol Error: Peer requested release (Aborting)"),
            Failure::Unsendable(condition) | Failure::Message(condition) | Failure::Changed(condition) => {
                error!(target: TARGET, "Store SCU Failed: {condition}");
            }
        }
        info!(target: TARGET, "Aborting Association");
        self.abort();
    }

    fn abort(&mut self) {
        if let Some(association) = self.association.take() {
            association.abort(USER_ABORT);
        }
    }
}

/// A syntax as messages name it.
fn syntax_name(uid: &str) -> String {
    names::transfer_syntax(uid).map_or_else(|| printable(uid).into_owned(), |syntax| syntax.display.to_owned())
}

fn say_head(head: &Head) {
    if let Some(meta) = head.meta_syntax {
        debug!(target: DATA, "DcmMetaInfo::checkAndReadPreamble() TransferSyntax=\"{meta}\"");
    }
    say_odd(&head.warnings);
    debug!(target: DATA, "DcmDataset::read() TransferSyntax=\"{}\"", syntax_name(&head.syntax));
}

fn say_odd(warnings: &[Warning]) {
    for warning in warnings {
        warn!(target: DATA, "{warning}");
    }
}

fn say_outcome(outcome: &Outcome, invented: &Invented) {
    let warnings = &outcome.warnings;
    for warning in warnings.first() {
        warn!(target: DATA, "{warning}");
    }
    let more = warnings.count() - warnings.first().len() as u64;
    if more > 0 {
        warn!(target: DATA, "There are {more} more of these in the same file.");
    }
    if !invented.replace.is_empty() {
        info!(target: TARGET, "{}", invented.record);
        for line in invent::missing(|tag| outcome.found(tag).is_some_and(|found| found.depth == 0)) {
            error!(target: TARGET, "{line}");
        }
    }
}

/// Logs why there is no association.
pub(crate) fn say_no_association(config: &Config, contexts: &Request, why: &NoAssociation) {
    let cure = explain::no_association(config, contexts, why);
    match why {
        NoAssociation::NoContexts => fatal!(target: TARGET, "No Acceptable Presentation Contexts\n{cure}"),
        NoAssociation::Request(RequestError::Rejected(rj)) => {
            fatal!(target: TARGET, "Association Rejected:\n{rj}\n{cure}");
        }
        NoAssociation::Request(e @ RequestError::NotConfirmed) => fatal!(target: TARGET, "{e}\n{cure}"),
        NoAssociation::Request(e) => fatal!(target: TARGET, "Association Request Failed: {e}{}", with(&cure)),
        NoAssociation::Connect(e) => fatal!(target: TARGET, "Association Request Failed: {e}{}", with(&cure)),
    }
}

fn with(cure: &str) -> String {
    if cure.is_empty() { String::new() } else { format!("\n{cure}") }
}

/// What is said where an association is asked for again, this time of so many.
pub(crate) fn try_again(why: &NoAssociation, wait: Duration, time: u32, times: u32) -> String {
    let condition = match why {
        NoAssociation::Connect(e) => e.to_string(),
        NoAssociation::Request(RequestError::Rejected(rj)) => format!("Association Rejected: {rj}").replace('\n', " "),
        NoAssociation::Request(e) => e.to_string(),
        NoAssociation::NoContexts => "no acceptable presentation contexts".to_owned(),
    };
    format!("No association yet: {condition}; asking again in {} s, {time} of {times} times.", wait.as_secs())
}
