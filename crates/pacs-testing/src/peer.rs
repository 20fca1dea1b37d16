//! A scripted peer: one TCP connection that sends what it is told and waits, with a deadline, for what comes.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::associate::{Accepted, Request};
use crate::command::{Command, Message};
use crate::generated::{Generated, read_full};
use crate::object::Object;
use crate::wire::{ABORT, Pdu, RELEASE_RQ, message, pdu, pdv};
use crate::{LIMIT, within};

/// What came next from the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A whole PDU.
    Pdu(Pdu),
    /// The connection was closed in order, between two PDUs.
    Closed,
    /// The connection was reset, or closed within a PDU.
    Broken,
    /// Nothing until the deadline.
    Silent,
}

impl Next {
    /// Source and reason when it is an A-ABORT.
    pub fn abort(&self) -> Option<(u8, u8)> {
        match self {
            Self::Pdu(Pdu { kind: 7, body }) if body.len() == 4 => Some((body[2], body[3])),
            _ => None,
        }
    }

    /// Whether the connection has ended without a word.
    pub fn gone(&self) -> bool {
        matches!(self, Self::Closed | Self::Broken)
    }
}

/// The answer to an A-ASSOCIATE-RQ.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A-ASSOCIATE-AC.
    Accepted(Accepted),
    /// A-ASSOCIATE-RJ: result, source, reason.
    Rejected([u8; 3]),
    /// Anything else, silence too.
    Other(Next),
}

/// One connection to a program under test. Dropping it closes the connection without a word.
#[derive(Debug)]
pub struct Peer {
    /// The connection, for what has no method here.
    pub stream: TcpStream,
    /// Deadline of each wait; [`LIMIT`] at first.
    pub limit: Duration,
    /// What was negotiated, once an association was accepted.
    pub accepted: Option<Accepted>,
    buffer: Vec<u8>,
    /// PDVs that have come and belong to what is read next: context, flags, payload.
    pub(crate) pdvs: VecDeque<(u8, u8, Vec<u8>)>,
    message_id: u16,
}

