//! Command set bytes ⇆ typed messages (PS3.7 6.3.1, 9.3, E.1).
//!
//! Written by hand: the format is tiny, always implicit VR little endian, and element order and group length are exact.
//! dicom-object would build a tree for each message.
//!
//! What is tolerated and what is refused is DCMTK's, measured: unknown elements and other groups are skipped, of a doubled
//! element the first counts, any order and a wrong group length are taken, a text ends at its first NUL. White space in
//! UIDs is removed with a warning. Stricter than DCMTK in one point: a number of another length than two bytes is refused,
//! not cut.

use std::fmt;

/// Longest command set, in bytes. Who collects the fragments enforces it; DCMTK knows no limit.
pub const MAX_COMMAND_LENGTH: usize = 64 * 1024;

/// Warnings kept for one command set. A peer can cause one with eight bytes; what comes after these is dropped.
pub const MAX_WARNINGS: usize = 16;

/// Longest UID (PS3.5 9.1) after white space was removed.
const MAX_UID_LENGTH: usize = 64;

/// Longest application entity title.
const MAX_TITLE_LENGTH: usize = 16;

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

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self { data_set: response.data_set, kind: Kind::Response(response) }
    }
}

/// Reads a command set and forgets the warnings.
///
/// # Errors
/// [`CommandError`]; after any of them the association is to be aborted.
pub fn parse(bytes: &[u8]) -> Result<Message, CommandError> {
    parse_noting(bytes, &mut Vec::new())
}

/// As [`parse`]; what deserves a line in the log is appended to `warnings`, also when reading fails.
///
/// # Errors
/// See [`parse`].
pub fn parse_noting(bytes: &[u8], warnings: &mut Vec<Warning>) -> Result<Message, CommandError> {
    let set = Elements::read(bytes, warnings)?;
    let field = set.number(FIELD).map_err(|_| CommandError::NoField)?.ok_or(CommandError::NoField)?;
    let mut set = Reader { set, warnings };
    match field {
        field::C_ECHO_RQ => {
            let (message_id, data_set) = (set.need_number(MESSAGE_ID)?, set.data_set()?);
            let sop_class = set.need_uid(SOP_CLASS)?;
            set.expect(!data_set, "C-Echo RQ: DataSetType != NULL")?;
            Ok(request(Request::Echo(CEchoRq { message_id, sop_class }), data_set))
        }
        field::C_STORE_RQ => {
            let (message_id, data_set) = (set.need_number(MESSAGE_ID)?, set.data_set()?);
            let (sop_class, sop_instance) = (set.need_uid(SOP_CLASS)?, set.need_uid(SOP_INSTANCE)?);
            let priority = set.priority()?;
            let move_originator_title = set.title(MOVE_ORIGINATOR_TITLE);
            let move_originator_id = set.set.number(MOVE_ORIGINATOR_ID)?;
            set.expect(data_set, "C-Store RQ: DataSetType == NULL")?;
            set.expect(!sop_instance.is_empty(), "C-Store RQ: AffectedSOPInstanceUID: bad size")?;
            let rq =
                CStoreRq { message_id, sop_class, sop_instance, priority, move_originator_title, move_originator_id };
            Ok(request(Request::Store(rq), data_set))
        }
        field::C_FIND_RQ => {
            let (message_id, data_set) = (set.need_number(MESSAGE_ID)?, set.data_set()?);
            let (sop_class, priority) = (set.need_uid(SOP_CLASS)?, set.priority()?);
            set.expect(data_set, "C-Find RQ: DataSetType == NULL")?;
            Ok(request(Request::Find(CFindRq { message_id, sop_class, priority }), data_set))
        }
        field::C_GET_RQ => {
            let (message_id, data_set) = (set.need_number(MESSAGE_ID)?, set.data_set()?);
            let (sop_class, priority) = (set.need_uid(SOP_CLASS)?, set.priority()?);
            set.expect(data_set, "C-Get RQ: DataSetType == NULL")?;
            Ok(request(Request::Get(CGetRq { message_id, sop_class, priority }), data_set))
        }
        field::C_MOVE_RQ => {
            let (message_id, data_set) = (set.need_number(MESSAGE_ID)?, set.data_set()?);
            let (sop_class, priority) = (set.need_uid(SOP_CLASS)?, set.priority()?);
            let destination = set.title(MOVE_DESTINATION).ok_or(CommandError::Element(MOVE_DESTINATION))?;
            set.expect(data_set, "C-Move RQ: DataSetType == NULL")?;
            Ok(request(Request::Move(CMoveRq { message_id, sop_class, priority, destination }), data_set))
        }
        field::C_CANCEL_RQ => {
            let (message_id, data_set) = (set.need_number(RESPONDED_ID)?, set.data_set()?);
            set.expect(!data_set, "C-Cancel RQ: DataSetType != NULL")?;
            Ok(request(Request::Cancel(CCancelRq { message_id }), data_set))
        }
        0x0100 | 0x0110 | 0x0120 | 0x0130 | 0x0140 | 0x0150 => {
            let (message_id, data_set) = (set.set.number(MESSAGE_ID)?, set.data_set()?);
            Ok(request(Request::Unknown { field, message_id }, data_set))
        }
        0x8001 | 0x8010 | 0x8020 | 0x8021 | 0x8030 | 0x8100 | 0x8110 | 0x8120 | 0x8130 | 0x8140 | 0x8150 => {
            set.response(field).map(Message::from)
        }
        other => Err(CommandError::Field(other)),
    }
}

