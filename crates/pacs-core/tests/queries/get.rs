//! Retrievals on the association they are asked for on.

use crate::objects::{CT, Came, DEFLATED, JPEG, MR, RLE, Shelf, Stored, attributes, stored, take};
use crate::peers::{Asker, Grants, LEE, LEI, associate, provider};
use pacs_core::association::AssociationError;
use pacs_core::association::context::Role;
use pacs_core::dataset::Tag;
use pacs_core::dataset::identifier::{Attribute, Identifier};
use pacs_core::dataset::vr::Vr;
use pacs_core::dimse::command::{CGetRq, Counts, Kind, Priority, Request, Response};
use pacs_core::dimse::{self};
use pacs_core::service::c_get::{self, STUDY_ROOT};
use pacs_core::service::{CallError, Refused};
use std::thread::JoinHandle;
use std::time::Duration;

fn grants() -> Grants {
    vec![
        (vec![STUDY_ROOT], vec![LEE], Role::Default),
        (vec![CT, MR], vec![RLE, JPEG, DEFLATED, LEE, LEI, "1.2.840.10008.1.2.2"], Role::ScuScp),
    ]
}

/// What was logged, how it ended, and the last message ID.
type End = (Vec<String>, Result<(), CallError>, u16);

fn asking(shelf: Shelf, contexts: &[(&str, &[&str])], roles: &[&str]) -> (Asker, JoinHandle<End>) {
    let (port, provider) = provider(grants(), move |mut association| {
        let mut next_id = 0;
        let served = loop {
            let served = match dimse::next(&mut association) {
                Err(e) => Err(e.into()),
                Ok((message, call)) => {
                    let Kind::Request(Request::Get(request)) = &message.kind else { panic!("{message:?}") };
                    c_get::serve(call, request, &shelf, Some(Duration::from_secs(1)), &mut next_id)
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
        (shelf.seen.into_inner(), served, next_id)
    });
    let contexts: Vec<_> = [(STUDY_ROOT, &[LEE][..])].into_iter().chain(contexts.iter().copied()).collect();
    (Asker(associate(port, &contexts, roles)), provider)
}

fn get(asker: &mut Asker, message_id: u16) {
    let request = CGetRq { message_id, sop_class: STUDY_ROOT.to_owned(), priority: Priority::High };
    asker.send(1, Request::Get(request), Some(&[Attribute::new(Tag::new(0x0008, 0x0052), Vr::CS, "STUDY")]));
}

/// What came for a request: the objects, and the responses with the lists of those that failed.
fn got(
    asker: &mut Asker,
    mut answer: impl FnMut(&mut Asker, &Came) -> Option<u16>,
) -> (Vec<Came>, Vec<(Response, String)>) {
    let (mut came, mut responses) = (Vec::new(), Vec::new());
    loop {
        let next = take(asker, |asker, object| {
            came.push(Came {
                request: object.request.clone(),
                syntax: object.syntax.clone(),
                attributes: object.attributes.clone(),
                pixels: object.pixels,
            });
            answer(asker, object)
        });
        let Ok((Kind::Response(response), bytes)) = next else { panic!("{next:?}") };
        let list = Identifier::read(&bytes, LEE).unwrap();
        let list = list.get(Tag::new(0x0008, 0x0058)).map(|a| String::from_utf8_lossy(a.unpadded()).into_owned());
        let done = response.status != 0xFF00;
        responses.push((response, list.unwrap_or_default()));
        if done {
            return (came, responses);
        }
    }
}

fn counts(remaining: Option<u16>, completed: u16, failed: u16, warning: u16) -> Option<Counts> {
    Some(Counts { remaining, completed: Some(completed), failed: Some(failed), warning: Some(warning) })
}

#[test]
fn each_object_goes_in_a_context_that_fits_what_is_stored() {
    let objects = vec![
        stored(0, CT, LEE),
        stored(1, CT, RLE),
        stored(2, CT, LEI),
        stored(3, MR, "1.2.840.10008.1.2.2"),
        stored(4, CT, DEFLATED),
        stored(5, MR, LEE),
    ];
    let contexts: [(&str, &[&str]); 4] = [(CT, &[RLE]), (CT, &[LEE]), (CT, &[DEFLATED]), (MR, &[LEI])];
    let (mut asker, provider) = asking(Shelf::of(objects), &contexts, &[CT, MR]);
    get(&mut asker, 9);
    let (came, responses) = got(&mut asker, |_, _| Some(0));
    let syntaxes: Vec<_> = came.iter().map(|came| &*came.syntax).collect();
    assert_eq!(syntaxes, [LEE, RLE, LEE, LEI, DEFLATED, LEI]);
    for (number, came) in came.iter().enumerate() {
        let class = if [3, 5].contains(&number) { MR } else { CT };
        assert_eq!(came.attributes, attributes(number, class));
        assert_eq!(came.pixels, if number == 1 { 0 } else { 100_000 });
        let request = &came.request;
        assert_eq!((request.message_id as usize, request.priority), (number + 1, Priority::High));
        assert_eq!((&request.move_originator_title, request.move_originator_id), (&None, None));
    }
    assert_eq!(responses.len(), 7);
    for (number, (response, list)) in responses.iter().enumerate() {
        let (remaining, status) = if number < 6 { (Some(5 - number as u16), 0xFF00) } else { (None, 0) };
        assert_eq!((response.message_id, response.status, &**list), (9, status, ""));
        assert_eq!(response.suboperations, counts(remaining, (number + 1).min(6) as u16, 0, 0));
    }
    // Message IDs go on counting.
    get(&mut asker, 10);
    assert_eq!(got(&mut asker, |_, _| Some(0)).0[0].request.message_id, 7);
    asker.release();
    let (seen, served, next_id) = provider.join().unwrap();
    assert!(served.is_ok() && next_id == 12);
    assert_eq!(seen[..3], ["store 0 5", "answer 0000", "response 1 ff00"]);
}

#[test]
fn what_cannot_be_sent_is_counted_and_listed() {
    let mut objects = vec![
        stored(0, CT, LEE),
        stored(1, MR, LEE),
        stored(2, CT, RLE),
        stored(3, CT, LEE),
        stored(4, CT, LEE),
        stored(5, CT, LEE),
        stored(6, CT, LEE),
        stored(7, CT, JPEG),
    ];
    objects[3].file = None;
    objects[4].gone = true;
    objects[5].file.as_mut().unwrap().truncate(400);
    objects[7].class = MR;
    // MR without the role; CT in no compressed syntax.
    let (mut asker, provider) = asking(Shelf::of(objects), &[(CT, &[LEE, LEI]), (MR, &[LEE])], &[CT]);
    get(&mut asker, 9);
    let (came, responses) =
        got(&mut asker, |_, came| Some(if came.request.sop_instance == "1.2.0" { 0xB000 } else { 0 }));
    assert_eq!(came.len(), 2);
    let (last, list) = responses.last().unwrap();
    assert_eq!((responses.len(), last.status, last.suboperations), (9, 0xB000, counts(None, 1, 6, 1)));
    assert_eq!(list, "1.2.1\\1.2.2\\1.2.3\\1.2.5\\1.2.7");
    asker.release();
    let failures: Vec<_> = provider.join().unwrap().0.into_iter().filter(|line| line.starts_with("failed")).collect();
    assert_eq!(failures.len(), 6);
    assert_eq!(failures[0], "failed Some(1) 0006:0208 DIMSE No valid Presentation Context ID");
    assert_eq!(failures[1], "failed Some(2) 0006:020e DIMSE Failed to send message");
    assert_eq!(failures[3], "failed None the object has been removed");
    assert!(failures[2].starts_with("failed Some(3)") && failures[4].starts_with("failed Some(5)"));
}

#[test]
fn nothing_all_failed_and_refused() {
    let status = |shelf: Shelf| {
        let (mut asker, _provider) = asking(shelf, &[(CT, &[LEE])], &[CT]);
        get(&mut asker, 1);
        let (_, responses) = got(&mut asker, |_, _| Some(0xA700));
        asker.release();
        let (last, list) = responses.last().unwrap().clone();
        (responses.len(), last.status, last.suboperations, last.error_comment, list)
    };
    assert_eq!(status(Shelf::of(Vec::new())), (1, 0, counts(None, 0, 0, 0), None, String::new()));
    let all = status(Shelf::of(vec![stored(0, CT, LEE), stored(1, CT, LEE)]));
    assert_eq!(all, (3, 0xA702, counts(None, 0, 2, 0), None, "1.2.0\\1.2.1".to_owned()));
    let mut shelf = Shelf::of(vec![stored(0, CT, LEE)]);
    shelf.refused = Some(Refused { status: 0xA900, comment: Some("why".to_owned()) });
    assert_eq!(status(shelf), (1, 0xA900, counts(None, 0, 0, 0), Some("why".to_owned()), String::new()));
}

#[test]
fn a_cancel_before_the_answer_to_an_object_ends_it_there() {
    let objects: Vec<Stored> = (0..50).map(|number| stored(number, CT, LEE)).collect();
    let (mut asker, provider) = asking(Shelf::of(objects), &[(CT, &[LEE])], &[CT]);
    get(&mut asker, 9);
    let (came, responses) = got(&mut asker, |asker, came| {
        if came.request.message_id == 3 {
            asker.cancel(1, 9);
        }
        Some(0)
    });
    let (last, _) = responses.last().unwrap();
    assert_eq!((came.len(), last.status, last.suboperations), (3, 0xFE00, counts(Some(47), 3, 0, 0)));
    asker.release();
    assert!(provider.join().unwrap().0.contains(&"cancelled".to_owned()));
}

#[test]
fn a_peer_that_does_not_answer_or_goes_ends_the_association() {
    for goes in [false, true] {
        let objects: Vec<Stored> = (0..50).map(|number| stored(number, CT, LEE)).collect();
        let (mut asker, provider) = asking(Shelf::of(objects), &[(CT, &[LEE])], &[CT]);
        get(&mut asker, 9);
        let (Kind::Request(_), ..) = asker.receive().unwrap() else { panic!() };
        if goes {
            drop(asker);
        } else {
            assert!(asker.receive().is_err());
        }
        let (seen, served, _) = provider.join().unwrap();
        assert!(served.is_err() && seen.len() == 1, "{seen:?}");
    }
}
