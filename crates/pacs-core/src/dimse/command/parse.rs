//! Command set bytes → messages.

use super::element::{
    COMPLETED, COUNT, DATA_SET_TYPE, ERROR_COMMENT, FAILED, FIELD, MESSAGE_ID, MOVE_DESTINATION, MOVE_ORIGINATOR_ID,
    MOVE_ORIGINATOR_TITLE, NO_DATA_SET, PRIORITY, REMAINING, RESPONDED_ID, SOP_CLASS, SOP_INSTANCE, STATUS, WARNING,
    slot,
};
use super::{
    CCancelRq, CEchoRq, CFindRq, CGetRq, CMoveRq, CStoreRq, CommandError, Counts, MAX_WARNINGS, Message, Priority,
    Request, Response, Warning, field,
};

/// Longest UID (PS3.5 9.1) after white space was removed.
const MAX_UID_LENGTH: usize = 64;

/// Longest application entity title.
const MAX_TITLE_LENGTH: usize = 16;

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
            Ok(Message::request(Request::Echo(CEchoRq { message_id, sop_class }), data_set))
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
            Ok(Message::request(Request::Store(rq), data_set))
        }
        field::C_FIND_RQ => {
            let (message_id, data_set) = (set.need_number(MESSAGE_ID)?, set.data_set()?);
            let (sop_class, priority) = (set.need_uid(SOP_CLASS)?, set.priority()?);
            set.expect(data_set, "C-Find RQ: DataSetType == NULL")?;
            Ok(Message::request(Request::Find(CFindRq { message_id, sop_class, priority }), data_set))
        }
        field::C_GET_RQ => {
            let (message_id, data_set) = (set.need_number(MESSAGE_ID)?, set.data_set()?);
            let (sop_class, priority) = (set.need_uid(SOP_CLASS)?, set.priority()?);
            set.expect(data_set, "C-Get RQ: DataSetType == NULL")?;
            Ok(Message::request(Request::Get(CGetRq { message_id, sop_class, priority }), data_set))
        }
        field::C_MOVE_RQ => {
            let (message_id, data_set) = (set.need_number(MESSAGE_ID)?, set.data_set()?);
            let (sop_class, priority) = (set.need_uid(SOP_CLASS)?, set.priority()?);
            let destination = set.title(MOVE_DESTINATION).ok_or(CommandError::Element(MOVE_DESTINATION))?;
            set.expect(data_set, "C-Move RQ: DataSetType == NULL")?;
            Ok(Message::request(Request::Move(CMoveRq { message_id, sop_class, priority, destination }), data_set))
        }
        field::C_CANCEL_RQ => {
            let (message_id, data_set) = (set.need_number(RESPONDED_ID)?, set.data_set()?);
            set.expect(!data_set, "C-Cancel RQ: DataSetType != NULL")?;
            Ok(Message::request(Request::Cancel(CCancelRq { message_id }), data_set))
        }
        0x0100 | 0x0110 | 0x0120 | 0x0130 | 0x0140 | 0x0150 => {
            let (message_id, data_set) = (set.set.number(MESSAGE_ID)?, set.data_set()?);
            Ok(Message::request(Request::Unknown { field, message_id }, data_set))
        }
        0x8001 | 0x8010 | 0x8020 | 0x8021 | 0x8030 | 0x8100 | 0x8110 | 0x8120 | 0x8130 | 0x8140 | 0x8150 => {
            set.response(field).map(Message::from)
        }
        other => Err(CommandError::Field(other)),
    }
}

/// The values of the known elements, as they stand in the command set.
struct Elements<'a>([Option<&'a [u8]>; COUNT]);

impl<'a> Elements<'a> {
    fn read(bytes: &'a [u8], warnings: &mut Vec<Warning>) -> Result<Self, CommandError> {
        // DCMTK: an odd number of bytes is never recognized as a command.
        if bytes.len() % 2 == 1 {
            return Err(CommandError::NoField);
        }
        let (mut found, mut rest, mut highest) = (Self([None; COUNT]), bytes, (0, 0));
        // DCMTK: what is too short for an element's header at the end is ignored.
        while let Some((&[g0, g1, e0, e1, l0, l1, l2, l3], value)) = rest.split_first_chunk::<8>() {
            let tag = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
            let declared = u32::from_le_bytes([l0, l1, l2, l3]);
            // DCMTK: so is a header without its value.
            if value.is_empty() && declared > 0 {
                break;
            }
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
