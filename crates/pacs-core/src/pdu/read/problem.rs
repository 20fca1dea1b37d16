//! What can be odd or wrong in a PDU body, in DCMTK's words: all texts were measured on version 3.6.7.

use super::{ITEM_HEADER, MAX_TEXT_LENGTH};
use std::fmt;

/// Something odd in a PDU that was read nevertheless. Displayed as DCMTK's line, which it logs as a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A role selection item gives the requestor no role at all. The item is kept, with both roles false.
    NoRole,
    /// A maximum length item has this length instead of four bytes. When it is shorter, the item counts as missing.
    MaximumLength(usize),
    /// The SOP class UID of a role selection item has this length; its first [`MAX_TEXT_LENGTH`] bytes are kept.
    RoleUid(usize),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRole => f.write_str("DULFSM: both role fields are 0 in SCP/SCU role selection sub-item"),
            Self::MaximumLength(n) => write!(f, "Invalid length ({n}) for maximum length item, must be 4"),
            Self::RoleUid(n) => write!(
                f,
                "Provided role SOP Class UID length {n} is larger than maximum allowed UID length 64 (will use 64 bytes max)"
            ),
        }
    }
}

/// Why a PDU body cannot be read. Displayed as DCMTK's condition; [`place`](Self::place) says where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PduError {
    /// What is wrong.
    pub problem: Problem,
    /// Offset of the item in question, in bytes from the start of the body (the six bytes of the PDU header not counted).
    pub offset: usize,
}

impl PduError {
    /// Where and in what the fault lies, for the line of a log record that follows the condition.
    pub fn place(&self) -> String {
        let what = match &self.problem {
            Problem::Protocol(_) => "the protocol version",
            Problem::Short { part, .. } | Problem::Length { part, .. } => part.name(),
            Problem::TextTooLong(_) => Part::Text.name(),
            Problem::Identity { .. } => "the user identity item (58H)",
            Problem::IdentityResponse { .. } => "the user identity response item (59H)",
            Problem::TransferSyntaxes(_) => "an accepted presentation context",
        };
        format!("{what}, at byte {} of the PDU's body", self.offset)
    }
}

/// What is wrong with a PDU body. All numbers are bytes; `got` is what was left for the item, its header included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The version bits, of which bit 0 is not set (PS3.8 9.3.2). In a request: reject it with result 1, source 2, reason 2.
    Protocol(u16),
    /// Something is cut off before its smallest legal size.
    Short {
        /// What is cut off.
        part: Part,
        /// Bytes that are there.
        got: usize,
        /// Bytes it needs at least.
        minimum: usize,
    },
    /// Something declares a length that does not fit what encloses it, or that is too small for its own fixed fields.
    Length {
        /// What declares it.
        part: Part,
        /// Bytes that are there.
        got: usize,
        /// The declared length, in which the header is not included.
        declared: usize,
    },
    /// A UID or version name of this length, longer than [`MAX_TEXT_LENGTH`].
    TextTooLong(usize),
    /// A user identity request item whose inner lengths do not add up.
    Identity {
        /// Bytes that are there.
        got: usize,
        /// The declared length of the item, when the item is long enough for its fixed fields.
        declared: Option<usize>,
        /// The declared length of the primary field, when it does not fit or the secondary does not.
        primary: Option<usize>,
        /// The declared length of the secondary field, when that is what does not fit.
        secondary: Option<usize>,
    },
    /// A user identity response item whose inner lengths do not add up.
    IdentityResponse {
        /// Bytes that are there.
        got: usize,
        /// The declared length of the item, when the item is long enough for its fixed field.
        declared: Option<usize>,
        /// The declared length of the response, when that is what does not fit.
        response: Option<usize>,
    },
    /// An accepted presentation context with this many transfer syntaxes instead of one.
    TransferSyntaxes(usize),
}

impl Problem {
    pub(super) fn at(self, offset: usize) -> PduError {
        PduError { problem: self, offset }
    }
}