fn request(request: Request, data_set: bool) -> Message {
    Message { kind: Kind::Request(request), data_set }
}

/// Appends the command set of a message to `out`, group length first, elements ascending.
pub fn write(message: &Message, out: &mut Vec<u8>) {
    match &message.kind {
        Kind::Request(request) => write_request(request, message.data_set, out),
        Kind::Response(response) => write_response(response, out),
    }
}

/// Appends the command set of a request to `out`. Characters beyond U+00FF are written as `?`.
pub fn write_request(request: &Request, data_set: bool, out: &mut Vec<u8>) {
    let mut set = Writer::new(out);
    match request {
        Request::Echo(CEchoRq { message_id, sop_class }) => {
            set.uid(SOP_CLASS, sop_class);
            set.number(FIELD, field::C_ECHO_RQ);
            set.number(MESSAGE_ID, *message_id);
            set.data_set(data_set);
        }
        Request::Store(rq) => {
            set.uid(SOP_CLASS, &rq.sop_class);
            set.number(FIELD, field::C_STORE_RQ);
            set.number(MESSAGE_ID, rq.message_id);
            set.number(PRIORITY, rq.priority.code());
            set.data_set(data_set);
            set.uid(SOP_INSTANCE, &rq.sop_instance);
            rq.move_originator_title.iter().for_each(|title| set.text(MOVE_ORIGINATOR_TITLE, title, b' '));
            rq.move_originator_id.iter().for_each(|id| set.number(MOVE_ORIGINATOR_ID, *id));
        }
        Request::Find(CFindRq { message_id, sop_class, priority })
        | Request::Get(CGetRq { message_id, sop_class, priority })
        | Request::Move(CMoveRq { message_id, sop_class, priority, .. }) => {
            set.uid(SOP_CLASS, sop_class);
            set.number(FIELD, request.field());
            set.number(MESSAGE_ID, *message_id);
            if let Request::Move(CMoveRq { destination, .. }) = request {
                set.text(MOVE_DESTINATION, destination, b' ');
            }
            set.number(PRIORITY, priority.code());
            set.data_set(data_set);
        }
        Request::Cancel(CCancelRq { message_id }) => {
            set.number(FIELD, field::C_CANCEL_RQ);
            set.number(RESPONDED_ID, *message_id);
            set.data_set(data_set);
        }
        Request::Unknown { field, message_id } => {
            set.number(FIELD, *field);
            message_id.iter().for_each(|id| set.number(MESSAGE_ID, *id));
            set.data_set(data_set);
        }
    }
    set.finish();
}

/// Appends the command set of a response to `out`. Characters beyond U+00FF are written as `?`.
pub fn write_response(response: &Response, out: &mut Vec<u8>) {
    let mut set = Writer::new(out);
    response.sop_class.iter().for_each(|uid| set.uid(SOP_CLASS, uid));
    set.number(FIELD, response.field);
    set.number(RESPONDED_ID, response.message_id);
    set.data_set(response.data_set);
    set.number(STATUS, response.status);
    response.error_comment.iter().for_each(|text| set.text(ERROR_COMMENT, text, b' '));
    response.sop_instance.iter().for_each(|uid| set.uid(SOP_INSTANCE, uid));
    let counts = response.suboperations.unwrap_or_default();
    for (element, count) in [
        (REMAINING, counts.remaining),
        (COMPLETED, counts.completed),
        (FAILED, counts.failed),
        (WARNING, counts.warning),
    ] {
        count.iter().for_each(|n| set.number(element, *n));
    }
    set.finish();
}

