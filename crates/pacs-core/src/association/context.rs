//! Presentation contexts: what each of them carries, in which encoding and roles (PS3.8 7.1.1.13, PS3.7 D.3.3.4).

use crate::names;
use crate::pdu::{AssociateRq, RoleSelection};
use std::borrow::Cow;
use std::collections::HashMap;

/// The roles that one side of a role selection names for the association requestor (PS3.7 D.3.3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// No role selection: the requestor is SCU, the acceptor SCP.
    #[default]
    Default,
    /// The requestor is SCU.
    Scu,
    /// The requestor is SCP.
    Scp,
    /// The requestor is both.
    ScuScp,
    /// The requestor is neither.
    None,
}

impl Role {
    /// The role that the two bytes of a role selection item say.
    pub fn from_flags(scu: bool, scp: bool) -> Self {
        match (scu, scp) {
            (true, true) => Self::ScuScp,
            (true, false) => Self::Scu,
            (false, true) => Self::Scp,
            (false, false) => Self::None,
        }
    }

    /// Whether the requestor may be SCU.
    pub fn scu(self) -> bool {
        matches!(self, Self::Default | Self::Scu | Self::ScuScp)
    }

    /// Whether the requestor may be SCP.
    pub fn scp(self) -> bool {
        matches!(self, Self::Scp | Self::ScuScp)
    }

    /// What both sides allow.
    pub fn and(self, other: Self) -> Self {
        Self::from_flags(self.scu() && other.scu(), self.scp() && other.scp())
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Default => "Default",
            Self::Scu => "SCU",
            Self::Scp => "SCP",
            Self::ScuScp => "SCP/SCU",
            Self::None => "None",
        })
    }
}

/// What became of a proposed context (PS3.8 9.3.3.2). The text is that of DCMTK's dumps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Proposed and not answered: before the answer, or because another proposal with the same identifier was.
    #[default]
    Proposed,
    /// 0.
    Accepted,
    /// 1.
    UserRejection,
    /// 2.
    NoReason,
    /// 3.
    AbstractSyntaxNotSupported,
    /// 4.
    TransferSyntaxesNotSupported,
    /// A code the standard does not list.
    Unknown(u8),
}

impl State {
    /// The state that a result byte means.
    pub fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Accepted,
            1 => Self::UserRejection,
            2 => Self::NoReason,
            3 => Self::AbstractSyntaxNotSupported,
            4 => Self::TransferSyntaxesNotSupported,
            other => Self::Unknown(other),
        }
    }

    /// The result byte, none for a context without answer.
    pub fn code(self) -> Option<u8> {
        match self {
            Self::Proposed => None,
            Self::Accepted => Some(0),
            Self::UserRejection => Some(1),
            Self::NoReason => Some(2),
            Self::AbstractSyntaxNotSupported => Some(3),
            Self::TransferSyntaxesNotSupported => Some(4),
            Self::Unknown(code) => Some(code),
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Proposed => f.write_str("Proposed"),
            Self::Accepted => f.write_str("Accepted"),
            Self::UserRejection => f.write_str("User Rejection"),
            Self::NoReason => f.write_str("No Reason"),
            Self::AbstractSyntaxNotSupported => f.write_str("Abstract Syntax Not Supported"),
            Self::TransferSyntaxesNotSupported => f.write_str("Transfer Syntaxes Not Supported"),
            Self::Unknown(code) => write!(f, "Unknown Result {code}"),
        }
    }
}

/// One presentation context of an association.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresentationContext {
    /// Identifier.
    pub id: u8,
    /// What is exchanged: a SOP class UID. Empty when the peer left it out.
    pub abstract_syntax: String,
    /// Encodings the requestor offered, in its order.
    pub proposed_syntaxes: Vec<String>,
    /// What became of the proposal.
    pub state: State,
    /// The encoding agreed on; empty unless accepted.
    pub transfer_syntax: String,
    /// Roles the requestor proposed.
    pub proposed_role: Role,
    /// Roles the acceptor is ready for.
    pub accepted_role: Role,
}

impl PresentationContext {
    /// Whether messages may be exchanged on it.
    pub fn is_accepted(&self) -> bool {
        self.state == State::Accepted
    }

    /// The requestor's roles as agreed: what was proposed and accepted, SCU where either side kept silent.
    pub fn requestor(&self) -> Role {
        match (self.proposed_role, self.accepted_role) {
            (Role::Default, _) | (_, Role::Default) => Role::Default,
            (proposed, accepted) => proposed.and(accepted),
        }
    }
}

