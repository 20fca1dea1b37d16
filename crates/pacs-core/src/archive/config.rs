//! The archive's configuration file: `dcmqrscp.cfg` as DCMTK 3.7.0 understands it.
//!
//! [`parse`] takes a file's bytes, which may be anything, and returns a [`Config`] or every problem at once, in bounded time
//! and memory. A file that DCMTK accepts means the same here, accidents included; one that it rejects is rejected. On
//! purpose ours differs in this:
//!
//! - A line is a line however long it is (DCMTK cuts after 511 bytes), and a byte order mark is skipped.
//! - What makes DCMTK crash is an error: `UserName` or `GroupName` without value, a peer without port, and a symbol that
//!   names itself.
//! - Quotas hold as written: DCMTK silently limits them to 500 studies of 1 GiB, and computes with 32 bits.
//! - Hosts are recognised by their full name, short name or address; see [`Config::admits`].
//!
//! Titles, host names and folders are bytes, compared byte for byte: nobody says in which character set the file is.

mod admit;
mod print;
mod problem;
mod read;
mod tables;
mod token;

pub use admit::{Caller, Refusal};
pub use problem::{LoadError, MAX_PROBLEMS, Problem, Remark, Report};

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest configuration file that is read, in bytes.
pub const MAX_FILE_LENGTH: u64 = 16 << 20;

/// Most peers in all rows together, symbolic names replaced by theirs: names of names of names could grow without limit.
pub const MAX_PEERS: usize = 1 << 20;

/// The port listened on when the file names none: DICOM's well-known one (PS3.8 9.1.1).
pub const DEFAULT_PORT: u16 = 104;

/// The maximum PDU length offered when the file names none, in bytes.
pub const DEFAULT_MAX_PDU: u32 = 16384;

/// What a configuration file says.
#[derive(Clone, Debug)]
pub struct Config {
    /// `NetworkTCPPort`. 0, which a number like 65536 gives, lets the system choose.
    pub port: u16,
    /// `MaxPDUSize`: the maximum PDU length to receive, 4096 to 131072 bytes.
    pub max_pdu: u32,
    /// `MaxAssociations`: most associations at a time, none for no limit.
    pub max_associations: Option<u32>,
    /// `SpecificCharacterSet`: in which character set C-FIND answers.
    pub charset: Charset,
    /// `UserName`: whom to become once the port is bound.
    pub user: Option<Name>,
    /// `GroupName`: likewise, which group.
    pub group: Option<Name>,
    /// Rows of `HostTable`.
    pub hosts: Vec<Row>,
    /// Rows of `VendorTable`.
    pub vendors: Vec<Row>,
    /// Rows of the last `AETable`. Several may have the same title: [`Config::areas`] puts that right.
    pub rows: Vec<AreaRow>,
    pub(crate) remarks: Vec<Remark>,
}

/// What an empty file says.
impl Default for Config {
    fn default() -> Self {
        Self {
            port: DEFAULT_PORT,
            max_pdu: DEFAULT_MAX_PDU,
            max_associations: Some(16),
            charset: Charset::default(),
            user: None,
            group: None,
            hosts: Vec::new(),
            vendors: Vec::new(),
            rows: Vec::new(),
            remarks: Vec::new(),
        }
    }
}

/// Two configurations are equal when they mean the same; [`Config::remarks`] do not count.
impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        let globals = |c: &Self| (c.port, c.max_pdu, c.max_associations);
        globals(self) == globals(other)
            && self.charset == other.charset
            && (&self.user, &self.group) == (&other.user, &other.group)
            && (&self.hosts, &self.vendors, &self.rows) == (&other.hosts, &other.vendors, &other.rows)
    }
}

impl Eq for Config {}

impl Config {
    /// The storage areas: of rows with the same title the first, which alone decides on folder, access and quota. Its peers
    /// are not all that may call, though: ask [`Config::admits`].
    pub fn areas(&self) -> impl Iterator<Item = &AreaRow> {
        let mut seen = std::collections::HashSet::new();
        self.rows.iter().filter(move |row| seen.insert(&row.title))
    }

    /// The area that this called title names. Blanks and NULs after a title do not count, those before it do.
    pub fn area(&self, title: &[u8]) -> Option<&AreaRow> {
        let title = admit::significant(title);
        self.rows.iter().find(|row| row.title.as_bytes() == title)
    }

