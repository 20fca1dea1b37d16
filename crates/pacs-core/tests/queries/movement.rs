//! Retrievals that go to a third party.

use crate::objects::{CT, DEFLATED, JPEG, MR, RLE, Shelf, Stored, attributes, stored, take};
use crate::peers::{Asker, Grants, LEE, LEI, associate, provider};
use pacs_core::association::context::Role;
use pacs_core::association::{Association, AssociationError};
use pacs_core::dataset::Tag;
use pacs_core::dataset::identifier::{Attribute, Identifier};
use pacs_core::dataset::vr::Vr;
use pacs_core::dataset::{Context, Form};
use pacs_core::dimse::command::{CMoveRq, Counts, Kind, Priority, Request, Response};
use pacs_core::dimse::{self, DimseError};
use pacs_core::pdu::Abort;
use pacs_core::service::c_move::{self, Move, Offer, STUDY_ROOT};
use pacs_core::service::c_store::send::SendError;
use pacs_core::service::retrieve::{Event, Object, Retrieve};
use pacs_core::service::{CallError, Query, Refused};
use std::io;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// An owner that knows one destination, `THERE`.
struct Mover {
    shelf: Shelf,
    /// Its port; none: nobody is there.
    there: Option<u16>,
    offers: Mutex<Vec<Vec<Offer>>>,
}

impl Retrieve for Mover {
    type Key = usize;
    type Place = usize;
    type File = Vec<u8>;

    fn select(&self, query: &Query<'_>) -> Result<Vec<usize>, Refused> {
        self.shelf.select(query)
    }

    fn describe(&self, keys: &[usize]) -> Result<Vec<Option<Object<usize>>>, Refused> {
        self.shelf.describe(keys)
    }

    fn open(&self, object: &Object<usize>) -> io::Result<Vec<u8>> {
        self.shelf.open(object)
    }

    fn context(&self) -> Context<'static> {
        self.shelf.context()
    }

    fn form(&self) -> Form {
        Form::default()
    }

    fn happened(&self, event: Event<'_, usize>) {
        self.shelf.happened(event);
    }
}

impl Move for Mover {
    type Destination = u16;

    fn destination(&self, title: &str, query: &Query<'_>) -> Result<u16, Refused> {
        assert_eq!(query.sop_class, STUDY_ROOT);
        match title {
            "THERE" => Ok(self.there.unwrap_or(0)),
            _ => Err(Refused::with(0xA801)),
        }
    }

    fn associate(&self, destination: &u16, offers: &[Offer]) -> Option<Box<Association>> {
        self.offers.lock().unwrap().push(offers.to_vec());
        if *destination == 0 {
            return None;
        }
        let syntaxes: Vec<Vec<&str>> =
            offers.iter().map(|offer| offer.transfer_syntaxes.iter().map(String::as_str).collect()).collect();
        let contexts: Vec<(&str, &[&str])> =
            offers.iter().zip(&syntaxes).map(|(offer, syntaxes)| (&*offer.abstract_syntax, &**syntaxes)).collect();
        Some(associate(*destination, &contexts, &[]))
    }

    fn release(&self, association: Box<Association>) {
        self.shelf.seen.borrow_mut().push("release".to_owned());
        association.release().unwrap();
    }

    fn abandon(&self, association: Box<Association>, error: Option<&SendError>) {
        self.shelf.seen.borrow_mut().push(format!("abandon {}", error.map(ToString::to_string).unwrap_or_default()));
        association.abort(Abort { source: 0, reason: 0 });
    }
}

/// What an archive that serves one association has to tell at the end.
struct End {
    seen: Vec<String>,
    served: Result<(), CallError>,
    offers: Vec<Vec<Offer>>,
}

fn asking(objects: Vec<Stored>, there: Option<u16>, limit: Option<Duration>) -> (Asker, JoinHandle<End>) {
    let grants: Grants = vec![(vec![STUDY_ROOT], vec![LEE], Role::Default)];
    let (port, provider) = provider(grants, move |mut association| {
        let mover = Mover { shelf: Shelf::of(objects), there, offers: Mutex::default() };
        let served = loop {
            let served = match dimse::next(&mut association) {
                Err(e) => Err(e.into()),
                Ok((message, call)) => {
                    let Kind::Request(Request::Move(request)) = &message.kind else { panic!("{message:?}") };
                    c_move::serve(call, request, &mover, limit)
                }
            };
            match served {
                Ok(()) => {}
                Err(CallError::Dimse(e)) if matches!(e.association(), Some(AssociationError::PeerReleased)) => {
                    association.acknowledge_release();
                    break Ok(());
                }
                Err(e) => break Err(e),
            }
        };
        End { seen: mover.shelf.seen.into_inner(), served, offers: mover.offers.into_inner().unwrap() }
    });
    (Asker(associate(port, &[(STUDY_ROOT, &[LEE])], &[])), provider)
}

