//! Command sets as bytes (PS3.7 6.3, annex E): any element missing, doubled or wrong, and the answer decoded.

use crate::object::Object;
use crate::uid;

/// Element numbers of group 0000 (PS3.7 E.1).
pub mod tag {
    #![allow(missing_docs, reason = "the names are the standard's own")]
    pub const GROUP_LENGTH: u16 = 0x0000;
    pub const AFFECTED_SOP_CLASS_UID: u16 = 0x0002;
    pub const COMMAND_FIELD: u16 = 0x0100;
    pub const MESSAGE_ID: u16 = 0x0110;
    pub const MESSAGE_ID_BEING_RESPONDED_TO: u16 = 0x0120;
    pub const PRIORITY: u16 = 0x0700;
    pub const DATA_SET_TYPE: u16 = 0x0800;
    pub const STATUS: u16 = 0x0900;
    pub const AFFECTED_SOP_INSTANCE_UID: u16 = 0x1000;
    pub const MOVE_DESTINATION: u16 = 0x0600;
    pub const REMAINING: u16 = 0x1020;
    pub const COMPLETED: u16 = 0x1021;
    pub const FAILED: u16 = 0x1022;
    pub const WARNING: u16 = 0x1023;
    pub const MOVE_ORIGINATOR_TITLE: u16 = 0x1030;
    pub const MOVE_ORIGINATOR_ID: u16 = 0x1031;
}

/// Values of the command field (PS3.7 E.1).
pub mod field {
    #![allow(missing_docs, reason = "the names are the standard's own")]
    pub const C_STORE_RQ: u16 = 0x0001;
    pub const C_STORE_RSP: u16 = 0x8001;
    pub const C_GET_RQ: u16 = 0x0010;
    pub const C_FIND_RQ: u16 = 0x0020;
    pub const C_MOVE_RQ: u16 = 0x0021;
    pub const C_CANCEL_RQ: u16 = 0x0FFF;
    pub const C_ECHO_RQ: u16 = 0x0030;
    pub const C_ECHO_RSP: u16 = 0x8030;
}

/// A command set to send: its elements in the order they will be written.
#[derive(Clone, Debug, Default)]
pub struct Command {
    elements: Vec<(u16, Vec<u8>)>,
    group_length: Option<Option<u32>>,
}

impl Command {
    /// A command without any element.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A correct C-ECHO-RQ (PS3.7 9.3.5.1).
    pub fn echo(message_id: u16) -> Self {
        Self::empty()
            .uid(tag::AFFECTED_SOP_CLASS_UID, uid::VERIFICATION)
            .number(tag::COMMAND_FIELD, field::C_ECHO_RQ)
            .number(tag::MESSAGE_ID, message_id)
            .number(tag::DATA_SET_TYPE, 0x0101)
    }

    /// A correct C-STORE-RQ for this class and instance (PS3.7 9.3.1.1).
    pub fn store(message_id: u16, sop_class: &str, instance: &str) -> Self {
        Self::empty()
            .uid(tag::AFFECTED_SOP_CLASS_UID, sop_class)
            .number(tag::COMMAND_FIELD, field::C_STORE_RQ)
            .number(tag::MESSAGE_ID, message_id)
            .number(tag::PRIORITY, 0)
            .number(tag::DATA_SET_TYPE, 1)
            .uid(tag::AFFECTED_SOP_INSTANCE_UID, instance)
    }

    /// A correct C-STORE-RQ for this object.
    pub fn store_of(message_id: u16, object: &Object) -> Self {
        Self::store(message_id, &object.sop_class, &object.instance)
    }

    /// A correct C-FIND-RQ (PS3.7 9.3.2.1).
    pub fn find(message_id: u16, sop_class: &str) -> Self {
        Self::query(field::C_FIND_RQ, message_id, sop_class)
    }

    /// A correct C-GET-RQ (PS3.7 9.3.3.1).
    pub fn get(message_id: u16, sop_class: &str) -> Self {
        Self::query(field::C_GET_RQ, message_id, sop_class)
    }

