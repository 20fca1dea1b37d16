//! Typed PDUs → whole PDUs with their header (PS3.8 9.3, PS3.7 D.3.3).
//!
//! Items stand in DCMTK's order: application context, presentation contexts as given, user information with maximum
//! length, implementation class UID, asynchronous window, roles, version name, extended negotiation, user identity. All
//! reserved bytes are zero.

use super::{
    Abort, AeTitle, AssociateAc, AssociateRj, AssociateRq, HEADER_LENGTH, PduHeader, PduType, SHORT_LENGTH,
    UserInformation,
};
use std::fmt;

/// What a refused context carries as its transfer syntax, where one must stand and none is meant (PS3.8 9.3.3.2).
const PLACEHOLDER_SYNTAX: &str = "1.2.840.10008.1.2";

/// Writes an A-ASSOCIATE-RQ (PS3.8 9.3.2). An answer to a user identity is not part of it and left out.
///
/// # Errors
/// [`WriteError`] when something does not fit the length field it needs, or is no text of one byte a character.
pub fn associate_rq(rq: &AssociateRq) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::with_capacity(512 + 128 * rq.contexts.len());
    fixed(&mut out, rq.protocol_version, &rq.called, &rq.calling);
    item(&mut out, 0x10, "application context", |out| latin1(out, &rq.application_context, "application context"))?;
    for context in &rq.contexts {
        item(&mut out, 0x20, "presentation context", |out| {
            out.extend([context.id, 0, 0, 0]);
            item(out, 0x30, "abstract syntax", |out| latin1(out, &context.abstract_syntax, "abstract syntax"))?;
            for syntax in &context.transfer_syntaxes {
                item(out, 0x40, "transfer syntax", |out| latin1(out, syntax, "transfer syntax"))?;
            }
            Ok(())
        })?;
    }
    item(&mut out, 0x50, "user information", |out| {
        user_information(out, &rq.user)?;
        let Some(identity) = &rq.user.identity else { return Ok(()) };
        item(out, 0x58, "user identity", |out| {
            out.extend([identity.kind, u8::from(identity.response_requested)]);
            counted(out, &identity.primary, "user identity")?;
            counted(out, if identity.kind == 2 { &identity.secondary } else { &[] }, "user identity")
        })
    })?;
    finish(out, PduType::AssociateRq)
}

/// Writes an A-ASSOCIATE-AC (PS3.8 9.3.3). A user identity is not part of it and left out. A refused context without
/// transfer syntax gets implicit VR little endian there, as DCMTK gives it.
///
/// # Errors
/// See [`associate_rq`].
pub fn associate_ac(ac: &AssociateAc) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::with_capacity(512 + 32 * ac.contexts.len());
    fixed(&mut out, ac.protocol_version, &ac.called, &ac.calling);
    item(&mut out, 0x10, "application context", |out| latin1(out, &ac.application_context, "application context"))?;
    for context in &ac.contexts {
        item(&mut out, 0x21, "presentation context", |out| {
            out.extend([context.id, 0, context.result, 0]);
            let refused = context.result != 0 && context.transfer_syntax.is_empty();
            let syntax = if refused { PLACEHOLDER_SYNTAX } else { &context.transfer_syntax };
            item(out, 0x40, "transfer syntax", |out| latin1(out, syntax, "transfer syntax"))
        })?;
    }
    item(&mut out, 0x50, "user information", |out| {
        user_information(out, &ac.user)?;
        let Some(response) = &ac.user.identity_response else { return Ok(()) };
        item(out, 0x59, "user identity response", |out| counted(out, response, "user identity response"))
    })?;
    finish(out, PduType::AssociateAc)
}

/// Writes an A-ASSOCIATE-RJ (PS3.8 9.3.4).
pub fn associate_rj(rj: AssociateRj) -> [u8; 10] {
    short(PduType::AssociateRj, [0, rj.result, rj.source, rj.reason])
}

/// Writes an A-RELEASE-RQ (PS3.8 9.3.6).
pub fn release_rq() -> [u8; 10] {
    short(PduType::ReleaseRq, [0; 4])
}

/// Writes an A-RELEASE-RP (PS3.8 9.3.7).
pub fn release_rp() -> [u8; 10] {
    short(PduType::ReleaseRp, [0; 4])
}

/// Writes an A-ABORT (PS3.8 9.3.8).
pub fn abort(abort: Abort) -> [u8; 10] {
    short(PduType::Abort, [0, 0, abort.source, abort.reason])
}

