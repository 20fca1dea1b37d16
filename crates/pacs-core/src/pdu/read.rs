//! Bodies of received association PDUs → typed PDUs (PS3.8 9.3, PS3.7 D.3.3).
//!
//! Tolerant where DCMTK is: unknown items are skipped at all three levels, of a repeated item the last one counts, a text
//! ends at its first NUL, even and repeated context identifiers and unlisted result codes are kept. Blanks in UIDs are
//! kept as well: DCMTK refuses such a name or context, so must the policy. Strict about lengths: no item reaches beyond
//! what encloses it. The work is linear in the length of the body, and so is what it may allocate.
//!
//! A-RELEASE-RQ and A-RELEASE-RP have no reader: their body carries nothing, and like DCMTK we take it at any length.

use super::{
    Abort, AeTitle, AssociateAc, AssociateRj, AssociateRq, ContextResult, ExtendedNegotiation, ProposedContext,
    RoleSelection, UserIdentity, UserInformation,
};

mod problem;

pub use problem::{Part, PduError, Problem, Warning};

/// Longest UID and implementation version name that is taken, in bytes. DCMTK refuses the PDU for a longer one.
pub const MAX_TEXT_LENGTH: usize = 64;

/// Warnings kept for one PDU. A peer can cause one with eight bytes; what comes after these is dropped.
pub const MAX_WARNINGS: usize = 16;

/// Bytes before the items of A-ASSOCIATE-RQ and -AC: version, a reserved field, two titles, 32 reserved bytes.
const FIXED_LENGTH: usize = 68;

/// Type, reserved byte and length of an item.
const ITEM_HEADER: usize = 4;

/// Reads an A-ASSOCIATE-RQ body (PS3.8 9.3.2) and forgets the warnings.
///
/// # Errors
/// [`PduError`] for a protocol version we do not speak (checked before any item is looked at) and for wrong lengths.
pub fn associate_rq(body: &[u8]) -> Result<AssociateRq, PduError> {
    associate_rq_noting(body, &mut Vec::new())
}

/// As [`associate_rq`]; what deserves a line in the log is appended to `warnings`, also when reading fails.
///
/// # Errors
/// See [`associate_rq`].
pub fn associate_rq_noting(body: &[u8], warnings: &mut Vec<Warning>) -> Result<AssociateRq, PduError> {
    let fixed = Fixed::read(body)?;
    let mut rq = AssociateRq {
        protocol_version: fixed.protocol_version,
        called: fixed.called,
        calling: fixed.calling,
        application_context: String::new(),
        contexts: Vec::new(),
        user: UserInformation::default(),
    };
    let mut items = Items::new(body, FIXED_LENGTH);
    while let Some(kind) = items.next_kind() {
        match kind {
            0x10 => rq.application_context = text(items.take(Part::Text)?.bytes),
            // DCMTK takes the item type of the other PDU as well.
            0x20 | 0x21 => rq.contexts.push(proposed_context(&items.take(Part::Context)?)?),
            0x50 => user_information(&items.take(Part::User)?, Sender::Requestor, &mut rq.user, warnings)?,
            _ => items.skip()?,
        }
    }
    note_roles(&rq.user, warnings);
    Ok(rq)
}

/// Reads an A-ASSOCIATE-AC body (PS3.8 9.3.3) and forgets the warnings.
///
/// # Errors
/// [`PduError`] for a protocol version we do not speak, for wrong lengths, and for an accepted presentation context that
/// has not exactly one transfer syntax.
pub fn associate_ac(body: &[u8]) -> Result<AssociateAc, PduError> {
    associate_ac_noting(body, &mut Vec::new())
}

/// As [`associate_ac`]; what deserves a line in the log is appended to `warnings`, also when reading fails.
///
/// # Errors
/// See [`associate_ac`].
pub fn associate_ac_noting(body: &[u8], warnings: &mut Vec<Warning>) -> Result<AssociateAc, PduError> {
    let fixed = Fixed::read(body)?;
    let mut ac = AssociateAc {
        protocol_version: fixed.protocol_version,
        called: fixed.called,
        calling: fixed.calling,
        application_context: String::new(),
        contexts: Vec::new(),
        user: UserInformation::default(),
    };
    let mut items = Items::new(body, FIXED_LENGTH);
    while let Some(kind) = items.next_kind() {
        match kind {
            0x10 => ac.application_context = text(items.take(Part::Text)?.bytes),
            0x20 | 0x21 => ac.contexts.push(context_result(&items.take(Part::Context)?)?),
            0x50 => user_information(&items.take(Part::User)?, Sender::Acceptor, &mut ac.user, warnings)?,
            _ => items.skip()?,
        }
    }
    note_roles(&ac.user, warnings);
    Ok(ac)
}

