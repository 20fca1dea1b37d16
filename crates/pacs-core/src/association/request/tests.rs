//! A requestor against scripted acceptors: what goes out, and what each answer leads to.

use super::*;
use crate::association::accept::{self, Contexts, Policy, Verdict};
use crate::net::{LinkError, SocketOptions};
use crate::pdu::{HEADER_LENGTH, PduHeader};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const LITTLE: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";

fn wanted() -> Request {
    let context = |id, class: &str, syntax: &str| ProposedContext {
        id,
        abstract_syntax: class.to_owned(),
        transfer_syntaxes: vec![syntax.to_owned()],
    };
    Request {
        calling: AeTitle::new("ME"),
        called: AeTitle::new("YOU"),
        contexts: vec![context(1, CT, LITTLE), context(3, CT, IMPLICIT), context(5, "1.2.3", LITTLE)],
        roles: Vec::new(),
        extended: Vec::new(),
        identity: None,
        max_pdu: 16384,
        max_send_pdu: None,
    }
}

fn timeouts() -> Timeouts {
    Timeouts { acse: Duration::from_millis(500), socket: Some(Duration::from_secs(5)), data_set: None }
}

/// Runs a script at the other end of a connection.
fn acceptor<T: Send + 'static>(script: impl FnOnce(TcpStream) -> T + Send + 'static) -> (Link, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let far = listener.accept().unwrap().0;
    far.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let script = std::thread::spawn(move || script(far));
    (Link::new(near, SocketOptions { no_delay: true, buffer_length: None }).unwrap(), script)
}

/// The next PDU; none when the connection has ended.
fn receive(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; HEADER_LENGTH];
    stream.read_exact(&mut head).ok()?;
    let header = PduHeader::from_bytes(head);
    let mut body = vec![0; header.length as usize];
    stream.read_exact(&mut body).ok()?;
    Some((header.kind, body))
}

/// Reads the request and accepts it as storescp would, but for what `change` does to the answer.
fn accept_with(stream: &mut TcpStream, change: impl FnOnce(&mut AssociateAc)) -> AssociateRq {
    let (kind, body) = receive(stream).unwrap();
    assert_eq!(kind, 1);
    let rq = read::associate_rq(&body).unwrap();
    let contexts = Contexts::storage(&[], vec![LITTLE], false);
    let policy = Policy { refuse: false, require_implementation_class: false, max_pdu: 16384, contexts };
    let Verdict::Accept(mut acceptance) = accept::judge(&rq, &policy) else { panic!("refused") };
    change(&mut acceptance.ac);
    stream.write_all(&write::associate_ac(&acceptance.ac).unwrap()).unwrap();
    rq
}

/// What a script that answers with these bytes makes of a request.
fn answered_with(bytes: Vec<u8>) -> RequestError {
    let (link, script) = acceptor(move |mut stream| {
        receive(&mut stream);
        stream.write_all(&bytes).unwrap();
        // Until the other side closes.
        while receive(&mut stream).is_some() {}
    });
    let error = request(link, &wanted(), timeouts()).unwrap_err();
    script.join().unwrap();
    error
}

#[test]
fn an_acceptance_says_what_became_of_each_context() {
    let (link, script) = acceptor(|mut stream| {
        let rq = accept_with(&mut stream, |ac| {
            ac.contexts.reverse();
            ac.user.max_length = Some(5001);
        });
        (rq, receive(&mut stream))
    });
    let established = request(link, &wanted(), timeouts()).unwrap();
    let states: Vec<_> = established.contexts.iter().map(|context| (context.id, context.state)).collect();
    let unsupported = State::AbstractSyntaxNotSupported;
    assert_eq!(states, [(1, State::Accepted), (3, State::TransferSyntaxesNotSupported), (5, unsupported)]);
    assert_eq!(established.max_send_pdv, 4988);
    let association = established.association;
    assert_eq!(association.answered_contexts().map(|context| context.id).collect::<Vec<_>>(), [1]);
    assert!(matches!(association.release(), Err(AssociationError::PeerClosed)), "the script ends");
    let (rq, release) = script.join().unwrap();
    assert_eq!((rq.calling, rq.called), (AeTitle::new("ME"), AeTitle::new("YOU")));
    assert_eq!(rq.user.implementation_class_uid, crate::IMPLEMENTATION_CLASS_UID);
    assert_eq!(rq.contexts, wanted().contexts);
    assert_eq!(release.unwrap().0, 5);
}