/// What in a PDU a [`Problem`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The fixed fields of A-ASSOCIATE-RQ or -AC.
    Associate,
    /// A-ASSOCIATE-RJ.
    Reject,
    /// An item that holds a UID or the implementation version name.
    Text,
    /// An item that is skipped.
    Unknown,
    /// A presentation context.
    Context,
    /// The user information item.
    User,
    /// The maximum length item.
    MaximumLength,
    /// A role selection item.
    Role,
    /// The SOP class UID within a role selection item.
    RoleUid,
    /// A SOP class extended negotiation item.
    Extended,
    /// The SOP class UID within a SOP class extended negotiation item.
    ExtendedUid,
    /// A user identity item.
    Identity,
}

impl Part {
    /// DCMTK's word in its condition texts.
    fn dcmtk(self) -> &'static str {
        match self {
            Self::Associate => "associate PDU",
            Self::Reject => "reject PDU",
            Self::Text => "subitem",
            Self::Unknown => "dummy item",
            Self::Context => "presentation context",
            Self::User => "user info",
            Self::MaximumLength => "Max PDU",
            Self::Role => "SCU-SCP role list",
            Self::RoleUid => "SCU-SCP role list UID",
            Self::Extended => "extended negotiation",
            Self::ExtendedUid => "extended negotiation item",
            Self::Identity => "user identity",
        }
    }

    /// Our word for it.
    fn name(self) -> &'static str {
        match self {
            Self::Associate => "the fixed fields of the association PDU",
            Self::Reject => "the rejection PDU",
            Self::Text => "an item with a UID or version name",
            Self::Unknown => "an item of a type that is skipped",
            Self::Context => "a presentation context item",
            Self::User => "the user information item",
            Self::MaximumLength => "the maximum length item (51H)",
            Self::Role | Self::RoleUid => "a role selection item (54H)",
            Self::Extended | Self::ExtendedUid => "an extended negotiation item (56H)",
            Self::Identity => "a user identity item",
        }
    }

    /// Smallest size of such an item, its header included.
    pub(super) fn minimum(self) -> usize {
        match self {
            Self::Context | Self::MaximumLength | Self::Role => 8,
            Self::Extended => 6,
            _ => ITEM_HEADER,
        }
    }
}

impl std::error::Error for PduError {}

impl fmt::Display for PduError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Protocol(version) => {
                write!(f, "0006:0322 DUL Unsupported peer protocol {version:04x}; expected 0001 in parseAssociate")
            }
            Problem::Short { part, got, minimum } => write!(
                f,
                "0006:0308 DUL Illegal {}. Got {got} bytes of data. The minimum allowed size is {minimum}.",
                part.dcmtk()
            ),
            Problem::Length { part, got, declared } => {
                write!(f, "0006:0308 DUL Illegal {}. Got {got} bytes of data", part.dcmtk())?;
                if *declared > 0 {
                    write!(
                        f,
                        " with a length field of {declared} (data before length field is not included in length field)"
                    )?;
                }
                f.write_str(if *part == Part::Context { ". The minimum allowed size is 4." } else { "." })
            }
            Problem::TextTooLong(length) => {
                write!(f, "0006:0308 DUL illegal subitem length {length}. Maximum allowed size is {MAX_TEXT_LENGTH}.")
            }
            Problem::Identity { got, declared: None, .. } => {
                write!(f, "0006:0308 DUL user identity rq length {got}. Need at least 10 bytes")
            }
            Problem::Identity { got, declared: Some(declared), primary, secondary } => {
                write!(f, "0006:0308 DUL illegal user identify rq length {got}. Info claims to be {declared} bytes.")?;
                primary.map_or(Ok(()), |n| write!(f, " Primary field has {n} bytes."))?;
                secondary.map_or(Ok(()), |n| write!(f, " Secondary field has {n} bytes."))
            }
            Problem::IdentityResponse { got, declared: None, .. } => write!(
                f,
                "0006:0308 DUL illegal user identify ac length {got}. Need at least 6 bytes for user identify ac"
            ),
            Problem::IdentityResponse { got, declared: Some(declared), response } => {
                write!(f, "0006:0308 DUL illegal user identify ac length {got}. Info claims to be {declared} bytes.")?;
                response.map_or(Ok(()), |n| write!(f, " Response claims to be {n} bytes."))
            }
            Problem::TransferSyntaxes(n) => {
                write!(f, "0006:0318 DUL Peer supplied illegal number of transfer syntaxes ({n})")
            }
        }
    }
}
