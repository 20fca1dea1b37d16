//! Both ends of an association.

use pacs_core::association::accept::{self, Classes, Contexts, Grant, Policy, Verdict};
use pacs_core::association::context::Role;
use pacs_core::association::{self, Association, Proposal, Request, Timeouts};
use pacs_core::dataset::identifier::{Attribute, Identifier, write};
use pacs_core::dimse::command::{self, CCancelRq, Kind, Message, Request as Command, Response};
use pacs_core::dimse::{self, DimseError};
use pacs_core::net::{Link, SocketOptions};
use pacs_core::pdu::{AeTitle, ProposedContext, RoleSelection};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) const LEE: &str = "1.2.840.10008.1.2.1";
pub(crate) const LEI: &str = "1.2.840.10008.1.2";

const OPTIONS: SocketOptions = SocketOptions { no_delay: true, buffer_length: None };

fn timeouts() -> Timeouts {
    Timeouts { acse: Duration::from_secs(5), socket: Some(Duration::from_secs(10)), data_set: None }
}

/// What an acceptor grants: classes with encodings and a role.
pub(crate) type Grants = Vec<(Vec<&'static str>, Vec<&'static str>, Role)>;

/// Accepts one association.
pub(crate) fn accept(stream: TcpStream, grants: Grants) -> Box<Association> {
    let proposal = Proposal::receive(Link::new(stream, OPTIONS).unwrap(), 16384, timeouts()).unwrap();
    let grants = grants.into_iter().map(|(classes, transfer_syntaxes, role)| Grant {
        classes: Classes::List(classes),
        transfer_syntaxes,
        role,
    });
    let policy = Policy {
        refuse: false,
        require_implementation_class: false,
        max_pdu: 16384,
        contexts: Contexts { grants: grants.collect(), profile: None },
    };
    let Verdict::Accept(acceptance) = accept::judge(&proposal.request, &policy) else { panic!("refused") };
    proposal.accept(acceptance).unwrap()
}

/// Runs a provider; its address.
pub(crate) fn provider<T: Send + 'static>(
    grants: Grants,
    script: impl FnOnce(Box<Association>) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, std::thread::spawn(move || script(accept(listener.accept().unwrap().0, grants))))
}

/// Associates with a provider, proposing these contexts with identifiers 1, 3, 5 …, and this role for those of `roles`.
pub(crate) fn associate(port: u16, contexts: &[(&str, &[&str])], roles: &[&str]) -> Box<Association> {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let contexts = contexts.iter().zip(0..128_u8).map(|((class, syntaxes), number)| ProposedContext {
        id: 2 * number + 1,
        abstract_syntax: (*class).to_owned(),
        transfer_syntaxes: syntaxes.iter().map(|syntax| (*syntax).to_owned()).collect(),
    });
    let request = Request {
        calling: AeTitle::new("ASKER"),
        called: AeTitle::new("ARCHIVE"),
        contexts: contexts.collect(),
        roles: roles
            .iter()
            .map(|class| RoleSelection { sop_class: (*class).to_owned(), scu: false, scp: true })
            .collect(),
        extended: Vec::new(),
        identity: None,
        max_pdu: 16384,
        max_send_pdu: None,
    };
    association::request::request(Link::new(stream, OPTIONS).unwrap(), &request, timeouts()).unwrap().association
}

/// A peer that asks.
pub(crate) struct Asker(pub(crate) Box<Association>);

impl Asker {
    pub(crate) fn send(&mut self, context: u8, command: Command, attributes: Option<&[Attribute]>) {
        let data_set = attributes.map(|attributes| write(attributes, LEE).unwrap());
        self.send_bytes(context, &Message::request(command, data_set.is_some()), data_set.as_deref());
    }

    pub(crate) fn send_bytes(&mut self, context: u8, message: &Message, data_set: Option<&[u8]>) {
        let mut bytes = Vec::new();
        command::write(message, &mut bytes);
        self.0.queue_command(context, &bytes).unwrap();
        if let Some(data_set) = data_set {
            self.0.queue_data_set(context, data_set).unwrap();
        }
        self.0.flush().unwrap();
    }

    pub(crate) fn cancel(&mut self, context: u8, message_id: u16) {
        self.send(context, Command::Cancel(CCancelRq { message_id }), None);
    }

    /// The next message with its data set.
    pub(crate) fn receive(&mut self) -> Result<(Kind, u8, Vec<u8>), DimseError> {
        let (message, mut call) = dimse::next(&mut self.0)?;
        let (context, mut bytes) = (call.context, Vec::new());
        while call.next_batch(usize::MAX)?.is_some() {
            call.payload().for_each(|part| bytes.extend_from_slice(part));
        }
        Ok((message.kind, context, bytes))
    }

    /// The next response with its identifier.
    pub(crate) fn response(&mut self) -> (Response, Identifier) {
        match self.receive().unwrap() {
            (Kind::Response(response), _, bytes) => {
                assert_eq!(response.data_set, !bytes.is_empty());
                (response, Identifier::read(&bytes, LEE).unwrap())
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn release(self) {
        self.0.release().unwrap();
    }
}