/// Reads an A-ASSOCIATE-RJ body (PS3.8 9.3.4). Unlisted codes are kept; bytes behind the fourth are ignored.
///
/// # Errors
/// [`PduError`] when the body is shorter than four bytes.
pub fn associate_rj(body: &[u8]) -> Result<AssociateRj, PduError> {
    match *body {
        [_, result, source, reason, ..] => Ok(AssociateRj { result, source, reason }),
        _ => Err(Problem::Short { part: Part::Reject, got: body.len(), minimum: 4 }.at(0)),
    }
}

/// Reads an A-ABORT body (PS3.8 9.3.8). It cannot fail: whoever aborts is believed, and bytes that are missing are 0.
pub fn abort(body: &[u8]) -> Abort {
    let byte = |at: usize| body.get(at).copied().unwrap_or(0);
    Abort { source: byte(2), reason: byte(3) }
}

/// The fields that A-ASSOCIATE-RQ and -AC share (PS3.8 9.3.2, 9.3.3).
struct Fixed {
    protocol_version: u16,
    called: AeTitle,
    calling: AeTitle,
}

impl Fixed {
    fn read(body: &[u8]) -> Result<Self, PduError> {
        if body.len() < FIXED_LENGTH {
            return Err(Problem::Short { part: Part::Associate, got: body.len(), minimum: FIXED_LENGTH }.at(0));
        }
        let protocol_version = be16(body);
        if protocol_version & 1 == 0 {
            return Err(Problem::Protocol(protocol_version).at(0));
        }
        Ok(Self { protocol_version, called: title(&body[4..20]), calling: title(&body[20..36]) })
    }
}

/// One item without its header.
struct Item<'a> {
    bytes: &'a [u8],
    /// Offset of the item's header in the body of the PDU.
    offset: usize,
}

impl<'a> Item<'a> {
    /// The items within this one, behind `skip` bytes of fixed fields.
    fn items(&self, skip: usize) -> Items<'a> {
        Items { rest: self.bytes.get(skip..).unwrap_or_default(), offset: self.offset + ITEM_HEADER + skip }
    }
}

/// A run of items, each a type, a reserved byte, a length and as many bytes.
struct Items<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Items<'a> {
    fn new(body: &'a [u8], skip: usize) -> Self {
        Self { rest: body.get(skip..).unwrap_or_default(), offset: skip }
    }

    fn next_kind(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Passes over an item of a type that means nothing here.
    fn skip(&mut self) -> Result<(), PduError> {
        self.take(Part::Unknown).map(|_| ())
    }

    /// Takes the next item, which is one of this kind.
    fn take(&mut self, part: Part) -> Result<Item<'a>, PduError> {
        let (got, offset) = (self.rest.len(), self.offset);
        if got < part.minimum() {
            return Err(Problem::Short { part, got, minimum: part.minimum() }.at(offset));
        }
        let declared = usize::from(be16(&self.rest[2..]));
        if part == Part::Text && declared > MAX_TEXT_LENGTH {
            return Err(Problem::TextTooLong(declared).at(offset));
        }
        if declared > got - ITEM_HEADER || (part == Part::Context && declared < 4) {
            return Err(Problem::Length { part, got, declared }.at(offset));
        }
        let (taken, rest) = self.rest.split_at(ITEM_HEADER + declared);
        self.rest = rest;
        self.offset += taken.len();
        Ok(Item { bytes: &taken[ITEM_HEADER..], offset })
    }
}

fn proposed_context(item: &Item<'_>) -> Result<ProposedContext, PduError> {
    let mut context = ProposedContext { id: item.bytes[0], ..ProposedContext::default() };
    let mut items = item.items(4);
    while let Some(kind) = items.next_kind() {
        match kind {
            0x30 => context.abstract_syntax = text(items.take(Part::Text)?.bytes),
            0x40 => context.transfer_syntaxes.push(text(items.take(Part::Text)?.bytes)),
            _ => items.skip()?,
        }
    }
    Ok(context)
}

