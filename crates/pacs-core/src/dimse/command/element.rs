//! The elements of group 0000 that mean something here (PS3.7 E.1).

pub(super) const SOP_CLASS: u16 = 0x0002;
pub(super) const FIELD: u16 = 0x0100;
pub(super) const MESSAGE_ID: u16 = 0x0110;
pub(super) const RESPONDED_ID: u16 = 0x0120;
pub(super) const MOVE_DESTINATION: u16 = 0x0600;
pub(super) const PRIORITY: u16 = 0x0700;
pub(super) const DATA_SET_TYPE: u16 = 0x0800;
pub(super) const STATUS: u16 = 0x0900;
pub(super) const ERROR_COMMENT: u16 = 0x0902;
pub(super) const SOP_INSTANCE: u16 = 0x1000;
pub(super) const REMAINING: u16 = 0x1020;
pub(super) const COMPLETED: u16 = 0x1021;
pub(super) const FAILED: u16 = 0x1022;
pub(super) const WARNING: u16 = 0x1023;
pub(super) const MOVE_ORIGINATOR_TITLE: u16 = 0x1030;
pub(super) const MOVE_ORIGINATOR_ID: u16 = 0x1031;

/// [`DATA_SET_TYPE`] when no data set follows; any other number means that one does.
pub(super) const NO_DATA_SET: u16 = 0x0101;

/// [`DATA_SET_TYPE`] as we and DCMTK write it when a data set follows.
pub(super) const DATA_SET_PRESENT: u16 = 0x0001;

/// How many elements are known.
pub(super) const COUNT: usize = 17;

/// Each known element beside its keyword.
const NAMES: [(u16, &str); COUNT] = [
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

/// Place of an element in the list of the known ones.
pub(super) fn slot(element: u16) -> Option<usize> {
    NAMES.iter().position(|&(e, _)| e == element)
}

/// The keyword, as DCMTK prints it.
pub(super) fn name(group: u16, element: u16) -> &'static str {
    slot(element).filter(|_| group == 0).map_or("Unknown Tag & Data", |at| NAMES[at].1)
}