    /// What is odd in the file though it is good: worth a warning at start. In the order of its lines.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }
}

/// Bytes from the file that name something.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<[u8]>);

impl Name {
    /// The name itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Name {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

/// Lets a map of names be asked with bytes.
impl std::borrow::Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

/// As text for people: what is not UTF-8, and control characters, show as U+FFFD.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&readable(&self.0))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(char::is_control, "\u{fffd}")
}

/// The character set of C-FIND responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charset {
    /// The configured set as a defined term of Specific Character Set (PS3.3 C.12.1.1.2), unchecked. Empty means ASCII.
    pub set: Name,
    /// Answer in the configured set, not in the request's.
    pub override_request: bool,
    /// If that is impossible, try the other of the two.
    pub fallback: bool,
    /// What cannot be converted makes the conversion fail.
    pub abort: bool,
    /// What cannot be converted is left out.
    pub discard: bool,
    /// What cannot be converted is replaced by something similar.
    pub transliterate: bool,
}

/// Without `SpecificCharacterSet` line: ASCII, with fallback.
impl Default for Charset {
    fn default() -> Self {
        Self { fallback: true, ..Self::bare() }
    }
}

impl Charset {
    /// What a line without any word means.
    fn bare() -> Self {
        Self {
            set: Name::default(),
            override_request: false,
            fallback: false,
            abort: false,
            discard: false,
            transliterate: false,
        }
    }
}

/// A row of `HostTable` or `VendorTable`: peers under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Symbolic name or vendor.
    pub name: Name,
    /// At least one; symbolic names are replaced by their peers.
    pub peers: Vec<Arc<Peer>>,
}

/// An application entity elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its AE title.
    pub title: Name,
    /// Its host's name or address.
    pub host: Name,
    /// The port it listens on; 0 when it does not.
    pub port: u16,
}

/// A row of `AETable`.
#[derive(Clone, Debug)]
pub struct AreaRow {
    /// The AE title by which the area is called.
    pub title: Name,
    /// Its folder, relative to the working directory unless absolute. Not looked at.
    pub directory: PathBuf,
    /// What may be done with it.
    pub access: Access,
    /// How much it keeps.
    pub quota: Quota,
    /// Who may call.
    pub peers: Peers,
    /// The row's line in the file, counted from 1. Does not count when rows are compared.
    pub line: usize,
}

impl PartialEq for AreaRow {
    fn eq(&self, other: &Self) -> bool {
        (&self.title, &self.directory, self.access, self.quota, &self.peers)
            == (&other.title, &other.directory, other.access, other.quota, &other.peers)
    }
}

impl Eq for AreaRow {}

/// What may be done with an area. Queries and retrieval always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Storing too: `RW`, `WR` and `W`.
    ReadWrite,
    /// Everything but storing: every other word.
    ReadOnly,
}

/// How much an area keeps. Both are at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Most studies.
    pub studies: u64,
    /// Most bytes of one study.
    pub bytes_per_study: u64,
}

/// Who may call an area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peers {
    /// Everyone: `ANY`.
    Any,
    /// These; at least one.
    Listed(Vec<Arc<Peer>>),
}

impl Peers {
    /// Those named one by one: none with `ANY`.
    pub fn listed(&self) -> &[Arc<Peer>] {
        match self {
            Self::Any => &[],
            Self::Listed(peers) => peers,
        }
    }
}

/// Reads and parses a file. A folder reads as an empty file, as with DCMTK.
///
/// # Errors
/// When the file cannot be read or is longer than [`MAX_FILE_LENGTH`], and those of [`parse`].
pub fn load(path: &Path) -> Result<Config, LoadError> {
    let text = read_file(path).map_err(LoadError::Access)?;
    parse(&text).map_err(LoadError::Bad)
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Ok(Vec::new());
    }
    let mut text = Vec::new();
    file.take(MAX_FILE_LENGTH + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_FILE_LENGTH {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {} MiB", MAX_FILE_LENGTH >> 20)));
    }
    Ok(text)
}

/// Parses a file's bytes.
///
/// # Errors
/// All problems in the order of their lines, at most [`MAX_PROBLEMS`] and one that says so.
pub fn parse(text: &[u8]) -> Result<Config, Vec<Problem>> {
    read::read(text)
}

#[cfg(test)]
mod tests;
