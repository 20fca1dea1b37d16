//! What an acceptor answers to an A-ASSOCIATE-RQ: one pure function of the request and a [`Policy`].
//!
//! The order of checks and every code sent are DCMTK's; see [`Cause`] for each and what the log says of it. Where DCMTK
//! leaves a peer without any answer the verdict is an A-ABORT.

mod cause;
mod warning;

pub use cause::{Cause, Title};
pub use warning::Warning;

use super::context::{self, PresentationContext, PresentationContexts, Role, State};
use super::profile::AcceptProfile;
use crate::names::{self, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use crate::pdu::{
    APPLICATION_CONTEXT, Abort, AeTitle, AssociateAc, AssociateRj, AssociateRq, ContextResult, ExtendedNegotiation,
    RoleSelection, UserInformation,
};
use std::collections::HashSet;

/// Most transfer syntaxes one proposed context may carry.
pub const MAX_TRANSFER_SYNTAXES: usize = 128;

/// Longest UID, in characters (PS3.5 9.1).
pub const MAX_UID_LENGTH: usize = 64;

/// The largest maximum length of P-DATA-TF bodies we announce or use, in bytes. DCMTK has the same limit.
pub const MAX_PDU: u32 = 131_072;

/// Bytes taken off the peer's maximum for the payload of one PDV. Six would do (PS3.8 9.3.5.1); DCMTK takes twelve.
const PDV_OVERHEAD: u32 = 12;

/// What DCMTK says it sends at most to a peer that announces next to nothing.
const SMALLEST_PDV: u32 = 4_096 - PDV_OVERHEAD;

/// The encodings of plain data sets, most wanted first.
pub const UNCOMPRESSED: [&str; 3] = [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE];

/// Every encoding a store takes with `--accept-all`, most wanted first.
#[rustfmt::skip]
pub const ACCEPT_ALL: [&str; 36] = [
    "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.100.1", "1.2.840.10008.1.2.4.101", "1.2.840.10008.1.2.4.101.1",
    "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.102.1", "1.2.840.10008.1.2.4.103", "1.2.840.10008.1.2.4.103.1",
    "1.2.840.10008.1.2.4.104", "1.2.840.10008.1.2.4.104.1", "1.2.840.10008.1.2.4.105", "1.2.840.10008.1.2.4.105.1",
    "1.2.840.10008.1.2.4.106", "1.2.840.10008.1.2.4.106.1", "1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108",
    "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.1.98",
    EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE,
];

/// The preference list of a `--prefer` option: that syntax, then [`UNCOMPRESSED`] without it.
pub fn preferring(syntax: &'static str) -> Vec<&'static str> {
    std::iter::once(syntax).chain(UNCOMPRESSED.into_iter().filter(|s| *s != syntax)).collect()
}

/// How an acceptor decides.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Reject every association (`--refuse`).
    pub refuse: bool,
    /// Reject requests without implementation class UID (`--reject`).
    pub require_implementation_class: bool,
    /// Longest P-DATA-TF body we take, in bytes; an odd value is announced one less.
    pub max_pdu: u32,
    /// What is granted to whom asks for it.
    pub contexts: Contexts,
}

/// Which presentation contexts are granted.
#[derive(Clone, Debug)]
pub enum Contexts {
    /// The first grant that covers an abstract syntax decides.
    Grants(Vec<Grant>),
    /// What a profile file lists, and nothing else.
    Profile(AcceptProfile),
}

/// Some abstract syntaxes and the encodings they are taken in.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The abstract syntaxes.
    pub classes: Classes,
    /// Acceptable transfer syntaxes, most wanted first: the acceptor's order decides, not the requestor's.
    pub transfer_syntaxes: Vec<&'static str>,
    /// Roles the requestor may take if it asks for them; nothing is answered with [`Role::Default`].
    pub role: Role,
}

/// A set of abstract syntaxes.
#[derive(Clone, Debug)]
pub enum Classes {
    /// These UIDs, such as the SOP classes of a service.
    List(&'static [&'static str]),
    /// The storage classes marked as accepted in [`names::storage_classes`].
    Storage,
    /// All that have no name in [`names::uid_name`], so private ones too (`--promiscuous`).
    Unnamed,
}

impl Classes {
    fn contains(&self, abstract_syntax: &str) -> bool {
        match self {
            Self::List(uids) => uids.contains(&abstract_syntax),
            Self::Storage => names::storage_class(abstract_syntax).is_some_and(|c| c.accepted),
            Self::Unnamed => names::uid_name(abstract_syntax).is_none(),
        }
    }
}

