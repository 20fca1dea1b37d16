//! Association parameters as DCMTK prints them, and as scripts cut them apart: one block for the request, one for the
//! acceptance, each from either side.
//!
//! Values of the peer are made [`printable`], so that none can start a line: the one deliberate difference.

use super::context::{self, PresentationContext, PresentationContexts, State};
use crate::names::{dump_name, printable, uid_name};
use crate::pdu::{AeTitle, AssociateAc, AssociateRq, ExtendedNegotiation, UserIdentity, UserInformation};
use std::fmt;

/// Longest implementation version name, in characters (PS3.7 D.3.3.2.3); DCMTK cuts what is longer.
const MAX_VERSION_NAME: usize = 16;

/// An acceptor's block for the request it received. `our_max_pdu` is the maximum length it will announce, in bytes.
pub fn received_request(rq: &AssociateRq, our_max_pdu: u32) -> String {
    let us = Party { max_pdu: our_max_pdu, ..Party::ours() };
    request(rq, us, Party::of(&rq.user))
}

/// A requestor's block for the request it sends.
pub fn sent_request(rq: &AssociateRq) -> String {
    request(rq, Party::of(&rq.user), Party::default())
}

/// An acceptor's block for the acceptance it sends.
pub fn sent_acceptance(rq: &AssociateRq, ac: &AssociateAc, contexts: &PresentationContexts) -> String {
    acceptance(rq, ac, contexts, Party::of(&ac.user), Party::of(&rq.user))
}

/// A requestor's block for the acceptance it received.
pub fn received_acceptance(rq: &AssociateRq, ac: &AssociateAc, contexts: &PresentationContexts) -> String {
    acceptance(rq, ac, contexts, Party::of(&rq.user), Party::of(&ac.user))
}

fn request(rq: &AssociateRq, us: Party<'_>, them: Party<'_>) -> String {
    Block {
        pdu: "RQ",
        us,
        them,
        application_context: &rq.application_context,
        titles: [title(rq.calling), title(rq.called), String::new()],
        contexts: &context::proposals(rq),
        requested: &rq.user,
        accepted: None,
    }
    .to_string()
}

fn acceptance(
    rq: &AssociateRq,
    ac: &AssociateAc,
    contexts: &PresentationContexts,
    us: Party<'_>,
    them: Party<'_>,
) -> String {
    Block {
        pdu: "AC",
        us,
        them,
        application_context: &ac.application_context,
        titles: [title(rq.calling), title(rq.called), title(ac.called)],
        contexts: contexts.as_slice(),
        requested: &rq.user,
        accepted: Some(&ac.user),
    }
    .to_string()
}

/// Who speaks: what its user information says of itself.
#[derive(Default)]
struct Party<'a> {
    class_uid: &'a str,
    version_name: &'a str,
    max_pdu: u32,
}

impl<'a> Party<'a> {
    fn of(user: &'a UserInformation) -> Self {
        Self {
            class_uid: &user.implementation_class_uid,
            version_name: &user.implementation_version_name,
            max_pdu: user.max_length.unwrap_or(0),
        }
    }

    fn ours() -> Self {
        Self {
            class_uid: crate::IMPLEMENTATION_CLASS_UID,
            version_name: crate::IMPLEMENTATION_VERSION_NAME,
            max_pdu: 0,
        }
    }
}

struct Block<'a> {
    pdu: &'static str,
    us: Party<'a>,
    them: Party<'a>,
    application_context: &'a str,
    /// Calling, called, responding.
    titles: [String; 3],
    contexts: &'a [PresentationContext],
    requested: &'a UserInformation,
    accepted: Option<&'a UserInformation>,
}

impl fmt::Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pdu, us, them, .. } = self;
        let [calling, called, responding] = &self.titles;
        writeln!(f, "====================== BEGIN A-ASSOCIATE-{pdu} =====================")?;
        writeln!(f, "Our Implementation Class UID:      {}", printable(us.class_uid))?;
        writeln!(f, "Our Implementation Version Name:   {}", version_name(us.version_name))?;
        writeln!(f, "Their Implementation Class UID:    {}", printable(them.class_uid))?;
        writeln!(f, "Their Implementation Version Name: {}", version_name(them.version_name))?;
        writeln!(f, "Application Context Name:    {}", printable(self.application_context))?;
        writeln!(f, "Calling Application Name:    {calling}")?;
        writeln!(f, "Called Application Name:     {called}")?;
        writeln!(f, "Responding Application Name: {responding}")?;
        writeln!(f, "Our Max PDU Receive Size:    {}", us.max_pdu)?;
        writeln!(f, "Their Max PDU Receive Size:  {}", them.max_pdu)?;
        writeln!(f, "Presentation Contexts:")?;
        for context in self.contexts {
            write_context(f, context)?;
        }
        write_extended(f, "Requested Extended Negotiation:", " none", &self.requested.extended)?;
        let accepted = self.accepted.map_or(&[][..], |user| &user.extended);
        write_extended(f, "Accepted Extended Negotiation:", "  none", accepted)?;
        write_identity(f, self.requested.identity.as_ref())?;
        match self.accepted.and_then(|user| user.identity_response.as_ref()) {
            None => writeln!(f, "User Identity Negotiation Response:  none")?,
            Some(response) => {
                writeln!(f, "User Identity Negotiation Response:")?;
                writeln!(f, "  Server Response (not dumped) length: {}", response.len())?;
            }
        }
        write!(f, "======================= END A-ASSOCIATE-{pdu} ======================")
    }
}