fn context_result(item: &Item<'_>) -> Result<ContextResult, PduError> {
    let mut context = ContextResult { id: item.bytes[0], result: item.bytes[2], transfer_syntax: String::new() };
    let syntax = transfer_syntax(item, &mut context.transfer_syntax);
    // The syntax of a refused context has no meaning (PS3.8 9.3.3.2); DCMTK does not even look whether it is well formed.
    match syntax {
        Ok(1) => Ok(context),
        _ if context.result != 0 => Ok(context),
        Ok(n) => Err(Problem::TransferSyntaxes(n).at(item.offset)),
        Err(e) => Err(e),
    }
}

/// Puts the last transfer syntax of an answered context into `syntax`; how many there are.
fn transfer_syntax(item: &Item<'_>, syntax: &mut String) -> Result<usize, PduError> {
    let (mut items, mut count) = (item.items(4), 0);
    while let Some(kind) = items.next_kind() {
        match kind {
            0x40 => (*syntax, count) = (text(items.take(Part::Text)?.bytes), count + 1),
            0x30 => items.take(Part::Text).map(|_| ())?,
            _ => items.skip()?,
        }
    }
    Ok(count)
}

/// Who sent the user information item: some of what it may hold has a meaning in one direction only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    Requestor,
    Acceptor,
}

fn user_information(
    item: &Item<'_>,
    sender: Sender,
    user: &mut UserInformation,
    warnings: &mut Vec<Warning>,
) -> Result<(), PduError> {
    let mut items = item.items(0);
    while let Some(kind) = items.next_kind() {
        match (kind, sender) {
            (0x51, _) => maximum_length(&mut items, user, warnings)?,
            (0x52, _) => user.implementation_class_uid = text(items.take(Part::Text)?.bytes),
            (0x53, _) => {
                if let [a, b, c, d, ..] = *items.take(Part::Unknown)?.bytes {
                    user.async_window = Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
                }
            }
            (0x54, _) => user.roles.push(role(&items.take(Part::Role)?, warnings)?),
            (0x55, _) => user.implementation_version_name = text(items.take(Part::Text)?.bytes),
            (0x56, _) => user.extended.push(extended(&items.take(Part::Extended)?)?),
            (0x58, Sender::Requestor) => user.identity = Some(identity(&mut items)?),
            (0x59, Sender::Acceptor) => user.identity_response = Some(identity_response(&mut items)?),
            _ => items.skip()?,
        }
    }
    Ok(())
}

/// PS3.8 D.1.1.
fn maximum_length(
    items: &mut Items<'_>,
    user: &mut UserInformation,
    warnings: &mut Vec<Warning>,
) -> Result<(), PduError> {
    if items.rest.len() >= Part::MaximumLength.minimum() {
        let declared = usize::from(be16(&items.rest[2..]));
        if declared != 4 {
            note(warnings, Warning::MaximumLength(declared));
        }
    }
    if let [a, b, c, d, ..] = *items.take(Part::MaximumLength)?.bytes {
        user.max_length = Some(u32::from_be_bytes([a, b, c, d]));
    }
    Ok(())
}

/// PS3.7 D.3.3.4. What stands behind the two role bytes is ignored.
fn role(item: &Item<'_>, warnings: &mut Vec<Warning>) -> Result<RoleSelection, PduError> {
    let got = item.bytes.len();
    if got < 4 {
        return Err(Problem::Short { part: Part::Role, got: got + ITEM_HEADER, minimum: 8 }.at(item.offset));
    }
    let declared = usize::from(be16(item.bytes));
    let (uid, [scu, scp, ..]) = item.bytes[2..].split_at_checked(declared).unwrap_or_default() else {
        return Err(Problem::Length { part: Part::RoleUid, got, declared }.at(item.offset));
    };
    if declared > MAX_TEXT_LENGTH {
        note(warnings, Warning::RoleUid(declared));
    }
    let uid = &uid[..uid.len().min(MAX_TEXT_LENGTH)];
    Ok(RoleSelection { sop_class: text(uid), scu: *scu != 0, scp: *scp != 0 })
}