impl Contexts {
    /// What a storage provider grants: `others`, such as Verification, and the storage classes, all in these encodings.
    pub fn storage(others: &'static [&'static str], transfer_syntaxes: Vec<&'static str>, promiscuous: bool) -> Self {
        let mut classes = vec![Classes::List(others), Classes::Storage];
        if promiscuous {
            classes.push(Classes::Unnamed);
        }
        let grant = |classes| Grant { classes, transfer_syntaxes: transfer_syntaxes.clone(), role: Role::Default };
        Self::Grants(classes.into_iter().map(grant).collect())
    }

    /// The encodings and roles for an abstract syntax, none if it is not granted at all.
    fn terms(&self, abstract_syntax: &str) -> Option<Terms<'_>> {
        match self {
            Self::Grants(grants) => {
                let grant = grants.iter().find(|g| g.classes.contains(abstract_syntax))?;
                Some(Terms { syntaxes: Syntaxes::Fixed(&grant.transfer_syntaxes), role: grant.role })
            }
            Self::Profile(profile) => {
                let entry = profile.class(abstract_syntax)?;
                Some(Terms { syntaxes: Syntaxes::Read(&entry.transfer_syntaxes), role: entry.role })
            }
        }
    }

    /// Extended negotiation to answer for these contexts: a profile's, for every class with an accepted one.
    fn extended(&self, contexts: &[PresentationContext]) -> Vec<ExtendedNegotiation> {
        let Self::Profile(profile) = self else { return Vec::new() };
        let accepted: HashSet<_> =
            contexts.iter().filter(|c| c.is_accepted()).map(|c| c.abstract_syntax.as_str()).collect();
        profile.extended.iter().filter(|e| accepted.contains(e.sop_class.as_str())).cloned().collect()
    }
}

struct Terms<'a> {
    syntaxes: Syntaxes<'a>,
    role: Role,
}

enum Syntaxes<'a> {
    Fixed(&'a [&'static str]),
    Read(&'a [String]),
}

impl Syntaxes<'_> {
    /// The most wanted of those offered, and its place in our list.
    fn choose(&self, offered: &[String]) -> Option<(usize, String)> {
        let among = |wanted: &str| offered.iter().any(|o| o == wanted);
        match self {
            Self::Fixed(list) => list.iter().position(|s| among(s)).map(|i| (i, list[i].to_owned())),
            Self::Read(list) => list.iter().position(|s| among(s)).map(|i| (i, list[i].clone())),
        }
    }
}

/// What to do with a request.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Send the A-ASSOCIATE-AC and serve.
    Accept(Box<Acceptance>),
    /// Send the A-ASSOCIATE-RJ and close.
    Reject {
        /// The answer.
        rj: AssociateRj,
        /// Why.
        cause: Cause,
    },
    /// Send the A-ABORT and close. DCMTK sends nothing and leaves the peer waiting.
    Abort {
        /// The answer.
        abort: Abort,
        /// Why.
        cause: Cause,
    },
}

/// An association about to be established.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// The answer.
    pub ac: AssociateAc,
    /// All proposed contexts in the order they came, with what became of them. The association stands even if none was
    /// accepted.
    pub contexts: PresentationContexts,
    /// How much may be sent to the peer at a time.
    pub send: SendLimit,
    /// What the log shall say, in this order, before it says that the association was acknowledged.
    pub warnings: Vec<Warning>,
}

/// How much a peer takes in one PDV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendLimit {
    /// What logs call the maximum send PDV, in bytes. For a peer that announces next to nothing DCMTK's word is greater
    /// than the peer's own; never send by it.
    pub announced: u32,
    /// Longest payload of one PDV that the peer takes, in bytes, even. None: it takes nothing at all, and sending ends the
    /// association.
    pub payload: Option<u32>,
}

/// The sending limit that follows from the maximum length in a peer's user information, for either side, and what the log
/// shall say about it. None and 0 mean without limit (PS3.8 D.1), which we take as [`MAX_PDU`].
pub fn send_limit(peer_max_pdu: Option<u32>) -> (SendLimit, Vec<Warning>) {
    let mut warnings = Vec::new();
    let peer = match peer_max_pdu.unwrap_or(0) {
        0 => MAX_PDU,
        n if n > MAX_PDU => MAX_PDU,
        n if n % 2 == 1 => {
            warnings.push(Warning::SendLengthOdd(n));
            n - 1
        }
        n => n,
    };
    let payload = peer.checked_sub(PDV_OVERHEAD).filter(|n| *n > 0);
    let announced = match payload {
        None => {
            warnings.push(Warning::SendLengthUnusable(i64::from(peer) - i64::from(PDV_OVERHEAD)));
            SMALLEST_PDV
        }
        Some(n) if n < PDV_OVERHEAD => {
            warnings.push(Warning::SendLengthSmall);
            SMALLEST_PDV
        }
        Some(n) => n,
    };
    (SendLimit { announced, payload }, warnings)
}