/// Something odd in a command set that was read nevertheless. Displayed as DCMTK's line, which it logs as a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// White space was removed from this UID element.
    Blanks(u16),
    /// The element (group, element) stood there before; the first one counts.
    Twice(u16, u16),
    /// The element is not in its place.
    Unordered(u16, u16),
    /// The length of the element is odd.
    OddLength(u16, u16),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Blanks(e) => write!(
                f,
                "DcmUniqueIdentifier: Element {} (0000,{e:04x}) contains one or more space characters, which were removed",
                name(0, e)
            ),
            Self::Twice(g, e) => {
                write!(
                    f,
                    "DcmItem: Element ({g:04x},{e:04x}) found twice in one data set or item, ignoring second entry"
                )
            }
            Self::Unordered(g, e) => {
                write!(f, "DcmItem: Dataset not in ascending tag order, at element ({g:04x},{e:04x})")
            }
            Self::OddLength(g, e) => write!(f, "DcmItem: Length of element ({g:04x},{e:04x}) is odd"),
        }
    }
}

/// Why a command set is refused. Displayed as DCMTK's condition, which may have two lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// No usable command field. DCMTK says so as well of an empty command set, and of one with an odd number of bytes.
    NoField,
    /// A command field that the standard does not define.
    Field(u16),
    /// This element of group 0000 is missing or of a length it must not have.
    Element(u16),
    /// The message contradicts itself; see [`warning`](Self::warning).
    BadlyFormed(&'static str),
    /// An element declares more bytes than there are.
    Overrun {
        /// Group and element.
        tag: (u16, u16),
        /// The declared length.
        declared: u32,
        /// Bytes that are left.
        remaining: usize,
    },
}

impl CommandError {
    /// What DCMTK says in a warning of its own before the condition, behind `DIMSE Warning: (<calling>,<called>): `.
    pub fn warning(&self) -> Option<&'static str> {
        match self {
            Self::BadlyFormed(text) => Some(text),
            _ => None,
        }
    }

    /// What DCMTK says in an error record of its own before the condition.
    pub fn notice(&self) -> Option<String> {
        match *self {
            Self::Overrun { tag: (g, e), declared, remaining } if declared != u32::MAX => Some(format!(
                "DcmElement: {} ({g:04x},{e:04x}) larger ({declared}) than remaining bytes ({remaining}) in file, premature \
                 end of stream",
                name(g, e)
            )),
            _ => None,
        }
    }
}

impl std::error::Error for CommandError {}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoField => f.write_str("0006:020b DIMSE_parseCmdObject: Missing CommandField"),
            Self::Field(field) => write!(f, "0006:0201 DIMSE_parseCmdObject: Invalid Command Message: 0x{field:x}"),
            Self::Element(e) => {
                write!(f, "0006:020b DIMSE: Command Parse Failed: Element: (0000,{e:04x}) {}", name(0, e))
            }
            Self::BadlyFormed(_) => f.write_str("0006:0203 DIMSE Badly formed message"),
            Self::Overrun { declared, .. } => {
                f.write_str("0006:020d DIMSE: receiveCommand: cmdSet->read() Failed\n")?;
                f.write_str(if declared == u32::MAX { "0001:0006 Corrupted data" } else { "0001:0004 Invalid stream" })
            }
        }
    }
}

// Elements of group 0000 that mean something here (PS3.7 E.1).
const SOP_CLASS: u16 = 0x0002;
const FIELD: u16 = 0x0100;
const MESSAGE_ID: u16 = 0x0110;
const RESPONDED_ID: u16 = 0x0120;
const MOVE_DESTINATION: u16 = 0x0600;
const PRIORITY: u16 = 0x0700;
const DATA_SET_TYPE: u16 = 0x0800;
const STATUS: u16 = 0x0900;
const ERROR_COMMENT: u16 = 0x0902;
const SOP_INSTANCE: u16 = 0x1000;
const REMAINING: u16 = 0x1020;
const COMPLETED: u16 = 0x1021;
const FAILED: u16 = 0x1022;
const WARNING: u16 = 0x1023;
const MOVE_ORIGINATOR_TITLE: u16 = 0x1030;
const MOVE_ORIGINATOR_ID: u16 = 0x1031;

/// [`DATA_SET_TYPE`] when no data set follows; any other number means that one does.
const NO_DATA_SET: u16 = 0x0101;

