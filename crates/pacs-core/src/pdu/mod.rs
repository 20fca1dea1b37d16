//! The seven protocol data units of the upper layer (PS3.8 9.3) as plain values.
//!
//! Written by hand, not with dicom-ul: that crate rejects unknown items, keeps a whole PDU in memory, cannot name another
//! implementation and drops result codes it does not list. It stays the independent oracle of this module's tests.
//!
//! A received PDU is never believed about lengths: [`read`] works on a complete body whose size the caller has limited
//! ([`MAX_ASSOCIATE_LENGTH`] for the association PDUs, the announced maximum for P-DATA-TF, [`SHORT_LENGTH`] for others).
//! P-DATA-TF is not here: its payload is handed on straight from the receive buffer, see [`pdata`].

pub mod pdata;
pub mod read;
pub mod write;

/// Bytes in front of every PDU: type, a reserved byte, and the length of what follows (PS3.8 9.3.1).
pub const HEADER_LENGTH: usize = 6;

/// Longest A-ASSOCIATE-RQ or -AC body that is read, in bytes. DCMTK has the same limit.
pub const MAX_ASSOCIATE_LENGTH: u32 = 1 << 20;

/// Length of the body of A-ASSOCIATE-RJ, A-RELEASE-RQ, A-RELEASE-RP and A-ABORT, in bytes (PS3.8 9.3.4 to 9.3.8).
pub const SHORT_LENGTH: u32 = 4;

/// The only application context there is (PS3.7 A.2.1).
pub const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// PDU type, the first byte on the wire (PS3.8 9.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the standard's own")]
pub enum PduType {
    AssociateRq = 1,
    AssociateAc = 2,
    AssociateRj = 3,
    Data = 4,
    ReleaseRq = 5,
    ReleaseRp = 6,
    Abort = 7,
}

impl PduType {
    /// The type with this number, or none for a number the standard does not know.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::AssociateRq,
            2 => Self::AssociateAc,
            3 => Self::AssociateRj,
            4 => Self::Data,
            5 => Self::ReleaseRq,
            6 => Self::ReleaseRp,
            7 => Self::Abort,
            _ => return None,
        })
    }
}

/// The first six bytes of a PDU (PS3.8 9.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PduHeader {
    /// The type byte as received; see [`PduType::from_byte`].
    pub kind: u8,
    /// Number of bytes that follow the header, as the peer declares it.
    pub length: u32,
}

impl PduHeader {
    /// Reads the six bytes.
    pub fn from_bytes(bytes: [u8; HEADER_LENGTH]) -> Self {
        Self { kind: bytes[0], length: u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]) }
    }

    /// The six bytes of a PDU of this type with a body of `length` bytes.
    pub fn to_bytes(kind: PduType, length: u32) -> [u8; HEADER_LENGTH] {
        let l = length.to_be_bytes();
        [kind as u8, 0, l[0], l[1], l[2], l[3]]
    }
}

/// An application entity title as it stands on the wire: 16 bytes, padded (PS3.8 9.3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AeTitle(pub [u8; 16]);

impl AeTitle {
    /// A title from text; what does not fit into 16 bytes is cut.
    pub fn new(text: &str) -> Self {
        let mut bytes = [b' '; 16];
        for (to, from) in bytes.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Self(bytes)
    }

    /// The title as text: it ends at the first NUL, blanks at both ends are not significant, bytes are taken as Latin-1.
    pub fn text(&self) -> String {
        let end = self.0.iter().position(|&b| b == 0).unwrap_or(self.0.len());
        self.0[..end].iter().map(|&b| char::from(b)).collect::<String>().trim_matches(' ').to_owned()
    }
}

impl std::fmt::Debug for AeTitle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

/// A proposed presentation context (PS3.8 9.3.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProposedContext {
    /// Identifier; odd in correct proposals, but even and repeated ones are tolerated.
    pub id: u8,
    /// What shall be exchanged: a SOP class UID. Empty when the item was missing.
    pub abstract_syntax: String,
    /// Encodings the requestor offers, in its order.
    pub transfer_syntaxes: Vec<String>,
}

/// The acceptor's answer to one proposed presentation context (PS3.8 9.3.3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextResult {
    /// Identifier of the proposed context.
    pub id: u8,
    /// 0 acceptance, 1 user rejection, 2 no reason, 3 abstract syntax, 4 transfer syntaxes not supported; others are kept.
    pub result: u8,
    /// The chosen encoding; without meaning unless `result` is 0, and empty when the item was missing.
    pub transfer_syntax: String,
}

/// SCP/SCU role selection (PS3.7 D.3.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSelection {
    /// The SOP class the roles are for.
    pub sop_class: String,
    /// The association requestor may be SCU.
    pub scu: bool,
    /// The association requestor may be SCP.
    pub scp: bool,
}