/// The contexts of a request before any answer, in its order, each with the role proposed for its class.
pub fn proposals(rq: &AssociateRq) -> Vec<PresentationContext> {
    let roles = first_by_class(&rq.user.roles, |r| &r.sop_class);
    rq.contexts
        .iter()
        .map(|c| PresentationContext {
            id: c.id,
            abstract_syntax: c.abstract_syntax.clone(),
            proposed_syntaxes: c.transfer_syntaxes.clone(),
            proposed_role: roles.get(c.abstract_syntax.as_str()).map_or(Role::Default, |r| proposed_role(r)),
            ..PresentationContext::default()
        })
        .collect()
}

/// DCMTK: a requestor that names neither role is taken to name both.
fn proposed_role(selection: &RoleSelection) -> Role {
    match Role::from_flags(selection.scu, selection.scp) {
        Role::None => Role::ScuScp,
        role => role,
    }
}

/// Entries by their class, the first of each: a peer may send thousands, so looking each one up must not mean a search.
fn first_by_class<T>(entries: &[T], class: impl Fn(&T) -> &String) -> HashMap<&str, &T> {
    let mut map = HashMap::with_capacity(entries.len());
    for entry in entries {
        map.entry(class(entry).as_str()).or_insert(entry);
    }
    map
}

/// All contexts of an association in the order of their proposal, those without answer or refused included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentationContexts {
    list: Vec<PresentationContext>,
    /// For each identifier one more than the position in `list`, 0 for none.
    by_id: Box<[u32; 256]>,
}

impl PresentationContexts {
    /// Takes them in the order of their proposal. Where an identifier stands twice it leads to the accepted one, else to
    /// the one that was answered, else to the first.
    pub fn new(list: Vec<PresentationContext>) -> Self {
        let weight = |context: &PresentationContext| match context.state {
            State::Accepted => 3,
            State::Proposed => 1,
            _ => 2,
        };
        let mut by_id = Box::new([0_u32; 256]);
        for (position, context) in (1_u32..).zip(&list) {
            let slot = &mut by_id[usize::from(context.id)];
            let held = slot.checked_sub(1).and_then(|p| list.get(p as usize)).map_or(0, weight);
            if weight(context) > held {
                *slot = position;
            }
        }
        Self { list, by_id }
    }

    /// The context with this identifier, whatever became of it.
    pub fn get(&self, id: u8) -> Option<&PresentationContext> {
        let position = self.by_id[usize::from(id)].checked_sub(1)?;
        self.list.get(position as usize)
    }

    /// The context with this identifier if messages may be exchanged on it.
    pub fn accepted(&self, id: u8) -> Option<&PresentationContext> {
        self.get(id).filter(|c| c.is_accepted())
    }

    /// The accepted contexts for this abstract syntax, in the order of their proposal.
    pub fn of_class<'a>(&'a self, abstract_syntax: &'a str) -> impl Iterator<Item = &'a PresentationContext> {
        self.iter().filter(move |c| c.is_accepted() && c.abstract_syntax == abstract_syntax)
    }

    /// Whether at least one context was accepted.
    pub fn any_accepted(&self) -> bool {
        self.iter().any(PresentationContext::is_accepted)
    }

    /// All of them, in the order of their proposal.
    pub fn iter(&self) -> std::slice::Iter<'_, PresentationContext> {
        self.list.iter()
    }

    /// All of them, in the order of their proposal.
    pub fn as_slice(&self) -> &[PresentationContext] {
        &self.list
    }

    /// How many were proposed.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether none was proposed.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<'a> IntoIterator for &'a PresentationContexts {
    type Item = &'a PresentationContext;
    type IntoIter = std::slice::Iter<'a, PresentationContext>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What is left of a presentation context once it has been agreed on: as little as messages need, for an association that
/// idles keeps all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreedContext {
    /// Identifier.
    pub id: u8,
    /// What is exchanged: a SOP class UID.
    pub abstract_syntax: Cow<'static, str>,
    /// The encoding.
    pub transfer_syntax: Cow<'static, str>,
    /// The requestor's roles.
    pub requestor: Role,
}

/// The accepted contexts of an established association.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgreedContexts {
    /// By identifier, each once.
    list: Box<[AgreedContext]>,
}

impl AgreedContexts {
    /// The accepted ones among those negotiated.
    pub fn of(contexts: &PresentationContexts) -> Self {
        let agreed = |id: u8| {
            contexts.accepted(id).map(|c| AgreedContext {
                id,
                abstract_syntax: known(&c.abstract_syntax, names::storage_class(&c.abstract_syntax).map(|k| k.uid)),
                transfer_syntax: known(&c.transfer_syntax, names::transfer_syntax(&c.transfer_syntax).map(|k| k.uid)),
                requestor: c.requestor(),
            })
        };
        Self { list: (0..=u8::MAX).filter_map(agreed).collect() }
    }