/// [`DATA_SET_TYPE`] as we and DCMTK write it when a data set follows.
const DATA_SET_PRESENT: u16 = 0x0001;

/// Each known element beside its keyword.
const NAMES: [(u16, &str); 17] = [
    (0x0000, "CommandGroupLength"),
    (SOP_CLASS, "AffectedSOPClassUID"),
    (FIELD, "CommandField"),
    (MESSAGE_ID, "MessageID"),
    (RESPONDED_ID, "MessageIDBeingRespondedTo"),
    (MOVE_DESTINATION, "MoveDestination"),
    (PRIORITY, "Priority"),
    (DATA_SET_TYPE, "CommandDataSetType"),
    (STATUS, "Status"),
    (ERROR_COMMENT, "ErrorComment"),
    (SOP_INSTANCE, "AffectedSOPInstanceUID"),
    (REMAINING, "NumberOfRemainingSuboperations"),
    (COMPLETED, "NumberOfCompletedSuboperations"),
    (FAILED, "NumberOfFailedSuboperations"),
    (WARNING, "NumberOfWarningSuboperations"),
    (MOVE_ORIGINATOR_TITLE, "MoveOriginatorApplicationEntityTitle"),
    (MOVE_ORIGINATOR_ID, "MoveOriginatorMessageID"),
];

fn slot(element: u16) -> Option<usize> {
    NAMES.iter().position(|&(e, _)| e == element)
}

/// The keyword, as DCMTK prints it.
fn name(group: u16, element: u16) -> &'static str {
    slot(element).filter(|_| group == 0).map_or("Unknown Tag & Data", |at| NAMES[at].1)
}

/// The values of the known elements, as they stand in the command set.
struct Elements<'a>([Option<&'a [u8]>; NAMES.len()]);

impl<'a> Elements<'a> {
    fn read(bytes: &'a [u8], warnings: &mut Vec<Warning>) -> Result<Self, CommandError> {
        // DCMTK: an odd number of bytes is never recognized as a command.
        if bytes.len() % 2 == 1 {
            return Err(CommandError::NoField);
        }
        let (mut found, mut rest, mut highest) = (Self([None; NAMES.len()]), bytes, (0, 0));
        // What is too short for an element's header at the end is ignored, as DCMTK does.
        while let Some((&[g0, g1, e0, e1, l0, l1, l2, l3], value)) = rest.split_first_chunk::<8>() {
            let tag = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
            let declared = u32::from_le_bytes([l0, l1, l2, l3]);
            if declared % 2 == 1 && declared != u32::MAX {
                note(warnings, Warning::OddLength(tag.0, tag.1));
            }
            let Some((value, after)) = usize::try_from(declared).ok().and_then(|n| value.split_at_checked(n)) else {
                return Err(CommandError::Overrun { tag, declared, remaining: value.len() });
            };
            rest = after;
            let slot = slot(tag.1).filter(|_| tag.0 == 0).map(|at| &mut found.0[at]);
            if let Some(&mut Some(_)) = slot {
                note(warnings, Warning::Twice(tag.0, tag.1));
                continue;
            }
            if tag < highest {
                note(warnings, Warning::Unordered(tag.0, tag.1));
            }
            highest = highest.max(tag);
            if let Some(slot) = slot {
                *slot = Some(value);
            }
        }
        Ok(found)
    }

    fn get(&self, element: u16) -> Option<&'a [u8]> {
        self.0[slot(element)?]
    }

    /// None when the element is missing or empty.
    fn number(&self, element: u16) -> Result<Option<u16>, CommandError> {
        match self.get(element) {
            None | Some([]) => Ok(None),
            Some(&[low, high]) => Ok(Some(u16::from_le_bytes([low, high]))),
            Some(_) => Err(CommandError::Element(element)),
        }
    }
}

/// Elements on their way into a message.
struct Reader<'a, 'w> {
    set: Elements<'a>,
    warnings: &'w mut Vec<Warning>,
}

impl Reader<'_, '_> {
    fn need_number(&self, element: u16) -> Result<u16, CommandError> {
        self.set.number(element)?.ok_or(CommandError::Element(element))
    }

    fn data_set(&self) -> Result<bool, CommandError> {
        self.need_number(DATA_SET_TYPE).map(|n| n != NO_DATA_SET)
    }

    fn priority(&self) -> Result<Priority, CommandError> {
        self.need_number(PRIORITY).map(Priority::from_code)
    }