#[test]
fn contexts_stand_in_the_order_of_the_answer() {
    let (link, script) = acceptor(|mut stream| {
        accept_with(&mut stream, |ac| {
            for result in &mut ac.contexts {
                (result.result, result.transfer_syntax) = (0, IMPLICIT.to_owned());
            }
            ac.contexts.reverse();
            // An answer to nothing, and a second one.
            ac.contexts.push(crate::pdu::ContextResult { id: 99, result: 0, transfer_syntax: LITTLE.into() });
            ac.contexts.push(crate::pdu::ContextResult { id: 1, result: 3, transfer_syntax: LITTLE.into() });
        })
    });
    let Established { association, .. } = request(link, &wanted(), timeouts()).unwrap();
    let order: Vec<_> = association.answered_contexts().map(|context| context.id).collect();
    assert_eq!(order[..3], [5, 3, 1]);
    script.join().unwrap();
}

#[test]
fn other_answers_are_told_apart() {
    let rejected = answered_with(write::associate_rj(AssociateRj { result: 1, source: 1, reason: 7 }).to_vec());
    assert!(matches!(rejected, RequestError::Rejected(AssociateRj { result: 1, source: 1, reason: 7 })));
    for (bytes, condition) in [
        (
            write::abort(Abort { source: 0, reason: 0 }).to_vec(),
            "0006:0317 Peer aborted Association (or never connected)",
        ),
        (b"\x09\0\0\0\0\x04\0\0\0\0".to_vec(), "0006:0321 Unrecognized PDU type:  9"),
        (b"HTTP/1.1 200 OK\r\n".to_vec(), "0006:0321 Unrecognized PDU type: 48"),
        (write::release_rp().to_vec(), "0006:0303 DUL Finite State Machine Error: ReleaseRp PDU in state 5"),
        (b"\x02\0\xFF\xFF\xFF\xFF".to_vec(), "0006:0437 A-ASSOCIATE PDU too large"),
        (b"\x03\0\0\0\0\x02\x01\x01".to_vec(), "0006:0308 DUL Illegal PDU Length 2.  Max expected 4"),
    ] {
        let error = answered_with(bytes);
        assert_eq!(error.to_string(), condition);
    }
}

