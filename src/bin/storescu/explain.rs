//! What helps: sentences that follow DCMTK's lines. Each ends with a full stop, as none of DCMTK's lines does.

use std::path::Path;

use pacs_core::association::context::State;
use pacs_core::association::{AssociationError, PresentationContexts, Request, RequestError};
use pacs_core::dataset::head::{Head, HeadError};
use pacs_core::dataset::{Error as DataSetError, Reason, Refusal};
use pacs_core::dimse::command::Response;
use pacs_core::dimse::status::{self, Service};
use pacs_core::dimse::{DimseError, Mismatch};
use pacs_core::names::{self, printable};
use pacs_core::net::{ConnectError, LinkError};
use pacs_core::pdu::AssociateRj;
use pacs_core::service::c_store::send::SendError;
use pacs_tools::options::syntaxes::proposing;
use tracing::{Level, enabled, info};

use crate::TARGET;
use crate::options::Config;
use crate::send::NoAssociation;

/// What helps where no association came about.
pub(crate) fn no_association(config: &Config, wanted: &Request, why: &NoAssociation) -> String {
    let (host, port) = (printable(&config.peer), config.port);
    match why {
        NoAssociation::Connect(ConnectError::UnknownHost(_)) => {
            "Check the name, or give the address in numbers; --ipv6 and --ip-auto look for other addresses.".to_owned()
        }
        NoAssociation::Connect(ConnectError::Refused { address, error }) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => format!("Nothing listens on port {port} of {}.", address.ip()),
            std::io::ErrorKind::TimedOut => {
                format!("{} did not answer on port {port}: a firewall, or a machine that is off.", address.ip())
            }
            _ => format!("{host} could not be reached at {address}."),
        },
        NoAssociation::NoContexts => {
            "The receiver knows none of the SOP classes, or none of the transfer syntaxes, that were proposed."
                .to_owned()
        }
        NoAssociation::Request(RequestError::Rejected(rj)) => rejected(config, rj),
        NoAssociation::Request(RequestError::NotConfirmed) => {
            "The receiver has no user identity negotiation; without --pos-response it may take the files all the same."
                .to_owned()
        }
        NoAssociation::Request(RequestError::NoContexts) => {
            "None of the files can be sent, so there is nothing to propose.".to_owned()
        }
        NoAssociation::Request(RequestError::BlankTitle(_)) => {
            "AE titles have 1 to 16 characters that are not all blanks.".to_owned()
        }
        NoAssociation::Request(RequestError::Write(_)) => {
            "What --user, --kerberos, --saml or --jwt give does not fit into a request.".to_owned()
        }
        NoAssociation::Request(RequestError::Association(e)) => no_answer(e, wanted),
    }
}

fn rejected(config: &Config, rj: &AssociateRj) -> String {
    match (rj.source, rj.reason) {
        (1, 3) => format!("The receiver does not know {}: have it entered there, or use --aetitle.", config.calling),
        (1, 7) => format!("The receiver is not {}: give its title with --call.", config.called),
        (3, _) => "The receiver is busy: try again later, or with --retry.".to_owned(),
        (1, 1) => format!(
            "Often {} or its address is not entered at the receiver, or {} is not its title.",
            config.calling, config.called
        ),
        _ => "The log of the receiver should tell why.".to_owned(),
    }
}

fn no_answer(e: &AssociationError, wanted: &Request) -> String {
    match e {
        AssociationError::Link(LinkError::Timeout) => {
            "The receiver took the connection but did not answer; --acse-timeout sets how long to wait.".to_owned()
        }
        AssociationError::Link(LinkError::Layer(failure)) => failure.cure.clone(),
        AssociationError::PeerAborted(_) | AssociationError::PeerClosed | AssociationError::Link(_) => format!(
            "The receiver ended the connection without an answer to {} presentation contexts.",
            wanted.contexts.len()
        ),
        AssociationError::UnknownPdu(b'A'..=b'Z') => "That is HTTP or another text protocol, not DICOM.".to_owned(),
        AssociationError::UnknownPdu(0x15 | 0x16) => "That is TLS: the port wants encrypted connections.".to_owned(),
        _ => "That is no answer a DICOM receiver gives.".to_owned(),
    }
}