/// The maximum length to announce, in bytes, for the one configured, and what the log shall say if they differ.
pub fn announced_max_pdu(configured: u32) -> (u32, Option<Warning>) {
    match configured % 2 {
        0 => (configured, None),
        _ => (configured - 1, Some(Warning::ReceiveLengthOdd(configured))),
    }
}

/// Decides on a request. Does no I/O; takes time linear in the size of the request.
pub fn judge(rq: &AssociateRq, policy: &Policy) -> Verdict {
    if let Err(cause) = admissible(rq, policy) {
        return match cause.rejection() {
            Some(rj) => Verdict::Reject { rj, cause },
            // PS3.8 9.3.8: service provider, invalid PDU parameter value
            None => Verdict::Abort { abort: Abort { source: 2, reason: 6 }, cause },
        };
    }
    let (max_pdu, odd) = announced_max_pdu(policy.max_pdu);
    let mut warnings: Vec<_> = odd.into_iter().collect();
    let contexts = negotiate(rq, &policy.contexts, &mut warnings);
    let (send, more) = send_limit(rq.user.max_length);
    warnings.extend(more);
    let ac = AssociateAc {
        protocol_version: 1,
        called: echoed(rq.called),
        calling: echoed(rq.calling),
        application_context: APPLICATION_CONTEXT.to_owned(),
        contexts: answers(&contexts),
        user: UserInformation {
            max_length: Some(max_pdu),
            implementation_class_uid: crate::IMPLEMENTATION_CLASS_UID.to_owned(),
            implementation_version_name: crate::IMPLEMENTATION_VERSION_NAME.to_owned(),
            roles: role_answers(&contexts),
            extended: policy.contexts.extended(&contexts),
            ..UserInformation::default()
        },
    };
    Verdict::Accept(Box::new(Acceptance { ac, contexts: PresentationContexts::new(contexts), send, warnings }))
}

/// The checks before any context is negotiated, in DCMTK's order.
fn admissible(rq: &AssociateRq, policy: &Policy) -> Result<(), Cause> {
    if rq.protocol_version & 1 == 0 {
        return Err(Cause::UnsupportedProtocol(rq.protocol_version));
    }
    if let Some(length) = longest_refused(rq) {
        return Err(Cause::UidTooLong(length));
    }
    if let Some(context) = rq.contexts.iter().find(|c| c.transfer_syntaxes.is_empty()) {
        return Err(Cause::NoTransferSyntax(context.id));
    }
    if policy.refuse {
        return Err(Cause::Refused);
    }
    if rq.contexts.is_empty() {
        return Err(Cause::NoContexts);
    }
    if let Some(context) = rq.contexts.iter().find(|c| c.transfer_syntaxes.len() > MAX_TRANSFER_SYNTAXES) {
        return Err(Cause::TooManyTransferSyntaxes { id: context.id, count: context.transfer_syntaxes.len() });
    }
    if rq.application_context != APPLICATION_CONTEXT {
        return Err(Cause::BadApplicationContext(rq.application_context.clone()));
    }
    if policy.require_implementation_class && rq.user.implementation_class_uid.is_empty() {
        return Err(Cause::NoImplementationClass);
    }
    for (title, which) in [(rq.called, Title::Called), (rq.calling, Title::Calling)] {
        if echoed(title) == AeTitle([b' '; 16]) {
            return Err(Cause::BlankTitle(which));
        }
    }
    Ok(())
}

/// The length of the first UID that is longer than UIDs may be. Roles and extended negotiation may carry longer ones: they
/// match nothing.
fn longest_refused(rq: &AssociateRq) -> Option<usize> {
    let contexts = rq.contexts.iter().flat_map(|c| std::iter::once(&c.abstract_syntax).chain(&c.transfer_syntaxes));
    std::iter::once(&rq.application_context)
        .chain(contexts)
        .chain(std::iter::once(&rq.user.implementation_class_uid))
        // every character is one byte on the wire, see the type
        .map(|uid| uid.chars().count())
        .find(|length| *length > MAX_UID_LENGTH)
}

/// How a proposal fared by itself; the lower the better where several share an identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Accepted with the syntax at this place of our list.
    Accepted(usize),
    Refused,
    Unlisted,
}