    /// A correct C-MOVE-RQ to this title (PS3.7 9.3.4.1).
    pub fn move_to(message_id: u16, sop_class: &str, destination: &str) -> Self {
        let title = format!("{destination}{}", if destination.len() % 2 == 1 { " " } else { "" });
        Self::query(field::C_MOVE_RQ, message_id, sop_class).add(tag::MOVE_DESTINATION, title.as_bytes())
    }

    fn query(field: u16, message_id: u16, sop_class: &str) -> Self {
        Self::empty()
            .uid(tag::AFFECTED_SOP_CLASS_UID, sop_class)
            .number(tag::COMMAND_FIELD, field)
            .number(tag::MESSAGE_ID, message_id)
            .number(tag::PRIORITY, 0)
            .number(tag::DATA_SET_TYPE, 1)
    }

    /// A C-CANCEL-RQ for the message of this id (PS3.7 9.3.2.3).
    pub fn cancel(message_id: u16) -> Self {
        Self::empty()
            .number(tag::COMMAND_FIELD, field::C_CANCEL_RQ)
            .number(tag::MESSAGE_ID_BEING_RESPONDED_TO, message_id)
            .number(tag::DATA_SET_TYPE, 0x0101)
    }

    /// The answer to a C-STORE-RQ that came.
    pub fn store_response(request: &Message, status: u16) -> Self {
        Self::empty()
            .uid(tag::AFFECTED_SOP_CLASS_UID, &request.uid(tag::AFFECTED_SOP_CLASS_UID).unwrap_or_default())
            .number(tag::COMMAND_FIELD, field::C_STORE_RSP)
            .number(tag::MESSAGE_ID_BEING_RESPONDED_TO, request.number(tag::MESSAGE_ID))
            .number(tag::DATA_SET_TYPE, 0x0101)
            .number(tag::STATUS, status)
            .uid(tag::AFFECTED_SOP_INSTANCE_UID, &request.uid(tag::AFFECTED_SOP_INSTANCE_UID).unwrap_or_default())
    }

    /// Adds an element behind the others, also a second one of the same number; the value is taken as it is.
    #[must_use]
    pub fn add(mut self, element: u16, value: &[u8]) -> Self {
        self.elements.push((element, value.to_vec()));
        self
    }

    /// Gives an element another value where it stands, or adds it.
    #[must_use]
    pub fn set(mut self, element: u16, value: &[u8]) -> Self {
        match self.elements.iter_mut().find(|(number, _)| *number == element) {
            Some((_, old)) => {
                *old = value.to_vec();
                self
            }
            None => self.add(element, value),
        }
    }

    /// Sets a UID, padded with a NUL where its length is odd.
    #[must_use]
    pub fn uid(self, element: u16, uid: &str) -> Self {
        let mut value = uid.as_bytes().to_vec();
        value.resize(value.len().next_multiple_of(2), 0);
        self.set(element, &value)
    }

    /// Sets a US value.
    #[must_use]
    pub fn number(self, element: u16, value: u16) -> Self {
        self.set(element, &value.to_le_bytes())
    }

    /// Leaves an element out.
    #[must_use]
    pub fn without(mut self, element: u16) -> Self {
        self.elements.retain(|(number, _)| *number != element);
        self
    }

    /// Each element twice.
    #[must_use]
    pub fn doubled(mut self) -> Self {
        self.elements = self.elements.iter().flat_map(|element| [element.clone(), element.clone()]).collect();
        self
    }

    /// Another group length than the right one; `None` leaves the element out.
    #[must_use]
    pub fn group_length(mut self, length: Option<u32>) -> Self {
        self.group_length = Some(length);
        self
    }

    /// The command set: implicit VR little endian (PS3.7 6.3.1), group length first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut content = Vec::new();
        for (element, value) in &self.elements {
            write_element(&mut content, *element, value);
        }
        let mut bytes = Vec::new();
        if let Some(length) = self.group_length.unwrap_or(Some(content.len() as u32)) {
            write_element(&mut bytes, tag::GROUP_LENGTH, &length.to_le_bytes());
        }
        bytes.extend(content);
        bytes
    }
}