/// Logs what was refused, where somebody listens: classes that stay without any context.
pub(crate) fn refusals(contexts: &PresentationContexts) {
    if !enabled!(target: TARGET, Level::INFO) {
        return;
    }
    let mut classes = Vec::new();
    for context in contexts {
        let class = context.abstract_syntax.as_str();
        if contexts.of_class(class).next().is_none() && !classes.contains(&class) {
            classes.push(class);
        }
    }
    match classes.as_slice() {
        [] => {}
        some if some.len() <= 4 => {
            let names: Vec<_> = some.iter().map(|uid| names::dimse_name(uid)).collect();
            info!(target: TARGET, "The receiver takes no {}.", names.join(", "));
        }
        more => info!(
            target: TARGET,
            "The receiver takes none of {} SOP classes that were proposed; --verbose-pc shows which.",
            more.len()
        ),
    }
}

/// Why there is no context for a class: what was offered, what came back, what helps.
pub(crate) fn no_context(contexts: &PresentationContexts, class: &str, syntax: &str) -> String {
    let offered: Vec<_> = contexts.iter().filter(|context| context.abstract_syntax == class).collect();
    if offered.is_empty() {
        return "It was not proposed: --required proposes the classes of the files, --propose-from-files their transfer \
                syntaxes as well, --config-file whatever a profile lists."
            .to_owned();
    }
    let answers: Vec<_> = offered
        .iter()
        .map(|context| {
            let syntaxes: Vec<_> = context.proposed_syntaxes.iter().map(|uid| names::dimse_name(uid)).collect();
            format!("context {} with {}: {}", context.id, syntaxes.join(", "), context.state)
        })
        .collect();
    let help = match offered.iter().any(|context| context.state == State::TransferSyntaxesNotSupported) {
        true => match proposing(syntax) {
            Some(option) => format!("{option} or --propose-from-files proposes the file's own transfer syntax"),
            None => "--propose-from-files proposes the file's own transfer syntax".to_owned(),
        },
        false => "the receiver must be told to take this SOP class".to_owned(),
    };
    format!("Proposed as {}; {help}.", answers.join("; "))
}

/// Why a file cannot be sent in a syntax that was accepted.
pub(crate) fn not_convertible(syntax: &str, contexts: &PresentationContexts, class: &str) -> String {
    let accepted: Vec<_> =
        contexts.of_class(class).map(|context| names::dimse_name(&context.transfer_syntax)).collect();
    let help = match proposing(syntax) {
        Some(option) => format!("{option} or --propose-from-files proposes it as it is"),
        None => "--propose-from-files or --config-file proposes it as it is".to_owned(),
    };
    format!("This program does not compress or decompress; the receiver took {}; {help}.", accepted.join(", "))
}

/// What helps where a file's beginning cannot be read.
pub(crate) fn bad_head(e: &HeadError) -> &'static str {
    match e {
        HeadError::Empty => "The file is empty.",
        HeadError::Cut { .. } => "The file ends within its first elements: it was not written or copied whole.",
        HeadError::NoMeta(_) => "It is no DICOM file; --read-file and --read-dataset send bare data sets.",
        HeadError::BigEndianImplicit => "No such data sets were ever standard.",
        HeadError::Io(_) => "",
    }
}

/// What helps where a data set cannot be read.
pub(crate) fn bad_data_set(refusal: &Refusal, head: &Head) -> String {
    let what = match refusal.reason {
        Reason::InvalidStream | Reason::PrematureEnd if head.meta_syntax.is_none() => {
            "It is no DICOM file, or not whole"
        }
        Reason::InvalidStream | Reason::PrematureEnd => "The file is not whole",
        Reason::UnsupportedSyntax => "This program does not read its transfer syntax",
        Reason::InflatesTooFar => "It would fill the memory of whoever reads it",
        _ => "The data set is damaged, or not in the transfer syntax that the file names",
    };
    let element = refusal.tag.map(|tag| format!(", element {tag}")).unwrap_or_default();
    format!("{what}: byte {} of its data set{element}.", refusal.offset)
}

