//! Names of received files.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use pacs_core::names;
use pacs_core::service::c_store::Incoming;
use pacs_core::uid;

use crate::options::FileNames;

/// A name for an object, before it is known whether it is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName {
    stem: String,
    tail: OsString,
    naming: FileNames,
    /// The instance UID of the request when it is not a proper UID: two such may clean to the same name.
    odd_uid: Option<String>,
}

/// An instance UID whose unusual characters were replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sanitized {
    /// As it came.
    pub(crate) from: String,
    /// As it stands in the name.
    pub(crate) to: String,
}

impl FileName {
    /// The name that an object will get, and whether its UID had to be cleaned for it.
    pub(crate) fn new(naming: FileNames, extension: &OsStr, incoming: &Incoming<'_>) -> (Self, Option<Sanitized>) {
        let prefix = names::storage_prefix(&incoming.request.sop_class).unwrap_or("UNKNOWN");
        let instance = &incoming.request.sop_instance;
        let clean = sanitized(instance);
        let changed = (clean != *instance).then(|| Sanitized { from: instance.clone(), to: clean.clone() });
        let (stem, tail, odd_uid) = match naming {
            FileNames::Instance => {
                let proper = instance.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                (format!("{prefix}.{clean}"), extension.to_owned(), (!proper).then(|| instance.clone()))
            }
            FileNames::Unique => (format!("{prefix}.X.{}", uid::new()), extension.to_owned(), None),
            FileNames::Time => {
                let mut tail = OsString::from(format!(".{prefix}"));
                tail.push(extension);
                (time_stamp(SystemTime::now()), tail, None)
            }
        };
        (Self { stem, tail, naming, odd_uid }, changed)
    }

    /// The name itself.
    pub(crate) fn first(&self) -> OsString {
        self.with(&self.stem)
    }

    /// The name to try when the first and `tried` others are taken.
    pub(super) fn next(&self, tried: u32) -> OsString {
        self.with(&format!("{}_{tried:04}", self.stem))
    }

    /// Whether the file that bears this object's name holds the same instance, so that it may be replaced.
    pub(super) fn is_of(&self, path: &Path) -> bool {
        match (&self.naming, &self.odd_uid) {
            (FileNames::Instance, None) => true,
            (FileNames::Instance, Some(uid)) => holds_instance(path, uid),
            (FileNames::Unique | FileNames::Time, _) => false,
        }
    }

    /// Whether other instances may have got the same name.
    pub(super) fn has_twins(&self) -> bool {
        self.odd_uid.is_some()
    }

    fn with(&self, stem: &str) -> OsString {
        let mut name = OsString::from(stem);
        name.push(&self.tail);
        name
    }
}

/// Characters that a name may have come through, all others become `_`.
pub(crate) fn sanitized(value: &str) -> String {
    // DCMTK: these and no others; a path separator is not among them.
    let allowed = |c: char| c.is_ascii_alphanumeric() || " -.:@_".contains(c);
    value.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// `YYYYMMDDhhmmssmmm`, local time.
pub(super) fn time_stamp(now: SystemTime) -> String {
    match jiff::Timestamp::try_from(now) {
        Ok(now) => {
            let local = now.to_zoned_datetime(jiff::tz::TimeZone::system());
            format!("{}{:03}", local.strftime("%Y%m%d%H%M%S"), local.millisecond())
        }
        // A clock beyond what calendars know: any name will do, collisions are resolved.
        Err(_) => "00000000000000000".to_owned(),
    }
}

/// Does the file's meta header name this instance? Bare data sets and other files do not.
fn holds_instance(path: &Path, uid: &str) -> bool {
    const LOOKED_AT: u64 = 1024;
    let mut head = Vec::new();
    let Ok(file) = File::open(path) else { return false };
    if file.take(LOOKED_AT).read_to_end(&mut head).is_err() || head.get(128..132) != Some(b"DICM") {
        return false;
    }
    let key = b"\x02\0\x03\0UI";
    let Some(at) = head.windows(key.len()).position(|w| w == key) else { return false };
    let value = head.get(at + 6..at + 8).map(|l| usize::from(u16::from_le_bytes([l[0], l[1]])));
    let value = value.and_then(|length| head.get(at + 8..at + 8 + length)).unwrap_or_default();
    let written: Vec<u8> = uid.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    let end = value.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
    value[..end] == written[..]
}