/// PS3.7 D.3.3.5.
fn extended(item: &Item<'_>) -> Result<ExtendedNegotiation, PduError> {
    let got = item.bytes.len();
    if got < 2 {
        return Err(Problem::Short { part: Part::Extended, got: got + ITEM_HEADER, minimum: 6 }.at(item.offset));
    }
    let declared = usize::from(be16(item.bytes));
    match item.bytes[2..].split_at_checked(declared) {
        Some((uid, information)) => Ok(ExtendedNegotiation { sop_class: text(uid), information: information.to_vec() }),
        None => Err(Problem::Length { part: Part::ExtendedUid, got, declared }.at(item.offset)),
    }
}

/// PS3.7 D.3.3.7.1: type, response flag, primary field, secondary field, each field with its length in front. The
/// secondary field has a meaning with type 2 only.
fn identity(items: &mut Items<'_>) -> Result<UserIdentity, PduError> {
    let (got, offset) = (items.rest.len(), items.offset);
    let problem = |declared, primary, secondary| Problem::Identity { got, declared, primary, secondary }.at(offset);
    if got < 10 {
        return Err(problem(None, None, None));
    }
    let declared = usize::from(be16(&items.rest[2..]));
    if declared < 6 {
        return Err(Problem::Identity { got: declared + ITEM_HEADER, declared: None, primary: None, secondary: None }
            .at(offset));
    }
    let item = items.take(Part::Identity).map_err(|_| problem(Some(declared), None, None))?;
    let length = usize::from(be16(&item.bytes[2..]));
    let Some((primary, [a, b, rest @ ..])) = item.bytes[4..].split_at_checked(length) else {
        return Err(problem(Some(declared), Some(length), None));
    };
    let kind = item.bytes[0];
    let mut secondary = &[][..];
    if kind == 2 {
        let second = usize::from(u16::from_be_bytes([*a, *b]));
        secondary = rest.get(..second).ok_or_else(|| problem(Some(declared), Some(length), Some(second)))?;
    }
    Ok(UserIdentity {
        kind,
        response_requested: item.bytes[1] != 0,
        primary: primary.to_vec(),
        secondary: secondary.to_vec(),
    })
}

/// PS3.7 D.3.3.7.2: a length and as many bytes.
fn identity_response(items: &mut Items<'_>) -> Result<Vec<u8>, PduError> {
    let (got, offset) = (items.rest.len(), items.offset);
    let problem = |got, declared, response| Problem::IdentityResponse { got, declared, response }.at(offset);
    if got < 6 {
        return Err(problem(got, None, None));
    }
    let declared = usize::from(be16(&items.rest[2..]));
    if declared < 2 {
        return Err(problem(declared + ITEM_HEADER, None, None));
    }
    let item = items.take(Part::Identity).map_err(|_| problem(got, Some(declared), None))?;
    let length = usize::from(be16(item.bytes));
    match item.bytes[2..].get(..length) {
        Some(response) => Ok(response.to_vec()),
        None => Err(problem(got, Some(declared), Some(length))),
    }
}

/// DCMTK looks at the roles once the whole PDU is read.
fn note_roles(user: &UserInformation, warnings: &mut Vec<Warning>) {
    for _ in user.roles.iter().filter(|role| !role.scu && !role.scp) {
        note(warnings, Warning::NoRole);
    }
}

fn note(warnings: &mut Vec<Warning>, warning: Warning) {
    if warnings.len() < MAX_WARNINGS {
        warnings.push(warning);
    }
}

/// The first two bytes, which the caller has made sure of.
fn be16(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[0], bytes[1]])
}

/// Up to the first NUL, bytes taken as Latin-1.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    bytes[..end].iter().map(|&b| char::from(b)).collect()
}

/// Up to the first NUL and padded with blanks: this is how DCMTK repeats titles in its answer.
fn title(bytes: &[u8]) -> AeTitle {
    let mut padded = [b' '; 16];
    for (to, from) in padded.iter_mut().zip(bytes.iter().take_while(|&&b| b != 0)) {
        *to = *from;
    }
    AeTitle(padded)
}

#[cfg(test)]
pub(crate) mod tests;
