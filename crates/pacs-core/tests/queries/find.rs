//! Queries.

use crate::peers::{Asker, Grants, LEE, LEI, associate, provider};
use pacs_core::association::context::Role;
use pacs_core::association::{Association, AssociationError};
use pacs_core::dataset::Tag;
use pacs_core::dataset::identifier::{Attribute, MOST};
use pacs_core::dataset::vr::Vr;
use pacs_core::dimse::command::{CFindRq, Kind, Message, Priority, Request, Response};
use pacs_core::dimse::{self, DimseError};
use pacs_core::service::c_find::{self, Matches, STUDY_ROOT};
use pacs_core::service::{CallError, Query, Refused, c_echo};
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

const VERIFICATION: &str = "1.2.840.10008.1.1";
const LEVEL: Tag = Tag::new(0x0008, 0x0052);

/// An owner with so many studies.
#[derive(Default)]
struct Numbers {
    count: u32,
    pause: Duration,
    then: Option<Refused>,
    given: Cell<u32>,
    asked: RefCell<Vec<u8>>,
    statuses: RefCell<Vec<u16>>,
}

impl Matches for Numbers {
    fn find(&self, query: &Query<'_>, found: &mut dyn FnMut(&[Attribute]) -> ControlFlow<()>) -> Result<(), Refused> {
        assert_eq!((query.sop_class, query.transfer_syntax), (STUDY_ROOT, LEE));
        assert_eq!(query.parties.calling.text(), "ASKER");
        *self.asked.borrow_mut() = query.identifier.get(LEVEL).map(|a| a.unpadded().to_vec()).unwrap_or_default();
        for number in 0..self.count {
            std::thread::sleep(self.pause);
            self.given.set(number + 1);
            let attributes = [
                Attribute::new(LEVEL, Vr::CS, "STUDY"),
                Attribute::new(Tag::PATIENT_NAME, Vr::PN, "Somebody^With^A^Name"),
                Attribute::new(Tag::STUDY_INSTANCE, Vr::UI, format!("1.2.{number}")),
            ];
            if found(&attributes).is_break() {
                return Ok(());
            }
        }
        self.then.clone().map_or(Ok(()), Err)
    }

    fn responded(&self, number: u64, response: &Response, attributes: &[Attribute]) {
        assert_eq!(response.data_set, !attributes.is_empty());
        if number == 1 {
            self.statuses.borrow_mut().clear();
        }
        self.statuses.borrow_mut().push(response.status);
        assert_eq!(number, self.statuses.borrow().len() as u64);
    }
}

fn grants() -> Grants {
    vec![(vec![STUDY_ROOT, VERIFICATION], vec![LEE, LEI], Role::Default)]
}

/// Serves until the association ends; what it ended with.
fn serve(association: &mut Association, owner: &Numbers) -> CallError {
    loop {
        let served = match dimse::next(association) {
            Err(e) => Err(e.into()),
            Ok((message, call)) => match &message.kind {
                Kind::Request(Request::Find(request)) => c_find::serve(call, request, owner),
                Kind::Request(Request::Echo(request)) => c_echo::serve(call, request).map_err(CallError::from),
                Kind::Request(Request::Cancel(_)) => Ok(()),
                other => panic!("{other:?}"),
            },
        };
        if let Err(e) = served {
            return e;
        }
    }
}

/// A provider with such an owner, and a peer that asks.
fn asking(owner: Numbers) -> (Asker, std::thread::JoinHandle<(Numbers, CallError)>) {
    let (port, provider) = provider(grants(), move |mut association| {
        let error = serve(&mut association, &owner);
        match &error {
            CallError::Dimse(e) if matches!(e.association(), Some(AssociationError::PeerReleased)) => {
                association.acknowledge_release();
            }
            CallError::Dimse(e) => e.end(*association),
            CallError::Identifier(_) => drop(association),
        }
        (owner, error)
    });
    (Asker(associate(port, &[(STUDY_ROOT, &[LEE]), (VERIFICATION, &[LEE])], &[])), provider)
}

fn find(message_id: u16) -> Request {
    Request::Find(CFindRq { message_id, sop_class: STUDY_ROOT.to_owned(), priority: Priority::Medium })
}

fn level() -> Vec<Attribute> {
    vec![Attribute::new(LEVEL, Vr::CS, "STUDY"), Attribute::new(Tag::STUDY_INSTANCE, Vr::UI, "")]
}

/// All responses to the end: how many are pending, and the last one.
fn responses(asker: &mut Asker, message_id: u16) -> (u32, Response) {
    let mut pending = 0;
    loop {
        let (response, identifier) = asker.response();
        assert_eq!((response.field, response.message_id), (0x8020, message_id));
        assert_eq!(response.sop_class.as_deref(), Some(STUDY_ROOT));
        if response.status != 0xFF00 {
            assert!(identifier.attributes().is_empty());
            return (pending, response);
        }
        let uid = identifier.get(Tag::STUDY_INSTANCE).unwrap();
        assert_eq!(uid.unpadded(), format!("1.2.{pending}").as_bytes());
        pending += 1;
    }
}

#[test]
fn every_match_is_a_pending_response() {
    let (mut asker, provider) = asking(Numbers { count: 2000, ..Numbers::default() });
    asker.send(1, find(7), Some(&level()));
    let (pending, last) = responses(&mut asker, 7);
    assert_eq!((pending, last.status, last.error_comment), (2000, 0, None));
    asker.release();
    let (owner, error) = provider.join().unwrap();
    assert_eq!(*owner.asked.borrow(), b"STUDY");
    assert_eq!((owner.statuses.borrow().len(), owner.statuses.borrow()[2000]), (2001, 0));
    assert!(matches!(error, CallError::Dimse(DimseError::Association(AssociationError::PeerReleased))));
}

