//! The names DCMTK prints and reads, as data: SOP classes, transfer syntaxes, other well-known UIDs, and the modality
//! prefix of each storage class.
//!
//! They are not the keywords of PS3.6: DCMTK says `LittleEndianExplicit` and `RETIRED_UltrasoundImageStorage`, so these
//! tables stand beside the standard's dictionary, which checks them in the tests. Having a name or not also decides what a
//! promiscuous acceptor admits, see [`uid_name`].

mod others;
mod storage;
mod syntaxes;

use std::borrow::Cow;

/// Implicit VR Little Endian (PS3.5 A.1).
pub const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
/// Explicit VR Little Endian (PS3.5 A.2).
pub const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
/// Explicit VR Big Endian (PS3.5 A.3, retired).
pub const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";
/// Verification SOP class (PS3.4 A.4).
pub const VERIFICATION: &str = "1.2.840.10008.1.1";

/// A transfer syntax that DCMTK knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferSyntax {
    /// Its UID.
    pub uid: &'static str,
    /// Name in association dumps (after `=`) and in profile files.
    pub name: &'static str,
    /// Name in messages, such as `Converting transfer syntax: <a> -> <b>`.
    pub display: &'static str,
}

/// A storage SOP class that DCMTK knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageClass {
    /// Its UID.
    pub uid: &'static str,
    /// First part of the names of received files, such as `CT`. Two classes share `SRi`.
    pub prefix: &'static str,
    /// Name in dumps.
    pub name: &'static str,
    /// An acceptor grants it without a profile; the others are known but refused even by a promiscuous one.
    pub accepted: bool,
    /// storescu proposes it without being told.
    pub proposed: bool,
}

/// The transfer syntax with this UID.
pub fn transfer_syntax(uid: &str) -> Option<&'static TransferSyntax> {
    find(syntaxes::TRANSFER_SYNTAXES, uid, |s| s.uid)
}

/// All storage classes, in the order of their UIDs' bytes.
pub fn storage_classes() -> &'static [StorageClass] {
    storage::STORAGE_CLASSES
}

/// The storage class with this UID.
pub fn storage_class(uid: &str) -> Option<&'static StorageClass> {
    find(storage::STORAGE_CLASSES, uid, |c| c.uid)
}

/// The prefix of files of this storage class, or none for a class without entry: `UNKNOWN` in file names, `OT` in logs.
pub fn storage_prefix(uid: &str) -> Option<&'static str> {
    storage_class(uid).map(|c| c.prefix)
}

/// DCMTK's name for this UID. A promiscuous acceptor admits exactly the abstract syntaxes without one, besides the storage
/// classes it grants anyway.
pub fn uid_name(uid: &str) -> Option<&'static str> {
    storage_class(uid)
        .map(|c| c.name)
        .or_else(|| transfer_syntax(uid).map(|s| s.name))
        .or_else(|| find(others::OTHER_NAMES, uid, |o| o.0).map(|o| o.1))
}

/// The UID with this name, for profile files. Upper and lower case differ. `LocalEndianExplicit` and
/// `OppositeEndianExplicit` mean the byte order of this machine and the other one.
pub fn uid_of_name(name: &str) -> Option<&'static str> {
    let (local, opposite) = match cfg!(target_endian = "big") {
        true => (EXPLICIT_BIG, EXPLICIT_LITTLE),
        false => (EXPLICIT_LITTLE, EXPLICIT_BIG),
    };
    match name {
        "LocalEndianExplicit" => return Some(local),
        "OppositeEndianExplicit" => return Some(opposite),
        _ => {}
    }
    let storage = storage::STORAGE_CLASSES.iter().map(|c| (c.uid, c.name));
    let syntaxes = syntaxes::TRANSFER_SYNTAXES.iter().map(|s| (s.uid, s.name));
    let others = others::OTHER_NAMES.iter().copied();
    storage.chain(syntaxes).chain(others).find(|(_, n)| *n == name).map(|(uid, _)| uid)
}

/// As association dumps print a UID: `=<name>`, or the UID itself, made [`printable`].
pub fn dump_name(uid: &str) -> Cow<'_, str> {
    match uid_name(uid) {
        Some(name) => Cow::Owned(format!("={name}")),
        None => printable(uid),
    }
}

/// As DIMSE dumps print a UID: the bare name, or the UID itself, made [`printable`].
pub fn dimse_name(uid: &str) -> Cow<'_, str> {
    uid_name(uid).map_or_else(|| printable(uid), Cow::Borrowed)
}

/// Text from a peer for one line of a log: control characters become `\x0a` and the like, so that no value can start a
/// line of its own or reach a terminal as an escape sequence. Everything else stays as it is.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(breaks_a_line) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match breaks_a_line(c) {
            true => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Control characters, and the separators that Unicode gives a line or paragraph and its reversals of direction.
fn breaks_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn find<T>(table: &'static [T], uid: &str, key: impl Fn(&T) -> &'static str) -> Option<&'static T> {
    table.binary_search_by(|entry| key(entry).cmp(uid)).ok().and_then(|i| table.get(i))
}

#[cfg(test)]
mod tests;
