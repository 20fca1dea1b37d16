//! The A-ASSOCIATE-RQ that a peer sends, any part of it odd or missing, and the A-ASSOCIATE-AC that comes back.

use crate::uid;
use crate::wire::{Pdu, item, items, pdu};

/// An A-ASSOCIATE-RQ (PS3.8 9.3.2). [`Request::new`] is a correct one; a test changes what it wants odd.
#[derive(Clone, Debug)]
pub struct Request {
    /// Protocol version bits.
    pub protocol: u16,
    /// Called title; padded with blanks, cut at 16 bytes.
    pub called: Vec<u8>,
    /// Calling title; padded with blanks, cut at 16 bytes.
    pub calling: Vec<u8>,
    /// Application context name; `None` leaves the item out.
    pub application_context: Option<String>,
    /// Presentation contexts: identifier, abstract syntax, transfer syntaxes.
    pub contexts: Vec<(u8, String, Vec<String>)>,
    /// Maximum length item; `None` leaves it out.
    pub max_length: Option<u32>,
    /// Implementation class UID item; `None` leaves it out.
    pub implementation: Option<String>,
    /// Further items within the user information, ready made.
    pub user_items: Vec<u8>,
    /// Further items behind all others, ready made.
    pub items: Vec<u8>,
}

impl Request {
    /// A correct request for these contexts: identifier, abstract syntax, transfer syntaxes.
    pub fn new(contexts: &[(u8, &str, &[&str])]) -> Self {
        Self {
            protocol: 1,
            called: b"ANY-SCP".to_vec(),
            calling: b"PEER".to_vec(),
            application_context: Some(uid::APPLICATION_CONTEXT.to_owned()),
            contexts: contexts
                .iter()
                .map(|(id, class, syntaxes)| {
                    (*id, (*class).to_owned(), syntaxes.iter().map(|&s| s.to_owned()).collect())
                })
                .collect(),
            max_length: Some(16384),
            implementation: Some("1.2.3.4.5".to_owned()),
            user_items: Vec::new(),
            items: Vec::new(),
        }
    }

    /// A correct request for storing MR images on context 1 and CT images on context 3, explicit VR little endian, and
    /// for verification on context 5.
    pub fn usual() -> Self {
        Self::new(&[
            (1, uid::MR, &[uid::EXPLICIT]),
            (3, uid::CT, &[uid::EXPLICIT]),
            (5, uid::VERIFICATION, &[uid::IMPLICIT]),
        ])
    }

    /// The same request to another title.
    #[must_use]
    pub fn to(mut self, called: &str) -> Self {
        self.called = called.as_bytes().to_vec();
        self
    }

    /// The same request from another title.
    #[must_use]
    pub fn from(mut self, calling: &str) -> Self {
        self.calling = calling.as_bytes().to_vec();
        self
    }

    /// Adds a role selection item for a class (PS3.7 D.3.3.4).
    #[must_use]
    pub fn role(mut self, class: &str, scu: bool, scp: bool) -> Self {
        let body =
            [&(class.len() as u16).to_be_bytes()[..], class.as_bytes(), &[u8::from(scu), u8::from(scp)]].concat();
        self.user_items.extend(item(0x54, &body));
        self
    }

    /// The whole PDU.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = self.protocol.to_be_bytes().to_vec();
        body.extend_from_slice(&[0, 0]);
        for title in [&self.called, &self.calling] {
            let mut field = [b' '; 16];
            for (to, from) in field.iter_mut().zip(title) {
                *to = *from;
            }
            body.extend_from_slice(&field);
        }
        body.extend_from_slice(&[0; 32]);
        if let Some(name) = &self.application_context {
            body.extend(item(0x10, name.as_bytes()));
        }
        for (id, class, syntaxes) in &self.contexts {
            let mut context = vec![*id, 0, 0, 0];
            context.extend(item(0x30, class.as_bytes()));
            for syntax in syntaxes {
                context.extend(item(0x40, syntax.as_bytes()));
            }
            body.extend(item(0x20, &context));
        }
        let mut user = Vec::new();
        if let Some(length) = self.max_length {
            user.extend(item(0x51, &length.to_be_bytes()));
        }
        if let Some(implementation) = &self.implementation {
            user.extend(item(0x52, implementation.as_bytes()));
        }
        user.extend_from_slice(&self.user_items);
        body.extend(item(0x50, &user));
        body.extend_from_slice(&self.items);
        pdu(1, &body)
    }
}

/// The answer to one presentation context (PS3.8 9.3.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextAnswer {
    /// Identifier of the proposed context.
    pub id: u8,
    /// 0 when it was accepted.
    pub result: u8,
    /// Transfer syntax as it stands in the item, also where it has no meaning.
    pub syntax: String,
}

/// An A-ASSOCIATE-AC (PS3.8 9.3.3).
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The whole body.
    pub body: Vec<u8>,
    /// Types of the items, in their order.
    pub items: Vec<u8>,
    /// Application context name.
    pub application_context: String,
    /// One answer for each context, in their order.
    pub contexts: Vec<ContextAnswer>,
    /// The items within the user information.
    pub user: Vec<(u8, Vec<u8>)>,
    /// Longest P-DATA-TF body that may be sent; one without limit reads as 1 MiB.
    pub max_length: u32,
}

impl Accepted {
    pub(crate) fn read(pdu: Pdu) -> Self {
        let body = pdu.body;
        assert!(body.len() >= 68, "A-ASSOCIATE-AC of {} bytes", body.len());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (mut kinds, mut application_context, mut contexts, mut user) =
            (Vec::new(), String::new(), Vec::new(), Vec::new());
        for (kind, content) in items(&body[68..]) {
            kinds.push(kind);
            match kind {
                0x10 => application_context = text(&content),
                0x21 => contexts.push(ContextAnswer {
                    id: content[0],
                    result: content[2],
                    syntax: items(&content[4..]).first().map(|(_, uid)| text(uid)).unwrap_or_default(),
                }),
                0x50 => user = items(&content),
                _ => {}
            }
        }
        let announced = user.iter().find(|(kind, _)| *kind == 0x51).map(|(_, length)| {
            u32::from_be_bytes(length.as_slice().try_into().expect("a maximum length of four bytes"))
        });
        let max_length = announced.filter(|&length| length > 0).unwrap_or(1 << 20);
        Self { items: kinds, application_context, contexts, user, max_length, body }
    }

    /// The result code for the context with this identifier.
    pub fn result(&self, id: u8) -> Option<u8> {
        self.contexts.iter().find(|context| context.id == id).map(|context| context.result)
    }

    /// The transfer syntax chosen for the context with this identifier, if it was accepted.
    pub fn syntax(&self, id: u8) -> Option<&str> {
        self.contexts
            .iter()
            .find(|context| context.id == id && context.result == 0)
            .map(|context| context.syntax.as_str())
    }
}