/// SOP class extended negotiation (PS3.7 D.3.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedNegotiation {
    /// The SOP class the information is for.
    pub sop_class: String,
    /// Service class application information, as it came.
    pub information: Vec<u8>,
}

/// User identity of an A-ASSOCIATE-RQ (PS3.7 D.3.3.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserIdentity {
    /// 1 user name, 2 user name and passcode, 3 Kerberos ticket, 4 SAML assertion, 5 JSON web token.
    pub kind: u8,
    /// The requestor wants a positive answer.
    pub response_requested: bool,
    /// User name, ticket, assertion or token.
    pub primary: Vec<u8>,
    /// Passcode; empty unless `kind` is 2.
    pub secondary: Vec<u8>,
}

/// The user information item of an association PDU (PS3.8 9.3.2.3, PS3.7 D.3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInformation {
    /// Longest P-DATA-TF body the sender of this item takes; 0 means without limit (PS3.8 D.1). None: item missing.
    pub max_length: Option<u32>,
    /// Implementation class UID; empty when missing.
    pub implementation_class_uid: String,
    /// Implementation version name; empty when missing. Bytes are taken as Latin-1.
    pub implementation_version_name: String,
    /// Asynchronous operations window: invoked, performed (PS3.7 D.3.3.3).
    pub async_window: Option<(u16, u16)>,
    /// Role selections in the order they came.
    pub roles: Vec<RoleSelection>,
    /// SOP class extended negotiations in the order they came.
    pub extended: Vec<ExtendedNegotiation>,
    /// User identity, in a request.
    pub identity: Option<UserIdentity>,
    /// The server's answer to a user identity, in an acceptance (PS3.7 D.3.3.7.2).
    pub identity_response: Option<Vec<u8>>,
}

/// A-ASSOCIATE-RQ (PS3.8 9.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociateRq {
    /// Protocol version bits; bit 0 is version 1.
    pub protocol_version: u16,
    /// The title the requestor asks for.
    pub called: AeTitle,
    /// The title the requestor gives itself.
    pub calling: AeTitle,
    /// Application context name; empty when the item was missing.
    pub application_context: String,
    /// Proposed presentation contexts in the order they came.
    pub contexts: Vec<ProposedContext>,
    /// User information; the default when the item was missing.
    pub user: UserInformation,
}

/// A-ASSOCIATE-AC (PS3.8 9.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociateAc {
    /// Protocol version bits; bit 0 is version 1.
    pub protocol_version: u16,
    /// The called title of the request, repeated.
    pub called: AeTitle,
    /// The calling title of the request, repeated.
    pub calling: AeTitle,
    /// Application context name.
    pub application_context: String,
    /// One answer for each proposed context.
    pub contexts: Vec<ContextResult>,
    /// User information.
    pub user: UserInformation,
}

/// A-ASSOCIATE-RJ (PS3.8 9.3.4): the three bytes as sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociateRj {
    /// 1 rejected permanently, 2 rejected transiently.
    pub result: u8,
    /// 1 service user, 2 service provider (ACSE), 3 service provider (presentation).
    pub source: u8,
    /// The reason; its meaning depends on `source`.
    pub reason: u8,
}

/// A-ABORT (PS3.8 9.3.8): source and reason as sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abort {
    /// 0 service user, 2 service provider.
    pub source: u8,
    /// The provider's reason: 0 not specified, 1 unrecognized PDU, 2 unexpected PDU, 4 unrecognized PDU parameter, 5
    /// unexpected PDU parameter, 6 invalid PDU parameter value.
    pub reason: u8,
}

impl AssociateRj {
    /// Transient, from the service provider (presentation): local limit exceeded (PS3.8 9.3.4).
    pub const LIMIT_EXCEEDED: Self = Self { result: 2, source: 3, reason: 2 };
}

/// DCMTK's two lines.
impl std::fmt::Display for AssociateRj {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let result = match self.result {
            1 => "Rejected Permanent",
            _ => "Rejected Transient",
        };
        let (source, reason) = match (self.source, self.reason) {
            (1, 2) => ("Service User", "App Context Name Not Supported"),
            (1, 3) => ("Service User", "Calling AE Title Not Recognized"),
            (1, 7) => ("Service User", "Called AE Title Not Recognized"),
            (1, _) => ("Service User", "No Reason"),
            (2, 2) => ("Service Provider (ACSE Related)", "Protocol Version Not Supported"),
            (2, _) => ("Service Provider (ACSE Related)", "No Reason"),
            (_, 2) => ("Service Provider (Presentation Related)", "Local Limit Exceeded"),
            (..) => ("Service Provider (Presentation Related)", "Temporary Congestion"),
        };
        write!(f, "Result: {result}, Source: {source}\nReason: {reason}")
    }
}
