//! DIMSE status codes: category, DCMTK's two texts, section of the standard (PS3.7 annex C, PS3.4 for the services).
//!
//! What a code means depends on the service. [`text`] is what DCMTK prints in its message dumps, [`short`] what it prints
//! in brackets at info level.

use super::command::field;
use std::borrow::Cow;

/// Success of every service.
pub const SUCCESS: u16 = 0x0000;
/// C-STORE: refused, out of resources.
pub const OUT_OF_RESOURCES: u16 = 0xA700;
/// C-STORE and C-FIND: the data set does not match the SOP class, or the command.
pub const DATA_SET_DOES_NOT_MATCH: u16 = 0xA900;
/// C-STORE: cannot understand. C-FIND, C-MOVE, C-GET: unable to process.
pub const CANNOT_UNDERSTAND: u16 = 0xC000;
/// SOP class not supported.
pub const SOP_CLASS_NOT_SUPPORTED: u16 = 0x0122;
/// C-MOVE and C-GET: unable to calculate the number of matches.
pub const NUMBER_OF_MATCHES: u16 = 0xA701;
/// C-MOVE and C-GET: unable to perform sub-operations.
pub const SUBOPERATIONS: u16 = 0xA702;
/// C-MOVE: move destination unknown.
pub const MOVE_DESTINATION_UNKNOWN: u16 = 0xA801;
/// C-MOVE and C-GET: complete, with failures or warnings.
pub const SUBOPERATIONS_WITH_FAILURES: u16 = 0xB000;
/// Cancelled.
pub const CANCEL: u16 = 0xFE00;
/// More responses follow.
pub const PENDING: u16 = 0xFF00;
/// C-FIND: as [`PENDING`], and some optional keys were not supported.
pub const PENDING_UNSUPPORTED_KEYS: u16 = 0xFF01;

/// What kind of outcome a status is (PS3.7 annex C).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// C.1.
    Success,
    /// C.2.
    Pending,
    /// C.3.
    Cancel,
    /// C.4.
    Warning,
    /// C.5.
    Failure,
    /// A number the standard assigns to no category.
    Unknown,
}

/// Whose response a status stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// C-ECHO.
    Echo,
    /// C-STORE.
    Store,
    /// C-FIND.
    Find,
    /// C-GET.
    Get,
    /// C-MOVE.
    Move,
    /// N-EVENT-REPORT to N-DELETE.
    Normalized,
}

impl Service {
    /// The service of a command field, be it a request or a response.
    pub fn of(command_field: u16) -> Self {
        match command_field | 0x8000 {
            field::C_ECHO_RSP => Self::Echo,
            field::C_STORE_RSP => Self::Store,
            field::C_FIND_RSP => Self::Find,
            field::C_GET_RSP => Self::Get,
            field::C_MOVE_RSP => Self::Move,
            _ => Self::Normalized,
        }
    }
}

/// The category of a code, whatever the service (PS3.7 annex C).
pub fn category(code: u16) -> Category {
    match code {
        0x0000 => Category::Success,
        0xFF00 | 0xFF01 => Category::Pending,
        0xFE00 => Category::Cancel,
        0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF => Category::Warning,
        0x0100..=0x02FF | 0xA000..=0xAFFF | 0xC000..=0xCFFF => Category::Failure,
        _ => Category::Unknown,
    }
}

/// What DCMTK prints behind the code in a message dump.
pub fn text(service: Service, code: u16) -> &'static str {
    row(service, code).map_or_else(
        || match category(code) {
            Category::Success => "Success",
            Category::Pending => "Pending",
            Category::Cancel => "Cancel",
            Category::Warning => "Warning",
            Category::Failure => "Failure",
            Category::Unknown => "Unknown Status Code (non-standard)",
        },
        |row| row.text,
    )
}

