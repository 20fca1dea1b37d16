//! What an acceptor answers to an A-ASSOCIATE-RQ: one pure function of the request and a [`Policy`].
//!
//! The order of checks and every code sent are DCMTK's; see [`Cause`] for each and what the log says of it. Where DCMTK
//! leaves a peer without any answer the verdict is an A-ABORT.

mod cause;
mod limit;
mod policy;
mod warning;

pub use cause::{Cause, Title};
pub use limit::{MAX_PDU, SendLimit, announced_max_pdu, send_limit};
pub use policy::{ACCEPT_ALL, Classes, Contexts, Grant, Policy, UNCOMPRESSED, preferring};
pub use warning::Warning;

use super::context::{self, PresentationContext, PresentationContexts, Role, State};
use crate::names::IMPLICIT_LITTLE;
use crate::pdu::{
    APPLICATION_CONTEXT, Abort, AeTitle, AssociateAc, AssociateRj, AssociateRq, ContextResult, RoleSelection,
    UserInformation,
};
use std::collections::HashSet;

/// Most transfer syntaxes one proposed context may carry.
pub const MAX_TRANSFER_SYNTAXES: usize = 128;

/// Longest UID, in characters (PS3.5 9.1).
pub const MAX_UID_LENGTH: usize = 64;

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

/// Decides on a request. Does no I/O; takes time linear in the size of the request.
pub fn judge(rq: &AssociateRq, policy: &Policy) -> Verdict {
    judge_refined(rq, policy, |_| ())
}

/// As [`judge`]; `refine` may turn what the policy has granted into a refusal before it is answered, by
/// [`PresentationContext::state`].
pub fn judge_refined(rq: &AssociateRq, policy: &Policy, refine: impl FnOnce(&mut [PresentationContext])) -> Verdict {
    if let Err(cause) = admissible(rq, policy) {
        return match cause.rejection() {
            Some(rj) => Verdict::Reject { rj, cause },
            // PS3.8 9.3.8: service provider, invalid PDU parameter value
            None => Verdict::Abort { abort: Abort { source: 2, reason: 6 }, cause },
        };
    }
    let (max_pdu, odd) = announced_max_pdu(policy.max_pdu);
    let mut warnings: Vec<_> = odd.into_iter().collect();
    let mut contexts = negotiate(rq, &policy.contexts, &mut warnings);
    refine(&mut contexts);
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
    let ranks: Vec<_> = contexts.iter_mut().map(|c| answer(c, policy, warnings)).collect();
    // DCMTK: identifiers may be even or stand twice, and each gets one answer. Which proposal it is for is less clear there
    // than here: the one whose syntax we want most, of equal ones the first. The others stay without.
    // Not on the stack: an association's thread keeps what its deepest call has touched.
    let mut best: Vec<Option<(Rank, usize)>> = vec![None; 256];
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

/// One result for each identifier, at the place where it was first proposed. What is refused carries Implicit VR Little
/// Endian, since the item is mandatory.
fn answers(contexts: &[PresentationContext]) -> Vec<ContextResult> {
    let mut place: Vec<Option<usize>> = vec![None; 256];
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