    fn need_uid(&mut self, element: u16) -> Result<String, CommandError> {
        self.uid(element).ok_or(CommandError::Element(element))
    }

    /// None when the element is missing or the UID too long. White space is removed wherever it stands.
    fn uid(&mut self, element: u16) -> Option<String> {
        let value = until_nul(self.set.get(element)?);
        let blank = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
        if !value.iter().any(blank) {
            return (value.len() <= MAX_UID_LENGTH).then(|| latin1(value));
        }
        note(self.warnings, Warning::Blanks(element));
        let kept: Vec<u8> = value.iter().copied().filter(|b| !blank(b)).collect();
        (kept.len() <= MAX_UID_LENGTH).then(|| latin1(&kept))
    }

    /// None when the element is missing or the title too long. Blanks at both ends are not significant.
    fn title(&self, element: u16) -> Option<String> {
        let title = latin1(until_nul(self.set.get(element)?));
        let title = title.trim_matches(' ');
        (title.chars().count() <= MAX_TITLE_LENGTH).then(|| title.to_owned())
    }

    fn response(&mut self, field: u16) -> Result<Response, CommandError> {
        let (message_id, data_set) = (self.need_number(RESPONDED_ID)?, self.data_set()?);
        let status = self.need_number(STATUS)?;
        let (sop_class, sop_instance) = (self.uid(SOP_CLASS), self.uid(SOP_INSTANCE));
        let counts = Counts {
            remaining: self.set.number(REMAINING)?,
            completed: self.set.number(COMPLETED)?,
            failed: self.set.number(FAILED)?,
            warning: self.set.number(WARNING)?,
        };
        let error_comment = self.set.get(ERROR_COMMENT).map(|v| latin1(until_nul(v)).trim_end_matches(' ').to_owned());
        match field {
            field::C_STORE_RSP => self.expect(!data_set, "C-Store RSP: DataSetType != NULL")?,
            field::C_ECHO_RSP => self.expect(!data_set, "C-Echo RSP: DataSetType != NULL")?,
            _ => {}
        }
        let suboperations = (counts != Counts::default()).then_some(counts);
        Ok(Response { field, message_id, sop_class, sop_instance, data_set, status, suboperations, error_comment })
    }

    fn expect(&self, holds: bool, otherwise: &'static str) -> Result<(), CommandError> {
        if holds { Ok(()) } else { Err(CommandError::BadlyFormed(otherwise)) }
    }
}

fn note(warnings: &mut Vec<Warning>, warning: Warning) {
    if warnings.len() < MAX_WARNINGS {
        warnings.push(warning);
    }
}

fn until_nul(value: &[u8]) -> &[u8] {
    &value[..value.iter().position(|&b| b == 0).unwrap_or(value.len())]
}

fn latin1(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(ascii) if ascii.is_ascii() => ascii.to_owned(),
        _ => bytes.iter().map(|&b| char::from(b)).collect(),
    }
}

/// A command set on its way out.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Where the elements behind the group length start.
    start: usize,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        out.reserve(256);
        out.extend([0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
        let start = out.len();
        Self { out, start }
    }

    fn header(&mut self, element: u16, length: u32) {
        let ([e0, e1], [l0, l1, l2, l3]) = (element.to_le_bytes(), length.to_le_bytes());
        self.out.extend([0, 0, e0, e1, l0, l1, l2, l3]);
    }

    fn number(&mut self, element: u16, value: u16) {
        self.header(element, 2);
        self.out.extend(value.to_le_bytes());
    }

    fn data_set(&mut self, present: bool) {
        self.number(DATA_SET_TYPE, if present { DATA_SET_PRESENT } else { NO_DATA_SET });
    }

    fn uid(&mut self, element: u16, uid: &str) {
        self.text(element, uid, 0);
    }

    fn text(&mut self, element: u16, text: &str, padding: u8) {
        self.header(element, 0);
        let start = self.out.len();
        if text.is_ascii() {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            self.out.extend(text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')));
        }
        if (self.out.len() - start) % 2 == 1 {
            self.out.push(padding);
        }
        self.set_length(start);
    }

    fn finish(mut self) {
        self.set_length(self.start);
    }

    /// Puts the number of bytes from `start` to the end into the four bytes before `start`.
    fn set_length(&mut self, start: usize) {
        let length = (self.out.len() - start) as u32;
        self.out[start - 4..start].copy_from_slice(&length.to_le_bytes());
    }
}

#[cfg(test)]
mod tests;