fn ask(asker: &mut Asker, destination: &str) {
    let request = CMoveRq {
        message_id: 9,
        sop_class: STUDY_ROOT.to_owned(),
        priority: Priority::Low,
        destination: destination.to_owned(),
    };
    asker.send(1, Request::Move(request), Some(&[Attribute::new(Tag::new(0x0008, 0x0052), Vr::CS, "STUDY")]));
}

/// All responses, and the list of the last.
fn responses(asker: &mut Asker) -> (Vec<Response>, String) {
    let mut responses = Vec::new();
    loop {
        let (response, identifier): (Response, Identifier) = asker.response();
        assert_eq!((response.field, response.message_id), (0x8021, 9));
        let done = response.status != 0xFF00;
        responses.push(response);
        if done {
            let list = identifier.get(Tag::new(0x0008, 0x0058));
            return (responses, list.map(|a| String::from_utf8_lossy(a.unpadded()).into_owned()).unwrap_or_default());
        }
    }
}

fn counts(remaining: Option<u16>, completed: u16, failed: u16, warning: u16) -> Option<Counts> {
    Some(Counts { remaining, completed: Some(completed), failed: Some(failed), warning: Some(warning) })
}

/// SOP Instance UID and transfer syntax of what came, and whether it ended with a release.
type Took = (Vec<(String, String)>, bool);

/// A destination for one association, which grants these syntaxes and answers so. What came, and how it ended.
fn destination(
    syntaxes: Vec<&'static str>,
    mut answer: impl FnMut(&mut Asker, &crate::objects::Came) -> Option<u16> + Send + 'static,
) -> (u16, JoinHandle<Took>) {
    provider(vec![(vec![CT, MR], syntaxes, Role::Default)], move |association| {
        assert_eq!(association.parties().calling.text(), "ASKER");
        let (mut asker, mut came) = (Asker(association), Vec::new());
        let end = take(&mut asker, |asker, object| {
            let request = &object.request;
            let mover = (request.move_originator_title.as_deref(), request.move_originator_id);
            assert_eq!((mover, request.priority), ((Some("ASKER"), Some(9)), Priority::Low));
            assert_eq!(usize::from(request.message_id), came.len() + 1);
            let number = request.sop_instance.strip_prefix("1.2.").unwrap().parse().unwrap();
            assert_eq!(object.attributes, attributes(number, &request.sop_class));
            came.push((request.sop_instance.clone(), object.syntax.clone()));
            answer(asker, object)
        });
        let released = matches!(end, Err(DimseError::Association(AssociationError::PeerReleased)));
        if released {
            asker.0.acknowledge_release();
        }
        (came, released)
    })
}

#[test]
fn all_goes_to_the_destination_each_as_it_is_stored() {
    let (there, destination) = destination(vec![RLE, DEFLATED, LEI], |_, _| Some(0));
    let objects = vec![
        stored(0, CT, LEE),
        stored(1, CT, RLE),
        stored(2, MR, "1.2.840.10008.1.2.2"),
        stored(3, MR, DEFLATED),
        stored(4, MR, JPEG),
    ];
    let (mut asker, provider) = asking(objects, Some(there), None);
    ask(&mut asker, "THERE");
    let (responses, list) = responses(&mut asker);
    assert_eq!(responses.len(), 6);
    let last = responses.last().unwrap();
    // The destination takes no JPEG.
    assert_eq!((last.status, last.suboperations, &*list), (0xB000, counts(None, 4, 1, 0), "1.2.4"));
    assert_eq!(responses[3].suboperations, counts(Some(1), 4, 0, 0));
    asker.release();
    let end = provider.join().unwrap();
    assert!(end.served.is_ok());
    let (came, released) = destination.join().unwrap();
    assert!(released);
    let expected = [("1.2.0", LEI), ("1.2.1", RLE), ("1.2.2", LEI), ("1.2.3", DEFLATED)];
    assert_eq!(came, expected.map(|(uid, syntax)| (uid.to_owned(), syntax.to_owned())));
    assert_eq!(end.offers.len(), 1);
    assert_eq!(end.offers[0].len(), 5, "plain and RLE; plain, deflated and JPEG");
    let tail: Vec<_> = end.seen.iter().rev().take(3).rev().cloned().collect();
    assert_eq!(tail, ["response 5 ff00", "release", "response 6 b000"]);
}

#[test]
fn destinations_that_are_unknown_or_not_there() {
    let (mut asker, provider) = asking(vec![stored(0, CT, LEE), stored(1, CT, LEE)], None, None);
    ask(&mut asker, "NOWHERE");
    let (first, list) = responses(&mut asker);
    assert_eq!((first.len(), first[0].status, first[0].suboperations, &*list), (1, 0xA801, counts(None, 0, 0, 0), ""));
    // One response tells of all that failed.
    ask(&mut asker, "THERE");
    let (second, list) = responses(&mut asker);
    assert_eq!((second.len(), second[0].status, second[0].suboperations), (1, 0xA702, counts(None, 0, 2, 0)));
    assert_eq!(list, "1.2.0\\1.2.1");
    asker.release();
    assert_eq!(provider.join().unwrap().seen, ["response 1 a801", "response 1 a702"]);
    // Where nothing matches, nobody asks whither.
    let (mut asker, _provider) = asking(Vec::new(), None, None);
    ask(&mut asker, "NOWHERE");
    assert_eq!(responses(&mut asker).0[0].status, 0);
    asker.release();
}

