//! Command set bytes ⇆ typed messages (PS3.7 6.3.1, 9.3, E.1).
//!
//! Written by hand: the format is tiny, always implicit VR little endian, and element order and group length are exact.
//! dicom-object would build a tree for each message.
//!
//! What is tolerated and what is refused is DCMTK's, measured: unknown elements and other groups are skipped, of a doubled
//! element the first counts, any order and a wrong group length are taken, a text ends at its first NUL. White space in
//! UIDs is removed with a warning. Stricter than DCMTK in one point: a number of another length than two bytes is refused,
//! not cut.

mod element;
mod parse;
mod problem;
mod write;

pub use parse::{parse, parse_noting};
pub use problem::{CommandError, Warning};
pub use write::{write, write_request, write_response};

/// Longest command set, in bytes. Who collects the fragments enforces it; DCMTK knows no limit.
pub const MAX_COMMAND_LENGTH: usize = 64 * 1024;

/// Warnings kept for one command set. A peer can cause one with eight bytes; what comes after these is dropped.
pub const MAX_WARNINGS: usize = 16;

/// Command field numbers (PS3.7 E.1). A response has the number of its request with bit 15 set.
#[allow(missing_docs, reason = "the names are the standard's own")]
pub mod field {
    pub const C_STORE_RQ: u16 = 0x0001;
    pub const C_STORE_RSP: u16 = 0x8001;
    pub const C_GET_RQ: u16 = 0x0010;
    pub const C_GET_RSP: u16 = 0x8010;
    pub const C_FIND_RQ: u16 = 0x0020;
    pub const C_FIND_RSP: u16 = 0x8020;
    pub const C_MOVE_RQ: u16 = 0x0021;
    pub const C_MOVE_RSP: u16 = 0x8021;
    pub const C_ECHO_RQ: u16 = 0x0030;
    pub const C_ECHO_RSP: u16 = 0x8030;
    pub const C_CANCEL_RQ: u16 = 0x0FFF;
}

/// A DIMSE message without its data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What is asked or answered.
    pub kind: Kind,
    /// A data set follows (0000,0800).
    pub data_set: bool,
}

/// Request or response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request.
    Request(Request),
    /// A response. Its own `data_set` and that of the message are the same.
    Response(Response),
}

/// A request by service (PS3.7 9.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// C-ECHO-RQ.
    Echo(CEchoRq),
    /// C-STORE-RQ.
    Store(CStoreRq),
    /// C-FIND-RQ.
    Find(CFindRq),
    /// C-GET-RQ.
    Get(CGetRq),
    /// C-MOVE-RQ.
    Move(CMoveRq),
    /// C-CANCEL-RQ.
    Cancel(CCancelRq),
    /// A request of the standard that we have no service for (N-EVENT-REPORT, N-GET, N-SET, N-ACTION, N-CREATE, N-DELETE).
    Unknown {
        /// Command field.
        field: u16,
        /// Message ID, when there is one.
        message_id: Option<u16>,
    },
}

impl Request {
    /// Command field of the request.
    pub fn field(&self) -> u16 {
        match self {
            Self::Echo(_) => field::C_ECHO_RQ,
            Self::Store(_) => field::C_STORE_RQ,
            Self::Find(_) => field::C_FIND_RQ,
            Self::Get(_) => field::C_GET_RQ,
            Self::Move(_) => field::C_MOVE_RQ,
            Self::Cancel(_) => field::C_CANCEL_RQ,
            Self::Unknown { field, .. } => *field,
        }
    }
}

/// C-ECHO-RQ (PS3.7 9.3.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CEchoRq {
    /// Message ID.
    pub message_id: u16,
    /// Affected SOP Class UID. May be empty, which DCMTK tolerates.
    pub sop_class: String,
}

/// C-STORE-RQ (PS3.7 9.3.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CStoreRq {
    /// Message ID.
    pub message_id: u16,
    /// Affected SOP Class UID. May be empty, which DCMTK tolerates.
    pub sop_class: String,
    /// Affected SOP Instance UID, 1 to 64 characters without white space. Nothing else is sure: it may hold `..` or `/`.
    pub sop_instance: String,
    /// Priority.
    pub priority: Priority,
    /// Title of the one who asked for the move or get that this is a part of; missing when over-long.
    pub move_originator_title: Option<String>,
    /// Message ID of that move or get.
    pub move_originator_id: Option<u16>,
}

/// C-FIND-RQ (PS3.7 9.3.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CFindRq {
    /// Message ID.
    pub message_id: u16,
    /// Affected SOP Class UID: the information model.
    pub sop_class: String,
    /// Priority.
    pub priority: Priority,
}

/// C-GET-RQ (PS3.7 9.3.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CGetRq {
    /// Message ID.
    pub message_id: u16,
    /// Affected SOP Class UID: the information model.
    pub sop_class: String,
    /// Priority.
    pub priority: Priority,
}

/// C-MOVE-RQ (PS3.7 9.3.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CMoveRq {
    /// Message ID.
    pub message_id: u16,
    /// Affected SOP Class UID: the information model.
    pub sop_class: String,
    /// Priority.
    pub priority: Priority,
    /// Title to send the objects to, without blanks at both ends; may be empty.
    pub destination: String,
}

/// C-CANCEL-RQ (PS3.7 9.3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CCancelRq {
    /// Message ID of the request to be cancelled (0000,0120).
    pub message_id: u16,
}

/// Priority (0000,0700), to which nobody pays attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// 0.
    #[default]
    Medium,
    /// 1.
    High,
    /// 2.
    Low,
    /// A number the standard does not know.
    Other(u16),
}

impl Priority {
    fn from_code(code: u16) -> Self {
        match code {
            0 => Self::Medium,
            1 => Self::High,
            2 => Self::Low,
            n => Self::Other(n),
        }
    }

    fn code(self) -> u16 {
        match self {
            Self::Medium => 0,
            Self::High => 1,
            Self::Low => 2,
            Self::Other(n) => n,
        }
    }
}

/// A response (PS3.7 9.3). Elements that are not given are not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Command field, bit 15 set; see [`field`].
    pub field: u16,
    /// Message ID of the request (0000,0120).
    pub message_id: u16,
    /// Affected SOP Class UID.
    pub sop_class: Option<String>,
    /// Affected SOP Instance UID.
    pub sop_instance: Option<String>,
    /// A data set follows.
    pub data_set: bool,
    /// Status; see [`status`](super::status).
    pub status: u16,
    /// Counts of sub-operations, in C-GET and C-MOVE responses.
    pub suboperations: Option<Counts>,
    /// Error Comment (0000,0902).
    pub error_comment: Option<String>,
}

/// Counts of sub-operations (0000,1020) to (0000,1023), each of which may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the standard's own")]
pub struct Counts {
    pub remaining: Option<u16>,
    pub completed: Option<u16>,
    pub failed: Option<u16>,
    pub warning: Option<u16>,
}

impl Message {
    /// The message of a request, with or without a data set behind it.
    pub fn request(request: Request, data_set: bool) -> Self {
        Self { kind: Kind::Request(request), data_set }
    }

    /// Command field.
    pub fn field(&self) -> u16 {
        match &self.kind {
            Kind::Request(request) => request.field(),
            Kind::Response(response) => response.field,
        }
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self { data_set: response.data_set, kind: Kind::Response(response) }
    }
}

#[cfg(test)]
mod tests;