/// Why a PDU cannot be written: the caller's values do not fit the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// Longer than its length field can say.
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
    },
    /// A character beyond U+00FF, which has no byte on the wire.
    Characters {
        /// What it stands in.
        what: &'static str,
    },
}

impl std::error::Error for WriteError {}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { what, length } => write!(f, "{what} of {length} bytes does not fit its length field"),
            Self::Characters { what } => write!(f, "{what} has characters that cannot be sent"),
        }
    }
}

fn short(kind: PduType, body: [u8; 4]) -> [u8; 10] {
    let mut out = [0; 10];
    out[..HEADER_LENGTH].copy_from_slice(&PduHeader::to_bytes(kind, SHORT_LENGTH));
    out[HEADER_LENGTH..].copy_from_slice(&body);
    out
}

/// Room for the header, then version, titles and reserved bytes.
fn fixed(out: &mut Vec<u8>, version: u16, called: &AeTitle, calling: &AeTitle) {
    out.extend([0; HEADER_LENGTH]);
    out.extend(version.to_be_bytes());
    out.extend([0; 2]);
    out.extend(called.0);
    out.extend(calling.0);
    out.extend([0; 32]);
}

fn finish(mut out: Vec<u8>, kind: PduType) -> Result<Vec<u8>, WriteError> {
    let length = out.len() - HEADER_LENGTH;
    let declared = u32::try_from(length).map_err(|_| WriteError::TooLong { what: "association PDU", length })?;
    out[..HEADER_LENGTH].copy_from_slice(&PduHeader::to_bytes(kind, declared));
    Ok(out)
}

/// An item: its header, what `content` appends, then the length in the header.
fn item(
    out: &mut Vec<u8>,
    kind: u8,
    what: &'static str,
    content: impl FnOnce(&mut Vec<u8>) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    out.extend([kind, 0, 0, 0]);
    let start = out.len();
    content(out)?;
    let length = out.len() - start;
    out[start - 2..start].copy_from_slice(&u16_length(length, what)?.to_be_bytes());
    Ok(())
}

/// The items that both directions have.
fn user_information(out: &mut Vec<u8>, user: &UserInformation) -> Result<(), WriteError> {
    if let Some(max) = user.max_length {
        out.extend([0x51, 0, 0, 4]);
        out.extend(max.to_be_bytes());
    }
    optional_text(out, 0x52, &user.implementation_class_uid, "implementation class UID")?;
    if let Some((invoked, performed)) = user.async_window {
        out.extend([0x53, 0, 0, 4]);
        out.extend(invoked.to_be_bytes());
        out.extend(performed.to_be_bytes());
    }
    for role in &user.roles {
        item(out, 0x54, "role selection", |out| {
            counted_uid(out, &role.sop_class)?;
            out.extend([u8::from(role.scu), u8::from(role.scp)]);
            Ok(())
        })?;
    }
    optional_text(out, 0x55, &user.implementation_version_name, "implementation version name")?;
    for extended in &user.extended {
        item(out, 0x56, "extended negotiation", |out| {
            counted_uid(out, &extended.sop_class)?;
            out.extend(&extended.information);
            Ok(())
        })?;
    }
    Ok(())
}

/// An item that is left out when there is nothing to say.
fn optional_text(out: &mut Vec<u8>, kind: u8, text: &str, what: &'static str) -> Result<(), WriteError> {
    if text.is_empty() { Ok(()) } else { item(out, kind, what, |out| latin1(out, text, what)) }
}

fn counted_uid(out: &mut Vec<u8>, uid: &str) -> Result<(), WriteError> {
    out.extend(u16_length(uid.chars().count(), "SOP class UID")?.to_be_bytes());
    latin1(out, uid, "SOP class UID")
}

fn counted(out: &mut Vec<u8>, bytes: &[u8], what: &'static str) -> Result<(), WriteError> {
    out.extend(u16_length(bytes.len(), what)?.to_be_bytes());
    out.extend(bytes);
    Ok(())
}

fn u16_length(length: usize, what: &'static str) -> Result<u16, WriteError> {
    u16::try_from(length).map_err(|_| WriteError::TooLong { what, length })
}

fn latin1(out: &mut Vec<u8>, text: &str, what: &'static str) -> Result<(), WriteError> {
    for c in text.chars() {
        out.push(u8::try_from(c).map_err(|_| WriteError::Characters { what })?);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
