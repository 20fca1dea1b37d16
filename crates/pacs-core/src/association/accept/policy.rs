//! What an acceptor grants, and in which encodings: stated by the program, or read from a profile file.

use super::super::context::{PresentationContext, Role};
use super::super::profile::AcceptProfile;
use crate::names::{self, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use crate::pdu::ExtendedNegotiation;
use std::collections::HashSet;

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
#[derive(Clone, Debug, Default)]
pub struct Contexts {
    /// The first that covers an abstract syntax decides.
    pub grants: Vec<Grant>,
    /// Of abstract syntaxes that no grant covers, what a profile file lists.
    pub profile: Option<AcceptProfile>,
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
    List(Vec<&'static str>),
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
        let mut classes = vec![Classes::List(others.to_vec()), Classes::Storage];
        if promiscuous {
            classes.push(Classes::Unnamed);
        }
        let grant = |classes| Grant { classes, transfer_syntaxes: transfer_syntaxes.clone(), role: Role::Default };
        Self { grants: classes.into_iter().map(grant).collect(), profile: None }
    }

    /// The encodings and roles for an abstract syntax, none if it is not granted at all.
    pub(super) fn terms(&self, abstract_syntax: &str) -> Option<Terms<'_>> {
        if let Some(grant) = self.grants.iter().find(|grant| grant.classes.contains(abstract_syntax)) {
            return Some(Terms { syntaxes: Syntaxes::Fixed(&grant.transfer_syntaxes), role: grant.role });
        }
        let entry = self.profile.as_ref()?.class(abstract_syntax)?;
        Some(Terms { syntaxes: Syntaxes::Read(&entry.transfer_syntaxes), role: entry.role })
    }

    /// Extended negotiation to answer for these contexts: a profile's, for every class with an accepted one.
    pub(super) fn extended(&self, contexts: &[PresentationContext]) -> Vec<ExtendedNegotiation> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let accepted: HashSet<_> =
            contexts.iter().filter(|c| c.is_accepted()).map(|c| c.abstract_syntax.as_str()).collect();
        profile.extended.iter().filter(|e| accepted.contains(e.sop_class.as_str())).cloned().collect()
    }
}

/// What is granted for one abstract syntax.
pub(super) struct Terms<'a> {
    pub(super) syntaxes: Syntaxes<'a>,
    pub(super) role: Role,
}

/// Acceptable transfer syntaxes, most wanted first.
pub(super) enum Syntaxes<'a> {
    Fixed(&'a [&'static str]),
    Read(&'a [String]),
}

impl Syntaxes<'_> {
    /// The most wanted of those offered, and its place in our list.
    pub(super) fn choose(&self, offered: &[String]) -> Option<(usize, String)> {
        let among = |wanted: &str| offered.iter().any(|o| o == wanted);
        match self {
            Self::Fixed(list) => list.iter().position(|s| among(s)).map(|i| (i, list[i].to_owned())),
            Self::Read(list) => list.iter().position(|s| among(s)).map(|i| (i, list[i].clone())),
        }
    }
}