#[test]
fn a_refusal_ends_a_query_behind_what_was_found() {
    let then = Some(Refused { status: 0xC000, comment: Some("no".to_owned()) });
    let (mut asker, _provider) = asking(Numbers { count: 3, then, ..Numbers::default() });
    asker.send(1, find(1), Some(&level()));
    let (pending, last) = responses(&mut asker, 1);
    assert_eq!((pending, last.status, last.error_comment.as_deref()), (3, 0xC000, Some("no")));
    // An identifier without attributes.
    asker.send(1, find(2), Some(&[]));
    assert_eq!(responses(&mut asker, 2).0, 3);
    asker.release();
}

#[test]
fn a_cancel_acts_before_the_next_response() {
    let count = 5_000_000;
    let (mut asker, provider) = asking(Numbers { count, ..Numbers::default() });
    asker.send(1, find(7), Some(&level()));
    for _ in 0..5 {
        assert_eq!(asker.response().0.status, 0xFF00);
    }
    asker.cancel(1, 7);
    let last = loop {
        let (response, _) = asker.response();
        if response.status != 0xFF00 {
            break response;
        }
    };
    assert_eq!((last.status, last.data_set, last.message_id), (0xFE00, false, 7));
    // Another query on the same association, and a cancel that comes too late.
    asker.cancel(1, 7);
    asker.send(
        3,
        Request::Echo(pacs_core::dimse::command::CEchoRq { message_id: 8, sop_class: VERIFICATION.into() }),
        None,
    );
    assert_eq!(asker.response().0.status, 0);
    asker.release();
    let (owner, _) = provider.join().unwrap();
    assert!(owner.given.get() < count, "it went on to the end");
}

#[test]
fn a_slow_search_is_answered_one_by_one_and_cancelled_at_once() {
    let (mut asker, provider) = asking(Numbers { count: 50, pause: Duration::from_millis(20), ..Numbers::default() });
    asker.send(1, find(7), Some(&level()));
    let begun = Instant::now();
    asker.response();
    asker.response();
    assert!(begun.elapsed() < Duration::from_millis(500), "responses are held back");
    asker.cancel(1, 7);
    let mut behind = 0;
    while asker.response().0.status == 0xFF00 {
        behind += 1;
    }
    assert!(behind <= 1, "{behind} responses behind the cancel");
    asker.release();
    assert!(provider.join().unwrap().0.given.get() <= 5);
}

#[test]
fn whatever_else_comes_during_a_query_ends_the_association() {
    for other in [0_u16, 1, 2] {
        let slow = Numbers { count: 200, pause: Duration::from_millis(5), ..Numbers::default() };
        let (mut asker, provider) = asking(slow);
        asker.send(1, find(7), Some(&level()));
        asker.response();
        match other {
            0 => asker.cancel(1, 8),
            1 => asker.send(1, find(9), Some(&level())),
            _ => {}
        }
        let text = if other == 2 {
            drop(asker);
            "0006:0317 Peer aborted Association (or never connected)"
        } else {
            while let Ok((Kind::Response(_), ..)) = asker.receive() {}
            [
                "0006:0210 DIMSE: Checking for C-CANCEL-RQ, Protocol Error: msgId=8",
                "0006:0210 DIMSE: Checking for C-CANCEL-RQ, \
              Protocol Error: Cmd=0x20",
            ][usize::from(other)]
        };
        let (owner, error) = provider.join().unwrap();
        assert_eq!(error.to_string(), text);
        assert!(owner.given.get() < 200);
    }
}

#[test]
fn a_release_during_a_query_is_confirmed() {
    let (mut asker, provider) = asking(Numbers { count: 200, pause: Duration::from_millis(5), ..Numbers::default() });
    asker.send(1, find(7), Some(&level()));
    asker.response();
    asker.release();
    let (owner, error) = provider.join().unwrap();
    assert_eq!(error.to_string(), "0006:0319 DUL Peer Requested Release");
    assert!(owner.given.get() < 200);
}

#[test]
fn other_classes_and_large_identifiers_are_refused() {
    let (mut asker, _provider) = asking(Numbers { count: 3, ..Numbers::default() });
    let wrong = CFindRq { message_id: 1, sop_class: VERIFICATION.to_owned(), priority: Priority::Medium };
    asker.send(1, Request::Find(wrong), Some(&level()));
    assert_eq!(asker.response().0.status, 0x0122);
    let large = [Attribute::new(Tag::new(0x0040, 0xA160), Vr::UT, vec![b'x'; MOST])];
    asker.send(1, find(2), Some(&large));
    let last = asker.response().0;
    assert_eq!((last.status, last.error_comment.as_deref()), (0xA700, Some("identifier longer than 1048576 bytes")));
    asker.release();
}

#[test]
fn an_identifier_that_is_no_data_set_ends_the_association() {
    let (mut asker, provider) = asking(Numbers::default());
    asker.send_bytes(1, &Message::request(find(1), true), Some(b"\x08\0\x52\0CS\x06\0STU"));
    assert!(asker.receive().is_err());
    let (_, error) = provider.join().unwrap();
    assert_eq!(error.to_string(), "0006:020d DIMSE Failed to receive message\n0001:0004 Invalid stream");
}

#[test]
fn many_matches_come_whole() {
    let count = 20_000;
    let (mut asker, _provider) = asking(Numbers { count, ..Numbers::default() });
    asker.send(1, find(7), Some(&level()));
    let mut pending = 0;
    while let (Kind::Response(response), ..) = asker.receive().unwrap() {
        if response.status != 0xFF00 {
            break;
        }
        pending += 1;
    }
    assert_eq!(pending, count);
    asker.release();
}
