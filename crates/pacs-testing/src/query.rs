//! What a peer asks of an archive: messages with data sets in both directions, queries and retrievals.

use crate::command::{Command, Message, field, tag};
use crate::object::Object;
use crate::peer::{Next, Peer};
use crate::wire::Pdu;

/// What came of a retrieval.
#[derive(Clone, Debug)]
pub struct Retrieved {
    /// Objects that came on the same association (C-GET), in their order.
    pub objects: Vec<Object>,
    /// The contexts they came on.
    pub contexts: Vec<u8>,
    /// Pending responses.
    pub pending: Vec<Message>,
    /// The last response.
    pub last: Message,
    /// Its data set, the list of those that failed; empty where there is none.
    pub failed: Vec<u8>,
}

impl Peer {
    /// Waits for a whole message and gives its command and its data set, which is empty where there is none.
    ///
    /// # Errors
    /// What came instead.
    ///
    /// # Panics
    /// When PDVs do not fill their PDU, or come in an order that makes no message.
    pub fn message(&mut self) -> Result<(Message, Vec<u8>), Next> {
        let (context, command) = self.fragments(1)?;
        let message = Message::read(context, &command);
        if !message.has_data() {
            return Ok((message, Vec::new()));
        }
        let (data_context, data) = self.fragments(0)?;
        assert_eq!(data_context, context, "command and data set came on different contexts");
        Ok((message, data))
    }

    /// The fragments of one command (1) or data set (0), put together.
    fn fragments(&mut self, kind: u8) -> Result<(u8, Vec<u8>), Next> {
        let mut bytes = Vec::new();
        loop {
            while self.pdvs.is_empty() {
                match self.receive() {
                    Next::Pdu(Pdu { kind: 4, body }) => self.take_apart(&body),
                    other => return Err(other),
                }
            }
            while let Some((context, flags, payload)) = self.pdvs.pop_front() {
                assert_eq!(flags & 1, kind, "a command where data are due, or the other way round");
                bytes.extend(payload);
                if flags & 2 == 2 {
                    return Ok((context, bytes));
                }
            }
        }
    }

    fn take_apart(&mut self, mut body: &[u8]) {
        while !body.is_empty() {
            let length = u32::from_be_bytes(body[..4].try_into().expect("a PDV's length")) as usize;
            self.pdvs.push_back((body[4], body[5], body[6..4 + length].to_vec()));
            body = &body[4 + length..];
        }
    }

    /// Sends a C-FIND-RQ and gives the data sets of the pending responses and the last response, or what came instead.
    ///
    /// # Errors
    /// What came instead of a response.
    pub fn try_find(
        &mut self,
        context: u8,
        sop_class: &str,
        identifier: &[u8],
    ) -> Result<(Vec<Vec<u8>>, Message), Next> {
        let command = Command::find(self.next_id(), sop_class);
        self.send_message(context, &command, Some(identifier));
        self.found()
    }

    /// The responses to a C-FIND-RQ that has been sent.
    ///
    /// # Errors
    /// What came instead.
    pub fn found(&mut self) -> Result<(Vec<Vec<u8>>, Message), Next> {
        let mut found = Vec::new();
        loop {
            let (message, data) = self.message()?;
            if !matches!(message.status(), 0xFF00 | 0xFF01) {
                return Ok((found, message));
            }
            found.push(data);
        }
    }

    /// The same, of somebody who answers.
    ///
    /// # Panics
    /// When something else comes.
    pub fn find(&mut self, context: u8, sop_class: &str, identifier: &[u8]) -> (Vec<Vec<u8>>, u16) {
        let (found, last) = self
            .try_find(context, sop_class, identifier)
            .unwrap_or_else(|other| panic!("no answer to a find: {other:?}"));
        (found, last.status())
    }

    /// Sends a C-MOVE-RQ and gives the responses.
    ///
    /// # Panics
    /// When something else comes.
    pub fn move_to(&mut self, context: u8, sop_class: &str, destination: &str, identifier: &[u8]) -> Retrieved {
        let command = Command::move_to(self.next_id(), sop_class, destination);
        self.send_message(context, &command, Some(identifier));
        self.retrieved(|_| 0)
    }

    /// Sends a C-GET-RQ, answers each object with what `status` says, and gives the objects and the responses.
    ///
    /// # Panics
    /// When something else comes.
    pub fn get(
        &mut self,
        context: u8,
        sop_class: &str,
        identifier: &[u8],
        status: impl FnMut(&Object) -> u16,
    ) -> Retrieved {
        let command = Command::get(self.next_id(), sop_class);
        self.send_message(context, &command, Some(identifier));
        self.retrieved(status)
    }

    /// The rest of a retrieval that has been asked for.
    ///
    /// # Panics
    /// When something else comes.
    pub fn retrieved(&mut self, mut status: impl FnMut(&Object) -> u16) -> Retrieved {
        let (mut objects, mut contexts, mut pending) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let (message, data) = self.message().unwrap_or_else(|other| panic!("no answer to a retrieval: {other:?}"));
            if message.number(tag::COMMAND_FIELD) == field::C_STORE_RQ {
                let uid = |element| message.uid(element).unwrap_or_default();
                let object = Object {
                    sop_class: uid(tag::AFFECTED_SOP_CLASS_UID),
                    instance: uid(tag::AFFECTED_SOP_INSTANCE_UID),
                    data,
                };
                let answer = Command::store_response(&message, status(&object));
                objects.push(object);
                contexts.push(message.context);
                self.send_message(message.context, &answer, None);
            } else if message.status() == 0xFF00 {
                pending.push(message);
            } else {
                return Retrieved { objects, contexts, pending, last: message, failed: data };
            }
        }
    }
}