#[test]
fn silence_and_a_closed_connection_are_told_apart() {
    let (link, script) = acceptor(|mut stream| {
        receive(&mut stream);
        std::iter::from_fn(|| receive(&mut stream)).last()
    });
    let start = Instant::now();
    let error = request(link, &wanted(), timeouts()).unwrap_err();
    assert!(matches!(error, RequestError::Association(AssociationError::Link(LinkError::Timeout))), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
    let (kind, body) = script.join().unwrap().unwrap();
    assert_eq!((kind, body[2]), (7, 2), "the acceptor hears an A-ABORT of the provider");
    let (link, script) = acceptor(|mut stream| receive(&mut stream).map(|(kind, _)| kind));
    let error = request(link, &wanted(), timeouts()).unwrap_err();
    assert!(matches!(error, RequestError::Association(AssociationError::PeerClosed)), "{error}");
    assert_eq!(script.join().unwrap(), Some(1));
}

#[test]
fn what_cannot_be_asked_for_is_not() {
    let refused = |change: fn(&mut Request)| {
        let mut request = wanted();
        change(&mut request);
        request.check().unwrap_err().to_string()
    };
    assert_eq!(refused(|r| r.calling = AeTitle::new("  ")), "0006:030c Illegal service parameter: Calling AP Title");
    assert_eq!(refused(|r| r.called = AeTitle::new("")), "0006:030c Illegal service parameter: Called AP Title");
    assert_eq!(
        refused(|r| r.contexts.clear()),
        "0006:0103 ASC Coding error in ASC_requestAssociation: missing presentation contexts"
    );
    assert!(wanted().check().is_ok());
}

#[test]
fn a_user_must_be_confirmed_only_by_name() {
    let identified = |kind, confirmed: bool| {
        let (link, script) = acceptor(move |mut stream| {
            let rq = accept_with(&mut stream, |ac| ac.user.identity_response = confirmed.then(Vec::new));
            (rq.user.identity, receive(&mut stream).map(|(kind, _)| kind))
        });
        let identity =
            UserIdentity { kind, response_requested: true, primary: b"joe".to_vec(), secondary: b"pw".to_vec() };
        let request_with = Request { identity: Some(identity), ..wanted() };
        let result = request(link, &request_with, timeouts())
            .map(|established| established.association.abort(Abort { source: 0, reason: 0 }));
        let (sent, then) = script.join().unwrap();
        assert_eq!(sent.map(|identity| identity.kind), Some(kind));
        assert_eq!(then, Some(7));
        result.is_ok()
    };
    assert!(!identified(1, false) && !identified(2, false));
    assert!(identified(1, true) && identified(2, true) && identified(3, false) && identified(5, false));
}

#[test]
fn the_send_limit_is_the_smaller_of_both() {
    let limit = |announced: Option<u32>, wanted| {
        let mut ac = AssociateAc {
            protocol_version: 1,
            called: AeTitle::new("A"),
            calling: AeTitle::new("B"),
            application_context: String::new(),
            contexts: Vec::new(),
            user: UserInformation::default(),
        };
        ac.user.max_length = announced;
        let limit = super::limit(&ac, wanted);
        (limit.announced, limit.payload)
    };
    assert_eq!(limit(Some(16384), None), (16372, Some(16372)));
    assert_eq!(limit(Some(16384), Some(4097)), (4084, Some(4084)), "even");
    assert_eq!(limit(Some(4096), Some(16384)), (4084, Some(4084)));
    assert_eq!(limit(None, Some(131_072)), (131_060, Some(131_060)));
    assert_eq!(limit(Some(0), None), (131_060, Some(131_060)));
    assert_eq!(limit(Some(1), None).1, None);
    assert_eq!(limit(Some(14), None).1, Some(2));
}

/// Establishes, and gives the association and what the script says at the end.
fn released<T: Send + 'static>(
    script: impl FnOnce(&mut TcpStream) -> T + Send + 'static,
) -> (Result<(), AssociationError>, T) {
    let (link, script) = acceptor(move |mut stream| {
        accept_with(&mut stream, |_| ());
        assert_eq!(receive(&mut stream).unwrap().0, 5);
        script(&mut stream)
    });
    let result = request(link, &wanted(), timeouts()).unwrap().association.release();
    (result, script.join().unwrap())
}

#[test]
fn a_release_is_confirmed_or_not() {
    let (result, next) = released(|stream| {
        // A message that was on its way is dropped.
        stream.write_all(b"\x04\0\0\0\0\x08\0\0\0\x04\x01\x03ab").unwrap();
        stream.write_all(&write::release_rp()).unwrap();
        receive(stream)
    });
    assert!(result.is_ok() && next.is_none(), "the connection is closed");
    let (result, next) = released(receive);
    assert!(matches!(result, Err(AssociationError::Link(LinkError::Timeout))));
    assert_eq!(next.unwrap().0, 7);
    let (result, ()) = released(|stream| stream.write_all(&write::abort(Abort { source: 2, reason: 0 })).unwrap());
    assert!(matches!(result, Err(AssociationError::PeerAborted(Abort { source: 2, reason: 0 }))));
    let (result, next) = released(|stream| {
        stream.write_all(b"\x09\0\0\0\0\0").unwrap();
        receive(stream)
    });
    assert!(matches!(result, Err(AssociationError::UnknownPdu(9))));
    assert_eq!(next.unwrap(), (7, vec![0, 0, 2, 1]));
}

#[test]
fn s28_release_collision() {
    let (result, answer) = released(|stream| {
        stream.write_all(&write::release_rq()).unwrap();
        let answer = receive(stream).unwrap().0;
        stream.write_all(&write::release_rp()).unwrap();
        (answer, receive(stream).is_none())
    });
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(answer, (6, true));
}

#[test]
fn a_flood_does_not_stretch_a_release() {
    let start = Instant::now();
    let (result, ()) = released(move |stream| {
        while stream.write_all(b"\x04\0\0\0\0\x08\0\0\0\x04\x01\x03ab").is_ok()
            && start.elapsed() < Duration::from_secs(8)
        {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert!(result.is_err());
    assert!(start.elapsed() < Duration::from_secs(6));
}