fn write_element(bytes: &mut Vec<u8>, element: u16, value: &[u8]) {
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&element.to_le_bytes());
    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.extend_from_slice(value);
}

/// A command that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Presentation context it came on.
    pub context: u8,
    /// Its elements of group 0000 in the order they came, the group length among them.
    pub elements: Vec<(u16, Vec<u8>)>,
}

impl Message {
    pub(crate) fn read(context: u8, mut bytes: &[u8]) -> Self {
        let mut elements = Vec::new();
        while !bytes.is_empty() {
            assert!(bytes.len() >= 8 && bytes[..2] == [0, 0], "not a command element: {bytes:02x?}");
            let element = u16::from_le_bytes([bytes[2], bytes[3]]);
            let length = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
            assert!(bytes.len() >= 8 + length, "element (0000,{element:04x}) is longer than the command");
            elements.push((element, bytes[8..8 + length].to_vec()));
            bytes = &bytes[8 + length..];
        }
        Self { context, elements }
    }

    /// Element numbers in the order they came.
    pub fn numbers(&self) -> Vec<u16> {
        self.elements.iter().map(|(number, _)| *number).collect()
    }

    /// Value of an element as it came.
    pub fn value(&self, element: u16) -> Option<&[u8]> {
        self.elements.iter().find(|(number, _)| *number == element).map(|(_, value)| value.as_slice())
    }

    /// Value of a US element.
    ///
    /// # Panics
    /// When there is no such element, or not of two bytes.
    pub fn number(&self, element: u16) -> u16 {
        let value = self.value(element).unwrap_or_else(|| panic!("no (0000,{element:04x}) in {self:?}"));
        u16::from_le_bytes(value.try_into().unwrap_or_else(|_| panic!("(0000,{element:04x}) is {value:02x?}")))
    }

    /// Status of a response.
    ///
    /// # Panics
    /// When there is none.
    pub fn status(&self) -> u16 {
        self.number(tag::STATUS)
    }

    /// Whether a data set comes with it.
    ///
    /// # Panics
    /// When it does not say.
    pub fn has_data(&self) -> bool {
        self.number(tag::DATA_SET_TYPE) != 0x0101
    }

    /// The counters of a retrieval: remaining, completed, failed, warning; none where one is missing.
    pub fn counters(&self) -> [Option<u16>; 4] {
        [tag::REMAINING, tag::COMPLETED, tag::FAILED, tag::WARNING]
            .map(|element| self.value(element).map(|_| self.number(element)))
    }

    /// Value of a UID element without its padding.
    pub fn uid(&self, element: u16) -> Option<String> {
        self.value(element).map(|value| String::from_utf8_lossy(value).trim_end_matches('\0').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Message, tag};

    #[test]
    fn an_echo_is_encoded_as_the_standard_says() {
        let expected = crate::bytes_of(
            "0000 0000 04000000 38000000             # (0000,0000) UL: 56 bytes follow
             0000 0200 12000000 \"1.2.840.10008.1.1\" 00 # (0000,0002) UI: verification, padded
             0000 0001 02000000 3000                 # (0000,0100) US: C-ECHO-RQ
             0000 1001 02000000 0201                 # (0000,0110) US: message 258
             0000 0008 02000000 0101                 # (0000,0800) US: no data set",
        );
        assert_eq!(Command::echo(258).to_bytes(), expected);
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let command = Command::store(7, "1.2", "1.2.3").without(tag::PRIORITY).add(tag::STATUS, &[0, 0xA7]);
        let message = Message::read(3, &command.to_bytes());
        assert_eq!((message.context, message.status(), message.number(tag::MESSAGE_ID)), (3, 0xA700, 7));
        assert_eq!(message.uid(tag::AFFECTED_SOP_INSTANCE_UID).as_deref(), Some("1.2.3"));
        assert_eq!(message.value(tag::PRIORITY), None);
    }
}