fn write_context(f: &mut fmt::Formatter<'_>, context: &PresentationContext) -> fmt::Result {
    writeln!(f, "  Context ID:        {} ({})", context.id, context.state)?;
    writeln!(f, "    Abstract Syntax: {}", dump_name(&context.abstract_syntax))?;
    writeln!(f, "    Proposed SCP/SCU Role: {}", context.proposed_role)?;
    if context.state == State::Proposed {
        writeln!(f, "    Proposed Transfer Syntax(es):")?;
        for syntax in &context.proposed_syntaxes {
            writeln!(f, "      {}", dump_name(syntax))?;
        }
        return Ok(());
    }
    writeln!(f, "    Accepted SCP/SCU Role: {}", context.accepted_role)?;
    if context.is_accepted() {
        writeln!(f, "    Accepted Transfer Syntax: {}", dump_name(&context.transfer_syntax))?;
    }
    Ok(())
}

fn write_extended(f: &mut fmt::Formatter<'_>, label: &str, none: &str, items: &[ExtendedNegotiation]) -> fmt::Result {
    if items.is_empty() {
        return writeln!(f, "{label}{none}");
    }
    writeln!(f, "{label}")?;
    for item in items {
        let name = uid_name(&item.sop_class).unwrap_or("Unknown-UID");
        writeln!(f, "  ={name} ({})", printable(&item.sop_class))?;
        f.write_str("    [")?;
        for (i, byte) in item.information.iter().enumerate() {
            write!(f, "{}0x{byte:02x}", if i == 0 { "" } else { ", " })?;
        }
        writeln!(f, "]")?;
    }
    Ok(())
}

fn write_identity(f: &mut fmt::Formatter<'_>, identity: Option<&UserIdentity>) -> fmt::Result {
    let Some(identity) = identity else {
        return writeln!(f, "Requested User Identity Negotiation: none");
    };
    let UserIdentity { kind, primary, secondary, .. } = identity;
    writeln!(f, "Requested User Identity Negotiation:")?;
    match kind {
        1 => writeln!(f, "  Authentication mode 1: Username")?,
        2 => writeln!(f, "  Authentication mode 2: Username/Password")?,
        3 => writeln!(f, "  Authentication mode 3: Kerberos")?,
        4 => writeln!(f, "  Authentication mode 4: SAML")?,
        5 => writeln!(f, "  Authentication mode 5: JWT")?,
        // DCMTK: a blank at the end
        _ => writeln!(f, "  Authentication mode: Unknown ")?,
    }
    match kind {
        1 => writeln!(f, "  Username: [{}]", text(primary))?,
        2 => {
            writeln!(f, "  Username: [{}]", text(primary))?;
            writeln!(f, "  Password: [{}]", text(secondary))?;
        }
        3 => writeln!(f, "  Kerberos Service Ticket (not dumped) length: {}", primary.len())?,
        4 => writeln!(f, "  SAML Assertion (not dumped) length: {}", primary.len())?,
        5 => writeln!(f, "  JSON Web Token (not dumped) length: {}", primary.len())?,
        _ => {
            writeln!(f, "  First value (not dumped), length: {}", primary.len())?;
            writeln!(f, "  Second Value (not dumped), length: {}", secondary.len())?;
        }
    }
    writeln!(f, "  Positive Response requested: {}", if identity.response_requested { "Yes" } else { "No" })
}

/// A title as dumps show it: up to its first NUL, blanks at its end dropped but not those before it.
fn title(title: AeTitle) -> String {
    let shown = latin1(&title.0);
    printable(shown.trim_end_matches(' ')).into_owned()
}

/// Text of a user identity: up to its first NUL.
fn text(bytes: &[u8]) -> String {
    printable(&latin1(bytes)).into_owned()
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().take_while(|b| **b != 0).map(|b| char::from(*b)).collect()
}

fn version_name(name: &str) -> String {
    let shown: String = name.chars().take(MAX_VERSION_NAME).collect();
    printable(&shown).into_owned()
}

#[cfg(test)]
mod tests;
