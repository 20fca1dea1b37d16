use super::*;

/// Message dumps of DCMTK 3.6.7, one response each.
#[test]
fn texts_are_dcmtks() {
    use Service::{Echo, Find, Get, Move, Normalized, Store};
    for (service, code, expected) in [
        (Store, 0x0000, "Success"),
        (Find, 0x0000, "Success: Matching is complete"),
        (Move, 0x0000, "Success: Sub-operations complete - No failures or warnings"),
        (Store, 0x0001, "Warning"),
        (Normalized, 0x0001, "MPPS retrieve warning: Requested optional attributes not supported"),
        (Store, 0x0002, "Unknown Status Code (non-standard)"),
        (Echo, 0x0105, "Failure"),
        (Normalized, 0x0105, "No such attribute"),
        (Find, 0x0107, "Warning"),
        (Store, 0x0110, "Failure"),
        (Normalized, 0x0112, "No such SOP Instance"),
        (Store, 0x0117, "Invalid SOP Class"),
        (Normalized, 0x0117, "Invalid SOP Instance"),
        (Echo, 0x0117, "Failure"),
        (Echo, 0x0122, "Refused: SOP Class not supported"),
        (Normalized, 0x0122, "SOP Class not supported"),
        (Store, 0x0124, "Refused: Not authorized"),
        (Get, 0x0124, "Failure"),
        (Echo, 0x0210, "Duplicate invocation"),
        (Find, 0x0211, "Failure"),
        (Get, 0x0212, "Mistyped argument"),
        (Store, 0x0213, "Failure"),
        (Store, 0x0300, "Unknown Status Code (non-standard)"),
        (Store, 0xA6FF, "Failure"),
        (Store, 0xA7FF, "Refused: Out of resources"),
        (Find, 0xA700, "Refused: Out of resources"),
        (Find, 0xA701, "Failure"),
        (Get, 0xA701, "Refused: Out of resources - Unable to calculate number of matches"),
        (Move, 0xA700, "Failure"),
        (Move, 0xA801, "Refused: Move Destination unknown"),
        (Get, 0xA801, "Failure"),
        (Find, 0xA9FF, "Error: Data Set does not match SOP Class"),
        (Move, 0xA900, "Error: Data Set does not match SOP Class"),
        (Move, 0xA901, "Failure"),
        (Get, 0xAA03, "Failed: Time-based request for non-time-based SOP Instance"),
        (Find, 0xB000, "Warning"),
        (Store, 0xB000, "Warning: Coercion of Data Elements"),
        (Move, 0xB000, "Warning: Sub-operations complete - One or more failures or warnings"),
        (Store, 0xB006, "Warning: Elements discarded"),
        (Store, 0xB007, "Warning: Data Set does not match SOP Class"),
        (Store, 0xBFFF, "Warning"),
        (Store, 0xCFFF, "Error: Cannot understand"),
        (Find, 0xC123, "Failed: Unable to process"),
        (Echo, 0xC000, "Failure"),
        (Store, 0xD000, "Unknown Status Code (non-standard)"),
        (Store, 0xFE00, "Cancel"),
        (Find, 0xFE00, "Cancel: Matching terminated due to Cancel Request"),
        (Get, 0xFE00, "Cancel: Sub-operations terminated due to Cancel Indication"),
        (Store, 0xFF00, "Pending"),
        (Find, 0xFF01, "Pending: Matches are continuing - Warning: Unsupported optional keys"),
        (Move, 0xFF01, "Pending"),
        (Move, 0xFF02, "Unknown Status Code (non-standard)"),
    ] {
        assert_eq!(text(service, code), expected, "{service:?} {code:04X}");
    }
}

/// What storescu, findscu, movescu and getscu of DCMTK 3.6.7 print at info level.
#[test]
fn short_forms_are_dcmtks() {
    use Service::{Find, Get, Move, Store};
    for (service, code, expected) in [
        (Store, 0x0000, "Success"),
        (Store, 0x0122, "Refused: SOPClassNotSupported"),
        (Store, 0x0124, "Unknown Status: 0x124"),
        (Store, 0x0009, "Unknown Status: 0x9"),
        (Store, 0xA7FF, "Refused: OutOfResources"),
        (Store, 0xA9FF, "Error: DataSetDoesNotMatchSOPClass"),
        (Store, 0xB000, "Warning: CoercionOfDataElements"),
        (Store, 0xB006, "Warning: ElementsDiscarded"),
        (Store, 0xB007, "Warning: DataSetDoesNotMatchSOPClass"),
        (Store, 0xCFFF, "Error: CannotUnderstand"),
        (Store, 0xFF00, "Unknown Status: 0xff00"),
        (Find, 0xA700, "Refused: OutOfResources"),
        (Find, 0xA701, "Unknown Status: 0xa701"),
        (Find, 0xA901, "Unknown Status: 0xa901"),
        (Find, 0xC123, "Failed: UnableToProcess"),
        (Find, 0xFE00, "Cancel: MatchingTerminatedDueToCancelRequest"),
        (Find, 0xFF01, "Pending: WarningUnsupportedOptionalKeys"),
        (Move, 0xA700, "Unknown Status: 0xa700"),
        (Move, 0xA702, "Refused: OutOfResourcesSubOperations"),
        (Move, 0xA801, "Refused: MoveDestinationUnknown"),
        (Get, 0xA801, "Unknown Status: 0xa801"),
        (Get, 0xB000, "Warning: SubOperationsCompleteOneOrMoreFailures"),
        (Get, 0xFE00, "Cancel: SubOperationsTerminatedDueToCancelIndication"),
        (Get, 0xFF00, "Pending"),
    ] {
        assert_eq!(short(service, code), expected, "{service:?} {code:04X}");
    }
}

#[test]
fn a_text_and_its_category_agree() {
    for row in TABLE {
        assert!(row.first <= row.last && !row.section.is_empty());
        for code in [row.first, row.last] {
            let wanted = match row.text.split(':').next() {
                Some("Success") => Category::Success,
                Some("Pending") => Category::Pending,
                Some("Cancel") => Category::Cancel,
                Some("Warning" | "MPPS retrieve warning" | "Attribute list error" | "Attribute value out of range") => {
                    Category::Warning
                }
                _ => Category::Failure,
            };
            assert_eq!(category(code), wanted, "{code:04X} {}", row.text);
        }
    }
}

#[test]
fn no_row_hides_another() {
    for (n, row) in TABLE.iter().enumerate() {
        for later in &TABLE[n + 1..] {
            let overlap = row.first <= later.last && later.first <= row.last;
            assert!(!overlap || !row.services.iter().any(|s| later.services.contains(s)), "{}", later.text);
        }
    }
}

#[test]
fn sections_follow_the_service() {
    assert_eq!(section(Service::Store, 0xA712), Some("PS3.4 B.2.3"));
    assert_eq!(section(Service::Move, 0xA801), Some("PS3.4 C.4.2.1.5"));
    assert_eq!(section(Service::Store, 0xA801), None);
}

#[test]
fn a_service_is_that_of_request_and_response() {
    assert_eq!(Service::of(field::C_STORE_RQ), Service::Store);
    assert_eq!(Service::of(field::C_MOVE_RSP), Service::Move);
    assert_eq!(Service::of(0x8140), Service::Normalized);
}