/// What DCMTK prints in brackets at info level. Its list is shorter, and sometimes of other ranges, than that of [`text`].
pub fn short(service: Service, code: u16) -> Cow<'static, str> {
    let known = match (service, code) {
        (_, 0x0000) => "Success",
        (_, 0x0122) => "Refused: SOPClassNotSupported",
        (Service::Store, 0xA700..=0xA7FF) | (Service::Find, 0xA700) => "Refused: OutOfResources",
        (Service::Get | Service::Move, 0xA701) => "Refused: OutOfResourcesNumberOfMatches",
        (Service::Get | Service::Move, 0xA702) => "Refused: OutOfResourcesSubOperations",
        (Service::Move, 0xA801) => "Refused: MoveDestinationUnknown",
        (Service::Store, 0xA900..=0xA9FF) | (Service::Find | Service::Get | Service::Move, 0xA900) => {
            "Error: DataSetDoesNotMatchSOPClass"
        }
        (Service::Store, 0xB000) => "Warning: CoercionOfDataElements",
        (Service::Get | Service::Move, 0xB000) => "Warning: SubOperationsCompleteOneOrMoreFailures",
        (Service::Store, 0xB006) => "Warning: ElementsDiscarded",
        (Service::Store, 0xB007) => "Warning: DataSetDoesNotMatchSOPClass",
        (Service::Store, 0xC000..=0xCFFF) => "Error: CannotUnderstand",
        (Service::Find | Service::Get | Service::Move, 0xC000..=0xCFFF) => "Failed: UnableToProcess",
        (Service::Find, 0xFE00) => "Cancel: MatchingTerminatedDueToCancelRequest",
        (Service::Get | Service::Move, 0xFE00) => "Cancel: SubOperationsTerminatedDueToCancelIndication",
        (Service::Find | Service::Get | Service::Move, 0xFF00) => "Pending",
        (Service::Find, 0xFF01) => "Pending: WarningUnsupportedOptionalKeys",
        _ => return Cow::Owned(format!("Unknown Status: 0x{code:x}")),
    };
    Cow::Borrowed(known)
}

/// Where the standard defines a code for a service; none for a code it does not assign.
pub fn section(service: Service, code: u16) -> Option<&'static str> {
    row(service, code).map(|row| row.section)
}

struct Row {
    services: &'static [Service],
    first: u16,
    last: u16,
    text: &'static str,
    section: &'static str,
}

fn row(service: Service, code: u16) -> Option<&'static Row> {
    TABLE.iter().find(|r| (r.first..=r.last).contains(&code) && r.services.contains(&service))
}

const fn row_of(
    services: &'static [Service],
    (first, last): (u16, u16),
    text: &'static str,
    section: &'static str,
) -> Row {
    Row { services, first, last, text, section }
}

const STORE: &[Service] = &[Service::Store];
const FIND: &[Service] = &[Service::Find];
const MOVE: &[Service] = &[Service::Move];
const RETRIEVE: &[Service] = &[Service::Get, Service::Move];
const QUERY: &[Service] = &[Service::Find, Service::Get, Service::Move];
const PLAIN: &[Service] = &[Service::Echo, Service::Store, Service::Normalized];
const N: &[Service] = &[Service::Normalized];
const C: &[Service] = &[Service::Echo, Service::Store, Service::Find, Service::Get, Service::Move];
const NOT_FIND: &[Service] = &[Service::Echo, Service::Store, Service::Get, Service::Move, Service::Normalized];
const AUTHORIZED: &[Service] = &[Service::Store, Service::Move, Service::Normalized];