impl Peer {
    /// Connects to a port of this machine over IPv4.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn connect(port: u16) -> Self {
        Self::connect_to(Ipv4Addr::LOCALHOST, port).unwrap_or_else(|error| panic!("port {port}: {error}"))
    }

    /// Connects to an address.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn connect_to(address: impl Into<IpAddr>, port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&SocketAddr::new(address.into(), port), LIMIT)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(Self { stream, limit: LIMIT, accepted: None, buffer: Vec::new(), pdvs: VecDeque::new(), message_id: 0 })
    }

    /// Connects and associates with [`Request::usual`].
    ///
    /// # Panics
    /// When the association is not accepted.
    pub fn usual(port: u16) -> Self {
        Self::associated(port, &Request::usual())
    }

    /// Connects and associates.
    ///
    /// # Panics
    /// When the association is not accepted.
    pub fn associated(port: u16, request: &Request) -> Self {
        let mut peer = Self::connect(port);
        match peer.associate(request) {
            Answer::Accepted(_) => peer,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// The same peer with another deadline for each wait.
    #[must_use]
    pub fn patient_for(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// When they cannot be sent.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap_or_else(|error| panic!("sending {} bytes: {error}", bytes.len()));
    }

    /// Sends bytes to somebody who may have hung up already; whether all could be sent.
    pub fn offer(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends one byte at a time, pausing after each, until all are sent or the connection breaks; whether all were sent.
    pub fn trickle(&mut self, bytes: &[u8], pause: Duration) -> bool {
        bytes.chunks(1).all(|byte| {
            let sent = self.offer(byte);
            std::thread::sleep(pause);
            sent
        })
    }

    /// What comes next: a whole PDU, the end of the connection, or silence until the deadline.
    ///
    /// # Panics
    /// When a PDU of more than 16 MiB is announced.
    pub fn receive(&mut self) -> Next {
        let end = Instant::now() + self.limit;
        loop {
            if let Some(length) = self.buffer.get(2..6) {
                let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
                assert!(length <= 1 << 24, "a PDU of {length} bytes is announced");
                if self.buffer.len() >= 6 + length {
                    let rest = self.buffer.split_off(6 + length);
                    let whole = std::mem::replace(&mut self.buffer, rest);
                    return Next::Pdu(Pdu { kind: whole[0], body: whole[6..].to_vec() });
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::Silent;
            }
            self.stream.set_read_timeout(Some(left)).expect("a deadline");
            let mut part = [0; 4096];
            match self.stream.read(&mut part) {
                Ok(0) if self.buffer.is_empty() => return Next::Closed,
                Ok(0) => return Next::Broken,
                Ok(count) => self.buffer.extend_from_slice(&part[..count]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Next::Silent;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Next::Broken,
            }
        }
    }

    /// Sends an A-ASSOCIATE-RQ and waits for the answer.
    pub fn associate(&mut self, request: &Request) -> Answer {
        self.offer(&request.to_bytes());
        self.association_answer()
    }

    /// Waits for the answer to an A-ASSOCIATE-RQ.
    pub fn association_answer(&mut self) -> Answer {
        match self.receive() {
            Next::Pdu(pdu) if pdu.kind == 2 => {
                let accepted = Accepted::read(pdu);
                self.accepted = Some(accepted.clone());
                Answer::Accepted(accepted)
            }
            Next::Pdu(Pdu { kind: 3, body }) if body.len() == 4 => Answer::Rejected([body[1], body[2], body[3]]),
            other => Answer::Other(other),
        }
    }

    /// Longest P-DATA-TF body the other side takes.
    pub fn max_length(&self) -> u32 {
        self.accepted.as_ref().map_or(16384, |accepted| accepted.max_length)
    }

    /// A message id that was not used before.
    pub fn next_id(&mut self) -> u16 {
        self.message_id = self.message_id.wrapping_add(1).max(1);
        self.message_id
    }

    /// Sends a message, one PDV in each PDU.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub fn send_message(&mut self, context: u8, command: &Command, data: Option<&[u8]>) {
        let bytes = message(context, &command.to_bytes(), data, self.max_length());
        self.send(&bytes);
    }

    /// Waits for a whole command.
    ///
    /// # Errors
    /// What came instead.
    ///
    /// # Panics
    /// When PDVs do not fill their PDU, or data come where a command is due.
    pub fn response(&mut self) -> Result<Message, Next> {
        let mut command = Vec::new();
        loop {
            let body = match self.receive() {
                Next::Pdu(Pdu { kind: 4, body }) => body,
                other => return Err(other),
            };
            let mut rest = body.as_slice();
            while !rest.is_empty() {
                let length = u32::from_be_bytes(rest[..4].try_into().expect("a PDV's length")) as usize;
                let (context, flags) = (rest[4], rest[5]);
                assert!(flags & 1 == 1, "data come where a command is due");
                command.extend_from_slice(&rest[6..4 + length]);
                rest = &rest[4 + length..];
                if flags & 2 == 2 {
                    assert!(rest.is_empty(), "another PDV behind the last one");
                    return Ok(Message::read(context, &command));
                }
            }
        }
    }

    /// Sends a C-ECHO-RQ and gives the status of the answer.
    ///
    /// # Panics
    /// When something else comes.
    pub fn echo(&mut self, context: u8) -> u16 {
        let command = Command::echo(self.next_id());
        self.send_message(context, &command, None);
        self.response().unwrap_or_else(|other| panic!("no answer to an echo: {other:?}")).status()
    }

    /// Sends a C-STORE-RQ with its data set and gives the status of the answer.
    ///
    /// # Panics
    /// When something else comes.
    pub fn store(&mut self, context: u8, object: &Object) -> u16 {
        let command = Command::store_of(self.next_id(), object);
        self.send_message(context, &command, Some(&object.data));
        self.response().unwrap_or_else(|other| panic!("no answer to a store: {other:?}")).status()
    }

    /// The same when the other side may break off; the status, or what came instead.
    ///
    /// # Errors
    /// What came instead of an answer.
    pub fn try_store(&mut self, context: u8, object: &Object) -> Result<u16, Next> {
        let command = Command::store_of(self.next_id(), object);
        let bytes = message(context, &command.to_bytes(), Some(&object.data), self.max_length());
        self.offer(&bytes);
        self.response().map(|message| message.status())
    }

    /// Sends a generated data set, never more than one PDU of it in memory, and gives the status of the answer.
    ///
    /// # Panics
    /// When it cannot be sent or something else comes.
    pub fn store_generated(&mut self, context: u8, generated: &Generated) -> u16 {
        let command = Command::store_of(self.next_id(), &generated.head);
        self.send_message(context, &command, None);
        let mut reader = generated.reader();
        let mut part = vec![0; self.max_length() as usize - 6];
        loop {
            let count = read_full(&mut reader, &mut part);
            let last = count < part.len();
            self.send(&pdu(4, &pdv(context, if last { 2 } else { 0 }, &part[..count])));
            if last {
                break;
            }
        }
        self.response().unwrap_or_else(|other| panic!("no answer to a store: {other:?}")).status()
    }

    /// Asks for the release; whether it was answered with A-RELEASE-RP.
    pub fn release(mut self) -> bool {
        self.offer(&RELEASE_RQ) && matches!(self.receive(), Next::Pdu(Pdu { kind: 6, .. }))
    }

    /// Sends an A-ABORT and closes the connection.
    pub fn abort(mut self) {
        self.offer(&ABORT);
    }

    /// Closes the connection without a word.
    pub fn hang_up(self) {}

    /// Tells the other side that nothing more will be sent; answers can still come.
    pub fn stop_sending(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Breaks the connection with a TCP reset: the kernel sends one when a socket is closed with unread bytes in it, so
    /// an echo is asked for and its answer left unread. Needs an association and its verification context.
    ///
    /// # Panics
    /// When no answer comes.
    pub fn reset(mut self, verification: u8) {
        let command = Command::echo(self.next_id());
        self.send_message(verification, &command, None);
        self.stream.set_read_timeout(Some(self.limit)).expect("a deadline");
        assert!(self.stream.peek(&mut [0]).expect("an answer") == 1, "closed instead of an answer");
    }

    /// Waits until the other side has closed the connection, reading away what still comes; false at the deadline.
    pub fn closed(&mut self) -> bool {
        let (stream, buffer) = (&mut self.stream, &mut [0; 4096]);
        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a deadline");
        within(self.limit, || match stream.read(buffer) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => {
                let kind = error.kind();
                !matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
            }
        })
    }
}