#[test]
fn a_destination_that_is_lost_fails_what_is_left() {
    let (there, destination) = provider(vec![(vec![CT], vec![LEE], Role::Default)], |association| {
        let mut asker = Asker(association);
        asker.receive().unwrap();
        asker.0.abort(Abort { source: 0, reason: 0 });
    });
    let (mut asker, provider) = asking((0..4).map(|number| stored(number, CT, LEE)).collect(), Some(there), None);
    ask(&mut asker, "THERE");
    let (responses, list) = responses(&mut asker);
    assert_eq!((responses.len(), responses[4].status, &*list), (5, 0xA702, "1.2.0\\1.2.1\\1.2.2\\1.2.3"));
    asker.release();
    let end = provider.join().unwrap();
    assert!(end.seen.contains(&"abandon 0006:0317 Peer aborted Association (or never connected)".to_owned()));
    destination.join().unwrap();
}

#[test]
fn an_answer_that_does_not_come_in_time_ends_the_association_with_the_destination() {
    let (there, destination) = destination(vec![LEE], |_, _| None);
    let objects = vec![stored(0, CT, LEE), stored(1, CT, LEE)];
    let (mut asker, provider) = asking(objects, Some(there), Some(Duration::from_millis(300)));
    ask(&mut asker, "THERE");
    let (responses, _) = responses(&mut asker);
    assert_eq!((responses.len(), responses[2].status), (3, 0xA702));
    asker.release();
    let end = provider.join().unwrap();
    assert!(end.seen.iter().any(|line| line.starts_with("abandon 0006:0207")), "{:?}", end.seen);
    assert_eq!(destination.join().unwrap().0.len(), 1);
}

#[test]
fn a_cancel_lets_the_object_on_its_way_arrive() {
    let (there, destination) = destination(vec![LEE], |_, came| {
        if came.request.message_id == 3 {
            // The cancel comes while this answer is waited for.
            std::thread::sleep(Duration::from_millis(700));
        }
        Some(0)
    });
    let (mut asker, provider) = asking((0..50).map(|number| stored(number, CT, LEE)).collect(), Some(there), None);
    ask(&mut asker, "THERE");
    asker.response();
    asker.response();
    std::thread::sleep(Duration::from_millis(200));
    asker.cancel(1, 9);
    let (responses, _) = responses(&mut asker);
    assert_eq!(
        (responses.len(), responses[1].status, responses[1].suboperations),
        (2, 0xFE00, counts(Some(47), 3, 0, 0))
    );
    asker.release();
    let end = provider.join().unwrap();
    assert!(end.seen.contains(&"cancelled".to_owned()) && end.seen.contains(&"release".to_owned()));
    assert_eq!(destination.join().unwrap().0.len(), 3);
}

#[test]
fn whoever_asked_is_not_waited_for_when_gone() {
    let (there, destination) = destination(vec![LEE], |_, _| None);
    let (mut asker, provider) = asking(vec![stored(0, CT, LEE), stored(1, CT, LEE)], Some(there), None);
    ask(&mut asker, "THERE");
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    drop(asker);
    let end = provider.join().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(end.served.is_err());
    assert_eq!(end.seen, ["store 0 1", "abandon "]);
    let (came, released) = destination.join().unwrap();
    assert!(came.len() == 1 && !released);
}

#[test]
fn more_classes_than_fit_take_more_associations() {
    const CLASSES: usize = 130;
    let classes: Vec<&'static str> =
        pacs_core::names::storage_classes().iter().map(|class| class.uid).take(CLASSES).collect();
    let objects: Vec<Stored> = classes.iter().enumerate().map(|(number, class)| stored(number, class, LEE)).collect();
    // Both associations go to the same listener, one after the other.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let there = listener.local_addr().unwrap().port();
    let destination = std::thread::spawn(move || {
        (0..2)
            .map(|_| {
                let grants: Grants = vec![(classes.clone(), vec![LEE], Role::Default)];
                let mut asker = Asker(crate::peers::accept(listener.accept().unwrap().0, grants));
                let mut came = 0;
                while take(&mut asker, |_, _| Some(0).inspect(|_| came += 1)).is_ok() {}
                asker.0.acknowledge_release();
                came
            })
            .collect::<Vec<_>>()
    });
    let (mut asker, provider) = asking(objects, Some(there), None);
    ask(&mut asker, "THERE");
    let (responses, _) = responses(&mut asker);
    let last = responses.last().unwrap();
    assert_eq!((responses.len(), last.status, last.suboperations), (131, 0, counts(None, 130, 0, 0)));
    asker.release();
    assert_eq!(provider.join().unwrap().offers.iter().map(Vec::len).collect::<Vec<_>>(), [128, 2]);
    assert_eq!(destination.join().unwrap(), [128, 2]);
}