/// Every code to which DCMTK gives a text of its own, by service. The first fitting row counts.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    row_of(PLAIN,      (0x0000, 0x0000), "Success", "PS3.7 C.1"),
    row_of(FIND,       (0x0000, 0x0000), "Success: Matching is complete", "PS3.4 C.4.1.1.4"),
    row_of(RETRIEVE,   (0x0000, 0x0000), "Success: Sub-operations complete - No failures or warnings", "PS3.4 C.4.2.1.5, C.4.3.1.4"),
    row_of(N,          (0x0001, 0x0001), "MPPS retrieve warning: Requested optional attributes not supported", "PS3.4 F.8.2.1.4"),
    row_of(N,          (0x0105, 0x0105), "No such attribute", "PS3.7 C.5"),
    row_of(N,          (0x0106, 0x0106), "Invalid attribute value", "PS3.7 C.5"),
    row_of(N,          (0x0107, 0x0107), "Attribute list error", "PS3.7 C.4"),
    row_of(N,          (0x0110, 0x0110), "Processing failure", "PS3.7 C.5"),
    row_of(N,          (0x0111, 0x0111), "Duplicate SOP Instance", "PS3.7 C.5"),
    row_of(N,          (0x0112, 0x0112), "No such SOP Instance", "PS3.7 C.5"),
    row_of(N,          (0x0113, 0x0113), "No such Event Type", "PS3.7 C.5"),
    row_of(N,          (0x0114, 0x0114), "No such argument", "PS3.7 C.5"),
    row_of(N,          (0x0115, 0x0115), "Invalid argument value", "PS3.7 C.5"),
    row_of(N,          (0x0116, 0x0116), "Attribute value out of range", "PS3.7 C.4"),
    row_of(STORE,      (0x0117, 0x0117), "Invalid SOP Class", "PS3.7 C.5"), // DCMTK: the standard says Instance
    row_of(N,          (0x0117, 0x0117), "Invalid SOP Instance", "PS3.7 C.5"),
    row_of(N,          (0x0118, 0x0118), "No such SOP Class", "PS3.7 C.5"),
    row_of(N,          (0x0119, 0x0119), "Class-Instance conflict", "PS3.7 C.5"),
    row_of(N,          (0x0120, 0x0120), "Missing attribute", "PS3.7 C.5"),
    row_of(N,          (0x0121, 0x0121), "Missing attribute value", "PS3.7 C.5"),
    row_of(C,          (0x0122, 0x0122), "Refused: SOP Class not supported", "PS3.7 C.5"),
    row_of(N,          (0x0122, 0x0122), "SOP Class not supported", "PS3.7 C.5"),
    row_of(N,          (0x0123, 0x0123), "No such action", "PS3.7 C.5"),
    row_of(AUTHORIZED, (0x0124, 0x0124), "Refused: Not authorized", "PS3.7 C.5"),
    row_of(NOT_FIND,   (0x0210, 0x0210), "Duplicate invocation", "PS3.7 C.5"),
    row_of(NOT_FIND,   (0x0211, 0x0211), "Unrecognized operation", "PS3.7 C.5"),
    row_of(NOT_FIND,   (0x0212, 0x0212), "Mistyped argument", "PS3.7 C.5"),
    row_of(N,          (0x0213, 0x0213), "Resource limitation", "PS3.7 C.5"),
    row_of(STORE,      (0xA700, 0xA7FF), "Refused: Out of resources", "PS3.4 B.2.3"),
    row_of(FIND,       (0xA700, 0xA700), "Refused: Out of resources", "PS3.4 C.4.1.1.4"),
    row_of(RETRIEVE,   (0xA701, 0xA701), "Refused: Out of resources - Unable to calculate number of matches", "PS3.4 C.4.2.1.5, C.4.3.1.4"),
    row_of(RETRIEVE,   (0xA702, 0xA702), "Refused: Out of resources - Unable to perform sub-operations", "PS3.4 C.4.2.1.5, C.4.3.1.4"),
    row_of(MOVE,       (0xA801, 0xA801), "Refused: Move Destination unknown", "PS3.4 C.4.2.1.5"),
    row_of(STORE,      (0xA900, 0xA9FF), "Error: Data Set does not match SOP Class", "PS3.4 B.2.3"),
    row_of(FIND,       (0xA900, 0xA9FF), "Error: Data Set does not match SOP Class", "PS3.4 C.4.1.1.4"),
    row_of(RETRIEVE,   (0xA900, 0xA900), "Error: Data Set does not match SOP Class", "PS3.4 C.4.2.1.5, C.4.3.1.4"),
    row_of(RETRIEVE,   (0xAA00, 0xAA00), "Failed: None of the frames requested were found in SOP Instance", "PS3.4 Y.4"),
    row_of(RETRIEVE,   (0xAA01, 0xAA01), "Failed: Unable to create new object for this SOP Class", "PS3.4 Y.4"),
    row_of(RETRIEVE,   (0xAA02, 0xAA02), "Failed: Unable to extract frames", "PS3.4 Y.4"),
    row_of(RETRIEVE,   (0xAA03, 0xAA03), "Failed: Time-based request for non-time-based SOP Instance", "PS3.4 Y.4"),
    row_of(RETRIEVE,   (0xAA04, 0xAA04), "Failed: Invalid request", "PS3.4 Y.4"),
    row_of(STORE,      (0xB000, 0xB000), "Warning: Coercion of Data Elements", "PS3.4 B.2.3"),
    row_of(RETRIEVE,   (0xB000, 0xB000), "Warning: Sub-operations complete - One or more failures or warnings", "PS3.4 C.4.2.1.5, C.4.3.1.4"),
    row_of(STORE,      (0xB006, 0xB006), "Warning: Elements discarded", "PS3.4 B.2.3"),
    row_of(STORE,      (0xB007, 0xB007), "Warning: Data Set does not match SOP Class", "PS3.4 B.2.3"),
    row_of(STORE,      (0xC000, 0xCFFF), "Error: Cannot understand", "PS3.4 B.2.3"),
    row_of(QUERY,      (0xC000, 0xCFFF), "Failed: Unable to process", "PS3.4 C.4"),
    row_of(FIND,       (0xFE00, 0xFE00), "Cancel: Matching terminated due to Cancel Request", "PS3.4 C.4.1.1.4"),
    row_of(RETRIEVE,   (0xFE00, 0xFE00), "Cancel: Sub-operations terminated due to Cancel Indication", "PS3.4 C.4.2.1.5, C.4.3.1.4"),
    row_of(FIND,       (0xFF00, 0xFF00), "Pending: Matches are continuing", "PS3.4 C.4.1.1.4"),
    row_of(RETRIEVE,   (0xFF00, 0xFF00), "Pending: Sub-operations are continuing", "PS3.4 C.4.2.1.5, C.4.3.1.4"),
    row_of(FIND,       (0xFF01, 0xFF01), "Pending: Matches are continuing - Warning: Unsupported optional keys", "PS3.4 C.4.1.1.4"),
];

#[cfg(test)]
mod tests;