    /// The context with this identifier.
    pub fn get(&self, id: u8) -> Option<&AgreedContext> {
        let at = self.list.binary_search_by_key(&id, |c| c.id).ok()?;
        self.list.get(at)
    }

    /// Those for this abstract syntax, by identifier.
    pub fn of_class<'a>(&'a self, abstract_syntax: &'a str) -> impl Iterator<Item = &'a AgreedContext> {
        self.list.iter().filter(move |c| c.abstract_syntax == abstract_syntax)
    }

    /// All of them, by identifier.
    pub fn all(&self) -> &[AgreedContext] {
        &self.list
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// A UID without memory of its own where we have it in a table.
fn known(uid: &str, table: Option<&'static str>) -> Cow<'static, str> {
    table.map_or_else(|| Cow::Owned(uid.to_owned()), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(id: u8, class: &str, state: State) -> PresentationContext {
        PresentationContext { id, abstract_syntax: class.to_owned(), state, ..PresentationContext::default() }
    }

    #[test]
    fn contexts_are_found_by_identifier_and_class() {
        let contexts = PresentationContexts::new(vec![
            context(5, "1.2", State::Accepted),
            context(1, "1.3", State::NoReason),
            context(0, "1.2", State::Accepted),
            context(255, "1.2", State::TransferSyntaxesNotSupported),
        ]);
        assert_eq!(contexts.get(1).map(|c| c.abstract_syntax.as_str()), Some("1.3"));
        assert_eq!(contexts.accepted(1), None);
        assert_eq!(contexts.accepted(0).map(|c| c.id), Some(0));
        assert_eq!(contexts.accepted(255), None);
        assert!(contexts.get(255).is_some() && contexts.get(7).is_none());
        assert_eq!(contexts.of_class("1.2").map(|c| c.id).collect::<Vec<_>>(), [5, 0]);
        assert_eq!(contexts.of_class("1.3").count(), 0);
        assert_eq!(contexts.iter().map(|c| c.id).collect::<Vec<_>>(), [5, 1, 0, 255]);
        assert!(contexts.any_accepted());
        assert_eq!((contexts.len(), contexts.is_empty()), (4, false));
    }

    #[test]
    fn a_repeated_identifier_leads_to_the_accepted_context() {
        let list = |states: [State; 3]| {
            let classes = ["1.1", "1.2", "1.3"];
            PresentationContexts::new(classes.iter().zip(states).map(|(c, s)| context(1, c, s)).collect())
        };
        let found = |states| list(states).get(1).map(|c| c.abstract_syntax.clone());
        assert_eq!(found([State::Proposed, State::Accepted, State::Proposed]), Some("1.2".to_owned()));
        assert_eq!(found([State::Accepted, State::Proposed, State::Accepted]), Some("1.1".to_owned()));
        assert_eq!(found([State::Proposed, State::NoReason, State::Accepted]), Some("1.3".to_owned()));
        assert_eq!(found([State::Proposed, State::NoReason, State::Proposed]), Some("1.2".to_owned()));
        assert_eq!(found([State::Proposed; 3]), Some("1.1".to_owned()));
        assert!(!list([State::NoReason, State::Proposed, State::Proposed]).any_accepted());
    }

    #[test]
    fn roles_agreed_are_those_both_sides_name() {
        let agreed = |proposed_role, accepted_role| {
            let context = PresentationContext { proposed_role, accepted_role, ..PresentationContext::default() };
            let role = context.requestor();
            (role, role.scu(), role.scp())
        };
        assert_eq!(agreed(Role::Default, Role::ScuScp), (Role::Default, true, false));
        assert_eq!(agreed(Role::ScuScp, Role::Default), (Role::Default, true, false));
        assert_eq!(agreed(Role::ScuScp, Role::Scp), (Role::Scp, false, true));
        assert_eq!(agreed(Role::Scu, Role::ScuScp), (Role::Scu, true, false));
        assert_eq!(agreed(Role::Scu, Role::Scp), (Role::None, false, false));
        assert_eq!(agreed(Role::ScuScp, Role::ScuScp), (Role::ScuScp, true, true));
    }

    #[test]
    fn result_codes_and_states() {
        for code in 0..=255 {
            assert_eq!(State::from_code(code).code(), Some(code));
        }
        assert_eq!(State::Proposed.code(), None);
        assert_eq!(State::from_code(3).to_string(), "Abstract Syntax Not Supported");
    }
}