/// What helps where a message was not exchanged.
pub(crate) fn not_sent(e: &SendError) -> String {
    let error = match e {
        SendError::DataSet(DataSetError::SourceChanged | DataSetError::Io(_)) => {
            return "The file changed, or could not be read, while it was sent; the receiver cannot have kept it."
                .to_owned();
        }
        SendError::DataSet(_) => return String::new(),
        SendError::Dimse(error) => error,
    };
    match error {
        DimseError::NoAnswer => "No answer came: --dimse-timeout and --socket-timeout say how long to wait.".to_owned(),
        DimseError::NotThisAnswer(Mismatch::MessageId { .. }) => {
            "It may be the late answer to an earlier request.".to_owned()
        }
        DimseError::NotThisAnswer(Mismatch::Field(_)) => "That is no C-STORE response.".to_owned(),
        _ => match error.association() {
            Some(AssociationError::PeerAborted(abort)) => abort_cause(abort.source, abort.reason),
            Some(AssociationError::PeerTakesNothing) => {
                "The receiver announced a maximum length that leaves no room for data.".to_owned()
            }
            Some(AssociationError::Link(LinkError::Timeout)) => {
                "The receiver took no more data; --socket-timeout says how long to wait.".to_owned()
            }
            Some(AssociationError::PeerClosed | AssociationError::Link(_)) => {
                "The connection broke off, or the receiver closed it.".to_owned()
            }
            _ => String::new(),
        },
    }
}

/// What an A-ABORT says (PS3.8 9.3.8).
fn abort_cause(source: u8, reason: u8) -> String {
    let who = match (source, reason) {
        (2, 1) => "an unrecognized PDU",
        (2, 2) => "an unexpected PDU",
        (2, 4) => "an unrecognized PDU parameter",
        (2, 5) => "an unexpected PDU parameter",
        (2, 6) => "an invalid PDU parameter value",
        (2, _) => "no reason given by its network layer",
        _ => "no reason given by the application",
    };
    format!("The receiver aborted: {who}.")
}

/// A failure status, in one line.
pub(crate) fn refused(path: &Path, response: &Response) -> String {
    format!("The receiver refused {}: {}.", path.display(), told(response))
}

/// A warning status, in one line.
pub(crate) fn warning(path: &Path, response: &Response) -> String {
    format!("The receiver has {} with a remark: {}.", path.display(), told(response))
}

fn told(response: &Response) -> String {
    let code = response.status;
    let comment = response.error_comment.as_deref().map(str::trim).filter(|comment| !comment.is_empty());
    let comment = comment.map(|comment| format!(", {}", printable(comment))).unwrap_or_default();
    format!("status 0x{code:04x}, {}{comment}", status::text(Service::Store, code))
}

/// What helps against a failure status.
pub(crate) fn status_cure(code: u16, no_halt: bool) -> String {
    let cure = match code {
        0xA700..=0xA7FF => "it has no room, or takes no more at the moment",
        0xA900..=0xA9FF => "what the data set says it is, and what the request says, do not fit together",
        0xC000..=0xCFFF => "it could not read the object; its log should tell why",
        0x0122 => "it does not store this SOP class",
        0x0124 => "this calling AE title may not store there, see --aetitle",
        0x0117 | 0x0116 => "the SOP Instance UID is not what it should be",
        0x0110 | 0x0213 => "it is in trouble; its log should tell why",
        0x0111 => "it has an object with this SOP Instance UID already",
        _ => "its log should tell why",
    };
    let rest = if no_halt { "" } else { "; --no-halt goes on with the other files" };
    let section = status::section(Service::Store, code).map(|at| format!(" ({at})")).unwrap_or_default();
    format!("The receiver means{section}: {cure}{rest}.")
}

/// An error comment as DCMTK shows the details of a status.
pub(crate) fn detail(comment: &str) -> String {
    let value = printable(comment);
    let length = comment.len() + comment.len() % 2;
    format!(
        "\n# Dicom-Data-Set\n# Used TransferSyntax: Little Endian Implicit\n(0000,0902) LO [{value}]  # {length}, 1 ErrorComment"
    )
}