fn negotiate(rq: &AssociateRq, policy: &Contexts, warnings: &mut Vec<Warning>) -> Vec<PresentationContext> {
    let mut contexts = context::proposals(rq);
    warn_of_empty_roles(rq, warnings);
    let ranks: Vec<_> = contexts.iter_mut().map(|c| answer(c, policy, warnings)).collect();
    // DCMTK: identifiers may be even or stand twice. Each gets one answer: the proposal whose syntax we want most, of
    // equal ones the first; the others stay without.
    let mut best: [Option<(Rank, usize)>; 256] = [None; 256];
    for (position, (context, rank)) in contexts.iter().zip(&ranks).enumerate() {
        let slot = &mut best[usize::from(context.id)];
        if slot.is_none_or(|(held, _)| *rank < held) {
            *slot = Some((*rank, position));
        }
    }
    for (position, context) in contexts.iter_mut().enumerate() {
        if best[usize::from(context.id)].is_none_or(|(_, winner)| winner != position) {
            context.state = State::Proposed;
            context.transfer_syntax.clear();
            context.accepted_role = Role::Default;
        }
    }
    contexts
}

/// Fills in the answer to one proposal.
fn answer(context: &mut PresentationContext, policy: &Contexts, warnings: &mut Vec<Warning>) -> Rank {
    let Some(terms) = policy.terms(&context.abstract_syntax) else {
        context.state = State::AbstractSyntaxNotSupported;
        return Rank::Unlisted;
    };
    let Some((place, syntax)) = terms.syntaxes.choose(&context.proposed_syntaxes) else {
        context.state = State::TransferSyntaxesNotSupported;
        return Rank::Refused;
    };
    context.accepted_role = terms.role;
    if context.proposed_role == Role::Default && terms.role == Role::Scp {
        once(warnings, Warning::RoleRefused);
        context.state = State::NoReason;
        return Rank::Refused;
    }
    if context.proposed_role != Role::Default && context.requestor() == Role::None {
        once(warnings, Warning::RoleNone);
    }
    context.state = State::Accepted;
    context.transfer_syntax = syntax;
    Rank::Accepted(place)
}

/// DCMTK says so for each context concerned; once is enough, and a peer may propose thousands.
fn once(warnings: &mut Vec<Warning>, warning: Warning) {
    if !warnings.contains(&warning) {
        warnings.push(warning);
    }
}

fn warn_of_empty_roles(rq: &AssociateRq, warnings: &mut Vec<Warning>) {
    let roles = context::first_by_class(&rq.user.roles, |r| &r.sop_class);
    let empty = |class: &str| roles.get(class).is_some_and(|r| !r.scu && !r.scp);
    if rq.contexts.iter().any(|c| empty(&c.abstract_syntax)) {
        warnings.push(Warning::BothRolesZero);
    }
}

/// One result for each identifier, at the place where it was first proposed. What is refused carries Implicit VR Little
/// Endian, since the item is mandatory.
fn answers(contexts: &[PresentationContext]) -> Vec<ContextResult> {
    let mut place: [Option<usize>; 256] = [None; 256];
    let mut results = Vec::new();
    for context in contexts {
        let at = *place[usize::from(context.id)].get_or_insert_with(|| {
            results.push(ContextResult { id: context.id, ..ContextResult::default() });
            results.len() - 1
        });
        if let (Some(code), Some(result)) = (context.state.code(), results.get_mut(at)) {
            result.result = code;
            result.transfer_syntax =
                if context.is_accepted() { context.transfer_syntax.clone() } else { IMPLICIT_LITTLE.to_owned() };
        }
    }
    results
}

/// The role items to send: one for each class with an accepted context for which both sides named roles.
fn role_answers(contexts: &[PresentationContext]) -> Vec<RoleSelection> {
    let mut seen = HashSet::new();
    let named = |c: &&PresentationContext| {
        c.is_accepted() && c.proposed_role != Role::Default && c.accepted_role != Role::Default
    };
    contexts
        .iter()
        .filter(named)
        .filter(|c| seen.insert(c.abstract_syntax.as_str()))
        .map(|c| {
            let agreed = c.requestor();
            RoleSelection { sop_class: c.abstract_syntax.clone(), scu: agreed.scu(), scp: agreed.scp() }
        })
        .collect()
}

/// A title as it is sent back: up to its first NUL, the rest blanks.
fn echoed(title: AeTitle) -> AeTitle {
    let end = title.0.iter().position(|b| *b == 0).unwrap_or(title.0.len());
    let mut bytes = title.0;
    bytes[end..].fill(b' ');
    AeTitle(bytes)
}

#[cfg(test)]
mod tests;
